/* An application that keeps its settings in flash: it writes them at its first start, and stops if that
 * fails, as CubeMX's Error_Handler does. SysTick toggles LD4 (PB13) every 100 ms, at the 4 MHz after reset.
 */
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"

#define SETTINGS ((volatile uint32_t *)0x0803E000) /* page 124, erased */

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    *(reg32 *)0x48000414 ^= 1u << 13; /* GPIOB_ODR */
}

static void save(void)
{
    FLASH->KEYR = FLASH_KEY1;
    FLASH->KEYR = FLASH_KEY2;
    FLASH->CR = FLASH_CR_PG;
    SETTINGS[0] = 0x5E771265;
    __ISB(); /* the two words have to arrive one by one */
    SETTINGS[1] = 100;
    while (FLASH->SR & FLASH_SR_BSY) {
    }
    FLASH->CR = FLASH_CR_LOCK;
}

int main(void)
{
    if (SETTINGS[0] == 0xFFFFFFFF)
        save();
    while (FLASH->SR & FLASH_SR_CLEAR & ~FLASH_SR_EOP) { /* Error_Handler() */
    }
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOBEN;
    (void)RCC->AHB2ENR;
    *(reg32 *)0x48000400 = 0xF7FFFEBF; /* GPIOB_MODER: reset value, PB13 output */
    (void)SysTick_Config(400000);
    for (;;) {
    }
}
