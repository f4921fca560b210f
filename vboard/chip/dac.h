/* DAC1 with two channels (RM0394 "DAC"). */
#ifndef VBOARD_CHIP_DAC_H
#define VBOARD_CHIP_DAC_H

#include "chip/chip.h"

struct dac_state {
    uint32_t r[0x50 / 4]; /* by offset / 4; the holding registers as 12 bits in DHR12Rx */
    uint32_t lfsr[2], triangle[2];
    bool falling[2];    /* of the triangle */
    ps_t crossed_at[2]; /* sample and hold: SHSR is taken; PS_NEVER: LSI is off */
};

void dac_reset(struct chip *c, unsigned index);
bool dac_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool dac_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void dac_clock(struct chip *c, unsigned index, bool after);
void dac_trigger(struct chip *c, enum trigger t);
bool dac_wants(const struct chip *c, enum trigger t);
unsigned dac_millivolt(const struct chip *c, unsigned channel); /* output of channel 0 or 1; 0 if off */
unsigned dac_inside(const struct chip *c, unsigned channel);    /* the same at other analog blocks */
bool dac_drives_pin(const struct chip *c, unsigned channel);    /* PA4, PA5 */

#endif
