/* Voltages at the pins and inside the chip, in millivolts: what ADC, comparators and operational
 * amplifiers see. chip.h has adc_voltage for the outside. */
#ifndef VBOARD_CHIP_ANALOG_H
#define VBOARD_CHIP_ANALOG_H

#include "chip/chip.h"

enum { ANALOG_VREFINT_MV = 1212, ANALOG_CAL_MV = 3000, ANALOG_TEMPERATURE = 25 };

struct analog_state {
    uint16_t millivolt[3][16]; /* PA, PB, PC: put there from outside */
    bool looking;              /* inside analog_level */
    uint16_t given[3];         /* bit per pin: it was; else the pin's level counts */
};

/* The voltage of a pin: what DAC or OPAMP drive, what the outside put there, or its digital level. */
unsigned analog_pin(const struct chip *c, unsigned port, unsigned pin);
unsigned analog_vdda(const struct chip *c); /* also VREF+, to which it is bonded in this package */
/* The level of a pin changed, which is a voltage where nobody drives another. */
void analog_level(struct chip *c, unsigned port, unsigned pin);
void analog_changed(struct chip *c); /* comparators and PVD look again */

#endif
