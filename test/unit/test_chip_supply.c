/* Voltages and what depends on them: programmable voltage detector, peripheral voltage monitors, brown-out
 * levels; trimming of HSI16 and MSI. */
#include <stdlib.h>
#include <string.h>

#include "chip_regs.h"

#define OPTR  FLASH(0x20)
#define ICSCR RCC(0x04)

static int setup(void **state)
{
    rig_on_awake(state);
    set_bits(RCC(0x58), 1U << 28);
    return 0;
}

static void power_cycle(uint16_t millivolt)
{
    chip_power_off(rig, true);
    chip_config(rig)->vdd_mv = millivolt;
    told.n = 0;
    rig_power();
}

/* PVM4 looks whether VDDA is enough for the analog parts; the others have nothing to complain about. */
static void monitors(void **state)
{
    (void)state;
    for (unsigned low = 0; low < 2; low++) {
        power_cycle(low ? 1800 : 1830);
        set_bits(RCC(0x58), 1U << 28);
        wr(EXTI(0x28), 0x68); /* rising edges of lines 35, 37, 38 */
        set_bits(EXTI(0x20), 0x68);
        assert_int_equal(rd(PWR(0x14)) >> 12 & 15, 0);
        wr(PWR(0x04), 0xD0);
        assert_int_equal(rd(PWR(0x14)) >> 12 & 15, low ? 8 : 0);
        assert_int_equal(rd(EXTI(0x34)), low ? 0x40 : 0);
        assert_int_equal(rig->irq_sources[1] != 0, low);
        wr(PWR(0x04), 0);
        assert_int_equal(rd(PWR(0x14)) >> 12 & 15, 0);
    }
}

static void pvd(void **state)
{
    (void)state;
    power_cycle(2450);
    set_bits(RCC(0x58), 1U << 28);
    wr(EXTI(0x08), 1U << 16);
    set_bits(EXTI(0x00), 1U << 16);
    wr(PWR(0x04), 2U << 1 | 1); /* 2.4 V */
    assert_int_equal(rd(PWR(0x14)) & 1U << 11, 0);
    wr(PWR(0x04), 3U << 1 | 1);
    assert_true(rd(PWR(0x14)) & 1U << 11);
    assert_int_equal(rd(EXTI(0x14)), 1U << 16);
    wr(PWR(0x04), 3U << 1);
    assert_int_equal(rd(PWR(0x14)) & 1U << 11, 0);
}

/* PLS 7: the voltage at PB7 against VREFINT, or the level that the pin has. */
static void pvd_in(void **state)
{
    (void)state;
    wr(EXTI(0x08), 1U << 16);
    set_bits(EXTI(0x00), 1U << 16);
    wr(EXTI(0x0C), 1U << 16);
    assert_true(adc_voltage(rig, 1, 7, 1300));
    wr(PWR(0x04), 7U << 1);
    assert_true(adc_voltage(rig, 1, 7, 1100));
    assert_int_equal(rd(PWR(0x14)) & 1U << 11, 0); /* off */
    assert_true(adc_voltage(rig, 1, 7, 1300));
    wr(PWR(0x04), 7U << 1 | 1);
    assert_int_equal(rd(PWR(0x14)) & 1U << 11, 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(adc_voltage(rig, 1, 7, i % 2 ? 1213 : 1211));
        assert_int_equal(rd(PWR(0x14)) >> 11 & 1, i % 2 == 0);
        assert_int_equal(rd(EXTI(0x14)), 1U << 16);
        wr(EXTI(0x14), 1U << 16);
    }
    assert_int_equal(told_count("missing"), 0);
}

static void pvd_in_level(void **state)
{
    (void)state;
    wr(EXTI(0x08), 1U << 16);
    set_bits(EXTI(0x00), 1U << 16);
    gpio_drive(rig, 1, 7, 1);
    wr(PWR(0x04), 7U << 1 | 1);
    assert_int_equal(rd(PWR(0x14)) & 1U << 11, 0);
    gpio_drive(rig, 1, 7, 0);
    assert_true(rd(PWR(0x14)) & 1U << 11);
    assert_int_equal(rd(EXTI(0x14)), 1U << 16);
}

static void set_level(unsigned level)
{
    options_unlock();
    wr(OPTR, (rd(OPTR) & ~(7U << 8)) | level << 8);
    wr(FLASH(0x14), CR_OPTSTRT);
    flash_idle();
}

static bool told_of_brown_out(void)
{
    for (size_t i = 0; i < told.n; i++)
        if (strstr(told.events[i].text, "brown-out"))
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
            chip_power_off(rig, true);
            chip_config(rig)->vdd_mv = (uint16_t)(rising[level] - 1 + above);
            told.n = 0;
            chip_power_on(rig);
            chip_run(rig, chip_now(rig) + PS_PER_MS);
            assert_int_equal(rig->mode, above ? MODE_RUN : MODE_RESET);
            assert_int_equal(told_of_brown_out(), !above);
            chip_nrst(rig, true);
            chip_run(rig, chip_now(rig) + PS_PER_MS);
            chip_nrst(rig, false); /* this ends no brown-out */
            chip_run(rig, chip_now(rig) + PS_PER_MS);
            assert_int_equal(rig->mode, above ? MODE_RUN : MODE_RESET);
        }
        for (int above = 0; above < 2; above++) {
            power_cycle(3300);
            set_level(0);
            power_cycle((uint16_t)(falling[level] - 1 + above)); /* level 0 has been loaded */
            set_level(level);
            wr(FLASH(0x14), CR_OBL_LAUNCH);
            chip_run(rig, chip_now(rig) + 10 * PS_PER_MS);
            assert_int_equal(rig->mode, above ? MODE_RUN : MODE_RESET);
        }
        power_cycle((uint16_t)(rising[level] + 100));
        assert_int_equal(rig->mode, MODE_RUN);
    }
}

/* 0.3 % a step, and the calibration bits show the sum. */
static void trim(void **state)
{
    (void)state;
    uint32_t icscr = rd(ICSCR), hsi48 = rd(RCC(0x98));
    assert_int_not_equal(hsi48 & 0xFF80, 0); /* HSI48 is calibrated as well */
    wr(RCC(0x98), 0);
    assert_int_equal(rd(RCC(0x98)), hsi48);
    size_t before = told.n;
    for (uint32_t near = 13; near < 20; near++)
        wr(ICSCR, (icscr & ~0x1F000000U) | near << 24);
    wr(ICSCR, icscr);
    assert_int_equal(told.n, before);
    set_bits(RCC(0), 1U << 8);
    run_us(100);
    assert_int_equal(chip_clock(rig, CLK_HSI16), 16000000);
    for (uint32_t trim = 0; trim < 32; trim++) {
        wr(ICSCR, (icscr & ~0x1F000000U) | trim << 24);
        assert_int_equal(chip_clock(rig, CLK_HSI16), 16000000 + 48000 * ((int)trim - 16));
        assert_int_equal(rd(ICSCR) >> 16 & 0xFF, (icscr >> 16 & 0xFF) + trim - 16);
    }
    assert_int_equal(told.n, before + 1); /* once for all that are far from the factory's */
    assert_memory_equal(told.events[before].text, "HSITRIM is 0 ", 13);
    wr(ICSCR, icscr);
    assert_int_equal(rd(ICSCR), icscr);
}

/* A step is taken to be 0.3 %; MSICAL, the sum, has 8 bits. */
static void trim_msi(void **state)
{
    (void)state;
    uint32_t icscr = rd(ICSCR);
    wr(RCC(0x00), rd(RCC(0x00)) | 1U << 3);
    for (int range = 0; range < 12; range++) {
        wr(RCC(0x00), (rd(RCC(0x00)) & ~0xF0U) | (uint32_t)range << 4);
        wr(ICSCR, icscr);
        uint32_t hz = chip_clock(rig, CLK_MSI);
        for (uint32_t trim = 0; trim < 256; trim += 5) {
            int cal = ((int)icscr + (int)trim) & 0xFF, steps = cal - (int)(icscr & 0xFF);
            wr(ICSCR, icscr | trim << 8);
            assert_int_equal(rd(ICSCR) & 0xFF, cal);
            assert_int_equal(chip_clock(rig, CLK_MSI), (int)hz + (int)hz / 1000 * 3 * steps);
        }
    }
    set_bits(RCC(0x58), 1U << 28); /* locked to LSE the trim makes no difference */
    set_bits(PWR(0x00), 1U << 8);
    set_bits(RCC(0x90), 1);
    run_us(1000000);
    wr(RCC(0x00), (rd(RCC(0x00)) & ~0xF0U) | 6 << 4 | 1 << 2);
    assert_int_equal(chip_clock(rig, CLK_MSI), 3997696);
}

static void trim_is_told(void **state)
{
    (void)state;
    uint32_t icscr = rd(ICSCR);
    size_t before = told.n;
    for (int near = -3; near <= 3; near++)
        wr(ICSCR, icscr | (uint32_t)(near & 0xFF) << 8);
    assert_int_equal(told.n, before);
    wr(ICSCR, icscr | 0xF0 << 8);
    assert_string_equal(told.events[before].text,
                        "MSITRIM is 240 and not 0, as the factory means it: MSI is about 4.8 % too slow");
    wr(ICSCR, icscr | 16 << 8);
    assert_int_equal(told.n, before + 1);
}

/* MSI measured by LSE as firmware does it: TIM16, counted by MSI, captures every eighth edge (AN4736). From
 * any trim nearby the best one is found, step by step. */
static uint32_t msi_per_8_lse(void)
{
    uint32_t tim16 = 0x40014400, at[3];
    for (unsigned i = 0; i < 3; i++) {
        wr(tim16 + 0x10, 0);
        while (!(rd(tim16 + 0x10) & 2))
            run_us(1);
        at[i] = rd(tim16 + 0x34);
    }
    return (at[2] - at[1]) & 0xFFFF;
}

static uint32_t off_by(uint32_t trim)
{
    wr(ICSCR, (rd(ICSCR) & ~0xFF00U) | (trim & 0xFF) << 8);
    return (uint32_t)abs((int)msi_per_8_lse() - 8 * 4000000 / 32768);
}

static void calibrates_msi(void **state)
{
    (void)state;
    set_bits(RCC(0x58), 1U << 28);
    set_bits(PWR(0x00), 1U << 8);
    set_bits(RCC(0x90), 1);
    run_us(1000000);
    set_bits(RCC(0x60), 1U << 17);
    wr(0x40014450, 2);          /* OR1: LSE */
    wr(0x40014418, 1 | 3 << 2); /* CCMR1: TI1, every eighth edge */
    wr(0x4001442C, 0xFFFF);
    wr(0x40014420, 1);
    wr(0x40014400, 1);
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
        cmocka_unit_test_setup_teardown(monitors, setup, rig_off),
        cmocka_unit_test_setup_teardown(pvd, setup, rig_off),
        cmocka_unit_test_setup_teardown(pvd_in, setup, rig_off),
        cmocka_unit_test_setup_teardown(pvd_in_level, setup, rig_off),
        cmocka_unit_test_setup_teardown(brown_out, setup, rig_off),
        cmocka_unit_test_setup_teardown(trim, setup, rig_off),
        cmocka_unit_test_setup_teardown(trim_msi, setup, rig_off),
        cmocka_unit_test_setup_teardown(trim_is_told, setup, rig_off),
        cmocka_unit_test_setup_teardown(calibrates_msi, setup, rig_off),
    };

    return cmocka_run_group_tests_name("supply voltages", tests, NULL, NULL);
}
