/* An application that sets up its own clock, 24 MHz from HSI16 and PLL, in the order that the manual wants
 * (RM0394 "RCC_PLLCFGR": only with the PLL off), and stops at the first thing that fails, as CubeMX's
 * Error_Handler does. SysTick toggles LD4 (PB13) every 100 ms. */
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"

static void wait_for(const reg32 *reg, uint32_t mask, uint32_t value)
{
    for (unsigned i = 0; i < 100000; i++)
        if ((*reg & mask) == value)
            return;
    for (;;) { /* Error_Handler() */
    }
}

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    *(reg32 *)0x48000414 ^= 1u << 13; /* GPIOB_ODR */
}

int main(void)
{
    RCC->CR |= RCC_CR_HSION;
    wait_for(&RCC->CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    RCC->CR &= ~RCC_CR_PLLON;
    wait_for(&RCC->CR, RCC_CR_PLLRDY, 0);
    RCC->PLLCFGR = RCC_PLLCFGR_PLLSRC_HSI16 | 12ul << RCC_PLLCFGR_PLLN_Pos | 3ul << RCC_PLLCFGR_PLLR_Pos |
                   RCC_PLLCFGR_PLLREN; /* 16 MHz * 12 / 8 */
    RCC->CR |= RCC_CR_PLLON;
    wait_for(&RCC->CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY);
    FLASH->ACR = FLASH_ACR_AT_RESET | 1;
    wait_for(&FLASH->ACR, FLASH_ACR_LATENCY, 1);
    RCC->CFGR = RCC_SYSCLK_PLL;
    wait_for(&RCC->CFGR, RCC_CFGR_SWS, RCC_SYSCLK_PLL << RCC_CFGR_SWS_Pos);

    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOBEN;
    (void)RCC->AHB2ENR;
    *(reg32 *)0x48000400 = 0xF7FFFEBF; /* GPIOB_MODER: reset value, PB13 output */
    (void)SysTick_Config(2400000);
    for (;;) {
    }
}
