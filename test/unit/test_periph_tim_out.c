/* What timers put out: complementary outputs with dead time, break, commutation, lock, combined outputs,
 * references that an input clears, infrared, matches by writing. */
#include "tim_regs.h"

/* Levels of PA8 (CH1) and PA7 (CH1N) with both outputs on: never both active, dead time on each edge. */
static void complementary(void **state)
{
    (void)state;
    pin_mode('A', 8, 2, 1);
    pin_mode('A', 7, 2, 1);
    wr(TIM1 + ARR, 19);
    wr(TIM1 + CCR1, 10);
    wr(TIM1 + CCMR1, 6 << 4);
    wr(TIM1 + CCER, 1 | 4);
    wr(TIM1 + BDTR, MOE | 32); /* 32 periods of 16 MHz: 2 us */
    wr(TIM1 + EGR, 1);
    wr(TIM1 + CR1, CEN);
    run_us(40);
    run_ps(PS_PER_US / 2);
    for (unsigned n = 0; n < 40; n++) {
        uint32_t cnt = rd(TIM1 + CNT);
        bool high = pin_level('A', 8), low = pin_level('A', 7);
        if (high != (cnt >= 2 && cnt < 10) || low != (cnt >= 12))
            fail_msg("count %u: OC1 %d, OC1N %d", cnt, high, low);
        run_us(1);
    }
    wr(TIM1 + CCER, 4); /* the complementary output alone carries the reference, without dead time */
    run_us(20);
    for (unsigned n = 0; n < 20; n++) {
        assert_int_equal(pin_level('A', 7), rd(TIM1 + CNT) < 10);
        assert_false(pin_level('A', 8));
        run_us(1);
    }
    /* dead time encodings */
    static const struct {
        uint32_t dtg, periods;
    } rows[] = {{0x7F, 127}, {0x80, 128}, {0xBF, 254}, {0xC0, 256}, {0xDF, 504}, {0xE0, 512}, {0xFF, 1008}};
    wr(TIM1 + ARR, 999);
    wr(TIM1 + CCR1, 500);
    wr(TIM1 + CCER, 1 | 4);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wr(TIM1 + BDTR, MOE | rows[i].dtg);
        wr(TIM1 + EGR, 1);
        run_us(400);
        wr(TIM1 + CNT, 499);
        ps_t begin = chip_now(rig), off = 0;
        while (!pin_level('A', 7)) {
            if (pin_level('A', 8))
                off = chip_now(rig);
            run_ps(62500);
        }
        assert_true(off > begin);
        assert_in_range(chip_now(rig) - off, (rows[i].periods - 1) * 62500ull,
                        (rows[i].periods + 2) * 62500ull);
    }
    /* A reset of the timer lets the pin go. */
    set_bits(0x4800000C, 1 << 14);
    wr(TIM1 + CCMR1, 4 << 4);
    wr(TIM1 + CCER, 4);
    assert_false(pin_level('A', 7));
    wr(0x40021040, 1 << 11);
    wr(0x40021040, 0);
    assert_true(pin_level('A', 7));
}

/* TIM15 and TIM16 have one each: PB13, PB6. */
static void complementary_of_others(void **state)
{
    (void)state;
    pin_mode('B', 13, 2, 14);
    pin_mode('B', 6, 2, 14);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t t = i ? TIM16 : TIM15;
        wr(t + ARR, 19);
        wr(t + CCR1, 10);
        wr(t + CCMR1, 6 << 4);
        wr(t + CCER, 4);
        wr(t + BDTR, MOE);
        wr(t + EGR, 1);
        wr(t + CR1, CEN);
    }
    for (unsigned n = 0; n < 20; n++) {
        assert_int_equal(pin_level('B', 13), rd(TIM15 + CNT) < 10);
        assert_int_equal(pin_level('B', 6), rd(TIM16 + CNT) < 10);
        run_us(1);
    }
}

static void break_input(void **state)
{
    (void)state;
    pin_mode('A', 8, 2, 1);
    pin_mode('A', 6, 2, 1); /* BKIN */
    pin_drive('A', 6, 0);
    wr(TIM1 + ARR, 19);
    wr(TIM1 + CCMR1, 5 << 4);
    wr(TIM1 + CCER, 1);
    wr(TIM1 + CR1, CEN);
    wr(TIM1 + BDTR, BKE | BKP | MOE);
    wr(TIM1 + DIER, 0x80);
    assert_true(pin_level('A', 8));
    pin_drive('A', 6, 1);
    assert_int_equal(rd(TIM1 + BDTR) & MOE, 0);
    assert_int_equal(rd(TIM1 + SR) & 0x80, 0x80);
    assert_true(irq_line(24));
    assert_false(pin_level('A', 8));
    wr(TIM1 + BDTR, BKE | BKP | MOE); /* not while the break is active */
    assert_int_equal(rd(TIM1 + BDTR) & MOE, 0);
    pin_drive('A', 6, 0);
    wr(TIM1 + SR, 0);
    assert_false(irq_line(24));
    assert_int_equal(rd(TIM1 + BDTR) & MOE, 0); /* software has to set it … */
    wr(TIM1 + BDTR, BKE | BKP | AOE);
    run_us(25); /* … or AOE does with the next update */
    assert_int_equal(rd(TIM1 + BDTR) & MOE, MOE);
    assert_true(pin_level('A', 8));
    /* idle state with OSSI */
    wr(TIM1 + CR2, 1 << 8);
    wr(TIM1 + CCMR1, 4 << 4);
    wr(TIM1 + BDTR, BKE | BKP | MOE | OSSI);
    assert_false(pin_level('A', 8));
    wr(TIM1 + EGR, 0x80); /* by software */
    assert_true(pin_level('A', 8));
    wr(TIM1 + OR2, 0); /* BKINE off: deaf */
    wr(TIM1 + BDTR, BKE | BKP | MOE);
    pin_drive('A', 6, 1);
    assert_int_equal(rd(TIM1 + BDTR) & MOE, MOE);
    /* TIM16 has its own */
    pin_mode('B', 5, 2, 14);
    pin_drive('B', 5, 1);
    wr(TIM16 + BDTR, BKE | MOE); /* active low */
    assert_int_equal(rd(TIM16 + BDTR) & MOE, MOE);
    pin_drive('B', 5, 0);
    assert_int_equal(rd(TIM16 + BDTR) & MOE, 0);
}

static void commutation(void **state)
{
    (void)state;
    pin_mode('A', 8, 2, 1);
    wr(TIM1 + BDTR, MOE);
    wr(TIM1 + DIER, 0x20);
    wr(TIM1 + CR2, 1); /* CCPC */
    wr(TIM1 + CCMR1, 5 << 4);
    wr(TIM1 + CCER, 1);
    assert_false(pin_level('A', 8));
    assert_int_equal(rd(TIM1 + CCER), 1);
    wr(TIM1 + EGR, 0x20);
    assert_true(pin_level('A', 8));
    assert_int_equal(rd(TIM1 + SR) & 0x20, 0x20);
    assert_true(irq_line(26));
    /* CCUS: an edge of TRGI as well, without a slave mode, as HAL_TIMEx_ConfigCommutEvent has it */
    wr(TIM1 + SR, 0);
    wr(TIM1 + CR2, 1 | 4);
    wr(TIM1 + SMCR, 1 << 4); /* TIM2 */
    wr(TIM2 + CR2, 2 << 4);
    wr(TIM1 + CCMR1, 4 << 4);
    assert_true(pin_level('A', 8));
    wr(TIM2 + EGR, 1);
    assert_false(pin_level('A', 8));
    assert_int_equal(rd(TIM1 + SR), 0x20);
}

/* Retriggerable one pulse: idle, from the trigger to the update a pulse that another trigger makes longer. */
static void retriggerable(void **state)
{
    (void)state;
    pin_mode('A', 8, 2, 1);
    wr(TIM1 + ARR, 99);
    wr(TIM1 + CCER, 1);
    wr(TIM1 + BDTR, MOE);
    wr(TIM1 + SMCR, 1 << 16 | 1 << 4); /* combined reset and trigger, by TIM2 */
    for (unsigned i = 0; i < 4; i++) {
        bool second = i & 1, down = i & 2, idle = second == down;
        wr(TIM1 + CR1, OPM | (down ? DIR : 0));
        wr(TIM1 + EGR, 1);
        wr(TIM1 + CCR1, down ? 99 : 0);
        wr(TIM1 + CCMR1, 1 << 16 | (second ? 1 << 4 : 0));
        run_us(300);
        assert_int_equal(pin_level('A', 8), idle);
        wr(TIM2 + EGR, 1);
        run_us(80);
        assert_int_equal(pin_level('A', 8), !idle);
        wr(TIM2 + EGR, 1);
        run_us(80);
        assert_int_equal(pin_level('A', 8), !idle);
        run_us(30);
        assert_int_equal(pin_level('A', 8), idle);
        assert_int_equal(rd(TIM1 + CR1) & CEN, 0);
    }
}

/* OCxFE: in one pulse mode the trigger puts the reference where a match would, whatever the compare value,
 * and there it stays to the end of the pulse. */
static void fast_enable(void **state)
{
    (void)state;
    pin_mode('A', 8, 2, 1);
    wr(TIM1 + ARR, 99);
    wr(TIM1 + CCER, 1);
    wr(TIM1 + BDTR, MOE);
    wr(TIM1 + SMCR, 1 << 4 | 6); /* started by TIM2 */
    for (unsigned i = 0; i < 16; i++) {
        bool fast = i & 1, second = i & 2, down = i & 4, once = i & 8, idle = second == down;
        bool matched = !idle, acts = fast && once;
        wr(TIM1 + CR1, (once ? OPM : 0) | (down ? DIR : 0));
        wr(TIM1 + CCR1, down ? 49 : 50);
        wr(TIM1 + EGR, 1);
        wr(TIM1 + CCMR1, ((second ? 7u : 6u) << 4 | (fast ? 4u : 0)) * 0x101); /* channel 2 as well */
        run_us(10);
        assert_int_equal(pin_level('A', 8), idle);
        wr(TIM2 + EGR, 1);
        assert_int_equal(pin_level('A', 8), acts ? matched : idle);
        run_us(40);
        assert_int_equal(pin_level('A', 8), acts ? matched : idle);
        run_us(20);
        assert_int_equal(pin_level('A', 8), matched);
        run_us(30);
        assert_int_equal(pin_level('A', 8), matched);
        run_us(20);
        assert_int_equal(pin_level('A', 8), idle);
    }
}

static void lock(void **state)
{
    (void)state;
    wr(TIM1 + BDTR, 1 << 8 | 0x10 | OSSR);
    wr(TIM1 + BDTR, 0xFFFF & ~0x300u);
    assert_int_equal(rd(TIM1 + BDTR), MOE | OSSI | OSSR | 1 << 8 | 0x10);
    wr(TIM1 + CR2, 0x7F00);
    assert_int_equal(rd(TIM1 + CR2), 0);
    wr(TIM1 + OR2, 0);
    wr(TIM1 + OR2 + 4, 0x0F07);
    assert_int_equal(rd(TIM1 + OR2) << 16 | rd(TIM1 + OR2 + 4), 0x10001);
    wr(TIM1 + CCER, 3); /* polarity is free up to level 1 */
    assert_int_equal(rd(TIM1 + CCER), 3);
    wr(TIM15 + BDTR, 3 << 8);
    wr(TIM15 + CCER, 3);
    assert_int_equal(rd(TIM15 + CCER), 1);
    wr(TIM15 + CCMR1, 0x78);
    assert_int_equal(rd(TIM15 + CCMR1), 0);
    set_bits(0x40021060 - 0x20, 1u << 16); /* only a reset of the timer opens it */
    clear_bits(0x40021060 - 0x20, 1u << 16);
    wr(TIM15 + CCMR1, 0x78);
    assert_int_equal(rd(TIM15 + CCMR1), 0x78);
    wr(TIM15 + BDTR, MOE); /* LOCK is written once, as 0, too */
    wr(TIM15 + BDTR, 3 << 8 | OSSI);
    assert_int_equal(rd(TIM15 + BDTR), OSSI);
}

/* Combined and asymmetric modes, channel 5. */
static void combined_outputs(void **state)
{
    (void)state;
    pin_mode('A', 8, 2, 1);
    wr(TIM1 + ARR, 19);
    wr(TIM1 + BDTR, MOE);
    wr(TIM1 + CCR1, 5);
    wr(TIM1 + CCR2, 15);
    wr(TIM1 + CCMR1, 1 << 16 | 4 << 4 | 7 << 12); /* combined PWM 1: OC1REF or OC2REF (PWM 2) */
    wr(TIM1 + CCER, 1);
    wr(TIM1 + EGR, 1);
    wr(TIM1 + CR1, CEN);
    run_ps(PS_PER_US / 2);
    for (unsigned n = 0; n < 40; n++) {
        uint32_t cnt = rd(TIM1 + CNT);
        assert_int_equal(pin_level('A', 8), cnt < 5 || cnt >= 15);
        run_us(1);
    }
    wr(TIM1 + CCMR1, 6 << 4);
    wr(TIM1 + CCMR3, 6 << 4);
    wr(TIM1 + CCR5, 3 | 1u << 29); /* OC5REF masks channel 1 */
    run_us(40);
    for (unsigned n = 0; n < 40; n++) {
        assert_int_equal(pin_level('A', 8), rd(TIM1 + CNT) < 3);
        run_us(1);
    }
    assert_int_equal(rd(TIM1 + SR) & 0x10000, 0x10000);
}

/* IR_OUT sinks a diode's current while both carrier (TIM15) and envelope (TIM16) are high. */
static void infrared(void **state)
{
    (void)state;
    pin_mode('B', 9, 2, 1);
    assert_true(pin_level('B', 9));
    wr(TIM15 + ARR, 9);
    wr(TIM15 + CCR1, 4);
    wr(TIM16 + ARR, 99);
    wr(TIM16 + CCR1, 40);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t t = i ? TIM16 : TIM15;
        wr(t + CCMR1, 6 << 4);
        wr(t + CCER, 1);
        wr(t + BDTR, MOE);
        wr(t + EGR, 1);
        wr(t + CR1, CEN);
        if (!i)
            assert_true(pin_level('B', 9)); /* a carrier without an envelope */
    }
    run_ps(PS_PER_US / 2);
    unsigned low = 0;
    for (unsigned n = 0; n < 1000; n++) {
        bool level = pin_level('B', 9);
        assert_int_equal(level, !(rd(TIM15 + CNT) < 4 && rd(TIM16 + CNT) < 40));
        low += !level;
        run_us(1);
    }
    assert_in_range(low, 155, 165);
    wr(TIM16 + CCER, 0); /* the envelope ends */
    run_us(20);
    assert_true(pin_level('B', 9));
}

/* OCxCE: the reference goes low with ETRF and stays until the next update; a forced one does not. */
static void cleared_by_etr(void **state)
{
    (void)state;
    pin_mode('A', 5, 2, 1);  /* TIM2_CH1 */
    pin_mode('A', 15, 2, 2); /* TIM2_ETR */
    pin_drive('A', 15, 0);
    wr(TIM2 + ARR, 99);
    wr(TIM2 + CCR1, 80);
    wr(TIM2 + CCMR1, 6 << 4 | 1 << 7);
    wr(TIM2 + CCER, 1);
    for (unsigned occs = 0; occs < 2; occs++) {
        wr(TIM2 + SMCR, occs << 3);
        wr(TIM2 + CNT, 0);
        wr(TIM2 + CR1, CEN);
        run_us(10);
        assert_true(pin_level('A', 5));
        pin_drive('A', 15, 1);
        assert_int_equal(pin_level('A', 5), !occs);
        pin_drive('A', 15, 0);
        run_us(50);
        assert_int_equal(pin_level('A', 5), !occs);
        run_us(60); /* the next period */
        assert_true(pin_level('A', 5));
        wr(TIM2 + CR1, 0);
    }
    pin_drive('A', 15, 1);
    wr(TIM2 + CCMR1, 5 << 4 | 1 << 7);
    assert_true(pin_level('A', 5));
}

/* A written compare value that the counter has is a match, and so is a written count; once each. */
static void written_equal(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 1);
    wr(TIM2 + CCER, 1);
    for (unsigned running = 0; running < 2; running++) {
        wr(TIM2 + CR1, 0);
        wr(TIM2 + CCMR1, 0x30); /* OC1 toggles */
        wr(TIM2 + CNT, 40);
        wr(TIM2 + CCR1, 100);
        wr(TIM2 + CCR1 + 4, 60);
        wr(TIM2 + SR, 0);
        wr(TIM2 + CR1, running ? CEN : 0);
        bool level = pin_level('A', 0);
        wr(TIM2 + CCR1, 40);
        assert_int_equal(rd(TIM2 + SR), 2);
        assert_int_equal(pin_level('A', 0), !level);
        wr(TIM2 + SR, 0);
        wr(TIM2 + CCR1, 40); /* as it was */
        assert_int_equal(rd(TIM2 + SR), 0);
        wr(TIM2 + CNT, 60);
        assert_int_equal(rd(TIM2 + SR), 4);
        wr(TIM2 + SR, 0);
        wr(TIM2 + CCMR1, 8); /* preload: there is no update */
        wr(TIM2 + CCR1, 60);
        assert_int_equal(rd(TIM2 + SR), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(complementary, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(complementary_of_others, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(break_input, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(commutation, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(retriggerable, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(fast_enable, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(lock, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(combined_outputs, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(infrared, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(cleared_by_etr, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(written_equal, microseconds, rig_off),
    };

    return cmocka_run_group_tests_name("timers: outputs", tests, NULL, NULL);
}
