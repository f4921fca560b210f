/* What tests of resets, losses of power and NRST share: what a debugger or an application does to the board,
 * and what has to come of it. */
#ifndef TEST_BOARD_TRAPBENCH_H
#define TEST_BOARD_TRAPBENCH_H

#include "bench.h"

#include "board.h"
#include "chip/machine.h"
#include "fwflash.h"

#define PROBE "build/test/fw/probe.elf"
#define BKP5R 0x40002864u
enum { JUMP = 9 }; /* test/board/fw/probe */

/* The application that is downloaded. */
enum { SIZE = 5000 };
static uint8_t image[SIZE];

static inline int prepare(void **state)
{
    (void)state;
    fill_image(image, SIZE, 1);
    return 0;
}

/* As a debugger writes a register, or the application. */
static inline void put(struct bench *t, uint32_t addr, uint32_t value)
{
    assert_true(chip_debug_write(board_chip(t->board), addr, 4, value));
}

static inline void expect_start(struct bench *t, const char *what)
{
    unsigned before = t->handoffs;
    if (vboard_run_event(t->board, 50 * MS, VE_HANDOFF, NULL, NULL) != VB_EVENT || t->handoffs != before + 1)
        fail_msg("%s: the application does not start", what);
}

static inline void expect_dfu(struct bench *t, const char *what)
{
    unsigned before = t->handoffs;
    (void)usbhost_wait_detached(t->host, MS);
    if (!usbhost_wait_attached(t->host, 1000 * MS) || t->handoffs != before)
        fail_msg("%s: no DFU", what);
}

static inline void nrst(struct bench *t)
{
    vboard_nrst(t->board, MS / 2);
}

/* A brown-out: below the BOR threshold for some milliseconds; the backup domain lives on or does not. */
static inline void brown_out(struct bench *t, bool backup)
{
    vboard_power(t->board, false, backup);
    (void)vboard_run(t->board, 10 * MS, NULL, NULL);
    vboard_power(t->board, true, false);
}

#endif
