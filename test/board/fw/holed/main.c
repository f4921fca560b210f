/* An application with a gap: its defaults are at the start of a page. It stops if they are not there, else
 * SysTick toggles LD4 (PB13) every 100 ms, at the 4 MHz after reset. */
#include "app/sureboot.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"

SUREBOOT_APPLICATION("holed", 1, 0, 0, SUREBOOT_BOARD_ANY, 0);

extern const volatile uint32_t defaults[2];
__attribute__((section(".defaults"), used)) const volatile uint32_t defaults[2] = {0x0DEFA017, 400000};

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    *(reg32 *)0x48000414 ^= 1u << 13; /* GPIOB_ODR */
}

int main(void)
{
    while (defaults[0] != 0x0DEFA017) {
    }
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOBEN;
    (void)RCC->AHB2ENR;
    *(reg32 *)0x48000400 = 0xF7FFFEBF; /* GPIOB_MODER: reset value, PB13 output */
    (void)SysTick_Config(defaults[1]);
    for (;;) {
    }
}
