/* The verdict table of docs/how-it-boots.md, open build, row by row. */
#include "boot/core/verdict.h"

/* `starts`: unconfirmed ones of this image; -1: it is confirmed, or starts of it are not counted. */
static unsigned start(const struct facts *f, int starts)
{
    if (!f->wants_confirm || f->wake || starts < 0)
        return VERDICT_START;
    if (starts >= BOOT_STARTS)
        return MESSAGE_UNCONFIRMED;
    return VERDICT_START_COUNTED;
}

unsigned verdict(const struct facts *f)
{
    const struct ledger_record *r = &f->ledger.newest;
    bool sealed = ledger_is_seal(r), begun = r->type == LEDGER_BEGUN;

    if (f->lint != MESSAGE_READY)
        return begun ? MESSAGE_UNFINISHED : f->lint;

    /* A sleeping product does not pay for the content check, unless something happened meanwhile. */
    if (f->wake && !begun && !f->ledger.torn)
        return start(f, -1);

    if (sealed) {
        if (f->seal_matches == UNKNOWN)
            return VERDICT_CHECK_SEAL;
        if (f->seal_matches == YES)
            return start(f, r->type == LEDGER_CONFIRMED ? -1 : r->starts);
    }
    if (f->packed) {
        if (f->info_matches == UNKNOWN)
            return VERDICT_CHECK_INFO;
        /* Put there by a debugger or the ROM, and whole. After an interrupted download the ledger has
         * to go on saying so, and starts are not counted. */
        if (f->info_matches == YES)
            return start(f, begun ? -1 : 0);
    }
    if (begun)
        return MESSAGE_UNFINISHED;
    /* Put there by a debugger or the ROM, and nothing says how long it is; or being debugged. */
    if (f->debugger || (!sealed && !f->packed))
        return start(f, -1);
    return f->seal_matches == NO_ECC || f->info_matches == NO_ECC ? MESSAGE_UNREADABLE : MESSAGE_CHANGED;
}
