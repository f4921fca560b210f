/* An application in the slot that sets VTOR back to 0x08000000, as ST's SystemInit does: its interrupts
 * come through the bootloader's table. Counts SysTick, an interrupt pended by software, and SVC; the
 * registers an exception keeps must come back from it. */
#include "port/stm32l433/irq.h"
#include <stdbool.h>

volatile uint32_t ticks, software, calls, damaged;

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    ticks++;
}

void TIM7_IRQHandler(void);
void TIM7_IRQHandler(void)
{
    software++;
}

void SVC_Handler(void);
void SVC_Handler(void)
{
    calls++;
}

/* True if r0-r3, r12 and the flags are after an SVC what they were before it. */
static bool svc_keeps_registers(void)
{
    uint32_t ok;
    __asm volatile("movs r0, #11\n"
                   "movs r1, #22\n"
                   "movs r2, #33\n"
                   "mov r3, #0x44000000\n"
                   "mov r12, #0x55000000\n"
                   "cmp r0, #11\n" /* Z and C */
                   "svc 0\n"
                   "ite eq\n"
                   "moveq %0, #1\n"
                   "movne %0, #0\n"
                   "cmp r0, #11\n"
                   "it eq\n"
                   "cmpeq r1, #22\n"
                   "it eq\n"
                   "cmpeq r2, #33\n"
                   "it eq\n"
                   "cmpeq r3, #0x44000000\n"
                   "it eq\n"
                   "cmpeq r12, #0x55000000\n"
                   "it ne\n"
                   "movne %0, #0\n"
                   : "=&r"(ok)
                   :
                   : "r0", "r1", "r2", "r3", "r12", "cc", "memory");
    return ok;
}

int main(void)
{
    SCB->VTOR = 0x08000000;
    __DSB();
    NVIC_EnableIRQ(TIM7_IRQn);
    SysTick->LOAD = 4000 - 1; /* 1 ms at 4 MHz */
    SysTick->VAL = 0;
    SysTick->CTRL = 7;
    for (;;) {
        NVIC_SetPendingIRQ(TIM7_IRQn);
        if (!svc_keeps_registers())
            damaged++;
        __WFI();
    }
}
