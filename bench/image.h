/* What the benchmarks of the bootloader share: an application of 200 KB that does nothing but lead back
 * to DFU, and a board. */
#ifndef BENCH_IMAGE_H
#define BENCH_IMAGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vboard.h"

#define SLOT       0x08004000U
#define PAGE       2048U
#define PAGES      100U
#define IMAGE_SIZE (PAGES * PAGE)

_Noreturn static inline void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* An image of that size that runs: a vector table, a few instructions, then noise. */
static inline void make_image(uint8_t *image, uint32_t variant)
{
    uint32_t x = 0x12345678U ^ variant;
    for (uint32_t i = 0; i < IMAGE_SIZE; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        image[i] = (uint8_t)x;
    }
    const uint32_t sp = 0x20010000U, reset = SLOT + 0x200U + 1U, reserved = 0;
    memcpy(image, &sp, 4);
    for (uint32_t v = 1; v < 128; v++)
        memcpy(image + 4 * v, v > 6 && v < 11 ? &reserved : &reset, 4);
    /* Leaves the token 0xDEADBEEF in BKP5R (RCC_APB1ENR1 PWREN and RTCAPBEN, PWR_CR1.DBP first) and
     * waits for the reset button. */
    static const uint8_t code[] = {0x05, 0x48, 0x06, 0x49, 0x01, 0x60, 0x01, 0x68, 0x05, 0x48, 0x4F,
                                   0xF4, 0x40, 0x71, 0x01, 0x60, 0x04, 0x48, 0x05, 0x49, 0x01, 0x60,
                                   0xFE, 0xE7, 0x58, 0x10, 0x02, 0x40, 0x00, 0x04, 0x00, 0x10, 0x00,
                                   0x70, 0x00, 0x40, 0x64, 0x28, 0x00, 0x40, 0xEF, 0xBE, 0xAD, 0xDE};
    memcpy(image + 0x200, code, sizeof code);
}

static inline struct vboard *board(const char *firmware)
{
    const struct vboard_config config = {.seed = 1};
    struct vboard *b = vboard_create(&config);
    if (!b)
        fail("board", "out of memory");
    if (!vboard_load_file(b, firmware, VBOARD_NO_ADDR))
        fail(firmware, vboard_error(b));
    return b;
}

#endif
