/* RTC: time stamps, tampers, and what they do to the backup registers. */
#include "rtc_rig.h"

static void timestamp(void **state)
{
    (void)state;
    pin_drive('C', 13, 0);
    set_time(0x101112, 0x23A601);
    wr(RTC + CR, TSE);
    assert_int_equal(rd(RTC + TSTR), 0);
    run_us(500000);
    pin_drive('C', 13, 1);
    run_us(7700);
    assert_int_equal(rd(RTC + ISR) & (TSF | TSOVF), 0);
    run_us(200); /* two periods of ck_apre */
    assert_int_equal(rd(RTC + ISR) & (TSF | TSOVF), TSF);
    assert_int_equal(rd(RTC + TSTR), 0x101112);
    assert_int_equal(rd(RTC + TSDR), 0xA601);
    assert_in_range(rd(RTC + TSSSR), 125, 130);
    run_us(3000000);
    pin_drive('C', 13, 0);
    assert_int_equal(rd(RTC + ISR) & TSOVF, 0); /* falling edges do not count */
    pin_drive('C', 13, 1);
    assert_int_equal(rd(RTC + ISR) & TSOVF, TSOVF);
    assert_int_equal(rd(RTC + TSTR), 0x101112); /* the first one is kept */
    wr(RTC + ISR, ~(uint32_t)(TSF | TSOVF | INIT));
    wr(RTC + CR, 0);
    wr(RTC + TAMPCR, 1 << 17 | 1 << 7 | 1); /* of a tamper, whose flag comes later still; it is seen once */
    for (unsigned i = 0; i < 2; i++) {
        pin_drive('C', 13, 0);
        pin_drive('C', 13, 1);
    }
    run_us(7900);
    assert_int_equal(rd(RTC + ISR) & (TSF | TSOVF | TAMP1F), TSF);
    run_us(3900);
    assert_int_equal(rd(RTC + ISR) & (TSF | TAMP1F), TSF | TAMP1F);
    wr(RTC + TAMPCR, 0);
    wr(RTC + CR, TSE);
    wr(RTC + ISR, ~(uint32_t)(TSF | TAMP1F | INIT));
    for (unsigned i = 0; i < 2; i++) { /* TSOVF does not wait, not even for TSF */
        pin_drive('C', 13, 0);
        pin_drive('C', 13, 1);
    }
    assert_int_equal(rd(RTC + ISR) & (TSF | TSOVF), TSOVF);
    run_us(7900);
    assert_int_equal(rd(RTC + ISR) & (TSF | TSOVF), TSF | TSOVF);
}

/* ITSE: the moment at which VDD gave way to VBAT. */
static void timestamp_of_vbat(void **state)
{
    (void)state;
    for (unsigned on = 0; on < 2; on++) {
        set_time(0x101112, 0x23A601);
        wr(RTC + CR, on << 24);
        chip_power_off(rig, true);
        run_us(5000000);
        chip_power_on(rig);
        rig_settle();
        clock_on(0x58, 10);
        assert_int_equal(rd(RTC + ISR) & (TSF | 1 << 17), on ? TSF | 1 << 17 : 0);
        assert_int_equal(rd(RTC + TSTR), on ? 0x101112 : 0);
        clock_rtc();
    }
    wr(RTC + ISR, ~(uint32_t)(TSF | 1 << 17 | INIT));
    assert_int_equal(rd(RTC + ISR) & (TSF | 1 << 17), 0);
}

/* The flag of a time stamp comes with its interrupt, whether or not somebody looks at the RTC. */
static void stamp_interrupts(void **state)
{
    (void)state;
    set_bits(0x40010400, 1 << 19);
    set_bits(0x40010408, 1 << 19);
    pin_drive('C', 13, 0);
    wr(RTC + CR, TSE | 1 << 15); /* TSIE */
    pin_drive('C', 13, 1);
    assert_false(irq_line(2));
    run_us(20000);
    assert_true(irq_line(2));
}

static void tamper(void **state)
{
    (void)state;
    set_bits(0x40010400, 1 << 19);
    set_bits(0x40010408, 1 << 19);
    pin_drive('A', 0, 0);
    pin_drive('C', 13, 0);
    wr(RTC + BKP0R, 1);
    wr(RTC + BKP0R + 31 * 4, 2);
    wr(RTC + TAMPCR, 1 << 20 | 1 << 3 | 4); /* TAMP2 on PA0, rising, NOERASE, interrupt */
    pin_drive('A', 0, 1);
    assert_int_equal(rd(RTC + ISR) & (TAMP1F | TAMP2F), TAMP2F);
    assert_true(irq_line(2));
    assert_int_equal(rd(RTC + BKP0R), 1);
    wr(RTC + BKP0R, 5);
    assert_int_equal(rd(RTC + BKP0R), 5);
    wr(RTC + ISR, ~(uint32_t)(TAMP2F | INIT));
    wr(0x40010414, 1 << 19);
    assert_false(irq_line(2));
    wr(RTC + TAMPCR, 1); /* TAMP1 on PC13, erase */
    pin_drive('C', 13, 1);
    assert_int_equal(rd(RTC + ISR) & TAMP1F, TAMP1F);
    assert_int_equal(rd(RTC + BKP0R), 0);
    assert_int_equal(rd(RTC + BKP0R + 31 * 4), 0);
    wr(RTC + BKP0R, 4); /* held in reset as long as the flag is set */
    assert_int_equal(rd(RTC + BKP0R), 0);
    wr(RTC + ISR, ~(uint32_t)(TAMP1F | INIT));
    wr(RTC + BKP0R, 4);
    assert_int_equal(rd(RTC + BKP0R), 4);
    /* high already when enabled: counts as an edge */
    wr(RTC + TAMPCR, 0);
    wr(RTC + ISR, ~(uint32_t)(TAMP1F | INIT));
    wr(RTC + TAMPCR, 1);
    assert_int_equal(rd(RTC + ISR) & TAMP1F, TAMP1F);
    /* level detection: four samples at 128 Hz */
    wr(RTC + TAMPCR, 0);
    wr(RTC + ISR, ~(uint32_t)(TAMP1F | INIT));
    wr(RTC + BKP0R, 3);
    pin_drive('C', 13, 0);
    wr(RTC + TAMPCR, 2 << 11 | 7 << 8 | 2 | 1); /* active high */
    pin_drive('C', 13, 1);
    run_us(25000);
    pin_drive('C', 13, 0); /* too short */
    run_us(100000);
    assert_int_equal(rd(RTC + ISR) & TAMP1F, 0);
    pin_drive('C', 13, 1);
    run_us(32000);
    assert_int_equal(rd(RTC + BKP0R), 0);
    assert_int_equal(rd(RTC + ISR) & TAMP1F, 0);
    run_us(11700); /* three periods of ck_apre */
    assert_int_equal(rd(RTC + ISR) & TAMP1F, TAMP1F);
}

/* With a filter a pin is pulled up before each sample: one that is open is high, and a switch to ground a
 * tamper. Without filter, with TAMPPUDIS or without the tamper there is no pull-up. */
static void tamper_pulls_up(void **state)
{
    enum { FILTER = 1 << 11, FAST = 7 << 8, TAMPPUDIS = 1 << 15, TAMP2E = 8, HIGH = 16 };

    (void)state;
    pin_mode('A', 0, 0, 0);
    assert_false(pin_level('A', 0)); /* open */
    wr(RTC + TAMPCR, FILTER | FAST | TAMP2E);
    assert_true(pin_level('A', 0));
    run_us(100000);
    assert_int_equal(rd(RTC + ISR) & TAMP2F, 0);
    pin_drive('A', 0, 0);
    run_us(100000);
    assert_int_equal(rd(RTC + ISR) & TAMP2F, TAMP2F);
    pin_drive('A', 0, -1);
    static const uint32_t without[] = {FILTER | FAST, FILTER | FAST | TAMPPUDIS | TAMP2E, TAMP2E};
    for (unsigned i = 0; i < 3; i++) {
        wr(RTC + TAMPCR, FILTER | TAMP2E | HIGH);
        assert_true(pin_level('A', 0));
        wr(RTC + TAMPCR, without[i]);
        assert_false(pin_level('A', 0));
    }
    wr(RTC + TAMPCR, FILTER | TAMP2E);
    set_bits(0x40021090, 1 << 16); /* BDRST */
    assert_false(pin_level('A', 0));
}

/* A tamper without flag (TAMP2MF) starts LPTIM1 again and again. */
static void tamper_triggers(void **state)
{
    enum { LPTIM1 = 0x40007C00, TAMP2 = 4 << 13 | 1 << 17 };

    (void)state;
    clock_hsi16();
    clock_on(0x58, 31);
    pin_drive('A', 0, 0);
    wr(RTC + TAMPCR, 1 << 21 | 1 << 3); /* TAMP2MF, rising */
    wr(LPTIM1 + 0x0C, TAMP2);
    wr(LPTIM1 + 0x10, 1);
    wr(LPTIM1 + 0x18, 1000);
    run_us(10);
    for (unsigned i = 0; i < 2; i++) {
        wr(LPTIM1 + 0x10, 3); /* once */
        run_us(10);
        assert_int_equal(rd(LPTIM1) & 6, 0);
        pin_drive('A', 0, 1);
        run_us(1000);
        assert_int_equal(rd(LPTIM1) & 6, 6); /* EXTTRIG, ARRM */
        assert_int_equal(rd(RTC + ISR) & TAMP2F, 0);
        pin_drive('A', 0, 0);
        wr(LPTIM1 + 4, 0x7F);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timestamp, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(stamp_interrupts, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(timestamp_of_vbat, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(tamper, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(tamper_pulls_up, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(tamper_triggers, rtc_on, rig_off),
    };

    return cmocka_run_group_tests_name("RTC stamps", tests, NULL, NULL);
}
