/* A part of it is for SRAM, as in projects that are only ever started by a debugger. */
#include <stdint.h>

__attribute__((section(".inram"))) const volatile uint32_t in_ram[2] = {0x600DF00D, 0x12345678};
volatile uint32_t seen;

int main(void)
{
    seen = in_ram[0];
    for (;;)
        __asm volatile("wfi");
}
