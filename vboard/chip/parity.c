/* SRAM2 with its parity bits, which the option SRAM2_PE = 0 has checked. As in RM0394 "SRAM2 parity check":
 * what was not written since power-on has bits at random, so half of the bytes are wrong. While the option is
 * off nobody keeps track; what is there when it is switched on counts as written. */
#include <string.h>

#include "chip/state.h"

static bool enabled(const struct chip *c)
{
    return !(flash_loaded_optr(c) & 1U << 24);
}

bool parity_watches(const struct chip *c)
{
    return c->parity.count; /* none while it is off */
}

/* From the machine's seed, without taking from what others take from it. */
void parity_lost(struct chip *c)
{
    uint64_t before = c->random;

    c->parity.count = 0;
    for (size_t i = 0; i < sizeof c->parity.bad; i += 8) {
        uint64_t r = chip_random(c);
        memcpy(&c->parity.bad[i], &r, 8);
        c->parity.count += (uint32_t)__builtin_popcountll(r);
    }
    c->random = before;
}

void parity_written(struct chip *c, uint32_t off, uint32_t size)
{
    struct parity_state *p = &c->parity;

    if (!p->count)
        return;
    for (uint32_t i = off; i < off + size; i++) {
        p->count -= p->bad[i / 8] >> i % 8 & 1;
        p->bad[i / 8] &= (uint8_t) ~(1U << i % 8);
    }
    if (!p->count) /* from now on the processor has it directly again */
        chip_map_memories(c);
}

void parity_read(struct chip *c, uint32_t off, uint32_t size)
{
    bool wrong = false;

    if (!parity_watches(c))
        return;
    for (uint32_t i = off; i < off + size; i++)
        wrong |= c->parity.bad[i / 8] >> i % 8 & 1;
    if (wrong)
        syscfg_parity_error(c);
}

void parity_reset_ends(struct chip *c)
{
    if (!enabled(c))
        c->parity.count = 0;
    if (!c->parity.count)
        memset(c->parity.bad, 0, sizeof c->parity.bad);
}
