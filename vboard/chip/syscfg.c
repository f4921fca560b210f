/* System configuration: RM0394 "SYSCFG". */
#include "chip/state.h"

bool syscfg_sram2_locked(const struct chip *c, uint32_t off)
{
    return c->syscfg.swpr >> (off / 1024) & 1;
}
