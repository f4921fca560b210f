/* What SMBus adds to I2C1-3: packet error checking, the addresses of host, default device and alert response,
 * the alert line, time-outs. RM0394 "SMBus specific features". SCL is low, in the sense of the time-outs,
 * while a master waits for its software or for a slave. */
#include "chip/afpin.h"
#include "chip/i2c.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { TIDLE = 1 << 12, TIMOUTEN = 1 << 15 };
#define TEXTEN 0x80000000u
enum { HOST = 0x08, ALERT_RESPONSE = 0x0C, DEVICE_DEFAULT = 0x61 };

/* ---- packet error checking: x^8 + x^2 + x + 1 ---- */

void i2c_pec(struct i2c_state *s, uint8_t byte)
{
    uint32_t crc = s->r[I2C_PECR] ^ byte;

    if (!(s->r[I2C_CR1] & I2C_CR1_PECEN))
        return;
    for (unsigned i = 0; i < 8; i++)
        crc = (crc << 1 ^ (crc & 0x80 ? 7 : 0)) & 0xFF;
    s->r[I2C_PECR] = crc;
}

void i2c_pec_address(struct i2c_state *s, unsigned address, bool ten_bit, bool read, bool header_only)
{
    uint8_t header = (uint8_t)(0xF0 | (address >> 7 & 6));

    if (!ten_bit) {
        i2c_pec(s, (uint8_t)(address << 1 | read));
        return;
    }
    if (!header_only) {
        i2c_pec(s, header);
        i2c_pec(s, (uint8_t)address);
    }
    if (read)
        i2c_pec(s, header | 1);
}

bool i2c_pec_next(const struct i2c_state *s)
{
    uint32_t cr2 = s->r[I2C_CR2];

    return s->r[I2C_CR1] & I2C_CR1_PECEN && cr2 & I2C_CR2_PECBYTE && !(cr2 & I2C_CR2_RELOAD) && s->left == 1;
}

bool i2c_pec_check(struct chip *c, unsigned index, uint8_t byte)
{
    struct i2c_state *s = &c->i2c[index];
    bool good = byte == s->r[I2C_PECR];

    s->r[I2C_CR2] &= ~(uint32_t)I2C_CR2_PECBYTE;
    if (!good)
        i2c_flags(c, index, I2C_ISR_PECERR);
    return good;
}

/* ---- addresses and alert ---- */

bool i2c_smbus_address(const struct i2c_state *s, unsigned address)
{
    uint32_t cr1 = s->r[I2C_CR1];

    return (cr1 & I2C_CR1_SMBHEN && address == HOST) || (cr1 & I2C_CR1_SMBDEN && address == DEVICE_DEFAULT) ||
           (cr1 & I2C_CR1_ALERTEN && !(cr1 & I2C_CR1_SMBHEN) && address == ALERT_RESPONSE);
}

/* A device pulls SMBA low, a host sees it fall; while it does not look the line counts as high. */
void i2c_alert(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];
    bool on = s->r[I2C_CR1] & I2C_CR1_PE && s->r[I2C_CR1] & I2C_CR1_ALERTEN;
    bool host = s->r[I2C_CR1] & I2C_CR1_SMBHEN;

    if (on && !host)
        af_out(c, AF_I2C1_SMBA + index, false);
    else
        af_release(c, AF_I2C1_SMBA + index);
    bool low = on && host && !af_in(c, AF_I2C1_SMBA + index, true);
    if (low && !s->alert_low)
        i2c_flags(c, index, I2C_ISR_ALERT);
    s->alert_low = low;
}

void i2c_alerts_look(struct chip *c)
{
    for (unsigned i = 0; i < I2C_COUNT; i++)
        i2c_alert(c, i);
}

/* ---- time-outs ---- */

static enum i2c_stall stall_of(const struct i2c_state *s)
{
    if (s->scl_low && s->phase > I2C_WAITS_FOR_BUS)
        return I2C_STALL_SLAVE;
    switch (s->phase) {
    case I2C_WRITTEN:
    case I2C_ADDRESSED:
    case I2C_SENT: return I2C_STALL_SLAVE;
    case I2C_NEXT:
        return s->left && s->reading && !(s->r[I2C_CR2] & I2C_CR2_STOP) ? I2C_STALL_SLAVE : I2C_STALL_OWN;
    case I2C_RECEIVED:
    case I2C_RELOADS: return I2C_STALL_OWN;
    default: return I2C_STALL_NONE;
    }
}

/* What SCL was held low for so far counts for who held it. */
static void stalls(struct chip *c, unsigned master, enum i2c_stall next)
{
    struct i2c_state *s = &c->i2c[master];
    ps_t now = chip_now(c), took = now - s->stall_since;

    if (next == s->stall)
        return;
    if (s->stall == I2C_STALL_OWN)
        s->extended += took;
    else if (s->stall == I2C_STALL_SLAVE && s->target < I2C_COUNT)
        c->i2c[s->target].extended += took;
    s->stall = next;
    s->stall_since = now;
    for (unsigned i = 0; i < I2C_COUNT; i++)
        c->i2c[i].timed_out = false;
}

void i2c_byte_ends(struct chip *c, unsigned master)
{
    stalls(c, master, I2C_STALL_NONE);
    c->i2c[master].extended = 0;
}

void i2c_bus_idle(struct chip *c, unsigned index)
{
    for (unsigned i = 0; i < I2C_COUNT; i++)
        if (i == index || i2c_bus_connected(c, i, index)) {
            c->i2c[i].free_since = chip_now(c);
            c->i2c[i].timed_out = c->i2c[i].met = c->i2c[i].by_ten = false;
            c->i2c[i].r[I2C_ISR] &= ~(uint32_t)I2C_ISR_BUSY;
        }
}

/* A bus that is still idle when TIMEOUT is cleared is told again, a time-out later: docs/chip-model.md. */
void i2c_idle_again(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];

    if (!(s->r[I2C_TIMEOUTR] & TIDLE) || !s->timed_out)
        return;
    s->timed_out = false;
    s->free_since = chip_now(c);
}

static ps_t earlier(ps_t a, ps_t b)
{
    return a < b ? a : b;
}

/* When the instance times out if nothing happens on the bus. */
static ps_t deadline(const struct chip *c, unsigned index)
{
    const struct i2c_state *s = &c->i2c[index];
    uint32_t t = s->r[I2C_TIMEOUTR], hz = i2c_kernel_hz(c, index);
    ps_t at = PS_NEVER;

    if (!(s->r[I2C_CR1] & I2C_CR1_PE) || !(t & (TIMOUTEN | TEXTEN)) || s->timed_out || !hz)
        return PS_NEVER;
    ps_t low = chip_ticks_to_ps((bits(t, 0, 12) + 1u) * (t & TIDLE ? 4u : 2048u), hz);
    ps_t extend = chip_ticks_to_ps((bits(t, 16, 12) + 1u) * 2048u, hz);
    ps_t left = extend > s->extended ? extend - s->extended : 0;
    if (t & TIMOUTEN && t & TIDLE && i2c_bus_free(c, index))
        at = s->free_since + low;
    for (unsigned m = 0; m < I2C_COUNT; m++) {
        const struct i2c_state *other = &c->i2c[m];
        if (!other->stall || (m != index && !i2c_bus_connected(c, m, index)))
            continue;
        if (t & TIMOUTEN && !(t & TIDLE))
            at = earlier(at, other->stall_since + low);
        bool by_it = other->stall == I2C_STALL_OWN ? m == index : other->target == index;
        if (t & TEXTEN && by_it)
            at = earlier(at, other->stall_since + left);
    }
    return at;
}

static void schedule(struct chip *c, unsigned index)
{
    const struct i2c_state *s = &c->i2c[index];
    bool timed = s->phase == I2C_ADDRESS || s->phase == I2C_HEADER || s->phase == I2C_SENDS ||
                 s->phase == I2C_RECEIVES || s->phase == I2C_ACKNOWLEDGES || s->phase == I2C_STOPS;

    timed = timed && !s->scl_low;

    chip_wake_at(c, (enum block_id)(B_I2C1 + index),
                 earlier(timed ? s->until : PS_NEVER, deadline(c, index)));
}

void i2c_schedule(struct chip *c, unsigned index)
{
    stalls(c, index, stall_of(&c->i2c[index]));
    for (unsigned i = 0; i < I2C_COUNT; i++)
        if (i == index || c->i2c[i].r[I2C_TIMEOUTR] & (TIMOUTEN | TEXTEN))
            schedule(c, i);
}

/* A master ends with STOP, a slave lets go of both lines. */
void i2c_time_out(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];

    if (deadline(c, index) > chip_now(c))
        return;
    s->timed_out = true;
    if (s->stall)
        i2c_stop(c, index);
    bool held = s->selected;
    s->selected = false;
    s->r[I2C_CR2] &= ~(uint32_t)I2C_CR2_START;
    s->r[I2C_ISR] &= ~(uint32_t)I2C_ISR_TXIS;
    i2c_flags(c, index, I2C_ISR_TIMEOUT);
    if (held)
        i2c_released(c);
}
