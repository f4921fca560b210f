/* A bootloader of the kind people write, for the museum of mistakes (docs/museum.md). It starts the
 * application and makes one mistake, the one whose number the test has put into SRAM2.
 * Addresses and bits: RM0394 "RCC", "TIM6", "IWDG"; PM0214 "SysTick", "SCB". */
#include "port/stm32l433/irq.h"
#include "test/board/fw/naive/mistakes.h"
#include <stdint.h>

#define REG(addr) (*(volatile uint32_t *)(addr))
#define SLOT      0x08004000u

volatile uint32_t ticks;
static uint32_t mistake;

static void jump(void)
{
    if (mistake != NO_VTOR)
        SCB->VTOR = SLOT;
    __asm volatile("msr msp, %0\n bx %1" ::"r"(REG(SLOT)), "r"(REG(SLOT + 4)) : "memory");
}

void SysTick_Handler(void)
{
    ticks++;
    if (mistake == FROM_INTERRUPT)
        jump();
}

void TIM6_DAC_IRQHandler(void)
{
    REG(0x40001010) = 0; /* TIM6_SR */
}

static void make(void)
{
    switch (mistake) {
    case PRIMASK_SET: __disable_irq(); break;
    case FROM_INTERRUPT:
        (void)SysTick_Config(4000);
        for (;;)
            __WFI();
    case TIMER_LEFT_ON:
        REG(0x40021058) |= 1u << 4; /* RCC_APB1ENR1.TIM6EN */
        (void)REG(0x40021058);
        REG(0x4000102C) = 4000;   /* TIM6_ARR: 1 ms */
        REG(0x4000100C) = 1;      /* TIM6_DIER.UIE */
        NVIC->ISER[1] = 1u << 22; /* TIM6_DACUNDER, 54 */
        REG(0x40001000) = 1;      /* TIM6_CR1.CEN */
        break;
    case CLOCK_LEFT_ON:
        REG(0x40021000) |= 1u << 8; /* RCC_CR.HSION */
        while (!(REG(0x40021000) & 1u << 10)) {
        }
        REG(0x40021008) |= 1; /* RCC_CFGR.SW: HSI16 */
        break;
    case WATCHDOG_LEFT_ON:
        REG(0x40003000) = 0xCCCC; /* IWDG_KR: start */
        REG(0x40003000) = 0x5555;
        REG(0x40003008) = 100; /* IWDG_RLR: 12.5 ms */
        while (REG(0x4000300C)) {
        }
        REG(0x40003000) = 0xAAAA;
        break;
    default: break;
    }
}

int main(void)
{
    mistake = REG(MISTAKE_ADDR);
    make();
    jump();
    return 0;
}
