/* Firmware files: reading, telling the formats apart, and what all formats share. See image.h. */
#include "board/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

bool image_add(struct image *image, uint64_t addr, const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return true;
    if (addr + size > UINT64_C(1) << 32)
        return false;
    struct image_part *last = image->count > 0 ? &image->parts[image->count - 1] : NULL;
    if (last != NULL && (uint64_t)last->addr + last->size == addr) {
        /* Grown by doubling, so that a HEX file of many short records costs linear time. */
        size_t need = last->size + size, have = 1;
        while (have < last->size)
            have *= 2;
        if (need > have) {
            while (have < need)
                have *= 2;
            uint8_t *more = realloc(last->bytes, have);
            if (more == NULL)
                return false;
            last->bytes = more;
        }
        memcpy(last->bytes + last->size, bytes, size);
        last->size = (uint32_t)need;
        return true;
    }
    struct image_part *parts = realloc(image->parts, (image->count + 1) * sizeof *parts);
    if (parts == NULL)
        return false;
    image->parts = parts;
    size_t room = 1;
    while (room < size)
        room *= 2;
    uint8_t *copy = malloc(room);
    if (copy == NULL)
        return false;
    memcpy(copy, bytes, size);
    image->parts[image->count++] = (struct image_part){(uint32_t)addr, (uint32_t)size, copy};
    return true;
}

void image_free(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        free(image->parts[i].bytes);
    free(image->parts);
    image->parts = NULL;
    image->count = 0;
}

static int by_address(const void *a, const void *b)
{
    const struct image_part *x = a, *y = b;
    return (x->addr > y->addr) - (x->addr < y->addr);
}

/* Sorts the parts, refuses overlaps, joins neighbours. */
static bool settle(struct image *image, const char *path, struct sentence *why)
{
    if (image->count == 0)
        return refuse(why, "%s: holds no bytes to load", path);
    qsort(image->parts, image->count, sizeof *image->parts, by_address);
    struct image joined = {.format = image->format};
    bool ok = true;
    for (size_t i = 0; ok && i < image->count; i++) {
        const struct image_part *p = &image->parts[i];
        if (i > 0 && (uint64_t)p[-1].addr + p[-1].size > p->addr)
            ok = refuse(why, "%s: gives address 0x%08X twice", path, p->addr);
        else if (!image_add(&joined, p->addr, p->bytes, p->size))
            ok = refuse(why, "%s: out of memory", path);
    }
    if (!ok) {
        image_free(&joined);
        return false;
    }
    image_free(image);
    image->parts = joined.parts;
    image->count = joined.count;
    return true;
}

static bool named(const char *path, const char *extension)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && strcasecmp(dot, extension) == 0;
}

/* A name that promises a format which the content does not keep is a mistake, not a raw binary. */
static bool belied(const char *path, struct sentence *why)
{
    static const char elf[] = "an ELF file, as its name says", hex[] = "an Intel HEX file, as its name says",
                      dfu[] = "a DFU file, as its name says",
                      other[] =
                          "a format that is read, by its name: ELF, Intel HEX, DfuSe and raw binary are";
    static const struct {
        const char *extension, *format;
    } table[] = {
        {".elf", elf},   {".axf", elf},   {".hex", hex},   {".ihex", hex},  {".dfu", dfu},   {".srec", other},
        {".s19", other}, {".s28", other}, {".s37", other}, {".mot", other}, {".uf2", other},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (named(path, table[i].extension))
            return !refuse(why, "%s: is not %s", path, table[i].format);
    return false;
}

static bool looks_like_hex(const uint8_t *bytes, size_t size)
{
    size_t i = size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* a byte order mark */
    while (i < size && (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\r' || bytes[i] == '\n'))
        i++;
    if (i + 3 > size || bytes[i] != ':')
        return false;
    for (size_t j = 1; j <= 2; j++) {
        uint8_t c = bytes[i + j];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

static bool parse_raw(struct image *image, const char *path, const uint8_t *bytes, size_t size, uint32_t addr,
                      struct sentence *why)
{
    if (addr == IMAGE_NO_ADDR)
        addr = 0x08000000;
    if ((uint64_t)addr + size > UINT64_C(1) << 32)
        return refuse(why, "%s: %zu bytes at 0x%08X exceed the address space", path, size, addr);
    if (!image_add(image, addr, bytes, size))
        return refuse(why, "%s: out of memory", path);
    return true;
}

bool image_parse(struct image *image, const char *path, const uint8_t *bytes, size_t size, uint32_t addr,
                 struct sentence *why)
{
    *image = (struct image){.format = IMAGE_RAW};
    bool ok;
    if (size == 0)
        return refuse(why, "%s: is empty", path);
    if (size >= 4 && memcmp(bytes, "\177ELF", 4) == 0) {
        image->format = IMAGE_ELF;
        ok = image_parse_elf(image, path, bytes, size, why);
    } else if (size >= 5 && memcmp(bytes, "DfuSe", 5) == 0) {
        image->format = IMAGE_DFUSE;
        ok = image_parse_dfuse(image, path, bytes, size, why);
    } else if (looks_like_hex(bytes, size)) {
        image->format = IMAGE_HEX;
        ok = image_parse_hex(image, path, bytes, size, why);
    } else if (image_has_dfu_suffix(bytes, size)) {
        uint16_t bcd_dfu;
        image->format = IMAGE_DFU11;
        ok = image_check_dfu_suffix(path, bytes, size, &bcd_dfu, why) &&
             parse_raw(image, path, bytes, size - 16, addr, why);
    } else {
        ok = !belied(path, why) && parse_raw(image, path, bytes, size, addr, why);
    }
    bool own_addresses =
        image->format == IMAGE_ELF || image->format == IMAGE_HEX || image->format == IMAGE_DFUSE;
    if (ok && addr != IMAGE_NO_ADDR && own_addresses)
        ok = refuse(why, "%s: carries its own addresses; @0x%08X is for raw binaries only", path, addr);
    if (ok)
        ok = settle(image, path, why);
    if (!ok)
        image_free(image);
    return ok;
}

uint8_t *image_read_bytes(const char *path, size_t *size, struct sentence *why)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        (void)refuse(why, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        (void)refuse(why, "%s: is not a regular file", path);
        return NULL;
    }
    if (st.st_size > IMAGE_MAX_FILE) {
        (void)refuse(why, "%s: is larger than %u MiB", path, IMAGE_MAX_FILE >> 20);
        return NULL;
    }
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        (void)refuse(why, "%s: %s", path, strerror(errno));
        return NULL;
    }
    *size = (size_t)st.st_size;
    uint8_t *bytes = malloc(*size + 1);
    if (bytes == NULL) {
        (void)refuse(why, "%s: out of memory", path);
    } else if (fread(bytes, 1, *size, f) != *size || ferror(f) != 0) {
        (void)refuse(why, "%s: cannot be read", path);
        free(bytes);
        bytes = NULL;
    }
    (void)fclose(f);
    return bytes;
}

bool image_read(struct image *image, const char *path, uint32_t addr, struct sentence *why)
{
    *image = (struct image){0};
    size_t size;
    uint8_t *bytes = image_read_bytes(path, &size, why);
    bool ok = bytes != NULL && image_parse(image, path, bytes, size, addr, why);
    free(bytes);
    return ok;
}
