/* Decoded instructions and the windows through which the loop reaches memory directly. Lives outside
 * struct cpu, is derived from its regions and memory, and can be thrown away at any time. */
#ifndef VBOARD_CPU_CODE_H
#define VBOARD_CPU_CODE_H

#include "cpu/op.h"

enum { MARK_SHIFT = 8 }; /* one "may have decoded code" mark for each 256 bytes */

struct window {
    uint32_t base, size; /* size 0: nothing is reached through this */
    uint8_t *bytes;
    const uint8_t *marks;
};

struct code_region {
    struct cpu_region region; /* as it was built */
    struct op *ops;           /* one per halfword, and two that lead out of the region at the end */
    void *block;              /* what to free */
    uint8_t *marks;
};

struct cpu_code {
    /* Windows by address bits 31:24; row CPU_REGIONS is empty. */
    struct window load[CPU_REGIONS + 1], store[CPU_REGIONS + 1];
    uint8_t load_slot[256], store_slot[256];
    bool direct; /* windows are open (no MPU, no alignment trap) */
    struct code_region regions[CPU_REGIONS];
    /* Where the interpreter is: pc = base + 2 * (op - ops). */
    const struct op *ops;
    uint32_t base, size; /* size 0: in scratch */
    bool gated;
    struct op scratch[3]; /* one instruction from memory that is no region, or across an edge */
    uintptr_t line;       /* of the last instruction fetched while fetches are checked */
    struct {              /* stops that decoded entries know of */
        struct cpu_watch watches[CPU_WATCHES];
        uint32_t breaks[CPU_BREAKS];
        unsigned count;
    } stops;
    void *graveyard[CPU_REGIONS * 4]; /* freed when no entry is in use */
    unsigned dead;
};

/* The entry for pc, or NULL: a fault was raised. Sets ops, base, gated. */
const struct op *code_lookup(struct cpu *cpu, uint32_t pc);
/* Fetches and fills in an entry (code OP_NEW) of the present region; false: fault raised. */
bool code_fill(struct cpu *cpu, const struct op *op, uint32_t pc);
/* Fetches the line or lines of an entry while fetches are checked; false: fault raised. */
bool code_fetch(struct cpu *cpu, const struct op *op, uint32_t pc);
/* Decodes the instruction at pc into scratch, reading it as fetches do; NULL: fault raised.
 * breaks: honour watch and breakpoints. */
const struct op *code_outside(struct cpu *cpu, uint32_t pc, bool breaks);
/* The processor wrote to memory that has a mark. */
void code_written(struct cpu *cpu, const uint8_t *bytes, uint32_t size);
void code_drop_range(struct cpu *cpu, uint32_t lo, uint32_t hi); /* addresses, inclusive */
void code_stops(struct cpu *cpu);                                /* watch or breakpoints changed */
void code_sync(struct cpu *cpu); /* regions or the right to direct access changed */
void code_bury(struct cpu *cpu); /* frees what was replaced */
const struct cpu_region *code_find(const struct cpu *cpu, uint32_t addr);

static inline uint32_t code_pc(const struct cpu *cpu, const struct op *op)
{
    return cpu->code->base + (uint32_t)((op - cpu->code->ops) * 2);
}

#endif
