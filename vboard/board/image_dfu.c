/* DFU files: the suffix of the DFU 1.1 specification (appendix B) and ST's DfuSe container (UM0391). */
#include "board/bytes.h"
#include "board/crc32.h"
#include "board/image.h"

#include <string.h>

enum { SUFFIX = 16, PREFIX = 11, TARGET = 274, ELEMENT = 8 };

bool image_has_dfu_suffix(const uint8_t *bytes, size_t size)
{
    return size >= SUFFIX && memcmp(bytes + size - 8, "UFD\x10", 4) == 0;
}

bool image_check_dfu_suffix(const char *path, const uint8_t *bytes, size_t size, uint16_t *bcd_dfu,
                            struct sentence *why)
{
    if (!image_has_dfu_suffix(bytes, size))
        return refuse(why, "%s: has no DFU suffix: truncated", path);
    /* the suffix keeps the CRC without the usual final inversion */
    if (crc32_more(CRC32_START, bytes, size - 4) != le32(bytes + size - 4))
        return refuse(why, "%s: CRC of the DFU suffix is wrong", path);
    if (size == SUFFIX)
        return refuse(why, "%s: holds no bytes to load", path);
    const uint8_t *suffix = bytes + size - SUFFIX;
    *bcd_dfu = le16(suffix + 6);
    return true;
}

/* One target: its elements are loaded if it is for alternate setting 0. *at moves behind it. */
static bool target(struct image *image, const char *path, const uint8_t *bytes, size_t end, size_t *at,
                   struct sentence *why)
{
    const uint8_t *head = bytes + *at;
    if (end - *at < TARGET || memcmp(head, "Target", 6) != 0)
        return refuse(why, "%s: DfuSe target at byte %zu is damaged", path, *at);
    unsigned alternate = head[6];
    uint32_t target_size = le32(head + 266), elements = le32(head + 270);
    *at += TARGET;
    if (target_size > end - *at)
        return refuse(why, "%s: DfuSe target is larger than the file", path);
    size_t stop = *at + target_size;
    for (uint32_t i = 0; i < elements; i++) {
        if (stop - *at < ELEMENT)
            return refuse(why, "%s: DfuSe target has fewer elements than it says", path);
        uint32_t addr = le32(bytes + *at), size = le32(bytes + *at + 4);
        *at += ELEMENT;
        if (size > stop - *at)
            return refuse(why, "%s: DfuSe element at 0x%08X is larger than its target", path, addr);
        if ((uint64_t)addr + size > UINT64_C(1) << 32)
            return refuse(why, "%s: DfuSe element at 0x%08X exceeds the address space", path, addr);
        if (alternate == 0 && !image_add(image, addr, bytes + *at, size))
            return refuse(why, "%s: out of memory", path);
        *at += size;
    }
    if (*at != stop)
        return refuse(why, "%s: DfuSe target is larger than its elements", path);
    return true;
}

bool image_parse_dfuse(struct image *image, const char *path, const uint8_t *bytes, size_t size,
                       struct sentence *why)
{
    uint16_t bcd_dfu;
    if (!image_check_dfu_suffix(path, bytes, size, &bcd_dfu, why))
        return false;
    if (bcd_dfu != 0x011A)
        return refuse(why, "%s: DfuSe file whose suffix says DFU %X.%02X", path, bcd_dfu >> 8,
                      bcd_dfu & 0xFF);
    size_t end = size - SUFFIX, at = PREFIX;
    if (end < PREFIX || bytes[5] != 1)
        return refuse(why, "%s: DfuSe version %u is unknown", path, bytes[5]);
    /* "The total DFU file length" (UM0391): ST's tools leave the suffix out, dfuse-pack of dfu-util 0.10 and
     * later does not. */
    if (le32(bytes + 6) != end && le32(bytes + 6) != size)
        return refuse(why, "%s: DfuSe prefix says %u bytes but there are %zu", path, le32(bytes + 6), end);
    for (unsigned i = 0; i < bytes[10]; i++)
        if (!target(image, path, bytes, end, &at, why))
            return false;
    if (at != end)
        return refuse(why, "%s: DfuSe file is larger than its targets", path);
    if (image->count == 0)
        return refuse(why, "%s: DfuSe file has nothing for alternate setting 0", path);
    return true;
}
