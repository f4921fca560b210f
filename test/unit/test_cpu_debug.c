/* The core under a debugger (DDI 0403E C1): DHCSR, steps, watchpoints, vector catch, BKPT. */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define DHCSR    0xe000edf0u
#define MPU_CTRL 0xe000ed94u

static void attach(void)
{
    cpu_debug_attach(bare->cpu, true);
}

/* Code where the processor is. */
#define PROGRAM(...)                                                                                         \
    do {                                                                                                     \
        bare->at = reg(CPU_PC);                                                                              \
        bare_code(bare, __VA_ARGS__);                                                                        \
    } while (0)

static enum cpu_debug_stop runs_until(void)
{
    uint64_t limit = cpu_cycles(bare->cpu) + 10000;
    assert_int_equal(cpu_run(bare->cpu, limit), CPU_BREAK);
    return cpu_debug_why(bare->cpu, NULL);
}

static void steps(void)
{
    cpu_debug_step(bare->cpu, true);
    assert_int_equal(runs_until(), CPU_DEBUG_STEP);
}

static void what_a_program_sees(void **state)
{
    (void)state;
    assert_int_equal(bare_load(bare, DHCSR), 0);
    bare_store(bare, DHCSR, 0xa05f0003); /* a program cannot set C_DEBUGEN, nor halt without it */
    assert_int_equal(bare_load(bare, DHCSR), 0);
    attach();
    assert_int_equal(bare_load(bare, DHCSR), 0x00010001);
    cpu_debug_halted(bare->cpu, true);
    assert_int_equal(bare_ppb(bare, DHCSR), 0x00030003);
    cpu_debug_halted(bare->cpu, false);
    cpu_reset(bare->cpu); /* it stays over a reset */
    assert_int_equal(bare_load(bare, DHCSR), 0x00010001);
    /* C_HALT, with the key and without */
    set(0, 0x0003);
    set(1, DHCSR);
    set(2, 0xa05f0003);
    PROGRAM(STR(0, 1), 0x600a /* str r2, [r1] */, MOVS(4, 7), HERE);
    uint32_t pc = reg(CPU_PC);
    assert_int_equal(runs_until(), CPU_DEBUG_HALT);
    assert_int_equal(reg(CPU_PC), pc + 4);
    assert_int_not_equal(reg(4), 7);
    cpu_debug_attach(bare->cpu, false);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 100), CPU_RAN);
    assert_int_equal(reg(4), 7);
}

static void one_instruction(void **state)
{
    (void)state;
    attach();
    uint32_t pc = reg(CPU_PC);
    PROGRAM(MOVS(0, 1), 0xf1000001 /* add.w r0, r0, #1 */, IT(1 /* ne */, 8), MOVS(1, 5), SVC(0), NOP);
    set(CPU_XPSR, 0x41000000); /* Z: the instruction in the IT block is skipped */
    static const uint32_t after[] = {2, 6, 8, 10};
    set(1, 0);
    for (unsigned i = 0; i < 4; i++) {
        steps();
        assert_int_equal(reg(CPU_PC), pc + after[i]);
    }
    assert_int_equal(reg(0), 2);
    assert_int_equal(reg(1), 5); /* MOVS has cleared Z */
    steps();
    assert_int_equal(reg(CPU_PC), bare_handler(11)); /* a step into SVC */
    bare->at = bare_handler(11);
    bare_code(bare, NOP, BX(14));
    steps();
    steps();
    assert_int_equal(reg(CPU_PC), pc + 12); /* and out of it */
    /* and into a fault of its own */
    PROGRAM(UDF);
    steps();
    assert_int_equal(reg(CPU_PC), bare_handler(3));
}

static void interrupts_are_served_in_between(void **state)
{
    (void)state;
    attach();
    bare_store(bare, NVIC_ISER, 3);
    bare->at = bare_handler(16);
    bare_code(bare, ADDS(5, 1), BX(14));
    bare->at = bare_handler(17);
    bare_code(bare, ADDS(6, 1), BX(14));
    set(5, 0);
    set(6, 0);
    uint32_t pc = reg(CPU_PC);
    PROGRAM(MOVS(0, 1), MOVS(1, 2), WFI, MOVS(2, 3));
    bare_store(bare, NVIC_ISPR, 3); /* its instructions end before the first of the program */
    set(CPU_PC, pc);
    steps();
    assert_int_equal(reg(CPU_PC), pc + 2);
    assert_int_equal(reg(5) + reg(6), 2);
    steps();
    /* WFI: the step over it ends at once, the next when something wakes it */
    steps();
    assert_int_equal(reg(CPU_PC), pc + 6);
    set(2, 0);
    cpu_debug_step(bare->cpu, true);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 1000), CPU_SLEEPING);
    assert_int_equal(reg(2), 0);
    cpu_irq(bare->cpu, 0, true);
    cpu_irq(bare->cpu, 0, false);
    assert_int_equal(runs_until(), CPU_DEBUG_STEP);
    assert_int_equal(reg(2), 3);
    assert_int_equal(reg(5), 2);
    /* a breakpoint in a handler stops there */
    assert_true(cpu_break(bare->cpu, bare_handler(16), true));
    set(CPU_PC, pc);
    cpu_irq(bare->cpu, 0, true);
    cpu_irq(bare->cpu, 0, false);
    cpu_debug_step(bare->cpu, true);
    assert_int_equal(runs_until(), CPU_DEBUG_BREAK);
    assert_int_equal(reg(CPU_PC), bare_handler(16));
}

/* Whether this instruction stops at the watchpoint, behind itself. r1 is the address. */
static bool hits(uint32_t instruction, uint32_t addr)
{
    uint32_t pc = BARE_FLASH + 0x400;
    set(CPU_PC, pc);
    set(1, addr);
    PROGRAM(instruction, NOP, NOP);
    uint32_t size = instruction >> 16 ? 4 : 2;
    cpu_debug_step(bare->cpu, false);
    assert_true(cpu_break(bare->cpu, pc + size + 2, true));
    enum cpu_debug_stop why = runs_until();
    assert_int_equal(reg(CPU_PC), pc + size + (why == CPU_DEBUG_WATCH ? 0 : 2));
    assert_true(cpu_break(bare->cpu, pc + size + 2, false));
    return why == CPU_DEBUG_WATCH;
}

static void watchpoints(void **state)
{
    (void)state;
    const uint32_t at = BARE_RAM + 0x800;
    bare_store(bare, CPACR, 0xf << 20);
    bare_mpu_ram(bare);
    attach();
    for (unsigned mpu = 0; mpu < 2; mpu++) {
        bare_store(bare, MPU_CTRL, mpu ? 5 : 0);
        for (unsigned i = 0; i < BARE_MEMORY_OPS; i++)
            for (unsigned kind = 1; kind < 4; kind++) {
                bool load = kind & 1, store = kind & 2, due = bare_memory_ops[i].store ? store : load;
                const struct cpu_debug_hit w = {at, 4, load, store};
                assert_true(cpu_debug_watch(bare->cpu, &w, true));
                assert_int_equal(hits(bare_memory_ops[i].instruction, at), due);
                assert_int_equal(hits(bare_memory_ops[i].instruction, at - bare_memory_ops[i].bytes), false);
                assert_int_equal(hits(bare_memory_ops[i].instruction, at + 4), false);
                if (bare_memory_ops[i].bytes > 4) /* the last word of several */
                    assert_int_equal(hits(bare_memory_ops[i].instruction, at - bare_memory_ops[i].bytes + 4),
                                     due);
                assert_true(cpu_debug_watch(bare->cpu, &w, false));
                assert_int_equal(hits(bare_memory_ops[i].instruction, at), false);
            }
    }
    /* a peripheral; which one was hit; stacking counts */
    assert_true(cpu_debug_watch(bare->cpu, &(struct cpu_debug_hit){BARE_IO + 8, 4, true, false}, true));
    assert_true(cpu_debug_watch(bare->cpu, &(struct cpu_debug_hit){at, 1, false, true}, true));
    assert_true(hits(LDR(0, 1), BARE_IO + 8));
    struct cpu_debug_hit hit;
    assert_int_equal(cpu_debug_why(bare->cpu, &hit), CPU_DEBUG_WATCH);
    assert_int_equal(hit.addr, BARE_IO + 8);
    assert_false(hits(STR(0, 1), BARE_IO + 8));
    set(CPU_SP, at + 0x68); /* an extended frame begins there */
    PROGRAM(SVC(0), NOP);
    assert_int_equal(runs_until(), CPU_DEBUG_WATCH);
    cpu_debug_halted(bare->cpu, true);
    assert_int_equal(reg(CPU_PC), bare_handler(11)); /* the entry is not left in the middle */
    /* none is left behind a debugger */
    cpu_debug_attach(bare->cpu, false);
    cpu_debug_attach(bare->cpu, true);
    assert_false(hits(LDR(0, 1), BARE_IO + 8));
}

static void vector_catch(void **state)
{
    (void)state;
    attach();
    cpu_debug_catch(bare->cpu, CPU_CATCH_HARD);
    PROGRAM(UDF);
    assert_int_equal(runs_until(), CPU_DEBUG_FAULT);
    assert_int_equal(reg(CPU_PC), bare_handler(3));
    bare_start(bare);
    bare_store(bare, SHCSR, SHCSR_USAGE);
    PROGRAM(UDF);
    bare->at = bare_handler(6);
    bare_code(bare, HERE);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 200), CPU_RAN); /* not caught */
    bare_start(bare);
    bare_store(bare, SHCSR, SHCSR_USAGE);
    cpu_debug_catch(bare->cpu, CPU_CATCH_FAULTS | CPU_CATCH_RESET);
    PROGRAM(UDF);
    assert_int_equal(runs_until(), CPU_DEBUG_FAULT);
    assert_int_equal(reg(CPU_PC), bare_handler(6));
    cpu_reset(bare->cpu);
    assert_int_equal(runs_until(), CPU_DEBUG_RESET);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x200);
}

static void bkpt(void **state)
{
    (void)state;
    attach();
    uint32_t pc = reg(CPU_PC);
    PROGRAM(IT(14, 8), BKPT, MOVS(0, 9), HERE);
    assert_int_equal(runs_until(), CPU_DEBUG_BKPT);
    assert_int_equal(reg(CPU_PC), pc + 2);
    assert_int_equal(bare->faulted, 0);
    assert_int_equal(runs_until(), CPU_DEBUG_BKPT); /* again and again, until the PC is moved */
    set(CPU_PC, pc + 4);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 50), CPU_RAN);
    assert_int_equal(reg(0), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_program_sees), TEST(one_instruction), TEST(interrupts_are_served_in_between),
        TEST(watchpoints),         TEST(vector_catch),    TEST(bkpt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
