/* A chip for each test of a program. Included once a program. */
#ifndef TEST_ONE_CHIP_H
#define TEST_ONE_CHIP_H

#include "chiptest.h"

static struct chiptest t;

static inline int chip_on(void **state)
{
    (void)state;
    chiptest_start(&t);
    return 0;
}

static inline int chip_off(void **state)
{
    (void)state;
    chiptest_end(&t);
    return 0;
}

#endif
