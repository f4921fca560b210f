/* WFI, WFE, SEV, SLEEPONEXIT and SEVONPEND, from the ARMv7-M manual (DDI 0403E B1.5.17-19). */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t ipsr(void)
{
    return reg(CPU_XPSR) & 0x1ff;
}
static enum cpu_exit go(void)
{
    return cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 100000);
}
static void code(const uint32_t *c, size_t n)
{
    bare->at = reg(CPU_PC);
    bare_put(bare, c, n);
}
#define CODE(...)                                                                                            \
    code((const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void returning_handler(unsigned irq)
{
    bare->at = bare_handler(16 + irq);
    bare_code(bare, ADDS(7, 1), BX(14));
    bare_store(bare, NVIC_ISER, 1u << irq);
}

static void wait_for_interrupt(void **state)
{
    static const uint32_t form[] = {WFI, 0xf3af8003};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        bare_start(bare);
        returning_handler(0);
        set(7, 0);
        uint32_t after = reg(CPU_PC) + (i ? 4 : 2);
        CODE(form[i], MOVS(0, 1), HERE);
        uint64_t t = cpu_cycles(bare->cpu);
        assert_int_equal(go(), CPU_SLEEPING);
        assert_in_range(cpu_cycles(bare->cpu) - t, 1, 10); /* asleep, no time passes by itself */
        assert_int_equal(reg(CPU_PC), after);
        assert_false(cpu_would_wake(bare->cpu));
        assert_int_equal(go(), CPU_SLEEPING);
        cpu_irq(bare->cpu, 1, true); /* not enabled */
        cpu_event(bare->cpu);        /* WFI does not look at events */
        assert_false(cpu_would_wake(bare->cpu));
        cpu_irq(bare->cpu, 0, true);
        cpu_irq(bare->cpu, 0, false);
        assert_true(cpu_would_wake(bare->cpu));
        bare_until(bare, bare_handler(16));
        bare_until(bare, after);
        assert_int_equal(reg(7), 1);
        assert_int_equal(go(), CPU_RAN);
        assert_int_equal(reg(0), 1);
    }
    /* PRIMASK does not keep it asleep, but the handler from running; BASEPRI keeps it asleep */
    bare_start(bare);
    returning_handler(0);
    bare_store(bare, NVIC_IPR, 0x40);
    set(7, 0);
    set(CPU_PRIMASK, 1);
    CODE(WFI, CPSIE_I, HERE);
    assert_int_equal(go(), CPU_SLEEPING);
    cpu_irq(bare->cpu, 0, true);
    cpu_irq(bare->cpu, 0, false);
    bare_steps(bare, 1);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x204);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 16);
    bare_until(bare, BARE_FLASH + 0x204);
    set(CPU_PC, BARE_FLASH + 0x200);
    set(CPU_BASEPRI, 0x40);
    assert_int_equal(go(), CPU_SLEEPING);
    cpu_irq(bare->cpu, 0, true);
    assert_int_equal(go(), CPU_SLEEPING);
    set(CPU_BASEPRI, 0);
    assert_true(cpu_would_wake(bare->cpu));
    /* with one pending already it does not sleep at all */
    bare_start(bare);
    returning_handler(0);
    cpu_irq(bare->cpu, 0, false);
    set(CPU_PRIMASK, 1);
    CODE(WFI, HERE);
    bare_store(bare, NVIC_ISPR, 1);
    assert_int_equal(go(), CPU_RAN);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x202);
}

static void wait_for_event(void **state)
{
    static const uint32_t wfe[] = {WFE, 0xf3af8002}, sev[] = {SEV, 0xf3af8004};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        bare_start(bare);
        uint32_t start = reg(CPU_PC), n = i ? 4 : 2;
        CODE(sev[i], wfe[i], wfe[i], HERE);
        assert_int_equal(go(), CPU_SLEEPING); /* the first WFE took the event, the second sleeps */
        assert_int_equal(reg(CPU_PC), start + 3 * n);
        cpu_event(bare->cpu);
        assert_true(cpu_would_wake(bare->cpu));
        assert_int_equal(go(), CPU_RAN);
        set(CPU_PC, start + n); /* waking has used up the event */
        assert_int_equal(go(), CPU_SLEEPING);
    }
    /* an exception wakes it if it is taken; entry and return set the event register */
    bare_start(bare);
    returning_handler(0);
    CODE(WFE, WFE, WFE, HERE);
    assert_int_equal(go(), CPU_SLEEPING);
    cpu_irq(bare->cpu, 0, true);
    cpu_irq(bare->cpu, 0, false);
    assert_int_equal(go(), CPU_SLEEPING); /* the second WFE went through by the event of the return */
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x206);
    /* masked by PRIMASK it does not, unlike WFI */
    bare_start(bare);
    returning_handler(0);
    set(CPU_PRIMASK, 1);
    CODE(WFE, HERE);
    assert_int_equal(go(), CPU_SLEEPING);
    cpu_irq(bare->cpu, 0, true);
    cpu_irq(bare->cpu, 0, false);
    assert_int_equal(go(), CPU_SLEEPING);
    /* SEVONPEND: becoming pending is an event, enabled or not */
    bare_start(bare);
    bare_store(bare, SCR, 1 << 4);
    CODE(WFE, HERE);
    assert_int_equal(go(), CPU_SLEEPING);
    cpu_irq(bare->cpu, 9, true);
    assert_int_equal(go(), CPU_RAN);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x202);
    cpu_irq(bare->cpu, 9, false);
}

static void sleep_on_exit(void **state)
{
    (void)state;
    returning_handler(0);
    returning_handler(1);
    bare_store(bare, SCR, 1 << 1);
    set(7, 0);
    CODE(NOP, HERE);
    bare_store(bare, NVIC_ISPR, 3); /* two: the second is tail-chained, then it sleeps */
    assert_int_equal(go(), CPU_SLEEPING);
    assert_int_equal(reg(7), 2);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x200); /* not one instruction of Thread mode */
    assert_int_equal(ipsr(), 0);
    cpu_irq(bare->cpu, 0, true);
    cpu_irq(bare->cpu, 0, false);
    assert_int_equal(go(), CPU_SLEEPING);
    assert_int_equal(reg(7), 3);
    /* a handler that clears the bit lets Thread mode go on */
    bare->at = bare_handler(16);
    bare_code(bare, STR(1, 0), BX(14));
    set(0, SCR);
    set(1, 0);
    cpu_irq(bare->cpu, 0, true);
    cpu_irq(bare->cpu, 0, false);
    assert_int_equal(go(), CPU_RAN);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x202);
}

/* SysTick goes on in sleep and wakes it; so does the cycle counter. */
static void sys_tick_in_sleep(void **state)
{
    (void)state;
    bare->at = bare_handler(15);
    bare_code(bare, ADDS(7, 1), BX(14));
    bare_store(bare, DEMCR, 1 << 24);
    bare_store(bare, 0xe0001000, 1);
    bare_store(bare, 0xe000e014, 999);
    bare_store(bare, 0xe000e018, 0);
    bare_store(bare, 0xe000e010, 7);
    set(7, 0);
    CODE(WFI, HERE);
    assert_int_equal(go(), CPU_SLEEPING);
    uint64_t now = cpu_cycles(bare->cpu), wake = cpu_next_wake(bare->cpu);
    uint32_t counted = bare_ppb(bare, 0xe0001004);
    assert_in_range(wake - now, 980, 1000);
    cpu_slept(bare->cpu, wake - now - 1);
    assert_false(cpu_would_wake(bare->cpu));
    cpu_slept(bare->cpu, 1);
    assert_true(cpu_would_wake(bare->cpu));
    assert_int_equal(cpu_cycles(bare->cpu), wake);
    assert_int_equal(bare_ppb(bare, 0xe0001004), counted + (uint32_t)(wake - now));
    bare_until(bare, bare_handler(15));
    bare_until(bare, BARE_FLASH + 0x202);
    assert_int_equal(reg(7), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wait_for_interrupt),
        TEST(wait_for_event),
        TEST(sleep_on_exit),
        TEST(sys_tick_in_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
