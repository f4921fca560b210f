/* Reset and clock control: RM0394 "RCC". */
#include "chip/state.h"

uint32_t chip_clock(const struct chip *c, enum clock_id id)
{
    return c->rcc.hz[id];
}

bool rcc_accessible(const struct chip *c, const struct block *b)
{
    return !b->enr || c->rcc.reg[b->enr / 4] >> b->enr_bit & 1;
}

void rcc_reset(struct chip *c, unsigned index)
{
    (void)index;
    static const enum clock_id msi[] = {CLK_SYSCLK,   CLK_HCLK,     CLK_PCLK1, CLK_PCLK2,
                                        CLK_TIM_APB1, CLK_TIM_APB2, CLK_MSI};
    for (unsigned i = 0; i < sizeof msi / sizeof msi[0]; i++)
        c->rcc.hz[msi[i]] = 4000000;
}
