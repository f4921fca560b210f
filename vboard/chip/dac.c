/* DAC1 (RM0394 "DAC"): holding registers in all formats, triggers, noise and triangle, DMA with underrun,
 * offset calibration flag. Sample and hold gives the same output as normal mode, but for BWST. */
#include "chip/dac.h"
#include "chip/regs.h"
#include "chip/state.h"

enum {
    CR,
    SWTRIGR,
    DHR12R1,
    DHR8R1 = 4,
    DHR12R2 = 5,
    DHR8R2 = 7,
    DHR12RD = 8,
    DHR12LD,
    DHR8RD,
    DOR1,
    DOR2,
    SR,
    CCR,
    MCR,
    SHSR1,
    SHSR2
};
enum { EN = 1, TEN = 4, DMAEN = 1 << 12, DMAUDRIE = 1 << 13, CEN = 1 << 14 }; /* channel 2: 16 bits up */
enum { DMAUDR = 1 << 13, CAL_FLAG = 1 << 14, BWST = 1 << 15 };
enum { IRQ_TIM6_DAC = 54, SOFTWARE = 7, TRIMMED = 16 };

static const struct reg_row rows[] = {
    {0x00, 0, 0x7FFD7FFD},
    {0x38, 0x00000010 | 0x00100000, 0x001F001F},
    {0x3C, 0, 0x00070007},
    {0x40, 0, 0x3FF},
    {0x44, 0, 0x3FF},
    {0x48, 0x00010001, 0x03FF03FF},
    {0x4C, 0x00010001, 0x00FF00FF},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static const uint8_t triggers[8] = {TRG_TIM6_TRGO, TRG_COUNT, TRG_TIM7_TRGO, TRG_COUNT,
                                    TRG_TIM2_TRGO, TRG_COUNT, TRG_EXTI9,     TRG_COUNT};
static const uint8_t signals[2] = {DMAR_DAC1_CH1, DMAR_DAC1_CH2};

static uint32_t control(const struct dac_state *d, unsigned ch)
{
    return d->r[CR] >> 16 * ch & 0xFFFF;
}

static void interrupt(struct chip *c)
{
    const struct dac_state *d = &c->dac;
    bool level = false;

    for (unsigned ch = 0; ch < 2; ch++)
        level |= d->r[SR] >> 16 * ch & DMAUDR && control(d, ch) & DMAUDRIE;
    chip_irq(c, IRQ_TIM6_DAC, B_DAC1, level);
}

unsigned dac_millivolt(const struct chip *c, unsigned channel)
{
    const struct dac_state *d = &c->dac;

    return control(d, channel) & EN ? (d->r[DOR1 + channel] * analog_vdda(c) + 2047) / 4095 : 0;
}

/* What comparators, amplifier and ADC1 get: with MODE 0, 2 and 4 the pin alone is connected (RM0394
 * "DAC_MCR"; ST's LL_DAC_SetOutputConnection()), as after reset. */
unsigned dac_inside(const struct chip *c, unsigned channel)
{
    enum { INSIDE = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 };

    return INSIDE >> bits(c->dac.r[MCR], 16 * channel, 3) & 1 ? dac_millivolt(c, channel) : 0;
}

bool dac_drives_pin(const struct chip *c, unsigned channel)
{
    uint32_t mode = bits(c->dac.r[MCR], 16 * channel, 3);

    return control(&c->dac, channel) & EN && mode != 3 && mode != 7;
}

/* Noise: bits of the shift register up to MAMP; triangle: up to 2^(MAMP + 1) - 1 and back. */
static uint32_t wave(struct dac_state *d, unsigned ch)
{
    uint32_t kind = bits(control(d, ch), 6, 2), amplitude = bits(control(d, ch), 8, 4);
    uint32_t mask = (2u << (amplitude > 11 ? 11 : amplitude)) - 1;

    if (kind == 0 || !(control(d, ch) & TEN)) /* waves are "only used if bit TENx = 1" (RM0394 "DAC_CR") */
        return 0;
    if (kind == 1) {
        uint32_t r = d->lfsr[ch], bit = (r ^ r >> 1 ^ r >> 4 ^ r >> 6) & 1;
        d->lfsr[ch] = r ? r >> 1 | bit << 11 : 0xAAA;
        return r & mask;
    }
    uint32_t now = d->triangle[ch];
    if (now >= mask)
        d->falling[ch] = true;
    else if (now == 0)
        d->falling[ch] = false;
    d->triangle[ch] = d->falling[ch] ? now - 1 : now + 1;
    return now;
}

static void output(struct chip *c, unsigned ch)
{
    struct dac_state *d = &c->dac;

    d->r[DOR1 + ch] = (d->r[ch ? DHR12R2 : DHR12R1] + wave(d, ch)) & 0xFFF;
    analog_changed(c);
}

static void triggered(struct chip *c, unsigned ch)
{
    struct dac_state *d = &c->dac;

    output(c, ch);
    if (!(control(d, ch) & DMAEN) || d->r[SR] >> 16 * ch & DMAUDR)
        return;
    if (dma_requested(c, signals[ch])) {
        d->r[SR] |= (uint32_t)DMAUDR << 16 * ch;
        dma_request(c, signals[ch], false);
    } else {
        dma_request(c, signals[ch], true);
    }
    interrupt(c);
}

static bool waits(const struct dac_state *d, unsigned ch, enum trigger t)
{
    uint32_t cr = control(d, ch);

    return (cr & (EN | TEN)) == (EN | TEN) && triggers[bits(cr, 3, 3)] == t;
}

bool dac_wants(const struct chip *c, enum trigger t)
{
    return waits(&c->dac, 0, t) || waits(&c->dac, 1, t);
}

void dac_trigger(struct chip *c, enum trigger t)
{
    for (unsigned ch = 0; ch < 2; ch++)
        if (waits(&c->dac, ch, t) && chip_enabled(c, B_DAC1))
            triggered(c, ch);
}

/* ---- sample and hold ---- */

static bool samples(const struct dac_state *d, unsigned ch)
{
    return control(d, ch) & EN && d->r[MCR] >> 16 * ch & 4;
}

/* SHSR crosses into the domain of LSI, which takes three periods (RM0394 "DAC_SR", BWST1). */
static void cross(struct chip *c, unsigned ch)
{
    ps_t time = chip_ticks_to_ps(3, chip_clock(c, CLK_LSI));

    c->dac.crossed_at[ch] = time == PS_NEVER ? PS_NEVER : chip_now(c) + time;
}

static bool crosses(const struct chip *c, unsigned ch)
{
    return samples(&c->dac, ch) && chip_now(c) < c->dac.crossed_at[ch];
}

void dac_clock(struct chip *c, unsigned index, bool after)
{
    (void)index;
    for (unsigned ch = 0; after && ch < 2; ch++)
        if (crosses(c, ch) && c->dac.crossed_at[ch] == PS_NEVER)
            cross(c, ch);
}

static void write_sample_time(struct chip *c, unsigned ch, uint32_t value)
{
    if (crosses(c, ch))
        return;
    c->dac.r[SHSR1 + ch] = value & 0x3FF;
    cross(c, ch);
}

/* A mode can be written while its channel is off. */
static void write_modes(struct chip *c, uint32_t value)
{
    struct dac_state *d = &c->dac;

    for (unsigned ch = 0; ch < 2; ch++)
        if (control(d, ch) & (EN | CEN) && (value ^ d->r[MCR]) & 7u << 16 * ch)
            chip_ignored(c, B_DAC1, "MCR", "while the channel is enabled");
        else
            d->r[MCR] = (d->r[MCR] & ~(7u << 16 * ch)) | (value & 7u << 16 * ch);
}

void dac_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->dac = (struct dac_state){.lfsr = {0xAAA, 0xAAA}};
    regs_reset(c->dac.r, rows, ROWS);
    dma_request(c, DMAR_DAC1_CH1, false);
    dma_request(c, DMAR_DAC1_CH2, false);
    interrupt(c);
    analog_changed(c);
}

bool dac_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct dac_state *d = &c->dac;
    uint32_t reg = off / 4, word = 0;
    uint32_t one = d->r[DHR12R1], two = d->r[DHR12R2];

    (void)index;
    switch (reg) {
    case SWTRIGR: break;
    case DHR12R1 + 1: word = one << 4; break;
    case DHR8R1: word = one >> 4; break;
    case DHR12R2 + 1: word = two << 4; break;
    case DHR8R2: word = two >> 4; break;
    case DHR12RD: word = one | two << 16; break;
    case DHR12LD: word = one << 4 | two << 20; break;
    case DHR8RD: word = one >> 4 | two >> 4 << 8; break;
    case SR:
        word = d->r[SR];
        for (unsigned ch = 0; ch < 2; ch++) /* calibrating: the comparator turns at the right trim */
            if (control(d, ch) & CEN && bits(d->r[CCR], 16 * ch, 5) >= TRIMMED)
                word |= (uint32_t)CAL_FLAG << 16 * ch;
        for (unsigned ch = 0; ch < 2; ch++)
            word |= crosses(c, ch) ? (uint32_t)BWST << 16 * ch : 0;
        break;
    default: word = off < sizeof d->r ? d->r[reg] : 0; break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

/* ---- writes ---- */

static void hold(struct chip *c, unsigned ch, uint32_t value)
{
    struct dac_state *d = &c->dac;

    d->r[ch ? DHR12R2 : DHR12R1] = value & 0xFFF;
    if (!(control(d, ch) & TEN))
        output(c, ch);
}

static void write_cr(struct chip *c, uint32_t off, uint32_t value)
{
    struct dac_state *d = &c->dac;
    bool sampled[2] = {samples(d, 0), samples(d, 1)};

    for (unsigned ch = 0; ch < 2; ch++) /* calibration is entered and left while the channel is off */
        if (control(d, ch) & EN)
            value = (value & ~((uint32_t)CEN << 16 * ch)) | (d->r[CR] & (uint32_t)CEN << 16 * ch);
    chip_triggers_change(c, false);
    regs_write(d->r, rows, ROWS, off, value);
    chip_triggers_change(c, true);
    for (unsigned ch = 0; ch < 2; ch++) {
        if (samples(d, ch) && !sampled[ch])
            cross(c, ch);
        if (!(control(d, ch) & DMAEN))
            dma_request(c, signals[ch], false);
        if (!bits(control(d, ch), 6, 2))
            d->lfsr[ch] = 0xAAA, d->triangle[ch] = 0, d->falling[ch] = false;
        if ((control(d, ch) & (EN | TEN)) == EN)
            output(c, ch);
    }
    analog_changed(c);
}

bool dac_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct dac_state *d = &c->dac;

    (void)index;
    value = lanes_apb(size, value);
    switch (off / 4) {
    case CR: write_cr(c, off & ~3u, value); break;
    case SWTRIGR:
        for (unsigned ch = 0; ch < 2; ch++)
            if (value >> ch & 1 && control(d, ch) & TEN && bits(control(d, ch), 3, 3) == SOFTWARE)
                triggered(c, ch);
        break;
    case DHR12R1: hold(c, 0, value); break;
    case DHR12R1 + 1: hold(c, 0, value >> 4); break;
    case DHR8R1: hold(c, 0, (value & 0xFF) << 4); break;
    case DHR12R2: hold(c, 1, value); break;
    case DHR12R2 + 1: hold(c, 1, value >> 4); break;
    case DHR8R2: hold(c, 1, (value & 0xFF) << 4); break;
    case DHR12RD:
        hold(c, 0, value);
        hold(c, 1, value >> 16);
        break;
    case DHR12LD:
        hold(c, 0, value >> 4);
        hold(c, 1, value >> 20);
        break;
    case DHR8RD:
        hold(c, 0, (value & 0xFF) << 4);
        hold(c, 1, (value >> 8 & 0xFF) << 4);
        break;
    case MCR: write_modes(c, value); break;
    case SHSR1:
    case SHSR2: write_sample_time(c, off / 4 - SHSR1, value); break;
    case SR: d->r[SR] &= ~(value & (DMAUDR | (uint32_t)DMAUDR << 16)); break;
    default: regs_write(d->r, rows, ROWS, off & ~3u, value); break;
    }
    interrupt(c);
    return true;
}
