/* How an owner drives the processor (cpu.h): limits, stops, breakpoints, watch, snapshots, wait
 * states, and that a run in one go is the same as one in steps. */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fill(uint32_t at, uint32_t half, unsigned n)
{
    bare->at = at;
    while (n-- > 0)
        bare_code(bare, half);
}

/* Never beyond the limit by more than the instruction in progress, never short of it. */
static void limits_are_exact(void **state)
{
    (void)state;
    fill(BARE_FLASH + 0x200, ADDS(0, 1), 64);
    bare_code(bare, 0xe7be); /* b -128+4: back to the first */
    uint64_t t = cpu_cycles(bare->cpu);
    for (unsigned i = 1; i < 500; i++) {
        assert_int_equal(cpu_run(bare->cpu, t + i), CPU_RAN);
        assert_in_range(cpu_cycles(bare->cpu), t + i, t + i + 1); /* the branch takes 2 */
    }
    uint32_t r0 = reg(0);
    assert_int_equal(cpu_run(bare->cpu, t), CPU_RAN); /* past: nothing happens */
    assert_int_equal(reg(0), r0);
    t = cpu_cycles(bare->cpu);
    cpu_run(bare->cpu, t + 66 * 1000);
    assert_int_equal(cpu_cycles(bare->cpu), t + 66 * 1000);
    assert_int_equal(reg(0), r0 + 64 * 1000);
}

static void lower_the_limit(struct bare *b, const struct bare_access *a)
{
    if (a->write)
        cpu_until(b->cpu, cpu_cycles(b->cpu) + a->value);
    else
        cpu_stop(b->cpu);
}

static void stops_from_inside(void **state)
{
    (void)state;
    bare->on_io = lower_the_limit;
    set(1, BARE_IO);
    set(0, 20);
    bare->at = reg(CPU_PC);
    bare_code(bare, NOP, STR(0, 1));
    fill(bare->at, NOP, 100);
    uint64_t t = cpu_cycles(bare->cpu);
    assert_int_equal(cpu_run(bare->cpu, t + 1000), CPU_RAN);
    assert_int_equal(bare->log[0].cycle, t + 1); /* exact inside the call */
    assert_int_equal(cpu_cycles(bare->cpu), t + 1 + 20);
    bare->at = reg(CPU_PC);
    bare_code(bare, LDR(0, 1), NOP);
    uint32_t pc = reg(CPU_PC);
    assert_int_equal(cpu_run(bare->cpu, t + 1000), CPU_STOPPED); /* at the next boundary */
    assert_int_equal(reg(CPU_PC), pc + 2);
    cpu_stop(bare->cpu); /* before running */
    assert_int_equal(cpu_run(bare->cpu, t + 1000), CPU_STOPPED);
    assert_int_equal(reg(CPU_PC), pc + 2);
    assert_int_equal(cpu_run(bare->cpu, t + 60), CPU_RAN);
}

static void raise_irq(struct bare *b, const struct bare_access *a)
{
    (void)a;
    cpu_irq(b->cpu, 0, true);
    cpu_add_cycles(b->cpu, 100); /* the bus was busy */
}

/* An interrupt raised by an access is taken before the next instruction. */
static void interrupt_by_an_access(void **state)
{
    (void)state;
    bare->on_io = raise_irq;
    bare_store(bare, NVIC_ISER, 1);
    set(1, BARE_IO);
    bare->at = reg(CPU_PC);
    bare_code(bare, LDR(0, 1), ADDS(2, 1), ADDS(2, 1));
    uint32_t pc = reg(CPU_PC);
    cpu_break(bare->cpu, bare_handler(16), true);
    uint64_t t = cpu_cycles(bare->cpu);
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_BREAK);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), pc + 2);
    assert_int_equal(reg(2), 0);
    assert_int_equal(cpu_cycles(bare->cpu) - t, 2 + 100 + 12);
}

static void breakpoints(void **state)
{
    (void)state;
    fill(BARE_FLASH + 0x200, ADDS(0, 1), 8);
    bare_code(bare, 0xe7f6); /* b to the first */
    uint32_t a = BARE_FLASH + 0x204, b = BARE_FLASH + 0x20a;
    assert_false(cpu_break(bare->cpu, a, false));
    assert_true(cpu_break(bare->cpu, a, true));
    assert_true(cpu_break(bare->cpu, a, true));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_BREAK);
        assert_int_equal(reg(CPU_PC), a);
        assert_int_equal(reg(0), 2 + 8 * i); /* not executed yet */
        if (i == 1) {                        /* a step from it executes it */
            assert_int_equal(cpu_step(bare->cpu), CPU_RAN);
            assert_int_equal(reg(CPU_PC), a + 2);
        }
    }
    cpu_run(bare->cpu, 0); /* asking again does not go on */
    assert_int_equal(reg(CPU_PC), a);
    assert_true(cpu_break(bare->cpu, b, true));
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_BREAK);
    assert_int_equal(reg(CPU_PC), b);
    assert_true(cpu_break(bare->cpu, a, false));
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_BREAK);
    assert_int_equal(reg(CPU_PC), b);
    assert_true(cpu_break(bare->cpu, b, false));
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 1000), CPU_RAN);
    /* in an IT block, also where the condition fails */
    set(CPU_PC, BARE_FLASH + 0x300);
    bare->at = BARE_FLASH + 0x300;
    bare_code(bare, CMP(0, 0), IT(0, 0xc) /* ite eq */, MOVS(1, 1), MOVS(1, 2), HERE);
    set(0, 0);
    cpu_break(bare->cpu, BARE_FLASH + 0x306, true);
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_BREAK);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x306);
    assert_int_equal(cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 100), CPU_RAN);
    assert_int_equal(reg(1), 1);
    for (unsigned i = 1; i < CPU_BREAKS; i++)
        assert_true(cpu_break(bare->cpu, BARE_FLASH + 0x4000 + 2 * i, true));
    assert_false(cpu_break(bare->cpu, BARE_FLASH + 0x5000, true)); /* the table is full */
}

static void watch_is_told_once(void **state)
{
    (void)state;
    fill(BARE_FLASH + 0x200, NOP, 64);
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 20); /* some of it is decoded already */
    set(CPU_PC, BARE_FLASH + 0x200);
    cpu_arm_watch(bare->cpu, 0, BARE_FLASH + 0x210, BARE_FLASH + 0x220);
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 8);
    assert_int_equal(bare->watched, 0);
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 20);
    assert_int_equal(bare->watched, 1);
    assert_int_equal(bare->watch_pc, BARE_FLASH + 0x210);
    set(CPU_PC, BARE_FLASH + 0x200);
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 30);
    assert_int_equal(bare->watched, 1); /* one shot */
    cpu_arm_watch(bare->cpu, 0, BARE_FLASH + 0x210, BARE_FLASH + 0x220);
    set(CPU_PC, BARE_FLASH + 0x21c); /* entered in the middle */
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 1);
    assert_int_equal(bare->watched, 2);
    assert_int_equal(bare->watch_pc, BARE_FLASH + 0x21c);
}

static void watches_do_not_disturb_each_other(void **state)
{
    (void)state;
    fill(BARE_FLASH + 0x200, NOP, 64);
    cpu_arm_watch(bare->cpu, 0, BARE_FLASH + 0x208, BARE_FLASH + 0x220);
    cpu_arm_watch(bare->cpu, 1, BARE_FLASH + 0x210, BARE_FLASH + 0x210);
    set(CPU_PC, BARE_FLASH + 0x200);
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 6);
    assert_int_equal(bare->watched, 1);
    assert_int_equal(bare->watch_n, 0);
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 20);
    assert_int_equal(bare->watched, 2);
    assert_int_equal(bare->watch_n, 1);
    assert_int_equal(bare->watch_pc, BARE_FLASH + 0x210);
    set(CPU_PC, BARE_FLASH + 0x200);
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 30);
    assert_int_equal(bare->watched, 2);
    cpu_arm_watch(bare->cpu, 0, BARE_FLASH + 0x210, BARE_FLASH + 0x210); /* both at one instruction */
    cpu_arm_watch(bare->cpu, 1, BARE_FLASH + 0x210, BARE_FLASH + 0x210);
    set(CPU_PC, BARE_FLASH + 0x210);
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 3);
    assert_int_equal(bare->watched, 4);
}

/* A program with a bit of everything, for comparing ways to run it. Counts interrupts in r7. */
static void program(void)
{
    bare_store(bare, CPACR, 0xf << 20);
    bare->at = bare_handler(15);
    bare_code(bare, ADDS(7, 1), BX(14));
    bare->at = BARE_FLASH + 0x200;
    bare_code(bare, MOVS(0, 0), 0xf04f5100 /* mov r1, #0x20000000 */, 0xee000a10 /* vmov s0, r0 */);
    bare_code(bare, ADDS(0, 7), 0x2801, IT(0xa, 0x8), 0x3a03 /* subge r2, #3 */, STR(0, 1), LDR(3, 1),
              0xfb002203 /* mla r2, r0, r3, r2 */, 0xb407 /* push {r0-r2} */, 0xbc70 /* pop {r4-r6} */,
              0xee300a00 /* vadd s0, s0, s0 */, 0xee006a90 /* vmov s1, r6 */,
              0xee300a20 /* vadd s0, s0, s1 */, 0xe7ea /* b */);
    bare_store(bare, 0xe000e014, 96);
    bare_store(bare, 0xe000e018, 0);
    bare_store(bare, 0xe000e010, 7);
    set(CPU_PC, BARE_FLASH + 0x200);
}

/* An IT that is folded leaves its instruction no cycle of its own: it is a step all the same. */
static void step_over_a_folded_it(void **state)
{
    (void)state;
    bare->at = reg(CPU_PC);
    bare_code(bare, 0x2801 /* cmp r0, #1 */, 0xbf14 /* ite ne */, 0x2102 /* movne r1, #2 */,
              0x2103 /* moveq */);
    set(0, 0);
    uint32_t pc = reg(CPU_PC);
    uint64_t before = cpu_cycles(bare->cpu), executed = cpu_instructions(bare->cpu);
    for (uint32_t n = 1; n <= 4; n++) {
        assert_int_equal(cpu_step(bare->cpu), CPU_RAN);
        assert_int_equal(reg(CPU_PC), pc + 2 * n);
        assert_int_equal(cpu_instructions(bare->cpu), executed + n);
    }
    assert_int_equal(reg(1), 2);
    assert_int_equal(cpu_cycles(bare->cpu), before + 3);
}

static void one_go_equals_steps(void **state)
{
    struct bare *other = bare, *mine;
    (void)state;
    program();
    mine = bare = bare_new();
    bare_start(bare);
    program();
    uint64_t end = cpu_cycles(mine->cpu) + 20000;
    assert_int_equal(cpu_cycles(other->cpu), cpu_cycles(mine->cpu));
    cpu_run(mine->cpu, end);
    for (uint64_t t = cpu_cycles(other->cpu); t < end; t = cpu_cycles(other->cpu))
        assert_int_equal(cpu_step(other->cpu), CPU_RAN);
    while (cpu_cycles(mine->cpu) < cpu_cycles(other->cpu)) /* the last entry may have been cut in two */
        cpu_step(mine->cpu);
    assert_int_equal(cpu_cycles(mine->cpu), cpu_cycles(other->cpu));
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(cpu_reg(mine->cpu, i), cpu_reg(other->cpu, i));
    assert_memory_equal(mine->ram, other->ram, sizeof mine->ram);
    assert_in_range(cpu_reg(mine->cpu, 7), 190, 210);
    assert_int_equal(cpu_instructions(mine->cpu), cpu_instructions(other->cpu));
    bare_free(other);
}

static void snapshots(void **state)
{
    static uint8_t ram[BARE_RAM_SIZE];
    uint32_t want[64];
    (void)state;
    program();
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 777);
    void *copy = malloc(cpu_sizeof());
    assert_non_null(copy);
    memcpy(copy, bare->cpu, cpu_sizeof());
    memcpy(ram, bare->ram, sizeof ram);
    uint64_t end = cpu_cycles(bare->cpu) + 5000;
    cpu_run(bare->cpu, end);
    for (unsigned i = 0; i < 64; i++)
        want[i] = reg(i);
    for (unsigned k = 0; k < 3; k++) {
        if (k == 1) /* what was changed meanwhile is back, too: regions, breakpoints, the watch */
            cpu_map(bare->cpu, 0, (struct cpu_region){0, 0x1000, bare->ram, true, true, false});
        if (k == 2) {
            cpu_break(bare->cpu, BARE_FLASH + 0x20a, true);
            cpu_arm_watch(bare->cpu, 1, BARE_FLASH, BARE_FLASH + 0x1000);
        }
        cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 100);
        memcpy(bare->cpu, copy, cpu_sizeof());
        memcpy(bare->ram, ram, sizeof ram);
        cpu_code_changed(bare->cpu, BARE_RAM, BARE_RAM_SIZE);
        cpu_restored(bare->cpu);
        bare->watched = 0;
        assert_int_equal(cpu_run(bare->cpu, end), CPU_RAN);
        for (unsigned i = 0; i < 64; i++)
            assert_int_equal(reg(i), want[i]);
        assert_int_equal(bare->watched, 0);
    }
    free(copy);
}

/* The alias at 0 is switched while code runs elsewhere; entries of before are gone. */
static void regions_can_be_switched(void **state)
{
    (void)state;
    bare->at = BARE_FLASH + 0x400;
    bare_code(bare, MOVS(0, 1), BX(7));
    bare->at = BARE_RAM + 0x400;
    bare_code(bare, MOVS(0, 2), BX(7));
    set(7, (BARE_FLASH + 0x300) | 1);
    for (unsigned i = 0; i < 4; i++) {
        set(CPU_PC, 0x400);
        bare_until(bare, BARE_FLASH + 0x300);
        assert_int_equal(reg(0), i & 1 ? 2 : 1);
        if (i & 1)
            cpu_map(bare->cpu, 0, (struct cpu_region){0, BARE_FLASH_SIZE, bare->flash, true, false, false});
        else
            cpu_map(bare->cpu, 0, (struct cpu_region){0, BARE_RAM_SIZE, bare->ram, true, true, false});
    }
}

static void swap_alias(struct bare *b, const struct bare_access *a)
{
    (void)a;
    cpu_map(b->cpu, 0, (struct cpu_region){0, BARE_RAM_SIZE, b->ram, true, true, false});
}

/* Even while it is being executed: the next instruction comes from the new memory. */
static void region_switched_below_itself(void **state)
{
    (void)state;
    bare->on_io = swap_alias;
    bare->at = BARE_FLASH + 0x400;
    bare_code(bare, STR(0, 1), MOVS(2, 1), HERE);
    bare->at = BARE_RAM + 0x400;
    bare_code(bare, NOP, MOVS(2, 2), HERE);
    set(1, BARE_IO);
    set(CPU_PC, 0x400);
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 50);
    assert_int_equal(reg(2), 2);
}

/* With the gate on every line is told, also the second one of an instruction across two. */
static void wait_states(void **state)
{
    (void)state;
    cpu_map(bare->cpu, 1, (struct cpu_region){BARE_FLASH, BARE_FLASH_SIZE, bare->flash, true, false, true});
    cpu_set_fetch_gate(bare->cpu, true);
    fill(BARE_FLASH + 0x200, NOP, 16);
    uint64_t t = cpu_cycles(bare->cpu);
    bare->fetched = 0;
    bare_steps(bare, 16);
    assert_int_equal(bare->fetched, 4);
    assert_int_equal(cpu_cycles(bare->cpu) - t, 16 + 4 * 4);
    bare->at = BARE_FLASH + 0x300;
    bare_code(bare, NOP, 0xf04f0001, 0xf04f0002, 0xf04f0003, NOP); /* 2 4 | 4 straddles nothing, then 4 */
    set(CPU_PC, BARE_FLASH + 0x302);
    bare->fetched = 0;
    bare_steps(bare, 2); /* 0x302-0x305, 0x306-0x309: the second line with the second instruction */
    assert_int_equal(bare->fetched, 2);
    bare->at = BARE_FLASH + 0x400;
    bare_code(bare, 0xe7fe); /* a loop within one line is fetched once */
    set(CPU_PC, BARE_FLASH + 0x400);
    bare->fetched = 0;
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 100);
    assert_int_equal(bare->fetched, 1);
    bare->at = BARE_RAM + 0x400; /* RAM is not gated */
    bare_code(bare, NOP, NOP, NOP, NOP, NOP, NOP);
    set(CPU_PC, BARE_RAM + 0x400);
    bare->fetched = 0;
    bare_steps(bare, 5);
    assert_int_equal(bare->fetched, 0);
    /* the same program under the gate gives the same results */
    uint32_t want[16];
    program();
    cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 3000);
    bare_store(bare, 0xe000e010, 0);
    bare_until(bare, BARE_FLASH + 0x20a);
    for (unsigned i = 0; i < 7; i++)
        want[i] = reg(i);
    uint32_t rounds = want[0] / 7;
    bare_teardown(NULL);
    bare_setup(NULL);
    program();
    bare_store(bare, 0xe000e010, 0);
    set(7, 0);
    for (unsigned i = 0; i <= rounds; i++) {
        bare_steps(bare, i == 0 ? 3 : 1);
        bare_until(bare, BARE_FLASH + 0x20a);
    }
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(reg(i), want[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(limits_are_exact),
        TEST(stops_from_inside),
        TEST(interrupt_by_an_access),
        TEST(breakpoints),
        TEST(watch_is_told_once),
        TEST(watches_do_not_disturb_each_other),
        TEST(step_over_a_folded_it),
        TEST(one_go_equals_steps),
        TEST(snapshots),
        TEST(regions_can_be_switched),
        TEST(region_switched_below_itself),
        TEST(wait_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
