/* System window watchdog (RM0394 "WWDG"). */
#ifndef VBOARD_CHIP_WWDG_H
#define VBOARD_CHIP_WWDG_H

#include "chip/chip.h"
#include "chip/regs.h"

struct wwdg_state {
    uint32_t cr, cfr, sr; /* CR without T */
    uint32_t t;
    struct lazy pclk;
    uint32_t prescaler; /* PCLK1 periods since T last changed */
};

void wwdg_reset(struct chip *c, unsigned index);
bool wwdg_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool wwdg_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void wwdg_event(struct chip *c, unsigned index);
void wwdg_clock(struct chip *c, unsigned index, bool after);

#endif
