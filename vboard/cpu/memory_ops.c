/* The less usual loads and stores: to PC and SP, unprivileged, exclusive, LDM with PC, and the slow
 * paths of multiple transfers. */
#include "cpu/core.h"
#include "cpu/op.h"

enum { MEM_I, MEM_R, MEM_W, MEM_P }; /* as in decode.h */

bool cpu_load_words(struct cpu *cpu, uint32_t addr, unsigned n, uint32_t *v)
{
    if (!cpu_aligned(cpu, addr, 4))
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!cpu_load(cpu, addr + 4 * i, 4, cpu_privileged(cpu), &v[i]))
            return false;
    return true;
}

bool cpu_store_words(struct cpu *cpu, uint32_t addr, unsigned n, const uint32_t *v)
{
    if (!cpu_aligned(cpu, addr, 4))
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!cpu_store(cpu, addr + 4 * i, 4, cpu_privileged(cpu), v[i]))
            return false;
    return true;
}

/* LDR to PC or SP; x: form. Loads of PC must be aligned (A7.7.43). */
enum op_result op_load_special(struct cpu *cpu, const struct op *op)
{
    uint32_t base = cpu->r[op->rn], addr, v;
    switch (op->x) {
    case MEM_R: addr = base + (cpu->r[op->rm] << op->sh); break;
    case MEM_P: addr = base; break;
    default: addr = base + op->imm; break;
    }
    if (op->rd == 15 && !cpu_aligned(cpu, addr, 4))
        return OP_FAULT;
    if (!cpu_load(cpu, addr, 4, cpu_privileged(cpu), &v))
        return OP_FAULT;
    if (op->x == MEM_W || op->x == MEM_P)
        cpu->r[op->rn] = base + op->imm;
    if (op->rd != 15) {
        cpu->r[13] = v & ~3u;
        return OP_DONE;
    }
    cpu_branch_exchange(cpu, v);
    return OP_JUMP;
}

enum op_result op_load_unpriv(struct cpu *cpu, const struct op *op)
{
    unsigned size = 1u << (op->x & 3);
    uint32_t v;
    if (!cpu_load(cpu, cpu->r[op->rn] + op->imm, size, false, &v))
        return OP_FAULT;
    if (op->x & 4)
        v = size == 1 ? (uint32_t)(int8_t)v : (uint32_t)(int16_t)v;
    cpu->r[op->rd] = v;
    return OP_DONE;
}

enum op_result op_store_unpriv(struct cpu *cpu, const struct op *op)
{
    unsigned size = 1u << (op->x & 3);
    return cpu_store(cpu, cpu->r[op->rn] + op->imm, size, false, cpu->r[op->rd]) ? OP_DONE : OP_FAULT;
}

/* The Cortex-M4's local monitor covers all of memory: an address is not compared. x: size. */
enum op_result op_ldrex(struct cpu *cpu, const struct op *op)
{
    uint32_t addr = cpu->r[op->rn] + op->imm, v;
    if (!cpu_aligned(cpu, addr, op->x) || !cpu_load(cpu, addr, op->x, cpu_privileged(cpu), &v))
        return OP_FAULT;
    cpu->exclusive = true;
    cpu->r[op->rd] = v;
    return OP_DONE;
}

enum op_result op_strex(struct cpu *cpu, const struct op *op)
{
    uint32_t addr = cpu->r[op->rn] + op->imm;
    if (!cpu_aligned(cpu, addr, op->x))
        return OP_FAULT;
    if (cpu->exclusive && !cpu_store(cpu, addr, op->x, cpu_privileged(cpu), cpu->r[op->rd]))
        return OP_FAULT;
    cpu->r[op->rs] = !cpu->exclusive;
    cpu->exclusive = false;
    return OP_DONE;
}

/* LDM and POP with PC in the list; fields as LDM's. The base is written before the branch, which
 * may be an exception return. */
enum op_result op_ldm_pc(struct cpu *cpu, const struct op *op)
{
    uint32_t words = op->rm, base = cpu->r[op->rn], addr = op->x & 2 ? base - words * 4 : base, i = 0;
    uint32_t v[16] = {0};
    if (!cpu_load_words(cpu, addr, words, v))
        return OP_FAULT;
    for (uint32_t list = op->imm & 0x7fff; list != 0; list &= list - 1)
        cpu->r[__builtin_ctz(list)] = v[i++];
    if (op->x & 1)
        cpu->r[op->rn] = op->x & 2 ? addr : base + words * 4;
    cpu_branch_exchange(cpu, v[i]);
    return OP_JUMP;
}

enum op_result op_pld(struct cpu *cpu, const struct op *op)
{
    (void)cpu;
    (void)op;
    return OP_DONE;
}
