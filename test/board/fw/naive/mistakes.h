/* What the naive bootloader of the museum can do wrong; its parts. */
#ifndef TEST_BOARD_FW_NAIVE_MISTAKES_H
#define TEST_BOARD_FW_NAIVE_MISTAKES_H

#define MISTAKE_ADDR 0x10000000u /* SRAM2: one of these */

enum mistake {
    NONE,
    NO_VTOR,
    PRIMASK_SET,
    FROM_INTERRUPT,
    FROM_USB,
    ON_PSP,
    TICK_LEFT_ON,
    TICK_WITHOUT_VTOR,
    FPU_CONTEXT,
    FPU_LAZY,
    TIMER_LEFT_ON,
    CLOCK_LEFT_ON,
    PLL_LEFT_ON,
    DMA_LEFT_ON,
    FLASH_ERRORS,
    WATCHDOG_LEFT_ON,
    WINDOW_WATCHDOG_LEFT_ON,
    MISTAKES
};

/* Loads the application's stack pointer and branches, as every such bootloader does. */
__attribute__((noreturn)) void naive_jump(void);

/* core.c: in the processor */
void mask_interrupts(void);
void jump_from_systick(void);
void jump_from_usb(void);
void jump_on_psp(void);
void leave_tick_on(void);
void leave_fpu_context(void);
void jump_with_lazy_fpu(void);
/* blocks.c: around it */
void leave_timer_on(void);
void leave_hsi16_on(void);
void leave_pll_on(void);
void leave_dma_on(void);
void leave_flash_errors(void);
void start_watchdog(void);
void start_window_watchdog(void);

#endif
