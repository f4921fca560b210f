/* Helpers for peripherals: bit fields, tables of plain registers, and clocks that are not ticked but
 * counted from the time (struct lazy). */
#ifndef VBOARD_CHIP_REGS_H
#define VBOARD_CHIP_REGS_H

#include "chip/chip.h"

static inline uint32_t bits(uint32_t word, unsigned low, unsigned count)
{
    return word >> low & ((1u << count) - 1);
}

static inline void put_bit(uint32_t *word, uint32_t mask, bool on)
{
    *word = on ? *word | mask : *word & ~mask;
}

/* A plain read-write register: `writable` bits are stored, the rest reads as after reset. */
struct reg_row {
    uint16_t off;
    uint32_t reset, writable;
};

/* Loads all rows' reset values into r[], which is indexed by off / 4. */
static inline void regs_reset(uint32_t *r, const struct reg_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        r[rows[i].off / 4] = rows[i].reset;
}

/* Stores the writable bits; false: there is no such row. */
static inline bool regs_write(uint32_t *r, const struct reg_row *rows, size_t n, uint32_t off, uint32_t value)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].off == off) {
            r[off / 4] = (r[off / 4] & ~rows[i].writable) | (value & rows[i].writable);
            return true;
        }
    }
    return false;
}

/* A clock whose periods are counted from the time, without error: `done` periods of `hz` since t0
 * have been dealt with. */
struct lazy {
    ps_t t0;
    uint64_t done;
    uint32_t hz;
};

static inline void lazy_start(struct lazy *l, ps_t now, uint32_t hz)
{
    *l = (struct lazy){.t0 = now, .hz = hz};
}

/* The clock may have changed: what was counted goes on if it is the same. True: it began anew. */
static inline bool lazy_retime(struct lazy *l, ps_t now, uint32_t hz)
{
    if (l->hz == hz)
        return false;
    lazy_start(l, now, hz);
    return true;
}

/* Periods that have passed since the last call. */
static inline uint64_t lazy_take(struct lazy *l, ps_t now)
{
    uint64_t all = l->hz ? chip_ps_to_ticks(now - l->t0, l->hz) : 0, fresh = all - l->done;

    l->done = all;
    return fresh;
}

/* The instant at which `periods` more will have passed; PS_NEVER if the clock stands, or if that is too far
 * away for a ps_t. */
static inline ps_t lazy_when(const struct lazy *l, uint64_t periods)
{
    ps_t after = chip_ticks_to_ps(l->done + periods, l->hz);

    return after < PS_NEVER - l->t0 ? l->t0 + after : PS_NEVER;
}

#endif
