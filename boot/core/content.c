/* Lint and CRC of what is in the slot. */
#include "boot/core/content.h"
#include "boot/core/config.h"
#include "port/port.h"

enum { VECTORS = 16 + 83 /* RM0394 "Interrupt and exception vectors" */ };

void content_look(struct content *c)
{
    c->info_address = c->flags = 0;
    c->packed = false;
    c->bad = 0;
    c->lint = MESSAGE_UNREADABLE;
    if (!port_flash_read(SLOT_ADDR, &c->head, sizeof c->head, &c->bad))
        return;
    c->lint = image_lint(&c->head, sizeof c->head);
    uint32_t at = image_info_address(&c->head);
    if (c->lint != MESSAGE_READY || !at)
        return;
    if (!port_flash_read(at, &c->info, sizeof c->info, &c->bad)) {
        c->lint = MESSAGE_UNREADABLE;
    } else if (image_info_valid(&c->info)) {
        c->info_address = at;
        c->flags = c->info.flags;
        c->packed = image_info_packed(&c->info, at);
        c->lint = image_info_board(&c->info);
    }
}

enum answer content_matches_seal(struct content *c, const struct ledger_record *r)
{
    uint32_t crc = 0;
    if (r->length == 0 || r->length > SLOT_SIZE)
        return NO;
    if (!port_flash_crc(SLOT_ADDR, r->length, &crc, &c->bad))
        return NO_ECC;
    return crc == r->crc ? YES : NO;
}

enum answer content_matches_info(struct content *c)
{
    /* The four bytes of the CRC itself are left out. */
    uint32_t crc = 0, hole = c->info_address + (uint32_t)offsetof(struct image_info, crc);
    if (!port_flash_crc(SLOT_ADDR, hole - SLOT_ADDR, &crc, &c->bad) ||
        !port_flash_crc(hole + 4, SLOT_ADDR + c->info.length - (hole + 4), &crc, &c->bad))
        return NO_ECC;
    return crc == c->info.crc ? YES : NO;
}

/* Whether a handler seems to begin there: with PUSH, B to itself, or MOV R0, SP, GCC's for "interrupt". */
static int begins(uint32_t at)
{
    uint16_t half = 0;
    port_flash_read(at, &half, sizeof half, NULL);
    return half >> 9 == 0x5A || half == 0xE7FE || half == 0x4668;
}

/* An image that was linked for the start of flash and is larger than the bootloader may have all its vectors
 * in the slot. Then handlers begin where they point to in the image, and not, but for one in 100 by chance,
 * where they point to in flash. A vector that fills a row of places counts once. */
static bool linked_below(const struct content *c, uint32_t length)
{
    uint32_t last = 0, vector = 0;
    int votes = 0;
    if (c->info_address)
        return false; /* its block is where its vector says, so it is where it was linked for */
    for (uint32_t at = SLOT_ADDR + 4; at < SLOT_ADDR + 4 * VECTORS; at += 4) {
        port_flash_read(at, &vector, sizeof vector, NULL);
        if (vector == last || vector % 2 == 0 || vector - FLASH_ADDR >= length)
            continue;
        last = vector;
        votes += begins(vector - 1 + SLOT_ADDR - FLASH_ADDR) - 4 * begins(vector - 1);
    }
    return votes >= 4;
}

enum message content_examine(struct ledger_record *r)
{
    struct content c;
    content_look(&c);
    if (c.lint != MESSAGE_READY)
        return c.lint;
    if (c.info_address)
        r->version = c.info.version;
    if (c.packed) {
        if (content_matches_info(&c) != YES)
            return MESSAGE_DAMAGED;
        r->length = c.info.length;
    }
    if (c.head.vector[1] - SLOT_ADDR >= r->length)
        return MESSAGE_NOT_DONE; /* it ends before its reset handler */
    if (!port_flash_crc(SLOT_ADDR, r->length, &r->crc, NULL))
        return MESSAGE_UNREADABLE;
    return linked_below(&c, r->length) ? MESSAGE_NOT_HERE : MESSAGE_READY;
}

enum message content_unsealed(void)
{
    struct content c;
    content_look(&c);
    return linked_below(&c, SLOT_SIZE) ? MESSAGE_NOT_HERE : MESSAGE_UNFINISHED;
}
