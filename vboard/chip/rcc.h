/* Reset and clock control: RM0394 "RCC". */
#ifndef VBOARD_CHIP_RCC_H
#define VBOARD_CHIP_RCC_H

#include "chip/chip.h"

struct rcc_state {
    uint32_t hz[CLOCK_COUNT]; /* what chip_clock answers */
    uint32_t reg[40];         /* registers by offset / 4 */
};

void rcc_reset(struct chip *c, unsigned index);
/* True if the bus reaches the block: its clock enable is set. */
bool rcc_accessible(const struct chip *c, const struct block *b);

#endif
