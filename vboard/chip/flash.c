/* Registers of the flash interface, its locks and its interrupt: RM0394 "FLASH registers". */
#include <stdio.h>
#include <string.h>

#include "chip/state.h"

#define ACR_RESET    0x600U
#define ACR_WRITABLE 0x5F07U
#define ACR_ICEN     (1U << 9)
#define ACR_DCEN     (1U << 10)
#define ACR_ICRST    (1U << 11)
#define ACR_DCRST    (1U << 12)
#define ACR_RUN_PD   (1U << 13)
#define SR_CLEARABLE (SR_BLOCKING | SR_EOP | SR_OPERR | SR_RDERR | SR_OPTVERR)
#define CR_WRITABLE  0x070603FFU /* but for the locks and what starts something */
#define ECCR_ECCIE   (1U << 24)
#define ECCR_ECCC    (1U << 30)
#define ECCR_ECCD    (1U << 31)

void flash_irq(struct chip *c)
{
    const struct flash_state *f = &c->flash;
    bool eop = f->sr & SR_EOP && f->cr & CR_EOPIE;
    bool err = f->sr & SR_OPERR && f->cr & CR_ERRIE;
    bool rderr = f->sr & SR_RDERR && f->cr & CR_RDERRIE;
    bool ecc = f->eccr & ECCR_ECCC && f->eccr & ECCR_ECCIE;
    chip_irq(c, 4, B_FLASH, eop || err || rderr || ecc);
}

/* OPERR is set only if the error interrupt is enabled. */
void flash_error(struct chip *c, uint32_t flags)
{
    c->flash.sr |= flags | (c->flash.cr & CR_ERRIE ? SR_OPERR : 0);
    c->flash.latched = false;
    flash_irq(c);
}

void flash_wait(struct chip *c)
{
    ps_t from = chip_now(c);
    while (flash_busy(c) && !c->reset_pending && c->mode == MODE_RUN)
        chip_stall_until(c, c->flash.ends);
    c->flash.stall += chip_now(c) - from;
}

ps_t chip_flash_stall(const struct chip *c)
{
    return c->flash.stall;
}

void chip_flash_stall_clear(struct chip *c)
{
    c->flash.stall = 0;
}

/* The highest HCLK that LATENCY and the voltage range allow, MHz. */
static unsigned limit_mhz(unsigned latency, unsigned vos)
{
    static const uint8_t mhz[2][5] = {{16, 32, 48, 64, 80}, {6, 12, 18, 26, 26}};
    return mhz[vos == 2][latency < 5 ? latency : 4];
}

void flash_clock_changed(struct chip *c)
{
    unsigned latency = c->flash.acr & 7, vos = pwr_limits(c);
    uint32_t hclk = chip_clock(c, CLK_HCLK);
    if (hclk <= 1010000 * limit_mhz(latency, vos))
        return;
    char sentence[160];
    snprintf(
        sentence, sizeof sentence,
        "HCLK of %u kHz is too fast for %u flash wait states in voltage range %u (at most %u MHz): a real "
        "chip may read wrong instructions",
        (unsigned)(hclk / 1000), latency, vos, limit_mhz(latency, vos));
    chip_say_once(c, &c->rcc.told_limits, sentence);
}

void flash_reset(struct chip *c, unsigned index)
{
    (void)index;
    struct flash_state *f = &c->flash;
    flash_icache_flush(c);
    flash_dcache_flush(c);
    chip_flash_changed(c, 0, FLASH_SIZE);
    f->acr = ACR_RESET;
    f->cr = CR_LOCK | CR_OPTLOCK;
    f->sr = (f->sr & SR_PEMPTY) | (f->optverr ? SR_OPTVERR : 0);
    f->optverr = false;
    f->eccr = 0;
    f->key_step = f->optkey_step = f->pdkey_step = 0;
    f->told_down = false;
    f->keys_failed = f->optkeys_failed = f->latched = f->mass_erased = false;
    flash_restore_options(c);
    flash_update_gate(c);
    flash_irq(c);
}

/* A pair of keys in order. true: the bus accepts the write; *step is 2 when both were right. */
static bool key(const uint32_t keys[2], uint8_t *step, bool *failed, uint32_t value)
{
    if (*failed || *step >= 2 || value != keys[*step]) {
        *failed = true;
        *step = 0;
        return false;
    }
    ++*step;
    return true;
}

static bool write_keyr(struct chip *c, uint32_t value)
{
    static const uint32_t keys[2] = {0x45670123, 0xCDEF89AB};
    struct flash_state *f = &c->flash;
    if (!(f->cr & CR_LOCK)) /* unlocked already: a wrong sequence, as users met */
        f->key_step = 2;
    bool ok = key(keys, &f->key_step, &f->keys_failed, value);
    if (!ok)
        f->cr |= CR_LOCK | CR_OPTLOCK;
    else if (f->key_step == 2)
        f->cr &= ~CR_LOCK;
    return ok;
}

static bool write_optkeyr(struct chip *c, uint32_t value)
{
    static const uint32_t keys[2] = {0x08192A3B, 0x4C5D6E7F};
    struct flash_state *f = &c->flash;
    if (f->cr & CR_LOCK || !(f->cr & CR_OPTLOCK)) /* LOCK has to be clear first */
        f->optkey_step = 2;
    bool ok = key(keys, &f->optkey_step, &f->optkeys_failed, value);
    if (!ok)
        f->cr |= CR_OPTLOCK;
    else if (f->optkey_step == 2)
        f->cr &= ~(uint32_t)CR_OPTLOCK;
    return ok;
}

/* RUN_PD is unlocked by its own keys, again as often as one likes; a wrong one locks it. */
static void write_pdkeyr(struct chip *c, uint32_t value)
{
    static const uint32_t keys[2] = {0x04152637, 0xFAFBFCFD};
    uint8_t *n = &c->flash.pdkey_step;
    *n = *n == 1 && value == keys[1] ? 2 : value == keys[0] ? 1 : 0;
}

bool flash_powered_down(const struct chip *c)
{
    return c->flash.acr & ACR_RUN_PD;
}

bool flash_unpowered(struct chip *c)
{
    if (!flash_powered_down(c))
        return false;
    chip_say_once(c, &c->flash.told_down, "Flash is accessed while it is powered down (FLASH_ACR.RUN_PD)");
    return true;
}

static void write_acr(struct chip *c, uint32_t value)
{
    struct flash_state *f = &c->flash;
    uint32_t next = value & ACR_WRITABLE;
    next |= (f->pdkey_step == 2 ? value : f->acr) & ACR_RUN_PD;
    /* The caches are reset only while they are off. */
    if (f->acr & ACR_ICEN)
        next = (next & ~ACR_ICRST) | (f->acr & ACR_ICRST);
    if (f->acr & ACR_DCEN)
        next = (next & ~ACR_DCRST) | (f->acr & ACR_DCRST);
    bool instructions_off = f->acr & ~next & ACR_ICEN, instructions_on = next & ~f->acr & ACR_ICEN;
    f->acr = next;
    /* A cache that is switched off keeps its content until it is reset; that of the instruction cache
     * cannot be told apart from the flash by anything that executes meanwhile, and is dropped. */
    if (next & ACR_ICRST || instructions_off)
        flash_icache_flush(c);
    if (next & ACR_DCRST)
        flash_dcache_flush(c);
    if (instructions_on) /* what was executed meanwhile is not in the cache */
        chip_flash_changed(c, 0, FLASH_SIZE);
    flash_update_gate(c);
    flash_clock_changed(c);
}

static void write_sr(struct chip *c, uint32_t value)
{
    c->flash.sr &= ~(value & SR_CLEARABLE);
    c->flash.sr ^= value & SR_PEMPTY; /* 1 toggles */
    flash_irq(c);
}

static void write_cr(struct chip *c, uint32_t value)
{
    struct flash_state *f = &c->flash;
    if (f->cr & CR_LOCK) {
        if ((value ^ f->cr) & (CR_WRITABLE | CR_STRT | CR_OPTSTRT | CR_OBL_LAUNCH))
            chip_ignored(c, B_FLASH, "CR", "while LOCK is set");
        return;
    }
    bool options = !(f->cr & CR_OPTLOCK);
    if (!options && value & (CR_OPTSTRT | CR_OBL_LAUNCH))
        chip_ignored(c, B_FLASH, "CR", "with OPTSTRT or OBL_LAUNCH while OPTLOCK is set");
    if (!options)
        value &= ~(uint32_t)(CR_OPTSTRT | CR_OBL_LAUNCH);
    f->cr = (f->cr & ~CR_WRITABLE) | (value & CR_WRITABLE);
    if (!(f->cr & CR_PG))
        f->latched = false;
    if (value & CR_LOCK) { /* set-only; takes the option lock with it */
        f->cr |= CR_LOCK | CR_OPTLOCK;
        f->key_step = f->optkey_step = 0;
    } else if (value & CR_OPTLOCK) {
        f->cr |= CR_OPTLOCK;
        f->optkey_step = 0;
    }
    flash_irq(c);
    if (value & CR_STRT)
        flash_start(c);
    else if (value & CR_OPTSTRT)
        flash_option_start(c);
    if (value & CR_OBL_LAUNCH)
        chip_request_reset(c, RESET_OBL);
}

static void write_eccr(struct chip *c, uint32_t value)
{
    uint32_t *eccr = &c->flash.eccr;
    *eccr &= ~(value & (ECCR_ECCC | ECCR_ECCD));
    *eccr = (*eccr & ~ECCR_ECCIE) | (value & ECCR_ECCIE);
    chip_nmi(c, NMI_FLASH_ECC, *eccr & ECCR_ECCD);
    flash_irq(c);
}

/* Access to these waits for the end of an operation. */
static bool waits(uint32_t off)
{
    return off >= FLASH_CR && off < FLASH_END;
}

bool flash_reg_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    const struct flash_state *f = &c->flash;
    uint32_t v = 0;
    switch (off & ~3U) {
    case FLASH_ACR: v = f->acr; break;
    case FLASH_SR: v = f->sr | (flash_busy(c) ? SR_BSY : 0); break;
    case FLASH_CR: v = f->cr; break;
    case FLASH_ECCR: v = f->eccr; break;
    case FLASH_OPTR: v = f->optr; break;
    default:
        if (off > FLASH_OPTR && off < FLASH_END)
            v = f->protect[(off - FLASH_OPTR) / 4 - 1];
    }
    *value = lanes_get(v, off, size);
    return true;
}

bool flash_reg_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    if (waits(off))
        flash_wait(c);
    return flash_reg_peek(c, index, off, size, value);
}

bool flash_reg_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    if (waits(off))
        flash_wait(c);
    uint32_t old = 0;
    /* Status bits are cleared by ones: lanes that are not written are zeros there. */
    if ((off & ~3U) != FLASH_SR && (off & ~3U) != FLASH_ECCR)
        flash_reg_peek(c, index, off & ~3U, 4, &old);
    uint32_t word = lanes_put(old, off, size, value);
    switch (off & ~3U) {
    case FLASH_ACR: write_acr(c, word); break;
    case FLASH_PDKEYR: write_pdkeyr(c, word); break;
    case FLASH_KEYR: return write_keyr(c, word);
    case FLASH_OPTKEYR: return write_optkeyr(c, word);
    case FLASH_SR: write_sr(c, word); break;
    case FLASH_CR: write_cr(c, word); break;
    case FLASH_ECCR: write_eccr(c, word); break;
    default: return flash_option_reg(c, off & ~3U, word);
    }
    return true;
}
