/* A program that is its own debugger: debug events, where no debugger halts for them, are the exception
 * DebugMonitor. DEMCR, and stepping. DDI 0403E C1.5, C1.6. */
#include "cpu/core.h"

enum { DEMCR_MON_PEND = 1 << 17, DEMCR_WRITABLE = 0x010d07f1 };

/* DebugMonitor would be entered at once. */
static bool monitor_ready(const struct cpu *cpu)
{
    return !cpu->debug.attached && (cpu->demcr & DEMCR_MON_EN) &&
           cpu_group_prio(cpu, EXC_DEBUG) < cpu_exec_prio(cpu);
}

/* DFSR tells only of events that are caught. The instruction in progress is finished first. */
void cpu_debug_event(struct cpu *cpu, uint32_t dfsr)
{
    if (cpu->debug.attached) {
        cpu->dfsr |= dfsr;
        cpu_debug_stop(cpu, CPU_DEBUG_HALT);
    } else if (monitor_ready(cpu)) {
        cpu->dfsr |= dfsr;
        cpu_pend(cpu, EXC_DEBUG);
    }
}

bool cpu_monitor_steps(const struct cpu *cpu)
{
    return (cpu->demcr & DEMCR_MON_STEP) && monitor_ready(cpu);
}

/* MON_PEND is the state of the exception, which MON_EN has no say in. */
uint32_t cpu_demcr(const struct cpu *cpu)
{
    return cpu->demcr | (exc_get(cpu->pending, EXC_DEBUG) ? DEMCR_MON_PEND : 0);
}

void cpu_demcr_write(struct cpu *cpu, uint32_t value)
{
    bool trace = (cpu->demcr ^ value) & DEMCR_TRCENA;
    cpu_dwt_settle(cpu);
    cpu->demcr = value & DEMCR_WRITABLE;
    if (value & DEMCR_MON_PEND)
        cpu_pend(cpu, EXC_DEBUG);
    else
        exc_put(cpu->pending, EXC_DEBUG, false);
    cpu_dwt_schedule(cpu);
    if (trace)
        cpu_comparators_changed(cpu);
    cpu_attention(cpu);
}
