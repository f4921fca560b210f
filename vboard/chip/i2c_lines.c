/* SCL and SDA of I2C1-3 as others hold them low: the outside, pins that software moves, wired to them or not.
 * RM0394 "I2C_ISR", BUSY and ARLO. What instances send each other, and what they send themselves, does not
 * show at pins and is none of this. */
#include "chip/afpin.h"
#include "chip/i2c.h"
#include "chip/state.h"

static bool low(const struct chip *c, unsigned signal)
{
    unsigned port, pin;

    return af_pin(c, signal, &port, &pin) && gpio_held_low(c, port, pin);
}

/* SDA has moved while SCL was high, and no instance has the bus: START or STOP. */
static void condition(struct chip *c, unsigned index, bool start)
{
    struct i2c_state *s = &c->i2c[index];

    if (!(s->r[I2C_CR1] & I2C_CR1_PE) || (!s->taken && !i2c_bus_free(c, index)))
        return;
    s->taken = start;
    s->r[I2C_ISR] = (s->r[I2C_ISR] & ~(uint32_t)I2C_ISR_BUSY) | (start ? I2C_ISR_BUSY : 0);
    if (!start)
        i2c_bus_idle(c, index);
}

void i2c_lines_look(struct chip *c)
{
    bool released = false;

    for (unsigned i = 0; i < I2C_COUNT; i++) {
        struct i2c_state *s = &c->i2c[i];
        bool scl = low(c, AF_I2C1_SCL + 2 * i), sda = low(c, AF_I2C1_SDA + 2 * i);
        bool moved = sda != s->sda_low, clock_high = !scl && !s->scl_low;
        if (!moved && scl == s->scl_low)
            continue;
        released = true;
        s->scl_low = scl;
        s->sda_low = sda;
        if (moved && clock_high)
            condition(c, i, sda);
    }
    if (released)
        i2c_released(c);
}

bool i2c_loses(struct chip *c, unsigned index, unsigned bits_sent)
{
    struct i2c_state *s = &c->i2c[index];

    if (!s->sda_low || !bits_sent)
        return false;
    i2c_lost(c, index, true);
    return true;
}

void i2c_lost(struct chip *c, unsigned index, bool taken)
{
    struct i2c_state *s = &c->i2c[index];

    if (s->target != I2C_NOBODY)
        i2c_bus_end(c, s->target, true);
    s->phase = I2C_IDLE;
    s->until = PS_NEVER;
    s->target = I2C_NOBODY;
    s->taken = taken; /* BUSY until the STOP of the one who has it */
    s->r[I2C_CR2] &= ~(uint32_t)I2C_CR2_START;
    s->r[I2C_ISR] &= ~(uint32_t)I2C_ISR_TXIS;
    i2c_flags(c, index, I2C_ISR_ARLO);
}
