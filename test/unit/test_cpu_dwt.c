/* Data watchpoint and trace (DDI 0403E C1.8): what the comparators match, and the counters. */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define DWT_CTRL    0xe0001000u
#define CYCCNT      0xe0001004u
#define CPICNT      0xe0001008u
#define EXCCNT      0xe000100cu
#define SLEEPCNT    0xe0001010u
#define LSUCNT      0xe0001014u
#define FOLDCNT     0xe0001018u
#define PCSR        0xe000101cu
#define COMP(n)     (0xe0001020u + 16 * (n))
#define MASK(n)     (0xe0001024u + 16 * (n))
#define FUNCTION(n) (0xe0001028u + 16 * (n))
enum { MON_EN = 1 << 16, TRCENA = 1 << 24, MATCHED = 1 << 24, CYCMATCH = 1 << 7, DATAVMATCH = 1 << 8 };
enum { DEBUG = 12, HERE_IS = BARE_FLASH + 0x400 };

#define PROGRAM(...)                                                                                         \
    do {                                                                                                     \
        bare->at = reg(CPU_PC);                                                                              \
        bare_code(bare, __VA_ARGS__);                                                                        \
    } while (0)

/* Without an instruction that a comparator might see. */
static void poke(uint32_t addr, uint32_t value)
{
    assert_true(cpu_ppb_poke(bare->cpu, addr, 4, value));
}

static bool matched(unsigned n)
{
    return bare_load(bare, FUNCTION(n)) & MATCHED;
}

static void comparator(unsigned n, uint32_t comp, uint32_t mask, uint32_t function)
{
    poke(FUNCTION(n), 0);
    poke(COMP(n), comp);
    poke(MASK(n), mask);
    poke(FUNCTION(n), function);
    (void)matched(n);
}

static int start(void **state)
{
    (void)bare_setup(state);
    bare->at = bare_handler(DEBUG);
    bare_code(bare, BX(14));
    poke(DEMCR, TRCENA | MON_EN);
    poke(CPACR, 0xf << 20);
    return 0;
}

/* Executes it with r1 as given; whether the monitor comes behind it. */
static bool fires(uint32_t instruction, uint32_t r1)
{
    uint32_t behind = HERE_IS + (instruction >> 16 ? 4 : 2);
    set(CPU_PC, HERE_IS);
    set(1, r1);
    PROGRAM(instruction, NOP, NOP);
    bare_steps(bare, 2);
    if ((reg(CPU_XPSR) & 0x1ff) != DEBUG) {
        assert_int_equal(reg(CPU_PC), behind + 2);
        return false;
    }
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), behind);
    bare_steps(bare, 1);
    assert_int_equal(reg(CPU_PC), behind);
    return true;
}

static void registers(void **state)
{
    static const struct {
        uint32_t addr, holds;
    } rows[] = {
        {COMP(0), 0xffffffff},
        {MASK(0), 0xf},
        {FUNCTION(0), 0x000000af},
        {COMP(1), 0xffffffff},
        {FUNCTION(1), 0x000fff2f},
        {MASK(3), 0xf},
        {FUNCTION(2), 0x0000002f},
        {FUNCTION(3), 0x0000002f},
        {0xe000102c, 0},
        {0xe000105c, 0},
        {0xe0001060, 0},
        {DWT_CTRL, 0x407f1fff},
        {EXCCNT, 0xff},
        {CYCCNT, ~0u},
    };
    (void)state;
    poke(DEMCR, 0);                                       /* nothing counts */
    assert_int_equal(bare_ppb(bare, FUNCTION(1)), 0x200); /* LNK1ENA */
    assert_int_equal(bare_ppb(bare, DWT_CTRL), 0x40000000);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t fixed = rows[i].addr == FUNCTION(1) ? 0x200 : rows[i].addr == DWT_CTRL ? 0x40000000 : 0;
        poke(rows[i].addr, 0xffffffff);
        if (bare_ppb(bare, rows[i].addr) != (rows[i].holds | fixed))
            fail_msg("%08x holds %08x", (unsigned)rows[i].addr, (unsigned)bare_ppb(bare, rows[i].addr));
        poke(rows[i].addr, 0);
        assert_int_equal(bare_ppb(bare, rows[i].addr), fixed);
    }
    poke(COMP(2), 0x12345678);
    assert_true(cpu_ppb_poke(bare->cpu, COMP(2) + 1, 1, 0xab));
    assert_int_equal(bare_ppb(bare, COMP(2)), 0x1234ab78);
}

static void matched_flag(void **state)
{
    (void)state;
    const uint32_t at = BARE_RAM + 0x800;
    comparator(3, at, 2, 5);
    assert_true(fires(LDR(0, 1), at));
    assert_int_equal(bare_ppb(bare, FUNCTION(3)), 5 | MATCHED); /* a debugger's look changes nothing */
    poke(FUNCTION(3), 5);
    assert_int_equal(bare_ppb(bare, FUNCTION(3)), 5 | MATCHED); /* nor does a write */
    assert_true(matched(3));
    assert_false(matched(3));
    /* Trace and ETM triggers raise no event. */
    static const uint8_t loads[] = {1, 2, 3, 9, 11, 12, 14}, stores[] = {1, 2, 3, 10, 11, 13, 15};
    for (unsigned f = 0; f < 16; f++) {
        bool load = f == 5 || f == 7, store = f == 6 || f == 7;
        for (unsigned i = 0; i < sizeof loads; i++) {
            load = load || loads[i] == f;
            store = store || stores[i] == f;
        }
        comparator(3, at, 2, f);
        assert_int_equal(fires(LDR(0, 1), at), f == 5 || f == 7);
        assert_int_equal(matched(3), load);
        assert_int_equal(fires(STR(0, 1), at), f == 6 || f == 7);
        assert_int_equal(matched(3), store);
    }
    comparator(3, at, 2, 7);
    poke(DEMCR, MON_EN); /* without TRCENA there is no DWT */
    assert_false(fires(LDR(0, 1), at));
    poke(DEMCR, MON_EN | TRCENA);
    assert_true(fires(LDR(0, 1), at));
}

static void accesses(void **state)
{
    (void)state;
    const uint32_t at = BARE_RAM + 0x810;
    bare_mpu_ram(bare);
    for (unsigned mpu = 0; mpu < 2; mpu++) {
        poke(0xe000ed94, mpu ? 5 : 0);
        for (unsigned i = 0; i < BARE_MEMORY_OPS; i++)
            for (unsigned f = 5; f <= 7; f++) {
                uint32_t ins = bare_memory_ops[i].instruction;
                bool due = f == 7 || (f == 6) == bare_memory_ops[i].store;
                comparator(i & 3, at, 2, f);
                assert_int_equal(fires(ins, at), due);
                assert_int_equal(fires(ins, at - bare_memory_ops[i].bytes), false);
                assert_int_equal(fires(ins, at + 4), false);
                if (bare_memory_ops[i].bytes > 4) /* the last word of several */
                    assert_int_equal(fires(ins, at - bare_memory_ops[i].bytes + 4), due);
                comparator(i & 3, at, 2, 0);
                assert_int_equal(fires(ins, at), false);
            }
    }
    /* parts of an unaligned access; a peripheral; the private bus */
    comparator(0, at, 0, 7);
    assert_true(fires(LDR(0, 1), at - 3));
    assert_false(fires(LDR(0, 1), at + 1));
    comparator(0, BARE_IO + 8, 2, 6);
    assert_true(fires(STR(0, 1), BARE_IO + 8));
    assert_false(fires(LDR(0, 1), BARE_IO + 8));
    comparator(0, VTOR, 2, 7);
    assert_true(fires(LDR(0, 1), VTOR));
    assert_false(fires(LDR(0, 1), VTOR + 4));
}

static void masks(void **state)
{
    (void)state;
    /* a byte is seen in whatever touches it */
    comparator(1, BARE_RAM + 0x803, 0, 5);
    assert_true(fires(LDR(0, 1), BARE_RAM + 0x800));
    assert_true(fires(0x8808, BARE_RAM + 0x802));
    assert_false(fires(0x8808, BARE_RAM + 0x800));
    assert_true(fires(0x7808, BARE_RAM + 0x803));
    assert_false(fires(0x7808, BARE_RAM + 0x802));
    for (unsigned mask = 0; mask < 16; mask++) {
        uint32_t size = 1u << mask, at = BARE_FLASH + size;
        comparator(1, at, mask, 5);
        assert_true(fires(0x7808, at));
        assert_true(fires(0x7808, at + size - 1));
        assert_false(fires(0x7808, at - 1));
        if (2 * size < BARE_FLASH_SIZE)
            assert_false(fires(0x7808, at + size));
    }
    /* where null pointers lead to: flash, as it is seen at 0 */
    comparator(2, 0, 10, 5);
    assert_true(fires(LDR(0, 1), 0));
    assert_true(fires(LDR(0, 1), 1020));
    assert_false(fires(LDR(0, 1), 1024));
    assert_false(fires(LDR(0, 1), BARE_FLASH));
    /* COMP has to be a multiple of what MASK ignores */
    comparator(2, BARE_RAM + 0x804, 4, 7);
    assert_false(fires(0x7808, BARE_RAM + 0x804));
}

/* The guard below a stack: what an exception entry pushes is seen, and told when its handler allows. */
static void stacking(void **state)
{
    (void)state;
    const uint32_t at = BARE_RAM + 0x800;
    bare->at = bare_handler(11);
    bare_code(bare, NOP, BX(14));
    poke(0xe000ed20, 0x80); /* DebugMonitor is less urgent than SVC */
    comparator(0, at, 5, 6);
    set(CPU_SP, at + 0x60);
    set(CPU_PC, HERE_IS);
    PROGRAM(SVC(0), SVC(0), NOP);
    bare_steps(bare, 4);
    assert_int_equal(reg(CPU_XPSR) & 0x1ff, 0);
    set(CPU_SP, at + 0x3c);
    bare_steps(bare, 2);
    assert_int_equal(reg(CPU_XPSR) & 0x1ff, 11);
    bare_steps(bare, 2);
    assert_int_equal(reg(CPU_XPSR) & 0x1ff, DEBUG);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), HERE_IS + 4);
}

static void instructions(void **state)
{
    (void)state;
    comparator(2, HERE_IS, 0, 4);
    assert_true(fires(MOVS(0, 1), 0));
    assert_int_equal(reg(0), 1); /* it is executed */
    assert_true(fires(0xf1000001, 0));
    assert_true(fires(LDR(0, 1), BARE_RAM));
    comparator(2, HERE_IS + 2, 0, 4);
    assert_false(fires(0xf1000001, 0)); /* not where an instruction begins */
    comparator(2, HERE_IS | 1, 0, 4);
    assert_false(fires(NOP, 0));
    comparator(2, HERE_IS & 0xffff, 0, 4); /* the same bytes elsewhere */
    assert_false(fires(NOP, 0));
    comparator(2, HERE_IS, 0, 8);
    assert_false(fires(NOP, 0));
    assert_true(matched(2));
    /* data at the address is not an instruction, nor the other way round */
    comparator(2, HERE_IS, 2, 7);
    assert_false(fires(NOP, 0));
    assert_true(fires(LDR(0, 1), HERE_IS));
    comparator(2, BARE_FLASH + 0x500, 2, 4);
    assert_false(fires(LDR(0, 1), BARE_FLASH + 0x500));
    /* a range; by a branch, in a loop, in an IT block */
    comparator(2, BARE_FLASH + 0x400, 4, 4);
    set(CPU_PC, BARE_FLASH + 0x3f8);
    PROGRAM(MOVS(0, 3), IT(0, 8), MOVS(5, 1), NOP, 0x3801 /* subs r0, #1 */, 0xd1fd /* bne */, HERE);
    bare->at = bare_handler(DEBUG);
    bare_code(bare, ADDS(6, 1), BX(14));
    set(6, 0);
    set(CPU_PC, BARE_FLASH + 0x3f8);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 400), CPU_RAN);
    assert_in_range(reg(6), 7, 100); /* 3 times two, then the loop at the end */
    assert_int_equal(reg(0), 0);
    /* from RAM */
    bare_start(bare);
    poke(DEMCR, TRCENA | MON_EN);
    set(CPU_PC, BARE_RAM + 0x100);
    comparator(2, BARE_RAM + 0x102, 0, 4);
    PROGRAM(NOP, MOVS(4, 9), NOP);
    set(4, 0);
    bare_steps(bare, 3);
    assert_int_equal(reg(CPU_XPSR) & 0x1ff, DEBUG);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), BARE_RAM + 0x104);
    assert_int_equal(reg(4), 9);
}

/* Comparator 1 with DATAVMATCH: links, and the sizes of values. */
static void values(void **state)
{
    (void)state;
    const uint32_t at = BARE_RAM + 0x800;
    enum { BYTE = 0, HALF = 1 << 10, WORD = 2 << 10, ANYWHERE = 1 << 12 | 1 << 16 };
    comparator(1, 0x00badcaf, 0, DATAVMATCH | WORD | ANYWHERE | 6);
    set(0, 0x00badcaf);
    assert_true(fires(STR(0, 1), at));
    assert_true(fires(STR(0, 1), at + 0x40));
    assert_true(fires(STR(0, 1), BARE_IO));
    assert_true(matched(1));
    assert_false(fires(LDR(2, 1), at));
    assert_false(fires(0x7008 /* strb */, at));
    set(0, 0x00badcae);
    assert_false(fires(STR(0, 1), at));
    assert_false(matched(1));
    /* at an address that comparator 2 gives, which does nothing of its own */
    comparator(2, at, 2, 7);
    comparator(1, 0x00badcaf, 0, DATAVMATCH | WORD | 2 << 12 | 2 << 16 | 5);
    bare_word(bare, at, 0x00badcaf);
    bare_word(bare, at + 4, 0x00badcaf);
    assert_true(fires(LDR(0, 1), at));
    assert_false(fires(LDR(0, 1), at + 4));
    bare_word(bare, at, 0);
    assert_false(fires(LDR(0, 1), at));
    assert_false(matched(2));
    /* two of them */
    comparator(0, at + 0x20, 4, 0);
    comparator(1, 0x77777777, 0, DATAVMATCH | BYTE | 2 << 12 | 0 << 16 | 6);
    set(0, 0x77);
    assert_true(fires(0x7008, at + 3));
    assert_true(fires(0x7008, at + 0x2f));
    assert_false(fires(0x7008, at + 0x30));
    set(0, 0x11227733); /* a part of what is stored */
    assert_true(fires(STR(0, 1), at));
    set(0, 0x11223377);
    assert_true(fires(0x8008, at + 0x24));
    set(0, 0x11220733);
    assert_false(fires(STR(0, 1), at));
    comparator(1, 0xbeefbeef, 0, DATAVMATCH | HALF | 6);
    set(0, 0xbeef0000);
    assert_true(fires(STR(0, 1), at + 0x20));
    set(0, 0x00beef00); /* not where a halfword is */
    assert_false(fires(STR(0, 1), at + 0x20));
    set(0, 0xbeef);
    (void)matched(1);
    assert_true(fires(STR(0, 1), at)); /* both links are comparator 0: 2 is its own again */
    assert_true(matched(2));
    assert_false(matched(1));
    assert_true(fires(0x8008, at + 0x2e));
    /* without DATAVMATCH it is as the others */
    comparator(1, at + 0x40, 2, WORD | 5);
    assert_true(fires(LDR(0, 1), at + 0x40));
}

static void cycles(void **state)
{
    (void)state;
    poke(DWT_CTRL, 1);
    poke(CYCCNT, 0);
    bare->at = bare_handler(DEBUG);
    bare_code(bare, LDR(5, 2), BX(14));
    set(2, CYCCNT);
    set(5, 0);
    set(CPU_PC, HERE_IS);
    PROGRAM(HERE);
    comparator(0, 500, 0, CYCMATCH | 4);
    uint64_t now = cpu_cycles(bare->cpu);
    assert_int_equal(cpu_run(bare->cpu, now + 400), CPU_RAN);
    assert_int_equal(reg(5), 0);
    assert_int_equal(cpu_run(bare->cpu, now + 600), CPU_RAN);
    assert_in_range(reg(5), 500 + 12, 500 + 12 + 3);
    assert_int_equal(bare_ppb(bare, DFSR), 4);
    assert_true(matched(0));
    set(5, 0);
    assert_int_equal(cpu_run(bare->cpu, now + 1200), CPU_RAN); /* once in a round */
    assert_int_equal(reg(5), 0);
    poke(CYCCNT, 490);
    assert_int_equal(cpu_run(bare->cpu, now + 1400), CPU_RAN);
    assert_int_not_equal(reg(5), 0);
    /* an instruction at the address of COMP, or data, is nothing to it */
    comparator(0, HERE_IS, 0, CYCMATCH | 4);
    assert_false(fires(NOP, 0));
    assert_false(fires(LDR(0, 1), HERE_IS));
    /* without an event */
    comparator(0, 500, 0, CYCMATCH | 8);
    poke(CYCCNT, 490);
    poke(DFSR, 7);
    set(CPU_PC, HERE_IS);
    PROGRAM(HERE);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 30), CPU_RAN);
    assert_int_equal(bare_ppb(bare, DFSR), 0);
    assert_true(matched(0));
    /* it wakes, as CYCCNT goes on in Sleep */
    comparator(0, 5000, 0, CYCMATCH | 4);
    poke(CYCCNT, 0);
    now = cpu_cycles(bare->cpu);
    set(CPU_PC, HERE_IS);
    PROGRAM(WFI, HERE);
    assert_int_equal(cpu_run(bare->cpu, now + 10), CPU_SLEEPING);
    assert_in_range(cpu_next_wake(bare->cpu), now + 4998, now + 5002);
    cpu_slept(bare->cpu, cpu_next_wake(bare->cpu) - cpu_cycles(bare->cpu));
    assert_true(cpu_would_wake(bare->cpu));
    /* and stands still without CYCCNT */
    poke(DWT_CTRL, 0);
    assert_true(cpu_next_wake(bare->cpu) == UINT64_MAX);
}

/* The instructions that were executed are the cycles less what the counters tell (C1.8.4). */
static void counters(void **state)
{
    (void)state;
    poke(DEMCR, TRCENA);
    bare->at = bare_handler(11);
    bare_code(bare, BX(14));
    set(CPU_PC, HERE_IS);
    set(1, BARE_RAM);
    PROGRAM(NOP, LDR(0, 1), NOP, 0xfbb0f2f2 /* udiv */, STR(0, 1), SVC(0), 0xe000, NOP, NOP, WFI, NOP);
    poke(DWT_CTRL, 0x1f << 17 | 1);
    uint32_t from = bare_ppb(bare, CYCCNT);
    for (uint32_t a = CPICNT; a <= FOLDCNT; a += 4)
        assert_int_equal(bare_ppb(bare, a), 0);
    uint64_t executed = cpu_instructions(bare->cpu);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 200), CPU_SLEEPING);
    cpu_slept(bare->cpu, 77);
    executed = cpu_instructions(bare->cpu) - executed;
    assert_int_equal(executed, 9); /* the SVC is none */
    uint32_t passed = bare_ppb(bare, CYCCNT) - from;
    assert_int_equal(bare_ppb(bare, EXCCNT), 12 + 10);
    assert_int_equal(bare_ppb(bare, SLEEPCNT), 77);
    assert_int_equal(passed - bare_ppb(bare, CPICNT) - bare_ppb(bare, EXCCNT) - bare_ppb(bare, SLEEPCNT) -
                         bare_ppb(bare, LSUCNT) + bare_ppb(bare, FOLDCNT),
                     executed);
    /* 8 bits; stand still when off; begin anew when on; can be written */
    cpu_slept(bare->cpu, 256);
    assert_int_equal(bare_ppb(bare, SLEEPCNT), 77);
    poke(DWT_CTRL, 1);
    cpu_slept(bare->cpu, 10);
    assert_int_equal(bare_ppb(bare, SLEEPCNT), 77);
    poke(DWT_CTRL, 1 << 19 | 1);
    assert_int_equal(bare_ppb(bare, SLEEPCNT), 0);
    cpu_slept(bare->cpu, 10);
    poke(DEMCR, 0);
    cpu_slept(bare->cpu, 10);
    poke(DEMCR, TRCENA);
    assert_int_equal(bare_ppb(bare, SLEEPCNT), 10);
    poke(SLEEPCNT, 250);
    cpu_slept(bare->cpu, 10);
    assert_int_equal(bare_ppb(bare, SLEEPCNT), 4);
    /* exact inside a run, too */
    bare_start(bare);
    poke(DEMCR, TRCENA);
    poke(DWT_CTRL, 1 << 17);
    set(1, CPICNT);
    PROGRAM(LDR(2, 1), ADDS(4, 0), NOP, 0xe7ff /* b to the next */, NOP, LDR(3, 1), HERE);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 40), CPU_RAN);
    assert_int_equal(reg(3) - reg(2), 2); /* of the load and of the branch */
}

static void samples(void **state)
{
    (void)state;
    set(1, PCSR);
    execute(LDR(0, 1));
    assert_int_equal(reg(0), BARE_FLASH + 0x200);
    poke(DEMCR, 0);
    execute(LDR(0, 1));
    assert_int_equal(reg(0), 0xffffffff);
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, start, bare_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(registers),    RUN(matched_flag), RUN(accesses), RUN(masks),    RUN(stacking),
        RUN(instructions), RUN(values),       RUN(cycles),   RUN(counters), RUN(samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
