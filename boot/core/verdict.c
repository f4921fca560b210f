/* The verdict table of docs/how-it-boots.md, open build, row by row. */
#include "boot/core/verdict.h"

/* `starts`: unconfirmed ones of this image; -1: it is confirmed, or starts of it are not counted. */
static unsigned start(const struct facts *f, int starts)
{
    if (!(f->content.flags & IMAGE_WANTS_CONFIRM) || f->wake || starts < 0)
        return VERDICT_START;
    if (starts >= BOOT_STARTS)
        return MESSAGE_UNCONFIRMED;
    return VERDICT_START_COUNTED;
}

unsigned verdict(struct facts *f)
{
    const struct ledger_record *r = &f->ledger.newest;
    struct content *c = &f->content;
    bool sealed = ledger_is_seal(r), begun = r->type == LEDGER_BEGUN;
    enum answer info = NO;

    f->seal = NO;
    if (c->lint != MESSAGE_READY)
        return begun ? MESSAGE_UNFINISHED : c->lint;

    /* A sleeping product does not pay for the content check, unless something happened meanwhile. */
    if (f->wake && !begun && !f->ledger.torn)
        return start(f, -1);

    if (sealed) {
        f->seal = content_matches_seal(c, r);
        if (f->seal == YES)
            return start(f, r->type == LEDGER_CONFIRMED ? -1 : r->starts);
    }
    if (c->packed) {
        /* Put there by a debugger or the ROM, and whole. After an interrupted download the ledger has
         * to go on saying so, and starts are not counted. */
        info = content_matches_info(c);
        if (info == YES)
            return start(f, begun ? -1 : 0);
    }
    if (begun)
        return MESSAGE_UNFINISHED;
    /* Put there by a debugger or the ROM, and nothing says how long it is; or being debugged. */
    if (f->debugger || (!sealed && !c->packed))
        return start(f, -1);
    return f->seal == NO_ECC || info == NO_ECC ? MESSAGE_UNREADABLE : MESSAGE_CHANGED;
}
