/* The caches of the flash interface, for programs that write flash and read it, or run it, afterwards. */
#ifndef PORT_STM32L433_CACHES_H
#define PORT_STM32L433_CACHES_H

#include "port/stm32l433/regs.h"

/* Drops what they hold: after an erase that is stale (RM0394 "FLASH main features"). */
static inline void flash_caches_reset(void)
{
    uint32_t acr = FLASH->ACR, off = acr & ~(FLASH_ACR_ICEN | FLASH_ACR_DCEN);
    FLASH->ACR = off; /* a cache can only be reset while it is off */
    FLASH->ACR = off | FLASH_ACR_ICRST | FLASH_ACR_DCRST;
    FLASH->ACR = off;
    FLASH->ACR = acr;
}

#endif
