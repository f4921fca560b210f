/* An application that has its pull-up on as early as one can: first of all it switches USB on, with no
 * start-up code before. It answers nothing; what counts is that the host has noticed that the bootloader
 * left. */
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"
#include "port/stm32l433/usbfs.h"

void Reset_Handler(void);

__attribute__((section(".isr_vector"), used)) static const struct {
    uint32_t sp;
    void (*reset)(void);
    uint32_t others[97];
} vectors = {0x20010000, Reset_Handler, {0}};

void Reset_Handler(void)
{
    RCC->CR = (RCC->CR & ~0xF0ul) | 8ul << 4 | 8; /* MSI at 16 MHz: USB wants 10 MHz of APB1 (RM0394) */
    usbfs_start();
    __disable_irq(); /* nobody is there to handle them */
    usbfs_connect(true);
    for (;;)
        ;
}
