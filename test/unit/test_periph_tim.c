/* The counters of all timers: time base, preload, one-pulse, directions, repetition, compare and PWM,
 * what the outside is told, and that counting is exact however rarely anybody looks. */
#include "tim_regs.h"

static const struct timer {
    uint32_t base;
    unsigned irq;
} timers[] = {{TIM1, 25}, {TIM2, 28}, {TIM6, 54}, {TIM7, 55}, {TIM15, 24}, {TIM16, 25}};
enum { TIMERS = sizeof timers / sizeof timers[0] };

static void clocks(void)
{
    clock_hsi16();
    clock_on(0x58, 0);
    clock_on(0x58, 4);
    clock_on(0x58, 5);
    clock_on(0x60, 11);
    clock_on(0x60, 16);
    clock_on(0x60, 17);
}

static int on(void **state)
{
    rig_on(state);
    clocks();
    return 0;
}

/* Update interrupt after (PSC + 1) (ARR + 1) clocks, PSC taken over by UG only. */
static void time_base(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TIMERS; i++) {
        uint32_t t = timers[i].base;
        wr(t + PSC, 15);
        wr(t + ARR, 99);
        wr(t + EGR, 1);
        assert_int_equal(rd(t + SR), 1); /* UG sets UIF, URS being 0 */
        wr(t + SR, 0);
        wr(t + DIER, 1);
        wr(t + CR1, CEN);
        run_ps(99 * PS_PER_US + 900000);
        assert_int_equal(rd(t + CNT), 99);
        assert_false(irq_line(timers[i].irq));
        run_ps(100000);
        assert_int_equal(rd(t + CNT), 0);
        assert_true(irq_line(timers[i].irq));
        assert_int_equal(rd(t + SR) & 1, 1);
        wr(t + SR, 0);
        assert_false(irq_line(timers[i].irq));
        run_us(250);
        assert_int_equal(rd(t + CNT), 50);
        assert_true(irq_line(timers[i].irq));
        wr(t + CR1, 0);
        run_us(1000);
        assert_int_equal(rd(t + CNT), 50);
        wr(t + DIER, 0);
        wr(t + SR, 0);
    }
}

/* 1000 periods of a clock that is no divisor of a picosecond, looked at once: not a tick is lost. */
static void exact_over_long_times(void **state)
{
    (void)state;
    wr(0x40021000 + 0x98, 1); /* HSI48, and MSI at 48 MHz is the clock */
    run_us(100);
    wr(0x40021000, (rd(0x40021000) & ~0xF0u) | 11 << 4 | 1 << 3 | 1);
    run_us(100);
    wr(0x40021008, 0);
    run_us(100);
    wr(TIM2 + ARR, 0xFFFFFFFF);
    wr(TIM2 + CNT, 0);
    wr(TIM2 + CR1, CEN);
    ps_t begin = chip_now(rig);
    run_ps(3 * PS_PER_S + 7);
    uint64_t ticks = (chip_now(rig) - begin) / 1000 * 48 / 1000; /* 48 MHz: 48 ticks a microsecond */
    assert_in_range(rd(TIM2 + CNT), ticks - 1, ticks + 1);
    /* 16-bit timer with interrupts off: flags and phase are right after 1e5 periods */
    wr(TIM6 + ARR, 479);
    wr(TIM6 + CR1, CEN);
    begin = chip_now(rig);
    run_ps(PS_PER_S + 5 * PS_PER_US);
    uint64_t counted = (chip_now(rig) - begin) * 6 / 125000; /* 48e6 / 1e12 */
    assert_int_equal(rd(TIM6 + CNT), counted % 480);
    assert_int_equal(rd(TIM6 + SR), 1);
}

/* A change of clock in the middle keeps what was counted. */
static void clock_changes(void **state)
{
    (void)state;
    wr(TIM2 + CR1, CEN);
    wr(TIM2 + CNT, 0);
    run_us(100);
    assert_int_equal(rd(TIM2 + CNT), 1600);
    set_bits(0x40021008, 4u << 8); /* PPRE1 / 2: timers still get HCLK */
    run_us(100);
    assert_int_equal(rd(TIM2 + CNT), 3200);
    set_bits(0x40021008, 5u << 8); /* / 4: twice that */
    run_us(100);
    assert_int_equal(rd(TIM2 + CNT), 4000);
    clear_bits(0x40021058, 1); /* gated: stands */
    run_us(100);
    clock_on(0x58, 0);
    assert_in_range(rd(TIM2 + CNT), 4000, 4001);
}

static void preload_and_flags(void **state)
{
    (void)state;
    wr(TIM6 + ARR, 999);
    wr(TIM6 + CR1, CEN | ARPE);
    wr(TIM6 + ARR, 499);  /* waits for the update */
    run_ps(625 * 100000); /* 1000 ticks */
    assert_int_equal(rd(TIM6 + SR), 1);
    wr(TIM6 + SR, 0);
    run_ps(625 * 49900);
    assert_int_equal(rd(TIM6 + SR), 0);
    run_ps(625 * 200);
    assert_int_equal(rd(TIM6 + SR), 1);
    wr(TIM6 + CR1, CEN); /* without ARPE: at once */
    wr(TIM6 + CNT, 0);
    wr(TIM6 + ARR, 99);
    wr(TIM6 + SR, 0);
    run_ps(625 * 9900);
    assert_int_equal(rd(TIM6 + SR), 0);
    run_ps(625 * 200);
    assert_int_equal(rd(TIM6 + SR), 1);
    /* UDIS: no update; URS: UG leaves UIF alone */
    wr(TIM6 + CR1, CEN | UDIS);
    wr(TIM6 + SR, 0);
    run_us(100);
    assert_int_equal(rd(TIM6 + SR), 0);
    wr(TIM6 + EGR, 1);
    assert_int_equal(rd(TIM6 + SR), 0);
    assert_int_equal(rd(TIM6 + CNT), 0);
    wr(TIM6 + CR1, URS);
    wr(TIM6 + EGR, 1);
    assert_int_equal(rd(TIM6 + SR), 0);
    wr(TIM6 + CR1, 0);
    wr(TIM6 + EGR, 1);
    assert_int_equal(rd(TIM6 + SR), 1);
    /* UIFREMAP shows UIF in the counter */
    wr(TIM6 + CR1, 1 << 11);
    assert_int_equal(rd(TIM6 + CNT), 0x80000000);
    wr(TIM6 + SR, 0);
    assert_int_equal(rd(TIM6 + CNT), 0);
    /* ARR 0 blocks the counter */
    wr(TIM6 + ARR, 0);
    wr(TIM6 + CR1, CEN);
    run_us(10);
    assert_int_equal(rd(TIM6 + CNT) | rd(TIM6 + SR), 0);
}

static void one_pulse(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TIMERS; i++) {
        uint32_t t = timers[i].base;
        wr(t + ARR, 159);
        wr(t + DIER, 1);
        wr(t + CR1, CEN | OPM);
        run_us(9);
        assert_int_equal(rd(t + CR1), CEN | OPM);
        run_us(2);
        assert_int_equal(rd(t + CR1), OPM);
        assert_int_equal(rd(t + CNT), 0);
        assert_true(irq_line(timers[i].irq));
        wr(t + SR, 0);
        run_us(100);
        assert_int_equal(rd(t + SR) & 1, 0);
        wr(t + DIER, 0);
        wr(t + CR1, 0);
    }
}

static void directions(void **state)
{
    (void)state;
    wr(TIM2 + PSC, 15);
    wr(TIM2 + ARR, 9);
    wr(TIM2 + CR1, DIR);
    wr(TIM2 + EGR, 1);
    assert_int_equal(rd(TIM2 + CNT), 9);
    wr(TIM2 + SR, 0);
    wr(TIM2 + CR1, CEN | DIR);
    run_us(9);
    assert_int_equal(rd(TIM2 + CNT), 0);
    assert_int_equal(rd(TIM2 + SR) & 1, 0);
    run_us(1);
    assert_int_equal(rd(TIM2 + CNT), 9);
    assert_int_equal(rd(TIM2 + SR) & 1, 1);
    /* center-aligned: 0 … 9 … 0, an update at each end */
    wr(TIM2 + CR1, 0);
    wr(TIM2 + CNT, 0);
    wr(TIM2 + SR, 0);
    wr(TIM2 + CR1, CEN | 3 << 5);
    run_us(8);
    assert_int_equal(rd(TIM2 + SR) & 1, 0);
    assert_int_equal(rd(TIM2 + CR1) & DIR, 0);
    run_us(1);
    assert_int_equal(rd(TIM2 + CNT), 9);
    assert_int_equal(rd(TIM2 + SR) & 1, 1);
    assert_int_equal(rd(TIM2 + CR1) & DIR, DIR);
    wr(TIM2 + SR, 0);
    run_us(8);
    assert_int_equal(rd(TIM2 + CNT), 1);
    assert_int_equal(rd(TIM2 + SR) & 1, 0);
    run_us(1);
    assert_int_equal(rd(TIM2 + CNT), 0);
    assert_int_equal(rd(TIM2 + SR) & 1, 1);
    /* ARR or 0 written turns it without an update, more than ARR does not ("Hints on center-aligned mode") */
    wr(TIM2 + SR, 0);
    wr(TIM2 + CNT, 9);
    assert_int_equal(rd(TIM2 + CR1) & DIR, DIR);
    run_us(3);
    assert_int_equal(rd(TIM2 + CNT), 6);
    wr(TIM2 + CNT, 0);
    run_us(3);
    assert_int_equal(rd(TIM2 + CNT), 3);
    wr(TIM2 + CNT, 20);
    run_us(3);
    assert_int_equal(rd(TIM2 + CNT), 23);
    assert_int_equal(rd(TIM2 + SR) & 1, 0);
    wr(TIM2 + CR1, CEN | 1 << 5); /* CMS is fixed while counting */
    assert_int_equal(rd(TIM2 + CR1) & 0x60, 3 << 5);
}

/* RCR: every (n + 1)th overflow updates; the new value counts from the next update. */
static void repetition(void **state)
{
    static const uint32_t with_rcr[3] = {TIM1, TIM15, TIM16};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t t = with_rcr[i];
        wr(t + ARR, 159);
        wr(t + RCR, 2);
        wr(t + EGR, 1);
        wr(t + SR, 0);
        wr(t + CR1, CEN);
        run_us(29);
        assert_int_equal(rd(t + SR) & 1, 0);
        run_us(2);
        assert_int_equal(rd(t + SR) & 1, 1);
        wr(t + SR, 0);
        run_us(28);
        assert_int_equal(rd(t + SR) & 1, 0);
        run_us(2);
        assert_int_equal(rd(t + SR) & 1, 1);
    }
}

/* Compare flags at their counts, interrupts of all four channels, DMA and rc_w0. */
static void compare_flags(void **state)
{
    (void)state;
    wr(TIM2 + PSC, 15);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + ARR, 99);
    for (uint32_t ch = 0; ch < 4; ch++)
        wr(TIM2 + CCR1 + 4 * ch, 20 * (ch + 1));
    wr(TIM2 + SR, 0);
    wr(TIM2 + DIER, 0x1E);
    wr(TIM2 + CR1, CEN);
    for (uint32_t ch = 0; ch < 4; ch++) {
        run_us(19);
        assert_int_equal(rd(TIM2 + SR), 0);
        run_us(1);
        assert_int_equal(rd(TIM2 + SR), 2u << ch);
        assert_true(irq_line(28));
        wr(TIM2 + SR, ~(2u << ch));
        assert_false(irq_line(28));
    }
    wr(TIM2 + CCR1, 500); /* above ARR: with the overflow */
    run_us(20);
    assert_int_equal(rd(TIM2 + SR), 3);
    wr(TIM2 + EGR, 1 << 3);
    assert_int_equal(rd(TIM2 + SR) & 8, 8);
    wr(TIM2 + SR, 0xFFFFFFFF); /* writing ones leaves everything */
    assert_int_equal(rd(TIM2 + SR) & 11, 11);
}

/* TIM1 has a line for each kind of event; one of them is at a time. */
static void lines_of_tim1(void **state)
{
    static const struct {
        uint32_t egr;
        unsigned irq;
    } rows[] = {{1, 25}, {2, 27}, {1 << 4, 27}, {1 << 5, 26}, {1 << 6, 26}, {1 << 7, 24}};

    (void)state;
    wr(TIM1 + CR2, 1); /* CCPC, or there is no COM */
    wr(TIM1 + DIER, 0xFF);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wr(TIM1 + SR, 0);
        wr(TIM1 + EGR, rows[i].egr);
        assert_int_equal(rd(TIM1 + SR), rows[i].egr);
        for (unsigned irq = 24; irq <= 27; irq++)
            assert_int_equal(irq_line(irq), irq == rows[i].irq);
    }
}

/* CCxS is locked while the channel is on; CCR5's bits for the other channels are no part of its value. */
static void locked_selection(void **state)
{
    (void)state;
    for (unsigned ch = 0; ch < 4; ch++) {
        uint32_t ccmr = TIM2 + CCMR1 + ch / 2 * 4, shift = 8 * (ch % 2);
        wr(TIM2 + CCER, 1u << 4 * ch);
        wr(ccmr, 0x0101);
        assert_int_equal(rd(ccmr), 0x0101u & ~(1u << shift));
        wr(ccmr, 0);
    }
    wr(TIM1 + CCR5, 7u << 29 | 5);
    wr(TIM1 + SR, 0);
    wr(TIM1 + CR1, CEN);
    run_us(1); /* 16 counts */
    assert_int_equal(rd(TIM1 + SR) >> 16 & 1, 1);
}

/* Pin levels in each output mode: counts of a period of 10 at which PA0 (TIM2_CH1) is high. */
static void output_modes(void **state)
{
    static const struct {
        uint32_t mode, cr1;
        uint16_t high; /* bit per count of the period */
    } rows[] = {
        {6, 0, 0x007},   /* PWM 1: below 3 */
        {7, 0, 0x3F8},   /* PWM 2 */
        {4, 0, 0x000},   /* forced low */
        {5, 0, 0x3FF},   /* forced high */
        {6, DIR, 0x00F}, /* down: 3 and below */
    };

    (void)state;
    pin_mode('A', 0, 2, 1);
    wr(TIM2 + PSC, 15);
    wr(TIM2 + ARR, 9);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + CCER, 1);
    wr(TIM2 + CCR1, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wr(TIM2 + CCMR1, rows[i].mode << 4);
        wr(TIM2 + CR1, rows[i].cr1);
        wr(TIM2 + EGR, 1);
        wr(TIM2 + CR1, rows[i].cr1 | CEN);
        run_ps(PS_PER_US / 2);
        for (unsigned n = 0; n < 30; n++) {
            uint32_t cnt = rd(TIM2 + CNT);
            if (pin_level('A', 0) != (rows[i].high >> cnt & 1))
                fail_msg("row %zu, count %u: pin is %d", i, cnt, pin_level('A', 0));
            run_us(1);
        }
        wr(TIM2 + CR1, 0);
    }
    /* active, inactive, toggle on match */
    wr(TIM2 + CCMR1, 4 << 4);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + CCMR1, 1 << 4);
    wr(TIM2 + CR1, CEN);
    run_ps(PS_PER_US * 5 / 2);
    assert_false(pin_level('A', 0));
    run_us(1);
    assert_true(pin_level('A', 0));
    wr(TIM2 + CCMR1, 2 << 4);
    run_us(9);
    assert_true(pin_level('A', 0));
    run_us(1);
    assert_false(pin_level('A', 0));
    wr(TIM2 + CCMR1, 3 << 4);
    run_us(10);
    assert_true(pin_level('A', 0));
    run_us(10);
    assert_false(pin_level('A', 0));
    wr(TIM2 + CCER, 3); /* polarity */
    assert_true(pin_level('A', 0));
    wr(TIM2 + CCER, 0);
    assert_false(pin_level('A', 0)); /* let go */
}

/* A preloaded compare value is taken over by the update. */
static void compare_preload(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 1);
    wr(TIM2 + PSC, 15);
    wr(TIM2 + ARR, 9);
    wr(TIM2 + CCMR1, 6 << 4 | 8);
    wr(TIM2 + CCR1, 5);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + CCER, 1);
    wr(TIM2 + CR1, CEN);
    run_ps(PS_PER_US / 2);
    wr(TIM2 + CCR1, 2);
    run_us(3);
    assert_true(pin_level('A', 0)); /* count 3, still 5 */
    run_us(10);
    assert_false(pin_level('A', 0));
    assert_int_equal(rd(TIM2 + CCR1), 2);
}

static void pwm_events(void **state)
{
    (void)state;
    pin_mode('B', 3, 2, 1); /* TIM2_CH2 */
    wr(TIM2 + PSC, 15);
    wr(TIM2 + ARR, 999);
    wr(TIM2 + CCMR1, (6 << 4 | 8) << 8);
    wr(TIM2 + CCR2, 250);
    wr(TIM2 + CCER, 1 << 4);
    wr(TIM2 + EGR, 1);
    assert_int_equal(told.pwms, 0); /* not running */
    wr(TIM2 + CR1, CEN);
    assert_int_equal(told.pwms, 1);
    assert_true(told.hz == 1000 && told.duty == 0.25);
    assert_int_equal(told.pwm_port * 16 + told.pwm_pin, 16 + 3);
    wr(TIM2 + CCR2, 900);
    run_us(500);
    assert_int_equal(told.pwms, 1);
    run_us(501); /* at the update */
    assert_int_equal(told.pwms, 2);
    assert_true(told.duty == 0.9);
    run_us(20000); /* no news */
    assert_int_equal(told.pwms, 2);
    set_bits(TIM2 + CCER, 1 << 5);
    assert_true(told.duty > 0.0999 && told.duty < 0.1001);
    wr(TIM2 + CR1, 0);
    assert_true(told.hz == 0);
    /* a pin that is given to the timer later starts to show */
    wr(TIM2 + CR1, CEN);
    pin_mode('B', 3, 0, 0);
    unsigned before = told.pwms;
    pin_mode('B', 3, 2, 1);
    assert_true(told.pwms > before && told.hz == 1000);
    wr(TIM2 + CR1, 0);
    wr(TIM2 + CR1, 1 << 5);
    wr(TIM2 + CCER, 1 << 4);
    wr(TIM2 + CR1, CEN | 1 << 5);
    assert_true(told.hz > 500.4 && told.hz < 500.6); /* 2 x 999 counts */
}

/* 2^48 periods of 8 MHz are longer than the time that picoseconds can tell: the turn never comes, and the
 * counter counts on. */
static void out_of_reach(void **state)
{
    (void)state;
    wr(0x40021008, rd(0x40021008) | 8 << 4); /* HPRE: 8 MHz */
    wr(TIM2 + PSC, 0xFFFF);
    wr(TIM2 + ARR, 0xFFFFFFFF);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + SR, 0);
    wr(TIM2 + DIER, 1);
    wr(TIM2 + CR1, CEN);
    run_us(100000);
    assert_int_equal(rd(TIM2 + CNT), 12);
    assert_int_equal(rd(TIM2 + SR), 0);
}

/* DMA burst: one update writes ARR, RCR, CCR1 and CCR2 through DMAR. */
static void dma_burst(void **state)
{
    (void)state;
    clock_on(0x48, 0);
    for (uint32_t i = 0; i < 8; i++)
        wr(0x20000000 + 4 * i, 100 + i);
    wr(0x400200A8, 7u << 20); /* channel 6: TIM1_UP */
    wr(0x40020070, 8);
    wr(0x40020074, TIM1 + DMAR);
    wr(0x40020078, 0x20000000);
    wr(0x4002006C, 1 | 1 << 4 | 1 << 7 | 2 << 8 | 2 << 10);
    wr(TIM1 + DCR, 3 << 8 | ARR / 4);
    wr(TIM1 + DIER, 1 << 8);
    wr(TIM1 + EGR, 1);
    run_us(20);
    assert_int_equal(rd(TIM1 + ARR), 100);
    assert_int_equal(rd(TIM1 + RCR), 101);
    assert_int_equal(rd(TIM1 + CCR1), 102);
    assert_int_equal(rd(TIM1 + CCR2), 103);
    assert_int_equal(rd(0x40020070), 4);
    wr(TIM1 + EGR, 1);
    run_us(20);
    assert_int_equal(rd(TIM1 + CCR2), 107);
}

/* An update that no channel serves: the request waits for one, until UDE is cleared. */
static void dma_request_waits(void **state)
{
    (void)state;
    clock_on(0x48, 0);
    wr(0x400200A8, 7u << 20);
    wr(0x40020074, TIM1 + CCR1);
    wr(0x40020078, 0x20000000);
    for (unsigned cleared = 0; cleared < 2; cleared++) {
        wr(0x40020070, 8);
        wr(TIM1 + DIER, 1 << 8);
        wr(TIM1 + EGR, 1);
        if (cleared) {
            wr(TIM1 + DIER, 0);
            wr(TIM1 + DIER, 1 << 8);
        }
        wr(0x4002006C, 1 | 1 << 4 | 1 << 7 | 2 << 8 | 2 << 10);
        run_us(20);
        assert_int_equal(rd(0x40020070), cleared ? 8 : 7);
        wr(0x4002006C, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(time_base, on, rig_off),
        cmocka_unit_test_setup_teardown(exact_over_long_times, on, rig_off),
        cmocka_unit_test_setup_teardown(clock_changes, on, rig_off),
        cmocka_unit_test_setup_teardown(preload_and_flags, on, rig_off),
        cmocka_unit_test_setup_teardown(one_pulse, on, rig_off),
        cmocka_unit_test_setup_teardown(directions, on, rig_off),
        cmocka_unit_test_setup_teardown(repetition, on, rig_off),
        cmocka_unit_test_setup_teardown(compare_flags, on, rig_off),
        cmocka_unit_test_setup_teardown(lines_of_tim1, on, rig_off),
        cmocka_unit_test_setup_teardown(locked_selection, on, rig_off),
        cmocka_unit_test_setup_teardown(output_modes, on, rig_off),
        cmocka_unit_test_setup_teardown(compare_preload, on, rig_off),
        cmocka_unit_test_setup_teardown(pwm_events, on, rig_off),
        cmocka_unit_test_setup_teardown(out_of_reach, on, rig_off),
        cmocka_unit_test_setup_teardown(dma_burst, on, rig_off),
        cmocka_unit_test_setup_teardown(dma_request_waits, on, rig_off),
    };

    return cmocka_run_group_tests_name("timers: counting", tests, NULL, NULL);
}
