/* Comparators COMP1 and COMP2 (RM0394 "COMP"): inputs by INPSEL and INMSEL, window mode, polarity, lock,
 * blanking by timers; start-up time and hysteresis of DS11449. They answer at once otherwise. */
#include "chip/comp.h"
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/state.h"

enum {
    EN = 1,
    WINMODE = 1 << 9,
    BLANKING = 7 << 18,
    POLARITY = 1 << 15,
    BRGEN = 1 << 22,
    SCALEN = 1 << 23,
    VALUE = 1 << 30
};
#define LOCK 0x80000000u
static const uint32_t writable[2] = {0x86DF81FD, 0x86DF83FD};

/* Port and pin of an input. */
struct input {
    uint8_t port, pin;
};

static unsigned plus(const struct chip *c, unsigned comp)
{
    static const struct input pins[2][3] = {{{2, 5}, {1, 2}, {0, 1}}, {{1, 4}, {1, 6}, {0, 3}}};

    if (comp == 1 && c->comp.csr[1] & WINMODE)
        comp = 0;
    const struct input *p = &pins[comp][bits(c->comp.csr[comp], 7, 2) % 3];
    return analog_pin(c, p->port, p->pin);
}

static unsigned minus(const struct chip *c, unsigned comp)
{
    static const struct input pins[2][5] = {{{1, 1}, {2, 4}, {0, 0}, {0, 4}, {0, 5}},
                                            {{1, 3}, {1, 7}, {0, 2}, {0, 4}, {0, 5}}};
    uint32_t csr = c->comp.csr[comp], sel = bits(csr, 4, 3);

    if (sel < 4) { /* quarters of VREFINT through the scaler */
        bool bridge = csr & BRGEN || sel == 3;
        return csr & SCALEN ? ANALOG_VREFINT_MV * (bridge ? sel + 1 : 4) / 4 : 0;
    }
    if (sel < 6)
        return dac_inside(c, sel - 4);
    unsigned n = sel == 6 ? 0 : 1 + bits(csr, 25, 2);
    return analog_pin(c, pins[comp][n].port, pins[comp][n].pin);
}

bool comp_output(const struct chip *c, unsigned comp)
{
    uint32_t csr = c->comp.csr[comp];

    bool high = c->comp.high[comp] && !c->comp.blank[comp];
    return csr & EN && c->comp.starts[comp] <= chip_now(c) && high != !!(csr & POLARITY);
}

/* Plus has to fall by the hysteresis below minus before the output does. */
static bool above(const struct chip *c, unsigned comp)
{
    static const uint8_t hysteresis[4] = {0, 8, 15, 27}; /* mV */
    unsigned h = hysteresis[bits(c->comp.csr[comp], 16, 2)];

    return plus(c, comp) + (c->comp.high[comp] ? h : 0) > minus(c, comp);
}

/* Tells those that are connected to an output that changed. */
static void tell(struct chip *c, unsigned comp, bool before)
{
    bool now = comp_output(c, comp);
    if (now == before)
        return;
    exti_line(c, 21 + comp, now);
    af_out(c, AF_COMP1_OUT + comp, now);
    tim_comparator(c, comp, now);
    lptim_comparator(c, comp, now);
}

/* Takes the inputs as they are. */
static void compare(struct chip *c, unsigned comp, bool before)
{
    struct comp_state *s = &c->comp;

    s->high[comp] = s->csr[comp] & EN && above(c, comp);
    tell(c, comp, before);
}

/* ---- blanking: while the reference is active the comparison counts as low ---- */

static const struct {
    uint8_t comp, code, tim, ch;
} blankings[] = {{0, 1, TIM1, 4}, {0, 2, TIM2, 2}, {1, 4, TIM15, 0}}; /* TIM1 OC5, TIM2 OC3, TIM15 OC1 */
enum { BLANKINGS = sizeof blankings / sizeof blankings[0] };

static bool selected(const struct chip *c, unsigned i)
{
    return bits(c->comp.csr[blankings[i].comp], 18, 3) == blankings[i].code;
}

bool comp_blanked_by(const struct chip *c, unsigned tim, unsigned ch)
{
    for (unsigned i = 0; i < BLANKINGS; i++)
        if (blankings[i].tim == tim && blankings[i].ch == ch && selected(c, i))
            return true;
    return false;
}

void comp_blanking(struct chip *c, unsigned tim)
{
    if (!((c->comp.csr[0] | c->comp.csr[1]) & BLANKING))
        return;
    for (unsigned i = 0; i < BLANKINGS; i++) {
        unsigned comp = blankings[i].comp;
        bool blank = c->tim[tim].ref >> blankings[i].ch & 1, before = comp_output(c, comp);
        if (blankings[i].tim != tim || !selected(c, i) || blank == c->comp.blank[comp])
            continue;
        c->comp.blank[comp] = blank;
        tell(c, comp, before);
    }
}

static void select_blanking(struct chip *c, unsigned comp)
{
    c->comp.blank[comp] = false;
    for (unsigned i = 0; i < BLANKINGS; i++)
        if (blankings[i].comp == comp && selected(c, i))
            tim_refs(c, blankings[i].tim);
}

void comp_inputs(struct chip *c)
{
    for (unsigned i = 0; i < 2; i++)
        if (c->comp.csr[i] & EN)
            compare(c, i, comp_output(c, i));
}

void comp_reset(struct chip *c, unsigned index)
{
    (void)index;
    for (unsigned i = 0; i < 2; i++) {
        bool before = comp_output(c, i);
        c->comp.csr[i] = 0;
        c->comp.high[i] = c->comp.blank[i] = false;
        compare(c, i, before);
    }
}

bool comp_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    uint32_t word = 0;

    (void)index;
    if (off < 8)
        word = c->comp.csr[off / 4] | (comp_output(c, off / 4) ? VALUE : 0);
    *value = lanes_get(word, off, size);
    return true;
}

static ps_t start_time(uint32_t csr)
{
    static const uint8_t us[4] = {5, 15, 15, 40}; /* PWRMODE: high speed, medium twice, ultra-low power */

    return us[bits(csr, 2, 2)] * PS_PER_US;
}

static void schedule(struct chip *c)
{
    ps_t when = PS_NEVER;

    for (unsigned i = 0; i < 2; i++)
        if (c->comp.starts[i] && c->comp.starts[i] < when)
            when = c->comp.starts[i];
    chip_wake_at(c, B_COMP, when);
}

void comp_event(struct chip *c, unsigned index)
{
    (void)index;
    for (unsigned i = 0; i < 2; i++) {
        if (!c->comp.starts[i] || c->comp.starts[i] > chip_now(c))
            continue;
        c->comp.starts[i] = 0;
        if (c->comp.csr[i] & EN)
            compare(c, i, false);
    }
    schedule(c);
}

bool comp_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    unsigned i = off / 4;

    (void)index;
    if (i > 1 || c->comp.csr[i] & LOCK)
        return true;
    bool before[2] = {comp_output(c, 0), comp_output(c, 1)};
    value = lanes_apb(size, value) & writable[i];
    uint32_t risen = value & ~c->comp.csr[i];
    bool blanking = (value ^ c->comp.csr[i]) & BLANKING;
    if (blanking) /* it matters to timers who looks at them */
        chip_triggers_change(c, false);
    c->comp.csr[i] = value;
    if (risen & EN) {
        c->comp.high[i] = false;
        c->comp.starts[i] = chip_now(c) + start_time(c->comp.csr[i]);
    }
    if (blanking) {
        chip_triggers_change(c, true);
        select_blanking(c, i);
    }
    compare(c, 0, before[0]);
    compare(c, 1, before[1]);
    schedule(c);
    return true;
}
