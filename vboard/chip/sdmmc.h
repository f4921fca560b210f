/* SDMMC1 (RM0394 "SDMMC"), with no card in the slot. */
#ifndef VBOARD_CHIP_SDMMC_H
#define VBOARD_CHIP_SDMMC_H

#include "chip/chip.h"

struct sdmmc_state {
    uint32_t r[0x40 / 4];
    ps_t command_at, data_at;
};

void sdmmc_reset(struct chip *c, unsigned index);
bool sdmmc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool sdmmc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void sdmmc_event(struct chip *c, unsigned index);

#endif
