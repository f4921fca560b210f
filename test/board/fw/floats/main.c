/* An application that calculates with the FPU and has nobody who switches it on, as projects are whose
 * SystemInit was written for another library. SysTick toggles LD4 (PB13) every 100 ms, at the 4 MHz after
 * reset. It has the kit's record of crashes. */
#include "app/sureboot.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"

SUREBOOT_APPLICATION("floats", 1, 0, 0, SUREBOOT_BOARD_ANY, SUREBOOT_WANTS_CONFIRM);

void HardFault_Handler(void) __attribute__((alias("fault")));
__attribute__((naked, used)) static void fault(void)
{
    __asm volatile("b sureboot_fault");
}

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    *(reg32 *)0x48000414 ^= 1u << 13; /* GPIOB_ODR */
}

int main(void)
{
    __asm volatile("first_float: .inst.w 0xEEB70A00"); /* vmov.f32 s0, #1.0 */
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOBEN;
    (void)RCC->AHB2ENR;
    *(reg32 *)0x48000400 = 0xF7FFFEBF; /* GPIOB_MODER: reset value, PB13 output */
    (void)SysTick_Config(400000);
    for (;;) {
    }
}
