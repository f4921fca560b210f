/* Timers with the world: captures, encoder, slave modes and triggers between timers, external clocks,
 * internal oscillators, complementary outputs with dead time, break, commutation, lock. */
#include "rig.h"

#define TIM1  0x40012C00u
#define TIM2  0x40000000u
#define TIM15 0x40014000u
#define TIM16 0x40014400u
enum {
    CR1 = 0x00,
    CR2 = 0x04,
    SMCR = 0x08,
    DIER = 0x0C,
    SR = 0x10,
    EGR = 0x14,
    CCMR1 = 0x18,
    CCMR2 = 0x1C,
    CCER = 0x20,
    CNT = 0x24,
    PSC = 0x28,
    ARR = 0x2C,
    CCR1 = 0x34,
    CCR2 = 0x38,
    BDTR = 0x44,
    OR1 = 0x50,
    CCMR3 = 0x54,
    CCR5 = 0x58,
    OR2 = 0x60
};
enum { CEN = 1, MOE = 1 << 15, BKE = 1 << 12, BKP = 1 << 13, AOE = 1 << 14, OSSI = 1 << 10, OSSR = 1 << 11 };

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x58, 0);
    clock_on(0x60, 11);
    clock_on(0x60, 16);
    clock_on(0x60, 17);
    for (unsigned i = 0; i < 4; i++) { /* microseconds */
        static const uint32_t t[4] = {TIM1, TIM2, TIM15, TIM16};
        wr(t[i] + PSC, 15);
        wr(t[i] + EGR, 1);
        wr(t[i] + SR, 0);
    }
    return 0;
}

static void pulse(char port, unsigned pin, unsigned us)
{
    pin_drive(port, pin, 1);
    run_us(us);
    pin_drive(port, pin, 0);
}

static void capture(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 1);
    pin_mode('A', 1, 2, 1);
    pin_drive('A', 0, 0);
    wr(TIM2 + CCMR1, 1 | 2 << 8); /* CH1 from TI1, CH2 from TI1 too */
    wr(TIM2 + CCER, 1 | 1 << 4 | 1 << 5);
    wr(TIM2 + DIER, 2);
    wr(TIM2 + CR1, CEN);
    run_us(100);
    pulse('A', 0, 40);
    assert_int_equal(rd(TIM2 + SR) & 0x606, 6);
    assert_true(irq_line(28));
    assert_int_equal(rd(TIM2 + CCR1), 100); /* rising */
    assert_int_equal(rd(TIM2 + SR) & 6, 4); /* taken by reading */
    assert_false(irq_line(28));
    assert_int_equal(rd(TIM2 + CCR2), 140); /* falling */
    run_us(10);
    pulse('A', 0, 1);
    run_us(1);
    pulse('A', 0, 1);
    assert_int_equal(rd(TIM2 + SR) & 0x606, 0x606); /* overcapture */
    wr(TIM2 + CCR1, 7);
    assert_int_equal(rd(TIM2 + CCR1), 152); /* not writable as an input */
    /* every 4th edge, both polarities */
    wr(TIM2 + CCER, 0);
    wr(TIM2 + CCMR1, 1 | 2 << 2);
    wr(TIM2 + CCER, 1 | 2 | 8);
    wr(TIM2 + SR, 0);
    pulse('A', 0, 1);
    pin_drive('A', 0, 1);
    assert_int_equal(rd(TIM2 + SR) & 2, 0);
    pin_drive('A', 0, 0);
    assert_int_equal(rd(TIM2 + SR) & 2, 2);
    wr(TIM2 + CCMR1, 0); /* CCxS is locked while the channel is on */
    assert_int_equal(rd(TIM2 + CCMR1) & 3, 1);
}

/* PWM input: TI1 resets the counter and is captured; the other channel measures the width. */
static void pwm_input(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 1);
    pin_drive('A', 0, 0);
    wr(TIM2 + CCMR1, 1 | 2 << 8);
    wr(TIM2 + CCER, 1 | 1 << 4 | 1 << 5);
    wr(TIM2 + SMCR, 5 << 4 | 4);
    wr(TIM2 + CR1, CEN | 4);
    for (unsigned i = 0; i < 3; i++) {
        pulse('A', 0, 30);
        run_us(70);
    }
    assert_int_equal(rd(TIM2 + CCR1), 100);
    assert_int_equal(rd(TIM2 + CCR2), 30);
    assert_int_equal(rd(TIM2 + SR) & 0x40, 0x40);
}

static void encoder(void **state)
{
    static const uint8_t forward[4] = {1, 3, 2, 0}; /* TI1 leads */

    (void)state;
    pin_mode('A', 0, 2, 1);
    pin_mode('A', 1, 2, 1);
    pin_drive('A', 0, 0);
    pin_drive('A', 1, 0);
    wr(TIM2 + PSC, 0);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + CCMR1, 1 | 1 << 8);
    for (unsigned sms = 1; sms <= 3; sms++) {
        wr(TIM2 + SMCR, sms);
        wr(TIM2 + CNT, 1000);
        wr(TIM2 + CR1, CEN);
        for (unsigned n = 0; n < 20; n++) {
            pin_drive('A', 0, forward[n & 3] & 1);
            pin_drive('A', 1, forward[n & 3] >> 1);
        }
        uint32_t forward_steps = sms == 3 ? 20 : 10;
        assert_int_equal(rd(TIM2 + CNT), 1000 + forward_steps);
        assert_int_equal(rd(TIM2 + CR1) & 16, 0);
        for (unsigned n = 0; n < 20; n++) { /* back */
            unsigned s = n == 19 ? 0 : forward[(18 - n) & 3];
            pin_drive('A', 1, (int)s >> 1);
            pin_drive('A', 0, s & 1);
        }
        assert_int_equal(rd(TIM2 + CNT), 1000);
        assert_int_equal(rd(TIM2 + CR1) & 16, 16);
        wr(TIM2 + CR1, 0);
    }
    wr(TIM2 + CCER, 2); /* one input inverted: the other way */
    wr(TIM2 + CNT, 1000);
    wr(TIM2 + CR1, CEN);
    for (unsigned n = 0; n < 20; n++) {
        pin_drive('A', 0, forward[n & 3] & 1);
        pin_drive('A', 1, forward[n & 3] >> 1);
    }
    assert_int_equal(rd(TIM2 + CNT), 980);
}

static void external_clocks(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 1);
    pin_drive('A', 0, 0);
    wr(TIM2 + PSC, 1);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + CCMR1, 1);
    wr(TIM2 + SMCR, 5 << 4 | 7); /* mode 1: TI1FP1 */
    wr(TIM2 + CR1, CEN);
    for (unsigned n = 0; n < 10; n++)
        pulse('A', 0, 3);
    run_us(1000);
    assert_int_equal(rd(TIM2 + CNT), 5); /* PSC divides */
    pin_mode('A', 0, 2, 14);             /* TIM2_ETR */
    wr(TIM2 + CR1, 0);
    wr(TIM2 + CNT, 0);
    wr(TIM2 + SMCR, 1 << 14 | 1 << 12); /* mode 2, every second edge */
    wr(TIM2 + CR1, CEN);
    for (unsigned n = 0; n < 12; n++)
        pulse('A', 0, 3);
    assert_int_equal(rd(TIM2 + CNT), 3);
}

/* ETP inverts what is at the pin: turned at a level it makes an edge. A reset of the timer turns it back. */
static void polarity_of_etr(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 14); /* TIM2_ETR */
    pin_drive('A', 0, 1);
    wr(TIM2 + PSC, 0);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + CR1, CEN);
    wr(TIM2 + SMCR, 1 << 14); /* external clock mode 2 */
    assert_int_equal(rd(TIM2 + CNT), 0);
    for (uint32_t n = 0; n < 3; n++) {
        wr(TIM2 + SMCR, 1 << 14 | 1 << 15);
        assert_int_equal(rd(TIM2 + CNT), n);
        wr(TIM2 + SMCR, 1 << 14);
        assert_int_equal(rd(TIM2 + CNT), n + 1);
    }
    wr(TIM2 + SMCR, 1 << 14 | 1 << 15);
    pin_drive('A', 0, 0);
    assert_int_equal(rd(TIM2 + CNT), 4);
    set_bits(0x40021038, 1); /* RCC_APB1RSTR1.TIM2RST */
    clear_bits(0x40021038, 1);
    wr(TIM2 + CR1, CEN);
    wr(TIM2 + SMCR, 1 << 14);
    assert_int_equal(rd(TIM2 + CNT), 0);
    pin_drive('A', 0, 1);
    assert_int_equal(rd(TIM2 + CNT), 1);
    wr(TIM2 + OR1, 2); /* LSE, which is off */
    wr(TIM2 + SMCR, 1 << 14 | 1 << 15);
    wr(TIM2 + SMCR, 1 << 14);
    assert_int_equal(rd(TIM2 + CNT), 1);
}

/* TIM2's TI4 and ETR from a pin or from COMP1, whose output is high: what has another level is an edge. */
static void sources_of_inputs(void **state)
{
    const uint32_t comp = 0x40010200;

    (void)state;
    clock_on(0x60, 0);
    pin_mode('A', 3, 2, 1);  /* TIM2_CH4 */
    pin_mode('A', 0, 2, 14); /* TIM2_ETR */
    pin_drive('A', 3, 0);
    pin_drive('A', 0, 0);
    adc_voltage(rig, 0, 1, 700);
    wr(comp, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7);
    run_us(10);
    wr(TIM2 + PSC, 0);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + SR, 0);
    wr(TIM2 + CCMR2, 1 << 8);
    wr(TIM2 + CCER, 1 << 12);
    wr(TIM2 + SMCR, 1 << 14);
    wr(TIM2 + CR1, CEN);
    wr(TIM2 + OR1, 1 << 2);
    assert_int_equal(rd(TIM2 + SR) >> 4 & 1, 1);
    wr(TIM2 + SR, 0);
    wr(TIM2 + OR1, 1 << 2); /* nothing changes */
    wr(TIM2 + OR1, 0);      /* a falling edge */
    assert_int_equal(rd(TIM2 + SR) >> 4 & 1, 0);
    wr(TIM2 + OR1, 2 << 2); /* COMP2 is off */
    assert_int_equal(rd(TIM2 + SR) >> 4 & 1, 0);
    wr(TIM2 + OR1, 3 << 2); /* the two together */
    assert_int_equal(rd(TIM2 + SR) >> 4 & 1, 1);
    assert_int_equal(rd(TIM2 + CNT), 0);
    wr(TIM2 + OR2, 1 << 14);
    assert_int_equal(rd(TIM2 + CNT), 1);
    wr(TIM2 + OR2, 2 << 14);
    wr(TIM2 + OR2, 0);
    assert_int_equal(rd(TIM2 + CNT), 1);
    pin_drive('A', 0, 1);
    assert_int_equal(rd(TIM2 + CNT), 2);
}

/* TIM2 gates, starts and resets TIM15; TIM1 is clocked by TIM2's updates. */
static void between_timers(void **state)
{
    (void)state;
    wr(TIM2 + CR2, 1 << 4);       /* TRGO: enable */
    wr(TIM15 + SMCR, 0 << 4 | 5); /* gated by ITR0 */
    wr(TIM15 + CR1, CEN);
    run_us(100);
    assert_int_equal(rd(TIM15 + CNT), 0);
    wr(TIM2 + CR1, CEN);
    run_us(100);
    assert_in_range(rd(TIM15 + CNT), 99, 100);
    wr(TIM2 + CR1, 0);
    run_us(100);
    assert_in_range(rd(TIM15 + CNT), 99, 100);
    assert_int_equal(rd(TIM15 + SR) & 0x40, 0x40);
    wr(TIM15 + CR1, 0);
    wr(TIM15 + SMCR, 6); /* started */
    wr(TIM15 + CNT, 0);
    wr(TIM2 + CR1, CEN);
    run_us(50);
    assert_int_equal(rd(TIM15 + CR1) & CEN, CEN);
    assert_in_range(rd(TIM15 + CNT), 49, 50);
    /* updates of TIM2 every 10 us count TIM1 */
    wr(TIM2 + CR1, 0);
    wr(TIM2 + CR2, 2 << 4);
    wr(TIM2 + ARR, 9);
    wr(TIM2 + CNT, 0);
    wr(TIM1 + PSC, 0);
    wr(TIM1 + EGR, 1);
    wr(TIM1 + SMCR, 1 << 4 | 7); /* ITR1 */
    wr(TIM1 + CR1, CEN);
    wr(TIM2 + CR1, CEN);
    run_us(1005);
    assert_int_equal(rd(TIM1 + CNT), 100);
    wr(TIM15 + CR1, CEN);
    wr(TIM15 + SMCR, 4); /* reset by the same */
    run_us(10);
    assert_in_range(rd(TIM15 + CNT), 4, 6);
    /* OC1REF of TIM2 as trigger output */
    wr(TIM2 + CR2, 4 << 4);
    wr(TIM2 + CCMR1, 6 << 4);
    wr(TIM2 + CCR1, 3);
    wr(TIM1 + CNT, 0);
    run_us(100);
    assert_in_range(rd(TIM1 + CNT), 9, 11);
}

/* The slave is made one while its master runs: it follows from then on, also when nobody reads the master. */
static void slave_comes_later(void **state)
{
    (void)state;
    wr(TIM1 + SMCR, 4 << 4); /* nobody listens to TIM2 */
    wr(TIM15 + SMCR, 2 << 4);
    wr(TIM1 + PSC, 0);
    wr(TIM1 + EGR, 1);
    wr(TIM2 + CR2, 2 << 4);
    wr(TIM2 + ARR, 9);
    wr(TIM2 + CR1, CEN);
    run_us(1000);
    wr(TIM1 + CR1, CEN);
    wr(TIM1 + CR1, 0);
    wr(TIM1 + CNT, 0);
    wr(TIM1 + SMCR, 1 << 4 | 7);
    wr(TIM1 + CR1, CEN);
    assert_int_equal(rd(TIM1 + CNT), 0);
    run_us(1000);
    assert_in_range(rd(TIM1 + CNT), 99, 101);
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

/* TIM16 measures LSI and LSE, as ST's LSI calibration example does. */
static void oscillators(void **state)
{
    (void)state;
    clock_lse();
    set_bits(0x40021094, 1);
    run_us(1000);
    wr(TIM16 + PSC, 0);
    wr(TIM16 + EGR, 1);
    for (unsigned source = 1; source <= 2; source++) {
        wr(TIM16 + OR1, source);
        wr(TIM16 + CCER, 0);
        wr(TIM16 + CCMR1, 1 | 3 << 2); /* every 8th edge */
        wr(TIM16 + CCER, 1);
        wr(TIM16 + CR1, CEN);
        run_us(2000);
        wr(TIM16 + SR, 0);
        assert_true(run_until(TIM16 + SR, 2, 2, PS_PER_MS) != PS_NEVER);
        uint32_t first = rd(TIM16 + CCR1);
        assert_true(run_until(TIM16 + SR, 2, 2, PS_PER_MS) != PS_NEVER);
        uint32_t length = (rd(TIM16 + CCR1) - first) & 0xFFFF;
        uint32_t expected = source == 1 ? 16000000 * 8 / 32000 : 16000000ull * 8 / 32768;
        assert_in_range(length, expected - 1, expected + 1);
    }
}

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
}

static void lock(void **state)
{
    (void)state;
    wr(TIM1 + BDTR, 1 << 8 | 0x10 | OSSR);
    wr(TIM1 + BDTR, 0xFFFF & ~0x300u);
    assert_int_equal(rd(TIM1 + BDTR), MOE | OSSI | OSSR | 1 << 8 | 0x10);
    wr(TIM1 + CR2, 0x7F00);
    assert_int_equal(rd(TIM1 + CR2), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(capture, on, rig_off),
        cmocka_unit_test_setup_teardown(pwm_input, on, rig_off),
        cmocka_unit_test_setup_teardown(encoder, on, rig_off),
        cmocka_unit_test_setup_teardown(external_clocks, on, rig_off),
        cmocka_unit_test_setup_teardown(polarity_of_etr, on, rig_off),
        cmocka_unit_test_setup_teardown(sources_of_inputs, on, rig_off),
        cmocka_unit_test_setup_teardown(between_timers, on, rig_off),
        cmocka_unit_test_setup_teardown(slave_comes_later, on, rig_off),
        cmocka_unit_test_setup_teardown(cleared_by_etr, on, rig_off),
        cmocka_unit_test_setup_teardown(oscillators, on, rig_off),
        cmocka_unit_test_setup_teardown(complementary, on, rig_off),
        cmocka_unit_test_setup_teardown(break_input, on, rig_off),
        cmocka_unit_test_setup_teardown(commutation, on, rig_off),
        cmocka_unit_test_setup_teardown(lock, on, rig_off),
        cmocka_unit_test_setup_teardown(combined_outputs, on, rig_off),
        cmocka_unit_test_setup_teardown(infrared, on, rig_off),
    };

    return cmocka_run_group_tests_name("timers: inputs and outputs", tests, NULL, NULL);
}
