/* LED patterns. */
#include "boot/core/led.h"

enum { TOGGLE_MS = 100, BURST_MS = 2000, PAUSE_MS = 600, BLINK_MS = 500 };

bool led_at(uint32_t ms, unsigned blinks)
{
    uint32_t period = BURST_MS + (blinks ? 2 * PAUSE_MS + blinks * BLINK_MS : 0);
    uint32_t at = ms % period;
    if (at < BURST_MS)
        return at / TOGGLE_MS % 2 == 0;
    at -= BURST_MS;
    if (at < PAUSE_MS)
        return false;
    at -= PAUSE_MS;
    return at < blinks * BLINK_MS && at % BLINK_MS < BLINK_MS / 2;
}
