/* The flash patch and breakpoint unit: six comparators for the words of instructions and two for those of
 * loads, all in the code region. A match gives the processor a BKPT, or the word that a table in SRAM has for
 * this comparator. DDI 0403E C1.11, DDI 0439 8.3. */
#include "cpu/core.h"

#include <string.h>

enum { INSTRUCTIONS = 6, COMPARATORS = 8 };
enum { CTRL_ENABLE = 1, CTRL_KEY = 2, CTRL_NUMBERS = (COMPARATORS - INSTRUCTIONS) << 8 | INSTRUCTIONS << 4 };
enum { COMP_ENABLE = 1, COMP_ADDRESS = 0x1ffffffc };
/* 0: by the table's word; bit 30, 31: BKPT for the lower, upper halfword. */
#define COMP_REPLACE 0xc0000000u
#define REMAP_BITS   0x1fffffe0u
#define REMAP_SRAM   0x20000000u /* RMPSPT, and where the table has to be */

void cpu_fpb_power_on(struct cpu *cpu)
{
    cpu->fpb_ctrl = cpu->fpb_remap = 0;
    cpu_fpb_clear(cpu);
}

void cpu_fpb_clear(struct cpu *cpu)
{
    memset(cpu->fpb_comp, 0, sizeof cpu->fpb_comp);
}

/* ---- registers --------------------------------------------------------------------------- */

uint32_t cpu_fpb_read(const struct cpu *cpu, uint32_t addr)
{
    unsigned n = ((addr & 0xfff) - 8) / 4;
    switch (addr & 0xfff) {
    case 0x000: return CTRL_NUMBERS | cpu->fpb_ctrl;
    case 0x004: return REMAP_SRAM | cpu->fpb_remap;
    default: return n < COMPARATORS ? cpu->fpb_comp[n] : 0;
    }
}

void cpu_fpb_write(struct cpu *cpu, uint32_t addr, uint32_t value)
{
    unsigned n = ((addr & 0xfff) - 8) / 4;
    switch (addr & 0xfff) {
    case 0x000:
        if (value & CTRL_KEY)
            cpu->fpb_ctrl = value & CTRL_ENABLE;
        break;
    case 0x004: cpu->fpb_remap = value & REMAP_BITS; break;
    default:
        if (n < COMPARATORS)
            cpu->fpb_comp[n] = value & (COMP_REPLACE | COMP_ADDRESS | COMP_ENABLE);
        break;
    }
    cpu_comparators_changed(cpu);
}

/* ---- comparators ------------------------------------------------------------------------- */

static bool enabled(const struct cpu *cpu, unsigned n)
{
    return (cpu->fpb_ctrl & CTRL_ENABLE) && (cpu->fpb_comp[n] & COMP_ENABLE);
}

/* A 32-bit instruction may begin in the halfword before. */
void cpu_fpb_compare(struct cpu *cpu)
{
    for (unsigned n = 0; n < COMPARATORS; n++) {
        uint32_t word = cpu->fpb_comp[n] & COMP_ADDRESS;
        if (!enabled(cpu, n))
            continue;
        if (n < INSTRUCTIONS)
            cpu_compare(cpu, (struct cpu_compared){word < 2 ? 0 : word - 2, word + 3, true, false, false});
        else
            cpu_compare(cpu, (struct cpu_compared){word, word + 3, false, true, false});
    }
}

static bool matches(const struct cpu *cpu, unsigned n, uint32_t addr)
{
    return enabled(cpu, n) && (addr & ~3u) == (cpu->fpb_comp[n] & COMP_ADDRESS);
}

bool cpu_fpb_breaks(const struct cpu *cpu, uint32_t pc)
{
    for (unsigned n = 0; n < INSTRUCTIONS; n++)
        if (matches(cpu, n, pc) && cpu->fpb_comp[n] >> 30 & (pc & 2 ? 2 : 1))
            return true;
    return false;
}

static uint32_t in_table(const struct cpu *cpu, unsigned n, uint32_t addr)
{
    return REMAP_SRAM | cpu->fpb_remap | n << 2 | (addr & 3);
}

uint32_t cpu_fpb_fetched_from(const struct cpu *cpu, uint32_t addr)
{
    for (unsigned n = 0; n < INSTRUCTIONS; n++)
        if (matches(cpu, n, addr) && !(cpu->fpb_comp[n] & COMP_REPLACE))
            return in_table(cpu, n, addr);
    return addr;
}

uint32_t cpu_fpb_loaded_from(const struct cpu *cpu, uint32_t addr)
{
    for (unsigned n = INSTRUCTIONS; n < COMPARATORS; n++)
        if (matches(cpu, n, addr))
            return in_table(cpu, n, addr);
    return addr;
}
