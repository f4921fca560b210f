/* Debug support of the chip (RM0394 "MCU debug component"). */
#ifndef VBOARD_CHIP_DBGMCU_H
#define VBOARD_CHIP_DBGMCU_H

#include "chip/chip.h"

struct dbgmcu_state {
    uint32_t r[5];
};

enum dbgmcu_cr { DBG_STOP = 1 << 1, DBG_STANDBY = 1 << 2 };
bool dbgmcu_swo(const struct chip *c);                       /* the trace pin is given to SWO */
bool dbgmcu_keeps(const struct chip *c, enum dbgmcu_cr bit); /* on in that low-power mode, for a debugger */

void dbgmcu_reset(struct chip *c, unsigned index);
bool dbgmcu_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool dbgmcu_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);

#endif
