/* What the outside is told of pins: waveforms that begin, change, move to another pin and end; outputs that
 * are outputs no longer. */
#include "rig.h"
#include "tim_regs.h"

enum { PA5 = 5, PA15 = 15, PB13 = 16 + 13 };

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x4C, 0);
    clock_on(0x4C, 1);
    clock_on(0x58, 0);
    clock_on(0x60, 11);
    return 0;
}

static unsigned last_pin(void)
{
    return told.pwm_port * 16 + told.pwm_pin;
}

/* TIM2 channel 1: 1 kHz, a quarter. */
static void pwm_on(void)
{
    wr(TIM2 + PSC, 15);
    wr(TIM2 + ARR, 999);
    wr(TIM2 + CCR1, 250);
    wr(TIM2 + CCMR1, 6 << 4);
    wr(TIM2 + CCER, 1);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + CR1, 1);
}

static void pins_come_and_go(void **state)
{
    (void)state;
    pwm_on();
    assert_int_equal(told.pwms, 0);
    pin_mode('A', 5, 2, 1);
    assert_int_equal(told.pwms, 1);
    assert_true(told.hz == 1000 && told.duty == 0.25);
    assert_int_equal(last_pin(), PA5);
    pin_mode('A', 15, 2, 1); /* a second pin of the same channel */
    assert_int_equal(told.pwms, 2);
    assert_int_equal(last_pin(), PA15);
    assert_true(told.hz == 1000);
    pin_mode('A', 5, 0, 0);
    assert_int_equal(told.pwms, 3);
    assert_int_equal(last_pin(), PA5);
    assert_true(told.hz == 0 && told.duty == 0);
    wr(TIM2 + CCR1, 500);
    run_us(2000);
    assert_int_equal(told.pwms, 4); /* PA15 only */
    assert_true(told.hz == 1000 && told.duty == 0.5);
    assert_int_equal(last_pin(), PA15);
    pin_mode('A', 15, 2, 0); /* another alternate function */
    assert_int_equal(told.pwms, 5);
    assert_true(told.hz == 0);
    pin_mode('A', 15, 2, 1);
    assert_int_equal(told.pwms, 6);
    set_bits(0x4002102C, 1); /* RCC resets GPIOA */
    assert_int_equal(told.pwms, 7);
    assert_true(told.hz == 0);
    clear_bits(0x4002102C, 1);
    pin_mode('A', 5, 2, 1);
    assert_int_equal(told.pwms, 8);
    set_bits(0x40021038, 1); /* RCC resets TIM2 */
    assert_int_equal(told.pwms, 9);
    assert_int_equal(last_pin(), PA5);
    assert_true(told.hz == 0);
}

/* A system reset ends it; the same waveform afterwards is news. */
static void reset_ends_it(void **state)
{
    (void)state;
    pin_mode('A', 5, 2, 1);
    pwm_on();
    assert_int_equal(told.pwms, 1);
    chip_request_reset(rig, RESET_SOFT);
    run_us(100);
    rig_settle();
    assert_int_equal(told.pwms, 2);
    assert_true(told.hz == 0);
    clock_hsi16();
    clock_on(0x4C, 0);
    clock_on(0x58, 0);
    pin_mode('A', 5, 2, 1);
    pwm_on();
    assert_int_equal(told.pwms, 3);
    assert_true(told.hz == 1000);
}

static void low_power_timer(void **state)
{
    (void)state;
    clock_on(0x58, 31);
    clock_on(0x4C, 2);
    pin_mode('C', 1, 2, 1);
    wr(0x40007C10, 1);
    wr(0x40007C18, 99);
    wr(0x40007C14, 49);
    run_us(100);
    wr(0x40007C10, 1 | 4);
    run_us(100);
    assert_int_equal(told.pwms, 1);
    assert_true(told.hz == 160000 && told.duty == 0.5);
    pin_mode('C', 1, 3, 0);
    assert_int_equal(told.pwms, 2);
    assert_true(told.hz == 0);
    assert_int_equal(last_pin(), 2 * 16 + 1);
}

/* ---- outputs that toggle ---- */

/* Runs to the next match and moves the compare value, as a handler does. */
static void next_match(unsigned step)
{
    assert_true(run_until(TIM2 + SR, 2, 2, 100 * PS_PER_MS) != PS_NEVER);
    wr(TIM2 + SR, 0);
    wr(TIM2 + CCR1, (rd(TIM2 + CCR1) + step) & 0xFFFF);
}

static void toggle(void **state)
{
    (void)state;
    pin_mode('A', 5, 2, 1);
    wr(TIM2 + PSC, 15);
    wr(TIM2 + ARR, 65535);
    wr(TIM2 + CCR1, 500);
    wr(TIM2 + CCMR1, 3 << 4);
    wr(TIM2 + CCER, 1);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + SR, 0);
    wr(TIM2 + CR1, 1);
    assert_int_equal(told.pwms, 1); /* if nothing moves: once a period of the counter */
    assert_true(told.hz > 7.62 && told.hz < 7.63 && told.duty == 0.5);
    for (unsigned i = 0; i < 3; i++)
        next_match(500);
    assert_int_equal(told.pwms, 2);
    assert_true(told.hz == 1000 && told.duty == 0.5);
    for (unsigned i = 0; i < 300; i++) /* twice over the end of the counter, too */
        next_match(500);
    assert_int_equal(told.pwms, 2);
    for (unsigned i = 0; i < 20; i++)
        next_match(rd(0x48000010) >> 5 & 1 ? 300 : 100); /* from the match on: low for 300 us, high for 100 */
    if (told.hz != 2500 || told.duty != 0.25)
        fail_msg("%f Hz, %f", told.hz, told.duty);
    unsigned before = told.pwms;
    run_us(200000);
    assert_int_equal(told.pwms, before + 1); /* it moves no longer */
    assert_true(told.hz > 7.62 && told.hz < 7.63 && told.duty == 0.5);
    wr(TIM2 + CR1, 0);
    assert_true(told.hz == 0);
}

/* ---- combined modes: TIM1 at 16 MHz / 1000 ---- */

static void combined(void **state)
{
    static const struct {
        uint32_t mode, other, ccr, ccr_other, ccr5, cr1;
        double duty;
    } rows[] = {
        {12, 7, 300, 800, 0, 1, 0.5},                   /* below 300 or from 800 */
        {13, 6, 300, 800, 0, 1, 0.5},                   /* from 300 to 800 */
        {13, 7, 800, 300, 0, 1, 0.2},                   /* from 800 */
        {6, 0, 800, 0, 1u << 29 | 500, 1, 0.5},         /* and channel 5 */
        {14, 6, 200, 600, 0, 1 | 1 << 5, 800 / 1998.0}, /* a slope each */
        {6, 0, 250, 0, 0, 1, 0.25},
    };

    (void)state;
    pin_mode('A', 8, 2, 1);
    wr(TIM1 + ARR, 999);
    wr(TIM1 + BDTR, 1 << 15);
    wr(TIM1 + CCER, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t mode = rows[i].mode, other = rows[i].other;
        wr(TIM1 + CR1, 0);
        wr(TIM1 + CCR1, rows[i].ccr);
        wr(TIM1 + CCR1 + 4, rows[i].ccr_other);
        wr(TIM1 + 0x54, 6 << 4);
        wr(TIM1 + 0x58, rows[i].ccr5);
        wr(TIM1 + CCMR1, (mode & 7) << 4 | (mode >> 3) << 16 | (other & 7) << 12 | (other >> 3) << 24);
        wr(TIM1 + EGR, 1);
        wr(TIM1 + CR1, rows[i].cr1);
        double off = told.duty - rows[i].duty;
        if (off > 1e-9 || off < -1e-9)
            fail_msg("row %u: %f", (unsigned)i, told.duty);
    }
}

/* ---- outputs ---- */

static void outputs_that_end(void **state)
{
    (void)state;
    wr(0x48000418, 1 << 13);
    pin_mode('B', 13, 1, 0);
    assert_int_equal(told.gpios, 1);
    assert_true(told.gpio_pin == PB13 && told.gpio_level);
    pin_mode('B', 13, 0, 0); /* an LED is dark then */
    assert_int_equal(told.gpios, 2);
    assert_true(told.gpio_pin == PB13 && !told.gpio_level);
    wr(0x4800040C, 1 << 26); /* pulled up: as an input nobody asks for it */
    assert_true(pin_level('B', 13));
    assert_int_equal(told.gpios, 2);
    pin_mode('B', 13, 1, 0);
    assert_int_equal(told.gpios, 3);
    pin_mode('B', 13, 0, 0); /* stays high by its pull-up */
    assert_int_equal(told.gpios, 3);
    wr(0x48000418, 1 << 29);
    pin_mode('B', 13, 1, 0);
    assert_int_equal(told.gpios, 3); /* low from the start */
    pin_mode('B', 13, 0, 0);         /* and high as soon as the pull-up decides */
    assert_int_equal(told.gpios, 4);
    assert_true(told.gpio_level);
    wr(0x4800040C, 0);
    assert_int_equal(told.gpios, 4);
    wr(0x48000418, 1 << 13);
    pin_mode('B', 13, 1, 0);
    assert_int_equal(told.gpios, 5);
    chip_request_reset(rig, RESET_SOFT);
    run_us(100);
    assert_int_equal(told.gpios, 6);
    assert_false(told.gpio_level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pins_come_and_go, on, rig_off),
        cmocka_unit_test_setup_teardown(reset_ends_it, on, rig_off),
        cmocka_unit_test_setup_teardown(low_power_timer, on, rig_off),
        cmocka_unit_test_setup_teardown(toggle, on, rig_off),
        cmocka_unit_test_setup_teardown(combined, on, rig_off),
        cmocka_unit_test_setup_teardown(outputs_that_end, on, rig_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
