/* Runs of the vboard command: time, exit status, events, firmware that runs wild, serial ports, and that
 * nothing differs between two runs with the same seed. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmdbench.h"
#include "command.h"

static double seconds(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *end_reason(const cJSON *events)
{
    return json_text(json_find(events, "event", "end", 0), "reason");
}

/* ---- time -------------------------------------------------------------------------------- */

static void paced(void **unused)
{
    (void)unused;
    struct rusage before, after;
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &before), 0);
    double began = seconds();
    cJSON *events = RUN(BLINK, 0, NULL, "--for", "0.6");
    double took = seconds() - began;
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &after), 0);
    double busy = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
                           before.ru_stime.tv_sec) +
                  (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
                           before.ru_stime.tv_usec) /
                      1e6;
    print_message("# 0.6 s of an idle board: %.3f s, %.3f s of processor time\n", took, busy);
    assert_true(took >= 0.6); /* never ahead of wall time */
    assert_true(busy < 0.3);  /* and not waiting busily */
    assert_string_equal(end_reason(events), "for");
    assert_int_equal(json_number(json_find(events, "event", "end", 0), "t") / 1e6, 600);
    assert_int_equal(json_count(events, "pin", "PB13"), 59);
    cJSON_Delete(events);
}

static void fast(void **unused)
{
    (void)unused;
    double began = seconds();
    cJSON *events = RUN(BLINK, 0, NULL, "--for", "60", "--fast");
    assert_true(seconds() - began < 60);
    assert_int_equal(json_count(events, "pin", "PB13"), 5999);
    const cJSON *e = json_find(events, "pin", "PB13", 5);
    assert_int_equal(json_number(e, "level"), 0);
    assert_int_equal((json_number(e, "t") + 1e6) / 1e7, 6); /* SysTick's sixth period */
    cJSON_Delete(events);
}

static void signals(void **unused)
{
    (void)unused;
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < 3; i++) {
        char path[256];
        text_copy(path, sizeof path, temp("state"));
        const char *args[] = {VBOARD,    "--load", BENCH_ELF,  "--load",       bench_mode(BLINK),
                              "--flash", path,     "--events", temp("events"), i ? "--fast" : NULL,
                              NULL};
        pid_t pid = command_start(args, NULL, NULL);
        file_wait(temp("events"), "\"reset\"");
        assert_int_equal(kill(pid, numbers[i]), 0);
        assert_int_equal(command_wait(pid), 0);
        assert_true(file_exists(path));
        char *lines = file_read(temp("events"), NULL);
        cJSON *events = json_lines(lines);
        assert_string_equal(end_reason(events), "signal");
        assert_int_equal(json_count(events, "state", "off"), 1);
        cJSON_Delete(events);
        free(lines);
        assert_int_equal(unlink(path) | unlink(temp("events")), 0);
    }
}

/* ---- the same again ---------------------------------------------------------------------- */

static char *stream(const char *const more[])
{
    file_text(temp("script"),
              "at 0.002 peek 0x2000A000 32\nat 0.01 pin PA1 1\nat 0.011 nrst 2\nat 0.03 regs\n");
    const char *args[COMMAND_ARGS] = {VBOARD,  "--load", BENCH_ELF,  "--load",       bench_mode(PROGRAM),
                                      "--for", "0.06",   "--script", temp("script"), "--events",
                                      "-"};
    size_t n = 11;
    for (size_t i = 0; more[i] != NULL; i++)
        args[n++] = more[i];
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    free(r.err);
    return r.out;
}

#define STREAM(...) stream((const char *const[]){__VA_ARGS__, NULL})

static void same_seed(void **unused)
{
    (void)unused;
    char *one = STREAM("--fast", "--seed", "5"), *same = STREAM("--fast", "--seed", "5"),
         *slow = STREAM("--seed", "5"), *other = STREAM("--fast", "--seed", "6");
    assert_string_equal(one, same);
    assert_string_equal(one, slow);
    assert_string_not_equal(one, other); /* SRAM at power-on */
    assert_non_null(strstr(one, "\"op\":\"erase\""));
    assert_non_null(strstr(one, "\"cause\":\"pin\""));
    free(one);
    free(same);
    free(slow);
    free(other);
}

/* ---- what is told ------------------------------------------------------------------------ */

static void handoff(void **unused)
{
    (void)unused;
    /* main() of a firmware that begins in front of the slot: the first function behind it counts */
    cJSON *events = RUN(BLINK, 0, NULL, "--for", "0.01", "--fast", "--slot", "0x08000200");
    const cJSON *e = json_find(events, "event", "handoff", 0);
    assert_non_null(e);
    assert_true(json_number(e, "pc") >= 0x08000200 && json_number(e, "pc") < 0x08001000);
    assert_int_equal(json_count(events, "event", "handoff"), 1);
    cJSON_Delete(events);
    events = RUN(BLINK, 0, NULL, "--for", "0.01", "--fast");
    assert_int_equal(json_count(events, "event", "handoff"), 0);
    cJSON_Delete(events);
}

static void flash_events(void **unused)
{
    (void)unused;
    cJSON *events = RUN(PROGRAM, 0, NULL, "--for", "0.1", "--fast");
    assert_int_equal(json_count(events, "event", "flash"), 9);
    const cJSON *e = json_find(events, "event", "flash", 0);
    assert_string_equal(json_text(e, "op"), "erase");
    assert_int_equal(json_number(e, "page"), 64);
    assert_int_equal(json_number(e, "n"), 1);
    e = json_find(events, "event", "flash", 8);
    assert_string_equal(json_text(e, "op"), "program");
    assert_int_equal(json_number(e, "addr"), 0x08020038);
    assert_int_equal(json_number(e, "n"), 9);
    cJSON_Delete(events);
}

static void pwm_events(void **unused)
{
    (void)unused;
    cJSON *events = RUN(PWM, 0, NULL, "--for", "0.1", "--fast");
    assert_int_equal(json_count(events, "event", "pwm"), 2); /* on, and off with the power */
    const cJSON *e = json_find(events, "event", "pwm", 0);
    assert_string_equal(json_text(e, "pin"), "PA5");
    assert_true(json_number(e, "hz") > 999.9 && json_number(e, "hz") < 1000.1);
    assert_true(json_number(e, "duty") > 0.2499 && json_number(e, "duty") < 0.2501);
    cJSON_Delete(events);
}

/* ---- firmware that runs wild ------------------------------------------------------------- */

static void wild(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t mode;
        const char *function;
        uint32_t cfsr, bfar; /* as at the HardFault */
    } table[] = {{UNDEFINED, "undefined_instruction", 0x00010000, 0},
                 {UNMAPPED, "unmapped_access", 0, 0x60000000},
                 {ASSEMBLY, "bare_label", 0x00010000, 0},
                 {NOTHING, NULL, 0x00080000, 0}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *err, pc[32];
        cJSON *events = RUN(table[i].mode, 1, &err, "--for", "1", "--fast");
        const cJSON *e = json_find(events, "kind", "HardFault", 0);
        assert_non_null(e);
        assert_int_equal((uint32_t)json_number(e, "cfsr") & table[i].cfsr, table[i].cfsr);
        assert_int_equal((uint32_t)json_number(e, "hfsr"), 0x40000000);
        if (table[i].bfar != 0)
            assert_int_equal((uint32_t)json_number(e, "bfar"), table[i].bfar);
        if (table[i].function != NULL) {
            assert_string_equal(json_text(e, "function"), table[i].function);
            if (table[i].mode != ASSEMBLY) /* which has no lines */
                assert_non_null(strstr(json_text(e, "line"), "cmdbench.c:"));
            assert_non_null(strstr(err, table[i].function));
            assert_true(json_number(e, "lr") > 0x08000000); /* who called it */
        } else {
            assert_true(cJSON_IsNull(cJSON_GetObjectItem(e, "function")));
            assert_int_equal(json_number(e, "pc"), 0x08020000);
        }
        assert_int_equal(json_count(events, "kind", "lockup"), 1);
        assert_string_equal(end_reason(events), "lockup");
        (void)snprintf(pc, sizeof pc, "PC 0x%08X", (uint32_t)json_number(e, "pc"));
        assert_non_null(strstr(err, pc));
        assert_non_null(strstr(err, "locked up"));
        free(err);
        cJSON_Delete(events);
    }
}

/* Without an ELF file there are no names, but all the rest. */
static void wild_binary(void **unused)
{
    (void)unused;
    const char *args[] = {
        VBOARD, "--load", (BENCH ".bin"), "--load", bench_mode(UNDEFINED), "--fast", "--events", "-", NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 1);
    cJSON *events = json_lines(r.out);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json_find(events, "kind", "HardFault", 0), "line")));
    assert_non_null(strstr(r.err, "HardFault at PC 0x08000"));
    cJSON_Delete(events);
    command_result_free(&r);
}

static void watchdog(void **unused)
{
    (void)unused;
    cJSON *events = RUN(WATCHDOG, 0, NULL, "--for", "0.2", "--fast");
    assert_true(json_count(events, "kind", "lockup") >= 2);
    assert_true(json_count(events, "cause", "iwdg") >= 2);
    double locked = json_number(json_find(events, "kind", "lockup", 0), "t");
    double reset = json_number(json_find(events, "cause", "iwdg", 0), "t");
    assert_true(reset - locked > 25e6 && reset - locked < 40e6); /* 256 periods of LSI / 4 */
    cJSON_Delete(events);
}

static void strict(void **unused)
{
    (void)unused;
    char *err;
    cJSON *events = RUN(MISSING, 1, &err, "--for", "1", "--fast", "--strict");
    const cJSON *e = json_find(events, "event", "missing", 0);
    assert_non_null(e);
    assert_int_equal((uint32_t)json_number(e, "addr"), MISSING_ADDR);
    assert_true(json_number(e, "pc") > 0x08000000 && json_number(e, "pc") < 0x08001000);
    assert_string_equal(end_reason(events), "strict");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(e, "block")), "ETM");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(e, "part")));
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(e, "function")), "touch_etm");
    assert_non_null(strstr(cJSON_GetStringValue(cJSON_GetObjectItem(e, "line")), "cmdbench.c:"));
    assert_non_null(strstr(err, "0xE0041010 of ETM is not modelled in full, touched at PC 0x0800"));
    assert_non_null(strstr(err, " in touch_etm ("));
    cJSON_Delete(events);
    free(err);
    events = RUN(MISSING, 0, NULL, "--for", "0.1", "--fast");
    assert_int_equal(json_count(events, "event", "missing"), 1);
    cJSON_Delete(events);
}

/* ---- SWO --------------------------------------------------------------------------------- */

static char *swo_text(uint32_t mode, bool with, unsigned *bytes, unsigned *messages)
{
    char option[300];
    (void)snprintf(option, sizeof option, "SWO=%s", temp("swo"));
    cJSON *events = with ? RUN(mode, 0, NULL, "--for", "0.1", "--fast", "--uart", option)
                         : RUN(mode, 0, NULL, "--for", "0.1", "--fast");
    *bytes = (unsigned)json_count(events, "name", "SWO");
    *messages = (unsigned)json_count(events, "event", "message");
    cJSON_Delete(events);
    return with ? file_read(temp("swo"), NULL) : NULL;
}

/* With --uart SWO a debug probe has enabled it; without, only firmware that does it itself is heard. */
static void swo_files(void **unused)
{
    (void)unused;
    unsigned bytes, messages;
    char *text = swo_text(SWO, true, &bytes, &messages);
    assert_string_equal(text, "Hello\nSWO\n");
    assert_int_equal(bytes, 10);
    assert_int_equal(messages, 0);
    free(text);
    (void)swo_text(SWO, false, &bytes, &messages);
    assert_int_equal(bytes, 0);
    assert_int_equal(messages, 0);
    (void)swo_text(OWN_SWO, false, &bytes, &messages);
    assert_int_equal(bytes, 10);
    (void)swo_text(SWO_WAITS, false, &bytes, &messages);
    assert_int_equal(bytes, 0);
    assert_int_equal(messages, 1);
    text = swo_text(SWO_WAITS, true, &bytes, &messages);
    assert_string_equal(text, "x");
    assert_int_equal(messages, 0);
    free(text);
}

/* Without a debugger semihosting is a HardFault, on the board too. */
static void semihosting(void **unused)
{
    (void)unused;
    cJSON *events = RUN(SEMIHOSTING, 1, NULL, "--for", "0.1", "--fast");
    const cJSON *e = json_find(events, "event", "fault", 0);
    assert_non_null(e);
    assert_string_equal(json_text(e, "kind"), "HardFault");
    assert_int_equal((uint32_t)json_number(e, "hfsr"), 0x80000000);
    e = json_find(events, "event", "message", 0);
    assert_non_null(e);
    assert_non_null(strstr(json_text(e, "text"), "semihosting (BKPT 0xAB)"));
    cJSON_Delete(events);
    events = RUN(UNDEFINED, 1, NULL, "--for", "0.1", "--fast"); /* other faults are not */
    assert_int_equal(json_count(events, "event", "message"), 0);
    cJSON_Delete(events);
}

/* ---- serial ports ------------------------------------------------------------------------ */

static void uart_files(void **unused)
{
    (void)unused;
    char vcp[300], usart[300], other[300];
    (void)snprintf(vcp, sizeof vcp, "VCP=%s", temp("vcp"));
    (void)snprintf(usart, sizeof usart, "USART2=%s", temp("usart2"));
    (void)snprintf(other, sizeof other, "USART1=%s", temp("usart1"));
    file_text(temp("script"), "at 0.1 uart VCP 47646b6b6e\nat 0.2 quit\n");
    cJSON *events = RUN(ECHO, 0, NULL, "--fast", "--script", temp("script"), "--uart", vcp, "--uart", usart,
                        "--uart", other);
    assert_int_equal(json_count(events, "event", "uart"), 5);
    cJSON_Delete(events);
    char *text = file_read(temp("vcp"), NULL);
    assert_string_equal(text, "Hello");
    free(text);
    text = file_read(temp("usart2"), NULL);
    assert_string_equal(text, "Hello");
    free(text);
    text = file_read(temp("usart1"), NULL);
    assert_string_equal(text, "");
    free(text);
}

static bool readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

/* Standard output for all: what a port says comes by lines, so that those of JSON stay whole. */
static void uart_between_json(void **unused)
{
    (void)unused;
    enum { MUCH = 600, LINE = 512 }; /* a line that does not end is cut */
    char script[2 * MUCH + 200] = "at 0.1 uart VCP 47646b6b6e09474809\nat 0.2 uart VCP ", much[MUCH + 1];
    for (unsigned i = 0; i < MUCH; i++)
        memcpy(script + strlen(script), "60", 3);
    strcpy(script + strlen(script), "\nat 1 uart VCP 0920\nat 1.1 quit\n"); // NOLINT: there is room
    memset(much, 'a', sizeof much - 1);
    much[MUCH] = '\0';
    file_text(temp("script"), script);
    const char *args[] = {VBOARD,     "--fast",       "--load", BENCH_ELF, "--load",   bench_mode(ECHO),
                          "--script", temp("script"), "--uart", "VCP=-",   "--events", "-",
                          NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    char text[MUCH + 40] = "", want[MUCH + 40];
    for (char *line = strtok(r.out, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        cJSON *json = cJSON_Parse(line);
        if (json == NULL)
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n", line);
        cJSON_Delete(json);
    }
    (void)snprintf(want, sizeof want, "Hello\nHI\n%.*s\n%s\n!\n", LINE, much, much + LINE);
    assert_string_equal(text, want);
    command_result_free(&r);
}

static void uart_pty(void **unused)
{
    (void)unused;
    const char *args[] = {VBOARD,           "--load", BENCH_ELF, "--load",
                          bench_mode(ECHO), "--uart", "VCP=pty", "--events",
                          temp("events"),   "--fast", NULL};
    pid_t pid = command_start(args, NULL, temp("err"));
    char path[64] = "";
    file_wait(temp("events"), "\"reset\"");
    char *err = file_read(temp("err"), NULL);
    assert_int_equal(sscanf(err, "vboard: VCP is %63s", path), 1);
    free(err);
    double began = seconds();
    int fd = open(path, O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    /* What comes before the firmware has started is lost. */
    for (unsigned tries = 0; !readable(fd, 100); tries++) {
        assert_true(tries < 300);
        assert_int_equal(write(fd, "`", 1), 1);
    }
    assert_int_equal(write(fd, "abcdefg", 7), 7);
    char back[400] = "";
    size_t n = 0;
    while (strchr(back, 'h') == NULL) {
        if (!readable(fd, 10000))
            fail_msg("no more echo than \"%s\"", back);
        ssize_t got = read(fd, back + n, sizeof back - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
    }
    assert_string_equal(back + strspn(back, "a"), "bcdefgh");
    assert_int_equal(close(fd), 0);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(command_wait(pid), 0);
    char *lines = file_read(temp("events"), NULL);
    cJSON *events = json_lines(lines);
    assert_string_equal(json_text(json_find(events, "event", "pty", 0), "path"), path);
    assert_true(json_number(json_find(events, "event", "end", 0), "t") / 1e9 < seconds() - began + 10.1);
    cJSON_Delete(events);
    free(lines);
}

/* ---- output that cannot be written ------------------------------------------------------- */

static void full(void **unused)
{
    (void)unused;
    char path[256];
    text_copy(path, sizeof path, temp("state"));
    const char *args[] = {VBOARD,    "--load", BENCH_ELF, "--fast",          "--events", "/dev/full",
                          "--flash", path,     "--load",  bench_mode(BLINK), NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 2);
    assert_non_null(strstr(r.err, "/dev/full: "));
    assert_true(file_exists(path)); /* the run was, so its state is kept */
    command_result_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(paced, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(fast, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(signals, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(same_seed, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(handoff, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(flash_events, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(pwm_events, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(wild, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(wild_binary, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(watchdog, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(strict, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(semihosting, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(swo_files, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(uart_files, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(uart_between_json, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(uart_pty, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(full, temp_make, temp_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
