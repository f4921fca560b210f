/* Power cut at every flash operation of a download without a turn of the ledger's page, and of one that goes
 * on where a cut has ended the last one, with the page turned between BEGUN and SEALED. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sweep.h"

static void run(struct sweep_plan plan)
{
    bool quick = getenv("SUREBOOT_QUICK"), lengthy = getenv("SUREBOOT_LONG");
    plan.seeds = lengthy ? 8 : quick ? 1 : 4;
    plan.stride = lengthy ? 1 : quick ? 59 : 3;
    plan.recoveries = lengthy ? 1000 : quick ? 10 : 100;
    plan.size = lengthy ? 200 << 10 : 64 << 10;
    assert_int_equal(sweep_run(&plan), 0);
}

/* The sequence numbers pass 2^32 - 1 in between. */
static void ledger_not_turned(void **state)
{
    (void)state;
    run((struct sweep_plan){.name = "plain", .records = 10, .sequence = 0xFFFFFFF6});
}

/* Two places were torn by cuts in SEALED, so that too few are left for another one. */
static void after_an_interrupted_download(void **state)
{
    (void)state;
    run((struct sweep_plan){
        .name = "resumed", .records = 78, .sequence = 1000, .resumed = true, .torn = 2, .turns = 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ledger_not_turned),
        cmocka_unit_test(after_an_interrupted_download),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
