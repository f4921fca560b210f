/* What the tests of whole downloads share: two images, and an old one in the slot. */
#ifndef TEST_SESSION_BENCH_H
#define TEST_SESSION_BENCH_H

#include "boot/core/verdict.h"
#include "dfubench.h"

enum { MAX = 12 * 2048 };
static uint8_t old[MAX], image[MAX];

static inline int setup(void **state)
{
    (void)state;
    fake_init();
    make_image(old, MAX, 1);
    make_image(image, MAX, 2);
    bench_boot(MESSAGE_EMPTY);
    return 0;
}

/* Puts an old application of that size into the slot, sealed. */
static inline void install(uint32_t size)
{
    setup(NULL);
    assert_int_equal(dfu_util(SLOT_ADDR, old, size, 2048, 0), MESSAGE_READY);
    assert_int_equal(boot_verdict(), VERDICT_START);
    bench_boot(MESSAGE_READY);
    fake.operations = fake.erases = fake.programs = 0;
}

#endif
