/* The processor as its owner sees it: life cycle, running, lines, registers (cpu.h). */
#include "cpu/code.h"
#include "cpu/core.h"

#include <stdlib.h>
#include <string.h>

/* ---- life cycle -------------------------------------------------------------------------- */

size_t cpu_sizeof(void)
{
    return sizeof(struct cpu);
}

void cpu_init(struct cpu *cpu, const struct cpu_env *env, void *owner)
{
    cpu->env = *env;
    cpu->owner = owner;
    cpu->code = calloc(1, sizeof *cpu->code);
    if (cpu->code == NULL)
        abort();
    code_sync(cpu);
    cpu_power_on(cpu);
}

void cpu_power_on(struct cpu *cpu)
{
    cpu->demcr = 0;
    cpu->dfsr = 0;
    cpu_dwt_power_on(cpu);
    cpu_fpb_power_on(cpu);
    cpu_itm_power_on(cpu);
    cpu_comparators_changed(cpu);
}

void cpu_destroy(struct cpu *cpu)
{
    if (cpu->code == NULL)
        return;
    memset(cpu->regions, 0, sizeof cpu->regions);
    code_sync(cpu);
    code_bury(cpu);
    free(cpu->code);
    cpu->code = NULL;
}

static void reset_registers(struct cpu *cpu)
{
    memset(cpu->r, 0, sizeof cpu->r);
    cpu->n = cpu->c = cpu->v = cpu->q = cpu->ge = cpu->it = 0;
    cpu->z = 1;
    cpu->ipsr = 0;
    cpu->sp_other = 0;
    cpu->psp_in_use = cpu->npriv = cpu->spsel = cpu->fpca = false;
    cpu->primask = cpu->faultmask = cpu->exclusive = cpu->event = false;
    cpu->basepri = 0;
    memset(cpu->s, 0, sizeof cpu->s);
    cpu->fpscr = cpu->cpacr = cpu->fpcar = cpu->fpdscr = cpu->fp_told = 0;
    cpu->fpccr = FPCCR_ASPEN | FPCCR_LSPEN;
}

static void reset_system(struct cpu *cpu)
{
    memset(cpu->active, 0, sizeof cpu->active);
    memset(cpu->enabled, 0, sizeof cpu->enabled);
    memset(cpu->prio, 0, sizeof cpu->prio);
    memcpy(cpu->pending, cpu->level, sizeof cpu->pending); /* lines still ask */
    cpu->enabled[0] =
        1 << EXC_NMI | 1 << EXC_HARD | 1 << EXC_SVC | 1 << EXC_DEBUG | 1 << EXC_PENDSV | 1 << EXC_SYSTICK;
    cpu->vtor = cpu->prigroup = cpu->scr = cpu->cfsr = cpu->hfsr = cpu->mmfar = cpu->bfar = cpu->actlr = 0;
    cpu->ccr = CCR_STKALIGN;
    cpu->demcr &= ~0xf0000u; /* the debug monitor's bits; the others are power-on reset */
    cpu->mpu_ctrl = cpu->mpu_rnr = 0;
    memset(cpu->mpu_rbar, 0, sizeof cpu->mpu_rbar);
    memset(cpu->mpu_rasr, 0, sizeof cpu->mpu_rasr);
    cpu->st_ctrl = cpu->st_load = cpu->st_val = 0;
    cpu->st_cycle = cpu_now(cpu);
    cpu->sleeping = cpu->sleep_event = cpu->locked = cpu->stacked = cpu->at_break = false;
    cpu->reset_request = cpu->vect_reset = cpu->fault_after = false;
    cpu->fault = 0;
}

void cpu_reset(struct cpu *cpu)
{
    uint32_t sp, pc;
    reset_registers(cpu);
    reset_system(cpu);
    cpu_mode_changed(cpu);
    cpu_attention(cpu);
    cpu->r[14] = 0xffffffff;
    if (!cpu_bus_read(cpu, 0, 4, true, &sp) || !cpu_bus_read(cpu, 4, 4, true, &pc)) {
        cpu_lockup(cpu);
        return;
    }
    cpu->r[13] = sp & ~3u;
    cpu->r[15] = pc & ~1u;
    cpu->thumb = pc & 1;
    cpu_debug_vector(cpu, EXC_RESET);
}

void cpu_map(struct cpu *cpu, unsigned slot, struct cpu_region region)
{
    cpu->regions[slot] = region;
    code_sync(cpu);
    cpu_attention(cpu);
}

void cpu_restored(struct cpu *cpu)
{
    code_sync(cpu);
    cpu_comparators_changed(cpu);
    cpu->code->line = 0;
}

/* Privilege, CPACR, FPCCR or the MPU changed. */
void cpu_mode_changed(struct cpu *cpu)
{
    bool ours = !(cpu->fpccr & FPCCR_LSPACT) && (cpu->fpca || !(cpu->fpccr & FPCCR_ASPEN));
    cpu->fp_ready = ours && cpu_fp_allowed(cpu, cpu_privileged(cpu));
    code_sync(cpu);
    cpu->code->line = 0; /* the right to fetch is asked anew */
}

/* ---- running ----------------------------------------------------------------------------- */

bool cpu_roused(const struct cpu *cpu)
{
    return !cpu->sleeping || cpu->reset_request || cpu->vect_reset;
}

bool cpu_would_wake(const struct cpu *cpu)
{
    if (cpu_roused(cpu))
        return true;
    if (cpu->sleep_event && cpu->event)
        return true;
    return cpu_preempting(cpu, !cpu->sleep_event) != 0;
}

static void wake(struct cpu *cpu)
{
    if (cpu->sleep_event)
        cpu->event = false;
    cpu->sleeping = false;
}

void cpu_wake(struct cpu *cpu)
{
    cpu->sleeping = false;
}

/* One thing before the next instruction; true: there was one. */
static bool between_instructions(struct cpu *cpu)
{
    if (cpu->vect_reset) {
        cpu_reset(cpu);
    } else if (cpu->stacked) {
        cpu_vector(cpu);
    } else if (cpu_preempting(cpu, false) != 0) {
        cpu->locked = false;
        cpu_enter(cpu);
    } else {
        return false;
    }
    return true;
}

/* Until the limit. Where that is a cycle away it is one instruction, also one that takes none. */
static void interpret(struct cpu *cpu, uint64_t now)
{
    cpu->one = cpu->limit - now == 1;
    if (cpu->one)
        cpu->limit = now;
    cpu->left = (int64_t)(cpu->limit - now);
    cpu_interpret(cpu);
}

/* A debugger's step; true: done. What the instruction itself causes, a fault or SVC, is entered. */
static bool step(struct cpu *cpu, uint64_t now)
{
    struct cpu_debug *d = &cpu->debug;
    uint64_t before = cpu->instructions;
    cpu->limit = now + 1;
    d->own_exception = false;
    interpret(cpu, now);
    if (!cpu->at_break && !d->stop && !d->own_exception && cpu->instructions == before)
        return false; /* at a watch of the owner's */
    if (d->own_exception && !d->stop && between_instructions(cpu))
        while (cpu->stacked)
            cpu_vector(cpu);
    if (!d->stop)
        d->why = cpu->at_break ? CPU_DEBUG_BREAK : CPU_DEBUG_STEP;
    d->stop = d->stepping = false;
    return true;
}

enum cpu_exit cpu_run(struct cpu *cpu, uint64_t until)
{
    cpu->target = until;
    for (;;) {
        code_bury(cpu);
        cpu_timers_update(cpu);
        if (cpu->reset_request) {
            cpu->reset_request = false;
            return CPU_RESETREQ;
        }
        if (cpu->stop) {
            cpu->stop = false;
            return CPU_STOPPED;
        }
        if (cpu->debug.stop) {
            cpu->debug.stop = cpu->debug.stepping = false;
            return CPU_BREAK;
        }
        uint64_t now = cpu_now(cpu);
        if (now >= cpu->target)
            return CPU_RAN;
        if (cpu->sleeping) {
            if (!cpu_would_wake(cpu))
                return CPU_SLEEPING;
            wake(cpu);
        }
        if (between_instructions(cpu))
            continue;
        if (cpu->locked)
            return CPU_LOCKUP;
        uint64_t timer = cpu_timers_next(cpu);
        cpu->limit = timer < cpu->target ? timer : cpu->target;
        if (cpu->limit - now > INT64_MAX) /* `left` is signed */
            cpu->limit = now + INT64_MAX;
        if (cpu->debug.stepping && cpu_active_count(cpu) <= cpu->debug.step_depth) {
            if (step(cpu, now))
                return CPU_BREAK;
            continue;
        }
        bool steps = cpu_monitor_steps(cpu);
        uint64_t before = cpu->instructions;
        if (steps)
            cpu->limit = now + 1;
        interpret(cpu, now);
        if (steps && cpu->instructions != before) /* what raises an exception is a step into that */
            cpu_debug_event(cpu, DFSR_HALTED);
        if (cpu->at_break) {
            cpu->debug.why = CPU_DEBUG_BREAK;
            cpu->debug.stepping = false;
            return CPU_BREAK;
        }
        if (cpu->single && cpu->instructions != before)
            return CPU_RAN;
    }
}

/* An entry ends with its handler chosen, so that whoever steps sees the handler's first instruction. */
enum cpu_exit cpu_step(struct cpu *cpu)
{
    cpu->single = true;
    enum cpu_exit why = cpu->stacked ? CPU_RAN : cpu_run(cpu, cpu_now(cpu) + 1);
    cpu->single = false;
    while (why == CPU_RAN && cpu->stacked)
        cpu_vector(cpu);
    return why;
}

void cpu_until(struct cpu *cpu, uint64_t until)
{
    if (until < cpu->target)
        cpu->target = until;
    if (until < cpu->limit) {
        cpu->left -= (int64_t)(cpu->limit - until);
        cpu->limit = until;
    }
}

void cpu_stop(struct cpu *cpu)
{
    cpu->stop = true;
    cpu_attention(cpu);
}

uint64_t cpu_cycles(const struct cpu *cpu)
{
    return cpu_now(cpu);
}
uint64_t cpu_instructions(const struct cpu *cpu)
{
    return cpu->instructions;
}
void cpu_add_cycles(struct cpu *cpu, uint64_t cycles)
{
    cpu->left -= (int64_t)cycles;
}

void cpu_set_fetch_gate(struct cpu *cpu, bool on)
{
    if (on == cpu->fetch_gate)
        return;
    cpu->fetch_gate = on;
    cpu->code->line = 0;
    cpu_attention(cpu);
}

/* ---- lines ------------------------------------------------------------------------------- */

/* An interrupt becomes pending on a rising edge, and stays or becomes so again after its handler
 * while the line is high (B3.4.1). */
void cpu_irq(struct cpu *cpu, unsigned irq, bool level)
{
    if (irq >= CPU_IRQS || exc_get(cpu->level, EXC_IRQ + irq) == level)
        return;
    exc_put(cpu->level, EXC_IRQ + irq, level);
    if (level)
        cpu_pend(cpu, EXC_IRQ + irq);
}

void cpu_nmi(struct cpu *cpu, bool level)
{
    if (level && !cpu->nmi_level)
        cpu_pend(cpu, EXC_NMI);
    cpu->nmi_level = level;
}

void cpu_event(struct cpu *cpu)
{
    cpu->event = true;
}

/* ---- watch and breakpoints --------------------------------------------------------------- */

void cpu_arm_watch(struct cpu *cpu, unsigned n, uint32_t lo, uint32_t hi)
{
    cpu->watches[n] = (struct cpu_watch){true, lo, hi};
    code_stops(cpu);
}

bool cpu_break(struct cpu *cpu, uint32_t addr, bool set)
{
    unsigned i = 0;
    while (i < cpu->break_count && cpu->breaks[i] != addr)
        i++;
    if (set) {
        if (i < cpu->break_count)
            return true;
        if (i == CPU_BREAKS)
            return false;
        cpu->breaks[cpu->break_count++] = addr;
    } else {
        if (i == cpu->break_count)
            return false;
        cpu->breaks[i] = cpu->breaks[--cpu->break_count];
    }
    code_stops(cpu);
    return true;
}

/* ---- registers --------------------------------------------------------------------------- */

uint32_t cpu_reg(const struct cpu *cpu, unsigned n)
{
    if (n < 16)
        return cpu->r[n];
    if (n >= CPU_S0)
        return n < CPU_S0 + 32 ? cpu->s[n - CPU_S0] : 0;
    switch (n) {
    case CPU_XPSR: return cpu_xpsr(cpu);
    case CPU_MSP: return cpu->psp_in_use ? cpu->sp_other : cpu->r[13];
    case CPU_PSP: return cpu->psp_in_use ? cpu->r[13] : cpu->sp_other;
    case CPU_PRIMASK: return cpu->primask;
    case CPU_BASEPRI: return cpu->basepri;
    case CPU_FAULTMASK: return cpu->faultmask;
    case CPU_CONTROL: return cpu->npriv | (uint32_t)cpu->spsel << 1 | (uint32_t)cpu->fpca << 2;
    case CPU_FPSCR: return cpu->fpscr;
    default: return 0;
    }
}

void cpu_set_reg(struct cpu *cpu, unsigned n, uint32_t value)
{
    if (n >= CPU_S0) {
        if (n < CPU_S0 + 32)
            cpu->s[n - CPU_S0] = value;
        return;
    }
    switch (n) {
    case CPU_SP: cpu->r[13] = value & ~3u; break;
    case CPU_PC:
        cpu->r[15] = value & ~1u;
        cpu->at_break = false;
        break;
    case CPU_XPSR:
        cpu_set_apsr(cpu, value, true, true);
        cpu->ipsr = value & 0x1ff;
        cpu->thumb = value >> 24 & 1;
        cpu->it = (value >> 8 & 0xfc) | (value >> 25 & 3);
        break;
    case CPU_MSP: *cpu_msp(cpu) = value & ~3u; break;
    case CPU_PSP: *cpu_psp(cpu) = value & ~3u; break;
    case CPU_PRIMASK: cpu->primask = value & 1; break;
    case CPU_BASEPRI: cpu->basepri = value & 0xf0; break;
    case CPU_FAULTMASK: cpu->faultmask = value & 1; break;
    case CPU_CONTROL:
        cpu->npriv = value & 1;
        cpu->spsel = value >> 1 & 1;
        cpu->fpca = value >> 2 & 1;
        break;
    case CPU_FPSCR:
        cpu->fpscr = value & FPSCR_BITS;
        cpu_fp_tell(cpu);
        break;
    default:
        if (n < CPU_PC)
            cpu->r[n] = value;
        return;
    }
    cpu_select_sp(cpu);
    cpu_mode_changed(cpu);
}
