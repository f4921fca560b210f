/* Digital filters at the inputs of timers and low-power timers: what is too short is not seen, what is
 * long enough comes late by the samples that it takes. */
#include "tim_regs.h"

#define LPTIM1 0x40007C00u
enum { TICK = 62500 }; /* 16 MHz, in ps */

/* IC1F, ETF, BKF: periods of fDTS between samples (0: CK_INT whatever CKD), and samples. */
static const struct {
    unsigned period, samples;
} filters[16] = {{0, 0}, {0, 2}, {0, 4},  {0, 8},  {2, 6},  {2, 8},  {4, 6},  {4, 8},
                 {8, 6}, {8, 8}, {16, 5}, {16, 6}, {16, 8}, {32, 5}, {32, 6}, {32, 8}};

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x58, 0);
    clock_on(0x60, 11);
    clock_on(0x60, 17);
    pin_mode('A', 0, 2, 1);
    pin_drive('A', 0, 0);
    return 0;
}

static void pulse(char port, unsigned pin, ps_t length)
{
    pin_drive(port, pin, 1);
    run_ps(length);
    pin_drive(port, pin, 0);
}

static ps_t period_of(unsigned f, unsigned ckd)
{
    return TICK * (filters[f].period ? filters[f].period << ckd : 1ull);
}

/* Every setting of IC1F with every CKD: both edges of a pulse are late by the filter, a pulse too short by
 * one sample is not seen, nor is a long one with a gap in each of its runs of samples. */
static void capture_filter(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 48; n++) {
        unsigned f = n % 16, ckd = n / 16;
        ps_t period = period_of(f, ckd);
        if (!f)
            continue;
        wr(TIM2 + CCER, 0);
        wr(TIM2 + CCMR1, 1 | 2 << 8 | f << 4); /* both channels from TI1 */
        wr(TIM2 + CCER, 1 | 1 << 4 | 1 << 5);
        wr(TIM2 + CNT, 0);
        wr(TIM2 + SR, 0);
        wr(TIM2 + CR1, CEN | ckd << 8);
        run_ps(2 * period + 1); /* off the samples */
        pulse('A', 0, (filters[f].samples - 1) * period);
        run_ps(20 * period);
        for (unsigned i = 0; i < 3; i++) {
            pulse('A', 0, (filters[f].samples - 1) * period);
            run_ps(period);
        }
        run_ps(20 * period);
        if (rd(TIM2 + SR) & 6)
            fail_msg("IC1F %u, CKD %u: a glitch is captured", f, ckd);
        uint32_t before = rd(TIM2 + CNT);
        pulse('A', 0, 100 * period);
        run_ps(20 * period);
        assert_int_equal(rd(TIM2 + SR) & 6, 6);
        uint32_t rise = rd(TIM2 + CCR1), fall = rd(TIM2 + CCR2), p = (uint32_t)(period / TICK);
        if (rise - before < (filters[f].samples - 1) * p || rise - before > filters[f].samples * p + 1)
            fail_msg("IC1F %u, CKD %u: late by %u", f, ckd, rise - before);
        assert_int_equal(fall - rise, 100 * p);
        wr(TIM2 + CR1, 0);
    }
}

/* What passes the filter at last does so at once when the filter is switched off. */
static void changed_meanwhile(void **state)
{
    (void)state;
    wr(TIM2 + CCMR1, 1 | 15 << 4);
    wr(TIM2 + CCER, 1);
    wr(TIM2 + CR1, CEN);
    pin_drive('A', 0, 1);
    run_us(5);
    assert_int_equal(rd(TIM2 + SR) & 2, 0);
    wr(TIM2 + CCMR1, 1 | 14 << 4); /* 6 samples in place of 8, 2 us each: goes on */
    run_us(6);
    assert_int_equal(rd(TIM2 + SR) & 2, 0);
    run_us(2);
    assert_int_equal(rd(TIM2 + SR) & 2, 2);
    wr(TIM2 + SR, 0);
    pin_drive('A', 0, 0);
    run_us(20);
    pin_drive('A', 0, 1);
    run_us(5);
    wr(TIM2 + CCMR1, 1);
    assert_int_equal(rd(TIM2 + SR) & 2, 2);
}

static void encoder_filter(void **state)
{
    static const uint8_t forward[4] = {1, 3, 2, 0};

    (void)state;
    pin_mode('A', 1, 2, 1);
    pin_drive('A', 1, 0);
    wr(TIM2 + CCMR1, 1 | 5 << 4 | 1 << 8 | 5 << 12); /* 8 samples, 125 ns each */
    wr(TIM2 + SMCR, 3);
    wr(TIM2 + CNT, 1000);
    wr(TIM2 + CR1, CEN);
    for (unsigned n = 0; n < 20; n++) { /* contacts bounce for half a microsecond */
        for (unsigned bounce = 0; bounce < 3; bounce++) {
            pin_drive('A', n & 1, forward[n & 3] >> (n & 1) & 1);
            run_ps(100000);
            pin_drive('A', n & 1, !(forward[n & 3] >> (n & 1) & 1));
            run_ps(100000);
        }
        pin_drive('A', n & 1, forward[n & 3] >> (n & 1) & 1);
        run_us(2);
    }
    assert_int_equal(rd(TIM2 + CNT), 1020);
}

/* ETF lies behind the prescaler: a filter too slow for the pin follows the divided signal. */
static void etr_filter(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 14);           /* TIM2_ETR */
    wr(TIM2 + SMCR, 1 << 14 | 3 << 8); /* mode 2, 8 samples: 500 ns */
    wr(TIM2 + CR1, CEN);
    for (unsigned n = 0; n < 16; n++) {
        pulse('A', 0, 400000);
        run_ps(400000);
    }
    assert_int_equal(rd(TIM2 + CNT), 0);
    for (unsigned n = 0; n < 16; n++) {
        pulse('A', 0, 600000);
        run_ps(600000);
    }
    assert_int_equal(rd(TIM2 + CNT), 16);
    wr(TIM2 + CNT, 0);
    wr(TIM2 + SMCR, 1 << 14 | 1 << 12 | 3 << 8); /* divided by 2: 800 ns high, 800 ns low */
    for (unsigned n = 0; n < 16; n++) {
        pulse('A', 0, 400000);
        run_ps(400000);
    }
    assert_int_equal(rd(TIM2 + CNT), 8);
}

static void break_filter(void **state)
{
    (void)state;
    pin_mode('A', 6, 2, 1); /* BKIN of TIM1 */
    pin_drive('A', 6, 0);
    wr(TIM1 + BDTR, BKE | BKP | MOE | 9 << 16); /* 8 samples of fDTS / 8: 4 us */
    assert_int_equal(rd(TIM1 + BDTR) & MOE, MOE);
    pulse('A', 6, 3 * PS_PER_US);
    run_us(10);
    assert_int_equal(rd(TIM1 + BDTR) & MOE, MOE);
    assert_int_equal(rd(TIM1 + SR) & 0x80, 0);
    pin_drive('A', 6, 1);
    run_us(3);
    assert_int_equal(rd(TIM1 + BDTR) & MOE, MOE);
    run_us(2);
    assert_int_equal(rd(TIM1 + BDTR) & MOE, 0);
    assert_int_equal(rd(TIM1 + SR) & 0x80, 0x80);
    set_bits(TIM1 + BDTR, MOE); /* not while the break lasts, behind the filter */
    assert_int_equal(rd(TIM1 + BDTR) & MOE, 0);
    pin_drive('A', 6, 0);
    run_us(1);
    set_bits(TIM1 + BDTR, MOE);
    assert_int_equal(rd(TIM1 + BDTR) & MOE, 0);
    run_us(4);
    set_bits(TIM1 + BDTR, MOE);
    assert_int_equal(rd(TIM1 + BDTR) & MOE, MOE);
    wr(TIM1 + SR, 0);
    pin_mode('A', 11, 2, 2); /* BKIN2 */
    pin_drive('A', 11, 0);
    wr(TIM1 + BDTR, MOE | 1u << 24 | 1u << 25 | 9 << 20);
    pulse('A', 11, 3 * PS_PER_US);
    run_us(10);
    assert_int_equal(rd(TIM1 + SR) & 0x100, 0);
    pulse('A', 11, 5 * PS_PER_US);
    assert_int_equal(rd(TIM1 + SR) & 0x100, 0x100);
}

/* A clock inside the chip passes a filter that is fast enough, and no other. */
static void oscillator_filter(void **state)
{
    (void)state;
    clock_lse();
    wr(TIM16 + OR1, 2);
    for (unsigned slow = 0; slow < 2; slow++) {
        wr(TIM16 + CCER, 0);
        wr(TIM16 + CR1, CEN | slow << 8);
        wr(TIM16 + CCMR1, 1 | 3 << 2 | 14 << 4);
        wr(TIM16 + CCER, 1);
        wr(TIM16 + SR, 0);
        run_us(2000); /* 6 samples are 12 us or, with CKD, 24; half a period is 15.3 */
        assert_int_equal(rd(TIM16 + SR) & 2, slow ? 0 : 2);
    }
}

/* ---- LPTIM1, with its kernel clock HSI16 ---- */

enum { LP_ISR = 0, LP_ICR = 4, LP_CFGR = 12, LP_CR = 16, LP_CMP = 20, LP_ARR = 24, LP_CNT = 28 };
enum { EXTTRIG = 4 };

static int low_power_on(void **state)
{
    on(state);
    clock_on(0x58, 31);
    set_bits(0x40021088, 2u << 18); /* HSI16 */
    pin_mode('B', 5, 2, 1);         /* IN1 */
    pin_mode('B', 6, 2, 1);         /* ETR */
    pin_drive('B', 5, 0);
    pin_drive('B', 6, 0);
    return 0;
}

static void begin(uint32_t cfgr)
{
    wr(LPTIM1 + LP_CR, 0);
    wr(LPTIM1 + LP_CFGR, cfgr);
    wr(LPTIM1 + LP_CR, 1);
    wr(LPTIM1 + LP_ARR, 0xFFFF);
    run_us(1);
    wr(LPTIM1 + LP_ICR, 0x7F);
    wr(LPTIM1 + LP_CR, 5);
    run_us(1);
}

static void low_power_clock_filter(void **state)
{
    (void)state;
    for (unsigned s = 1; s < 4; s++) {
        unsigned samples = 1u << s;
        begin(1u << 23 | s << 3); /* COUNTMODE: edges of IN1 */
        run_ps(1);
        for (unsigned n = 0; n < 5; n++) {
            pulse('B', 5, (samples - 1) * TICK);
            run_ps(samples * TICK);
        }
        assert_int_equal(rd(LPTIM1 + LP_CNT), 0);
        for (unsigned n = 0; n < 5; n++) {
            pulse('B', 5, samples * TICK);
            run_ps(samples * TICK);
        }
        assert_int_equal(rd(LPTIM1 + LP_CNT), 5);
    }
}

static void low_power_trigger_filter(void **state)
{
    (void)state;
    for (unsigned s = 1; s < 4; s++) {
        unsigned samples = 1u << s;
        begin(1u << 17 | s << 6);
        run_ps(1);
        pulse('B', 6, (samples - 1) * TICK);
        run_us(5);
        assert_int_equal(rd(LPTIM1 + LP_ISR) & EXTTRIG, 0);
        assert_int_equal(rd(LPTIM1 + LP_CNT), 0);
        pulse('B', 6, samples * TICK);
        run_us(5);
        assert_int_equal(rd(LPTIM1 + LP_ISR) & EXTTRIG, EXTTRIG);
        assert_int_equal(rd(LPTIM1 + LP_CNT), 80);
    }
}

/* Half a period of LSE is 15.26 us, eight samples take 14 to 16 us: some edges pass, again and again. */
static void oscillator_at_the_limit(void **state)
{
    (void)state;
    clock_lse();
    clock_on(0x60, 16);
    wr(TIM15 + OR1, 1);
    wr(TIM15 + CCMR1, 1 | 15 << 4);
    wr(TIM15 + SMCR, 7 | 5 << 4); /* it counts them */
    wr(TIM15 + CR1, CEN);
    run_us(30000);
    assert_in_range(rd(TIM15 + CNT), 300, 900); /* of 983 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(capture_filter, on, rig_off),
        cmocka_unit_test_setup_teardown(changed_meanwhile, on, rig_off),
        cmocka_unit_test_setup_teardown(encoder_filter, on, rig_off),
        cmocka_unit_test_setup_teardown(etr_filter, on, rig_off),
        cmocka_unit_test_setup_teardown(break_filter, on, rig_off),
        cmocka_unit_test_setup_teardown(oscillator_filter, on, rig_off),
        cmocka_unit_test_setup_teardown(low_power_clock_filter, low_power_on, rig_off),
        cmocka_unit_test_setup_teardown(low_power_trigger_filter, low_power_on, rig_off),
        cmocka_unit_test_setup_teardown(oscillator_at_the_limit, on, rig_off),
    };

    return cmocka_run_group_tests_name("input filters", tests, NULL, NULL);
}
