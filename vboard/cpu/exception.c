/* Exceptions: priorities, entry, return, faults and their escalation, lock-up (DDI 0403E B1.5). */
#include "cpu/code.h"
#include "cpu/core.h"

enum {
    CYCLES_ENTRY = 12, /* TRM 3.9: with zero wait state memory */
    CYCLES_TAIL = 6    /* tail-chaining: no stacking in between */
};

/* ---- priorities -------------------------------------------------------------------------- */

static unsigned group_mask(const struct cpu *cpu)
{
    return 0xffu << (cpu->prigroup + 1) & 0xff;
}

int cpu_group_prio(const struct cpu *cpu, unsigned exc)
{
    if (exc <= EXC_HARD)
        return (int)exc - 4; /* reset -3, NMI -2, HardFault -1 */
    // cppcheck-suppress arrayIndexOutOfBoundsCond ; exceptions are numbered below EXC_COUNT everywhere
    return (int)(cpu->prio[exc] & group_mask(cpu));
}

/* By BASEPRI, FAULTMASK and, if asked for, PRIMASK alone. */
static int boosted_prio(const struct cpu *cpu, bool primask)
{
    int prio = 256;
    if (cpu->basepri != 0)
        prio = (int)(cpu->basepri & group_mask(cpu));
    if (primask && prio > 0)
        prio = 0;
    if (cpu->faultmask)
        prio = -1;
    return prio;
}

static int exec_prio(const struct cpu *cpu, bool primask)
{
    int prio = boosted_prio(cpu, primask);
    for (unsigned w = 0; w < EXC_WORDS; w++)
        for (uint32_t m = cpu->active[w]; m != 0; m &= m - 1) {
            int p = cpu_group_prio(cpu, w * 32 + (unsigned)__builtin_ctz(m));
            prio = p < prio ? p : prio;
        }
    return prio;
}

int cpu_exec_prio(const struct cpu *cpu)
{
    return exec_prio(cpu, cpu->primask);
}

/* Pending and enabled exception with the highest priority; 0: none. */
static unsigned highest_pending(const struct cpu *cpu)
{
    unsigned best = 0;
    int best_prio = 256;
    for (unsigned w = 0; w < EXC_WORDS; w++)
        for (uint32_t m = cpu->pending[w] & cpu->enabled[w]; m != 0; m &= m - 1) {
            unsigned exc = w * 32 + (unsigned)__builtin_ctz(m);
            int p = exc <= EXC_HARD ? (int)exc - 4 : cpu->prio[exc]; /* subpriority counts here */
            if (p < best_prio) {
                best_prio = p;
                best = exc;
            }
        }
    return best;
}

/* With regard to BASEPRI and FAULTMASK, none to PRIMASK (PM0214 4.4.3). */
unsigned cpu_vect_pending(const struct cpu *cpu)
{
    unsigned exc = highest_pending(cpu);
    return exc != 0 && cpu_group_prio(cpu, exc) < boosted_prio(cpu, false) ? exc : 0;
}

unsigned cpu_preempting(const struct cpu *cpu, bool ignore_primask)
{
    unsigned exc = highest_pending(cpu);
    if (exc == 0)
        return 0;
    int prio = exec_prio(cpu, cpu->primask && !ignore_primask);
    return cpu_group_prio(cpu, exc) < prio ? exc : 0;
}

unsigned cpu_active_count(const struct cpu *cpu)
{
    unsigned n = 0;
    for (unsigned w = 0; w < EXC_WORDS; w++)
        n += (unsigned)__builtin_popcount(cpu->active[w]);
    return n;
}

void cpu_pend(struct cpu *cpu, unsigned exc)
{
    if (!exc_get(cpu->pending, exc) && (cpu->scr & SCR_SEVONPEND))
        cpu->event = true;
    exc_put(cpu->pending, exc, true);
    cpu_attention(cpu);
}

/* ---- faults ------------------------------------------------------------------------------ */

static void tell(struct cpu *cpu, const char *kind)
{
    struct cpu_fault f = {kind, cpu->r[15], cpu->r[14], cpu->cfsr, cpu->hfsr, cpu->bfar, cpu->mmfar};
    if (cpu->env.fault != NULL)
        cpu->env.fault(cpu->owner, &f);
}

bool cpu_raise(struct cpu *cpu, unsigned exc, uint32_t cfsr)
{
    cpu->fault = (uint8_t)exc;
    cpu->fault_after = false;
    cpu->cfsr |= cfsr;
    return false;
}

void cpu_lockup(struct cpu *cpu)
{
    tell(cpu, "lockup");
    cpu->locked = true;
    cpu->stacked = false;
    cpu->r[15] = 0xfffffffe;
    cpu_attention(cpu);
}

/* The number that a fault is taken as: itself, or HardFault; 0: lock-up. */
static unsigned escalate(struct cpu *cpu, unsigned exc)
{
    int now = cpu_exec_prio(cpu);
    bool enabled = exc == EXC_DEBUG ? cpu->demcr & DEMCR_MON_EN : exc_get(cpu->enabled, exc);
    if (exc != EXC_HARD && enabled && cpu_group_prio(cpu, exc) < now)
        return exc;
    if (now <= -1)
        return 0;
    if (exc != EXC_HARD)
        cpu->hfsr |= exc == EXC_DEBUG ? HFSR_DEBUGEVT : HFSR_FORCED;
    return EXC_HARD;
}

void cpu_take_fault(struct cpu *cpu)
{
    if (cpu->fault == EXC_DEBUG && cpu->debug.attached) { /* BKPT halts */
        cpu->fault = 0;
        cpu_debug_stop(cpu, CPU_DEBUG_BKPT);
        return;
    }
    cpu->debug.own_exception = true;
    unsigned exc = escalate(cpu, cpu->fault);
    cpu->fault = 0;
    if (exc == 0) {
        cpu_lockup(cpu);
        return;
    }
    exc_put(cpu->pending, exc, true);
    cpu_attention(cpu);
}

void cpu_pend_async_bus_fault(struct cpu *cpu)
{
    cpu->cfsr |= CFSR_IMPRECISERR;
    if (exc_get(cpu->enabled, EXC_BUS)) {
        cpu_pend(cpu, EXC_BUS);
        return;
    }
    cpu->hfsr |= HFSR_FORCED;
    cpu_pend(cpu, EXC_HARD);
}

/* A fault of the entry or return sequence itself. It stays pending; the one with the highest
 * priority is served first, as for late arrival (B1.5.11). false: nothing can serve it. */
bool cpu_derived_fault(struct cpu *cpu, unsigned exc, uint32_t cfsr)
{
    cpu->cfsr |= cfsr;
    cpu_attention(cpu);
    if (exc_get(cpu->enabled, exc) && cpu_group_prio(cpu, exc) < cpu_exec_prio(cpu)) {
        exc_put(cpu->pending, exc, true);
    } else if (cpu_exec_prio(cpu) > -1) {
        cpu->hfsr |= HFSR_FORCED;
        exc_put(cpu->pending, EXC_HARD, true);
    } else {
        return false;
    }
    return true;
}

/* ---- entry ------------------------------------------------------------------------------- */

/* EXC_RETURN for the context that is being left (its FPCA and stack still current). */
static uint32_t exc_return_value(const struct cpu *cpu)
{
    uint32_t mode = cpu->ipsr != 0 ? 1 : cpu->spsel ? 0xd : 9;
    return 0xffffffe0 | (cpu->fpca ? 0 : 0x10) | mode;
}

void cpu_enter(struct cpu *cpu)
{
    uint32_t lr = exc_return_value(cpu);
    cpu_push_frame(cpu);
    cpu->entry_lr = cpu->r[14];
    cpu->r[14] = lr;
    cpu->stacked = true;
    cpu_exception_cycles(cpu, CYCLES_ENTRY);
}

/* The context is on the stack and exc_return would restore it: go on with cpu_vector. */
static void stay_stacked(struct cpu *cpu, uint32_t exc_return, unsigned cycles)
{
    cpu->r[14] = exc_return;
    cpu->entry_lr = exc_return;
    cpu->stacked = true;
    cpu_exception_cycles(cpu, cycles);
    cpu_attention(cpu);
}

/* ExceptionTaken: the highest pending exception by now, which may have come while the frame was
 * being stored (late arrival). The vector table has to be aligned to its size (B3.2.5): the number is
 * put into the address, not added. */
void cpu_vector(struct cpu *cpu)
{
    static const char *const names[] = {"NMI", "HardFault", "MemManage", "BusFault", "UsageFault"};
    unsigned exc = cpu_preempting(cpu, false);
    uint32_t vector;
    if (exc == 0) { /* the owner has withdrawn it meanwhile */
        cpu_unstack(cpu, cpu->r[14]);
        return;
    }
    if (exc <= EXC_USAGE) {
        uint32_t lr = cpu->r[14];
        cpu->r[14] = cpu->entry_lr;
        tell(cpu, names[exc - EXC_NMI]);
        cpu->r[14] = lr;
    }
    exc_put(cpu->pending, exc, false);
    if (!cpu_bus_read(cpu, cpu->vtor | 4 * exc, 4, true, &vector)) { /* the MPU has no say (B3.5.1) */
        cpu->hfsr |= HFSR_VECTTBL;
        exc_put(cpu->pending, EXC_HARD, exc > EXC_HARD);
        if (exc <= EXC_HARD)
            cpu_lockup(cpu);
        return; /* still stacked */
    }
    cpu->stacked = false;
    exc_put(cpu->active, exc, true);
    cpu->ipsr = exc;
    cpu->r[15] = vector & ~1u;
    cpu->thumb = vector & 1;
    cpu->it = 0;
    cpu->fpca = false;
    cpu->spsel = false;
    cpu->exclusive = false;
    cpu->event = true;
    cpu_select_sp(cpu);
    cpu_mode_changed(cpu);
    cpu_debug_vector(cpu, exc);
    if (exc != EXC_DEBUG && cpu_monitor_steps(cpu)) /* a step into a handler that is less urgent */
        cpu_debug_event(cpu, DFSR_HALTED);
}

/* ---- return ------------------------------------------------------------------------------ */

/* The stacked context cannot be restored: its frame stays, the fault is entered instead. */
void cpu_return_failed(struct cpu *cpu, uint32_t exc_return, unsigned exc, uint32_t cfsr)
{
    if (cpu_derived_fault(cpu, exc, cfsr))
        stay_stacked(cpu, exc_return, CYCLES_TAIL);
    else
        cpu_lockup(cpu);
}

/* A branch to EXC_RETURN in Handler mode. Leaves r[15] at what goes on. */
static void cpu_exception_return(struct cpu *cpu, uint32_t exc_return)
{
    unsigned returning = cpu->ipsr, mode = exc_return & 0xf, nested = cpu_active_count(cpu);
    bool ok = exc_get(cpu->active, returning) && (exc_return & 0x0fffffe0) == 0x0fffffe0;
    if (mode == 1)
        ok = ok && nested > 1;
    else
        ok = ok && (mode == 9 || mode == 0xd) && (nested == 1 || (cpu->ccr & CCR_NONBASETHRDENA));
    exc_put(cpu->active, returning, false);
    if (returning != EXC_NMI)
        cpu->faultmask = false;
    if (returning >= EXC_IRQ && exc_get(cpu->level, returning)) /* the line still asks for service */
        cpu_pend(cpu, returning);
    if (!ok)
        cpu_return_failed(cpu, exc_return | 0xf0000000, EXC_USAGE, CFSR_INVPC);
    else if (cpu_preempting(cpu, false) != 0)
        stay_stacked(cpu, exc_return, CYCLES_TAIL);
    else
        cpu_unstack(cpu, exc_return);
}

void cpu_branch_exchange(struct cpu *cpu, uint32_t target)
{
    if (cpu->ipsr != 0 && target >> 28 == 0xf) {
        cpu_exception_return(cpu, target);
        return;
    }
    cpu->r[15] = target & ~1u;
    cpu->thumb = target & 1;
    cpu->left -= code_entry(cpu, cpu->r[15]) - ENTRY_LEAST;
}
