/* Mistakes of the naive bootloader in the processor: what it leaves in the core's own registers. PM0214;
 * ARMv7-M ARM B1.5 for the FPU's context. */
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"
#include "port/stm32l433/usbfs.h"
#include "test/board/fw/naive/mistakes.h"
#include <stdint.h>

/* The first words of SRAM, which the application takes for its own. */
volatile uint32_t ticks;
__attribute__((aligned(8))) static uint8_t task_stack[512];

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    ticks++;
    if (*(volatile uint32_t *)MISTAKE_ADDR == FROM_INTERRUPT) /* SRAM2, which no application here uses */
        naive_jump();
}

void mask_interrupts(void)
{
    __disable_irq();
}

__attribute__((noreturn)) static void wait(void)
{
    for (;;)
        __WFI();
}

void jump_from_systick(void)
{
    (void)SysTick_Config(4000);
    wait();
}

/* The first bus reset stands for the request that asks for the application. */
void USB_IRQHandler(void);
void USB_IRQHandler(void)
{
    USB->ISTR = 0;
    naive_jump();
}

void jump_from_usb(void)
{
    usbfs_start();
    usbfs_connect(true);
    wait();
}

/* As a bootloader with an operating system does, from a task: "msr msp" loads the stack that is not in use.
 */
void jump_on_psp(void)
{
    __set_PSP((uint32_t)(task_stack + sizeof task_stack));
    __set_CONTROL(2);
    __ISB();
    naive_jump();
}

void leave_tick_on(void)
{
    (void)SysTick_Config(400);
}

/* vmov.f32 s0, #1.0: from now on CONTROL.FPCA is set. */
static void use_fpu(void)
{
    SCB->CPACR |= 0xFul << 20;
    __DSB();
    __ISB();
    __asm volatile(".inst.w 0xEEB70A00");
}

void leave_fpu_context(void)
{
    use_fpu();
}

/* Room for S0 to S15 is kept on the interrupted stack, and they go there when the FPU is next used: by the
 * application. */
void SVC_Handler(void);
void SVC_Handler(void)
{
    naive_jump();
}

void jump_with_lazy_fpu(void)
{
    use_fpu();
    __asm volatile("svc #0");
}
