/* The clock tree: from oscillators and selectors to every clock of the chip, and which blocks are
 * clocked. RM0394 "Clocks", figure "Clock tree". */
#include <stdio.h>
#include <string.h>

#include "chip/state.h"

static uint32_t field_of(const struct chip *c, unsigned reg, unsigned shift, uint32_t mask)
{
    return c->rcc.reg[reg / 4] >> shift & mask;
}

/* R and Q outputs: VCO / 2, 4, 6, 8 behind their gates. */
static uint32_t pll_rq(uint32_t vco, uint32_t cfgr, unsigned enable, unsigned shift)
{
    return cfgr >> enable & 1 ? vco / (2 * ((cfgr >> shift & 3) + 1)) : 0;
}

static uint32_t pll_p(uint32_t vco, uint32_t cfgr)
{
    uint32_t div = cfgr >> 27 ? cfgr >> 27 : cfgr & 1U << 17 ? 17 : 7;
    return cfgr & 1U << 16 ? vco / div : 0;
}

/* Kernel clocks of USART, LPUART, I2C: 0 PCLK, 1 SYSCLK, 2 HSI16, 3 LSE (I2C: reserved). */
static uint32_t serial(const struct chip *c, const uint32_t *hz, uint32_t sel, enum clock_id pclk, bool lse)
{
    switch (sel) {
    case 0: return hz[pclk];
    case 1: return hz[CLK_SYSCLK];
    case 2: /* in Stop the peripheral starts HSI16 on demand */
        return pwr_stopped(c) ? rcc_hsi16_hz(c) : hz[CLK_HSI16];
    default: return lse ? hz[CLK_LSE] : 0;
    }
}

static uint32_t lptim(const uint32_t *hz, uint32_t sel)
{
    const enum clock_id source[4] = {CLK_PCLK1, CLK_LSI, CLK_HSI16, CLK_LSE};
    return hz[source[sel]];
}

static void bus_clocks(const struct chip *c, uint32_t hz[CLOCK_COUNT])
{
    static const uint16_t ahb[8] = {2, 4, 8, 16, 64, 128, 256, 512};
    const enum clock_id sources[4] = {CLK_MSI, CLK_HSI16, CLK_HSE, CLK_PLL_R};
    uint32_t hpre = field_of(c, RCC_CFGR, 4, 15), ppre1 = field_of(c, RCC_CFGR, 8, 7);
    uint32_t ppre2 = field_of(c, RCC_CFGR, 11, 7);
    hz[CLK_SYSCLK] = hz[sources[field_of(c, RCC_CFGR, 2, 3)]];
    hz[CLK_HCLK] = hz[CLK_SYSCLK] / (hpre & 8 ? ahb[hpre & 7] : 1);
    hz[CLK_PCLK1] = hz[CLK_HCLK] >> (ppre1 & 4 ? (ppre1 & 3) + 1 : 0);
    hz[CLK_PCLK2] = hz[CLK_HCLK] >> (ppre2 & 4 ? (ppre2 & 3) + 1 : 0);
    hz[CLK_TIM_APB1] = hz[CLK_PCLK1] * (ppre1 & 4 ? 2 : 1);
    hz[CLK_TIM_APB2] = hz[CLK_PCLK2] * (ppre2 & 4 ? 2 : 1);
}

static const struct {
    enum clock_id id;
    const char *name;
} clk48[4] = {{CLK_HSI48, "HSI48"}, {CLK_PLLSAI1_Q, "PLLSAI1 Q"}, {CLK_PLL_Q, "PLL Q"}, {CLK_MSI, "MSI"}};

void rcc_name_clk48(const struct chip *c, char *text, size_t size)
{
    char rate[32] = "off";
    uint32_t hz = chip_clock(c, CLK_48);
    if (hz != 0)
        (void)snprintf(rate, sizeof rate, "at %u kHz", (unsigned)(hz / 1000));
    (void)snprintf(text, size, "RCC_CCIPR.CLK48SEL takes %s, which is %s",
                   clk48[field_of(c, RCC_CCIPR, 26, 3)].name, rate);
}

static void rcc_tree(const struct chip *c, uint32_t hz[CLOCK_COUNT])
{
    memset(hz, 0, CLOCK_COUNT * sizeof hz[0]);
    hz[CLK_LSE] = rcc_osc_hz(c, OSC_LSE);
    bool vdd = c->mode != MODE_OFF && c->mode != MODE_SHUTDOWN;
    if (vdd) {
        hz[CLK_LSI] = rcc_osc_hz(c, OSC_LSI);
        hz[CLK_MSI] = rcc_osc_hz(c, OSC_MSI);
        hz[CLK_HSI16] = rcc_osc_hz(c, OSC_HSI16);
        hz[CLK_HSE] = rcc_osc_hz(c, OSC_HSE);
        hz[CLK_HSI48] = rcc_osc_hz(c, OSC_HSI48);
    }
    uint32_t pll = rcc_osc_hz(c, OSC_PLL), cfgr = c->rcc.reg[RCC_PLLCFGR / 4];
    hz[CLK_PLL_P] = pll_p(pll, cfgr);
    hz[CLK_PLL_Q] = pll_rq(pll, cfgr, 20, 21);
    hz[CLK_PLL_R] = pll_rq(pll, cfgr, 24, 25);
    uint32_t sai = rcc_osc_hz(c, OSC_PLLSAI1), sai_cfgr = c->rcc.reg[RCC_PLLSAI1CFGR / 4];
    hz[CLK_PLLSAI1_P] = pll_p(sai, sai_cfgr);
    hz[CLK_PLLSAI1_Q] = pll_rq(sai, sai_cfgr, 20, 21);
    hz[CLK_PLLSAI1_R] = pll_rq(sai, sai_cfgr, 24, 25);
    if (pwr_core_clocked(c))
        bus_clocks(c, hz);

    hz[CLK_48] = hz[clk48[field_of(c, RCC_CCIPR, 26, 3)].id];
    /* RTCEN is the RTC's alone: ST's LCD examples for the STM32L476G-EVAL reset the domain and set RTCSEL
     * only */
    uint32_t rtcsel = field_of(c, RCC_BDCR, 8, 3);
    hz[CLK_LCD] = rtcsel == 1 ? hz[CLK_LSE] : rtcsel == 2 ? hz[CLK_LSI] : rtcsel == 3 ? hz[CLK_HSE] / 32 : 0;
    hz[CLK_RTC] = field_of(c, RCC_BDCR, 15, 1) ? hz[CLK_LCD] : 0;
    const enum clock_id adc[4] = {CLOCK_COUNT, CLK_PLLSAI1_R, CLOCK_COUNT, CLK_SYSCLK};
    enum clock_id from = adc[field_of(c, RCC_CCIPR, 28, 3)];
    hz[CLK_ADC] = from < CLOCK_COUNT ? hz[from] : 0;
    bool stop2 = pwr_stopped(c) && pwr_stop_level(c) == 2; /* LPUART1, I2C3, LPTIM1 only */
    bool deep = c->mode == MODE_OFF || c->mode == MODE_STANDBY || c->mode == MODE_SHUTDOWN;
    if (deep)
        return;
    hz[CLK_LPUART1] = serial(c, hz, field_of(c, RCC_CCIPR, 10, 3), CLK_PCLK1, true);
    hz[CLK_I2C3] = serial(c, hz, field_of(c, RCC_CCIPR, 16, 3), CLK_PCLK1, false);
    hz[CLK_LPTIM1] = lptim(hz, field_of(c, RCC_CCIPR, 18, 3));
    if (stop2)
        return;
    hz[CLK_USART1] = serial(c, hz, field_of(c, RCC_CCIPR, 0, 3), CLK_PCLK2, true);
    hz[CLK_USART2] = serial(c, hz, field_of(c, RCC_CCIPR, 2, 3), CLK_PCLK1, true);
    hz[CLK_USART3] = serial(c, hz, field_of(c, RCC_CCIPR, 4, 3), CLK_PCLK1, true);
    hz[CLK_I2C1] = serial(c, hz, field_of(c, RCC_CCIPR, 12, 3), CLK_PCLK1, false);
    hz[CLK_I2C2] = serial(c, hz, field_of(c, RCC_CCIPR, 14, 3), CLK_PCLK1, false);
    hz[CLK_LPTIM2] = lptim(hz, field_of(c, RCC_CCIPR, 20, 3));
    const enum clock_id sai1[4] = {CLK_PLLSAI1_P, CLOCK_COUNT, CLK_PLL_P, CLOCK_COUNT};
    from = sai1[field_of(c, RCC_CCIPR, 22, 3)];
    hz[CLK_SAI1] = from < CLOCK_COUNT ? hz[from] : 0;
    hz[CLK_SWPMI1] = hz[field_of(c, RCC_CCIPR, 30, 1) ? CLK_HSI16 : CLK_PCLK1];
}

uint32_t chip_clock(const struct chip *c, enum clock_id id)
{
    return c->rcc.hz[id];
}

bool chip_enabled(const struct chip *c, enum block_id id)
{
    return c->rcc.enabled >> id & 1;
}

/* Bus clock gates: ENR, and in Sleep SMENR as well; nothing in deeper modes (but for DBG_STOP). Blocks
 * without an enable bit run as long as there is power. */
static uint64_t enabled_blocks(const struct chip *c)
{
    uint64_t enabled = 0;
    for (unsigned i = 0; i < BLOCK_COUNT; i++) {
        const struct block *b = &chip_blocks[i];
        bool on = true;
        if (b->enr) {
            on = c->rcc.reg[b->enr / 4] >> b->enr_bit & 1;
            if (!pwr_core_clocked(c))
                on = false;
            else if (c->mode != MODE_RUN)
                on = on && rcc_runs_in_sleep(c, b->enr + 0x20U, b->enr_bit);
        }
        if (on)
            enabled |= 1ULL << i;
    }
    return enabled;
}
_Static_assert(BLOCK_COUNT <= 64, "rcc.enabled has a bit for each block");

void rcc_tell_blocks(struct chip *c, bool after)
{
    for (unsigned i = 0; i < BLOCK_COUNT; i++)
        if (chip_blocks[i].clock)
            chip_blocks[i].clock(c, chip_blocks[i].index, after);
}

/* SYSCLK switches when the source that SW names is ready. */
static void switch_sysclk(struct chip *c)
{
    static const enum rcc_osc source[4] = {OSC_MSI, OSC_HSI16, OSC_HSE, OSC_PLL};
    uint32_t *cfgr = &c->rcc.reg[RCC_CFGR / 4];
    uint32_t sw = *cfgr & 3;
    bool gated = sw == 3 && !field_of(c, RCC_PLLCFGR, 24, 1); /* PLLREN: no clock comes out */
    if (rcc_osc_ready(c, source[sw]) && !gated)
        *cfgr = (*cfgr & ~12U) | sw << 2;
}

void rcc_update(struct chip *c)
{
    uint32_t hz[CLOCK_COUNT];
    switch_sysclk(c);
    rcc_tree(c, hz);
    uint64_t enabled = enabled_blocks(c);
    if (enabled == c->rcc.enabled && memcmp(hz, c->rcc.hz, sizeof hz) == 0) {
        mco_update(c);
        return;
    }
    rcc_tell_blocks(c, false);
    memcpy(c->rcc.hz, hz, sizeof hz);
    c->rcc.enabled = enabled;
    time_set_rate(c, hz[CLK_HCLK]);
    rcc_tell_blocks(c, true);
    flash_clock_changed(c);
    mco_update(c);
}
