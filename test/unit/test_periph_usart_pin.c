/* Frames that arrive from outside at receive pins of USARTs, or that they send, as EXTI, timers and IDR see
 * them. */
#include "rig.h"
#include "usart_regs.h"

enum { EXTI = 0x40010400, FTSR1 = 0x0C, RTSR1 = 0x08, PR1 = 0x14 };
enum { GPIOA = 0x48000000, PUPDR = 0x0C, IDR = 0x10 };
enum { TIM2 = 0x40000000, FALLS = 1 << 10, LOST = PS_PER_S / 115200 };

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x60, 0); /* SYSCFG: PA10 is EXTI 10's already */
    clock_on(0x60, 14);
    clock_on(0x58, 0);
    clock_on(0x58, 17);
    pin_mode('A', 10, 2, 7);
    wr(USART1 + BRR, 139);
    wr(USART1 + CR1, UE | RE);
    run_ps(BIT);
    return 0;
}

static bool edge(void)
{
    bool is = rd(EXTI + PR1) & FALLS;

    wr(EXTI + PR1, FALLS);
    return is;
}

/* The bits of a frame one after the other: start, 0x53, stop. */
static void frame_at_exti(void **state)
{
    static const bool falls[10] = {1, 0, 0, 1, 0, 0, 1, 0, 1, 0};

    (void)state;
    wr(EXTI + 0, FALLS);
    wr(EXTI + FTSR1, FALLS);
    for (unsigned n = 0; n < 3; n++) {
        usart_receive(rig, B_USART1, 0x53);
        for (unsigned i = 0; i < 10; i++) {
            run_ps(BIT / 2);
            assert_int_equal(edge(), falls[i]);
            assert_int_equal(rd(GPIOA + IDR) >> 10 & 1, (0x2A6 >> i) & 1);
            run_ps(BIT / 2);
        }
        assert_int_equal(rd(USART1 + RDR), 0x53);
    }
    run_ps(BIT * 20);
    assert_false(edge());
}

/* Whoever begins to look for edges within a frame finds those that come, and not one that has been. */
static void looking_begins_late(void **state)
{
    (void)state;
    wr(EXTI + 0, FALLS);
    usart_receive(rig, B_USART1, 0x0C);
    run_ps(BIT * 3 / 2);
    wr(EXTI + FTSR1, FALLS);
    run_ps(BIT);
    assert_false(edge());
    run_ps(BIT * 3); /* 1, 1, 0 */
    assert_true(edge());
    wr(EXTI + FTSR1, 0);
    usart_receive(rig, B_USART1, 0);
    run_ps(BIT * 2);
    assert_int_equal(rd(GPIOA + IDR) >> 10 & 1, 0);
    run_ps(BIT * 8); /* the pin is not left low when it was looked at once */
    assert_true(pin_level('A', 10));
}

/* TIM2's channel 4 has the pin: a timer measures bits. At a pin of no USART the rate is that of the last
 * frame that was received there. */
static void frame_at_timer(void **state)
{
    static const ps_t bits[] = {LOST, BIT * 2};
    unsigned port, pin;

    (void)state;
    wr(TIM2 + 0x1C, 1 << 8);
    wr(TIM2 + 0x20, 1 << 12 | 1 << 13 | 1 << 15); /* both edges */
    wr(TIM2, 1);
    for (unsigned n = 0; n < 2; n++) {
        pin_mode('A', 3, 2, 1);
        uint32_t before = 0;
        assert_int_equal(usart_unheard(rig, 0, 3, 0x55), bits[n] * 10);
        for (unsigned i = 0; i < 9; i++) {
            run_ps(bits[n] / 2);
            assert_int_equal(rd(TIM2 + 0x10) & 1 << 4, 1 << 4);
            uint32_t at = rd(TIM2 + 0x40);
            if (i)
                assert_in_range(at - before, bits[n] / 62500 - 1, bits[n] / 62500 + 1);
            before = at;
            run_ps(bits[n] - bits[n] / 2);
        }
        run_ps(bits[n]);
        pin_mode('A', 3, 2, 7);
        wr(USART2 + BRR, 278);
        wr(USART2 + CR1, UE | RE);
        assert_int_equal(usart_receive(rig, B_USART2, 0x55), BIT * 20);
        run_ps(BIT * 20);
        assert_int_equal(rd(USART2 + RDR), 0x55);
    }
    pin_mode('A', 3, 0, 0);
    pin_mode('A', 15, 2, 3);
    usart_receive_pin(rig, B_USART2, &port, &pin);
    assert_int_equal(port << 4 | pin, 15);
    pin_mode('A', 15, 0, 0);
    usart_receive_pin(rig, B_USART2, &port, &pin);
    assert_int_equal(port << 4 | pin, 15); /* where it was last seen */
    usart_receive_pin(rig, B_USART3, &port, &pin);
    assert_int_equal(port << 4 | pin, 0x1B);
}

/* What a USART sends itself: at its TX pin, and at one that is wired to it; inverted, and as IrDA's pulses.
 */
static void own_frame(void **state)
{
    (void)state;
    pin_mode('A', 9, 2, 7);
    wr(USART1 + CR1, UE | TE);
    run_ps(BIT * 12);
    wr(EXTI + 0, 1 << 9);
    wr(EXTI + FTSR1, 1 << 9);
    wr(EXTI + RTSR1, 1 << 9);
    for (unsigned n = 0; n < 2; n++) {
        uint32_t expected = n ? 0x159 : 0x2A6; /* start, 0x53, stop */
        bool before = !n;
        wr(EXTI + PR1, 1 << 9);
        wr(USART1 + TDR, 0x53);
        for (unsigned i = 0; i < 10; i++) {
            bool level = expected >> i & 1;
            run_ps(BIT / 2);
            assert_int_equal(rd(EXTI + PR1) >> 9 & 1, level != before);
            assert_int_equal(rd(GPIOA + IDR) >> 9 & 1, level);
            wr(EXTI + PR1, 1 << 9);
            run_ps(BIT - BIT / 2);
            before = level;
        }
        run_ps(BIT * 2);
        wr(USART1 + CR1, 0);
        wr(USART1 + CR2, 1 << 17); /* TXINV */
        wr(USART1 + CR1, UE | TE);
        run_ps(BIT * 12);
    }
    /* nobody waits for edges, IDR is read in a break, and then the USART is reset */
    wr(EXTI + FTSR1, 0);
    wr(EXTI + RTSR1, 0);
    wr(USART1 + CR1, 0);
    wr(USART1 + CR2, 0);
    wr(USART1 + CR1, UE | TE);
    run_ps(BIT * 12);
    wr(USART1 + RQR, 2);
    run_ps(BIT * 3);
    assert_int_equal(rd(GPIOA + IDR) >> 9 & 1, 0);
    set_bits(GPIOA + PUPDR, 1 << 18);
    set_bits(0x40021040, 1 << 14);
    clear_bits(0x40021040, 1 << 14);
    assert_int_equal(rd(GPIOA + IDR) >> 9 & 1, 1); /* by its pull-up */
    run_ps(BIT * 20);
    assert_int_equal(rd(GPIOA + IDR) >> 9 & 1, 1);
}

/* The pin is USART1's only while it has something to drive there: with TE, and on a single wire with a frame.
 * A frame that TE = 0 finds on its way is sent to its end. */
static void released(void **state)
{
    (void)state;
    pin_mode('A', 9, 2, 7);
    set_bits(GPIOA + PUPDR, 2 << 18); /* down */
    for (uint32_t single_wire = 0; single_wire < 2; single_wire++) {
        wr(USART1 + CR1, 0);
        assert_false(pin_level('A', 9));
        wr(USART1 + CR3, single_wire << 3);
        wr(USART1 + CR1, UE | TE);
        assert_true(pin_level('A', 9)); /* an idle frame */
        run_ps(BIT * 11);
        assert_int_equal(pin_level('A', 9), !single_wire);
        wr(EXTI + RTSR1, 1 << 9);
        wr(USART1 + TDR, 0xFF);
        run_ps(BIT / 2);
        assert_false(pin_level('A', 9)); /* start */
        wr(USART1 + CR1, UE | RE);
        run_ps(BIT);
        assert_true(pin_level('A', 9));
        run_ps(BIT * 8);
        assert_true(pin_level('A', 9)); /* stop */
        run_ps(BIT);
        assert_false(pin_level('A', 9));
    }
    wr(USART1 + CR1, 0); /* with UE a frame goes at once */
    wr(USART1 + CR3, 0);
    wr(USART1 + CR1, UE | TE);
    run_ps(BIT * 11);
    wr(USART1 + TDR, 0xFF);
    run_ps(BIT / 2);
    wr(USART1 + CR1, 0);
    run_ps(BIT * 3);
    assert_false(pin_level('A', 9));
}

/* CTS is looked at again when its pin is another one, or none: none lets all go. */
static void cts_pin_selected(void **state)
{
    (void)state;
    pin_drive('A', 11, 1);
    wr(USART1 + CR1, 0);
    wr(USART1 + CR3, 1 << 9);
    wr(USART1 + CR1, UE | TE);
    run_ps(BIT * 11);
    for (unsigned n = 0; n < 2; n++) {
        wr(USART1 + TDR, 'a');
        run_ps(BIT * 11);
        assert_int_equal(rd(USART1 + ISR) & (TC | TXE | CTSIF), TC | TXE);
        pin_mode('A', 11, 2, 7);
        assert_int_equal(rd(USART1 + ISR) & CTSIF, CTSIF);
        wr(USART1 + ICR, CTSIF);
        wr(USART1 + TDR, 'b');
        run_ps(BIT * 11);
        assert_int_equal(rd(USART1 + ISR) & (TC | TXE | CTSIF), 0);
        pin_mode('A', 11, 0, 0);
        assert_int_equal(rd(USART1 + ISR) & (TXE | CTSIF), TXE | CTSIF);
        wr(USART1 + ICR, CTSIF);
        run_ps(BIT * 11);
    }
    pin_mode('A', 11, 2, 7);
    set_bits(0x40021040, 1 << 14); /* a reset of USART1 moves no level */
    clear_bits(0x40021040, 1 << 14);
    wr(USART1 + CR3, 1 << 9);
    pin_mode('A', 12, 0, 0);
    assert_int_equal(rd(USART1 + ISR) & CTSIF, 0);
}

/* TIM2 measures by a wire what USART1 sends, the low pulse of 0xF0: start bit and four more. */
static void measures_itself(void **state)
{
    (void)state;
    pin_mode('A', 9, 2, 7);
    pin_mode('A', 0, 2, 1);
    assert_true(chip_wire(rig, 0, 9, 0, 0));
    wr(USART1 + CR1, UE | TE);
    run_ps(BIT * 12);
    wr(TIM2 + 0x18, 1 | 2 << 8);          /* CC1 and CC2 of TI1 */
    wr(TIM2 + 0x20, 1 | 1 << 1 | 1 << 4); /* falling, rising */
    wr(TIM2, 1);
    for (unsigned n = 0; n < 3; n++) {
        wr(USART1 + TDR, 0xF0);
        run_ps(BIT * 12);
        assert_in_range(rd(TIM2 + 0x38) - rd(TIM2 + 0x34), BIT * 5 / 62500 - 1, BIT * 5 / 62500 + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frame_at_exti, on, rig_off),
        cmocka_unit_test_setup_teardown(looking_begins_late, on, rig_off),
        cmocka_unit_test_setup_teardown(frame_at_timer, on, rig_off),
        cmocka_unit_test_setup_teardown(own_frame, on, rig_off),
        cmocka_unit_test_setup_teardown(released, on, rig_off),
        cmocka_unit_test_setup_teardown(cts_pin_selected, on, rig_off),
        cmocka_unit_test_setup_teardown(measures_itself, on, rig_off),
    };

    return cmocka_run_group_tests_name("USART pins", tests, NULL, NULL);
}
