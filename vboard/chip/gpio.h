/* General-purpose I/O: RM0394 "GPIO". */
#ifndef VBOARD_CHIP_GPIO_H
#define VBOARD_CHIP_GPIO_H

#include "chip/chip.h"

enum { GPIO_PORTS = 8, GPIO_H = 7 }; /* A-E and H, by number; 5 and 6 are not there */

struct gpio_state {
    uint32_t moder, otyper, ospeedr, pupdr, odr, lckr, afr[2];
    uint8_t lock_step;                   /* of the key sequence of LCKR */
    uint16_t high;                       /* level of the pins, electrically */
    uint16_t outside;                    /* pins driven from outside … */
    uint16_t outside_high;               /* … to which level */
    uint16_t outputs;                    /* pins that were in output mode when last looked at … */
    uint16_t told;                       /* … and the level last reported of them */
    uint16_t af_driven[16], af_high[16]; /* by pin: bit per alternate function */
};

void gpio_reset(struct chip *c, unsigned index);
bool gpio_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool gpio_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);

/* The level of the pin itself, whatever its mode (gpio_level: 0 in analog mode). */
bool gpio_pin_level(const struct chip *c, unsigned port, unsigned pin);
/* What the pin is wired to has changed: looks at its level again. */
void gpio_resettle(struct chip *c, unsigned port, unsigned pin);
void gpio_pulls_changed(struct chip *c); /* PWR's pull configuration */

/* Something other than a pull holds it low: the chip, a wire, the outside. */
bool gpio_held_low(const struct chip *c, unsigned port, unsigned pin);
bool gpio_floats(const struct chip *c, unsigned port, unsigned pin); /* nothing drives or pulls it */

#endif
