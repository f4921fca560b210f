/* RTC: protection, calendar, initialization, shadow registers, wake-up timer, calibration, backup
 * registers, and what resets leave alone. */
#include "rtc_rig.h"

static uint32_t time_now(void)
{
    uint32_t tr = rd(RTC + TR);

    rd(RTC + DR);
    return tr;
}

static void protection(void **state)
{
    (void)state;
    rig_off(state);
    rig_on(state);
    assert_int_equal(rd(RTC + PRER), 0x007F00FF); /* RTCAPBEN is on after reset */
    clear_bits(0x40021058, 1 << 10);
    assert_int_equal(rd(RTC + PRER), 0);
    clock_on(0x58, 10);
    assert_int_equal(rd(RTC + PRER), 0x007F00FF);
    wr(RTC + BKP0R, 1); /* DBP off */
    assert_int_equal(rd(RTC + BKP0R), 0);
    clock_on(0x58, 28);
    set_bits(0x40007000, 1 << 8);
    for (uint32_t i = 0; i < 32; i++) /* no key, no RTC clock needed */
        wr(RTC + BKP0R + 4 * i, 0xDEAD0000 + i);
    for (uint32_t i = 0; i < 32; i++)
        assert_int_equal(rd(RTC + BKP0R + 4 * i), 0xDEAD0000 + i);
    wr(RTC + WUTR, 5);
    assert_int_equal(rd(RTC + WUTR), 0xFFFF); /* needs the key */
    wr(RTC + WPR, 0xCA);
    wr(RTC + WPR, 0x54);
    wr(RTC + WUTR, 5);
    assert_int_equal(rd(RTC + WUTR), 0xFFFF);
    unlock();
    wr(RTC + WUTR, 5);
    assert_int_equal(rd(RTC + WUTR), 5);
    wr(RTC + TR, 0x111111); /* and these initialization */
    wr(RTC + DR, 0x222222);
    wr(RTC + PRER, 0);
    set_bits(RTC + CR, BYPSHAD);
    assert_int_equal(rd(RTC + TR), 0);
    assert_int_equal(rd(RTC + DR), 0x2101);
    assert_int_equal(rd(RTC + PRER), 0x007F00FF);
    clear_bits(RTC + CR, BYPSHAD);
    wr(RTC + PRER, 0); /* only in initialization mode */
    assert_int_equal(rd(RTC + PRER), 0x007F00FF);
    wr(RTC + WPR, 0xFF);
    wr(RTC + WUTR, 6);
    assert_int_equal(rd(RTC + WUTR), 5);
    wr(RTC + TAMPCR, 0x40); /* free */
    assert_int_equal(rd(RTC + TAMPCR), 0x40);
}

/* RTCEN stops the RTC, and nothing else (rcc_tree.c). */
static void rtcen(void **state)
{
    (void)state;
    set_bits(RTC + CR, BYPSHAD);
    for (unsigned on = 0; on < 2; on++) {
        if (on)
            set_bits(0x40021090, 1 << 15);
        else
            clear_bits(0x40021090, 1 << 15);
        uint32_t before = rd(RTC + SSR);
        run_us(100000);
        if (on)
            assert_int_not_equal(rd(RTC + SSR), before);
        else
            assert_int_equal(rd(RTC + SSR), before);
    }
}

static void initialization(void **state)
{
    (void)state;
    assert_int_equal(rd(RTC + ISR) & (INITS | INITF | INIT), 0);
    wr(RTC + ISR, 0xFFFFFFFF);
    assert_int_equal(rd(RTC + ISR) & (INIT | INITF | RSF), INIT);
    ps_t took = run_until(RTC + ISR, INITF, INITF, PS_PER_MS);
    assert_in_range(took, RTCCLK, 3 * RTCCLK);
    wr(RTC + TR, 0x00235958);
    wr(RTC + DR, 0x0023E228); /* 2023-02-28, weekday 7 */
    uint32_t tr = time_now();
    run_us(3000000); /* the calendar stands */
    assert_int_equal(time_now(), tr);
    wr(RTC + ISR, ~(uint32_t)INIT);
    assert_int_equal(rd(RTC + ISR) & (INIT | INITF), 0);
    run_us(500);
    assert_int_equal(rd(RTC + ISR) & (RSF | INITS), RSF | INITS);
    assert_int_equal(time_now(), 0x00235958);
    run_us(1000000);
    assert_int_equal(time_now(), 0x00235959);
    run_us(1000000);
    assert_int_equal(time_now(), 0);
    assert_int_equal(rd(RTC + DR), 0x00232301); /* Monday, 1 March */
}

/* A second lasts (127 + 1)(255 + 1) periods; SSR counts down through it. */
static void seconds(void **state)
{
    (void)state;
    set_time(0, 0x2101);
    wr(RTC + CR, BYPSHAD);
    run_until(RTC + TR, 1, 1, 2 * PS_PER_S);
    run_until(RTC + TR, 1, 0, 2 * PS_PER_S);
    assert_in_range(run_until(RTC + TR, 1, 1, 2 * PS_PER_S), PS_PER_S - 200 * PS_PER_US,
                    PS_PER_S + 200 * PS_PER_US);
    uint32_t ssr = rd(RTC + SSR);
    assert_in_range(ssr, 254, 255);
    run_us(500000);
    assert_in_range(rd(RTC + SSR), 126, 128);
}

static void calendar_rules(void **state)
{
    static const struct {
        uint32_t tr, dr, next_tr, next_dr, fmt;
    } rows[] = {
        {0x235959, 0x24C228, 0x000000, 0x24E229, 0}, /* leap year */
        {0x235959, 0x24E229, 0x000000, 0x242301, 0},
        {0x235959, 0x99F231, 0x000000, 0x002101, 0}, /* weekday 7, December 31 of 99 */
        {0x235959, 0x236430, 0x000000, 0x238501, 0},
        {0x095959, 0x232101, 0x100000, 0x232101, 0},
        {0x195909, 0x232101, 0x195910, 0x232101, 0},
        {0x115959, 0x232101, 0x520000, 0x232101, FMT}, /* 11:59:59 AM to 12:00:00 PM */
        {0x525959, 0x232101, 0x410000, 0x232101, FMT}, /* 12:59:59 PM to 1 PM */
        {0x515959, 0x232131, 0x120000, 0x234201, FMT}, /* 11:59:59 PM to 12 AM next day */
        {0x495959, 0x232101, 0x500000, 0x232101, FMT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        init_mode();
        wr(RTC + CR, rows[i].fmt);
        set_time(rows[i].tr, rows[i].dr);
        wr(RTC + CR, rows[i].fmt ^ FMT); /* in initialization mode only */
        assert_int_equal(rd(RTC + CR), rows[i].fmt);
        run_us(1000200);
        assert_int_equal(time_now(), rows[i].next_tr);
        assert_int_equal(rd(RTC + DR), rows[i].next_dr);
    }
    init_mode();
    wr(RTC + CR, 0);
    set_time(0x230000, 0x232101);
    wr(RTC + CR, 1 << 16); /* ADD1H: with the next second, and the date stays */
    assert_int_equal(rd(RTC + CR), 0);
    run_us(900000);
    assert_int_equal(time_now(), 0x230000);
    run_us(100200);
    assert_int_equal(time_now(), 1);
    assert_int_equal(rd(RTC + DR), 0x232101);
    wr(RTC + CR, 1 << 17); /* SUB1H: not in hour 0 */
    run_us(1000000);
    assert_int_equal(time_now(), 2);
    set_time(0x130000, 0x232101);
    wr(RTC + CR, 1 << 17);
    run_us(1000200);
    assert_int_equal(time_now(), 0x120001);
    run_us(1000000);
    assert_int_equal(time_now(), 0x120002);
    wr(RTC + CR, 1 << 16);
    set_time(0x130000, 0x232101); /* a time that is set meanwhile stays as set */
    run_us(1000200);
    assert_int_equal(time_now(), 0x130001);
}

/* Reading SSR freezes TR and DR, reading TR freezes DR, until DR is read. */
static void shadow_locks(void **state)
{
    (void)state;
    set_time(0x235958, 0x233231);
    uint32_t ssr = rd(RTC + SSR);
    run_us(1500200);
    assert_int_not_equal(rd(RTC + SSR), ssr);
    assert_int_equal(rd(RTC + TR), 0x235958);
    run_us(1000000);
    assert_int_equal(rd(RTC + TR), 0x235958);
    assert_int_equal(rd(RTC + DR), 0x233231);
    assert_int_equal(rd(RTC + TR), 0);
    run_us(1000000);
    assert_int_equal(rd(RTC + TR), 1); /* a clock that never reads DR goes */
    set_time(0x235959, 0x233231);
    rd(RTC + DR);
    assert_int_equal(rd(RTC + TR), 0x235959);
    run_us(1500200);
    assert_int_equal(rd(RTC + TR), 0);
    assert_int_equal(rd(RTC + DR), 0x233231);
    assert_int_equal(rd(RTC + DR), 0x244101);
}

/* RSF tells when the copies are fresh. */
static void shadow_registers(void **state)
{
    (void)state;
    set_time(0, 0x2101);
    run_us(2000200);
    assert_int_equal(rd(RTC + TR), 2);
    rd(RTC + DR);
    wr(RTC + ISR, ~(uint32_t)(RSF | INIT));
    assert_int_equal(rd(RTC + ISR) & RSF, 0);
    assert_in_range(run_until(RTC + ISR, RSF, RSF, PS_PER_MS), RTCCLK, 3 * RTCCLK);
    wr(RTC + ISR, ~(uint32_t)(RSF | INIT));
    for (unsigned i = 0; !(rd(RTC + ISR) & RSF); i++) { /* cleared while it is clear */
        assert_true(i < 20);
        wr(RTC + ISR, ~(uint32_t)(RSF | INIT));
        run_us(10);
    }
    wr(RTC + CR, BYPSHAD);
    assert_int_equal(rd(RTC + ISR) & RSF, 0); /* nothing to be synchronised */
    rd(RTC + TR);
    run_us(1000000);
    assert_int_equal(rd(RTC + TR), 3);
    wr(RTC + CR, 0);
    assert_true(run_until(RTC + ISR, RSF, RSF, PS_PER_MS) != PS_NEVER);
}

static void wakeup_timer(void **state)
{
    static const struct {
        uint32_t sel, wut;
        ps_t period;
    } rows[] = {
        {0, 2047, PS_PER_S}, {1, 4095, PS_PER_S},  {2, 99, 100 * 4 * RTCCLK},
        {3, 0, 2 * RTCCLK},  {4, 2, 3 * PS_PER_S}, {6, 0, 65537 * PS_PER_S},
    };

    (void)state;
    set_bits(0x40010400, 1 << 20);
    set_bits(0x40010408, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(run_until(RTC + ISR, WUTWF, WUTWF, PS_PER_MS) != PS_NEVER);
        wr(RTC + CR, rows[i].sel);
        wr(RTC + WUTR, rows[i].wut);
        wr(RTC + CR, rows[i].sel | WUTE | WUTIE);
        assert_int_equal(rd(RTC + ISR) & WUTWF, 0);
        wr(RTC + WUTR, 0x1234); /* locked */
        assert_int_equal(rd(RTC + WUTR), rows[i].wut);
        ps_t slack = rows[i].sel >= 4 ? PS_PER_S + 1000000 : 2 * RTCCLK;
        for (unsigned n = 0; n < 2; n++) {
            ps_t begin = chip_now(rig), step = rows[i].period / 500;
            while (!irq_line(3) && chip_now(rig) - begin < rows[i].period * 2)
                run_ps(step);
            ps_t took = chip_now(rig) - begin;
            if (took + slack < rows[i].period || took > rows[i].period + slack + step)
                fail_msg("row %zu: %llu ps instead of %llu", i, (unsigned long long)took,
                         (unsigned long long)rows[i].period);
            slack = step + 2 * RTCCLK;
            wr(RTC + ISR, ~(uint32_t)(WUTF | INIT));
            wr(0x40010414, 1 << 20);
            assert_false(irq_line(3));
        }
        wr(RTC + CR, 0);
    }
    wr(RTC + CR, WUTE); /* in initialization mode nobody waits for WUTWF */
    init_mode();
    wr(RTC + CR, 0);
    wr(RTC + CR, 3);
    wr(RTC + WUTR, 0x77);
    assert_int_equal(rd(RTC + ISR) & WUTWF, 0);
    assert_int_equal(rd(RTC + CR), 3);
    assert_int_equal(rd(RTC + WUTR), 0x77);
}

static void shift_and_calibration(void **state)
{
    (void)state;
    set_time(0, 0x2101);
    wr(RTC + CR, BYPSHAD);
    run_us(100000);
    wr(RTC + SHIFTR, 1u << 31 | 64); /* a second forward, a quarter back */
    assert_int_equal(rd(RTC + ISR) & SHPF, SHPF);
    run_us(200);
    assert_int_equal(rd(RTC + ISR) & SHPF, 0);
    assert_int_equal(rd(RTC + TR), 1);
    assert_in_range(rd(RTC + SSR), 255 - 26 + 64 - 1, 255 - 26 + 64 + 1);
    wr(RTC + CALR, 511); /* -487 ppm */
    run_us(11500);
    assert_int_equal(rd(RTC + ISR) & RECALPF, RECALPF);
    run_us(400); /* three of ck_apre */
    assert_int_equal(rd(RTC + ISR) & RECALPF, 0);
    wr(RTC + CALR, 510); /* which stands still in initialization */
    init_mode();
    run_us(50000);
    wr(RTC + CALR, 1);
    assert_int_equal(rd(RTC + CALR), 510);
    wr(RTC + ISR, 0xFFFFFFFF & ~(uint32_t)INIT);
    assert_in_range(run_until(RTC + ISR, RECALPF, 0, PS_PER_S), 10 * PS_PER_MS, 12 * PS_PER_MS);
    for (unsigned i = 0; i < 2; i++) { /* low bits of CALM "are stuck" with CALW8, CALW16 */
        wr(RTC + CALR, 1u << (13 + i) | 511);
        assert_int_equal(rd(RTC + CALR) & 511, i ? 508 : 510);
        run_us(12000);
    }
    wr(RTC + CALR, 511);
    run_us(12000);
    run_until(RTC + TR, 15, 5, 10 * PS_PER_S);
    ps_t begin = chip_now(rig);
    run_us(1000ull * 1000000);
    while ((rd(RTC + TR) & 15) != 5)
        run_us(1000);
    ps_t took = (chip_now(rig) - begin) / 1000000; /* 1000 s, slow by 487 ppm: 1000.487 s */
    assert_in_range(took, 1000480000ull - 10000, 1000495000ull + 10000);
}

/* System resets keep calendar and backup registers, drop INIT and RSF; BDRST clears all. */
static void resets(void **state)
{
    (void)state;
    set_time(0x101112, 0x23A601);
    wr(RTC + BKP0R + 5 * 4, 0xDEADBEEF);
    wr(RTC + ISR, 0xFFFFFFFF);
    rd(RTC + SSR); /* locks TR and DR, until a reset */
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    clock_on(0x58, 10);
    assert_int_equal(rd(RTC + BKP0R + 5 * 4), 0xDEADBEEF);
    assert_int_equal(rd(RTC + ISR) & (INIT | INITF), 0);
    run_us(2000000);
    assert_in_range(time_now(), 0x101113, 0x101115);
    wr(RTC + BKP0R + 5 * 4, 0); /* DBP is off after a reset */
    assert_int_equal(rd(RTC + BKP0R + 5 * 4), 0xDEADBEEF);
    chip_power_off(rig, true);
    run_us(60000000);
    chip_power_on(rig);
    run_us(1000);
    clock_on(0x58, 10);
    assert_int_equal(rd(RTC + BKP0R + 5 * 4), 0xDEADBEEF);
    assert_in_range(time_now(), 0x101213, 0x101215); /* a minute on VBAT */
    clock_on(0x58, 28);
    set_bits(0x40007000, 1 << 8);
    set_bits(0x40021090, 1 << 16);
    wr(RTC + BKP0R + 5 * 4, 7); /* held in reset as long as it is set */
    clear_bits(0x40021090, 1 << 16);
    assert_int_equal(rd(RTC + BKP0R + 5 * 4), 0);
    assert_int_equal(rd(RTC + DR), 0x2101);
    assert_int_equal(rd(RTC + ISR) & ~(uint32_t)RSF, 7);
    wr(RTC + BKP0R, 9);
    chip_power_off(rig, false);
    chip_power_on(rig);
    run_us(1000);
    clock_on(0x58, 10);
    assert_int_equal(rd(RTC + BKP0R), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(protection, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(rtcen, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(initialization, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(seconds, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(calendar_rules, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(shadow_locks, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(shadow_registers, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(wakeup_timer, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(shift_and_calibration, rtc_on, rig_off),
        cmocka_unit_test_setup_teardown(resets, rtc_on, rig_off),
    };

    return cmocka_run_group_tests_name("RTC", tests, NULL, NULL);
}
