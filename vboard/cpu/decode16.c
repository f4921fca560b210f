/* Decoder of the 16-bit Thumb instructions (DDI 0403E A5.2). */
#include "cpu/decode.h"

bool cpu_is_wide(uint16_t hw1)
{
    return hw1 >= 0xe800;
}

static void flags(struct decode *d, unsigned with, unsigned without, unsigned cost)
{
    op_set(d, with, cost);
    d->op->code_it = (uint16_t)without;
}

static void shift_imm(struct decode *d)
{
    static const uint8_t with[] = {OP_LSLS_I, OP_LSRS_I, OP_ASRS_I};
    static const uint8_t without[] = {OP_LSL_I, OP_LSR_I, OP_ASR_I};
    unsigned type = bits(d, 12, 11), n = bits(d, 10, 6);
    op_regs(d, bits(d, 2, 0), 0, bits(d, 5, 3));
    if (type == SHIFT_LSL && n == 0)
        flags(d, OP_MOVS_R, OP_MOV_R, 1);
    else
        flags(d, with[type], without[type], 1);
    d->op->sh = (uint8_t)(type != SHIFT_LSL && n == 0 ? 32 : n);
}

static void add_sub(struct decode *d)
{
    bool sub = bits(d, 9, 9), imm = bits(d, 10, 10);
    unsigned code = (sub ? OP_SUB_I : OP_ADD_I) + (imm ? 0u : FORM_R);
    op_regs(d, bits(d, 2, 0), bits(d, 5, 3), bits(d, 8, 6));
    flags(d, code + FORM_FLAGS, code, 1);
    d->op->imm = bits(d, 8, 6);
}

static void imm8(struct decode *d)
{
    unsigned r = bits(d, 10, 8);
    op_regs(d, r, r, 0);
    switch (bits(d, 12, 11)) {
    case 0: flags(d, OP_MOVS_I, OP_MOV_I, 1); break;
    case 1: op_set(d, OP_CMP_I, 1); break;
    case 2: flags(d, OP_ADDS_I, OP_ADD_I, 1); break;
    default: flags(d, OP_SUBS_I, OP_SUB_I, 1); break;
    }
    d->op->imm = bits(d, 7, 0);
}

static void data_processing(struct decode *d)
{
    static const struct {
        uint16_t with, without;
    } row[16] = {
        {OP_ANDS_R, OP_AND_R}, {OP_EORS_R, OP_EOR_R}, {OP_LSLS_R, OP_LSL_R}, {OP_LSRS_R, OP_LSR_R},
        {OP_ASRS_R, OP_ASR_R}, {OP_ADCS_R, OP_ADC_R}, {OP_SBCS_R, OP_SBC_R}, {OP_RORS_R, OP_ROR_R},
        {OP_TST_R, OP_TST_R},  {OP_RSBS_I, OP_RSB_I}, {OP_CMP_R, OP_CMP_R},  {OP_CMN_R, OP_CMN_R},
        {OP_ORRS_R, OP_ORR_R}, {OP_MULS, OP_MUL},     {OP_BICS_R, OP_BIC_R}, {OP_MVNS_R, OP_MVN_R},
    };
    unsigned i = bits(d, 9, 6), rd = bits(d, 2, 0), rm = bits(d, 5, 3);
    flags(d, row[i].with, row[i].without, 1);
    op_regs(d, rd, i == 9 ? rm : rd, rm); /* RSB Rd, Rm, #0 */
    d->op->imm = 0;
}

/* ADD, CMP, MOV with high registers; BX, BLX. */
static void special_data(struct decode *d)
{
    unsigned rd = bits(d, 7, 7) << 3 | bits(d, 2, 0), rm = bits(d, 6, 3);
    uint32_t pc4 = d->pc + 4;
    op_regs(d, rd, rd, rm);
    switch (bits(d, 9, 8)) {
    case 0:
        if (rd == 15 && rm == 15)
            set_undefined(d);
        else if (rd == 15)
            op_set(d, OP_add_pc, 1 + REFILL_INDIRECT);
        else if (rm == 15)
            op_set(d, OP_ADD_I, 1);
        else
            op_set(d, OP_ADD_R, 1);
        d->op->imm = pc4;
        if (rd == 13 && d->op->code != OP_undefined) {
            d->op->x = (uint8_t)(d->op->code == OP_ADD_R ? FORM_S : FORM_I);
            d->op->sh = 0;
            d->op->rs = 0;
            op_set(d, OP_to_sp, 1);
        }
        break;
    case 1:
        if (rd == 15 || rm == 15)
            set_undefined(d);
        else
            op_set(d, OP_CMP_R, 1);
        break;
    case 2:
        if (rd == 15) {
            op_set(d, OP_mov_pc, 1 + (rm == 14 ? REFILL_DIRECT : REFILL_INDIRECT));
        } else if (rm == 15) {
            op_set(d, OP_MOV_I, 1);
            d->op->imm = rd == 13 ? pc4 & ~3u : pc4;
        } else if (rd == 13) {
            op_set(d, OP_to_sp, 1);
            d->op->rn = CPU_ZERO;
            d->op->x = FORM_S;
            d->op->sh = d->op->rs = 0;
        } else {
            op_set(d, OP_MOV_R, 1);
        }
        break;
    default:
        if ((rm == 15 && bits(d, 7, 7)) || bits(d, 2, 0) != 0)
            set_undefined(d);
        else
            op_set(d, bits(d, 7, 7) ? OP_BLX : OP_BX, 1 + (rm == 14 ? REFILL_DIRECT : REFILL_INDIRECT));
        d->op->imm = pc4;
        break;
    }
}

static void memory(struct decode *d, unsigned family, unsigned form, unsigned rt, unsigned rn, uint32_t imm)
{
    op_set(d, family + form, 2);
    op_regs(d, rt, rn, 0);
    d->op->imm = imm;
}

static void load_store_reg(struct decode *d)
{
    static const uint16_t family[8] = {OP_STR_I, OP_STRH_I, OP_STRB_I, OP_LDRSB_I,
                                       OP_LDR_I, OP_LDRH_I, OP_LDRB_I, OP_LDRSH_I};
    memory(d, family[bits(d, 11, 9)], MEM_R, bits(d, 2, 0), bits(d, 5, 3), 0);
    d->op->rm = (uint8_t)bits(d, 8, 6);
    d->op->sh = 0;
}

static void load_store_imm(struct decode *d)
{
    bool load = bits(d, 11, 11);
    unsigned rt = bits(d, 2, 0), rn = bits(d, 5, 3), n = bits(d, 10, 6);
    switch (bits(d, 15, 12)) {
    case 6: memory(d, load ? OP_LDR_I : OP_STR_I, MEM_I, rt, rn, n * 4); break;
    case 7: memory(d, load ? OP_LDRB_I : OP_STRB_I, MEM_I, rt, rn, n); break;
    case 8: memory(d, load ? OP_LDRH_I : OP_STRH_I, MEM_I, rt, rn, n * 2); break;
    default: memory(d, load ? OP_LDR_I : OP_STR_I, MEM_I, bits(d, 10, 8), 13, bits(d, 7, 0) * 4); break;
    }
}

static void load_store_multiple(struct decode *d, bool load, unsigned rn, uint32_t list, bool wback,
                                bool before)
{
    unsigned n = (unsigned)__builtin_popcount(list);
    if (n == 0) {
        set_undefined(d);
        return;
    }
    bool pc = load && (list & 0x8000);
    op_set(d, pc ? OP_ldm_pc : load ? OP_LDM : OP_STM, 1 + n + (pc ? REFILL_MEMORY : 0));
    op_regs(d, 0, rn, n);
    d->op->imm = list;
    d->op->x = (uint8_t)(wback | before << 1);
}

static void miscellaneous(struct decode *d)
{
    unsigned rd = bits(d, 2, 0), rm = bits(d, 5, 3);
    op_regs(d, rd, CPU_ZERO, rm);
    switch (bits(d, 11, 8)) {
    case 0x0: /* ADD, SUB (SP): multiples of 4 keep SP aligned */
        op_set(d, bits(d, 7, 7) ? OP_SUB_I : OP_ADD_I, 1);
        op_regs(d, 13, 13, 0);
        d->op->imm = bits(d, 6, 0) * 4;
        break;
    case 0x1:
    case 0x3:
    case 0x9:
    case 0xb: {
        bool nonzero = bits(d, 11, 11);
        op_branch(d, nonzero ? OP_CBNZ : OP_CBZ, OP_CB_FAR,
                  d->pc + 4 + (bits(d, 9, 9) << 6 | bits(d, 7, 3) << 1));
        d->op->rn = (uint8_t)rd;
        d->op->x = nonzero;
        break;
    }
    case 0x2: {
        static const uint16_t code[4] = {OP_SXTH, OP_SXTB, OP_UXTH, OP_UXTB};
        op_set(d, code[bits(d, 7, 6)], 1);
        break;
    }
    case 0x4:
    case 0x5: load_store_multiple(d, false, 13, bits(d, 7, 0) | bits(d, 8, 8) << 14, true, true); break;
    case 0x6:
        if ((d->w & 0xffec) == 0xb660 && bits(d, 1, 0) != 0) {
            op_set(d, OP_cps, 1);
            d->op->imm = d->w;
        } else {
            set_undefined(d);
        }
        break;
    case 0xa: {
        static const uint16_t code[4] = {OP_REV, OP_REV16, OP_undefined, OP_revsh};
        op_set(d, code[bits(d, 7, 6)], 1);
        break;
    }
    case 0xc:
    case 0xd: load_store_multiple(d, true, 13, bits(d, 7, 0) | bits(d, 8, 8) << 15, true, false); break;
    case 0xe: op_set(d, OP_bkpt, 1); break;
    case 0xf:
        if (bits(d, 3, 0) != 0) {
            unsigned cond = bits(d, 7, 4);
            /* cond 1111, and AL with more than one "else", are UNPREDICTABLE (A7.7.38) */
            if (cond == 15 || (cond == 14 && __builtin_popcount(bits(d, 3, 0)) != 1)) {
                set_undefined(d);
            } else {
                op_set(d, OP_IT, 1);
                d->op->imm = bits(d, 7, 0);
            }
        } else {
            static const uint16_t hint[] = {OP_NOP, OP_NOP, OP_wfe, OP_wfi, OP_sev};
            unsigned n = bits(d, 7, 4);
            op_set(d, n < sizeof hint / sizeof *hint ? hint[n] : OP_NOP, 1);
        }
        break;
    default: set_undefined(d); break;
    }
}

static void branch_or_svc(struct decode *d)
{
    unsigned cond = bits(d, 11, 8);
    uint32_t offset = (uint32_t)(int8_t)bits(d, 7, 0) * 2;
    if (cond == 14) {
        op_set(d, OP_udf, 1);
    } else if (cond == 15) {
        op_set(d, OP_svc, 1);
    } else {
        op_branch(d, OP_BEQ + cond, OP_B_FAR, d->pc + 4 + offset);
        d->op->x = (uint8_t)cond;
    }
}

void decode_16(struct decode *d)
{
    switch (bits(d, 15, 11)) {
    case 0:
    case 1:
    case 2: shift_imm(d); break;
    case 3: add_sub(d); break;
    case 4:
    case 5:
    case 6:
    case 7: imm8(d); break;
    case 8: bits(d, 10, 10) ? special_data(d) : data_processing(d); break;
    case 9: /* LDR (literal) */
        memory(d, OP_LDR_I, MEM_I, bits(d, 10, 8), CPU_ZERO, ((d->pc + 4) & ~3u) + bits(d, 7, 0) * 4);
        break;
    case 10:
    case 11: load_store_reg(d); break;
    case 20: /* ADR */
        op_set(d, OP_MOV_I, 1);
        op_regs(d, bits(d, 10, 8), 0, 0);
        d->op->imm = ((d->pc + 4) & ~3u) + bits(d, 7, 0) * 4;
        break;
    case 21: /* ADD Rd, SP, #imm */
        op_set(d, OP_ADD_I, 1);
        op_regs(d, bits(d, 10, 8), 13, 0);
        d->op->imm = bits(d, 7, 0) * 4;
        break;
    case 22:
    case 23: miscellaneous(d); break;
    case 24: load_store_multiple(d, false, bits(d, 10, 8), bits(d, 7, 0), true, false); break;
    case 25: /* no write-back when the base is loaded */
        load_store_multiple(d, true, bits(d, 10, 8), bits(d, 7, 0), !(d->w >> bits(d, 10, 8) & 1), false);
        break;
    case 26:
    case 27: branch_or_svc(d); break;
    case 28:
        op_branch(d, OP_B, OP_B_FAR, d->pc + 4 + (uint32_t)((int32_t)(d->w << 21) >> 20));
        d->op->x = 14;
        break;
    default: load_store_imm(d); break;
    }
}
