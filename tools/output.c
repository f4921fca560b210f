/* Raw binaries, Intel HEX, and DfuSe files (UM0391; DFU 1.1 appendix B for the suffix). */
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "board/crc32.h"
#include "board/replace.h"

static void write_bin(FILE *f, const struct image *image)
{
    (void)fwrite(image->parts[0].bytes, 1, image->parts[0].size, f);
}

/* ---- Intel HEX --------------------------------------------------------------------------- */

static void record(FILE *f, unsigned type, unsigned addr, const uint8_t *bytes, unsigned size)
{
    unsigned sum = size + (addr >> 8) + addr + type;
    fprintf(f, ":%02X%04X%02X", size, addr & 0xFFFF, type);
    for (unsigned i = 0; i < size; i++) {
        fprintf(f, "%02X", bytes[i]);
        sum += bytes[i];
    }
    fprintf(f, "%02X\r\n", (0x100 - sum % 0x100) % 0x100);
}

static void write_hex(FILE *f, const struct image *image)
{
    uint32_t high = 0; /* no record yet: 0 is what a HEX file begins with */
    for (size_t i = 0; i < image->count; i++) {
        const struct image_part *p = &image->parts[i];
        for (uint32_t at = 0; at < p->size;) {
            uint32_t addr = p->addr + at;
            uint32_t line = 16 - addr % 16;
            if (line > p->size - at)
                line = p->size - at;
            if (addr >> 16 != high) {
                high = addr >> 16;
                record(f, 4, 0, (const uint8_t[]){(uint8_t)(high >> 8), (uint8_t)high}, 2);
            }
            record(f, 0, addr & 0xFFFF, p->bytes + at, line);
            at += line;
        }
    }
    record(f, 1, 0, NULL, 0);
}

/* ---- DfuSe ------------------------------------------------------------------------------- */

struct summed {
    FILE *f;
    uint32_t crc;
};

static void put(struct summed *s, const void *bytes, size_t size)
{
    s->crc = crc32_more(s->crc, bytes, size);
    (void)fwrite(bytes, 1, size, s->f);
}

static void put32(struct summed *s, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                              (uint8_t)(value >> 24)};
    put(s, bytes, 4);
}

static void write_dfu(FILE *f, const struct image *image, uint16_t vendor, uint16_t product)
{
    enum { PREFIX = 11, TARGET = 274, NAME = 255 };
    static const char name[NAME] = "sureboot application";
    struct summed s = {f, CRC32_START};
    uint32_t elements = 0;
    for (size_t i = 0; i < image->count; i++)
        elements += 8 + image->parts[i].size;

    put(&s, "DfuSe\1", 6);
    put32(&s, PREFIX + TARGET + elements);
    put(&s, "\1", 1);       /* one target */
    put(&s, "Target\0", 7); /* alternate setting 0 */
    put32(&s, 1);           /* it is named */
    put(&s, name, sizeof name);
    put32(&s, elements);
    put32(&s, (uint32_t)image->count);
    for (size_t i = 0; i < image->count; i++) {
        put32(&s, image->parts[i].addr);
        put32(&s, image->parts[i].size);
        put(&s, image->parts[i].bytes, image->parts[i].size);
    }
    put32(&s, 0xFFFFu | (uint32_t)product << 16); /* bcdDevice: any */
    put32(&s, vendor | (uint32_t)0x011A << 16);   /* bcdDFU */
    put(&s, "UFD\x10", 4);                        /* signature, length of the suffix */
    put32(&s, s.crc);
}

/* ---- all --------------------------------------------------------------------------------- */

enum output_format output_format(const char *path)
{
    static const char *const endings[] = {
        [OUTPUT_BIN] = ".bin", [OUTPUT_HEX] = ".hex", [OUTPUT_DFU] = ".dfu"};
    const char *dot = strrchr(path, '.');
    unsigned format = OUTPUT_BIN;
    while (format != OUTPUT_UNKNOWN && (!dot || strcasecmp(dot, endings[format]) != 0))
        format++;
    return (enum output_format)format;
}

bool output_write(const struct output *to, const struct image *image, struct sentence *why)
{
    enum output_format format = output_format(to->path);
    if (format == OUTPUT_UNKNOWN)
        return refuse(why, "%s: the name has to end in .bin, .hex or .dfu", to->path);
    if (format == OUTPUT_BIN && image->count != 1)
        return refuse(why, "%s: a raw binary has no room for gaps", to->path);
    char *bytes = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&bytes, &size);
    if (f && format == OUTPUT_BIN)
        write_bin(f, image);
    else if (f && format == OUTPUT_HEX)
        write_hex(f, image);
    else if (f)
        write_dfu(f, image, to->vendor, to->product);
    bool ok = f && !ferror(f);
    ok = (!f || fclose(f) == 0) && ok;
    ok = ok ? file_replace(to->path, (const uint8_t *)bytes, size, why) : refuse(why, "out of memory");
    free(bytes);
    return ok;
}
