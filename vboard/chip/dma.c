/* DMA1 and DMA2 (RM0394 "Direct memory access controller"): seven channels each, requests selected by
 * CSELR, memory to memory, circular mode, priorities, flags. A controller makes one transfer at a time;
 * how long it takes follows AN2548: one cycle of arbitration, then the two accesses. */
#include "chip/dma.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { ISR = 0x00, IFCR = 0x04, CHANNEL1 = 0x08, CHANNEL_STEP = 20, CSELR = 0xA8 };
enum { CCR = 0, CNDTR = 4, CPAR = 8, CMAR = 12 };
enum {
    CCR_EN = 1,
    CCR_TCIE = 1 << 1,
    CCR_HTIE = 1 << 2,
    CCR_TEIE = 1 << 3,
    CCR_DIR = 1 << 4,
    CCR_CIRC = 1 << 5,
    CCR_PINC = 1 << 6,
    CCR_MINC = 1 << 7,
    CCR_MEM2MEM = 1 << 14,
    CCR_ALL = 0x7FFF,
    CCR_WHILE_ENABLED = CCR_EN | CCR_TCIE | CCR_HTIE | CCR_TEIE | CCR_CIRC
};
enum { GIF = 1, TCIF = 2, HTIF = 4, TEIF = 8 }; /* of channel 1; the next four bits up for each next */

/* The request table: RM0394 "DMA requests for each channel". */
static const struct request {
    uint8_t signal, dma, channel, code; /* controller and channel from 1 */
} requests[] = {
    {DMAR_ADC1, 1, 1, 0},       {DMAR_ADC1, 2, 3, 0},       {DMAR_DAC1_CH1, 1, 3, 6},
    {DMAR_DAC1_CH1, 2, 4, 3},   {DMAR_DAC1_CH2, 1, 4, 5},   {DMAR_DAC1_CH2, 2, 5, 3},
    {DMAR_I2C1_TX, 1, 6, 3},    {DMAR_I2C1_TX, 2, 7, 5},    {DMAR_I2C1_RX, 1, 7, 3},
    {DMAR_I2C1_RX, 2, 6, 5},    {DMAR_I2C2_TX, 1, 4, 3},    {DMAR_I2C2_RX, 1, 5, 3},
    {DMAR_I2C3_TX, 1, 2, 3},    {DMAR_I2C3_RX, 1, 3, 3},    {DMAR_SPI1_RX, 1, 2, 1},
    {DMAR_SPI1_RX, 2, 3, 4},    {DMAR_SPI1_TX, 1, 3, 1},    {DMAR_SPI1_TX, 2, 4, 4},
    {DMAR_SPI2_RX, 1, 4, 1},    {DMAR_SPI2_TX, 1, 5, 1},    {DMAR_SPI3_RX, 2, 1, 3},
    {DMAR_SPI3_TX, 2, 2, 3},    {DMAR_USART1_TX, 1, 4, 2},  {DMAR_USART1_TX, 2, 6, 2},
    {DMAR_USART1_RX, 1, 5, 2},  {DMAR_USART1_RX, 2, 7, 2},  {DMAR_USART2_RX, 1, 6, 2},
    {DMAR_USART2_TX, 1, 7, 2},  {DMAR_USART3_TX, 1, 2, 2},  {DMAR_USART3_RX, 1, 3, 2},
    {DMAR_LPUART1_TX, 2, 6, 4}, {DMAR_LPUART1_RX, 2, 7, 4}, {DMAR_TIM1_CH1, 1, 2, 7},
    {DMAR_TIM1_CH2, 1, 3, 7},   {DMAR_TIM1_CH4, 1, 4, 7},   {DMAR_TIM1_TRIG, 1, 4, 7},
    {DMAR_TIM1_COM, 1, 4, 7},   {DMAR_TIM1_UP, 1, 6, 7},    {DMAR_TIM1_CH3, 1, 7, 7},
    {DMAR_TIM2_CH3, 1, 1, 4},   {DMAR_TIM2_UP, 1, 2, 4},    {DMAR_TIM2_CH1, 1, 5, 4},
    {DMAR_TIM2_CH2, 1, 7, 4},   {DMAR_TIM2_CH4, 1, 7, 4},   {DMAR_TIM6_UP, 1, 3, 6},
    {DMAR_TIM6_UP, 2, 4, 3},    {DMAR_TIM7_UP, 1, 4, 5},    {DMAR_TIM7_UP, 2, 5, 3},
    {DMAR_TIM15_CH1, 1, 5, 7},  {DMAR_TIM15_UP, 1, 5, 7},   {DMAR_TIM15_TRIG, 1, 5, 7},
    {DMAR_TIM15_COM, 1, 5, 7},  {DMAR_TIM16_CH1, 1, 3, 4},  {DMAR_TIM16_CH1, 1, 6, 4},
    {DMAR_TIM16_UP, 1, 3, 4},   {DMAR_TIM16_UP, 1, 6, 4},   {DMAR_QUADSPI, 1, 5, 5},
    {DMAR_QUADSPI, 2, 7, 3},    {DMAR_SDMMC1, 2, 4, 7},     {DMAR_SDMMC1, 2, 5, 7},
    {DMAR_SAI1_A, 2, 1, 1},     {DMAR_SAI1_A, 2, 6, 1},     {DMAR_SAI1_B, 2, 2, 1},
    {DMAR_SAI1_B, 2, 7, 1},     {DMAR_SWPMI1_RX, 2, 1, 4},  {DMAR_SWPMI1_TX, 2, 2, 4},
};
enum { REQUESTS = sizeof requests / sizeof requests[0] };

/* Requests of an event rather than of a full or empty register: the transfer acknowledges them. */
#define EVENT_SIGNALS                                                                                        \
    ((1ULL << DMAR_DAC1_CH1) | (1ULL << DMAR_DAC1_CH2) |                                                     \
     ((1ULL << (DMAR_TIM16_UP + 1)) - (1ULL << DMAR_TIM1_CH1)))

static const uint8_t irqs[2][DMA_CHANNELS] = {{11, 12, 13, 14, 15, 16, 17}, {56, 57, 58, 59, 60, 68, 69}};

static enum block_id id_of(unsigned index)
{
    return index ? B_DMA2 : B_DMA1;
}

/* ---- requests ---- */

/* Which channels of the controller have their selected signal high. */
static uint64_t signals_of(const struct dma_state *d, unsigned index, unsigned ch)
{
    uint64_t set = 0;
    unsigned code = bits(d->cselr, 4 * ch, 4);

    for (unsigned i = 0; i < REQUESTS; i++)
        if (requests[i].dma == index + 1 && requests[i].channel == ch + 1 && requests[i].code == code)
            set |= 1ULL << requests[i].signal;
    return set;
}

static bool wants(const struct dma_state *d, unsigned ch)
{
    const struct dma_channel *k = &d->channel[ch];
    return (k->ccr & CCR_EN) && k->cndtr && (k->ccr & CCR_MEM2MEM || d->requested >> ch & 1);
}

static void schedule(struct chip *c, unsigned index)
{
    struct dma_state *d = &c->dma[index];

    for (unsigned ch = 0; ch < DMA_CHANNELS; ch++) {
        if (wants(d, ch)) {
            ps_t now = chip_now(c), start = d->free_at > now ? d->free_at : now;
            uint32_t hz = chip_enabled(c, id_of(index)) ? chip_clock(c, CLK_HCLK) : 0;
            ps_t arbitration = chip_ticks_to_ps(1, hz);
            chip_wake_at(c, id_of(index), arbitration == PS_NEVER ? PS_NEVER : start + arbitration);
            return;
        }
    }
    chip_wake_at(c, id_of(index), PS_NEVER);
}

static void look_at_requests(struct chip *c, unsigned index)
{
    struct dma_state *d = &c->dma[index];

    d->requested = 0;
    for (unsigned ch = 0; ch < DMA_CHANNELS; ch++)
        if (c->dma_signals.level & signals_of(d, index, ch))
            d->requested |= 1u << ch;
}

bool dma_requested(const struct chip *c, enum dma_signal signal)
{
    return c->dma_signals.level >> signal & 1;
}

uint32_t dma_remaining(const struct chip *c, enum dma_signal signal)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (requests[i].signal != signal)
            continue;
        const struct dma_state *d = &c->dma[requests[i].dma - 1];
        const struct dma_channel *k = &d->channel[requests[i].channel - 1];
        if (k->ccr & CCR_EN && bits(d->cselr, 4 * (requests[i].channel - 1u), 4) == requests[i].code)
            return k->cndtr;
    }
    return UINT32_MAX;
}

bool dma_brings_last(const struct chip *c, enum dma_signal signal)
{
    return c->dma_signals.last >> signal & 1;
}

void dma_request(struct chip *c, enum dma_signal signal, bool level)
{
    uint64_t before = c->dma_signals.level, bit = 1ULL << signal;

    if (!(before & bit) == !level)
        return;
    c->dma_signals.level = before ^ bit;
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (requests[i].signal != signal)
            continue;
        unsigned index = requests[i].dma - 1u, ch = requests[i].channel - 1u;
        struct dma_state *d = &c->dma[index];
        if (bits(d->cselr, 4 * ch, 4) != requests[i].code)
            continue;
        bool high = c->dma_signals.level & signals_of(d, index, ch);
        put_bit(&d->requested, 1u << ch, high);
        if (d->channel[ch].ccr & CCR_EN)
            schedule(c, index);
    }
}

/* ---- flags ---- */

static void interrupt(struct chip *c, unsigned index, unsigned ch)
{
    const struct dma_state *d = &c->dma[index];
    uint32_t flags = bits(d->isr, 4 * ch, 4);

    chip_irq(c, irqs[index][ch], id_of(index), flags & d->channel[ch].ccr & (TCIF | HTIF | TEIF));
}

static void raise_flags(struct chip *c, unsigned index, unsigned ch, uint32_t flags)
{
    c->dma[index].isr |= (flags | GIF) << (4 * ch);
    interrupt(c, index, ch);
}

/* CGIF clears all of a channel; GIF goes with the last of the others. */
static void clear_flags(struct chip *c, unsigned index, uint32_t value)
{
    struct dma_state *d = &c->dma[index];

    for (unsigned ch = 0; ch < DMA_CHANNELS; ch++) {
        uint32_t clear = bits(value, 4 * ch, 4), flags = bits(d->isr, 4 * ch, 4);
        if (!clear)
            continue;
        flags &= clear & GIF ? 0 : ~clear;
        if (!(flags & (TCIF | HTIF | TEIF)))
            flags = 0;
        d->isr = (d->isr & ~(0xFu << (4 * ch))) | flags << (4 * ch);
        interrupt(c, index, ch);
    }
}

/* ---- transfers ---- */

static ps_t access_time(const struct chip *c, uint32_t addr)
{
    uint32_t hclk = chip_clock(c, CLK_HCLK);
    ps_t time = chip_ticks_to_ps(2, hclk);

    if (addr - 0x40000000 < 0x10000) /* through the bridge: two cycles of the slower clock */
        time += chip_ticks_to_ps(2, chip_clock(c, CLK_PCLK1));
    else if (addr - 0x40010000 < 0x10000)
        time += chip_ticks_to_ps(2, chip_clock(c, CLK_PCLK2));
    return time;
}

/* One datum from the source to the destination, in their sizes: the low part goes over, what is
 * missing is zero. Addresses are aligned by the controller. */
static bool move(struct chip *c, const struct dma_channel *k, ps_t *time)
{
    unsigned psize = 1u << bits(k->ccr, 8, 2) % 3, msize = 1u << bits(k->ccr, 10, 2) % 3;
    uint32_t par = k->par & ~(psize - 1), mar = k->mar & ~(msize - 1), data = 0;
    bool from_memory = k->ccr & CCR_DIR;

    *time = access_time(c, par) + access_time(c, mar);
    if (from_memory)
        return chip_bus_read(c, mar, msize, &data) && chip_bus_write(c, par, psize, data);
    return chip_bus_read(c, par, psize, &data) && chip_bus_write(c, mar, msize, data);
}

static void load_addresses(struct dma_channel *k)
{
    k->par = k->cpar;
    k->mar = k->cmar;
}

static void acknowledge(struct chip *c, unsigned index, unsigned ch)
{
    uint64_t event = c->dma_signals.level & signals_of(&c->dma[index], index, ch) & EVENT_SIGNALS;

    if (event)
        dma_request(c, (enum dma_signal)__builtin_ctzll(event), false);
}

static void transfer(struct chip *c, unsigned index, unsigned ch)
{
    struct dma_state *d = &c->dma[index];
    struct dma_channel *k = &d->channel[ch];
    ps_t time;
    struct dma_channel at = *k;

    if (k->ccr & CCR_PINC)
        k->par += 1u << bits(k->ccr, 8, 2) % 3;
    if (k->ccr & CCR_MINC)
        k->mar += 1u << bits(k->ccr, 10, 2) % 3;
    k->cndtr--;
    d->alternate = (uint8_t)(k->ccr & CCR_MEM2MEM ? 1u << ch : 0);
    acknowledge(c, index, ch);
    c->dma_signals.last = k->cndtr || k->ccr & (CCR_CIRC | CCR_MEM2MEM) ? 0 : signals_of(d, index, ch);
    c->dma_signals.moves = true;
    bool moved = move(c, &at, &time);
    c->dma_signals.last = 0;
    c->dma_signals.moves = false;
    if (!moved) {
        k->ccr &= ~(uint32_t)CCR_EN;
        raise_flags(c, index, ch, TEIF);
        return;
    }
    d->free_at = chip_now(c) + time;
    uint32_t flags = 0;
    if (k->cndtr == k->total / 2)
        flags |= HTIF;
    if (!k->cndtr) {
        flags |= TCIF;
        if (k->ccr & CCR_CIRC) {
            k->cndtr = k->total;
            load_addresses(k);
        } else if (signals_of(d, index, ch) & 1ULL << DMAR_ADC1) {
            adc_dma_end(c);
        }
    }
    if (flags)
        raise_flags(c, index, ch, flags);
}

/* Until when the bus keeps this transfer waiting: flash during an operation. The controller does one
 * thing at a time, so its other channels wait as well. */
static ps_t ready_at(const struct chip *c, const struct dma_channel *k)
{
    ps_t par = chip_bus_ready(c, k->par), mar = chip_bus_ready(c, k->mar);
    return par > mar ? par : mar;
}

/* The highest priority, among equals the lowest number; DMA_CHANNELS: none. Behind each transfer from memory
 * to memory another channel that wants to comes first, whatever its priority (RM0394 "DMA arbitration"). */
static unsigned arbitrate(const struct dma_state *d)
{
    unsigned best = DMA_CHANNELS, again = DMA_CHANNELS;

    for (unsigned ch = 0; ch < DMA_CHANNELS; ch++) {
        if (!wants(d, ch))
            continue;
        if (d->alternate >> ch & 1)
            again = ch;
        else if (best == DMA_CHANNELS || bits(d->channel[ch].ccr, 12, 2) > bits(d->channel[best].ccr, 12, 2))
            best = ch;
    }
    return best < DMA_CHANNELS ? best : again;
}

void dma_event(struct chip *c, unsigned index)
{
    struct dma_state *d = &c->dma[index];
    unsigned best = arbitrate(d);

    if (best < DMA_CHANNELS && ready_at(c, &d->channel[best]) > chip_now(c))
        d->free_at = ready_at(c, &d->channel[best]);
    else if (best < DMA_CHANNELS)
        transfer(c, index, best);
    schedule(c, index);
}

void dma_clock(struct chip *c, unsigned index, bool after)
{
    if (after)
        schedule(c, index);
}

/* ---- registers ---- */

void dma_reset(struct chip *c, unsigned index)
{
    c->dma[index] = (struct dma_state){0};
    look_at_requests(c, index);
    for (unsigned ch = 0; ch < DMA_CHANNELS; ch++)
        interrupt(c, index, ch);
}

bool dma_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct dma_state *d = &c->dma[index];
    uint32_t word = 0, reg = off & ~3u;

    if (reg == ISR)
        word = d->isr;
    else if (reg == CSELR)
        word = d->cselr;
    else if (reg >= CHANNEL1 && reg < CHANNEL1 + DMA_CHANNELS * CHANNEL_STEP) {
        const struct dma_channel *k = &d->channel[(reg - CHANNEL1) / CHANNEL_STEP];
        switch ((reg - CHANNEL1) % CHANNEL_STEP) {
        case CCR: word = k->ccr; break;
        case CNDTR: word = k->cndtr; break;
        case CPAR: word = k->cpar; break;
        case CMAR: word = k->cmar; break;
        }
    }
    *value = lanes_get(word, off, size);
    return true;
}

/* Most of CCR is read-only while EN is set, and EN cannot be set while TEIF is. */
static void write_ccr(struct chip *c, unsigned index, unsigned ch, uint32_t value)
{
    struct dma_channel *k = &c->dma[index].channel[ch];
    bool was_on = k->ccr & CCR_EN;
    uint32_t mask = was_on ? CCR_WHILE_ENABLED : CCR_ALL;

    if (value & CCR_EN && (value ^ k->ccr) & CCR_ALL & ~mask)
        chip_ignored(c, id_of(index), "CCR", "while EN is set");
    k->ccr = (k->ccr & ~mask) | (value & mask);
    if (bits(c->dma[index].isr, 4 * ch, 4) & TEIF)
        k->ccr &= ~(uint32_t)CCR_EN;
    if (!was_on && k->ccr & CCR_EN) {
        k->total = k->cndtr;
        load_addresses(k);
    }
    interrupt(c, index, ch);
}

static void write_channel(struct chip *c, unsigned index, unsigned ch, uint32_t reg, uint32_t off,
                          unsigned size, uint32_t value)
{
    struct dma_channel *k = &c->dma[index].channel[ch];

    if (reg == CCR) {
        write_ccr(c, index, ch, lanes_put(k->ccr, off, size, value));
        return;
    }
    switch (reg) {
    case CNDTR:
        if (!(k->ccr & CCR_EN))
            k->cndtr = lanes_put(k->cndtr, off, size, value) & 0xFFFF;
        else if (lanes_put(k->cndtr, off, size, value) != k->cndtr)
            chip_ignored(c, id_of(index), "CNDTR", "while EN is set");
        break;
    /* While EN is set they say where the next round of circular mode begins. */
    case CPAR: k->cpar = lanes_put(k->cpar, off, size, value); break;
    case CMAR: k->cmar = lanes_put(k->cmar, off, size, value); break;
    }
}

bool dma_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct dma_state *d = &c->dma[index];
    uint32_t reg = off & ~3u;

    if (reg == IFCR) {
        clear_flags(c, index, lanes_put(0, off, size, value));
    } else if (reg == CSELR) {
        d->cselr = lanes_put(d->cselr, off, size, value) & 0x0FFFFFFF;
        look_at_requests(c, index);
    } else if (reg >= CHANNEL1 && reg < CHANNEL1 + DMA_CHANNELS * CHANNEL_STEP) {
        unsigned ch = (reg - CHANNEL1) / CHANNEL_STEP;
        write_channel(c, index, ch, (reg - CHANNEL1) % CHANNEL_STEP, off, size, value);
    }
    schedule(c, index);
    return true;
}
