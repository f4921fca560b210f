/* The verdict: the table of docs/how-it-boots.md row by row, and every combination of facts against the
 * rules that must always hold. */
#include "cmocka_first.h"

#include "boot/core/verdict.h"
#include <string.h>

static const struct facts sealed_and_right = {
    .ledger.newest = {.type = LEDGER_SEALED, .length = 8}, .lint = MESSAGE_READY, .seal_matches = YES};

static void rows(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct facts facts;
        unsigned verdict;
    } table[] = {
        /* clang-format off */
        {"blank", {.lint = MESSAGE_EMPTY}, MESSAGE_EMPTY},
        {"blank, and something was begun", {.ledger.newest.type = LEDGER_BEGUN, .lint = MESSAGE_EMPTY}, MESSAGE_UNFINISHED},
        {"sealed, not looked at", {.ledger.newest.type = LEDGER_SEALED}, VERDICT_CHECK_SEAL},
        {"sealed, matches", {.ledger.newest.type = LEDGER_SEALED, .seal_matches = YES}, VERDICT_START},
        {"sealed, other content", {.ledger.newest.type = LEDGER_SEALED, .seal_matches = NO}, MESSAGE_CHANGED},
        {"sealed, ECC", {.ledger.newest.type = LEDGER_SEALED, .seal_matches = NO_ECC}, MESSAGE_UNREADABLE},
        {"sealed, other content, debugger",
         {.ledger.newest.type = LEDGER_SEALED, .seal_matches = NO, .debugger = true}, VERDICT_START},
        {"sealed, other content, but packed: not looked at",
         {.ledger.newest.type = LEDGER_SEALED, .seal_matches = NO, .packed = true}, VERDICT_CHECK_INFO},
        {"sealed, other content, but packed and whole",
         {.ledger.newest.type = LEDGER_SEALED, .seal_matches = NO, .packed = true, .info_matches = YES}, VERDICT_START},
        {"sealed, other content, packed and not whole",
         {.ledger.newest.type = LEDGER_SEALED, .seal_matches = NO, .packed = true, .info_matches = NO}, MESSAGE_CHANGED},
        {"sealed, packed, ECC",
         {.ledger.newest.type = LEDGER_SEALED, .seal_matches = NO, .packed = true, .info_matches = NO_ECC},
         MESSAGE_UNREADABLE},
        {"no record, raw", {.ledger.newest.type = LEDGER_NONE}, VERDICT_START},
        {"no record, packed: not looked at", {.packed = true}, VERDICT_CHECK_INFO},
        {"no record, packed and whole", {.packed = true, .info_matches = YES}, VERDICT_START},
        {"no record, packed and not whole", {.packed = true, .info_matches = NO}, MESSAGE_CHANGED},
        {"no record, packed and not whole, debugger",
         {.packed = true, .info_matches = NO, .debugger = true}, VERDICT_START},
        {"no record, linked elsewhere", {.lint = MESSAGE_NOT_HERE}, MESSAGE_NOT_HERE},
        {"no record, vectors unreadable", {.lint = MESSAGE_UNREADABLE}, MESSAGE_UNREADABLE},
        {"begun, raw", {.ledger.newest.type = LEDGER_BEGUN}, MESSAGE_UNFINISHED},
        {"begun, raw, debugger", {.ledger.newest.type = LEDGER_BEGUN, .debugger = true}, MESSAGE_UNFINISHED},
        {"begun, linked elsewhere", {.ledger.newest.type = LEDGER_BEGUN, .lint = MESSAGE_NOT_HERE}, MESSAGE_UNFINISHED},
        {"begun, packed: not looked at", {.ledger.newest.type = LEDGER_BEGUN, .packed = true}, VERDICT_CHECK_INFO},
        {"begun, packed and whole",
         {.ledger.newest.type = LEDGER_BEGUN, .packed = true, .info_matches = YES}, VERDICT_START},
        {"begun, packed and not whole",
         {.ledger.newest.type = LEDGER_BEGUN, .packed = true, .info_matches = NO}, MESSAGE_UNFINISHED},
        {"begun, packed and whole, wants confirmation: the ledger goes on saying begun",
         {.ledger.newest.type = LEDGER_BEGUN, .packed = true, .info_matches = YES, .wants_confirm = true},
         VERDICT_START},
        {"sealed, wrong board",
         {.ledger.newest.type = LEDGER_SEALED, .lint = MESSAGE_WRONG_BOARD, .seal_matches = YES}, MESSAGE_WRONG_BOARD},
        {"sealed, wants confirmation",
         {.ledger.newest.type = LEDGER_SEALED, .seal_matches = YES, .wants_confirm = true}, VERDICT_START_COUNTED},
        {"started once", {.ledger.newest = {.type = LEDGER_START, .starts = 1}, .seal_matches = YES, .wants_confirm = true},
         VERDICT_START_COUNTED},
        {"started twice", {.ledger.newest = {.type = LEDGER_START, .starts = 2}, .seal_matches = YES, .wants_confirm = true},
         VERDICT_START_COUNTED},
        {"started three times",
         {.ledger.newest = {.type = LEDGER_START, .starts = 3}, .seal_matches = YES, .wants_confirm = true},
         MESSAGE_UNCONFIRMED},
        {"started three times, then replaced by a debugger",
         {.ledger.newest = {.type = LEDGER_START, .starts = 3}, .seal_matches = NO, .packed = true, .info_matches = YES,
          .wants_confirm = true}, VERDICT_START_COUNTED},
        {"confirmed",
         {.ledger.newest = {.type = LEDGER_CONFIRMED, .starts = 3}, .seal_matches = YES, .wants_confirm = true},
         VERDICT_START},
        {"started three times, wants no confirmation",
         {.ledger.newest = {.type = LEDGER_START, .starts = 3}, .seal_matches = YES}, VERDICT_START},
        {"wake: content is not checked", {.ledger.newest.type = LEDGER_SEALED, .wake = true}, VERDICT_START},
        {"wake after something happened to the ledger",
         {.ledger.newest.type = LEDGER_SEALED, .wake = true, .ledger.torn = true}, VERDICT_CHECK_SEAL},
        {"wake, unfinished", {.ledger.newest.type = LEDGER_BEGUN, .wake = true}, MESSAGE_UNFINISHED},
        {"wake, linked elsewhere",
         {.ledger.newest.type = LEDGER_SEALED, .wake = true, .lint = MESSAGE_NOT_HERE}, MESSAGE_NOT_HERE},
        {"wakes do not count",
         {.ledger.newest = {.type = LEDGER_START, .starts = 3}, .wake = true, .wants_confirm = true}, VERDICT_START},
        {"wakes do not count, even with a check",
         {.ledger.newest = {.type = LEDGER_START, .starts = 3}, .wake = true, .ledger.torn = true, .seal_matches = YES,
          .wants_confirm = true}, VERDICT_START},
        /* clang-format on */
    };
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (verdict(&table[i].facts) != table[i].verdict)
            fail_msg("%s: %u, not %u", table[i].what, verdict(&table[i].facts), table[i].verdict);
}

/* Every combination. Whatever else is true: */
static void rules(void **state)
{
    (void)state;
    static const enum message lints[] = {MESSAGE_READY, MESSAGE_EMPTY, MESSAGE_NOT_HERE, MESSAGE_UNREADABLE};
    unsigned all = 0, started = 0;
    for (unsigned i = 0; i < 5u * 4 * 4 * 32 * 4 * 4 * 2; i++) {
        unsigned n = i;
        struct facts f = sealed_and_right;
        f.ledger.newest.type = (uint8_t)(n % 5), n /= 5;
        f.ledger.newest.starts = (uint8_t)(n % 4), n /= 4;
        f.lint = lints[n % 4], n /= 4;
        f.packed = n & 1, f.wants_confirm = n & 2, f.debugger = n & 4, f.wake = n & 8, f.ledger.torn = n & 16;
        n /= 32;
        f.seal_matches = (enum answer)(n % 4), n /= 4;
        f.info_matches = (enum answer)(n % 4);
        unsigned v = verdict(&f);
        bool starts = v == VERDICT_START || v == VERDICT_START_COUNTED,
             sealed = f.ledger.newest.type >= LEDGER_SEALED;
        bool proven = (sealed && f.seal_matches == YES) || (f.packed && f.info_matches == YES);
        all++;
        started += starts;

        if (starts) {
            assert_int_equal(f.lint, MESSAGE_READY);
            /* unfinished is started only if the image proves itself */
            if (f.ledger.newest.type == LEDGER_BEGUN)
                assert_true(f.packed && f.info_matches == YES);
            /* otherwise something has to vouch for it */
            assert_true(proven || f.debugger || f.wake || (f.ledger.newest.type == LEDGER_NONE && !f.packed));
        }
        if (v == VERDICT_START_COUNTED)
            assert_true(f.wants_confirm && !f.wake && f.ledger.newest.type != LEDGER_BEGUN);
        if (v == MESSAGE_UNCONFIRMED)
            assert_true(f.wants_confirm && f.ledger.newest.starts >= 3 &&
                        f.ledger.newest.type != LEDGER_CONFIRMED && !f.wake);
        /* it asks only for what it does not know, and only what can be found out */
        if (v == VERDICT_CHECK_SEAL)
            assert_true(f.seal_matches == UNKNOWN && sealed);
        if (v == VERDICT_CHECK_INFO)
            assert_true(f.info_matches == UNKNOWN && f.packed);
        if (!starts && v < MESSAGE_COUNT)
            assert_int_not_equal(v, MESSAGE_READY);
    }
    print_message("# %u combinations, %u start\n", all, started);
    assert_in_range(started, 1000, all / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
