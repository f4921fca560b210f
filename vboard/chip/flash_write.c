/* Stores to flash and the start of erases, with every check that the interface makes: RM0394 "Flash
 * program and erase operations", "Programming errors". */
#include <stdio.h>

#include "chip/state.h"

static bool in_area(uint32_t from, uint32_t to, uint32_t first, uint32_t last)
{
    return first <= last && from <= last && to >= first;
}

bool flash_pcrop(const struct chip *c, uint32_t off)
{
    uint32_t first = (c->flash.loaded[1] & 0x7FFF) * 8, last = (c->flash.loaded[2] & 0x7FFF) * 8 + 7;
    return first < last && off >= first && off <= last;
}

/* WRP, PCROP; offsets, inclusive. */
static bool flash_protected(const struct chip *c, uint32_t from, uint32_t to)
{
    for (unsigned area = 3; area < 5; area++) {
        uint32_t strt = c->flash.loaded[area] & 0x7F, end = c->flash.loaded[area] >> 16 & 0x7F;
        if (strt <= end && in_area(from, to, strt * FLASH_PAGE, (end + 1) * FLASH_PAGE - 1))
            return true;
    }
    uint32_t first = (c->flash.loaded[1] & 0x7FFF) * 8, last = (c->flash.loaded[2] & 0x7FFF) * 8 + 7;
    return first < last && in_area(from, to, first, last);
}

bool flash_blocked(const struct chip *c)
{
    return flash_rdp(c->flash.loaded[0]) == 1 && c->boot_mode != 0;
}

/* What is wrong with a store of `size` bytes, as flags of SR; 0: nothing. The second word of a pair whose
 * first was not taken is out of alignment: a program that forgot to unlock reads PGSERR and PGAERR
 * (docs/chip-model.md). */
static uint32_t store_error(struct chip *c, uint32_t addr, unsigned size)
{
    const struct flash_state *f = &c->flash;
    bool pg = f->cr & CR_PG, fast = f->cr & CR_FSTPG;
    bool sequence = flash_unpowered(c) || pg == fast || f->cr & (CR_PER | CR_MER1) || f->sr & SR_BLOCKING ||
                    (fast && f->taken == 0 && !f->mass_erased);
    bool misplaced = f->latched ? addr != f->latch_addr + 4 : addr % 8;
    return (sequence ? SR_PGSERR : 0) | (size != 4 ? SR_SIZERR : 0) | (misplaced ? SR_PGAERR : 0);
}

/* Protection is looked at when the double word is complete. */
static bool writable(const struct chip *c, uint32_t addr, bool fast)
{
    uint32_t off = addr - FLASH_BASE;
    if (addr - OTP_BASE < OTP_SIZE)
        return !fast;
    return off < FLASH_SIZE && !flash_protected(c, off, off + 7) && !flash_blocked(c);
}

/* Both words of a pair are there. */
static void program(struct chip *c, uint32_t addr, uint64_t data)
{
    struct flash_state *f = &c->flash;
    f->otp = addr - OTP_BASE < OTP_SIZE;
    uint32_t off = addr - (f->otp ? OTP_BASE : FLASH_BASE);
    /* Anything but ones may be overwritten by zeros only, in OTP not even by them. */
    bool blank = f->otp ? flash_otp_blank(c, off) : flash_cells_blank(c, off);
    if (!blank && (data || f->otp)) {
        flash_error(c, SR_PROGERR);
        return;
    }
    flash_begin(c, OP_PROGRAM, off, data);
}

/* A store that no programming was meant by. Address 0 is flash too, so that a null pointer ends here: it does
 * not fault, but its flags keep the next programming from starting, long after, as users of other STM32 found
 * (speeduino's pull request 876, dRonin's issue 1562); stm32duino's CDC writes packets there (its issue 1399,
 * pull request 3058). */
static void say_stray(struct chip *c, uint32_t seen)
{
    char sentence[160];

    if (c->flash.cr & (CR_PG | CR_FSTPG) || flash_unpowered(c))
        return;
    (void)snprintf(sentence, sizeof sentence,
                   "FLASH is written at 0x%08X%s while PG is clear: that sets PGSERR, which fails later "
                   "programming until it is cleared",
                   (unsigned)seen, seen < FLASH_BASE ? ", as by a null pointer," : "");
    chip_tell_write(c, B_FLASH, sentence);
}

bool flash_write(struct chip *c, uint32_t addr, uint32_t seen, unsigned size, uint32_t value)
{
    struct flash_state *f = &c->flash;
    if (f->op != OP_FAST && flash_busy(c))
        flash_wait(c);
    bool fast = f->cr & CR_FSTPG;
    uint32_t error = store_error(c, addr, size);
    if (!error && fast && f->taken && !f->latched && addr != f->row + 8U * f->taken)
        error = SR_PGAERR; /* outside the row, or not the next double word */
    if (error) {
        say_stray(c, seen);
        flash_error(c, fast && error & ~(uint32_t)SR_PGSERR ? error | SR_FASTERR : error);
        return true;
    }
    if (!f->latched) {
        f->latched = true;
        f->latch_addr = addr;
        f->latch_word = value;
        return true;
    }
    f->latched = false;
    uint64_t data = (uint64_t)value << 32 | f->latch_word;
    if (!writable(c, f->latch_addr, fast)) {
        flash_error(c, fast ? SR_WRPERR | SR_FASTERR : SR_WRPERR);
        return true;
    }
    if (!fast) {
        program(c, f->latch_addr, data);
        return true;
    }
    if (f->taken == 0 && f->latch_addr % 256) { /* a row begins at its begin */
        flash_error(c, SR_PGAERR | SR_FASTERR);
        return true;
    }
    if (f->taken == 0)
        f->row = f->latch_addr;
    return flash_fast(c, f->latch_addr - FLASH_BASE, data);
}

void flash_start(struct chip *c)
{
    struct flash_state *f = &c->flash;
    bool page = f->cr & CR_PER, mass = f->cr & CR_MER1;
    uint32_t pnb = f->cr >> 3 & 0x7F;
    if (!page && !mass)
        return; /* not defined: nothing happens, and nothing is flagged */
    if ((page && mass) || f->cr & (CR_PG | CR_FSTPG) || f->sr & SR_BLOCKING || flash_unpowered(c)) {
        flash_error(c, SR_PGSERR);
        return;
    }
    uint32_t from = page ? pnb * FLASH_PAGE : 0, to = page ? from + FLASH_PAGE - 1 : FLASH_SIZE - 1;
    if (flash_protected(c, from, to) || flash_blocked(c)) {
        flash_error(c, SR_WRPERR);
        return;
    }
    f->otp = false;
    flash_begin(c, page ? OP_ERASE : OP_MASS, page ? pnb : 0, 0);
}
