/* Virtual time against wall time: never ahead, and when late it slips and does not catch up. */
#ifndef VBOARD_RUN_PACE_H
#define VBOARD_RUN_PACE_H

#include <stdint.h>

#define PACE_SLICE 1000000U  /* ns that the board runs at a time */
#define PACE_STEP  100000U   /* the same while a USB/IP client waits for answers: one transaction's time */
#define PACE_LATE  10000000U /* ns of lateness that are still made up: the jitter of the PC's scheduler */

struct pace {
    uint64_t origin; /* wall time at which virtual time was 0, had it never slipped */
};

uint64_t pace_wall(void); /* ns of a monotonic clock */
void pace_begin(struct pace *p, uint64_t virtual_ns);
/* Virtual time up to which the board may run now. */
uint64_t pace_limit(struct pace *p, uint64_t virtual_ns);

#endif
