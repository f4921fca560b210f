/* See symbols.h. */
#include "board/symbols.h"

#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct symbols {
    struct symbols *next;
    Dwfl *dwfl;
};

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
};

bool symbols_add(struct symbols **symbols, const char *path)
{
    struct symbols *s = calloc(1, sizeof *s);
    if (s == NULL)
        return false;
    s->dwfl = dwfl_begin(&callbacks);
    if (s->dwfl == NULL) {
        free(s);
        return false;
    }
    dwfl_report_begin(s->dwfl);
    bool ok = dwfl_report_offline(s->dwfl, path, path, -1) != NULL;
    if (dwfl_report_end(s->dwfl, NULL, NULL) != 0 || !ok) {
        symbols_free(s);
        return false;
    }
    s->next = *symbols;
    *symbols = s;
    return true;
}

void symbols_free(struct symbols *symbols)
{
    while (symbols != NULL) {
        struct symbols *next = symbols->next;
        dwfl_end(symbols->dwfl);
        free(symbols);
        symbols = next;
    }
}

/* The line of a PC. Only GCC says by default which unit an address is in (.debug_aranges): with files of
 * Keil, clang or Rust the units are asked one by one. */
static const char *line_of(Dwfl_Module *module, GElf_Addr pc, int *number)
{
    Dwfl_Line *line = dwfl_module_getsrc(module, pc);
    if (line != NULL)
        return dwfl_lineinfo(line, NULL, number, NULL, NULL, NULL);
    GElf_Addr bias;
    for (Dwarf_Die *unit = NULL; (unit = dwfl_module_nextcu(module, unit, &bias)) != NULL;) {
        Dwarf_Line *found = dwarf_getsrc_die(unit, pc - bias);
        if (found != NULL && dwarf_lineno(found, number) == 0)
            return dwarf_linesrc(found, NULL, NULL);
    }
    return NULL;
}

/* The nearest label at or below an address in its section, as assembly leaves it: without size, and beside
 * the marks of the assembler itself, $t, $a and $d. */
static const char *label_below(Dwfl_Module *module, GElf_Addr pc)
{
    const char *best = NULL;
    GElf_Addr nearest = 0, offset = pc, bias;
    Elf_Scn *section = dwfl_module_address_section(module, &offset, &bias);

    for (int i = 1, n = section == NULL ? 0 : dwfl_module_getsymtab(module); i < n; i++) {
        GElf_Sym sym;
        GElf_Addr at;
        const char *name = dwfl_module_getsym_info(module, i, &sym, &at, NULL, NULL, NULL);
        if (name == NULL || name[0] == '\0' || name[0] == '$' || GELF_ST_TYPE(sym.st_info) > STT_FUNC ||
            sym.st_shndx != elf_ndxscn(section))
            continue;
        at &= ~(GElf_Addr)1;
        if (at <= pc && at >= nearest) {
            best = sym.st_size == 0 || pc - at < sym.st_size ? name : NULL;
            nearest = at;
        }
    }
    return best;
}

void symbols_find(const struct symbols *symbols, uint32_t pc, struct symbol *found)
{
    *found = (struct symbol){{0}, {0}};
    for (; symbols != NULL; symbols = symbols->next) {
        Dwfl_Module *module = dwfl_addrmodule(symbols->dwfl, pc & ~1u);
        if (module == NULL)
            continue;
        /* Symbols of Thumb functions have bit 0 set. The name must cover the address: the nearest
         * symbol below it may be in another memory. */
        GElf_Off offset;
        GElf_Sym sym;
        const char *name = dwfl_module_addrinfo(module, pc | 1, &offset, &sym, NULL, NULL, NULL);
        if (name == NULL || name[0] == '$' || (sym.st_size != 0 && offset >= sym.st_size))
            name = label_below(module, pc & ~1u);
        if (name == NULL)
            continue;
        (void)snprintf(found->function, sizeof found->function, "%s", name);
        int number;
        const char *file = line_of(module, pc & ~1u, &number);
        if (file != NULL)
            (void)snprintf(found->line, sizeof found->line, "%s:%d", file, number);
        return;
    }
}
