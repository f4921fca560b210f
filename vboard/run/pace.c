/* See pace.h. */
#include "run/pace.h"

#include <time.h>

uint64_t pace_wall(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void pace_begin(struct pace *p, uint64_t virtual_ns)
{
    p->origin = pace_wall() - virtual_ns;
}

uint64_t pace_limit(struct pace *p, uint64_t virtual_ns)
{
    uint64_t limit = pace_wall() - p->origin;
    if (limit > virtual_ns + PACE_LATE) {
        p->origin += limit - virtual_ns - PACE_SLICE;
        limit = virtual_ns + PACE_SLICE;
    }
    return limit;
}
