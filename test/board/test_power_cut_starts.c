/* Power cut at every flash operation by which starts are counted and confirmed: START records in the boot
 * path, CONFIRMED by the application kit, of a sealed image and of one that a debugger has put there.
 * Whatever the cuts leave: without confirmation the image runs at most three times and then it is refused, a
 * start is not lost to a cut more than once, and what is confirmed stays so. The oracle is the sweep's. */
#include "kitbench.h"

#include "board.h"
#include "board/crc32.h"
#include "chip/machine.h"
#include "cutoracle.h"
#include "fwflash.h"

#define BIN "build/test/fw/kit.bin"
enum { STARTS = 3, RECORD_WORDS = 3 };

struct life {
    struct kit *k;
    struct cutoracle oracle;
    const char *name;
    unsigned ran, cuts; /* since the beginning: unconfirmed runs of the application, losses of power */
    unsigned spare;     /* cuts that the ledger's page has room for */
    char how[160];
    unsigned cases, all_cuts, burnt, downloads;
};

static uint8_t slot[CO_SLOT_SIZE], blank_page[CO_PAGE];
static uint32_t image_size;

static void listen(void *arg, const struct vboard_event *e)
{
    struct life *l = arg;
    if (e->kind == VE_FLASH)
        co_operation(&l->oracle, e);
    kit_event(l->k, e);
}

/* ---- what there is in the beginning ------------------------------------------------------ */

static uint32_t word_at(const uint8_t *at)
{
    uint32_t w;
    memcpy(&w, at, sizeof w);
    return w;
}

/* Fills in length and CRC of the information block, which vector 7 points at (boot/core/image.h). */
static void pack(void)
{
    uint32_t at = word_at(slot + 28) - CO_SLOT;
    assert_in_range(at, 64, image_size - 40);
    memcpy(slot + at + 16, &image_size, 4);
    uint32_t crc = crc32_more(CRC32_START, slot, at + 20);
    crc = ~crc32_more(crc, slot + at + 24, image_size - at - 24);
    memcpy(slot + at + 20, &crc, 4);
}

/* Power off; the slot holds the image, and the ledger BEGUN and SEALED in turn up to that place (-1:
 * nothing). */
static struct life *beginning(const char *name, int place, unsigned spare)
{
    struct life *l = calloc(1, sizeof *l);
    assert_non_null(l);
    l->name = name;
    l->spare = spare;
    l->k = kit_start(BOOT, KIT, false, true);
    struct vboard *b = l->k->bench.board;
    vboard_power(b, false, false);
    if (place < 0)
        pack();
    assert_true(vboard_load_bytes(b, CO_SLOT, slot, sizeof slot));
    for (unsigned page = 0; page < 2; page++)
        assert_true(vboard_load_bytes(b, CO_LEDGER + page * CO_PAGE, blank_page, CO_PAGE));
    for (int i = 0; i <= place; i++) {
        uint8_t bytes[CO_RECORD];
        struct co_record r = {.type = CO_BEGUN, .sequence = 1 + (uint32_t)i};
        if ((place - i) % 2 == 0) {
            r.type = CO_SEALED;
            r.length = image_size;
            r.crc = ~crc32_more(CRC32_START, slot, image_size);
        }
        co_record_bytes(&r, bytes);
        assert_true(vboard_load_bytes(b, CO_LEDGER + (uint32_t)i * CO_RECORD, bytes, CO_RECORD));
    }
    l->oracle.board = b;
    l->oracle.wants = true;
    l->oracle.sealed = slot;
    co_power_on(&l->oracle);
    vboard_on_event(b, listen, l);
    return l;
}

static void end(struct life *l)
{
    printf("# %s: %u cases, %u cuts, %u starts counted and lost with power, %u downloads afterwards\n",
           l->name, l->cases, l->all_cuts, l->burnt, l->downloads);
    kit_end(l->k);
    free(l);
}

/* ---- what happens ------------------------------------------------------------------------ */

static bool decided(void *arg)
{
    const struct life *l = arg;
    return l->k->bench.handoffs > 0 || usbhost_state(l->k->bench.host) == UH_ADDRESSED;
}

static void check_rules(struct life *l)
{
    co_quiet(&l->oracle);
    if (l->oracle.wrong[0])
        fail_msg("%s%s: %s", l->name, l->how, l->oracle.wrong);
    if (l->oracle.turns)
        fail_msg("%s%s: a page of the ledger was erased", l->name, l->how);
}

/* The board comes up: it does what the durable records ask for. True: the application runs. */
static bool comes_up(struct life *l)
{
    struct cutoracle *o = &l->oracle;
    struct vboard *b = l->k->bench.board;
    bool refused = !o->confirmed && o->starts >= STARTS;
    unsigned starts = o->starts;
    char text[128];
    if (vboard_run(b, 1000 * MS, decided, l) != VB_CONDITION)
        fail_msg("%s%s: neither the application nor DFU", l->name, l->how);
    check_rules(l);
    if (l->k->bench.handoffs == 0) {
        dfu_product(&l->k->bench, text);
        if (!refused || !strstr(text, ": not confirmed"))
            fail_msg("%s%s: refused after %u starts: %s", l->name, l->how, starts, text);
        return false;
    }
    if (refused)
        fail_msg("%s%s: started after three starts", l->name, l->how);
    if (o->starts != (o->confirmed ? 0 : starts + 1) || vboard_peek32(b, MAILBOX + 16) != o->starts)
        fail_msg("%s%s: start %u after %u, the mailbox says %u", l->name, l->how, o->starts, starts,
                 vboard_peek32(b, MAILBOX + 16));
    if (!o->confirmed && ++l->ran > STARTS)
        fail_msg("%s%s: %u runs without confirmation", l->name, l->how, l->ran);
    bench_run(&l->k->bench, 2 * MS); /* the kit's main() */
    return true;
}

static bool power_on(struct life *l)
{
    l->k->bench.handoffs = 0;
    vboard_power(l->k->bench.board, true, false);
    co_power_on(&l->oracle);
    return comes_up(l);
}

static bool again(struct life *l)
{
    l->k->bench.handoffs = 0;
    vboard_nrst(l->k->bench.board, MS / 10);
    (void)usbhost_wait_detached(l->k->bench.host, MS);
    return comes_up(l);
}

/* Power is cut at that double word of the record which is written from now on. */
static void lose_power(struct life *l, unsigned word, enum vboard_cut model)
{
    struct vboard *b = l->k->bench.board;
    unsigned starts = l->oracle.starts;
    size_t used = strlen(l->how);
    (void)snprintf(l->how + used, sizeof l->how - used, ", word %u cut %s", word,
                   model == CUT_BEFORE  ? "before"
                   : model == CUT_AFTER ? "after"
                                        : "torn");
    l->k->bench.handoffs = 0;
    if (vboard_run(b, 100 * MS, NULL, NULL) != VB_OFF || l->k->bench.handoffs)
        fail_msg("%s%s: that operation did not come, or only after the start", l->name, l->how);
    l->cuts++;
    l->all_cuts++;
    co_cut(&l->oracle, model);
    l->burnt += l->oracle.starts > starts;
    if (l->oracle.wrong[0])
        fail_msg("%s%s: %s", l->name, l->how, l->oracle.wrong);
    if (!co_untouched(&l->oracle))
        fail_msg("%s%s: something else in flash has changed", l->name, l->how);
    /* The place is used up; its ledger may not have many. */
    vboard_power(b, false, l->cuts % 2);
}

/* A cut in the START of the next power-on, if one is to be written. */
static void lose_power_at_start(struct life *l, unsigned word, enum vboard_cut model)
{
    vboard_cut(l->k->bench.board, word, model);
    vboard_power(l->k->bench.board, true, false);
    co_power_on(&l->oracle);
    lose_power(l, word, model);
}

static void confirm(struct life *l)
{
    kit_order(l->k, CONFIRM, MAIN);
    bench_run(&l->k->bench, 10 * MS);
    check_rules(l);
    if (!l->oracle.confirmed || kit_variable(l->k, "result") != 1)
        fail_msg("%s%s: not confirmed", l->name, l->how);
}

/* Power is back. In half of the cases it fails again in the next START; then the image is confirmed, or
 * never is. */
static void to_the_end(struct life *l, unsigned n)
{
    bool counted = !l->oracle.confirmed && l->oracle.starts < STARTS;
    if (n % 2 && counted && l->cuts < l->spare)
        lose_power_at_start(l, 1 + n / 2 % RECORD_WORDS, CUT_TORN);
    bool runs = power_on(l);
    if (runs && n % 3 == 0)
        confirm(l);
    for (unsigned more = 0; runs && more <= STARTS; more++)
        runs = again(l);
    if (runs != l->oracle.confirmed)
        fail_msg("%s%s: it %s", l->name, l->how, runs ? "runs for ever" : "is refused though confirmed");
    if (!runs && l->ran + l->cuts < STARTS)
        fail_msg("%s%s: %u runs, %u cuts, and refused", l->name, l->how, l->ran, l->cuts);
    if (runs || n % 8)
        return;
    l->downloads++;
    co_download(&l->oracle, slot, image_size);
    l->k->bench.handoffs = 0;
    const struct dfu_element element = {CO_SLOT, slot, image_size};
    if (!dfu_job_of(&l->k->bench, (struct dfu_job){.elements = &element, .element_count = 1, .leave = true})
             .ok)
        fail_msg("%s%s: no download", l->name, l->how);
    bench_run(&l->k->bench, 30 * MS);
    co_quiet(&l->oracle);
    if (l->oracle.wrong[0] || l->k->bench.handoffs != 1 || l->oracle.starts != 1)
        fail_msg("%s%s: %u starts counted after a download; %s", l->name, l->how, l->oracle.starts,
                 l->oracle.wrong);
}

/* From that moment on: each word of the record that comes next, each model, each seed. */
static void cut_each(struct life *l, unsigned starts, bool confirming)
{
    static struct cutoracle then;
    struct vboard *b = l->k->bench.board;
    unsigned seeds = getenv("SUREBOOT_LONG") ? 200 : getenv("SUREBOOT_QUICK") ? 2 : 16, ran = l->ran, n = 0;
    struct vboard_snapshot *s = vboard_save(b);
    assert_non_null(s);
    then = l->oracle;
    for (unsigned word = 1; word <= RECORD_WORDS; word++)
        for (unsigned kind = 0; kind < 2 + seeds; kind++, n++) {
            enum vboard_cut model = kind == 0 ? CUT_BEFORE : kind == 1 ? CUT_AFTER : CUT_TORN;
            vboard_restore(b, s);
            l->oracle = then;
            l->ran = ran;
            l->cuts = 0;
            l->cases++;
            (void)snprintf(l->how, sizeof l->how, ", %s %u, seed %u",
                           confirming ? "confirmed after" : "start", confirming ? starts : starts + 1, kind);
            (void)vboard_run(b, kind * 7919 + 1, NULL, NULL); /* torn words differ by the time of the cut */
            if (confirming) {
                vboard_cut(b, word, model);
                kit_order(l->k, CONFIRM, MAIN);
                lose_power(l, word, model);
            } else {
                lose_power_at_start(l, word, model);
            }
            to_the_end(l, n);
        }
    vboard_restore(b, s);
    l->oracle = then;
    l->ran = ran;
    l->how[0] = '\0';
    vboard_snapshot_free(s);
}

static void whole_life(struct life *l)
{
    for (unsigned starts = 0; starts < STARTS; starts++) {
        cut_each(l, starts, false);
        assert_true(power_on(l));
        cut_each(l, starts + 1, true);
        vboard_power(l->k->bench.board, false, false);
    }
    assert_false(power_on(l));
    end(l);
}

static void sealed_image(void **state)
{
    (void)state;
    whole_life(beginning("sealed", 1, 3));
}

/* The last that a page takes: one place to spare for a cut. */
static void at_the_end_of_the_page(void **state)
{
    (void)state;
    whole_life(beginning("end of the page", 79, 1));
}

/* The first record of all is START. */
static void image_from_a_debugger(void **state)
{
    (void)state;
    whole_life(beginning("debugger", -1, 3));
}

static int prepare(void **state)
{
    (void)state;
    uint8_t *bytes = bench_file(BIN, &image_size);
    memset(slot, 0xFF, sizeof slot);
    memset(blank_page, 0xFF, sizeof blank_page);
    memcpy(slot, bytes, image_size);
    free(bytes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sealed_image, prepare),
        cmocka_unit_test_setup(at_the_end_of_the_page, prepare),
        cmocka_unit_test_setup(image_from_a_debugger, prepare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
