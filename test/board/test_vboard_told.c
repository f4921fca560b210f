/* What the vboard command says by itself where nothing else would show why nothing happens. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmdbench.h"
#include "command.h"

/* Without any option that lets one see something it says so, not to be taken for hanging. */
static void unseen(void **unused)
{
    (void)unused;
    for (int seen = 0; seen < 2; seen++) {
        char path[256];
        text_copy(path, sizeof path, temp("err"));
        const char *args[] = {VBOARD, seen ? "--events" : NULL, temp("events"), NULL};
        pid_t pid = command_start(args, NULL, path);
        file_wait(seen ? temp("events") : path, seen ? "\"reset\"" : "\n");
        assert_int_equal(kill(pid, SIGTERM), 0);
        assert_int_equal(command_wait(pid), 0);
        char *err = file_read(path, NULL);
        assert_int_equal(strstr(err, "nothing shows what it does") == NULL, seen);
        free(err);
    }
}

/* An application for behind the bootloader, without it: as on the bench the ROM bootloader starts. */
static void blank_at_the_start(void **unused)
{
    (void)unused;
    static const struct {
        const char *first, *second, *told;
    } table[] = {
        {"build/firmware/blink.elf", NULL, "begins at 0x08004000"},
        {"build/firmware/blink.elf", "build/firmware/boot.elf", NULL},
        {"build/firmware/silicon.elf", NULL, NULL},
        {NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *args[COMMAND_ARGS] = {VBOARD, "--fast", "--for", "0.001"};
        size_t n = 4;
        for (int k = 0; k < 2; k++)
            if ((k ? table[i].second : table[i].first) != NULL) {
                args[n++] = "--load";
                args[n++] = k ? table[i].second : table[i].first;
            }
        struct command_result r = command(args, NULL);
        assert_int_equal(r.status, 0);
        if (table[i].told == NULL)
            assert_string_equal(r.err, "");
        else if (strstr(r.err, "Flash is blank at 0x08000000") == NULL ||
                 strstr(r.err, table[i].told) == NULL)
            fail_msg("%s: '%s'", table[i].first, r.err);
        command_result_free(&r);
    }
}

/* What comes into a blank flash without a power-on does not run at the next reset, nor at any other. */
static void empty_check_is_stale(void **unused)
{
    (void)unused;
    file_text(temp("script"), "at 0.01 poke 0x08000000 0010002009000008FEE7FEE7FEE7FEE7\nat 0.02 nrst 1\n"
                              "at 0.03 power off\nat 0.04 power on\n");
    const char *args[] = {VBOARD,         "--fast",   "--for",        "0.06", "--script",
                          temp("script"), "--events", temp("events"), NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    char *lines = file_read(temp("events"), NULL);
    cJSON *events = json_lines(lines);
    const cJSON *message = json_find(events, "event", "message", 0);
    assert_non_null(message);
    assert_non_null(strstr(json_text(message, "text"), "FLASH_SR.PEMPTY"));
    assert_in_range(json_number(message, "t"), 20e6, 25e6);
    assert_int_equal(json_count(events, "event", "message"), 1); /* power-on heals it */
    cJSON_Delete(events);
    free(lines);
    command_result_free(&r);
}

/* examples/silicon looks whether GPIOH takes a write without its clock: the chip does not, and where is told.
 */
static void ignored_write(void **unused)
{
    (void)unused;
    const char *args[] = {VBOARD, "--fast", "--for", "0.05", "--load", "build/firmware/silicon.elf", NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    const char *told =
        strstr(r.err, "GPIOH is written while its clock is off (bit 7 of RCC_AHB2ENR): the chip "
                      "ignores that (0x0800");
    if (told == NULL || strstr(told, " in stage_registers, ") == NULL ||
        strstr(told, "silicon/chip.c:") == NULL)
        fail_msg("'%s'", r.err);
    command_result_free(&r);
}

/* A raw binary that is linked for the slot and was put at the start of flash. */
static void linked_for_another_address(void **unused)
{
    (void)unused;
    const char *args[] = {VBOARD, "--fast", "--for", "0.001", "--load", "build/firmware/cdc.bin", NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 1); /* locked up */
    if (strstr(r.err, "points to blank flash: what is at 0x08000000 is linked for another address") == NULL)
        fail_msg("'%s'", r.err);
    command_result_free(&r);
}

/* A program whose stack is at the end of the SRAM of another chip; there is none behind 0x2000FFFF. */
static void linked_for_another_chip(void **unused)
{
    (void)unused;
    static const struct {
        const char *vectors;
        bool told;
    } table[] = {{"0080012009000008", true}, {"0000000009000008", true},  {"0000002009000008", true},
                 {"0400012009000008", true}, {"0000012009000008", false}, {"0040001009000008", false},
                 {"0080001009000008", true}, {"0400002009000008", false}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char script[128];
        (void)snprintf(script, sizeof script,
                       "poke 0x08000000 %sFEE7FEE7FEE7FEE7\nat 0.001 power off\n"
                       "at 0.002 power on\n",
                       table[i].vectors);
        file_text(temp("script"), script);
        const char *args[] = {VBOARD, "--fast", "--for", "0.005", "--script", temp("script"), NULL};
        struct command_result r = command(args, NULL);
        assert_int_equal(r.status, 0);
        if ((strstr(r.err, "which ends at 0x20010000: what is at 0x08000000 is linked for another chip") !=
             NULL) != table[i].told)
            fail_msg("%s: '%s'", table[i].vectors, r.err);
        command_result_free(&r);
    }
    file_text(temp("script"),
              "poke 0x08000000 0000012009000008FEE7FEE7FEE7FEE7\nat 0.001 power off\n"
              "at 0.002 power on\nat 0.003 poke 0x08000000 FFFFFFFFFFFFFFFF\nat 0.004 nrst 1\n");
    const char *args[] = {VBOARD, "--fast", "--for", "0.02", "--script", temp("script"), NULL};
    struct command_result r = command(args, NULL); /* erased since the empty check: linked for nothing */
    assert_int_equal(r.status, 1);
    assert_null(strstr(r.err, "another chip"));
    command_result_free(&r);
}

/* A command that was not carried out is not passed over in silence. */
static void script_is_longer_than_the_run(void **unused)
{
    (void)unused;
    static const struct {
        const char *script;
        bool told;
    } table[] = {{"at 0.01 nrst 1\nat 0.07 regs\n", true},
                 {"at 0.01 nrst 1\nat 0.07 quit\n", true},
                 {"at 0.01 nrst 1\nat 0.06 regs\n", false},
                 {"at 0.01 quit\nat 0.02 regs\n", false}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        file_text(temp("script"), table[i].script);
        const char *args[] = {VBOARD, "--fast", "--for", "0.06", "--script", temp("script"), NULL};
        struct command_result r = command(args, NULL);
        assert_int_equal(r.status, 0);
        if ((strstr(r.err, "were for later than 0.06") != NULL) != table[i].told)
            fail_msg("%s: '%s'", table[i].script, r.err);
        command_result_free(&r);
    }
}

/* Lines are there without .debug_aranges, which Keil, clang and Rust do not write. */
static void no_aranges(void **unused)
{
    (void)unused;
    static const char section[] = ".debug_aranges";
    size_t n;
    char *elf = file_read(BENCH_ELF, &n);
    int renamed = 0;
    for (size_t i = 0; i + sizeof section <= n; i++)
        if (memcmp(elf + i, section, sizeof section) == 0) {
            elf[i + 1] = 'n';
            renamed++;
        }
    assert_int_equal(renamed, 1);
    file_write(temp("noaranges.elf"), elf, n);
    free(elf);
    char path[256];
    text_copy(path, sizeof path, temp("noaranges.elf"));
    const char *args[] = {VBOARD,   "--load",   path, "--load", bench_mode(UNDEFINED),
                          "--fast", "--events", "-",  NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 1);
    cJSON *events = json_lines(r.out);
    const cJSON *e = json_find(events, "kind", "HardFault", 0);
    assert_string_equal(json_text(e, "function"), "undefined_instruction");
    assert_non_null(strstr(json_text(e, "line"), "cmdbench.c:"));
    cJSON_Delete(events);
    command_result_free(&r);
}

#define with(test) cmocka_unit_test_setup_teardown(test, temp_make, temp_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {with(unseen),
                                       with(blank_at_the_start),
                                       with(empty_check_is_stale),
                                       with(script_is_longer_than_the_run),
                                       with(linked_for_another_address),
                                       with(linked_for_another_chip),
                                       with(ignored_write),
                                       with(no_aranges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
