/* What the parts of the bootloader's port share: the boot path that runs from flash with a stack and
 * nothing else, and the DFU world in SRAM. Applications do not include this. */
#ifndef PORT_STM32L433_BOOT_H
#define PORT_STM32L433_BOOT_H

#include "port/port.h"
#include "port/stm32l433/memory.h"
#include <stdint.h>

/* Where the NMI handler leaves the address of an unreadable double word, 0: there was none. Above the boot
 * stack, since the boot path has no variables (boot.ld). */
extern volatile uint32_t boot_ecc;

void NMI_Handler(void);

/* Resets all of APB2, SYSCFG too, with flash at 0 afterwards. */
PORT_FAR void boot_renew_apb2(void);

/* Makes RTC, backup registers and PWR accessible; RCC_APB1ENR1 as it was before, to be put back. */
uint32_t backup_enter(void);

#endif
