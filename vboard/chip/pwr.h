/* Power control: RM0394 "PWR". */
#ifndef VBOARD_CHIP_PWR_H
#define VBOARD_CHIP_PWR_H

#include "chip/chip.h"

struct pwr_state {
    uint32_t cr1;
};

void pwr_sleep(struct chip *c);           /* the processor sleeps (WFI, WFE, SLEEPONEXIT) */
bool pwr_stop_ends(const struct chip *c); /* in Stop: something woke the chip */
void pwr_wake(struct chip *c);            /* out of Sleep or Stop */

#endif
