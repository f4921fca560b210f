/* The boot path: decides in the first instructions after reset, with nothing but a stack, whether the
 * application starts, and leaves no trace of having looked. docs/how-it-boots.md. */
#include "boot/core/mailbox.h"
#include "boot/findings.h"
#include "port/port.h"
#include <string.h>

/* NRST bounces that long; a second press has to come later. */
enum { BOUNCE_MS = 20 };

/* ---- is this a reset? -------------------------------------------------------------------- */

#define TOKEN_NUMBER_0 (TOKEN_DFU - WAY_TOKEN)
_Static_assert(TOKEN_ROM - TOKEN_NUMBER_0 == WAY_ROM && TOKEN_FAULT - TOKEN_NUMBER_0 == WAY_FAULT &&
                   TOKEN_RESET - TOKEN_NUMBER_0 == 4 && TOKEN_TWICE - TOKEN_NUMBER_0 >= 8 &&
                   TOKEN_TWICE - TOKEN_NUMBER_0 != 4 + WAY_TWICE,
               "as settle() takes them apart");

/* Who was jumped to resets once, and remembers the token meanwhile. Returns the one to obey. */
static enum way settle(struct findings *f)
{
    /* Tokens are a row of numbers: those of enum way, then the same for who was asked before a reset. */
    uint32_t number = port_token_get() - TOKEN_NUMBER_0;
    unsigned kept = number & 3u;
    if (number >= 8)
        kept = BOOT_TWICE_MS && number == TOKEN_TWICE - TOKEN_NUMBER_0 ? WAY_TWICE : WAY_NONE;
    bool once = number - kept == 4; /* a reset was tried, or has just done its work */
    bool to_rom = port_reset_goes_to_rom();

    if (port_empty_check_stale() && !to_rom)
        port_reload_options();
    if (port_was_jumped_to()) {
        if (!once && !to_rom) {
            port_token_set(TOKEN_RESET + (kept & 3u)); /* two presses of NRST have nothing in between */
            port_reset();
        }
        port_undo();
        f->undone = true;
    }
    if (once || kept)
        port_token_set(0);
    return (enum way)kept;
}

/* ---- ways into DFU ----------------------------------------------------------------------- */

#if BOOT_TWICE_MS
/* Two presses of NRST: the first one leaves a mark for some time. A brown-out leaves none, and removes
 * what it finds. The flags have to be cleared, or the next reset would still show this one's. */
static enum way pressed_twice(const struct findings *f, enum way marked)
{
    port_reset_cause_clear();
    bool pin = f->cause == PORT_RESET_PIN;
    if (pin && marked == WAY_TWICE)
        return WAY_TWICE;
    if (pin) {
        port_pause(BOUNCE_MS);
        port_token_set(TOKEN_TWICE);
        port_pause(BOOT_TWICE_MS);
        port_token_set(0);
    }
    return WAY_NONE;
}
#endif

/* Who asks by token gets it, and no button is looked at. */
static enum way find_way(const struct findings *f, enum way asked)
{
    (void)f;
#if BOOT_BUTTON
    if ((asked == WAY_NONE || asked == WAY_TWICE) && port_button())
        return WAY_BUTTON;
#endif
#if BOOT_TWICE_MS
    if (asked == WAY_NONE || asked == WAY_TWICE)
        return pressed_twice(f, asked);
#endif
    return asked;
}

/* ---- the verdict ------------------------------------------------------------------------- */

static unsigned look(struct facts *f)
{
    ledger_find(&f->ledger);
    content_look(&f->content);
    f->debugger = port_debugger();
    return verdict(f);
}

/* Records that this image is about to be started without having been confirmed. */
static void count_start(struct findings *f)
{
    struct ledger_record *r = &f->facts.ledger.newest;
    struct ledger_append append;
    PORT_BASE(r);

    if (f->facts.seal != YES) {
        r->length = f->facts.content.info.length;
        r->version = f->facts.content.info.version;
        r->crc = 0;
        port_flash_crc(SLOT_ADDR, r->length, &r->crc, NULL);
        r->type = LEDGER_SEALED;
    }
    if (r->type != LEDGER_START)
        r->starts = 0;
    r->type = LEDGER_START;
    r->starts++;
    ledger_append(&append, &f->facts.ledger, r);
    for (bool ok = true;;) {
        switch (ledger_append_next(&append, ok)) {
        case LEDGER_PROGRAM:
            ok = port_flash_program_now(append.addr, append.data, append.size) == PORT_FLASH_OK;
            break;
        case LEDGER_ERASE: ok = false; break; /* there is always room, and no time */
        default: return;
        }
    }
}

/* The record by which the application will confirm itself, and its place. Nobody needs the newest one after
 * that. */
static void prepare_confirmation(struct findings *f, struct mailbox *m)
{
    struct ledger_record *r = &f->facts.ledger.newest;
    struct ledger_append append;
    m->starts = 0;
    m->confirm_at = 0;
    if (!(f->facts.content.flags & IMAGE_WANTS_CONFIRM) || !ledger_is_seal(r) || r->type == LEDGER_CONFIRMED)
        return;
    m->starts = r->starts;
    r->type = LEDGER_CONFIRMED;
    r->starts = 0;
    ledger_append(&append, &f->facts.ledger, r);
    if (ledger_append_next(&append, true) == LEDGER_PROGRAM) {
        ledger_copy(&m->confirm, &append.record);
        m->confirm_at = append.addr;
    }
}

static void tell_application(struct findings *f)
{
    struct mailbox *m = MAILBOX;
    PORT_BASE(m);
    if (m->magic != MAILBOX_MAGIC || m->check != port_crc(0, m, offsetof(struct mailbox, check)))
        memset(m, 0, sizeof *m); /* all of it, for with SRAM2_PE what nobody has written must not be read */
    m->magic = MAILBOX_MAGIC;
    m->cause = f->cause;
    m->verdict = MESSAGE_READY;
    prepare_confirmation(f, m);
    m->flags = (f->undone ? MAILBOX_UNDONE : 0) | (BOOT_TWICE_MS ? MAILBOX_CLEARED : 0);
    m->check = port_crc(0, m, offsetof(struct mailbox, check));
}

void boot_main(void)
{
    struct findings f;

    f.verdict = MESSAGE_FAULT;
    f.undone = false;
    port_watchdog();
    enum way asked = settle(&f);
    if (asked == WAY_ROM)
        port_start_rom();
    f.cause = port_reset_cause();
    f.way = find_way(&f, asked);
    /* Also for a wake, which checks no content: the clock is up in less time than it saves, and each
     * unreadable place of a ledger that a cut has left as noise costs an NMI. */
    port_fast(true);
    if (f.way == WAY_FAULT) {
        ledger_find(&f.facts.ledger); /* whatever it was that broke is not looked at again */
        f.facts.content.bad = 0;
    } else {
        f.facts.wake = f.cause & PORT_WAKE;
        unsigned v = look(&f.facts);
        f.verdict = v >= VERDICT_START ? MESSAGE_READY : v;
        if (v >= VERDICT_START && f.way == WAY_NONE) {
            if (v == VERDICT_START_COUNTED)
                count_start(&f);
            if (f.facts.content.flags & IMAGE_HAS_MAILBOX)
                tell_application(&f);
            port_fast(false);
            port_start(SLOT_ADDR);
        }
    }
    port_enter_dfu(&f);
}
