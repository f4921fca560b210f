/* A board with firmware in it and a USB host plugged in, and what it did: the ground of the firmware's
 * tests on the virtual board. Included once by each. */
#ifndef TEST_BOARD_BENCH_H
#define TEST_BOARD_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/dfuhost.h"
#include "host/usbhost.h"
#include "vboard.h"

#define MS    1000000ull
#define BOOT  "build/firmware/boot.elf"
#define BLINK "build/firmware/blink.elf"
#define CDC   "build/firmware/cdc.elf"
#define SLOT  0x08004000u

enum { EDGES = 64 };

struct bench {
    struct vboard *board;
    struct usbhost *host;
    uint64_t edge[EDGES]; /* of LD4, the last ones */
    unsigned edges, resets, handoffs;
    uint32_t handoff_pc;
    uint64_t reset_at, left_at; /* the last reset, the last time its pull-up went */
};

static inline void bench_event(void *arg, const struct vboard_event *e)
{
    struct bench *t = arg;
    switch (e->kind) {
    case VE_GPIO:
        if (strcmp(e->name, "PB13") == 0)
            t->edge[t->edges++ % EDGES] = e->t;
        break;
    case VE_RESET:
        t->resets++;
        t->reset_at = e->t;
        break;
    case VE_USB:
        if (strcmp(e->name, "detached") == 0)
            t->left_at = e->t;
        break;
    case VE_HANDOFF:
        t->handoffs++;
        t->handoff_pc = e->a;
        break;
    case VE_FAULT:
        fail_msg("%s at 0x%08x, lr 0x%08x, cfsr 0x%08x (%s %s)", e->name, e->pc, e->lr, e->cfsr,
                 e->function ? e->function : "?", e->line ? e->line : "?");
        break;
    case VE_MISSING: fail_msg("0x%08x is not modelled, touched at 0x%08x", e->a, e->b); break;
    default: break;
    }
}

/* Powers a board with these files in flash (NULL: none) and a USB host at it that does so many
 * transactions in a frame (0: none). */
static inline struct bench *bench_start_with(const char *first, const char *second, unsigned per_frame)
{
    struct bench *t = calloc(1, sizeof *t);
    const struct vboard_config config = {.seed = 1};
    assert_non_null(t);
    t->board = vboard_create(&config);
    assert_non_null(t->board);
    vboard_on_event(t->board, bench_event, t);
    if ((first && !vboard_load_file(t->board, first, VBOARD_NO_ADDR)) ||
        (second && !vboard_load_file(t->board, second, VBOARD_NO_ADDR)))
        fail_msg("%s", vboard_error(t->board));
    if (per_frame) {
        const struct usbhost_config usb = {.enumerate = true, .per_frame = per_frame};
        t->host = usbhost_create(t->board, &usb);
        assert_non_null(t->host);
    }
    vboard_power(t->board, true, false);
    return t;
}

static inline struct bench *bench_start(const char *first, const char *second, bool host)
{
    return bench_start_with(first, second, host ? 10 : 0);
}

static inline void bench_end(struct bench *t)
{
    if (t->host)
        usbhost_destroy(t->host);
    vboard_destroy(t->board);
    free(t);
}

static inline void bench_run(struct bench *t, uint64_t ns)
{
    enum vboard_stop stop = vboard_run(t->board, ns, NULL, NULL);
    if (stop != VB_TIME)
        fail_msg("the board stopped: %d", (int)stop);
}

/* The LED has toggled every `ms` for the last `n` times, give or take one in a hundred. */
static inline void bench_expect_blink(struct bench *t, unsigned n, uint64_t ms)
{
    assert_in_range(n, 1, EDGES - 1);
    if (t->edges <= n)
        fail_msg("the LED has toggled only %u times", t->edges);
    for (unsigned i = 0; i < n; i++) {
        uint64_t gap = t->edge[(t->edges - 1 - i) % EDGES] - t->edge[(t->edges - 2 - i) % EDGES];
        if (gap < ms * MS * 99 / 100 || gap > ms * MS * 101 / 100)
            fail_msg("the LED toggled after %llu ns instead of %llu ms", (unsigned long long)gap,
                     (unsigned long long)ms);
    }
}

/* The address of a symbol of an ELF file. */
static inline uint32_t bench_address(const char *elf, const char *name)
{
    char command[256], line[128];
    (void)snprintf(command, sizeof command, "arm-none-eabi-nm %s", elf);
    FILE *nm = popen(command, "r"); // NOLINT(cert-env33-c): a tool of the build on a file of the build
    assert_non_null(nm);
    uint32_t address = 0, found = 0;
    while (fgets(line, sizeof line, nm)) {
        unsigned addr;
        char kind, symbol[96];
        if (sscanf(line, "%x %c %95s", &addr, &kind, symbol) == 3 && strcmp(symbol, name) == 0) {
            address = addr;
            found++;
        }
    }
    assert_int_equal(pclose(nm), 0);
    assert_int_equal(found, 1);
    return address;
}

/* The value of a 32-bit variable of an ELF file that is loaded. */
static inline uint32_t bench_variable(struct bench *t, const char *elf, const char *name)
{
    return vboard_peek32(t->board, bench_address(elf, name));
}

/* Reads a file of the build whole; free() it. */
static inline uint8_t *bench_file(const char *path, uint32_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t *bytes = malloc(1u << 18);
    assert_non_null(bytes);
    *size = (uint32_t)fread(bytes, 1, 1u << 18, f);
    assert_int_equal(fclose(f), 0);
    assert_true(*size > 0);
    return bytes;
}

#endif
