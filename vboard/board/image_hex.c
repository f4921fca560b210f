/* Intel HEX ("Hexadecimal Object File Format Specification", Intel, rev. A): record types 0 to 5. */
#include "board/image.h"
#include "board/parse.h"

#include <string.h>

struct reader {
    struct image *image;
    const char *path;
    struct sentence *why;
    unsigned line;
    uint32_t base;  /* of the records that follow */
    bool segmented; /* base came from a type 2 record: offsets wrap at 64 KiB */
    bool ended;
};

/* Record types and the length of data that each must have (-1: any). */
static const int lengths[] = {-1, 0, 2, 4, 2, 4};

static bool data_record(struct reader *r, uint32_t offset, const uint8_t *data, size_t size)
{
    if (r->segmented && offset + size > 0x10000)
        return refuse(r->why, "%s:%u: record runs over the end of its 64 KiB segment", r->path, r->line);
    if ((uint64_t)r->base + offset + size > UINT64_C(1) << 32)
        return refuse(r->why, "%s:%u: record exceeds the address space", r->path, r->line);
    if (!image_add(r->image, (uint64_t)r->base + offset, data, size))
        return refuse(r->why, "%s: out of memory", r->path);
    return true;
}

static bool record(struct reader *r, const char *digits, size_t count)
{
    uint8_t b[5 + 255];
    size_t n = count / 2;
    if (count % 2 != 0 || n < 5 || n > sizeof b)
        return refuse(r->why, "%s:%u: record has a wrong length", r->path, r->line);
    uint8_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        int high = parse_digit(digits[2 * i]), low = parse_digit(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return refuse(r->why, "%s:%u: is not hexadecimal", r->path, r->line);
        b[i] = (uint8_t)(high << 4 | low);
        sum = (uint8_t)(sum + b[i]);
    }
    size_t length = b[0];
    unsigned type = b[3];
    const uint8_t *data = b + 4;
    if (n != length + 5)
        return refuse(r->why, "%s:%u: record says %zu bytes but has %zu", r->path, r->line, length, n - 5);
    if (sum != 0)
        return refuse(r->why, "%s:%u: checksum is wrong", r->path, r->line);
    if (type >= sizeof lengths / sizeof lengths[0])
        return refuse(r->why, "%s:%u: record type %u is unknown", r->path, r->line, type);
    if (lengths[type] >= 0 && (size_t)lengths[type] != length)
        return refuse(r->why, "%s:%u: record of type %u with %zu bytes", r->path, r->line, type, length);

    switch (type) {
    case 0: return data_record(r, (uint32_t)(b[1] << 8 | b[2]), data, length);
    case 1: r->ended = true; return true;
    case 2: /* extended segment address: paragraphs of 16 bytes */
        r->base = (uint32_t)(data[0] << 8 | data[1]) << 4;
        r->segmented = true;
        return true;
    case 4: /* extended linear address: upper half */
        r->base = (uint32_t)(data[0] << 8 | data[1]) << 16;
        r->segmented = false;
        return true;
    default: /* 3, 5: start address; the chip starts where its vector table says */ return true;
    }
}

bool image_parse_hex(struct image *image, const char *path, const uint8_t *bytes, size_t size,
                     struct sentence *why)
{
    struct reader r = {.image = image, .path = path, .why = why};
    const char *p = (const char *)bytes, *end = p + size;
    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        const char *next = stop != NULL ? stop + 1 : end;
        if (stop == NULL)
            stop = end;
        r.line++;
        while (p < stop && (*p == ' ' || *p == '\t'))
            p++;
        while (stop > p && (stop[-1] == '\r' || stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        if (p < stop) {
            if (r.ended)
                return refuse(why, "%s:%u: something follows the end record", path, r.line);
            if (*p != ':')
                return refuse(why, "%s:%u: is not an Intel HEX record", path, r.line);
            if (!record(&r, p + 1, (size_t)(stop - p - 1)))
                return false;
        }
        p = next;
    }
    if (!r.ended)
        return refuse(why, "%s: ends without an end record: truncated", path);
    return true;
}
