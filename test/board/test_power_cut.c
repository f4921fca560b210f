/* Power cut at every flash operation of a download during which the ledger's page is turned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sweep.h"

static void ledger_turned(void **state)
{
    (void)state;
    bool quick = getenv("SUREBOOT_QUICK"), lengthy = getenv("SUREBOOT_LONG");
    const struct sweep_plan plan = {
        .name = "turn",
        .records = 78,
        .sequence = 1000,
        .turns = 1,
        .seeds = lengthy ? 16
                 : quick ? 1
                         : 4,
        .stride = quick ? 37 : 1,
        .recoveries = lengthy ? 3000
                      : quick ? 20
                              : 500,
        .size = lengthy ? 200 << 10 : 64 << 10,
    };
    assert_int_equal(sweep_run(&plan), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ledger_turned)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
