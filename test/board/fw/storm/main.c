/* A long computation, calm at first and then again and again under a storm of nested interrupts: on MSP, as
 * two threads on PSP that PendSV switches, with traps that make it fault. Each checksum has to be
 * what it was without. Lines `PHASE NAME VALUE` tell all; the same program is linked for QEMU's mps2-an386,
 * which has to say the same (test/board/test_cpu_storm.c). */
#include "test/board/fw/storm/storm.h"

#include <stddef.h>

static const struct {
    const char *name;
    work_fn *run;
    uint32_t rounds;
    bool privileged;
} works[] = {
    {"it", work_it, 1500, false},      {"ldm", work_ldm, 1500, false},   {"fp", work_fp, 900, false},
    {"dsp", work_dsp, 1500, false},    {"ex", work_ex, 2000, false},     {"call", work_call, 150, false},
    {"fault", work_fault, 500, false}, {"pend", work_pend, 1500, false}, {"mask", work_mask, 500, true},
};
enum { WORKS = sizeof works / sizeof works[0] };

static uint32_t reference[WORKS], errors, first_error;
static _Alignas(8) uint32_t first_stack[512];

/* ---- output ------------------------------------------------------------------------------ */

#ifdef STORM_AN386
static void start_output(void) {}
/* Semihosting: SYS_WRITEC, and SYS_EXIT with ADP_Stopped_ApplicationExit. */
static void semihosting(uint32_t operation, uint32_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uint32_t r1 __asm__("r1") = argument;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}
static void put_char(char c)
{
    semihosting(3, (uint32_t)&c);
}
static void end(void)
{
    semihosting(0x18, 0x20026);
}
#else
#define REG(addr) (*(volatile uint32_t *)(addr))
/* LPUART1 on PA2, from the 4 MHz of reset: 1 MBd (RM0394 "LPUART"). */
static void start_output(void)
{
    REG(0x4002104C) |= 1u; /* RCC_AHB2ENR.GPIOAEN */
    REG(0x4002105C) |= 1u; /* RCC_APB1ENR2.LPUART1EN */
    (void)REG(0x4002105C);
    REG(0x48000020) = (REG(0x48000020) & ~(15u << 8)) | 8u << 8; /* GPIOA_AFRL: AF8 */
    REG(0x48000000) = (REG(0x48000000) & ~(3u << 4)) | 2u << 4;  /* GPIOA_MODER */
    REG(0x4000800C) = 1024;                                      /* BRR: 256 * 4 MHz / 1 MBd */
    REG(0x40008000) = 9;                                         /* CR1: UE, TE */
}
static void put_char(char c)
{
    for (unsigned i = 0; i < 1000 && !(REG(0x4000801C) & 1u << 7); i++) /* ISR.TXE */
        ;
    REG(0x40008028) = (uint8_t)c; /* TDR */
}
static void end(void) {}
#endif

static void put(const char *s)
{
    while (*s != '\0')
        put_char(*s++);
}

static void report(const char *phase, const char *name, uint32_t value)
{
    put(phase);
    put_char(' ');
    put(name);
    put_char(' ');
    for (int i = 28; i >= 0; i -= 4)
        put_char("0123456789abcdef"[value >> i & 15]);
    put_char('\n');
}

_Noreturn void stop(const char *why)
{
    __disable_irq();
    report("check", "errors", errors);
    report("check", "line", first_error);
    put(why);
    put_char('\n');
    end();
    for (;;)
        ;
}

void check(bool ok, uint32_t line)
{
    if (!ok && errors++ == 0)
        first_error = line;
}

/* ---- phases ------------------------------------------------------------------------------ */

/* All works, one after the other. */
static void run(uint32_t *results, uint32_t *scratch, bool privileged)
{
    for (unsigned i = 0; i < WORKS; i++) {
        results[i] = reference[i];
        if (privileged || !works[i].privileged)
            results[i] = works[i].run(works[i].rounds, scratch);
    }
}

static void tell(const char *phase, const uint32_t *results)
{
    storm_end();
    for (unsigned i = 0; i < WORKS; i++) {
        report(phase, works[i].name, results[i]);
        CHECK(results[i] == reference[i]);
    }
}

static uint32_t results[2][WORKS];
static volatile bool second_done;

static void on_msp(const char *phase, enum storm_mode mode)
{
    __set_CONTROL(__get_CONTROL() & ~4u); /* FPCA: no FP context, until work_fp */
    storm_begin(mode);
    run(results[0], storm_scratch[0], true);
    tell(phase, results[0]);
}

static void second(void)
{
    run(results[1], storm_scratch[1], false);
    second_done = true;
    for (;;)
        __asm volatile("svc #1" ::: "memory");
}

static void first(void)
{
    run(results[0], storm_scratch[0], true);
    while (!second_done)
        __asm volatile("svc #1" ::: "memory");
    storm_second_thread(NULL);
}

static void on_psp(const char *phase, enum storm_mode mode)
{
    second_done = false;
    storm_second_thread(second);
    storm_begin(mode);
    storm_on_psp(first, first_stack + 512);
    tell(phase, results[0]);
    tell(phase, results[1]);
}

/* No SysTick here: one interrupt pends all, and what preempts, what is tail-chained and in which order has to
 * be the same on both machines. */
static void in_order(void)
{
    for (uint32_t i = 0; i < IRQS; i++) {
        storm_begin(ORDER);
        storm_pend(i);
        __DSB();
        __ISB();
        storm_end();
    }
    report("order", "all", storm_order);
}

int main(void)
{
    start_output();
    storm_prepare();
    report("at", "work", (uint32_t)__start_work);
    report("at", "mask", (uint32_t)work_mask & ~1u);
    report("at", "hits", (uint32_t)storm_hits);
    run(reference, storm_scratch[0], true);
    NVIC->ICPR[0] = UINT32_MAX;
    tell("calm", reference);
    storm_begin(CALM); /* SysTick alone: how long an entry takes */
    while (*(volatile uint32_t *)&counts[C_ticks] < 100)
        ;
    storm_end();
    storm_shared = storm_added = 0;
    in_order();
    on_msp("msp", STORM);
    on_psp("psp", STORM);
    on_msp("msp-traps", TRAPS);
    on_psp("psp-traps", TRAPS);
#define COUNT_NAME(name) #name,
    static const char *const names[] = {COUNTS(COUNT_NAME)};
    for (unsigned i = 0; i < COUNTERS; i++)
        report("count", names[i], counts[i]);
    stop("done");
}
