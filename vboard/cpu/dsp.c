/* DSP extension: parallel arithmetic, saturation, packing, halfword multiplies (DDI 0403E A7.7). */
#include "cpu/core.h"
#include "cpu/op.h"

typedef struct cpu C;
typedef const struct op O;

static int32_t half(uint32_t v, unsigned top)
{
    return (int16_t)(top ? v >> 16 : v);
}

/* SignedSatQ and UnsignedSatQ: bits 1 to 32. */
static int32_t sat_signed(int64_t v, unsigned bits, uint32_t *q)
{
    int64_t max = (1ll << (bits - 1)) - 1, min = -max - 1;
    if (v > max || v < min) {
        *q = 1;
        return (int32_t)(v > max ? max : min);
    }
    return (int32_t)v;
}
static uint32_t sat_unsigned(int64_t v, unsigned bits, uint32_t *q)
{
    int64_t max = (1ll << bits) - 1;
    if (v > max || v < 0) {
        *q = 1;
        return (uint32_t)(v < 0 ? 0 : max);
    }
    return (uint32_t)v;
}

/* ---- parallel addition and subtraction --------------------------------------------------- */

/* x: bit 2 unsigned; bits 1:0 plain (sets GE), saturating, halving. imm: 0 ADD8, 1 ADD16, 2 ASX, 4 SUB8,
 * 5 SUB16, 6 SAX. */
enum op_result op_parallel(C *cpu, O *op)
{
    uint32_t a = cpu->r[op->rn], b = cpu->r[op->rm], result = 0, ge = 0, q = 0;
    bool is_unsigned = op->x & 4, crossed = op->imm == 2 || op->imm == 6;
    unsigned bits = op->imm == 0 || op->imm == 4 ? 8 : 16, kind = op->x & 3;
    uint32_t mask = (1u << bits) - 1;
    for (unsigned at = 0; at < 32; at += bits) {
        uint32_t ea = a >> at & mask, eb = b >> (crossed ? 16 - at : at) & mask;
        bool top = at != 0, sub = op->imm >= 4;
        if (crossed)
            sub = (op->imm == 2) != top; /* ASX: adds at the top; SAX: subtracts there */
        int32_t sa = (int32_t)ea, sb = (int32_t)eb;
        if (!is_unsigned) {
            sa = (int32_t)(ea << (32 - bits)) >> (32 - bits);
            sb = (int32_t)(eb << (32 - bits)) >> (32 - bits);
        }
        int32_t r = sub ? sa - sb : sa + sb;
        if (kind == 0) {
            bool set = is_unsigned && !sub ? r > (int32_t)mask : r >= 0;
            if (set)
                ge |= (bits == 8 ? 1u : 3u) << at / 8;
        } else if (kind == 1) {
            r = is_unsigned ? (int32_t)sat_unsigned(r, bits, &q) : sat_signed(r, bits, &q);
        } else {
            r >>= 1;
        }
        result |= ((uint32_t)r & mask) << at;
    }
    if (kind == 0)
        cpu->ge = ge;
    cpu->r[op->rd] = result;
    return OP_DONE;
}

enum op_result op_sel(C *cpu, O *op)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < 4; i++)
        if (cpu->ge >> i & 1)
            mask |= 0xffu << 8 * i;
    cpu->r[op->rd] = (cpu->r[op->rn] & mask) | (cpu->r[op->rm] & ~mask);
    return OP_DONE;
}

enum op_result op_usad8(C *cpu, O *op)
{
    uint32_t a = cpu->r[op->rn], b = cpu->r[op->rm], sum = cpu->r[op->rs];
    for (unsigned at = 0; at < 32; at += 8) {
        uint32_t x = a >> at & 0xff, y = b >> at & 0xff;
        sum += x > y ? x - y : y - x;
    }
    cpu->r[op->rd] = sum;
    return OP_DONE;
}

/* ---- packing, extending, reversing ------------------------------------------------------- */

/* x: shift kind: LSL packs rn's bottom with the top of the shifted rm, ASR the other way round. */
enum op_result op_pkh(C *cpu, O *op)
{
    uint32_t n = cpu->r[op->rn], m = cpu->r[op->rm];
    if (op->x == SHIFT_LSL)
        cpu->r[op->rd] = (n & 0xffff) | (m << op->sh & 0xffff0000);
    else
        cpu->r[op->rd] = (n & 0xffff0000) | ((uint32_t)((int64_t)(int32_t)m >> op->sh) & 0xffff);
    return OP_DONE;
}

/* x: bit 0 unsigned, bit 1 halfword; sh: rotation; rn: addend. */
enum op_result op_extend(C *cpu, O *op)
{
    uint32_t v = cpu->r[op->rm];
    v = v >> op->sh | v << (-op->sh & 31);
    switch (op->x) {
    case 0: v = (uint32_t)(int8_t)v; break;
    case 1: v &= 0xff; break;
    case 2: v = (uint32_t)(int16_t)v; break;
    default: v &= 0xffff; break;
    }
    cpu->r[op->rd] = cpu->r[op->rn] + v;
    return OP_DONE;
}

enum op_result op_extend16(C *cpu, O *op)
{
    uint32_t v = cpu->r[op->rm], n = cpu->r[op->rn];
    v = v >> op->sh | v << (-op->sh & 31);
    uint32_t lo = v & 0xff, hi = v >> 16 & 0xff;
    if (!op->x) {
        lo = (uint32_t)(int8_t)lo;
        hi = (uint32_t)(int8_t)hi;
    }
    cpu->r[op->rd] = ((n + lo) & 0xffff) | ((n >> 16) + hi) << 16;
    return OP_DONE;
}

enum op_result op_revsh(C *cpu, O *op)
{
    uint32_t v = cpu->r[op->rm];
    cpu->r[op->rd] = (uint32_t)(int16_t)(v << 8 | (v >> 8 & 0xff));
    return OP_DONE;
}

enum op_result op_rbit(C *cpu, O *op)
{
    uint32_t v = __builtin_bswap32(cpu->r[op->rm]);
    v = (v & 0x0f0f0f0f) << 4 | (v >> 4 & 0x0f0f0f0f);
    v = (v & 0x33333333) << 2 | (v >> 2 & 0x33333333);
    cpu->r[op->rd] = (v & 0x55555555) << 1 | (v >> 1 & 0x55555555);
    return OP_DONE;
}

/* ---- saturation -------------------------------------------------------------------------- */

/* x: saturate_imm field; rs, sh: shift */
static int32_t to_saturate(const C *cpu, O *op)
{
    uint32_t n = cpu->r[op->rn];
    return op->rs == SHIFT_ASR ? (int32_t)n >> op->sh : (int32_t)(n << op->sh);
}

enum op_result op_ssat(C *cpu, O *op)
{
    cpu->r[op->rd] = (uint32_t)sat_signed(to_saturate(cpu, op), op->x + 1u, &cpu->q);
    return OP_DONE;
}

enum op_result op_usat(C *cpu, O *op)
{
    cpu->r[op->rd] = sat_unsigned(to_saturate(cpu, op), op->x, &cpu->q);
    return OP_DONE;
}

enum op_result op_ssat16(C *cpu, O *op)
{
    uint32_t n = cpu->r[op->rn], bits = op->x + 1u;
    uint32_t lo = (uint32_t)sat_signed(half(n, 0), bits, &cpu->q),
             hi = (uint32_t)sat_signed(half(n, 1), bits, &cpu->q);
    cpu->r[op->rd] = (lo & 0xffff) | hi << 16;
    return OP_DONE;
}

enum op_result op_usat16(C *cpu, O *op)
{
    uint32_t n = cpu->r[op->rn];
    uint32_t lo = sat_unsigned(half(n, 0), op->x, &cpu->q), hi = sat_unsigned(half(n, 1), op->x, &cpu->q);
    cpu->r[op->rd] = (lo & 0xffff) | hi << 16;
    return OP_DONE;
}

/* QADD, QDADD, QSUB, QDSUB Rd, Rm, Rn; x: bit 0 doubles rn, bit 1 subtracts. */
enum op_result op_qadd(C *cpu, O *op)
{
    int64_t n = (int32_t)cpu->r[op->rn], m = (int32_t)cpu->r[op->rm];
    if (op->x & 1)
        n = sat_signed(2 * n, 32, &cpu->q);
    cpu->r[op->rd] = (uint32_t)sat_signed(op->x & 2 ? m - n : m + n, 32, &cpu->q);
    return OP_DONE;
}

/* ---- halfword multiplies ----------------------------------------------------------------- */

/* Stores an accumulation and sets Q if it does not fit into 32 bits. */
static enum op_result accumulated(C *cpu, O *op, int64_t v)
{
    cpu->r[op->rd] = (uint32_t)v;
    if (v != (int32_t)v)
        cpu->q = 1;
    return OP_DONE;
}

/* x: bit 1 top of rn, bit 0 top of rm */
static int32_t product_xy(const C *cpu, O *op)
{
    return half(cpu->r[op->rn], op->x & 2) * half(cpu->r[op->rm], op->x & 1);
}

enum op_result op_smul_xy(C *cpu, O *op)
{
    cpu->r[op->rd] = (uint32_t)product_xy(cpu, op);
    return OP_DONE;
}

enum op_result op_smla_xy(C *cpu, O *op)
{
    return accumulated(cpu, op, (int64_t)product_xy(cpu, op) + (int32_t)cpu->r[op->rs]);
}

static int64_t product_w(const C *cpu, O *op)
{
    return (int64_t)(int32_t)cpu->r[op->rn] * half(cpu->r[op->rm], op->x & 1) >> 16;
}

enum op_result op_smulw(C *cpu, O *op)
{
    cpu->r[op->rd] = (uint32_t)product_w(cpu, op);
    return OP_DONE;
}

enum op_result op_smlaw(C *cpu, O *op)
{
    return accumulated(cpu, op, product_w(cpu, op) + (int32_t)cpu->r[op->rs]);
}

enum op_result op_smlal_xy(C *cpu, O *op)
{
    uint64_t acc = (uint64_t)cpu->r[op->rd] << 32 | cpu->r[op->rs];
    acc += (uint64_t)(int64_t)product_xy(cpu, op);
    cpu->r[op->rs] = (uint32_t)acc;
    cpu->r[op->rd] = (uint32_t)(acc >> 32);
    return OP_DONE;
}

/* Two products added or subtracted; x: bit 0 exchanges rm's halves, bit 1 subtracts. */
static int64_t dual(const C *cpu, O *op)
{
    uint32_t n = cpu->r[op->rn], m = cpu->r[op->rm];
    int64_t lo = (int64_t)half(n, 0) * half(m, op->x & 1), hi = (int64_t)half(n, 1) * half(m, !(op->x & 1));
    return op->x & 2 ? lo - hi : lo + hi;
}

enum op_result op_smlad(C *cpu, O *op)
{
    return accumulated(cpu, op, dual(cpu, op) + (int32_t)cpu->r[op->rs]);
}

enum op_result op_smlald(C *cpu, O *op)
{
    uint64_t acc = ((uint64_t)cpu->r[op->rd] << 32 | cpu->r[op->rs]) + (uint64_t)dual(cpu, op);
    cpu->r[op->rs] = (uint32_t)acc;
    cpu->r[op->rd] = (uint32_t)(acc >> 32);
    return OP_DONE;
}

/* SMMUL, SMMLA, SMMLS: the top word; x: bit 0 rounds, bit 1 subtracts. */
enum op_result op_smmla(C *cpu, O *op)
{
    uint64_t acc = (uint64_t)cpu->r[op->rs] << 32;
    uint64_t product = (uint64_t)((int64_t)(int32_t)cpu->r[op->rn] * (int32_t)cpu->r[op->rm]);
    acc = op->x & 2 ? acc - product : acc + product;
    if (op->x & 1)
        acc += 0x80000000u;
    cpu->r[op->rd] = (uint32_t)(acc >> 32);
    return OP_DONE;
}

enum op_result op_umaal(C *cpu, O *op)
{
    uint64_t acc = (uint64_t)cpu->r[op->rn] * cpu->r[op->rm] + cpu->r[op->rd] + cpu->r[op->rs];
    cpu->r[op->rs] = (uint32_t)acc;
    cpu->r[op->rd] = (uint32_t)(acc >> 32);
    return OP_DONE;
}
