/* See cmdbench.h. */
#include "cmdbench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"

const char *bench_mode(uint32_t number)
{
    static char text[300];
    const uint8_t word[4] = {(uint8_t)number, 0, 0, 0};
    file_write(temp("mode"), word, sizeof word);
    (void)snprintf(text, sizeof text, "%s@0x%08X", temp("mode"), MODE_ADDR);
    return text;
}

cJSON *bench_run(uint32_t number, int status, char **err, const char *const more[])
{
    const char *args[COMMAND_ARGS] = {VBOARD,     "--load",      BENCH_ELF, "--load", bench_mode(number),
                                      "--events", temp("events")};
    size_t n = 7;
    for (size_t i = 0; more[i] != NULL; i++)
        args[n++] = more[i];
    struct command_result r = command(args, NULL);
    if (r.status != status)
        fail_msg("status %d, not %d: %s", r.status, status, r.err);
    if (err != NULL)
        *err = strdup(r.err);
    command_result_free(&r);
    char *lines = file_read(temp("events"), NULL);
    cJSON *events = json_lines(lines);
    assert_non_null(events);
    free(lines);
    /* every stream begins with power and ends with the end */
    assert_string_equal(json_text(cJSON_GetArrayItem(events, 0), "event"), "power");
    const cJSON *end = cJSON_GetArrayItem(events, cJSON_GetArraySize(events) - 1);
    assert_string_equal(json_text(end, "event"), "end");
    assert_int_equal(json_number(end, "status"), status);
    return events;
}
