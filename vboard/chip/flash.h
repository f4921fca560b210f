/* Flash memory and its interface: RM0394 "Embedded Flash memory (FLASH)". */
#ifndef VBOARD_CHIP_FLASH_H
#define VBOARD_CHIP_FLASH_H

#include "chip/chip.h"

struct flash_state {
    uint32_t optr; /* as loaded at the last power-on or OBL_LAUNCH, or written since */
};

/* Access to flash, system memory, OTP, engineering and option bytes; addr is not an alias.
 * false: bus error. */
bool flash_read(struct chip *c, uint32_t addr, unsigned size, uint32_t *value, bool by_cpu);
bool flash_write(struct chip *c, uint32_t addr, unsigned size, uint32_t value);
bool flash_fetch(struct chip *c, uint32_t addr); /* instruction fetch enters an 8-byte line */

void flash_factory_options(struct chip *c);
void flash_load_options(struct chip *c); /* power-on, OBL_LAUNCH: option registers and PEMPTY */
bool flash_empty(const struct chip *c);  /* SR.PEMPTY */
void flash_interrupted(struct chip *c);  /* reset or power loss while an operation may be running */
void flash_peek(const struct chip *c, uint32_t off, uint8_t *bytes, size_t size);
void flash_poke(struct chip *c, uint32_t off, const uint8_t *bytes, size_t size);
bool flash_busy(const struct chip *c);
bool flash_needs_hsi16(const struct chip *c);     /* an operation runs: HSI16 is on for it */
uint32_t flash_loaded_optr(const struct chip *c); /* OPTR as loaded: what is in force */
void flash_clock_changed(struct chip *c);         /* HCLK or VOS */

#endif
