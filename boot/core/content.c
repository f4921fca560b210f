/* Lint and CRC of what is in the slot. */
#include "boot/core/content.h"
#include "boot/core/config.h"
#include "port/port.h"

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
    return port_flash_crc(SLOT_ADDR, r->length, &r->crc, NULL) ? MESSAGE_READY : MESSAGE_UNREADABLE;
}
