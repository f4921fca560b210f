/* True random number generator (RM0394 "RNG"); random from the machine's seed here. */
#ifndef VBOARD_CHIP_RNG_H
#define VBOARD_CHIP_RNG_H

#include "chip/chip.h"

struct rng_state {
    uint32_t cr, sr, dr;
    bool at_work; /* on the next word */
    bool told;
};

void rng_reset(struct chip *c, unsigned index);
bool rng_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool rng_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool rng_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void rng_event(struct chip *c, unsigned index);
void rng_clock(struct chip *c, unsigned index, bool after);

#endif
