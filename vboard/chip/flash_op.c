/* Flash operations: their time, their end, and what is left if a reset or the loss of power interrupts
 * them. Times: DS11449 "Flash memory characteristics". */
#include <string.h>

#include "chip/state.h"

/* Typical and maximum, nanoseconds. Writing the options is a page erase and five double words. */
static const struct {
    const char *name;
    uint32_t typical, maximum;
} ops[] = {
    [OP_ERASE] = {"erase", 22020000, 24470000},
    [OP_MASS] = {"mass", 22130000, 24590000},
    [OP_PROGRAM] = {"program", 81690, 90760},
    [OP_FAST] = {"program", 59700, 66250}, /* a row of 32 in 1.91 or 2.12 ms */
    [OP_OPTION] = {"option", 22428450, 24923800},
};
#define FAST_ROW_LIMIT (7 * PS_PER_MS)
#define ROW_DWORDS     32

bool flash_busy(const struct chip *c)
{
    return c->flash.op != OP_NONE;
}

static ps_t duration(const struct chip *c, enum flash_op op)
{
    return (c->config.flash_slow ? ops[op].maximum : ops[op].typical) * 1000ULL;
}

static void finish(struct chip *c)
{
    struct flash_state *f = &c->flash;
    f->op = OP_NONE;
    f->taken = 0;
    f->waiting = false;
    f->cr &= ~(uint32_t)(CR_STRT | CR_OPTSTRT);
    chip_wake_at(c, B_FLASH, PS_NEVER);
    flash_update_gate(c);
}

/* The operation has reached its end. */
static void apply(struct chip *c)
{
    struct flash_state *f = &c->flash;
    switch (f->op) {
    case OP_ERASE: flash_cells_erase(c, f->target); break;
    case OP_MASS:
        for (uint32_t page = 0; page < FLASH_PAGES; page++)
            flash_cells_erase(c, page);
        break;
    case OP_PROGRAM:
    case OP_FAST:
        if (f->otp)
            flash_otp_program(c, f->target, f->data);
        else
            flash_cells_program(c, f->target, f->data);
        break;
    case OP_OPTION: flash_option_apply(c); break;
    case OP_NONE: break;
    }
}

/* It reaches a double word that does not change any more. */
static bool fails(const struct chip *c)
{
    const struct flash_state *f = &c->flash;
    uint32_t off = c->config.weak_fails - FLASH_BASE;
    if (!c->config.weak_fails)
        return false;
    switch (f->op) {
    case OP_ERASE: return off / FLASH_PAGE == f->target;
    case OP_PROGRAM: return !f->otp && off == f->target;
    default: return f->op == OP_MASS;
    }
}

/* The operation is broken off: about `permille` of the bits have reached their value, or an erase is
 * somewhere on its way. */
static void tear(struct chip *c, unsigned permille)
{
    struct flash_state *f = &c->flash;
    bool erase = f->op == OP_ERASE || f->op == OP_MASS;
    uint32_t first = f->op == OP_ERASE ? f->target : 0,
             last = f->op == OP_ERASE ? f->target : FLASH_PAGES - 1;
    if (erase)
        for (uint32_t page = first; page <= last; page++)
            flash_cells_half_erase(c, page);
    else if (f->op == OP_OPTION)
        flash_option_tear(c);
    else if (!f->otp)
        flash_cells_tear(c, f->target, f->data, permille);
}

void flash_interrupted(struct chip *c)
{
    struct flash_state *f = &c->flash;
    if (!flash_busy(c))
        return;
    ps_t passed = chip_now(c) - f->started, whole = duration(c, f->op);
    tear(c, passed < whole ? (unsigned)(passed * 1000 / whole) : 1000);
    f->cut = CHIP_CUT_NONE;
    finish(c);
}

static void lose_power(struct chip *c)
{
    c->flash.cut = CHIP_CUT_NONE;
    finish(c);
    chip_power_off(c, true);
    if (c->tell->power_lost)
        c->tell->power_lost(c->tell->owner);
}

void flash_begin(struct chip *c, enum flash_op op, uint32_t target, uint64_t data)
{
    struct flash_state *f = &c->flash;
    f->op = op;
    f->target = target;
    f->data = data;
    f->started = chip_now(c);
    f->ends = f->started + duration(c, op);
    f->ops++;
    f->mass_erased = op == OP_MASS || (op == OP_FAST && f->mass_erased);
    if (op == OP_ERASE || op == OP_MASS)
        f->cr |= CR_STRT;
    if (op == OP_OPTION)
        f->cr |= CR_OPTSTRT;
    if (c->tell->flash_op) {
        uint32_t where =
            op == OP_PROGRAM || op == OP_FAST ? (f->otp ? OTP_BASE : FLASH_BASE) + target : target;
        c->tell->flash_op(c->tell->owner, ops[op].name, where, (uint32_t)f->ops);
    }
    f->cut = (uint8_t)(c->tell->cut ? c->tell->cut(c->tell->owner, f->ops) : CHIP_CUT_NONE);
    if (f->cut == CHIP_CUT_BEFORE) {
        lose_power(c);
        return;
    }
    if (f->cut == CHIP_CUT_TORN || f->cut == CHIP_CUT_HALF)
        f->ends = f->started + duration(c, op) / 1000 * (100 + chip_random(c) % 800);
    chip_wake_at(c, B_FLASH, f->ends);
    flash_update_gate(c);
    if (pwr_vos(c) == 2)
        chip_say(c, "flash is programmed or erased in voltage range 2, where the result is not "
                    "guaranteed");
}

/* ---- fast programming: a row of 32 double words, one programmed while the next is delivered ---- */

static void fast_next(struct chip *c, uint32_t off, uint64_t data)
{
    struct flash_state *f = &c->flash;
    f->otp = false;
    flash_begin(c, OP_FAST, off, data);
}

bool flash_fast(struct chip *c, uint32_t off, uint64_t data)
{
    struct flash_state *f = &c->flash;
    while (f->waiting && flash_busy(c) && !c->reset_pending && c->mode == MODE_RUN)
        chip_stall_until(c, f->ends);
    if (f->taken++ == 0)
        f->row_started = chip_now(c);
    if (flash_busy(c)) {
        f->waiting = true;
        f->waiting_data = data;
    } else {
        fast_next(c, off, data);
    }
    return true;
}

static void fast_event(struct chip *c)
{
    struct flash_state *f = &c->flash;
    apply(c);
    uint8_t taken = f->taken;
    bool late = chip_now(c) - f->row_started > FAST_ROW_LIMIT;
    if (f->waiting && !late && !(f->sr & SR_FASTERR)) {
        uint32_t next = f->target + 8;
        f->waiting = false;
        fast_next(c, next, f->waiting_data);
        return;
    }
    finish(c);
    if (late || taken < ROW_DWORDS)
        flash_error(c, f->sr & SR_FASTERR ? 0 : late ? SR_FASTERR : SR_MISERR | SR_FASTERR);
    else if (f->cr & CR_EOPIE)
        f->sr |= SR_EOP;
    flash_irq(c);
    pwr_flash_idle(c);
}

void flash_event(struct chip *c, unsigned index)
{
    (void)index;
    struct flash_state *f = &c->flash;
    if (f->cut == CHIP_CUT_TORN || f->cut == CHIP_CUT_HALF) {
        tear(c, 500);
        lose_power(c);
        return;
    }
    if (f->cut == CHIP_CUT_AFTER) {
        apply(c);
        lose_power(c);
        return;
    }
    if (f->op == OP_FAST) {
        fast_event(c);
        return;
    }
    bool failed = fails(c);
    if (!failed)
        apply(c);
    finish(c);
    if (failed)
        flash_error(c, 0);
    else if (f->cr & CR_EOPIE)
        f->sr |= SR_EOP;
    flash_irq(c);
    pwr_flash_idle(c);
}
