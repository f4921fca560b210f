/* SAI1 (RM0394 "SAI"): the FIFOs of blocks that are masters are drained and filled frame by frame at the
 * rate of the SAI clock, with FIFO requests, DMA and under- or overrun. What is sent goes nowhere, what
 * is received is zero, by which an AC'97 codec is not ready; slave blocks get no clock. Mute detection:
 * registers only. What zero expands to (companding) is not modelled. */
#include "chip/sai.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { CR1, CR2, FRCR, SLOTR, IM, SR, CLRFR, DR, FIFO_WORDS = 8 };
enum { SAIEN = 1 << 16, DMAEN = 1 << 17, NODIV = 1 << 19, FFLUSH = 1 << 3 };
enum { OVRUDR = 1, FREQ = 8, CNRDY = 16, IRQ_SAI1 = 74 };
enum protocol { FREE, SPDIF, AC97 };

static const struct reg_row rows[] = {
    {CR1 * 4, 0x40, 0x00FB3FEF}, {CR2 * 4, 0, 0x0000FFF7}, {FRCR * 4, 7, 0x0007FFFF},
    {SLOTR * 4, 0, 0xFFFF0FDF},  {IM * 4, 0, 0x7F},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static bool transmits(const struct sai_block *b)
{
    return !(b->r[CR1] & 1);
}

static enum protocol protocol(const struct sai_block *b)
{
    return (enum protocol)bits(b->r[CR1], 2, 2);
}

/* FRCR and SLOTR say it, but for SPDIF (two subframes of 32 bits) and AC'97 (256 bits). */
static unsigned frame_length(const struct sai_block *b)
{
    return protocol(b) == SPDIF ? 64 : protocol(b) == AC97 ? 256 : bits(b->r[FRCR], 0, 8) + 1u;
}

static unsigned words(const struct sai_block *b)
{
    return protocol(b) == SPDIF ? 2 : (unsigned)__builtin_popcount(b->r[SLOTR] >> 16);
}

static bool is_master(const struct sai_block *b)
{
    return !(b->r[CR1] & 2) && !bits(b->r[CR1], 10, 2);
}

/* The master clock is 256 times the frame rate, or with NODIV the bit clock counts. */
static ps_t frame_time(const struct chip *c, const struct sai_block *b)
{
    uint64_t div = bits(b->r[CR1], 20, 4), clocks = b->r[CR1] & NODIV ? frame_length(b) : 256;

    return chip_ticks_to_ps(clocks * (div ? 2 * div : 1), chip_clock(c, CLK_SAI1));
}

/* FTH: empty, quarter, half, three quarters, full. */
static bool requests(const struct sai_block *b)
{
    unsigned threshold = bits(b->r[CR2], 0, 3) * 2;

    if (transmits(b))
        return b->level < FIFO_WORDS && b->level <= threshold;
    return b->level && b->level >= (threshold ? threshold : 1);
}

static uint32_t level_code(const struct sai_block *b)
{
    return b->level == 0 ? 0 : b->level == FIFO_WORDS ? 5 : 1 + b->level / 2;
}

static void update(struct chip *c)
{
    static const uint8_t signals[SAI_BLOCKS] = {DMAR_SAI1_A, DMAR_SAI1_B};
    ps_t when = PS_NEVER;
    bool irq = false;

    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        struct sai_block *b = &c->sai.block[i];
        bool on = b->r[CR1] & SAIEN;
        put_bit(&b->r[SR], FREQ, on && requests(b));
        b->r[SR] = (b->r[SR] & 0xFFFF) | level_code(b) << 16;
        irq |= b->r[SR] & b->r[IM];
        dma_request(c, signals[i], on && b->r[CR1] & DMAEN && b->r[SR] & FREQ);
        when = b->frame_at < when ? b->frame_at : when;
    }
    chip_irq(c, IRQ_SAI1, B_SAI1, irq);
    chip_wake_at(c, B_SAI1, when);
}

void sai_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->sai = (struct sai_state){0};
    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        regs_reset(c->sai.block[i].r, rows, ROWS);
        c->sai.block[i].frame_at = PS_NEVER;
    }
    update(c);
}

static void next_frame(struct chip *c, struct sai_block *b)
{
    ps_t time = frame_time(c, b);
    bool runs = b->r[CR1] & SAIEN && is_master(b) && time != PS_NEVER;

    b->frame_at = runs ? chip_now(c) + time : PS_NEVER;
}

void sai_event(struct chip *c, unsigned index)
{
    (void)index;
    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        struct sai_block *b = &c->sai.block[i];
        if (b->frame_at > chip_now(c))
            continue;
        bool codec = protocol(b) == AC97 && !transmits(b);
        if (codec)
            b->r[SR] |= CNRDY;
        for (unsigned slots = codec ? 0 : words(b); slots > 0; slots--) {
            if (transmits(b) ? b->level == 0 : b->level == FIFO_WORDS)
                b->r[SR] |= OVRUDR;
            else
                b->level += transmits(b) ? -1u : 1u;
        }
        next_frame(c, b);
    }
    update(c);
}

void sai_clock(struct chip *c, unsigned index, bool after)
{
    (void)index;
    if (!after)
        return;
    for (unsigned i = 0; i < SAI_BLOCKS; i++)
        if (c->sai.block[i].r[CR1] & SAIEN)
            next_frame(c, &c->sai.block[i]);
    update(c);
}

/* Block A at 0x04, block B at 0x24. NULL: GCR or nothing. */
static struct sai_block *find(struct chip *c, uint32_t off, unsigned *reg)
{
    if (off < 4 || off >= 0x44)
        return NULL;
    *reg = (off - 4) / 4 % 8;
    return &c->sai.block[(off - 4) / 0x20];
}

bool sai_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    unsigned reg;
    struct sai_block *b = find(c, off, &reg);

    (void)index;
    *value = lanes_get(b ? (reg == DR ? 0 : b->r[reg]) : off < 4 ? c->sai.gcr : 0, off, size);
    if (b && reg == DR && b->level && !transmits(b)) {
        b->level--;
        update(c);
    }
    return true;
}

bool sai_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    unsigned reg;
    struct sai_block *b = find(c, off, &reg);

    (void)index;
    value = lanes_apb(size, value);
    if (!b) {
        if (off < 4)
            c->sai.gcr = value & 0x33;
        return true;
    }
    bool was_on = b->r[CR1] & SAIEN;
    switch (reg) {
    case CLRFR: b->r[SR] &= ~(value & 0x77); break;
    case DR:
        if (transmits(b) && b->level < FIFO_WORDS)
            b->level++;
        break;
    default: regs_write(b->r, rows, ROWS, reg * 4, value); break;
    }
    if (reg == CR2 && value & FFLUSH)
        b->level = 0;
    if (!(b->r[CR1] & SAIEN) != !was_on) {
        next_frame(c, b);
        if (!transmits(b) && bits(b->r[CR2], 14, 2))
            chip_missing(c, B_SAI1, off);
    }
    update(c);
    return true;
}
