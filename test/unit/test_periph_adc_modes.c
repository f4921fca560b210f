/* ADC1: oversampling, also with a trigger for each sample, what an overrun stops, and the queue of
 * injected contexts. */
#include <string.h>

#include "adc_regs.h"

enum { JADSTP = 32, JQOVF = 1 << 10, JQM = 1 << 21, TRGO = 2 << 2 | 1 << 6 /* of JSQR: TIM2 TRGO */ };
#define JQDIS 0x80000000u

/* TIM2's update by software is a trigger. */
static void trigger(void)
{
    wr(0x40000014, 1);
    run_us(5);
}

static int on_with_tim2(void **state)
{
    on(state);
    clock_on(0x58, 0);
    wr(0x40000004, 0);
    return 0;
}

/* 4 samples for each of two channels. */
static void triggered_oversampling(void **state)
{
    (void)state;
    wr(ADC1 + CFGR2, 1 | 1 << 2 | 2 << 5 | 1 << 9);
    wr(ADC1 + SQR1, 1 | 1 << 6 | 2 << 12);
    wr(ADC1 + CFGR, JQDIS | 11 << 6 | 1 << 10);
    wr(ADC1 + CR, VREG | ADSTART);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned channel = 1; channel <= 2; channel++) {
            uint32_t sum = 0;
            for (unsigned n = 0; n < 4; n++) {
                assert_int_equal(rd(ADC1 + ISR) & EOC, 0);
                adc_voltage(rig, 2, channel - 1, 100 * channel + 300 * n);
                sum += code(100 * channel + 300 * n);
                trigger();
            }
            assert_int_equal(rd(ADC1 + ISR) & (EOC | EOS), EOC | (channel == 2 ? EOS : 0));
            assert_int_equal(rd(ADC1 + DR), (sum + 2) >> 2);
            wr(ADC1 + ISR, EOS);
        }
    assert_int_equal(rd(ADC1 + CR) & ADSTART, ADSTART);
    assert_int_equal(told_count("missing"), 0);
}

static void triggered_oversampling_by_software(void **state)
{
    (void)state;
    wr(ADC1 + CFGR2, 1 | 0 << 2 | 1 << 9);
    wr(ADC1 + SQR1, 1 << 6);
    for (unsigned n = 0; n < 4; n++) {
        adc_voltage(rig, 2, 0, 1000 * (n % 2 + 1));
        wr(ADC1 + CR, VREG | ADSTART);
        run_us(5);
        assert_int_equal(rd(ADC1 + CR) & ADSTART, 0);
        assert_int_equal(rd(ADC1 + ISR) & EOC, n % 2 ? EOC : 0);
        if (n % 2)
            assert_int_equal(rd(ADC1 + DR), code(1000) + code(2000));
    }
}

/* Of the sum, bits that are shifted out round the result: 4095 twice by 4 is 0x800 in RM0351's table. */
static void oversampling_rounds(void **state)
{
    static const struct {
        unsigned ratio, shift, result;
    } table[] = {{0, 0, 0x1FFE}, {0, 1, 0x0FFF}, {0, 2, 0x0800},
                 {0, 8, 0x0020}, {7, 8, 0x0FFF}, {7, 0, 0xFF00}};

    (void)state;
    adc_voltage(rig, 2, 0, 3300);
    wr(ADC1 + SQR1, 1 << 6);
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        wr(ADC1 + CFGR2, 1 | table[i].ratio << 2 | table[i].shift << 5);
        wr(ADC1 + CR, VREG | ADSTART);
        run_us(300);
        assert_int_equal(rd(ADC1 + DR), table[i].result);
    }
}

/* Ratio 16: the watchdogs see the upper 12 of 16 bits, which with a shift of 4 are the code by 16. */
static void watchdogs_see_what_is_oversampled(void **state)
{
    (void)state;
    wr(ADC1 + SQR1, 2 << 6); /* 1000 mV */
    wr(ADC1 + JSQR, 2 << 8);
    wr(ADC1 + CFGR, JQDIS | OVRMOD | 1 << 23 | 1 << 24); /* AWD1 on all channels of both groups */
    wr(ADC1 + AWD2CR, 1 << 2);
    for (unsigned shift = 0; shift <= 4; shift += 4) {
        uint32_t seen = code(1000) >> shift;
        for (uint32_t group = 1; group <= 2; group++)
            for (unsigned inside = 0; inside < 2; inside++) {
                wr(ADC1 + CFGR2, group | 3 << 2 | shift << 5);
                wr(ADC1 + TR1, (seen - !inside) << 16 | (inside ? seen : 0));
                wr(ADC1 + TR2, (inside ? seen >> 4 : 0xFF) << 16 | ((seen >> 4) + !inside));
                wr(ADC1 + ISR, 0x7FF);
                wr(ADC1 + CR, VREG | (group == 1 ? ADSTART : JADSTART));
                run_us(50);
                assert_int_equal(rd(ADC1 + ISR) & (AWD1 | AWD2), inside ? 0 : AWD1 | AWD2);
            }
    }
    /* with a trigger for each sample the result alone is compared */
    wr(ADC1 + CFGR2, 1 | 3 << 2 | 1 << 9);
    wr(ADC1 + TR1, code(1000) << 16 | code(1000));
    wr(ADC1 + ISR, 0x7FF);
    for (unsigned n = 0; n < 16; n++) {
        wr(ADC1 + CR, VREG | ADSTART);
        run_us(5);
    }
    assert_int_equal(rd(ADC1 + ISR) & (EOC | AWD1), EOC);
}

/* While OVR stands data are discarded with OVRMOD = 0, and no DMA is asked for in either mode. */
static void overrun_stands(void **state)
{
    (void)state;
    wr(ADC1 + SQR1, 1 << 6);
    wr(ADC1 + SMPR1, 7 << 3);
    for (uint32_t overwrites = 0; overwrites < 2; overwrites++) {
        adc_voltage(rig, 2, 0, 500);
        wr(ADC1 + CFGR, JQDIS | CONT | (overwrites ? OVRMOD : 0));
        wr(ADC1 + CR, VREG | ADSTART);
        run_us(100);
        assert_int_equal(rd(ADC1 + ISR) & OVR, OVR);
        adc_voltage(rig, 2, 0, 2500);
        run_us(100);
        assert_int_equal(rd(ADC1 + DR), code(overwrites ? 2500 : 500));
        run_us(50);
        assert_int_equal(rd(ADC1 + DR), code(overwrites ? 2500 : 500));
        wr(ADC1 + ISR, OVR);
        run_us(50);
        assert_int_equal(rd(ADC1 + DR), code(2500));
        wr(ADC1 + CR, VREG | ADSTP);
        run_us(5);
        wr(ADC1 + ISR, 0x7FF);
    }
    clock_on(0x48, 0);
    wr(0x40020010, ADC1 + DR);
    wr(0x40020014, 0x20000000);
    wr(0x4002000C, 8);
    for (uint32_t overwrites = 0; overwrites < 2; overwrites++) {
        wr(0x40020008, 0);
        wr(ADC1 + CFGR, JQDIS | CONT | DMAEN | DMACFG | (overwrites ? OVRMOD : 0));
        wr(ADC1 + CR, VREG | ADSTART);
        run_us(100);
        wr(0x4002000C, 8);
        wr(0x40020008, 1 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 10);
        run_us(100);
        assert_int_equal(rd(0x4002000C), 8);
        wr(ADC1 + ISR, OVR);
        run_us(60);
        assert_in_range(rd(0x4002000C), 5, 7);
        wr(ADC1 + CR, VREG | ADSTP);
        run_us(5);
        wr(ADC1 + ISR, 0x7FF);
    }
}

/* An injected conversion in between: the samples so far count, or with ROVSM they do not. */
static void injected_in_between(void **state)
{
    (void)state;
    for (uint32_t again = 0; again < 2; again++) {
        wr(ADC1 + CFGR2, 1 | 0 << 2 | 1 << 9 | again << 10);
        wr(ADC1 + SQR1, 1 << 6);
        wr(ADC1 + JSQR, 2 << 8);
        wr(ADC1 + CFGR, JQDIS | 11 << 6 | 1 << 10);
        wr(ADC1 + CR, VREG | ADSTART);
        trigger();
        wr(ADC1 + CR, VREG | JADSTART);
        run_us(5);
        assert_int_equal(rd(ADC1 + ISR) & JEOC, JEOC);
        trigger();
        assert_int_equal(rd(ADC1 + ISR) & EOC, again ? 0 : EOC);
        trigger();
        assert_int_equal(rd(ADC1 + ISR) & EOC, EOC);
        wr(ADC1 + CR, VREG | ADSTP);
        run_us(5);
        wr(ADC1 + ISR, 0x7FF);
    }
}

static uint32_t context(unsigned channel)
{
    return TRGO | channel << 8;
}

/* Two contexts wait; the last one used stays. */
static void queue(void **state)
{
    (void)state;
    wr(ADC1 + CFGR, 0);
    wr(ADC1 + JSQR, context(2));
    wr(ADC1 + JSQR, context(3));
    assert_int_equal(rd(ADC1 + ISR) & JQOVF, 0);
    wr(ADC1 + JSQR, context(4));
    assert_int_equal(rd(ADC1 + ISR) & JQOVF, JQOVF);
    wr(ADC1 + ISR, JQOVF);
    assert_int_equal(rd(ADC1 + JSQR), context(2));
    wr(ADC1 + CR, VREG | JADSTART);
    trigger();
    assert_int_equal(rd(ADC1 + JDR1), code(1000));
    assert_int_equal(rd(ADC1 + JSQR), context(3));
    wr(ADC1 + JSQR, context(1)); /* while it is at work */
    trigger();
    assert_int_equal(rd(ADC1 + JDR1), code(1500));
    for (unsigned n = 0; n < 3; n++) {
        trigger();
        assert_int_equal(rd(ADC1 + JDR1), code(500));
        assert_int_equal(rd(ADC1 + JSQR), context(1));
    }
    wr(ADC1 + JSQR, context(4));
    assert_int_equal(rd(ADC1 + JSQR), context(4));
    trigger();
    assert_int_equal(rd(ADC1 + JDR1), code(2000));
    assert_int_equal(told_count("missing"), 0);
}

/* JQM: each context is used once; none, no conversion. */
static void queue_that_empties(void **state)
{
    (void)state;
    wr(ADC1 + CFGR, JQM);
    wr(ADC1 + JSQR, context(2));
    wr(ADC1 + CR, VREG | JADSTART);
    trigger();
    assert_int_equal(rd(ADC1 + ISR) & JEOS, JEOS);
    assert_int_equal(rd(ADC1 + JSQR), 0);
    wr(ADC1 + ISR, 0x7FF);
    trigger();
    assert_int_equal(rd(ADC1 + ISR) & JEOS, 0);
    wr(ADC1 + JSQR, context(3));
    wr(ADC1 + JSQR, context(4));
    trigger();
    assert_int_equal(rd(ADC1 + JDR1), code(1500));
    wr(ADC1 + CR, VREG | JADSTP);
    run_us(5);
    assert_int_equal(rd(ADC1 + JSQR), 0);
    wr(ADC1 + ISR, 0x7FF);
    wr(ADC1 + CR, VREG | JADSTART);
    trigger();
    assert_int_equal(rd(ADC1 + ISR) & JEOS, 0);
}

/* Enabled or calibrated without regulator, without the regulator's time, without clock: each is said, once.
 */
static void what_was_forgotten(void **state)
{
    enum { CCIPR = 0x40021088, AHB2RSTR = 0x4002102C };
    static const struct {
        uint32_t cr, ccr, adcsel;
        unsigned us;
        const char *what;
    } rows[] = {{0, 1 << 16, 0, 30, "without its regulator"},
                {1 << 29, 1 << 16, 0, 30, "in deep power-down"},
                {VREG, 0, 0, 30, "without a clock"},
                {VREG, 0, 1u << 28, 30, "without a clock"}, /* PLLSAI1 R, off */
                {VREG, 1 << 16, 0, 10, "within 20 us"},
                {VREG, 1 << 16, 0, 30, NULL},
                {VREG, 0, 3u << 28, 30, NULL}}; /* SYSCLK */
    (void)state;
    for (unsigned calibrates = 0; calibrates < 2; calibrates++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            unsigned before = told_count("message");
            set_bits(AHB2RSTR, 1 << 13);
            clear_bits(AHB2RSTR, 1 << 13);
            wr(CCIPR, rows[i].adcsel);
            wr(ADC1 + CCR, rows[i].ccr);
            wr(ADC1 + CR, rows[i].cr);
            run_us(rows[i].us);
            assert_int_equal(told_count("message"), before);
            for (unsigned n = 0; n < 2; n++)
                wr(ADC1 + CR, rows[i].cr | (calibrates ? 1u << 31 : ADEN));
            assert_int_equal(told_count("message"), before + !!rows[i].what);
            if (rows[i].what)
                assert_non_null(strstr(told_last("message")->text, rows[i].what));
        }
}

/* A write that forgets ADVREGEN: the ADC gets ready, and reads 0. */
static void without_regulator(void **state)
{
    (void)state;
    wr(ADC1 + CR, VREG | ADDIS);
    assert_true(run_until(ADC1 + CR, ADEN, 0, 10 * PS_PER_US) != PS_NEVER);
    for (uint32_t vreg = 0; vreg <= VREG; vreg += VREG) {
        wr(ADC1 + CR, vreg);
        run_us(20);
        wr(ADC1 + ISR, ADRDY);
        wr(ADC1 + CR, vreg | ADEN);
        assert_true(run_until(ADC1 + ISR, ADRDY, ADRDY, 10 * PS_PER_US) != PS_NEVER);
        wr(ADC1 + SQR1, 2 << 6);
        wr(ADC1 + CR, vreg | ADSTART);
        assert_true(run_until(ADC1 + ISR, EOC, EOC, 10 * PS_PER_US) != PS_NEVER);
        assert_int_equal(rd(ADC1 + DR), vreg ? code(1000) : 0);
        wr(ADC1 + CR, vreg | ADDIS);
        run_us(10);
    }
    wr(ADC1 + ISR, ADRDY);
    wr(ADC1 + CR, 1 << 29 | ADEN); /* DEEPPWD: not even that */
    assert_true(run_until(ADC1 + ISR, ADRDY, ADRDY, PS_PER_MS) == PS_NEVER);
}

/* Software asks again and again for what it waits for: the bit that is set already changes nothing. */
static bool comes_while_asked(uint32_t cr, uint32_t mask)
{
    unsigned i = 0;

    while (rd(ADC1 + CR) & mask && i++ < 300) {
        wr(ADC1 + CR, cr);
        run_us(1);
    }
    return i < 300;
}

static void asked_again(void **state)
{
    const uint32_t adcal = 1u << 31;

    (void)state;
    wr(0x40021088, 3u << 28);   /* CCIPR: SYSCLK, 4 MHz, */
    wr(ADC1 + CCR, 0xBu << 18); /* by 256 */
    wr(ADC1 + CR, VREG);
    run_us(30);
    wr(ADC1 + CR, VREG | ADEN);
    run_until(ADC1 + ISR, 1, 1, PS_PER_MS);
    wr(ADC1 + CFGR, JQDIS | 1 << 13); /* CONT */
    wr(ADC1 + JSQR, TRGO);
    wr(ADC1 + CR, VREG | ADEN | ADSTART);
    wr(ADC1 + CR, VREG | ADEN | JADSTART);
    assert_true(comes_while_asked(VREG | ADEN | ADSTP, ADSTP | ADSTART));
    assert_true(comes_while_asked(VREG | ADEN | JADSTP, JADSTP | JADSTART));
    wr(ADC1 + CR, VREG | ADEN | ADDIS);
    assert_true(comes_while_asked(VREG | ADEN | ADDIS, ADDIS));
    /* without a clock neither comes, and both come with it, unasked */
    for (unsigned off = 0; off < 2; off++) {
        uint32_t bit = off ? ADDIS : adcal;
        if (off) {
            wr(ADC1 + CR, VREG | ADEN);
            run_until(ADC1 + ISR, 1, 1, PS_PER_MS);
        }
        wr(0x40021088, 0);
        wr(ADC1 + CR, VREG | bit);
        run_us(20000);
        assert_int_equal(rd(ADC1 + CR) & bit, bit);
        wr(0x40021088, 3u << 28);
        run_us(10000);
        assert_int_equal(rd(ADC1 + CR) & bit, 0);
    }
    wr(ADC1 + CCR, 1 << 16); /* HCLK */
    wr(ADC1 + CR, VREG | adcal);
    assert_true(comes_while_asked(VREG | adcal, adcal));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asked_again, on, rig_off),
        cmocka_unit_test_setup_teardown(what_was_forgotten, on, rig_off),
        cmocka_unit_test_setup_teardown(without_regulator, on, rig_off),
        cmocka_unit_test_setup_teardown(triggered_oversampling, on_with_tim2, rig_off),
        cmocka_unit_test_setup_teardown(triggered_oversampling_by_software, on_with_tim2, rig_off),
        cmocka_unit_test_setup_teardown(oversampling_rounds, on, rig_off),
        cmocka_unit_test_setup_teardown(watchdogs_see_what_is_oversampled, on, rig_off),
        cmocka_unit_test_setup_teardown(overrun_stands, on, rig_off),
        cmocka_unit_test_setup_teardown(injected_in_between, on_with_tim2, rig_off),
        cmocka_unit_test_setup_teardown(queue, on_with_tim2, rig_off),
        cmocka_unit_test_setup_teardown(queue_that_empties, on_with_tim2, rig_off),
    };
    return cmocka_run_group_tests_name("ADC modes", tests, NULL, NULL);
}
