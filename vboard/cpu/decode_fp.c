/* Decoder of the coprocessor space: FPv4-SP for coprocessors 10 and 11 (DDI 0403E A6), NOCP for the
 * others, which the chip does not have. */
#include "cpu/decode.h"

static void fp_undefined(struct decode *d)
{
    op_set(d, OP_vundefined, 1);
}

static unsigned sd(const struct decode *d)
{
    return bits(d, 15, 12) << 1 | bits(d, 22, 22);
}
static unsigned sn(const struct decode *d)
{
    return bits(d, 19, 16) << 1 | bits(d, 7, 7);
}
static unsigned sm(const struct decode *d)
{
    return bits(d, 3, 0) << 1 | bits(d, 5, 5);
}

/* Bits 19:16 say which, 7:6 more. */
static void other_operation(struct decode *d)
{
    unsigned what = bits(d, 19, 16), top = bits(d, 7, 7);
    op_regs(d, sd(d), 0, sm(d));
    switch (what) {
    case 0: op_set(d, top ? OP_vabs : OP_vmov, 1); break;
    case 1: op_set(d, top ? OP_vsqrt : OP_vneg, top ? 14 : 1); break;
    case 2:
    case 3: /* VCVTB, VCVTT: x bit 0 to half, bit 1 top */
        op_set(d, OP_vcvt_half, 1);
        d->op->x = (uint8_t)((what & 1) | top << 1);
        break;
    case 4:
    case 5: /* x bit 0 VCMPE, bit 1 with zero */
        if (what == 5 && (bits(d, 3, 0) || bits(d, 5, 5))) {
            fp_undefined(d);
            break;
        }
        op_set(d, OP_vcmp, 1);
        d->op->x = (uint8_t)(top | (what & 1) << 1);
        break;
    case 8:
    case 12:
    case 13: /* x bit 0 to integer, bit 1 signed, bit 2 toward zero */
        op_set(d, OP_vcvt_int, 1);
        d->op->x = (uint8_t)(what == 8 ? top << 1 : 1 | (what & 1) << 1 | top << 2);
        break;
    case 10:
    case 11:
    case 14:
    case 15: { /* x bit 0 to fixed, bit 1 unsigned, bit 2 32 bits; sh fraction bits */
        int size = top ? 32 : 16, fraction = size - (int)(bits(d, 3, 0) << 1 | bits(d, 5, 5));
        if (fraction < 0) {
            fp_undefined(d);
            break;
        }
        op_set(d, OP_vcvt_fixed, 1);
        d->op->x = (uint8_t)(what >> 2 & 1) | (uint8_t)((what & 1) << 1) | (uint8_t)(top << 2);
        d->op->sh = (uint8_t)fraction;
        break;
    }
    default: fp_undefined(d); break;
    }
}

static void arithmetic(struct decode *d)
{
    /* by bits 23, 21:20 and 6; x of VMLA and VFMA: bit 0 negates the product, bit 1 the addend */
    static const struct {
        uint16_t code;
        uint8_t cost, x;
    } row[16] = {
        {OP_vmla, 3, 0},  {OP_vmla, 3, 1},  {OP_vmla, 3, 2},       {OP_vmla, 3, 3},
        {OP_vmul, 1, 0},  {OP_vnmul, 1, 0}, {OP_vadd, 1, 0},       {OP_vsub, 1, 0},
        {OP_vdiv, 14, 0}, {0, 0, 0},        {OP_vfma, 3, 2},       {OP_vfma, 3, 3},
        {OP_vfma, 3, 0},  {OP_vfma, 3, 1},  {OP_vundefined, 1, 0}, {0, 0, 0},
    };
    unsigned i = bits(d, 23, 23) << 3 | bits(d, 21, 20) << 1 | bits(d, 6, 6);
    if (bits(d, 8, 8)) { /* double precision */
        fp_undefined(d);
    } else if (i == 15) {
        other_operation(d);
    } else if (i == 14) { /* VMOV (immediate): VFPExpandImm */
        uint32_t imm8 = bits(d, 19, 16) << 4 | bits(d, 3, 0);
        op_set(d, OP_vmov_imm, 1);
        op_regs(d, sd(d), 0, 0);
        d->op->imm = (imm8 & 0x80) << 24 | (imm8 & 0x40 ? 0x3e000000u : 0x40000000u) | (imm8 & 0x3f) << 19;
        if (bits(d, 7, 7) || bits(d, 5, 5))
            fp_undefined(d);
    } else if (row[i].code == 0) {
        fp_undefined(d);
    } else {
        op_set(d, row[i].code, row[i].cost);
        op_regs(d, sd(d), sn(d), sm(d));
        d->op->x = row[i].x;
    }
}

/* Between a core register and a single register, half a double register, or FPSCR. */
static void transfer(struct decode *d)
{
    unsigned rt = bits(d, 15, 12), load = bits(d, 20, 20), what = bits(d, 23, 21);
    bool bad = rt == 13 || rt == 15;
    fp_undefined(d);
    if (what == 7 && !bits(d, 8, 8)) { /* VMRS, VMSR */
        if (bits(d, 19, 16) != 1 || (load ? rt == 13 : bad))
            return;
        op_set(d, load ? OP_vmrs : OP_vmsr, 1);
        op_regs(d, rt, 0, 0);
        return;
    }
    if (bad || bits(d, 6, 5) != 0)
        return;
    if (what == 0 && !bits(d, 8, 8)) {
        op_set(d, OP_vmov_core, 2);
        op_regs(d, rt, sn(d), 0);
    } else if (what <= 1 && bits(d, 8, 8) && !bits(d, 7, 7)) { /* D register: bit 21 is the half */
        op_set(d, OP_vmov_core, 1);
        op_regs(d, rt, bits(d, 19, 16) * 2 + what, 0);
    }
    d->op->x = (uint8_t)load;
}

/* Between two core registers and two single registers or a double one. */
static void transfer_two(struct decode *d)
{
    unsigned rt = bits(d, 15, 12), rt2 = bits(d, 19, 16), load = bits(d, 20, 20);
    unsigned m = bits(d, 8, 8) ? bits(d, 3, 0) << 1 : sm(d);
    fp_undefined(d);
    if (rt == 13 || rt == 15 || rt2 == 13 || rt2 == 15 || (load && rt == rt2) || bits(d, 7, 6) != 0 ||
        !bits(d, 4, 4) || m == 31 || (bits(d, 8, 8) && bits(d, 5, 5)))
        return;
    op_set(d, OP_vmov_core2, 2);
    op_regs(d, rt, rt2, m);
    d->op->x = (uint8_t)load;
}

static void load_store(struct decode *d)
{
    unsigned puw = bits(d, 24, 23) << 1 | bits(d, 21, 21), load = bits(d, 20, 20), rn = bits(d, 19, 16);
    bool wide = bits(d, 8, 8);
    unsigned first = wide ? bits(d, 15, 12) << 1 : sd(d), imm8 = bits(d, 7, 0),
             words = wide ? imm8 & ~1u : imm8;
    bool no_such_register = wide && bits(d, 22, 22);
    fp_undefined(d);
    if (no_such_register)
        return;
    if (puw == 4 || puw == 6) { /* VLDR, VSTR */
        if (rn == 15 && !load)
            return;
        op_set(d, load ? OP_VLDR : OP_VSTR, wide ? 3 : 2);
        op_regs(d, first, rn == 15 ? CPU_ZERO : rn, 0);
        d->op->x = wide ? 2 : 1;
        d->op->imm = (puw == 6 ? imm8 * 4 : 0u - imm8 * 4) + (rn == 15 ? (d->pc + 4) & ~3u : 0);
    } else if (puw == 2 || puw == 3 ||
               puw == 5) { /* VLDM, VSTM: x bit 0 write-back, bit 1 decrement before */
        if (words == 0 || first + words > 32 || rn == 15)
            return;
        op_set(d, load ? OP_VLDM : OP_VSTM, 1 + words);
        op_regs(d, first, rn, words);
        d->op->x = (uint8_t)((puw & 1) | (puw == 5 ? 2 : 0));
        d->op->imm = imm8 * 4;
    }
}

void decode_fp(struct decode *d)
{
    unsigned coprocessor = bits(d, 11, 8);
    if (coprocessor != 10 && coprocessor != 11) {
        op_set(d, OP_nocp, 1);
    } else if (bits(d, 28, 28)) {
        fp_undefined(d);
    } else if (bits(d, 25, 24) == 2) {
        bits(d, 4, 4) ? transfer(d) : arithmetic(d);
    } else if (bits(d, 27, 21) == 0x62) {
        transfer_two(d);
    } else if (bits(d, 25, 25)) {
        fp_undefined(d);
    } else {
        load_store(d);
    }
}
