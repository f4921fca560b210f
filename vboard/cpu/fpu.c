/* Floating-point instructions (DDI 0403E A7.7.224 on) on top of fp.h. The run loop has checked that
 * the FPU may be used and that its registers belong to the running context. */
#include "cpu/core.h"
#include "cpu/fp.h"
#include "cpu/op.h"

#include <string.h>

typedef struct cpu C;
typedef const struct op O;

/* ---- the host's arithmetic where it cannot differ ---------------------------------------- */

/* With round to nearest and IXC already set, an operation on normal numbers or zeros whose result is
 * comfortably normal has nothing to report: the host's IEEE result is the result. */
static bool host_mode(uint32_t fpscr)
{
    return (fpscr & (FPSCR_RMODE | FPSCR_IXC)) == FPSCR_IXC;
}
static bool host_operand(uint32_t a)
{
    return (a >> 23 & 0xff) - 1 < 254 || a << 1 == 0;
}
static bool host_result(uint32_t a)
{
    return (a >> 23 & 0xff) - 2 < 253;
}

static float to_float(uint32_t a)
{
    float f;
    memcpy(&f, &a, sizeof f);
    return f;
}
static uint32_t from_float(float f)
{
    uint32_t a;
    memcpy(&a, &f, sizeof a);
    return a;
}

#define WITH_HOST(name, operator)                                                                            \
    static uint32_t name(uint32_t a, uint32_t b, uint32_t *fpscr)                                            \
    {                                                                                                        \
        if (host_mode(*fpscr) && host_operand(a) && host_operand(b)) {                                       \
            uint32_t r = from_float(to_float(a) operator to_float(b));                                       \
            if (host_result(r))                                                                              \
                return r;                                                                                    \
        }                                                                                                    \
        return fp_##name(a, b, fpscr);                                                                       \
    }
WITH_HOST(add, +)
WITH_HOST(sub, -)
WITH_HOST(mul, *)
WITH_HOST(div, /)

void cpu_fp_tell(struct cpu *cpu)
{
    if (!cpu_fp_news(cpu))
        return;
    cpu->fp_told = cpu->fpscr & FPSCR_CUMULATIVE;
    if (cpu->env.fp_flags)
        cpu->env.fp_flags(cpu->owner, cpu->fp_told);
}

/* ---- arithmetic -------------------------------------------------------------------------- */

#define BINARY(name, expr)                                                                                   \
    enum op_result op_##name(C *cpu, O *op)                                                                  \
    {                                                                                                        \
        uint32_t a = cpu->s[op->rn], b = cpu->s[op->rm], *f = &cpu->fpscr;                                   \
        cpu->s[op->rd] = (expr);                                                                             \
        return OP_DONE;                                                                                      \
    }
BINARY(vadd, add(a, b, f))
BINARY(vsub, sub(a, b, f))
BINARY(vmul, mul(a, b, f))
BINARY(vnmul, fp_neg(mul(a, b, f)))
BINARY(vdiv, div(a, b, f))

/* VMLA and its kin: x bit 0 negates the product, bit 1 the addend; two roundings. */
enum op_result op_vmla(C *cpu, O *op)
{
    uint32_t p = mul(cpu->s[op->rn], cpu->s[op->rm], &cpu->fpscr), d = cpu->s[op->rd];
    cpu->s[op->rd] = add(op->x & 2 ? fp_neg(d) : d, op->x & 1 ? fp_neg(p) : p, &cpu->fpscr);
    return OP_DONE;
}

static uint32_t fma_either(uint32_t addend, uint32_t a, uint32_t b, uint32_t *fpscr)
{
    if (host_mode(*fpscr) && host_operand(a) && host_operand(b) && host_operand(addend)) {
        uint32_t r = from_float(__builtin_fmaf(to_float(a), to_float(b), to_float(addend)));
        if (host_result(r))
            return r;
    }
    return fp_fma(addend, a, b, fpscr);
}

/* VFMA and its kin: x bit 0 negates the product (its first factor), bit 1 the addend. */
enum op_result op_vfma(C *cpu, O *op)
{
    uint32_t n = cpu->s[op->rn], d = cpu->s[op->rd];
    cpu->s[op->rd] =
        fma_either(op->x & 2 ? fp_neg(d) : d, op->x & 1 ? fp_neg(n) : n, cpu->s[op->rm], &cpu->fpscr);
    return OP_DONE;
}

enum op_result op_vsqrt(C *cpu, O *op)
{
    cpu->s[op->rd] = fp_sqrt(cpu->s[op->rm], &cpu->fpscr);
    return OP_DONE;
}

enum op_result op_vabs(C *cpu, O *op)
{
    cpu->s[op->rd] = cpu->s[op->rm] & 0x7fffffff;
    return OP_DONE;
}

enum op_result op_vneg(C *cpu, O *op)
{
    cpu->s[op->rd] = fp_neg(cpu->s[op->rm]);
    return OP_DONE;
}

enum op_result op_vmov(C *cpu, O *op)
{
    cpu->s[op->rd] = cpu->s[op->rm];
    return OP_DONE;
}

enum op_result op_vmov_imm(C *cpu, O *op)
{
    cpu->s[op->rd] = op->imm;
    return OP_DONE;
}

/* x: bit 0 quiet NaNs are invalid too, bit 1 compares with zero */
enum op_result op_vcmp(C *cpu, O *op)
{
    uint32_t b = op->x & 2 ? 0 : cpu->s[op->rm];
    uint32_t nzcv = fp_compare(cpu->s[op->rd], b, op->x & 1, &cpu->fpscr);
    cpu->fpscr = (cpu->fpscr & 0x0fffffff) | nzcv << 28;
    return OP_DONE;
}

/* ---- conversions ------------------------------------------------------------------------- */

/* x: bit 0 to integer, bit 1 signed, bit 2 toward zero */
enum op_result op_vcvt_int(C *cpu, O *op)
{
    uint32_t m = cpu->s[op->rm], *f = &cpu->fpscr;
    bool is_signed = op->x & 2;
    if (op->x & 1)
        cpu->s[op->rd] = fp_to_fixed(m, 32, 0, !is_signed, op->x & 4 ? FP_ZERO : fp_mode(*f), f);
    else
        cpu->s[op->rd] = fp_from_fixed(is_signed ? (int64_t)(int32_t)m : (int64_t)m, 0, fp_mode(*f), f);
    return OP_DONE;
}

/* x: bit 0 to fixed point, bit 1 unsigned, bit 2 32 bits; sh: bits behind the point; in place */
enum op_result op_vcvt_fixed(C *cpu, O *op)
{
    uint32_t d = cpu->s[op->rd], *f = &cpu->fpscr;
    bool is_unsigned = op->x & 2;
    if (op->x & 1) {
        cpu->s[op->rd] = fp_to_fixed(d, op->x & 4 ? 32 : 16, op->sh, is_unsigned, FP_ZERO, f);
    } else {
        int64_t v;
        if (op->x & 4)
            v = is_unsigned ? (int64_t)d : (int64_t)(int32_t)d;
        else
            v = is_unsigned ? (int64_t)(uint16_t)d : (int64_t)(int16_t)d;
        cpu->s[op->rd] = fp_from_fixed(v, op->sh, FP_NEAREST, f);
    }
    return OP_DONE;
}

/* x: bit 0 to half precision, bit 1 the top half of the half-precision register */
enum op_result op_vcvt_half(C *cpu, O *op)
{
    unsigned at = op->x & 2 ? 16 : 0;
    if (op->x & 1) {
        uint32_t h = fp_to_half(cpu->s[op->rm], &cpu->fpscr);
        cpu->s[op->rd] = (cpu->s[op->rd] & ~(0xffffu << at)) | h << at;
    } else {
        cpu->s[op->rd] = fp_from_half(cpu->s[op->rm] >> at & 0xffff, &cpu->fpscr);
    }
    return OP_DONE;
}

/* ---- transfers --------------------------------------------------------------------------- */

/* x: to the core register */
enum op_result op_vmov_core(C *cpu, O *op)
{
    if (op->x)
        cpu->r[op->rd] = cpu->s[op->rn];
    else
        cpu->s[op->rn] = cpu->r[op->rd];
    return OP_DONE;
}

enum op_result op_vmov_core2(C *cpu, O *op)
{
    if (op->x) {
        cpu->r[op->rd] = cpu->s[op->rm];
        cpu->r[op->rn] = cpu->s[op->rm + 1];
    } else {
        cpu->s[op->rm] = cpu->r[op->rd];
        cpu->s[op->rm + 1] = cpu->r[op->rn];
    }
    return OP_DONE;
}

enum op_result op_vmrs(C *cpu, O *op)
{
    if (op->rd == 15)
        cpu_set_apsr(cpu, (cpu->fpscr & 0xf0000000) | cpu->q << 27, true, false);
    else
        cpu->r[op->rd] = cpu->fpscr;
    return OP_DONE;
}

enum op_result op_vmsr(C *cpu, O *op)
{
    cpu->fpscr = cpu->r[op->rd] & FPSCR_BITS;
    return OP_DONE;
}

/* An encoding that the FPU does not have, of double precision for one. It is no FP instruction: whether the
 * FPU is on is asked, but no state is stored and FPCA stays (ExecuteFPCheck is part of an operation). */
enum op_result op_vundefined(C *cpu, O *op)
{
    (void)op;
    cpu_raise(cpu, EXC_USAGE, cpu_fp_allowed(cpu, cpu_privileged(cpu)) ? CFSR_UNDEFINSTR : CFSR_NOCP);
    return OP_FAULT;
}
