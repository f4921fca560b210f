/* All state of the processor that a program can observe, as plain data: struct cpu may be copied
 * whole (a snapshot) and written back (then call cpu_restored). Register names as in the ARMv7-M
 * Architecture Reference Manual (DDI 0403E). */
#ifndef VBOARD_CPU_STATE_H
#define VBOARD_CPU_STATE_H

#include "cpu/cpu.h"

/* Exception numbers (DDI 0403E B1.5.2). */
enum {
    EXC_RESET = 1,
    EXC_NMI,
    EXC_HARD,
    EXC_MEM,
    EXC_BUS,
    EXC_USAGE,
    EXC_SVC = 11,
    EXC_DEBUG,
    EXC_PENDSV = 14,
    EXC_SYSTICK,
    EXC_IRQ,
    EXC_COUNT = EXC_IRQ + CPU_IRQS
};
enum { EXC_WORDS = 4, CPU_MPU_REGIONS = 8, CPU_ZERO = 16, DWT_COMPARATORS = 4, DWT_COUNTERS = 5 };
enum { CPU_COMPARED = CPU_DEBUG_WATCHES + DWT_COMPARATORS + 1 + 8 };

struct cpu_code; /* decoded instructions: outside the snapshot (code.h) */

struct cpu {
    /* Core registers. r[13] is the stack pointer in use, r[15] the address of the next instruction
     * (kept only outside the interpreter loop), r[CPU_ZERO] is always zero. */
    uint32_t r[17];
    uint32_t n, z, c, v;     /* N: bit 31 of n. Z: z is zero. C: 0 or 1. V: bit 31 of v */
    uint32_t q, ge;          /* Q: 0 or 1. GE: 4 bits */
    uint32_t it;             /* ITSTATE of the next instruction */
    uint32_t thumb;          /* EPSR.T */
    uint32_t ipsr;           /* number of the exception being handled, 0: Thread mode */
    uint32_t sp_other;       /* the stack pointer not in use */
    bool psp_in_use;         /* r[13] is PSP */
    bool npriv, spsel, fpca; /* CONTROL */
    bool primask, faultmask;
    uint8_t basepri;
    bool exclusive; /* local monitor */
    bool event;     /* event register of WFE */

    /* FPv4-SP */
    uint32_t s[32], fpscr;
    uint32_t cpacr, fpccr, fpcar, fpdscr;
    bool fp_ready;    /* derived: an FP instruction may execute without further checks */
    uint32_t fp_told; /* cumulative flags that env.fp_flags knows */

    /* Exceptions by number: bits and priorities (external interrupt n is number 16 + n) */
    uint32_t pending[EXC_WORDS], active[EXC_WORDS], enabled[EXC_WORDS], level[EXC_WORDS];
    uint8_t prio[EXC_COUNT + 1]; /* only bits 7:4 are implemented */
    bool nmi_level;

    /* System control block */
    uint32_t vtor, prigroup, scr, ccr, cfsr, hfsr, dfsr, mmfar, bfar, actlr;
    uint32_t demcr;
    /* MPU */
    uint32_t mpu_ctrl, mpu_rnr, mpu_rbar[CPU_MPU_REGIONS], mpu_rasr[CPU_MPU_REGIONS];
    /* SysTick: the counter as it was at cycle st_cycle */
    uint32_t st_ctrl, st_load, st_val;
    uint64_t st_cycle;
    /* Running. The present cycle is limit - left. */
    uint64_t limit, target;
    int64_t left;
    uint64_t instructions, unretired; /* executed; executed since the interpreter loop was entered */
    bool sleeping, sleep_event;       /* in WFI or WFE; it is WFE */
    bool locked;                      /* locked up */
    bool reset_request;               /* SYSRESETREQ was written */
    bool vect_reset;                  /* VECTRESET was written */
    bool stop;                        /* cpu_stop was called */
    bool fetch_gate;
    bool stacked;      /* an exception entry has stored its frame and not yet chosen its handler */
    uint32_t entry_lr; /* LR before that entry, for reports */
    uint8_t fault;     /* exception number of the synchronous fault in progress, 0: none */
    bool fault_after;  /* the return address of `fault` is the next instruction (SVC) */

    /* Watch and breakpoints */
    struct cpu_watch {
        bool armed;
        uint32_t lo, hi;
    } watches[CPU_WATCHES];
    uint32_t breaks[CPU_BREAKS];
    uint8_t break_count;
    bool single;   /* cpu_step: an instruction that takes no cycle is one, too */
    bool one;      /* execute an instruction even if there is no cycle left */
    bool at_break; /* CPU_BREAK was reported for break_pc: step over it when asked to go on */
    uint32_t break_pc;

    struct cpu_debug {
        bool attached, halted;
        bool stop; /* cpu_run returns before the next instruction */
        enum cpu_debug_stop why;
        bool stepping;       /* one instruction, of */
        unsigned step_depth; /* the level with so many active exceptions */
        bool own_exception;  /* the last instruction has caused one */
        uint8_t catches, watch_count;
        struct cpu_debug_hit watches[CPU_DEBUG_WATCHES], hit;
    } debug;

    /* DWT, FPB, ITM and TPIU: what a program without a debugger can do with them */
    uint32_t dwt_ctrl, dwt_cyccnt; /* dwt_cyccnt: as it was at cycle dwt_cycle */
    uint64_t dwt_cycle, dwt_match; /* dwt_match: when CYCCNT is what comparator 0 waits for */
    struct dwt_counter {
        uint32_t value, since; /* value: as it was when the total was `since` */
    } dwt_count[DWT_COUNTERS];
    uint32_t exception_cycles, slept; /* totals */
    struct dwt_comparator {
        uint32_t comp, mask, function;
    } dwt_comp[DWT_COMPARATORS];
    uint32_t fpb_ctrl, fpb_remap, fpb_comp[8];
    uint32_t itm_ter, itm_tpr, itm_tcr;
    bool itm_unlocked;
    uint64_t itm_begins, itm_ends; /* cycles: of the last packet */
    uint32_t itm_waits;            /* reads of ports that are not enabled */
    uint32_t tpiu_cspsr, tpiu_acpr, tpiu_sppr, tpiu_ffcr;
    /* Derived: the addresses at which a debugger's watchpoints or comparators of DWT and FPB have to be
     * asked. */
    struct cpu_compared {
        uint32_t first, last;
        bool fetch, load, store;
    } compared[CPU_COMPARED];
    uint8_t compared_count;
    bool data_compared; /* any of them for loads and stores */

    struct cpu_region regions[CPU_REGIONS];
    struct cpu_env env;
    void *owner;
    struct cpu_code *code;
};

#endif
