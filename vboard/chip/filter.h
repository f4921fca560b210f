/* A digital filter at an input, as timers have it: the output follows when so many samples in a row have
 * found the other level. Samples are numbered by whoever knows their clock. */
#ifndef VBOARD_CHIP_FILTER_H
#define VBOARD_CHIP_FILTER_H

#include "chip/chip.h"

struct filter {
    uint64_t seen;  /* number of the last sample that was looked at */
    uint8_t equal;  /* samples in a row that differed from the output */
    bool level;     /* at the input */
    bool out;       /* behind the filter */
    uint8_t length; /* of the samples that `equal` and `seen` count; another one starts the count anew */
};

static inline void filter_bypass(struct filter *f, bool level)
{
    f->level = f->out = level;
    f->equal = 0;
}

/* All samples up to number `now` found the present level. True: `n` in a row have, the output changes. */
static inline bool filter_sample(struct filter *f, uint64_t now, unsigned n)
{
    uint64_t fresh = now - f->seen;

    f->seen = now;
    if (f->level == f->out) {
        f->equal = fresh ? 0 : f->equal;
        return false;
    }
    if (f->equal + fresh < n) {
        f->equal = (uint8_t)(f->equal + fresh);
        return false;
    }
    filter_bypass(f, f->level);
    return true;
}

/* The filter is sampled in another way from now on. */
static inline void filter_restart(struct filter *f, uint64_t now)
{
    f->seen = now;
    f->equal = 0;
}

/* Number of the sample with which the output will change if the level stays; UINT64_MAX: it will not. */
static inline uint64_t filter_due(const struct filter *f, unsigned n)
{
    return f->level == f->out ? UINT64_MAX : f->seen + n - f->equal;
}

#endif
