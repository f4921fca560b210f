/* An application whose build puts a check byte behind it, at an odd length: without it, it stops. SysTick
 * toggles LD4 (PB13) every 100 ms, at the 4 MHz after reset. */
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"

#define CHECK_BYTE (*(volatile uint8_t *)0x08004400) /* the 1025th */

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    *(reg32 *)0x48000414 ^= 1u << 13; /* GPIOB_ODR */
}

int main(void)
{
    while (CHECK_BYTE != 0xA5) {
    }
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOBEN;
    (void)RCC->AHB2ENR;
    *(reg32 *)0x48000400 = 0xF7FFFEBF; /* GPIOB_MODER: reset value, PB13 output */
    (void)SysTick_Config(400000);
    for (;;) {
    }
}
