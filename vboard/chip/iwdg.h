/* Independent watchdog (RM0394 "IWDG"). */
#ifndef VBOARD_CHIP_IWDG_H
#define VBOARD_CHIP_IWDG_H

#include "chip/chip.h"
#include "chip/regs.h"

struct iwdg_state {
    uint32_t pr, rlr, winr; /* as written */
    uint32_t seen[3];       /* as they read while an update is on its way */
    uint32_t active_pr;     /* as the counter uses it: PR is taken over with a delay */
    uint32_t sr;
    bool running, unlocked, frozen;
    struct lazy lsi;
    uint32_t prescaler; /* LSI periods since the counter last changed */
    uint32_t count;
    uint64_t synced; /* LSI period (lsi.done) at which the pending updates are through */
};

void iwdg_reset(struct chip *c, unsigned index);
bool iwdg_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool iwdg_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void iwdg_event(struct chip *c, unsigned index);
void iwdg_clock(struct chip *c, unsigned index, bool after);

#endif
