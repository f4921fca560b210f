/* An update that crashes at once, never confirmed: after three starts it stays in DFU and says where. */
#include "app/sureboot.h"

SUREBOOT_APPLICATION("crasher", 0, 0, 1, SUREBOOT_BOARD_ANY, SUREBOOT_WANTS_CONFIRM);

void HardFault_Handler(void) __attribute__((alias("fault")));
__attribute__((naked, used)) static void fault(void)
{
    __asm volatile("b sureboot_fault");
}

int main(void)
{
    sureboot_early();
    return *(volatile int *)0x60000000; /* where nothing is */
}
