/* sureboot pack and sureboot merge: make files to be flashed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/crc32.h"
#include "board/parse.h"
#include "boot/core/config.h"
#include "boot/core/ledger.h"
#include "commands.h"
#include "examine.h"
#include "output.h"

/* "1209:0001", as lsusb prints it. */
static bool take_id(struct output *out, const char *id, struct sentence *why)
{
    uint8_t vendor[2], product[2];
    char text[2][5] = {"", ""};
    size_t size;
    if (strlen(id) == 9 && id[4] == ':') {
        memcpy(text[0], id, 4);
        memcpy(text[1], id + 5, 4);
    }
    if (!parse_hex(text[0], vendor, sizeof vendor, &size) ||
        !parse_hex(text[1], product, sizeof product, &size))
        return refuse(why, "--id takes VID:PID as lsusb prints them, 1209:0001 say, not '%s'", id);
    if (output_format(out->path) != OUTPUT_DFU)
        return refuse(why, "%s: only a .dfu file has an --id", out->path);
    out->vendor = (uint16_t)(vendor[0] << 8 | vendor[1]);
    out->product = (uint16_t)(product[0] << 8 | product[1]);
    return true;
}

/* Takes `files` names, -o OUT and, where with_id, --id VID:PID: `what`, in words. */
static bool take(int argc, char **argv, char **names, int files, bool with_id, const char *what,
                 struct output *out, struct sentence *why)
{
    const char *id = NULL;
    int n = 0;
    *out = (struct output){.vendor = BOOT_VID, .product = BOOT_PID};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            out->path = argv[++i];
        else if (with_id && strcmp(argv[i], "--id") == 0 && i + 1 < argc)
            id = argv[++i];
        else if (argv[i][0] != '-' && n < files)
            names[n++] = argv[i];
        else
            return refuse(why, "%s takes %s, not also '%s'", argv[0], what, argv[i]);
    }
    if (n < files || !out->path)
        return refuse(why, "%s takes %s", argv[0], what);
    return !id || take_id(out, id, why);
}

/* Why the file is of no use; false: it is of use. */
static bool useless(const struct findings *f, const char *file, bool changed, struct sentence *why)
{
    if (f->factory) {
        sentence_write(
            why, "%s: is a factory image, bootloader and application in one: flash it with a debugger", file);
        return true;
    }
    for (unsigned i = 0; i < f->count; i++) {
        const struct finding *bad = &f->list[i];
        if (bad->severity != ERROR)
            continue;
        if (bad->code != FINDING_DAMAGED) {
            sentence_write(why, "%s: %s (%s)", file, finding_sentence(bad->code), bad->detail);
            return true;
        }
        uint32_t size = f->last - SLOT_ADDR + 1;
        if (size < f->info.length) { /* packing it would hide that */
            sentence_write(why, "%s: is cut short: it has %u of the %u bytes that were packed", file, size,
                           f->info.length);
            return true;
        }
        if (!changed) {
            sentence_write(why, "%s: %s", file, finding_sentence(bad->code));
            return true;
        }
    }
    return false;
}

uint8_t *read_application(char *file, bool changed, uint32_t *size, struct findings *f, struct sentence *why)
{
    struct image image;
    uint8_t *slot = NULL;
    if (!read_image(&image, file, SLOT_ADDR, why))
        return NULL;
    examine(f, &image);
    if (!useless(f, file, changed, why)) {
        slot = image_slot(&image, size);
        if (!slot)
            (void)refuse(why, "out of memory");
    }
    image_free(&image);
    return slot;
}

void fill_in_info(uint8_t *slot, uint32_t size, struct findings *f)
{
    if (!f->has_info)
        return;
    uint8_t *info = slot + (f->info_address - SLOT_ADDR);
    f->info.length = size;
    memcpy(info, &f->info, sizeof f->info);
    f->info.crc = image_crc(slot, size, f->info_address);
    memcpy(info, &f->info, sizeof f->info);
}

int pack_command(int argc, char **argv)
{
    struct sentence why;
    struct findings f;
    struct output out;
    char *name;
    uint32_t size;
    if (!take(argc, argv, &name, 1, true, "a file, -o OUT and, for a .dfu file, --id VID:PID", &out, &why))
        return cannot(&why);
    uint8_t *slot = read_application(name, true, &size, &f, &why);
    if (!slot)
        return cannot(&why);
    fill_in_info(slot, size, &f);
    struct image_part part = {SLOT_ADDR, size, slot};
    const struct image image = {.parts = &part, .count = 1};
    bool ok = output_write(&out, &image, &why);
    uint32_t crc = ~crc32_more(CRC32_START, slot, size); /* as the seal has it, not the information block */
    free(slot);
    if (!ok)
        return cannot(&why);
    printf("%s: %u bytes, CRC 0x%08X%s\n", out.path, size, crc,
           f.has_info ? "" : "; it has no information block to fill in");
    return EXIT_GOOD;
}

/* ---- merge ------------------------------------------------------------------------------- */

/* The bootloader: all of it in its own pages, with a reset vector there. */
static bool bootloader(struct image *boot, char *file, struct sentence *why)
{
    if (!read_image(boot, file, BOOT_ADDR, why))
        return false;
    const struct image_part *last = &boot->parts[boot->count - 1];
    uint32_t reset = 0;
    if (boot->parts[0].size >= 8)
        memcpy(&reset, boot->parts[0].bytes + 4, 4);
    if (boot->parts[0].addr != BOOT_ADDR || last->addr + last->size > SLOT_ADDR || reset % 2 == 0 ||
        reset < BOOT_ADDR || reset >= SLOT_ADDR) {
        image_free(boot);
        return refuse(why, "%s: is no bootloader for 0x%08X to 0x%08X", file, BOOT_ADDR, SLOT_ADDR - 1);
    }
    return true;
}

/* The record that says: these bytes are whole (docs/ledger.md). */
static struct ledger_record seal(const uint8_t *slot, uint32_t size, uint32_t version)
{
    struct ledger_record r = {.magic = LEDGER_MAGIC,
                              .type = LEDGER_SEALED,
                              .sequence = 1,
                              .length = size,
                              .crc = ~crc32_more(CRC32_START, slot, size),
                              .version = version};
    r.check = ~crc32_more(CRC32_START, (const uint8_t *)&r, offsetof(struct ledger_record, check));
    return r;
}

/* For a raw binary: one part, the gaps filled with 0xFF. */
static bool fill(struct image *image, struct sentence *why)
{
    const struct image_part *last = &image->parts[image->count - 1];
    uint32_t first = image->parts[0].addr, size = last->addr + last->size - first;
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return refuse(why, "out of memory");
    memset(bytes, 0xFF, size);
    for (size_t i = 0; i < image->count; i++)
        memcpy(bytes + (image->parts[i].addr - first), image->parts[i].bytes, image->parts[i].size);
    image_free(image);
    bool ok = image_add(image, first, bytes, size);
    free(bytes);
    return ok || refuse(why, "out of memory");
}

int merge_command(int argc, char **argv)
{
    struct sentence why;
    struct findings f;
    struct image image;
    struct output out;
    char *names[2];
    uint32_t size;
    if (!take(argc, argv, names, 2, false, "a bootloader, an application and -o OUT", &out, &why) ||
        !bootloader(&image, names[0], &why))
        return cannot(&why);
    uint8_t *slot = read_application(names[1], false, &size, &f, &why);
    bool ok = slot != NULL;
    if (slot) {
        fill_in_info(slot, size, &f);
        struct ledger_record r = seal(slot, size, f.has_info ? f.info.version : 0);
        enum output_format format = output_format(out.path);
        ok = (image_add(&image, SLOT_ADDR, slot, size) &&
              image_add(&image, LEDGER_ADDR, (const uint8_t *)&r, sizeof r)) ||
             refuse(&why, "out of memory");
        if (ok && format == OUTPUT_DFU)
            ok = refuse(&why, "%s: a bootloader cannot be written over DFU by itself: say .bin or .hex",
                        out.path);
        if (ok && format == OUTPUT_BIN)
            ok = fill(&image, &why);
        ok = ok && output_write(&out, &image, &why);
    }
    free(slot);
    image_free(&image);
    if (!ok)
        return cannot(&why);
    printf("%s: bootloader, application of %u bytes, sealed\n", out.path, size);
    return EXIT_GOOD;
}
