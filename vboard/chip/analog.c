/* Voltages at the pins, and who drives them. */
#include "chip/analog.h"
#include "chip/state.h"

/* Pins with an analog input: PA0-7, PB0-1, PC0-5 of ADC1, PB2-4 and PB6-7 of the comparators (DS11449, pin
 * definitions). */
static bool has_input(unsigned port, unsigned pin)
{
    static const uint16_t pins[3] = {0x00FF, 0x00DF, 0x003F};

    return port < 3 && pins[port] >> pin & 1;
}

unsigned analog_vdda(const struct chip *c)
{
    return c->config.vdd_mv;
}

bool adc_voltage(struct chip *c, unsigned port, unsigned pin, unsigned millivolt)
{
    if (!has_input(port, pin))
        return false;
    c->analog.millivolt[port][pin] = (uint16_t)(millivolt > 5500 ? 5500 : millivolt);
    c->analog.given[port] |= (uint16_t)(1u << pin);
    analog_changed(c);
    return true;
}

/* Driven by an analog output of the chip or from outside; -1: by neither. */
static int analog_source(const struct chip *c, unsigned port, unsigned pin)
{
    if (port == 0 && (pin == 4 || pin == 5) && dac_drives_pin(c, pin - 4))
        return (int)dac_millivolt(c, pin - 4);
    unsigned amplified;
    if (port == 0 && pin == 3 && opamp_output(c, &amplified))
        return (int)amplified;
    return port < 3 && c->analog.given[port] >> pin & 1 ? c->analog.millivolt[port][pin] : -1;
}

unsigned analog_pin(const struct chip *c, unsigned port, unsigned pin)
{
    int millivolt = analog_source(c, port, pin);
    if (millivolt < 0 && c->wires.count)
        millivolt = af_wired_level(c, port, pin, analog_source);
    if (millivolt >= 0)
        return (unsigned)millivolt;
    return gpio_pin_level(c, port, pin) ? analog_vdda(c) : 0;
}

void analog_changed(struct chip *c)
{
    comp_inputs(c);
    pwr_inputs(c);
}

/* A comparator that drives its own input turns once for each change: what would oscillate does not. */
void analog_level(struct chip *c, unsigned port, unsigned pin)
{
    if (!has_input(port, pin) || c->analog.looking)
        return;
    c->analog.looking = true;
    analog_changed(c);
    c->analog.looking = false;
}
