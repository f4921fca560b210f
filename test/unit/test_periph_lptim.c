/* LPTIM1 and LPTIM2: clock domains, counting from LSE and LSI, in Stop too, flags, one-shot, PWM, triggers.
 */
#include "lptim_regs.h"

static const struct {
    uint32_t base;
    unsigned irq, select;
} timers[2] = {{LPTIM1, 65, 18}, {LPTIM2, 66, 20}};

static void counting(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t t = timers[i].base;
        assert_int_equal(rd(t + ARR), 1);
        wr(t + ARR, 100); /* not while disabled */
        assert_int_equal(rd(t + ARR), 1);
        wr(t + CFGR, 2 << 9); /* / 4 */
        wr(t + IER, ARRM);
        wr(t + CR, 1);
        wr(t + CFGR, 0); /* locked */
        assert_int_equal(rd(t + CFGR), 2 << 9);
        load(t, 4, 999, 499);
        wr(t + CR, 5);
        run_ps(8 * PERIOD + PERIOD / 2); /* the start crosses the clock domains */
        ps_t begin = chip_now(rig);
        run_ps(4 * PERIOD * 499);
        assert_int_equal(rd(t + CNT), 499);
        assert_int_equal(rd(t + ISR), 0); /* a match shows one count later */
        run_ps(4 * PERIOD);
        assert_int_equal(rd(t + ISR), CMPM);
        run_ps(4 * PERIOD * 499);
        assert_int_equal(rd(t + CNT), 999);
        assert_false(irq_line(timers[i].irq));
        run_ps(4 * PERIOD);
        assert_int_equal(rd(t + CNT), 0);
        assert_int_equal(rd(t + ISR), CMPM | ARRM);
        assert_true(irq_line(timers[i].irq));
        wr(t + ICR, ARRM | CMPM);
        assert_false(irq_line(timers[i].irq));
        for (unsigned n = 0; n < 5; n++) { /* every 1000 counts, exactly */
            while (!irq_line(timers[i].irq))
                run_ps(PERIOD);
            assert_in_range(chip_now(rig) - begin, PERIOD * 4 * (2000 + 1000 * n) - PERIOD,
                            PERIOD * 4 * (2000 + 1000 * n) + 2 * PERIOD);
            wr(t + ICR, ARRM);
        }
        wr(t + CR, 0);
        assert_int_equal(rd(t + CNT), 0);
    }
}

/* Counts until CMPM is set; 0: none within two laps of 100. */
static unsigned counts_to_match(void)
{
    for (unsigned n = 1; n <= 200; n++) {
        run_ps(PERIOD);
        if (rd(LPTIM1 + ISR) & CMPM)
            return n;
    }
    return 0;
}

/* What an STM32L476 was seen to do (docs/chip-model.md): the compare looks for at or above, but not at ARR,
 * and CMPM is set a count behind its becoming true. */
static void at_or_above(void **state)
{
    static const struct {
        unsigned from, at, to; /* CMP, and another value that is written when the counter is at `at` */
        unsigned least, most;  /* counts to CMPM behind that, with the three that it takes to arrive */
    } t[] = {
        {80, 10, 50, 40, 42}, /* ahead */
        {80, 30, 20, 3, 5},   /* passed already: at once, as drivers for the L0 and the L4 have met */
        {10, 30, 20, 88, 92}, /* and so was the old one: the next lap */
        {10, 30, 99, 69, 71}, /* ARR: with the return to 0, on which Mbed OS relies */
        {10, 30, 120, 0, 0},  {80, 30, 0, 3, 5},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof t / sizeof t[0]; i++) {
        wr(LPTIM1 + CR, 1);
        load(LPTIM1, 1, 99, t[i].from);
        wr(LPTIM1 + CR, 5);
        while (rd(LPTIM1 + CNT) != t[i].at)
            run_ps(PERIOD / 2);
        wr(LPTIM1 + ICR, CMPM);
        wr(LPTIM1 + CMP, t[i].to);
        assert_in_range(counts_to_match(), t[i].least, t[i].most);
        wr(LPTIM1 + CR, 0);
        wr(LPTIM1 + ICR, 0x7F);
    }
    for (unsigned cmp = 0; cmp < 6; cmp += 5) { /* 0: as out of a reset */
        wr(LPTIM1 + CR, 1);
        load(LPTIM1, 1, 99, cmp);
        wr(LPTIM1 + CR, 5);
        while (!(rd(LPTIM1 + ISR) & CMPM) && rd(LPTIM1 + CNT) < 99)
            run_ps(PERIOD / 4);
        assert_int_equal(rd(LPTIM1 + CNT), cmp + 1);
        wr(LPTIM1 + CR, 0);
        wr(LPTIM1 + ICR, 0x7F);
    }
}

/* A counter that is above a new ARR goes to 0xFFFF before it is in a lap of that, whether or not somebody
 * looks. */
static void above_reload(void **state)
{
    (void)state;
    for (unsigned looks = 1; looks <= 1000; looks += 999) {
        wr(LPTIM1 + CR, 1);
        load(LPTIM1, 1, 99, 500);
        wr(LPTIM1 + CR, 5);
        run_ps(150 * PERIOD);
        assert_int_equal(rd(LPTIM1 + ISR) & ARRM, ARRM);
        wr(LPTIM1 + ARR, 0xFFFF);
        while (rd(LPTIM1 + CNT) != 300)
            run_ps(PERIOD / 2);
        wr(LPTIM1 + ARR, 99); /* and passes CMP on its way */
        for (unsigned n = 0; n < looks; n++) {
            run_ps(1000 * PERIOD / looks);
            rd(LPTIM1 + CNT);
        }
        uint32_t now = rd(LPTIM1 + CNT);
        assert_in_range(now, 1299, 1310);
        run_ps((0x10000 - now + 1000) * PERIOD); /* ten laps behind that */
        assert_in_range(rd(LPTIM1 + CNT), 0, 2);
        wr(LPTIM1 + CR, 0);
    }
}

static void one_shot(void **state)
{
    (void)state;
    wr(LPTIM1 + CR, 1);
    load(LPTIM1, 1, 99, 50);
    wr(LPTIM1 + CR, 3);
    run_ps(PERIOD * 200);
    assert_int_equal(rd(LPTIM1 + ISR), CMPM | ARRM);
    assert_int_equal(rd(LPTIM1 + CR), 1);
    assert_int_equal(rd(LPTIM1 + CNT), 0);
    wr(LPTIM1 + ICR, 3);
    run_ps(PERIOD * 500);
    assert_int_equal(rd(LPTIM1 + ISR), 0);
    wr(LPTIM1 + CR, 3); /* again */
    run_ps(PERIOD * 60);
    assert_int_equal(rd(LPTIM1 + ISR), CMPM);
}

/* In Stop 1 the LSE goes on counting, and the match wakes the chip. */
static void in_stop(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t t = timers[i].base;
        wr(t + IER, ARRM);
        wr(t + CR, 1);
        load(t, 1, 3276, 0xFFF0);
        wr(t + CR, 5);
        run_ps(3 * PERIOD);
        rig_stop(1, timers[i].irq);
        ps_t begin = chip_now(rig);
        assert_int_equal(chip_clock(rig, CLK_HCLK), 0);
        while (!chip_clock(rig, CLK_HCLK) && chip_now(rig) - begin < PS_PER_S)
            run_us(100);
        assert_in_range(chip_now(rig) - begin, 98 * PS_PER_MS, 101 * PS_PER_MS);
        clock_hsi16();
        assert_int_equal(rd(t + ISR) & ARRM, ARRM);
        wr(t + ICR, ARRM);
        wr(t + CR, 0);
        wr(t + IER, 0);
    }
}

/* PWM: high behind the compare value to the end of the period, so 1 - (CMP + 1) / (ARR + 1) of it. */
static void pwm(void **state)
{
    (void)state;
    pin_mode('B', 2, 2, 1); /* LPTIM1_OUT */
    wr(LPTIM1 + CR, 1);
    load(LPTIM1, 1, 99, 75);
    wr(LPTIM1 + CR, 5);
    run_ps(2 * PERIOD + PERIOD / 2);
    for (unsigned n = 0; n < 300; n++) {
        assert_int_equal(pin_level('B', 2), rd(LPTIM1 + CNT) > 75);
        run_ps(PERIOD);
    }
    assert_true(told.hz > 327.67 && told.hz < 327.69 && told.duty == 0.24);
    wr(LPTIM1 + CMP, 10); /* without preload at once */
    run_ps(PERIOD * 4);
    assert_true(told.duty == 0.89);
    wr(LPTIM1 + CR, 0);
    wr(LPTIM1 + CFGR, 1 << 20); /* set once */
    wr(LPTIM1 + CR, 1);
    load(LPTIM1, 1, 99, 75);
    wr(LPTIM1 + CR, 3);
    run_ps(PERIOD * 60);
    assert_false(pin_level('B', 2));
    run_ps(PERIOD * 100);
    assert_true(pin_level('B', 2));
    wr(LPTIM1 + CR, 0);
    wr(LPTIM1 + CFGR, 1 << 21); /* polarity */
    wr(LPTIM1 + CR, 1);
    assert_true(pin_level('B', 2));
}

static void trigger_and_timeout(void **state)
{
    (void)state;
    pin_mode('B', 6, 2, 1); /* ETR */
    pin_drive('B', 6, 0);
    wr(LPTIM1 + CFGR, 1 << 17 | 1 << 19);
    wr(LPTIM1 + CR, 1);
    load(LPTIM1, 1, 999, 100);
    wr(LPTIM1 + CR, 5);
    run_ps(PERIOD * 50);
    assert_int_equal(rd(LPTIM1 + CNT), 0); /* waits */
    pin_drive('B', 6, 1);
    assert_int_equal(rd(LPTIM1 + ISR), EXTTRIG);
    run_ps(PERIOD * 90);
    assert_in_range(rd(LPTIM1 + CNT), 89, 91);
    pin_drive('B', 6, 0);
    pin_drive('B', 6, 1); /* starts over */
    run_ps(PERIOD * 90);
    assert_in_range(rd(LPTIM1 + CNT), 89, 91);
    assert_int_equal(rd(LPTIM1 + ISR) & CMPM, 0);
    run_ps(PERIOD * 20);
    assert_int_equal(rd(LPTIM1 + ISR) & CMPM, CMPM);
    /* Without TIMOUT a trigger that finds the counter running is ignored and not told. */
    wr(LPTIM1 + CR, 0);
    pin_drive('B', 6, 0);
    wr(LPTIM1 + CFGR, 1 << 17);
    wr(LPTIM1 + CR, 1);
    load(LPTIM1, 1, 999, 100);
    wr(LPTIM1 + CR, 5);
    run_ps(PERIOD * 50);
    pin_drive('B', 6, 1);
    assert_int_equal(rd(LPTIM1 + ISR), EXTTRIG);
    wr(LPTIM1 + ICR, EXTTRIG);
    run_ps(PERIOD * 50);
    pin_drive('B', 6, 0);
    pin_drive('B', 6, 1);
    assert_int_equal(rd(LPTIM1 + ISR) & EXTTRIG, 0);
    run_ps(PERIOD * 40);
    assert_in_range(rd(LPTIM1 + CNT), 89, 91);
}

/* The software's trigger is one: RT-Thread's tickless driver writes CNTSTRT for each sleep and never stops.
 */
static void software_starts_over(void **state)
{
    (void)state;
    for (unsigned timout = 0; timout < 2; timout++) {
        wr(LPTIM1 + CR, 0);
        wr(LPTIM1 + ICR, 0x7F);
        wr(LPTIM1 + CFGR, timout << 19);
        wr(LPTIM1 + CR, 1);
        load(LPTIM1, 1, 999, 100);
        wr(LPTIM1 + CR, 5);
        run_ps(PERIOD * 90);
        assert_in_range(rd(LPTIM1 + CNT), 86, 90);
        wr(LPTIM1 + CR, 5);
        run_ps(PERIOD * 50);
        assert_in_range(rd(LPTIM1 + CNT), timout ? 46 : 136, timout ? 50 : 140);
        assert_int_equal(rd(LPTIM1 + ISR) & CMPM, timout ? 0 : CMPM);
        run_ps(PERIOD * 60);
        assert_int_equal(rd(LPTIM1 + ISR) & CMPM, CMPM);
    }
}

/* What is written before the counter's clock runs arrives when that has come. */
static void written_without_clock(void **state)
{
    (void)state;
    wr(0x40021088, 1u << 18); /* LSI, which is off */
    wr(LPTIM1 + CFGR, 3 << 9);
    wr(LPTIM1 + CR, 1);
    wr(LPTIM1 + ARR, 9);
    wr(LPTIM1 + CMP, 5);
    run_us(5000);
    assert_int_equal(rd(LPTIM1 + ISR), 0);
    set_bits(0x40021094, 1);
    assert_in_range(run_until(LPTIM1 + ISR, ARROK | CMPOK, ARROK | CMPOK, 5 * PS_PER_MS), 24 * PERIOD,
                    32 * PERIOD);
}

/* A loop that sets CNTSTRT until it counts: the start is on its way since the first time. */
static void start_asked_again(void **state)
{
    (void)state;
    wr(LPTIM1 + CR, 1);
    load(LPTIM1, 1, 999, 100);
    for (unsigned i = 0; rd(LPTIM1 + CNT) == 0; i++) {
        assert_true(i < 10);
        wr(LPTIM1 + CR, 5);
        run_ps(PERIOD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counting, on, rig_off),
        cmocka_unit_test_setup_teardown(at_or_above, on, rig_off),
        cmocka_unit_test_setup_teardown(above_reload, on, rig_off),
        cmocka_unit_test_setup_teardown(one_shot, on, rig_off),
        cmocka_unit_test_setup_teardown(in_stop, on, rig_off),
        cmocka_unit_test_setup_teardown(pwm, on, rig_off),
        cmocka_unit_test_setup_teardown(trigger_and_timeout, on, rig_off),
        cmocka_unit_test_setup_teardown(written_without_clock, on, rig_off),
        cmocka_unit_test_setup_teardown(start_asked_again, on, rig_off),
        cmocka_unit_test_setup_teardown(software_starts_over, on, rig_off),
    };

    return cmocka_run_group_tests_name("LPTIM", tests, NULL, NULL);
}
