/* An ARMv7E-M processor (Cortex-M4F r0p1: Thumb-2, DSP, FPv4-SP, NVIC, SysTick, SCB, MPU, DWT, FPB).
 * Knows nothing of a particular chip: memories are handed to it as regions, everything else goes
 * through struct cpu_env. All state that a program can observe is plain data in struct cpu, so a
 * copy of the struct is a snapshot; decoded instructions live outside and are rebuilt on demand.
 *
 * Time is counted in cycles of the core clock (HCLK) and never runs backwards. What a cycle lasts
 * is the owner's business. */
#ifndef VBOARD_CPU_H
#define VBOARD_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CPU_REGIONS = 8, CPU_IRQS = 83, CPU_BREAKS = 32, CPU_WATCHES = 2 };

/* Memory that the processor may access directly: no side effects, no waiting.
 * Accesses that no region covers go to the env. Regions do not overlap. */
struct cpu_region {
    uint32_t base; /* multiple of 1024 */
    uint32_t size; /* bytes, multiple of 1024; 0: unused row */
    uint8_t *bytes;
    bool data;     /* loads are served directly (false: env->read, e.g. flash behind a data cache) */
    bool writable; /* stores are served directly (false: env->write) */
    bool gated;    /* instruction fetches are told to env->fetch */
};

enum cpu_access { CPU_FETCH, CPU_LOAD, CPU_STORE };

struct cpu_fault {
    const char *kind; /* "HardFault", "MemManage", "BusFault", "UsageFault", "NMI", "lockup" */
    uint32_t pc, lr;  /* where it was raised, LR at that time */
    uint32_t cfsr, hfsr, bfar, mmfar;
};

/* What the owner supplies. `owner` is the pointer given to cpu_init.
 * cpu.cycles is exact whenever one of these is called, and a callee that keeps the processor
 * waiting (bus stall) adds to it. Callees may also call cpu_irq, cpu_until, cpu_stop. */
struct cpu_env {
    /* Load or store of `size` (1, 2, 4) bytes; address aligned to size unless the region is
     * "normal" memory, where the processor splits unaligned accesses first. false: bus error.
     * `privileged` is false for unprivileged accesses. */
    bool (*read)(void *owner, uint32_t addr, unsigned size, bool privileged, uint32_t *value);
    bool (*write)(void *owner, uint32_t addr, unsigned size, bool privileged, uint32_t value);
    /* Instruction fetch from a gated region enters an 8-byte line: adds wait states or stalls to
     * cpu.cycles. false: bus error. Called for each line that is entered while cpu_set_fetch_gate is
     * on; while it is off only for lines not yet fetched since cpu_code_changed was told about them,
     * so that the owner's instruction cache costs nothing as long as it hits. */
    bool (*fetch)(void *owner, uint32_t addr);
    /* A fault or NMI exception is being entered, or the processor locks up. Information only. */
    void (*fault)(void *owner, const struct cpu_fault *fault);
    /* The armed fetch watch n was hit: the instruction at pc is about to be executed. */
    void (*watch)(void *owner, unsigned n, uint32_t pc);
    /* The cumulative exception flags of FPSCR have changed (NULL: nobody wants to know): bits 0-4 and 7, as
     * there. */
    void (*fp_flags)(void *owner, uint32_t flags);
    /* The ITM sends what was written to a stimulus port, in `size` bytes (NULL: nobody listens). size 0: a
     * program keeps asking a port that is not enabled; told once. */
    void (*itm)(void *owner, unsigned port, uint32_t value, unsigned size);
};

enum cpu_exit {
    CPU_RAN,      /* cpu.cycles has reached the limit */
    CPU_SLEEPING, /* WFI or WFE; nothing pends that would wake it. SCR.SLEEPDEEP tells how deep */
    CPU_LOCKUP,   /* locked up: only a reset (or NMI, where the architecture says so) helps */
    CPU_RESETREQ, /* AIRCR.SYSRESETREQ was written */
    CPU_STOPPED,  /* cpu_stop was called */
    CPU_BREAK     /* at a breakpoint of cpu_break; the instruction there was not executed */
};

struct cpu; /* complete in cpu/state.h, for those who read or copy it whole */

size_t cpu_sizeof(void);

/* Power-on. `cpu` is cpu_sizeof() bytes of zeroed memory; regions are set with cpu_map. */
void cpu_init(struct cpu *cpu, const struct cpu_env *env, void *owner);
/* Power comes back: only that resets what belongs to debugging and trace. */
void cpu_power_on(struct cpu *cpu);
/* Frees what lives outside the struct. */
void cpu_destroy(struct cpu *cpu);
/* Any reset: loads MSP and PC from words 0 and 4 of address 0. Cycles go on. */
void cpu_reset(struct cpu *cpu);

/* Sets row `slot`; replaces what was there (so the alias at address 0 can be switched). */
void cpu_map(struct cpu *cpu, unsigned slot, struct cpu_region region);
/* Bytes that may have been executed have changed other than by the processor's own stores. */
void cpu_code_changed(struct cpu *cpu, uint32_t addr, uint32_t size);
/* struct cpu was overwritten by a snapshot of itself. Memory changes are told by cpu_code_changed. */
void cpu_restored(struct cpu *cpu);

/* Runs until cycle `until` (absolute) or another exit. An instruction that began is finished. */
enum cpu_exit cpu_run(struct cpu *cpu, uint64_t until);
/* Executes exactly one instruction (or enters one exception). */
enum cpu_exit cpu_step(struct cpu *cpu);
/* From inside an env call: lowers the limit of the running cpu_run. */
void cpu_until(struct cpu *cpu, uint64_t until);
/* From inside an env call or before cpu_run: return CPU_STOPPED at the next instruction boundary. */
void cpu_stop(struct cpu *cpu);
/* The processor slept `cycles` cycles of FCLK: SysTick and CYCCNT advance. */
void cpu_slept(struct cpu *cpu, uint64_t cycles);
/* Cycle at which SysTick or another core timer next needs the processor while it sleeps; UINT64_MAX: never.
 */
uint64_t cpu_next_wake(const struct cpu *cpu);
/* True if a sleeping processor would go on executing now. */
bool cpu_would_wake(const struct cpu *cpu);
/* That is so because a debugger has moved its PC or has asked it for a reset. */
bool cpu_roused(const struct cpu *cpu);
/* A sleeping processor goes on although nothing pends: the chip has refused the sleep mode. */
void cpu_wake(struct cpu *cpu);

uint64_t cpu_cycles(const struct cpu *cpu);
uint64_t cpu_instructions(const struct cpu *cpu);      /* executed since cpu_init; exact outside cpu_run */
void cpu_add_cycles(struct cpu *cpu, uint64_t cycles); /* a bus stall, from env calls */
void cpu_set_fetch_gate(struct cpu *cpu, bool on);     /* see struct cpu_env.fetch */

void cpu_irq(struct cpu *cpu, unsigned irq, bool level); /* interrupt line 0..CPU_IRQS-1, level */
void cpu_nmi(struct cpu *cpu, bool level);               /* NMI line; pends on the rising edge */
void cpu_event(struct cpu *cpu);                         /* RXEV: sets the event register */

/* Arms one of CPU_WATCHES one-shots: env->watch is called when the next instruction in [lo, hi] is about to
 * execute. Arming it again replaces it; resets leave it. */
void cpu_arm_watch(struct cpu *cpu, unsigned n, uint32_t lo, uint32_t hi);
bool cpu_break(struct cpu *cpu, uint32_t addr, bool set); /* false: table full or not set */

/* ---- a debugger at the core (DDI 0403E C1), debug.c ---- */

enum { CPU_DEBUG_WATCHES = 8 };
/* What stops before the first instruction after a reset, of the handler of HardFault, of the handlers of
 * the other faults. */
enum { CPU_CATCH_RESET = 1, CPU_CATCH_HARD = 2, CPU_CATCH_FAULTS = 4 };
enum cpu_debug_stop {
    CPU_DEBUG_BREAK, /* at a breakpoint of cpu_break */
    CPU_DEBUG_STEP,
    CPU_DEBUG_BKPT,  /* before a BKPT instruction */
    CPU_DEBUG_WATCH, /* behind the instruction that made the access */
    CPU_DEBUG_FAULT, /* by vector catch */
    CPU_DEBUG_RESET, /* by vector catch */
    CPU_DEBUG_HALT   /* the program has set DHCSR.C_HALT, or a comparator of DWT that matches */
};
struct cpu_debug_hit { /* a watchpoint: bytes, and which accesses */
    uint32_t addr, size;
    bool load, store;
};
/* DHCSR.C_DEBUGEN. Either way break- and watchpoints are forgotten, and nothing is caught. While one is
 * attached BKPT is no fault, and debug events halt. On arrival the comparators of DWT and FPB are cleared, as
 * probes do. */
void cpu_debug_attach(struct cpu *cpu, bool on);
void cpu_debug_halted(struct cpu *cpu, bool on); /* for DHCSR; leaves the core at an instruction */
void cpu_debug_catch(struct cpu *cpu, unsigned catches);
/* The next cpu_run ends with CPU_BREAK after one instruction of the present level: interrupts are served
 * before it, a fault or SVC of its own ends in its handler. If the core sleeps, it wakes first. */
void cpu_debug_step(struct cpu *cpu, bool on);
/* false: more than CPU_DEBUG_WATCHES, or not set. */
bool cpu_debug_watch(struct cpu *cpu, const struct cpu_debug_hit *watch, bool set);
/* Why cpu_run returned CPU_BREAK last; hit (may be NULL): the watchpoint. */
enum cpu_debug_stop cpu_debug_why(const struct cpu *cpu, struct cpu_debug_hit *hit);

/* Registers by number: 0 to 15 (PC: address of the next instruction), and these; S0 to S31 follow each other.
 */
enum {
    CPU_SP = 13,
    CPU_LR,
    CPU_PC,
    CPU_XPSR,
    CPU_MSP,
    CPU_PSP,
    CPU_PRIMASK,
    CPU_BASEPRI,
    CPU_FAULTMASK,
    CPU_CONTROL,
    CPU_FPSCR,
    CPU_S0 = 32
};
uint32_t cpu_reg(const struct cpu *cpu, unsigned n);
void cpu_set_reg(struct cpu *cpu, unsigned n, uint32_t value);
/* A debugger's view of the private peripheral bus 0xE0000000-0xE00FFFFF: no side effects on read. */
bool cpu_ppb_peek(const struct cpu *cpu, uint32_t addr, uint32_t *value);
/* A debugger's write there, with its effects; not DHCSR, which is for cpu_debug_*. addr aligned to size. */
bool cpu_ppb_poke(struct cpu *cpu, uint32_t addr, unsigned size, uint32_t value);

#endif
