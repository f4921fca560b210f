/* Extended interrupts and events: RM0394 "EXTI". */
#ifndef VBOARD_CHIP_EXTI_H
#define VBOARD_CHIP_EXTI_H

#include "chip/chip.h"

/* Two banks of registers: lines 0-31 and 32-39. */
struct exti_state {
    struct {
        uint32_t imr, emr, rtsr, ftsr, swier, pr;
        uint32_t level; /* of the requests, direct and configurable */
    } bank[2];
    bool event; /* one came since Stop was entered */
};

void exti_reset(struct chip *c, unsigned index);
bool exti_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool exti_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);

bool exti_edges(const struct chip *c, unsigned line); /* does it look for any? */
void exti_stop(struct chip *c);                       /* Stop begins: events of before do not end it */
/* True if a line that is unmasked (interrupt or event) requests: ends Stop modes. */
bool exti_wakes(const struct chip *c);
/* RTC and tamper, LSE CSS: the internal wake-up line of Standby and Shutdown. */
bool exti_internal_wake(const struct chip *c);

#endif
