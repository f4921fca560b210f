/* The FPU's interrupt: cumulative flags of FPSCR reach line 81 as SYSCFG_CFGR1.FPU_IE lets them through. */
#include "rig.h"

#include "cpu/cpu.h"

#define SYSCFG  0x40010000u
#define CODE    0x10000200u
#define VECTORS 0x20000000u
enum { FPU = 81 };
enum {
    INVALID = 1 << 0,
    ZERO = 1 << 1,
    OVERFLOW = 1 << 2,
    UNDERFLOW = 1 << 3,
    INEXACT = 1 << 4,
    DENORMAL = 1 << 7
};

static void ppb(uint32_t addr, uint32_t value)
{
    assert_true(chip_debug_write(rig, addr, 4, value));
}

static int on(void **state)
{
    rig_on_awake(state);
    clock_on(0x60, 0);
    ppb(0xE000ED88, 0xF << 20); /* CPACR */
    return 0;
}

/* Runs instructions (halfwords) and stays behind them. */
static void execute(const uint16_t *code, size_t n)
{
    uint16_t loop = 0xE7FE;

    chip_poke(rig, CODE, code, n * sizeof *code);
    chip_poke(rig, CODE + (uint32_t)(n * sizeof *code), &loop, sizeof loop);
    cpu_set_reg(chip_cpu(rig), 15, CODE);
    run_us(20);
}
#define EXECUTE(...) execute((const uint16_t[]){__VA_ARGS__}, sizeof((const uint16_t[]){__VA_ARGS__}) / 2)
#define CLEAR_FPSCR  0xEEE1, 0x5A10 /* vmsr fpscr, r5, which is 0 */

/* s2 = s0 operation s1, each flag by itself. */
static void flags(void **state)
{
    static const struct {
        uint32_t s0, s1, flags, enable; /* FPU_IE bits that matter */
        uint16_t op[2];
    } rows[] = {
        {0x3F800000, 0x00000000, ZERO, 1 << 1, {0xEE80, 0x1A20}},               /* 1 / 0 */
        {0x7F800000, 0xFF800000, INVALID, 1 << 0, {0xEE30, 0x1A20}},            /* inf - inf */
        {0x7F000000, 0x7F000000, OVERFLOW | INEXACT, 1 << 3, {0xEE30, 0x1A20}}, /* the greatest twice */
        {0x00800001, 0x3F000000, UNDERFLOW | INEXACT, 1 << 2, {0xEE20, 0x1A20}},
        {0x3F800000, 0x40400000, INEXACT, 1 << 5, {0xEE80, 0x1A20}}, /* 1 / 3 */
    };
    struct cpu *cpu = chip_cpu(rig);

    (void)state;
    assert_int_equal(rd(SYSCFG + 4) >> 26, 0x1F); /* all but inexact, after reset */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cpu_set_reg(cpu, CPU_S0, rows[i].s0);
        cpu_set_reg(cpu, CPU_S0 + 1, rows[i].s1);
        cpu_set_reg(cpu, 5, 0);
        wr(SYSCFG + 4, rows[i].enable << 26);
        assert_false(irq_line(FPU));
        EXECUTE(rows[i].op[0], rows[i].op[1]);
        assert_int_equal(cpu_reg(cpu, CPU_FPSCR) & 0x9F, rows[i].flags);
        assert_true(irq_line(FPU));
        wr(SYSCFG + 4, 0x3Fu << 26 & ~(rows[i].enable << 26) & ~(rows[i].flags & INEXACT ? 1u << 31 : 0));
        assert_false(irq_line(FPU));
        wr(SYSCFG + 4, rows[i].enable << 26);
        assert_true(irq_line(FPU));
        EXECUTE(CLEAR_FPSCR);
        assert_false(irq_line(FPU));
    }
    cpu_set_reg(cpu, CPU_S0, 1); /* flushed to zero by FZ */
    cpu_set_reg(cpu, CPU_FPSCR, 1 << 24);
    wr(SYSCFG + 4, 1 << 30);
    EXECUTE(0xEE30, 0x1A20);
    assert_true(irq_line(FPU));
    cpu_set_reg(cpu, CPU_FPSCR, ZERO); /* a debugger's writes count as well */
    assert_false(irq_line(FPU));
    cpu_set_reg(cpu, CPU_FPSCR, DENORMAL);
    assert_true(irq_line(FPU));
}

/* The interrupt comes with the instruction; the handler's own FPSCR keeps the flags until it clears them, and
 * so does the stacked one, as AN4044 says. */
static void interrupt(void **state)
{
    struct cpu *cpu = chip_cpu(rig);
    const uint32_t vector = 0x10000301;
    const uint16_t handler[] = {0xEEE1, 0x5A10, /* vmsr fpscr, r5: stores the frame first */
                                0x6018,         /* str r0, [r3]: FPU off in the NVIC */
                                0x2601,         /* movs r6, #1 */
                                0xE7FE};

    (void)state;
    chip_poke(rig, VECTORS + 4 * (16 + FPU), &vector, 4);
    chip_poke(rig, vector - 1, handler, sizeof handler);
    ppb(0xE000ED08, VECTORS);
    cpu_set_reg(cpu, CPU_S0, 0x3F800000);
    cpu_set_reg(cpu, CPU_S0 + 1, 0);
    cpu_set_reg(cpu, 0, 1 << (FPU % 32));
    cpu_set_reg(cpu, 3, 0xE000E188);
    cpu_set_reg(cpu, 5, 0);
    cpu_set_reg(cpu, 6, 0);
    cpu_set_reg(cpu, 13, 0x20008000);
    ppb(0xE000E108, 1 << (FPU % 32));
    EXECUTE(0xEE80, 0x1A20, 0x2707, 0x2708); /* vdiv; movs r7, #7; movs r7, #8 */
    assert_int_equal(cpu_reg(cpu, 6), 1);
    uint32_t frame = cpu_reg(cpu, 13);
    assert_int_equal(rd(frame + 0x18), CODE + 4); /* the instruction behind the division */
    assert_int_not_equal(cpu_reg(cpu, 7), 7);
    assert_int_equal(rd(frame + 0x60) & 0x9F, ZERO); /* FPSCR in the frame */
    assert_int_equal(cpu_reg(cpu, CPU_FPSCR) & 0x9F, 0);
    assert_false(irq_line(FPU));
    EXECUTE(0x4770); /* bx lr: the frame has the flags */
    assert_true(irq_line(FPU));
}

/* SYSCFGRST puts the enables back to all but inexact; FPSCR is the processor's and stays. */
static void reset_of_the_enables(void **state)
{
    static const struct {
        uint32_t flags, enables;
        bool before, after;
    } rows[] = {
        {INEXACT, 1u << 31, true, false}, {ZERO, 1u << 31, false, true}, {ZERO, 1u << 27, true, true}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cpu_set_reg(chip_cpu(rig), 5, rows[i].flags);
        wr(SYSCFG + 4, rows[i].enables);
        EXECUTE(CLEAR_FPSCR); /* or sets them, from r5 */
        assert_int_equal(irq_line(FPU), rows[i].before);
        set_bits(0x40021040, 1); /* RCC_APB2RSTR.SYSCFGRST */
        assert_int_equal(irq_line(FPU), rows[i].after);
        clear_bits(0x40021040, 1);
        wr(SYSCFG + 4, rows[i].flags == ZERO ? 1u << 27 : 1u << 31);
        assert_true(irq_line(FPU));
    }
    chip_nrst(rig, true); /* a reset of the chip clears FPSCR */
    chip_nrst(rig, false);
    run_us(1000);
    assert_false(irq_line(FPU));
    clock_on(0x60, 0);
    wr(SYSCFG + 4, 0x3Fu << 26);
    assert_false(irq_line(FPU));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flags, on, rig_off),
        cmocka_unit_test_setup_teardown(interrupt, on, rig_off),
        cmocka_unit_test_setup_teardown(reset_of_the_enables, on, rig_off),
    };

    return cmocka_run_group_tests_name("interrupt of the FPU", tests, NULL, NULL);
}
