/* SysTick: computed from the cycle it was last looked at, never stepped (DDI 0403E B3.3). */
#include "cpu/core.h"

enum { ST_ENABLE = 1, ST_TICKINT = 2, ST_HCLK = 4, ST_COUNTFLAG = 1 << 16 };

/* The other clock source is HCLK/8 on this family (RM0394 6.2.13). */
static uint64_t divider(const struct cpu *cpu)
{
    return cpu->st_ctrl & ST_HCLK ? 1 : 8;
}

void cpu_systick_sync(struct cpu *cpu)
{
    uint64_t now = cpu_now(cpu), div = divider(cpu), ticks = now / div - cpu->st_cycle / div;
    cpu->st_cycle = now;
    if (!(cpu->st_ctrl & ST_ENABLE) || ticks == 0)
        return;
    uint64_t v = cpu->st_val, load = cpu->st_load;
    if (v == 0) {
        if (load == 0)
            return;
        v = load; /* the reload takes a tick */
        ticks--;
    }
    if (ticks < v) {
        cpu->st_val = (uint32_t)(v - ticks);
        return;
    }
    ticks = load == 0 ? 0 : (ticks - v) % (load + 1);
    cpu->st_val = (uint32_t)(ticks == 0 ? 0 : load + 1 - ticks);
    cpu->st_ctrl |= ST_COUNTFLAG;
    if (cpu->st_ctrl & ST_TICKINT)
        cpu_pend(cpu, EXC_SYSTICK);
}

static uint64_t systick_next(const struct cpu *cpu)
{
    if ((cpu->st_ctrl & (ST_ENABLE | ST_TICKINT)) != (ST_ENABLE | ST_TICKINT))
        return UINT64_MAX;
    if (cpu->st_val == 0 && cpu->st_load == 0)
        return UINT64_MAX;
    uint64_t div = divider(cpu), ticks = cpu->st_val != 0 ? cpu->st_val : (uint64_t)cpu->st_load + 1;
    return (cpu->st_cycle / div + ticks) * div;
}

uint64_t cpu_timers_next(const struct cpu *cpu)
{
    uint64_t systick = systick_next(cpu);
    return systick < cpu->dwt_match ? systick : cpu->dwt_match;
}

void cpu_timers_update(struct cpu *cpu)
{
    if (cpu_now(cpu) >= systick_next(cpu))
        cpu_systick_sync(cpu);
    cpu_dwt_update(cpu);
}

uint64_t cpu_next_wake(const struct cpu *cpu)
{
    return cpu_timers_next(cpu);
}

/* SysTick and the cycle counter are clocked by FCLK, in Sleep mode too. */
void cpu_slept(struct cpu *cpu, uint64_t cycles)
{
    cpu->limit += cycles;
    cpu->slept += (uint32_t)cycles;
    cpu_timers_update(cpu);
}
