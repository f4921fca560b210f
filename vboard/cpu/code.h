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

/* Windows by address bits 31:24; row CPU_REGIONS is empty. Aligned accesses inside a window do what
 * the long way would do. Each has a second one VIEW_BESIDE rows on, for what lies on the other side of a
 * hole: the guard below a stack in the middle of SRAM. */
enum { VIEW_BESIDE = CPU_REGIONS + 1 };
struct code_view {
    struct window load[2 * VIEW_BESIDE], store[2 * VIEW_BESIDE];
    uint8_t load_slot[256], store_slot[256];
    bool guarded[CPU_REGIONS]; /* fetches from the region have to ask the MPU */
};

struct cpu_code {
    struct code_view view, views[3]; /* the one in use is a copy; the others by enum in view.c */
    bool view_built[3];
    unsigned view_now;
    struct { /* what the views with MPU were built for */
        uint32_t ctrl, rbar[CPU_MPU_REGIONS], rasr[CPU_MPU_REGIONS];
    } mpu;
    struct code_region regions[CPU_REGIONS];
    uint32_t top; /* the last address of any region */
    /* Where the interpreter is: pc = base + 2 * (op - ops). */
    const struct op *ops;
    uint32_t base, size;  /* size 0: in scratch */
    bool gated, guarded;  /* of the region: fetches are told to the env, ask the MPU */
    struct op scratch[3]; /* one instruction from memory that is no region, or across an edge */
    uintptr_t line;       /* of the last instruction fetched while fetches are checked */
    struct {              /* stops that decoded entries know of */
        struct cpu_watch watches[CPU_WATCHES];
        uint32_t breaks[CPU_BREAKS];
        unsigned count;
        struct cpu_compared compared[CPU_COMPARED];
        unsigned compared_count;
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
/* Cycles of a direct branch to pc, which need not be decoded. */
unsigned code_entry(const struct cpu *cpu, uint32_t pc);
/* The processor wrote to memory that has a mark. */
void code_written(struct cpu *cpu, const uint8_t *bytes, uint32_t size);
void code_stops(struct cpu *cpu); /* watch, breakpoints or comparators changed */
void code_sync(struct cpu *cpu);  /* regions, MPU, privilege or priority may have changed */
void code_view(struct cpu *cpu, bool regions_changed); /* part of code_sync: makes `view` true again */
void code_watched(struct cpu *cpu); /* watchpoints changed: the views have to be built again */
void code_bury(struct cpu *cpu);    /* frees what was replaced */
const struct cpu_region *code_find(const struct cpu *cpu, uint32_t addr);

static inline uint32_t code_pc(const struct cpu *cpu, const struct op *op)
{
    return cpu->code->base + (uint32_t)((op - cpu->code->ops) * 2);
}

#endif
