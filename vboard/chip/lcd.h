/* LCD controller (RM0394 "LCD"), with no glass connected. */
#ifndef VBOARD_CHIP_LCD_H
#define VBOARD_CHIP_LCD_H

#include "chip/chip.h"

struct lcd_state {
    uint32_t cr, fcr, sr, ram[16];
    ps_t enabled_at, synced_at, ready_at, off_at;
    ps_t seen_at; /* what frames have done until then is in SR */
    bool told;    /* of a missing clock */
};

void lcd_reset(struct chip *c, unsigned index);
bool lcd_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool lcd_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void lcd_event(struct chip *c, unsigned index);
void lcd_clock(struct chip *c, unsigned index, bool after);

#endif
