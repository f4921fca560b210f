/* LED patterns. */
#include "boot/core/led.h"

/* In units of 50 ms. */
enum { UNIT_MS = 50, TOGGLE = 2, BURST = 40, PAUSE = 12, BLINK = 10 };

bool led_at(uint32_t ms, unsigned blinks)
{
    unsigned period = BURST + (blinks ? 2 * PAUSE + blinks * BLINK : 0);
    unsigned at = ms / UNIT_MS % period;
    if (at < BURST)
        return at / TOGGLE % 2 == 0;
    at -= BURST + PAUSE; /* in the pause before the blinks: beyond all of them */
    return at < blinks * BLINK && at % BLINK < BLINK / 2;
}
