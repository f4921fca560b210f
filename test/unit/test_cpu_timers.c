/* SysTick, the cycle counter and the cycles that instructions take, from the ARMv7-M manual (DDI 0403E
 * B3.3, C1.8) and the Cortex-M4 TRM (DDI 0439D 3.3, 7.2.3; refill P taken as 1 for immediate branches, 2 for
 * those to a register, 3 where the target comes from memory). */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ST_CTRL   0xe000e010u
#define ST_LOAD   0xe000e014u
#define ST_VAL    0xe000e018u
#define DWT_CTRL  0xe0001000u
#define CYCCNT    0xe0001004u
#define COUNTFLAG (1u << 16)

static void run_to(uint64_t cycle)
{
    assert_int_equal(cpu_run(bare->cpu, cycle), CPU_RAN);
    assert_int_equal(cpu_cycles(bare->cpu), cycle);
}

static void nops(void)
{
    for (uint32_t at = BARE_FLASH + 0x200; at < BARE_FLASH + 0x800; at += 4)
        bare_word(bare, at, 0xbf00bf00);
    bare_word(bare, BARE_FLASH + 0x800, 0xe4fee4fe); /* b to 0x200 */
}

static void sys_tick_counts(void **state)
{
    (void)state;
    nops();
    bare_store(bare, ST_LOAD, 99);
    bare_store(bare, ST_VAL, 12345); /* any write clears it */
    assert_int_equal(bare_ppb(bare, ST_VAL), 0);
    bare_store(bare, ST_CTRL, 5);           /* counts HCLK, no interrupt */
    uint64_t t = cpu_cycles(bare->cpu) - 1; /* the store took effect a cycle ago */
    for (unsigned i = 1; i < 350; i++) {
        run_to(t + 1 + i);
        unsigned k = (i + 1) % 100; /* the first tick loads 99 */
        assert_int_equal(bare_ppb(bare, ST_VAL), k == 0 ? 0 : 100 - k);
    }
    assert_int_equal(bare_ppb(bare, ST_CTRL), 5 | COUNTFLAG);
    assert_int_equal(bare_ppb(bare, ST_CTRL), 5 | COUNTFLAG); /* looking does not clear it */
    assert_int_equal(bare_load(bare, ST_CTRL), 5 | COUNTFLAG);
    assert_int_equal(bare_load(bare, ST_CTRL), 5);
    assert_int_equal(bare_ppb(bare, ICSR), 0);
    /* a write to VAL clears COUNTFLAG too */
    run_to(cpu_cycles(bare->cpu) + 100);
    bare_store(bare, ST_VAL, 0);
    assert_int_equal(bare_ppb(bare, ST_CTRL), 5);
    /* reload 0 stops it at 0 */
    bare_store(bare, ST_LOAD, 0);
    run_to(cpu_cycles(bare->cpu) + 300);
    uint32_t flag = bare_load(bare, ST_CTRL);
    (void)flag;
    run_to(cpu_cycles(bare->cpu) + 300);
    assert_int_equal(bare_ppb(bare, ST_VAL), 0);
    assert_int_equal(bare_ppb(bare, ST_CTRL), 5);
    /* a new reload value counts from the next reload on; stopped it keeps its value */
    bare_store(bare, ST_LOAD, 999);
    run_to(cpu_cycles(bare->cpu) + 100);
    bare_store(bare, ST_CTRL, 4);
    uint32_t v = bare_ppb(bare, ST_VAL);
    assert_in_range(v, 880, 910);
    run_to(cpu_cycles(bare->cpu) + 100);
    assert_int_equal(bare_ppb(bare, ST_VAL), v);
}

static void sys_tick_divided(void **state)
{
    (void)state;
    nops();
    bare_store(bare, ST_LOAD, 9);
    bare_store(bare, ST_VAL, 0);
    bare_store(bare, ST_CTRL, 1); /* HCLK/8 */
    uint64_t t = cpu_cycles(bare->cpu);
    run_to(t + 8);
    uint32_t v = bare_ppb(bare, ST_VAL);
    for (unsigned i = 1; i < 50; i++) {
        run_to(t + 8 + i * 8);
        assert_int_equal(bare_ppb(bare, ST_VAL), (v + 50 - i) % 10);
    }
}

/* Interrupts come at exact intervals, however long the handler or whatever else was running. */
static void sys_tick_interrupts(void **state)
{
    (void)state;
    nops();
    bare->at = bare_handler(15);
    bare_code(bare, BX(14));
    bare_store(bare, ST_LOAD, 199);
    bare_store(bare, ST_VAL, 0);
    bare_store(bare, ST_CTRL, 7);
    uint64_t last = 0;
    for (unsigned i = 0; i < 20; i++) {
        bare_until(bare, bare_handler(15));
        uint64_t now = cpu_cycles(bare->cpu);
        if (i > 0)
            assert_int_equal(now - last, 200);
        last = now;
        bare_steps(bare, 1);
    }
    /* in one long run as well */
    cpu_break(bare->cpu, bare_handler(15), true);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_BREAK);
        last += 200;
        assert_int_equal(cpu_cycles(bare->cpu), last);
    }
}

static void cycle_counter(void **state)
{
    (void)state;
    nops();
    bare_store(bare, DWT_CTRL, 0x40000001);
    assert_int_equal(bare_load(bare, CYCCNT), 0); /* TRCENA is off */
    bare_store(bare, DEMCR, 1 << 24);
    uint64_t t = cpu_cycles(bare->cpu);
    uint32_t c = bare_ppb(bare, CYCCNT);
    run_to(t + 1000);
    assert_int_equal(bare_ppb(bare, CYCCNT), c + 1000);
    bare_store(bare, CYCCNT, 0xfffffff0);
    t = cpu_cycles(bare->cpu);
    run_to(t + 30);
    assert_in_range(bare_ppb(bare, CYCCNT), 30 - 16, 30 - 16 + 3); /* wraps */
    bare_store(bare, DWT_CTRL, 0x40000000);
    c = bare_ppb(bare, CYCCNT);
    run_to(cpu_cycles(bare->cpu) + 30);
    assert_int_equal(bare_ppb(bare, CYCCNT), c);
}

static void instruction_cycles(void **state)
{
    static const struct {
        uint32_t code;
        unsigned cycles;
        const char *name;
    } row[] = {
        {0x3001, 1, "adds"},           {0xf04f0001, 1, "mov.w"},
        {0xfb01f002, 1, "mul"},        {0xfb013002, 1, "mla"},
        {0xfbc20103, 1, "smlal"},      {LDR(0, 1), 2, "ldr"},
        {STR(0, 1), 1, "str"},         {0x5088, 2, "str r0, [r1, r2]"},
        {0xf8d1f000, 5, "ldr pc"},     {0xe8b18001, 6, "ldm of 2 with pc"},
        {0xe9d10200, 3, "ldrd"},       {0xc91c, 4, "ldm of 3"},
        {0xe92d4ff0, 10, "push of 9"}, {0xe7fe, 2, "b"},
        {0xd0fe, 1, "beq not taken"},  {0xd1fe, 2, "bne taken"},
        {0xf7fffffe, 2, "bl"},         {BX(6), 3, "bx"},
        {0xe8d1f001, 6, "tbb"},        {0xee300a81, 1, "vadd"},
        {0xee200a81, 1, "vmul"},       {0xee800a81, 14, "vdiv"},
        {0xee000a81, 3, "vmla"},       {0xeeb10ae0, 14, "vsqrt"},
        {0xed910a00, 2, "vldr"},       {0xecb10a04, 5, "vldm of 4"},
        {0xee000a10, 2, "vmov"},       {0xf3bf8f6f, 2, "isb"},
    };
    (void)state;
    bare_store(bare, CPACR, 0xf << 20);
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        set(CPU_PC, BARE_FLASH + 0x300);
        set(1, BARE_RAM + 0x100);
        set(6, (BARE_FLASH + 0x300) | 1);
        set(CPU_XPSR, 0x01000000);
        uint64_t t = cpu_cycles(bare->cpu);
        execute(row[i].code);
        if (cpu_cycles(bare->cpu) - t != row[i].cycles)
            fail_msg("%s takes %u cycles", row[i].name, (unsigned)(cpu_cycles(bare->cpu) - t));
    }
    uint64_t t;
    /* division: 2 to 12, by the size of the quotient */
    static const struct {
        uint32_t n, d;
        unsigned lo, hi;
    } division[] = {
        {5, 7, 2, 2}, {7, 0, 2, 2}, {100, 7, 3, 4}, {0xffffffff, 0xffff, 6, 8}, {0xffffffff, 1, 12, 12}};
    for (unsigned i = 0; i < sizeof division / sizeof *division; i++) {
        set(1, division[i].n);
        set(2, division[i].d);
        t = cpu_cycles(bare->cpu);
        execute(0xfbb1f0f2);
        assert_in_range(cpu_cycles(bare->cpu) - t, division[i].lo, division[i].hi);
    }
}

/* Single loads and stores and FP instructions beside their neighbours. r1, r3 and r6 point to RAM, r0 is 0.
 */
static void instructions_in_pairs(void **state)
{
    enum { ALU = 0x1c6d /* adds r5, r5, #1 */ };
    static const struct {
        uint32_t code[4];
        unsigned cycles;
        const char *name;
    } row[] = {
        {{LDR(0, 1), LDR(2, 3), ALU}, 4, "loads overlap"},
        {{LDR(0, 1), LDR(2, 3), LDR(4, 6), ALU}, 5, "three of them"},
        {{LDR(0, 1), ALU, LDR(2, 3), ALU}, 6, "not with something in between"},
        {{LDR(1, 3), LDR(0, 1), ALU}, 5, "not where one has the other's address"},
        {{LDR(1, 3), 0x5840 /* ldr r0, [r0, r1] */, ALU}, 5, "or its index"},
        {{0xf8510b04 /* ldr r0, [r1], #4 */, 0xf8512b04 /* ldr r2, [r1], #4 */, ALU}, 5, "or moves its base"},
        {{0xf8510b04, 0xf8532b04 /* ldr r2, [r3], #4 */, ALU}, 4, "another base is no matter"},
        {{LDR(0, 1), STR(0, 3), ALU}, 3, "a store beside a load"},
        {{LDR(0, 1), STR(0, 3), LDR(2, 6), ALU}, 6, "what follows a store does not overlap"},
        {{STR(0, 1), ALU, STR(0, 1), ALU}, 4, "stores go on beside other instructions"},
        {{STR(0, 1), STR(2, 3), STR(0, 6), ALU}, 4, "and each other"},
        {{0xf8410b04 /* str r0, [r1], #4 */, 0xf8410b04, ALU}, 4, "not where one moves the other's base"},
        {{0x5018 /* str r0, [r3, r0] */, ALU}, 3, "but for those with an index"},
        {{0x3100 /* adds r1, #0 */, LDR(0, 1), ALU}, 5, "an address that was calculated just now"},
        {{0x3100, ALU, LDR(0, 1), ALU}, 5, "is waited for"},
        {{0x3000 /* adds r0, #0 */, 0xf8532020 /* ldr r2, [r3, r0, lsl #2] */, ALU}, 5, "an index, too"},
        {{0x3000, 0xf8d32000 /* ldr r2, [r3] */, ALU}, 4, "but not what only looks like one"},
        {{VADD_S0_S1_S2, 0xee601a20 /* vmul s3, s0, s1 */, ALU}, 4, "a result of the FPU comes late"},
        {{VADD_S0_S1_S2, 0xee200a80 /* vmul s0, s1, s0 */, ALU}, 4, "for either operand"},
        {{VADD_S0_S1_S2, 0xee600aa1 /* vmul s1, s1, s3 */, ALU}, 3, "for those who want it"},
        {{VADD_S0_S1_S2, ALU, 0xee601a20, ALU}, 4, "next"},
        {{VADD_S0_S1_S2, 0xee000aa1 /* vmla s0, s1, s3 */, ALU}, 5, "not as an addend"},
        {{VADD_S0_S1_S2, 0xee102a10 /* vmov r2, s0 */, ALU}, 5, "for the core"},
        {{0xeef00ae0 /* vabs s1, s1 */, 0xee601a20 | 0x80 /* vmul s3, s1, s1 */, ALU},
         3,
         "VABS is not arithmetic"},
    };
    (void)state;
    bare_store(bare, CPACR, 0xf << 20);
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        unsigned n = 0, size = 0;
        set(CPU_PC, BARE_FLASH + 0x300);
        bare->at = BARE_FLASH + 0x300;
        for (; n < 4 && row[i].code[n] != 0; n++) {
            bare_code(bare, row[i].code[n]);
            size += row[i].code[n] >> 16 ? 4 : 2;
        }
        bare_code(bare, NOP);
        set(0, 0);
        set(1, BARE_RAM + 0x100);
        set(3, BARE_RAM + 0x300);
        set(6, BARE_RAM + 0x600);
        bare_word(bare, BARE_RAM + 0x300, BARE_RAM);
        uint64_t t = cpu_cycles(bare->cpu);
        bare_until(bare, BARE_FLASH + 0x300 + size);
        if (cpu_cycles(bare->cpu) - t != row[i].cycles)
            fail_msg("%s: %u cycles", row[i].name, (unsigned)(cpu_cycles(bare->cpu) - t));
    }
    /* the cost is another one when the last halfword of the second instruction is */
    static const uint32_t last[2] = {0x2a00 /* vmul s5, s4, s0 */, 0x2a01 /* s4, s2 */};
    bare->at = BARE_FLASH + 0x300;
    bare_code(bare, VADD_S0_S1_S2, 0xee622a01, NOP);
    for (unsigned i = 0; i < 4; i++) {
        bare->at = BARE_FLASH + 0x306;
        bare_code(bare, last[i % 2]);
        set(CPU_PC, BARE_FLASH + 0x300);
        uint64_t t = cpu_cycles(bare->cpu);
        bare_until(bare, BARE_FLASH + 0x308);
        assert_int_equal(cpu_cycles(bare->cpu) - t, i % 2 ? 2 : 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sys_tick_counts), TEST(sys_tick_divided),   TEST(sys_tick_interrupts),
        TEST(cycle_counter),   TEST(instruction_cycles), TEST(instructions_in_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
