/* Oscillators and MCO as inputs of a timer in place of a pin: firmware measures one clock with another so.
 * RM0394 "TIM2 option register 1", "TIM15 option register 1", "TIM16 option register 1". */
#include "chip/state.h"
#include "chip/tim.h"

static uint32_t mco_hz(const struct chip *c)
{
    static const uint8_t sources[9] = {CLOCK_COUNT, CLK_SYSCLK, CLK_MSI, CLK_HSI16, CLK_HSE,
                                       CLK_PLL_R,   CLK_LSI,    CLK_LSE, CLK_HSI48};
    uint32_t cfgr = c->rcc.reg[RCC_CFGR / 4], sel = bits(cfgr, 24, 4), pre = bits(cfgr, 28, 3);

    return sel == 0 || sel > 8 ? 0 : chip_clock(c, sources[sel]) >> (pre > 4 ? 4 : pre);
}

/* The clock that is connected to the instance's TI1 (TIM2: ETR) instead of a pin, in Hz. */
static uint32_t oscillator_hz(const struct chip *c, unsigned index)
{
    uint32_t or1 = c->tim[index].r[TIM_OR1];

    if (index == TIM2)
        return or1 & 2 ? chip_clock(c, CLK_LSE) : 0;
    if (index == TIM15)
        return or1 & 1 ? chip_clock(c, CLK_LSE) : 0;
    if (index != TIM16)
        return 0;
    switch (or1 & 7) {
    case 1: return chip_clock(c, CLK_LSI);
    case 2: return chip_clock(c, CLK_LSE);
    case 4: return chip_clock(c, CLK_MSI);
    case 5: return chip_clock(c, CLK_HSE) / 32;
    case 6: return mco_hz(c);
    default: return 0;
    }
}

static bool oscillator_used(const struct tim_state *t, unsigned index)
{
    unsigned ts = tim_trigger_select(t), sms = tim_slave_mode(t);

    if (index == TIM2)
        return t->r[TIM_SMCR] & TIM_SMCR_ECE || (ts == 7 && sms >= 4);
    bool captured = (t->r[TIM_CCER] & 1 && tim_selection(t, 0) == 1) ||
                    (t->r[TIM_CCER] & 0x10 && tim_selection(t, 1) == 2);
    return captured || (sms >= 4 && (ts == 4 || ts == 5));
}

enum { SWALLOWED_MOST = 64 }; /* then none is expected to pass */

/* Rising edges of an oscillator lie on multiples of its period; a filter delays them. */
void tim_oscillators(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    uint32_t hz = oscillator_hz(c, index);
    unsigned n = index == TIM2 ? TIM_ETR : TIM_TI1;

    t->oscillator_at = PS_NEVER;
    if (!hz || !t->clock.hz || !oscillator_used(t, index))
        return;
    uint64_t edge = chip_ps_to_ticks(chip_now(c), hz);
    ps_t half = chip_ticks_to_ps(n == TIM_ETR ? tim_etr_division(t) : 1, hz) / 2, when;
    unsigned swallowed = 0; /* how an edge lies to the samples may decide: a later one may pass */
    do
        when = tim_filter_passes(t, n, chip_ticks_to_ps(edge++, hz), half);
    while (when <= chip_now(c) || (when == PS_NEVER && ++swallowed < SWALLOWED_MOST));
    t->oscillator_at = when;
}

void tim_oscillator_edge(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];

    unsigned n = index == TIM2 ? TIM_ETR : TIM_TI1, div = n == TIM_ETR ? tim_etr_division(t) : 1;

    t->etr_edges = (uint8_t)((t->etr_edges + 1u) % div);
    if (!t->etr_edges)
        tim_filtered(c, index, n, true);
    filter_bypass(&t->input[n], false);
    tim_oscillators(c, index);
}
