/* Stack frames of exceptions: stored on entry, restored on return, and the floating-point part stored
 * late where FPCCR.LSPEN asks for it (DDI 0403E B1.5.6 to B1.5.8). */
#include "cpu/core.h"

#include <string.h>

enum { FRAME_BASIC = 0x20, FRAME_EXTENDED = 0x68 };
enum { XPSR_ALIGN = 1 << 9 };
enum {
    CYCLES_RETURN = 10,
    CYCLES_FP = 17 /* more for an extended frame that is really stored or loaded */
};

/* One word of a frame. Returns the number of the fault it causes (CFSR says which kind), or 0. */
static unsigned frame_word(struct cpu *cpu, uint32_t addr, bool store, bool privileged, uint32_t *value,
                           uint32_t mem, uint32_t bus)
{
    if (!cpu_mpu_allows(cpu, addr, store ? CPU_STORE : CPU_LOAD, privileged)) {
        cpu->cfsr |= mem;
        return EXC_MEM;
    }
    if (store ? cpu_bus_write(cpu, addr, 4, privileged, *value)
              : cpu_bus_read(cpu, addr, 4, privileged, value)) {
        cpu_watch_check(cpu, addr, 4, store, *value);
        return 0;
    }
    cpu->cfsr |= bus;
    return EXC_BUS;
}

bool cpu_fp_allowed(const struct cpu *cpu, bool privileged)
{
    uint32_t a = cpu->cpacr >> 20 & 3;
    return a == 3 || (a == 1 && privileged);
}

/* FPCCR for a lazily stacked frame whose FP part is at fpcar (UpdateFPCCR). */
static void note_lazy(struct cpu *cpu, uint32_t fpcar, bool privileged)
{
    int now = cpu_exec_prio(cpu);
    uint32_t f = cpu->fpccr & (FPCCR_ASPEN | FPCCR_LSPEN);
    f |= FPCCR_LSPACT | (privileged ? 0 : FPCCR_USER) | (cpu->ipsr == 0 ? FPCCR_THREAD : 0);
    f |= now > -1 ? FPCCR_HFRDY : 0;
    f |= exc_get(cpu->enabled, EXC_MEM) && now > cpu_group_prio(cpu, EXC_MEM) ? FPCCR_MMRDY : 0;
    f |= exc_get(cpu->enabled, EXC_BUS) && now > cpu_group_prio(cpu, EXC_BUS) ? FPCCR_BFRDY : 0;
    f |= (cpu->demcr & DEMCR_MON_EN) && now > cpu_group_prio(cpu, EXC_DEBUG) ? FPCCR_MONRDY : 0;
    cpu->fpccr = f;
    cpu->fpcar = fpcar & ~7u;
}

void cpu_push_frame(struct cpu *cpu)
{
    bool privileged = cpu_privileged(cpu), extended = cpu->fpca;
    uint32_t size = extended ? FRAME_EXTENDED : FRAME_BASIC;
    uint32_t force = extended || (cpu->ccr & CCR_STKALIGN) ? 4 : 0;
    uint32_t align = cpu->r[13] & force;
    uint32_t word[8] = {cpu->r[0],  cpu->r[1],  cpu->r[2],  cpu->r[3],
                        cpu->r[12], cpu->r[14], cpu->r[15], cpu_xpsr(cpu) | (align ? XPSR_ALIGN : 0)};
    cpu->r[13] = (cpu->r[13] - size) & ~force & ~3u;
    uint32_t frame = cpu->r[13];
    unsigned fault = 0;
    for (unsigned i = 0; i < 8 && fault == 0; i++)
        fault = frame_word(cpu, frame + 4 * i, true, privileged, &word[i], CFSR_MSTKERR, CFSR_STKERR);
    if (extended && (cpu->fpccr & FPCCR_LSPEN)) {
        note_lazy(cpu, frame + FRAME_BASIC, privileged);
    } else if (extended && !cpu_fp_allowed(cpu, privileged)) {
        cpu_derived_fault(cpu, EXC_USAGE, CFSR_NOCP);
    } else if (extended) {
        for (unsigned i = 0; i < 17 && fault == 0; i++)
            fault = frame_word(cpu, frame + FRAME_BASIC + 4 * i, true, privileged,
                               i < 16 ? &cpu->s[i] : &cpu->fpscr, CFSR_MSTKERR, CFSR_STKERR);
        cpu_exception_cycles(cpu, CYCLES_FP);
    }
    if (fault != 0)
        cpu_derived_fault(cpu, fault, 0);
}

/* PopStack, and everything up to the first instruction of the restored context. */
void cpu_unstack(struct cpu *cpu, uint32_t exc_return)
{
    bool to_handler = (exc_return & 0xf) == 1, psp = (exc_return & 0xf) == 0xd,
         extended = !(exc_return & 0x10);
    bool privileged = to_handler || !cpu->npriv;
    uint32_t frame = psp ? *cpu_psp(cpu) : *cpu_msp(cpu), word[8], s[16], fpscr = 0;
    uint32_t force = extended || (cpu->ccr & CCR_STKALIGN) ? 4 : 0;
    unsigned fault = 0;
    cpu->stacked = false;
    for (unsigned i = 0; i < 8 && fault == 0; i++)
        fault = frame_word(cpu, frame + 4 * i, false, privileged, &word[i], CFSR_MUNSTKERR, CFSR_UNSTKERR);
    if (fault != 0) {
        cpu_return_failed(cpu, exc_return, fault, 0);
        return;
    }
    if (((word[7] & 0x1ff) != 0) != to_handler) {
        cpu_return_failed(cpu, exc_return, EXC_USAGE, CFSR_INVPC);
        return;
    }
    if (extended && (cpu->fpccr & FPCCR_LSPACT)) {
        cpu->fpccr &= ~(uint32_t)FPCCR_LSPACT; /* never stored: the registers still hold it */
    } else if (extended) {
        if (!cpu_fp_allowed(cpu, privileged)) {
            cpu_return_failed(cpu, exc_return, EXC_USAGE, CFSR_NOCP);
            return;
        }
        for (unsigned i = 0; i < 17 && fault == 0; i++)
            fault = frame_word(cpu, frame + FRAME_BASIC + 4 * i, false, privileged, i < 16 ? &s[i] : &fpscr,
                               CFSR_MUNSTKERR, CFSR_UNSTKERR);
        if (fault != 0) {
            cpu_return_failed(cpu, exc_return, fault, 0);
            return;
        }
        memcpy(cpu->s, s, sizeof s);
        cpu->fpscr = fpscr & FPSCR_BITS;
        cpu_fp_tell(cpu);
        cpu_exception_cycles(cpu, CYCLES_FP);
    }
    cpu_exception_cycles(cpu, CYCLES_RETURN);
    uint32_t sp =
        (frame + (extended ? FRAME_EXTENDED : FRAME_BASIC)) | (word[7] & XPSR_ALIGN && force ? 4 : 0);
    memcpy(cpu->r, word, 4 * sizeof word[0]);
    cpu->r[12] = word[4];
    cpu->r[14] = word[5];
    cpu->r[15] = word[6] & ~1u;
    cpu_set_apsr(cpu, word[7], true, true);
    cpu->ipsr = word[7] & 0x1ff;
    cpu->thumb = word[7] >> 24 & 1;
    cpu->it = (word[7] >> 8 & 0xfc) | (word[7] >> 25 & 3);
    if ((cpu->it & 0xf) == 0) /* not an IT block; ICI: load and store multiple begin anew */
        cpu->it = 0;
    *(psp ? cpu_psp(cpu) : cpu_msp(cpu)) = sp;
    cpu->fpca = extended;
    cpu->spsel = psp;
    cpu->exclusive = false;
    cpu->event = true;
    cpu_select_sp(cpu);
    cpu_mode_changed(cpu);
    if (!to_handler && (cpu->scr & SCR_SLEEPONEXIT) && cpu_active_count(cpu) == 0) {
        cpu->sleeping = true;
        cpu->sleep_event = false;
    }
    cpu_attention(cpu);
}

/* ---- floating-point context -------------------------------------------------------------- */

/* The reserved frame cannot be stored, CFSR tells why. FPCCR knows what the context that it belongs to could
 * have made pending. Where that is not urgent enough now, it waits and the instruction goes on (true). Else
 * LSPACT stays: the instruction comes again, and with it the attempt. */
static bool lazy_fault(struct cpu *cpu, unsigned exc)
{
    uint32_t ready = exc == EXC_MEM ? FPCCR_MMRDY : FPCCR_BFRDY;
    if (!(cpu->fpccr & ready)) {
        exc = EXC_HARD;
        ready = FPCCR_HFRDY;
        cpu->hfsr |= HFSR_FORCED;
    }
    bool now = exc_get(cpu->enabled, exc) && cpu_group_prio(cpu, exc) < cpu_exec_prio(cpu);
    if (now || !(cpu->fpccr & ready))
        return cpu_raise(cpu, exc, 0);
    cpu_pend(cpu, exc);
    return true;
}

/* PreserveFPState: the frame that was reserved at exception entry is filled now. */
static bool store_lazy(struct cpu *cpu)
{
    bool privileged = !(cpu->fpccr & FPCCR_USER);
    unsigned fault = 0;
    cpu->left -= CYCLES_FP;
    for (unsigned i = 0; i < 17 && fault == 0; i++)
        fault = frame_word(cpu, cpu->fpcar + 4 * i, true, privileged, i < 16 ? &cpu->s[i] : &cpu->fpscr,
                           CFSR_MLSPERR, CFSR_LSPERR);
    if (fault != 0 && !lazy_fault(cpu, fault))
        return false;
    cpu->fpccr &= ~(uint32_t)FPCCR_LSPACT;
    return true;
}

bool cpu_fp_prepare(struct cpu *cpu)
{
    if (!cpu_fp_allowed(cpu, cpu_privileged(cpu)))
        return cpu_raise(cpu, EXC_USAGE, CFSR_NOCP);
    if ((cpu->fpccr & FPCCR_LSPACT) && !store_lazy(cpu))
        return false;
    if ((cpu->fpccr & FPCCR_ASPEN) && !cpu->fpca) {
        cpu->fpscr = (cpu->fpscr & ~FPDSCR_BITS) | (cpu->fpdscr & FPDSCR_BITS);
        cpu->fpca = true;
    }
    cpu_mode_changed(cpu);
    return true;
}
