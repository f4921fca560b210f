/* What the parts of the bootloader's port share: the boot path that runs from flash with a stack and
 * nothing else, and the DFU world in SRAM. Applications do not include this. */
#ifndef PORT_STM32L433_BOOT_H
#define PORT_STM32L433_BOOT_H

#include "port/stm32l433/memory.h"
#include <stdint.h>

/* At the top of the boot stack, since the boot path has no variables: where the NMI handler leaves what
 * it saw, and the mark of port_reset_once. Both are written before they are read, or checked. */
struct boot_ecc {
    uint32_t address, seen;
};
struct boot_once {
    uint32_t mark, unused;
};
#define BOOT_SP   (BOOT_STACK_TOP - 16)
#define BOOT_ONCE 0x0CEB00F5u
#define boot_ecc  ((volatile struct boot_ecc *)BOOT_SP)
#define boot_once ((volatile struct boot_once *)(BOOT_SP + 8))

void NMI_Handler(void);

/* Makes RTC, backup registers and PWR accessible; RCC_APB1ENR1 as it was before, to be put back. */
uint32_t backup_enter(void);

#endif
