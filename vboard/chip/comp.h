/* Comparators COMP1 and COMP2 (RM0394 "COMP"). */
#ifndef VBOARD_CHIP_COMP_H
#define VBOARD_CHIP_COMP_H

#include "chip/chip.h"

struct comp_state {
    uint32_t csr[2]; /* without VALUE */
    bool high[2];    /* the comparison itself: plus above minus */
    bool blank[2];   /* by the output compare signal of a timer */
    ps_t starts[2];  /* until then it gives nothing; 0: has started, which has been told */
};

void comp_reset(struct chip *c, unsigned index);
bool comp_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool comp_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void comp_event(struct chip *c, unsigned index);
bool comp_output(const struct chip *c, unsigned comp); /* after enable and polarity; comp 0 or 1 */
bool comp_blanked_by(const struct chip *c, unsigned tim,
                     unsigned ch);                /* that channel's OCxREF is looked at */
void comp_blanking(struct chip *c, unsigned tim); /* references of a timer have changed */
void comp_inputs(struct chip *c);                 /* a voltage has changed */

#endif
