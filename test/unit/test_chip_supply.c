/* Voltages and what depends on them: peripheral voltage monitors, brown-out levels; trimming of HSI16 and
 * MSI. */
#include <stdlib.h>
#include <string.h>

#include "one_chip.h"

#define OPTR  FLASH(0x20)
#define ICSCR RCC(0x04)

static int setup(void **state)
{
    chip_on(state);
    set(&t, RCC(0x58), 1U << 28);
    return 0;
}

static void power_cycle(uint16_t millivolt)
{
    chip_power_off(t.c, true);
    chip_config(t.c)->vdd_mv = millivolt;
    t.n = 0;
    chiptest_power(&t);
}

/* PVM4 looks whether VDDA is enough for the analog parts; the others have nothing to complain about. */
static void monitors(void **state)
{
    (void)state;
    for (unsigned low = 0; low < 2; low++) {
        power_cycle(low ? 1800 : 1830);
        set(&t, RCC(0x58), 1U << 28);
        wr(&t, EXTI(0x28), 0x68); /* rising edges of lines 35, 37, 38 */
        set(&t, EXTI(0x20), 0x68);
        assert_int_equal(rd(&t, PWR(0x14)) >> 12 & 15, 0);
        wr(&t, PWR(0x04), 0xD0);
        assert_int_equal(rd(&t, PWR(0x14)) >> 12 & 15, low ? 8 : 0);
        assert_int_equal(rd(&t, EXTI(0x34)), low ? 0x40 : 0);
        assert_int_equal(t.c->irq_sources[1] != 0, low);
        wr(&t, PWR(0x04), 0);
        assert_int_equal(rd(&t, PWR(0x14)) >> 12 & 15, 0);
    }
}

static void set_level(unsigned level)
{
    flash_unlock(&t, true);
    wr(&t, OPTR, (rd(&t, OPTR) & ~(7U << 8)) | level << 8);
    wr(&t, FLASH(0x14), CR_OPTSTRT);
    flash_idle(&t);
}

static bool told_of_brown_out(void)
{
    for (size_t i = 0; i < t.n; i++)
        if (strstr(t.told[i].what, "brown-out"))
            return true;
    return false;
}

/* With a level above VDD the chip never starts, be it that power comes or that the options are loaded. */
static void brown_out(void **state)
{
    static const uint16_t rising[5] = {1660, 2100, 2310, 2610, 2900},
                          falling[5] = {0, 2000, 2200, 2520, 2810};

    (void)state;
    for (unsigned level = 1; level < 5; level++) {
        power_cycle(3300);
        set_level(level);
        for (int above = 0; above < 2; above++) {
            chip_power_off(t.c, true);
            chip_config(t.c)->vdd_mv = (uint16_t)(rising[level] - 1 + above);
            t.n = 0;
            chip_power_on(t.c);
            chip_run(t.c, chip_now(t.c) + PS_PER_MS);
            assert_int_equal(t.c->mode, above ? MODE_RUN : MODE_RESET);
            assert_int_equal(told_of_brown_out(), !above);
            chip_nrst(t.c, true);
            chip_run(t.c, chip_now(t.c) + PS_PER_MS);
            chip_nrst(t.c, false); /* this ends no brown-out */
            chip_run(t.c, chip_now(t.c) + PS_PER_MS);
            assert_int_equal(t.c->mode, above ? MODE_RUN : MODE_RESET);
        }
        for (int above = 0; above < 2; above++) {
            power_cycle(3300);
            set_level(0);
            power_cycle((uint16_t)(falling[level] - 1 + above)); /* level 0 has been loaded */
            set_level(level);
            wr(&t, FLASH(0x14), CR_OBL_LAUNCH);
            chip_run(t.c, chip_now(t.c) + 10 * PS_PER_MS);
            assert_int_equal(t.c->mode, above ? MODE_RUN : MODE_RESET);
        }
        power_cycle((uint16_t)(rising[level] + 100));
        assert_int_equal(t.c->mode, MODE_RUN);
    }
}

/* 0.3 % a step, and the calibration bits show the sum. */
static void trim(void **state)
{
    (void)state;
    uint32_t icscr = rd(&t, ICSCR), hsi48 = rd(&t, RCC(0x98));
    assert_int_not_equal(hsi48 & 0xFF80, 0); /* HSI48 is calibrated as well */
    wr(&t, RCC(0x98), 0);
    assert_int_equal(rd(&t, RCC(0x98)), hsi48);
    size_t told = t.n;
    for (uint32_t near = 13; near < 20; near++)
        wr(&t, ICSCR, (icscr & ~0x1F000000U) | near << 24);
    wr(&t, ICSCR, icscr);
    assert_int_equal(t.n, told);
    set(&t, RCC(0), 1U << 8);
    run_us(&t, 100);
    assert_int_equal(chip_clock(t.c, CLK_HSI16), 16000000);
    for (uint32_t trim = 0; trim < 32; trim++) {
        wr(&t, ICSCR, (icscr & ~0x1F000000U) | trim << 24);
        assert_int_equal(chip_clock(t.c, CLK_HSI16), 16000000 + 48000 * ((int)trim - 16));
        assert_int_equal(rd(&t, ICSCR) >> 16 & 0xFF, (icscr >> 16 & 0xFF) + trim - 16);
    }
    assert_int_equal(t.n, told + 1); /* once for all that are far from the factory's */
    assert_memory_equal(t.told[told].what, "HSITRIM is 0 ", 13);
    wr(&t, ICSCR, icscr);
    assert_int_equal(rd(&t, ICSCR), icscr);
}

/* A step is taken to be 0.3 %; MSICAL, the sum, has 8 bits. */
static void trim_msi(void **state)
{
    (void)state;
    uint32_t icscr = rd(&t, ICSCR);
    wr(&t, RCC(0x00), rd(&t, RCC(0x00)) | 1U << 3);
    for (int range = 0; range < 12; range++) {
        wr(&t, RCC(0x00), (rd(&t, RCC(0x00)) & ~0xF0U) | (uint32_t)range << 4);
        wr(&t, ICSCR, icscr);
        uint32_t hz = chip_clock(t.c, CLK_MSI);
        for (uint32_t trim = 0; trim < 256; trim += 5) {
            int cal = ((int)icscr + (int)trim) & 0xFF, steps = cal - (int)(icscr & 0xFF);
            wr(&t, ICSCR, icscr | trim << 8);
            assert_int_equal(rd(&t, ICSCR) & 0xFF, cal);
            assert_int_equal(chip_clock(t.c, CLK_MSI), (int)hz + (int)hz / 1000 * 3 * steps);
        }
    }
    set(&t, RCC(0x58), 1U << 28); /* locked to LSE the trim makes no difference */
    set(&t, PWR(0x00), 1U << 8);
    set(&t, RCC(0x90), 1);
    run_us(&t, 1000000);
    wr(&t, RCC(0x00), (rd(&t, RCC(0x00)) & ~0xF0U) | 6 << 4 | 1 << 2);
    assert_int_equal(chip_clock(t.c, CLK_MSI), 3997696);
}

static void trim_is_told(void **state)
{
    (void)state;
    uint32_t icscr = rd(&t, ICSCR);
    size_t told = t.n;
    for (int near = -3; near <= 3; near++)
        wr(&t, ICSCR, icscr | (uint32_t)(near & 0xFF) << 8);
    assert_int_equal(t.n, told);
    wr(&t, ICSCR, icscr | 0xF0 << 8);
    assert_string_equal(t.told[told].what,
                        "MSITRIM is 240 and not 0, as the factory means it: MSI is about 4.8 % too slow");
    wr(&t, ICSCR, icscr | 16 << 8);
    assert_int_equal(t.n, told + 1);
}

/* MSI measured by LSE as firmware does it: TIM16, counted by MSI, captures every eighth edge (AN4736). From
 * any trim nearby the best one is found, step by step. */
static uint32_t msi_per_8_lse(void)
{
    uint32_t tim16 = 0x40014400, at[3];
    for (unsigned i = 0; i < 3; i++) {
        wr(&t, tim16 + 0x10, 0);
        while (!(rd(&t, tim16 + 0x10) & 2))
            run_us(&t, 1);
        at[i] = rd(&t, tim16 + 0x34);
    }
    return (at[2] - at[1]) & 0xFFFF;
}

static uint32_t off_by(uint32_t trim)
{
    wr(&t, ICSCR, (rd(&t, ICSCR) & ~0xFF00U) | (trim & 0xFF) << 8);
    return (uint32_t)abs((int)msi_per_8_lse() - 8 * 4000000 / 32768);
}

static void calibrates_msi(void **state)
{
    (void)state;
    set(&t, RCC(0x58), 1U << 28);
    set(&t, PWR(0x00), 1U << 8);
    set(&t, RCC(0x90), 1);
    run_us(&t, 1000000);
    set(&t, RCC(0x60), 1U << 17);
    wr(&t, 0x40014450, 2);          /* OR1: LSE */
    wr(&t, 0x40014418, 1 | 3 << 2); /* CCMR1: TI1, every eighth edge */
    wr(&t, 0x4001442C, 0xFFFF);
    wr(&t, 0x40014420, 1);
    wr(&t, 0x40014400, 1);
    for (int from = -30; from <= 30; from += 30) {
        uint32_t trim = (uint32_t)from, best = off_by(trim), next;
        for (unsigned turn = 0; turn < 60; turn++)
            if ((next = off_by(trim + 1)) < best) {
                best = next;
                trim++;
            } else if ((next = off_by(trim - 1)) < best) {
                best = next;
                trim--;
            } else {
                break;
            }
        assert_int_equal(trim, 0);
        assert_true(best <= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(monitors, setup, chip_off),
        cmocka_unit_test_setup_teardown(brown_out, setup, chip_off),
        cmocka_unit_test_setup_teardown(trim, setup, chip_off),
        cmocka_unit_test_setup_teardown(trim_msi, setup, chip_off),
        cmocka_unit_test_setup_teardown(trim_is_told, setup, chip_off),
        cmocka_unit_test_setup_teardown(calibrates_msi, setup, chip_off),
    };

    return cmocka_run_group_tests_name("supply voltages", tests, NULL, NULL);
}
