/* Faults of the processor, from the ARMv7-M manual (DDI 0403E B1.5.14, B1.5.15, B3.2): which status
 * they leave, where they are raised, escalation to HardFault, lock-up. */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ALL = SHCSR_MEM | SHCSR_BUS | SHCSR_USAGE, MEM = 4, BUS, USAGE };

/* Puts instructions where the processor is, runs until exception `exc` is entered. */
static void expect(unsigned exc, const uint32_t *code, size_t n)
{
    bare->at = reg(CPU_PC);
    bare_put(bare, code, n);
    bare_until(bare, bare_handler(exc));
    assert_int_equal(reg(CPU_XPSR) & 0x1ff, exc);
}
#define EXPECT(exc, ...)                                                                                     \
    expect(exc, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static uint32_t stacked_pc(void)
{
    return bare_read(bare, reg(CPU_SP) + 24);
}

static void again(void)
{
    bare_start(bare);
    bare->faulted = 0;
    bare_store(bare, CFSR, 0xffffffff);
    bare_store(bare, SHCSR, ALL);
}

static void undefined_instructions(void **state)
{
    static const uint32_t code[] = {0xde00,
                                    0xdeff,
                                    0xf7f0a000,
                                    0xf7ffafff,
                                    0xb100 + 0x700 /* b800 */,
                                    0xba80,
                                    0xf000c000 /* BLX (immediate) */,
                                    0xfb00f0f0,
                                    0xf3bf8f00};
    (void)state;
    for (unsigned i = 0; i < sizeof code / sizeof *code; i++) {
        again();
        uint32_t pc = reg(CPU_PC);
        EXPECT(USAGE, code[i]);
        assert_int_equal(bare_ppb(bare, CFSR), 1 << 16);
        assert_int_equal(stacked_pc(), pc);
        assert_int_equal(bare->faulted, 1);
        assert_string_equal(bare->faults[0].kind, "UsageFault");
        assert_int_equal(bare->faults[0].pc, pc);
        assert_int_equal(bare->faults[0].lr, 0xffffffff);
        assert_int_equal(bare->faults[0].cfsr, 1 << 16);
    }
}

static void no_coprocessor(void **state)
{
    (void)state;
    for (unsigned cp = 0; cp < 16; cp++) {
        static const uint32_t form[] = {0xee000000 /* CDP */,  0xfe000000, 0xee000010 /* MCR */,  0xfe000010,
                                        0xee100010 /* MRC */,  0xfe100010, 0xec400000 /* MCRR */, 0xfc400000,
                                        0xec500000 /* MRRC */, 0xfc500000, 0xed910000 /* LDC */,  0xfd910000,
                                        0xed810000 /* STC */,  0xfd810000};
        for (unsigned i = 0; i < sizeof form / sizeof *form; i++) {
            again(); /* the FPU (coprocessors 10 and 11) is off */
            uint32_t pc = reg(CPU_PC);
            EXPECT(USAGE, form[i] | cp << 8);
            assert_int_equal(bare_ppb(bare, CFSR), 1 << 19);
            assert_int_equal(stacked_pc(), pc);
        }
    }
}

static void fpu_access(void **state)
{
    (void)state;
    again();
    bare_store(bare, CPACR, 5 << 20); /* privileged only */
    execute(VADD_S0_S1_S2);
    set(CPU_CONTROL, 5);
    EXPECT(USAGE, VADD_S0_S1_S2);
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 19);
    again();
    bare_store(bare, CPACR, 0xf << 20);
    set(CPU_CONTROL, 1);
    execute(VADD_S0_S1_S2);
    assert_int_equal(bare->faulted, 0);
    EXPECT(USAGE, 0xee300b01); /* VADD.F64: single precision only */
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 16);
}

static void state_without_thumb(void **state)
{
    (void)state;
    again(); /* BX: the fault is at the target, whose T bit is 0 */
    set(0, BARE_FLASH + 0x300);
    EXPECT(USAGE, BX(0));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 17);
    assert_int_equal(stacked_pc(), BARE_FLASH + 0x300);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 28) & 1 << 24, 0);
    again(); /* BLX has set LR */
    uint32_t pc = reg(CPU_PC);
    set(0, BARE_FLASH + 0x300);
    EXPECT(USAGE, BLX(0));
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 20), pc + 3);
    again(); /* POP {pc} */
    set(CPU_SP, BARE_RAM + 0x100);
    bare_word(bare, BARE_RAM + 0x100, BARE_FLASH + 0x300);
    EXPECT(USAGE, 0xbd00);
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 17);
    again(); /* LDR pc */
    set(1, BARE_RAM + 0x100);
    EXPECT(USAGE, 0xf8d1f000);
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 17);
    again(); /* where no instruction may be, or none is, the fetch has failed before T counts */
    set(0, 0xe0000000);
    EXPECT(MEM, BX(0));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 0);
    assert_int_equal(stacked_pc(), 0xe0000000);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 28) & 1 << 24, 0);
    again();
    set(0, 0x10000000);
    EXPECT(BUS, BX(0));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 8);
    again(); /* MOV PC and ADD PC take no notice of bit 0 */
    set(0, BARE_FLASH + 0x300);
    execute(0x4687);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x300);
    execute(NOP);
    assert_int_equal(bare->faulted, 0);
    again();                                  /* a vector without bit 0 */
    bare_store(bare, 0xe000ed1c, 0x80000000); /* UsageFault may interrupt SVC's handler */
    bare_word(bare, BARE_FLASH + 4 * 11, bare_handler(11));
    EXPECT(USAGE, SVC(0));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 17);
    assert_int_equal(stacked_pc(), bare_handler(11));
}

static void division_by_zero(void **state)
{
    (void)state;
    again();
    set(1, 7);
    set(2, 0);
    execute(0xfb91f0f2 /* sdiv r0, r1, r2 */);
    assert_int_equal(reg(0), 0);
    bare_store(bare, CCR, 0x210);
    EXPECT(USAGE, 0xfb91f0f2);
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 25);
    again();
    bare_store(bare, CCR, 0x210);
    set(2, 0);
    EXPECT(USAGE, 0xfbb1f0f2 /* udiv */);
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 25);
    again();
    bare_store(bare, CCR, 0x210);
    set(1, 0x80000000);
    set(2, 0xffffffff);
    execute(0xfb91f0f2);
    assert_int_equal(reg(0), 0x80000000);
}

static void data_bus_errors(void **state)
{
    (void)state;
    again(); /* a load is precise */
    uint32_t pc = reg(CPU_PC);
    set(1, 0x30000004);
    set(0, 0x77);
    EXPECT(BUS, LDR(0, 1));
    assert_int_equal(bare_ppb(bare, CFSR), 0x8200);
    assert_int_equal(bare_ppb(bare, BFAR), 0x30000004);
    assert_int_equal(stacked_pc(), pc);
    assert_int_equal(reg(0), 0x77);
    again(); /* a store goes through the write buffer: the processor has gone on */
    pc = reg(CPU_PC);
    set(1, 0x30000004);
    EXPECT(BUS, STR(0, 1), NOP);
    assert_int_equal(bare_ppb(bare, CFSR), 0x400);
    assert_int_equal(stacked_pc(), pc + 2);
    again(); /* without the buffer */
    bare_store(bare, 0xe000e008, 2);
    pc = reg(CPU_PC);
    set(1, 0x30000004);
    EXPECT(BUS, STR(0, 1), NOP);
    assert_int_equal(bare_ppb(bare, CFSR), 0x8200);
    assert_int_equal(stacked_pc(), pc);
    again(); /* fetches: bus error where nothing is, MemManage where execution is never allowed */
    set(0, 0x30000001);
    EXPECT(BUS, BX(0));
    assert_int_equal(bare_ppb(bare, CFSR), 0x100);
    assert_int_equal(stacked_pc(), 0x30000000);
    static const uint32_t never[] = {0x40000001, 0x5fffffff, 0xa0000001, 0xe000e001, 0xfffffff1};
    for (unsigned i = 0; i < sizeof never / sizeof *never; i++) {
        again();
        set(0, never[i]);
        EXPECT(MEM, BX(0));
        assert_int_equal(bare_ppb(bare, CFSR), 1);
        assert_int_equal(stacked_pc(), never[i] & ~1u);
    }
    /* status bits stay until ones are written to them */
    bare_store(bare, CFSR, 2);
    assert_int_equal(bare_ppb(bare, CFSR), 1);
    bare_store(bare, CFSR, 1);
    assert_int_equal(bare_ppb(bare, CFSR), 0);
}

/* Faults inside handlers of NMI and HardFault are ignored for data if BFHFNMIGN says so. */
static void ignored_bus_errors(void **state)
{
    (void)state;
    again();
    bare_store(bare, CCR, 0x300);
    set(CPU_FAULTMASK, 1);
    set(1, 0x30000000);
    execute(LDR(0, 1));
    assert_int_equal(reg(0), 0);
    assert_int_equal(bare_ppb(bare, CFSR), 0x8200);
    assert_int_equal(bare_ppb(bare, 0xe000ed38), 0x30000000);
    bare_store(bare, CFSR, 0x8200);
    execute(STR(0, 1));
    execute(NOP);
    assert_int_equal(bare->faulted, 0);
    set(CPU_FAULTMASK, 0);
    EXPECT(BUS, LDR(0, 1));
}

static void escalation(void **state)
{
    (void)state;
    again(); /* not enabled */
    bare_store(bare, SHCSR, 0);
    uint32_t pc = reg(CPU_PC);
    EXPECT(3, UDF);
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 16);
    assert_int_equal(bare_ppb(bare, HFSR), 1 << 30);
    assert_int_equal(stacked_pc(), pc);
    assert_string_equal(bare->faults[0].kind, "HardFault");
    again(); /* enabled, but its priority does not suffice */
    set(CPU_BASEPRI, 0x40);
    bare_store(bare, 0xe000ed18, 0x00400000);
    EXPECT(3, UDF);
    again(); /* suffices */
    set(CPU_BASEPRI, 0x50);
    bare_store(bare, 0xe000ed18, 0x00400000);
    EXPECT(USAGE, UDF);
    /* the same fault in its own handler */
    bare->at = bare_handler(USAGE);
    bare_code(bare, UDF);
    bare_until(bare, bare_handler(3));
    again(); /* an imprecise error waits for its turn; without BusFault it is a HardFault */
    bare_store(bare, SHCSR, 0);
    set(1, 0x30000000);
    EXPECT(3, STR(0, 1), NOP);
    assert_int_equal(bare_ppb(bare, CFSR), 0x400);
    assert_int_equal(bare_ppb(bare, HFSR), 1 << 30);
    again();
    set(CPU_PRIMASK, 1);
    set(1, 0x30000000);
    execute(STR(0, 1));
    execute(NOP);
    assert_int_equal(reg(CPU_XPSR) & 0x1ff, 0);
    assert_int_equal(bare_ppb(bare, SHCSR), ALL | 1 << 14); /* BUSFAULTPENDED */
    EXPECT(BUS, CPSIE_I, NOP);
}

static void breakpoint_without_debugger(void **state)
{
    (void)state;
    again();
    uint32_t pc = reg(CPU_PC);
    EXPECT(3, BKPT);
    assert_int_equal(bare_ppb(bare, HFSR), 0x80000000);
    assert_int_equal(bare_ppb(bare, DFSR), 2);
    assert_int_equal(stacked_pc(), pc);
    again(); /* the debug monitor, if enabled and of sufficient priority */
    bare_store(bare, DEMCR, 1 << 16);
    EXPECT(12, BKPT);
    again();                   /* in an IT block it is executed whatever the condition */
    EXPECT(3, IT(0, 8), BKPT); /* it eq, with Z clear */
}

static void lock_up(void **state)
{
    (void)state;
    again();
    bare->at = bare_handler(3);
    bare_code(bare, UDF);
    bare_store(bare, SHCSR, 0);
    EXPECT(3, UDF);
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_LOCKUP);
    assert_int_equal(bare->faulted, 2);
    assert_string_equal(bare->faults[1].kind, "lockup");
    assert_int_equal(bare->faults[1].pc, bare_handler(3));
    assert_int_equal(reg(CPU_PC), 0xfffffffe);
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_LOCKUP); /* and stays there */
    cpu_irq(bare->cpu, 3, true);
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_LOCKUP);
    /* NMI gets through, and returns to the lock-up */
    bare->at = bare_handler(2);
    bare_code(bare, MOVS(5, 0x99), BX(14));
    cpu_nmi(bare->cpu, true);
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_LOCKUP);
    assert_int_equal(reg(5), 0x99);
    /* SVC in HardFault cannot be served */
    again();
    bare->at = bare_handler(3);
    bare_code(bare, SVC(0));
    bare_store(bare, SHCSR, 0);
    EXPECT(3, UDF);
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_LOCKUP);
    /* a reset helps */
    cpu_reset(bare->cpu);
    execute(NOP);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x202);
    /* erased flash: the first fetch faults, so does the one of HardFault */
    memset(bare->flash, 0xff, sizeof bare->flash);
    cpu_code_changed(bare->cpu, BARE_FLASH, BARE_FLASH_SIZE);
    cpu_reset(bare->cpu);
    assert_int_equal(reg(CPU_SP), 0xfffffffc);
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_LOCKUP);
    /* no memory at the vectors */
    cpu_map(bare->cpu, 0, (struct cpu_region){0});
    cpu_reset(bare->cpu);
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_LOCKUP);
}

static void vector_table_errors(void **state)
{
    (void)state;
    again(); /* a table that is not aligned to its size: number 32 is ORed into 0x380 */
    cpu_map(bare->cpu, 3, (struct cpu_region){0x10000000, 0x400, bare->ram, true, true, false});
    bare_word(bare, BARE_RAM + 0x380, bare_handler(5) | 1);
    bare_store(bare, VTOR, 0x10000380);
    bare_store(bare, NVIC_ISER, 1 << 16);
    cpu_irq(bare->cpu, 16, true);
    bare_until(bare, bare_handler(5));
    assert_int_equal(reg(CPU_XPSR) & 0x1ff, 32);
    again(); /* no table at all: HardFault has no vector either */
    bare_store(bare, VTOR, 0x30000000);
    bare->at = reg(CPU_PC);
    bare_code(bare, SVC(0));
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_LOCKUP);
    assert_int_equal(bare_ppb(bare, HFSR), 2);
}

/* Stacking that fails is a fault of its own, served instead if its priority is higher. */
static void stacking_errors(void **state)
{
    (void)state;
    again();
    set(CPU_SP, 0x30001000);
    EXPECT(BUS, SVC(0)); /* both have priority 0: the lower number wins */
    assert_int_equal(bare_ppb(bare, CFSR), 0x1000);
    assert_int_equal(bare_ppb(bare, SHCSR), ALL | 2 | 1 << 15); /* SVC still waits */
    again();
    bare_store(bare, SHCSR, 0);
    set(CPU_SP, 0x30001000);
    EXPECT(3, SVC(0));
    assert_int_equal(bare_ppb(bare, CFSR), 0x1000);
    assert_int_equal(bare_ppb(bare, HFSR), 1 << 30);
    again(); /* SVC has the higher priority: it is served first */
    bare_store(bare, 0xe000ed18, 0x00008000);
    bare_store(bare, 0xe000ed1c, 0x40000000);
    set(CPU_SP, 0x30001000);
    EXPECT(11, SVC(0));
    assert_int_equal(bare_ppb(bare, SHCSR), ALL | 1 << 7 | 1 << 14);
}

static void unstacking_errors(void **state)
{
    (void)state;
    again();
    EXPECT(11, SVC(0));
    set(CPU_MSP, 0x30001000);
    EXPECT(BUS, BX(14));
    assert_int_equal(bare_ppb(bare, CFSR), 0x800);
    assert_int_equal(reg(CPU_LR), 0xfffffff9);
    assert_int_equal(reg(CPU_SP), 0x30001000); /* the frame stays where it was */
    assert_int_equal(bare_ppb(bare, SHCSR), ALL | 2);
}

/* EXC_RETURN values and states that do not fit together (B1.5.8). */
static void exception_return_checks(void **state)
{
    static const uint32_t bad[] = {
        0xfffffff1 /* no handler below */, 0xfffffff0, 0xfffffffb, 0xf0000009, 0xffffffd9, 0xffffff09};
    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        again();
        EXPECT(11, SVC(0));
        uint32_t sp = reg(CPU_SP);
        set(CPU_LR, bad[i]);
        EXPECT(USAGE, BX(14));
        assert_int_equal(bare_ppb(bare, CFSR), 1 << 18);
        assert_int_equal(reg(CPU_LR), bad[i]);
        assert_int_equal(reg(CPU_SP), sp); /* nothing was taken from the stack */
        assert_int_equal(bare_ppb(bare, SHCSR), ALL | 8);
    }
    /* to Thread mode while another handler is active, unless CCR allows it */
    for (unsigned allowed = 0; allowed < 2; allowed++) {
        again();
        bare_store(bare, CCR, 0x200 | allowed);
        bare_store(bare, 0xe000ed1c, 0x80000000); /* SVC below the interrupt */
        bare_store(bare, NVIC_ISER, 1);
        EXPECT(11, SVC(0));
        cpu_irq(bare->cpu, 0, true);
        cpu_irq(bare->cpu, 0, false);
        bare_until(bare, bare_handler(16));
        set(CPU_LR, 0xfffffff9);
        bare->at = reg(CPU_PC);
        bare_code(bare, BX(14));
        bare_word(bare, reg(CPU_SP) + 28, 0x01000000); /* the frame's IPSR: Thread mode */
        if (allowed)
            bare_until(bare, bare_handler(11));
        else
            bare_until(bare, bare_handler(USAGE));
        assert_int_equal(bare_ppb(bare, CFSR), allowed ? 0 : 1 << 18);
        assert_int_equal(reg(CPU_XPSR) & 0x1ff, allowed ? 0 : USAGE);
    }
    again(); /* the stacked IPSR does not fit the mode returned to */
    EXPECT(11, SVC(0));
    bare_word(bare, reg(CPU_SP) + 28, 0x0100000b);
    EXPECT(USAGE, BX(14));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 18);
    again(); /* a branch there in Thread mode is only a branch to where nothing can be executed */
    set(0, 0xfffffff9);
    EXPECT(MEM, BX(0));
}

/* A fault inside an IT block stacks the state of its own instruction, so that it can be repeated. */
static void fault_in_it_block(void **state)
{
    (void)state;
    again();
    set(CPU_XPSR, 0x41000000); /* Z */
    set(1, 0x30000000);
    set(0, 0);
    set(2, 0);
    uint32_t pc = reg(CPU_PC);
    EXPECT(BUS, IT(0, 0x5) /* ittet eq */, MOVS(2, 1), LDR(0, 1), MOVS(2, 2), MOVS(3, 3));
    assert_int_equal(stacked_pc(), pc + 4);
    uint32_t xpsr = bare_read(bare, reg(CPU_SP) + 28), it = (xpsr >> 8 & 0xfc) | (xpsr >> 25 & 3);
    assert_int_equal(it, 0x0a); /* the state after one instruction */
    assert_int_equal(reg(CPU_XPSR) & 0x0600fc00, 0);
    /* repaired and repeated */
    bare_word(bare, BARE_RAM, 0x1234);
    bare_word(bare, reg(CPU_SP) + 4, BARE_RAM);
    bare->at = bare_handler(BUS);
    bare_code(bare, BX(14));
    bare_until(bare, pc + 10);
    assert_int_equal(reg(0), 0x1234);
    assert_int_equal(reg(2), 1);
    assert_int_equal(reg(3), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(undefined_instructions),
        TEST(no_coprocessor),
        TEST(fpu_access),
        TEST(state_without_thumb),
        TEST(division_by_zero),
        TEST(data_bus_errors),
        TEST(ignored_bus_errors),
        TEST(escalation),
        TEST(breakpoint_without_debugger),
        TEST(lock_up),
        TEST(vector_table_errors),
        TEST(stacking_errors),
        TEST(unstacking_errors),
        TEST(exception_return_checks),
        TEST(fault_in_it_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
