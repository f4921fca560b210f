/* A bootloader of the kind people write, for the museum of mistakes (docs/museum.md). It starts the
 * application and makes one mistake, the one whose number the test has put into SRAM2. */
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "test/board/fw/naive/mistakes.h"
#include <stdint.h>

#define REG(addr) (*(volatile uint32_t *)(addr))

static uint32_t mistake;

void naive_jump(void)
{
    if (mistake != NO_VTOR && mistake != TICK_WITHOUT_VTOR)
        SCB->VTOR = SLOT_ADDR;
    __asm volatile("msr msp, %0\n bx %1" ::"r"(REG(SLOT_ADDR)), "r"(REG(SLOT_ADDR + 4)) : "memory");
    __builtin_unreachable();
}

static void nothing(void) {}

static void (*const make[MISTAKES])(void) = {
    [NONE] = nothing,
    [NO_VTOR] = nothing,
    [PRIMASK_SET] = mask_interrupts,
    [FROM_INTERRUPT] = jump_from_systick,
    [FROM_USB] = jump_from_usb,
    [ON_PSP] = jump_on_psp,
    [TICK_LEFT_ON] = leave_tick_on,
    [TICK_WITHOUT_VTOR] = leave_tick_on,
    [FPU_CONTEXT] = leave_fpu_context,
    [FPU_LAZY] = jump_with_lazy_fpu,
    [TIMER_LEFT_ON] = leave_timer_on,
    [CLOCK_LEFT_ON] = leave_hsi16_on,
    [PLL_LEFT_ON] = leave_pll_on,
    [DMA_LEFT_ON] = leave_dma_on,
    [FLASH_ERRORS] = leave_flash_errors,
    [WATCHDOG_LEFT_ON] = start_watchdog,
    [WINDOW_WATCHDOG_LEFT_ON] = start_window_watchdog,
};

int main(void)
{
    mistake = REG(MISTAKE_ADDR);
    if (mistake < MISTAKES)
        make[mistake]();
    naive_jump();
}
