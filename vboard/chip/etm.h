/* ETM (ARM DDI 0440): instruction trace, powered down. */
#ifndef VBOARD_CHIP_ETM_H
#define VBOARD_CHIP_ETM_H

#include "chip/chip.h"

void etm_reset(struct chip *c, unsigned index);
bool etm_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool etm_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool etm_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);

#endif
