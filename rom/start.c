/* First instructions and vectors of the ROM stand-in. It takes the processor as it finds it: which stack
 * is used, what is masked and which exception is active is the caller's doing, as with ST's ROM. */
#include "port/stm32l433/irq.h"
#include <stdint.h>

extern uint32_t bss_start[], bss_end[];
void rom_reset(void);
void rom_unexpected(void);
__attribute__((noreturn)) void rom_main(void);

/* All that is the ROM's. The return address is on the stack meanwhile: whoever comes with a stack in there
 * loses it. */
__attribute__((noinline)) static void clear_variables(void)
{
    __asm volatile("" ::: "lr", "memory");
    for (volatile uint32_t *to = bss_start; to != bss_end; to++)
        *to = 0;
}

__attribute__((used)) void rom_reset(void)
{
    clear_variables();
    rom_main();
}

/* Where an exception ends that ST's ROM does not expect (assumed to be an endless loop, as in all of ST's
 * start-up code). */
__attribute__((used)) void rom_unexpected(void)
{
    for (;;)
        ;
}

/* Initial SP, reset, then all others of RM0394 "Vector table": the interrupt 67 is USB's. */
__asm(".section .vectors, \"a\", %progbits\n"
      ".word stack_top, rom_reset\n"
      ".rept 16 + 67 - 2\n"
      ".word rom_unexpected\n"
      ".endr\n"
      ".word USB_IRQHandler\n"
      ".rept 82 - 67\n"
      ".word rom_unexpected\n"
      ".endr\n"
      ".text\n");
_Static_assert(USB_IRQn == 67, "as above");
