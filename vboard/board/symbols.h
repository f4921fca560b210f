/* Names for addresses: function and source line of a program counter, from the ELF files that were
 * loaded. Uses libdwfl; files without debug information give the function only. */
#ifndef VBOARD_BOARD_SYMBOLS_H
#define VBOARD_BOARD_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols;

/* Reads `path` now, so that a rebuilt file does not matter later, and puts it before those added
 * earlier. *symbols is NULL at first. false: not an ELF file that libdwfl understands, or memory is
 * short; nothing has changed. */
bool symbols_add(struct symbols **symbols, const char *path);
void symbols_free(struct symbols *symbols);

struct symbol {
    char function[128]; /* empty: not known */
    char line[256];     /* "file.c:12" as the compiler was given the file; empty: not known */
};
/* pc: bit 0 does not matter. symbols may be NULL. */
void symbols_find(const struct symbols *symbols, uint32_t pc, struct symbol *found);

#endif
