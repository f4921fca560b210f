/* The cycles that instructions take: the Cortex-M4 TRM (DDI 0439D 3.3, 7.2.3; refill P taken as 1 for
 * immediate branches and returns by LR, 2 for those to a register and CBZ, 3 where the target comes from
 * memory), and where it leaves something open what people measured: jnk0le on an STM32F407, the authors of
 * CMEmu (MIMUW) on a CC2652 (Cortex-M4F), a CC2650 and an STM32F100 (Cortex-M3, whose pipeline fetches and
 * branches alike). */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ALU      0x1c6du /* adds r5, r5, #1 */
#define WIDE_NOP 0xf3af8000u

/* Cycles from `at` until the instruction at `end` is next, `code` of at most n instructions being at `at`. */
static uint64_t run(uint32_t at, const uint32_t *code, unsigned n, uint32_t skipped)
{
    set(CPU_PC, at);
    bare->at = at;
    for (unsigned i = 0; i < n && code[i] != 0; i++)
        bare_put(bare, &code[i], 1);
    uint32_t end = bare->at;
    bare_code(bare, ALU, ALU);
    set(0, 0);
    set(1, BARE_RAM + 0x100);
    set(2, 0);
    set(3, BARE_RAM + 0x300);
    set(6, BARE_RAM + 0x600);
    set(7, end | 1);
    set(CPU_SP, BARE_RAM + 0x800);
    set(CPU_LR, end | 1);
    set(CPU_XPSR, 0x01000000);
    bare_word(bare, BARE_RAM + 0x300, BARE_RAM);
    bare_word(bare, BARE_RAM + 0x800, end | 1);
    uint64_t t = cpu_cycles(bare->cpu);
    bare_until(bare, end - skipped);
    return cpu_cycles(bare->cpu) - t;
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
        bare->at = BARE_FLASH + 0x300;
        bare_code(bare, row[i].code, ALU);
        uint64_t t = cpu_cycles(bare->cpu);
        bare_steps(bare, 1);
        if (cpu_cycles(bare->cpu) - t != row[i].cycles)
            fail_msg("%s takes %u cycles", row[i].name, (unsigned)(cpu_cycles(bare->cpu) - t));
    }
}

/* As CMEmu's tests/cc2652/instructions/data_processing has them for a Cortex-M4F. */
static void divisions(void **state)
{
    static const struct {
        uint32_t n, d;
        uint8_t udiv, sdiv;
    } row[] = {
        {0, 0, 2, 2},
        {7, 0, 2, 2},
        {0, 7, 2, 2},
        {3, 4, 3, 3},
        {5, 7, 5, 5}, /* as many bits: not seen early */
        {15, 1, 5, 5},
        {16, 1, 6, 6},
        {100, 7, 6, 6},
        {0x7fffffff, 1, 12, 12},
        {0x7fffffff, 0xffffffff, 3, 12},
        {0xffffffff, 1, 12, 5},
        {0xffff8000, 0xffff0000, 5, 5},
        {0xfffffff8, 0xffffffff, 5, 6},
        {0x80000000, 8, 12, 12},
        {0x80000000, 0xfffffff0, 5, 11},
        {0x80000000, 0xffffffff, 5, 12},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        for (unsigned is_signed = 0; is_signed < 2; is_signed++) {
            set(1, row[i].n);
            set(2, row[i].d);
            uint64_t t = cpu_cycles(bare->cpu);
            execute(is_signed ? 0xfb91f0f2 : 0xfbb1f0f2);
            unsigned passed = (unsigned)(cpu_cycles(bare->cpu) - t);
            if (passed != (is_signed ? row[i].sdiv : row[i].udiv))
                fail_msg("%cDIV %x by %x: %u cycles", "US"[is_signed], row[i].n, row[i].d, passed);
        }
    }
}

struct sequence {
    uint32_t code[5];
    unsigned cycles;
    const char *name;
};

static void check(uint32_t at, const struct sequence *row, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t passed = run(at, row[i].code, 5, 0);
        if (passed != row[i].cycles)
            fail_msg("%s: %u cycles", row[i].name, (unsigned)passed);
    }
}

/* Single loads and stores and FP instructions beside their neighbours. r1, r3 and r6 point to RAM, r0 is 0.
 */
static void instructions_in_pairs(void **state)
{
    static const struct sequence row[] = {
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
        {{LDR(0, 1), NOP, ALU}, 3, "a load hides a NOP behind it"},
        {{LDR(0, 1), WIDE_NOP, ALU}, 3, "a wide one, too"},
        {{0x5018, NOP, ALU}, 3, "and a store that takes two"},
        {{0x3100, 0xc90c /* ldm r1!, {r2, r3} */, ALU}, 6, "the base of LDM is waited for"},
        {{0x3000, 0xc90c, ALU}, 5, "another register is not"},
        {{0xb082 /* sub sp, #8 */, 0xb510 /* push {r4, lr} */, ALU}, 6, "SP before PUSH"},
        {{0x3100, 0xe9d10200 /* ldrd r0, r2, [r1] */, ALU}, 6, "the base of LDRD"},
        {{0x3100, 0xed910a00 /* vldr s0, [r1] */, ALU}, 5, "the base of VLDR"},
    };
    (void)state;
    bare_store(bare, CPACR, 0xf << 20);
    check(BARE_FLASH + 0x300, row, sizeof row / sizeof *row);
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

/* CMEmu: control_flow/branch_distance, bx, cbz, bl_blx_bx_mov_pc_lr, it_fold. r2 is 0, r7 and LR lead behind
 * the last instruction. */
static void branches(void **state)
{
    static const struct sequence row[] = {
        {{0xe7ff /* b to the next halfword, odd */}, 2, "B"},
        {{NOP, 0xe7ff}, 3, "B behind something"},
        {{0xb102 /* cbz r2, . + 4 */, ALU}, 3, "CBZ decides late"},
        {{0xb902 /* cbnz r2 */, ALU}, 2, "CBNZ not taken"},
        {{BX(14)}, 2, "a return is seen early"},
        {{BX(7)}, 3, "a branch to another register is not"},
        {{0x46f7 /* mov pc, lr */}, 2, "MOV PC, LR"},
        {{0x46bf /* mov pc, r7 */}, 3, "MOV PC, R7"},
        {{0x46be /* mov lr, r7 */, BX(14)}, 4, "nor is LR that was written just now"},
        {{0x46be, ALU, BX(14)}, 4, "but one before"},
        {{0xf85deb04 /* pop {lr} */, BX(14)}, 5, "nor one that was loaded just now"},
        {{0xbd00 /* pop {pc} */}, 5, "POP"},
        {{ALU, IT(0, 8), ALU}, 2, "an IT behind 16 bits is folded"},
        {{WIDE_NOP, IT(0, 8), ALU}, 3, "not behind 32"},
        {{LDR(0, 1), IT(0, 8), ALU}, 4, "nor behind a load"},
        {{LDR(0, 1), NOP, IT(0, 8), ALU}, 3, "but behind the NOP behind one"},
        {{0x4352 /* muls r2, r2 */, IT(0, 8), ALU}, 3, "nor behind MULS"},
        {{0x4485 /* add sp, r0 */, IT(0, 8), ALU}, 3, "nor behind one that moves SP"},
        {{IT(1, 8), ALU, IT(1, 8), ALU}, 4, "nor behind another block"},
    };
    (void)state;
    check(BARE_FLASH + 0x300, row, sizeof row / sizeof *row);
    check(BARE_FLASH + 0x302, row, sizeof row / sizeof *row);
    /* to a wide instruction that is in two words, whether it has been decoded already or not */
    static const uint32_t code[] = {0xe000 /* b . + 4 */, NOP, WIDE_NOP};
    for (unsigned odd = 0; odd < 2; odd++) {
        for (unsigned again = 0; again < 2; again++) {
            if (again) {
                set(CPU_PC, BARE_FLASH + 0x300 + 2 * odd);
                uint64_t t = cpu_cycles(bare->cpu);
                bare_until(bare, BARE_FLASH + 0x304 + 2 * odd);
                assert_int_equal(cpu_cycles(bare->cpu) - t, 2 + odd);
            } else {
                assert_int_equal(run(BARE_FLASH + 0x300 + 2 * odd, code, 3, 4), 2 + odd);
            }
        }
        uint32_t target = BARE_FLASH + 0x304 + 2 * odd;
        for (unsigned i = 0; i < 2; i++) {
            bare->at = BARE_FLASH + 0x400;
            bare_code(bare, i ? 0x46bf : BX(7));
            set(CPU_PC, BARE_FLASH + 0x400);
            set(7, target | 1);
            uint64_t t = cpu_cycles(bare->cpu);
            bare_steps(bare, 1);
            assert_int_equal(cpu_cycles(bare->cpu) - t, 3 + odd);
        }
    }
}

/* Code behind the system bus: CMEmu's configurations with code in "sram", alike on all three chips, and bx
 * and pop_pc of the STM32F100. */
static void system_bus(void **state)
{
    static const struct sequence even[] = {
        {{ALU, ALU, ALU, ALU}, 4, "16 bits"},
        {{WIDE_NOP, WIDE_NOP, WIDE_NOP}, 6, "32 bits take two cycles"},
        {{0xfb91f0f3 /* sdiv r0, r1, r3 */}, 5, "but for those that take longer anyway"},
        {{LDR(0, 1), LDR(2, 3), LDR(4, 6), LDR(0, 3), ALU}, 7, "loads share the bus with the fetches"},
        {{0xe7ff}, 4, "B"},
        {{BX(14)}, 4, "BX LR"},
        {{BX(7)}, 4, "BX"},
        {{0xbd00}, 6, "POP"},
        {{ALU, IT(0, 8), ALU}, 2, "folding"},
    };
    static const uint32_t code[] = {0xe000, NOP, WIDE_NOP};
    (void)state;
    check(BARE_RAM + 0x1000, even, sizeof even / sizeof *even);
    assert_int_equal(run(BARE_RAM + 0x1000, code, 3, 4), 4);
    assert_int_equal(run(BARE_RAM + 0x1002, code, 3, 4), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(instruction_cycles), TEST(divisions), TEST(instructions_in_pairs),
                                       TEST(branches), TEST(system_bus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
