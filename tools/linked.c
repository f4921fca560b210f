/* Pointers to functions, in the vector table and among literals, tell an image's address. See linked.h. */
#include "linked.h"

#include <stdbool.h>

#include "board/bytes.h"
#include "boot/core/config.h"

enum {
    PAGES = FLASH_SIZE / PAGE_SIZE,
    ENOUGH =
        8,     /* functions that begin where they ought to, for another address than the one that was given */
    TIMES = 4, /* and so many times as many as for that one: one pointer in 25 hits by chance */
    SHARE = 8, /* and of so many pointers more than one: a list of words has thousands, odd ones too */
};

/* PUSH, PUSH.W, B to itself (a handler that nobody wrote), BX LR. */
static bool is_beginning(uint32_t half)
{
    return half >> 9 == 0x5A || half == 0xE92D || half == 0xE7FE || half == 0x4770;
}

uint32_t linked_at(const uint8_t *bytes, uint32_t size, uint32_t addr)
{
    uint8_t seen[FLASH_SIZE / 2 / 8] = {0}; /* a pointer that stands in many places counts once */
    unsigned hits[PAGES] = {0}, pointers = 0;
    for (uint32_t at = 0; size >= 4 && at <= size - 4; at += 4) {
        uint32_t to = le32(bytes + at) - FLASH_ADDR;
        if (to >= FLASH_SIZE || to % 2 == 0 || seen[to / 16] & 1u << (to / 2 % 8))
            continue;
        seen[to / 16] |= (uint8_t)(1u << (to / 2 % 8));
        pointers++;
        for (uint32_t page = 0; page <= to / PAGE_SIZE; page++) {
            uint32_t offset = to - 1 - page * PAGE_SIZE;
            if (offset < size - 1)
                hits[page] += is_beginning(le16(bytes + offset));
        }
    }
    const uint32_t given = (addr - FLASH_ADDR) / PAGE_SIZE;
    uint32_t best = given;
    for (uint32_t page = 0; page < PAGES; page++)
        if (hits[page] > hits[best])
            best = page;
    bool elsewhere =
        hits[best] >= ENOUGH && hits[best] > TIMES * hits[given] && SHARE * hits[best] > pointers;
    return elsewhere ? FLASH_ADDR + best * PAGE_SIZE : addr;
}
