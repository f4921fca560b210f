/* The smallest firmware: counts in SRAM, lights LD4 (PB13). Shows that the tool chain, the linker
 * script and the start-up code work. Addresses and bits: RM0394 "RCC", "GPIO". */
#include <stdint.h>

#define REG(addr) (*(volatile uint32_t *)(addr))

volatile uint32_t hello_count;              /* .bss: 0 at the start */
volatile uint32_t hello_magic = 0x600DC0DE; /* .data: copied from flash */

int main(void)
{
    REG(0x4002104C) |= 1u << 1; /* RCC_AHB2ENR.GPIOBEN */
    (void)REG(0x4002104C);
    REG(0x48000400) = 0xF7FFFEBF; /* GPIOB_MODER: reset value, PB13 output */
    REG(0x48000418) = 1u << 13;   /* GPIOB_BSRR */
    for (;;)
        hello_count += hello_magic == 0x600DC0DE;
}
