/* SAI1 (RM0394 "SAI"): frames go by at the rate of the SAI clock in a block that is a master, and in one that
 * follows it: synchronous inside the chip, or with wires from SCK to SCK and FS to FS. Words pass, slot by
 * slot, where SD is wired to SD; bit order and offsets are not looked at. A receiver that nobody sends to
 * gets the level of its pin, by which an AC'97 codec is not ready. */
#include "chip/sai.h"
#include "chip/afpin.h"
#include "chip/g711.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { CR1, CR2, FRCR, SLOTR, IM, SR, CLRFR, DR, FIFO_WORDS = SAI_FIFO };
enum { MONO = 1 << 12, SAIEN = 1 << 16, DMAEN = 1 << 17, NODIV = 1 << 19 };
enum { FFLUSH = 1 << 3, MUTE = 1 << 5, MUTEVAL = 1 << 6, CPL = 1 << 13 };
enum { OVRUDR = 1, MUTEDET = 2, WCKCFG = 4, FREQ = 8, CNRDY = 16, IRQ_SAI1 = 74 };
enum protocol { FREE, SPDIF, AC97 };

static const struct reg_row rows[] = {
    {CR1 * 4, 0x40, 0x00FB3FEF}, {CR2 * 4, 0, 0x0000FFF7}, {FRCR * 4, 7, 0x00077FFF},
    {SLOTR * 4, 0, 0xFFFF0FDF},  {IM * 4, 0, 0x7F},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static bool is_on(const struct sai_block *b)
{
    return b->r[CR1] & SAIEN;
}

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

/* NBSLOT, which SPDIF and AC'97 ignore. */
static unsigned slots(const struct sai_block *b)
{
    return protocol(b) == SPDIF ? 2 : protocol(b) == AC97 ? 16 : bits(b->r[SLOTR], 8, 4) + 1u;
}

/* SLOTEN may name slots that are not there, as ST's HAL_SAI_InitProtocol() does, which enables all 16. */
static bool active(const struct sai_block *b, unsigned slot)
{
    return slot < slots(b) && (protocol(b) == SPDIF || b->r[SLOTR] >> (16 + slot) & 1);
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

/* FTH: empty, quarter, half, three quarters, full. Whether or not the block is on: HAL_SAI_Transmit_DMA waits
 * for words in the FIFO before it switches it on. */
static bool requests(const struct sai_block *b)
{
    unsigned threshold = bits(b->r[CR2], 0, 3) * 2;

    if (transmits(b))
        return b->level < FIFO_WORDS && b->level <= threshold;
    return b->level && b->level >= (threshold ? threshold : 1);
}

/* FLVL: of a quarter, a half, three quarters a transmitter is in the lower class, a receiver in the upper. */
static uint32_t level_code(const struct sai_block *b)
{
    return b->level == 0 ? 0 : b->level == FIFO_WORDS ? 5 : 1 + (b->level - (transmits(b) ? 1 : 0)) / 2;
}

static void update(struct chip *c)
{
    static const uint8_t signals[SAI_BLOCKS] = {DMAR_SAI1_A, DMAR_SAI1_B};
    ps_t when = PS_NEVER;
    bool irq = false;

    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        struct sai_block *b = &c->sai.block[i];
        put_bit(&b->r[SR], FREQ, requests(b));
        b->r[SR] = (b->r[SR] & 0xFFFF) | level_code(b) << 16;
        irq |= b->r[SR] & b->r[IM];
        dma_request(c, signals[i], b->r[CR1] & DMAEN && b->r[SR] & FREQ);
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
    bool runs = is_on(b) && is_master(b) && time != PS_NEVER;

    b->frame_at = runs ? chip_now(c) + time : PS_NEVER;
}

/* ---- words ---- */

static uint32_t data_mask(const struct sai_block *b)
{
    static const uint8_t sizes[8] = {8, 8, 8, 10, 16, 20, 24, 32};
    unsigned n = protocol(b) == SPDIF ? 24 : protocol(b) == AC97 ? 20 : sizes[bits(b->r[CR1], 5, 3)];

    return n == 32 ? UINT32_MAX : (1u << n) - 1;
}

/* COMP, which only frames of no protocol have: 2 µ-law, 3 A-law. */
static bool compands(const struct sai_block *b)
{
    return bits(b->r[CR2], 15, 1) && protocol(b) == FREE;
}

static uint32_t compressed(const struct sai_block *b, uint32_t word)
{
    bool a_law = bits(b->r[CR2], 14, 1);
    uint32_t sign = a_law ? 1u << 12 : 1u << 13, value = word & (sign - 1);

    if (!(word & sign))
        return g711_compress(a_law, (int)value);
    return g711_compress(a_law, (int)value - (int)sign + (b->r[CR2] & CPL ? 0 : 1));
}

static uint32_t expanded(const struct sai_block *b, uint32_t code)
{
    bool a_law = bits(b->r[CR2], 14, 1);
    int value = g711_expand(a_law, (uint8_t)code);
    uint32_t mask = a_law ? 0x1FFF : 0x3FFF;

    return (uint32_t)(value < 0 && !(b->r[CR2] & CPL) ? value - 1 : value) & mask;
}

static uint32_t take(struct sai_block *b)
{
    uint32_t word = b->fifo[0];

    b->level--;
    for (unsigned i = 0; i < b->level; i++)
        b->fifo[i] = b->fifo[i + 1];
    return word;
}

/* The second one of the two slots of a MONO frame. */
static bool repeats(const struct sai_block *b, unsigned slot)
{
    return slot == 1 && b->r[CR1] & MONO && slots(b) == 2;
}

/* What a transmitter puts into a slot. */
static uint32_t send(struct sai_block *b, unsigned slot)
{
    bool mono = repeats(b, slot);

    if (b->level && !mono)
        b->last = compands(b) ? compressed(b, take(b)) : take(b) & data_mask(b);
    else if (!mono)
        b->r[SR] |= OVRUDR;
    return b->r[CR2] & MUTE && !(b->r[CR2] & MUTEVAL) ? 0 : b->last;
}

static void receive(struct sai_block *b, unsigned slot, uint32_t word)
{
    word &= data_mask(b);
    if (repeats(b, slot))
        return;
    if (b->level == FIFO_WORDS)
        b->r[SR] |= OVRUDR;
    else
        b->fifo[b->level++] = compands(b) ? expanded(b, word) : word;
}

/* ---- frames ---- */

static unsigned signal_of(const struct chip *c, const struct sai_block *b, unsigned signal)
{
    return signal + (unsigned)(b - c->sai.block) * (AF_SAI1_SD_B - AF_SAI1_SD_A);
}

static bool wired(const struct chip *c, const struct sai_block *a, const struct sai_block *b, unsigned signal)
{
    return af_wired(c, signal_of(c, a, signal), signal_of(c, b, signal));
}

/* b has its clock from the master m. */
static bool follows(const struct chip *c, const struct sai_block *b, const struct sai_block *m)
{
    bool slave = b->r[CR1] & 2;

    if (b == m || !is_on(b) || !slave)
        return b == m;
    if (bits(b->r[CR1], 10, 2))
        return bits(b->r[CR1], 10, 2) == 1;
    return wired(c, b, m, AF_SAI1_SCK_A) && wired(c, b, m, AF_SAI1_FS_A);
}

/* Frames of nothing but zeros, MUTECNT of them. */
static void detect_mute(struct sai_block *b, bool zeros)
{
    unsigned most = bits(b->r[CR2], 7, 6);

    b->mute_frames = zeros ? b->mute_frames + 1 : 0;
    if (most && b->mute_frames == most)
        b->r[SR] |= MUTEDET;
}

/* `sent`: by slots, NULL if nobody sends. */
static void receive_frame(struct chip *c, struct sai_block *b, const uint32_t *sent)
{
    uint32_t idle = af_in(c, signal_of(c, b, AF_SAI1_SD_A), false) ? UINT32_MAX : 0, any = 0;

    if (protocol(b) == AC97 && !sent) {
        b->r[SR] |= CNRDY;
        return;
    }
    for (unsigned slot = 0; slot < slots(b); slot++) {
        if (!active(b, slot))
            continue;
        uint32_t word = sent ? sent[slot] : idle;
        any |= word & data_mask(b);
        receive(b, slot, word);
    }
    detect_mute(b, !any);
}

/* A frame of the master m has passed: who transmits has sent, then who receives has received. */
static void frame(struct chip *c, struct sai_block *m)
{
    struct sai_block *other = &c->sai.block[m == c->sai.block], *both[SAI_BLOCKS] = {m, other};
    uint32_t sent[SAI_BLOCKS][16] = {{0}};
    bool wire = wired(c, m, other, AF_SAI1_SD_A), in[SAI_BLOCKS];

    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        in[i] = follows(c, both[i], m);
        for (unsigned slot = 0; in[i] && transmits(both[i]) && slot < slots(both[i]); slot++)
            if (active(both[i], slot)) /* in others SD is 0, or released */
                sent[i][slot] = send(both[i], slot);
    }
    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        bool fed = wire && in[!i] && transmits(both[!i]);
        if (in[i] && !transmits(both[i]))
            receive_frame(c, both[i], fed ? sent[!i] : NULL);
    }
}

/* SAIEN that was cleared reads as set until the frame is over. */
static bool in_frame(const struct chip *c, const struct sai_block *b)
{
    const struct sai_block *other = &c->sai.block[b == c->sai.block], *m = is_master(b) ? b : other;

    return is_on(b) && is_master(m) && m->frame_at != PS_NEVER && follows(c, b, m);
}

static void switched(struct chip *c, struct sai_block *b);

static void switch_off(struct chip *c, struct sai_block *b)
{
    b->ending = false;
    regs_write(b->r, rows, ROWS, CR1 * 4, b->then);
    switched(c, b);
}

void sai_event(struct chip *c, unsigned index)
{
    (void)index;
    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        struct sai_block *b = &c->sai.block[i], *other = &c->sai.block[!i];
        if (b->frame_at > chip_now(c))
            continue;
        frame(c, b);
        next_frame(c, b);
        if (other->ending && follows(c, other, b))
            switch_off(c, other);
        if (b->ending)
            switch_off(c, b);
    }
    update(c);
}

void sai_clock(struct chip *c, unsigned index, bool after)
{
    (void)index;
    if (!after)
        return;
    for (unsigned i = 0; i < SAI_BLOCKS; i++)
        if (is_on(&c->sai.block[i]))
            next_frame(c, &c->sai.block[i]);
    update(c);
}

/* ---- registers ---- */

/* Block A at 0x04, block B at 0x24. NULL: GCR or nothing. */
static struct sai_block *find(struct chip *c, uint32_t off, unsigned *reg)
{
    if (off < 4 || off >= 0x44)
        return NULL;
    *reg = (off - 4) / 4 % 8;
    return &c->sai.block[(off - 4) / 0x20];
}

bool sai_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    unsigned reg = 0;
    const struct sai_block *b = find(c, off, &reg);
    uint32_t word = b ? b->r[reg] : off < 4 ? c->sai.gcr : 0;

    (void)index;
    if (b && reg == DR)
        word = b->level && !transmits(b) ? b->fifo[0] : 0;
    *value = lanes_get(word, off, size);
    return true;
}

bool sai_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    unsigned reg;
    struct sai_block *b = find(c, off, &reg);

    sai_peek(c, index, off, size, value);
    if (b && reg == DR && b->level && !transmits(b)) {
        take(b);
        update(c);
    }
    return true;
}

/* The bit clock cannot be made of the master clock, 256 times the frame rate: the block goes off again. */
static bool wrong_clock(const struct sai_block *b)
{
    unsigned n = frame_length(b);

    return is_master(b) && !(b->r[CR1] & NODIV) && protocol(b) == FREE && (n < 8 || (n & (n - 1)));
}

/* A master without a clock sends nothing and tells nothing. */
static void tell_if_still(struct chip *c, const struct sai_block *b)
{
    static const char *const sentences[4] = {
        "SAI1 is a master without a clock: RCC_CCIPR.SAI1SEL takes PLLSAI1 P, which is off",
        "SAI1 is a master without a clock: RCC_CCIPR.SAI1SEL is 1, for which this chip has none",
        "SAI1 is a master without a clock: RCC_CCIPR.SAI1SEL takes PLL P, which is off",
        "SAI1 is a master without a clock: RCC_CCIPR.SAI1SEL takes the pin SAI1_EXTCLK, which nobody drives "
        "here"};

    if (!is_on(b) || !is_master(b) || chip_clock(c, CLK_SAI1))
        return;
    chip_say_once(c, &c->sai.told, sentences[bits(c->rcc.reg[RCC_CCIPR / 4], 22, 2)]);
}

static void switched(struct chip *c, struct sai_block *b)
{
    tell_if_still(c, b);
    if (is_on(b) && wrong_clock(b)) {
        b->r[SR] |= WCKCFG;
        b->r[CR1] &= ~(uint32_t)SAIEN;
    }
    if (is_on(b) && compands(b))
        b->r[CR1] = (b->r[CR1] & ~0xE0u) | 2 << 5; /* DS: 8 bits */
    b->mute_frames = 0;
    next_frame(c, b);
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
    bool was_on = is_on(b);
    switch (reg) {
    case CLRFR: b->r[SR] &= ~(value & 0x77); break;
    case DR:
        if (transmits(b) && b->level < FIFO_WORDS)
            b->fifo[b->level++] = value;
        break;
    case CR1:
        if (in_frame(c, b) && (b->ending || !(value & SAIEN))) {
            b->ending = true;
            b->then = value & ~(uint32_t)SAIEN;
            break;
        }
        regs_write(b->r, rows, ROWS, reg * 4, value);
        break;
    default: regs_write(b->r, rows, ROWS, reg * 4, value); break;
    }
    if (reg == CR2 && value & FFLUSH)
        b->level = 0;
    if (is_on(b) != was_on)
        switched(c, b);
    update(c);
    return true;
}
