/* Floating point beyond what the oracle shows, from the ARMv7-M manual (DDI 0403E B1.5.6, A2.5, A7.7):
 * extended frames, lazy stacking, FPDSCR, rounding of fixed point. */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VMOV_S0_R0 0xee000a10u
#define VMRS_R0    0xeef10a10u

static uint32_t ipsr(void)
{
    return reg(CPU_XPSR) & 0x1ff;
}

static void open_fpu(void)
{
    bare_store(bare, CPACR, 0xf << 20);
    for (unsigned i = 0; i < 32; i++)
        set(CPU_S0 + i, 0x3f800000 + i);
}

static void svc_and_back(void)
{
    bare->at = reg(CPU_PC);
    bare_code(bare, SVC(0), NOP);
    bare_until(bare, bare_handler(11));
}

/* Without FP use the frame is short; with it, it has room for S0-S15 and FPSCR, which are stored only
 * when the handler needs the FPU. */
static void lazy_stacking(void **state)
{
    (void)state;
    open_fpu();
    uint32_t pc = reg(CPU_PC), sp = reg(CPU_SP);
    svc_and_back();
    assert_int_equal(reg(CPU_LR), 0xfffffff9);
    assert_int_equal(reg(CPU_SP), sp - 0x20);
    bare->at = reg(CPU_PC);
    bare_code(bare, BX(14));
    bare_until(bare, pc + 2);
    execute(VADD_S0_S1_S2);
    assert_int_equal(reg(CPU_CONTROL), 4); /* FPCA */
    pc = reg(CPU_PC);
    set(CPU_FPSCR, 0x90000010);
    bare_word(bare, sp - 0x68 + 0x20, 0xdeadbeef);
    svc_and_back();
    assert_int_equal(reg(CPU_LR), 0xffffffe9);
    assert_int_equal(reg(CPU_SP), sp - 0x68);
    assert_int_equal(reg(CPU_CONTROL), 0);
    assert_int_equal(bare_ppb(bare, FPCAR), sp - 0x48);
    assert_int_equal(bare_ppb(bare, FPCCR) & 0xc000000b, 0xc0000009); /* LSPACT, THREAD, privileged */
    assert_int_equal(bare_read(bare, sp - 0x48), 0xdeadbeef);         /* only reserved */
    bare->at = reg(CPU_PC);
    uint32_t s0 = reg(CPU_S0);
    bare_code(bare, BX(14));
    bare_until(bare, pc + 2); /* never stored, nothing to load */
    assert_int_equal(bare_ppb(bare, FPCCR) & 1, 0);
    assert_int_equal(reg(CPU_CONTROL), 4);
    assert_int_equal(reg(CPU_SP), sp);
    assert_int_equal(reg(CPU_S0), s0);
    assert_int_equal(reg(CPU_FPSCR), 0x90000010);
    /* the handler uses the FPU: then they are stored, at the time of the stacking's privilege */
    pc = reg(CPU_PC);
    bare_store(bare, FPDSCR, 0x03c00000);
    svc_and_back();
    bare->at = reg(CPU_PC);
    bare_code(bare, VADD_S0_S1_S2, VMRS_R0, BX(14));
    bare_steps(bare, 1);
    assert_int_equal(bare_ppb(bare, FPCCR) & 1, 0);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(bare_read(bare, sp - 0x48 + 4 * i), i == 0 ? s0 : 0x3f800000 + i);
    assert_int_equal(bare_read(bare, sp - 0x48 + 64), 0x90000010);
    assert_int_equal(reg(CPU_CONTROL), 4);
    bare_steps(bare, 1);
    assert_int_equal(reg(0) & 0x07c00000, 0x03c00000); /* a new context begins with FPDSCR's modes */
    set(CPU_S0, 0);
    set(CPU_S0 + 15, 0);
    set(CPU_S0 + 16, 0x1234);
    bare_until(bare, pc + 2);
    assert_int_equal(reg(CPU_S0), s0);
    assert_int_equal(reg(CPU_S0 + 15), 0x3f80000f);
    assert_int_equal(reg(CPU_S0 + 16), 0x1234); /* the callee's business */
    assert_int_equal(reg(CPU_FPSCR), 0x90000010);
    assert_int_equal(reg(CPU_SP), sp);
}

static void eager_stacking(void **state)
{
    (void)state;
    open_fpu();
    bare_store(bare, FPCCR, 0x80000000); /* ASPEN without LSPEN */
    uint32_t sp = reg(CPU_SP) - 4;
    set(CPU_SP, sp); /* extended frames are always aligned to 8 */
    bare_store(bare, CCR, 0);
    execute(VADD_S0_S1_S2);
    uint32_t pc = reg(CPU_PC), s0 = reg(CPU_S0), frame = (sp - 0x68) & ~7u;
    uint64_t t = cpu_cycles(bare->cpu);
    svc_and_back();
    assert_int_equal(cpu_cycles(bare->cpu) - t, 1 + 12 + 17);
    assert_int_equal(reg(CPU_SP), frame);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(bare_read(bare, frame + 0x20 + 4 * i), i == 0 ? s0 : 0x3f800000 + i);
    assert_int_equal(bare_read(bare, frame + 28) & 1 << 9, 1 << 9);
    bare->at = reg(CPU_PC);
    bare_code(bare, BX(14));
    bare_word(bare, frame + 0x20 + 8, 0x42424242);
    bare_until(bare, pc + 2);
    assert_int_equal(reg(CPU_S0 + 2), 0x42424242);
    assert_int_equal(reg(CPU_SP), sp);
    /* without ASPEN the FPU is nobody's: short frames, FPCA stays 0 */
    bare_start(bare);
    bare_store(bare, CPACR, 0xf << 20);
    bare_store(bare, FPCCR, 0x3fffffff & ~1u); /* all of it can be written (DDI 0403E B3.2.21) */
    assert_int_equal(bare_ppb(bare, FPCCR), 0x17a);
    bare_store(bare, FPCCR, 0);
    execute(VADD_S0_S1_S2);
    assert_int_equal(reg(CPU_CONTROL), 0);
    svc_and_back();
    assert_int_equal(reg(CPU_LR), 0xfffffff9);
}

/* Nested: the interrupted handler's own FP state is kept as well. */
static void nested_floating_point(void **state)
{
    (void)state;
    open_fpu();
    bare_store(bare, 0xe000ed1c, 0x80000000);
    bare_store(bare, NVIC_ISER, 1);
    execute(VADD_S0_S1_S2);
    uint32_t pc = reg(CPU_PC), sp = reg(CPU_SP), s0 = reg(CPU_S0);
    bare->at = bare_handler(16);
    bare_code(bare, VMOV_S0_R0, BX(14));
    svc_and_back();
    bare->at = reg(CPU_PC);
    bare_code(bare, VMOV_S0_R0, NOP, NOP, BX(14));
    set(0, 0x111);
    bare_steps(bare, 1);
    cpu_irq(bare->cpu, 0, true);
    cpu_irq(bare->cpu, 0, false);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 16);
    assert_int_equal(reg(CPU_LR), 0xffffffe1);
    assert_int_equal(reg(CPU_SP), sp - 2 * 0x68);
    set(0, 0x222);
    bare_until(bare, bare_handler(11) + 4);
    assert_int_equal(reg(CPU_S0), 0x111);
    bare_until(bare, pc + 2);
    assert_int_equal(reg(CPU_S0), s0);
    assert_int_equal(reg(CPU_SP), sp);
    /* a tail-chained handler with FP code, after one without: the first frame is filled */
    bare_store(bare, NVIC_ISPR, 0);
    pc = reg(CPU_PC);
    s0 = reg(CPU_S0);
    svc_and_back();
    bare->at = reg(CPU_PC);
    bare_code(bare, NOP, BX(14));
    bare_store(bare, NVIC_IPR, 0x90); /* lower than SVC: waits for its end */
    bare_store(bare, NVIC_ISPR, 1);
    bare_until(bare, bare_handler(16));
    assert_int_equal(reg(CPU_LR), 0xffffffe9);
    set(0, 0x333);
    bare_until(bare, pc + 2);
    assert_int_equal(reg(CPU_S0), s0);
}

/* Lazy stacking that fails: a fault at the FP instruction in the handler. */
static void lazy_stacking_faults(void **state)
{
    (void)state;
    open_fpu();
    bare_store(bare, SHCSR, SHCSR_BUS | SHCSR_MEM | SHCSR_USAGE);
    bare_store(bare, 0xe000ed1c, 0x80000000);
    execute(VADD_S0_S1_S2);
    svc_and_back();
    bare_store(bare, FPCAR, 0x30000000);
    uint32_t pc = reg(CPU_PC);
    bare->at = pc;
    bare_code(bare, VADD_S0_S1_S2);
    bare_until(bare, bare_handler(5));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 13);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), pc);
    /* and return with an extended frame when the FPU has been switched off */
    bare_start(bare);
    open_fpu();
    bare_store(bare, CFSR, 0xffffffff);
    bare_store(bare, SHCSR, SHCSR_USAGE);
    bare_store(bare, 0xe000ed1c, 0x80000000);
    bare_store(bare, FPCCR, 0x80000000);
    execute(VADD_S0_S1_S2);
    svc_and_back();
    bare_store(bare, CPACR, 0);
    bare->at = reg(CPU_PC);
    bare_code(bare, BX(14));
    bare_until(bare, bare_handler(6));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 19);
}

/* Puts the frame that waits for its FP state at an address where nothing is, and an FP instruction next. */
static void lose_frame(void)
{
    uint32_t pc = reg(CPU_PC);
    bare_store(bare, FPCAR, 0x30000000);
    bare->at = pc;
    bare_code(bare, VADD_S0_S1_S2, NOP);
    set(CPU_PC, pc);
}

/* The fault handler may give the frame a place: the instruction comes again, and the state is stored then. */
static void lazy_stacking_is_tried_again(void **state)
{
    (void)state;
    open_fpu();
    bare_store(bare, SHCSR, SHCSR_BUS);
    bare_store(bare, 0xe000ed1c, 0x80000000);
    execute(VADD_S0_S1_S2);
    uint32_t s0 = reg(CPU_S0);
    svc_and_back();
    uint32_t fpcar = bare_ppb(bare, FPCAR), pc = reg(CPU_PC);
    bare_word(bare, fpcar, 0);
    lose_frame();
    bare_until(bare, bare_handler(5));
    assert_int_equal(bare_ppb(bare, FPCCR) & 1, 1);
    bare_store(bare, FPCAR, fpcar);
    bare->at = reg(CPU_PC);
    bare_code(bare, BX(14));
    bare_until(bare, pc + 4);
    assert_int_equal(bare_ppb(bare, FPCCR) & 1, 0);
    assert_int_equal(bare_read(bare, fpcar), s0);
}

/* FPCCR's RDY bits: what the owner of the frame could have made pending is pending, also where it has to
 * wait; what it could not is a HardFault. */
static void lazy_stacking_faults_by_its_owner(void **state)
{
    static const struct {
        uint32_t enabled, bus_priority, svc_priority;
        unsigned taken;
    } row[] = {
        {SHCSR_BUS, 0x40, 0x80, 5}, /* taken at once */
        {SHCSR_BUS, 0x80, 0x40, 0}, /* behind the handler */
        {0, 0x40, 0x80, 3},
    };
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        bare_start(bare);
        open_fpu();
        bare_store(bare, SHCSR, row[i].enabled);
        bare_store(bare, 0xe000ed18, row[i].bus_priority << 8);
        bare_store(bare, 0xe000ed1c, row[i].svc_priority << 24);
        execute(VADD_S0_S1_S2);
        svc_and_back();
        assert_int_equal(bare_ppb(bare, FPCCR) >> 6 & 1, row[i].enabled != 0); /* BFRDY */
        lose_frame();
        bare_until(bare, row[i].taken != 0 ? bare_handler(row[i].taken) : reg(CPU_PC) + 4);
        assert_int_equal(bare_ppb(bare, CFSR), 1 << 13);
        assert_int_equal(bare_ppb(bare, HFSR), row[i].taken == 3 ? 1u << 30 : 0);
        assert_int_equal(bare_ppb(bare, FPCCR) & 1, row[i].taken != 0);
        if (row[i].taken == 0) {
            bare->at = reg(CPU_PC);
            bare_code(bare, BX(14));
            bare_until(bare, bare_handler(5));
        }
    }
    /* in HardFault's handler it waits, too, and is no lock-up */
    bare_start(bare);
    open_fpu();
    execute(VADD_S0_S1_S2);
    bare->at = reg(CPU_PC);
    bare_code(bare, UDF);
    bare_until(bare, bare_handler(3));
    lose_frame();
    bare_until(bare, reg(CPU_PC) + 4);
    assert_int_equal(ipsr(), 3);
    bare->at = reg(CPU_PC);
    bare_code(bare, BX(14));
    bare_until(bare, bare_handler(3));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 13 | 1 << 16);
}

/* What the FPU does not have is no FP instruction: the frame is as it would be without. */
static void undefined_leaves_the_state(void **state)
{
    (void)state;
    for (unsigned on = 0; on < 2; on++) {
        bare_start(bare);
        bare_store(bare, SHCSR, SHCSR_USAGE);
        bare_store(bare, CPACR, on ? 0xf << 20 : 0);
        bare->at = reg(CPU_PC);
        bare_code(bare, 0xee300b01 /* vadd.f64 d0, d0, d1 */, NOP);
        bare_until(bare, bare_handler(6));
        assert_int_equal(bare_ppb(bare, CFSR), on ? 1 << 16 : 1 << 19);
        assert_int_equal(reg(CPU_LR), 0xfffffff9);
    }
    /* in a handler the frame that waits is left alone */
    bare_start(bare);
    open_fpu();
    bare_store(bare, SHCSR, SHCSR_USAGE);
    bare_store(bare, 0xe000ed1c, 0x80000000);
    execute(VADD_S0_S1_S2);
    svc_and_back();
    bare->at = reg(CPU_PC);
    bare_code(bare, 0xee300b01, NOP);
    bare_until(bare, bare_handler(6));
    assert_int_equal(bare_ppb(bare, FPCCR) & 1, 1);
    assert_int_equal(reg(CPU_LR), 0xfffffff1);
}

/* From fixed point the result is rounded to nearest whatever FPSCR says; to fixed point toward zero
 * (A7.7.227). 0x8a27f9b0 / 2^16 lies nearer to 0x8a27fa00 / 2^16. */
static void fixed_point_rounds_by_itself(void **state)
{
    (void)state;
    open_fpu();
    execute(VMOV_S0_R0);
    for (unsigned mode = 0; mode < 4; mode++) {
        set(CPU_FPSCR, mode << 22);
        set(CPU_S0, 0x8a27f9b0);
        execute(0xeebb0ac8); /* vcvt.f32.u32 s0, s0, #16 */
        assert_int_equal(reg(CPU_S0), 0x470a27fa);
        assert_int_equal(reg(CPU_FPSCR), mode << 22 | 0x10);
        set(CPU_S0, 0x3fffffff); /* 1.9999999 */
        execute(0xeebf0ac0);     /* vcvt.u32.f32 s0, s0, #32 */
        assert_int_equal(reg(CPU_S0), 0xffffffff);
        set(CPU_S0, 0xbfffffff); /* -1.9999999 */
        execute(0xeebe0ae0);     /* vcvt.s32.f32 s0, s0, #31: saturates */
        assert_int_equal(reg(CPU_S0), 0x80000000);
    }
    /* while VCVT from an integer obeys RMode */
    static const uint32_t want[] = {0x4f000000, 0x4f000000, 0x4effffff, 0x4effffff};
    for (unsigned mode = 0; mode < 4; mode++) {
        set(CPU_FPSCR, mode << 22);
        set(CPU_S0, 0x7fffffff);
        execute(0xeeb80ac0); /* vcvt.f32.s32 s0, s0 */
        assert_int_equal(reg(CPU_S0), want[mode]);
    }
}

/* SMLAD adds the two products and the accumulator exactly: Q is set only if the sum does not fit
 * (A7.7.150). */
static void dual_multiply_sum_is_exact(void **state)
{
    (void)state;
    set(1, 0x80008000);
    set(2, 0x80000000);
    execute(0xfb212001); /* smlad r0, r1, r1, r2: 2^30 + 2^30 - 2^31 */
    assert_int_equal(reg(0), 0);
    assert_int_equal(reg(CPU_XPSR) & 1 << 27, 0);
    set(2, 0);
    execute(0xfb212001);
    assert_int_equal(reg(0), 0x80000000);
    assert_int_equal(reg(CPU_XPSR) & 1 << 27, 1 << 27);
}

/* The host's arithmetic is used where it cannot differ: both ways must give the same. */
static void fast_and_slow_arithmetic_agree(void **state)
{
    static const uint32_t code[] = {VADD_S0_S1_S2, 0xee300ac1 /* vsub */, 0xee200a81 /* vmul */,
                                    0xee800a81 /* vdiv */};
    uint32_t seed = 1;
    (void)state;
    open_fpu();
    execute(VMOV_S0_R0);
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t a = seed = seed * 1664525 + 1013904223, b = seed = seed * 1664525 + 1013904223, slow;
        if (i & 1)
            b = (a & 0xff800000) | (b & 0x7fffff); /* same exponent */
        set(CPU_PC, BARE_FLASH + 0x200);
        set(CPU_FPSCR, 0); /* IXC clear: slow */
        set(CPU_S0 + 1, a);
        set(CPU_S0 + 2, b);
        execute(code[i % 4]);
        slow = reg(CPU_S0);
        set(CPU_PC, BARE_FLASH + 0x200);
        set(CPU_FPSCR, 0x10);
        execute(code[i % 4]);
        assert_int_equal(reg(CPU_S0), slow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lazy_stacking),
        TEST(eager_stacking),
        TEST(nested_floating_point),
        TEST(lazy_stacking_faults),
        TEST(lazy_stacking_is_tried_again),
        TEST(undefined_leaves_the_state),
        TEST(lazy_stacking_faults_by_its_owner),
        TEST(fixed_point_rounds_by_itself),
        TEST(dual_multiply_sum_is_exact),
        TEST(fast_and_slow_arithmetic_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
