/* What the vboard command leaves for its next run: power cuts, the backup domain, loads on top of a state. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmdbench.h"
#include "command.h"

static void cut(void **unused)
{
    (void)unused;
    char path[256], *state;
    text_copy(path, sizeof path, temp("state"));
    static const struct {
        const char *cut;
        uint8_t third; /* first byte of the third double word afterwards; 1: torn */
        int programs;
    } table[] = {{"4:before", 0xFF, 3}, {"4:after", 0x02, 3}, {"4", 0xFF, 3}, {"4:torn", 1, 3}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        cJSON *events = RUN(PROGRAM, 0, NULL, "--fast", "--flash", path, "--cut", table[i].cut);
        assert_string_equal(json_text(json_find(events, "event", "end", 0), "reason"), "cut");
        assert_int_equal(json_count(events, "op", "program"), table[i].programs);
        assert_int_equal(json_count(events, "state", "off"), 1);
        cJSON_Delete(events);
        state = file_read(path, NULL);
        if (table[i].third != 1)
            assert_int_equal((uint8_t)state[0x20010], table[i].third);
        else
            assert_memory_not_equal(state + 0x20010, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
        assert_int_equal(state[0x20008], 1);
        free(state);
        assert_int_equal(unlink(path), 0);
    }
    /* the next run is the power-on, and needs nothing but the state */
    cJSON *events = RUN(PROGRAM, 0, NULL, "--fast", "--flash", path, "--cut", "1:half", "--seed", "3");
    cJSON_Delete(events);
    const char *again[] = {VBOARD, "--flash", path, "--fast", "--for", "0.1", NULL};
    struct command_result r = command(again, NULL);
    assert_int_equal(r.status, 0);
    command_result_free(&r);
    state = file_read(path, NULL);
    assert_int_equal(state[0x20038], 7);
    free(state);
}

static void backup_domain(void **unused)
{
    (void)unused;
    char path[256];
    text_copy(path, sizeof path, temp("state"));
    file_text(temp("script"), "at 0.01 peek 0x40002864 1\nquit\n");
    static const struct {
        const char *option, *count;
    } table[] = {{"vbat=kept", "01"},
                 {"vbat=kept", "02"},
                 {"vbat=kept", "03"},
                 {"vbat=lost", "01"},
                 {"vbat=kept", "01"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *args[] = {
            VBOARD,   "--load",   BENCH_ELF,      "--load",   bench_mode(BACKUP), "--flash", path,
            "--fast", "--script", temp("script"), "--option", table[i].option,    NULL};
        char option[16];
        text_copy(option, sizeof option, table[i].option);
        struct command_result r = command(args, NULL);
        assert_int_equal(r.status, 0);
        cJSON *answers = json_lines(r.out);
        assert_string_equal(json_text(cJSON_GetArrayItem(answers, 0), "hex"), table[i].count);
        cJSON_Delete(answers);
        command_result_free(&r);
    }
}

static void loads_replace_the_state(void **unused)
{
    (void)unused;
    char path[256], at[300];
    text_copy(path, sizeof path, temp("state"));
    file_text(temp("a.bin"), "aaaaaaaa");
    (void)snprintf(at, sizeof at, "%s@0x08010000", temp("a.bin"));
    const char *first[] = {VBOARD,   "--load", BENCH_ELF, "--load",  bench_mode(BLINK),
                           "--fast", "--for",  "0.001",   "--flash", path,
                           "--load", at,       NULL};
    struct command_result r = command(first, NULL);
    assert_int_equal(r.status, 0);
    command_result_free(&r);
    file_text(temp("b.bin"), "bb");
    (void)snprintf(at, sizeof at, "--load=%s@134283266", temp("b.bin")); /* 0x08010002 */
    const char *second[] = {VBOARD, "--fast", "--for=0.001", "--flash", path, at, NULL};
    r = command(second, NULL);
    assert_int_equal(r.status, 0);
    command_result_free(&r);
    char *state = file_read(path, NULL);
    assert_memory_equal(state + 0x10000, "aabbaaaa", 8);
    free(state);
}

/* A new one is as the umask has it, one that was there keeps what its owner has set. */
static void permissions(void **unused)
{
    (void)unused;
    struct stat st;
    char line[600], path[256];
    text_copy(path, sizeof path, temp("state"));
    static const struct {
        const char *before;
        mode_t mode;
    } cases[] = {
        {"umask 077", 0600}, {"umask 002", 0600}, {"rm $0; umask 002", 0664}, {"chmod 640 $0", 0640}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(line, sizeof line,
                       "%s; " VBOARD " --load " BENCH_ELF " --load $1 --fast --for 0.001 --flash $0",
                       cases[i].before);
        struct command_result r =
            command((const char *const[]){"/bin/sh", "-c", line, path, bench_mode(BLINK), NULL}, NULL);
        assert_int_equal(r.status, 0);
        command_result_free(&r);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, cases[i].mode);
    }
}

/* A run that holds `state` until it is told to end; `errors` is where it says that it runs. */
static pid_t hold(const char *state, const char *errors)
{
    const char *args[] = {VBOARD, "--load", BENCH_ELF, "--load", bench_mode(BLINK), "--flash", state, NULL};
    (void)unlink(errors);
    pid_t pid = command_start(args, NULL, errors);
    file_wait(errors, "Ctrl-C");
    return pid;
}

/* With vboard and with vdfu. */
static void expect_refused(const char *state, const char *words)
{
    const char *const commands[][12] = {
        {VBOARD, "--fast", "--for", "0.001", "--load", BENCH_ELF, "--flash", state},
        {"build/host/vdfu", "--download", BENCH_ELF, "--load", BENCH_ELF, "--flash", state}};
    for (size_t i = 0; i < 2; i++) {
        struct command_result r = command(commands[i], NULL);
        if (r.status != 2 || !strstr(r.err, words) || strchr(r.err, '\n') != r.err + strlen(r.err) - 1)
            fail_msg("%s: status %d, '%s' is not one sentence with '%s'", commands[i][0], r.status, r.err,
                     words);
        assert_string_equal(r.out, "");
        command_result_free(&r);
    }
}

static void expect_good(const char *state)
{
    const char *args[] = {VBOARD,   "--fast",          "--for",   "0.001", "--load", BENCH_ELF,
                          "--load", bench_mode(BLINK), "--flash", state,   NULL};
    struct command_result r = command(args, NULL);
    if (r.status != 0)
        fail_msg("status %d: %s", r.status, r.err);
    command_result_free(&r);
}

/* Of two runs at a time the second has to stay away, whether there is a state yet or not. */
static void one_at_a_time(void **unused)
{
    (void)unused;
    char path[256], link[256], other[256], errors[256];
    static const char taken[] = "in use by another vboard or vdfu that has not ended";
    text_copy(path, sizeof path, temp("state"));
    text_copy(link, sizeof link, temp("link"));
    text_copy(other, sizeof other, temp("other"));
    text_copy(errors, sizeof errors, temp("errors"));

    pid_t pid = hold(path, errors);
    expect_refused(path, taken);
    expect_refused(temp("./state"), taken);
    assert_false(file_exists(path));
    expect_good(other); /* a board of its own */
    assert_int_equal(mkdir(temp("folder"), 0700), 0);
    expect_good(temp("folder/state"));
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(command_wait(pid), 0);
    assert_true(file_exists(path));
    expect_good(path);

    pid = hold(path, errors);
    expect_refused(path, taken);
    assert_int_equal(symlink(path, link), 0);
    expect_refused(link, taken);
    assert_int_equal(rename(other, path), 0); /* somebody else's file there changes nothing */
    expect_refused(path, taken);
    const char *inspect[] = {"build/host/sureboot", "inspect", path, NULL}; /* who only reads may */
    struct command_result r = command(inspect, NULL);
    assert_null(strstr(r.err, taken));
    command_result_free(&r);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(command_wait(pid), 128 + SIGKILL);
    expect_good(link);

    expect_refused("/dev/null", "not a regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cut, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(backup_domain, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(loads_replace_the_state, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(permissions, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(one_at_a_time, temp_make, temp_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
