/* What an instruction costs beside the next one: single loads and stores share the bus with their
 * neighbours (TRM 3.3.2), results of the FPU come late (TRM 7.2.3). Where the TRM leaves open how much, it is
 * as jnk0le has measured an STM32F407 (github.com/jnk0le/random, "pipeline cycle test"). */
#include "cpu/decode.h"

static bool between(unsigned code, unsigned first, unsigned last)
{
    return code >= first && code <= last;
}

/* ---- loads and stores -------------------------------------------------------------------- */

/* A load or store of one register; base and index are the registers of its address, or CPU_ZERO. */
struct single {
    bool is, load;
    uint8_t base, index;
};

static struct single single(uint16_t hw1, uint16_t hw2)
{
    unsigned top = hw1 >> 12, low = hw1 >> 3 & 7;
    struct single s = {.base = CPU_ZERO, .index = CPU_ZERO};
    if (top == 5) {
        s = (struct single){true, (hw1 >> 9 & 7) >= 3, (uint8_t)low, hw1 >> 6 & 7};
    } else if (top >= 6 && top <= 9) {
        s = (struct single){true, hw1 >> 11 & 1, (uint8_t)(top == 9 ? 13 : low), CPU_ZERO};
    } else if (hw1 >> 11 == 9) { /* LDR (literal) */
        s.is = s.load = true;
    } else if ((hw1 & 0xfe00) == 0xf800) {
        bool indexed = !(hw1 & 0x80) && !(hw2 & 0x800) && (hw1 & 0xf) != 15;
        s = (struct single){true, hw1 >> 4 & 1, hw1 & 0xf, indexed ? hw2 & 0xf : CPU_ZERO};
    }
    return s;
}

static bool addresses(struct single s, unsigned reg)
{
    return s.is && (s.base == reg || s.index == reg);
}

/* Instructions that calculate op->rd. */
static bool calculates(unsigned code)
{
    return between(code, OP_AND_I, OP_MVNS_S) || between(code, OP_MOV_I, OP_SDIV) ||
           between(code, OP_parallel, OP_umaal);
}

/* ---- beside branches --------------------------------------------------------------------- */

/* BX LR, BLX LR and MOV PC, LR: the way is known as early as that of an immediate branch. */
static bool returns(uint16_t hw1)
{
    return (hw1 & 0xff7f) == 0x4770 || hw1 == 0x46f7;
}

static bool is_nop(uint16_t hw1, uint16_t hw2)
{
    return hw1 == 0xbf00 || (hw1 == 0xf3af && hw2 == 0x8000);
}

/* The base register of any other load or store, or CPU_ZERO. */
static unsigned other_base(uint16_t hw1)
{
    if ((hw1 & 0xf600) == 0xb400) /* PUSH, POP */
        return 13;
    if (hw1 >> 12 == 0xc) /* LDM, STM */
        return hw1 >> 8 & 7;
    if ((hw1 & 0xfe00) == 0xe800) /* LDM, STM, LDRD, STRD, exclusive, TBB, TBH */
        return hw1 & 15;
    if ((hw1 & 0xfe00) == 0xec00 && (hw1 & 0xffe0) != 0xec40) /* VLDR, VSTR, VLDM, VSTM */
        return hw1 & 15;
    return CPU_ZERO;
}

static bool writes_lr(const struct op *op, unsigned code)
{
    return ((calculates(code) || between(code, OP_LDR_I, OP_LDRSH_P)) && op->rd == 14) ||
           (code == OP_LDM && (op->imm & 1u << 14) != 0);
}

/* 16-bit instructions that an IT behind them is folded into. */
static bool folds(const struct op *op, unsigned code)
{
    return op->len == 1 &&
           ((between(code, OP_AND_I, OP_SDIV) && !between(code, OP_MUL, OP_SDIV)) || code == OP_NOP ||
            code == OP_revsh) &&
           op->rd != 13 && !(between(code, OP_CMP_I, OP_CMP_S) && op->rn == 13);
}

static bool is_it(uint16_t hw1)
{
    return (hw1 & 0xff00) == 0xbf00 && (hw1 & 15) != 0;
}

/* A word of code takes two cycles there, one where data of the same bus is between two of them. */
static bool on_system_bus(uint32_t pc)
{
    return pc >= 0x20000000;
}

unsigned cpu_entry(uint32_t pc, uint16_t hw1)
{
    unsigned words = cpu_is_wide(hw1) && (pc & 2) ? 2 : 1;
    return (ENTRY_LEAST - 1 + words) * (on_system_bus(pc) ? 2 : 1);
}

/* Branches that know their target late, from a register or from memory. */
static bool is_late_branch(const struct op *op, unsigned code)
{
    return ((code == OP_BX || code == OP_BLX || code == OP_mov_pc) && op->rm != 14) || code == OP_TBB ||
           code == OP_TBH || code == OP_add_pc || code == OP_ldm_pc ||
           (code == OP_load_special && op->rd == 15);
}

static void over_system_bus(struct op *op, unsigned code, uint32_t pc)
{
    bool access = between(code, OP_LDR_I, OP_STRH_P);
    if (op->cost == 1 && (op->len == 2 || (access && (pc & 2))))
        op->cost = 2;
    else if (is_late_branch(op, code)) /* part of what a refill takes longer is hidden */
        op->cost--;
}

/* ---- loads and stores -------------------------------------------------------------------- */

static void beside_access(struct op *op, unsigned code, uint16_t hw1, uint16_t hw2)
{
    struct single s = single(hw1, hw2);
    bool load = between(code, OP_LDR_I, OP_LDRSH_P), store = between(code, OP_STR_I, OP_STRH_P);
    unsigned form = (code - OP_LDR_I) % 4;
    bool moved = form >= MEM_W && addresses(s, op->rn); /* the base is written back */
    if (is_nop(hw1, hw2) && (load || store))
        op->cost = 1;
    else if (load) /* the next one has its address on the bus meanwhile, if it is known by then */
        op->cost = s.is && !moved && !addresses(s, op->rd) ? 1 : 2;
    else if (store && form != MEM_R) /* goes on behind the next instruction; a load has to wait */
        op->cost = s.load || moved ? 2 : 1;
    else if (calculates(code) &&
             (addresses(s, op->rd) ||
              (!s.is && other_base(hw1) == op->rd))) /* there is no way past the registers */
        op->cost++;
}

/* ---- floating point ---------------------------------------------------------------------- */

static bool is_arithmetic(unsigned code)
{
    return between(code, OP_vadd, OP_vsqrt) || between(code, OP_vcvt_int, OP_vcvt_half);
}

/* An FP instruction that calculates with register s or moves it; the addend of VMLA and VFMA is needed a
 * cycle later. */
static bool needs(const struct op *op, unsigned s)
{
    switch (op->code) {
    case OP_vadd:
    case OP_vsub:
    case OP_vmul:
    case OP_vnmul:
    case OP_vdiv:
    case OP_vmla:
    case OP_vfma: return op->rn == s || op->rm == s;
    case OP_vcmp: return op->rd == s || (op->rm == s && !(op->x & 2));
    case OP_vcvt_fixed: return op->rd == s;
    case OP_vmov_core: return op->x && op->rn == s;
    case OP_vmov_core2: return op->x && (op->rm == s || op->rm + 1u == s);
    default:
        return (between(op->code, OP_vsqrt, OP_vmov) || op->code == OP_vcvt_int ||
                op->code == OP_vcvt_half) &&
               op->rm == s;
    }
}

void cpu_pair(struct op *op, uint32_t pc, uint16_t hw1, uint16_t hw2)
{
    unsigned code = op->code >= OP_FIRST_HOT + OP_WIDE ? op->code - OP_WIDE : op->code;
    if (is_arithmetic(code)) {
        struct op next;
        cpu_decode(&next, 0, hw1, hw2, 0, 0);
        if (needs(&next, op->rd))
            op->cost++;
    } else {
        beside_access(op, code, hw1, hw2);
    }
    if (is_it(hw1) && folds(op, code)) {
        op->folds = 1;
        op->cost--;
    } else if (returns(hw1) && writes_lr(op, code)) {
        op->cost++;
    }
    if (on_system_bus(pc))
        over_system_bus(op, code, pc);
}
