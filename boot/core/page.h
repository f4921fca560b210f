/* A page of flash, what is to be in it, and whether it has to be erased for that. Not while a flash operation
 * is pending: reading would wait for its end. */
#ifndef BOOT_CORE_PAGE_H
#define BOOT_CORE_PAGE_H

#include "boot/core/config.h"
#include <stdbool.h>
#include <stdint.h>

struct page_buffer {
    uint32_t low, high; /* bytes from low to high - 1 are there */
    uint32_t page;      /* address of its first byte; 0: free */
    uint8_t data[PAGE_SIZE] __attribute__((aligned(8)));
};

enum page_look {
    LOOK_SAME,     /* flash holds what is wanted */
    LOOK_BLANK,    /* it does not, but where it does not it is all ones */
    LOOK_UNUSABLE, /* programming alone cannot get there */
};

/* Compares the page that begins at `page` with `want` (NULL: all ones). */
enum page_look page_look(uint32_t page, const void *want);
/* Completes a buffer whose page is not 0 to a whole page: with what is in flash, or all ones if that is to be
 * erased. */
void page_complete(struct page_buffer *b, bool erased);

#endif
