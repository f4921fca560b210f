/* The verdict: the table of docs/how-it-boots.md row by row, and every combination of facts against the
 * rules that must always hold. */
#include "cmocka_first.h"

#include "boot/core/verdict.h"

/* What is known, what a look at the content would say, and (from the verdict) at what it has looked. */
enum { SEAL = 1, INFO = 2 };
struct given {
    uint8_t type, starts;
    bool torn, packed, wants_confirm, debugger, wake;
    enum message lint;
    enum answer seal, info;
    unsigned looked;
};
static struct given now;

enum answer content_matches_seal(struct content *c, const struct ledger_record *r)
{
    assert_int_equal(r->type, now.type);
    assert_int_equal(c->packed, now.packed);
    assert_false(now.looked & SEAL);
    now.looked |= SEAL;
    return now.seal;
}

enum answer content_matches_info(struct content *c)
{
    assert_int_equal(c->packed, now.packed);
    assert_false(now.looked & INFO);
    now.looked |= INFO;
    return now.info;
}

static unsigned verdict_of(const struct given *g)
{
    now = *g;
    now.looked = 0;
    struct facts f = {.ledger = {.newest = {.type = g->type, .starts = g->starts}, .torn = g->torn},
                      .content = {.lint = g->lint,
                                  .packed = g->packed,
                                  .flags = g->wants_confirm ? IMAGE_WANTS_CONFIRM : IMAGE_HAS_MAILBOX},
                      .debugger = g->debugger,
                      .wake = g->wake,
                      .seal = YES};
    unsigned v = verdict(&f);
    assert_int_equal(f.seal, now.looked & SEAL ? g->seal : NO);
    return v;
}

static void rows(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct given given;
        unsigned verdict;
    } table[] = {
        /* clang-format off */
        {"blank", {.lint = MESSAGE_EMPTY}, MESSAGE_EMPTY},
        {"blank, and something was begun", {LEDGER_BEGUN, .lint = MESSAGE_EMPTY}, MESSAGE_UNFINISHED},
        {"sealed, matches", {LEDGER_SEALED, .seal = YES, .looked = SEAL}, VERDICT_START},
        {"sealed and packed, matches", {LEDGER_SEALED, .packed = true, .seal = YES, .looked = SEAL}, VERDICT_START},
        {"sealed, other content", {LEDGER_SEALED, .seal = NO, .looked = SEAL}, MESSAGE_CHANGED},
        {"sealed, ECC", {LEDGER_SEALED, .seal = NO_ECC, .looked = SEAL}, MESSAGE_UNREADABLE},
        {"sealed, other content, debugger",
         {LEDGER_SEALED, .seal = NO, .debugger = true, .looked = SEAL}, VERDICT_START},
        {"sealed, other content, but packed and whole",
         {LEDGER_SEALED, .seal = NO, .packed = true, .info = YES, .looked = SEAL | INFO}, VERDICT_START},
        {"sealed, other content, packed and not whole",
         {LEDGER_SEALED, .seal = NO, .packed = true, .info = NO, .looked = SEAL | INFO}, MESSAGE_CHANGED},
        {"sealed, packed, ECC",
         {LEDGER_SEALED, .seal = NO, .packed = true, .info = NO_ECC, .looked = SEAL | INFO}, MESSAGE_UNREADABLE},
        {"no record, raw", {.type = LEDGER_NONE}, VERDICT_START},
        {"no record, packed and whole", {.packed = true, .info = YES, .looked = INFO}, VERDICT_START},
        {"no record, packed and not whole", {.packed = true, .info = NO, .looked = INFO}, MESSAGE_CHANGED},
        {"no record, packed and not whole, debugger",
         {.packed = true, .info = NO, .debugger = true, .looked = INFO}, VERDICT_START},
        {"no record, linked elsewhere", {.lint = MESSAGE_NOT_HERE}, MESSAGE_NOT_HERE},
        {"no record, vectors unreadable", {.lint = MESSAGE_UNREADABLE}, MESSAGE_UNREADABLE},
        {"begun, raw", {.type = LEDGER_BEGUN}, MESSAGE_UNFINISHED},
        {"begun, raw, debugger", {LEDGER_BEGUN, .debugger = true}, MESSAGE_UNFINISHED},
        {"begun, linked elsewhere", {LEDGER_BEGUN, .lint = MESSAGE_NOT_HERE}, MESSAGE_UNFINISHED},
        {"begun, packed and whole", {LEDGER_BEGUN, .packed = true, .info = YES, .looked = INFO}, VERDICT_START},
        {"begun, packed and not whole",
         {LEDGER_BEGUN, .packed = true, .info = NO, .looked = INFO}, MESSAGE_UNFINISHED},
        {"begun, packed and whole, wants confirmation: the ledger goes on saying begun",
         {LEDGER_BEGUN, .packed = true, .info = YES, .wants_confirm = true, .looked = INFO}, VERDICT_START},
        {"sealed, wrong board", {LEDGER_SEALED, .lint = MESSAGE_WRONG_BOARD}, MESSAGE_WRONG_BOARD},
        {"sealed, wants confirmation",
         {LEDGER_SEALED, .seal = YES, .wants_confirm = true, .looked = SEAL}, VERDICT_START_COUNTED},
        {"started once", {LEDGER_START, 1, .seal = YES, .wants_confirm = true, .looked = SEAL},
         VERDICT_START_COUNTED},
        {"started twice", {LEDGER_START, 2, .seal = YES, .wants_confirm = true, .looked = SEAL},
         VERDICT_START_COUNTED},
        {"started three times", {LEDGER_START, 3, .seal = YES, .wants_confirm = true, .looked = SEAL},
         MESSAGE_UNCONFIRMED},
        {"started three times, then replaced by a debugger",
         {LEDGER_START, 3, .seal = NO, .packed = true, .info = YES, .wants_confirm = true, .looked = SEAL | INFO},
         VERDICT_START_COUNTED},
        {"confirmed", {LEDGER_CONFIRMED, 3, .seal = YES, .wants_confirm = true, .looked = SEAL}, VERDICT_START},
        {"started three times, wants no confirmation", {LEDGER_START, 3, .seal = YES, .looked = SEAL}, VERDICT_START},
        {"wake: content is not checked", {LEDGER_SEALED, .wake = true, .packed = true}, VERDICT_START},
        {"wake after something happened to the ledger",
         {LEDGER_SEALED, .wake = true, .torn = true, .seal = NO, .looked = SEAL}, MESSAGE_CHANGED},
        {"wake, unfinished", {LEDGER_BEGUN, .wake = true}, MESSAGE_UNFINISHED},
        {"wake, linked elsewhere", {LEDGER_SEALED, .wake = true, .lint = MESSAGE_NOT_HERE}, MESSAGE_NOT_HERE},
        {"wakes do not count", {LEDGER_START, 3, .wake = true, .wants_confirm = true}, VERDICT_START},
        {"wakes do not count, even with a check",
         {LEDGER_START, 3, .wake = true, .torn = true, .seal = YES, .wants_confirm = true, .looked = SEAL},
         VERDICT_START},
        /* clang-format on */
    };
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        unsigned v = verdict_of(&table[i].given);
        if (v != table[i].verdict || now.looked != table[i].given.looked)
            fail_msg("%s: %u, not %u; looked at %u, not %u", table[i].what, v, table[i].verdict, now.looked,
                     table[i].given.looked);
    }
}

/* Every combination. Whatever else is true: */
static void rules(void **state)
{
    (void)state;
    static const enum message lints[] = {MESSAGE_READY, MESSAGE_EMPTY, MESSAGE_NOT_HERE, MESSAGE_UNREADABLE};
    unsigned all = 0, started = 0;
    for (unsigned i = 0; i < 5u * 4 * 4 * 32 * 3 * 3; i++) {
        unsigned n = i;
        struct given g = {0};
        g.type = (uint8_t)(n % 5), n /= 5;
        g.starts = (uint8_t)(n % 4), n /= 4;
        g.lint = lints[n % 4], n /= 4;
        g.packed = n & 1, g.wants_confirm = n & 2, g.debugger = n & 4, g.wake = n & 8, g.torn = n & 16;
        n /= 32;
        g.seal = (enum answer)(n % 3), n /= 3;
        g.info = (enum answer)n;
        unsigned v = verdict_of(&g);
        bool starts = v == VERDICT_START || v == VERDICT_START_COUNTED, sealed = g.type >= LEDGER_SEALED;
        bool proven = (now.looked & SEAL && g.seal == YES) || (now.looked & INFO && g.info == YES);
        all++;
        started += starts;

        if (starts) {
            assert_int_equal(g.lint, MESSAGE_READY);
            /* unfinished is started only if the image proves itself */
            if (g.type == LEDGER_BEGUN)
                assert_true(now.looked & INFO && g.info == YES);
            /* otherwise something has to vouch for it */
            assert_true(proven || g.debugger || g.wake || (g.type == LEDGER_NONE && !g.packed));
        }
        if (v == VERDICT_START_COUNTED)
            assert_true(g.wants_confirm && !g.wake && g.type != LEDGER_BEGUN);
        if (v == MESSAGE_UNCONFIRMED)
            assert_true(g.wants_confirm && g.starts >= 3 && g.type != LEDGER_CONFIRMED && !g.wake);
        /* it looks only at what there is, and not if the start does not depend on it */
        if (now.looked & SEAL)
            assert_true(sealed && g.lint == MESSAGE_READY && (!g.wake || g.torn));
        if (now.looked & INFO)
            assert_true(g.packed && g.lint == MESSAGE_READY && !(now.looked & SEAL && g.seal == YES));
        if (!starts) {
            assert_in_range(v, 0, MESSAGE_COUNT - 1);
            assert_int_not_equal(v, MESSAGE_READY);
        }
    }
    print_message("# %u combinations, %u start\n", all, started);
    assert_in_range(started, 1000, all / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
