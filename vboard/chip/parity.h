/* The parity bits of SRAM2, one a byte (RM0394 "SRAM2 parity check"). */
#ifndef VBOARD_CHIP_PARITY_H
#define VBOARD_CHIP_PARITY_H

#include "chip/chip.h"
#include "chip/memory.h"

struct parity_state {
    uint8_t bad[SRAM2_SIZE / 8]; /* bit per byte: its parity bit does not fit */
    uint32_t count;              /* of those */
};

/* Offsets are in SRAM2. */
void parity_lost(struct chip *c);                                 /* its content, with its power */
void parity_written(struct chip *c, uint32_t off, uint32_t size); /* the bytes are as they should be */
void parity_read(struct chip *c, uint32_t off, uint32_t size);    /* an error is an NMI, and SPF */
void parity_reset_ends(struct chip *c);                           /* the options are loaded */
/* Accesses to SRAM2 have to be looked at one by one: checked, and not all is written yet. */
bool parity_watches(const struct chip *c);

#endif
