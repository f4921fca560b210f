/* What the files of the processor share: time, execution state, memory access, exceptions. */
#ifndef VBOARD_CPU_CORE_H
#define VBOARD_CPU_CORE_H

#include "cpu/fp.h"
#include "cpu/state.h"

/* CFSR (DDI 0403E B3.2.15). */
enum {
    CFSR_IACCVIOL = 1 << 0,
    CFSR_DACCVIOL = 1 << 1,
    CFSR_MUNSTKERR = 1 << 3,
    CFSR_MSTKERR = 1 << 4,
    CFSR_MLSPERR = 1 << 5,
    CFSR_MMARVALID = 1 << 7,
    CFSR_IBUSERR = 1 << 8,
    CFSR_PRECISERR = 1 << 9,
    CFSR_IMPRECISERR = 1 << 10,
    CFSR_UNSTKERR = 1 << 11,
    CFSR_STKERR = 1 << 12,
    CFSR_LSPERR = 1 << 13,
    CFSR_BFARVALID = 1 << 15,
    CFSR_UNDEFINSTR = 1 << 16,
    CFSR_INVSTATE = 1 << 17,
    CFSR_INVPC = 1 << 18,
    CFSR_NOCP = 1 << 19,
    CFSR_UNALIGNED = 1 << 24,
    CFSR_DIVBYZERO = 1 << 25
};
enum { HFSR_VECTTBL = 1 << 1, HFSR_FORCED = 1 << 30 };
#define HFSR_DEBUGEVT 0x80000000u
enum {
    CCR_NONBASETHRDENA = 1 << 0,
    CCR_USERSETMPEND = 1 << 1,
    CCR_UNALIGN_TRP = 1 << 3,
    CCR_DIV_0_TRP = 1 << 4,
    CCR_BFHFNMIGN = 1 << 8,
    CCR_STKALIGN = 1 << 9
};
enum { SCR_SLEEPONEXIT = 1 << 1, SCR_SLEEPDEEP = 1 << 2, SCR_SEVONPEND = 1 << 4 };
enum { ACTLR_DISDEFWBUF = 1 << 1 };
enum {
    FPCCR_LSPACT = 1 << 0,
    FPCCR_USER = 1 << 1,
    FPCCR_THREAD = 1 << 3,
    FPCCR_HFRDY = 1 << 4,
    FPCCR_MMRDY = 1 << 5,
    FPCCR_BFRDY = 1 << 6,
    FPCCR_MONRDY = 1 << 8,
    FPCCR_LSPEN = 1 << 30
};
#define FPCCR_ASPEN 0x80000000u
enum { MPU_CTRL_ENABLE = 1, MPU_CTRL_HFNMIENA = 2, MPU_CTRL_PRIVDEFENA = 4 };
#define FPSCR_BITS  0xf7c0009fu
#define FPDSCR_BITS 0x07c00000u
enum { DFSR_HALTED = 1, DFSR_BKPT = 2, DFSR_DWTTRAP = 4 };
enum { DEMCR_MON_EN = 1 << 16, DEMCR_MON_STEP = 1 << 18, DEMCR_TRCENA = 1 << 24 };

/* ---- time -------------------------------------------------------------------------------- */

static inline uint64_t cpu_now(const struct cpu *cpu)
{
    return cpu->limit - (uint64_t)cpu->left;
}
/* Makes the interpreter loop stop at the next instruction boundary: something has to be looked at. */
void cpu_fp_tell(struct cpu *cpu); /* cumulative flags of FPSCR that are news */
static inline bool cpu_fp_news(const struct cpu *cpu)
{
    return (cpu->fpscr ^ cpu->fp_told) & FPSCR_CUMULATIVE;
}

static inline void cpu_attention(struct cpu *cpu)
{
    if (cpu->left > 0) {
        cpu->limit -= (uint64_t)cpu->left;
        cpu->left = 0;
    }
}

/* ---- execution state --------------------------------------------------------------------- */

static inline bool cpu_privileged(const struct cpu *cpu)
{
    return cpu->ipsr != 0 || !cpu->npriv;
}
uint32_t cpu_xpsr(const struct cpu *cpu);
void cpu_set_apsr(struct cpu *cpu, uint32_t apsr, bool nzcvq, bool g);
/* Chooses MSP or PSP as r[13] from CONTROL.SPSEL and the mode. */
void cpu_select_sp(struct cpu *cpu);
static inline uint32_t *cpu_msp(struct cpu *cpu)
{
    return cpu->psp_in_use ? &cpu->sp_other : &cpu->r[13];
}
static inline uint32_t *cpu_psp(struct cpu *cpu)
{
    return cpu->psp_in_use ? &cpu->r[13] : &cpu->sp_other;
}
/* Privilege, mode, CPACR, FPCCR or MPU settings changed: recomputes what is derived from them. */
void cpu_mode_changed(struct cpu *cpu);
/* ppb_ids.c: false if the word is not one that always reads the same. */
bool cpu_ppb_constant(uint32_t addr, uint32_t *value);

/* itm.c */
void cpu_itm_power_on(struct cpu *cpu);
void cpu_itm_lar(struct cpu *cpu, uint32_t value);
uint32_t cpu_itm_lsr(const struct cpu *cpu);
uint32_t cpu_itm_read(struct cpu *cpu, unsigned port, bool effects); /* a stimulus port */
void cpu_itm_write(struct cpu *cpu, unsigned port, uint32_t value, unsigned size, bool privileged);

/* ---- memory ------------------------------------------------------------------------------ */

/* Data access with everything that belongs to it: alignment, MPU, bit-banding, PPB, regions, bus.
 * false: a fault was raised. `privileged` as for the access. */
bool cpu_load(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t *value);
bool cpu_store(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t value);
/* Consecutive words, for LDM and its like: aligned to 4 or a fault. On a fault of a load v is void. */
bool cpu_load_words(struct cpu *cpu, uint32_t addr, unsigned n, uint32_t *v);
bool cpu_store_words(struct cpu *cpu, uint32_t addr, unsigned n, const uint32_t *v);
/* Aligned access below alignment and MPU checks. false: bus error, nothing raised. */
bool cpu_bus_read(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t *value);
bool cpu_bus_write(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t value);
/* Raises the alignment fault that LDM, LDRD, exclusives and the like always cause. */
bool cpu_aligned(struct cpu *cpu, uint32_t addr, unsigned size);
bool cpu_mpu_allows(const struct cpu *cpu, uint32_t addr, enum cpu_access access, bool privileged);
/* The last address up to which the MPU decides as at addr. */
uint32_t cpu_mpu_same_until(const struct cpu *cpu, uint32_t addr);
/* Private peripheral bus. `known` is false if the address is not the processor's own. */
bool cpu_ppb_read(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t *value,
                  bool *known);
bool cpu_ppb_write(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t value,
                   bool *known);

/* ---- exceptions -------------------------------------------------------------------------- */

static inline bool exc_get(const uint32_t *bits, unsigned n)
{
    return bits[n / 32] >> (n % 32) & 1;
}
static inline void exc_put(uint32_t *bits, unsigned n, bool on)
{
    if (on)
        bits[n / 32] |= 1u << (n % 32);
    else
        bits[n / 32] &= ~(1u << (n % 32));
}
/* Records a synchronous fault of the instruction in progress. Returns false for convenience. */
bool cpu_raise(struct cpu *cpu, unsigned exc, uint32_t cfsr);
/* Takes cpu->fault: r[15] is the instruction that caused it (after it for SVC). */
void cpu_take_fault(struct cpu *cpu);
void cpu_pend(struct cpu *cpu, unsigned exc);   /* also SEVONPEND; asks for attention */
void cpu_pend_async_bus_fault(struct cpu *cpu); /* an imprecise one */
void cpu_lockup(struct cpu *cpu);
int cpu_exec_prio(const struct cpu *cpu);
int cpu_group_prio(const struct cpu *cpu, unsigned exc);
unsigned cpu_vect_pending(const struct cpu *cpu); /* ICSR.VECTPENDING */
/* The exception that preempts now, 0: none. ignore_primask: for waking up. */
unsigned cpu_preempting(const struct cpu *cpu, bool ignore_primask);
/* Stacks the context; the handler is chosen by cpu_vector when the stacking is over. */
void cpu_enter(struct cpu *cpu);
void cpu_vector(struct cpu *cpu);
/* A fault of the entry or return sequence itself. It stays pending; the one with the highest
 * priority is served first, as for late arrival (B1.5.11). false: nothing can serve it. */
bool cpu_derived_fault(struct cpu *cpu, unsigned exc, uint32_t cfsr);
/* The stacked context cannot be restored: its frame stays, the fault is entered instead. */
void cpu_return_failed(struct cpu *cpu, uint32_t exc_return, unsigned exc, uint32_t cfsr);
void cpu_push_frame(struct cpu *cpu);
void cpu_unstack(struct cpu *cpu, uint32_t exc_return);
unsigned cpu_active_count(const struct cpu *cpu);
/* Makes FPU state current for the running context; false: fault raised (NOCP or lazy stacking). */
bool cpu_fp_prepare(struct cpu *cpu);
bool cpu_fp_allowed(const struct cpu *cpu, bool privileged); /* by CPACR */
/* Branch to an address from a register or memory (BXWritePC). Leaves r[15]; may be an exception return. */
void cpu_branch_exchange(struct cpu *cpu, uint32_t target);

/* ---- a debugger (debug.c) ---------------------------------------------------------------- */

void cpu_debug_stop(struct cpu *cpu, enum cpu_debug_stop why); /* if one is attached */
void cpu_debug_vector(struct cpu *cpu, unsigned exc);          /* a handler has been chosen */
void cpu_watch_hit(struct cpu *cpu, uint32_t addr, unsigned size, bool store, uint32_t value);
/* An aligned access was made the long way. */
static inline void cpu_watch_check(struct cpu *cpu, uint32_t addr, unsigned size, bool store, uint32_t value)
{
    if (cpu->data_compared)
        cpu_watch_hit(cpu, addr, size, store, value);
}
/* True if the byte at addr is watched for this access; lowers *last to where that ends or changes. */
bool cpu_watch_edge(const struct cpu *cpu, uint32_t addr, enum cpu_access access, uint32_t *last);
/* Watchpoints or comparators are others now. */
void cpu_comparators_changed(struct cpu *cpu);
void cpu_compare(struct cpu *cpu, struct cpu_compared where); /* from inside that */
uint32_t cpu_dhcsr(const struct cpu *cpu);
void cpu_dhcsr_write(struct cpu *cpu, uint32_t value);

/* ---- a program that is its own debugger (monitor.c, dwt.c, fpb.c) ------------------------ */

/* A debug event other than BKPT: halts, makes DebugMonitor pending, or is ignored. */
void cpu_debug_event(struct cpu *cpu, uint32_t dfsr);
bool cpu_monitor_steps(const struct cpu *cpu); /* after the next instruction there is such an event */
uint32_t cpu_demcr(const struct cpu *cpu);
void cpu_demcr_write(struct cpu *cpu, uint32_t value);

void cpu_dwt_power_on(struct cpu *cpu);
void cpu_dwt_clear(struct cpu *cpu); /* no comparator compares */
uint32_t cpu_dwt_read(struct cpu *cpu, uint32_t addr, bool effects);
void cpu_dwt_write(struct cpu *cpu, uint32_t addr, uint32_t value);
void cpu_dwt_settle(struct cpu *cpu);   /* before what the counters depend on changes */
void cpu_dwt_schedule(struct cpu *cpu); /* behind that */
void cpu_dwt_update(struct cpu *cpu);   /* the cycle of dwt_match may have come */
void cpu_dwt_compare(struct cpu *cpu);  /* tells cpu_compare */
void cpu_dwt_access(struct cpu *cpu, uint32_t addr, unsigned size, bool store, uint32_t value);
void cpu_dwt_executes(struct cpu *cpu, uint32_t pc); /* the instruction there comes now */

void cpu_fpb_power_on(struct cpu *cpu);
void cpu_fpb_clear(struct cpu *cpu);
uint32_t cpu_fpb_read(const struct cpu *cpu, uint32_t addr);
void cpu_fpb_write(struct cpu *cpu, uint32_t addr, uint32_t value);
void cpu_fpb_compare(struct cpu *cpu);
bool cpu_fpb_breaks(const struct cpu *cpu, uint32_t pc); /* the instruction there is a BKPT */
/* Where a halfword of an instruction, an aligned load really comes from. */
uint32_t cpu_fpb_fetched_from(const struct cpu *cpu, uint32_t addr);
uint32_t cpu_fpb_loaded_from(const struct cpu *cpu, uint32_t addr);

/* ---- timers ------------------------------------------------------------------------------ */

void cpu_timers_update(struct cpu *cpu); /* makes SysTick pend if it is due */
/* Cycle of the next expiry of SysTick or match of CYCCNT that matters. */
uint64_t cpu_timers_next(const struct cpu *cpu);
void cpu_systick_sync(struct cpu *cpu);
/* Cycles of entering and leaving exceptions. */
static inline void cpu_exception_cycles(struct cpu *cpu, unsigned cycles)
{
    cpu->left -= cycles;
    cpu->exception_cycles += cycles;
}

/* ---- the interpreter --------------------------------------------------------------------- */

/* Executes instructions from r[15] until left <= 0 or something that has to be looked at. */
void cpu_interpret(struct cpu *cpu);

#endif
