/* Exception entry and return, priorities and the NVIC, from the ARMv7-M manual (DDI 0403E B1.5, B3.4)
 * and the Cortex-M4 TRM (3.9: latencies, tail-chaining, late arrival). */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t ipsr(void)
{
    return reg(CPU_XPSR) & 0x1ff;
}

static void enable(unsigned irq, uint8_t prio)
{
    uint32_t word = NVIC_IPR + (irq & ~3u), shift = 8 * (irq & 3), old = bare_ppb(bare, word);
    bare_store(bare, word, (old & ~(0xffu << shift)) | (uint32_t)prio << shift);
    bare_store(bare, NVIC_ISER + irq / 32 * 4, 1u << irq % 32);
}

static void pulse(unsigned irq)
{
    cpu_irq(bare->cpu, irq, true);
    cpu_irq(bare->cpu, irq, false);
}

/* Every handler returns at once, unless it gets other code. */
static void handlers_return(void)
{
    for (unsigned exc = 2; exc < 16 + CPU_IRQS; exc++) {
        bare->at = bare_handler(exc);
        bare_code(bare, NOP, BX(14));
    }
    bare->at = reg(CPU_PC);
}

/* NOPs from here on. */
static void nops(unsigned n)
{
    bare->at = reg(CPU_PC);
    while (n-- > 0)
        bare_code(bare, NOP);
}

static void frame_and_alignment(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 8; v++) {
        bool stkalign = v & 1, odd = v & 2, psp = v & 4;
        bare_start(bare);
        handlers_return();
        bare_store(bare, CCR, stkalign ? 0x200 : 0);
        set(CPU_CONTROL, psp ? 2 : 0);
        uint32_t sp = BARE_RAM + 0x1000 + (odd ? 4 : 0);
        set(CPU_SP, sp);
        for (unsigned i = 0; i < 13; i++)
            set(i, 0x100 + i);
        set(CPU_LR, 0x1234567);
        set(CPU_XPSR, 0x290f0000);
        uint32_t pc = reg(CPU_PC);
        bare->at = pc;
        bare_code(bare, SVC(0), NOP);
        bare_until(bare, bare_handler(11));
        uint32_t frame = (sp - 32) & (stkalign ? ~7u : ~3u);
        assert_int_equal(reg(psp ? CPU_PSP : CPU_MSP), frame);
        assert_int_equal(reg(CPU_SP), reg(CPU_MSP)); /* handlers use MSP */
        assert_int_equal(reg(CPU_LR), psp ? 0xfffffffd : 0xfffffff9);
        assert_int_equal(reg(CPU_CONTROL), 0);
        static const unsigned saved[] = {0, 1, 2, 3, 12};
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(bare_read(bare, frame + 4 * i), 0x100 + saved[i]);
        assert_int_equal(bare_read(bare, frame + 20), 0x1234567);
        assert_int_equal(bare_read(bare, frame + 24), pc + 2);
        assert_int_equal(bare_read(bare, frame + 28), 0x290f0000 | (stkalign && odd ? 1 << 9 : 0));
        for (unsigned i = 0; i < 4; i++)
            set(i, 0);
        set(12, 0);
        bare_until(bare, pc + 2);
        assert_int_equal(reg(CPU_SP), sp);
        assert_int_equal(reg(CPU_CONTROL), psp ? 2 : 0);
        assert_int_equal(reg(CPU_XPSR), 0x290f0000);
        assert_int_equal(reg(CPU_LR), 0x1234567);
        for (unsigned i = 0; i < 13; i++)
            assert_int_equal(reg(i), 0x100 + i);
    }
}

/* Each way to write an EXC_RETURN value to PC returns. */
static void ways_to_return(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 5; way++) {
        bare_start(bare);
        uint32_t pc = reg(CPU_PC), sp = reg(CPU_SP);
        bare->at = pc;
        bare_code(bare, SVC(0), NOP);
        bare->at = bare_handler(11);
        switch (way) {
        case 0: bare_code(bare, BX(14)); break;
        case 1: bare_code(bare, 0xb500 /* push {lr} */, 0xbd00 /* pop {pc} */); break;
        case 2: bare_code(bare, 0xe92d4010 /* push {r4, lr} */, 0xe8bd8010 /* pop.w {r4, pc} */); break;
        case 3:
            bare_code(bare, 0xf84ded04 /* str lr, [sp, #-4]! */, 0xf85dfb04 /* ldr pc, [sp], #4 */);
            break;
        default: bare_code(bare, 0x4670 /* mov r0, lr */, BX(0)); break;
        }
        bare_until(bare, bare_handler(11));
        bare_until(bare, pc + 2);
        assert_int_equal(ipsr(), 0);
        assert_int_equal(reg(CPU_SP), sp);
        assert_int_equal(bare_ppb(bare, SHCSR), 0);
    }
}

/* Interrupted at every instruction of a program with IT blocks, multiple transfers and flags: the
 * result is the same as without. */
static void interrupted_anywhere(void **state)
{
    uint32_t result[16], end = 0;
    (void)state;
    for (unsigned n = 0; n < 40; n++) {
        bare_start(bare);
        handlers_return();
        bare->at = bare_handler(16); /* a handler with an IT block and flags of its own */
        bare_code(bare, 0x2800 /* cmp r0, #0 */, IT(1, 0xc) /* ite ne */, MOVS(1, 1), MOVS(1, 2), CMP(1, 9),
                  BX(14));
        enable(0, 0);
        bare->at = reg(CPU_PC);
        bare_code(bare, MOVS(4, 5), MOVS(5, 0), CMP(4, 5), IT(0, 0x3) /* ittte eq */, ADDS(5, 1), ADDS(5, 2),
                  ADDS(5, 4), ADDS(5, 8), IT(0xa, 0x8) /* it ge */, 0x1b64 /* subs r4, r4, r5 */,
                  0xe92d00ff /* push {r0-r7} */, MOVS(0, 9), 0xe8bd00fe /* pop {r1-r7} */,
                  0xbc01 /* pop {r0} */, IT(0xc, 0x5) /* ittet gt */, ADDS(6, 1), ADDS(6, 2), ADDS(6, 4),
                  ADDS(6, 8), NOP);
        end = bare->at - 2;
        for (unsigned step = 0; reg(CPU_PC) != end; step++) {
            if (n > 0 && step == n - 1)
                pulse(0);
            assert_int_equal(cpu_step(bare->cpu), CPU_RAN);
            assert_in_range(step, 0, 100);
        }
        for (unsigned i = 0; i < 16; i++) {
            if (n == 0)
                result[i] = reg(i);
            else if (result[i] != reg(i))
                fail_msg("interrupted at step %u: r%u is %x, not %x", n, i, (unsigned)reg(i),
                         (unsigned)result[i]);
        }
        assert_int_equal(reg(CPU_XPSR) & 0x0600fdff, 0);
    }
    assert_int_equal(result[5], 0xfffffffe);
    assert_int_equal(result[6], 7 + 1 + 2 + 8);
}

static void priorities(void **state)
{
    (void)state;
    handlers_return();
    enable(0, 0x80);
    enable(1, 0x40);
    enable(2, 0x40);
    enable(3, 0xc0);
    nops(8);
    for (unsigned i = 4; i > 0; i--)
        pulse(i - 1);
    static const unsigned order[] = {17, 18, 16, 19}; /* by priority, then by number */
    for (unsigned i = 0; i < 4; i++) {
        bare_until(bare, bare_handler(order[i]));
        assert_int_equal(ipsr(), order[i]);
    }
    bare_until(bare, BARE_FLASH + 0x200);
    assert_int_equal(ipsr(), 0);
}

static unsigned vect_pending(void)
{
    return bare_ppb(bare, ICSR) >> 12 & 0x1ff;
}

static void preemption_and_masks(void **state)
{
    (void)state;
    handlers_return();
    enable(0, 0x80);
    enable(1, 0x40);
    nops(8);
    pulse(0);
    bare_until(bare, bare_handler(16));
    pulse(1); /* higher: nested */
    bare_steps(bare, 1);
    assert_int_equal(reg(CPU_PC), bare_handler(17));
    assert_int_equal(reg(CPU_LR), 0xfffffff1);
    assert_int_equal(bare_ppb(bare, NVIC_IABR), 3);
    assert_int_equal(bare_ppb(bare, ICSR) & 0xfff, 17); /* not RETTOBASE */
    pulse(0);                                           /* lower: waits, becomes pending while active */
    bare_steps(bare, 1);
    assert_int_equal(reg(CPU_PC), bare_handler(17) + 2);
    assert_int_equal(bare_ppb(bare, NVIC_ISPR), 1);
    assert_int_equal(bare_ppb(bare, ICSR) >> 12 & 0x7ff, 16 | 1 << 10); /* VECTPENDING, ISRPENDING */
    bare_until(bare, bare_handler(16));
    assert_int_equal(bare_ppb(bare, ICSR) & 0xfff, 16 | 1 << 11); /* RETTOBASE */
    bare_until(bare, BARE_FLASH + 0x200);
    /* BASEPRI masks its own priority and lower ones */
    set(CPU_BASEPRI, 0x40);
    pulse(1);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 0);
    assert_int_equal(vect_pending(), 0);
    set(CPU_BASEPRI, 0x50);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 17);
    bare_until(bare, BARE_FLASH + 0x202);
    set(CPU_BASEPRI, 0);
    set(CPU_PRIMASK, 1);
    pulse(1);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 0);
    assert_int_equal(vect_pending(), 17); /* VECTPENDING takes no notice of PRIMASK */
    set(CPU_FAULTMASK, 1);
    assert_int_equal(vect_pending(), 0);
    set(CPU_FAULTMASK, 0);
    cpu_nmi(bare->cpu, true); /* PRIMASK does not mask NMI, FAULTMASK neither */
    set(CPU_FAULTMASK, 1);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 2);
    set(CPU_PRIMASK, 0);
    bare_until(bare, BARE_FLASH + 0x204); /* return from NMI leaves FAULTMASK */
    assert_int_equal(reg(CPU_FAULTMASK), 1);
    set(CPU_FAULTMASK, 0);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 17);
    set(CPU_FAULTMASK, 1); /* return from any other handler clears it */
    bare_until(bare, BARE_FLASH + 0x204);
    assert_int_equal(reg(CPU_FAULTMASK), 0);
}

static void priority_grouping(void **state)
{
    static const struct {
        unsigned group;
        bool nested;
    } row[] = {{0, true}, {3, true}, {4, true}, {5, false}, {6, false}, {7, false}};
    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        bare_start(bare);
        handlers_return();
        bare_store(bare, AIRCR, 0x05fa0000 | row[i].group << 8);
        enable(0, 0xb0);
        enable(1, 0x90); /* differs in bit 5: group priority down to PRIGROUP 4 */
        nops(8);
        pulse(0);
        bare_until(bare, bare_handler(16));
        pulse(1);
        bare_steps(bare, 1);
        assert_int_equal(ipsr(), row[i].nested ? 17 : 16);
        /* subpriority decides which of two comes first */
        bare_until(bare, BARE_FLASH + 0x200);
        set(CPU_PRIMASK, 1);
        pulse(0);
        pulse(1);
        set(CPU_PRIMASK, 0);
        bare_steps(bare, 1);
        assert_int_equal(ipsr(), 17);
    }
}

/* Cycles: 12 to the handler, 6 from one handler to the next without touching the stack, 10 back. */
static void latency_and_tail_chaining(void **state)
{
    (void)state;
    handlers_return();
    enable(0, 0x80);
    enable(1, 0x80);
    nops(8);
    uint64_t t = cpu_cycles(bare->cpu);
    pulse(0);
    bare_until(bare, bare_handler(16));
    assert_int_equal(cpu_cycles(bare->cpu) - t, 12);
    pulse(1);
    uint32_t sp = reg(CPU_SP);
    bare_word(bare, sp, 0x5555); /* would be overwritten by stacking anew */
    bare_steps(bare, 1);         /* NOP */
    t = cpu_cycles(bare->cpu);
    bare_until(bare, bare_handler(17));
    assert_int_equal(cpu_cycles(bare->cpu) - t, 3 + 6); /* BX and the tail-chain */
    assert_int_equal(reg(CPU_SP), sp);
    assert_int_equal(reg(CPU_LR), 0xfffffff9);
    assert_int_equal(bare_ppb(bare, NVIC_IABR), 2);
    bare_steps(bare, 1);
    t = cpu_cycles(bare->cpu);
    bare_until(bare, BARE_FLASH + 0x200);
    assert_int_equal(cpu_cycles(bare->cpu) - t, 3 + 10);
    assert_int_equal(reg(0), 0x5555);
}

/* An interrupt of higher priority that comes while the frame is being stored is served first, with
 * one frame. */
static void late_arrival(void **state)
{
    (void)state;
    handlers_return();
    enable(0, 0x80);
    enable(1, 0x40);
    nops(8);
    uint32_t sp = reg(CPU_SP);
    uint64_t t = cpu_cycles(bare->cpu);
    pulse(0);
    assert_int_equal(cpu_run(bare->cpu, t + 5), CPU_RAN); /* in the middle of stacking */
    assert_int_equal(cpu_cycles(bare->cpu), t + 12);
    pulse(1);
    bare_until(bare, bare_handler(17));
    assert_int_equal(reg(CPU_SP), sp - 32);
    assert_int_equal(reg(CPU_LR), 0xfffffff9);
    assert_int_equal(bare_ppb(bare, NVIC_IABR), 2); /* the first has not begun */
    assert_int_equal(bare_ppb(bare, NVIC_ISPR), 1);
    bare_until(bare, bare_handler(16)); /* tail-chained */
    assert_int_equal(reg(CPU_SP), sp - 32);
    bare_until(bare, BARE_FLASH + 0x200);
    assert_int_equal(reg(CPU_SP), sp);
    /* withdrawn while it was being stacked: the context goes on as if nothing had been */
    pulse(0);
    t = cpu_cycles(bare->cpu);
    cpu_run(bare->cpu, t + 5);
    set(CPU_BASEPRI, 0x80);
    assert_int_equal(cpu_step(bare->cpu), CPU_RAN);
    assert_int_equal(ipsr(), 0);
    assert_int_equal(reg(CPU_SP), sp);
}

static void level_interrupts(void **state)
{
    (void)state;
    handlers_return();
    enable(5, 0);
    nops(8);
    cpu_irq(bare->cpu, 5, true);
    bare_until(bare, bare_handler(21));
    assert_int_equal(bare_ppb(bare, NVIC_ISPR), 0); /* entry clears it, the line is still high */
    bare_store(bare, NVIC_ICPR, 1 << 5);
    bare_steps(bare, 2); /* NOP, BX: pending again, tail-chained */
    bare_until(bare, bare_handler(21));
    cpu_irq(bare->cpu, 5, false);
    bare_until(bare, BARE_FLASH + 0x200);
    assert_int_equal(bare_ppb(bare, NVIC_ISPR), 0);
    /* an edge during the handler makes it pending once more */
    pulse(5);
    bare_until(bare, bare_handler(21));
    pulse(5);
    pulse(5);
    assert_int_equal(bare_ppb(bare, NVIC_ISPR), 1 << 5);
    bare_steps(bare, 2);
    bare_until(bare, bare_handler(21));
    bare_until(bare, BARE_FLASH + 0x200);
    /* clearing has no effect while the line is high */
    bare_store(bare, NVIC_ICER, 1 << 5);
    cpu_irq(bare->cpu, 5, true);
    bare_store(bare, NVIC_ICPR, 1 << 5);
    assert_int_equal(bare_ppb(bare, NVIC_ISPR), 1 << 5);
    cpu_irq(bare->cpu, 5, false);
    assert_int_equal(bare_ppb(bare, NVIC_ISPR), 1 << 5); /* it stays pending */
    bare_store(bare, NVIC_ICPR, 1 << 5);
    assert_int_equal(bare_ppb(bare, NVIC_ISPR), 0);
}

static void nvic_registers(void **state)
{
    (void)state;
    handlers_return();
    nops(8);
    bare_store(bare, NVIC_ISER + 4, 0x80000001);
    bare_store(bare, NVIC_ISER + 4, 0x00000010);
    assert_int_equal(bare_load(bare, NVIC_ISER + 4), 0x80000011);
    assert_int_equal(bare_load(bare, NVIC_ICER + 4), 0x80000011);
    bare_store(bare, NVIC_ICER + 4, 0x00000001);
    assert_int_equal(bare_load(bare, NVIC_ISER + 4), 0x80000010);
    set(CPU_PRIMASK, 1);
    bare_store(bare, NVIC_ISPR + 4, 0x10);
    assert_int_equal(bare_load(bare, NVIC_ICPR + 4), 0x10);
    assert_int_equal(bare_load(bare, ICSR), 52 << 12 | 1 << 22);
    bare_store(bare, 0xe000ef00, 63); /* STIR */
    assert_int_equal(bare_load(bare, NVIC_ISPR + 4), 0x80000010);
    bare_store(bare, NVIC_ICPR + 4, 0x10);
    set(CPU_PRIMASK, 0);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 16 + 63);
    assert_int_equal(bare_ppb(bare, NVIC_IABR + 4), 0x80000000);
    bare_until(bare, BARE_FLASH + 0x200);
    /* unprivileged code may write STIR if CCR.USERSETMPEND says so */
    bare_store(bare, SHCSR, SHCSR_BUS);
    bare_store(bare, CCR, 0x202);
    set(CPU_CONTROL, 1);
    set(0, 0xe000ef00);
    set(1, 63);
    execute(STR(1, 0));
    assert_int_equal(bare->faulted, 0);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 16 + 63);
    bare_store(bare, CCR, 0x200);
    bare_until(bare, BARE_FLASH + 0x202);
    bare->at = reg(CPU_PC);
    bare_code(bare, STR(1, 0));
    bare_until(bare, bare_handler(5));
    /* PendSV and SysTick by ICSR */
    set(CPU_CONTROL, 0);
    bare_store(bare, ICSR, 1 << 28 | 1 << 26);
    assert_int_equal(bare_load(bare, ICSR) & 0xfffff000, 1u << 28 | 1 << 26 | 14 << 12);
    bare_store(bare, ICSR, 1 << 27 | 1 << 25);
    assert_int_equal(bare_load(bare, ICSR) & 0xfffff000, 0);
}

/* PendSV of lowest priority, set in a handler, runs when all handlers are done: the way to switch
 * contexts. */
static void pend_sv_switches_contexts(void **state)
{
    (void)state;
    handlers_return();
    bare_store(bare, 0xe000ed20, 0x00f00000);
    enable(0, 0x40);
    set(CPU_CONTROL, 2);
    set(CPU_SP, BARE_RAM + 0x1000);
    nops(8);
    /* a second context's frame */
    uint32_t other = BARE_RAM + 0x2000;
    for (unsigned i = 0; i < 6; i++)
        bare_word(bare, other + 4 * i, 0x200 + i);
    bare_word(bare, other + 24, BARE_FLASH + 0x300);
    bare_word(bare, other + 28, 0x21000000);
    bare->at = bare_handler(14);
    bare_code(bare, MSR(SYSM_PSP, 4), BX(14));
    set(4, other);
    pulse(0);
    bare_until(bare, bare_handler(16));
    bare_store(bare, ICSR, 1 << 28);
    bare_steps(bare, 1);
    assert_int_equal(ipsr(), 16);
    bare_until(bare, bare_handler(14));
    assert_int_equal(reg(CPU_LR), 0xfffffffd);
    bare_until(bare, BARE_FLASH + 0x300);
    assert_int_equal(reg(CPU_SP), other + 32);
    assert_int_equal(reg(0), 0x200);
    assert_int_equal(reg(CPU_LR), 0x205);
    assert_int_equal(reg(CPU_XPSR), 0x21000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frame_and_alignment),       TEST(ways_to_return),
        TEST(interrupted_anywhere),      TEST(priorities),
        TEST(preemption_and_masks),      TEST(priority_grouping),
        TEST(latency_and_tail_chaining), TEST(late_arrival),
        TEST(level_interrupts),          TEST(nvic_registers),
        TEST(pend_sv_switches_contexts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
