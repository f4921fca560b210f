/* ETM: it can be unlocked and left powered down, as it is after power-on. Trace is not modelled, and nothing
 * here could receive it. ARM DDI 0440 "ETM-M4". */
#include "chip/etm.h"
#include "chip/state.h"

enum { ETMCR = 0x000, ETMLAR = 0xFB0 };
enum { POWER_DOWN = 1, ETMCR_RESET = 0x411 };

void etm_reset(struct chip *c, unsigned index)
{
    (void)c;
    (void)index;
}

bool etm_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)c;
    (void)index;
    *value = lanes_get((off & ~3u) == ETMCR ? ETMCR_RESET : 0, off, size);
    return true;
}

bool etm_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    if ((off & ~3u) != ETMCR)
        chip_missing(c, B_ETM, off);
    return etm_peek(c, index, off, size, value);
}

bool etm_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    (void)index;
    (void)size;
    if (off != ETMLAR && !(off == ETMCR && value & POWER_DOWN))
        chip_missing(c, B_ETM, off);
    return true;
}
