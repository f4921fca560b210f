/* SWPMI1: frames without a buffer, with DMA from and to buffers of several frames, errors; in loop-back, and
 * with no slave. Expected words as in ST's loop-back examples for the L4 (LL_SWPMI). */
#include <string.h>

#include "rig.h"

#define SWPMI 0x40008800u
#define DMA2  0x40020400u
#define BUF   0x20001000u
enum { CR = 0, BRR = 4, ISR = 0x0C, ICR = 0x10, IER = 0x14, RFL = 0x18, TDR = 0x1C, RDR = 0x20 };
enum { RXDMA = 1, TXDMA = 2, RXMODE = 4, TXMODE = 8, LPBK = 16, SWPACT = 32, DEACT = 1 << 10 };
enum {
    RXBFF = 1,
    TXBEF = 2,
    RXBERF = 4,
    RXOVRF = 8,
    TXUNRF = 16,
    RXNE = 32,
    TXE = 64,
    TCF = 128,
    SUSP = 512,
    DEACTF = 1024
};
enum { BIT_NS = 500 }; /* 16 MHz / 4 / 2 */

/* 2 Mbit/s. */
static void swpmi_on(uint32_t mode)
{
    clock_hsi16();
    clock_on(0x5C, 2);
    assert_int_equal(rd(SWPMI + ISR), TXBEF | TXE | TCF | SUSP);
    wr(SWPMI + BRR, 1);
    wr(SWPMI + CR, mode);
    wr(SWPMI + CR, mode | SWPACT);
    wr(SWPMI + ICR, 0x19F);
    assert_int_equal(rd(SWPMI + ISR), TXE | SUSP);
}

static void run_bits(unsigned n)
{
    run_ps((ps_t)n * BIT_NS * 1000);
}

/* Thirty bytes, word by word. */
static void frame_without_buffer(void **state)
{
    (void)state;
    swpmi_on(LPBK);
    wr(SWPMI + IER, RXBFF);
    uint32_t got[9];
    unsigned words = 0;
    wr(SWPMI + TDR, 0x0201001E);            /* 30 bytes: 0, 1, 2, … */
    assert_int_equal(rd(SWPMI + ISR), TXE); /* on the wire already, so there is room */
    for (unsigned n = 1; n < 8; n++) {
        wr(SWPMI + TDR, 0x03020100u + (4 * n - 1) * 0x01010101u);
        assert_int_equal(rd(SWPMI + ISR) & (TXE | TXBEF), n == 7 ? TXBEF : 0); /* no more is needed */
        if (n == 1)
            run_bits(8 + 8); /* resume, start of frame */
        if (n == 1 || n == 7)
            assert_int_equal(rd(SWPMI + ISR) & TXE, 0);
        run_bits(n == 1 ? 24 : 32);
        run_ps(1000);
        assert_int_equal(rd(SWPMI + ISR) & (TXE | TXBEF), n == 7 ? TXE | TXBEF : TXE);
        if (rd(SWPMI + ISR) & RXNE)
            got[words++] = rd(SWPMI + RDR);
    }
    run_bits(24 + 24 - 1); /* the eighth word has three bytes */
    if (rd(SWPMI + ISR) & RXNE)
        got[words++] = rd(SWPMI + RDR);
    assert_int_equal(rd(SWPMI + ISR), TXE | TXBEF);
    assert_int_equal(words, 7);
    assert_false(irq_line(76));
    run_bits(2);
    assert_int_equal(rd(SWPMI + ISR), TXE | TXBEF | TCF | RXNE | RXBFF);
    assert_true(irq_line(76));
    assert_int_equal(rd(SWPMI + RFL), 30);
    got[words++] = rd(SWPMI + RDR);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(got[i], 0x03020100 + i * 0x04040404);
    assert_int_equal(got[7], 0x00001D1C);
    run_bits(8);
    assert_int_equal(rd(SWPMI + ISR), TXE | TXBEF | TCF | RXBFF | SUSP);
    wr(SWPMI + ICR, RXBFF);
    assert_false(irq_line(76));
    wr(SWPMI + CR, LPBK | SWPACT | DEACT);
    assert_int_equal(rd(SWPMI + ISR) & (SUSP | DEACTF), SUSP | DEACTF);
    assert_int_equal(told_count("missing"), 0);
}

/* Modes and rate are locked while the bus is active. */
static void locked_while_active(void **state)
{
    (void)state;
    swpmi_on(0);
    wr(SWPMI + CR, SWPACT | LPBK | TXMODE | RXMODE | RXDMA);
    assert_int_equal(rd(SWPMI + CR), SWPACT | RXDMA);
    wr(SWPMI + BRR, 7);
    assert_int_equal(rd(SWPMI + BRR), 1);
    wr(SWPMI + CR, 0);
    wr(SWPMI + BRR, 7);
    assert_int_equal(rd(SWPMI + BRR), 7);
}

/* Nobody answers, but the master sends. */
static void without_slave(void **state)
{
    (void)state;
    swpmi_on(0);
    run_us(10000);
    assert_int_equal(rd(SWPMI + ISR), TXE | SUSP);
    wr(SWPMI + TDR, 0x0000AA01);
    assert_int_equal(rd(SWPMI + ISR), TXE | TXBEF);
    run_bits(8 + 8 + 8 + 24 - 1);
    assert_int_equal(rd(SWPMI + ISR), TXE | TXBEF);
    run_bits(2);
    assert_int_equal(rd(SWPMI + ISR), TXE | TXBEF | TCF);
    run_bits(8);
    assert_int_equal(rd(SWPMI + ISR), TXE | TXBEF | TCF | SUSP);
}

static void underrun(void **state)
{
    (void)state;
    swpmi_on(LPBK);
    wr(SWPMI + TDR, 0x03020106);
    run_bits(16 + 24 + 1);
    assert_int_equal(rd(SWPMI + ISR), TXE | TXUNRF);
    wr(SWPMI + TDR, 0x06); /* ignored */
    run_bits(24);
    assert_int_equal(rd(SWPMI + ISR), TXE | TXUNRF | TCF | RXNE | RXBFF | RXBERF);
    assert_int_equal(rd(SWPMI + RFL), 3);
    assert_int_equal(rd(SWPMI + RDR), 0x00030201);
    wr(SWPMI + ICR, 0x19F);
    wr(SWPMI + TDR, 0x00070801);
    run_bits(50);
    assert_int_equal(rd(SWPMI + ISR) & (RXNE | RXBERF), RXNE);
    assert_int_equal(rd(SWPMI + RDR), 8);
}

/* Three words wait; the overrun is told when the last one before it is in RDR. */
static void overrun(void **state)
{
    (void)state;
    swpmi_on(LPBK);
    wr(SWPMI + TDR, 0x0201000F);
    for (unsigned n = 1; n < 4; n++) {
        wr(SWPMI + TDR, 0x03020100u + (4 * n - 1) * 0x01010101u);
        run_until(SWPMI + ISR, TXE, TXE, PS_PER_MS);
    }
    run_us(100);
    assert_int_equal(rd(SWPMI + ISR) & (RXBFF | RXOVRF), RXBFF);
    assert_int_equal(rd(SWPMI + RDR), 0x03020100);
    assert_int_equal(rd(SWPMI + ISR) & RXOVRF, 0);
    assert_int_equal(rd(SWPMI + RDR), 0x07060504);
    assert_int_equal(rd(SWPMI + ISR) & RXOVRF, RXOVRF);
    assert_int_equal(rd(SWPMI + RDR), 0x0B0A0908);
    assert_int_equal(rd(SWPMI + ISR) & RXNE, 0);
}

static void dma_channel(unsigned channel, uint32_t reg, uint32_t memory, unsigned words, uint32_t ccr)
{
    uint32_t base = DMA2 + 8 + 20 * (channel - 1);

    wr(base + 4, words);
    wr(base + 8, SWPMI + reg);
    wr(base + 12, memory);
    wr(base, ccr | 1 | 1 << 7 | 2 << 8 | 2 << 10);
}

/* Three frames of eight words by DMA, and a length of zero, which ends it. */
static void frames_in_a_buffer(void **state)
{
    static const uint32_t out[32] = {
        0x1E11511E, 0x21115354, 0x21115556, 0x22225758, 0x3322595A, 0x44225B5C, 0x55225D5E, 0xFFFF5F60,
        0x03030303, 1,          2,          3,          4,          5,          6,          7,
        0x1414140E, 0x14141414, 0x14141414, 0x00141414, 1,          2,          3,          4,
        0,          0,          0,          0,          0,          0,          0,          0};
    static const uint32_t expected[24] = {
        0x541E1151, 0x56211153, 0x58211155, 0x5A222257, 0x5C332259, 0x5E44225B, 0x6055225D, 0x041EFF5F,
        0x00030303, 0,          0,          0,          0,          0,          0,          0x04030000,
        0x14141414, 0x14141414, 0x14141414, 0x00001414, 0,          0,          0,          0x040E0000};

    (void)state;
    swpmi_on(LPBK | TXMODE | RXMODE);
    clock_on(0x48, 1);
    for (unsigned i = 0; i < 32; i++) {
        wr(BUF + 4 * i, out[i]);
        wr(BUF + 0x100 + 4 * i, 0x55555555);
    }
    wr(DMA2 + 0xA8, 4 | 4 << 4);
    dma_channel(1, RDR, BUF + 0x100, 32, 0);
    dma_channel(2, TDR, BUF, 32, 1 << 4 | 1 << 5);
    wr(SWPMI + CR, SWPACT | LPBK | TXMODE | RXMODE | RXDMA | TXDMA);
    unsigned frames = 0;
    for (unsigned us = 0; us < 500; us++) {
        run_us(1);
        if (rd(SWPMI + ISR) & RXBFF) {
            frames++;
            wr(SWPMI + ICR, RXBFF);
        }
    }
    assert_int_equal(frames, 3);
    assert_int_equal(rd(SWPMI + CR) & TXDMA, 0);
    assert_int_equal(rd(SWPMI + ISR), TXE | TXBEF | TCF | SUSP);
    for (unsigned i = 0; i < 24; i++)
        assert_int_equal(rd(BUF + 0x100 + 4 * i), expected[i]);
    assert_int_equal(rd(BUF + 0x100 + 4 * 24), 0x55555555);
    assert_int_equal(rd(SWPMI + RFL), 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frame_without_buffer, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(locked_while_active, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(without_slave, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(underrun, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(overrun, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(frames_in_a_buffer, rig_on, rig_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
