/* System configuration: RM0394 "SYSCFG". */
#ifndef VBOARD_CHIP_SYSCFG_H
#define VBOARD_CHIP_SYSCFG_H

#include "chip/chip.h"

struct syscfg_state {
    uint32_t memrmp, swpr;
};

bool syscfg_sram2_locked(const struct chip *c, uint32_t off); /* write protection of that byte of SRAM2 */

#endif
