/* Clocks put out at pins: RM0394 "Clock-out capability". MCO at PA8 in alternate function 0, LSCO at PA2,
 * whatever its mode. They are told as PWM is; the pins show no edges. */
#include "chip/rcc.h"
#include "chip/state.h"

enum { PORT_A = 0, MCO_PIN = 8, LSCO_PIN = 2 };

static double mco_hz(const struct chip *c)
{
    static const enum clock_id sources[9] = {CLOCK_COUNT, CLK_SYSCLK, CLK_MSI, CLK_HSI16, CLK_HSE,
                                             CLK_PLL_R,   CLK_LSI,    CLK_LSE, CLK_HSI48};
    uint32_t cfgr = c->rcc.reg[RCC_CFGR / 4], sel = cfgr >> 24 & 15, pre = cfgr >> 28 & 7;

    if (sel == 0 || sel > 8 || pre > 4 || gpio_af(c, PORT_A, MCO_PIN) != 0)
        return 0;
    return (double)c->rcc.hz[sources[sel]] / (1U << pre);
}

static double lsco_hz(const struct chip *c)
{
    uint32_t bdcr = c->rcc.reg[RCC_BDCR / 4];

    return bdcr >> 24 & 1 ? c->rcc.hz[bdcr >> 25 & 1 ? CLK_LSE : CLK_LSI] : 0;
}

static void tell(struct chip *c, unsigned pin, double hz, double *told)
{
    if (hz == *told)
        return;
    *told = hz;
    if (c->tell->pwm)
        c->tell->pwm(c->tell->owner, PORT_A, pin, hz, hz > 0 ? 0.5 : 0);
}

void mco_update(struct chip *c)
{
    tell(c, MCO_PIN, mco_hz(c), &c->rcc.mco_told);
    tell(c, LSCO_PIN, lsco_hz(c), &c->rcc.lsco_told);
}
