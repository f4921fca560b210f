/* Putting firmware into the chip while it is off. */
#include <stdlib.h>
#include <string.h>

#include "board/image.h"
#include "board/internal.h"
#include "chip/memory.h"

/* What a programmer can write, and the ROM, for those who have a dump of one. */
static const struct {
    uint32_t base, size;
} writable[] = {
    {FLASH_BASE, FLASH_SIZE}, {SYSMEM_BASE, SYSMEM_SIZE}, {OTP_BASE, OTP_SIZE}, {OPTION_BASE, OPTION_SIZE}};

static bool within(uint32_t addr, uint32_t size, uint32_t base, uint32_t room)
{
    return addr >= base && addr - base < room && size <= room - (addr - base);
}

static bool fits(uint32_t addr, uint32_t size)
{
    for (size_t i = 0; i < sizeof writable / sizeof writable[0]; i++)
        if (within(addr, size, writable[i].base, writable[i].size))
            return true;
    return false;
}

/* ELF files are what debuggers load, SRAM included. */
static bool is_sram(enum image_format format, const struct image_part *p)
{
    return format == IMAGE_ELF && (within(p->addr, p->size, SRAM1_BASE, SRAM_SIZE) ||
                                   within(p->addr, p->size, SRAM2_BASE, SRAM2_SIZE));
}

static bool refuse_place(struct vboard *b, const char *path, uint32_t addr, uint32_t size)
{
    return refuse(
        &b->error,
        "%s: 0x%08X to 0x%08X is not in flash (0x%08X to 0x%08X), system memory, OTP or option bytes", path,
        addr, addr + size - 1, FLASH_BASE, FLASH_BASE + FLASH_SIZE - 1);
}

void board_forget_loads(struct vboard *b)
{
    for (size_t i = 0; i < b->load_count; i++) {
        free(b->loads[i].path);
        free(b->loads[i].sram);
    }
    free(b->loads);
    b->loads = NULL;
    b->load_count = 0;
}

void board_fill_sram(struct vboard *b)
{
    for (size_t i = 0; i < b->load_count; i++) {
        const struct board_load *l = &b->loads[i];
        if (l->sram == NULL)
            continue;
        struct sentence text;
        sentence_write(&text,
                       "%s: its part at 0x%08X is in SRAM, where a debugger puts it: gone when power is off",
                       l->path, l->addr);
        (void)vboard_poke(b, l->addr, l->sram, l->size);
        board_emit(b, &(struct vboard_event){.kind = VE_MESSAGE, .name = text.text});
    }
    board_forget_loads(b);
}

/* Puts the part into non-volatile memory, or keeps it for SRAM. */
static bool place(struct vboard *b, const char *path, const struct image_part *part, bool sram)
{
    struct board_load *loads = realloc(b->loads, (b->load_count + 1) * sizeof *loads);
    if (loads == NULL)
        return refuse(&b->error, "out of memory");
    b->loads = loads;
    struct board_load *l = &loads[b->load_count++];
    *l = (struct board_load){part->addr, part->size, strdup(path), sram ? malloc(part->size) : NULL};
    if (l->path == NULL || (sram && l->sram == NULL))
        return refuse(&b->error, "out of memory");
    if (!sram)
        return vboard_poke(b, part->addr, part->bytes, part->size);
    memcpy(l->sram, part->bytes, part->size);
    return true;
}

static bool check(struct vboard *b, const char *path, const struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct image_part *p = &image->parts[i];
        if (!fits(p->addr, p->size) && !is_sram(image->format, p))
            return refuse_place(b, path, p->addr, p->size);
        for (size_t j = 0; j < b->load_count; j++) {
            const struct board_load *l = &b->loads[j];
            if (p->addr < l->addr + l->size && l->addr < p->addr + p->size)
                return refuse(&b->error, "%s: overlaps %s at 0x%08X%s", path, l->path,
                              p->addr > l->addr ? p->addr : l->addr,
                              image->format == IMAGE_RAW && p->addr == FLASH_BASE
                                  ? ", where a raw binary goes unless FILE@ADDR says otherwise"
                                  : "");
        }
    }
    return true;
}

bool vboard_load_file(struct vboard *b, const char *path, uint32_t addr)
{
    if (vboard_powered(b))
        return refuse(&b->error, "%s: loading needs the power off", path);
    struct image image;
    if (!image_read(&image, path, addr, &b->error))
        return false;
    bool ok = check(b, path, &image);
    for (size_t i = 0; ok && i < image.count; i++)
        ok = place(b, path, &image.parts[i], is_sram(image.format, &image.parts[i]));
    if (ok && image.format == IMAGE_ELF && !symbols_add(&b->symbols, path))
        ok = refuse(&b->error, "%s: its symbols cannot be read", path);
    image_free(&image);
    return ok;
}

bool vboard_load_bytes(struct vboard *b, uint32_t addr, const void *bytes, size_t size)
{
    if (vboard_powered(b))
        return refuse(&b->error, "loading needs the power off");
    if (size == 0)
        return true;
    if (size > UINT32_MAX || !fits(addr, (uint32_t)size))
        return refuse_place(b, "load", addr, (uint32_t)size);
    return vboard_poke(b, addr, bytes, size);
}
