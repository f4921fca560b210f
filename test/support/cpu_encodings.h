/* The rows of test/unit/cpu_encodings.inc as data, and random instructions that match one. */
#ifndef TEST_CPU_ENCODINGS_H
#define TEST_CPU_ENCODINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What registers and memory of a case look like. */
enum cpu_class {
    class_alu,      /* random registers */
    class_shifts,   /* small numbers among them */
    class_extremes, /* numbers near overflow */
    class_no_min,   /* the same without the halfword 0x8000: two products of it overflow in between, which the
                       oracle takes for an overflow of SMLAD's exact sum */
    class_lanes,    /* bytes and halfwords near overflow */
    class_division, /* small divisors, zero, the most negative number */
    class_some_zero,      /* half of the registers zero */
    class_small_m,        /* rm is small */
    class_to_code,        /* every register is an address of code */
    class_memory,         /* rn points into RAM, rm is small; any alignment */
    class_memory_of_code, /* the same, RAM is full of addresses of code */
    class_aligned,        /* rn is a multiple of 4 */
    class_aligned_code,
    class_fp,        /* interesting floating-point numbers, random FPSCR */
    class_fp_nearest /* round to nearest: VCVT from fixed point rounds so in any mode, the oracle does not */
};

struct cpu_row {
    const char *name, *bits;
    enum cpu_class class;
    bool (*condition)(const struct cpu_row *row, uint32_t w);
    const char *proof; /* NULL: the oracle */
    uint32_t mask, value;
    unsigned width; /* 16 or 32 */
};

extern struct cpu_row cpu_rows[];
extern const size_t cpu_row_count;
void cpu_rows_prepare(void); /* fills mask, value and width */

/* A field by its letter (either case counts as the same), high bits first; `otherwise` if the row
 * has none. */
uint32_t cpu_field(const struct cpu_row *row, uint32_t w, char letter, uint32_t otherwise);
/* Random numbers: the next one, and what they follow from. */
uint32_t rnd(void);
extern uint64_t rnd_seed;
/* A random instruction of the row that is not UNPREDICTABLE. 16-bit ones in bits 15:0. */
uint32_t cpu_row_random(const struct cpu_row *row);
/* The row that an instruction belongs to, the most specific one; NULL: none. */
const struct cpu_row *cpu_row_of(uint32_t w, unsigned width);

#endif
