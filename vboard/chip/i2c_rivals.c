/* Masters that begin before one has seen the other's START: the wired-AND of SDA leaves the bus to the lower
 * address. RM0394 "I2C_ISR", ARLO; I2C-bus specification (UM10204) 3.1.8. Who sends the same address as
 * another waits for him, though his data might decide. */
#include "chip/i2c.h"
#include "chip/regs.h"
#include "chip/state.h"

/* A START is seen behind the filters and the synchronisation of its edge. */
static bool unseen(const struct chip *c, unsigned index, unsigned other)
{
    const struct i2c_state *s = &c->i2c[index], *o = &c->i2c[other];
    ps_t digital = chip_ticks_to_ps(2 + bits(s->r[I2C_CR1], 8, 4), i2c_kernel_hz(c, index));
    ps_t analog = s->r[I2C_CR1] & I2C_CR1_ANFOFF ? 0 : 50000;

    return o->phase == I2C_ADDRESS && digital != PS_NEVER && chip_now(c) < o->since + digital + analog;
}

bool i2c_in_the_way(const struct chip *c, unsigned index, unsigned other)
{
    return c->i2c[other].phase > I2C_WAITS_FOR_BUS && (other == index || !unseen(c, index, other));
}

/* The one that would have the bus; I2C_NOBODY. */
static unsigned leader(const struct chip *c, unsigned index)
{
    for (unsigned i = 0; i < I2C_COUNT; i++)
        if (i != index && i2c_bus_connected(c, i, index) && !c->i2c[i].outbid && unseen(c, index, i))
            return i;
    return I2C_NOBODY;
}

/* The first bits on the bus, up to the next START, from bit 15 on. */
static unsigned header(const struct i2c_state *s, unsigned *n)
{
    uint32_t cr2 = s->r[I2C_CR2];
    unsigned read = cr2 & I2C_CR2_RD_WRN ? 1 : 0, ten = 0xF0 | (bits(cr2, 8, 2) << 1);

    *n = 8;
    if (!(cr2 & I2C_CR2_ADD10))
        return ((cr2 & 0xFE) | read) << 8;
    if (cr2 & I2C_CR2_HEAD10R && read)
        return (ten | 1) << 8;
    *n = 16;
    return ten << 8 | bits(cr2, 0, 8);
}

/* The first bit in which two differ, or -1; `*low`: a has the zero. */
static int differ(const struct i2c_state *a, const struct i2c_state *b, bool *low)
{
    unsigned n, m, x = header(a, &n), y = header(b, &m);

    for (unsigned i = 0; i < n && i < m; i++) {
        *low = !(x >> (15 - i) & 1);
        if ((x ^ y) >> (15 - i) & 1)
            return (int)i;
    }
    return -1;
}

bool i2c_may_begin(const struct chip *c, unsigned index)
{
    unsigned l = leader(c, index);
    bool low;

    return l == I2C_NOBODY || differ(&c->i2c[index], &c->i2c[l], &low) >= 0;
}

void i2c_compete(struct chip *c, unsigned index)
{
    unsigned l = leader(c, index);
    bool low = false;

    if (l == I2C_NOBODY)
        return;
    int bit = differ(&c->i2c[index], &c->i2c[l], &low);
    i2c_outbid(c, low ? l : index, 2u + (unsigned)bit + (bit >= 8)); /* START, bits, an acknowledge between */
}
