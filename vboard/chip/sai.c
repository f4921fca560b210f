/* SAI1 (RM0394 "SAI"): frames go by at the rate of the SAI clock in a block that is a master, and in one that
 * follows it: synchronous inside the chip, or with wires from SCK to SCK and FS to FS. Words pass slot by
 * slot, which share the time of a frame alike, where SD is wired to SD; bit order and offsets are not looked
 * at. A receiver that nobody sends to gets the level of its pin, by which an AC'97 codec is not ready. */
#include "chip/sai.h"
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { SAIEN = 1 << 16, DMAEN = 1 << 17, NODIV = 1 << 19, FFLUSH = 1 << 3 };
enum { MUTEDET = 2, WCKCFG = 4, FREQ = 8, CNRDY = 16, IRQ_SAI1 = 74 };

static const struct reg_row rows[] = {
    {SAI_CR1 * 4, 0x40, 0x00FB3FEF}, {SAI_CR2 * 4, 0, 0x0000FFF7}, {SAI_FRCR * 4, 7, 0x00077FFF},
    {SAI_SLOTR * 4, 0, 0xFFFF0FDF},  {SAI_IM * 4, 0, 0x7F},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static bool is_on(const struct sai_block *b)
{
    return b->r[SAI_CR1] & SAIEN;
}

static bool transmits(const struct sai_block *b)
{
    return !(b->r[SAI_CR1] & 1);
}

enum sai_protocol sai_protocol(const struct sai_block *b)
{
    return (enum sai_protocol)bits(b->r[SAI_CR1], 2, 2);
}

/* FRCR and SLOTR say it, but for SPDIF (two subframes of 32 bits) and AC'97 (256 bits). */
static unsigned frame_length(const struct sai_block *b)
{
    return sai_protocol(b) == SAI_SPDIF  ? 64
           : sai_protocol(b) == SAI_AC97 ? 256
                                         : bits(b->r[SAI_FRCR], 0, 8) + 1u;
}

/* NBSLOT, which SPDIF and AC'97 ignore. AC'97: 13, of 16 bits and 12 times 20 (RM0351 "AC'97 link
 * controller"). */
unsigned sai_slots(const struct sai_block *b)
{
    return sai_protocol(b) == SAI_SPDIF  ? 2
           : sai_protocol(b) == SAI_AC97 ? 13
                                         : bits(b->r[SAI_SLOTR], 8, 4) + 1u;
}

/* SLOTEN may name slots that are not there, as ST's HAL_SAI_InitProtocol() does, which enables all 16. SPDIF
 * and AC'97 ignore it (RM0351 "SAI_ASLOTR"). */
static bool active(const struct sai_block *b, unsigned slot)
{
    return slot < sai_slots(b) && (sai_protocol(b) != SAI_FREE || b->r[SAI_SLOTR] >> (16 + slot) & 1);
}

static bool is_master(const struct sai_block *b)
{
    return !(b->r[SAI_CR1] & 2) && !bits(b->r[SAI_CR1], 10, 2);
}

/* The master clock is 256 times the frame rate, or with NODIV the bit clock counts. */
static ps_t frame_time(const struct chip *c, const struct sai_block *b)
{
    uint64_t div = bits(b->r[SAI_CR1], 20, 4), clocks = b->r[SAI_CR1] & NODIV ? frame_length(b) : 256;

    return chip_ticks_to_ps(clocks * (div ? 2 * div : 1), chip_clock(c, CLK_SAI1));
}

/* FTH: empty, quarter, half, three quarters, full. Whether or not the block is on: HAL_SAI_Transmit_DMA waits
 * for words in the FIFO before it switches it on. */
static bool requests(const struct sai_block *b)
{
    unsigned threshold = bits(b->r[SAI_CR2], 0, 3) * 2;

    if (transmits(b))
        return b->level < SAI_FIFO && b->level <= threshold;
    return b->level && b->level >= (threshold ? threshold : 1);
}

/* FLVL: of a quarter, a half, three quarters a transmitter is in the lower class, a receiver in the upper. */
static uint32_t level_code(const struct sai_block *b)
{
    return b->level == 0 ? 0 : b->level == SAI_FIFO ? 5 : 1 + (b->level - (transmits(b) ? 1 : 0)) / 2;
}

static void update(struct chip *c)
{
    static const uint8_t signals[SAI_BLOCKS] = {DMAR_SAI1_A, DMAR_SAI1_B};
    ps_t when = PS_NEVER;
    bool irq = false;

    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        struct sai_block *b = &c->sai.block[i];
        put_bit(&b->r[SAI_SR], FREQ, requests(b));
        b->r[SAI_SR] = (b->r[SAI_SR] & 0xFFFF) | level_code(b) << 16;
        irq |= b->r[SAI_SR] & b->r[SAI_IM];
        dma_request(c, signals[i], b->r[SAI_CR1] & DMAEN && b->r[SAI_SR] & FREQ);
        when = b->slot_at < when ? b->slot_at : when;
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
        c->sai.block[i].slot_at = PS_NEVER;
    }
    update(c);
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
    bool slave = b->r[SAI_CR1] & 2;

    if (b == m || !is_on(b) || !slave)
        return b == m;
    if (bits(b->r[SAI_CR1], 10, 2))
        return bits(b->r[SAI_CR1], 10, 2) == 1;
    return wired(c, b, m, AF_SAI1_SCK_A) && wired(c, b, m, AF_SAI1_FS_A);
}

/* Frames of nothing but zeros, MUTECNT of them. */
static void detect_mute(struct sai_block *b, bool zeros)
{
    unsigned most = bits(b->r[SAI_CR2], 7, 6);

    b->mute_frames = zeros ? b->mute_frames + 1 : 0;
    if (most && b->mute_frames == most)
        b->r[SAI_SR] |= MUTEDET;
}

/* The end of the slot that passes. */
static void next_slot(const struct chip *c, struct sai_block *m)
{
    m->slot_at = m->began + frame_time(c, m) * (m->slot + 1) / m->slots;
}

/* Who is on when a frame begins takes part in it. */
static void next_frame(struct chip *c, struct sai_block *m)
{
    struct sai_block *other = &c->sai.block[m == c->sai.block];

    m->slot_at = PS_NEVER;
    if (!is_on(m) || !is_master(m) || frame_time(c, m) == PS_NEVER)
        return;
    m->takes_part = true;
    m->began = chip_now(c);
    m->slot = 0;
    m->slots = sai_slots(m);
    if (follows(c, other, m)) {
        other->takes_part = true;
        m->slots = sai_slots(other) > m->slots ? sai_slots(other) : m->slots;
    }
    next_slot(c, m);
}

/* `sent`: NULL if nobody sends. */
static void receive(struct chip *c, struct sai_block *b, unsigned slot, const uint32_t *sent)
{
    uint32_t idle = af_in(c, signal_of(c, b, AF_SAI1_SD_A), false) ? UINT32_MAX : 0;

    if (sai_protocol(b) == SAI_AC97 && !sent) {
        b->r[SAI_SR] |= CNRDY;
    } else if (active(b, slot)) {
        b->loud |= (sent ? *sent : idle) & sai_data_mask(b);
        sai_receive(b, slot, sent ? *sent : idle);
    }
    if (slot + 1 == sai_slots(b)) {
        detect_mute(b, !b->loud);
        b->loud = 0;
    }
}

/* A slot of the master m has passed: who transmits has sent, then who receives has received. */
static void pass(struct chip *c, struct sai_block *m)
{
    struct sai_block *other = &c->sai.block[m == c->sai.block], *both[SAI_BLOCKS] = {m, other};
    uint32_t sent[SAI_BLOCKS] = {0};
    bool wire = wired(c, m, other, AF_SAI1_SD_A), in[SAI_BLOCKS];

    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        in[i] = both[i]->takes_part && follows(c, both[i], m);
        if (in[i] && transmits(both[i]) && active(both[i], m->slot)) /* in others SD is 0, or released */
            sent[i] = sai_send(both[i], m->slot);
    }
    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        bool fed = wire && in[!i] && transmits(both[!i]);
        if (in[i] && !transmits(both[i]))
            receive(c, both[i], m->slot, fed ? &sent[!i] : NULL);
    }
}

/* SAIEN that was cleared reads as set until the frame is over. */
static bool in_frame(const struct chip *c, const struct sai_block *b)
{
    const struct sai_block *other = &c->sai.block[b == c->sai.block], *m = is_master(b) ? b : other;

    return is_on(b) && is_master(m) && m->slot_at != PS_NEVER && follows(c, b, m);
}

static void switched(struct chip *c, struct sai_block *b);

static void switch_off(struct chip *c, struct sai_block *b)
{
    b->ending = false;
    regs_write(b->r, rows, ROWS, SAI_CR1 * 4, b->then);
    switched(c, b);
}

void sai_event(struct chip *c, unsigned index)
{
    (void)index;
    for (unsigned i = 0; i < SAI_BLOCKS; i++) {
        struct sai_block *b = &c->sai.block[i], *other = &c->sai.block[!i];
        if (b->slot_at > chip_now(c))
            continue;
        pass(c, b);
        if (++b->slot < b->slots) {
            next_slot(c, b);
            continue;
        }
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
    if (b && reg == SAI_DR)
        word = b->level && !transmits(b) ? b->fifo[0] : 0;
    *value = lanes_get(word, off, size);
    return true;
}

bool sai_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    unsigned reg;
    struct sai_block *b = find(c, off, &reg);

    sai_peek(c, index, off, size, value);
    if (b && reg == SAI_DR && b->level && !transmits(b)) {
        sai_take(b);
        update(c);
    }
    return true;
}

/* The bit clock cannot be made of the master clock, 256 times the frame rate: the block goes off again. */
static bool wrong_clock(const struct sai_block *b)
{
    unsigned n = frame_length(b);

    return is_master(b) && !(b->r[SAI_CR1] & NODIV) && sai_protocol(b) == SAI_FREE &&
           (n < 8 || (n & (n - 1)));
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
        b->r[SAI_SR] |= WCKCFG;
        b->r[SAI_CR1] &= ~(uint32_t)SAIEN;
    }
    if (is_on(b) && sai_compands(b))
        b->r[SAI_CR1] = (b->r[SAI_CR1] & ~0xE0u) | 2 << 5; /* DS: 8 bits */
    b->mute_frames = 0;
    b->takes_part = false;
    b->loud = 0;
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
    case SAI_CLRFR: b->r[SAI_SR] &= ~(value & 0x77); break;
    case SAI_DR:
        if (transmits(b) && b->level < SAI_FIFO)
            b->fifo[b->level++] = value;
        break;
    case SAI_CR1:
        if (in_frame(c, b) && (b->ending || !(value & SAIEN))) {
            b->ending = true;
            b->then = value & ~(uint32_t)SAIEN;
            break;
        }
        regs_write(b->r, rows, ROWS, reg * 4, value);
        break;
    default: regs_write(b->r, rows, ROWS, reg * 4, value); break;
    }
    if (reg == SAI_CR2 && value & FFLUSH)
        b->level = 0;
    if (is_on(b) != was_on)
        switched(c, b);
    update(c);
    return true;
}
