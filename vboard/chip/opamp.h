/* OPAMP1 and VREFBUF (RM0394 "OPAMP", "VREFBUF"). */
#ifndef VBOARD_CHIP_OPAMP_H
#define VBOARD_CHIP_OPAMP_H

#include "chip/chip.h"

struct opamp_state {
    uint32_t csr, otr, lpotr;
};

struct vrefbuf_state {
    uint32_t csr, ccr;
    ps_t ready_at;
};

void opamp_reset(struct chip *c, unsigned index);
bool opamp_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool opamp_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
/* True if its output drives PA3, and the voltage there. */
bool opamp_output(const struct chip *c, unsigned *millivolt);

void vrefbuf_reset(struct chip *c, unsigned index);
bool vrefbuf_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool vrefbuf_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);

#endif
