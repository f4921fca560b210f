/* Core clock: 80 MHz from HSI16 and PLL, and back to the reset state (MSI, 4 MHz). */
#include "port/port.h"
#include "port/stm32l433/regs.h"

/* Applications use the data cache, the bootloader does not: a double word that cannot be read is to raise the
 * NMI each time, not only when it gets there, and none beside the one that is asked for, whatever a line is
 * filled with; and what has been erased is not to be read as it was (RM0394 "Adaptive real-time memory
 * accelerator"). */
#define FLASH_ACR_FAST (FLASH_ACR_ICEN | (PORT_BOOT ? 0 : FLASH_ACR_DCEN) | 4)

/* The slowest of them, the PLL, takes 40 us; a turn is at least 8 cycles. */
static bool wait_for(const reg32 *reg, uint32_t mask, uint32_t value)
{
    unsigned turns = 5000;
    while ((*reg & mask) != value)
        if (--turns == 0)
            return false;
    return true;
}

bool port_fast(bool on)
{
    if (on) {
        RCC->CR |= RCC_CR_HSION;
        if (!wait_for(&RCC->CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY))
            return false;
        /* 16 MHz / 1 x 10 / 2; PLLM 0 divides by 1, PLLR 0 by 2. */
        RCC->PLLCFGR = RCC_PLLCFGR_PLLSRC_HSI16 | 10ul << RCC_PLLCFGR_PLLN_Pos | RCC_PLLCFGR_PLLREN;
        RCC->CR |= RCC_CR_PLLON;
        /* RM0394 "Increasing the CPU frequency": 4 wait states first, and read back. */
        FLASH->ACR = FLASH_ACR_FAST;
        if (!wait_for(&FLASH->ACR, FLASH_ACR_LATENCY, 4))
            return false;
        /* The switch comes when the PLL is ready (RM0394 "System clock (SYSCLK) selection"). */
        RCC->CFGR = RCC_SYSCLK_PLL << RCC_CFGR_SW_Pos;
        return wait_for(&RCC->CFGR, RCC_CFGR_SWS, RCC_SYSCLK_PLL << RCC_CFGR_SWS_Pos);
    }
    RCC->CFGR = 0;
    wait_for(&RCC->CFGR, RCC_CFGR_SWS, RCC_SYSCLK_MSI << RCC_CFGR_SWS_Pos);
    FLASH->ACR = FLASH_ACR_AT_RESET;
    RCC->CR &= ~(RCC_CR_PLLON | RCC_CR_HSION);
    wait_for(&RCC->CR, RCC_CR_PLLRDY | RCC_CR_HSIRDY, 0); /* PLLCFGR may only change then */
    RCC->PLLCFGR = RCC_PLLCFGR_AT_RESET;
    return true;
}
