/* Power control: RM0394 "PWR". */
#include "chip/state.h"

void pwr_sleep(struct chip *c)
{
    c->mode = MODE_SLEEP;
}

bool pwr_stop_ends(const struct chip *c)
{
    return cpu_would_wake(c->cpu);
}

void pwr_wake(struct chip *c)
{
    c->mode = MODE_RUN;
}
