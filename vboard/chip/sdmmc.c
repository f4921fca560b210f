/* SDMMC1 (RM0394 "SDMMC"): commands without response are sent, those that want one time out after 64
 * clocks, data transfers after DTIMER, for there is no card. */
#include "chip/sdmmc.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { POWER, CLKCR, CMD = 0x0C / 4, DTIMER = 0x24 / 4, DLEN, DCTRL, DCOUNT, STA = 0x34 / 4, ICR, MASK };
enum { CPSMEN = 1 << 10, DTEN = 1, DTDIR = 2 };
enum {
    CTIMEOUT = 1 << 2,
    DTIMEOUT = 1 << 3,
    CMDSENT = 1 << 7,
    CMDACT = 1 << 11,
    TXACT = 1 << 12,
    RXACT = 1 << 13
};
enum { IRQ_SDMMC = 49, COMMAND_BITS = 48 + 8, RESPONSE_TIMEOUT = 64 };
enum { TX_FLAGS = 1 << 14 | 1 << 18, RX_FLAGS = 1 << 19 }; /* TXFIFOHE, TXFIFOE; RXFIFOE */

static const struct reg_row rows[] = {
    {0x00, 0, 3},          {0x04, 0, 0x7FFF},     {0x08, 0, 0xFFFFFFFF}, {0x0C, 0, 0x0FFF},
    {0x24, 0, 0xFFFFFFFF}, {0x28, 0, 0x01FFFFFF}, {0x2C, 0, 0x0FFF},     {0x3C, 0, 0x007FFDFF},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static uint32_t card_hz(const struct chip *c)
{
    uint32_t clkcr = c->sdmmc.r[CLKCR], hz = chip_clock(c, CLK_48);

    if (!(clkcr & 1 << 8) || (c->sdmmc.r[POWER] & 3) != 3)
        return 0;
    return clkcr & 1 << 10 ? hz : hz / (bits(clkcr, 0, 8) + 2);
}

static void update(struct chip *c)
{
    const struct sdmmc_state *s = &c->sdmmc;
    ps_t when = s->command_at < s->data_at ? s->command_at : s->data_at;

    chip_irq(c, IRQ_SDMMC, B_SDMMC1, s->r[STA] & s->r[MASK]);
    chip_wake_at(c, B_SDMMC1, when);
}

static ps_t after(const struct chip *c, uint64_t clocks)
{
    ps_t time = chip_ticks_to_ps(clocks, card_hz(c));

    return time == PS_NEVER ? PS_NEVER : chip_now(c) + time;
}

void sdmmc_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->sdmmc = (struct sdmmc_state){.command_at = PS_NEVER, .data_at = PS_NEVER};
    update(c);
}

void sdmmc_event(struct chip *c, unsigned index)
{
    struct sdmmc_state *s = &c->sdmmc;

    (void)index;
    if (s->command_at <= chip_now(c)) {
        s->command_at = PS_NEVER;
        s->r[STA] &= ~(uint32_t)CMDACT;
        s->r[STA] |= bits(s->r[CMD], 6, 2) & 1 ? CTIMEOUT : CMDSENT;
    }
    if (s->data_at <= chip_now(c)) {
        s->data_at = PS_NEVER;
        s->r[STA] &= ~(uint32_t)(TXACT | RXACT | TX_FLAGS | RX_FLAGS);
        s->r[STA] |= DTIMEOUT;
    }
    update(c);
}

bool sdmmc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    *value = off < sizeof c->sdmmc.r ? lanes_get(c->sdmmc.r[off / 4], off, size) : 0;
    return true;
}

bool sdmmc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct sdmmc_state *s = &c->sdmmc;
    unsigned reg = off / 4;

    (void)index;
    value = lanes_apb(size, value);
    regs_write(s->r, rows, ROWS, off & ~3u, value);
    if (reg == ICR)
        s->r[STA] &= ~(value & 0x004005FF);
    if (reg == CMD && value & CPSMEN) {
        s->r[STA] |= CMDACT;
        s->command_at = after(c, COMMAND_BITS + (bits(value, 6, 2) & 1 ? RESPONSE_TIMEOUT : 0));
    }
    if (reg == DCTRL && value & DTEN) {
        s->r[STA] |= value & DTDIR ? RXACT | RX_FLAGS : TXACT | TX_FLAGS;
        s->r[DCOUNT] = s->r[DLEN];
        s->data_at = after(c, s->r[DTIMER]);
    }
    update(c);
    return true;
}
