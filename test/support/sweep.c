/* The power-cut sweep: walks a download from one flash operation to the next and cuts each of them. */
#include "sweep.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOLD = 20 };

static const char *model_name(enum vboard_cut model)
{
    static const char *const names[] = {"none", "before", "after", "torn", "half"};
    return names[model];
}

bool sweep_failed(struct sweep *s, const char *expected, const char *format, ...)
{
    char got[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(got, sizeof got, format, args);
    va_end(args);
    if (s->failures + s->recovery_failures >= TOLD)
        return false;
    const char *name = s->plan->name, *model = model_name(s->now.model);
    printf("# %s: operation %u, cut %s, seed %u%s: expected %s, got %s\n", name, s->now.operation, model,
           s->now.seed, s->at, expected, got);
    if (s->now.model == CUT_NONE)
        return false;
    printf(
        "#   cp build/test/sweep/%s.state cut.state; build/host/vdfu --flash cut.state --seed %u --cut %u:%s "
        "--download build/test/sweep/%s.bin@0x08004000; build/host/vboard --flash cut.state --for 1 --events "
        "-\n",
        name, s->now.seed, s->now.operation, model, name);
    printf("#   or SUREBOOT_SWEEP=%s:%u and this program\n", name, s->now.operation);
    return false;
}

/* splitmix64: which case is sampled for what depends on nothing but the case. */
static uint64_t mix(uint64_t z)
{
    z += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

/* ---- the download without a cut ---------------------------------------------------------- */

static bool next_operation(void *arg)
{
    const struct sweep *s = arg;
    return s->kept.oracle.operations > s->seen || s->kept.handoffs > 0 || s->kept.walk.failed || s->fault[0];
}

/* To the start of the next flash operation. False: the download is over. */
static bool go_on(struct sweep *s, unsigned seen)
{
    s->seen = seen;
    (void)vboard_run(s->board, 3000000000, next_operation, s);
    return s->kept.oracle.operations > seen;
}

/* What the operations of a whole download have to look like, and what is there in the end. */
static bool check_whole(struct sweep *s)
{
    const struct cutoracle *o = &s->kept.oracle;
    co_quiet(&s->kept.oracle);
    s->now = (struct sweep_case){.operation = o->operations, .seed = 1, .model = CUT_NONE};
    if (s->fault[0])
        return sweep_failed(s, "no fault", "%s", s->fault);
    if (s->kept.walk.failed || !s->kept.walk.done || s->kept.handoffs != 1)
        return sweep_failed(s, "a download that is accepted and starts", "step %u, status %u, %u starts",
                            s->kept.walk.step, s->kept.walk.status, s->kept.handoffs);
    if (o->wrong[0])
        return sweep_failed(s, "operations in their order", "%s", o->wrong);
    if (o->turns != s->plan->turns)
        return sweep_failed(s, "the ledger's page turned as planned", "%u turns", o->turns);
    if ((!s->plan->resumed && o->begun_at == 0) || o->sealed_at != o->operations)
        return sweep_failed(s, "BEGUN first and SEALED last", "BEGUN with operation %u, SEALED with %u of %u",
                            o->begun_at, o->sealed_at, o->operations);
    printf("# %s: %u operations, BEGUN is durable with %u, SEALED with %u\n", s->plan->name, o->operations,
           o->begun_at, o->sealed_at);
    return true;
}

static bool whole(struct sweep *s)
{
    bool ok = sweep_open(s, 1);
    if (ok) {
        for (unsigned n = 0; go_on(s, n); n++) {
        }
        ok = check_whole(s);
        s->operations = s->kept.oracle.operations;
    }
    sweep_close(s);
    return ok;
}

/* ---- cuts -------------------------------------------------------------------------------- */

static bool cut(struct sweep *s, const struct vboard_snapshot *before)
{
    vboard_restore(s->board, before);
    s->at[0] = '\0';
    s->fault[0] = '\0';
    vboard_cut(s->board, 1, s->now.model);
    (void)vboard_run(s->board, 1000000000, NULL, NULL);
    if (vboard_powered(s->board) || s->kept.oracle.operations != s->now.operation)
        return sweep_failed(s, "a power cut in that operation", "operation %u", s->kept.oracle.operations);
    dfuwalk_stop(&s->kept.walk);
    co_cut(&s->kept.oracle, s->now.model);
    return sweep_power_on(s);
}

/* Recoveries that are cut are cut anywhere, but a third of them where the ledger is written. */
static bool recover(struct sweep *s)
{
    uint64_t h = mix(s->now.hash);
    unsigned most = s->operations + 8, at = 0;
    enum vboard_cut model = CUT_NONE;
    if (h % 2) {
        unsigned r = (unsigned)(h >> 8 & 0xFFFF), where = (unsigned)(h >> 1) % 6;
        at = where == 0 ? 1 + r % 5 : where == 1 ? most - 8 - r % 8 : 1 + r % most;
        model = (h >> 24) % 4 == 0 ? CUT_BEFORE : (h >> 24) % 4 == 1 ? CUT_AFTER : CUT_TORN;
    }
    return sweep_recover(s, (unsigned)(h >> 32) % SWEEP_IMAGES, at, model);
}

static void one_case(struct sweep *s, const struct vboard_snapshot *before, unsigned n, unsigned seed,
                     enum vboard_cut model, unsigned rate)
{
    s->now = (struct sweep_case){.operation = n, .seed = seed, .model = model};
    s->now.hash = mix(mix(n) ^ (seed << 8 | (unsigned)model));
    s->cases++;
    bool recovers = s->now.hash % rate == 0;
    s->brief = !recovers;
    if (!cut(s, before)) {
        s->failures++;
    } else if (recovers) {
        s->recoveries++;
        s->brief = false;
        if (!recover(s))
            s->recovery_failures++;
    }
}

/* The operation n began after the snapshot; s->kept.oracle knows which it is. */
static void cases(struct sweep *s, const struct vboard_snapshot *before, unsigned n, unsigned seed,
                  unsigned rate)
{
    bool ledger = s->kept.oracle.addr >= CO_LEDGER, program = s->kept.oracle.program;
    enum vboard_cut torn = program ? CUT_TORN : CUT_HALF;
    if (!ledger && n % s->plan->stride != 0)
        return;
    if (ledger)
        rate = 3;
    if (seed == 1) {
        one_case(s, before, n, seed, CUT_BEFORE, rate);
        if (ledger)
            one_case(s, before, n, seed, CUT_AFTER, rate);
    }
    one_case(s, before, n, seed, torn, rate);
}

/* SUREBOOT_SWEEP=PLAN:OPERATION: only that one. 0: all; UINT_MAX: another plan. */
static unsigned only(const struct sweep_plan *plan)
{
    const char *text = getenv("SUREBOOT_SWEEP");
    size_t length = strlen(plan->name);
    if (!text)
        return 0;
    return strncmp(text, plan->name, length) == 0 && text[length] == ':' ? (unsigned)atoi(text + length + 1)
                                                                         : UINT32_MAX;
}

static bool walk(struct sweep *s, unsigned seed, unsigned rate)
{
    unsigned just = only(s->plan);
    struct vboard_snapshot *before = NULL, *now = NULL;
    bool ok = sweep_open(s, seed);
    if (ok)
        before = vboard_save(s->board);
    ok = ok && before;
    for (unsigned n = 1; ok && go_on(s, n - 1); n++) {
        now = vboard_save(s->board);
        ok = now != NULL;
        if (ok && (just == 0 || just == n)) {
            cases(s, before, n, seed, rate);
            vboard_restore(s->board, now);
            s->fault[0] = '\0';
        }
        vboard_snapshot_free(before);
        before = now;
    }
    s->now = (struct sweep_case){.operation = s->kept.oracle.operations, .seed = seed, .model = CUT_NONE};
    s->at[0] = '\0';
    if (ok && s->kept.oracle.operations != s->operations)
        ok = sweep_failed(s, "the same operations with each seed", "%u", s->kept.oracle.operations);
    vboard_snapshot_free(before);
    sweep_close(s);
    return ok;
}

unsigned sweep_run(const struct sweep_plan *plan)
{
    struct sweep *s = calloc(1, sizeof *s);
    if (!s)
        return 1;
    s->plan = plan;
    if (only(plan) == UINT32_MAX) {
        free(s);
        return 0;
    }
    bool ok = sweep_prepare(s) && whole(s);
    /* Without the ledger's: one case for each seed and one more for each operation. */
    unsigned count = s->operations / plan->stride * (plan->seeds + 1);
    unsigned rate = count / (plan->recoveries + plan->recoveries / 4 + 1) + 1;
    for (unsigned seed = 1; ok && seed <= plan->seeds; seed++)
        ok = walk(s, seed, rate);
    s->failures += !ok;
    printf("# %s: %u cuts in a download of %u KB, %u failures; %u downloads after them (%u cut as well), %u "
           "failures\n",
           plan->name, s->cases, (unsigned)(plan->size / 1024), s->failures, s->recoveries, s->second_cuts,
           s->recovery_failures);
    printf("# %s: %u refusals followed to their words on USB, %u equal to one of %u of these\n", plan->name,
           s->followed, s->shared, s->known_count);
    printf("# %s: after reset the application starts within %.1f ms, a refusal shows on USB within %.1f ms\n",
           plan->name, (double)s->slowest_start / 1e6, (double)s->slowest_refusal / 1e6);
    unsigned failures = s->failures + s->recovery_failures;
    if (failures > TOLD)
        printf("# %s: only the first %d failures were told\n", plan->name, TOLD);
    if (ok && only(plan) == 0 && s->recoveries < plan->recoveries) {
        printf("# %s: %u downloads after a cut are fewer than the %u that were planned\n", plan->name,
               s->recoveries, plan->recoveries);
        failures++;
    }
    free(s);
    return failures;
}
