/* Who receives the internal trigger signals and the levels of pins: RM0394 "Peripherals interconnect
 * matrix". */
#include "chip/state.h"

void chip_trigger(struct chip *c, enum trigger t, bool rising)
{
    adc_trigger(c, t, rising);
    if (rising)
        dac_trigger(c, t);
}

void chip_trigger_pulse(struct chip *c, enum trigger t)
{
    chip_trigger(c, t, true);
    chip_trigger(c, t, false);
}

bool chip_trigger_wanted(const struct chip *c, enum trigger t)
{
    return adc_wants(c, t) || dac_wants(c, t);
}

void chip_triggers_change(struct chip *c, bool after)
{
    tim_listeners_change(c, after);
}

void chip_pin_changed(struct chip *c, unsigned port, unsigned pin, bool level)
{
    af_pin_changed(c, port, pin, level);
}

void chip_pins_selected(struct chip *c)
{
    tim_pins_selected(c);
    lptim_pins_selected(c);
    usart_pins_selected(c);
    spi_pins_selected(c);
    can_rx(c);
    i2c_alerts_look(c);
    mco_update(c);
    i2c_lines_look(c);
}
