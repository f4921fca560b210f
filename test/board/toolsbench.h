/* The sureboot command for tests: what it prints, and its one sentence. */
#ifndef TEST_TOOLSBENCH_H
#define TEST_TOOLSBENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"

#define SUREBOOT "build/host/sureboot"
#define VBOARD   "build/host/vboard"
#define VDFU     "build/host/vdfu"
#define CDC_ELF  "build/firmware/cdc.elf"
#define CDC_BIN  "build/firmware/cdc.bin"
#define BOOT     "build/firmware/boot.elf"

/* Runs it and wants that status. */
static struct command_result run(int status, const char *const words[])
{
    const char *args[COMMAND_ARGS] = {SUREBOOT};
    for (size_t i = 0; words[i]; i++)
        args[i + 1] = words[i];
    struct command_result r = command(args, NULL);
    if (r.status != status)
        fail_msg("%s %s: status %d: %s%s", words[0], words[1] ? words[1] : "", r.status, r.out, r.err);
    return r;
}

static void done(int status, const char *const words[], const char *printed)
{
    struct command_result r = run(status, words);
    if (!strstr(r.out, printed) || r.err[0])
        fail_msg("'%s' is not in '%s'; '%s'", printed, r.out, r.err);
    command_result_free(&r);
}

static void refused(const char *const words[], const char *why)
{
    struct command_result r = run(2, words);
    if (strncmp(r.err, "sureboot: ", 10) != 0 || !strstr(r.err, why) ||
        strchr(r.err, '\n') != r.err + strlen(r.err) - 1)
        fail_msg("'%s' is not one sentence with '%s'", r.err, why);
    assert_string_equal(r.out, "");
    command_result_free(&r);
}
#define DONE(status, printed, ...) done(status, (const char *const[]){__VA_ARGS__, NULL}, printed)
#define REFUSED(why, ...)          refused((const char *const[]){__VA_ARGS__, NULL}, why)

#endif
