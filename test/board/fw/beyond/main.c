/* An application that soon wants what the virtual chip does not model: instruction trace. */
#include "port/stm32l433/regs.h"

#define ETM_CR (*(reg32 *)0xE0041000)

int main(void)
{
    ETM_CR = 1u << 11; /* port enabled, powered */
    for (;;)
        __asm volatile("wfi");
}
