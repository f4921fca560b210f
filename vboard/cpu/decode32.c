/* Decoder of the 32-bit Thumb instructions (DDI 0403E A5.3) except those in decode_dsp.c and
 * decode_fp.c. */
#include "cpu/decode.h"

enum { TO_SP_SUB = 1, TO_SP_FLAGS = 2, TO_SP_TYPE = 2 /* shift */ };

static inline unsigned rn_of(const struct decode *d)
{
    return bits(d, 19, 16);
}
static inline unsigned rt_of(const struct decode *d)
{
    return bits(d, 15, 12);
}
static inline unsigned rd_of(const struct decode *d)
{
    return bits(d, 11, 8);
}
static inline unsigned rm_of(const struct decode *d)
{
    return bits(d, 3, 0);
}

/* Shift by constant (DecodeImmShift); amount 0 of LSR and ASR means 32, of ROR means RRX. */
static void op_imm_shift(struct decode *d, unsigned type, unsigned amount)
{
    if (type == SHIFT_ROR && amount == 0)
        type = SHIFT_RRX;
    else if (type != SHIFT_LSL && amount == 0)
        amount = 32;
    d->op->x = (uint8_t)type;
    d->op->sh = (uint8_t)amount;
}

/* ThumbExpandImm_C: value in imm; x: the carry changes, sh: to what. */
static void expand_imm(struct decode *d)
{
    uint32_t i = bits(d, 26, 26) << 11 | bits(d, 14, 12) << 8 | bits(d, 7, 0), b = i & 0xff, value;
    d->op->x = d->op->sh = 0;
    if (i >> 10 == 0) {
        static const uint32_t spread[4] = {1, 0x00010001, 0x01000100, 0x01010101};
        value = b * spread[i >> 8];
    } else {
        unsigned n = i >> 7;
        b = (i & 0x7f) | 0x80;
        value = b >> n | b << (32 - n);
        d->op->x = 1;
        d->op->sh = (uint8_t)(value >> 31);
    }
    d->op->imm = value;
}

/* Data processing, by the operation field that immediate and register forms share. */
static void data_processing(struct decode *d, unsigned form)
{
    static const uint16_t family[16] = {OP_AND_I, OP_BIC_I, OP_ORR_I, OP_ORN_I, OP_EOR_I, 0,
                                        0,        0,        OP_ADD_I, 0,        OP_ADC_I, OP_SBC_I,
                                        0,        OP_SUB_I, OP_RSB_I, 0};
    unsigned o = bits(d, 24, 21), s = bits(d, 20, 20), rn = rn_of(d), rd = rd_of(d);
    op_regs(d, rd, rn, rm_of(d));
    if (rd == 15 && s && (o == 0 || o == 4 || o == 8 || o == 13)) {
        unsigned test = o == 0 ? OP_TST_I : o == 4 ? OP_TEQ_I : o == 8 ? OP_CMN_I : OP_CMP_I;
        if (rn == 15)
            set_undefined(d);
        else
            op_set(d, test + form, 1);
        return;
    }
    bool to_sp = rd == 13 && (o == 8 || o == 13) && rn == 13;
    if (family[o] == 0 || rd == 15 || (rd == 13 && !to_sp) || (rn == 15 && o != 2 && o != 3)) {
        set_undefined(d);
        return;
    }
    unsigned f = s ? FORM_FLAGS : 0;
    if (rn == 15 && o == 2) { /* MOV; shifted registers have their own codes, see shifted_register */
        op_set(d, s ? OP_MOVS_I : OP_MOV_I, 1);
    } else if (rn == 15) {
        op_set(d, OP_MVN_I + form + f, 1);
    } else if (to_sp && !(form == FORM_I && !s && d->op->imm % 4 == 0)) {
        d->op->rs = (uint8_t)((o == 13 ? TO_SP_SUB : 0) | (s ? TO_SP_FLAGS : 0) | d->op->x << TO_SP_TYPE);
        d->op->x = (uint8_t)(form == FORM_I ? FORM_I : FORM_S);
        op_set(d, OP_to_sp, 1);
    } else {
        op_set(d, family[o] + form + f, 1);
    }
}

static void move_shifted(struct decode *d)
{
    static const uint16_t code[5][2] = {{OP_LSL_I, OP_LSLS_I},
                                        {OP_LSR_I, OP_LSRS_I},
                                        {OP_ASR_I, OP_ASRS_I},
                                        {OP_ROR_I, OP_RORS_I},
                                        {OP_RRX, OP_RRXS}};
    unsigned rd = rd_of(d), rm = rm_of(d), s = bits(d, 20, 20);
    bool plain = d->op->x == SHIFT_LSL && d->op->sh == 0;
    op_regs(d, rd, CPU_ZERO, rm);
    if (rd == 15 || rm == 15 || (rd == 13 && (s || !plain))) {
        set_undefined(d);
    } else if (rd == 13) {
        op_set(d, OP_to_sp, 1);
        d->op->rs = 0;
        d->op->x = FORM_S;
    } else if (plain) {
        op_set(d, s ? OP_MOVS_R : OP_MOV_R, 1);
    } else {
        op_set(d, code[d->op->x][s], 1);
    }
}

static void shifted_register(struct decode *d)
{
    op_imm_shift(d, bits(d, 5, 4), bits(d, 14, 12) << 2 | bits(d, 7, 6));
    if (bits(d, 15, 15)) {
        set_undefined(d);
    } else if (bits(d, 24, 21) == 2 && rn_of(d) == 15) {
        move_shifted(d);
    } else if (bits(d, 24, 21) == 6) { /* PKHBT, PKHTB */
        op_regs(d, rd_of(d), rn_of(d), rm_of(d));
        if (bits(d, 20, 20) || bits(d, 4, 4) || rd_of(d) == 15 || rd_of(d) == 13 || rn_of(d) == 15 ||
            rm_of(d) == 15)
            set_undefined(d);
        else
            op_set(d, OP_pkh, 1);
    } else if (rm_of(d) == 15) {
        set_undefined(d);
    } else {
        data_processing(d, d->op->x == SHIFT_LSL && d->op->sh == 0 ? FORM_R : FORM_S);
    }
}

static void saturate_or_field(struct decode *d)
{
    unsigned rd = rd_of(d), rn = rn_of(d), lsb = bits(d, 14, 12) << 2 | bits(d, 7, 6), msb = bits(d, 4, 0);
    unsigned what = bits(d, 24, 20);
    op_regs(d, rd, rn, 0);
    d->op->sh = (uint8_t)lsb;
    d->op->x = (uint8_t)msb;
    d->op->imm = 0;
    bool bad = rd == 15 || rd == 13 || bits(d, 26, 26) || bits(d, 5, 5);
    switch (what) {
    case 0x10:
    case 0x12:
    case 0x18:
    case 0x1a: { /* SSAT, USAT; ASR #0: the 16-bit forms */
        bool is_unsigned = what & 8, asr = what & 2;
        bool halves = asr && lsb == 0;
        bad = bad || rn == 15 || (halves && bits(d, 4, 4));
        op_set(d, halves ? is_unsigned ? OP_usat16 : OP_ssat16 : is_unsigned ? OP_usat : OP_ssat, 1);
        d->op->rs = asr ? SHIFT_ASR : SHIFT_LSL;
        break;
    }
    case 0x14:
    case 0x1c: /* SBFX, UBFX: x is the width */
        bad = bad || rn == 15 || lsb + msb > 31;
        op_set(d, what == 0x14 ? OP_SBFX : OP_UBFX, 1);
        d->op->x = (uint8_t)(msb + 1);
        break;
    case 0x16: /* BFI, BFC: imm is the mask of the field */
        bad = bad || msb < lsb;
        op_set(d, OP_BFI, 1);
        if (rn == 15)
            d->op->rn = CPU_ZERO;
        d->op->imm = bad ? 0 : (0xffffffffu >> (31 - (msb - lsb))) << lsb;
        break;
    default: bad = true; break;
    }
    if (bad)
        set_undefined(d);
}

static void plain_immediate(struct decode *d)
{
    uint32_t imm12 = bits(d, 26, 26) << 11 | bits(d, 14, 12) << 8 | bits(d, 7, 0);
    unsigned rd = rd_of(d), rn = rn_of(d), what = bits(d, 24, 20);
    op_regs(d, rd, rn, 0);
    if (what >= 0x10) {
        saturate_or_field(d);
        return;
    }
    bool sub = what == 0x0a;
    if (rd == 15 || (what != 0 && what != 0x0a && what != 0x04 && what != 0x0c)) {
        set_undefined(d);
    } else if (what == 0x04 || what == 0x0c) { /* MOVW, MOVT */
        op_set(d, what == 0x04 ? OP_MOV_I : OP_MOVT, 1);
        d->op->imm = rn << 12 | imm12;
        if (rd == 13)
            set_undefined(d);
    } else if (rn == 15) { /* ADR */
        uint32_t base = (d->pc + 4) & ~3u;
        op_set(d, OP_MOV_I, 1);
        d->op->imm = sub ? base - imm12 : base + imm12;
        if (rd == 13)
            set_undefined(d);
    } else {
        op_set(d, sub ? OP_SUB_I : OP_ADD_I, 1);
        d->op->imm = imm12;
        if (rd == 13 && rn != 13) {
            set_undefined(d);
        } else if (rd == 13 && imm12 % 4 != 0) {
            op_set(d, OP_to_sp, 1);
            d->op->x = FORM_I;
            d->op->rs = sub ? TO_SP_SUB : 0;
        }
    }
}

static void branch_or_control(struct decode *d)
{
    uint32_t s = bits(d, 26, 26), j1 = bits(d, 13, 13), j2 = bits(d, 11, 11), imm11 = bits(d, 10, 0);
    if (bits(d, 12, 12)) { /* B T4, BL */
        uint32_t offset = (s ? 0xff000000u : 0) | (uint32_t)(j1 == s) << 23 | (uint32_t)(j2 == s) << 22 |
                          bits(d, 25, 16) << 12 | imm11 << 1;
        bool link = bits(d, 14, 14);
        op_branch(d, link ? OP_BL : OP_B, link ? OP_BL_FAR : OP_B_FAR, d->pc + 4 + offset);
        d->op->x = 14;
        d->op->rn = CPU_ZERO;
        return;
    }
    if (bits(d, 14, 14)) { /* UDF; BLX (immediate) does not exist here */
        set_undefined(d);
        if ((d->w & 0xfff0f000) == 0xf7f0a000)
            op_set(d, OP_udf, 1);
        return;
    }
    if (bits(d, 25, 23) != 7) { /* B T3 */
        uint32_t offset = (s ? 0xfff00000u : 0) | j2 << 19 | j1 << 18 | bits(d, 21, 16) << 12 | imm11 << 1;
        unsigned cond = bits(d, 25, 22);
        op_branch(d, OP_BEQ + cond, OP_B_FAR, d->pc + 4 + offset);
        d->op->x = (uint8_t)cond;
        return;
    }
    set_undefined(d);
    d->op->imm = d->w;
    if ((d->w & 0xfff0f300) == 0xf3808000) {
        op_set(d, OP_msr, 1);
        op_regs(d, 0, rn_of(d), 0);
        if (rn_of(d) == 13 || rn_of(d) == 15)
            set_undefined(d);
    } else if ((d->w & 0xfffff000) == 0xf3ef8000) {
        op_set(d, OP_mrs, 1);
        op_regs(d, rd_of(d), 0, 0);
        if (rd_of(d) == 13 || rd_of(d) == 15)
            set_undefined(d);
    } else if ((d->w & 0xffffff00) == 0xf3af8000) {
        static const uint16_t hint[] = {OP_NOP, OP_NOP, OP_wfe, OP_wfi, OP_sev};
        unsigned n = bits(d, 7, 0);
        op_set(d, n < sizeof hint / sizeof *hint ? hint[n] : OP_NOP, 1);
    } else if ((d->w & 0xffffff0f) == 0xf3bf8f0f && bits(d, 7, 4) == 2) {
        op_set(d, OP_clrex, 1);
    } else if ((d->w & 0xffffff80) == 0xf3bf8f00) {
        switch (bits(d, 7, 4)) {
        case 4:
        case 5: op_set(d, OP_NOP, 1); break; /* DSB, DMB: accesses are in order already */
        case 6: op_set(d, OP_isb, 1 + REFILL_DIRECT); break;
        default: break;
        }
    }
}

static void load_store_single(struct decode *d)
{
    static const uint16_t loads[2][4] = {{OP_LDRB_I, OP_LDRH_I, OP_LDR_I, 0}, {OP_LDRSB_I, OP_LDRSH_I, 0, 0}};
    static const uint16_t stores[4] = {OP_STRB_I, OP_STRH_I, OP_STR_I, 0};
    bool load = bits(d, 20, 20), sign = bits(d, 24, 24), word = bits(d, 22, 21) == 2;
    unsigned size = bits(d, 22, 21), rn = rn_of(d), rt = rt_of(d), form, family;
    family = load ? loads[sign][size] : sign ? 0 : stores[size];
    op_regs(d, rt, rn, rm_of(d));
    bool unprivileged = false;
    if (family == 0 || (!load && rn == 15)) {
        set_undefined(d);
        return;
    }
    d->op->sh = 0;
    if (rn == 15) { /* literal */
        uint32_t base = (d->pc + 4) & ~3u;
        form = MEM_I;
        d->op->rn = CPU_ZERO;
        d->op->imm = bits(d, 23, 23) ? base + bits(d, 11, 0) : base - bits(d, 11, 0);
    } else if (bits(d, 23, 23)) {
        form = MEM_I;
        d->op->imm = bits(d, 11, 0);
    } else if (bits(d, 11, 11)) {
        unsigned puw = bits(d, 10, 8);
        unprivileged = puw == 6;
        form = !(puw & 1) ? MEM_I : puw & 4 ? MEM_W : MEM_P;
        d->op->imm = puw & 2 ? bits(d, 7, 0) : 0u - bits(d, 7, 0);
        if (puw == 0 || puw == 2 || (form != MEM_I && rn == rt)) {
            set_undefined(d);
            return;
        }
    } else if (bits(d, 10, 6) == 0) {
        form = MEM_R;
        d->op->imm = 0;
        d->op->sh = (uint8_t)bits(d, 5, 4);
        if (rm_of(d) == 15 || rm_of(d) == 13) {
            set_undefined(d);
            return;
        }
    } else {
        set_undefined(d);
        return;
    }
    if (rt == 15 && load && !word && !unprivileged && (form == MEM_I || form == MEM_R)) {
        op_set(d, OP_pld, 1); /* PLD, PLI, unallocated hints: no effect */
    } else if ((rt == 15 && (!load || !word || unprivileged)) || (rt == 13 && (!word || unprivileged))) {
        set_undefined(d);
    } else if (unprivileged) {
        op_set(d, load ? OP_load_unpriv : OP_store_unpriv, 2);
        d->op->x = (uint8_t)(size | (sign ? 4 : 0));
    } else if (load && (rt == 13 || rt == 15)) {
        op_set(d, OP_load_special, rt == 15 ? 2 + REFILL_MEMORY : 2);
        d->op->x = (uint8_t)form;
    } else {
        op_set(d, family + form, 2);
    }
}

static void load_store_multiple(struct decode *d)
{
    bool load = bits(d, 20, 20), wback = bits(d, 21, 21), before = bits(d, 24, 24);
    unsigned rn = rn_of(d), n;
    uint32_t list = bits(d, 15, 0);
    if (bits(d, 24, 23) == 0 || bits(d, 24, 23) == 3 || list == 0 || rn == 15 || (list & 0x2000) ||
        (!load && (list & 0x8000)) || (list & 0xc000) == 0xc000 || (wback && (list >> rn & 1))) {
        set_undefined(d);
        return;
    }
    n = (unsigned)__builtin_popcount(list);
    bool pc = list & 0x8000;
    op_set(d, pc ? OP_ldm_pc : load ? OP_LDM : OP_STM, 1 + n + (pc ? REFILL_MEMORY : 0));
    op_regs(d, 0, rn, n);
    d->op->imm = list;
    d->op->x = (uint8_t)(wback | before << 1);
}

/* Load and store exclusive, table branch. */
static void exclusive(struct decode *d)
{
    unsigned rn = rn_of(d), rt = rt_of(d), rd = rd_of(d), what = bits(d, 7, 4), lo = bits(d, 3, 0);
    bool load = bits(d, 20, 20);
    set_undefined(d);
    op_regs(d, rt, rn, lo);
    d->op->imm = 0;
    if (rn == 15 && !(bits(d, 23, 23) && load && what < 2))
        return;
    if (!bits(d, 23, 23)) { /* LDREX, STREX */
        if (rt == 13 || rt == 15 || (load ? rd != 15 : rd == 13 || rd == 15 || rd == rn || rd == rt))
            return;
        op_set(d, load ? OP_ldrex : OP_strex, 2);
        d->op->imm = bits(d, 7, 0) * 4;
        d->op->rs = (uint8_t)rd;
        d->op->x = 4;
    } else if (load && what < 2) { /* TBB, TBH */
        if (rt != 15 || rd != 0 || rn == 13 || lo == 13 || lo == 15)
            return;
        op_set(d, what ? OP_TBH : OP_TBB, 3 + REFILL_MEMORY);
        d->op->imm = d->pc + 4;
    } else if (what == 4 || what == 5) { /* LDREXB, LDREXH, STREXB, STREXH */
        if (rt == 13 || rt == 15 || rd != 15 ||
            (load ? lo != 15 : lo == 13 || lo == 15 || lo == rn || lo == rt))
            return;
        op_set(d, load ? OP_ldrex : OP_strex, 2);
        d->op->rs = (uint8_t)lo;
        d->op->x = what == 4 ? 1 : 2;
    }
}

static void load_store_dual(struct decode *d)
{
    bool load = bits(d, 20, 20), pre = bits(d, 24, 24), up = bits(d, 23, 23), wback = bits(d, 21, 21);
    unsigned rn = rn_of(d), rt = rt_of(d), rt2 = rd_of(d);
    uint32_t imm = bits(d, 7, 0) * 4;
    if (!pre && !wback) {
        exclusive(d);
        return;
    }
    op_set(d, load ? OP_LDRD : OP_STRD, 3);
    op_regs(d, rt, rn, rt2);
    d->op->imm = up ? imm : 0u - imm;
    d->op->x = (uint8_t)((wback ? 1 : 0) | (pre ? 0 : 2));
    if (rn == 15) {
        d->op->rn = CPU_ZERO;
        d->op->imm += (d->pc + 4) & ~3u;
    }
    if (rt == 13 || rt == 15 || rt2 == 13 || rt2 == 15 || (load && rt == rt2) ||
        (rn == 15 && (wback || !load)) || (wback && (rn == rt || rn == rt2)))
        set_undefined(d);
}

static void decode_32(struct decode *d)
{
    switch (bits(d, 28, 25)) { /* hw1 bits 12:9 */
    case 0x4: bits(d, 22, 22) ? load_store_dual(d) : load_store_multiple(d); break;
    case 0x5: shifted_register(d); break;
    case 0x6:
    case 0x7:
    case 0xe:
    case 0xf: decode_fp(d); break;
    case 0x8:
    case 0x9:
    case 0xa:
    case 0xb:
        if (bits(d, 15, 15)) {
            branch_or_control(d);
        } else if (bits(d, 25, 25)) {
            plain_immediate(d);
        } else {
            expand_imm(d);
            data_processing(d, FORM_I);
        }
        break;
    case 0xc: load_store_single(d); break;
    default: decode_dsp(d); break;
    }
}

static uint16_t wide_code(uint16_t code)
{
    return (uint16_t)(code >= OP_FIRST_HOT && code < OP_FIRST_COLD ? code + OP_WIDE : code);
}

void cpu_decode(struct op *op, uint32_t pc, uint16_t hw1, uint16_t hw2, uint32_t near_lo, uint32_t near_hi)
{
    bool wide = cpu_is_wide(hw1);
    struct decode d = {.op = op, .pc = pc, .near_lo = near_lo, .near_hi = near_hi};
    d.w = wide ? (uint32_t)hw1 << 16 | hw2 : hw1;
    *op = (struct op){.len = wide ? 2 : 1, .entry = cpu_entry(pc, hw1) & 7, .imm = d.w};
    wide ? decode_32(&d) : decode_16(&d);
    if (op->code == OP_undefined || op->code == OP_nocp)
        op->imm = d.w;
    if (wide) {
        op->code = wide_code(op->code);
        op->code_it = wide_code(op->code_it);
    }
}
