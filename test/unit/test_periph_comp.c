/* COMP1 and COMP2: inputs, outputs, lock, start-up times, hysteresis. */
#include "rig.h"

#include "chip/state.h" /* to have an event come late */

#define DAC1 0x40007400u
#define COMP 0x40010200u

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x58, 29); /* DAC1 */
    return 0;
}

static void comparators(void **state)
{
    (void)state;
    clock_on(0x60, 0);
    set_bits(0x40010400, 1 << 21);
    set_bits(0x40010408, 1 << 21);
    pin_mode('B', 0, 2, 12); /* COMP1_OUT */
    adc_voltage(rig, 0, 1, 600);
    wr(COMP, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7); /* PA1 against VREFINT / 2 */
    run_us(5);
    assert_int_equal(rd(COMP) >> 30 & 1, 0);
    assert_false(pin_level('B', 0));
    adc_voltage(rig, 0, 1, 610);
    assert_int_equal(rd(COMP) >> 30 & 1, 1);
    assert_true(pin_level('B', 0));
    assert_true(irq_line(64));
    wr(COMP, rd(COMP) | 1 << 15);
    assert_int_equal(rd(COMP) >> 30 & 1, 0);
    wr(COMP, rd(COMP) | 1u << 31);
    wr(COMP, 0); /* locked */
    assert_true(rd(COMP) & 1);
    /* COMP2: PA3 against the DAC, which MODE has to connect */
    wr(DAC1, 1);
    wr(DAC1 + 8, 2048);
    adc_voltage(rig, 0, 3, 1600);
    wr(COMP + 4, 1 | 4 << 4 | 2 << 7);
    run_us(5);
    assert_int_equal(rd(COMP + 4) >> 30 & 1, 1);
    wr(DAC1, 0);
    wr(DAC1 + 0x3C, 1);
    wr(DAC1, 1);
    assert_int_equal(rd(COMP + 4) >> 30 & 1, 0);
    wr(DAC1 + 8, 1900);
    assert_int_equal(rd(COMP + 4) >> 30 & 1, 1);
}

/* Inputs of the comparators at pins that ADC1 does not have (DS11449, pin definitions): a voltage can be put
 * there too. */
static void comparator_pins_without_channel(void **state)
{
    (void)state;
    clock_on(0x60, 0);
    const uint32_t half_reference = 1 | 1 << 23 | 1 << 22 | 1 << 4;
    static const struct {
        unsigned comp, pin, plus;
    } inputs[] = {{0, 2, 1}, {1, 4, 0}, {1, 6, 1}}; /* port B */

    for (unsigned i = 0; i < 3; i++) {
        assert_true(adc_voltage(rig, 1, inputs[i].pin, 600));
        wr(COMP + 4 * inputs[i].comp, half_reference | inputs[i].plus << 7);
        run_us(50);
        assert_int_equal(rd(COMP + 4 * inputs[i].comp) >> 30 & 1, 0);
        assert_true(adc_voltage(rig, 1, inputs[i].pin, 620));
        assert_int_equal(rd(COMP + 4 * inputs[i].comp) >> 30 & 1, 1);
        wr(COMP + 4 * inputs[i].comp, 0);
    }
    assert_true(adc_voltage(rig, 0, 3, 1000)); /* PA3 against PB3 and PB7 */
    for (unsigned second = 0; second < 2; second++) {
        unsigned pin = second != 0 ? 7 : 3;
        assert_true(adc_voltage(rig, 1, pin, 900));
        wr(COMP + 4, 1 | (second != 0 ? 7 : 6) << 4 | 2 << 7);
        run_us(50);
        assert_int_equal(rd(COMP + 4) >> 30 & 1, 1);
        assert_true(adc_voltage(rig, 1, pin, 1100));
        assert_int_equal(rd(COMP + 4) >> 30 & 1, 0);
        wr(COMP + 4, 0);
    }
    assert_false(adc_voltage(rig, 1, 5, 1000)); /* an input of neither */
}

/* An instruction of several accesses keeps the event back: one of them can come between the end of the
 * start-up time and the event. The output tells that it is high all the same, and once. */
static void comparator_starts_late(void **state)
{
    (void)state;
    clock_on(0x60, 0);
    pin_mode('B', 0, 2, 12);
    set_bits(0x40010408, 1 << 21); /* EXTI rising */
    set_bits(0x40010400, 1 << 21);
    adc_voltage(rig, 0, 1, 700);
    for (unsigned access = 0; access < 2; access++) {
        wr(COMP, 0);
        wr(COMP, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7);
        run_us(4);
        assert_false(pin_level('B', 0));
        rig->comp.starts[0] = chip_now(rig);
        if (access)
            wr(COMP + 4, 0);
        run_us(2);
        assert_true(pin_level('B', 0));
        assert_int_equal(rd(0x40010414) >> 21 & 1, 1);
        wr(0x40010414, 1 << 21);
        wr(COMP + 4, 1 | 4 << 4 | 2 << 7); /* that the other one starts tells nothing of this one */
        run_us(6);
        wr(COMP + 4, 0);
        assert_int_equal(rd(0x40010414) >> 21 & 1, 0);
    }
}

/* Both start, one after the other, and nobody looks meanwhile. */
static void comparators_start_together(void **state)
{
    (void)state;
    clock_on(0x60, 0);
    set_bits(0x40010408, 3 << 21);
    set_bits(0x40010400, 3 << 21);
    adc_voltage(rig, 0, 1, 700);
    adc_voltage(rig, 1, 4, 700);
    wr(COMP, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7);
    run_us(1);
    wr(COMP + 4, 1 | 1 << 23 | 1 << 22 | 1 << 4);
    run_us(100);
    assert_int_equal(rd(0x40010414), 3 << 21);
}

/* Time from EN to the first result by power mode, and how far the input has to come back. */
static void comparator_times_and_hysteresis(void **state)
{
    static const uint8_t us[4] = {5, 15, 15, 40}, mv[4] = {0, 8, 15, 27};

    (void)state;
    clock_on(0x60, 0);
    pin_mode('B', 0, 2, 12);
    set_bits(0x40010408, 1 << 21); /* EXTI rising */
    set_bits(0x40010400, 1 << 21);
    for (unsigned i = 0; i < 4; i++) {
        adc_voltage(rig, 0, 1, 700);
        wr(COMP, 0);
        wr(0x40010414, 1 << 21);
        wr(COMP, 1 | i << 2 | i << 16 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7); /* against 606 mV */
        run_ps(us[i] * PS_PER_US - PS_PER_US / 2);
        assert_false(pin_level('B', 0));
        assert_int_equal(rd(COMP) >> 30 & 1, 0);
        run_us(1);
        assert_true(pin_level('B', 0));
        assert_int_equal(rd(COMP) >> 30 & 1, 1);
        assert_int_equal(rd(0x40010414) >> 21 & 1, 1);
        wr(COMP, 1 | i << 2 | i << 16 | 4 << 4 | 2 << 7); /* against DAC channel 1 */
        wr(DAC1 + 0x3C, 1);
        wr(DAC1, 1);
        wr(DAC1 + 8, 1000 * 4095 / 3300);
        unsigned minus = 0;
        for (unsigned v = 900; v < 1100 && !minus; v++) { /* where it rises */
            adc_voltage(rig, 0, 1, v);
            minus = rd(COMP) >> 30 & 1 ? v : 0;
        }
        unsigned down = minus;
        while (rd(COMP) >> 30 & 1)
            adc_voltage(rig, 0, 1, --down);
        assert_int_equal(minus - down, mv[i] + 1);
    }
    assert_int_equal(told_count("missing"), 0);
}

/* A level is a voltage, too: from outside, or from a pin that is wired. A comparator that is wired to its own
 * input comes to an end. */
static void comparator_sees_levels(void **state)
{
    (void)state;
    clock_on(0x60, 0);
    pin_mode('B', 0, 2, 12);                           /* COMP1's output */
    wr(COMP, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7); /* PA1 against 606 mV */
    run_us(50);
    for (unsigned n = 0; n < 4; n++) {
        pin_drive('A', 1, n % 2);
        assert_int_equal(pin_level('B', 0), n % 2);
        assert_int_equal(rd(COMP) >> 30 & 1, n % 2);
    }
    pin_drive('A', 1, -1);
    pin_mode('B', 1, 1, 0);
    assert_true(chip_wire(rig, 1, 1, 0, 1));
    for (unsigned n = 0; n < 4; n++) {
        wr(0x48000418, n % 2 ? 1 << 1 : 1 << 17);
        assert_int_equal(pin_level('B', 0), n % 2);
    }
    pin_mode('B', 1, 0, 0);
    assert_true(chip_wire(rig, 1, 0, 0, 1));
    wr(COMP, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7 | 1 << 15); /* inverted */
    run_us(50);
}

/* PWM blanks: 100 us of each millisecond the output is as with plus below minus. */
static void blanking(void **state)
{
    (void)state;
    clock_hsi16();
    clock_on(0x60, 0);
    clock_on(0x60, 11);
    clock_on(0x60, 16);
    clock_on(0x58, 0);
    pin_mode('B', 0, 2, 12);  /* COMP1 */
    pin_mode('B', 11, 2, 12); /* COMP2 */
    adc_voltage(rig, 0, 1, 700);
    adc_voltage(rig, 0, 3, 700);
    static const struct {
        unsigned comp, code;
        uint32_t tim, ccmr, mode, ccr;
        uint32_t ccer;
    } rows[] = {{0, 1, 0x40012C00, 0x54, 6 << 4, 0x58, 1 << 16},
                {0, 2, 0x40000000, 0x1C, 6 << 4, 0x3C, 1 << 8},
                {1, 4, 0x40014000, 0x18, 6 << 4, 0x34, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t tim = rows[i].tim, csr = COMP + 4 * rows[i].comp;
        char port = 'B';
        unsigned pin = rows[i].comp ? 11 : 0;
        wr(tim + 0x28, 15); /* 1 MHz */
        wr(tim + 0x2C, 999);
        wr(tim + rows[i].ccmr, rows[i].mode);
        wr(tim + rows[i].ccr, 100);
        wr(tim + 0x20, rows[i].ccer);
        wr(tim + 0x14, 1);
        wr(tim, 1);
        for (uint32_t polarity = 0; polarity < 2; polarity++) {
            wr(csr, 0);
            wr(csr, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7 | rows[i].code << 18 | polarity << 15);
            run_us(2000 - rd(tim + 0x24));
            unsigned active = 0;
            for (unsigned us = 0; us < 1000; us += 10) {
                run_us(us ? 10 : 5);
                bool high = pin_level(port, pin);
                assert_int_equal(high, rd(csr) >> 30 & 1);
                active += high != polarity;
                if (us < 1000 - 10)
                    assert_int_equal(high != polarity, us >= 100);
            }
            assert_in_range(active, 89, 90);
        }
        wr(csr, 0);
        wr(tim, 0);
    }
    /* a reference that is active already */
    wr(0x40000018 + 4, 5 << 4); /* TIM2 channel 3, forced */
    wr(COMP, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7);
    run_us(50);
    assert_true(pin_level('B', 0));
    wr(COMP, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7 | 2 << 18);
    assert_false(pin_level('B', 0));
    wr(COMP, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7);
    assert_true(pin_level('B', 0));
    assert_int_equal(told_count("missing"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comparators, on, rig_off),
        cmocka_unit_test_setup_teardown(comparator_pins_without_channel, on, rig_off),
        cmocka_unit_test_setup_teardown(comparator_starts_late, on, rig_off),
        cmocka_unit_test_setup_teardown(comparators_start_together, on, rig_off),
        cmocka_unit_test_setup_teardown(comparator_times_and_hysteresis, on, rig_off),
        cmocka_unit_test_setup_teardown(comparator_sees_levels, on, rig_off),
        cmocka_unit_test_setup_teardown(blanking, on, rig_off),
    };

    return cmocka_run_group_tests_name("comparators", tests, NULL, NULL);
}
