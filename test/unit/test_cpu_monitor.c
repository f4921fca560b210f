/* A program that is its own debugger (DDI 0403E C1.5): what is a debug event, who gets it, and stepping. */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define DWT_COMP0     0xe0001020u
#define DWT_FUNCTION0 0xe0001028u
#define SHPR2         0xe000ed1cu /* SVC in the highest byte */
#define SHPR3         0xe000ed20u /* DebugMonitor in the lowest */
enum { MON_EN = 1 << 16, MON_PEND = 1 << 17, MON_STEP = 1 << 18, MON_REQ = 1 << 19, TRCENA = 1 << 24 };
enum { HALTED = 1, BKPT_EVENT = 2, DWTTRAP = 4, MATCHED = 1 << 24 };
enum { DEBUG = 12, WATCHED = BARE_RAM + 0x800 };

#define PROGRAM(...)                                                                                         \
    do {                                                                                                     \
        bare->at = reg(CPU_PC);                                                                              \
        bare_code(bare, __VA_ARGS__);                                                                        \
    } while (0)

static uint32_t ipsr(void)
{
    return reg(CPU_XPSR) & 0x1ff;
}

static uint32_t stacked_pc(void)
{
    return bare_read(bare, reg(CPU_SP) + 24);
}

/* Without an instruction that could be stepped. */
static void poke(uint32_t addr, uint32_t value)
{
    assert_true(cpu_ppb_poke(bare->cpu, addr, 4, value));
}

static void handlers_return(void)
{
    for (unsigned exc = 2; exc < 32; exc++) {
        bare->at = bare_handler(exc);
        bare_code(bare, ADDS(7, 1), BX(14));
    }
    set(7, 0);
}

static void pending(void **state)
{
    (void)state;
    uint32_t pc = reg(CPU_PC);
    PROGRAM(NOP, NOP, NOP, NOP, NOP);
    handlers_return();
    poke(SHPR3, 0x40);
    poke(DEMCR, MON_PEND); /* whether or not MON_EN is set */
    assert_int_equal(bare_ppb(bare, DEMCR), MON_PEND);
    set(CPU_BASEPRI, 0x40);
    bare_steps(bare, 1);
    assert_int_equal(reg(CPU_PC), pc + 2);
    assert_int_equal(bare_ppb(bare, DEMCR), MON_PEND);
    set(CPU_BASEPRI, 0x50);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), DEBUG);
    assert_int_equal(stacked_pc(), pc + 2);
    assert_int_equal(bare_ppb(bare, DEMCR), 0);
    assert_int_equal(bare_ppb(bare, DFSR), 0);
    bare_steps(bare, 2);
    assert_int_equal(reg(CPU_PC), pc + 2);
    set(CPU_BASEPRI, 0x40);
    poke(DEMCR, MON_PEND | MON_REQ);
    poke(DEMCR, MON_REQ); /* not any more */
    set(CPU_BASEPRI, 0);
    bare_steps(bare, 1);
    assert_int_equal(reg(CPU_PC), pc + 4);
    assert_int_equal(bare_ppb(bare, DEMCR), MON_REQ);
    /* it wakes */
    PROGRAM(WFI, NOP);
    bare_steps(bare, 1);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 10), CPU_SLEEPING);
    poke(DEMCR, MON_PEND);
    assert_true(cpu_would_wake(bare->cpu));
}

/* A store that DWT's comparator 0 watches. */
static void watched_store(void)
{
    set(CPU_PC, BARE_FLASH + 0x200);
    set(1, WATCHED);
    PROGRAM(STR(0, 1), NOP, NOP, NOP);
    bare_steps(bare, 2);
}

static void who_gets_events(void **state)
{
    (void)state;
    handlers_return();
    bare_store(bare, DEMCR, TRCENA);
    bare_store(bare, DWT_COMP0, WATCHED);
    bare_store(bare, DWT_FUNCTION0, 6);
    poke(SHPR3, 0x40);
    /* nobody: it is ignored, and DFSR tells nothing */
    watched_store();
    assert_int_equal(ipsr(), 0);
    assert_int_equal(bare_ppb(bare, DFSR), 0);
    assert_int_equal(bare_load(bare, DWT_FUNCTION0), 6 | MATCHED);
    /* the monitor, behind the instruction */
    poke(DEMCR, TRCENA | MON_EN);
    watched_store();
    assert_int_equal(ipsr(), DEBUG);
    assert_int_equal(reg(CPU_PC), bare_handler(DEBUG));
    assert_int_equal(stacked_pc(), BARE_FLASH + 0x202);
    assert_int_equal(bare_ppb(bare, DFSR), DWTTRAP);
    assert_int_equal(bare_ppb(bare, BFAR) | bare_ppb(bare, CFSR) | bare_ppb(bare, HFSR), 0);
    bare_store(bare, WATCHED, 1); /* its own stores are none of its business */
    bare_steps(bare, 2);
    assert_int_equal(ipsr(), 0);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x202);
    assert_int_equal(bare_ppb(bare, DFSR), DWTTRAP); /* until it is cleared, by ones */
    poke(DFSR, HALTED | BKPT_EVENT);
    assert_int_equal(bare_ppb(bare, DFSR), DWTTRAP);
    poke(DFSR, DWTTRAP);
    assert_int_equal(bare_ppb(bare, DFSR), 0);
    /* not urgent enough: ignored, also afterwards */
    set(CPU_BASEPRI, 0x40);
    watched_store();
    set(CPU_BASEPRI, 0);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 0);
    assert_int_equal(bare_ppb(bare, DFSR) | (bare_ppb(bare, DEMCR) & MON_PEND), 0);
    /* just urgent enough */
    set(CPU_BASEPRI, 0x50);
    watched_store();
    assert_int_equal(ipsr(), DEBUG);
    bare_steps(bare, 2);
    set(CPU_BASEPRI, 0);
    /* an interrupt that is more urgent comes first, and the monitor behind it */
    poke(NVIC_ISER, 1);
    poke(DFSR, DWTTRAP);
    set(CPU_PC, BARE_FLASH + 0x200);
    set(1, WATCHED);
    set(0, 5);
    bare_steps(bare, 1);
    cpu_irq(bare->cpu, 0, true);
    cpu_irq(bare->cpu, 0, false);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 16);
    assert_int_equal(bare_ppb(bare, DEMCR), TRCENA | MON_EN | MON_PEND);
    bare_steps(bare, 3);
    assert_int_equal(ipsr(), DEBUG);
    assert_int_equal(stacked_pc(), BARE_FLASH + 0x202);
    bare_steps(bare, 2);
    /* a debugger halts instead, and has the comparators to itself from its arrival on */
    cpu_debug_attach(bare->cpu, true);
    assert_int_equal(bare_ppb(bare, DWT_FUNCTION0), 0);
    bare_store(bare, DWT_FUNCTION0, 6);
    poke(DFSR, DWTTRAP);
    set(CPU_PC, BARE_FLASH + 0x200);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 100), CPU_BREAK);
    assert_int_equal(cpu_debug_why(bare->cpu, NULL), CPU_DEBUG_HALT);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x202);
    assert_int_equal(ipsr(), 0);
    assert_int_equal(bare_ppb(bare, DFSR), DWTTRAP);
}

/* BKPT cannot be ignored. */
static void breakpoints_escalate(void **state)
{
    (void)state;
    bare_store(bare, DEMCR, MON_EN);
    poke(SHPR3, 0x40);
    for (uint32_t base = 0x40; base <= 0x50; base += 0x10) {
        set(CPU_PC, BARE_FLASH + 0x200);
        set(CPU_BASEPRI, base);
        PROGRAM(BKPT);
        bare_steps(bare, 2);
        assert_int_equal(ipsr(), base == 0x40 ? 3 : DEBUG);
        assert_int_equal(stacked_pc(), BARE_FLASH + 0x200);
        assert_int_equal(bare_ppb(bare, HFSR), base == 0x40 ? 0x80000000 : 0);
        assert_int_equal(bare_ppb(bare, DFSR), BKPT_EVENT);
        if (base == 0x50) { /* in the monitor itself */
            PROGRAM(BKPT);
            bare_steps(bare, 2);
            assert_int_equal(ipsr(), 3);
        }
        bare_start(bare);
        poke(DEMCR, MON_EN);
        poke(SHPR3, 0x40);
        poke(DFSR, 7);
    }
}

/* In the monitor: goes back to run one step, and is there again. */
static void steps_to(uint32_t pc)
{
    assert_int_equal(ipsr(), DEBUG);
    poke(DFSR, 7);
    set(CPU_PC, bare_handler(DEBUG) + 2); /* BX LR */
    bare_steps(bare, 1);
    for (unsigned n = 0; ipsr() != DEBUG; n++) {
        if (n == 50)
            fail_msg("not back in the monitor");
        assert_int_not_equal(cpu_step(bare->cpu), CPU_LOCKUP);
    }
    assert_int_equal(reg(CPU_PC), bare_handler(DEBUG));
    if (stacked_pc() != pc)
        fail_msg("at %08x, not %08x", (unsigned)stacked_pc(), (unsigned)pc);
    assert_int_equal(bare_ppb(bare, DFSR), HALTED);
}

static void enter_stepping(uint8_t prio)
{
    poke(SHPR3, prio);
    poke(DEMCR, MON_EN | MON_PEND);
    bare_steps(bare, 1);
    poke(DEMCR, MON_EN | MON_STEP);
}

static void stepping(void **state)
{
    (void)state;
    uint32_t pc = reg(CPU_PC);
    handlers_return();
    poke(SHPR2, 0x60u << 24);
    set(CPU_XPSR, 0x41000000); /* Z */
    PROGRAM(MOVS(0, 1), 0xf1000001 /* add.w r0, r0, #1 */, IT(1 /* ne */, 8), MOVS(1, 5),
            0xe000 /* b over one */, UDF, SVC(0), NOP, WFI, NOP);
    set(1, 0);
    enter_stepping(0x40);
    assert_int_equal(stacked_pc(), pc);
    steps_to(pc + 2);
    steps_to(pc + 6);
    assert_int_equal(bare_read(bare, reg(CPU_SP)), 2); /* r0 */
    steps_to(pc + 8);
    steps_to(pc + 10); /* Z was cleared: executed */
    steps_to(pc + 14);
    steps_to(bare_handler(11)); /* SVC is less urgent: into it */
    steps_to(bare_handler(11) + 2);
    steps_to(pc + 16); /* and out of it */
    assert_int_equal(reg(7), 1);
    steps_to(pc + 18);
    steps_to(pc + 20); /* WFI: the monitor itself wakes */
    /* no more */
    poke(DEMCR, MON_EN);
    bare_steps(bare, 2);
    assert_int_equal(ipsr(), 0);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 0);
}

static void stepping_and_priority(void **state)
{
    (void)state;
    uint32_t pc = reg(CPU_PC);
    handlers_return();
    poke(NVIC_ISER, 3);
    poke(NVIC_IPR, 0x6020); /* interrupt 0 is more urgent than the monitor, 1 is less */
    poke(SHPR2, 0x20u << 24);
    PROGRAM(NOP, NOP, SVC(0), NOP, CPSID_I, NOP, CPSIE_I, NOP, BKPT, NOP);
    enter_stepping(0x40);
    /* the urgent one runs at once, unstepped, and counts for nothing */
    cpu_irq(bare->cpu, 0, true);
    cpu_irq(bare->cpu, 0, false);
    bare_steps(bare, 3);
    assert_int_equal(reg(7), 1);
    steps_to(pc + 2);
    /* the other is stepped into */
    cpu_irq(bare->cpu, 1, true);
    cpu_irq(bare->cpu, 1, false);
    steps_to(bare_handler(17));
    steps_to(bare_handler(17) + 2);
    steps_to(pc + 2);
    assert_int_equal(reg(7), 2);
    steps_to(pc + 4);
    steps_to(pc + 8); /* an SVC that is more urgent is over when the next instruction is */
    assert_int_equal(reg(7), 3);
    steps_to(pc + 16); /* what is more urgent than the monitor cannot be stepped */
    /* BKPT is the event, not the step */
    poke(DFSR, 7);
    bare_steps(bare, 2); /* ADDS and BX LR */
    bare_steps(bare, 2);
    assert_int_equal(ipsr(), DEBUG);
    assert_int_equal(stacked_pc(), pc + 16);
    assert_int_equal(bare_ppb(bare, DFSR), BKPT_EVENT);
    /* not while a debugger is there */
    cpu_debug_attach(bare->cpu, true);
    set(CPU_PC, bare_handler(DEBUG) + 2);
    bare_word(bare, reg(CPU_SP) + 24, pc + 18);
    bare_steps(bare, 2);
    assert_int_equal(ipsr(), 0);
    assert_int_equal(reg(CPU_PC), pc + 20);
}

/* A watchpoint that the stepped instruction hits is the same exception. */
static void step_and_watchpoint(void **state)
{
    (void)state;
    uint32_t pc = reg(CPU_PC);
    handlers_return();
    bare_store(bare, DEMCR, TRCENA);
    bare_store(bare, DWT_COMP0, WATCHED);
    bare_store(bare, DWT_FUNCTION0, 6);
    set(1, WATCHED);
    PROGRAM(STR(0, 1), NOP, NOP);
    poke(DEMCR, TRCENA | MON_EN | MON_PEND);
    bare_steps(bare, 1);
    poke(DEMCR, TRCENA | MON_EN | MON_STEP);
    bare_steps(bare, 2);
    bare_steps(bare, 2);
    assert_int_equal(ipsr(), DEBUG);
    assert_int_equal(stacked_pc(), pc + 2);
    assert_int_equal(bare_ppb(bare, DFSR), HALTED | DWTTRAP);
    assert_int_equal(bare_ppb(bare, DEMCR), TRCENA | MON_EN | MON_STEP);
}

static void resets(void **state)
{
    (void)state;
    poke(DEMCR, TRCENA | MON_EN | MON_PEND | MON_STEP | MON_REQ | 1);
    poke(DWT_COMP0, WATCHED);
    poke(DWT_FUNCTION0, 6);
    poke(0xe0002000, 3);
    poke(0xe0002008, 0x48000801);
    PROGRAM(BKPT);
    bare_start(bare);
    PROGRAM(BKPT);
    bare_steps(bare, 1);
    cpu_reset(bare->cpu); /* the monitor is off, the comparators and what has happened stay */
    assert_int_equal(bare_ppb(bare, DEMCR), TRCENA | 1);
    assert_int_equal(bare_ppb(bare, DWT_FUNCTION0), 6);
    assert_int_equal(bare_ppb(bare, 0xe0002000), 0x261);
    assert_int_equal(bare_ppb(bare, 0xe0002008), 0x48000801);
    assert_int_equal(bare_ppb(bare, DFSR), BKPT_EVENT);
    cpu_power_on(bare->cpu);
    cpu_reset(bare->cpu);
    assert_int_equal(bare_ppb(bare, DEMCR), 0);
    assert_int_equal(bare_ppb(bare, DWT_FUNCTION0), 0);
    assert_int_equal(bare_ppb(bare, 0xe0002000), 0x260);
    assert_int_equal(bare_ppb(bare, 0xe0002008), 0);
    assert_int_equal(bare_ppb(bare, DFSR), 0);
}

static void privilege(void **state)
{
    static const uint32_t addr[] = {DEMCR, DFSR, DWT_FUNCTION0, 0xe0002000, 0xe0002008};
    (void)state;
    for (unsigned i = 0; i < 2 * sizeof addr / sizeof addr[0]; i++) {
        bare_start(bare);
        bare_store(bare, SHCSR, SHCSR_BUS);
        set(1, addr[i / 2]);
        set(CPU_CONTROL, 1);
        PROGRAM(i & 1 ? STR(0, 1) : LDR(0, 1), NOP);
        bare_steps(bare, 2);
        assert_int_equal(ipsr(), 5);
        assert_int_equal(bare_ppb(bare, BFAR), addr[i / 2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pending),
        TEST(who_gets_events),
        TEST(breakpoints_escalate),
        TEST(stepping),
        TEST(stepping_and_priority),
        TEST(step_and_watchpoint),
        TEST(resets),
        TEST(privilege),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
