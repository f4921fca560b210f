/* An application that soon wants what the virtual chip does not model: SAI1's receiver that expands. */
#include "port/stm32l433/regs.h"

#define RCC_APB2ENR (*(reg32 *)0x40021060)
#define SAI1_BCR1   (*(reg32 *)0x40015424)
#define SAI1_BCR2   (*(reg32 *)0x40015428)

int main(void)
{
    RCC_APB2ENR = 1u << 21; /* SAI1EN */
    (void)RCC_APB2ENR;
    SAI1_BCR2 = 2u << 14;      /* COMP: µ-law */
    SAI1_BCR1 = 1u << 16 | 1u; /* SAIEN, MODE: master receiver */
    for (;;)
        __asm volatile("wfi");
}
