/* What the tests of the museum of mistakes (docs/museum.md) share: a naive bootloader and what becomes of the
 * application, a download by DFU, and what sureboot says. Included once by each. */
#ifndef TEST_BOARD_MUSEUM_H
#define TEST_BOARD_MUSEUM_H

#include "board/bench.h"
#include "board/fw/naive/mistakes.h"
#include "board/fw/thread/habits.h"
#include "boot/core/message.h"
#include "command.h"
#include "examine.h"
#include "words.h"

#define NAIVE     "build/test/fw/naive.elf"
#define THREAD    "build/test/fw/thread.elf" /* the thread's bootloader */
#define FW(name)  "build/test/fw/" name
#define SLOT_SIZE 0x3B000u
#define DFU_FLAG  0xDEADBEEFu
#define BKP5R     (0x40002850u + 4 * 5)

struct seen {
    struct bench bench; /* first */
    bool stuck;         /* locked up, as Default_Handler does, or in a fault */
    unsigned writes;    /* erases and programmed double words */
};

static inline void seen_event(void *arg, const struct vboard_event *e)
{
    struct seen *s = arg;
    if (e->kind == VE_FAULT)
        s->stuck = true;
    else if (e->kind == VE_FLASH)
        s->writes++;
    else
        bench_event(&s->bench, e);
}

/* An unpowered board with this bootloader, USB host or not. */
static inline struct seen *seen_board(const char *boot, bool host)
{
    struct seen *s = calloc(1, sizeof *s);
    const struct vboard_config config = {.seed = 1};
    assert_non_null(s);
    s->bench.board = vboard_create(&config);
    assert_non_null(s->bench.board);
    vboard_on_event(s->bench.board, seen_event, s);
    if (!vboard_load_file(s->bench.board, boot, VBOARD_NO_ADDR))
        fail_msg("%s", vboard_error(s->bench.board));
    if (host) {
        const struct usbhost_config usb = {.enumerate = true, .per_frame = 10};
        s->bench.host = usbhost_create(s->bench.board, &usb);
        assert_non_null(s->bench.host);
    }
    return s;
}

static inline void seen_end(struct seen *s)
{
    bench_end(&s->bench);
}

/* Runs on, whatever happens: a lock-up ends a run early. */
static inline void let_run(struct seen *s, unsigned ms)
{
    for (uint64_t end = vboard_now(s->bench.board) + ms * MS; vboard_now(s->bench.board) < end;)
        (void)vboard_run(s->bench.board, end - vboard_now(s->bench.board), NULL, NULL);
}

/* ---- naive bootloaders ------------------------------------------------------------------- */

/* The jumping one, which makes this mistake, with the application in the slot. */
static inline struct seen *naive_started(enum mistake mistake, const char *application, bool host)
{
    const uint32_t word = mistake;
    struct seen *s = seen_board(NAIVE, host);
    if (!vboard_load_file(s->bench.board, application, VBOARD_NO_ADDR))
        fail_msg("%s", vboard_error(s->bench.board));
    vboard_power(s->bench.board, true, false);
    assert_true(vboard_poke(s->bench.board, MISTAKE_ADDR, &word, sizeof word));
    return s;
}

static inline struct seen *naive(enum mistake mistake, const char *application)
{
    struct seen *s = naive_started(mistake, application, false);
    let_run(s, 1000);
    return s;
}

/* The thread's, powered, with these habits (enum habit). */
static inline void thread_power(struct seen *s, uint32_t habits)
{
    vboard_power(s->bench.board, true, true);
    assert_true(vboard_poke(s->bench.board, HABITS_ADDR, &habits, sizeof habits));
}

static inline struct seen *thread(uint32_t habits)
{
    struct seen *s = seen_board(THREAD, true);
    thread_power(s, habits);
    return s;
}

/* It has started the application, and its LED does not blink. */
static inline void expect_dark(struct seen *s)
{
    assert_int_equal(s->bench.edges, 0);
    assert_true(s->bench.handoffs > 0);
    seen_end(s);
}

/* ---- downloads --------------------------------------------------------------------------- */

static inline struct dfu_result send_bytes(struct seen *s, const void *bytes, uint32_t size, bool leave)
{
    const struct dfu_element element = {SLOT, bytes, size};
    const struct dfu_job job = {
        .elements = &element, .element_count = 1, .leave = leave, .limit_ns = 60000 * MS};
    struct dfu_result r;
    dfu_run(s->bench.host, &job, &r);
    return r;
}

static inline struct dfu_result send_file(struct seen *s, const char *file, bool leave)
{
    uint32_t size;
    uint8_t *bytes = bench_file(file, &size);
    struct dfu_result r = send_bytes(s, bytes, size, leave);
    free(bytes);
    return r;
}

/* Downloaded to a blank board with sureboot, with leave: it has started, and goes on. */
static inline struct seen *sureboot_with(const char *bin)
{
    struct seen *s = seen_board(BOOT, true);
    vboard_power(s->bench.board, true, false);
    struct dfu_result r = send_file(s, bin, true);
    if (!r.ok)
        fail_msg("%s: %s (%s)", bin, r.error, r.string);
    s->bench.edges = 0; /* the bootloader's */
    return s;
}

/* ... and LD4 toggles every `ms`; after the next reset too. */
static inline void sureboot_runs(const char *bin, uint64_t ms)
{
    struct seen *s = sureboot_with(bin);
    for (unsigned i = 0; i < 2; i++) {
        s->bench.edges = 0;
        let_run(s, (unsigned)(8 * ms));
        assert_false(s->stuck);
        bench_expect_blink(&s->bench, 5, ms);
        vboard_nrst(s->bench.board, MS);
    }
    seen_end(s);
}

/* GETSTATUS of a download that was refused: bStatus and the sentence. */
static inline void expect_sentence(const struct dfu_result *r, enum message why)
{
    assert_false(r->ok);
    if (r->status != (int)message_status(why) || strcmp(r->string, message_sentence(why)) != 0)
        fail_msg("status %d, '%s' instead of '%s'", r->status, r->string, message_sentence(why));
}

/* sureboot refuses this file, before it touches flash. */
static inline void sureboot_refuses(const void *bytes, uint32_t size, enum message why)
{
    struct seen *s = seen_board(BOOT, true);
    vboard_power(s->bench.board, true, false);
    struct dfu_result r = send_bytes(s, bytes, size, true);
    expect_sentence(&r, why);
    let_run(s, 100);
    assert_int_equal(s->writes, 0);
    assert_int_equal(s->bench.handoffs, 0);
    seen_end(s);
}

static inline void sureboot_refuses_file(const char *file, enum message why)
{
    uint32_t size;
    uint8_t *bytes = bench_file(file, &size);
    sureboot_refuses(bytes, size, why);
    free(bytes);
}

/* After a reset it serves DFU, and its product string says why in few words. */
static inline void sureboot_stays(struct seen *s, enum message why)
{
    uint8_t d[255];
    char text[128] = "";
    uint32_t n = 0;
    assert_true(usbhost_wait_attached(s->bench.host, 1000 * MS));
    assert_int_equal(usbhost_control(s->bench.host, 0x80, 6, 0x0302, 0x0409, d, sizeof d, &n), UH_OK);
    for (uint32_t i = 0; i + 1 < n / 2; i++)
        text[i] = (char)d[2 + 2 * i];
    if (!strstr(text, few_words(why)))
        fail_msg("'%s' instead of '%s'", text, few_words(why));
}

/* ---- sureboot inspect -------------------------------------------------------------------- */

/* It exits with this status and has a finding of this code (0: none at all). */
static inline void inspect_says(const char *file, int status, int code)
{
    const char *const args[] = {"build/host/sureboot", "inspect", file, "--json", NULL};
    struct command_result r = command(args, NULL);
    if (r.status != status)
        fail_msg("%s: status %d: %s%s", file, r.status, r.out, r.err);
    cJSON *lines = json_lines(r.out);
    assert_non_null(lines);
    const cJSON *finding, *list = cJSON_GetObjectItem(cJSON_GetArrayItem(lines, 0), "findings");
    assert_non_null(list);
    bool found = code == 0 && cJSON_GetArraySize(list) == 0;
    cJSON_ArrayForEach(finding, list) found |= (int)json_number(finding, "code") == code;
    if (!found)
        fail_msg("%s: no finding %d in %s", file, code, r.out);
    cJSON_Delete(lines);
    command_result_free(&r);
}

/* command() keeps what a program prints in the test's directory. */
static inline int museum_opens(void **state)
{
    (void)state;
    (void)temp_make(NULL);
    return 0;
}

static inline int museum_closes(void **state)
{
    (void)state;
    (void)temp_remove(NULL);
    return 0;
}

static inline int museum(const char *name, const struct CMUnitTest *tests, size_t count)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return _cmocka_run_group_tests(name, tests, count, museum_opens, museum_closes);
}
#define MUSEUM(tests) museum(#tests, tests, sizeof(tests) / sizeof *(tests))

#endif
