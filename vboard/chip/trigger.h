/* Signals between blocks that are not registers: triggers (chip_trigger) and levels of pins. */
#ifndef VBOARD_CHIP_TRIGGER_H
#define VBOARD_CHIP_TRIGGER_H

#include "chip/chip.h"

/* Does anybody listen to the trigger now? If not, its source need not announce it. */
bool chip_trigger_wanted(const struct chip *c, enum trigger t);
/* Around a register write that may change who listens: before it the sources go through the time until
 * now with the old listeners, after it they announce what the new ones want. */
void chip_triggers_change(struct chip *c, bool after);
/* The level that a pin reads as has changed; told to whoever listens to alternate function inputs. */
void chip_pin_changed(struct chip *c, unsigned port, unsigned pin, bool level);
/* Pins were given to other functions: outputs may show now, and inputs have another pin or none. */
void chip_pins_selected(struct chip *c);

#endif
