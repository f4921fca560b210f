/* Firewall: segments, call gate, prearm flag, what is a violation and what is not. RM0394 "Firewall (FW)". */
#include "rig.h"

#include "cpu/cpu.h"

#define FW      0x40011C00u
#define SYSCFG  0x40010000u
#define SEGMENT 0x08001000u /* code, 256 bytes */
#define SECRET  0x08001800u /* non-volatile data */
#define SAFE    0x20001000u /* volatile data, 64 bytes */
#define PUBLIC  0x10000400u /* where ordinary code is, in SRAM2 */
enum { CSSA = 0, CSL = 4, NVDSSA = 8, NVDSL = 12, VDSSA = 16, VDSL = 20, CR = 32 };
enum { FPA = 1, VDS = 2, VDE = 4 };

/* In the segment: r4 = [r0], [r1] = r4, FW_CR = r2 if r3 is not 0, and back. */
static const uint16_t protected_code[] = {
    0xBF00, 0xBF00, /* word 0: never executed */
    0xBF00, 0xBF00, /* words 1 and 2: the call gate */
    0xBF00, 0xBF00, /* */
    0x6804,         /* ldr r4, [r0] */
    0x600C,         /* str r4, [r1] */
    0xB103,         /* cbz r3, over the store */
    0x601A,         /* str r2, [r3] */
    0x4770,         /* bx lr */
};
/* blx r5; then r6 = 1, and stay */
static const uint16_t caller[] = {0x47A8, 0x2601, 0xE7FE};

static uint32_t secret = 0x5EC3E7;

static int on(void **state)
{
    rig_on_awake(state);
    clock_on(0x60, 0);
    clock_on(0x60, 7);
    chip_poke(rig, SEGMENT, protected_code, sizeof protected_code);
    chip_poke(rig, SECRET, &secret, 4);
    chip_poke(rig, PUBLIC, caller, sizeof caller);
    return 0;
}

static void enable(uint32_t cr)
{
    wr(FW + CSSA, SEGMENT & 0xFFFFFF);
    wr(FW + CSL, 0x100);
    wr(FW + NVDSSA, SECRET & 0xFFFFFF);
    wr(FW + NVDSL, 0x100);
    wr(FW + VDSSA, SAFE & 0xFFFF);
    wr(FW + VDSL, 0x40);
    wr(FW + CR, cr);
    wr(SYSCFG + 4, rd(SYSCFG + 4) & ~1u);
    wr(FW + CSL, 0); /* fixed now */
    assert_int_equal(rd(FW + CSL), 0x100);
}

/* Calls `entry` and tells whether the firewall let that pass. */
static bool call(uint32_t entry, uint32_t from, uint32_t to, uint32_t cr)
{
    struct cpu *cpu = chip_cpu(rig);

    told.n = 0;
    cpu_set_reg(cpu, 0, from);
    cpu_set_reg(cpu, 1, to);
    cpu_set_reg(cpu, 2, cr);
    cpu_set_reg(cpu, 3, cr ? FW + CR : 0);
    cpu_set_reg(cpu, 5, entry | 1);
    cpu_set_reg(cpu, 6, 0);
    cpu_set_reg(cpu, 15, PUBLIC);
    run_us(15);
    if (told_count("reset")) {
        assert_int_equal(told_last("reset")->a, RESET_FIREWALL);
        run_us(100);
        assert_int_equal(rd(0x40021094) >> 24 & 1, 1); /* FWRSTF */
        assert_int_equal(rd(SYSCFG + 4), 0);           /* not clocked: all is as after a reset */
        return false;
    }
    assert_int_equal(cpu_reg(cpu, 6), 1);
    return true;
}

/* Enabled anew in a chip as after a reset. */
static void again(void **state, uint32_t cr)
{
    rig_off(state);
    on(state);
    enable(cr);
}

static void call_gate(void **state)
{
    enable(0);
    assert_true(call(SEGMENT + 4, SECRET, SAFE, FPA));
    assert_true(call(SEGMENT + 4, SAFE, 0x20000000, FPA)); /* what it left is still there */
    assert_int_equal(rd(0x20000000), secret);
    assert_true(call(SEGMENT + 4, SEGMENT, SAFE, FPA)); /* constants in its own code */
    again(state, 0);
    assert_false(call(SEGMENT + 4, SECRET, SAFE, 0)); /* left without FPA */
    again(state, 0);
    assert_false(call(SEGMENT, SECRET, SAFE, FPA)); /* the first word is closed */
    again(state, 0);
    assert_false(call(SEGMENT + 8, SECRET, SAFE, FPA)); /* the third is no entry */
    again(state, 0);
    assert_false(call(SEGMENT + 12, SECRET, SAFE, FPA));
    again(state, 0);
    assert_false(call(SECRET, SECRET, SAFE, FPA)); /* data is not executed */
    again(state, 0);
    assert_true(call(SEGMENT + 4, SECRET, SAFE, FPA));
    assert_false(call(SEGMENT + 12, SECRET, SAFE, FPA)); /* closed behind the first call */
}

/* The second word jumps over the third: the gate stays closed. */
static void gate_is_not_left(void **state)
{
    const uint16_t jump = 0xE003; /* b to SEGMENT + 14 */

    (void)state;
    chip_poke(rig, SEGMENT + 4, &jump, 2);
    enable(0);
    assert_false(call(SEGMENT + 4, SECRET, SAFE, FPA));
}

/* Reading and writing from outside, by the processor. */
static void data_from_outside(void **state)
{
    static const struct {
        uint32_t addr, cr;
        bool write, allowed;
    } rows[] = {
        {SEGMENT, 0, false, false},     {SEGMENT + 0xFC, 0, false, false},
        {SEGMENT + 4, 0, false, false}, {SEGMENT + 0x100, 0, false, true},
        {SEGMENT - 4, 0, false, true},  {SECRET, 0, false, false},
        {SAFE, 0, false, false},        {SAFE, 0, true, false},
        {SAFE + 0x3C, 0, true, false},  {SAFE + 0x40, 0, true, true},
        {SAFE - 4, 0, true, true},      {SAFE, VDS, false, true},
        {SAFE, VDS, true, true},        {FW + CR, 0, false, false},
        {FW + CR, 0, true, false},      {0x20000000, 0, true, true},
        {SECRET, 0, true, false},
    };
    static const uint16_t access[2][3] = {{0x6804, 0x2601, 0xE7FE}, {0x6004, 0x2601, 0xE7FE}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cpu *cpu = chip_cpu(rig);
        enable(rows[i].cr);
        chip_poke(rig, PUBLIC, access[rows[i].write], sizeof access[0]);
        cpu_set_reg(cpu, 0, rows[i].addr);
        cpu_set_reg(cpu, 4, 0xBAD);
        cpu_set_reg(cpu, 15, PUBLIC);
        told.n = 0;
        run_us(10);
        if (!told_count("reset") != rows[i].allowed)
            fail_msg("row %zu", i);
        if (rows[i].addr == SECRET && !rows[i].write)
            assert_int_not_equal(cpu_reg(cpu, 4), secret);
        rig_off(state);
        on(state);
    }
}

/* Without a non-volatile segment FW_CR is not protected. */
static void control_from_outside(void **state)
{
    (void)state;
    wr(FW + VDSSA, SAFE & 0xFFFF);
    wr(FW + VDSL, 0x40);
    wr(FW + CR, FPA | VDE);
    wr(SYSCFG + 4, rd(SYSCFG + 4) & ~1u);
    told.n = 0;
    wr(FW + CR, rd(FW + CR) & ~(uint32_t)FPA);
    assert_int_equal(rd(FW + CR), VDE);
    run_us(10);
    assert_int_equal(told_count("reset"), 0);
    rd(SAFE); /* the other segment is */
    run_us(10);
    assert_int_equal(told_count("reset"), 1);
}

static uint32_t rd_by_dma(uint32_t addr)
{
    uint32_t value = 0;
    assert_true(chip_bus_read(rig, addr, 4, &value));
    return value;
}

/* Another master than the processor: never allowed, the shared segment apart. */
static void dma(void **state)
{
    enable(VDS);
    assert_true(chip_bus_write(rig, SAFE, 4, 1));
    run_us(1);
    assert_int_equal(told_count("reset"), 0);
    assert_int_equal(rd_by_dma(SECRET), 0);
    run_us(100);
    assert_int_equal(told_count("reset"), 1);
    assert_int_equal(told_last("reset")->a, RESET_FIREWALL);
    again(state, 0);
    assert_true(chip_bus_write(rig, SAFE, 4, 1));
    run_us(100);
    assert_int_equal(told_count("reset"), 1);
    /* nor while protected code runs */
    const uint16_t loop = 0xE7FE;
    rig_off(state);
    on(state);
    chip_poke(rig, SEGMENT + 12, &loop, 2);
    enable(0);
    cpu_set_reg(chip_cpu(rig), 5, (SEGMENT + 4) | 1);
    cpu_set_reg(chip_cpu(rig), 15, PUBLIC);
    run_us(20);
    assert_int_equal(told_count("reset"), 0);
    assert_int_equal(rd_by_dma(SECRET), 0);
    run_us(100);
    assert_int_equal(told_count("reset"), 1);
}

/* Code in the volatile segment needs VDE, and has a call gate of its own. */
static void volatile_code(void **state)
{
    for (unsigned vde = 0; vde < 2; vde++) {
        chip_poke(rig, SAFE, protected_code, sizeof protected_code);
        enable(vde ? VDE : 0);
        assert_int_equal(call(SAFE + 4, SECRET, SAFE + 0x30, FPA | VDE), vde);
        rig_off(state);
        on(state);
    }
    chip_poke(rig, SAFE, protected_code, sizeof protected_code);
    enable(VDS); /* shared: plain memory, and so no way in */
    assert_true(call(SAFE + 4, 0x20000000, 0x20000004, 0));
    assert_false(call(SAFE + 4, SECRET, 0x20000004, 0));
}

/* An interrupt in protected code leaves it: without FPA that ends in a reset. */
static void interrupted(void **state)
{
    const uint16_t loop = 0xE7FE, handler[] = {0xE7FE};
    const uint32_t vector = 0x10000601;

    (void)state;
    chip_poke(rig, SEGMENT + 12, &loop, 2);
    chip_poke(rig, 0x10000600, handler, sizeof handler);
    chip_poke(rig, 0x20000000 + 60, &vector, 4); /* SysTick */
    assert_true(chip_debug_write(rig, 0xE000ED08, 4, 0x20000000));
    enable(0);
    cpu_set_reg(chip_cpu(rig), 13, 0x20008000);
    assert_true(chip_debug_write(rig, 0xE000E014, 4, 200));
    assert_true(chip_debug_write(rig, 0xE000E018, 4, 0));
    assert_true(chip_debug_write(rig, 0xE000E010, 4, 7));
    told.n = 0;
    cpu_set_reg(chip_cpu(rig), 5, (SEGMENT + 4) | 1);
    cpu_set_reg(chip_cpu(rig), 15, PUBLIC);
    run_us(20);
    assert_int_equal(told_count("reset"), 0); /* in the segment it may stay */
    run_us(80);
    assert_int_equal(told_count("reset"), 1);
    assert_int_equal(told_last("reset")->a, RESET_FIREWALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(call_gate, on, rig_off),
        cmocka_unit_test_setup_teardown(gate_is_not_left, on, rig_off),
        cmocka_unit_test_setup_teardown(data_from_outside, on, rig_off),
        cmocka_unit_test_setup_teardown(control_from_outside, on, rig_off),
        cmocka_unit_test_setup_teardown(dma, on, rig_off),
        cmocka_unit_test_setup_teardown(volatile_code, on, rig_off),
        cmocka_unit_test_setup_teardown(interrupted, on, rig_off),
    };

    return cmocka_run_group_tests_name("firewall", tests, NULL, NULL);
}
