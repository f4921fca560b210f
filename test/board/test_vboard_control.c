/* The control commands of vboard, by script and by standard input: each one's answer and what it does to
 * the board. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmdbench.h"
#include "command.h"
#include "run/queue.h"

/* Runs a script on cmdbench; answers and events come back. */
static cJSON *script(uint32_t number, const char *text, cJSON **events)
{
    file_text(temp("script"), text);
    const char *args[] = {VBOARD,     "--fast",           "--load",   BENCH_ELF,
                          "--load",   bench_mode(number), "--script", temp("script"),
                          "--events", temp("events"),     NULL};
    struct command_result r = command(args, NULL);
    if (r.status != 0)
        fail_msg("status %d, %s", r.status, r.err);
    cJSON *answers = json_lines(r.out);
    assert_non_null(answers);
    command_result_free(&r);
    if (events != NULL) {
        char *lines = file_read(temp("events"), NULL);
        *events = json_lines(lines);
        assert_non_null(*events);
        free(lines);
    }
    return answers;
}

static bool ok(const cJSON *answers, int n)
{
    const cJSON *answer = cJSON_GetArrayItem(answers, n);
    assert_non_null(answer);
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"));
}

static double number(const cJSON *answers, int n, const char *key)
{
    return json_number(cJSON_GetArrayItem(answers, n), key);
}

static const char *text(const cJSON *answers, int n, const char *key)
{
    return json_text(cJSON_GetArrayItem(answers, n), key);
}

/* Level of a pin's last event at or before t, -1: none. */
static int level_at(const cJSON *events, const char *pin, double t)
{
    int level = -1;
    const cJSON *e;
    cJSON_ArrayForEach(e, events)
    {
        if (strcmp(json_text(e, "event"), "gpio") == 0 && strcmp(json_text(e, "pin"), pin) == 0 &&
            json_number(e, "t") <= t)
            level = (int)json_number(e, "level");
    }
    return level;
}

/* A probe's write to a register does what the processor's does. Values are in memory order. */
static void registers_written(void **unused)
{
    (void)unused;
    cJSON *events, *a = script(SPIN,
                               "at 0.01 poke 0x4002104C 02000000\n" /* RCC_AHB2ENR: GPIOB */
                               "poke 0x48000400 BFFEFFF7\n"         /* PB13 is an output */
                               "at 0.02 poke 0x48000418 0020\n"     /* GPIOB_BSRR, 16 bits of it */
                               "at 0.03 poke 0x4800042A 00\n"       /* one byte of BRR: no change */
                               "poke 0x48000429 0020\n"             /* not aligned */
                               "poke 0x48000418 002000\n"           /* three bytes */
                               "at 0.04 poke 0xE000ED0C 0400FA05\n" /* AIRCR.SYSRESETREQ */
                               "at 0.05 power off\n"
                               "poke 0x48000418 0020\n"
                               "poke 0xE000ED0C 0400FA05\n"
                               "quit\n",
                               &events);
    static const bool good[] = {true, true, true, true, false, false, true, true, false, false, true};
    for (int i = 0; i < 11; i++)
        assert_int_equal(ok(a, i), good[i]);
    assert_int_equal(level_at(events, "PB13", 19e6), -1);
    assert_int_equal(level_at(events, "PB13", 39e6), 1);
    const cJSON *reset = json_find(events, "cause", "soft", 0);
    assert_true(json_number(reset, "t") >= 40e6 && json_number(reset, "t") < 40.1e6);
    cJSON_Delete(a);
    cJSON_Delete(events);
}

/* BLINK sleeps until its next tick, 10 ms apart: a probe that asks for a reset does not wait for that. */
static void reset_in_sleep(void **unused)
{
    (void)unused;
    cJSON *events, *a = script(BLINK, "at 0.045 poke 0xE000ED0C 0400FA05\nat 0.05 quit\n", &events);
    assert_true(ok(a, 0));
    const cJSON *reset = json_find(events, "cause", "soft", 0);
    assert_true(json_number(reset, "t") >= 45e6 && json_number(reset, "t") < 45.001e6);
    cJSON_Delete(a);
    cJSON_Delete(events);
}

static void memory_and_registers(void **unused)
{
    (void)unused;
    cJSON *a = script(BLINK,
                      "# a comment, and a blank line\n\n"
                      "at 0.01 peek 0x08030000 4\n"
                      "peek 0x1FFF75E0 2\n"
                      "poke 0x20008000 00ff10AB\n"
                      "\tpeek  0x20008000 4 \n"
                      "peek 0x60000000 4\n"
                      "poke 0x60000000 00\n"
                      "peek 0x48000414 4\n"
                      "poke 0xE000ED34 44332211\n"
                      "poke 0xE000ED38 88776655\n"
                      "regs\n"
                      "quit\n",
                      NULL);
    assert_int_equal(cJSON_GetArraySize(a), 11);
    assert_string_equal(text(a, 0, "hex"), "00000000");
    assert_int_equal((uint32_t)number(a, 0, "addr"), 0x08030000);
    assert_true(number(a, 0, "t") >= 10e6 && number(a, 0, "t") < 10.01e6);
    assert_string_equal(text(a, 1, "hex"), "0001"); /* flash size in KiB */
    assert_true(ok(a, 2));
    assert_string_equal(text(a, 3, "hex"), "00ff10ab");
    assert_false(ok(a, 4));
    assert_non_null(strstr(text(a, 4, "error"), "0x60000000"));
    assert_false(ok(a, 5));
    assert_true(ok(a, 6));
    assert_string_equal(text(a, 9, "function"), "wait_for_ever");
    assert_non_null(strstr(text(a, 9, "line"), "cmdbench.c:"));
    assert_int_equal(number(a, 9, "control"), 0);
    assert_int_equal((uint32_t)number(a, 9, "mmfar"), 0x11223344);
    assert_int_equal((uint32_t)number(a, 9, "bfar"), 0x55667788);
    assert_true(number(a, 9, "pc") > 0x08000000 && number(a, 9, "pc") < 0x08001000);
    assert_true(number(a, 9, "sp") > 0x20000000 && number(a, 9, "sp") <= 0x20010000);
    assert_true(ok(a, 10));
    cJSON_Delete(a);
}

static void pins_and_button(void **unused)
{
    (void)unused;
    cJSON *events, *a = script(INPUTS,
                               "at 0.1 button B1 1\nat 0.2 button B1 0\n"
                               "at 0.3 pin PA1 1\nat 0.4 pin PA1 0\n"
                               "at 0.35 pin PC13 1\nat 0.45 pin PC13 z\n" /* out of order */
                               "at 0.5 quit\n",
                               &events);
    assert_int_equal(cJSON_GetArraySize(a), 7);
    for (int i = 0; i < 7; i++)
        assert_true(ok(a, i));
    assert_int_equal(level_at(events, "PB13", 0.09e9), -1); /* low from the start: no change */
    assert_int_equal(level_at(events, "PB13", 0.11e9), 1);
    assert_int_equal(level_at(events, "PB13", 0.21e9), 0);
    assert_int_equal(level_at(events, "PB12", 0.29e9), -1);
    assert_int_equal(level_at(events, "PB12", 0.31e9), 1);
    assert_int_equal(level_at(events, "PB12", 0.41e9), 0);
    assert_int_equal(level_at(events, "PB13", 0.36e9), 1);
    assert_int_equal(level_at(events, "PB13", 0.46e9), 0); /* back to the button's level */
    cJSON_Delete(events);
    cJSON_Delete(a);
}

static void power_and_reset(void **unused)
{
    (void)unused;
    cJSON *events,
        *a = script(BACKUP,
                    "at 0.1 peek 0x40002864 4\n"
                    "at 0.2 nrst\nat 0.209 peek 0x40002864 4\nat 0.3 peek 0x40002864 4\n"
                    "at 0.4 power off\nat 0.5 peek 0x40002864 4\nat 0.6 power on\nat 0.7 peek 0x40002864 4\n"
                    "at 0.8 power off novbat\nat 0.9 power on\nat 1 peek 0x40002864 4\n"
                    "at 1.1 nrst 50\nat 1.2 quit\n",
                    &events);
    assert_string_equal(text(a, 0, "hex"), "01000000");
    assert_string_equal(text(a, 2, "hex"), "01000000"); /* pressed for 10 ms */
    assert_string_equal(text(a, 3, "hex"), "02000000");
    assert_string_equal(text(a, 7, "hex"), "03000000");  /* VBAT kept it */
    assert_string_equal(text(a, 10, "hex"), "01000000"); /* VBAT was gone */
    assert_int_equal(json_count(events, "state", "on"), 3);
    assert_int_equal(json_count(events, "state", "off"), 3); /* the last one at the end of the run */
    assert_int_equal(json_count(events, "cause", "power"), 3);
    assert_int_equal(json_count(events, "cause", "pin"), 2);
    assert_int_equal(json_number(json_find(events, "state", "off", 0), "t"), 400000000);
    assert_int_equal(json_number(json_find(events, "cause", "power", 1), "t"), 600000000);
    cJSON_Delete(events);
    cJSON_Delete(a);
}

static void uart(void **unused)
{
    (void)unused;
    cJSON *events, *a = script(ECHO,
                               "at 0.1 uart VCP 004142ff\n"
                               "at 0.2 uart USART2 10\n"
                               "at 0.3 uart LPUART1 20\n" /* PA3 belongs to USART2: lost */
                               "at 0.4 quit\n",
                               &events);
    static const char *const expected[] = {"01", "42", "43", "00", "11"};
    for (int i = 0; i < 4; i++)
        assert_true(ok(a, i));
    assert_int_equal(json_count(events, "event", "uart"), 5);
    for (int i = 0; i < 5; i++) {
        const cJSON *e = json_find(events, "event", "uart", i);
        assert_string_equal(json_text(e, "name"), "VCP");
        assert_string_equal(json_text(e, "hex"), expected[i]);
    }
    /* 9600 baud: a frame lasts 1.04 ms, and the echo is out two frames after the first began */
    double t = json_number(json_find(events, "event", "uart", 0), "t");
    assert_true(t > 102.0e6 && t < 102.2e6);
    t = json_number(json_find(events, "event", "uart", 3), "t");
    assert_true(t > 105.1e6 && t < 105.4e6);
    cJSON_Delete(events);
    cJSON_Delete(a);
}

static void adc(void **unused)
{
    (void)unused;
    cJSON *a = script(ADC,
                      "adc PC0 1650\nat 0.1 peek 0x20008000 2\nadc PC0 3300\nadc PC1 100\n"
                      "at 0.2 peek 0x20008000 2\nadc PB13 100\nat 0.3 quit\n",
                      NULL);
    assert_true(ok(a, 0));
    unsigned low = 0, high = 0;
    assert_int_equal(sscanf(text(a, 1, "hex"), "%2x%2x", &low, &high), 2);
    assert_in_range(high << 8 | low, 2040, 2056);
    assert_int_equal(sscanf(text(a, 4, "hex"), "%2x%2x", &low, &high), 2);
    assert_in_range(high << 8 | low, 4088, 4095);
    assert_false(ok(a, 5)); /* no analog channel there */
    cJSON_Delete(a);
}

/* The bootloader with a blank slot waits for DFU: a host at the other end of the cable addresses it. */
static void usb(void **unused)
{
    (void)unused;
    file_text(temp("script"), "at 0.1 usb plug\nat 0.5 usb unplug\nat 0.6 usb plug\nat 1 quit\n");
    const char *args[] = {VBOARD,     "--load",       "build/firmware/boot.elf",
                          "--fast",   "--script",     temp("script"),
                          "--events", temp("events"), NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    cJSON *answers = json_lines(r.out);
    for (int i = 0; i < 4; i++)
        assert_true(ok(answers, i));
    char *lines = file_read(temp("events"), NULL);
    cJSON *events = json_lines(lines);
    assert_int_equal(json_count(events, "state", "addressed"), 2);
    /* at the end of the instruction that is under way */
    assert_in_range(json_number(json_find(events, "state", "detached", 0), "t"), 500000000, 500000100);
    assert_in_range(json_number(json_find(events, "state", "attached", 1), "t"), 600000000, 600000100);
    cJSON_Delete(events);
    cJSON_Delete(answers);
    free(lines);
    command_result_free(&r);
}

/* A cut ends the run, with status 0. */
static void cut(void **unused)
{
    (void)unused;
    cJSON *events, *a = script(PROGRAM, "cut 4:after\nat 5 quit\n", &events);
    assert_int_equal(cJSON_GetArraySize(a), 1);
    assert_true(ok(a, 0));
    assert_int_equal(json_count(events, "event", "flash"), 4);
    assert_string_equal(json_text(json_find(events, "event", "end", 0), "reason"), "cut");
    cJSON_Delete(events);
    cJSON_Delete(a);
}

static void standard_input(void **unused)
{
    (void)unused;
    const char *args[] = {VBOARD,      "--fast", "--load", BENCH_ELF, "--load", bench_mode(SPIN),
                          "--control", "-",      "--for",  "0.5",     NULL};
    struct command_result r =
        command(args, "at 0.2 peek 0x08030000 1\nfrob\npeek 0x08030000 1\r\nat 0.1 regs");
    assert_int_equal(r.status, 0);
    cJSON *a = json_lines(r.out);
    assert_non_null(a);
    assert_int_equal(cJSON_GetArraySize(a), 4); /* the end of input ended nothing */
    assert_false(ok(a, 0));
    assert_non_null(strstr(text(a, 0, "error"), "'frob'"));
    assert_true(ok(a, 1) && number(a, 1, "t") == 0);
    assert_true(ok(a, 2) && number(a, 2, "t") >= 0.1e9);
    assert_true(ok(a, 3) && number(a, 3, "t") >= 0.2e9);
    assert_string_equal(text(a, 3, "hex"), "09");
    cJSON_Delete(a);
    command_result_free(&r);
}

/* In the order of their times, and not without end. */
static void waiting(void **unused)
{
    (void)unused;
    static const uint64_t times[] = {5, 7, 5, 1, 7, 3}, order[] = {3, 5, 0, 2, 1, 4};
    struct queue q = {NULL};
    struct command c = {.at = 0};
    for (unsigned i = 0; i < 6; i++) {
        c.at = times[i];
        assert_true(queue_add(&q, &c, i));
    }
    for (unsigned i = 0; i < 6; i++) {
        struct queue_entry *e = queue_due(&q, 7);
        assert_non_null(e);
        assert_int_equal(e->from, order[i]);
        queue_drop(e);
    }
    for (unsigned i = 0; i < 3; i++) { /* there is no room for the second before the first has gone */
        c = (struct command){.bytes = malloc(1), .size = QUEUE_ROOM / 2};
        assert_int_equal(queue_add(&q, &c, 1), i != 1);
        if (i == 1)
            queue_drop(queue_due(&q, 0));
    }
    queue_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_and_registers, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(registers_written, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(reset_in_sleep, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(pins_and_button, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(power_and_reset, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(uart, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(adc, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(usb, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(cut, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(standard_input, temp_make, temp_remove),
        cmocka_unit_test(waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
