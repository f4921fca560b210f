/* USART1-3 in other modes than asynchronous: IrDA and inverted lines, Smartcard, synchronous; and noise. */
#include "rig.h"
#include "usart_regs.h"

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x60, 14);
    clock_on(0x58, 17);
    clock_on(0x58, 18);
    pin_mode('A', 9, 2, 7);  /* USART1 TX */
    pin_mode('A', 10, 2, 7); /* RX */
    pin_mode('A', 2, 2, 7);  /* USART2 TX */
    pin_mode('A', 3, 2, 7);  /* RX */
    return 0;
}

static void start(uint32_t base, uint32_t cr1, uint32_t cr2, uint32_t cr3)
{
    wr(base + CR1, 0);
    wr(base + BRR, 139);
    wr(base + CR2, cr2);
    wr(base + CR3, cr3);
    wr(base + CR1, UE | cr1);
    run_ps(BIT * 12);
}

/* Sends from USART1 to USART2; flags and, in the upper half, the word that it received. */
static uint32_t transfer(uint32_t word)
{
    wr(USART2 + ICR, PE | FE | NF | ORE);
    wr(USART2 + RQR, 8);
    wr(USART1 + TDR, word);
    run_ps(BIT * 24);
    uint32_t flags = rd(USART2 + ISR) & (PE | FE | NF | ORE | RXNE);
    return flags | rd(USART2 + RDR) << 16;
}

/* The chip drives the pin no longer: somebody else may. */
static void expect_released(unsigned pin)
{
    for (int level = 0; level < 2; level++) {
        pin_drive('A', pin, level);
        assert_int_equal(pin_level('A', pin), level);
    }
    pin_drive('A', pin, -1);
}

static void inverted_lines(void **state)
{
    (void)state;
    chip_wire(rig, 0, 9, 0, 3);
    start(USART1, TE, TXINV, 0);
    assert_false(pin_level('A', 9)); /* idles low */
    start(USART2, RE, RXINV, 0);
    for (uint32_t w = 0; w < 256; w++)
        assert_int_equal(transfer(w), RXNE | w << 16);
    start(USART2, RE, 0, 0); /* the other side inverts nothing: no word arrives as it was sent */
    for (uint32_t w = 0; w < 256; w += 5)
        assert_int_not_equal(transfer(w), RXNE | w << 16);
    wr(USART1 + CR1, 0);
    expect_released(9);
}

/* With SWAP the transmitter is at the pin of RX, and that of TX an input; SWAP cleared or a reset by RCC puts
 * that back. */
static void swapped_lines(void **state)
{
    (void)state;
    for (unsigned reset = 0; reset < 2; reset++) {
        pin_drive('A', 10, -1);
        start(USART1, TE, SWAP | TXINV, 0);
        assert_false(pin_level('A', 10));
        expect_released(9);
        wr(USART1 + CR1, 0);
        expect_released(10);
        wr(USART1 + CR1, UE | TE);
        assert_false(pin_level('A', 10));
        expect_released(9);
        if (reset) {
            set_bits(0x40021040, 1 << 14); /* RCC_APB2RSTR */
            clear_bits(0x40021040, 1 << 14);
        } else {
            wr(USART1 + CR1, 0);
            wr(USART1 + CR2, TXINV);
        }
        expect_released(9);
        expect_released(10);
    }
}

/* HDSEL and SWAP: the one wire is at the pin of RX, in both directions, as users of Arduino for STM32 have
 * it. */
static void swapped_single_wire(void **state)
{
    (void)state;
    for (unsigned swap = 0; swap < 2; swap++) {
        chip_wire(rig, 0, swap ? 10 : 9, 0, swap ? 3 : 2);
        start(USART1, TE | RE, swap ? SWAP : 0, HDSEL);
        start(USART2, TE | RE, swap ? SWAP : 0, HDSEL);
        for (uint32_t w = 0; w < 256; w += 51) {
            assert_int_equal(transfer(w), RXNE | w << 16);
            wr(USART1 + RQR, 8);
            wr(USART2 + TDR, w ^ 0xFF);
            run_ps(BIT * 12);
            assert_int_equal(rd(USART1 + ISR) & (RXNE | FE), RXNE);
            assert_int_equal(rd(USART1 + RDR), w ^ 0xFF);
        }
    }
}

/* The encoder's pulses are high, the decoder's low: what is between inverts, as a transceiver does. */
static void irda(void **state)
{
    (void)state;
    chip_wire(rig, 0, 9, 0, 3);
    wr(USART1 + GTPR, 1);
    wr(USART2 + GTPR, 1);
    for (unsigned low_power = 0; low_power < 2; low_power++) {
        start(USART1, 0, 0, 0);
        wr(USART1 + CR1, 0);
        wr(USART1 + GTPR, low_power ? 8 : 1); /* 2 MHz: 1.5 us */
        start(USART1, TE, 0, IREN | (low_power ? IRLP : 0));
        assert_false(pin_level('A', 9));
        start(USART2, RE, RXINV, IREN);
        for (uint32_t w = 0; w < 256; w++)
            assert_int_equal(transfer(w), RXNE | w << 16);
    }
    assert_int_equal(told_count("missing"), 0);
    /* without inversion: the first pulse ends where a low level begins */
    start(USART2, RE, 0, IREN);
    assert_int_not_equal(transfer(0x55) & 0xFFFFFFu, RXNE | 0x55 << 16);
    /* pulses of 1.5 us are no pulses for a receiver with a prescaler of 2 us */
    wr(USART2 + CR1, 0);
    wr(USART2 + GTPR, 32);
    start(USART2, RE, RXINV, IREN);
    assert_int_equal(transfer(0x55) & RXNE, 0);
    /* what the outside sends fits */
    wr(USART2 + CR1, 0);
    wr(USART2 + GTPR, 1);
    start(USART2, RE | TE, 0, IREN);
    rd(USART2 + RDR);
    assert_int_equal(usart_receive(rig, B_USART2, 0xA6), BIT * 10);
    run_ps(BIT * 10);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | FE | NF), RXNE);
    assert_int_equal(rd(USART2 + RDR), 0xA6);
    /* half duplex: deaf while it sends */
    wr(USART2 + TDR, 0);
    usart_receive(rig, B_USART2, 0x11);
    run_ps(BIT * 10);
    assert_int_equal(rd(USART2 + ISR) & RXNE, 0);
    assert_int_equal(told_count("message"), 0);
}

/* Encoder and decoder do not work with a prescaler of 0: what is sent never shows, what comes is not heard.
 */
static void irda_prescaler_of_0(void **state)
{
    (void)state;
    chip_wire(rig, 0, 9, 0, 3);
    wr(USART1 + GTPR, 1);
    start(USART1, TE, 0, IREN);
    start(USART2, RE, RXINV, IREN);
    assert_int_equal(told_count("message"), 1);
    assert_int_equal(transfer(0x55) & RXNE, 0);
    assert_int_equal(told.count, 1);
    wr(USART1 + CR1, 0);
    wr(USART1 + GTPR, 0);
    wr(USART2 + CR1, 0);
    wr(USART2 + GTPR, 1);
    start(USART1, TE, 0, IREN);
    start(USART2, RE, RXINV, IREN);
    assert_int_equal(told_count("message"), 2);
    assert_int_equal(transfer(0x55) & RXNE, 0);
    assert_int_equal(rd(USART1 + ISR) & TC, TC);
    assert_int_equal(told.count, 1);
    assert_int_equal(told_count("missing"), 0);
}

/* One side in IrDA mode, the other not: no word of eight bits with zeros between ones comes through. */
static void irda_mismatch(void **state)
{
    (void)state;
    chip_wire(rig, 0, 9, 0, 3);
    wr(USART1 + GTPR, 1);
    wr(USART2 + GTPR, 1);
    start(USART1, TE, 0, IREN);
    start(USART2, RE, 0, 0);
    assert_int_not_equal(transfer('U'), RXNE | 'U' << 16);
    assert_int_not_equal(transfer(0x00), RXNE);
    start(USART1, TE, 0, 0);
    start(USART2, RE, 0, IREN);
    assert_int_not_equal(transfer(0x00), RXNE); /* no pulses in a long low level */
    assert_int_not_equal(transfer('a'), RXNE | 'a' << 16);
}

/* Slower rates, 1 % a step: the three samples of the last data bit, a 0, lie between 8.5 and 8.625 bits (with
 * OVER8 8.75) and differ where that is beyond 9 bits of the sender's. One sample makes no noise. */
static void noise(void **state)
{
    (void)state;
    chip_wire(rig, 0, 9, 0, 3);
    start(USART1, TE, 0, 0);
    wr(USART1 + CR1, 0);
    wr(USART1 + BRR, 1000);
    wr(USART1 + CR1, UE | TE);
    run_ps(BIT * 100);
    for (unsigned over8 = 0; over8 < 2; over8++)
        for (unsigned one = 0; one < 2; one++) {
            unsigned good = 0, noisy = 0, bad = 0;
            for (unsigned brr = 1000; brr < 1070; brr += 10) {
                unsigned div = brr * 2;
                wr(USART2 + CR1, 0);
                wr(USART2 + BRR, over8 ? (div & 0xFFF0) | (div >> 1 & 7) : brr);
                wr(USART2 + CR3, one ? ONEBIT : 0);
                wr(USART2 + CR1, UE | RE | (over8 ? OVER8 : 0));
                wr(USART2 + ICR, PE | FE | NF | ORE);
                wr(USART1 + TDR, 0x55); /* the bit before the stop bit is 0, what follows is 0 again */
                wr(USART1 + TDR, 0x55);
                run_ps(BIT * 73);
                uint32_t flags = rd(USART2 + ISR) & (RXNE | FE | NF), word = rd(USART2 + RDR);
                good += flags == RXNE && word == 0x55;
                noisy += flags == (RXNE | NF);
                bad += flags & FE || word != 0x55;
                run_ps(BIT * 200);
                wr(USART2 + RQR, 8);
            }
            if (good != (one ? 6u : over8 ? 3u : 5u) || (one ? noisy : !noisy))
                fail_msg("OVER8 %u, ONEBIT %u: good %u, noise %u, bad %u", over8, one, good, noisy, bad);
        }
}

/* Half a stop bit: the next start bit follows while a whole one would still be sampled, and no level there is
 * a framing error, not even that of a break. */
static void half_a_stop_bit(void **state)
{
    (void)state;
    chip_wire(rig, 0, 9, 0, 3);
    start(USART1, TE, STOP05, 0);
    start(USART2, RE, STOP05, 0);
    wr(USART1 + TDR, 0);
    for (unsigned n = 1; n < 6; n++) {
        wr(USART1 + TDR, n * 0x33);
        run_ps(BIT * 19 / 2);
        assert_int_equal(rd(USART2 + ISR) & (RXNE | FE | ORE), RXNE);
        assert_int_equal(rd(USART2 + RDR), (n - 1) * 0x33);
    }
    run_ps(BIT * 24);
    wr(USART2 + RQR, 8);
    wr(USART1 + RQR, 2); /* a break */
    run_ps(BIT * 24);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | FE), RXNE);
}

/* ---- Smartcard: the two share PA9 and PA2 ---- */

static void cards(uint32_t reader_cr3, uint32_t card_cr1)
{
    chip_wire(rig, 0, 9, 0, 2);
    wr(USART1 + CR1, 0);
    wr(USART1 + GTPR, 6 << 8 | 5);
    start(USART1, TE | RE | PCE | M0, STOP15, SCEN | NACK | reader_cr3);
    start(USART2, RE | PCE | M0 | card_cr1, STOP15, SCEN | NACK);
    told.count = 0;
}

static void guard_time(void **state)
{
    (void)state;
    cards(0, 0);
    ps_t begin = chip_now(rig);
    wr(USART1 + TDR, 0x3B);
    wr(USART1 + TDR, 0x3C);
    run_ps(BIT * 11);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | PE), RXNE);
    assert_int_equal(rd(USART2 + RDR) & 0xFF, 0x3B);
    assert_int_equal(rd(USART1 + ISR) & RXNE, RXNE); /* one wire: it hears itself */
    assert_int_equal(rd(USART1 + RDR) & 0xFF, 0x3B);
    run_ps(BIT * 6); /* 11.5 bits and 6 of guard time */
    assert_int_equal(rd(USART1 + ISR) & TXE, 0);
    run_ps(BIT);
    assert_int_equal(rd(USART1 + ISR) & TXE, TXE);
    run_ps(BIT * 16);
    assert_int_equal(rd(USART1 + ISR) & TC, 0);
    run_ps(BIT * 1 + BIT / 2);
    assert_int_equal(rd(USART1 + ISR) & (TC | FE), TC);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.times[1] - begin, BIT * (23 + 6));
}

/* TCBGT: the last word is through, and was not refused, before its guard time. */
static void before_guard_time(void **state)
{
    enum { TCBGT = 1 << 25, TCBGTCF = 1 << 7, TCBGTIE = 1 << 24 };
    (void)state;
    assert_int_equal(rd(USART1 + ISR) & TCBGT, 0);
    cards(0, 0);
    assert_int_equal(rd(USART1 + ISR) & TCBGT, TCBGT); /* in Smartcard mode it is there from the start */
    set_bits(USART1 + CR3, TCBGTIE);
    assert_true(irq_line(37));
    wr(USART1 + ICR, TCBGTCF);
    assert_int_equal(rd(USART1 + ISR) & TCBGT, 0);
    assert_false(irq_line(37));
    wr(USART1 + TDR, 0x3B);
    wr(USART1 + TDR, 0x3C);
    run_ps(BIT * 12);
    assert_int_equal(rd(USART1 + ISR) & TCBGT, 0); /* not the last */
    run_ps(BIT * 17);
    assert_int_equal(rd(USART1 + ISR) & (TCBGT | TC), TCBGT);
    assert_true(irq_line(37));
    run_ps(BIT * 6);
    assert_int_equal(rd(USART1 + ISR) & (TCBGT | TC), TCBGT | TC);
    wr(USART1 + TDR, 0x3D);
    assert_int_equal(rd(USART1 + ISR) & TCBGT, 0);
    start(USART2, RE | PCE | M0 | PS, STOP15, SCEN | NACK); /* refuses */
    run_ps(BIT * 20);
    wr(USART1 + TDR, 0x3B);
    run_ps(BIT * 30);
    assert_int_equal(rd(USART1 + ISR) & TCBGT, 0);
    set_bits(USART3 + CR3, 1 << 23); /* UCESM */
    assert_int_equal(rd(USART3 + CR3), 1 << 23);
    clock_on(0x5C, 0);
    wr(LPUART1 + CR3, 0xFFFFFFFF);
    assert_int_equal(rd(LPUART1 + CR3), 0x00F0F7C9);
}

/* A card that expects the other parity refuses. */
static void refused(void **state)
{
    (void)state;
    cards(0, PS);
    wr(USART1 + TDR, 0x3B);
    wr(USART1 + TDR, 0x3C);
    run_ps(BIT * 12);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | PE), RXNE | PE); /* SCARCNT 0: at once */
    assert_int_equal(rd(USART1 + ISR) & (FE | TXE), FE);
    run_ps(BIT * 100);
    assert_int_equal(told.count, 1); /* the rest waits */
    wr(USART1 + RQR, 16);            /* TXFRQ */
    assert_int_equal(rd(USART1 + ISR) & TXE, TXE);
    wr(USART1 + ICR, FE);
    wr(USART1 + TDR, 0x3D);
    run_ps(BIT * 12);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.bytes[1], 0x3D);
}

/* Of a card RTOR counts from start bit to start bit, and BLEN what comes behind the last byte that was sent.
 */
static void card_times(void **state)
{
    (void)state;
    cards(0, 0);
    wr(USART2 + CR2, rd(USART2 + CR2) | 1 << 23);
    wr(USART2 + RTOR, 20 | 1u << 24);
    for (unsigned n = 0; n < 8; n++) {
        if (n == 3)
            wr(USART2 + TDR, 0);
        assert_int_equal(rd(USART2 + ISR) & (RTOF | 1 << 12), 0);
        wr(USART1 + TDR, 0x3B);
        run_ps(BIT * 19);
        rd(USART2 + RDR);
    }
    assert_int_equal(rd(USART2 + ISR) & (RTOF | 1 << 12), 1 << 12);
    run_ps(BIT / 2);
    assert_int_equal(rd(USART2 + ISR) & RTOF, 0);
    run_ps(BIT * 2);
    assert_int_equal(rd(USART2 + ISR) & RTOF, RTOF);
}

static void repeated(void **state)
{
    (void)state;
    cards(3u << SCARCNT, PS);
    wr(USART2 + CR1, 0);
    wr(USART2 + CR3, SCEN | NACK | 2u << SCARCNT);
    wr(USART2 + CR1, UE | RE | PCE | M0 | PS);
    run_ps(BIT * 12);
    ps_t begin = chip_now(rig);
    wr(USART1 + TDR, 0x3B);
    run_ps(BIT * 26);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | PE), 0); /* two times are tried in silence */
    run_ps(BIT * 14);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | PE), RXNE | PE);
    assert_int_equal(rd(USART1 + ISR) & FE, 0);
    run_ps(BIT * 20);
    assert_int_equal(rd(USART1 + ISR) & FE, FE);
    assert_int_equal(told.count, 4); /* 3 repetitions, 2.5 bits after the end of each word */
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(told.times[i] - begin, BIT * (23 + 28 * i) / 2);
    wr(USART1 + ICR, FE);
    wr(USART1 + CR3, SCEN | NACK); /* SCARCNT can be cleared while UE is set, and nothing else */
    assert_int_equal(rd(USART1 + CR3), SCEN | NACK);
    wr(USART1 + CR3, SCEN | NACK | 1u << SCARCNT);
    assert_int_equal(rd(USART1 + CR3), SCEN | NACK);
    /* a card with the right parity takes it the first time */
    start(USART2, RE | PCE | M0, STOP15, SCEN | NACK);
    rd(USART2 + RDR);
    told.count = 0;
    wr(USART1 + TDR, 0x3B);
    run_ps(BIT * 60);
    assert_int_equal(told.count, 1);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | PE), RXNE);
    assert_int_equal(rd(USART1 + ISR) & (FE | TC), TC);
    /* nobody there: nobody refuses */
    wr(USART2 + CR1, 0);
    wr(USART1 + TDR, 0x3B);
    run_ps(BIT * 60);
    assert_int_equal(told.count, 2);
    assert_int_equal(rd(USART1 + ISR) & FE, 0);
}

/* ---- clock pin ---- */

static void clocks(void **state)
{
    (void)state;
    pin_mode('A', 8, 2, 7); /* USART1 CK */
    wr(USART1 + GTPR, 5);
    start(USART1, TE, CLKEN, SCEN);
    assert_true(told.hz == 1600000 && told.duty == 0.5);
    assert_int_equal(told.pwm_port << 8 | told.pwm_pin, 8);
    wr(USART1 + CR1, 0);
    assert_true(told.hz == 0);
    /* synchronous: with the bits only */
    told.pwms = 0;
    start(USART1, TE | RE, CLKEN | CPOL, 0);
    assert_int_equal(told.pwms, 0);
    wr(USART1 + TDR, 1);
    wr(USART1 + TDR, 2);
    assert_true(told.hz > 115107 && told.hz < 115109);
    run_ps(BIT * 15);
    assert_int_equal(told.pwms, 1);
    run_ps(BIT * 10);
    assert_int_equal(told.pwms, 2);
    assert_true(told.hz == 0);
    assert_true(pin_level('A', 8)); /* CPOL */
}

/* What is on the receive pin comes in with what is sent: a wire between the two, or a level. */
static void synchronous(void **state)
{
    (void)state;
    start(USART1, TE | RE, CLKEN, 0);
    pin_drive('A', 10, 1);
    wr(USART1 + TDR, 0x5A);
    run_ps(BIT * 11);
    assert_int_equal(rd(USART1 + ISR) & (RXNE | ORE), RXNE);
    assert_int_equal(rd(USART1 + RDR), 0xFF);
    pin_drive('A', 10, 0);
    wr(USART1 + TDR, 0x5A);
    run_ps(BIT * 11);
    assert_int_equal(rd(USART1 + RDR), 0);
    pin_drive('A', 10, -1);
    chip_wire(rig, 0, 9, 0, 10);
    wr(USART1 + TDR, 0x5A);
    run_ps(BIT * 11);
    assert_int_equal(rd(USART1 + ISR) & (RXNE | ORE | FE), RXNE);
    assert_int_equal(rd(USART1 + RDR), 0x5A);
}

/* The clock goes in the middle of a frame, of a sender that is as fast, or so slow that it has more start
 * bits to offer; while the rate is being measured, too: that frame is lost, the next one is heard. */
static void clock_lost(void **state)
{
    const struct {
        uint32_t brr, cr2;
    } cases[] = {{139, 0}, {139 * 8, 0}, {139, ABREN}};

    (void)state;
    chip_wire(rig, 0, 9, 0, 3);
    for (unsigned i = 0; i < 3; i++) {
        start(USART2, RE, cases[i].cr2, 0);
        wr(USART1 + CR1, 0);
        wr(USART1 + BRR, cases[i].brr);
        wr(USART1 + CR1, UE | TE);
        run_ps(BIT * 100);
        wr(USART1 + TDR, 0x55);
        run_ps(BIT * 5);
        clear_bits(0x40021058, 1 << 17);
        run_ps(BIT * 100);
        clock_on(0x58, 17);
        assert_int_equal(rd(USART2 + ISR) & (RXNE | ORE | FE | BUSY), 0);
        start(USART2, RE, 0, 0);
        start(USART1, TE, 0, 0);
        assert_int_equal(transfer(0x5A), RXNE | 0x5A << 16);
    }
}

enum { DEM = 1 << 14, DEP = 1 << 15 };

/* Time until pin 12 of port A has the level. */
static ps_t until_de(bool level)
{
    ps_t from = chip_now(rig);
    while (pin_level('A', 12) != level && chip_now(rig) - from < BIT * 40)
        run_ps(BIT / 64);
    return chip_now(rig) - from;
}

/* DE leads by DEAT and stays for DEDT, during which nothing else begins; with words that follow each other,
 * and for a break. */
static void driver_enable(void **state)
{
    (void)state;
    pin_mode('A', 12, 2, 7);
    chip_wire(rig, 0, 9, 0, 3);
    start(USART2, RE, 0, 0);
    for (unsigned low = 0; low < 2; low++) {
        start(USART1, TE | 16 << 21 | 8 << 16, 0, DEM | (low ? DEP : 0)); /* a bit, half a bit */
        assert_int_equal(pin_level('A', 12), low);
        wr(USART2 + RQR, 8);
        wr(USART1 + TDR, 0x11);
        wr(USART1 + TDR, 0x22);
        assert_int_equal(pin_level('A', 12), !low);
        run_ps(BIT * 21 - BIT / 8);
        assert_int_equal(rd(USART1 + ISR) & TC, 0);
        run_ps(BIT / 4);
        assert_int_equal(rd(USART1 + ISR) & TC, TC);
        assert_int_equal(pin_level('A', 12), !low);
        assert_int_equal(rd(USART2 + RDR), 0x11);
        wr(USART1 + TDR, 0x33); /* waits for the rest of both times */
        assert_in_range(until_de(low), BIT * 95 / 8 - BIT / 8, BIT * 95 / 8 + BIT / 8);
        wr(USART1 + RQR, 2); /* 10 low bits and 2 high ones */
        assert_in_range(until_de(low), BIT * 27 / 2 - BIT / 8, BIT * 27 / 2 + BIT / 8);
    }
    start(USART1, TE, 0, DEM); /* no times */
    wr(USART1 + TDR, 0x11);
    assert_in_range(until_de(false), BIT * 10 - BIT / 8, BIT * 10 + BIT / 8);
    /* LPUART1 counts 1 + n * (BRR / 2048) periods of its clock */
    clock_on(0x5C, 0);
    pin_mode('B', 1, 2, 8);
    wr(LPUART1 + BRR, 256 * 160);
    wr(LPUART1 + CR3, DEM);
    wr(LPUART1 + CR1, TE | 31 << 21 | 16 << 16);
    wr(LPUART1 + CR1, TE | 31 << 21 | 16 << 16 | UE);
    run_us(1000);
    wr(LPUART1 + TDR, 0xFF);
    unsigned periods = 0;
    for (; pin_level('B', 1) && periods < 10000; periods++)
        run_ps(62500);
    assert_in_range(periods, 1600 + 47 * 20, 1600 + 47 * 20 + 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(inverted_lines, on, rig_off),
        cmocka_unit_test_setup_teardown(swapped_lines, on, rig_off),
        cmocka_unit_test_setup_teardown(swapped_single_wire, on, rig_off),
        cmocka_unit_test_setup_teardown(irda, on, rig_off),
        cmocka_unit_test_setup_teardown(irda_prescaler_of_0, on, rig_off),
        cmocka_unit_test_setup_teardown(irda_mismatch, on, rig_off),
        cmocka_unit_test_setup_teardown(noise, on, rig_off),
        cmocka_unit_test_setup_teardown(half_a_stop_bit, on, rig_off),
        cmocka_unit_test_setup_teardown(guard_time, on, rig_off),
        cmocka_unit_test_setup_teardown(before_guard_time, on, rig_off),
        cmocka_unit_test_setup_teardown(refused, on, rig_off),
        cmocka_unit_test_setup_teardown(card_times, on, rig_off),
        cmocka_unit_test_setup_teardown(repeated, on, rig_off),
        cmocka_unit_test_setup_teardown(clocks, on, rig_off),
        cmocka_unit_test_setup_teardown(synchronous, on, rig_off),
        cmocka_unit_test_setup_teardown(clock_lost, on, rig_off),
        cmocka_unit_test_setup_teardown(driver_enable, on, rig_off),
    };

    return cmocka_run_group_tests_name("USART: other modes", tests, NULL, NULL);
}
