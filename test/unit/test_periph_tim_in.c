/* What comes into timers: captures, encoder, slave modes and triggers between timers, external clocks,
 * internal oscillators. */
#include "tim_regs.h"

static void pulse(char port, unsigned pin, unsigned us)
{
    pin_drive(port, pin, 1);
    run_us(us);
    pin_drive(port, pin, 0);
}

static void capture(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 1);
    pin_mode('A', 1, 2, 1);
    pin_drive('A', 0, 0);
    wr(TIM2 + CCMR1, 1 | 2 << 8); /* CH1 from TI1, CH2 from TI1 too */
    wr(TIM2 + CCER, 1 | 1 << 4 | 1 << 5);
    wr(TIM2 + DIER, 2);
    wr(TIM2 + CR1, CEN);
    run_us(100);
    pulse('A', 0, 40);
    assert_int_equal(rd(TIM2 + SR) & 0x606, 6);
    assert_true(irq_line(28));
    assert_int_equal(rd(TIM2 + CCR1), 100); /* rising */
    assert_int_equal(rd(TIM2 + SR) & 6, 4); /* taken by reading */
    assert_false(irq_line(28));
    assert_int_equal(rd(TIM2 + CCR2), 140); /* falling */
    run_us(10);
    pulse('A', 0, 1);
    run_us(1);
    pulse('A', 0, 1);
    assert_int_equal(rd(TIM2 + SR) & 0x606, 0x606); /* overcapture */
    wr(TIM2 + CCR1, 7);
    assert_int_equal(rd(TIM2 + CCR1), 152); /* not writable as an input */
    /* every 4th edge, both polarities */
    wr(TIM2 + CCER, 0);
    wr(TIM2 + CCMR1, 1 | 2 << 2);
    wr(TIM2 + CCER, 1 | 2 | 8);
    wr(TIM2 + SR, 0);
    pulse('A', 0, 1);
    pin_drive('A', 0, 1);
    assert_int_equal(rd(TIM2 + SR) & 2, 0);
    pin_drive('A', 0, 0);
    assert_int_equal(rd(TIM2 + SR) & 2, 2);
    wr(TIM2 + SR, 0); /* switched off and on, the channel waits for all four again */
    pulse('A', 0, 1);
    wr(TIM2 + CCER, 2 | 8);
    wr(TIM2 + CCER, 1 | 2 | 8);
    pulse('A', 0, 1);
    assert_int_equal(rd(TIM2 + SR) & 2, 0);
    pulse('A', 0, 1);
    assert_int_equal(rd(TIM2 + SR) & 2, 2);
    wr(TIM2 + CCMR1, 0); /* CCxS is locked while the channel is on */
    assert_int_equal(rd(TIM2 + CCMR1) & 3, 1);
}

/* PWM input: TI1 resets the counter and is captured; the other channel measures the width. The reset comes
 * behind the capture, so n counts are captured as n - 1. */
static void pwm_input(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 1);
    pin_drive('A', 0, 0);
    wr(TIM2 + CCMR1, 1 | 2 << 8);
    wr(TIM2 + CCER, 1 | 1 << 4 | 1 << 5);
    wr(TIM2 + SMCR, 5 << 4 | 4);
    wr(TIM2 + CR1, CEN | 4);
    for (unsigned i = 0; i < 3; i++) {
        pulse('A', 0, 30);
        run_us(70);
    }
    assert_int_equal(rd(TIM2 + CCR1), 99);
    assert_int_equal(rd(TIM2 + CCR2), 29);
    assert_int_equal(rd(TIM2 + SR) & 0x40, 0x40);
}

static void encoder(void **state)
{
    static const uint8_t forward[4] = {1, 3, 2, 0}; /* TI1 leads */

    (void)state;
    pin_mode('A', 0, 2, 1);
    pin_mode('A', 1, 2, 1);
    pin_drive('A', 0, 0);
    pin_drive('A', 1, 0);
    wr(TIM2 + PSC, 0);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + CCMR1, 1 | 1 << 8);
    for (unsigned sms = 1; sms <= 3; sms++) {
        wr(TIM2 + SMCR, sms);
        wr(TIM2 + CNT, 1000);
        wr(TIM2 + CR1, CEN);
        for (unsigned n = 0; n < 20; n++) {
            pin_drive('A', 0, forward[n & 3] & 1);
            pin_drive('A', 1, forward[n & 3] >> 1);
        }
        uint32_t forward_steps = sms == 3 ? 20 : 10;
        assert_int_equal(rd(TIM2 + CNT), 1000 + forward_steps);
        assert_int_equal(rd(TIM2 + CR1) & 16, 0);
        for (unsigned n = 0; n < 20; n++) { /* back */
            unsigned s = n == 19 ? 0 : forward[(18 - n) & 3];
            pin_drive('A', 1, (int)s >> 1);
            pin_drive('A', 0, s & 1);
        }
        assert_int_equal(rd(TIM2 + CNT), 1000);
        assert_int_equal(rd(TIM2 + CR1) & 16, 16);
        wr(TIM2 + CR1, 0);
    }
    wr(TIM2 + CCER, 2); /* one input inverted: the other way */
    wr(TIM2 + CNT, 1000);
    wr(TIM2 + CR1, CEN);
    for (unsigned n = 0; n < 20; n++) {
        pin_drive('A', 0, forward[n & 3] & 1);
        pin_drive('A', 1, forward[n & 3] >> 1);
    }
    assert_int_equal(rd(TIM2 + CNT), 980);
}

static void external_clocks(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 1);
    pin_drive('A', 0, 0);
    wr(TIM2 + PSC, 1);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + CCMR1, 1);
    wr(TIM2 + SMCR, 5 << 4 | 7); /* mode 1: TI1FP1 */
    wr(TIM2 + CR1, CEN);
    for (unsigned n = 0; n < 10; n++)
        pulse('A', 0, 3);
    run_us(1000);
    assert_int_equal(rd(TIM2 + CNT), 5); /* PSC divides */
    pin_mode('A', 0, 2, 14);             /* TIM2_ETR */
    wr(TIM2 + CR1, 0);
    wr(TIM2 + CNT, 0);
    wr(TIM2 + SMCR, 1 << 14 | 1 << 12); /* mode 2, every second edge */
    wr(TIM2 + CR1, CEN);
    for (unsigned n = 0; n < 12; n++)
        pulse('A', 0, 3);
    assert_int_equal(rd(TIM2 + CNT), 3);
}

/* ETP inverts what is at the pin: turned at a level it makes an edge. A reset of the timer turns it back. */
static void polarity_of_etr(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 14); /* TIM2_ETR */
    pin_drive('A', 0, 1);
    wr(TIM2 + PSC, 0);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + CR1, CEN);
    wr(TIM2 + SMCR, 1 << 14); /* external clock mode 2 */
    assert_int_equal(rd(TIM2 + CNT), 0);
    for (uint32_t n = 0; n < 3; n++) {
        wr(TIM2 + SMCR, 1 << 14 | 1 << 15);
        assert_int_equal(rd(TIM2 + CNT), n);
        wr(TIM2 + SMCR, 1 << 14);
        assert_int_equal(rd(TIM2 + CNT), n + 1);
    }
    wr(TIM2 + SMCR, 1 << 14 | 1 << 15);
    pin_drive('A', 0, 0);
    assert_int_equal(rd(TIM2 + CNT), 4);
    set_bits(0x40021038, 1); /* RCC_APB1RSTR1.TIM2RST */
    clear_bits(0x40021038, 1);
    wr(TIM2 + CR1, CEN);
    wr(TIM2 + SMCR, 1 << 14);
    assert_int_equal(rd(TIM2 + CNT), 0);
    pin_drive('A', 0, 1);
    assert_int_equal(rd(TIM2 + CNT), 1);
    wr(TIM2 + SMCR, 1 << 14 | 1 << 12);
    pin_drive('A', 0, 0); /* the prescaler stays high */
    wr(TIM2 + SMCR, 1 << 14);
    pin_drive('A', 0, 1);
    assert_int_equal(rd(TIM2 + CNT), 2);
    wr(TIM2 + CNT, 1);
    wr(TIM2 + OR1, 2); /* LSE, which is off */
    wr(TIM2 + SMCR, 1 << 14 | 1 << 15);
    wr(TIM2 + SMCR, 1 << 14);
    assert_int_equal(rd(TIM2 + CNT), 1);
}

/* TIM2's TI4 and ETR from a pin or from COMP1, whose output is high: what has another level is an edge. */
static void sources_of_inputs(void **state)
{
    const uint32_t comp = 0x40010200;

    (void)state;
    clock_on(0x60, 0);
    pin_mode('A', 3, 2, 1);  /* TIM2_CH4 */
    pin_mode('A', 0, 2, 14); /* TIM2_ETR */
    pin_drive('A', 3, 0);
    pin_drive('A', 0, 0);
    adc_voltage(rig, 0, 1, 700);
    wr(comp, 1 | 1 << 23 | 1 << 22 | 1 << 4 | 2 << 7);
    run_us(10);
    wr(TIM2 + PSC, 0);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + SR, 0);
    wr(TIM2 + CCMR2, 1 << 8);
    wr(TIM2 + CCER, 1 << 12);
    wr(TIM2 + SMCR, 1 << 14);
    wr(TIM2 + CR1, CEN);
    wr(TIM2 + OR1, 1 << 2);
    assert_int_equal(rd(TIM2 + SR) >> 4 & 1, 1);
    wr(TIM2 + SR, 0);
    wr(TIM2 + OR1, 1 << 2); /* nothing changes */
    wr(TIM2 + OR1, 0);      /* a falling edge */
    assert_int_equal(rd(TIM2 + SR) >> 4 & 1, 0);
    wr(TIM2 + OR1, 2 << 2); /* COMP2 is off */
    assert_int_equal(rd(TIM2 + SR) >> 4 & 1, 0);
    wr(TIM2 + OR1, 3 << 2); /* the two together */
    assert_int_equal(rd(TIM2 + SR) >> 4 & 1, 1);
    assert_int_equal(rd(TIM2 + CNT), 0);
    wr(TIM2 + OR2, 1 << 14);
    assert_int_equal(rd(TIM2 + CNT), 1);
    wr(TIM2 + OR2, 2 << 14);
    wr(TIM2 + OR2, 0);
    assert_int_equal(rd(TIM2 + CNT), 1);
    pin_drive('A', 0, 1);
    assert_int_equal(rd(TIM2 + CNT), 2);
}

/* TIM16 captures when the RTC wakes. */
static void wake_up_of_the_rtc(void **state)
{
    const uint32_t rtc = 0x40002800;

    (void)state;
    clock_rtc();
    wr(TIM16 + OR1, 3);
    wr(TIM16 + CCMR1, 1);
    wr(TIM16 + CCER, 1);
    wr(TIM16 + CR1, CEN);
    wr(rtc + 0x14, 31);                    /* 32 periods of 2 of LSE */
    wr(rtc + 0x08, 3 | 1 << 10 | 1 << 14); /* RTC / 2, WUTE, WUTIE */
    wr(TIM16 + SR, 0);
    run_us(1000);
    assert_int_equal(rd(TIM16 + SR) & 2, 0);
    run_us(1200);
    assert_int_equal(rd(TIM16 + SR) & 2, 2);
}

/* Hall sensors: each edge of the exclusive or is captured and resets the counter, also the first one behind
 * the choice of TI1S, and the choice is one where it changes the level. */
static void hall_sensors(void **state)
{
    (void)state;
    for (unsigned pin = 0; pin < 3; pin++)
        pin_mode('A', pin, 2, 1);
    for (int high = 0; high < 2; high++) {
        pin_drive('A', 0, 0);
        pin_drive('A', 1, high);
        pin_drive('A', 2, 0);
        wr(TIM2 + CR1, 0);
        wr(TIM2 + CR2, 0);
        wr(TIM2 + CCMR1, 3);
        wr(TIM2 + CCER, 1);
        wr(TIM2 + SMCR, 4 << 4);
        wr(TIM2 + SMCR, 4 << 4 | 4);
        wr(TIM2 + CR1, CEN | URS);
        run_us(50);
        wr(TIM2 + SR, 0);
        wr(TIM2 + CR2, 1 << 7);
        assert_int_equal(rd(TIM2 + SR), high ? 0x42 : 0);
        for (unsigned i = 0; i < 6; i++) {
            wr(TIM2 + CNT, 0);
            wr(TIM2 + SR, 0);
            run_us(40);
            pin_drive('A', i % 3, i % 3 == 1 ? (i < 3) != high : i < 3);
            assert_int_equal(rd(TIM2 + SR), 0x42);
            assert_in_range(rd(TIM2 + CCR1), 39, 41);
            assert_int_equal(rd(TIM2 + CNT), 0);
        }
    }
}

/* TIM1 gates, starts and resets TIM15; TIM1 is clocked by TIM2's updates. */
static void between_timers(void **state)
{
    (void)state;
    wr(TIM1 + CR2, 1 << 4);       /* TRGO: enable */
    wr(TIM15 + SMCR, 0 << 4 | 5); /* gated by ITR0 */
    wr(TIM15 + CR1, CEN);
    run_us(100);
    assert_int_equal(rd(TIM15 + CNT), 0);
    wr(TIM1 + CR1, CEN);
    run_us(100);
    assert_in_range(rd(TIM15 + CNT), 99, 100);
    wr(TIM1 + CR1, 0);
    run_us(100);
    assert_in_range(rd(TIM15 + CNT), 99, 100);
    assert_int_equal(rd(TIM15 + SR) & 0x40, 0x40);
    wr(TIM15 + CR1, 0);
    wr(TIM15 + SMCR, 6); /* started */
    wr(TIM15 + CNT, 0);
    wr(TIM1 + CR1, CEN);
    run_us(50);
    assert_int_equal(rd(TIM15 + CR1) & CEN, CEN);
    assert_in_range(rd(TIM15 + CNT), 49, 50);
    /* updates of TIM2 every 10 us count TIM1 */
    wr(TIM1 + CR1, 0);
    wr(TIM1 + CNT, 0);
    wr(TIM2 + CR2, 2 << 4);
    wr(TIM2 + ARR, 9);
    wr(TIM1 + PSC, 0);
    wr(TIM1 + EGR, 1);
    wr(TIM1 + SMCR, 1 << 4 | 7); /* ITR1 */
    wr(TIM1 + CR1, CEN);
    wr(TIM2 + CR1, CEN);
    run_us(1005);
    assert_int_equal(rd(TIM1 + CNT), 100);
    /* its own, every 40, reset TIM15 */
    wr(TIM1 + CR2, 2 << 4);
    wr(TIM1 + CNT, 0);
    wr(TIM1 + ARR, 3);
    wr(TIM15 + SMCR, 4);
    run_us(40);
    assert_in_range(rd(TIM15 + CNT), 4, 6);
    run_us(30);
    assert_in_range(rd(TIM15 + CNT), 34, 36);
    wr(TIM1 + ARR, 0xFFFF);
    /* OC1REF of TIM2 as trigger output */
    wr(TIM2 + CR2, 4 << 4);
    wr(TIM2 + CCMR1, 6 << 4);
    wr(TIM2 + CCR1, 3);
    wr(TIM1 + CNT, 0);
    run_us(100);
    assert_in_range(rd(TIM1 + CNT), 9, 11);
}

/* An input without a pin is low: a pin that is high when it gets the function is an edge, and the first time
 * that it falls counts, as of a sensor that idles high. */
static void pin_comes_later(void **state)
{
    (void)state;
    pin_drive('A', 0, 1);
    wr(TIM2 + CCMR1, 1);
    wr(TIM2 + CCER, 1);
    wr(TIM2 + CR1, CEN);
    run_us(30);
    pin_mode('A', 0, 2, 1);
    assert_in_range(rd(TIM2 + CCR1), 29, 31);
    wr(TIM2 + CCER, 3);
    run_us(30);
    pin_drive('A', 0, 0);
    assert_in_range(rd(TIM2 + CCR1), 59, 61);
    pin_drive('A', 0, 1);
    run_us(30);
    pin_mode('A', 0, 0, 0);
    assert_in_range(rd(TIM2 + CCR1), 89, 91);
    /* a break that waits at its pin */
    pin_drive('A', 6, 1);
    wr(TIM1 + BDTR, MOE | BKE | BKP);
    assert_true(rd(TIM1 + BDTR) & MOE);
    pin_mode('A', 6, 2, 1);
    assert_false(rd(TIM1 + BDTR) & MOE);
}

/* ENCODER_MODE: TIM15 measures how fast the encoder turns that TIM2 counts. */
static void encoder_of_another(void **state)
{
    (void)state;
    pin_mode('A', 0, 2, 1);
    pin_mode('A', 1, 2, 1);
    pin_mode('A', 2, 2, 14); /* TIM15_CH1 */
    for (unsigned pin = 0; pin < 3; pin++)
        pin_drive('A', pin, 0);
    wr(TIM2 + CCMR1, 0x101);
    wr(TIM2 + PSC, 0);
    wr(TIM2 + EGR, 1);
    wr(TIM2 + SMCR, 3);
    wr(TIM2 + CR1, CEN);
    wr(TIM15 + OR1, 1 << 1);
    wr(TIM15 + CCMR1, 0x101);
    wr(TIM15 + CCER, 0x11);
    wr(TIM15 + CR1, CEN);
    for (unsigned edge = 0; edge < 8; edge++) {
        run_us(100);
        pin_drive('A', edge % 2, edge % 4 < 2);
        pin_drive('A', 2, 1); /* TIM15's own */
        pin_drive('A', 2, 0);
    }
    assert_int_equal(rd(TIM2 + CNT), 8);
    assert_in_range(rd(TIM15 + CCR1), 499, 501);
    assert_in_range(rd(TIM15 + CCR2), 599, 601);
    wr(TIM15 + OR1, 0);
    pin_drive('A', 2, 1);
    assert_in_range(rd(TIM15 + CCR1), 799, 801);
}

/* Gated mode takes the level that is there, as in RM0394's example, where TI1 is low from the start. */
static void gate_is_a_level(void **state)
{
    static const struct {
        char port;
        uint8_t pin, af, level;
        uint16_t smcr, ccer, counted;
    } gates[] = {{'A', 0, 1, 0, 5 << 4, 0, 0},          {'A', 0, 1, 0, 5 << 4, 2, 100},
                 {'A', 0, 1, 1, 5 << 4, 0, 100},        {'A', 1, 1, 0, 6 << 4, 0x20, 100},
                 {'A', 5, 2, 0, 7 << 4, 0, 0},          {'A', 5, 2, 1, 7 << 4, 0, 100},
                 {'A', 5, 2, 1, 1 << 15 | 7 << 4, 0, 0}};
    (void)state;
    for (unsigned i = 0; i < sizeof gates / sizeof gates[0]; i++) {
        pin_mode(gates[i].port, gates[i].pin, 2, gates[i].af);
        pin_drive(gates[i].port, gates[i].pin, gates[i].level);
        wr(TIM2 + CCMR1, 0x101);
        wr(TIM2 + CCER, gates[i].ccer);
        wr(TIM2 + SMCR, gates[i].smcr | 5);
        wr(TIM2 + CNT, 0);
        wr(TIM2 + CR1, CEN);
        run_us(100);
        assert_in_range(rd(TIM2 + CNT), gates[i].counted, gates[i].counted);
        wr(TIM2 + CR1, 0);
        wr(TIM2 + SMCR, 0);
        pin_drive(gates[i].port, gates[i].pin, -1);
        pin_mode(gates[i].port, gates[i].pin, 0, 0);
    }
    /* of another timer, whose TRGO is high before anybody listens */
    wr(TIM15 + SMCR, 1 << 4);
    wr(TIM1 + CR2, 1 << 4);
    wr(TIM1 + CR1, CEN);
    wr(TIM15 + SMCR, 0 << 4 | 5);
    wr(TIM15 + CR1, CEN);
    run_us(100);
    assert_in_range(rd(TIM15 + CNT), 99, 100);
}

/* The slave is made one while its master runs: it follows from then on, also when nobody reads the master. */
static void slave_comes_later(void **state)
{
    (void)state;
    wr(TIM1 + SMCR, 4 << 4); /* nobody listens to TIM2 */
    wr(TIM15 + SMCR, 2 << 4);
    wr(TIM1 + PSC, 0);
    wr(TIM1 + EGR, 1);
    wr(TIM2 + CR2, 2 << 4);
    wr(TIM2 + ARR, 9);
    wr(TIM2 + CR1, CEN);
    run_us(1000);
    wr(TIM1 + CR1, CEN);
    wr(TIM1 + CR1, 0);
    wr(TIM1 + CNT, 0);
    wr(TIM1 + SMCR, 1 << 4 | 7);
    wr(TIM1 + CR1, CEN);
    assert_int_equal(rd(TIM1 + CNT), 0);
    run_us(1000);
    assert_in_range(rd(TIM1 + CNT), 99, 101);
}

/* TIM16 measures LSI and LSE, as ST's LSI calibration example does. */
static void oscillators(void **state)
{
    (void)state;
    clock_lse();
    set_bits(0x40021094, 1);
    run_us(1000);
    wr(TIM16 + PSC, 0);
    wr(TIM16 + EGR, 1);
    for (unsigned source = 1; source <= 2; source++) {
        wr(TIM16 + OR1, source);
        wr(TIM16 + CCER, 0);
        wr(TIM16 + CCMR1, 1 | 3 << 2); /* every 8th edge */
        wr(TIM16 + CCER, 1);
        wr(TIM16 + CR1, CEN);
        run_us(2000);
        wr(TIM16 + SR, 0);
        assert_true(run_until(TIM16 + SR, 2, 2, PS_PER_MS) != PS_NEVER);
        uint32_t first = rd(TIM16 + CCR1);
        assert_true(run_until(TIM16 + SR, 2, 2, PS_PER_MS) != PS_NEVER);
        uint32_t length = (rd(TIM16 + CCR1) - first) & 0xFFFF;
        uint32_t expected = source == 1 ? 16000000 * 8 / 32000 : 16000000ull * 8 / 32768;
        assert_in_range(length, expected - 1, expected + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(capture, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(pwm_input, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(encoder, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(external_clocks, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(polarity_of_etr, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(sources_of_inputs, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(hall_sensors, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(wake_up_of_the_rtc, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(between_timers, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(slave_comes_later, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(gate_is_a_level, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(encoder_of_another, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(pin_comes_later, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(oscillators, microseconds, rig_off),
    };

    return cmocka_run_group_tests_name("timers: inputs", tests, NULL, NULL);
}
