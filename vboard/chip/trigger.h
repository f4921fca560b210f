/* Signals between blocks that are not registers: triggers (chip_trigger) and levels of pins. */
#ifndef VBOARD_CHIP_TRIGGER_H
#define VBOARD_CHIP_TRIGGER_H

#include "chip/chip.h"

/* Does anybody listen to the trigger now? If not, its source need not announce it. */
bool chip_trigger_wanted(const struct chip *c, enum trigger t);
/* The level that a pin reads as has changed; told to whoever listens to alternate function inputs. */
void chip_pin_changed(struct chip *c, unsigned port, unsigned pin, bool level);
/* Pins were given to other functions: outputs may show now. */
void chip_pins_selected(struct chip *c);

#endif
