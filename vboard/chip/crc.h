/* CRC calculation unit (RM0394 §14). */
#ifndef VBOARD_CHIP_CRC_H
#define VBOARD_CHIP_CRC_H

#include "chip/chip.h"

struct crc_state {
    uint32_t dr, idr, cr, init, pol;
    uint32_t nibble[16]; /* of POL and POLYSIZE: what four bits shifted out do to the rest */
    ps_t busy_until;
};

void crc_reset(struct chip *c, unsigned index);
bool crc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool crc_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool crc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);

#endif
