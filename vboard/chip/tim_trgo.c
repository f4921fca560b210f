/* What a timer tells other blocks: its trigger outputs, and outputs of channels as triggers; and who listens.
 * RM0394 "TIM1 control register 2", MMS and MMS2, "Timer synchronization", "ADC1 external trigger". */
#include "chip/state.h"
#include "chip/tim.h"

static bool listens(const struct tim_state *s, unsigned slave, unsigned master)
{
    unsigned ts = tim_trigger_select(s);

    return ts < 4 && tim_kinds[slave].itr[ts] == master && tim_kinds[slave].channels;
}

bool tim_trgo_wanted(const struct chip *c, unsigned index)
{
    if (chip_trigger_wanted(c, tim_kinds[index].trgo) ||
        (index == TIM1 && chip_trigger_wanted(c, TRG_TIM1_TRGO2)))
        return true;
    for (unsigned s = 0; s < TIM_COUNT; s++)
        if (listens(&c->tim[s], s, index))
            return true;
    return false;
}

void tim_listeners_change(struct chip *c, bool after)
{
    for (unsigned i = 0; i < TIM_COUNT; i++) {
        if (!c->tim[i].clock.hz)
            continue;
        if (after) {
            tim_schedule(c, i);
        } else { /* what nobody has looked at is no edge to the new ones */
            tim_settle(c, i);
            tim_refs(c, i);
        }
    }
}

/* ---- TRGO and TRGO2 ---- */

static bool selected_level(const struct tim_state *t, unsigned mms)
{
    if (mms == 1)
        return t->r[TIM_CR1] & TIM_CR1_CEN && (tim_slave_mode(t) != 5 || t->gate);
    return mms >= 4 && mms <= 9 && t->ref >> (mms - 4) & 1;
}

/* TRGO where MMS selects a level: the counter's enable or a reference; else low. TIM16 has none, what others
 * see of it is its output. */
static bool trgo_level(const struct tim_state *t, unsigned index)
{
    return index == TIM16 ? t->high & 1 : selected_level(t, bits(t->r[TIM_CR2], 4, 3));
}

bool tim_itr_level(const struct chip *c, unsigned index, unsigned itr)
{
    unsigned master = tim_kinds[index].itr[itr];

    return master < TIM_COUNT && trgo_level(&c->tim[master], master);
}

static void to_slaves(struct chip *c, unsigned index, bool rising)
{
    for (unsigned s = 0; s < TIM_COUNT; s++) {
        if (!listens(&c->tim[s], s, index) || !c->tim[s].clock.hz)
            continue;
        tim_settle(c, s);
        tim_gate(c, s);
        if (rising)
            tim_trigger_input(c, s);
        tim_schedule(c, s);
    }
}

void tim_trgo_pulse(struct chip *c, unsigned index, unsigned mms)
{
    const struct tim_state *t = &c->tim[index];

    if (index == TIM1 && bits(t->r[TIM_CR2], 20, 4) == mms)
        chip_trigger_pulse(c, TRG_TIM1_TRGO2);
    if (index == TIM16 || bits(t->r[TIM_CR2], 4, 3) != mms)
        return;
    chip_trigger_pulse(c, tim_kinds[index].trgo);
    to_slaves(c, index, true);
}

/* MMS2 from 10 on: a pulse at edges of two references. */
static void pulse_at_edges(struct chip *c, uint8_t rose, uint8_t fell)
{
    enum { OC4 = 1 << 3, OC5 = 1 << 4, OC6 = 1 << 5 };
    static const struct {
        uint8_t rising, falling;
    } edges[6] = {{OC4, OC4}, {OC6, OC6}, {OC4 | OC6, 0}, {OC4, OC6}, {OC5 | OC6, 0}, {OC5, OC6}};
    unsigned mms2 = bits(c->tim[TIM1].r[TIM_CR2], 20, 4);

    if (mms2 >= 10 && ((rose & edges[mms2 - 10].rising) || (fell & edges[mms2 - 10].falling)))
        chip_trigger_pulse(c, TRG_TIM1_TRGO2);
}

void tim_trgo_level(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    bool level = trgo_level(t, index);

    if (level != t->trgo) {
        t->trgo = level;
        if (index != TIM16)
            chip_trigger(c, tim_kinds[index].trgo, level);
        to_slaves(c, index, level);
    }
    if (index != TIM1)
        return;
    level = selected_level(t, bits(t->r[TIM_CR2], 20, 4));
    if (level != t->trgo2) {
        t->trgo2 = level;
        chip_trigger(c, TRG_TIM1_TRGO2, level);
    }
    uint8_t before = t->ref_told;
    t->ref_told = t->ref;
    pulse_at_edges(c, t->ref & ~before, before & ~t->ref);
}

/* ---- outputs of channels ---- */

/* The output, which the channel has to drive, is what ADC1 may be triggered by: docs/chip-model.md. */
static enum trigger output_trigger(unsigned index, unsigned ch)
{
    if (index == TIM1 && ch < 4)
        return TRG_TIM1_CC1 + ch;
    return index == TIM2 && ch < 2 ? TRG_TIM2_CC1 + ch : TRG_COUNT;
}

bool tim_output_wanted(const struct chip *c, unsigned index, unsigned ch)
{
    enum trigger t = output_trigger(index, ch);

    return t != TRG_COUNT && chip_trigger_wanted(c, t);
}

void tim_output_changed(struct chip *c, unsigned index, unsigned ch, bool level)
{
    enum trigger t = output_trigger(index, ch);

    if (t != TRG_COUNT)
        chip_trigger(c, t, level);
    if (index == TIM16)
        tim_trgo_level(c, index);
}
