/* Decoder of data processing (register), multiply and divide: 0xFA000000-0xFBFFFFFF (DDI 0403E
 * A5.3.12 to A5.3.17). A row for each group; what rows have in common is said by their fields. */
#include "cpu/decode.h"

/* What x and the registers of an entry become. ra: bits 15:12, where 15 may mean "no accumulator". */
enum dsp_form {
    F_RD_RN_RM, /* bits 15:12 are 1111 */
    F_RD_RM_RM, /* both register fields name the one operand */
    F_ACC,      /* rs = ra, or CPU_ZERO if ra is 15 */
    F_RA,       /* rs = ra; 15 is not allowed */
    F_LONG,     /* rs = RdLo (15:12), rd = RdHi (11:8) */
    F_DIVIDE,   /* bits 15:12 are 1111 */
    F_EXTEND    /* rn 15 means "no addend"; sh: rotation */
};

/* x = instruction bits x_hi…x_lo, shifted up by 0, OR x_or */
static const struct row {
    uint32_t mask, value;
    uint16_t code;
    uint8_t form, x_hi, x_lo, x_or;
} rows[] = {
    {0xffe0f0f0, 0xfa00f000, OP_LSL_R, F_RD_RN_RM, 0, 0, 0},
    {0xffe0f0f0, 0xfa20f000, OP_LSR_R, F_RD_RN_RM, 0, 0, 0},
    {0xffe0f0f0, 0xfa40f000, OP_ASR_R, F_RD_RN_RM, 0, 0, 0},
    {0xffe0f0f0, 0xfa60f000, OP_ROR_R, F_RD_RN_RM, 0, 0, 0},
    /* SXTAH UXTAH SXTAB16 UXTAB16 SXTAB UXTAB: x bit 0 unsigned */
    {0xffe0f0c0, 0xfa00f080, OP_extend, F_EXTEND, 20, 20, 2},
    {0xffe0f0c0, 0xfa20f080, OP_extend16, F_EXTEND, 20, 20, 0},
    {0xffe0f0c0, 0xfa40f080, OP_extend, F_EXTEND, 20, 20, 0},
    /* parallel: imm = operation (bits 22:20), x = S Q SH - U UQ UH - (bits 6:4) */
    {0xff80f080, 0xfa80f000, OP_parallel, F_RD_RN_RM, 6, 4, 0},
    {0xfff0f0c0, 0xfa80f080, OP_qadd, F_RD_RN_RM, 5, 4, 0},
    {0xfff0f0f0, 0xfa90f080, OP_REV, F_RD_RM_RM, 0, 0, 0},
    {0xfff0f0f0, 0xfa90f090, OP_REV16, F_RD_RM_RM, 0, 0, 0},
    {0xfff0f0f0, 0xfa90f0a0, OP_rbit, F_RD_RM_RM, 0, 0, 0},
    {0xfff0f0f0, 0xfa90f0b0, OP_revsh, F_RD_RM_RM, 0, 0, 0},
    {0xfff0f0f0, 0xfaa0f080, OP_sel, F_RD_RN_RM, 0, 0, 0},
    {0xfff0f0f0, 0xfab0f080, OP_CLZ, F_RD_RM_RM, 0, 0, 0},
    {0xfff0f0f0, 0xfb00f000, OP_MUL, F_RD_RN_RM, 0, 0, 0},
    {0xfff000f0, 0xfb000000, OP_MLA, F_RA, 0, 0, 0},
    {0xfff000f0, 0xfb000010, OP_MLS, F_RA, 0, 0, 0},
    {0xfff0f0c0, 0xfb10f000, OP_smul_xy, F_RD_RN_RM, 5, 4, 0},
    {0xfff000c0, 0xfb100000, OP_smla_xy, F_RA, 5, 4, 0},
    /* x bit 0: exchanged, bit 1: subtract */
    {0xfff000e0, 0xfb200000, OP_smlad, F_ACC, 4, 4, 0},
    {0xfff0f0e0, 0xfb30f000, OP_smulw, F_RD_RN_RM, 4, 4, 0},
    {0xfff000e0, 0xfb300000, OP_smlaw, F_RA, 4, 4, 0},
    {0xfff000e0, 0xfb400000, OP_smlad, F_ACC, 4, 4, 2},
    /* x bit 0: rounded, bit 1: subtract */
    {0xfff000e0, 0xfb500000, OP_smmla, F_ACC, 4, 4, 0},
    {0xfff000e0, 0xfb600000, OP_smmla, F_RA, 4, 4, 2},
    {0xfff000f0, 0xfb700000, OP_usad8, F_ACC, 0, 0, 0},
    {0xfff000f0, 0xfb800000, OP_SMULL, F_LONG, 0, 0, 0},
    {0xfff0f0f0, 0xfb90f0f0, OP_SDIV, F_DIVIDE, 0, 0, 0},
    {0xfff000f0, 0xfba00000, OP_UMULL, F_LONG, 0, 0, 0},
    {0xfff0f0f0, 0xfbb0f0f0, OP_UDIV, F_DIVIDE, 0, 0, 0},
    {0xfff000f0, 0xfbc00000, OP_SMLAL, F_LONG, 0, 0, 0},
    {0xfff000c0, 0xfbc00080, OP_smlal_xy, F_LONG, 5, 4, 0},
    {0xfff000e0, 0xfbc000c0, OP_smlald, F_LONG, 4, 4, 0},
    {0xfff000e0, 0xfbd000c0, OP_smlald, F_LONG, 4, 4, 2},
    {0xfff000f0, 0xfbe00000, OP_UMLAL, F_LONG, 0, 0, 0},
    {0xfff000f0, 0xfbe00060, OP_umaal, F_LONG, 0, 0, 0},
};

static inline bool bad(unsigned r)
{
    return r == 13 || r == 15;
}

void decode_dsp(struct decode *d)
{
    const struct row *row = rows, *end = rows + sizeof rows / sizeof *rows;
    while (row < end && (d->w & row->mask) != row->value)
        row++;
    if (row == end) {
        set_undefined(d);
        return;
    }
    unsigned rd = bits(d, 11, 8), rn = bits(d, 19, 16), rm = bits(d, 3, 0), ra = bits(d, 15, 12);
    op_set(d, row->code, 1);
    op_regs(d, rd, rn, rm);
    d->op->rs = (uint8_t)ra;
    d->op->x = (uint8_t)((row->x_hi ? bits(d, row->x_hi, row->x_lo) : 0) | row->x_or);
    bool wrong = bad(rd) || bad(rm);
    switch (row->form) {
    case F_EXTEND:
        d->op->sh = (uint8_t)(bits(d, 5, 4) * 8);
        wrong = wrong || rn == 13;
        if (rn == 15)
            d->op->rn = CPU_ZERO;
        break;
    case F_RD_RM_RM: wrong = wrong || rn != rm; break;
    case F_ACC:
        wrong = wrong || bad(rn) || ra == 13;
        if (ra == 15)
            d->op->rs = CPU_ZERO;
        break;
    case F_RA: wrong = wrong || bad(rn) || bad(ra); break;
    case F_LONG: wrong = wrong || bad(rn) || bad(ra) || ra == rd; break;
    case F_DIVIDE: d->op->cost = 2; /* and what the quotient takes */ /* fall through */
    default: wrong = wrong || bad(rn); break;
    }
    if (row->code == OP_parallel) {
        unsigned o = bits(d, 22, 20);
        d->op->imm = o;
        wrong = wrong || o == 3 || o == 7 || (d->op->x & 3) == 3;
    } else if (row->value >> 24 == 0xfa && row->value < 0xfa80f000 && row->form == F_RD_RN_RM &&
               bits(d, 20, 20)) {
        d->op->code = d->op->code_it = (uint16_t)(row->code + 2); /* LSLS … RORS */
    } else if (row->code == OP_extend || row->code == OP_extend16) {
        /* the 16-bit forms' faster codes serve plain extension too */
        static const uint16_t plain[4] = {OP_SXTB, OP_UXTB, OP_SXTH, OP_UXTH};
        if (row->code == OP_extend && rn == 15 && d->op->sh == 0)
            d->op->code = d->op->code_it = plain[d->op->x];
    }
    if (wrong)
        set_undefined(d);
}
