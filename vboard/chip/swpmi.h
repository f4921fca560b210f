/* SWPMI1 (RM0394 "SWPMI"), with no slave on the wire. */
#ifndef VBOARD_CHIP_SWPMI_H
#define VBOARD_CHIP_SWPMI_H

#include "chip/chip.h"

struct swpmi_state {
    uint32_t r[0x28 / 4];
};

void swpmi_reset(struct chip *c, unsigned index);
bool swpmi_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool swpmi_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);

#endif
