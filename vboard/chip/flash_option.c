/* Option bytes: RM0394 "FLASH option bytes". Five double words, each a value and its complement; the
 * registers show what was loaded, may be changed, and are written to the option page as a whole. */
#include <string.h>

#include "chip/state.h"

/* Bits that software may write, per option. Bit 20 of OPTR is reserved and 0 from the factory; firmware of
 * products with an L432 writes it as 1 and resets until it reads so. */
static const uint32_t writable[OPTIONS] = {0x0F9F77FF, 0x00007FFF, 0x80007FFF, 0x007F007F, 0x007F007F};
static const uint32_t factory[OPTIONS] = {0xFFEFF8AA, 0xFFFFFFFF, 0x00FF0000, 0xFF00FFFF, 0xFF00FFFF};
/* What is in force instead of a value that does not match its complement: all user options one but BOR
 * level 0, read protection level 1, the whole memory PCROP, no write protection. */
static const uint32_t mismatched[OPTIONS] = {0xFFFFF8FF, 0xFFFF0000, 0x00FF7FFF, 0xFF00FFFF, 0xFF00FFFF};

#define PCROP_RDP (1U << 31)

unsigned flash_rdp(uint32_t optr)
{
    uint32_t rdp = optr & 0xFF;
    return rdp == 0xAA ? 0 : rdp == 0xCC ? 2 : 1;
}

uint32_t flash_loaded_optr(const struct chip *c)
{
    return c->flash.loaded[0];
}

static void store(struct chip *c, unsigned i, uint32_t value)
{
    c->mem.nvm.option[2 * i] = value;
    c->mem.nvm.option[2 * i + 1] = ~value;
}

void flash_factory_options(struct chip *c)
{
    for (unsigned i = 0; i < OPTIONS; i++)
        store(c, i, factory[i]);
}

void flash_restore_options(struct chip *c)
{
    c->flash.optr = c->flash.loaded[0];
    memcpy(c->flash.protect, &c->flash.loaded[1], sizeof c->flash.protect);
}

void flash_load_options(struct chip *c)
{
    c->flash.optverr = false;
    for (unsigned i = 0; i < OPTIONS; i++) {
        uint32_t value = c->mem.nvm.option[2 * i];
        bool good = c->mem.nvm.option[2 * i + 1] == ~value;
        c->flash.loaded[i] = good ? value : mismatched[i];
        c->flash.optverr |= !good;
    }
    c->flash.evaluate_empty = true;
    flash_restore_options(c);
}

bool flash_empty(const struct chip *c)
{
    return c->flash.sr & SR_PEMPTY;
}

void flash_reset_ends(struct chip *c)
{
    if (!c->flash.evaluate_empty)
        return;
    c->flash.evaluate_empty = false;
    uint32_t word;
    memcpy(&word, flash_bytes(c, 0), 4);
    c->flash.sr &= ~(uint32_t)SR_PEMPTY;
    if (word == UINT32_MAX && reset_selects_flash(c))
        c->flash.sr |= SR_PEMPTY;
}

bool flash_option_reg(struct chip *c, uint32_t off, uint32_t value)
{
    if (off < FLASH_OPTR || off >= FLASH_END || c->flash.cr & CR_OPTLOCK)
        return true; /* reserved, or locked */
    unsigned i = (off - FLASH_OPTR) / 4;
    uint32_t *reg = i ? &c->flash.protect[i - 1] : &c->flash.optr;
    uint32_t next = (*reg & ~writable[i]) | (value & writable[i]);
    if (i == 2)
        next |= *reg & PCROP_RDP; /* set-only */
    *reg = next;
    return true;
}

static uint32_t wanted(const struct chip *c, unsigned i)
{
    return i ? c->flash.protect[i - 1] : c->flash.optr;
}

/* PCROP grows only, unless the read protection goes from level 1 to 0. */
static bool pcrop_shrinks(const struct chip *c)
{
    uint32_t strt = c->flash.loaded[1] & 0x7FFF, end = c->flash.loaded[2] & 0x7FFF;
    bool area = strt < end;
    return area && ((c->flash.protect[0] & 0x7FFF) > strt || (c->flash.protect[1] & 0x7FFF) < end);
}

static bool regression(const struct chip *c)
{
    return flash_rdp(c->flash.loaded[0]) == 1 && flash_rdp(c->flash.optr) == 0;
}

static bool allowed(const struct chip *c)
{
    return flash_rdp(c->flash.loaded[0]) != 2 && (!pcrop_shrinks(c) || regression(c));
}

void flash_option_start(struct chip *c)
{
    if (c->flash.sr & SR_BLOCKING || flash_unpowered(c))
        flash_error(c, SR_PGSERR);
    else if (!allowed(c))
        flash_error(c, SR_WRPERR);
    else
        flash_begin(c, OP_OPTION, OPTION_BASE, 0);
}

/* Read protection level 1 to 0: everything that was protected goes, flash, SRAM2 and backup registers, but
 * for a PCROP area that asks to stay (PCROP_RDP = 0). RM0394 "Changing the Read protection level". */
static void wipe(struct chip *c)
{
    bool keep_pcrop = !(c->flash.loaded[2] & PCROP_RDP);
    for (uint32_t page = 0; page < FLASH_PAGES; page++) {
        bool pcrop = false;
        for (uint32_t off = page * FLASH_PAGE; off < (page + 1) * FLASH_PAGE; off += 8)
            pcrop |= flash_pcrop(c, off);
        if (!pcrop || !keep_pcrop)
            flash_cells_erase(c, page);
    }
    memset(c->mem.sram + SRAM1_SIZE, 0, SRAM2_SIZE);
    chip_sram_changed(c, SRAM1_SIZE, SRAM2_SIZE);
    parity_written(c, 0, SRAM2_SIZE);
    memset(c->rtc.bkp, 0, sizeof c->rtc.bkp);
}

void flash_option_apply(struct chip *c)
{
    if (regression(c))
        wipe(c);
    for (unsigned i = 0; i < OPTIONS; i++)
        store(c, i, wanted(c, i));
}

/* The page is erased, then written word by word: each is old no more, blank, new or in between. */
void flash_option_tear(struct chip *c)
{
    uint64_t done = chip_random(c) % (OPTIONS + 1);
    for (unsigned i = 0; i < OPTIONS; i++) {
        store(c, i, wanted(c, i));
        if (i < done)
            continue;
        uint64_t missing = i == done ? chip_random(c) : UINT64_MAX;
        c->mem.nvm.option[2 * i] |= (uint32_t)missing;
        c->mem.nvm.option[2 * i + 1] |= (uint32_t)(missing >> 32);
    }
}
