/* sureboot inspect: what a file is, and whether it will run. */
#include <stdio.h>
#include <string.h>

#include "board/symbols.h"
#include "boot/core/config.h"
#include "commands.h"
#include "examine.h"
#include "run/json.h"

static const char *const formats[] = {[IMAGE_RAW] = "raw binary",
                                      [IMAGE_ELF] = "ELF",
                                      [IMAGE_HEX] = "Intel HEX",
                                      [IMAGE_DFUSE] = "DfuSe",
                                      [IMAGE_DFU11] = "raw binary with DFU suffix"};
static const char *const severities[] = {[NOTE] = "note", [WARNING] = "warning", [ERROR] = "error"};

/* The name may fill all its bytes. */
static void name_of(const struct image_info *info, char name[IMAGE_NAME_SIZE + 1])
{
    memcpy(name, info->name, IMAGE_NAME_SIZE);
    name[IMAGE_NAME_SIZE] = '\0';
    for (char *c = name; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static void print_info(const struct findings *f)
{
    char name[IMAGE_NAME_SIZE + 1];
    name_of(&f->info, name);
    printf("  information   \"%s\" %u.%u.%u, board 0x%08X%s%s, %s\n", name, f->info.version >> 24,
           f->info.version >> 16 & 0xFF, f->info.version & 0xFFFF, f->info.board,
           f->info.flags & IMAGE_WANTS_CONFIRM ? ", wants confirmation" : "",
           f->info.flags & IMAGE_HAS_MAILBOX ? ", has a mailbox" : "",
           !f->packed     ? "not packed"
           : f->crc_right ? "packed, CRC right"
                          : "packed, CRC wrong");
}

static void print_text(const char *file, const struct image *image, const struct findings *f)
{
    printf("%s: %s, %u bytes from 0x%08X to 0x%08X\n", file, formats[image->format], f->bytes, f->first,
           f->last);
    if (f->first >= SLOT_ADDR && f->last < SLOT_END)
        printf("  slot          0x%08X to 0x%08X, %u %% used\n", SLOT_ADDR, SLOT_END - 1,
               (f->last + 1 - SLOT_ADDR) / (SLOT_SIZE / 100));
    if (f->has_vectors) {
        struct symbols *symbols = NULL;
        struct symbol at = {.function = "", .line = ""};
        if (image->format == IMAGE_ELF && symbols_add(&symbols, file))
            symbols_find(symbols, f->reset, &at);
        symbols_free(symbols);
        printf("  stack pointer 0x%08X\n  reset vector  0x%08X", f->stack, f->reset);
        if (at.function[0])
            printf("  %s", at.function);
        if (at.line[0])
            printf("  (%s)", at.line);
        printf("\n");
    }
    if (f->has_info)
        print_info(f);
    bool warned = false;
    for (unsigned i = 0; i < f->count; i++) {
        const struct finding *finding = &f->list[i];
        warned |= finding->severity == WARNING;
        printf("\n%s %u: %s\n", severities[finding->severity], (unsigned)finding->code,
               finding_sentence(finding->code));
        if (finding->detail[0])
            printf("  here: %s\n", finding->detail);
        const struct cure *cure;
        for (size_t k = 0; (cure = finding_cure(finding->code, k)) != NULL; k++)
            printf("  %s, in %s:\n      %s\n", cure->toolchain, cure->file, cure->change);
    }
    if (!will_run(f))
        printf("\nIt will NOT run behind sureboot.\n");
    else
        printf("\n%s: %s\n", warned ? "It will start; whether it works, see the warning" : "It will run",
               f->factory ? "flash it with a debugger, at 0x08000000."
                          : "dfu-util -s 0x08004000:leave -D FILE.bin");
}

static void member(const char *name, const char *value)
{
    printf(",\"%s\":", name);
    json_string(stdout, value);
}

static void print_json(const char *file, const struct image *image, const struct findings *f)
{
    printf("{\"file\":");
    json_string(stdout, file);
    member("format", formats[image->format]);
    member("verdict", will_run(f) ? "runs" : "will not run");
    printf(",\"factory\":%s,\"first\":%u,\"last\":%u,\"bytes\":%u", f->factory ? "true" : "false", f->first,
           f->last, f->bytes);
    if (f->has_vectors)
        printf(",\"stack\":%u,\"reset\":%u", f->stack, f->reset);
    if (f->has_info) {
        char name[IMAGE_NAME_SIZE + 1];
        name_of(&f->info, name);
        printf(",\"info\":{\"address\":%u", f->info_address);
        member("name", name);
        printf(",\"version\":\"%u.%u.%u\",\"board\":%u,\"wants_confirm\":%s,\"has_mailbox\":%s,\"packed\":%s,"
               "\"crc_right\":%s,\"length\":%u,\"crc\":%u}",
               f->info.version >> 24, f->info.version >> 16 & 0xFF, f->info.version & 0xFFFF, f->info.board,
               f->info.flags & IMAGE_WANTS_CONFIRM ? "true" : "false",
               f->info.flags & IMAGE_HAS_MAILBOX ? "true" : "false", f->packed ? "true" : "false",
               f->packed && f->crc_right ? "true" : "false", f->info.length, f->info.crc);
    }
    printf(",\"findings\":[");
    for (unsigned i = 0; i < f->count; i++) {
        const struct finding *finding = &f->list[i];
        printf("%s{\"code\":%u", i ? "," : "", (unsigned)finding->code);
        member("name", finding_name(finding->code));
        member("severity", severities[finding->severity]);
        member("sentence", finding_sentence(finding->code));
        member("detail", finding->detail);
        printf(",\"cures\":[");
        const struct cure *cure;
        for (size_t k = 0; (cure = finding_cure(finding->code, k)) != NULL; k++) {
            printf("%s{\"toolchain\":", k ? "," : "");
            json_string(stdout, cure->toolchain);
            member("file", cure->file);
            member("change", cure->change);
            printf("}");
        }
        printf("]}");
    }
    printf("]}\n");
}

int inspect_command(int argc, char **argv)
{
    struct sentence why;
    struct image image;
    struct findings f;
    char *file = NULL;
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (argv[i][0] == '-' || file) {
            sentence_write(&why, "inspect takes one file and --json, not also '%s'", argv[i]);
            return cannot(&why);
        } else {
            file = argv[i];
        }
    }
    if (!file) {
        sentence_write(&why, "inspect takes a file");
        return cannot(&why);
    }
    if (!read_image(&image, file, SLOT_ADDR, &why))
        return cannot(&why);
    examine(&f, &image);
    if (json)
        print_json(file, &image, &f);
    else
        print_text(file, &image, &f);
    image_free(&image);
    return will_run(&f) ? EXIT_GOOD : EXIT_BAD;
}
