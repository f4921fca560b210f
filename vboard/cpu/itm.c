/* ITM and TPIU as far as a program prints with them: stimulus ports, what enables them, and the time that
 * packets take on the pin SWO. DDI 0403E C1.7, DDI 0314H (CoreSight TPIU). */
#include "cpu/core.h"

enum { TCR_ITMENA = 1, SPPR_MANCHESTER = 1, SPPR_NRZ = 2, WAITS_TOLD = 1000 };

/* The lock is for programs; a debugger does not see it. */
enum { LSR_PRESENT = 1, LSR_LOCKED = 2 };
#define LAR_KEY 0xc5acce55u

void cpu_itm_power_on(struct cpu *cpu)
{
    cpu->itm_ter = cpu->itm_tpr = cpu->itm_tcr = cpu->tpiu_acpr = 0;
    cpu->tpiu_cspsr = 1;
    cpu->tpiu_sppr = SPPR_MANCHESTER;
    cpu->tpiu_ffcr = 0x102;
    cpu->itm_unlocked = false;
    cpu->itm_begins = cpu->itm_ends = 0;
    cpu->itm_waits = 0;
}

void cpu_itm_lar(struct cpu *cpu, uint32_t value)
{
    cpu->itm_unlocked = value == LAR_KEY;
}

uint32_t cpu_itm_lsr(const struct cpu *cpu)
{
    return LSR_PRESENT | (cpu->itm_unlocked ? 0 : LSR_LOCKED);
}

static bool enabled(const struct cpu *cpu, unsigned port)
{
    return (cpu->demcr & DEMCR_TRCENA) && (cpu->itm_tcr & TCR_ITMENA) && cpu->itm_ter >> port & 1;
}

/* One packet goes out, one waits. */
static bool ready(const struct cpu *cpu, unsigned port)
{
    return enabled(cpu, port) && cpu_now(cpu) >= cpu->itm_begins;
}

uint32_t cpu_itm_read(struct cpu *cpu, unsigned port, bool effects)
{
    if (effects && !enabled(cpu, port) && cpu->itm_waits <= WAITS_TOLD && ++cpu->itm_waits == WAITS_TOLD &&
        cpu->env.itm != NULL)
        cpu->env.itm(cpu->owner, port, 0, 0);
    return ready(cpu, port);
}

/* A packet is a header and 1, 2 or 4 bytes: 10 bits each in NRZ, in Manchester code 8 of two halves, with a
 * start bit and a stop. */
void cpu_itm_write(struct cpu *cpu, unsigned port, uint32_t value, unsigned size, bool privileged)
{
    unsigned bytes = 1 + size, clocks = cpu->tpiu_sppr == SPPR_NRZ ? bytes * 10 : bytes * 16 + 4;
    bool allowed = privileged || !(cpu->itm_tpr >> port / 8 & 1);

    if (!ready(cpu, port) || !allowed)
        return;
    uint64_t now = cpu_now(cpu);
    cpu->itm_begins = cpu->itm_ends > now ? cpu->itm_ends : now;
    cpu->itm_ends = cpu->itm_begins + (uint64_t)clocks * (cpu->tpiu_acpr + 1);
    if (cpu->env.itm != NULL && (cpu->tpiu_sppr == SPPR_NRZ || cpu->tpiu_sppr == SPPR_MANCHESTER))
        cpu->env.itm(cpu->owner, port, value, size);
}
