/* An application that soon wants what the virtual chip does not model: the loop-back of SWPMI1. */
#include "port/stm32l433/regs.h"

#define RCC_APB1ENR2 (*(reg32 *)0x4002105C)
#define SWPMI_CR     (*(reg32 *)0x40008800)

int main(void)
{
    RCC_APB1ENR2 = 1u << 2; /* SWPMI1EN */
    (void)RCC_APB1ENR2;
    SWPMI_CR = 1u << 5 | 1u << 4; /* SWPACT, LPBK */
    for (;;)
        __asm volatile("wfi");
}
