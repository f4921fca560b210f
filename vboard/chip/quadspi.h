/* QUADSPI (RM0394 "QUADSPI"), with no memory connected. */
#ifndef VBOARD_CHIP_QUADSPI_H
#define VBOARD_CHIP_QUADSPI_H

#include "chip/chip.h"

struct quadspi_state {
    uint32_t r[0x34 / 4];
    unsigned level; /* bytes in the FIFO of 16 */
    uint32_t left;  /* bytes still to go through the pins */
    bool endless;   /* DLR is all ones: until abort */
    bool polled;    /* a status has come that DR was not read of yet */
    ps_t byte_at;
};

void quadspi_reset(struct chip *c, unsigned index);
bool quadspi_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool quadspi_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool quadspi_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
/* Reads at 0x90000000 + addr; false: a bus error. */
bool quadspi_mapped(struct chip *c, uint32_t addr, unsigned size, uint32_t *value);
void quadspi_event(struct chip *c, unsigned index);

#endif
