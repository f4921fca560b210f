/* A storm of nested interrupts around computations (work.S) that must not notice. See main.c. */
#ifndef TEST_BOARD_FW_STORM_H
#define TEST_BOARD_FW_STORM_H

#include "port/stm32l433/irq.h" /* of which only what both machines have is used */
#include <stdbool.h>
#include <stdint.h>

enum { IRQ_FIRST = 11, IRQS = 8, SCRATCH = 64 };

typedef uint32_t work_fn(uint32_t rounds, uint32_t *scratch);
work_fn work_it, work_ldm, work_fp, work_dsp, work_ex, work_call, work_fault, work_pend, work_mask;
extern const uint16_t work_ldm_ici[], __start_work[], __stop_work[];

/* What happened, counted; each is a line of the report. */
#define COUNTS(X)                                                                                            \
    X(ticks)                                                                                                 \
    X(irqs)                                                                                                  \
    X(nmi)                                                                                                   \
    X(depth) /* the deepest nesting */                                                                       \
    X(tail)                                                                                                  \
    X(late)                                                                                                  \
    X(it1) /* taken with so many instructions of an IT block to come */                                      \
    X(it2)                                                                                                   \
    X(it3)                                                                                                   \
    X(it4)                                                                                                   \
    X(multiple)   /* taken at an LDM, STM, VLDM or VSTM */                                                   \
    X(ici)        /* that had begun */                                                                       \
    X(lazy)       /* FP frame reserved */                                                                    \
    X(stored)     /* and stored later */                                                                     \
    X(handler)    /* EXC_RETURN F1 */                                                                        \
    X(msp)        /* F9 */                                                                                   \
    X(psp)        /* FD */                                                                                   \
    X(handler_fp) /* E1 */                                                                                   \
    X(msp_fp)     /* E9 */                                                                                   \
    X(psp_fp)     /* ED */                                                                                   \
    X(svc)                                                                                                   \
    X(switches)                                                                                              \
    X(undef)                                                                                                 \
    X(unaligned)                                                                                             \
    X(div0)                                                                                                  \
    X(nocp)                                                                                                  \
    X(mpu)                                                                                                   \
    X(bus)                                                                                                   \
    X(forced) /* escalated to HardFault */
#define COUNT_INDEX(name) C_##name,
enum count { COUNTS(COUNT_INDEX) COUNTERS };
extern uint32_t counts[COUNTERS];
#define COUNT(n) ((void)__atomic_fetch_add(&counts[n], 1, __ATOMIC_RELAXED))

struct frame {
    uint32_t r[4], r12, lr, pc, xpsr;
};

extern volatile uint8_t storm_hits[2048];  /* interrupted at this halfword of the section `work` */
extern volatile uint8_t storm_shared;      /* incremented by work_ex and by handlers */
extern volatile uint8_t storm_added;       /* by handlers alone */
extern volatile int32_t storm_window;      /* only what has a smaller priority number may run */
extern volatile uint32_t storm_order;      /* checksum of the order of handlers */
extern uint32_t storm_scratch[2][SCRATCH]; /* of the two threads; the MPU closes them now and then */

enum storm_mode { CALM, ORDER, STORM, TRAPS };
void storm_prepare(void);
void storm_begin(enum storm_mode how);
void storm_end(void);
void storm_pend(uint32_t n); /* interrupt IRQ_FIRST + n */
void storm_on_psp(void (*fn)(void), uint32_t *stack_top);
void storm_second_thread(void (*fn)(void)); /* unprivileged; fn does not return. NULL: there is none */

void check(bool ok, uint32_t line);
#define CHECK(expr) check(expr, __LINE__)
_Noreturn void stop(const char *why);

#endif
