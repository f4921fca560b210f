/* An application with the beginnings of an operating system: it starts its first task as ports for the
 * Cortex-M3 do, by an exception return to a frame that it has made up. SysTick runs what is hooked to it; the
 * task toggles LD4 (PB13) every 100 ms as long as what lies behind its stack is as it was. */
#include "port/stm32l433/irq.h"
#include <stdint.h>

#define REG(addr) (*(volatile uint32_t *)(addr))

enum { WORDS = 128, GUARD = 0x600DF00D };

/* Memory of the task: its stack, and what comes behind it. */
static struct {
    uint32_t stack[WORDS];
    volatile uint32_t behind[32];
} task __attribute__((aligned(8)));
static void (*volatile on_tick)(void);
static volatile uint32_t tens;

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    on_tick();
}

static void count(void)
{
    tens++;
}

__attribute__((noreturn)) static void run(void)
{
    uint32_t last = tens;
    for (;;) {
        volatile uint32_t work[8] = {last, last};
        for (unsigned i = 0; i < 32; i++)
            while (task.behind[i] != GUARD) {
            }
        if (tens - work[1] >= 10) {
            last += 10;
            REG(0x48000414) ^= 1u << 13; /* GPIOB_ODR */
        }
    }
}

/* To thread mode and the process stack, whatever else EXC_RETURN says (ARMv7-M ARM B1.5.8). */
__attribute__((naked)) void SVC_Handler(void);
void SVC_Handler(void)
{
    __asm volatile("orr lr, lr, #0xd\n"
                   "bx lr\n");
}

int main(void)
{
    REG(0x4002104C) |= 1u << 1; /* RCC_AHB2ENR.GPIOBEN */
    (void)REG(0x4002104C);
    REG(0x48000400) = 0xF7FFFEBF; /* GPIOB_MODER: reset value, PB13 output */
    for (unsigned i = 0; i < 32; i++)
        task.behind[i] = GUARD;
    for (volatile unsigned i = 0; i < 1000; i++) {
    } /* other things are set up */
    on_tick = count;
    (void)SysTick_Config(40000); /* 10 ms at the 4 MHz after reset */

    uint32_t *frame = task.stack + WORDS - 8;
    frame[6] = (uint32_t)run; /* PC */
    frame[7] = 1u << 24;      /* xPSR: T */
    __set_PSP((uint32_t)frame);
    __asm volatile("svc #0");
    for (;;) {
    }
}
