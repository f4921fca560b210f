/* The handlers: they look closely at what they find, count it, pend one another within a budget that each
 * tick from a thread renews (so that threads always get on), and spoil what they may. */
#include "test/board/fw/storm/storm.h"

#include <stddef.h>

enum { BUDGET = 3, PATIENCE = 1000, STACK = 512 };
enum { XPSR_MARK = 1 << 20 }; /* reserved: gone when a frame is restored and stored anew */
enum { GROUP = 0xE0 };        /* the bits of a priority that preempt, with PRIGROUP 4 */
enum { SVC = 11, SYSTICK = 15, TICK_HIGH = 0, TICK_LOW = 0xE0 };

uint32_t counts[COUNTERS];
volatile uint8_t storm_hits[2048], storm_shared, storm_added;
volatile int32_t storm_window = 256;
volatile uint32_t storm_order;
_Alignas(512) uint32_t storm_scratch[2][SCRATCH]; /* one MPU region */

static const uint8_t irq_prio[IRQS] = {0x20, 0x30, 0x50, 0x60, 0x70, 0x90, 0xB0, 0xC0};
static volatile enum storm_mode mode;
static volatile int32_t budget;
static volatile uint32_t seed = 2, depth, entry_cycles = UINT32_MAX;
static _Alignas(8) uint32_t second_stack[STACK];
static uint32_t *volatile other_sp; /* of the thread that waits; NULL: there is none */

void storm_interrupt(struct frame *f, uint32_t exc_return, uint32_t count);
void storm_fault(struct frame *f, uint32_t exc_return);
void storm_svc(struct frame *f, uint32_t exc_return);
uint32_t *storm_switch(uint32_t *sp);
void storm_spoil(uint32_t value);

/* ---- what every handler looks at --------------------------------------------------------- */

static int32_t group_prio(uint32_t exc)
{
    if (exc == 0)
        return 256;
    if (exc < 4)
        return (int32_t)exc - 4;
    return (exc < 16 ? SCB->SHP[exc - 4] : NVIC->IP[exc - 16]) & GROUP;
}

static uint32_t waiting(void) /* our interrupts that are pending and enabled, bit 0: IRQ_FIRST */
{
    return (NVIC->ISPR[0] & NVIC->ISER[0]) >> IRQ_FIRST & ((1u << IRQS) - 1);
}

/* An LDM was left after r2 and r3: it may go on with r5 or begin anew (DDI 0403E B1.5.10). */
static void leave_multiple(struct frame *f)
{
    const uint32_t *from = (const uint32_t *)f->r[1];
    f->r[2] = from[0];
    f->r[3] = from[1];
    f->xpsr |= 5u << 12;
    COUNT(C_ici);
}

static void look_at_place(struct frame *f)
{
    const uint16_t *pc = (const uint16_t *)f->pc;
    if (pc < __start_work || pc >= __stop_work)
        return;
    storm_hits[pc - __start_work] = 1;
    uint32_t it = (f->xpsr >> 8 & 0xFC) | (f->xpsr >> 25 & 3), op = *pc;
    if (it & 0xF)
        COUNT(C_it1 + 3 - (unsigned)__builtin_ctz(it));
    if ((op & 0xF000) == 0xC000 || (op & 0xF600) == 0xB400 || (op & 0xFE40) == 0xE800 ||
        (op & 0xFE00) == 0xEC00)
        COUNT(C_multiple);
    if (pc == work_ldm_ici && !(it & 0xF) && (f->xpsr & 0xFC00) == 0)
        leave_multiple(f);
}

static void look(struct frame *f, uint32_t exc_return)
{
    uint32_t exc = __get_IPSR(), from = f->xpsr & 0x1FF, fpcar = FPU->FPCAR;
    int32_t prio = group_prio(exc);
    CHECK(exc_return >= 0xFFFFFFE0 && (exc_return & 0xF) == (from != 0 ? 1 : exc_return & 4 ? 0xD : 9));
    CHECK(prio < group_prio(from));
    CHECK(prio < storm_window);
    CHECK(f->xpsr & 1u << 24);
    for (uint32_t w = waiting(); w != 0; w &= w - 1) /* or it would have come first */
        CHECK(group_prio(16 + IRQ_FIRST + (uint32_t)__builtin_ctz(w)) >= prio);
    COUNT((exc_return & 0x10 ? C_handler : C_handler_fp) + ((exc_return & 8) >> 3) + ((exc_return & 4) >> 2));
    if (f->xpsr & XPSR_MARK)
        COUNT(C_tail);
    f->xpsr |= XPSR_MARK;
    if (!(exc_return & 0x10) && (FPU->FPCCR & FPU_FPCCR_LSPACT_Msk)) {
        COUNT(C_lazy);
        CHECK(fpcar == (uint32_t)(f + 1));
    }
    look_at_place(f);
}

/* ---- interrupts, SysTick and NMI --------------------------------------------------------- */

static uint32_t random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

void storm_pend(uint32_t n)
{
    NVIC->STIR = IRQ_FIRST + n;
}

static void pend_more(uint32_t r)
{
    if (__atomic_fetch_sub(&budget, 1, __ATOMIC_RELAXED) <= 0)
        return;
    NVIC->ISPR[0] = (1u << (IRQ_FIRST + (r & 7))) | (r & 8 ? 1u << (IRQ_FIRST + (r >> 4 & 7)) : 0);
    if ((r & 0x380) == 0)
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
    if ((r & 0x3C00) == 0)
        SCB->ICSR = SCB_ICSR_NMIPENDSET_Msk;
}

/* QEMU 7.2 gets work_dsp wrong when one of its divisions by zero traps, so they do not there. */
#ifdef STORM_AN386
#define DIV_0_TRP 0
#else
#define DIV_0_TRP SCB_CCR_DIV_0_TRP_Msk
#endif

/* What a thread does next may fault: storm_fault takes the cause away again. */
static void set_traps(uint32_t r)
{
    if (r & 1)
        SCB->CCR |= SCB_CCR_UNALIGN_TRP_Msk | DIV_0_TRP;
    if ((r & 6) == 0)
        MPU->CTRL = MPU_CTRL_PRIVDEFENA_Msk | MPU_CTRL_ENABLE_Msk;
    if (r & 8)
        SCB->CPACR &= ~(0xFul << 20);
    __DSB();
    __ISB();
}

/* Threads get on: a tick that finds one where the last tick found it is a rare thing. */
static void look_for_progress(const struct frame *f)
{
    static struct frame last;
    static uint32_t same;
    same = f->pc == last.pc && f->r[0] == last.r[0] && f->r[1] == last.r[1] ? same + 1 : 0;
    last = *f;
    if (same > PATIENCE)
        stop("the thread is starved");
}

static void tick(const struct frame *f, uint32_t exc_return, uint32_t since, uint32_t r, bool tail)
{
    COUNT(C_ticks);
    if (mode == CALM) {
        entry_cycles = since < entry_cycles ? since : entry_cycles;
        return;
    }
    if (SCB->SHP[SYSTICK - 4] == TICK_HIGH && !tail && since < entry_cycles && waiting() != 0)
        COUNT(C_late);
    if (exc_return & 8) {
        look_for_progress(f);
        budget = BUDGET;
        /* An SVC that waits would preempt this handler, were its priority lowered now, and find its frame
         * instead of the thread's. */
        if (!(SCB->SHCSR & SCB_SHCSR_SVCALLPENDED_Msk))
            SCB->SHP[SYSTICK - 4] = r & 0x1000 ? TICK_HIGH : TICK_LOW;
    }
    if ((r & 0x6000) == 0)
        SCB->SCR &= ~SCB_SCR_SLEEPONEXIT_Msk;
}

/* At the very end, so that what was interrupted gets on in any case. Each place has its turn: no loop keeps
 * step with this. */
static void next_tick(bool in_thread)
{
    SysTick->LOAD = (in_thread ? 60 : 1500) + (counts[C_ticks] * 2654435761u >> 16) % 137;
    SysTick->VAL = 0;
    SCB->ICSR = SCB_ICSR_PENDSTCLR_Msk;
}

void storm_interrupt(struct frame *f, uint32_t exc_return, uint32_t count)
{
    uint32_t exc = __get_IPSR(), r = random(), since = SysTick->LOAD - count;
    bool nmi = exc == 2;
    if (++depth > counts[C_depth])
        counts[C_depth] = depth;
    bool tail = f->xpsr & XPSR_MARK;
    look(f, exc_return);
    if (exc == SYSTICK)
        tick(f, exc_return, since, r, tail);
    if (mode == ORDER)
        storm_order = storm_order * 31 + exc + (f->xpsr & 0x1FF) * 256;
    if (nmi)
        COUNT(C_nmi);
    else if (exc != SYSTICK)
        COUNT(C_irqs);
    if (mode >= STORM) {
        pend_more(r);
        (void)__atomic_fetch_add(&storm_shared, 1, __ATOMIC_RELAXED);
        (void)__atomic_fetch_add(&storm_added, 1, __ATOMIC_RELAXED);
    } else if (mode == ORDER && budget != 0) {
        budget = 0;
        NVIC->ISPR[0] = ((1u << IRQS) - 1) << IRQ_FIRST;
    }
    bool lazy = FPU->FPCCR & FPU_FPCCR_LSPACT_Msk;
    if (!nmi && (r & 0x18000) == 0) {
        storm_spoil(r);
        if (lazy && !(exc_return & 0x10))
            COUNT(C_stored);
    }
    if (!nmi && (r & 0x70000) == 0x10000)
        __asm volatile("udf #5");
    if (mode == TRAPS && !nmi && depth == 1)
        set_traps(r >> 4);
    if (exc == SYSTICK && mode != CALM)
        next_tick(exc_return & 8);
    depth--;
}

/* ---- faults, SVC, PendSV ----------------------------------------------------------------- */

/* Goes on behind the instruction, in the IT block as well (ITAdvance). */
static void step_over(struct frame *f)
{
    uint32_t it = (f->xpsr >> 8 & 0xFC) | (f->xpsr >> 25 & 3);
    it = it & 7 ? (it & 0xE0) | (it << 1 & 0x1F) : 0;
    f->xpsr = (f->xpsr & ~0x0600FC00u) | (it & 0xFC) << 8 | (it & 3) << 25;
    f->pc += *(const uint16_t *)f->pc >= 0xE800 ? 4 : 2;
}

/* Flags may be here of a fault whose handler was preempted before it has seen them: it will see its
 * fault again. So each cause is looked for in the instruction as well. */
void storm_fault(struct frame *f, uint32_t exc_return)
{
    uint32_t cfsr = SCB->CFSR, op = *(const uint16_t *)f->pc;
    SCB->CFSR = cfsr;
    look(f, exc_return);
    if (__get_IPSR() == 3) {
        CHECK(SCB->HFSR == SCB_HFSR_FORCED_Msk);
        SCB->HFSR = SCB_HFSR_FORCED_Msk;
        COUNT(C_forced);
    }
    if (cfsr & SCB_CFSR_NOCP_Msk) {
        COUNT(C_nocp);
        SCB->CPACR |= 0xFul << 20;
    }
    if (cfsr & SCB_CFSR_UNALIGNED_Msk) {
        COUNT(C_unaligned);
        SCB->CCR &= ~SCB_CCR_UNALIGN_TRP_Msk;
    }
    if (cfsr & SCB_CFSR_DIVBYZERO_Msk) {
        COUNT(C_div0);
        SCB->CCR &= ~SCB_CCR_DIV_0_TRP_Msk;
    }
    if (cfsr & SCB_CFSR_DACCVIOL_Msk) {
        COUNT(C_mpu);
        MPU->CTRL = 0;
    }
    if ((cfsr & SCB_CFSR_UNDEFINSTR_Msk) && op >> 8 == 0xDE) {
        COUNT(C_undef);
        step_over(f);
    }
    if ((cfsr & SCB_CFSR_PRECISERR_Msk) && op >> 8 == 0xF8) {
        COUNT(C_bus);
        step_over(f);
    }
    if (cfsr &
        ~(SCB_CFSR_NOCP_Msk | SCB_CFSR_UNALIGNED_Msk | SCB_CFSR_DIVBYZERO_Msk | SCB_CFSR_DACCVIOL_Msk |
          SCB_CFSR_MMARVALID_Msk | SCB_CFSR_UNDEFINSTR_Msk | SCB_CFSR_PRECISERR_Msk | SCB_CFSR_BFARVALID_Msk))
        stop("a fault that nobody has asked for");
    __DSB();
    __ISB();
}

/* SVC 1: the other thread, please. Any other: something to compute. */
void storm_svc(struct frame *f, uint32_t exc_return)
{
    uint32_t number = *(const uint16_t *)(f->pc - 2) & 0xFF;
    COUNT(C_svc);
    look(f, exc_return);
    if (number == 1)
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
    else
        f->r[0] = f->r[0] * 33 + number;
}

uint32_t *storm_switch(uint32_t *sp)
{
    uint32_t *to = other_sp;
    if (to == NULL)
        return sp;
    COUNT(C_switches);
    other_sp = sp;
    return to;
}

void storm_second_thread(void (*fn)(void))
{
    uint32_t *sp = second_stack + STACK;
    other_sp = NULL;
    if (fn == NULL)
        return;
    *--sp = 1u << 24; /* xPSR */
    *--sp = (uint32_t)fn & ~1u;
    for (unsigned i = 0; i < 6; i++) /* LR, R12, R3-R0 */
        *--sp = 0;
    *--sp = 0xFFFFFFFD;
    for (unsigned i = 0; i < 8; i++) /* R11-R4 */
        *--sp = 0;
    *--sp = 1; /* CONTROL.nPRIV */
    other_sp = sp;
}

/* ---- the storm as a whole ---------------------------------------------------------------- */

void storm_prepare(void)
{
    NVIC_SetPriorityGrouping(4);
    for (uint32_t i = 0; i < IRQS; i++)
        NVIC->IP[IRQ_FIRST + i] = irq_prio[i];
    static const uint8_t system[12] = {0x60, 0x50, 0x40, [7] = 0x80, [10] = 0xF0, TICK_LOW};
    for (unsigned i = 0; i < sizeof system; i++)
        SCB->SHP[i] = system[i];
    SCB->SHCSR = SCB_SHCSR_MEMFAULTENA_Msk | SCB_SHCSR_BUSFAULTENA_Msk | SCB_SHCSR_USGFAULTENA_Msk;
    SCB->CCR |= SCB_CCR_USERSETMPEND_Msk;
    SCnSCB->ACTLR = SCnSCB_ACTLR_DISDEFWBUF_Msk; /* the bus fault of a store is precise */
    /* Region 0: code and SRAM for everybody. Region 1: the scratch memory, read only. */
    MPU->RBAR = MPU_RBAR_VALID_Msk;
    MPU->RASR = 3ul << MPU_RASR_AP_Pos | MPU_RASR_C_Msk | 29ul << MPU_RASR_SIZE_Pos | MPU_RASR_ENABLE_Msk;
    MPU->RBAR = (uint32_t)storm_scratch | MPU_RBAR_VALID_Msk | 1;
    MPU->RASR = 6ul << MPU_RASR_AP_Pos | MPU_RASR_C_Msk | 8ul << MPU_RASR_SIZE_Pos | MPU_RASR_ENABLE_Msk;
}

void storm_begin(enum storm_mode how)
{
    mode = how;
    budget = how == ORDER;
    SCB->SHP[SYSTICK - 4] = TICK_LOW;
    if (how != CALM)
        NVIC->ISER[0] = ((1u << IRQS) - 1) << IRQ_FIRST;
    SysTick->LOAD = 1999;
    SysTick->VAL = 0;
    SysTick->CTRL =
        how == ORDER ? 0 : SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_TICKINT_Msk | SysTick_CTRL_ENABLE_Msk;
}

void storm_end(void)
{
    SysTick->CTRL = 0;
    SCB->ICSR = SCB_ICSR_PENDSTCLR_Msk;
    NVIC->ICER[0] = ((1u << IRQS) - 1) << IRQ_FIRST;
    NVIC->ICPR[0] = ((1u << IRQS) - 1) << IRQ_FIRST;
    SCB->CCR &= ~(SCB_CCR_UNALIGN_TRP_Msk | SCB_CCR_DIV_0_TRP_Msk);
    MPU->CTRL = 0;
    SCB->CPACR |= 0xFul << 20;
    __DSB();
    __ISB();
    CHECK(depth == 0 && storm_window == 256);
}
