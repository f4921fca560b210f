/* Alarms of the RTC: which fields they compare, dates and weekdays, sub-seconds, interrupt and wake-up line.
 */
#include "rtc_rig.h"

/* An alarm with all fields, one with masks, one on sub-seconds; EXTI 18 and its interrupt. */
static void alarms(void **state)
{
    (void)state;
    set_bits(0x40010400, 1 << 18); /* IMR, RTSR */
    set_bits(0x40010408, 1 << 18);
    set_time(0x103000, 0x23A601);
    wr(RTC + ALRMAR, 0x01103005);
    wr(RTC + CR, ALRAE | ALRAIE);
    assert_int_equal(rd(RTC + ISR) & ALRAWF, 0);
    wr(RTC + ALRMAR, 0); /* locked while enabled */
    assert_int_equal(rd(RTC + ALRMAR), 0x01103005);
    run_us(4900000);
    assert_false(irq_line(41));
    run_us(200000);
    assert_true(irq_line(41));
    assert_int_equal(rd(RTC + ISR) & ALRAF, ALRAF);
    wr(RTC + ISR, ~(uint32_t)(ALRAF | INIT));
    wr(0x40010414, 1 << 18);
    assert_false(irq_line(41));
    wr(RTC + CR, 0);
    assert_true(run_until(RTC + ISR, ALRAWF, ALRAWF, PS_PER_MS) <= 3 * RTCCLK);
    /* seconds only: once a minute */
    wr(RTC + ALRMAR, 1u << 31 | 1 << 23 | 1 << 15 | 0x30);
    wr(RTC + CR, ALRAE | ALRAIE);
    run_us(26000000);
    assert_true(irq_line(41));
    wr(RTC + ISR, ~(uint32_t)(ALRAF | INIT));
    wr(0x40010414, 1 << 18);
    run_us(58000000);
    assert_false(irq_line(41));
    run_us(2000000);
    assert_true(irq_line(41));
    wr(RTC + CR, 0);
    wr(RTC + ISR, ~(uint32_t)(ALRAF | INIT));
    wr(0x40010414, 1 << 18);
    run_us(200);
    /* the low four bits of SSR: every 16/256 s */
    wr(RTC + ALRMAR, 0x80808080);
    wr(RTC + ALRMASSR, 4 << 24 | 5);
    wr(RTC + CR, ALRAE | ALRAIE | BYPSHAD);
    unsigned count = 0;
    for (unsigned i = 0; i < 2000; i++) {
        run_us(500);
        if (!(rd(RTC + ISR) & ALRAF))
            continue;
        assert_int_equal(rd(RTC + SSR) & 15, 5);
        wr(RTC + ISR, ~(uint32_t)(ALRAF | INIT));
        run_us(4000);
        i += 8;
        count++;
    }
    assert_in_range(count, 15, 17);
    /* weekday instead of date, alarm B */
    wr(RTC + ALRMBR, 1 << 30 | 0x05000000 | 1 << 23 | 1 << 15 | 1 << 7);
    wr(RTC + CR, ALRBE);
    run_us(1100000);
    assert_int_equal(rd(RTC + ISR) & ALRBF, ALRBF); /* DR said weekday 5 */
}

/* MASKSS: so many low bits of SSR are compared, with and without the interrupt. SSR goes down from 255. */
static void alarm_subseconds(void **state)
{
    static const struct {
        uint32_t maskss, ss, per_second;
    } rows[] = {{1, 0, 128}, {1, 1, 128}, {4, 0x15, 16}, {7, 100, 2},
                {8, 0, 1},   {8, 255, 1}, {15, 200, 1},  {15, 256, 0}};

    (void)state;
    set_time(0x101500, 0x232101);
    wr(RTC + ALRMAR, 0x80808080);
    for (unsigned i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        uint32_t maskss = rows[i / 2].maskss, ss = rows[i / 2].ss, per_second = rows[i / 2].per_second;
        ps_t period = per_second ? PS_PER_S / per_second : PS_NEVER;
        wr(RTC + CR, 0);
        run_us(200);
        wr(RTC + ALRMASSR, maskss << 24 | ss);
        wr(RTC + ISR, ~(uint32_t)(ALRAF | INIT));
        wr(RTC + CR, ALRAE | BYPSHAD | (i % 2 ? ALRAIE : 0));
        for (unsigned n = 0; n < 4; n++) {
            ps_t took = run_until(RTC + ISR, ALRAF, ALRAF, 2 * PS_PER_S);
            if (!per_second) {
                assert_true(took == PS_NEVER);
                break;
            }
            assert_true(took <= period + 100 * PS_PER_US); /* which it looks once in */
            if (n)
                assert_in_range(took, period - 200 * PS_PER_US, period + 200 * PS_PER_US);
            assert_int_equal((rd(RTC + SSR) ^ ss) & ((1u << maskss) - 1), 0);
            wr(RTC + ISR, ~(uint32_t)(ALRAF | INIT));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(alarms, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(alarm_subseconds, rtc_on, rig_off),
    };

    return cmocka_run_group_tests_name("RTC alarms", tests, NULL, NULL);
}
