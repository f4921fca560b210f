/* examples/silicon on the virtual board: everything that sureboot takes for granted of the chip is so
 * there, in every stage, whatever the seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"

static void all_is_confirmed(const char *seed)
{
    const char *const args[] = {"build/host/vboard",
                                "--load",
                                "build/firmware/silicon.elf",
                                "--fast",
                                "--for",
                                "10",
                                "--uart",
                                "VCP=-",
                                "--seed",
                                seed,
                                NULL};
    struct command_result r = command(args, NULL);
    unsigned confirmed = 0, said, differ;
    assert_int_equal(r.status, 0);
    if (strstr(r.out, "DIFFERS"))
        fail_msg("%s", strstr(r.out, "DIFFERS"));
    for (const char *line = r.out; (line = strstr(line, "confirmed ")) != NULL; line++)
        confirmed += line[10] >= 'A' && line[10] <= 'Z';
    const char *total = strstr(r.out, "silicon: sureboot");
    total = total ? strstr(total + 8, "silicon: ") : NULL;
    assert_non_null(total); /* it came to its end */
    assert_int_equal(sscanf(total, "silicon: %u confirmed, %u differ", &said, &differ), 2);
    assert_int_equal(said, confirmed);
    assert_int_equal(differ, 0);
    assert_in_range(confirmed, 90, 120);
    assert_non_null(strstr(r.out, "and holds WUTF")); /* the last stage */
    command_result_free(&r);
}

static void seeds(void **state)
{
    (void)state;
    all_is_confirmed("1");
    all_is_confirmed("2");
}

/* It can say no: a board whose button works the other way round. */
static void a_difference_is_told(void **state)
{
    (void)state;
    static const char *const args[] = {"build/host/vboard",
                                       "--load",
                                       "build/firmware/silicon.elf",
                                       "--fast",
                                       "--for",
                                       "10",
                                       "--uart",
                                       "VCP=-",
                                       "--option",
                                       "button=low",
                                       "--option",
                                       "flash=slow",
                                       NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "DIFFERS   BOARD  B1 is low"));
    assert_non_null(strstr(r.out, " confirmed, 1 differ"));
    command_result_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(seeds), cmocka_unit_test(a_difference_is_told)};
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}
