/* Triggers of ADC1 and DAC1: which signal each code of EXTSEL, JEXTSEL and TSEL selects, which edges of it
 * count, what timers make of outputs and references. Codes as in ST's LL drivers. */
#include "adc_regs.h"
#include "tim_regs.h"

enum { CCR6 = 0x5C, EXTI_SWIER = 0x40010410 };

enum source {
    NONE,
    TIM1_CC1,
    TIM1_CC2,
    TIM1_CC3,
    TIM1_CC4,
    TIM1_TRGO,
    TIM1_TRGO2,
    TIM2_CC1,
    TIM2_CC2,
    TIM2_TRGO,
    TIM6_TRGO,
    TIM7_TRGO,
    TIM15_TRGO,
    TIM16_OC1, /* which is no trigger of these */
    EXTI9,
    EXTI11,
    EXTI15,
    SOURCES
};

static int all_on(void **state)
{
    on(state);
    clock_on(0x58, 0);
    clock_on(0x58, 4);
    clock_on(0x58, 5);
    for (unsigned bit = 11; bit <= 17; bit++)
        clock_on(0x60, bit);
    wr(TIM1 + CCER, 0x1111);
    wr(TIM2 + CCER, 0x1111);
    wr(TIM16 + CCER, 1);
    wr(TIM1 + BDTR, MOE);
    wr(TIM16 + BDTR, MOE);
    return 0;
}

/* The channel's output is forced high. */
static void rise(uint32_t timer, unsigned ch)
{
    uint32_t reg = timer + CCMR1 + 4 * (ch / 2);

    wr(reg, 4u << (4 + 8 * (ch % 2)));
    wr(reg, 5u << (4 + 8 * (ch % 2)));
    wr(reg, 0);
}

static void fire(enum source s)
{
    static const uint32_t timers[SOURCES] = {[TIM1_TRGO] = TIM1, [TIM1_TRGO2] = TIM1, [TIM2_TRGO] = TIM2,
                                             [TIM6_TRGO] = TIM6, [TIM7_TRGO] = TIM7,  [TIM15_TRGO] = TIM15};

    if (s >= EXTI9) {
        wr(EXTI_SWIER, s == EXTI9 ? 1 << 9 : s == EXTI11 ? 1 << 11 : 1 << 15);
        wr(EXTI_SWIER, 0);
    } else if (s == TIM16_OC1) {
        rise(TIM16, 0);
    } else if (s == TIM2_CC1 || s == TIM2_CC2) {
        rise(TIM2, s - TIM2_CC1);
    } else if (s <= TIM1_CC4) {
        rise(TIM1, s - TIM1_CC1);
    } else { /* the reset by UG, which only one of TIM1's two outputs tells */
        wr(timers[s] + CR2, s == TIM1_TRGO ? 1 << 20 : s == TIM1_TRGO2 ? 1 << 4 : 0);
        wr(timers[s] + EGR, 1);
    }
    run_us(5);
}

static void codes(void **state)
{
    static const uint8_t regular[16] = {
        TIM1_CC1,        TIM1_CC2,   TIM1_CC3,  TIM2_CC2,         [6] = EXTI11,
        [9] = TIM1_TRGO, TIM1_TRGO2, TIM2_TRGO, [13] = TIM6_TRGO, TIM15_TRGO};
    static const uint8_t injected[16] = {TIM1_TRGO,    TIM1_CC4,         TIM2_TRGO,        TIM2_CC1,
                                         [6] = EXTI15, [8] = TIM1_TRGO2, [14] = TIM6_TRGO, TIM15_TRGO};
    static const uint8_t dac[8] = {TIM6_TRGO, [2] = TIM7_TRGO, [4] = TIM2_TRGO, [6] = EXTI9};
    (void)state;
    for (uint32_t code = 0; code < 16; code++) {
        wr(ADC1 + CFGR, 1u << 31 | OVRMOD | 1 << 10 | code << 6); /* JQDIS */
        wr(ADC1 + JSQR, 1 << 6 | code << 2);
        wr(ADC1 + CR, VREG | ADSTART | JADSTART);
        wr(DAC1, 1 | 4 | (code & 7) << 3);
        for (enum source s = TIM1_CC1; s < SOURCES; s++) {
            wr(ADC1 + ISR, 0x7FF);
            wr(DAC1 + 8, 100 * s + code);
            fire(s);
            assert_int_equal(!!(rd(ADC1 + ISR) & EOC), regular[code] == s);
            assert_int_equal(!!(rd(ADC1 + ISR) & JEOC), injected[code] == s);
            assert_int_equal(rd(DAC1 + 0x2C) == 100 * s + code, dac[code & 7] == s);
        }
        wr(ADC1 + CR, VREG | ADSTP | 32 /* JADSTP */);
        run_us(5);
    }
}

/* PWM of 100 us, low for the first 30, in channel 2; counts us. */
static void pwm(uint32_t timer)
{
    wr(timer + CR1, 0);
    wr(timer + PSC, 15);
    wr(timer + ARR, 99);
    wr(timer + CCR1 + 4, 30);
    wr(timer + CCMR1, 7 << 12);
    wr(timer + EGR, 1);
}

/* Conversions that begin in the next 10 periods, and how far into a period the latest of them ended. */
static unsigned conversions(uint32_t timer, unsigned *at)
{
    unsigned n = 0;

    *at = 0;
    wr(timer + CNT, 90);
    wr(ADC1 + CR, VREG | ADSTART);
    wr(ADC1 + ISR, 0x7FF);
    wr(timer + CR1, 1);
    for (ps_t end = chip_now(rig) + 1000 * PS_PER_US; chip_now(rig) < end; run_us(1))
        if (rd(ADC1 + ISR) & EOC) {
            *at = rd(timer + CNT) > *at ? rd(timer + CNT) : *at;
            n++;
            wr(ADC1 + ISR, EOC);
        }
    wr(timer + CR1, 0);
    wr(ADC1 + CR, VREG | ADSTP);
    run_us(5);
    return n;
}

/* A reference at TRGO, and an output, are levels: each edge counts if EXTEN says so. */
static void edges(void **state)
{
    static const struct {
        uint32_t timer;
        unsigned code, n[4], at[4];
    } levels[] = {{TIM2, 11, {0, 10, 10, 20}, {0, 30, 0, 0}},
                  {TIM2, 3, {0, 10, 10, 20}, {0, 30, 0, 0}},
                  {TIM1, 1, {0, 10, 10, 20}, {0, 30, 0, 0}},
                  {TIM1, 10, {0, 10, 10, 20}, {0, 30, 0, 0}}};
    (void)state;
    for (unsigned i = 0; i < sizeof levels / sizeof levels[0]; i++)
        for (unsigned exten = 1; exten < 4; exten++) {
            unsigned at;
            pwm(levels[i].timer);
            wr(levels[i].timer + CR2, 5 << 20 | 5 << 4); /* MMS2 is TIM1's */
            wr(ADC1 + CFGR, 1u << 31 | OVRMOD | exten << 10 | levels[i].code << 6);
            assert_int_equal(conversions(levels[i].timer, &at), levels[i].n[exten]);
            if (exten < 3)
                assert_in_range(at, levels[i].at[exten], levels[i].at[exten] + 4);
        }
}

/* An output that its channel does not drive is none. */
static void outputs_are_driven(void **state)
{
    unsigned at;
    (void)state;
    wr(ADC1 + CFGR, 1u << 31 | OVRMOD | 1 << 10 | 1 << 6); /* TIM1_CC2 */
    pwm(TIM1);
    wr(TIM1 + CCER, 0x1101);
    assert_int_equal(conversions(TIM1, &at), 0);
    wr(TIM1 + CCER, 0x10);
    wr(TIM1 + BDTR, 0);
    assert_int_equal(conversions(TIM1, &at), 0);
    wr(TIM1 + BDTR, MOE);
    assert_int_equal(conversions(TIM1, &at), 10);
    wr(TIM1 + CCER, 0x30); /* inverted */
    assert_int_equal(conversions(TIM1, &at), 10);
    assert_in_range(at, 0, 4);
    /* the same of TIM16's for TIM15, its ITR2 */
    wr(TIM15 + SMCR, 2 << 4 | 7);
    wr(TIM15 + CR1, 1);
    rise(TIM16, 0);
    assert_int_equal(rd(TIM15 + CNT), 1);
    wr(TIM16 + BDTR, 0);
    rise(TIM16, 0);
    assert_int_equal(rd(TIM15 + CNT), 1);
}

/* MMS 3 is a pulse whenever CC1IF is set, also by CC1G, and also while it is set already. */
static void pulse_by_software(void **state)
{
    (void)state;
    wr(TIM1 + CR2, 3 << 4);
    for (uint32_t input = 0; input < 2; input++) {
        wr(TIM1 + CCMR1, input);
        wr(TIM15 + CR1, 0);
        wr(TIM15 + CNT, 0);
        wr(TIM15 + SMCR, 0 << 4 | 7); /* counts ITR0 */
        wr(TIM15 + CR1, 1);
        for (unsigned n = 1; n <= 3; n++) {
            wr(TIM1 + EGR, 2);
            assert_int_equal(rd(TIM15 + CNT), n);
            wr(TIM1 + EGR, 4); /* CC2G */
            assert_int_equal(rd(TIM15 + CNT), n);
        }
    }
    wr(TIM1 + CCMR1, 0); /* nor does a match of another channel make one */
    wr(TIM1 + ARR, 99);
    for (unsigned ch = 0; ch < 4; ch++)
        wr(TIM1 + CCR1 + 4 * ch, 20 + 20 * ch);
    wr(TIM1 + EGR, 1);
    wr(TIM15 + CNT, 0);
    wr(TIM1 + CR1, 1);
    run_us(18); /* nearly three periods of 100 at 16 MHz */
    assert_int_equal(rd(TIM15 + CNT), 3);
}

/* MMS2 from 10 on: edges of OC4, 5 and 6. All go high within a period, and low at its end. */
static void second_trigger_output(void **state)
{
    static const uint8_t rising[6] = {1, 1, 2, 1, 2, 1}, falling[6] = {1, 1, 0, 1, 0, 1};
    static const uint8_t latest[6] = {20, 60, 60, 20, 60, 40};
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        unsigned at;
        pwm(TIM1);
        wr(TIM1 + CCMR1 + 4, 7 << 12);
        wr(TIM1 + CCMR3, 7 << 12 | 7 << 4);
        wr(TIM1 + CCR1 + 12, 20);
        wr(TIM1 + CCR5, 40);
        wr(TIM1 + CCR6, 60);
        wr(TIM1 + EGR, 1);
        wr(TIM1 + CR2, (10 + i) << 20);
        wr(ADC1 + CFGR, 1u << 31 | OVRMOD | 1 << 10 | 10 << 6);
        assert_int_equal(conversions(TIM1, &at), 10 * (rising[i] + falling[i]));
        assert_in_range(at, latest[i], latest[i] + 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(codes, all_on, rig_off),
        cmocka_unit_test_setup_teardown(edges, all_on, rig_off),
        cmocka_unit_test_setup_teardown(outputs_are_driven, all_on, rig_off),
        cmocka_unit_test_setup_teardown(pulse_by_software, all_on, rig_off),
        cmocka_unit_test_setup_teardown(second_trigger_output, all_on, rig_off),
    };

    return cmocka_run_group_tests_name("triggers", tests, NULL, NULL);
}
