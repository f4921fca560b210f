/* The interpreter loop: direct-threaded over decoded entries. The label of an entry's code is found
 * in a table; swapping the table for one that leads every code to the same label is how IT blocks
 * and checked fetches (wait states, MPU) are done without cost for the rest.
 *
 * The hot operations (run_data.h, run_memory.h, run_branch.h) are there twice, for 16-bit and for 32-bit
 * encodings: to know the length without loading it makes the way to the next entry an addition, where it
 * would be a chain of loads from instruction to instruction.
 *
 * `left` counts down to the next cycle at which something has to be looked at; it is exact between
 * instructions, and in the struct whenever anything outside this file is called. */
#include "cpu/code.h"
#include "cpu/core.h"

#include <string.h>

#pragma GCC diagnostic ignored "-Wpedantic" /* addresses of labels */

#define COLD_FUNCTION(name) op_##name,
static op_function *const functions[] = {OPS_COLD(COLD_FUNCTION)};

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

/* The second longest run of the region, for a hole in the middle of SRAM: a guard below a stack. */
static __attribute__((noinline)) const uint8_t *load_beside(const struct cpu_code *code, uint32_t addr,
                                                            unsigned log)
{
    const struct window *w = &code->view.load[code->view.load_slot[addr >> 24] + VIEW_BESIDE];
    uint32_t off = addr - w->base;
    return WINDOW_HIT(w, off, log) ? w->bytes + off : NULL;
}

static __attribute__((noinline)) uint8_t *store_beside(const struct cpu_code *code, uint32_t addr,
                                                       unsigned log, bool *marked)
{
    const struct window *w = &code->view.store[code->view.store_slot[addr >> 24] + VIEW_BESIDE];
    uint32_t off = addr - w->base;
    if (!WINDOW_HIT(w, off, log))
        return NULL;
    *marked = w->marks[off >> MARK_SHIFT];
    return w->bytes + off;
}

static inline const uint8_t *load_window(const struct cpu_code *code, uint32_t addr, unsigned log)
{
    const struct window *w = &code->view.load[code->view.load_slot[addr >> 24]];
    uint32_t off = addr - w->base;
    return __builtin_expect(WINDOW_HIT(w, off, log), 1) ? w->bytes + off : load_beside(code, addr, log);
}

static inline uint8_t *store_window(const struct cpu_code *code, uint32_t addr, unsigned log, bool *marked)
{
    const struct window *w = &code->view.store[code->view.store_slot[addr >> 24]];
    uint32_t off = addr - w->base;
    if (__builtin_expect(!WINDOW_HIT(w, off, log), 0))
        return store_beside(code, addr, log, marked);
    *marked = w->marks[off >> MARK_SHIFT];
    return w->bytes + off;
}

/* A run of `words` words for LDM and STM; NULL: not wholly inside a window. */
static inline uint8_t *block_window(const struct window *w, uint32_t addr, uint32_t words, bool *marked)
{
    uint32_t off = addr - w->base, size = words * 4;
    if ((addr & 3) != 0 || off >= w->size || size > w->size - off) {
        w += VIEW_BESIDE;
        off = addr - w->base;
        if ((addr & 3) != 0 || off >= w->size || size > w->size - off)
            return NULL;
    }
    *marked = w->marks[off >> MARK_SHIFT] | w->marks[(off + size - 1) >> MARK_SHIFT];
    return w->bytes + off;
}
#define LOAD_BLOCK(addr, words, marked)                                                                      \
    block_window(&code->view.load[code->view.load_slot[(addr) >> 24]], addr, words, marked)
#define STORE_BLOCK(addr, words, marked)                                                                     \
    block_window(&code->view.store[code->view.store_slot[(addr) >> 24]], addr, words, marked)

/* Cycles of a division beyond the 2 in the entry, d as it is, or inverted if it is negative (TRM: 2 to 12,
 * "terminates early"): four bits of the quotient a cycle. It is what 19051 divisions took on a Cortex-M4F
 * (CC2652: github.com/mimuw-distributed-systems-group/cmemu, tests/cc2652/instructions/data_processing,
 * sdiv_udiv_timing and its neighbours). */
static inline unsigned divide_cost(uint32_t n, uint32_t d)
{
    if (n == 0)
        return 0;
    int bits = (d != 0 ? __builtin_clz(d) : 32) - __builtin_clz(n);
    return bits < 0 ? 1 : 3 + (unsigned)bits / 4;
}

void cpu_interpret(struct cpu *cpu)
{
#define PSEUDO_LABEL(name) &&L_##name,
#define NARROW_LABEL(name) &&narrow_##name,
#define WIDE_LABEL(name)   &&wide_##name,
#define COLD_LABEL(name)   &&cold,
#define PURE_LABEL(name)   &&fp_##name,
    static const void *const labels[] = {OPS_PSEUDO(PSEUDO_LABEL) OPS_HOT(NARROW_LABEL) OPS_COLD(COLD_LABEL)
                                             OPS_FP(PURE_LABEL) OPS_HOT(WIDE_LABEL)};
#define IT_LABEL(name)      &&in_it,
#define CHECKED_LABEL(name) &&checked,
    static const void *const it_labels[] = {OPS_PSEUDO(IT_LABEL) OPS_HOT(IT_LABEL) OPS_COLD(IT_LABEL)
                                                OPS_FP(IT_LABEL) OPS_HOT(IT_LABEL)};
    static const void *const checked_labels[] = {OPS_PSEUDO(CHECKED_LABEL) OPS_HOT(CHECKED_LABEL) OPS_COLD(
        CHECKED_LABEL) OPS_FP(CHECKED_LABEL) OPS_HOT(CHECKED_LABEL)};

    struct cpu_code *const code = cpu->code;
    const void *const *dispatch;
    const struct op *op, *it_op = NULL;
    uint32_t it_now = 0;
    int64_t left = cpu->left;
    uint64_t executed = 0; /* instructions */
    bool checked;
    enum { COMPARED = 1 }; /* CBZ and CBNZ are decided a stage later than conditions */

#define R(n)   cpu->r[n]
#define PICK() (dispatch = checked ? checked_labels : cpu->it ? it_labels : labels)
#define GO()   goto *dispatch[op->code]
#define NEXT_AFTER(halfwords)                                                                                \
    do {                                                                                                     \
        executed++;                                                                                          \
        left -= op->cost;                                                                                    \
        op += (halfwords);                                                                                   \
        if (__builtin_expect(left <= 0, 0))                                                                  \
            goto boundary;                                                                                   \
        GO();                                                                                                \
    } while (0)
#define NEXT()  NEXT_AFTER(LEN)
#define ENTRY() (__builtin_expect(op->entry != 0, 1) ? op->entry : code_entry(cpu, code_pc(cpu, op)))
/* Direct branch within the region. */
#define TAKE()                                                                                               \
    do {                                                                                                     \
        executed++;                                                                                          \
        op = (const struct op *)((const char *)op + (int32_t)op->imm);                                       \
        left -= ENTRY();                                                                                     \
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
/* Memory: through a window, or the long way. */
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
            cpu->unretired = executed; /* it may be the DWT that is asked */                                 \
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
/* Decodes the entry, whose line is fetched for that. */
#define FILL()                                                                                               \
    do {                                                                                                     \
        SYNC();                                                                                              \
        if (!code_fill(cpu, op, cpu->r[15]))                                                                 \
            FAIL();                                                                                          \
        RELOAD();                                                                                            \
    } while (0)
/* op = what `find` has found for r[15]. */
#define ENTER(find)                                                                                          \
    do {                                                                                                     \
        op = (find);                                                                                         \
        if (op == NULL)                                                                                      \
            goto fault_at_pc;                                                                                \
        checked = code->guarded || (cpu->fetch_gate && code->gated);                                         \
    } while (0)
    cpu->r[CPU_ZERO] = 0;
    if (cpu->at_break && cpu->break_pc == cpu->r[15]) /* go on from a breakpoint */
        ENTER(code_outside(cpu, cpu->r[15], false));
    else
        ENTER(code_lookup(cpu, cpu->r[15]));
    cpu->at_break = false;
    PICK();
    if (left > 0 || cpu->one)
        GO();
    goto boundary;

    /* ---- not instructions ---- */
L_NEW:
    FILL();
    GO();

L_CROSS: /* ran out of the region (or of the scratch entries) */
    SYNC();
    it_op = NULL;
    ENTER(code_lookup(cpu, cpu->r[15]));
    PICK();
    GO();

L_OUTSIDE: /* across an edge, or comparators look at it */
    SYNC();
    cpu_dwt_executes(cpu, cpu->r[15]);
    RELOAD();
    ENTER(code_outside(cpu, cpu->r[15], false));
    PICK();
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
    if (condition(cpu, it_now >> 4) || op->code == OP_bkpt) {
        left -= op->folds;
        goto *labels[op->code_it];
    }
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
        NEXT_AFTER(op->len);
    if (result == OP_FAULT)
        goto fault;
    left -= op->cost;
    executed++;
    goto jump;
}

/* The FPU is used: its registers become the running context's. */
#define FP_READY()                                                                                           \
    do {                                                                                                     \
        if (__builtin_expect(!cpu->fp_ready, 0)) {                                                           \
            SYNC();                                                                                          \
            if (!cpu_fp_prepare(cpu))                                                                        \
                FAIL();                                                                                      \
            RELOAD();                                                                                        \
        }                                                                                                    \
    } while (0)
#define FP_FLAGS()                                                                                           \
    do {                                                                                                     \
        if (__builtin_expect(cpu_fp_news(cpu), 0)) {                                                         \
            SYNC();                                                                                          \
            cpu_fp_tell(cpu);                                                                                \
            RELOAD();                                                                                        \
        }                                                                                                    \
    } while (0)
#define PURE(name)                                                                                           \
    fp_##name : FP_READY();                                                                                  \
    (void)op_##name(cpu, op);                                                                                \
    FP_FLAGS();                                                                                              \
    NEXT_AFTER(2);
    OPS_FP(PURE)

jump: /* to r[15], which may be an exception return's */
    it_op = NULL;
    cpu->left = left;
    if (left <= 0)
        goto leave;
    ENTER(code_lookup(cpu, cpu->r[15]));
    PICK();
    GO();

branch_exchange : { /* BX and BLX, to r[15] */
    uint32_t target = cpu->r[15], off = (target & ~1u) - code->base;
    executed++;
    left -= op->cost;
    if ((target & 1) && off < code->size) {
        op = code->ops + off / 2;
        left -= ENTRY() - ENTRY_LEAST;
        if (left <= 0)
            goto boundary;
        GO();
    }
    if (cpu->ipsr != 0 && target >> 28 == 0xf &&
        op->rm == 14) /* a return from an exception is not seen early */
        left--;
    cpu->left = left;
    cpu_branch_exchange(cpu, target);
    RELOAD();
    goto jump;
}

boundary:
    SYNC();
leave:
    cpu->instructions += executed;
    cpu->unretired = 0;
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

    /* ---- instructions ---- */
#define LEN      1
#define AT(name) narrow_##name:
#include "cpu/run_branch.h"
#include "cpu/run_data.h"
#include "cpu/run_memory.h"
#undef LEN
#undef AT
#define LEN      2
#define AT(name) wide_##name:
#include "cpu/run_branch.h"
#include "cpu/run_data.h"
#include "cpu/run_memory.h"
}
