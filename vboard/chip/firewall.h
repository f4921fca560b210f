/* Firewall: RM0394 "Firewall (FW)". */
#ifndef VBOARD_CHIP_FIREWALL_H
#define VBOARD_CHIP_FIREWALL_H

#include "chip/chip.h"

/* GATE: the second word of the call gate is being executed; the third, if it follows at once, opens. */
enum firewall_gate { FIREWALL_CLOSED, FIREWALL_GATE, FIREWALL_OPEN };

struct firewall_state {
    uint32_t reg[9]; /* by offset / 4 */
    bool watching;   /* enabled, with at least one segment: accesses are looked at */
    enum firewall_gate gate;
    uint32_t gate_base; /* of the segment whose call gate it is */
};

void firewall_reset(struct chip *c, unsigned index);
bool firewall_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool firewall_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool firewall_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void firewall_enabled(struct chip *c); /* SYSCFG_CFGR1.FWDIS was cleared */
/* Is SRAM1 to be looked at, too? */
bool firewall_watches_sram(const struct chip *c);
/* The processor fetches from the 8-byte line at `line`. false: the reset is under way. */
bool firewall_fetch(struct chip *c, uint32_t line);
/* An access to memory, aliases resolved, by the processor or (false) by DMA. false: the reset is under way
 * and the access does not take place. */
bool firewall_data(struct chip *c, uint32_t addr, bool write, bool by_cpu);

#endif
