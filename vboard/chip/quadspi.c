/* QUADSPI (RM0394 "QUADSPI"): indirect and polling transfers take their time; no memory answers, so all
 * bits read as ones, in memory-mapped mode as well. */
#include "chip/quadspi.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { CR, DCR, SR, FCR, DLR, CCR, AR, ABR, DR, PSMKR, PSMAR, PIR, LPTR, FIFO = 16, GOES_ON = 11 };
enum { EN = 1, ABORT = 2, DMAEN = 4, TCEN = 8, APMS = 1 << 22, PMM = 1 << 23 };
enum { TEF = 1, TCF = 2, FTF = 4, SMF = 8, TOF = 16, BUSY = 1 << 5, IRQ_QUADSPI = 71 };
#define CR_IDLE 0xFFC000D8u /* PRESCALER, PMM, APMS, FSEL, DFM, SSHIFT, TCEN: not while BUSY */
enum { INDIRECT_WRITE, INDIRECT_READ, POLLING, MAPPED };

static const struct reg_row rows[] = {
    {CR * 4, 0, 0xFFDF0FDD},    {DCR * 4, 0, 0x001F0701},   {DLR * 4, 0, 0xFFFFFFFF},
    {CCR * 4, 0, 0xDF7FFFFF},   {AR * 4, 0, 0xFFFFFFFF},    {ABR * 4, 0, 0xFFFFFFFF},
    {PSMKR * 4, 0, 0xFFFFFFFF}, {PSMAR * 4, 0, 0xFFFFFFFF}, {PIR * 4, 0, 0x0000FFFF},
    {LPTR * 4, 0, 0x0000FFFF},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static unsigned mode(const struct quadspi_state *s)
{
    return bits(s->r[CCR], 26, 2);
}

static bool busy(const struct quadspi_state *s)
{
    return s->r[SR] & BUSY;
}

/* What is to be sent is written to DR, which also starts the command. */
static bool waits_for_data(const struct quadspi_state *s)
{
    return s->r[CR] & EN && mode(s) == INDIRECT_WRITE && bits(s->r[CCR], 24, 2);
}

static void update(struct chip *c)
{
    struct quadspi_state *s = &c->quadspi;
    unsigned threshold = bits(s->r[CR], 8, 4) + 1;
    bool done = !s->left && !s->endless;
    bool read = mode(s) == INDIRECT_READ && busy(s) && (s->level >= threshold || (done && s->level));
    bool write = waits_for_data(s) && FIFO - s->level >= threshold;

    put_bit(&s->r[SR], FTF, read || write || s->polled);
    s->r[SR] = (s->r[SR] & 0xFF) | s->level << 8;
    chip_irq(c, IRQ_QUADSPI, B_QUADSPI, s->r[SR] & s->r[CR] >> 16 & 0x1F);
    dma_request(c, DMAR_QUADSPI, s->r[CR] & DMAEN && s->r[SR] & FTF);
    chip_wake_at(c, B_QUADSPI, s->byte_at);
}

static ps_t clocks(const struct chip *c, unsigned n)
{
    uint32_t hz = chip_enabled(c, B_QUADSPI) ? chip_clock(c, CLK_HCLK) : 0;
    ps_t time = chip_ticks_to_ps((uint64_t)n * (bits(c->quadspi.r[CR], 24, 8) + 1), hz);

    return time == PS_NEVER ? PS_NEVER : chip_now(c) + time;
}

/* Clocks that `count` bits take on the lines of a phase: 0 off, 1, 2, 4 lines. */
static unsigned phase(unsigned lines, unsigned count)
{
    return lines ? count >> (lines - 1) : 0;
}

static unsigned data_clocks(const struct quadspi_state *s)
{
    unsigned lines = bits(s->r[CCR], 24, 2);

    return lines ? phase(lines, 8) : 8;
}

/* Is there memory, by FSIZE? */
static bool in_memory(const struct quadspi_state *s, uint32_t addr, uint64_t size)
{
    return addr + size <= 2ull << bits(s->r[DCR], 16, 5);
}

static void start(struct chip *c)
{
    struct quadspi_state *s = &c->quadspi;
    uint32_t ccr = s->r[CCR];
    unsigned head = phase(bits(ccr, 8, 2), 8) + phase(bits(ccr, 10, 2), 8 * (bits(ccr, 12, 2) + 1)) +
                    phase(bits(ccr, 14, 2), 8 * (bits(ccr, 16, 2) + 1)) + bits(ccr, 18, 5);
    bool data = bits(ccr, 24, 2);

    s->endless = data && s->r[DLR] == UINT32_MAX;
    s->left = data ? s->r[DLR] + 1 : 0;
    s->level = 0;
    s->polled = false;
    s->byte_at = PS_NEVER;
    if (mode(s) == MAPPED) /* BUSY comes with the first access */
        return;
    if (bits(ccr, 10, 2) && !in_memory(s, s->r[AR], mode(s) == POLLING || !s->left ? 1 : s->left)) {
        s->r[SR] |= TEF;
        s->left = 0;
        return;
    }
    s->r[SR] |= BUSY;
    s->byte_at = clocks(c, head + (data && mode(s) != INDIRECT_WRITE ? data_clocks(s) : 1));
}

static void finish(struct quadspi_state *s)
{
    s->byte_at = PS_NEVER;
    s->r[SR] |= TCF;
    if (mode(s) != INDIRECT_READ || !s->level)
        s->r[SR] &= ~(uint32_t)BUSY;
}

/* A status byte of ones is compared; with no match the polling goes on until it is aborted. */
static void poll(struct chip *c)
{
    struct quadspi_state *s = &c->quadspi;
    uint32_t mask = s->r[PSMKR], differ = (UINT32_MAX ^ s->r[PSMAR]) & mask;
    bool match = s->r[CR] & PMM ? differ != mask : differ == 0;

    s->polled = true;
    s->byte_at = clocks(c, s->r[PIR] + data_clocks(s));
    if (!match)
        return;
    s->r[SR] |= SMF;
    if (s->r[CR] & APMS) {
        s->byte_at = PS_NEVER;
        s->r[SR] &= ~(uint32_t)BUSY;
    }
}

void quadspi_event(struct chip *c, unsigned index)
{
    struct quadspi_state *s = &c->quadspi;

    (void)index;
    s->byte_at = PS_NEVER;
    if (mode(s) == MAPPED) {
        s->r[SR] = (s->r[SR] & ~(uint32_t)BUSY) | TOF;
    } else if (mode(s) == POLLING) {
        poll(c);
    } else if (!s->left && !s->endless) {
        finish(s);
    } else if (mode(s) == INDIRECT_READ ? s->level < FIFO : s->level > 0) {
        s->level += mode(s) == INDIRECT_READ ? 1u : -1u;
        s->left -= s->endless ? 0 : 1;
        if (s->left || s->endless)
            s->byte_at = clocks(c, data_clocks(s));
        else
            finish(s);
    }
    update(c);
}

void quadspi_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->quadspi = (struct quadspi_state){.byte_at = PS_NEVER};
    update(c);
}

bool quadspi_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    *value = off < sizeof c->quadspi.r ? lanes_get(c->quadspi.r[off / 4], off, size) : 0;
    return true;
}

/* The FIFO goes on when it was empty, or was full and has 11 bytes or less: with a threshold of 14 and more
 * FTF may not come again before (RM0394 "QUADSPI FIFO and data management", as remembered). */
static void resume(struct chip *c)
{
    struct quadspi_state *s = &c->quadspi;
    bool room = mode(s) == INDIRECT_WRITE || (mode(s) == INDIRECT_READ && s->level <= GOES_ON);

    if (busy(s) && s->byte_at == PS_NEVER && (s->left || s->endless) && room)
        s->byte_at = clocks(c, data_clocks(s));
}

/* The FIFO is flushed, and with it a status that was polled. */
static void stop(struct quadspi_state *s)
{
    s->left = s->level = 0;
    s->endless = s->polled = false;
    s->byte_at = PS_NEVER;
    s->r[SR] &= ~(uint32_t)BUSY;
}

bool quadspi_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    struct quadspi_state *s = &c->quadspi;

    quadspi_peek(c, index, off, size, value);
    if (off / 4 != DR)
        return true;
    unsigned n = s->level < size ? s->level : size;
    *value = n || s->polled ? (uint32_t)((UINT64_C(1) << 8 * size) - 1) : 0;
    s->polled = false;
    s->level -= n;
    if (mode(s) != POLLING && !s->level && !s->left && !s->endless)
        s->r[SR] &= ~(uint32_t)BUSY;
    resume(c);
    update(c);
    return true;
}

bool quadspi_mapped(struct chip *c, uint32_t addr, unsigned size, uint32_t *value)
{
    struct quadspi_state *s = &c->quadspi;

    if (!chip_enabled(c, B_QUADSPI) || !(s->r[CR] & EN) || mode(s) != MAPPED || !in_memory(s, addr, size))
        return false;
    *value = UINT32_MAX >> (32 - 8 * size);
    s->r[SR] |= BUSY; /* it reads on, until it is aborted or the time in LPTR is over */
    s->byte_at = s->r[CR] & TCEN ? clocks(c, s->r[LPTR]) : PS_NEVER;
    update(c);
    return true;
}

bool quadspi_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct quadspi_state *s = &c->quadspi;
    unsigned reg = off / 4;

    (void)index;
    if (off >= sizeof s->r)
        return true;
    if (reg == DR) {
        if (!busy(s) && waits_for_data(s))
            start(c);
        s->level = s->level + size > FIFO ? FIFO : s->level + size;
        resume(c);
        update(c);
        return true;
    }
    value = lanes_put(s->r[reg], off, size, value);
    if (reg == FCR)
        s->r[SR] &= ~(value & 0x1B);
    bool fixed = busy(s) && reg != CR && reg != FCR; /* the rest waits for the end of the transfer */
    /* ST's HAL clears AR behind the CCR of a command without address (QSPI_Config, stm32l4xx_hal_qspi.c). */
    bool idle = reg == AR && !bits(s->r[CCR], 10, 2);
    if (busy(s) && !idle && (value ^ s->r[reg]) & (fixed ? UINT32_MAX : reg == CR ? CR_IDLE : 0))
        chip_ignored(c, B_QUADSPI, reg == CR ? "CR" : "", "while BUSY is set");
    if (reg == CR && busy(s))
        value = (value & ~CR_IDLE) | (s->r[CR] & CR_IDLE);
    if (!fixed)
        regs_write(s->r, rows, ROWS, off & ~3u, value);
    if (reg == CR && busy(s) && (value & ABORT || !(value & EN))) { /* both end all modes */
        stop(s);
        s->r[SR] |= value & ABORT ? TCF : 0;
    }
    uint32_t ccr = s->r[CCR];
    bool addressed = bits(ccr, 10, 2);
    bool last = reg == AR ? addressed : reg == CCR && !addressed && bits(ccr, 8, 2);
    if (!fixed && s->r[CR] & EN && last && !waits_for_data(s))
        start(c);
    update(c);
    return true;
}
