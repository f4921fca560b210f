/* The flash state file: what the chip keeps without power. The format is described in
 * docs/vboard-state.md; the table below is its list of sections. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "board/bytes.h"
#include "board/crc32.h"
#include "board/internal.h"
#include "board/replace.h"
#include "chip/memory.h"

#define MAGIC "vboard\r\n"
enum { MAGIC_SIZE = 8, VERSION = 1, NAME = 8, HEAD = MAGIC_SIZE + 8, SECTION = NAME + 4 };

/* Where a section's bytes are. */
struct place {
    uint8_t *bytes;
    uint32_t size;
};

static struct place ecc(struct vboard *b)
{
    struct chip_nvm *n = chip_nvm(b->chip);
    return (struct place){n->flash_ecc, sizeof n->flash_ecc};
}

static struct place otp(struct vboard *b)
{
    struct chip_nvm *n = chip_nvm(b->chip);
    return (struct place){n->otp, sizeof n->otp};
}

static struct place otp_ecc(struct vboard *b)
{
    struct chip_nvm *n = chip_nvm(b->chip);
    return (struct place){n->otp_ecc, sizeof n->otp_ecc};
}

static struct place options(struct vboard *b)
{
    struct chip_nvm *n = chip_nvm(b->chip);
    return (struct place){(uint8_t *)n->option, sizeof n->option};
}

static struct place uid(struct vboard *b)
{
    struct chip_nvm *n = chip_nvm(b->chip);
    return (struct place){n->engineering + (0x1FFF7590 - ENGI_BASE), sizeof b->config.uid};
}

static struct place backup(struct vboard *b)
{
    return (struct place){(uint8_t *)b->backup, sizeof b->backup};
}

/* The last one is there only if VBAT has kept the backup domain. */
static const struct {
    char name[NAME + 1];
    struct place (*place)(struct vboard *b);
} sections[] = {{"ecc", ecc},         {"otp", otp}, {"otp-ecc", otp_ecc},
                {"options", options}, {"uid", uid}, {"backup", backup}};
enum { SECTIONS = sizeof sections / sizeof sections[0] };

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* ---- writing ----------------------------------------------------------------------------- */

static uint8_t *encode(struct vboard *b, size_t *size)
{
    size_t count = chip_backup_read(b->chip, b->backup) ? SECTIONS : SECTIONS - 1;
    *size = FLASH_SIZE + HEAD + 4;
    for (size_t i = 0; i < count; i++)
        *size += SECTION + sections[i].place(b).size;
    uint8_t *file = calloc(1, *size), *p = file;
    if (file == NULL)
        return NULL;
    (void)chip_peek(b->chip, FLASH_BASE, p, FLASH_SIZE); /* not what the instruction cache hides */
    p += FLASH_SIZE;
    memcpy(p, MAGIC, MAGIC_SIZE);
    put32(p + MAGIC_SIZE, VERSION);
    put32(p + MAGIC_SIZE + 4, (uint32_t)count);
    p += HEAD;
    for (size_t i = 0; i < count; i++) {
        struct place at = sections[i].place(b);
        memcpy(p, sections[i].name, NAME);
        put32(p + NAME, at.size);
        memcpy(p + SECTION, at.bytes, at.size);
        p += SECTION + at.size;
    }
    put32(p, ~crc32_more(CRC32_START, file, *size - 4));
    return file;
}

bool vboard_write_state(struct vboard *b, const char *path)
{
    size_t size;
    vboard_power(b, false, !b->vbat_lost);
    uint8_t *file = encode(b, &size);
    if (file == NULL)
        return refuse(&b->error, "%s: out of memory", path);
    bool ok = file_replace(path, file, size, &b->error);
    free(file);
    return ok;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Checks everything before anything is changed; `apply` does the change. */
static bool decode(struct vboard *b, const char *path, const uint8_t *file, size_t size, bool apply)
{
    const uint8_t *p = file + FLASH_SIZE, *end = file + size - 4;
    uint32_t count = le32(p + MAGIC_SIZE + 4);
    if (apply)
        memcpy(chip_nvm(b->chip)->flash, file, FLASH_SIZE);
    p += HEAD;
    for (uint32_t n = 0; n < count; n++) {
        size_t i = 0;
        while (i < SECTIONS && (end - p < SECTION || strncmp((const char *)p, sections[i].name, NAME) != 0))
            i++;
        if (i == SECTIONS || le32(p + NAME) != sections[i].place(b).size ||
            end - p - SECTION < (ptrdiff_t)sections[i].place(b).size)
            return refuse(&b->error, "%s: is a flash state with a section that cannot be read", path);
        struct place at = sections[i].place(b);
        if (apply && !(b->uid_given && sections[i].place == uid))
            memcpy(at.bytes, p + SECTION, at.size);
        if (apply && sections[i].place == backup && !b->vbat_lost)
            chip_backup_write(b->chip, b->backup);
        p += SECTION + at.size;
    }
    if (p != end)
        return refuse(&b->error, "%s: is a flash state with something behind its sections", path);
    return true;
}

static bool check(struct vboard *b, const char *path, const uint8_t *file, size_t size)
{
    if (size < FLASH_SIZE + HEAD + 4)
        return refuse(&b->error, "%s: is no flash state: %zu bytes are too few%s", path, size,
                      size == FLASH_SIZE ? "; a plain copy of the flash is for --load" : "");
    const uint8_t *head = file + FLASH_SIZE;
    if (memcmp(head, MAGIC, MAGIC_SIZE) != 0)
        return refuse(&b->error, "%s: is no flash state of this program", path);
    if (le32(head + MAGIC_SIZE) != VERSION)
        return refuse(&b->error, "%s: is a flash state of version %u; this program knows %d", path,
                      le32(head + MAGIC_SIZE), VERSION);
    if (~crc32_more(CRC32_START, file, size - 4) != le32(file + size - 4))
        return refuse(&b->error, "%s: is a damaged flash state: its checksum is wrong", path);
    return decode(b, path, file, size, false) && decode(b, path, file, size, true);
}

bool vboard_read_state(struct vboard *b, const char *path)
{
    enum { LARGEST = 2 * FLASH_SIZE };
    struct stat st;
    if (vboard_powered(b))
        return refuse(&b->error, "%s: reading a flash state needs the power off", path);
    if (stat(path, &st) != 0)
        return refuse(&b->error, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(&b->error, "%s: is not a regular file", path);
    if (st.st_size > LARGEST)
        return refuse(&b->error, "%s: is no flash state: %lld bytes are too many", path,
                      (long long)st.st_size);
    size_t size = (size_t)st.st_size;
    uint8_t *file = malloc(size + 1);
    FILE *f = fopen(path, "rb");
    bool ok;
    if (file == NULL || f == NULL)
        ok = refuse(&b->error, "%s: %s", path, strerror(errno));
    else if (fread(file, 1, size, f) != size)
        ok = refuse(&b->error, "%s: cannot be read", path);
    else
        ok = check(b, path, file, size);
    if (f != NULL)
        (void)fclose(f);
    free(file);
    return ok;
}
