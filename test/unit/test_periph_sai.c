/* SAI1: frames, protocols, blocks that follow each other, companding, mute. */
#include <string.h>

#include "chip/g711.h"
#include "rig.h"

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    return 0;
}

#define SAI 0x40015400u

static void sai_clocked(void)
{
    clock_on(0x60, 21);
    set_bits(0x40021000 + 0x10, 1 << 16 | 16 << 8); /* PLLSAI1: 4 MHz x 16 / 7 */
    set_bits(0x40021000 + 0x0C, 1);
    set_bits(0x40021000, 1u << 26);
    assert_true(run_until(0x40021000, 1u << 27, 1u << 27, PS_PER_MS) != PS_NEVER);
}

static void sai(void **state)
{
    (void)state;
    sai_clocked();
    uint32_t hz = chip_clock(rig, CLK_SAI1);
    assert_true(hz > 9000000);
    wr(SAI + 0x10, 0xFFFFu << 16 | 1 << 8); /* two slots, though more are enabled */
    wr(SAI + 0x08, 1);                      /* threshold: a quarter */
    for (unsigned i = 0; i < 8; i++)
        wr(SAI + 0x20, i);
    assert_int_equal(rd(SAI + 0x18) >> 16, 5); /* full */
    wr(SAI + 4, 0x40 | 1 << 16);
    assert_int_equal(rd(SAI + 0x18) & 8, 0);
    ps_t frame = 256 * PS_PER_S / hz;
    run_ps(frame * 3 + frame / 2);
    assert_int_equal(rd(SAI + 0x18), 1 << 16 | 8); /* two words left, asks for more */
    run_ps(frame);
    assert_int_equal(rd(SAI + 0x18), 8);
    run_ps(frame);
    assert_int_equal(rd(SAI + 0x18), 9); /* underrun */
    wr(SAI + 0x1C, 1);
    assert_int_equal(rd(SAI + 0x18) & 1, 0);
}

/* A master whose clock is off, or is to come from outside: said once. */
static void sai_without_clock(void **state)
{
    static const char *const what[4] = {"PLLSAI1 P, which is off", "is 1", "PLL P, which is off",
                                        "SAI1_EXTCLK"};
    (void)state;
    clock_on(0x60, 21);
    for (uint32_t sel = 0; sel < 4; sel++) {
        set_bits(0x40021040, 1 << 21);
        clear_bits(0x40021040, 1 << 21);
        wr(0x40021088, sel << 22);
        wr(SAI + 0x24, 0x40 | 2 | 1 << 16); /* a slave has none of its own */
        assert_int_equal(told_count("message"), sel);
        wr(SAI + 4, 0x40 | 1 << 16);
        wr(SAI + 4, 0x40);
        wr(SAI + 4, 0x40 | 1 << 16);
        assert_int_equal(told_count("message"), sel + 1);
        assert_non_null(strstr(told_last("message")->text, what[sel]));
    }
    set_bits(0x40021040, 1 << 21);
    clear_bits(0x40021040, 1 << 21);
    wr(0x40021088, 0);
    sai_clocked();
    wr(SAI + 4, 0x40 | 1 << 16);
    assert_int_equal(told_count("message"), 4);
}

/* SPDIF has its frame of 64 bits and two words, whatever FRCR and SLOTR say; AC'97 256 bits and 13, and its
 * receiver a codec that is not ready. */
static void sai_protocols(void **state)
{
    enum { NODIV = 1 << 19, SAIEN = 1 << 16 };
    (void)state;
    sai_clocked();
    ps_t bit = PS_PER_S / chip_clock(rig, CLK_SAI1);
    for (unsigned protocol = 0; protocol < 3; protocol++) {
        const unsigned length = protocol == 0 ? 32 : protocol == 1 ? 64 : 256, words = protocol == 1 ? 2 : 1;
        wr(SAI + 4, 0);
        assert_true(run_until(SAI + 4, SAIEN, 0, PS_PER_MS) != PS_NEVER);
        wr(SAI + 8, 1 << 3); /* flush */
        wr(SAI + 0x0C, 31);
        wr(SAI + 0x10, protocol == 0 ? 1u << 16 : 0);
        for (unsigned i = 0; i < 8; i++)
            wr(SAI + 0x20, i);
        wr(SAI + 4, 0x40 | NODIV | SAIEN | protocol << 2);
        ps_t each =
            protocol == 2 ? length * bit / 13 : length * bit; /* of AC'97 three slots, or it would underrun */
        run_ps(3 * each + each / 2);
        assert_int_equal(rd(SAI + 0x18) >> 16, 1 + (7 - 3 * words) / 2);
    }
    wr(SAI + 0x30, 3u << 16);
    wr(SAI + 0x24, 0x40 | NODIV | SAIEN | 2 << 2 | 1);
    run_ps(300 * bit);
    assert_int_equal(rd(SAI + 0x38), 16);
    wr(SAI + 0x24, 0);
    assert_true(run_until(SAI + 0x24, SAIEN, 0, PS_PER_MS) != PS_NEVER);
    wr(SAI + 0x3C, 16);
    wr(SAI + 0x24, 0x40 | NODIV | SAIEN | 1); /* a free one has zeros */
    run_ps(300 * bit);
    assert_int_equal(rd(SAI + 0x38) >> 16, 5);
    assert_int_equal(told_count("missing"), 0);
}

/* ---- two blocks ---- */

enum { NODIV = 1 << 19, SAIEN = 1 << 16, SYNC = 1 << 10, MONO = 1 << 12, RECEIVER = 1, SLAVE = 2 };
enum {
    A = 4,
    B = 0x24,
    BLOCK_CR1 = 0,
    BLOCK_CR2 = 4,
    FRAME = 8,
    SLOTS = 12,
    STATUS = 0x14,
    CLEAR = 0x18,
    DATA = 0x1C
};

static void off(unsigned which)
{
    wr(SAI + which, 0);
    assert_true(run_until(SAI + which, SAIEN, 0, PS_PER_MS) != PS_NEVER);
}

/* Two slots; 64 bits a frame at the rate of SAI's clock. */
static void block(unsigned which, uint32_t cr1, uint32_t cr2)
{
    off(which);
    wr(SAI + which + BLOCK_CR2, cr2 | 1 << 3);
    wr(SAI + which + CLEAR, 0x77);
    wr(SAI + which + FRAME, 63);
    wr(SAI + which + SLOTS, 3u << 16 | 1 << 8);
    wr(SAI + which, NODIV | cr1);
}

static void run_frames(unsigned n)
{
    run_ps(n * 64 * (PS_PER_S / chip_clock(rig, CLK_SAI1)) + PS_PER_US);
}

/* SD_A (PA10) to SD_B (PB5). */
static void wire_data(void)
{
    pin_mode('A', 10, 2, 13);
    pin_mode('B', 5, 2, 13);
    chip_wire(rig, 0, 10, 1, 5);
}

/* The FIFO asks for words, by DMA as well, before the block is on; what switches it off waits for the end of
 * the frame, in both blocks. */
static void begin_and_end(void **state)
{
    (void)state;
    sai_clocked();
    clock_on(0x48, 1);
    assert_int_equal(rd(SAI + A + STATUS), 8); /* after a reset */
    block(A, 4 << 5, 2);
    block(B, 4 << 5 | SLAVE | RECEIVER | SYNC | SAIEN, 0);
    wr(0x400204A8, 1); /* DMA2 channel 1: SAI1_A */
    wr(0x40020410, SAI + A + DATA);
    wr(0x40020414, 0x20000100);
    wr(0x4002040C, 20);
    wr(0x40020408, 2 << 10 | 2 << 8 | 1 << 7 | 1 << 4 | 1);
    assert_int_equal(rd(SAI + A + STATUS) >> 16, 0);
    set_bits(SAI + A, 1 << 17);
    run_us(20);
    assert_int_equal(rd(SAI + A + STATUS), 3 << 16); /* five words: above a half */
    set_bits(SAI + A, SAIEN);
    ps_t frame = 64 * (PS_PER_S / chip_clock(rig, CLK_SAI1));
    run_ps(frame * 3 / 2);
    for (unsigned i = 0; i < 2; i++)
        clear_bits(SAI + (i ? B : A), SAIEN | 7 << 5);
    run_ps(frame / 4);
    assert_int_equal(rd(SAI + A) & (SAIEN | 7 << 5), SAIEN | 4 << 5);
    assert_int_equal(rd(SAI + B) & SAIEN, SAIEN);
    set_bits(SAI + B, SAIEN); /* not taken */
    run_ps(frame / 2);
    assert_int_equal(rd(SAI + A) & (SAIEN | 7 << 5), 0);
    assert_int_equal(rd(SAI + B) & SAIEN, 0);
}

/* B receives what A sends: by A's clock inside the chip, or by wires. */
static void words_pass(void **state)
{
    (void)state;
    sai_clocked();
    wire_data();
    for (unsigned wires = 0; wires < 2; wires++) {
        block(B, 4 << 5 | SLAVE | RECEIVER | (wires ? 0 : SYNC) | SAIEN, 0);
        run_frames(3);
        assert_int_equal(rd(SAI + B + STATUS) >> 16, 0); /* no clock yet */
        if (wires) {
            pin_mode('A', 8, 2, 13);
            pin_mode('A', 9, 2, 13);
            pin_mode('B', 3, 2, 13);
            pin_mode('B', 6, 2, 13);
            chip_wire(rig, 0, 8, 1, 3);
        }
        block(A, 4 << 5, 0);
        const unsigned words = wires ? 6 : 4;
        for (unsigned i = 0; i < words; i++)
            wr(SAI + A + DATA, 0x51234 + i);
        set_bits(SAI + A, SAIEN);
        if (wires) {
            run_frames(1);
            assert_int_equal(rd(SAI + B + STATUS) >> 16, 0); /* SCK alone is no frame */
            chip_wire(rig, 0, 9, 1, 6);                      /* amid one, whose beginning was not seen */
        }
        run_frames(2);
        for (unsigned i = words - (wires ? 2 : 4); i < words; i++)
            assert_int_equal(rd(SAI + B + DATA), 0x1234 + i);
        assert_int_equal(rd(SAI + B + STATUS) >> 16, 0);
    }
}

/* Words leave the FIFO slot by slot: eight at most are in it, and who brings one as soon as it is empty (FTH
 * 0, as ST's HAL has it for most) is in time for the next slot. */
static void slot_by_slot(void **state)
{
    (void)state;
    sai_clocked();
    const ps_t slot = 64 * (PS_PER_S / chip_clock(rig, CLK_SAI1)) / 16;
    block(A, 4 << 5, 0);
    wr(SAI + A + SLOTS, 0xFFFFu << 16 | 15 << 8);
    wr(SAI + A + DATA, 0x1234);
    set_bits(SAI + A, SAIEN);
    run_ps(slot / 2);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(rd(SAI + A + STATUS) >> 16, 1);
        assert_int_equal(rd(SAI + A + STATUS) & (8 | 1), 0);
        run_ps(slot);
        assert_int_equal(rd(SAI + A + STATUS), 8); /* empty, FREQ */
        wr(SAI + A + DATA, i);
    }
    run_ps(2 * slot);
    assert_int_equal(rd(SAI + A + STATUS) & 1, 1); /* and now it is not */
}

/* Both are switched on, and A sends a frame of words from `first` on. */
static void one_frame(uint32_t first, unsigned words)
{
    set_bits(SAI + B, SAIEN);
    for (unsigned i = 0; i < words; i++)
        wr(SAI + A + DATA, first + i);
    set_bits(SAI + A, SAIEN);
    run_frames(1);
}

/* Words pass in slots that both sides have active. */
static void active_slots(void **state)
{
    (void)state;
    sai_clocked();
    wire_data();
    block(B, 4 << 5 | SLAVE | RECEIVER | SYNC, 0);
    block(A, 4 << 5, 0);
    wr(SAI + A + SLOTS, 7u << 16 | 3 << 8); /* 0, 1 and 2 of four */
    wr(SAI + B + SLOTS, 14u << 16 | 3 << 8);
    one_frame(0x21, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rd(SAI + B + DATA), i < 2 ? 0x22 + i : 0);
    assert_int_equal(rd(SAI + B + STATUS) >> 16, 0);
    block(B, 4 << 5 | SLAVE | RECEIVER | SYNC, 0); /* has one slot, though it enables all */
    block(A, 4 << 5, 0);
    wr(SAI + B + SLOTS, 0xFFFFu << 16);
    one_frame(0x31, 2);
    assert_int_equal(rd(SAI + B + DATA), 0x31);
    assert_int_equal(rd(SAI + B + STATUS) >> 16, 0);
}

/* A transmitter that follows takes its words from its own FIFO; a receiver that is the master hears it. */
static void slave_sends(void **state)
{
    (void)state;
    sai_clocked();
    wire_data();
    block(B, 7 << 5 | SLAVE | SYNC, 0);
    wr(SAI + B + DATA, 0xDEADBEEF);
    wr(SAI + B + DATA, 0x01020304);
    set_bits(SAI + B, SAIEN);
    block(A, 7 << 5 | RECEIVER | SAIEN, 0);
    run_frames(1);
    assert_int_equal(rd(SAI + A + DATA), 0xDEADBEEF);
    assert_int_equal(rd(SAI + A + DATA), 0x01020304);
    run_frames(1);
    assert_int_equal(rd(SAI + B + STATUS) & 1, 1); /* underrun */
}

static void mono(void **state)
{
    (void)state;
    sai_clocked();
    wire_data();
    block(B, 4 << 5 | SLAVE | RECEIVER | SYNC | SAIEN, 0);
    block(A, 4 << 5 | MONO, 0);
    wr(SAI + A + DATA, 1);
    wr(SAI + A + DATA, 2);
    set_bits(SAI + A, SAIEN);
    run_frames(2);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rd(SAI + B + DATA), 1 + i / 2);
    off(A);
    block(B, 4 << 5 | SLAVE | RECEIVER | SYNC | MONO | SAIEN, 0);
    block(A, 4 << 5, 0);
    for (unsigned i = 0; i < 4; i++)
        wr(SAI + A + DATA, i);
    set_bits(SAI + A, SAIEN);
    run_frames(2);
    assert_int_equal(rd(SAI + B + DATA), 0);
    assert_int_equal(rd(SAI + B + DATA), 2);
    assert_int_equal(rd(SAI + B + STATUS) >> 16, 0);
    for (unsigned side = 0; side < 2; side++) { /* RM0394 "Mono/stereo mode": only with two slots */
        off(A);
        block(B, 4 << 5 | SLAVE | RECEIVER | SYNC | (side ? MONO : 0), 0);
        block(A, 4 << 5 | (side ? 0 : MONO), 0);
        wr(SAI + A + SLOTS, 15u << 16 | 3 << 8);
        wr(SAI + B + SLOTS, 15u << 16 | 3 << 8);
        one_frame(5, 4);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(rd(SAI + B + DATA), 5 + i);
    }
}

/* ---- companding ---- */

/* Values of ITU-T G.711, tables 1 and 2: the greatest, the least, and where segments meet. */
static void g711(void **state)
{
    static const struct {
        bool a_law;
        uint8_t code;
        int value;
    } known[] = {{false, 0x00, -8031}, {false, 0x80, 8031}, {false, 0xFF, 0},   {false, 0xF0, 30},
                 {false, 0xEF, 33},    {false, 0xE0, 93},   {false, 0xDF, 99},  {true, 0x00, -688},
                 {true, 0xD5, 1},      {true, 0x55, -1},    {true, 0xAA, 4032}, {true, 0x2A, -4032},
                 {true, 0xDA, 31},     {true, 0xC5, 33},    {true, 0xCA, 63},   {true, 0xF5, 66}};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(g711_expand(known[i].a_law, known[i].code), known[i].value);
    for (unsigned law = 0; law < 2; law++)
        for (unsigned code = 0; code < 256; code++)
            if (law || code != 0x7F) /* minus zero */
                assert_int_equal(g711_compress(law, g711_expand(law, (uint8_t)code)), code);
    assert_int_equal(g711_compress(false, 31), 0xEF); /* decision values: not the nearest */
    assert_int_equal(g711_compress(false, 30), 0xF0);
    assert_int_equal(g711_compress(false, -8192), 0x00);
    assert_int_equal(g711_compress(true, 64), 0xF5);
    assert_int_equal(g711_compress(true, 63), 0xCA);
    assert_int_equal(g711_compress(true, -4096), 0x2A);
}

/* Nobody sends: a low line is the most negative value of µ-law, and -688 of A-law. */
static void expanded_zeros(void **state)
{
    static const struct {
        uint32_t comp, word;
    } rows[] = {{2 << 14 | 1 << 13, 0x2000 - 8031 + 0x2000},
                {2 << 14, 0x3FFF & ~8031u},
                {3 << 14 | 1 << 13, 0x2000 - 688},
                {3 << 14, 0x1FFF & ~688u}};

    (void)state;
    sai_clocked();
    for (unsigned i = 0; i < 4; i++) {
        block(A, 4 << 5 | RECEIVER | SAIEN, rows[i].comp);
        assert_int_equal(rd(SAI + A) >> 5 & 7, 2); /* DS is 8 bits */
        run_frames(1);
        assert_int_equal(rd(SAI + A + DATA), rows[i].word);
    }
    assert_int_equal(told_count("missing"), 0);
}

static void companded_words_pass(void **state)
{
    (void)state;
    sai_clocked();
    wire_data();
    for (unsigned comp = 0; comp < 4; comp++) {
        uint32_t cr2 = (comp & 1 ? 3u : 2u) << 14 | (comp & 2 ? 1u << 13 : 0);
        off(A);
        block(B, SLAVE | RECEIVER | SYNC | SAIEN, cr2);
        block(A, 0, cr2);
        wr(SAI + A + DATA, comp & 1 ? 1008 : 1023);
        wr(SAI + A + DATA, (comp & 1 ? 0x1FFF : 0x3FFF) & ~(comp & 2   ? (comp & 1 ? 1007u : 1022u)
                                                            : comp & 1 ? 1008u
                                                                       : 1023u));
        set_bits(SAI + A, SAIEN);
        run_frames(1);
        assert_int_equal(rd(SAI + B + DATA), comp & 1 ? 1008 : 1023);
        assert_int_equal(rd(SAI + B + DATA),
                         (comp & 1 ? 0x1FFF : 0x3FFF) & ~(comp & 2   ? (comp & 1 ? 1007u : 1022u)
                                                          : comp & 1 ? 1008u
                                                                     : 1023u));
    }
}

/* ---- what else is told ---- */

static void mute(void **state)
{
    (void)state;
    sai_clocked();
    wire_data();
    block(B, 4 << 5 | SLAVE | RECEIVER | SYNC | SAIEN, 2 << 7); /* two frames of zeros */
    block(A, 4 << 5, 1 << 5);                                   /* MUTE */
    for (unsigned i = 0; i < 8; i++)
        wr(SAI + A + DATA, 0x100 + i);
    set_bits(SAI + A, SAIEN);
    run_frames(1);
    assert_int_equal(rd(SAI + B + STATUS) & 2, 0);
    run_frames(1);
    assert_int_equal(rd(SAI + B + STATUS) & 2, 2);
    wr(SAI + B + CLEAR, 2);
    assert_int_equal(rd(SAI + B + STATUS) & 2, 0);
    clear_bits(SAI + A + BLOCK_CR2, 1 << 5);
    run_frames(1);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rd(SAI + B + DATA), 0);
    assert_int_equal(rd(SAI + B + DATA), 0x104);
}

/* With a master clock the bits of a frame are a power of two. */
static void wrong_clock(void **state)
{
    (void)state;
    sai_clocked();
    block(A, 4 << 5, 0);
    wr(SAI + A + FRAME, 0xFFFFFFFF);
    assert_int_equal(rd(SAI + A + FRAME), 0x00077FFF);
    wr(SAI + A + FRAME, 47);
    wr(SAI + A, 4 << 5 | SAIEN);
    assert_int_equal(rd(SAI + A + STATUS) & 4, 4);
    assert_int_equal(rd(SAI + A) & SAIEN, 0);
    wr(SAI + A + CLEAR, 4);
    wr(SAI + A + FRAME, 63);
    wr(SAI + A, 4 << 5 | SAIEN);
    assert_int_equal(rd(SAI + A + STATUS) & 4, 0);
    assert_int_equal(rd(SAI + A) & SAIEN, SAIEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sai, on, rig_off),
        cmocka_unit_test_setup_teardown(sai_without_clock, on, rig_off),
        cmocka_unit_test_setup_teardown(sai_protocols, on, rig_off),
        cmocka_unit_test_setup_teardown(begin_and_end, on, rig_off),
        cmocka_unit_test_setup_teardown(words_pass, on, rig_off),
        cmocka_unit_test_setup_teardown(slot_by_slot, on, rig_off),
        cmocka_unit_test_setup_teardown(active_slots, on, rig_off),
        cmocka_unit_test_setup_teardown(slave_sends, on, rig_off),
        cmocka_unit_test_setup_teardown(mono, on, rig_off),
        cmocka_unit_test(g711),
        cmocka_unit_test_setup_teardown(expanded_zeros, on, rig_off),
        cmocka_unit_test_setup_teardown(companded_words_pass, on, rig_off),
        cmocka_unit_test_setup_teardown(mute, on, rig_off),
        cmocka_unit_test_setup_teardown(wrong_clock, on, rig_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
