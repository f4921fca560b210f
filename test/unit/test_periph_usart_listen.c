/* What a USART's receiver makes of its line beyond words: addresses, silence, breaks and stop bits. RM0453
 * "USART receiver", "Multiprocessor communication", "LIN mode", of the same block. */
#include "rig.h"
#include "usart_regs.h"

enum { MME = 1 << 13, WAKE = 1 << 11, ADDM7 = 1 << 4, LBDL = 1 << 5, LINEN = 1 << 14, STOP2 = 2 << 12 };
enum { SBKRQ = 2, MMRQ = 4 };

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x60, 14);
    clock_on(0x58, 17);
    pin_mode('A', 9, 2, 7); /* USART1 TX */
    pin_mode('A', 3, 2, 7); /* USART2 RX */
    chip_wire(rig, 0, 9, 0, 3);
    return 0;
}

static void start(uint32_t base, uint32_t brr, uint32_t cr1, uint32_t cr2)
{
    wr(base + CR1, 0);
    wr(base + BRR, brr);
    wr(base + CR2, cr2);
    wr(base + CR1, UE | cr1);
}

static void send(uint32_t word, unsigned bits)
{
    wr(USART1 + TDR, word);
    run_ps(BIT * bits);
}

/* Each bit of an address counts or does not: 4 bits, or with ADDM7 all but the mark, 6 to 8. */
static void address_lengths(void **state)
{
    static const struct {
        uint32_t cr1, cr2, bits, length;
    } rows[] = {{M1, 0, 7, 4},     {0, 0, 8, 4},     {M0, 0, 9, 4},
                {M1, ADDM7, 7, 6}, {0, ADDM7, 8, 7}, {M0, ADDM7, 9, 8}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t mark = 1u << (rows[i].bits - 1), own = mark | (0xA5 & (mark - 1));
        start(USART1, 139, TE | rows[i].cr1, 0);
        start(USART2, 139, RE | WAKE | MME | rows[i].cr1, rows[i].cr2 | 0xA5u << 24);
        run_ps(BIT * 12);
        for (unsigned bit = 0; bit < rows[i].bits; bit++) {
            wr(USART2 + RQR, MMRQ); /* also in silence */
            assert_int_equal(rd(USART2 + ISR) & RWU, RWU);
            send(own ^ 1u << bit, 12);
            bool counts = bit < rows[i].length || 1u << bit == mark;
            assert_int_equal(rd(USART2 + ISR) & (RWU | RXNE), counts ? RWU : RXNE);
            rd(USART2 + RDR);
        }
        send(own, 12);
        assert_int_equal(rd(USART2 + ISR) & (RWU | RXNE), RXNE);
        rd(USART2 + RDR);
        send(own ^ 1, 12); /* another address */
        assert_int_equal(rd(USART2 + ISR) & (RWU | RXNE), RWU);
    }
}

/* Mute mode until a whole frame of silence, stop bits and all, which may have begun before; if it has passed
 * already mute mode is not entered. */
static void mute_until_idle(void **state)
{
    (void)state;
    for (unsigned stops = 1; stops <= 2; stops++) {
        uint32_t cr2 = stops == 2 ? STOP2 : 0;
        start(USART1, 139, TE, cr2);
        start(USART2, 139, RE | MME, cr2);
        wr(USART2 + RQR, MMRQ); /* a line that idles since the receiver is on */
        assert_int_equal(rd(USART2 + ISR) & RWU, RWU);
        run_ps(BIT * (9 + stops) - BIT / 4);
        assert_int_equal(rd(USART2 + ISR) & RWU, RWU);
        run_ps(BIT);
        assert_int_equal(rd(USART2 + ISR) & RWU, 0);
        wr(USART2 + RQR, MMRQ);
        assert_int_equal(rd(USART2 + ISR) & RWU, 0);
        send(1, 9 + stops);
        assert_int_equal(rd(USART2 + ISR) & RXNE, RXNE);
        rd(USART2 + RDR);
        wr(USART2 + RQR, MMRQ);
        assert_int_equal(rd(USART2 + ISR) & RWU, RWU);
        send(2, 9 + stops + 9);
        assert_int_equal(rd(USART2 + ISR) & (RXNE | RWU), RWU);
        run_ps(BIT * (stops + 1));
        assert_int_equal(rd(USART2 + ISR) & (RXNE | RWU | IDLE), 0);
    }
}

/* Silence is counted at the rate that the receiver has: BRR, or its clock, may come behind RE. */
static void silence_at_a_late_rate(void **state)
{
    (void)state;
    for (unsigned clock = 0; clock < 2; clock++) {
        start(USART2, clock ? 139 : 0, RE | MME, 0);
        if (clock)
            wr(0x40021058, rd(0x40021058) & ~(1u << 17));
        run_ps(BIT * 20);
        if (clock)
            clock_on(0x58, 17);
        else
            wr(USART2 + BRR, 139);
        wr(USART2 + RQR, MMRQ);
        run_ps(BIT * 10 - BIT / 4);
        assert_int_equal(rd(USART2 + ISR) & RWU, RWU);
        run_ps(BIT);
        assert_int_equal(rd(USART2 + ISR) & RWU, 0);
    }
}

/* LBDF comes with the delimiter, RXNE and FE before it; two stop bits follow a break. */
static void lin_break(void **state)
{
    (void)state;
    for (unsigned lbdl = 0; lbdl < 2; lbdl++) {
        start(USART1, 139, TE, LINEN);
        start(USART2, 139, RE, LINEN | (lbdl ? LBDL : 0));
        run_ps(BIT * 12);
        wr(USART1 + RQR, SBKRQ);
        wr(USART1 + TDR, 0x55);
        run_ps(BIT * 51 / 4);
        assert_int_equal(rd(USART2 + ISR) & (RXNE | FE | LBDF), RXNE | FE);
        run_ps(BIT / 2);
        assert_int_equal(rd(USART2 + ISR) & (RXNE | FE | LBDF), RXNE | FE | LBDF);
        assert_int_equal(rd(USART2 + RDR), 0);
        wr(USART2 + ICR, FE | LBDF);
        run_ps(BIT * 11); /* 24.25: the middle of 0x55's stop bit comes at 24.5 */
        assert_int_equal(rd(USART2 + ISR) & RXNE, 0);
        run_ps(BIT / 2);
        assert_int_equal(rd(USART2 + ISR) & (RXNE | FE | LBDF), RXNE);
        assert_int_equal(rd(USART2 + RDR), 0x55);
    }
}

/* It is the receiver's bits that count: a zero of a sender that is slower by 13 / 9 is a break. */
static void lin_break_of_a_slow_zero(void **state)
{
    static const struct {
        uint32_t brr, lbdl, found;
    } rows[] = {{139, 0, 0},
                {139 * 13 / 9, 0, LBDF},
                {139 * 13 / 9, LBDL, LBDF},
                {139 * 10 / 9, 0, LBDF},
                {139 * 10 / 9, LBDL, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start(USART1, rows[i].brr, TE, 0);
        start(USART2, 139, RE, LINEN | rows[i].lbdl);
        run_ps(BIT * 20);
        send(0, 20);
        assert_int_equal(rd(USART2 + ISR) & (LBDF | FE),
                         rows[i].found || rows[i].lbdl ? rows[i].found | FE : 0);
        wr(USART2 + CR1, 0);
    }
}

/* One and a half stop bits are sampled a bit behind their beginning, others half a bit: the line of a slow
 * sender may rise later. */
static void when_the_stop_bit_is_sampled(void **state)
{
    static const struct {
        uint32_t stop, halves;
    } rows[] = {{0, 1}, {STOP2, 1}, {STOP15, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start(USART1, 139, TE, 0);
        start(USART2, 139, RE, rows[i].stop);
        run_ps(BIT * 14);
        send(0x80, 9);
        run_ps(BIT * rows[i].halves / 2 - BIT / 8);
        assert_int_equal(rd(USART2 + ISR) & RXNE, 0);
        run_ps(BIT / 4);
        assert_int_equal(rd(USART2 + ISR) & (RXNE | FE), RXNE);
        rd(USART2 + RDR);
        run_ps(BIT * 4);
        /* a zero that takes 9 * 1.09 = 9.8 of the receiver's bits */
        start(USART1, 152, TE, 0);
        run_ps(BIT * 14);
        send(0, 14);
        assert_int_equal(rd(USART2 + ISR) & (RXNE | FE), rows[i].halves == 2 ? RXNE : RXNE | FE);
        wr(USART2 + CR1, 0);
    }
}

/* Half a stop bit is not sampled, so a last edge where that would be is no noise: 9 * 148 / 139 = 9.58. */
static void no_noise_in_half_a_stop_bit(void **state)
{
    (void)state;
    start(USART1, 148, TE, 0);
    start(USART2, 139, RE, STOP05);
    run_ps(BIT * 14);
    send(0, 14);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | FE | NF), RXNE);
    start(USART2, 139, RE, 0);
    run_ps(BIT * 14);
    send(0, 14);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | NF), RXNE | NF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(address_lengths, on, rig_off),
        cmocka_unit_test_setup_teardown(mute_until_idle, on, rig_off),
        cmocka_unit_test_setup_teardown(silence_at_a_late_rate, on, rig_off),
        cmocka_unit_test_setup_teardown(no_noise_in_half_a_stop_bit, on, rig_off),
        cmocka_unit_test_setup_teardown(lin_break, on, rig_off),
        cmocka_unit_test_setup_teardown(lin_break_of_a_slow_zero, on, rig_off),
        cmocka_unit_test_setup_teardown(when_the_stop_bit_is_sampled, on, rig_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
