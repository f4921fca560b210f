/* Oscillators and PLLs of RCC: on and ready bits, start-up times, frequencies. RM0394 "Clocks"; times
 * and MSI frequencies are the typical ones of DS11449. */
#include <stdio.h>

#include "chip/state.h"

/* Where the on and ready bits are; CIER, CIFR, CICR have one bit per oscillator in the enum's order,
 * with a gap where the clock security flags are. */
static const struct {
    uint8_t reg, on, ready, irq;
} osc_bits[OSC_COUNT] = {
    [OSC_LSI] = {RCC_CSR, 0, 1, 0},      [OSC_LSE] = {RCC_BDCR, 0, 1, 1},     [OSC_MSI] = {RCC_CR, 0, 1, 2},
    [OSC_HSI16] = {RCC_CR, 8, 10, 3},    [OSC_HSE] = {RCC_CR, 16, 17, 4},     [OSC_PLL] = {RCC_CR, 24, 25, 5},
    [OSC_PLLSAI1] = {RCC_CR, 26, 27, 6}, [OSC_HSI48] = {RCC_CRRCR, 0, 1, 10},
};

/* MSI ranges: nominal, with the PLL mode that locks it to LSE (multiples of 32768), start-up. */
static const struct {
    uint32_t hz, locked_hz, startup_ns;
} msi[12] = {
    {100000, 98304, 10000},     {200000, 196608, 5000},     {400000, 393216, 4000},
    {800000, 786432, 3000},     {1000000, 1015808, 3000},   {2000000, 1998848, 3000},
    {4000000, 3997696, 3000},   {8000000, 7995392, 3000},   {16000000, 15990784, 2500},
    {24000000, 23986176, 2500}, {32000000, 32014336, 2500}, {48000000, 48005120, 2500},
};

static unsigned msi_range(const struct chip *c)
{
    uint32_t cr = c->rcc.reg[RCC_CR / 4];
    /* MSIRGSEL = 0: MSISRANGE, the range after Standby, applies. */
    unsigned range = cr & 1U << 3 ? cr >> 4 & 15 : c->rcc.reg[RCC_CSR / 4] >> 8 & 15;
    return range < 12 ? range : 11;
}

/* DS11449: 0.3 % a step typically; HSITRIM 16 is the factory's setting. */
uint32_t rcc_hsi16_hz(const struct chip *c)
{
    return 16000000 + 48000 * (c->rcc.reg[RCC_ICSCR / 4] >> 24 & 31) - 48000 * 16;
}

/* The documents have no step of MSI; it is taken to be that of HSI16. MSICAL has 8 bits, so what is added can
 * wrap around (AN4631, of the L0). Locked to LSE, hardware trims. */
static uint32_t msi_hz(const struct chip *c)
{
    unsigned range = msi_range(c);
    int steps = (int)(c->rcc.reg[RCC_ICSCR / 4] & 0xFF) - RCC_MSICAL;

    if (c->rcc.reg[RCC_CR / 4] & 1U << 2)
        return msi[range].locked_hz;
    return (uint32_t)((int)msi[range].hz + (int)(msi[range].hz / 1000) * 3 * steps);
}

static uint32_t *reg_of(struct chip *c, enum rcc_osc o)
{
    return &c->rcc.reg[osc_bits[o].reg / 4];
}

static bool rcc_osc_on(const struct chip *c, enum rcc_osc o)
{
    bool on = c->rcc.reg[osc_bits[o].reg / 4] >> osc_bits[o].on & 1;
    return on || (o == OSC_LSI && c->rcc.lsi_forced);
}

bool rcc_osc_ready(const struct chip *c, enum rcc_osc o)
{
    return c->rcc.reg[osc_bits[o].reg / 4] >> osc_bits[o].ready & 1;
}

static enum rcc_osc pll_source(const struct chip *c)
{
    static const enum rcc_osc source[4] = {OSC_COUNT, OSC_MSI, OSC_HSI16, OSC_HSE};
    return source[c->rcc.reg[RCC_PLLCFGR / 4] & 3];
}

bool rcc_sysclk_uses(const struct chip *c, enum rcc_osc o)
{
    static const enum rcc_osc source[4] = {OSC_MSI, OSC_HSI16, OSC_HSE, OSC_PLL};
    enum rcc_osc sws = source[c->rcc.reg[RCC_CFGR / 4] >> 2 & 3];
    return sws == o || (sws == OSC_PLL && pll_source(c) == o);
}

static uint32_t pll_n(const struct chip *c, enum rcc_osc o)
{
    return c->rcc.reg[(o == OSC_PLL ? RCC_PLLCFGR : RCC_PLLSAI1CFGR) / 4] >> 8 & 0x7F;
}

static uint32_t pll_hz(const struct chip *c, enum rcc_osc o)
{
    enum rcc_osc source = pll_source(c);
    uint32_t in = source == OSC_COUNT ? 0 : rcc_osc_hz(c, source);
    uint32_t m = (c->rcc.reg[RCC_PLLCFGR / 4] >> 4 & 7) + 1;
    return in / m * pll_n(c, o);
}

/* The limits are for the frequencies that clocks are meant to have: HSI16 leaves the factory within 1 % of it
 * (DS11449), and MSI locked to LSE is 0.06 % slow in the 4 MHz range. */
static bool about(uint32_t hz, uint32_t least_mhz, uint32_t most_mhz)
{
    return hz >= least_mhz * 990000 && hz <= most_mhz * 1010000;
}

/* The PLL's limits: input 4-16 MHz, N 8-86, VCO 64-344 MHz, in voltage range 2 64-128 MHz (RM0394 "PLL",
 * DS11449 "PLL characteristics"). */
enum { VCO_MOST = 344, VCO_MOST_RANGE2 = 128 };

static bool pll_within(const struct chip *c, enum rcc_osc o, uint32_t most_mhz)
{
    uint32_t vco = pll_hz(c, o), n = pll_n(c, o);
    return n >= 8 && n <= 86 && about(vco / n, 4, 16) && about(vco, 64, most_mhz);
}

static uint32_t vco_most(const struct chip *c)
{
    return pwr_limits(c) == 2 ? VCO_MOST_RANGE2 : VCO_MOST;
}

/* Why an oscillator that firmware has switched on, and most likely waits for, is not as it should be: said
 * once after a reset. Not by a PLL whose input is off: that may come later. */
static void tell_pll(struct chip *c, enum rcc_osc o, bool *once, const char *what)
{
    char sentence[160];
    uint32_t vco = pll_hz(c, o), n = pll_n(c, o);
    if (vco == 0 || pll_within(c, o, vco_most(c)))
        return;
    snprintf(
        sentence, sizeof sentence,
        "%s %s: input %u kHz (4 to 16 MHz), N %u (8 to 86), VCO %u kHz (64 to %u MHz in voltage range %u)",
        o == OSC_PLL ? "the PLL" : "PLLSAI1", what, (unsigned)(vco / n / 1000), (unsigned)n,
        (unsigned)(vco / 1000), (unsigned)vco_most(c), pwr_limits(c));
    chip_say_once(c, once, sentence);
}

/* A PLL that has locked follows its input, out of its limits too (the HAL changes MSI's range under a running
 * PLL); it stops with it. */
static bool pll_follows(struct chip *c, enum rcc_osc o)
{
    tell_pll(c, o, &c->rcc.told_pll, "runs on outside its limits, a real one may fail");
    return pll_hz(c, o) != 0;
}

/* What is too fast for voltage range 2 only locks: there are board files that run so, on real boards. */
static bool pll_starts(struct chip *c, enum rcc_osc o)
{
    bool locks = pll_within(c, o, VCO_MOST);

    if (locks)
        tell_pll(c, o, &c->rcc.told_pll, "locks outside its limits, a real one may fail");
    else
        tell_pll(c, o, &c->rcc.told_no_lock, "is outside its limits and does not lock");
    return locks;
}

/* Who holds PH0 stops what comes in there. */
static uint32_t hse_hz(const struct chip *c)
{
    return c->gpio[GPIO_H].outside & 1U ? 0 : c->config.hse_hz;
}

static bool hse_starts(struct chip *c)
{
    if (c->config.hse_hz == 0)
        chip_say_once(c, &c->rcc.told_no_hse,
                      "HSE is switched on, but no clock comes in at PH0: HSERDY stays 0 (--option "
                      "hse=8000000 feeds it)");
    else if (hse_hz(c) == 0)
        chip_say_once(
            c, &c->rcc.told_no_hse,
            "HSE is switched on while PH0 is held from outside: HSERDY stays 0 until the pin is let go");
    return hse_hz(c) != 0;
}

static uint32_t running_hz(const struct chip *c, enum rcc_osc o)
{
    switch (o) {
    case OSC_LSI: return c->config.lsi_hz;
    case OSC_LSE: return 32768;
    case OSC_MSI: return msi_hz(c);
    case OSC_HSI16: return rcc_hsi16_hz(c);
    case OSC_HSE: return hse_hz(c);
    case OSC_HSI48: return 48000000;
    default: return pll_hz(c, o);
    }
}

uint32_t rcc_osc_hz(const struct chip *c, enum rcc_osc o)
{
    return rcc_osc_ready(c, o) ? running_hz(c, o) : 0;
}

/* True if the oscillator, which is switched on, gets ready some time, or stays so. */
static bool can_run(struct chip *c, enum rcc_osc o)
{
    switch (o) {
    case OSC_LSE: return c->config.lse;
    case OSC_HSE: return hse_starts(c);
    case OSC_PLL:
    case OSC_PLLSAI1: return rcc_osc_ready(c, o) ? pll_follows(c, o) : pll_starts(c, o);
    default: return true;
    }
}

static ps_t startup(const struct chip *c, enum rcc_osc o)
{
    switch (o) {
    case OSC_LSI: return 80 * PS_PER_US;
    case OSC_LSE: /* LSEBYP: four cycles of the clock that is there */
        return c->rcc.reg[RCC_BDCR / 4] & 1U << 2 ? chip_ticks_to_ps(4, 32768) : c->config.lse_startup;
    case OSC_MSI: return msi[msi_range(c)].startup_ns * 1000ULL;
    case OSC_HSI16: return 4 * PS_PER_US;
    case OSC_HSE: return c->rcc.reg[RCC_CR / 4] & 1U << 18 ? 2 * PS_PER_US : 2 * PS_PER_MS;
    case OSC_HSI48: return 5 * PS_PER_US / 2;
    default: return 15 * PS_PER_US;
    }
}

ps_t rcc_wake_time(const struct chip *c)
{
    return startup(c, c->rcc.reg[RCC_CFGR / 4] & 1U << 15 ? OSC_HSI16 : OSC_MSI);
}

static void schedule(struct chip *c)
{
    ps_t next = PS_NEVER;
    for (unsigned o = 0; o < OSC_COUNT; o++)
        if (c->rcc.ready_at[o] < next)
            next = c->rcc.ready_at[o];
    chip_wake_at(c, B_RCC, next);
}

void rcc_osc_update(struct chip *c)
{
    /* PLLs come after their sources in the enum. */
    for (unsigned i = 0; i < OSC_COUNT; i++) {
        enum rcc_osc o = (enum rcc_osc)i;
        bool on = rcc_osc_on(c, o) && can_run(c, o);
        if (!on) {
            *reg_of(c, o) &= ~(1U << osc_bits[o].ready);
            c->rcc.ready_at[o] = PS_NEVER;
        } else if (!rcc_osc_ready(c, o) && c->rcc.ready_at[o] == PS_NEVER) {
            c->rcc.ready_at[o] = chip_now(c) + startup(c, o);
        }
    }
    /* MSIPLLEN is cleared with LSE. */
    if (!rcc_osc_ready(c, OSC_LSE))
        c->rcc.reg[RCC_CR / 4] &= ~(1U << 2);
    schedule(c);
}

void rcc_event(struct chip *c, unsigned index)
{
    (void)index;
    ps_t now = chip_now(c);
    for (unsigned i = 0; i < OSC_COUNT; i++) {
        if (c->rcc.ready_at[i] > now)
            continue;
        c->rcc.ready_at[i] = PS_NEVER;
        *reg_of(c, (enum rcc_osc)i) |= 1U << osc_bits[i].ready;
        /* The flag is set only if the interrupt is enabled (RM0394 "RCC_CIFR"). */
        c->rcc.reg[RCC_CIFR / 4] |= c->rcc.reg[RCC_CIER / 4] & 1U << osc_bits[i].irq;
    }
    rcc_osc_update(c);
    rcc_irq(c);
    rcc_update(c);
}

void rcc_force_lsi(struct chip *c, bool on)
{
    c->rcc.lsi_forced = on;
    rcc_osc_update(c);
    rcc_update(c);
}

void rcc_stop(struct chip *c, bool wake)
{
    uint32_t *cr = &c->rcc.reg[RCC_CR / 4], *cfgr = &c->rcc.reg[RCC_CFGR / 4];
    bool hsi16 = *cfgr & 1U << 15;
    if (wake) {
        *cr |= hsi16 ? 1U << 8 | 1U << 10 : 1U << 0 | 1U << 1;
        if (*cr & 1U << 11) /* HSIASFS: HSI16 starts too */
            *cr |= 1U << 8;
        *cfgr = (*cfgr & ~15U) | (hsi16 ? 5U : 0U);
    } else {
        bool keep_hsi16 = *cr & 1U << 9; /* HSIKERON */
        *cr &= ~(1U << 0 | 1U << 16 | 1U << 24 | 1U << 26);
        if (!keep_hsi16)
            *cr &= ~(1U << 8);
        c->rcc.reg[RCC_CRRCR / 4] &= ~1U;
    }
    rcc_osc_update(c);
}

void rcc_hse_input(struct chip *c)
{
    uint32_t *cr = &c->rcc.reg[RCC_CR / 4], *cfgr = &c->rcc.reg[RCC_CFGR / 4];
    bool was_ready = rcc_osc_ready(c, OSC_HSE), used = rcc_sysclk_uses(c, OSC_HSE);
    if (hse_hz(c) == 0 && was_ready && *cr & 1U << 19) { /* CSSON */
        if (used) {
            bool hsi16 = *cfgr & 1U << 15;
            *cr |= hsi16 ? 1U << 8 | 1U << 10 : 1U << 0 | 1U << 1;
            *cfgr = (*cfgr & ~15U) | (hsi16 ? 5U : 0U);
            if (pll_source(c) == OSC_HSE)
                *cr &= ~(1U << 24 | 1U << 26);
        }
        *cr &= ~(1U << 16);
        c->rcc.reg[RCC_CIFR / 4] |= 1U << 8;
        chip_nmi(c, NMI_CSS, true);
    }
    rcc_osc_update(c);
    rcc_update(c);
}
