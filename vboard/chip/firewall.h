/* Firewall: RM0394 "Firewall (FW)". Registers only. */
#ifndef VBOARD_CHIP_FIREWALL_H
#define VBOARD_CHIP_FIREWALL_H

#include "chip/chip.h"

struct firewall_state {
    uint32_t reg[9]; /* by offset / 4 */
};

void firewall_reset(struct chip *c, unsigned index);
bool firewall_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool firewall_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
/* SYSCFG_CFGR1.FWDIS was cleared: says that the protection itself is not modelled. */
void firewall_enabled(struct chip *c);

#endif
