/* The vdfu command with the bootloader on the board: exit statuses, the JSON line, files, bad input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmdbench.h"
#include "command.h"

#define VDFU "build/host/vdfu"
#define BOOT "build/firmware/boot.elf"
#define CDC  "build/firmware/cdc.bin"
#define SLOT "0x08004000"

/* The one line that vdfu prints; free with cJSON_Delete. */
static cJSON *run(int status, const char *const more[])
{
    const char *args[COMMAND_ARGS] = {VDFU, "--load", BOOT};
    size_t n = 3;
    for (size_t i = 0; more[i] != NULL; i++)
        args[n++] = more[i];
    struct command_result r = command(args, NULL);
    if (r.status != status)
        fail_msg("status %d: %s%s", r.status, r.out, r.err);
    assert_string_equal(r.err, "");
    cJSON *lines = json_lines(r.out);
    assert_non_null(lines);
    assert_int_equal(cJSON_GetArraySize(lines), 1);
    cJSON *line = cJSON_DetachItemFromArray(lines, 0);
    cJSON_Delete(lines);
    command_result_free(&r);
    static const char *const keys[] = {"ok",     "seconds", "transfers",   "errors",
                                       "status", "string",  "reenumerated"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_non_null(cJSON_GetObjectItem(line, keys[i]));
    assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(line, "ok")), status == 0);
    return line;
}

#define words(...)                                                                                           \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }

static const char *slot(const char *path)
{
    static char text[300];
    (void)snprintf(text, sizeof text, "%s@" SLOT, path);
    return text;
}

static bool is_true(const cJSON *line, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItem(line, key));
}

/* Downloaded, left, and the application came up on the bus; the state that was kept has it, and the backup
 * domain, as vboard's has. */
static void test_download(void **state)
{
    (void)state;
    size_t size, got;
    char flash[256];
    char *image = file_read(CDC, &size);
    text_copy(flash, sizeof flash, temp("state"));
    cJSON *line = run(0, words("--flash", flash, "--download", slot(CDC))); /* leaves unless told */
    assert_true(is_true(line, "reenumerated"));
    assert_int_equal(json_number(line, "status"), 0);
    assert_int_equal(json_number(line, "errors"), 0);
    assert_true(json_number(line, "seconds") > 0.01 && json_number(line, "seconds") < 2);
    assert_true(json_number(line, "transfers") > 10);
    cJSON_Delete(line);

    char *kept = file_read(flash, &got);
    assert_true(got >= 0x4000 + size);
    assert_memory_equal(kept + 0x4000, image, size);
    assert_non_null(memmem(kept + 0x40000, got - 0x40000, "backup\0", 8));
    free(kept);
    free(image);
}

static void test_same_seed_same_result(void **state)
{
    (void)state;
    double seconds[2];
    for (int i = 0; i < 2; i++) {
        cJSON *line = run(0, words("--seed", "7", "--download", slot(CDC), "--no-leave"));
        assert_false(is_true(line, "reenumerated"));
        seconds[i] = json_number(line, "seconds");
        cJSON_Delete(line);
    }
    assert_true(seconds[0] == seconds[1]);
}

/* Fewer transactions in a frame take longer. */
static void test_transactions_per_frame(void **state)
{
    (void)state;
    double seconds[2];
    static const char *const numbers[] = {"19", "1"};
    for (int i = 0; i < 2; i++) {
        cJSON *line = run(0, words("--txn-per-frame", numbers[i], "--download", slot(CDC), "--no-leave"));
        seconds[i] = json_number(line, "seconds");
        cJSON_Delete(line);
    }
    assert_true(seconds[1] > 1.3 * seconds[0]);
}

/* Of a slot into which something was put from outside, and with an image that does not start. */
static void test_upload(void **state)
{
    (void)state;
    char out[256], place[300], image[256], load[300];
    uint8_t data[5000];
    size_t got;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    text_copy(image, sizeof image, temp("image"));
    file_write(image, data, sizeof data);
    text_copy(load, sizeof load, slot(image));
    text_copy(out, sizeof out, temp("out"));
    (void)snprintf(place, sizeof place, "%s@0x08004064:4900", out);
    cJSON_Delete(run(0, words("--load", load, "--upload", place)));
    char *bytes = file_read(out, &got);
    assert_int_equal(got, 4900);
    assert_memory_equal(bytes, data + 100, 4900);
    free(bytes);
}

static void test_refused(void **state)
{
    (void)state;
    cJSON *line = run(1, words("--download", CDC "@0x08000000")); /* the bootloader itself */
    assert_non_null(strstr(json_text(line, "error"), "not writable"));
    cJSON_Delete(line);
}

/* By the device: its status and its sentence are told. */
static void test_refused_by_device(void **state)
{
    (void)state;
    static const uint8_t zeros[3000];
    char path[256];
    text_copy(path, sizeof path, temp("zeros"));
    file_write(path, zeros, sizeof zeros);
    cJSON *line = run(1, words("--download", slot(path)));
    assert_true(json_number(line, "status") > 0);
    assert_true(strlen(json_text(line, "string")) > 10);
    cJSON_Delete(line);
}

static void test_time_limit(void **state)
{
    (void)state;
    cJSON_Delete(run(3, words("--download", slot(CDC), "--time-limit", "0.2")));
}

static void test_power_cut(void **state)
{
    (void)state;
    cJSON *line = run(1, words("--download", slot(CDC), "--cut", "20:torn"));
    assert_true(json_number(line, "errors") >= 1);
    assert_non_null(strstr(json_text(line, "error"), "; power was cut"));
    cJSON_Delete(line);
}

/* Plain DFU 1.1 knows no length: as many bytes as were asked for, and the device is idle again. */
static void test_upload_dfu11(void **state)
{
    (void)state;
    char out[256], place[300];
    static const char *const lengths[] = {"1", "2048", "5000"};
    text_copy(out, sizeof out, temp("out"));
    for (size_t i = 0; i < 3; i++) {
        size_t got;
        (void)snprintf(place, sizeof place, "%s@" SLOT ":%s", out, lengths[i]);
        struct command_result r =
            command(words(VDFU, "--load", "build/firmware/boot-dfu11.elf", "--upload", place), NULL);
        if (r.status != 0 || strstr(r.out, "\"errors\":0") == NULL)
            fail_msg("status %d: %s%s", r.status, r.out, r.err);
        command_result_free(&r);
        free(file_read(out, &got));
        assert_int_equal(got, strtoul(lengths[i], NULL, 10));
    }
}

static void test_no_device(void **state)
{
    (void)state;
    struct command_result r = command(
        (const char *const[]){VDFU, "--load", "build/test/fw/hello.elf", "--download", slot(CDC), NULL},
        NULL);
    assert_int_equal(r.status, 1);
    assert_non_null(strstr(r.out, "no USB device"));
    command_result_free(&r);
}

/* Firmware that runs wild, and what is not modelled: where, and why nothing came of it. */
static void test_wild(void **state)
{
    (void)state;
    static const struct {
        uint32_t mode;
        const char *option, *place, *error;
    } table[] = {{UNDEFINED, "--seed=1", "CFSR 0x00010000", "; the processor is locked up"},
                 {MISSING, "--strict", "is not modelled", "; something that is not modelled was touched"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct command_result r =
            command((const char *const[]){VDFU, "--load", BENCH_ELF, "--load", bench_mode(table[i].mode),
                                          table[i].option, "--download", slot(CDC), NULL},
                    NULL);
        assert_int_equal(r.status, 1);
        if (strncmp(r.err, "vdfu: 0.0", 9) != 0 || strstr(r.err, table[i].place) == NULL)
            fail_msg("'%s' lacks '%s'", r.err, table[i].place);
        if (strstr(r.out, table[i].error) == NULL)
            fail_msg("'%s' lacks '%s'", r.out, table[i].error);
        command_result_free(&r);
    }
}

/* A download that went well ends with 1 all the same, if --strict and the application goes beyond the model.
 */
static void test_strict_after_all(void **state)
{
    (void)state;
    for (int strict = 0; strict < 2; strict++) {
        struct command_result r = command((const char *const[]){VDFU, "--load", BOOT, "--download",
                                                                slot("build/test/fw/beyond.bin"), "--leave",
                                                                strict ? "--strict" : NULL, NULL},
                                          NULL);
        assert_int_equal(r.status, strict);
        assert_non_null(strstr(r.err, "0xE0041000 of ETM is not modelled in full, touched at PC 0x0800"));
        assert_int_equal(strstr(r.out, "something that is not modelled was touched") != NULL, strict);
        command_result_free(&r);
    }
}

/* The line with the result is all there is: if nobody can read it, that is no success. The state is kept. */
static void test_result_that_cannot_be_written(void **state)
{
    (void)state;
    char err[256], flash[256];
    text_copy(err, sizeof err, temp("err"));
    text_copy(flash, sizeof flash, temp("flash"));
    const char *args[] = {VDFU, "--load", BOOT, "--download", slot(CDC), "--flash", flash, NULL};
    assert_int_equal(command_wait(command_start(args, "/dev/full", err)), 2);
    char *told = file_read(err, NULL);
    assert_string_equal(told, "vdfu: standard output: No space left on device\n");
    free(told);
    assert_true(file_exists(flash));
}

/* Without a standard output the next file that is opened would get its number, and the result. */
static void test_no_standard_output(void **state)
{
    (void)state;
    static const char line[] = VDFU " --load " BOOT " --upload $0@0x08004000:4096 >&-";
    char path[256];
    size_t size;
    text_copy(path, sizeof path, temp("upload"));
    file_text(path, "");
    struct command_result r = command((const char *const[]){"/bin/sh", "-c", line, path, NULL}, NULL);
    assert_int_equal(r.status, 2);
    assert_string_equal(r.err, "vdfu: standard output: Bad file descriptor\n");
    command_result_free(&r);
    free(file_read(path, &size));
    assert_int_equal(size, 4096);
}

static void bad(const char *sentence, const char *const more[])
{
    const char *args[COMMAND_ARGS] = {VDFU};
    for (size_t i = 0; more[i] != NULL; i++)
        args[i + 1] = more[i];
    struct command_result r = command(args, NULL);
    if (r.status != 2 || strstr(r.err, sentence) == NULL)
        fail_msg("%s: status %d, '%s' lacks '%s'", more[0], r.status, r.err, sentence);
    if (strncmp(r.err, "vdfu: ", 6) != 0 || strchr(r.err, '\n') != r.err + strlen(r.err) - 1)
        fail_msg("not one sentence: '%s'", r.err);
    assert_string_equal(r.out, "");
    command_result_free(&r);
}

static void test_bad_input(void **state)
{
    (void)state;
    const char *empty = temp("empty");
    file_write(empty, "", 0);
    bad("either --download or --upload", words("--load", BOOT));
    bad("either --download or --upload", words("--download", CDC, "--upload", "x"));
    bad("needs a value", words("--download"));
    bad("No such file", words("--download", "/nonexistent"));
    bad("No such file", words("--load", "/nonexistent", "--download", CDC));
    bad("is empty", words("--download", empty));
    bad("is empty", words("--download", slot(empty)));
    bad("not an address", words("--download", CDC "@here"));
    bad("exceed the address space", words("--download", CDC "@0xFFFFFF00"));
    bad("takes a length", words("--upload", "x@0x08004000:0"));
    bad("takes a length", words("--upload", "x@0x08004000:many"));
    bad("dfuse or dfu11", words("--dialect", "dfu12"));
    bad("from 1 to 4096", words("--transfer", "0"));
    bad("from 1 to 4096", words("--transfer", "8192"));
    bad("from 1 to 19", words("--txn-per-frame", "20"));
    bad("takes seconds", words("--time-limit", "soon"));
    bad("takes seconds", words("--time-limit", "0"));
    bad("--dialect is given twice", words("--dialect=dfuse", "--dialect", "dfuse"));
    bad("--seed is given twice", words("--seed=1", "--seed", "1"));
    bad("say --leave or --no-leave, not both", words("--leave", "--no-leave"));
    bad("no option '--frobnicate'", words("--frobnicate"));
    bad("no option 'stray'", words("stray"));
    bad("N:torn", words("--cut", "0", "--download", CDC));
    static const char inside_boot[] = CDC "@0x08000100";
    bad("overlaps", words("--load", BOOT, "--load", inside_boot, "--download", CDC));
    bad("cannot be written", words("--flash", temp("no/where"), "--load", BOOT, "--upload", "x"));
    bad("No such file", words("--load", BOOT, "--upload", temp("no/where")));
    bad("takes a file", words("--load", BOOT, "--upload", "-"));
    assert_false(file_exists("x"));
    char image[300], same[256];
    size_t size;
    text_copy(same, sizeof same, temp("same"));
    file_write(same, "code", 4);
    text_copy(image, sizeof image, slot(same));
    bad("two things at a time", words("--load", image, "--upload", same));
    free(file_read(same, &size));
    assert_int_equal(size, 4);
}

static void test_help(void **state)
{
    (void)state;
    static const char *const promised[] = {"--download FILE[@ADDR]", "--load FILE[@ADDR]",
                                           "--option NAME=VALUE", "lse=off|on"};
    struct command_result r = command((const char *const[]){VDFU, "--help", NULL}, NULL);
    assert_int_equal(r.status, 0);
    for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++)
        assert_non_null(strstr(r.out, promised[i]));
    command_result_free(&r);
}

#define with(test) cmocka_unit_test_setup_teardown(test, temp_make, temp_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with(test_download),
        with(test_same_seed_same_result),
        with(test_transactions_per_frame),
        with(test_upload),
        with(test_upload_dfu11),
        with(test_refused),
        with(test_refused_by_device),
        with(test_time_limit),
        with(test_power_cut),
        with(test_no_device),
        with(test_wild),
        with(test_strict_after_all),
        with(test_result_that_cannot_be_written),
        with(test_bad_input),
        with(test_no_standard_output),
        with(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
