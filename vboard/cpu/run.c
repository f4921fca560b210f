/* The interpreter loop: direct-threaded over decoded entries. The label of an entry's code is found
 * in a table; swapping the table for one that leads every code to the same label is how IT blocks
 * and checked fetches (wait states, MPU) are done without cost for the rest.
 *
 * `left` counts down to the next cycle at which something has to be looked at; it is exact between
 * instructions, and in the struct whenever anything outside this file is called. */
#include "cpu/code.h"
#include "cpu/core.h"

#include <string.h>

#pragma GCC diagnostic ignored "-Wpedantic" /* addresses of labels */

#define COLD_FUNCTION(name) op_##name,
static op_function *const functions[] = {OPS_COLD(COLD_FUNCTION) OPS_FP(COLD_FUNCTION)};

static void watches_hit(struct cpu *cpu)
{
    uint32_t pc = cpu->r[15];
    bool hit[CPU_WATCHES];
    for (unsigned i = 0; i < CPU_WATCHES; i++) {
        struct cpu_watch *w = &cpu->watches[i];
        hit[i] = w->armed && pc >= w->lo && pc <= w->hi;
        if (hit[i])
            w->armed = false;
    }
    code_stops(cpu);
    for (unsigned i = 0; i < CPU_WATCHES; i++)
        if (hit[i] && cpu->env.watch != NULL)
            cpu->env.watch(cpu->owner, i, pc);
}

static inline uint32_t ror(uint32_t v, unsigned n)
{
    return v >> (n & 31) | v << (-n & 31);
}

/* Second operand shifted by a constant (1…32, or RRX). */
static inline uint32_t shifted(const struct cpu *cpu, const struct op *op)
{
    uint32_t v = cpu->r[op->rm];
    switch (op->x) {
    case SHIFT_LSL: return (uint32_t)((uint64_t)v << op->sh);
    case SHIFT_LSR: return (uint32_t)((uint64_t)v >> op->sh);
    case SHIFT_ASR: return (uint32_t)((int64_t)(int32_t)v >> op->sh);
    case SHIFT_ROR: return ror(v, op->sh);
    default: return v >> 1 | cpu->c << 31;
    }
}

static inline uint32_t shift_carry(const struct cpu *cpu, const struct op *op)
{
    uint32_t v = cpu->r[op->rm];
    switch (op->x) {
    case SHIFT_LSL: return v >> (32 - op->sh) & 1;
    case SHIFT_RRX: return v & 1;
    default: return v >> (op->sh - 1) & 1;
    }
}

static inline bool condition(const struct cpu *cpu, unsigned cond)
{
    bool n = cpu->n >> 31, z = cpu->z == 0, c = cpu->c, v = cpu->v >> 31, r;
    switch (cond >> 1) {
    case 0: r = z; break;
    case 1: r = c; break;
    case 2: r = n; break;
    case 3: r = v; break;
    case 4: r = c && !z; break;
    case 5: r = n == v; break;
    case 6: r = n == v && !z; break;
    default: return true;
    }
    return r != (cond & 1);
}

/* The windows test range and alignment with one comparison: rotating the offset right by the
 * logarithm of the size moves misaligned low bits to the top. */
#define WINDOW_HIT(w, off, log) (ror(off, log) < (w)->size >> (log))

static inline const uint8_t *load_window(const struct cpu_code *code, uint32_t addr, unsigned log)
{
    const struct window *w = &code->load[code->load_slot[addr >> 24]];
    uint32_t off = addr - w->base;
    return __builtin_expect(WINDOW_HIT(w, off, log), 1) ? w->bytes + off : NULL;
}

static inline uint8_t *store_window(const struct cpu_code *code, uint32_t addr, unsigned log, bool *marked)
{
    const struct window *w = &code->store[code->store_slot[addr >> 24]];
    uint32_t off = addr - w->base;
    if (__builtin_expect(!WINDOW_HIT(w, off, log), 0))
        return NULL;
    *marked = w->marks[off >> MARK_SHIFT];
    return w->bytes + off;
}

/* A run of `words` words for LDM and STM; NULL: not wholly inside a window. */
static inline uint8_t *block_window(const struct cpu_code *code, bool store, uint32_t addr, uint32_t words)
{
    const struct window *w =
        store ? &code->store[code->store_slot[addr >> 24]] : &code->load[code->load_slot[addr >> 24]];
    uint32_t off = addr - w->base;
    return (addr & 3) == 0 && off < w->size && words * 4 <= w->size - off ? w->bytes + off : NULL;
}

/* TRM: 2 to 12 cycles, "terminates early": a step for each four bits of the quotient. */
static inline unsigned divide_cost(uint32_t n, uint32_t d)
{
    int bits = d == 0 || n < d ? 0 : __builtin_clz(d) - __builtin_clz(n) + 1;
    return (unsigned)(bits * 10 + 31) / 32; /* on top of the 2 in the entry */
}

void cpu_interpret(struct cpu *cpu)
{
#define LABEL(name)      &&L_##name,
#define COLD_LABEL(name) &&cold,
#define FP_LABEL(name)   &&fp,
    static const void *const labels[] = {OPS_HOT(LABEL) OPS_COLD(COLD_LABEL) OPS_FP(FP_LABEL)};
#define IT_LABEL(name)      &&in_it,
#define CHECKED_LABEL(name) &&checked,
    static const void *const it_labels[] = {OPS_HOT(IT_LABEL) OPS_COLD(IT_LABEL) OPS_FP(IT_LABEL)};
    static const void *const checked_labels[] = {OPS_HOT(CHECKED_LABEL) OPS_COLD(CHECKED_LABEL)
                                                     OPS_FP(CHECKED_LABEL)};

    struct cpu_code *const code = cpu->code;
    const void *const *dispatch;
    const struct op *op, *it_op = NULL;
    uint32_t it_now = 0;
    int64_t left = cpu->left;
    uint64_t executed = 0; /* instructions */
    bool checked = (cpu->fetch_gate) || (cpu->mpu_ctrl & MPU_CTRL_ENABLE);

#define R(n)   cpu->r[n]
#define PICK() (dispatch = checked ? checked_labels : cpu->it ? it_labels : labels)
#define GO()   goto *dispatch[op->code]
#define NEXT()                                                                                               \
    do {                                                                                                     \
        executed++;                                                                                          \
        left -= op->cost;                                                                                    \
        op += op->len;                                                                                       \
        if (__builtin_expect(left <= 0, 0))                                                                  \
            goto boundary;                                                                                   \
        GO();                                                                                                \
    } while (0)
/* Direct branch within the region: distance in entries. */
#define TAKE()                                                                                               \
    do {                                                                                                     \
        executed++;                                                                                          \
        left -= 1 + REFILL;                                                                                  \
        op += (int32_t)op->imm;                                                                              \
        if (__builtin_expect(left <= 0, 0))                                                                  \
            goto boundary;                                                                                   \
        GO();                                                                                                \
    } while (0)
#define SYNC()   (cpu->left = left, cpu->r[15] = code_pc(cpu, op))
#define RELOAD() (left = cpu->left)
#define FAIL()                                                                                               \
    do {                                                                                                     \
        RELOAD();                                                                                            \
        goto fault;                                                                                          \
    } while (0)
/* Decodes the entry, whose line is fetched for that. */
#define FILL()                                                                                               \
    do {                                                                                                     \
        SYNC();                                                                                              \
        if (!code_fill(cpu, op, cpu->r[15]))                                                                 \
            FAIL();                                                                                          \
        RELOAD();                                                                                            \
    } while (0)
    enum { REFILL = 1 };

    cpu->r[CPU_ZERO] = 0;
    op = code_lookup(cpu, cpu->r[15]);
    if (op == NULL)
        goto fault_at_pc;
    if (cpu->at_break && cpu->break_pc == cpu->r[15]) { /* go on from a breakpoint */
        op = code_outside(cpu, cpu->r[15], false);
        if (op == NULL)
            goto fault_at_pc;
    }
    cpu->at_break = false;
    PICK();
    if (left > 0)
        GO();
    goto boundary;

    /* ---- not instructions ---- */
L_NEW:
    FILL();
    GO();

L_CROSS: /* ran out of the region (or of the scratch entries) */
    SYNC();
    it_op = NULL;
    op = code_lookup(cpu, cpu->r[15]);
    if (op == NULL)
        goto fault_at_pc;
    GO();

L_OUTSIDE:
    SYNC();
    op = code_outside(cpu, cpu->r[15], false);
    if (op == NULL)
        goto fault_at_pc;
    GO();

L_WATCH:
    SYNC();
    watches_hit(cpu);
    goto leave; /* the owner may have changed anything; the instruction comes with the next round */

L_BREAK:
    SYNC();
    cpu->at_break = true;
    cpu->break_pc = cpu->r[15];
    goto leave;

in_it: /* every instruction while ITSTATE is not zero */
    if (op->code == OP_NEW)
        FILL();
    if (op->code <= OP_LAST_PSEUDO)
        goto *labels[op->code];
    it_op = op;
    it_now = cpu->it;
    cpu->it = it_now & 7 ? (it_now & 0xe0) | (it_now << 1 & 0x1f) : 0;
    PICK();
    if (condition(cpu, it_now >> 4) || op->code == OP_bkpt)
        goto *labels[op->code_it];
    executed++;
    left -= 1;
    op += op->len;
    if (left <= 0)
        goto boundary;
    GO();

checked: /* every instruction while fetches cost or may be refused */
    if (op->code == OP_NEW)
        FILL();
    if (op->code > OP_LAST_PSEUDO || op->code == OP_OUTSIDE) {
        uintptr_t last = ((uintptr_t)op + (op->len - 1u) * sizeof *op) >> 6;
        if ((uintptr_t)op >> 6 != code->line || last != code->line) {
            SYNC();
            if (!code_fetch(cpu, op, cpu->r[15]))
                FAIL();
            RELOAD();
        }
    }
    if (cpu->it)
        goto in_it;
    goto *labels[op->code];

cold : {
    SYNC();
    enum op_result result = functions[op->code - OP_FIRST_COLD](cpu, op);
    RELOAD();
    if (result == OP_DONE)
        NEXT();
    if (result == OP_FAULT)
        goto fault;
    left -= op->cost;
    executed++;
    goto jump;
}

fp : {
    SYNC();
    if (!cpu->fp_ready && !cpu_fp_prepare(cpu))
        FAIL();
    enum op_result result = functions[op->code - OP_FIRST_COLD](cpu, op);
    RELOAD();
    if (result == OP_DONE)
        NEXT();
    goto fault;
}

jump: /* to r[15], which may be an exception return's */
    it_op = NULL;
    cpu->left = left;
    if (left <= 0)
        goto leave;
    op = code_lookup(cpu, cpu->r[15]);
    if (op == NULL)
        goto fault_at_pc;
    PICK();
    GO();

boundary:
    SYNC();
leave:
    cpu->instructions += executed;
    return;

fault: /* the instruction at op failed: its effects are undone, ITSTATE is its own */
    cpu->r[15] = code_pc(cpu, op);
    if (cpu->fault_after)
        cpu->r[15] += 2u * op->len;
    else if (it_op == op)
        cpu->it = it_now;
    left -= op->cost;
fault_at_pc:
    cpu->left = left;
    cpu_take_fault(cpu);
    goto leave;

    /* ---- data processing ---- */
#define SET_NZ(value) (cpu->n = cpu->z = (value))
#define LOGIC(name, expr)                                                                                    \
    L_##name##_I:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        (void)a;                                                                                             \
        R(op->rd) = (expr);                                                                                  \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_R:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        (void)a;                                                                                             \
        R(op->rd) = (expr);                                                                                  \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_S:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op);                                                        \
        (void)a;                                                                                             \
        R(op->rd) = (expr);                                                                                  \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##S_I:                                                                                           \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        (void)a;                                                                                             \
        SET_NZ(R(op->rd) = (expr));                                                                          \
        if (op->x)                                                                                           \
            cpu->c = op->sh;                                                                                 \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##S_R:                                                                                           \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        (void)a;                                                                                             \
        SET_NZ(R(op->rd) = (expr));                                                                          \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##S_S:                                                                                           \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op), k = shift_carry(cpu, op);                              \
        (void)a;                                                                                             \
        SET_NZ(R(op->rd) = (expr));                                                                          \
        cpu->c = k;                                                                                          \
        NEXT();                                                                                              \
    }
    LOGIC(AND, a & b)
    LOGIC(BIC, a & ~b)
    LOGIC(ORR, a | b)
    LOGIC(ORN, a | ~b)
    LOGIC(EOR, a ^ b)
    LOGIC(MVN, ~b)
#define LOGIC_TEST(name, expr)                                                                               \
    L_##name##_I:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        SET_NZ(expr);                                                                                        \
        if (op->x)                                                                                           \
            cpu->c = op->sh;                                                                                 \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_R:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        SET_NZ(expr);                                                                                        \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_S:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op), k = shift_carry(cpu, op);                              \
        SET_NZ(expr);                                                                                        \
        cpu->c = k;                                                                                          \
        NEXT();                                                                                              \
    }
    LOGIC_TEST(TST, a & b)
    LOGIC_TEST(TEQ, a ^ b)

/* AddWithCarry(x, y, carry) */
#define ADC_FLAGS(store, x, y, carry)                                                                        \
    do {                                                                                                     \
        uint32_t x_ = (x), y_ = (y);                                                                         \
        uint64_t sum_ = (uint64_t)x_ + y_ + (carry);                                                         \
        uint32_t r_ = (uint32_t)sum_;                                                                        \
        cpu->c = (uint32_t)(sum_ >> 32);                                                                     \
        cpu->v = (x_ ^ r_) & (y_ ^ r_);                                                                      \
        SET_NZ(r_);                                                                                          \
        store;                                                                                               \
    } while (0)
#define ARITH(name, x, y, carry)                                                                             \
    L_##name##_I:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        R(op->rd) = (x) + (y) + (carry);                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_R:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        R(op->rd) = (x) + (y) + (carry);                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_S:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op);                                                        \
        R(op->rd) = (x) + (y) + (carry);                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##S_I:                                                                                           \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        ADC_FLAGS(R(op->rd) = r_, x, y, carry);                                                              \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##S_R:                                                                                           \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        ADC_FLAGS(R(op->rd) = r_, x, y, carry);                                                              \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##S_S:                                                                                           \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op);                                                        \
        ADC_FLAGS(R(op->rd) = r_, x, y, carry);                                                              \
        NEXT();                                                                                              \
    }
    ARITH(ADD, a, b, 0)
    ARITH(ADC, a, b, cpu->c)
    ARITH(SUB, a, ~b, 1)
    ARITH(SBC, a, ~b, cpu->c)
    ARITH(RSB, ~a, b, 1)
#define ARITH_TEST(name, x, y, carry)                                                                        \
    L_##name##_I:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        ADC_FLAGS((void)0, x, y, carry);                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_R:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        ADC_FLAGS((void)0, x, y, carry);                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_S:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op);                                                        \
        ADC_FLAGS((void)0, x, y, carry);                                                                     \
        NEXT();                                                                                              \
    }
    ARITH_TEST(CMN, a, b, 0)
    ARITH_TEST(CMP, a, ~b, 1)

L_MOV_I:
    R(op->rd) = op->imm;
    NEXT();
L_MOVS_I:
    SET_NZ(R(op->rd) = op->imm);
    if (op->x)
        cpu->c = op->sh;
    NEXT();
L_MOV_R:
    R(op->rd) = R(op->rm);
    NEXT();
L_MOVS_R:
    SET_NZ(R(op->rd) = R(op->rm));
    NEXT();
L_MOVT:
    R(op->rd) = (R(op->rd) & 0xffff) | op->imm << 16;
    NEXT();

/* Shifts by a constant of 1 to 32, and by a register (the value in rn, the amount in rm). */
#define SHIFT_IMM(name, expr, carry)                                                                         \
    L_##name##_I:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rm), n = op->sh;                                                                  \
        R(op->rd) = (uint32_t)(expr);                                                                        \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##S_I:                                                                                           \
    {                                                                                                        \
        uint32_t a = R(op->rm), n = op->sh;                                                                  \
        cpu->c = (uint32_t)(carry)&1;                                                                        \
        SET_NZ(R(op->rd) = (uint32_t)(expr));                                                                \
        NEXT();                                                                                              \
    }
    SHIFT_IMM(LSL, (uint64_t)a << n, a >> (32 - n))
    SHIFT_IMM(LSR, (uint64_t)a >> n, a >> (n - 1))
    SHIFT_IMM(ASR, (int64_t)(int32_t)a >> n, a >> (n - 1))
    SHIFT_IMM(ROR, ror(a, n), a >> (n - 1))
#define SHIFT_REG(name, expr, carry)                                                                         \
    L_##name##_R:                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), n = R(op->rm) & 0xff;                                                        \
        R(op->rd) = (uint32_t)(expr);                                                                        \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##S_R:                                                                                           \
    {                                                                                                        \
        uint32_t a = R(op->rn), n = R(op->rm) & 0xff;                                                        \
        if (n != 0)                                                                                          \
            cpu->c = (uint32_t)(carry)&1;                                                                    \
        SET_NZ(R(op->rd) = (uint32_t)(expr));                                                                \
        NEXT();                                                                                              \
    }
    SHIFT_REG(LSL, n > 32 ? 0 : (uint64_t)a << n, n > 32 ? 0 : (uint64_t)a << n >> 32)
    SHIFT_REG(LSR, n > 32 ? 0 : (uint64_t)a >> n, n > 32 ? 0 : (uint64_t)a >> (n - 1))
    SHIFT_REG(ASR, (int64_t)(int32_t)a >> (n > 32 ? 32 : n), (int64_t)(int32_t)a >> (n > 32 ? 32 : n - 1))
    SHIFT_REG(ROR, ror(a, n), ror(a, n) >> 31)

L_RRX:
    R(op->rd) = R(op->rm) >> 1 | cpu->c << 31;
    NEXT();
L_RRXS : {
    uint32_t a = R(op->rm);
    SET_NZ(R(op->rd) = a >> 1 | cpu->c << 31);
    cpu->c = a & 1;
    NEXT();
}

L_BFI:
    R(op->rd) = (R(op->rd) & ~op->imm) | (R(op->rn) << op->sh & op->imm);
    NEXT();
L_UBFX:
    R(op->rd) = R(op->rn) >> op->sh & (0xffffffffu >> (32 - op->x));
    NEXT();
L_SBFX:
    R(op->rd) = (uint32_t)((int32_t)(R(op->rn) << (32 - op->x - op->sh)) >> (32 - op->x));
    NEXT();
L_CLZ : {
    uint32_t a = R(op->rm);
    R(op->rd) = a == 0 ? 32 : (uint32_t)__builtin_clz(a);
    NEXT();
}
L_REV:
    R(op->rd) = __builtin_bswap32(R(op->rm));
    NEXT();
L_REV16 : {
    uint32_t a = R(op->rm);
    R(op->rd) = (a & 0x00ff00ff) << 8 | (a >> 8 & 0x00ff00ff);
    NEXT();
}
L_UXTB:
    R(op->rd) = (uint8_t)R(op->rm);
    NEXT();
L_UXTH:
    R(op->rd) = (uint16_t)R(op->rm);
    NEXT();
L_SXTB:
    R(op->rd) = (uint32_t)(int8_t)R(op->rm);
    NEXT();
L_SXTH:
    R(op->rd) = (uint32_t)(int16_t)R(op->rm);
    NEXT();

    /* ---- multiply and divide ---- */
L_MUL:
    R(op->rd) = R(op->rn) * R(op->rm);
    NEXT();
L_MULS:
    SET_NZ(R(op->rd) = R(op->rn) * R(op->rm));
    NEXT();
L_MLA:
    R(op->rd) = R(op->rn) * R(op->rm) + R(op->rs);
    NEXT();
L_MLS:
    R(op->rd) = R(op->rs) - R(op->rn) * R(op->rm);
    NEXT();
#define LONG_MUL(name, product, add)                                                                         \
    L_##name:                                                                                                \
    {                                                                                                        \
        uint64_t p = (uint64_t)(product) + ((add) ? (uint64_t)R(op->rd) << 32 | R(op->rs) : 0);              \
        R(op->rs) = (uint32_t)p;                                                                             \
        R(op->rd) = (uint32_t)(p >> 32);                                                                     \
        NEXT();                                                                                              \
    }
    LONG_MUL(UMULL, (uint64_t)R(op->rn) * R(op->rm), false)
    LONG_MUL(SMULL, (int64_t)(int32_t)R(op->rn) * (int32_t)R(op->rm), false)
    LONG_MUL(UMLAL, (uint64_t)R(op->rn) * R(op->rm), true)
    LONG_MUL(SMLAL, (int64_t)(int32_t)R(op->rn) * (int32_t)R(op->rm), true)

L_UDIV : {
    uint32_t n = R(op->rn), d = R(op->rm);
    if (d == 0 && (cpu->ccr & CCR_DIV_0_TRP)) {
        SYNC();
        cpu_raise(cpu, EXC_USAGE, CFSR_DIVBYZERO);
        goto fault;
    }
    R(op->rd) = d == 0 ? 0 : n / d;
    left -= divide_cost(n, d);
    NEXT();
}
L_SDIV : {
    int32_t n = (int32_t)R(op->rn), d = (int32_t)R(op->rm);
    if (d == 0 && (cpu->ccr & CCR_DIV_0_TRP)) {
        SYNC();
        cpu_raise(cpu, EXC_USAGE, CFSR_DIVBYZERO);
        goto fault;
    }
    R(op->rd) = d == 0 ? 0 : (uint32_t)((int64_t)n / d);
    left -= divide_cost(n < 0 ? 0u - (uint32_t)n : (uint32_t)n, d < 0 ? 0u - (uint32_t)d : (uint32_t)d);
    NEXT();
}

/* ---- loads and stores ---- */
#define READ(type, log, addr, value)                                                                         \
    do {                                                                                                     \
        uint32_t at_ = (addr);                                                                               \
        const uint8_t *p_ = load_window(code, at_, log);                                                     \
        if (p_ != NULL) {                                                                                    \
            type t_;                                                                                         \
            memcpy(&t_, p_, sizeof t_);                                                                      \
            (value) = (uint32_t)t_;                                                                          \
        } else {                                                                                             \
            uint32_t v_;                                                                                     \
            SYNC();                                                                                          \
            if (!cpu_load(cpu, at_, sizeof(type), cpu_privileged(cpu), &v_))                                 \
                FAIL();                                                                                      \
            RELOAD();                                                                                        \
            (value) = (uint32_t)(type)v_;                                                                    \
        }                                                                                                    \
    } while (0)
#define WRITE(type, log, addr, value)                                                                        \
    do {                                                                                                     \
        uint32_t at_ = (addr);                                                                               \
        bool marked_ = false;                                                                                \
        uint8_t *p_ = store_window(code, at_, log, &marked_);                                                \
        if (p_ != NULL) {                                                                                    \
            type t_ = (type)(value);                                                                         \
            memcpy(p_, &t_, sizeof t_);                                                                      \
            if (__builtin_expect(marked_, 0))                                                                \
                code_written(cpu, p_, sizeof t_);                                                            \
        } else {                                                                                             \
            SYNC();                                                                                          \
            if (!cpu_store(cpu, at_, sizeof(type), cpu_privileged(cpu), (value)))                            \
                FAIL();                                                                                      \
            RELOAD();                                                                                        \
        }                                                                                                    \
    } while (0)
#define LOAD(name, type, log)                                                                                \
    L_##name##_I:                                                                                            \
    {                                                                                                        \
        uint32_t v;                                                                                          \
        READ(type, log, R(op->rn) + op->imm, v);                                                             \
        R(op->rd) = v;                                                                                       \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_R:                                                                                            \
    {                                                                                                        \
        uint32_t v;                                                                                          \
        READ(type, log, R(op->rn) + (R(op->rm) << op->sh), v);                                               \
        R(op->rd) = v;                                                                                       \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_W:                                                                                            \
    {                                                                                                        \
        uint32_t v, b = R(op->rn) + op->imm;                                                                 \
        READ(type, log, b, v);                                                                               \
        R(op->rn) = b;                                                                                       \
        R(op->rd) = v;                                                                                       \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_P:                                                                                            \
    {                                                                                                        \
        uint32_t v, b = R(op->rn);                                                                           \
        READ(type, log, b, v);                                                                               \
        R(op->rn) = b + op->imm;                                                                             \
        R(op->rd) = v;                                                                                       \
        NEXT();                                                                                              \
    }
    LOAD(LDR, uint32_t, 2)
    LOAD(LDRB, uint8_t, 0)
    LOAD(LDRH, uint16_t, 1)
    LOAD(LDRSB, int8_t, 0)
    LOAD(LDRSH, int16_t, 1)
#define STORE(name, type, log)                                                                               \
    L_##name##_I:                                                                                            \
    {                                                                                                        \
        WRITE(type, log, R(op->rn) + op->imm, R(op->rd));                                                    \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_R:                                                                                            \
    {                                                                                                        \
        WRITE(type, log, R(op->rn) + (R(op->rm) << op->sh), R(op->rd));                                      \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_W:                                                                                            \
    {                                                                                                        \
        uint32_t b = R(op->rn) + op->imm;                                                                    \
        WRITE(type, log, b, R(op->rd));                                                                      \
        R(op->rn) = b;                                                                                       \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_P:                                                                                            \
    {                                                                                                        \
        uint32_t b = R(op->rn);                                                                              \
        WRITE(type, log, b, R(op->rd));                                                                      \
        R(op->rn) = b + op->imm;                                                                             \
        NEXT();                                                                                              \
    }
    STORE(STR, uint32_t, 2)
    STORE(STRB, uint8_t, 0)
    STORE(STRH, uint16_t, 1)

/* x: 1 write-back, 2 decrement before. rm: number of registers. */
L_LDM : {
    uint32_t words = op->rm, base = R(op->rn), addr = op->x & 2 ? base - words * 4 : base, list = op->imm;
    const uint8_t *p = block_window(code, false, addr, words);
    if (p != NULL) {
        for (; list != 0; list &= list - 1, p += 4)
            memcpy(&R((unsigned)__builtin_ctz(list)), p, 4);
    } else {
        uint32_t v[16];
        SYNC();
        if (!cpu_load_words(cpu, addr, words, v))
            FAIL();
        RELOAD();
        for (unsigned i = 0; list != 0; list &= list - 1, i++)
            R((unsigned)__builtin_ctz(list)) = v[i];
    }
    if (op->x & 1)
        R(op->rn) = op->x & 2 ? addr : base + words * 4;
    NEXT();
}
L_STM : {
    uint32_t words = op->rm, base = R(op->rn), addr = op->x & 2 ? base - words * 4 : base, list = op->imm;
    uint8_t *p = block_window(code, true, addr, words);
    if (p != NULL) {
        const struct window *w = &code->store[code->store_slot[addr >> 24]];
        uint32_t off = addr - w->base;
        bool marked = w->marks[off >> MARK_SHIFT] | w->marks[(off + words * 4 - 1) >> MARK_SHIFT];
        for (uint8_t *to = p; list != 0; list &= list - 1, to += 4)
            memcpy(to, &R((unsigned)__builtin_ctz(list)), 4);
        if (marked)
            code_written(cpu, p, words * 4);
    } else {
        uint32_t v[16];
        for (unsigned i = 0; list != 0; list &= list - 1, i++)
            v[i] = R((unsigned)__builtin_ctz(list));
        SYNC();
        if (!cpu_store_words(cpu, addr, words, v))
            FAIL();
        RELOAD();
    }
    if (op->x & 1)
        R(op->rn) = op->x & 2 ? addr : base + words * 4;
    NEXT();
}
/* x: 1 write-back, 2 post-indexed */
L_LDRD : {
    uint32_t base = R(op->rn), to = base + op->imm, addr = op->x & 2 ? base : to, v[2];
    const uint8_t *p = block_window(code, false, addr, 2);
    if (p != NULL) {
        memcpy(v, p, sizeof v);
    } else {
        SYNC();
        if (!cpu_load_words(cpu, addr, 2, v))
            FAIL();
        RELOAD();
    }
    if (op->x & 1)
        R(op->rn) = to;
    R(op->rd) = v[0];
    R(op->rm) = v[1];
    NEXT();
}
L_STRD : {
    uint32_t base = R(op->rn), to = base + op->imm, addr = op->x & 2 ? base : to;
    if (addr & 3) {
        SYNC();
        cpu_raise(cpu, EXC_USAGE, CFSR_UNALIGNED);
        goto fault;
    }
    WRITE(uint32_t, 2, addr, R(op->rd));
    WRITE(uint32_t, 2, addr + 4, R(op->rm));
    if (op->x & 1)
        R(op->rn) = to;
    NEXT();
}

    /* ---- branches ---- */
L_B:
    TAKE();
#define BRANCH_IF(name, test)                                                                                \
    L_##name : if (test) TAKE();                                                                             \
    NEXT();
    BRANCH_IF(BEQ, cpu->z == 0)
    BRANCH_IF(BNE, cpu->z != 0)
    BRANCH_IF(BCS, cpu->c)
    BRANCH_IF(BCC, !cpu->c)
    BRANCH_IF(BMI, cpu->n >> 31)
    BRANCH_IF(BPL, !(cpu->n >> 31))
    BRANCH_IF(BVS, cpu->v >> 31)
    BRANCH_IF(BVC, !(cpu->v >> 31))
    BRANCH_IF(BHI, cpu->c && cpu->z != 0)
    BRANCH_IF(BLS, !cpu->c || cpu->z == 0)
    BRANCH_IF(BGE, !((cpu->n ^ cpu->v) >> 31))
    BRANCH_IF(BLT, (cpu->n ^ cpu->v) >> 31)
    BRANCH_IF(BGT, cpu->z != 0 && !((cpu->n ^ cpu->v) >> 31))
    BRANCH_IF(BLE, cpu->z == 0 || (cpu->n ^ cpu->v) >> 31)
L_BL:
    R(14) = (code_pc(cpu, op) + 4) | 1;
    TAKE();
L_CBZ:
    if (R(op->rn) == 0)
        TAKE();
    NEXT();
L_CBNZ:
    if (R(op->rn) != 0)
        TAKE();
    NEXT();
L_BLX : {
    uint32_t target = R(op->rm);
    R(14) = (code_pc(cpu, op) + 2) | 1;
    cpu->r[15] = target;
    goto branch_exchange;
}
L_BX:
    if (op->rm == 15)
        cpu->r[15] = op->imm;
    else
        cpu->r[15] = R(op->rm);
branch_exchange : {
    uint32_t target = cpu->r[15], off = (target & ~1u) - code->base;
    executed++;
    left -= op->cost;
    if ((target & 1) && off < code->size) {
        op = code->ops + off / 2;
        if (left <= 0)
            goto boundary;
        GO();
    }
    cpu->left = left;
    cpu_branch_exchange(cpu, target);
    RELOAD();
    goto jump;
}
L_TBB : {
    uint32_t v, base = op->rn == 15 ? op->imm : R(op->rn);
    READ(uint8_t, 0, base + R(op->rm), v);
    executed++;
    left -= op->cost;
    cpu->r[15] = code_pc(cpu, op) + 4 + 2 * v;
    goto jump;
}
L_TBH : {
    uint32_t v, base = op->rn == 15 ? op->imm : R(op->rn);
    READ(uint16_t, 1, base + (R(op->rm) << 1), v);
    executed++;
    left -= op->cost;
    cpu->r[15] = code_pc(cpu, op) + 4 + 2 * v;
    goto jump;
}
L_BL_FAR:
    R(14) = (code_pc(cpu, op) + 4) | 1;
    executed++;
    left -= 1 + REFILL;
    cpu->r[15] = op->imm;
    goto jump;
L_B_FAR:
    if (!condition(cpu, op->x))
        NEXT();
    executed++;
    left -= 1 + REFILL;
    cpu->r[15] = op->imm;
    goto jump;
L_CB_FAR:
    if ((R(op->rn) != 0) != op->x)
        NEXT();
    executed++;
    left -= 1 + REFILL;
    cpu->r[15] = op->imm;
    goto jump;

L_IT:
    cpu->it = op->imm;
    PICK();
    NEXT();
L_NOP:
    NEXT();

    /* ---- floating-point loads and stores: s[rd], [rn + imm] ---- */
L_VLDR : {
    uint32_t v, words = op->x;
    if (!cpu->fp_ready) {
        SYNC();
        if (!cpu_fp_prepare(cpu))
            FAIL();
        RELOAD();
    }
    uint32_t addr = R(op->rn) + op->imm;
    if (addr & 3) {
        SYNC();
        cpu_raise(cpu, EXC_USAGE, CFSR_UNALIGNED);
        goto fault;
    }
    READ(uint32_t, 2, addr, v);
    if (words == 2) {
        uint32_t hi;
        READ(uint32_t, 2, addr + 4, hi);
        cpu->s[op->rd + 1] = hi;
    }
    cpu->s[op->rd] = v;
    NEXT();
}
L_VSTR : {
    if (!cpu->fp_ready) {
        SYNC();
        if (!cpu_fp_prepare(cpu))
            FAIL();
        RELOAD();
    }
    uint32_t addr = R(op->rn) + op->imm;
    if (addr & 3) {
        SYNC();
        cpu_raise(cpu, EXC_USAGE, CFSR_UNALIGNED);
        goto fault;
    }
    WRITE(uint32_t, 2, addr, cpu->s[op->rd]);
    if (op->x == 2)
        WRITE(uint32_t, 2, addr + 4, cpu->s[op->rd + 1]);
    NEXT();
}
}
