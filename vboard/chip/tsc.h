/* Touch sensing controller (RM0394 "TSC"), with no electrode connected. */
#ifndef VBOARD_CHIP_TSC_H
#define VBOARD_CHIP_TSC_H

#include "chip/chip.h"

struct tsc_state {
    uint32_t r[0x54 / 4];
    bool waits; /* for an edge at TSC_SYNC */
};

void tsc_reset(struct chip *c, unsigned index);
bool tsc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool tsc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void tsc_event(struct chip *c, unsigned index);
void tsc_sync(struct chip *c, bool level); /* the pin has changed */

#endif
