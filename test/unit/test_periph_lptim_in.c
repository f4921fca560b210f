/* LPTIM1 and LPTIM2: edges at their inputs as what they count and as their clock, encoder, comparators. */
#include "lptim_regs.h"

static void external(void **state)
{
    (void)state;
    pin_drive('B', 1, 1);                /* before it gets its function */
    pin_mode('B', 1, 2, 14);             /* LPTIM2_IN1 */
    wr(LPTIM2 + CFGR, 1 << 23 | 1 << 1); /* falling edges */
    wr(LPTIM2 + CR, 1);
    load(LPTIM2, 1, 9, 5);
    wr(LPTIM2 + CR, 5);
    run_ps(PERIOD * 3);
    for (unsigned n = 0; n < 7; n++) {
        pin_drive('B', 1, 0);
        run_us(100);
        pin_drive('B', 1, 1);
        run_us(100);
    }
    assert_int_equal(rd(LPTIM2 + CNT), 7);
    assert_int_equal(rd(LPTIM2 + ISR), CMPM);
    /* encoder on LPTIM1: IN1 PB5, IN2 PB7 */
    static const uint8_t forward[4] = {1, 3, 2, 0};
    pin_mode('B', 5, 2, 1);
    pin_mode('B', 7, 2, 1);
    pin_drive('B', 5, 0);
    pin_drive('B', 7, 0);
    wr(LPTIM1 + CFGR, 1 << 24 | 2 << 1);
    wr(LPTIM1 + CR, 1);
    load(LPTIM1, 1, 0xFFFF, 0xFFF0);
    wr(LPTIM1 + CR, 5);
    run_ps(PERIOD * 3);
    for (unsigned n = 0; n < 12; n++) {
        pin_drive('B', 5, forward[n & 3] & 1);
        pin_drive('B', 7, forward[n & 3] >> 1);
    }
    assert_int_equal(rd(LPTIM1 + CNT), 12);
    pin_drive('B', 7, 1);
    pin_drive('B', 5, 1);
    assert_int_equal(rd(LPTIM1 + CNT), 10);
    assert_int_equal(rd(LPTIM1 + ISR) & (UP | DOWN), DOWN);
}

static void pulse(unsigned n)
{
    while (n--) {
        pin_drive('B', 1, 1);
        run_us(10);
        pin_drive('B', 1, 0);
        run_us(10);
    }
}

/* IN1 as the clock: its first five active edges behind ENABLE are lost, whenever they come. */
static void clocked_by_input(void **state)
{
    (void)state;
    pin_mode('B', 1, 2, 14);
    pin_drive('B', 1, 0);
    for (unsigned falling = 0; falling < 2; falling++) {
        wr(LPTIM2 + CR, 0);
        wr(LPTIM2 + CFGR, 1 | falling << 1);
        wr(LPTIM2 + CR, 1);
        load(LPTIM2, 1, 999, 500);
        if (falling) {
            pulse(3);
            wr(LPTIM2 + CR, 5);
            pulse(2);
        } else {
            wr(LPTIM2 + CR, 5);
            pulse(5);
        }
        assert_int_equal(rd(LPTIM2 + CNT), 0);
        pulse(15);
        assert_int_equal(rd(LPTIM2 + CNT), 15);
    }
}

/* OR puts comparators at the inputs: LPTIM1's IN1 and IN2 one each, both at LPTIM2's IN1 (LL:
 * INPUT1_SRC_COMP2 and INPUT1_SRC_COMP1_COMP2 are LPTIM2's, INPUT2_SRC_COMP2 LPTIM1's). */
static void comparators(void **state)
{
    static const struct {
        uint32_t timer, option;
        unsigned counted; /* comparators whose edges count */
    } wirings[] = {{LPTIM1, 0, 0}, {LPTIM1, 1, 1}, {LPTIM1, 2, 0}, {LPTIM1, 3, 1},
                   {LPTIM2, 0, 0}, {LPTIM2, 1, 1}, {LPTIM2, 2, 2}, {LPTIM2, 3, 3}};
    (void)state;
    clock_on(0x60, 0);
    for (unsigned comp = 0; comp < 2; comp++) { /* PA1 and PA3 against VREFINT / 2 */
        adc_voltage(rig, 0, 1 + 2 * comp, 0);
        wr(0x40010200 + 4 * comp, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7);
    }
    run_us(100);
    for (unsigned i = 0; i < sizeof wirings / sizeof wirings[0]; i++) {
        uint32_t t = wirings[i].timer;
        wr(t + CFGR, 1 << 23);
        wr(t + OR, wirings[i].option);
        wr(t + CR, 1);
        load(t, 1, 9, 5);
        wr(t + CR, 5);
        run_ps(PERIOD * 3);
        for (unsigned comp = 0; comp < 2; comp++) {
            uint32_t before = rd(t + CNT);
            for (unsigned n = 0; n < 4; n++)
                adc_voltage(rig, 0, 1 + 2 * comp, n % 2 ? 0 : 1000);
            assert_int_equal(rd(t + CNT) - before, wirings[i].counted >> comp & 1 ? 2 : 0);
        }
        wr(t + CR, 0);
    }
    /* selected, a comparator that is high is an edge; what the other does then is none */
    adc_voltage(rig, 0, 3, 1000);
    wr(LPTIM2 + OR, 0);
    wr(LPTIM2 + CR, 1);
    load(LPTIM2, 1, 9, 5);
    wr(LPTIM2 + CR, 5);
    run_ps(PERIOD * 3);
    wr(LPTIM2 + OR, 3);
    adc_voltage(rig, 0, 1, 1000);
    assert_int_equal(rd(LPTIM2 + CNT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(external, on, rig_off),
        cmocka_unit_test_setup_teardown(clocked_by_input, on, rig_off),
        cmocka_unit_test_setup_teardown(comparators, on, rig_off),
    };

    return cmocka_run_group_tests_name("LPTIM inputs", tests, NULL, NULL);
}
