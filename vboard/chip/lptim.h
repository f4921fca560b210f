/* Low-power timers LPTIM1 and LPTIM2 (RM0394 "LPTIM"). */
#ifndef VBOARD_CHIP_LPTIM_H
#define VBOARD_CHIP_LPTIM_H

#include "chip/afpin.h"
#include "chip/chip.h"
#include "chip/filter.h"
#include "chip/regs.h"

enum { LPTIM_COUNT = 2 };

struct lptim_state {
    uint32_t isr, ier, cfgr, cr, cmp, arr, option; /* as written */

    struct lazy clock;
    uint32_t phase; /* kernel clock periods since cnt changed, or edges of the prescaler */
    uint32_t cnt;
    uint32_t live_cmp, live_arr; /* in force: PRELOAD waits for the end of a period */
    bool counting, single, out;
    bool match;          /* the compare was true at the counter's last clock */
    bool set_once;       /* OUT has been set for good */
    bool down;           /* direction of the encoder */
    uint8_t edges;       /* of IN1 as the clock since ENABLE, up to those that are lost */
    struct filter in[3]; /* IN1, IN2, trigger */
    ps_t filter_at;      /* the next of them passes a level on */
    ps_t arr_ok, cmp_ok; /* when a written value has reached the kernel clock's side */
    ps_t starts_at;      /* SNGSTRT or CNTSTRT takes effect */
    struct af_wave told;
};

void lptim_reset(struct chip *c, unsigned index);
bool lptim_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool lptim_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void lptim_event(struct chip *c, unsigned index);
void lptim_clock(struct chip *c, unsigned index, bool after);
void lptim_pin(struct chip *c, unsigned signal, bool level); /* an alternate function input */
void lptim_comparator(struct chip *c, unsigned comp, bool level);
void lptim_rtc(struct chip *c, unsigned source); /* pulse: 1, 2 alarm A and B, 3-5 tamper: TRIGSEL */
bool lptim_wants_rtc(const struct chip *c, unsigned source);
void lptim_pins_selected(struct chip *c);

/* ---- between the files of LPTIM ---- */

enum {
    LPTIM_CMPM = 1 << 0,
    LPTIM_ARRM = 1 << 1,
    LPTIM_EXTTRIG = 1 << 2,
    LPTIM_CMPOK = 1 << 3,
    LPTIM_ARROK = 1 << 4,
    LPTIM_UP = 1 << 5,
    LPTIM_DOWN = 1 << 6,
    LPTIM_CFGR_CKSEL = 1 << 0,
    LPTIM_CFGR_TIMOUT = 1 << 19,
    LPTIM_CFGR_WAVE = 1 << 20,
    LPTIM_CFGR_WAVPOL = 1 << 21,
    LPTIM_CFGR_PRELOAD = 1 << 22,
    LPTIM_CFGR_COUNTMODE = 1 << 23,
    LPTIM_CFGR_ENC = 1 << 24,
    LPTIM_CR_ENABLE = 1 << 0,
    LPTIM_CR_SNGSTRT = 1 << 1,
    LPTIM_CR_CNTSTRT = 1 << 2
};

void lptim_settle(struct chip *c, unsigned index);
void lptim_schedule(struct chip *c, unsigned index);
void lptim_update(struct chip *c, unsigned index);     /* interrupt, wake-up line, output pin */
unsigned lptim_prescaler(const struct lptim_state *t); /* PRESC, as a power of two */
bool lptim_by_edges(const struct lptim_state *t);      /* clocked by its input */
void lptim_count(struct chip *c, unsigned index, uint64_t clocks);
bool lptim_trigger(struct lptim_state *t); /* starts, or with TIMOUT starts over; false: is ignored */
void lptim_configure(struct chip *c, unsigned index, uint32_t cfgr); /* CFGR; filters begin anew */
void lptim_sources_selected(struct chip *c, unsigned index);         /* OR or pins have changed */
void lptim_filters_run(struct chip *c, unsigned index);              /* samples up to now */
void lptim_filters_retimed(struct lptim_state *t);                   /* the kernel clock has begun anew */

#endif
