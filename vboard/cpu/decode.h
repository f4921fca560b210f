/* What the decoders share: the instruction being decoded and how to fill in its entry.
 * UNPREDICTABLE register choices (PC or SP where they must not be) decode as UNDEFINED: loud. */
#ifndef VBOARD_CPU_DECODE_H
#define VBOARD_CPU_DECODE_H

#include "cpu/op.h"

struct decode {
    struct op *op;
    uint32_t pc;
    uint32_t w;                /* hw1 << 16 | hw2, or the 16-bit instruction */
    uint32_t near_lo, near_hi; /* see cpu_decode */
};

/* Bits hi…lo of the instruction. */
static inline uint32_t bits(const struct decode *d, unsigned hi, unsigned lo)
{
    return d->w >> lo & ((2u << (hi - lo)) - 1);
}

static inline void op_set(struct decode *d, unsigned code, unsigned cost)
{
    d->op->code = d->op->code_it = (uint16_t)code;
    d->op->cost = (uint8_t)cost;
}
static inline void op_regs(struct decode *d, unsigned rd, unsigned rn, unsigned rm)
{
    d->op->rd = (uint8_t)rd;
    d->op->rn = (uint8_t)rn;
    d->op->rm = (uint8_t)rm;
}
static inline void set_undefined(struct decode *d)
{
    op_set(d, OP_undefined, 1);
}

/* Forms of OPS_DP and OPS_TEST, added to the first code of the family. */
enum { FORM_I, FORM_R, FORM_S, FORM_FLAGS };
/* Forms of OPS_MEM. */
enum { MEM_I, MEM_R, MEM_W, MEM_P };

/* Cycles of a taken branch: 1 for the instruction + a pipeline refill of 1 where the target is
 * known early (immediate), 2 where it comes from a register (TRM table 3-1: P is 1 to 3), 3 where it comes
 * from memory (TRM 3.3.2; TBB and TBH add 1 to calculate it). */
enum { REFILL_DIRECT = 1, REFILL_INDIRECT = 2, REFILL_MEMORY = 3 };

/* A direct branch: `near` with the distance to the target's entry in bytes in imm, or `far` with the
 * address in imm. */
static inline void op_branch(struct decode *d, unsigned near, unsigned far, uint32_t target)
{
    bool is_near = target >= d->near_lo && target < d->near_hi;
    op_set(d, is_near ? near : far, 1);
    d->op->imm = is_near ? (target - d->pc) * (uint32_t)(sizeof *d->op / 2) : target;
}

void decode_16(struct decode *d);
void decode_dsp(struct decode *d); /* FA80-FBFF: parallel, multiply, divide */
void decode_fp(struct decode *d);  /* coprocessor space */

#endif
