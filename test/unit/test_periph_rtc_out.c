/* RTC: alarm and calibration outputs at PC13 and PB2, and the reference clock at PB15. */
#include "rtc_rig.h"

enum { REFCKON = 1 << 4, COSEL = 1 << 19, POL = 1 << 20, COE = 1 << 23, PUSH_PULL = 1, REMAP = 2 };
#define OSEL(n) ((uint32_t)(n) << 21)

/* PB2 in its alternate function 0, too. */
static int on(void **state)
{
    rtc_on(state);
    pin_mode('B', 2, 2, 0);
    pin_mode('C', 13, 0, 0);
    return 0;
}

/* The time between two rising edges of a pin. */
static ps_t period(char port, unsigned pin)
{
    ps_t rise[2] = {0}, from = chip_now(rig);
    bool before = true;
    for (unsigned n = 0; n < 2 && chip_now(rig) - from < 3 * PS_PER_S;) {
        run_us(20);
        bool now = pin_level(port, pin);
        if (now && !before)
            rise[n++] = chip_now(rig);
        before = now;
    }
    return rise[1] - rise[0];
}

static void calibration(void **state)
{
    (void)state;
    wr(RTC + CR, COE);
    assert_int_equal(told.pwm_port * 16 + told.pwm_pin, 2 * 16 + 13);
    assert_true(told.hz == 512);
    assert_in_range(period('C', 13), 63 * RTCCLK, 65 * RTCCLK);
    assert_false(pin_level('B', 2));
    wr(RTC + CR, COE | COSEL);
    assert_in_range(period('C', 13), 32766 * RTCCLK, 32770 * RTCCLK);
    /* The edge is the second. */
    while (pin_level('C', 13))
        run_us(20);
    while (!pin_level('C', 13))
        run_us(20);
    wr(RTC + CR, COE | COSEL | BYPSHAD);
    assert_in_range(rd(RTC + SSR), 254, 255);
    wr(RTC + OR, REMAP);
    assert_in_range(period('B', 2), 32766 * RTCCLK, 32770 * RTCCLK);
    assert_false(pin_level('C', 13));
    wr(RTC + CR, 0);
    assert_true(told.hz == 0);
    assert_int_equal(told_count("missing"), 0);
}

/* The wake-up flag, then alarm A, without an interrupt; both polarities; open drain and push-pull. */
static void alarm(void **state)
{
    (void)state;
    wr(0x4800080C, 0); /* no pulls at PC */
    wr(RTC + OR, PUSH_PULL);
    wr(RTC + WUTR, 15);
    wr(RTC + CR, OSEL(3) | WUTE);
    assert_false(pin_level('C', 13));
    run_ps(16 * 16 * RTCCLK - 40 * PS_PER_US);
    assert_false(pin_level('C', 13));
    run_us(120);
    assert_true(pin_level('C', 13));
    wr(RTC + CR, OSEL(3) | WUTE | POL);
    assert_false(pin_level('C', 13));
    wr(RTC + ISR, ~(1u << 10));
    assert_true(pin_level('C', 13));
    wr(RTC + OR, 0); /* open drain: nothing pulls */
    assert_false(pin_level('C', 13));
    pin_drive('C', 13, 1);
    assert_true(pin_level('C', 13));
    wr(RTC + CR, OSEL(3));
    assert_false(pin_level('C', 13));
    pin_drive('C', 13, -1);
    wr(RTC + OR, PUSH_PULL);
    wr(RTC + CR, 0);
    wr(RTC + ALRMAR, 0x80808080); /* every second */
    wr(RTC + CR, OSEL(1) | ALRAE);
    run_us(1000100);
    assert_true(pin_level('C', 13));
    wr(RTC + ISR, ~(1u << 8));
    assert_false(pin_level('C', 13));
}

/* Which output is at which pin: RM0394, table of RTC_OUT_RMP. */
static void places(void **state)
{
    (void)state;
    static const struct {
        uint32_t option, cr;
        bool pc13, pb2; /* alarm flags are 0: POL makes them high */
        bool pc13_clock, pb2_clock;
    } rows[] = {
        {0, OSEL(1), true, false, false, false},       {0, COE, false, false, true, false},
        {0, OSEL(1) | COE, true, false, false, false}, {REMAP, OSEL(1), false, true, false, false},
        {REMAP, COE, false, false, false, true},       {REMAP, OSEL(1) | COE, true, false, false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned turns[2] = {0}, high[2] = {0};
        bool before[2] = {false, false};
        wr(RTC + OR, PUSH_PULL | rows[i].option);
        wr(RTC + CR, rows[i].cr | POL);
        for (unsigned n = 0; n < 100; n++) {
            run_us(200);
            bool now[2] = {pin_level('C', 13), pin_level('B', 2)};
            for (unsigned p = 0; p < 2; p++) {
                turns[p] += n && now[p] != before[p];
                high[p] += now[p];
                before[p] = now[p];
            }
        }
        assert_int_equal(turns[0] > 10, rows[i].pc13_clock);
        assert_int_equal(turns[1] > 10, rows[i].pb2_clock);
        assert_int_equal(high[0] == 100, rows[i].pc13);
        assert_int_equal(high[1] == 100, rows[i].pb2);
        wr(RTC + CR, 0);
    }
    wr(RTC + OR, REMAP); /* PB2 has to be in its alternate function */
    wr(RTC + CR, OSEL(1) | POL);
    assert_true(pin_level('B', 2));
    pin_mode('B', 2, 0, 0);
    assert_false(pin_level('B', 2));
}

/* 50 Hz that are 0.05 % fast, or slow: the seconds follow. Without, or away from a second, they do not. */
static void reference(void **state)
{
    (void)state;
    pin_mode('B', 15, 2, 0);
    for (unsigned n = 0; n < 4; n++) {
        bool given = n < 2, fast = n % 2 == 0;
        wr(RTC + ISR, 0x80);
        run_us(100);
        wr(RTC + CR, given ? REFCKON : 0);
        wr(RTC + PRER, 0x7F00FF);
        wr(RTC, 0);
        wr(RTC + ISR, 0);
        wr(RTC + CR, (given ? REFCKON : 0) | BYPSHAD);
        for (unsigned edge = 0; edge < 50 * 20; edge++) {
            pin_drive('B', 15, 1);
            run_us(fast ? 9995 : 10005);
            pin_drive('B', 15, 0);
            run_us(fast ? 9995 : edge < 999 ? 10005 : 5000);
        }
        run_us(fast ? 5000
                    : 0); /* 19.995 s or 20.005 s have passed; by the reference a bit more or less than 20 */
        assert_int_equal(rd(RTC), given ? (fast ? 0x20 : 0x19) : fast ? 0x19 : 0x20);
    }
}

static void reference_is_gone(void **state)
{
    (void)state;
    pin_mode('B', 15, 2, 0);
    wr(RTC + ISR, 0x80);
    run_us(100);
    wr(RTC + CR, REFCKON);
    wr(RTC + PRER, 0x7F00FF);
    wr(RTC, 0);
    wr(RTC + ISR, 0);
    wr(RTC + CR, REFCKON | BYPSHAD);
    for (unsigned n = 0; n < 5; n++) { /* edges in mid-second do not count */
        run_us(500000);
        pin_drive('B', 15, 1);
        run_us(500000);
        pin_drive('B', 15, 0);
    }
    run_us(1000);
    assert_int_equal(rd(RTC), 5);
    assert_in_range(rd(RTC + SSR), 254, 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calibration, on, rig_off),
        cmocka_unit_test_setup_teardown(alarm, on, rig_off),
        cmocka_unit_test_setup_teardown(places, on, rig_off),
        cmocka_unit_test_setup_teardown(reference, on, rig_off),
        cmocka_unit_test_setup_teardown(reference_is_gone, on, rig_off),
    };
    return cmocka_run_group_tests_name("RTC outputs", tests, NULL, NULL);
}
