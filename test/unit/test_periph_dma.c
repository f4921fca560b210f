/* DMA: memory to memory, widths, flags, circular mode, priorities, requests, register rules, errors. */
#include <string.h>

#include "rig.h"

#define DMA1        0x40020000u
#define DMA2        0x40020400u
#define ISR(d)      ((d) + 0x00)
#define IFCR(d)     ((d) + 0x04)
#define CCR(d, n)   ((d) + 0x08 + 20 * ((n)-1u))
#define CNDTR(d, n) (CCR(d, n) + 4)
#define CPAR(d, n)  (CCR(d, n) + 8)
#define CMAR(d, n)  (CCR(d, n) + 12)
#define CSELR(d)    ((d) + 0xA8)
#define SRC         0x20000000u
#define DST         0x20000400u

enum {
    EN = 1,
    TCIE = 2,
    HTIE = 4,
    TEIE = 8,
    DIR = 16,
    CIRC = 32,
    PINC = 64,
    MINC = 128,
    P16 = 1 << 8,
    P32 = 2 << 8,
    M16 = 1 << 10,
    M32 = 2 << 10,
    MEM2MEM = 1 << 14
};
enum { GIF = 1, TCIF = 2, HTIF = 4, TEIF = 8 };

static int on(void **state)
{
    rig_on(state);
    clock_on(0x48, 0);
    clock_on(0x48, 1);
    for (uint32_t i = 0; i < 256; i += 4)
        wr(SRC + i, 0x03020100 + i * 0x01010101);
    for (uint32_t i = 0; i < 256; i += 4)
        wr(DST + i, 0xEEEEEEEE);
    return 0;
}

static void setup(uint32_t dma, unsigned ch, uint32_t par, uint32_t mar, uint32_t n, uint32_t ccr)
{
    wr(CPAR(dma, ch), par);
    wr(CMAR(dma, ch), mar);
    wr(CNDTR(dma, ch), n);
    wr(CCR(dma, ch), ccr);
}

static void memory_to_memory(void **state)
{
    static const struct {
        uint32_t dma;
        unsigned ch, irq;
    } channels[] = {{DMA1, 1, 11}, {DMA1, 2, 12}, {DMA1, 3, 13}, {DMA1, 4, 14}, {DMA1, 5, 15},
                    {DMA1, 6, 16}, {DMA1, 7, 17}, {DMA2, 1, 56}, {DMA2, 2, 57}, {DMA2, 3, 58},
                    {DMA2, 4, 59}, {DMA2, 5, 60}, {DMA2, 6, 68}, {DMA2, 7, 69}};

    (void)state;
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        uint32_t dma = channels[i].dma, shift = 4 * (channels[i].ch - 1);
        wr(DST, 0);
        setup(dma, channels[i].ch, SRC, DST, 8, EN | TCIE | PINC | MINC | P32 | M32 | MEM2MEM);
        assert_false(irq_line(channels[i].irq));
        run_us(50);
        assert_int_equal(rd(ISR(dma)), (uint32_t)(GIF | TCIF | HTIF) << shift);
        assert_true(irq_line(channels[i].irq));
        assert_int_equal(rd(CNDTR(dma, channels[i].ch)), 0);
        for (uint32_t k = 0; k < 32; k += 4)
            assert_int_equal(rd(DST + k), rd(SRC + k));
        assert_int_equal(rd(DST + 32), 0xEEEEEEEE);
        wr(IFCR(dma), (uint32_t)TCIF << shift);
        assert_false(irq_line(channels[i].irq));
        assert_int_equal(rd(ISR(dma)), (uint32_t)(GIF | HTIF) << shift);
        wr(IFCR(dma), (uint32_t)GIF << shift);
        assert_int_equal(rd(ISR(dma)), 0);
        wr(CCR(dma, channels[i].ch), 0);
    }
}

/* RM0394 "Pincs, data width and alignment": what is missing is zero, what is too much is dropped. */
static void widths(void **state)
{
    static const struct {
        uint32_t ccr, first, second;
    } rows[] = {
        {0, 0x03020100, 0x07060504},         {M16, 0x00010000, 0x00030002},
        {M32, 0x00000000, 0x00000001},       {P16, 0x06040200, 0x0E0C0A08},
        {P16 | M16, 0x03020100, 0x07060504}, {P16 | M32, 0x00000100, 0x00000302},
        {P32, 0x0C080400, 0x1C181410},       {P32 | M16, 0x05040100, 0x0D0C0908},
        {P32 | M32, 0x03020100, 0x07060504},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setup(DMA1, 1, SRC, DST, 8, rows[i].ccr | EN | PINC | MINC | MEM2MEM);
        run_us(50);
        assert_int_equal(rd(DST), rows[i].first);
        assert_int_equal(rd(DST + 4), rows[i].second);
        wr(CCR(DMA1, 1), 0);
    }
    /* addresses are aligned to their width */
    setup(DMA1, 1, SRC + 3, DST + 2, 1, EN | P32 | M32 | MEM2MEM);
    run_us(10);
    assert_int_equal(rd(DST), 0x03020100);
    /* DIR: the memory address is the source */
    wr(CCR(DMA1, 1), 0);
    setup(DMA1, 1, DST, SRC + 4, 1, EN | DIR | P32 | M32 | MEM2MEM);
    run_us(10);
    assert_int_equal(rd(DST), 0x07060504);
}

/* Timer 6 requests a transfer each 10 us: half and complete flags at their times, reload in circular mode. */
static void circular(void **state)
{
    (void)state;
    clock_hsi16();
    clock_on(0x58, 4);
    wr(CSELR(DMA1), 6u << 8);
    setup(DMA1, 3, SRC, DST, 4, CIRC | MINC | HTIE | TCIE | EN);
    wr(0x4000102C, 159); /* ARR: 10 us at 16 MHz */
    wr(0x4000100C, 1 << 8);
    wr(0x40001000, 1);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 1; i <= 4; i++) {
            run_us(10);
            uint32_t flags = (i >= 2 ? HTIF | GIF : 0) | (i == 4 ? TCIF | GIF : 0);
            run_ps(2 * PS_PER_US); /* the transfer takes a little */
            assert_int_equal(rd(ISR(DMA1)) >> 8 & 15, flags);
            assert_int_equal(rd(CNDTR(DMA1, 3)), i == 4 ? 4 : 4 - i);
            assert_int_equal(irq_line(13), i >= 2);
            run_ps(0);
            if (i < 4)
                wr(0x40001024, rd(0x40001024) - 32); /* those 2 us back */
        }
        wr(0x40001024, rd(0x40001024) - 32);
        wr(IFCR(DMA1), (uint32_t)GIF << 8);
        assert_false(irq_line(13));
    }
    /* each address once a round, never past the end */
    assert_int_equal(rd8(DST + 3), rd8(SRC));
    assert_int_equal(rd8(DST + 4), 0xEE);
    /* CIRC is cleared on the way: this round is the last; an address counts from the next round on */
    wr(CCR(DMA1, 3), 0);
    setup(DMA1, 3, SRC, DST, 4, CIRC | MINC | EN);
    run_us(25);
    wr(CMAR(DMA1, 3), DST + 32);
    run_us(40);
    assert_int_equal(rd8(DST + 3), rd8(SRC));
    assert_int_equal(rd8(DST + 33), rd8(SRC));
    assert_int_equal(rd8(DST + 34), 0xEE);
    clear_bits(CCR(DMA1, 3), CIRC);
    run_us(100);
    assert_int_equal(rd(CNDTR(DMA1, 3)), 0);
    assert_int_equal(rd8(DST + 35), rd8(SRC));
    assert_int_equal(rd8(DST + 36), 0xEE);
    /* not circular: it ends, and stays enabled */
    wr(CCR(DMA1, 3), 0);
    setup(DMA1, 3, SRC, DST + 16, 2, MINC | EN);
    run_us(100);
    assert_int_equal(rd(CNDTR(DMA1, 3)), 0);
    assert_int_equal(rd(CCR(DMA1, 3)), MINC | EN);
    assert_int_equal(rd8(DST + 18), 0xEE);
}

/* One request line serves the channel whose CSELR code names it, and only that. */
static void request_selection(void **state)
{
    (void)state;
    clock_hsi16();
    clock_on(0x58, 4);
    wr(0x4000102C, 159);
    wr(0x4000100C, 1 << 8);
    setup(DMA1, 3, SRC, DST, 10, EN);
    setup(DMA2, 4, SRC, DST, 10, EN);
    wr(CSELR(DMA1), 5u << 8);
    wr(CSELR(DMA2), 4u << 12);
    wr(0x40001000, 1);
    run_us(55);
    assert_int_equal(rd(CNDTR(DMA1, 3)), 10);
    assert_int_equal(rd(CNDTR(DMA2, 4)), 10);
    wr(CSELR(DMA2), 3u << 12); /* TIM6_UP on DMA2 channel 4: the pending request is served at once */
    run_us(2);
    assert_int_equal(rd(CNDTR(DMA2, 4)), 9);
    run_us(20);
    assert_int_equal(rd(CNDTR(DMA2, 4)), 7);
    assert_int_equal(rd(CNDTR(DMA1, 3)), 10);
}

/* The higher priority goes first; among equals the lower channel. From memory to memory two channels take
 * turns, and a third of lower priority waits for them. */
static void priorities(void **state)
{
    (void)state;
    wr(CPAR(DMA1, 1), SRC);
    wr(CMAR(DMA1, 1), DST);
    wr(CNDTR(DMA1, 1), 16);
    setup(DMA1, 2, SRC, DST + 64, 16, PINC | MINC | MEM2MEM | 1 << 12);
    setup(DMA1, 5, SRC, DST + 128, 16, PINC | MINC | MEM2MEM | 1 << 12);
    wr(CCR(DMA1, 1), PINC | MINC | MEM2MEM | EN);
    set_bits(CCR(DMA1, 5), EN);
    set_bits(CCR(DMA1, 2), EN);
    bool seen = false;
    for (unsigned i = 0; i < 200; i++) {
        run_ps(500000);
        uint32_t one = rd(CNDTR(DMA1, 1)), two = rd(CNDTR(DMA1, 2)), five = rd(CNDTR(DMA1, 5));
        assert_in_range(five - two, 0, 1); /* the lower number is ahead */
        if (one < 16 && five)
            fail_msg("the lowest priority overtook (%u, %u)", one, five);
        seen |= two && two < 16;
    }
    assert_true(seen);
    assert_int_equal(rd(CNDTR(DMA1, 1)), 0);
}

/* Two channels from memory to memory take turns whatever their priorities, which an STM32G0 was seen to do.
 */
static void turns(void **state)
{
    (void)state;
    for (unsigned high = 0; high < 2; high++) {
        setup(DMA1, 2, SRC, DST + 64, 64, PINC | MINC | MEM2MEM | (high ? 3 << 12 : 0));
        setup(DMA1, 5, SRC, DST + 128, 64, PINC | MINC | MEM2MEM | (high ? 0 : 3 << 12));
        set_bits(CCR(DMA1, high ? 5 : 2), EN);
        set_bits(CCR(DMA1, high ? 2 : 5), EN);
        while (rd(CNDTR(DMA1, 2)) && rd(CNDTR(DMA1, 5))) {
            run_ps(500000);
            assert_in_range(rd(CNDTR(DMA1, 2)) - rd(CNDTR(DMA1, 5)) + 1, 0, 2);
        }
        run_us(10);
        assert_int_equal(rd(CNDTR(DMA1, 2)) + rd(CNDTR(DMA1, 5)), 0);
        wr(CCR(DMA1, 2), 0);
        wr(CCR(DMA1, 5), 0);
    }
}

/* Requests of peripherals that stand together are served by priority; a transfer from memory to memory lets
 * each of them pass, even if its own is the highest. */
static void requests_by_priority(void **state)
{
    (void)state;
    for (unsigned high = 3; high <= 4; high++) {
        setup(DMA1, high, SRC, DST, 4, MINC | 3 << 12);
        setup(DMA1, 7 - high, SRC, DST + 16, 4, MINC | 2 << 12);
        wr(CSELR(DMA1), 6 << 8 | 5 << 12); /* DAC1_CH1, DAC1_CH2 */
        dma_request(rig, DMAR_DAC1_CH1, true);
        dma_request(rig, DMAR_DAC1_CH2, true);
        setup(DMA1, 1, SRC, DST + 64, 16, PINC | MINC | MEM2MEM | 3 << 12 | EN);
        set_bits(CCR(DMA1, 7 - high), EN);
        set_bits(CCR(DMA1, high), EN);
        while (rd(CNDTR(DMA1, high)) == 4)
            run_ps(10000);
        assert_int_equal(rd(CNDTR(DMA1, 7 - high)), 4);
        while (rd(CNDTR(DMA1, 7 - high)) == 4)
            run_ps(10000);
        assert_in_range(rd(CNDTR(DMA1, 1)), 13, 15);
        run_us(100);
        for (unsigned ch = 1; ch <= 4; ch++)
            wr(CCR(DMA1, ch), 0);
    }
}

static void register_rules(void **state)
{
    (void)state;
    clock_on(0x58, 4);
    setup(DMA1, 3, SRC, DST, 7, EN | MINC);
    wr(CPAR(DMA1, 3), 1);
    wr(CMAR(DMA1, 3), 2);
    wr(CNDTR(DMA1, 3), 1);
    assert_int_equal(rd(CPAR(DMA1, 3)), 1); /* not read-only */
    assert_int_equal(rd(CMAR(DMA1, 3)), 2);
    assert_int_equal(rd(CNDTR(DMA1, 3)), 7);
    wr(CCR(DMA1, 3), 0x7FFF); /* all but the interrupt enables, CIRC and EN are read-only now */
    assert_int_equal(rd(CCR(DMA1, 3)), EN | TCIE | HTIE | TEIE | CIRC | MINC);
    wr(CCR(DMA1, 3), 0x7FFE & ~CIRC);
    assert_int_equal(rd(CCR(DMA1, 3)), TCIE | HTIE | TEIE | MINC); /* EN was still set */
    wr(CCR(DMA1, 3), 0xFFFFFFFE);
    assert_int_equal(rd(CCR(DMA1, 3)), 0x7FFE);
    wr(CNDTR(DMA1, 3), 0x12345);
    assert_int_equal(rd(CNDTR(DMA1, 3)), 0x2345);
    wr(CSELR(DMA1), 0xFFFFFFFF);
    assert_int_equal(rd(CSELR(DMA1)), 0x0FFFFFFF);
}

static void transfer_error(void **state)
{
    (void)state;
    setup(DMA1, 4, 0x60000000, DST, 3, EN | TEIE | MEM2MEM);
    run_us(10);
    assert_int_equal(rd(ISR(DMA1)), (uint32_t)(TEIF | GIF) << 12);
    assert_int_equal(rd(CCR(DMA1, 4)) & EN, 0);
    assert_true(irq_line(14));
    wr(CCR(DMA1, 4), EN); /* not before the flag is cleared */
    assert_int_equal(rd(CCR(DMA1, 4)) & EN, 0);
    wr(IFCR(DMA1), (uint32_t)TEIF << 12);
    assert_false(irq_line(14));
    wr(CCR(DMA1, 4), EN);
    assert_int_equal(rd(CCR(DMA1, 4)) & EN, EN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_to_memory, on, rig_off),
        cmocka_unit_test_setup_teardown(widths, on, rig_off),
        cmocka_unit_test_setup_teardown(circular, on, rig_off),
        cmocka_unit_test_setup_teardown(request_selection, on, rig_off),
        cmocka_unit_test_setup_teardown(priorities, on, rig_off),
        cmocka_unit_test_setup_teardown(turns, on, rig_off),
        cmocka_unit_test_setup_teardown(requests_by_priority, on, rig_off),
        cmocka_unit_test_setup_teardown(register_rules, on, rig_off),
        cmocka_unit_test_setup_teardown(transfer_error, on, rig_off),
    };

    return cmocka_run_group_tests_name("DMA", tests, NULL, NULL);
}
