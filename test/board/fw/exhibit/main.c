/* An application that trusts whoever starts it, as most do: it takes the clock, the interrupts and VTOR as
 * reset leaves them. SysTick toggles LD4 (PB13) every 100 ms, at the 4 MHz after reset. */
#include "port/stm32l433/irq.h"
#include <stdint.h>

#define REG(addr) (*(volatile uint32_t *)(addr))

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    REG(0x48000414) ^= 1u << 13; /* GPIOB_ODR */
}

int main(void)
{
    REG(0x4002104C) |= 1u << 1; /* RCC_AHB2ENR.GPIOBEN */
    (void)REG(0x4002104C);
    REG(0x48000400) = 0xF7FFFEBF; /* GPIOB_MODER: reset value, PB13 output */
    (void)SysTick_Config(400000);
    for (;;) {
    }
}
