/* A page of flash against one in SRAM. */
#include "boot/core/page.h"
#include "port/port.h"
#include <string.h>

/* A page is read a piece at a time. USB is not served meanwhile, and a host that gets no answer to three
 * SETUPs gives up: all of it has to take less time than three transactions. */
enum { PIECE_WORDS = 32, PIECE = PIECE_WORDS * 4 };

enum page_look page_look(uint32_t page, const void *want)
{
    static const uint32_t ones[] = {UINT32_MAX, UINT32_MAX};
    const uint32_t *w = want ? want : ones;
    enum page_look r = LOOK_SAME;
    for (uint32_t at = page; at != page + PAGE_SIZE; at += PIECE) {
        uint32_t is[PIECE_WORDS];
        if (!port_flash_read(at, is, PIECE, NULL))
            return LOOK_UNUSABLE;
        for (unsigned i = 0; i < PIECE_WORDS; i += 2, w += want ? 2 : 0) {
            if (is[i] == w[0] && is[i + 1] == w[1])
                continue;
            if ((is[i] & is[i + 1]) != UINT32_MAX)
                return LOOK_UNUSABLE;
            r = LOOK_BLANK;
        }
    }
    return r;
}

/* Fills part of a buffer from flash, with ones for double words that cannot be read. */
static void fill(struct page_buffer *b, uint32_t at, uint32_t end)
{
    for (uint32_t n; at < end; at += n) {
        n = PIECE - at % PIECE < end - at ? PIECE - at % PIECE : end - at;
        if (port_flash_read(b->page + at, b->data + at, n, NULL))
            continue;
        n = 8 - at % 8 < end - at ? 8 - at % 8 : end - at;
        if (!port_flash_read(b->page + at, b->data + at, n, NULL))
            memset(b->data + at, 0xFF, n);
    }
}

void page_complete(struct page_buffer *b, bool erased)
{
    if (erased) {
        memset(b->data, 0xFF, b->low);
        memset(b->data + b->high, 0xFF, PAGE_SIZE - b->high);
    } else {
        fill(b, 0, b->low);
        fill(b, b->high, PAGE_SIZE);
    }
}
