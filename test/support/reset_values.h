/* What registers read after a power-on reset: facts that no model was written from. */
#ifndef TEST_RESET_VALUES_H
#define TEST_RESET_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "chip/chip.h"

struct reset_value {
    enum block_id block;
    const char *name; /* "RCC_CR" */
    uint32_t addr, value, mask;
};

extern const struct reset_value reset_values[];
extern const size_t reset_value_count;

#endif
