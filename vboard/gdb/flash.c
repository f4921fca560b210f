/* gdb's `load`: pages are erased at once, what is to be written is collected and programmed by double
 * words when gdb says that it is done, with the check bits that belong to it. No time passes. */
#include "gdb/priv.h"

#include <stdlib.h>
#include <string.h>

#include "chip/machine.h"

enum { FLASH_START = 0x08000000, BYTES = 256 << 10, PAGE = 2048, DWORD = 8 };

struct gdb_flash {
    uint8_t bytes[BYTES];
    uint8_t touched[BYTES / DWORD];
};

static bool inside(uint32_t addr, size_t length)
{
    return addr >= FLASH_START && addr - FLASH_START <= BYTES && length <= BYTES - (addr - FLASH_START);
}

static void erase(struct gdb *g, uint32_t addr, uint32_t length)
{
    uint8_t erased[PAGE];
    memset(erased, 0xff, sizeof erased);
    for (uint32_t at = addr; at < addr + length; at += PAGE)
        (void)chip_poke(g->chip, at, erased, sizeof erased); /* it is inside the flash */
}

void gdb_flash_erase(struct gdb *g, const char *text, size_t size)
{
    uint32_t addr, length;
    (void)size;
    if (!gdb_span(&text, &addr, &length, '\0')) {
        gdb_error(g, GDB_ERROR_FORM);
        return;
    }
    if (!inside(addr, length) || addr % PAGE || length % PAGE) {
        gdb_error(g, GDB_ERROR_PLACE);
        return;
    }
    erase(g, addr, length);
    gdb_reply(g, "OK");
}

void gdb_flash_write(struct gdb *g, const char *text, size_t size)
{
    const char *end = text + size;
    uint32_t addr;
    if (!packet_number(&text, &addr) || *text++ != ':') {
        gdb_error(g, GDB_ERROR_FORM);
        return;
    }
    size_t length = (size_t)(end - text);
    if (!inside(addr, length)) {
        gdb_reply(g, "E.memtype");
        return;
    }
    if (g->flash == NULL)
        g->flash = calloc(1, sizeof *g->flash);
    if (g->flash == NULL) {
        gdb_error(g, GDB_ERROR_MEMORY);
        return;
    }
    uint32_t off = addr - FLASH_START;
    for (size_t i = 0; i < length; i++) {
        uint8_t *dword = &g->flash->touched[(off + i) / DWORD];
        if (!*dword)
            memset(&g->flash->bytes[(off + i) / DWORD * DWORD], 0xff, DWORD);
        *dword = 1;
        g->flash->bytes[off + i] = (uint8_t)text[i];
    }
    gdb_reply(g, "OK");
}

static bool blank(struct gdb *g, uint32_t addr)
{
    uint64_t data;
    return chip_peek(g->chip, addr, &data, sizeof data) && data == UINT64_MAX;
}

/* Nothing is programmed over what was not erased: the cells could not hold it. */
void gdb_flash_done(struct gdb *g, const char *text, size_t size)
{
    struct gdb_flash *f = g->flash;
    bool ok = true;
    (void)text, (void)size;
    for (uint32_t i = 0; f != NULL && i < BYTES / DWORD; i++)
        ok = ok && (!f->touched[i] || blank(g, FLASH_START + i * DWORD));
    for (uint32_t i = 0; f != NULL && ok && i < BYTES / DWORD; i++)
        if (f->touched[i])
            (void)chip_poke(g->chip, FLASH_START + i * DWORD, &f->bytes[i * DWORD], DWORD);
    free(f);
    g->flash = NULL;
    if (ok)
        gdb_reply(g, "OK");
    else
        gdb_error(g, GDB_ERROR_PLACE);
}

/* Of three words, BANK FIRST LAST, those pages; where none are needed, all. */
void gdb_monitor_erase(struct gdb *g, const struct gdb_words *w)
{
    if (w->count < w->row) {
        gdb_print(g, "BANK FIRST LAST\n");
        return;
    }
    uint32_t bank = 0, first = 0, last = BYTES / PAGE - 1;
    bool to_the_end = w->count < 3 || strcmp(w->word[2], "last") == 0;
    if (!gdb_argument(g, w, 0, &bank) || !gdb_argument(g, w, 1, &first) ||
        (!to_the_end && !gdb_argument(g, w, 2, &last)))
        return;
    if (bank != 0 || first > last || last >= BYTES / PAGE) {
        gdb_print(g, "Not erased: there is bank 0, with pages 0 to %d.\n", BYTES / PAGE - 1);
        return;
    }
    erase(g, FLASH_START + first * PAGE, (last + 1 - first) * PAGE);
    gdb_print(g, "Pages %u to %u are erased.\n", (unsigned)first, (unsigned)last);
}
