/* test/board/fw/storm: a long computation comes out right under a storm of nested interrupts, on the board
 * and, linked for it, on QEMU's mps2-an386 with the same results. The board is deterministic, so it has to
 * show each kind of event, and an interrupt at every instruction of the computations but those ITs that are
 * folded (and those of the last computation, which masks them). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"
#include "vboard.h"

enum { HALFWORDS = 2048, TEXT = 16384, OFTEN = 400 /* what is executed once is hit by chance */ };

static char text[TEXT]; /* what the board has said */
static size_t length;

static void listen(void *unused, const struct vboard_event *e)
{
    (void)unused;
    if (e->kind == VE_UART && strcmp(e->name, "VCP") == 0)
        for (size_t i = 0; i < e->size && length < TEXT - 1; i++)
            text[length++] = (char)e->bytes[i];
}

static bool said(void *words)
{
    return strstr(text, words) != NULL;
}

/* The value of the line `PHASE NAME VALUE`, given with its spaces. */
static uint32_t value(const char *report, const char *line)
{
    const char *at = report != NULL ? strstr(report, line) : NULL;
    if (at == NULL) {
        fail_msg("no line '%s'", line);
        return 0;
    }
    return (uint32_t)strtoul(at + strlen(line), NULL, 16);
}

static int start(void **state)
{
    static const struct vboard_config config = {.seed = 1, .strict = true};
    struct vboard *b = vboard_create(&config);
    assert_non_null(b);
    (void)temp_make(NULL);
    if (!vboard_load_file(b, "build/test/fw/storm.elf", VBOARD_NO_ADDR))
        fail_msg("%s", vboard_error(b));
    vboard_on_event(b, listen, NULL);
    vboard_power(b, true, false);
    *state = b;
    return 0;
}

static int finish(void **state)
{
    vboard_destroy(*state);
    (void)temp_remove(NULL);
    return 0;
}

/* At least so often, about half of what was measured. */
static const struct {
    const char *line;
    uint32_t least;
} expected[] = {
    {"count ticks ", 1000}, {"count irqs ", 2500},     {"count nmi ", 80},       {"count depth ", 5},
    {"count tail ", 1500},  {"count late ", 8},        {"count it1 ", 150},      {"count it2 ", 80},
    {"count it3 ", 80},     {"count it4 ", 10},        {"count multiple ", 400}, {"count ici ", 3},
    {"count lazy ", 2000},  {"count stored ", 250},    {"count handler ", 2500}, {"count msp ", 1},
    {"count psp ", 100},    {"count handler_fp ", 20}, {"count msp_fp ", 1000},  {"count psp_fp ", 1500},
    {"count svc ", 100},    {"count switches ", 100},  {"count undef ", 800},    {"count unaligned ", 30},
    {"count div0 ", 15},    {"count nocp ", 400},      {"count mpu ", 100},      {"count bus ", 200},
    {"count forced ", 400},
};

/* Nothing comes between an IT and the 16-bit instruction before it that it is folded into. */
static bool may_be_folded(struct vboard *b, uint32_t at, bool behind_16_bits)
{
    uint16_t half = 0;
    assert_true(vboard_peek(b, at, &half, sizeof half));
    return behind_16_bits && half >> 8 == 0xBF && half & 15;
}

static void on_the_board(void **state)
{
    struct vboard *b = *state;
    static uint16_t executed[HALFWORDS];
    assert_int_equal(vboard_run(b, 100000000, said, "at hits "), VB_CONDITION);
    uint32_t work = value(text, "at work "), size = value(text, "at mask ") - work;
    assert_in_range(size, 500, 2 * HALFWORDS);
    for (unsigned i = 0; i < 4000000 && !said("calm it "); i++) {
        assert_int_equal(vboard_step(b), VB_TIME);
        uint32_t at = (vboard_reg(b, 15) - work) / 2;
        if (at < size / 2)
            executed[at]++;
    }
    assert_int_equal(vboard_run(b, 20000000000, said, "check line "), VB_CONDITION);
    assert_int_equal(vboard_run(b, 100000000, said, "done\n"), VB_CONDITION);
    assert_int_equal(value(text, "check errors "), 0);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (value(text, expected[i].line) < expected[i].least)
            fail_msg("%s%x: at least %x", expected[i].line, value(text, expected[i].line), expected[i].least);
    static uint8_t hits[HALFWORDS];
    unsigned places = 0, missed = 0;
    assert_true(vboard_peek(b, value(text, "at hits "), hits, sizeof hits));
    for (unsigned i = 0; i < size / 2; i++) {
        places += executed[i] >= OFTEN;
        if (executed[i] >= OFTEN && !hits[i] &&
            !may_be_folded(b, work + 2 * i, i > 0 && executed[i - 1] > 0)) {
            print_message("# not interrupted at 0x%08x\n", work + 2 * i);
            missed++;
        }
    }
    assert_in_range(places, 170, HALFWORDS);
    assert_int_equal(missed, 0);
}

/* Line by line, as far as it does not depend on time. */
static void on_qemu(void **state)
{
    (void)state;
    static const char *const args[] = {"/usr/bin/env",
                                       "qemu-system-arm",
                                       "-M",
                                       "mps2-an386",
                                       "-display",
                                       "none",
                                       "-monitor",
                                       "none",
                                       "-serial",
                                       "none",
                                       "-icount",
                                       "shift=5",
                                       "-chardev",
                                       "stdio,id=out",
                                       "-semihosting-config",
                                       "enable=on,target=native,chardev=out",
                                       "-kernel",
                                       "build/test/fw/storm386.elf",
                                       NULL};
    struct command_result r = command(args, NULL);
    unsigned lines = 0;

    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "done\n"));
    assert_int_equal(value(r.out, "check errors "), 0);
    assert_in_range(value(r.out, "count depth "), 4, 20);
    assert_in_range(value(r.out, "count ticks "), 300, 1000000);
    const char *board = text, *other = r.out;
    while (*board != '\0' && *other != '\0') {
        size_t n = strcspn(board, "\n"), m = strcspn(other, "\n");
        if (strncmp(board, "at ", 3) != 0 && strncmp(board, "count ", 6) != 0) {
            if (n != m || strncmp(board, other, n) != 0)
                fail_msg("board: %.*s, QEMU: %.*s", (int)n, board, (int)m, other);
            lines++;
        }
        board += n + 1;
        other += m + 1;
    }
    assert_int_equal(*board + *other, 0);
    assert_in_range(lines, 7 * 9 + 4, 200);
    command_result_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(on_the_board), cmocka_unit_test(on_qemu)};
    return cmocka_run_group_tests(tests, start, finish);
}
