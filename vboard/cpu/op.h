/* One decoded instruction, and the list of everything it can be. HOT operations are labels in the
 * interpreter loop (run.c), COLD ones functions in the file of their subject, FP ones functions that
 * are called once the FPU is known to be usable. */
#ifndef VBOARD_CPU_OP_H
#define VBOARD_CPU_OP_H

#include "cpu/state.h"

/* 16 bytes, one per halfword address of executable memory. The fields mean what the operation's
 * code makes of them; usually registers by number (CPU_ZERO for "none") and an immediate. */
struct op {
    uint16_t code;     /* enum op_code */
    uint16_t code_it;  /* the same inside an IT block, where 16-bit arithmetic leaves the flags alone */
    uint8_t cost;      /* cycles; taken branches, divisions and waiting come on top */
    uint8_t len : 2;   /* halfwords */
    uint8_t folds : 1; /* outside IT blocks: the IT behind it takes no cycle of its own */
    uint8_t entry : 3; /* cycles of a direct branch to here; 0: nobody has looked */
    uint8_t rd, rn, rm, rs;
    uint8_t sh; /* shift amount, or carry-out of a rotated constant */
    uint8_t x;  /* variant */
    uint32_t imm;
};

enum { SHIFT_LSL, SHIFT_LSR, SHIFT_ASR, SHIFT_ROR, SHIFT_RRX };

/* clang-format off */
/* _I: second operand is imm; _R: rm; _S: rm shifted by the constant (x, sh). S before it: sets flags. */
#define OPS_DP(X, f) X(f##_I) X(f##_R) X(f##_S) X(f##S_I) X(f##S_R) X(f##S_S)
#define OPS_TEST(X, f) X(f##_I) X(f##_R) X(f##_S)
#define OPS_SHIFT(X, f) X(f##_I) X(f##_R) X(f##S_I) X(f##S_R)
/* _I: [rn + imm]; _R: [rn + (rm << sh)]; _W: pre-indexed, _P: post-indexed with write-back. */
#define OPS_MEM(X, f) X(f##_I) X(f##_R) X(f##_W) X(f##_P)

/* Not instructions; the loop depends on these being the first. */
#define OPS_PSEUDO(X) X(NEW) X(CROSS) X(WATCH) X(BREAK) X(OUTSIDE)

#define OPS_HOT(X) \
    OPS_DP(X, AND) OPS_DP(X, BIC) OPS_DP(X, ORR) OPS_DP(X, ORN) OPS_DP(X, EOR) \
    OPS_DP(X, ADD) OPS_DP(X, ADC) OPS_DP(X, SBC) OPS_DP(X, SUB) OPS_DP(X, RSB) OPS_DP(X, MVN) \
    OPS_TEST(X, TST) OPS_TEST(X, TEQ) OPS_TEST(X, CMN) OPS_TEST(X, CMP) \
    X(MOV_I) X(MOVS_I) X(MOV_R) X(MOVS_R) X(MOVT) \
    OPS_SHIFT(X, LSL) OPS_SHIFT(X, LSR) OPS_SHIFT(X, ASR) OPS_SHIFT(X, ROR) X(RRX) X(RRXS) \
    X(BFI) X(UBFX) X(SBFX) X(CLZ) X(REV) X(REV16) X(UXTB) X(UXTH) X(SXTB) X(SXTH) \
    X(MUL) X(MULS) X(MLA) X(MLS) X(UMULL) X(SMULL) X(UMLAL) X(SMLAL) X(UDIV) X(SDIV) \
    OPS_MEM(X, LDR) OPS_MEM(X, LDRB) OPS_MEM(X, LDRH) OPS_MEM(X, LDRSB) OPS_MEM(X, LDRSH) \
    OPS_MEM(X, STR) OPS_MEM(X, STRB) OPS_MEM(X, STRH) \
    X(LDM) X(STM) X(LDRD) X(STRD) \
    X(B) X(BEQ) X(BNE) X(BCS) X(BCC) X(BMI) X(BPL) X(BVS) X(BVC) X(BHI) X(BLS) X(BGE) X(BLT) X(BGT) X(BLE) \
    X(BL) X(CBZ) X(CBNZ) X(BX) X(BLX) X(TBB) X(TBH) X(B_FAR) X(BL_FAR) X(CB_FAR) \
    X(IT) X(NOP) X(VLDR) X(VSTR) X(VLDM) X(VSTM)

#define OPS_COLD(X) \
    /* control (system.c) */ \
    X(undefined) X(vundefined) X(nocp) X(udf) X(svc) X(bkpt) X(cps) X(mrs) X(msr) X(wfi) X(wfe) X(sev) X(isb) X(clrex) \
    /* ALU results to PC or SP (system.c) */ \
    X(mov_pc) X(add_pc) X(to_sp) \
    /* memory, less usual (memory_ops.c) */ \
    X(load_special) X(load_unpriv) X(store_unpriv) X(ldrex) X(strex) X(ldm_pc) X(pld) \
    /* DSP and saturation (dsp.c) */ \
    X(parallel) X(sel) X(pkh) X(ssat) X(usat) X(ssat16) X(usat16) X(qadd) X(extend) X(extend16) X(revsh) X(rbit) \
    X(usad8) X(smul_xy) X(smla_xy) X(smulw) X(smlaw) X(smlal_xy) X(smlad) X(smlald) X(smmla) X(umaal)

/* Floating point (fpu.c): operations that cannot fault. */
#define OPS_FP(X) \
    X(vadd) X(vsub) X(vmul) X(vnmul) X(vdiv) X(vmla) X(vfma) X(vsqrt) X(vabs) X(vneg) X(vmov) X(vmov_imm) X(vcmp) \
    X(vcvt_int) X(vcvt_fixed) X(vcvt_half) X(vmov_core) X(vmov_core2) X(vmrs) X(vmsr)
/* clang-format on */

#define OP_ENUM(name) OP_##name,
enum op_code {
    OPS_PSEUDO(OP_ENUM) OP_FIRST_HOT,
    OP_BEFORE_HOT = OP_FIRST_HOT - 1,
    OPS_HOT(OP_ENUM) OP_FIRST_COLD,
    OP_BEFORE_COLD = OP_FIRST_COLD - 1,
    OPS_COLD(OP_ENUM) OP_FIRST_FP,
    OP_BEFORE_FP = OP_FIRST_FP - 1,
    OPS_FP(OP_ENUM) OP_COUNT,
    OP_LAST_PSEUDO = OP_BEFORE_HOT,
    OP_WIDE = OP_COUNT - OP_FIRST_HOT /* added to a HOT code where the encoding has 32 bits */
};

/* Cycles of a direct branch, taken: its own and the least that a pipeline refill takes. */
enum { ENTRY_LEAST = 2 };

/* What a COLD or FP function did. */
enum op_result {
    OP_DONE, /* go on behind it */
    OP_JUMP, /* cpu->r[15] says where to go on */
    OP_FAULT /* cpu->fault says what happened */
};
typedef enum op_result op_function(struct cpu *cpu, const struct op *op);
#define OP_DECLARE(name) op_function op_##name;
OPS_COLD(OP_DECLARE)
OPS_FP(OP_DECLARE)
#undef OP_DECLARE

/* Decodes the instruction at pc. hw2 is the next halfword (ignored for 16-bit instructions).
 * `near_lo` … `near_hi` (exclusive) are the addresses whose entries lie in the same array, so that
 * branches there can be relative to the entry; both 0: none. */
void cpu_decode(struct op *op, uint32_t pc, uint16_t hw1, uint16_t hw2, uint32_t near_lo, uint32_t near_hi);
bool cpu_is_wide(uint16_t hw1); /* first half of a 32-bit instruction */
/* Cycles of a direct branch to an instruction that begins with hw1. */
unsigned cpu_entry(uint32_t pc, uint16_t hw1);
/* Cycles of an instruction, now that the two halfwords behind it are known (0: they are not). */
void cpu_pair(struct op *op, uint32_t pc, uint16_t hw1, uint16_t hw2);

#endif
