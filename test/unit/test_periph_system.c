/* Watchdogs, clock recovery, random numbers, debug registers. */
#include "rig.h"

#include "chip/crs.h"
#include <string.h>

#define IWDG   0x40003000u
#define WWDG   0x40002C00u
#define CRS    0x40006000u
#define RNG    0x50060800u
#define DBGMCU 0xE0042000u
#define RCC    0x40021000u
#define LSI    31250000ull /* ps, 32 kHz */

/* ---- IWDG ---- */

static void iwdg_setup(uint32_t pr, uint32_t rlr, uint32_t winr)
{
    wr(IWDG, 0xCCCC);
    run_us(200); /* LSI starts */
    wr(IWDG, 0x5555);
    wr(IWDG + 4, pr);
    wr(IWDG + 8, rlr);
    assert_int_equal(rd(IWDG + 12), 3);
    run_ps(LSI * 4);
    assert_int_equal(rd(IWDG + 12), 3);
    run_ps(LSI * 2);
    assert_int_equal(rd(IWDG + 12), 0);
    if (winr != 0xFFF) {
        wr(IWDG + 16, winr); /* reloads, too */
        assert_int_equal(rd(IWDG + 12), 4);
        run_ps(LSI * 6);
    } else {
        wr(IWDG, 0xAAAA);
    }
}

/* (RLR + 1) 4 2^PR periods of LSI, for every PR. */
static void iwdg_timeouts(void **state)
{
    (void)state;
    for (uint32_t pr = 0; pr < 8; pr++) {
        uint32_t rlr = 3000 >> pr;
        iwdg_setup(pr, rlr, 0xFFF);
        ps_t timeout = (ps_t)(rlr + 1) * (4u << (pr == 7 ? 6 : pr)) * LSI;
        told.n = 0;
        run_ps(timeout / 2);
        wr(IWDG, 0xAAAA); /* fed in time */
        ps_t begin = chip_now(rig);
        run_ps(timeout + PS_PER_MS);
        assert_int_equal(told_count("reset"), 1);
        assert_int_equal(told_last("reset")->a, RESET_IWDG);
        assert_in_range(told_last("reset")->at - begin, timeout - LSI, timeout + LSI);
        assert_true(rd(RCC + 0x94) & 1u << 29);
        set_bits(RCC + 0x94, 1u << 23);
        clear_bits(RCC + 0x94, 1u << 23);
        assert_int_equal(rd(IWDG + 4), 0); /* not running any more */
        assert_int_equal(rd(IWDG + 8), 0xFFF);
    }
}

static void iwdg_protection(void **state)
{
    (void)state;
    wr(IWDG + 8, 5);
    assert_int_equal(rd(IWDG + 8), 0xFFF);
    wr(IWDG, 0xCCCC);
    wr(IWDG, 0x5555);
    wr(IWDG + 8, 500);
    wr(IWDG + 4, 1);
    wr(IWDG + 16, 400);
    assert_int_equal(rd(IWDG + 8), 0xFFF); /* the old values while the updates are on their way */
    assert_int_equal(rd(IWDG + 4), 0);
    assert_int_equal(rd(IWDG + 16), 0xFFF);
    wr(IWDG + 8, 600);
    assert_int_equal(rd(IWDG + 8), 0xFFF);
    wr(IWDG, 0);
    wr(IWDG + 8, 6);
    run_ps(LSI * 20);
    assert_int_equal(rd(IWDG + 8), 600);
    assert_int_equal(rd(IWDG + 4), 1);
    assert_int_equal(rd(IWDG + 16), 400);
    assert_int_equal(rd(IWDG), 0);
}

/* Written before the start, an update stays pending; the start lets it through. */
static void iwdg_stuck_update(void **state)
{
    (void)state;
    wr(IWDG, 0x5555);
    wr(IWDG + 4, 6);
    run_us(1000000);
    assert_int_equal(rd(IWDG + 12) & 1, 1);
    wr(IWDG, 0xCCCC);
    run_us(200);
    run_ps(LSI * 6);
    assert_int_equal(rd(IWDG + 12), 0);
    assert_true(chip_clock(rig, CLK_LSI) > 0); /* started it */
}

static void iwdg_window(void **state)
{
    (void)state;
    iwdg_setup(0, 1000, 500);
    told.n = 0;
    run_ps(LSI * 4 * 600);
    wr(IWDG, 0xAAAA);
    run_us(100);
    assert_int_equal(told_count("reset"), 0);
    run_ps(LSI * 4 * 400);
    wr(IWDG, 0xAAAA); /* 600 left: too early */
    run_us(1000);
    assert_int_equal(told_count("reset"), 1);
    assert_int_equal(told_last("reset")->a, RESET_IWDG);
}

/* ---- WWDG ---- */

static void wwdg_timeout(void **state)
{
    (void)state;
    for (uint32_t tb = 0; tb < 4; tb++) {
        clock_hsi16();
        clock_on(0x58, 11);
        assert_int_equal(rd(WWDG), 0x7F);
        wr(WWDG + 4, tb << 7 | 0x7F | 1 << 9);
        wr(WWDG, 0x80 | 0x60);
        ps_t begin = chip_now(rig), step = (ps_t)(4096u << tb) * 62500;
        told.n = 0;
        run_ps(step * 0x20 - step / 2);
        assert_int_equal(rd(WWDG) & 0x7F, 0x41);
        assert_int_equal(rd(WWDG + 8), 0);
        run_ps(step);
        assert_int_equal(rd(WWDG + 8), 1); /* early wake-up at 0x40 */
        assert_true(irq_line(0));
        wr(WWDG + 8, 0);
        assert_false(irq_line(0));
        run_ps(step);
        assert_int_equal(told_count("reset"), 1);
        assert_int_equal(told_last("reset")->a, RESET_WWDG);
        assert_in_range(told_last("reset")->at - begin, step * 0x21, step * 0x21 + PS_PER_US);
        rig_settle();
    }
}

static void wwdg_window(void **state)
{
    (void)state;
    clock_hsi16();
    clock_on(0x58, 11);
    wr(WWDG + 4, 0x50);
    wr(WWDG, 0x80 | 0x60);
    told.n = 0;
    run_ps(4096ull * 62500 * 0x11);
    wr(WWDG, 0x60); /* T is 0x4F: allowed; WDGA stays */
    run_us(10);
    assert_int_equal(told_count("reset"), 0);
    assert_int_equal(rd(WWDG), 0x80 | 0x60);
    wr(WWDG, 0x60); /* above W */
    run_us(10);
    assert_int_equal(told_count("reset"), 1);
    rig_settle();
    clock_on(0x58, 11);
    wr(WWDG, 0x80 | 0x3F); /* T6 clear: at once */
    run_us(10);
    assert_int_equal(told_count("reset"), 2);
    rig_settle();
    clear_bits(RCC + 0x58, 1 << 11);
    assert_int_equal(rd(WWDG), 0);
}

/* ---- CRS ---- */

enum { SYNCOK = 1, SYNCWARN = 2, ERR = 4, ESYNC = 8, SYNCERR = 1 << 8, SYNCMISS = 1 << 9, TRIMOVF = 1 << 10 };

static void crs_on(void)
{
    clock_on(0x58, 24);
    wr(RCC + 0x98, 1);
    run_us(20);
}

static void sof(unsigned count, uint64_t us)
{
    for (unsigned i = 0; i < count; i++) {
        run_us(us);
        crs_sync(rig, CRS_USB_SOF, true);
    }
}

static void crs_trims(void **state)
{
    (void)state;
    crs_on();
    assert_int_equal(rd(CRS), 0x2000);
    assert_int_equal(rd(CRS + 4), 0x2022BB7F);
    wr(CRS, 0x2000 | 1 << 5 | 0xF);
    wr(CRS + 4, 0); /* locked while CEN */
    assert_int_equal(rd(CRS + 4), 0x2022BB7F);
    sof(1, 1000);
    assert_int_equal(rd(CRS + 8), 0); /* the first one starts the counter */
    sof(1, 1000);
    uint32_t isr = rd(CRS + 8), error = isr >> 16;
    assert_int_equal(isr & (SYNCOK | SYNCWARN | ERR), SYNCOK);
    assert_true(irq_line(82));
    assert_int_equal(isr >> 15 & 1, 1); /* too slow */
    wr(CRS + 12, 0xF);
    assert_false(irq_line(82));
    wr(CRS, 0x2000 | 1 << 5 | 1 << 6); /* automatic trimming brings the error down and then rests */
    sof(20, 1000);
    uint32_t trim = rd(CRS) >> 8 & 0x3F;
    assert_true(trim > 32);
    assert_true(rd(CRS + 8) >> 16 < error);
    assert_true(rd(CRS + 8) >> 16 < 0x22);
    sof(20, 1000);
    assert_int_equal(rd(CRS) >> 8 & 0x3F, trim);
    wr(CRS, 1 << 5 | 1 << 6); /* TRIM is read-only now */
    assert_int_equal(rd(CRS) >> 8 & 0x3F, trim);
    /* a jitter that is worth two steps */
    wr(CRS + 12, 0xF);
    run_us(1003);
    crs_sync(rig, CRS_USB_SOF, true);
    assert_int_equal(rd(CRS + 8) & (SYNCOK | SYNCWARN | ERR), SYNCWARN);
    assert_int_equal(rd(CRS) >> 8 & 0x3F, trim - 2);
}

/* At its ends TRIM stays, and says so. */
static void crs_trim_ends(void **state)
{
    static const struct {
        uint32_t from, to;
        uint64_t us; /* far more than HSI48 is off by then */
    } rows[] = {{1, 0, 1060}, {62, 63, 940}};

    (void)state;
    crs_on();
    for (unsigned i = 0; i < 2; i++) {
        wr(CRS, 0);
        wr(CRS, rows[i].from << 8 | 1 << 5 | 1 << 6);
        sof(2, rows[i].us);
        assert_int_equal(rd(CRS) >> 8 & 0x3F, rows[i].to);
        assert_int_equal(rd(CRS + 8) & (TRIMOVF | ERR), TRIMOVF | ERR);
        wr(CRS + 12, 0xF);
    }
}

static void crs_errors(void **state)
{
    (void)state;
    crs_on();
    wr(CRS, 0x2000 | 1 << 5 | 4);
    sof(2, 1000);
    wr(CRS + 12, 0xF);
    run_us(500);
    crs_sync(rig, CRS_USB_SOF, true); /* far too early */
    assert_int_equal(rd(CRS + 8) & (SYNCERR | SYNCMISS | ERR | SYNCOK), SYNCERR | ERR);
    assert_true(irq_line(82));
    wr(CRS + 12, 0xF & ~ERR); /* ERRC is what clears the errors */
    assert_int_equal(rd(CRS + 8) & 0x70F, SYNCERR | ERR);
    wr(CRS + 12, 0xF);
    assert_int_equal(rd(CRS + 8) & 0x70F, 0);
    run_us(1050);
    assert_int_equal(rd(CRS + 8) & 0x70F, ESYNC); /* expected, not there yet */
    run_us(100);
    assert_int_equal(rd(CRS + 8) & 0x70F, ESYNC | SYNCMISS | ERR);
    wr(CRS + 12, 0xF);
    crs_sync(rig, CRS_GPIO, true); /* not the selected source */
    assert_int_equal(rd(CRS + 8) & 0x70F, 0);
    wr(CRS, 0x2000);
    wr(CRS + 4, 0x1022BB7F & ~0xFFFFu); /* LSE, RELOAD for 32.768 kHz */
    clock_lse();
    wr(CRS + 4, (0x10220000u) | 1464);
    wr(CRS, 0x2000 | 1 << 5);
    run_us(200);
    assert_int_equal(rd(CRS + 8) & SYNCOK, SYNCOK);
}

/* ---- RNG ---- */

/* A clock that is too slow is told once, with where it was to come from. */
static void rng_without_clock(void **state)
{
    static const char *const from[] = {"takes HSI48, which is off;", "takes PLLSAI1 Q, which is off;",
                                       "takes PLL Q, which is off;", "takes MSI, which is at 800 kHz;"};

    (void)state;
    clock_hsi16();
    wr(RCC, 3u << 4 | 1 << 3 | 1 | 1 << 8); /* MSIRANGE, taken from here: 800 kHz, HCLK / 20 */
    clock_on(0x4C, 18);
    for (unsigned i = 0; i < 4; i++) {
        set_bits(RCC + 0x2C, 1u << 18);
        clear_bits(RCC + 0x2C, 1u << 18);
        wr(RCC + 0x88, i << 26);
        told.n = 0;
        wr(RNG, 4);
        wr(RNG, 4 | 8);
        assert_int_equal(told_count("message"), 1);
        assert_non_null(strstr(told_last("message")->text, from[i]));
    }
}

static void rng(void **state)
{
    uint32_t seen[16];

    (void)state;
    clock_on(0x4C, 18);
    wr(RNG, 4 | 8);
    assert_int_equal(rd(RNG + 4) & 0x23, 0x22); /* no 48 MHz: clock error */
    assert_true(irq_line(80));
    run_us(100);
    assert_int_equal(rd(RNG + 4) & 1, 0);
    wr(RCC + 0x98, 1); /* HSI48 */
    run_us(20);
    assert_int_equal(rd(RNG + 4) & 2, 0);
    wr(RNG + 4, 0);
    assert_int_equal(rd(RNG + 4) & 0x20, 0);
    for (unsigned i = 0; i < 16; i++) {
        ps_t took = run_until(RNG + 4, 1, 1, 10 * PS_PER_US);
        assert_true(took <= 2 * PS_PER_US); /* 40 periods of 48 MHz */
        assert_true(irq_line(80));
        seen[i] = rd(RNG + 8);
        assert_int_equal(rd(RNG + 4) & 1, 0);
        assert_false(irq_line(80));
        assert_int_equal(rd(RNG + 8), 0);
        for (unsigned k = 0; k < i; k++)
            assert_true(seen[k] != seen[i]);
    }
    uint32_t ones = 0;
    for (unsigned i = 0; i < 16; i++)
        ones += (uint32_t)__builtin_popcount(seen[i]);
    assert_in_range(ones, 180, 332);
    for (unsigned i = 0; !(rd(RNG + 4) & 1); i++) { /* a loop that switches on what is on */
        assert_true(i < 20);
        wr(RNG, 4);
        run_ps(PS_PER_US / 10);
    }
    rd(RNG + 8);
    run_ps(PS_PER_US / 2);
    wr(RCC + 8, 8 << 4); /* HCLK changes meanwhile: the word comes all the same */
    assert_true(run_until(RNG + 4, 1, 1, 10 * PS_PER_US) <= 2 * PS_PER_US);
    wr(RCC + 8, 0);
    wr(RNG, 8); /* a word that is there stays, but interrupts no more; another does not come */
    assert_int_equal(rd(RNG + 4), 1);
    assert_false(irq_line(80));
    assert_true(rd(RNG + 8) != 0);
    run_us(10);
    assert_int_equal(rd(RNG + 4), 0);
}

/* ---- DBGMCU ---- */

static void dbgmcu(void **state)
{
    (void)state;
    assert_int_equal(rd(DBGMCU) & 0xFFF, 0x435);
    assert_int_equal(rd(DBGMCU) >> 16, 0x1001);
    wr(DBGMCU + 4, 0xFFFFFFFF);
    wr(DBGMCU + 8, 0xFFFFFFFF);
    wr(DBGMCU + 12, 0xFFFFFFFF);
    wr(DBGMCU + 16, 0xFFFFFFFF);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(rd(DBGMCU + 4), 0xE7);
        assert_int_equal(rd(DBGMCU + 8), 0x82E01C31);
        assert_int_equal(rd(DBGMCU + 12), 0x20);
        assert_int_equal(rd(DBGMCU + 16), 0x30800);
        chip_request_reset(rig, RESET_SOFT); /* changes nothing */
        rig_settle();
    }
    chip_power_off(rig, true);
    chip_power_on(rig);
    run_us(1000);
    assert_int_equal(rd(DBGMCU + 4), 0);
}

/* ---- clock outputs ---- */

static void clock_outputs(void **state)
{
    static const struct {
        uint32_t cfgr;
        double hz;
    } rows[] = {
        {1, 4e6},           {2, 4e6},  {3, 16e6}, {1 | 2 << 4, 1e6}, {3 | 4 << 4, 1e6}, {4, 0} /* no HSE */,
        {6 | 1 << 4, 16e3}, {8, 48e6}, {0, 0},
    };
    (void)state;
    set_bits(RCC, 1 << 8);   /* HSI16 */
    set_bits(RCC + 0x94, 1); /* LSI */
    set_bits(RCC + 0x98, 1); /* HSI48 */
    run_us(500);
    set_bits(RCC + 0x08, 1 << 24);
    assert_int_equal(told.pwms, 0); /* PA8 is not in AF0 */
    pin_mode('A', 8, 2, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wr(RCC + 0x08, rows[i].cfgr << 24);
        assert_true(told.hz == rows[i].hz);
        assert_true(told.duty == (rows[i].hz > 0 ? 0.5 : 0));
        assert_int_equal(told.pwm_port << 4 | told.pwm_pin, 8);
    }
    wr(RCC + 0x08, 1 << 24); /* SYSCLK; then MSI's range changes */
    wr(RCC, (rd(RCC) & ~0xF0u) | 5 << 4 | 1 << 3);
    run_us(50);
    assert_true(told.hz == 2e6);
    pin_mode('A', 8, 0, 0);
    assert_true(told.hz == 0);
    clock_lse();
    set_bits(RCC + 0x90, 3 << 24); /* LSCO: LSE at PA2 */
    assert_true(told.hz == 32768 && told.pwm_pin == 2);
    clear_bits(RCC + 0x90, 1 << 25);
    assert_true(told.hz == 32000);
    clear_bits(RCC + 0x90, 1 << 24);
    assert_true(told.hz == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(iwdg_timeouts, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(iwdg_protection, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(iwdg_stuck_update, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(iwdg_window, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(wwdg_timeout, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(wwdg_window, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(crs_trims, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(crs_trim_ends, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(crs_errors, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(rng, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(rng_without_clock, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(dbgmcu, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(clock_outputs, rig_on, rig_off),
    };

    return cmocka_run_group_tests_name("watchdogs, CRS, RNG, DBGMCU", tests, NULL, NULL);
}
