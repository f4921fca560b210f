/* The board as a library: what is promised in vboard.h about running, events, power, flash state,
 * snapshots and the same course of events for the same seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cmdbench.h"
#include "command.h"
#include "vboard.h"

#define MS 1000000U

static struct vboard *b;
static char *log_text;
static size_t log_size;
static FILE *log_file;

static void note(void *arg, const struct vboard_event *e)
{
    (void)arg;
    (void)fprintf(log_file, "%llu %d %s %u %u %g %zu %x\n", (unsigned long long)e->t, (int)e->kind,
                  e->name ? e->name : "-", e->a, e->b, e->duty, e->size, e->pc);
}

static void create(uint64_t seed, uint32_t mode)
{
    const uint8_t word[4] = {(uint8_t)mode, 0, 0, 0};
    b = vboard_create(&(struct vboard_config){.seed = seed});
    assert_non_null(b);
    assert_true(vboard_load_file(b, BENCH_ELF, VBOARD_NO_ADDR));
    assert_true(vboard_load_bytes(b, MODE_ADDR, word, sizeof word));
    log_file = open_memstream(&log_text, &log_size);
    assert_non_null(log_file);
    vboard_on_event(b, note, NULL);
}

static void destroy(void)
{
    vboard_destroy(b);
    assert_int_equal(fclose(log_file), 0);
    free(log_text);
}

static int count(const char *words)
{
    int n = 0;
    assert_int_equal(fflush(log_file), 0);
    for (const char *p = log_text; (p = strstr(p, words)) != NULL; p++)
        n++;
    return n;
}

static bool pin_is_high(void *arg)
{
    return vboard_pin(arg, "PB13") == 1;
}

static void running(void **unused)
{
    (void)unused;
    create(1, BLINK);
    assert_false(vboard_powered(b));
    assert_int_equal(vboard_run(b, 5 * MS, NULL, NULL), VB_TIME); /* time passes without power */
    assert_int_equal(vboard_now(b) / MS, 5);
    vboard_power(b, true, true);
    assert_int_equal(vboard_run(b, 100 * MS, pin_is_high, b), VB_CONDITION);
    uint64_t first = vboard_now(b);
    assert_true(first > 15 * MS && first < 16 * MS); /* at the event, not at the next millisecond */
    assert_int_equal(vboard_run(b, 100 * MS, pin_is_high, b), VB_CONDITION); /* it is so already */
    assert_int_equal(vboard_now(b), first);
    struct vboard_event e;
    assert_int_equal(vboard_run_event(b, 100 * MS, VE_GPIO, "PB13", &e), VB_EVENT);
    assert_int_equal(e.a, 0);
    assert_true(e.t - first > 9990000 && e.t - first < 10010000);
    assert_int_equal(vboard_run_event(b, 100 * MS, VE_GPIO, "PB12", &e), VB_TIME);
    assert_true(vboard_cycles(b) > 400000 && vboard_cycles(b) < 600000); /* 4 MHz */
    destroy();
}

static void breakpoints(void **unused)
{
    (void)unused;
    create(1, SPIN);
    vboard_power(b, true, true);
    assert_int_equal(vboard_run(b, 10 * MS, NULL, NULL), VB_TIME);
    uint32_t pc = vboard_reg(b, 15);
    assert_true(vboard_break(b, pc, true));
    assert_int_equal(vboard_run(b, 10 * MS, NULL, NULL), VB_BREAK);
    assert_int_equal(vboard_reg(b, 15), pc);
    assert_true(vboard_break(b, pc, false));
    assert_false(vboard_break(b, pc, false));
    uint64_t before = vboard_cycles(b);
    assert_int_equal(vboard_step(b), VB_TIME);
    assert_true(vboard_cycles(b) > before);
    const char *function, *line;
    vboard_where(b, pc, &function, &line);
    assert_string_equal(function, "spin");
    assert_non_null(strstr(line, "cmdbench.c:"));
    vboard_where(b, 0x08020000, &function, &line);
    assert_null(function);
    assert_null(line);
    destroy();
}

/* Refusals leave the board as it was and say why. */
static void refusals(void **unused)
{
    (void)unused;
    create(1, BLINK);
    assert_false(vboard_load_file(b, "none", VBOARD_NO_ADDR));
    assert_non_null(strstr(vboard_error(b), "none"));
    assert_false(vboard_load_bytes(b, 0x0803FFFF, "ab", 2));
    assert_false(vboard_load_bytes(b, 0x20000000, "ab", 2));
    assert_false(vboard_option(b, "button", "left"));
    assert_false(vboard_drive(b, "PC5", 1));
    assert_false(vboard_uart_send(b, "VCP", "a", 1)); /* off */
    assert_int_equal(vboard_pin(b, "PD2"), -1);
    vboard_power(b, true, true);
    assert_false(vboard_load_bytes(b, 0x08000000, "a", 1));
    assert_false(vboard_load_file(b, BENCH_ELF, VBOARD_NO_ADDR));
    assert_false(vboard_read_state(b, "none"));
    assert_non_null(strstr(vboard_error(b), "power off"));
    static const uint8_t many[8193];
    assert_false(vboard_uart_send(b, "VCP", many, sizeof many));
    assert_true(vboard_uart_send(b, "VCP", many, sizeof many - 1));
    assert_false(vboard_uart_send(b, "VCP", many, 1));
    assert_false(vboard_uart_send(b, "USART4", many, 1));
    destroy();
}

/* ---- seeds ------------------------------------------------------------------------------- */

/* Everything that can be seen of a run, cut into `pieces` calls. */
static char *course(uint64_t seed, int pieces, uint8_t sram[16])
{
    create(seed, PROGRAM);
    vboard_power(b, true, true);
    assert_true(vboard_peek(b, 0x2000A000, sram, 16));
    vboard_cut(b, 7, CUT_TORN);
    for (int i = 0; i < pieces; i++)
        (void)vboard_run(b, 60 * MS / (unsigned)pieces, NULL, NULL);
    uint8_t torn[8];
    assert_true(vboard_peek(b, 0x08020000 + 8 * 5, torn, sizeof torn));
    for (unsigned i = 0; i < sizeof torn; i++)
        (void)fprintf(log_file, "%02x", torn[i]);
    assert_int_equal(fflush(log_file), 0);
    char *copy = strdup(log_text);
    assert_non_null(copy);
    destroy();
    return copy;
}

static void seeds(void **unused)
{
    (void)unused;
    uint8_t s1[16], s2[16], s3[16];
    char *one = course(7, 1, s1), *same = course(7, 60, s2), *other = course(8, 1, s3);
    assert_string_equal(one, same);
    assert_memory_equal(s1, s2, sizeof s1);
    assert_memory_not_equal(s1, s3, sizeof s1);
    assert_string_not_equal(one, other); /* the torn word */
    free(one);
    free(same);
    free(other);
}

/* An instant is the same one whatever calls lead to it, also where a clock period is no whole number of
 * nanoseconds: the bootloader sleeps at 80 MHz. */
static void instants(void **unused)
{
    (void)unused;
    b = vboard_create(&(struct vboard_config){.seed = 1});
    assert_non_null(b);
    assert_true(vboard_load_file(b, "build/firmware/boot.elf", VBOARD_NO_ADDR));
    vboard_power(b, true, true);
    struct vboard_event led;
    assert_int_equal(vboard_run_event(b, 200 * MS, VE_GPIO, "PB13", &led), VB_EVENT);
    struct vboard_snapshot *s = vboard_save(b);
    assert_non_null(s);
    const uint64_t asleep = led.t + MS / 2; /* half-way between two ticks of its clock */
    for (uint64_t at = asleep; at < asleep + 50; at++) {
        uint64_t reset[2];
        for (unsigned i = 0; i < 2; i++) {
            struct vboard_event e;
            vboard_restore(b, s);
            for (uint64_t k = 0; i == 1 && k < 7; k++) /* seven times 37.5 ns */
                (void)vboard_run(b, 30, NULL, NULL);
            (void)vboard_run(b, at - vboard_now(b), NULL, NULL);
            vboard_nrst(b, 1 * MS);
            assert_int_equal(vboard_run_event(b, MS, VE_RESET, "pin", &e), VB_EVENT);
            reset[i] = e.t;
        }
        assert_true(reset[0] >= at && reset[0] < at + 13); /* the next cycle */
        assert_int_equal(reset[0], reset[1]);
    }
    vboard_snapshot_free(s);
    vboard_destroy(b);
}

/* ---- flash state ------------------------------------------------------------------------- */

static void state_round_trip(void **unused)
{
    (void)unused;
    uint8_t uid[12], uid2[12], flash[64], flash2[64];
    (void)temp_make(NULL);
    create(3, PROGRAM);
    const uint8_t options[8] = {0xAA, 0xF8, 0xEF, 0xFB, 0x55, 0x07, 0x10, 0x04}; /* nSWBOOT0 = 0 */
    assert_true(vboard_load_bytes(b, 0x1FFF7800, options, sizeof options));
    assert_true(vboard_load_bytes(b, 0x1FFF7000, "OTP word", 8));
    assert_true(vboard_ecc_damage(b, 0x08030800, 2));
    vboard_power(b, true, true);
    assert_int_equal(vboard_run(b, 60 * MS, NULL, NULL), VB_TIME);
    assert_true(vboard_peek(b, 0x1FFF7590, uid, sizeof uid));
    assert_true(vboard_peek(b, 0x08020000, flash, sizeof flash));
    assert_int_equal(flash[8], 1);
    assert_true(vboard_write_state(b, temp("state")));
    destroy();

    size_t size;
    char *file = file_read(temp("state"), &size);
    assert_memory_equal(file + 0x20000, flash, sizeof flash); /* raw flash comes first */
    b = vboard_create(&(struct vboard_config){.seed = 99});
    assert_true(vboard_read_state(b, temp("state")));
    assert_true(vboard_peek(b, 0x08020000, flash2, sizeof flash2));
    assert_memory_equal(flash, flash2, sizeof flash);
    assert_true(vboard_peek(b, 0x1FFF7590, uid2, sizeof uid2));
    assert_memory_equal(uid, uid2, sizeof uid);
    uint8_t back[8];
    assert_true(vboard_peek(b, 0x1FFF7800, back, sizeof back));
    assert_memory_equal(back, options, sizeof back);
    assert_true(vboard_peek(b, 0x1FFF7000, back, sizeof back));
    assert_memory_equal(back, "OTP word", sizeof back);
    assert_true(vboard_write_state(b, temp("again")));
    size_t size2;
    char *file2 = file_read(temp("again"), &size2);
    assert_int_equal(size, size2);
    assert_memory_equal(file, file2, size);
    vboard_destroy(b);
    free(file);
    free(file2);

    b = vboard_create(&(struct vboard_config){.uid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}});
    assert_true(vboard_read_state(b, temp("state")));
    assert_true(vboard_peek(b, 0x1FFF7590, uid2, sizeof uid2));
    assert_int_equal(uid2[11], 12); /* a given id stays */
    vboard_destroy(b);
    (void)temp_remove(NULL);
}

/* ---- snapshots --------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void snapshots(void **unused)
{
    (void)unused;
    create(5, PROGRAM);
    vboard_power(b, true, true);
    assert_int_equal(vboard_run(b, 24 * MS, NULL, NULL),
                     VB_TIME); /* in the middle of programming or near it */
    assert_int_equal(fflush(log_file), 0);
    size_t before = log_size;
    struct vboard_snapshot *s = vboard_save(b);
    assert_non_null(s);
    assert_int_equal(vboard_run(b, 40 * MS, NULL, NULL), VB_TIME);
    assert_int_equal(fflush(log_file), 0);
    char *first = strdup(log_text + before);
    uint64_t end = vboard_cycles(b), ops = vboard_flash_ops(b);
    assert_true(vboard_button(b, true));
    assert_true(vboard_uart_send(b, "USART1", "abc", 3));
    vboard_cut(b, 1, CUT_BEFORE); /* all of it is undone */
    for (int i = 0; i < 3; i++) {
        vboard_restore(b, s);
        before = log_size;
        assert_int_equal(vboard_run(b, 40 * MS, NULL, NULL), VB_TIME);
        assert_int_equal(fflush(log_file), 0);
        assert_string_equal(log_text + before, first); /* the same future each time */
        assert_int_equal(vboard_cycles(b), end);
        assert_int_equal(vboard_flash_ops(b), ops);
        assert_int_equal(vboard_uart_waiting(b, "USART1"), 0);
        assert_true(vboard_button(b, false));
    }
    /* back before the page was erased, and on with another mode */
    uint32_t word = vboard_peek32(b, 0x08020008);
    assert_int_equal(word, 0x01010101);
    vboard_restore(b, s);
    vboard_snapshot_free(s);
    free(first);

    enum { TIMES = 200 };
    double save = 0, restore = 0;
    for (int i = 0; i < TIMES; i++) {
        double t0 = seconds();
        s = vboard_save(b);
        double t1 = seconds();
        (void)vboard_run(b, MS / 10, NULL, NULL);
        double t2 = seconds();
        vboard_restore(b, s);
        restore += seconds() - t2;
        save += t1 - t0;
        vboard_snapshot_free(s);
    }
    print_message("# snapshot: save %.0f us, restore %.0f us\n", save / TIMES * 1e6, restore / TIMES * 1e6);
    destroy();
}

/* ---- cut --------------------------------------------------------------------------------- */

static void cuts(void **unused)
{
    (void)unused;
    static const struct {
        uint64_t n;
        enum vboard_cut model;
        uint32_t erased, words; /* page erased; double words programmed wholly */
    } table[] = {{1, CUT_BEFORE, 0, 0},
                 {1, CUT_AFTER, 1, 0},
                 {2, CUT_BEFORE, 1, 0},
                 {2, CUT_AFTER, 1, 1},
                 {9, CUT_AFTER, 1, 8}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        create(i, PROGRAM);
        static const uint8_t old[2048] = {0};
        assert_true(vboard_load_bytes(b, 0x08020000, old, sizeof old));
        vboard_power(b, true, true);
        vboard_cut(b, table[i].n, table[i].model);
        assert_int_equal(vboard_run(b, 100 * MS, NULL, NULL), VB_OFF);
        assert_false(vboard_powered(b));
        assert_int_equal(vboard_flash_ops(b), table[i].n);
        assert_int_equal(vboard_peek32(b, 0x080207FC), table[i].erased ? UINT32_MAX : 0);
        for (uint32_t n = 0; n < 8; n++) {
            uint32_t expected = n < table[i].words ? 0x01010101U * n : table[i].erased ? UINT32_MAX : 0;
            assert_int_equal(vboard_peek32(b, 0x08020000 + 8 * n), expected);
        }
        assert_int_equal(count(" off "), 1);
        vboard_power(b, true, true); /* and on with life */
        assert_int_equal(vboard_run(b, 100 * MS, NULL, NULL), VB_TIME);
        assert_int_equal(vboard_peek32(b, 0x08020038), 0x07070707);
        destroy();
    }
}

/* A debugger sees the core's registers and, in the same region, the chip's own DBGMCU. */
/* What an ELF file has for SRAM is there for the first instruction, and until power is off. */
static void sram_of_an_elf_file(void **unused)
{
    (void)unused;
    enum { IN_RAM = 0x20008000, SEEN = 0x20000000 /* its only variable */, GOOD = 0x600DF00D };
    b = vboard_create(&(struct vboard_config){.seed = 1});
    assert_non_null(b);
    assert_true(vboard_load_file(b, "build/test/fw/inram.elf", VBOARD_NO_ADDR));
    assert_false(vboard_load_file(b, "build/test/fw/inram.elf", VBOARD_NO_ADDR)); /* overlaps */
    for (unsigned n = 0; n < 2; n++) {
        vboard_power(b, true, true);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(vboard_run(b, MS, NULL, NULL), VB_TIME);
            assert_int_equal(vboard_peek32(b, IN_RAM) == GOOD, n == 0);
            assert_int_equal(vboard_peek32(b, SEEN) == GOOD, n == 0);
            vboard_nrst(b, MS);
        }
        vboard_power(b, false, true);
    }
    vboard_destroy(b);
}

static void peeks_above_the_peripherals(void **state)
{
    (void)state;
    create(1, 0);
    vboard_power(b, true, false);
    assert_int_equal(vboard_peek32(b, 0xE000ED00), 0x410FC241); /* CPUID */
    assert_int_equal(vboard_peek32(b, 0xE0042000) & 0xFFF, 0x435);
    assert_int_equal(vboard_peek32(b, 0xE0042008), 0); /* APB1FZR1 */
    destroy();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running),
        cmocka_unit_test(breakpoints),
        cmocka_unit_test(refusals),
        cmocka_unit_test(seeds),
        cmocka_unit_test(instants),
        cmocka_unit_test(state_round_trip),
        cmocka_unit_test(snapshots),
        cmocka_unit_test(cuts),
        cmocka_unit_test(sram_of_an_elf_file),
        cmocka_unit_test(peeks_above_the_peripherals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
