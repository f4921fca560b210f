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

static bool fits(uint32_t addr, uint32_t size)
{
    for (size_t i = 0; i < sizeof writable / sizeof writable[0]; i++)
        if (addr >= writable[i].base && addr - writable[i].base < writable[i].size &&
            size <= writable[i].size - (addr - writable[i].base))
            return true;
    return false;
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
    for (size_t i = 0; i < b->load_count; i++)
        free(b->loads[i].path);
    free(b->loads);
    b->loads = NULL;
    b->load_count = 0;
}

static bool remember(struct vboard *b, const char *path, const struct image_part *part)
{
    struct board_load *loads = realloc(b->loads, (b->load_count + 1) * sizeof *loads);
    if (loads == NULL)
        return refuse(&b->error, "out of memory");
    b->loads = loads;
    loads[b->load_count] = (struct board_load){part->addr, part->size, strdup(path)};
    if (loads[b->load_count].path == NULL)
        return refuse(&b->error, "out of memory");
    b->load_count++;
    return true;
}

static bool check(struct vboard *b, const char *path, const struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct image_part *p = &image->parts[i];
        if (!fits(p->addr, p->size))
            return refuse_place(b, path, p->addr, p->size);
        for (size_t j = 0; j < b->load_count; j++) {
            const struct board_load *l = &b->loads[j];
            if (p->addr < l->addr + l->size && l->addr < p->addr + p->size)
                return refuse(&b->error, "%s: overlaps %s at 0x%08X", path, l->path,
                              p->addr > l->addr ? p->addr : l->addr);
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
        ok = remember(b, path, &image.parts[i]) &&
             vboard_poke(b, image.parts[i].addr, image.parts[i].bytes, image.parts[i].size);
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
