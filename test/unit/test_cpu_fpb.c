/* Flash patch and breakpoint (DDI 0403E C1.11): breakpoints, patched instructions and literals. */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FP_CTRL    0xe0002000u
#define FP_REMAP   0xe0002004u
#define FP_COMP(n) (0xe0002008u + 4 * (n))
#define LOWER      0x40000000u
#define UPPER      0x80000000u
enum { ENABLE = 1, KEY = 2, MON_EN = 1 << 16, DEBUG = 12, HARD = 3 };
enum { CODE = BARE_FLASH + 0x400, TABLE = BARE_RAM + 0x40 };

#define PROGRAM(...)                                                                                         \
    do {                                                                                                     \
        bare->at = CODE;                                                                                     \
        bare_code(bare, __VA_ARGS__);                                                                        \
        set(CPU_PC, CODE);                                                                                   \
    } while (0)

static int start(void **state)
{
    (void)bare_setup(state);
    bare->at = bare_handler(DEBUG);
    bare_code(bare, BX(14));
    bare_store(bare, DEMCR, MON_EN);
    bare_store(bare, FP_CTRL, KEY | ENABLE);
    bare_store(bare, FP_REMAP, TABLE);
    return 0;
}

static uint32_t ipsr(void)
{
    return reg(CPU_XPSR) & 0x1ff;
}

/* Whether the instruction at pc is a breakpoint; else it is executed. */
static bool breaks(uint32_t pc)
{
    set(CPU_PC, pc);
    bare_steps(bare, 1);
    if (reg(CPU_PC) != pc)
        return false;
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), DEBUG);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), pc);
    assert_int_equal(bare_ppb(bare, DFSR), 2);
    bare_store(bare, DFSR, 2);
    bare_word(bare, reg(CPU_SP) + 24, CODE + 0x40);
    bare_steps(bare, 1);
    assert_int_equal(reg(CPU_PC), CODE + 0x40);
    return true;
}

static void registers(void **state)
{
    (void)state;
    assert_int_equal(bare_load(bare, FP_CTRL), 0x261); /* 6 for instructions, 2 for literals */
    bare_store(bare, FP_CTRL, 0);
    assert_int_equal(bare_load(bare, FP_CTRL), 0x261); /* without the key */
    bare_store(bare, FP_CTRL, KEY);
    assert_int_equal(bare_load(bare, FP_CTRL), 0x260);
    for (unsigned n = 0; n < 8; n++) {
        bare_store(bare, FP_COMP(n), 0xffffffff);
        assert_int_equal(bare_load(bare, FP_COMP(n)), 0xdffffffd);
        bare_store(bare, FP_COMP(n), 0);
    }
    bare_store(bare, FP_COMP(8), 0xffffffff);
    assert_int_equal(bare_load(bare, FP_COMP(8)), 0);
    bare_store(bare, FP_REMAP, 0xffffffff);
    assert_int_equal(bare_load(bare, FP_REMAP), 0x3fffffe0);
    bare_store(bare, FP_REMAP, 0);
    assert_int_equal(bare_load(bare, FP_REMAP), 0x20000000);
}

static void breakpoints(void **state)
{
    (void)state;
    PROGRAM(MOVS(0, 1), MOVS(0, 2), 0xf1000001 /* add.w */, MOVS(0, 4), MOVS(0, 5));
    for (unsigned n = 0; n < 6; n++) {
        bare_store(bare, FP_COMP(n), CODE | LOWER | ENABLE);
        assert_true(breaks(CODE));
        assert_false(breaks(CODE + 2));
        bare_store(bare, FP_COMP(n), CODE | UPPER | ENABLE);
        set(0, 0);
        assert_false(breaks(CODE));
        assert_int_equal(reg(0), 1);
        assert_true(breaks(CODE + 2));
        bare_store(bare, FP_COMP(n), CODE | LOWER | UPPER | ENABLE);
        assert_true(breaks(CODE));
        assert_true(breaks(CODE + 2));
        bare_store(bare, FP_COMP(n), CODE | LOWER | UPPER);
        assert_false(breaks(CODE));
        assert_false(breaks(CODE + 2));
    }
    /* literal comparators know nothing of instructions */
    bare_store(bare, FP_COMP(6), CODE | LOWER | ENABLE);
    assert_false(breaks(CODE));
    bare_store(bare, FP_COMP(6), 0);
    /* 32 bits: at their first halfword */
    bare_store(bare, FP_COMP(0), (CODE + 4) | LOWER | ENABLE);
    assert_true(breaks(CODE + 4));
    bare_store(bare, FP_COMP(0), (CODE + 4) | UPPER | ENABLE);
    assert_false(breaks(CODE + 4));
    /* the whole unit is off and on */
    bare_store(bare, FP_COMP(0), CODE | LOWER | ENABLE);
    bare_store(bare, FP_CTRL, KEY);
    assert_false(breaks(CODE));
    bare_store(bare, FP_CTRL, KEY | ENABLE);
    assert_true(breaks(CODE));
    /* at 0 there are the same bytes, but not the same address */
    assert_false(breaks(CODE - BARE_FLASH));
    /* reading is no execution */
    set(1, CODE);
    set(CPU_PC, CODE + 8);
    execute(LDR(2, 1));
    assert_int_equal(reg(2), (MOVS(0, 2) << 16) | MOVS(0, 1));
    /* a branch to it, and what comes before and behind */
    bare_store(bare, FP_COMP(0), (CODE + 8) | LOWER | ENABLE);
    PROGRAM(MOVS(0, 1), 0xe001 /* b CODE + 8 */, UDF, UDF, MOVS(0, 2), MOVS(0, 3), HERE);
    bare_steps(bare, 4);
    assert_int_equal(ipsr(), DEBUG);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), CODE + 8);
    bare_store(bare, FP_COMP(0), 0);
    bare_steps(bare, 3);
    assert_int_equal(reg(0), 3);
}

/* Only code below 0x20000000 is compared. */
static void not_in_sram(void **state)
{
    (void)state;
    bare->at = BARE_RAM + 0x400;
    bare_code(bare, MOVS(0, 7), NOP, NOP);
    bare_store(bare, FP_COMP(0), (BARE_RAM + 0x400) | LOWER | ENABLE);
    assert_false(breaks(BARE_RAM + 0x400));
    assert_int_equal(reg(0), 7);
}

/* Nobody takes it: as a BKPT. */
static void without_monitor(void **state)
{
    (void)state;
    bare_store(bare, FP_COMP(0), CODE | LOWER | ENABLE);
    bare_store(bare, DEMCR, 0);
    PROGRAM(IT(0, 8), MOVS(0, 1));
    bare_steps(bare, 2);
    assert_int_equal(ipsr(), HARD);
    assert_int_equal(bare_ppb(bare, HFSR), 0x80000000);
    assert_int_equal(bare_ppb(bare, DFSR), 2);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), CODE);
    bare_start(bare);
    bare_store(bare, DEMCR, MON_EN);
    set(CPU_BASEPRI, 0x10); /* the monitor has priority 0: it is ready */
    bare_store(bare, FP_COMP(0), CODE | UPPER | ENABLE);
    PROGRAM(IT(0, 8), MOVS(0, 1)); /* eq, with Z clear: executed all the same */
    set(CPU_XPSR, 0x01000000);
    bare_steps(bare, 3);
    assert_int_equal(ipsr(), DEBUG);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), CODE + 2);
    /* a debugger clears it when it comes, and halts at one that is set afterwards */
    cpu_debug_attach(bare->cpu, true);
    assert_int_equal(bare_ppb(bare, FP_COMP(0)), 0);
    bare_start(bare);
    PROGRAM(MOVS(0, 1));
    assert_true(cpu_ppb_poke(bare->cpu, FP_COMP(0), 4, CODE | LOWER | ENABLE));
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 100), CPU_BREAK);
    assert_int_equal(cpu_debug_why(bare->cpu, NULL), CPU_DEBUG_BKPT);
    assert_int_equal(reg(CPU_PC), CODE);
}

static uint32_t load(uint32_t instruction, uint32_t addr)
{
    set(CPU_PC, CODE + 0x80);
    set(1, addr);
    execute(instruction);
    return reg(0);
}

static void patched_instructions(void **state)
{
    (void)state;
    PROGRAM(MOVS(0, 1), MOVS(1, 1), 0xf0420201 /* orr.w r2, r2, #1 */, 0xbf00, 0xf0420202 /* orr.w #2 */,
            HERE);
    bare_word(bare, TABLE, MOVS(1, 0x77) << 16 | MOVS(0, 0x66));
    bare_word(bare, TABLE + 8, 0x0210f042); /* orr.w r2, r2, #0x10 */
    bare_word(bare, TABLE + 12, 0xf042bf00);
    bare_word(bare, TABLE + 16, HERE << 16 | 0x0220);
    static const uint32_t words[] = {CODE, 0, CODE + 4, CODE + 8, CODE + 12};
    set(2, 0);
    bare_steps(bare, 5);
    assert_int_equal(reg(2), 3);
    for (unsigned n = 0; n < 5; n++)
        bare_store(bare, FP_COMP(n), words[n] != 0 ? words[n] | ENABLE : 0);
    set(CPU_PC, CODE);
    set(2, 0);
    bare_steps(bare, 5);
    assert_int_equal(reg(0), 0x66);
    assert_int_equal(reg(1), 0x77);
    assert_int_equal(reg(2), 0x30);
    assert_int_equal(reg(CPU_PC), CODE + 14);
    /* the second half of an instruction alone; the table changes, by the program's own stores, too */
    bare_store(bare, FP_COMP(3), 0);
    bare_store(bare, FP_COMP(2), 0);
    bare_store(bare, TABLE + 16, HERE << 16 | 0x0280);
    bare_store(bare, TABLE, MOVS(1, 0x70) << 16 | MOVS(0, 0x60));
    set(CPU_PC, CODE);
    set(2, 0);
    bare_steps(bare, 5);
    assert_int_equal(reg(0), 0x60);
    assert_int_equal(reg(1), 0x70);
    assert_int_equal(reg(2), 0x81);
    /* data there is as it was */
    assert_int_equal(load(LDR(0, 1), CODE), MOVS(1, 1) << 16 | MOVS(0, 1));
    /* a branch out of the patch and one into the middle */
    bare_store(bare, TABLE, MOVS(1, 5) << 16 | 0xe001 /* b CODE + 6 */);
    bare->at = CODE;
    bare_code(bare, NOP, NOP, NOP, MOVS(3, 3), HERE);
    bare_store(bare, FP_COMP(4), 0);
    set(CPU_PC, CODE);
    bare_steps(bare, 2);
    assert_int_equal(reg(3), 3);
    set(CPU_PC, CODE + 2);
    bare_steps(bare, 1);
    assert_int_equal(reg(1), 5);
    /* the MPU is asked for the address that was patched, and not for the table */
    bare_store(bare, 0xe000ed9c, TABLE | 0x10); /* nobody may execute 32 bytes there */
    bare_store(bare, 0xe000eda0, 1u << 28 | 3u << 24 | (5 - 1) << 1 | 1);
    bare_store(bare, 0xe000ed94, 5);
    set(1, 0);
    set(CPU_PC, CODE + 2);
    bare_steps(bare, 1);
    assert_int_equal(reg(1), 5);
    bare_store(bare, 0xe000ed94, 0);
    /* a table where there is no memory */
    bare_store(bare, SHCSR, SHCSR_BUS);
    bare_store(bare, FP_REMAP, 0x3000000);
    set(CPU_PC, CODE);
    bare_steps(bare, 2);
    assert_int_equal(ipsr(), 5);
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 8); /* IBUSERR */
    bare_store(bare, FP_COMP(0), 0);
    bare_start(bare);
    set(CPU_PC, CODE);
    bare_steps(bare, 1);
    assert_int_equal(reg(CPU_PC), CODE + 2);
}

static void patched_literals(void **state)
{
    (void)state;
    const uint32_t at = BARE_FLASH + 0x800;
    bare_word(bare, at, 0x11223344);
    bare_word(bare, at + 4, 0x55667788);
    bare_word(bare, TABLE + 24, 0xaabbccdd);
    bare_word(bare, TABLE + 28, 0x99);
    assert_int_equal(load(LDR(0, 1), at), 0x11223344);
    bare_store(bare, FP_COMP(6), at | ENABLE);
    assert_int_equal(load(LDR(0, 1), at), 0xaabbccdd);
    assert_int_equal(load(0x7848 /* ldrb r0, [r1, #1] */, at), 0xcc);
    assert_int_equal(load(0x8848 /* ldrh r0, [r1, #2] */, at), 0xaabb);
    assert_int_equal(load(0xe9d10200 /* ldrd r0, r2 */, at), 0xaabbccdd);
    assert_int_equal(reg(2), 0x55667788);
    assert_int_equal(load(LDR(0, 1), at + 2), 0x77881122); /* not unaligned ones */
    assert_int_equal(load(LDR(0, 1), at + 4), 0x55667788);
    assert_int_equal(load(LDR(0, 1), at - BARE_FLASH), 0x11223344);
    bare_store(bare, FP_COMP(7), (at + 4) | ENABLE);
    assert_int_equal(load(LDR(0, 1), at + 4), 0x99);
    bare_store(bare, TABLE + 28, 0x98);
    assert_int_equal(load(LDR(0, 1), at + 4), 0x98);
    /* a literal of an instruction: ldr r0, [pc, #0] */
    bare->at = at - 4;
    bare_code(bare, 0x4800, NOP);
    set(CPU_PC, at - 4);
    bare_steps(bare, 1);
    assert_int_equal(reg(0), 0xaabbccdd);
    /* instructions at the address are what they are */
    bare_word(bare, at, NOP << 16 | MOVS(0, 0x21));
    set(CPU_PC, at);
    bare_steps(bare, 1);
    assert_int_equal(reg(0), 0x21);
    bare_store(bare, FP_CTRL, KEY);
    assert_int_equal(load(LDR(0, 1), at), NOP << 16 | MOVS(0, 0x21));
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, start, bare_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(registers),       RUN(breakpoints),          RUN(not_in_sram),
        RUN(without_monitor), RUN(patched_instructions), RUN(patched_literals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
