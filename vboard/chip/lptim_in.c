/* Inputs of a low-power timer: IN1 and IN2 as clocks or encoder, triggers, and the filters before them, which
 * count samples of the kernel clock: without that clock nothing passes. RM0394 "LPTIM", "Glitch filter". */
#include "chip/afpin.h"
#include "chip/lptim.h"
#include "chip/state.h"

enum { IN1, IN2, TRIGGER }; /* index into in[] */
enum { SOURCE_ETR = 0, SOURCE_COMP1 = 6, EDGES_LOST = 5 };

static const struct {
    uint8_t in1, in2, etr;
} signals[LPTIM_COUNT] = {{AF_LPTIM1_IN1, AF_LPTIM1_IN2, AF_LPTIM1_ETR},
                          {AF_LPTIM2_IN1, AF_SIGNALS, AF_LPTIM2_ETR}};

static bool edge_counts(unsigned polarity, bool rising)
{
    return polarity == 2 || polarity == (rising ? 0 : 1);
}

/* Quadrature on IN1 and IN2; CKPOL 2 counts all edges. */
static void encoder(struct chip *c, unsigned index, unsigned input, bool level)
{
    struct lptim_state *t = &c->lptim[index];
    unsigned polarity = bits(t->cfgr, 1, 2);

    if (!t->counting || !edge_counts(polarity, level))
        return;
    bool other = t->in[input == IN1 ? IN2 : IN1].out;
    bool up = input == IN1 ? level != other : level == other;
    if (up)
        lptim_count(c, index, 1);
    else
        t->cnt = t->cnt ? t->cnt - 1 : t->live_arr;
    if (up == t->down) /* flags tell a change of direction */
        t->isr |= up ? LPTIM_UP : LPTIM_DOWN;
    t->down = !up;
}

/* "The first five active edges on the LPTIM external Input1 (after LPTIM is enable) are lost" where it is the
 * clock (RM0394 "Counter mode"). */
static bool lost(struct lptim_state *t)
{
    if (!(t->cfgr & LPTIM_CFGR_CKSEL) || t->edges == EDGES_LOST)
        return false;
    t->edges++;
    return true;
}

static void input_changed(struct chip *c, unsigned index, unsigned n, bool level)
{
    struct lptim_state *t = &c->lptim[index];

    if (t->cfgr & LPTIM_CFGR_ENC)
        encoder(c, index, n, level);
    else if (n == IN1 && lptim_by_edges(t) && edge_counts(bits(t->cfgr, 1, 2), level) && !lost(t))
        lptim_count(c, index, 1);
}

static void trigger_changed(struct lptim_state *t, bool rising)
{
    unsigned edges = bits(t->cfgr, 17, 2); /* 1 rising, 2 falling, 3 both */

    if (!(edges & (rising ? 1 : 2)) || !(t->cr & (LPTIM_CR_SNGSTRT | LPTIM_CR_CNTSTRT)))
        return;
    if (lptim_trigger(t))
        t->isr |= LPTIM_EXTTRIG;
}

/* ---- filters ---- */

/* Equal samples that are asked for: CKFLT, TRGFLT. 0: no filter. */
static unsigned samples(const struct lptim_state *t, unsigned n)
{
    static const uint8_t of_setting[4] = {0, 2, 4, 8};

    return of_setting[bits(t->cfgr, n == TRIGGER ? 6 : 3, 2)];
}

static void passed(struct chip *c, unsigned index, unsigned n, bool level)
{
    struct lptim_state *t = &c->lptim[index];
    unsigned source = bits(t->cfgr, 13, 3);

    if (n != TRIGGER) {
        input_changed(c, index, n, level);
        return;
    }
    trigger_changed(t, level);
    if (source != SOURCE_ETR && source < SOURCE_COMP1) /* an event of the RTC, not a level */
        filter_bypass(&t->in[TRIGGER], false);
}

static void announce(struct lptim_state *t)
{
    t->filter_at = PS_NEVER;
    for (unsigned n = IN1; n <= TRIGGER; n++) {
        uint64_t due = t->clock.hz ? filter_due(&t->in[n], samples(t, n)) : UINT64_MAX;
        ps_t when = due == UINT64_MAX ? PS_NEVER : t->clock.t0 + chip_ticks_to_ps(due, t->clock.hz);
        t->filter_at = when < t->filter_at ? when : t->filter_at;
    }
}

void lptim_filters_run(struct chip *c, unsigned index)
{
    struct lptim_state *t = &c->lptim[index];

    for (unsigned n = IN1; n <= TRIGGER; n++)
        if (t->in[n].level != t->in[n].out && filter_sample(&t->in[n], t->clock.done, samples(t, n)))
            passed(c, index, n, t->in[n].out);
    announce(t);
}

void lptim_filters_retimed(struct lptim_state *t)
{
    for (unsigned n = IN1; n <= TRIGGER; n++)
        t->in[n].seen = 0;
    announce(t);
}

/* A level arrives at an input. */
static void arrive(struct chip *c, unsigned index, unsigned n, bool level)
{
    struct lptim_state *t = &c->lptim[index];
    struct filter *in = &t->in[n];

    if (in->level == level)
        return;
    lptim_settle(c, index);
    if (!(t->cr & LPTIM_CR_ENABLE)) {
        filter_bypass(in, level);
        return;
    }
    if (samples(t, n)) {
        filter_sample(in, t->clock.done, samples(t, n));
        in->level = level;
        announce(t);
    } else {
        filter_bypass(in, level);
        passed(c, index, n, level);
    }
    lptim_update(c, index);
    lptim_schedule(c, index);
}

/* An edge of trigger source `source` (TRIGSEL). */
static void trigger(struct chip *c, unsigned index, unsigned source, bool level)
{
    if (bits(c->lptim[index].cfgr, 13, 3) == source)
        arrive(c, index, TRIGGER, level);
}

/* The trigger's level as the selected source has it now, and no edge of it. */
static bool trigger_level(const struct chip *c, unsigned index)
{
    unsigned source = bits(c->lptim[index].cfgr, 13, 3);

    if (source == SOURCE_ETR)
        return af_in(c, signals[index].etr, false);
    return source >= SOURCE_COMP1 && comp_output(c, source - SOURCE_COMP1);
}

void lptim_configure(struct chip *c, unsigned index, uint32_t cfgr)
{
    struct lptim_state *t = &c->lptim[index];

    t->cfgr = cfgr;
    for (unsigned n = IN1; n <= IN2; n++)
        filter_bypass(&t->in[n], t->in[n].level);
    filter_bypass(&t->in[TRIGGER], trigger_level(c, index));
    announce(t);
}

/* ---- where levels come from ---- */

/* OR: a bit a comparator that takes the place of the pin. LPTIM1's second is for IN2; LPTIM2 has IN1 alone,
 * which both may drive. */
static unsigned comparators(const struct chip *c, unsigned index, unsigned n)
{
    unsigned option = c->lptim[index].option, own = index ? (n == IN1 ? 3 : 0) : 1u << n;

    return option & own;
}

static void from_comparators(struct chip *c, unsigned index, unsigned n)
{
    unsigned from = comparators(c, index, n);

    arrive(c, index, n, (from & 1 && comp_output(c, 0)) || (from & 2 && comp_output(c, 1)));
}

/* Another source, or pin, whose level is another one is an edge. */
void lptim_sources_selected(struct chip *c, unsigned index)
{
    for (unsigned n = IN1; n <= IN2; n++) {
        unsigned signal = n == IN1 ? signals[index].in1 : signals[index].in2;
        if (comparators(c, index, n))
            from_comparators(c, index, n);
        else if (signal != AF_SIGNALS)
            arrive(c, index, n, af_in(c, signal, false));
    }
    trigger(c, index, SOURCE_ETR, af_in(c, signals[index].etr, false));
}

void lptim_pin(struct chip *c, unsigned signal, bool level)
{
    for (unsigned i = 0; i < LPTIM_COUNT; i++) {
        if (signal == signals[i].in1 && !comparators(c, i, IN1))
            arrive(c, i, IN1, level);
        if (signal == signals[i].in2 && !comparators(c, i, IN2))
            arrive(c, i, IN2, level);
        if (signal == signals[i].etr)
            trigger(c, i, SOURCE_ETR, level);
    }
}

void lptim_comparator(struct chip *c, unsigned comp, bool level)
{
    for (unsigned i = 0; i < LPTIM_COUNT; i++) {
        for (unsigned n = IN1; n <= IN2; n++)
            if (comparators(c, i, n) >> comp & 1)
                from_comparators(c, i, n);
        trigger(c, i, SOURCE_COMP1 + comp, level);
    }
}

bool lptim_wants_rtc(const struct chip *c, unsigned source)
{
    for (unsigned i = 0; i < LPTIM_COUNT; i++)
        if (bits(c->lptim[i].cfgr, 17, 2) && bits(c->lptim[i].cfgr, 13, 3) == source)
            return true;
    return false;
}

void lptim_rtc(struct chip *c, unsigned source)
{
    for (unsigned i = 0; i < LPTIM_COUNT; i++)
        if (c->lptim[i].cr & LPTIM_CR_ENABLE)
            trigger(c, i, source, true);
}
