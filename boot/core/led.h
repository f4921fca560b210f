/* The LED in DFU: toggles every 100 ms; a refused application shows its code between bursts. */
#ifndef BOOT_CORE_LED_H
#define BOOT_CORE_LED_H

#include <stdbool.h>
#include <stdint.h>

/* Is it on `ms` after the start of DFU, if the message has so many blinks (0: no pattern)? */
bool led_at(uint32_t ms, unsigned blinks);

#endif
