/* Recognises what `sureboot merge` has made: bootloader, application and the seal, in one file. */
#include "factory.h"

#include <string.h>

#include "board/crc32.h"

/* The bytes from addr on, as far as `part` has them; NULL: not `size` of them. */
static uint8_t *at(const struct image_part *part, uint32_t addr, uint32_t size)
{
    uint32_t offset = addr - part->addr;
    return addr >= part->addr && offset < part->size && size <= part->size - offset ? part->bytes + offset
                                                                                    : NULL;
}

static uint8_t *find(const struct image *image, uint32_t addr, uint32_t size)
{
    for (size_t i = 0; i < image->count; i++) {
        struct image_part part = image->parts[i];
        /* A raw binary does not say where it goes. One that is too large for the slot is not for the slot. */
        if (image->format == IMAGE_RAW && part.size > SLOT_SIZE)
            part.addr = BOOT_ADDR;
        uint8_t *bytes = at(&part, addr, size);
        if (bytes)
            return bytes;
    }
    return NULL;
}

bool factory_image(const struct image *image, struct image_part *application, bool *whole)
{
    struct ledger_record seal;
    const uint8_t *record = find(image, LEDGER_ADDR, sizeof seal);
    if (!record || !find(image, BOOT_ADDR, 8))
        return false;
    memcpy(&seal, record, sizeof seal);
    if (seal.magic != LEDGER_MAGIC || seal.type != LEDGER_SEALED || seal.length == 0 ||
        seal.length > SLOT_SIZE ||
        seal.check != ~crc32_more(CRC32_START, record, offsetof(struct ledger_record, check)))
        return false;
    *application = (struct image_part){SLOT_ADDR, seal.length, find(image, SLOT_ADDR, seal.length)};
    if (!application->bytes)
        return false;
    *whole = ~crc32_more(CRC32_START, application->bytes, seal.length) == seal.crc;
    return true;
}
