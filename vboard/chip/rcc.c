/* Registers of reset and clock control: RM0394 "RCC registers". */
#include <stdio.h>
#include <stdlib.h>

#include "chip/state.h"

/* MSICAL, HSICAL and HSI48CAL are factory values; these are as good as any. */
#define ICSCR_RESET (0x106B0000U | RCC_MSICAL)
#define CRRCR_RESET (0xA6U << 7)

/* Writes that need more than a mask. `next` is what a plain register would hold. */
static void write_cr(struct chip *c, uint32_t old, uint32_t next);
static void write_icscr(struct chip *c, uint32_t old, uint32_t next);
static void write_pll(struct chip *c, uint32_t old, uint32_t next);
static void write_pllsai1(struct chip *c, uint32_t old, uint32_t next);
static void write_cicr(struct chip *c, uint32_t old, uint32_t next);
static void write_bdcr(struct chip *c, uint32_t old, uint32_t next);
static void write_csr(struct chip *c, uint32_t old, uint32_t next);

/* Bits that software can write, those that it can only set, and those it can only read, by register.
 * Reserved offsets have an empty row. */
static const struct {
    uint32_t reset, writable, set_only;
    void (*write)(struct chip *c, uint32_t old, uint32_t next);
} regs[RCC_END / 4] = {
    [RCC_CR / 4] = {0x00000063, 0x050D0BFD, 1U << 3 | 1U << 19, write_cr},
    [RCC_ICSCR / 4] = {ICSCR_RESET, 0x1F00FF00, 0, write_icscr},
    [RCC_CFGR / 4] = {0, 0x7F00BFF3, 0, NULL},
    [RCC_PLLCFGR / 4] = {0x00001000, 0xFF737F73, 0, write_pll},
    [RCC_PLLSAI1CFGR / 4] = {0x00001000, 0xFF737F00, 0, write_pllsai1},
    [RCC_CIER / 4] = {0, 0x0000067F, 0, NULL},
    [RCC_CICR / 4] = {0, 0x0000077F, 0, write_cicr},
    [0x28 / 4] = {0, 0x00011103, 0, NULL}, /* RSTR: AHB1, AHB2, AHB3, APB1 1 and 2, APB2 */
    [0x2C / 4] = {0, 0x0004209F, 0, NULL},
    [0x30 / 4] = {0, 0x00000100, 0, NULL},
    [0x38 / 4] = {0, 0xF7E6C231, 0, NULL},
    [0x3C / 4] = {0, 0x00000025, 0, NULL},
    [0x40 / 4] = {0, 0x00235C01, 0, NULL},
    [0x48 / 4] = {0x00000100, 0x00011103, 0, NULL}, /* ENR */
    [0x4C / 4] = {0, 0x0004209F, 0, NULL},
    [0x50 / 4] = {0, 0x00000100, 0, NULL},
    [0x58 / 4] = {1U << 10, 0xF7E6CE31, 1U << 11, NULL}, /* RTCAPBEN (docs/chip-model.md); WWDGEN */
    [0x5C / 4] = {0, 0x00000025, 0, NULL},
    [0x60 / 4] = {0, 0x00235C81, 1U << 7, NULL},    /* FWEN */
    [0x68 / 4] = {0x00011303, 0x00011303, 0, NULL}, /* SMENR */
    [0x6C / 4] = {0x0005229F, 0x0005229F, 0, NULL},
    [0x70 / 4] = {0x00000100, 0x00000100, 0, NULL},
    [0x78 / 4] = {0xF7E6CE31, 0xF7E6CE31, 0, NULL},
    [0x7C / 4] = {0x00000025, 0x00000025, 0, NULL},
    [0x80 / 4] = {0x00235C01, 0x00235C01, 0, NULL},
    [RCC_CCIPR / 4] = {0, 0x7CFFFC3F, 0, NULL},
    [RCC_BDCR / 4] = {0, 0x0301833D, 1U << 5, write_bdcr},
    [RCC_CSR / 4] = {0x00000600, 0x00800F01, 0, write_csr},
    [RCC_CRRCR / 4] = {CRRCR_RESET, 0x00000001, 0, NULL},
};

#define CSR_FLAGS 0xFF000000U /* all reset flags but RMVF */

static void put(struct chip *c, unsigned reg, uint32_t keep, uint32_t value)
{
    c->rcc.reg[reg / 4] = (c->rcc.reg[reg / 4] & ~keep) | (value & keep);
}

void rcc_irq(struct chip *c)
{
    /* LSECSSF is bit 9 and reaches the processor through EXTI 19, CSSF (8) is the NMI. */
    uint32_t pending = c->rcc.reg[RCC_CIFR / 4] & c->rcc.reg[RCC_CIER / 4];
    chip_irq(c, 5, B_RCC, pending != 0);
}

/* A clock that has no bit there (FWEN) goes on. */
bool rcc_runs_in_sleep(const struct chip *c, uint32_t smenr, unsigned bit)
{
    return (c->rcc.reg[smenr / 4] | ~regs[smenr / 4].writable) >> bit & 1;
}

static void write_cr(struct chip *c, uint32_t old, uint32_t next)
{
    static const struct {
        enum rcc_osc osc;
        unsigned bit;
    } on[] = {{OSC_MSI, 0}, {OSC_HSI16, 8}, {OSC_HSE, 16}, {OSC_PLL, 24}};
    for (unsigned i = 0; i < sizeof on / sizeof on[0]; i++) /* what drives SYSCLK stays on */
        if (rcc_sysclk_uses(c, on[i].osc))
            next |= old & 1U << on[i].bit;
    if ((next >> 4 & 15) > 11 || ((old & 1) && !(old & 2))) /* no such range; MSI on, not ready */
        next = (next & ~0xF0U) | (old & 0xF0);
    if (!rcc_osc_ready(c, OSC_LSE)) /* hardware protection of MSIPLLEN */
        next &= ~(1U << 2);
    if (old & 1U << 16) /* HSEBYP: only while HSE is off */
        next = (next & ~(1U << 18)) | (old & 1U << 18);
    c->rcc.reg[RCC_CR / 4] = next;
}

/* Trims that leave the factory's accuracy of 1 %. Values of HAL structures that nobody filled in end up here:
 * HSITRIM 0 makes HSI16 too slow for a UART. */
static void tell_trim(struct chip *c, uint32_t icscr)
{
    unsigned hsi = icscr >> 24;
    int msi = (int)(icscr & 0xFF) - RCC_MSICAL;
    char sentence[120];

    if (hsi < 13 || hsi > 19)
        snprintf(sentence, sizeof sentence,
                 "HSITRIM is %u and not 16, as the factory means it: HSI16 is at %u kHz, on a real chip too",
                 hsi, (unsigned)(rcc_hsi16_hz(c) / 1000));
    else if (msi < -3 || msi > 3)
        snprintf(sentence, sizeof sentence,
                 "MSITRIM is %u and not 0, as the factory means it: MSI is about %d.%d %% too %s",
                 (unsigned)(icscr >> 8 & 0xFF), abs(msi) * 3 / 10, abs(msi) * 3 % 10,
                 msi < 0 ? "slow" : "fast");
    else
        return;
    chip_say_once(c, &c->rcc.told_trim, sentence);
}

/* HSICAL and MSICAL show the factory's value with the trim added. */
static void write_icscr(struct chip *c, uint32_t old, uint32_t next)
{
    uint32_t hsi = (ICSCR_RESET >> 16) + (next >> 24) - 16, msi = RCC_MSICAL + (next >> 8);

    (void)old;
    c->rcc.reg[RCC_ICSCR / 4] = (next & 0x1F00FF00) | (hsi & 0xFF) << 16 | (msi & 0xFF);
    tell_trim(c, c->rcc.reg[RCC_ICSCR / 4]);
}

static void write_pll(struct chip *c, uint32_t old, uint32_t next)
{
    uint32_t cr = c->rcc.reg[RCC_CR / 4];
    uint32_t keep = 0;
    if (cr & 1U << 24) /* PLLON: N, P, Q, R are fixed */
        keep |= 0xF8000000 | 3U << 25 | 3U << 21 | 1U << 17 | 0x7FU << 8;
    if (cr & (1U << 24 | 1U << 26)) /* the input is shared with PLLSAI1 */
        keep |= 0x73;
    if ((c->rcc.reg[RCC_CFGR / 4] >> 2 & 3) == 3) /* PLLREN while PLL is SYSCLK */
        keep |= 1U << 24;
    if ((next ^ old) & keep)
        chip_ignored(c, B_RCC, "PLLCFGR", "while a PLL is on");
    c->rcc.reg[RCC_PLLCFGR / 4] = (next & ~keep) | (old & keep);
}

static void write_pllsai1(struct chip *c, uint32_t old, uint32_t next)
{
    uint32_t keep = 0;
    if (c->rcc.reg[RCC_CR / 4] & 1U << 26)
        keep = 0xF8000000 | 3U << 25 | 3U << 21 | 1U << 17 | 0x7FU << 8;
    if ((next ^ old) & keep)
        chip_ignored(c, B_RCC, "PLLSAI1CFGR", "while PLLSAI1ON is set");
    c->rcc.reg[RCC_PLLSAI1CFGR / 4] = (next & ~keep) | (old & keep);
}

static void write_cicr(struct chip *c, uint32_t old, uint32_t next)
{
    (void)old;
    c->rcc.reg[RCC_CIFR / 4] &= ~next;
    c->rcc.reg[RCC_CICR / 4] = 0;
    if (next & 1U << 8)
        chip_nmi(c, NMI_CSS, false);
}

/* Backup domain: writable with PWR_CR1.DBP, LSCO too: RM0394 excepts it from BDRST alone, and ST's HAL sets
 * DBP before it touches LSCO. RTCSEL once; BDRST clears the rest. */
static void write_bdcr(struct chip *c, uint32_t old, uint32_t next)
{
    const uint32_t lsco = 3U << 24, bdrst = 1U << 16;
    if (!pwr_backup_writable(c)) {
        if (next != old)
            chip_ignored(c, B_RCC, "BDCR", "while PWR_CR1.DBP is clear");
        return;
    }
    if (old & 3U << 8)
        next = (next & ~(3U << 8)) | (old & 3U << 8);
    if (old & 1) /* LSEBYP: only while LSE is off */
        next = (next & ~(1U << 2)) | (old & 1U << 2);
    if ((old | next) & bdrst) {
        if (!(old & bdrst) && chip_blocks[B_RTC].reset)
            chip_blocks[B_RTC].reset(c, chip_blocks[B_RTC].index);
        next &= lsco | bdrst;
    }
    c->rcc.reg[RCC_BDCR / 4] = next;
}

static void write_csr(struct chip *c, uint32_t old, uint32_t next)
{
    uint32_t range = next >> 8 & 15;
    /* MSISRANGE: 1, 2, 4, 8 MHz, and only with MSIRGSEL = 1. */
    if (!(c->rcc.reg[RCC_CR / 4] & 1U << 3) || range < 4 || range > 7)
        next = (next & ~0xF00U) | (old & 0xF00);
    if (next & 1U << 23)
        next &= ~CSR_FLAGS;
    c->rcc.reg[RCC_CSR / 4] = next;
}

/* The flash interface is reset only in its power-down mode (RM0394 "RCC_AHB1RSTR"). */
static bool resettable(const struct chip *c, enum block_id id)
{
    return chip_blocks[id].enr && !chip_blocks[id].keep_on_reset && (id != B_FLASH || flash_powered_down(c));
}

bool rcc_holds(const struct chip *c, enum block_id id)
{
    const struct block *b = &chip_blocks[id];

    return resettable(c, id) && c->rcc.reg[(b->enr - 0x20) / 4] >> b->enr_bit & 1;
}

/* Reset bits that went up reset the blocks behind them. */
static void reset_blocks(struct chip *c, uint32_t off, uint32_t risen)
{
    for (unsigned i = 0; i < BLOCK_COUNT; i++) {
        const struct block *b = &chip_blocks[i];
        if (b->enr != off + 0x20 || !(risen >> b->enr_bit & 1) || !resettable(c, (enum block_id)i))
            continue;
        chip_wake_at(c, (enum block_id)i, PS_NEVER);
        if (b->reset)
            b->reset(c, b->index);
    }
}

bool rcc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    if (off < RCC_END)
        *value = lanes_get(c->rcc.reg[off / 4], off, size);
    return true;
}

bool rcc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    (void)index;
    if (off >= RCC_END)
        return true;
    uint32_t old = c->rcc.reg[off / 4], w = regs[off / 4].writable, s = regs[off / 4].set_only;
    uint32_t next = (old & ~w) | (lanes_put(old, off, size, value) & w) | (old & s);
    if (regs[off / 4].write)
        regs[off / 4].write(c, old, next);
    else
        c->rcc.reg[off / 4] = next;
    off &= ~3U;
    if (off >= RCC_AHB1RSTR && off <= RCC_APB2RSTR)
        reset_blocks(c, off, next & ~old);
    rcc_osc_update(c);
    rcc_irq(c);
    rcc_update(c);
    return true;
}

/* CSR flags that a reset leaves. Internal resets pull NRST too. */
static uint32_t flags_of(enum chip_reset cause)
{
    static const uint8_t bit[] = {
        [RESET_POWER] = 27, [RESET_PIN] = 26, [RESET_SOFT] = 28,     [RESET_IWDG] = 29,
        [RESET_WWDG] = 30,  [RESET_OBL] = 25, [RESET_LOWPOWER] = 31, [RESET_FIREWALL] = 24,
    };
    return 1U << bit[cause] | 1U << 26;
}

void rcc_reset(struct chip *c, unsigned index)
{
    (void)index;
    bool woke = c->wake_from == MODE_STANDBY;
    uint32_t bdcr = c->backup_lost ? 0 : c->rcc.reg[RCC_BDCR / 4];
    uint32_t csr = c->rcc.reg[RCC_CSR / 4], flags = csr & CSR_FLAGS;
    for (unsigned i = 0; i < RCC_END / 4; i++)
        c->rcc.reg[i] = regs[i].reset;
    c->rcc.reg[RCC_BDCR / 4] = bdcr;
    if (!(flash_loaded_optr(c) & 1U << 19)) /* WWDG_SW: the hardware watchdog sets WWDGEN */
        c->rcc.reg[0x58 / 4] |= 1U << 11;
    if (woke) /* MSI starts in the range of MSISRANGE, LSI has been running on */
        put(c, RCC_CSR, 0xF03, csr);
    else
        flags = c->reset_cause == RESET_POWER ? flags_of(RESET_POWER) : flags | flags_of(c->reset_cause);
    c->rcc.reg[RCC_CSR / 4] |= flags;
    for (unsigned o = 0; o < OSC_COUNT; o++)
        if ((o != OSC_LSE || c->backup_lost) && (o != OSC_LSI || !woke))
            c->rcc.ready_at[o] = PS_NEVER;
    c->rcc.lsi_forced = c->rcc.lsi_forced && woke;
    c->rcc.told_limits = c->rcc.told_pll = c->rcc.told_trim = false;
    c->rcc.told_no_lock = c->rcc.told_no_hse = false;
    rcc_osc_update(c);
    rcc_update(c);
}
