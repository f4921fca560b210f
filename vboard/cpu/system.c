/* System instructions: special registers, CPS, hints, SVC, BKPT, what is not defined, and ALU
 * results to PC and SP (DDI 0403E B5.2). */
#include "cpu/code.h"
#include "cpu/core.h"
#include "cpu/op.h"

/* ---- program status ---------------------------------------------------------------------- */

static uint32_t cpu_apsr(const struct cpu *cpu)
{
    return (cpu->n & 0x80000000) | (cpu->z == 0 ? 1u << 30 : 0) | cpu->c << 29 | cpu->v >> 31 << 28 |
           cpu->q << 27 | cpu->ge << 16;
}

uint32_t cpu_xpsr(const struct cpu *cpu)
{
    return cpu_apsr(cpu) | (cpu->it & 3) << 25 | cpu->thumb << 24 | (cpu->it & 0xfc) << 8 | cpu->ipsr;
}

void cpu_set_apsr(struct cpu *cpu, uint32_t apsr, bool nzcvq, bool g)
{
    if (nzcvq) {
        cpu->n = apsr;
        cpu->z = !(apsr >> 30 & 1);
        cpu->c = apsr >> 29 & 1;
        cpu->v = apsr << 3;
        cpu->q = apsr >> 27 & 1;
    }
    if (g)
        cpu->ge = apsr >> 16 & 0xf;
}

void cpu_select_sp(struct cpu *cpu)
{
    bool psp = cpu->ipsr == 0 && cpu->spsel;
    if (psp != cpu->psp_in_use) {
        uint32_t t = cpu->r[13];
        cpu->r[13] = cpu->sp_other;
        cpu->sp_other = t;
        cpu->psp_in_use = psp;
    }
}

/* ---- MRS, MSR, CPS ----------------------------------------------------------------------- */

enum {
    SYSM_MSP = 8,
    SYSM_PSP = 9,
    SYSM_PRIMASK = 16,
    SYSM_BASEPRI,
    SYSM_BASEPRI_MAX,
    SYSM_FAULTMASK,
    SYSM_CONTROL
};

enum op_result op_mrs(struct cpu *cpu, const struct op *op)
{
    unsigned sysm = op->imm & 0xff;
    bool privileged = cpu_privileged(cpu);
    uint32_t v = 0;
    if (sysm < 8) { /* APSR 0, IAPSR 1, EAPSR 2, XPSR 3, IPSR 5, EPSR 6, IEPSR 7: EPSR reads as zero */
        if (!(sysm & 4))
            v |= cpu_apsr(cpu);
        if (sysm & 1)
            v |= privileged ? cpu->ipsr : 0;
    } else if (privileged || sysm == SYSM_CONTROL) {
        switch (sysm) {
        case SYSM_MSP: v = *cpu_msp(cpu); break;
        case SYSM_PSP: v = *cpu_psp(cpu); break;
        case SYSM_PRIMASK: v = cpu->primask; break;
        case SYSM_BASEPRI:
        case SYSM_BASEPRI_MAX: v = cpu->basepri; break;
        case SYSM_FAULTMASK: v = cpu->faultmask; break;
        case SYSM_CONTROL: v = cpu->npriv | cpu->spsel << 1 | cpu->fpca << 2; break;
        default: break;
        }
    }
    cpu->r[op->rd] = v;
    return OP_DONE;
}

enum op_result op_msr(struct cpu *cpu, const struct op *op)
{
    unsigned sysm = op->imm & 0xff, mask = op->imm >> 10 & 3;
    uint32_t v = cpu->r[op->rn];
    if (sysm < 8) {
        if (!(sysm & 4))
            cpu_set_apsr(cpu, v, mask & 2, mask & 1);
        return OP_DONE;
    }
    if (!cpu_privileged(cpu))
        return OP_DONE;
    switch (sysm) {
    case SYSM_MSP: *cpu_msp(cpu) = v & ~3u; break;
    case SYSM_PSP: *cpu_psp(cpu) = v & ~3u; break;
    case SYSM_PRIMASK: cpu->primask = v & 1; break;
    case SYSM_BASEPRI: cpu->basepri = v & 0xf0; break;
    case SYSM_BASEPRI_MAX:
        if ((v & 0xf0) != 0 && ((v & 0xf0) < cpu->basepri || cpu->basepri == 0))
            cpu->basepri = v & 0xf0;
        break;
    case SYSM_FAULTMASK:
        if (cpu_exec_prio(cpu) > -1 || !(v & 1))
            cpu->faultmask = v & 1;
        break;
    case SYSM_CONTROL:
        cpu->npriv = v & 1;
        if (cpu->ipsr == 0)
            cpu->spsel = v >> 1 & 1;
        cpu->fpca = v >> 2 & 1;
        cpu_select_sp(cpu);
        break;
    default: break;
    }
    cpu_mode_changed(cpu);
    cpu_attention(cpu); /* something may preempt now */
    return OP_DONE;
}

enum op_result op_cps(struct cpu *cpu, const struct op *op)
{
    bool disable = op->imm >> 4 & 1;
    if (!cpu_privileged(cpu))
        return OP_DONE;
    if (op->imm & 2)
        cpu->primask = disable;
    if ((op->imm & 1) && (!disable || cpu_exec_prio(cpu) > -1))
        cpu->faultmask = disable;
    cpu_mode_changed(cpu);
    cpu_attention(cpu);
    return OP_DONE;
}

/* ---- hints and barriers ------------------------------------------------------------------ */

enum op_result op_wfi(struct cpu *cpu, const struct op *op)
{
    (void)op;
    cpu->sleeping = true;
    cpu->sleep_event = false;
    cpu_attention(cpu);
    return OP_DONE;
}

enum op_result op_wfe(struct cpu *cpu, const struct op *op)
{
    (void)op;
    if (cpu->event) {
        cpu->event = false;
        return OP_DONE;
    }
    cpu->sleeping = cpu->sleep_event = true;
    cpu_attention(cpu);
    return OP_DONE;
}

enum op_result op_sev(struct cpu *cpu, const struct op *op)
{
    (void)op;
    cpu->event = true;
    return OP_DONE;
}

enum op_result op_isb(struct cpu *cpu, const struct op *op)
{
    (void)cpu;
    (void)op;
    return OP_DONE;
}

enum op_result op_clrex(struct cpu *cpu, const struct op *op)
{
    (void)op;
    cpu->exclusive = false;
    return OP_DONE;
}

/* ---- exceptions on purpose or not -------------------------------------------------------- */

enum op_result op_svc(struct cpu *cpu, const struct op *op)
{
    (void)op;
    cpu_raise(cpu, EXC_SVC, 0);
    cpu->fault_after = true;
    return OP_FAULT;
}

/* No debugger is attached: a debug monitor exception if that is enabled, else HardFault. */
enum op_result op_bkpt(struct cpu *cpu, const struct op *op)
{
    (void)op;
    cpu->dfsr |= DFSR_BKPT;
    cpu_raise(cpu, EXC_DEBUG, 0);
    return OP_FAULT;
}

enum op_result op_udf(struct cpu *cpu, const struct op *op)
{
    (void)op;
    cpu_raise(cpu, EXC_USAGE, CFSR_UNDEFINSTR);
    return OP_FAULT;
}

enum op_result op_undefined(struct cpu *cpu, const struct op *op)
{
    (void)op;
    cpu_raise(cpu, EXC_USAGE, CFSR_UNDEFINSTR);
    return OP_FAULT;
}

enum op_result op_nocp(struct cpu *cpu, const struct op *op)
{
    (void)op;
    cpu_raise(cpu, EXC_USAGE, CFSR_NOCP);
    return OP_FAULT;
}

/* ---- ALU results to PC and SP ------------------------------------------------------------ */

/* MOV PC, Rm and ADD PC, Rm: ALUWritePC is BranchWritePC here: bit 0 is ignored. */
enum op_result op_mov_pc(struct cpu *cpu, const struct op *op)
{
    cpu->r[15] = cpu->r[op->rm] & ~1u;
    cpu->left -= code_entry(cpu, cpu->r[15]) - ENTRY_LEAST;
    return OP_JUMP;
}

enum op_result op_add_pc(struct cpu *cpu, const struct op *op)
{
    cpu->r[15] = (op->imm + cpu->r[op->rm]) & ~1u;
    cpu->left -= code_entry(cpu, cpu->r[15]) - ENTRY_LEAST;
    return OP_JUMP;
}

/* MOV, ADD, SUB to SP, whose bits 1:0 stay zero. x: 0 imm, else rm shifted by sh; rs: bit 0
 * subtract, bit 1 set flags, above: kind of shift. */
enum op_result op_to_sp(struct cpu *cpu, const struct op *op)
{
    uint32_t a = cpu->r[op->rn], b = op->imm, sub = op->rs & 1, m = cpu->r[op->rm];
    if (op->x != 0) {
        switch (op->rs >> 2) {
        case SHIFT_LSL: b = (uint32_t)((uint64_t)m << op->sh); break;
        case SHIFT_LSR: b = (uint32_t)((uint64_t)m >> op->sh); break;
        case SHIFT_ASR: b = (uint32_t)((int64_t)(int32_t)m >> op->sh); break;
        case SHIFT_ROR: b = m >> op->sh | m << (32 - op->sh); break;
        default: b = m >> 1 | cpu->c << 31; break;
        }
    }
    if (sub)
        b = ~b;
    uint64_t sum = (uint64_t)a + b + sub;
    uint32_t r = (uint32_t)sum;
    if (op->rs & 2) {
        cpu->n = cpu->z = r;
        cpu->c = (uint32_t)(sum >> 32);
        cpu->v = (a ^ r) & (b ^ r);
    }
    cpu->r[13] = r & ~3u;
    return OP_DONE;
}
