/* Who is on the I2C buses: the serial EEPROM at address 0x50 of I2C2, or where wires lead to its pins PB10
 * and PB11, and other instances as slaves whose SCL and SDA pins are wired to the master's. RM0394 "I2C slave
 * mode"; 24xx data sheets. */
#include "chip/afpin.h"
#include "chip/i2c.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { TARGET_EEPROM = I2C_COUNT, EEPROM_BUS = 1 };

static bool eeprom_there(const struct chip *c, unsigned index)
{
    return eeprom_fitted(c) &&
           (index == EEPROM_BUS || (af_wired_to(c, AF_I2C1_SCL + 2 * index, EEPROM_PORT, EEPROM_SCL) &&
                                    af_wired_to(c, AF_I2C1_SDA + 2 * index, EEPROM_PORT, EEPROM_SDA)));
}

/* ---- instances as slaves ---- */

bool i2c_bus_connected(const struct chip *c, unsigned a, unsigned b)
{
    return a != b && af_wired(c, AF_I2C1_SCL + 2 * a, AF_I2C1_SCL + 2 * b) &&
           af_wired(c, AF_I2C1_SDA + 2 * a, AF_I2C1_SDA + 2 * b);
}

bool i2c_bus_free(const struct chip *c, unsigned index)
{
    if (c->i2c[index].taken)
        return false;
    for (unsigned i = 0; i < I2C_COUNT; i++)
        if (i2c_in_the_way(c, index, i) && (i == index || i2c_bus_connected(c, i, index)))
            return false;
    return true;
}

void i2c_bus_begin(struct chip *c, unsigned index)
{
    for (unsigned i = 0; i < I2C_COUNT; i++)
        if (c->i2c[i].r[I2C_CR1] & I2C_CR1_PE && (i == index || i2c_bus_connected(c, i, index)))
            c->i2c[i].r[I2C_ISR] |= I2C_ISR_BUSY;
}

/* The code that ADDCODE shows, or -1. */
static int own_address(const struct i2c_state *s, unsigned address, bool ten_bit)
{
    uint32_t oa1 = s->r[I2C_OAR1], oa2 = s->r[I2C_OAR2];

    if (!(s->r[I2C_CR1] & I2C_CR1_PE))
        return -1;
    if (!ten_bit && i2c_smbus_address(s, address))
        return (int)address;
    if (oa1 & 1 << 15 && ten_bit == !!(oa1 & 1 << 10) &&
        address == (ten_bit ? bits(oa1, 0, 10) : bits(oa1, 1, 7)))
        return ten_bit ? (int)(0x78 | address >> 8) : (int)address;
    if (ten_bit)
        return -1;
    unsigned masked = bits(oa2, 8, 3);
    bool reserved = (address & 0x78) == 0 || (address & 0x78) == 0x78;
    /* With OA2MSK reserved addresses are not acknowledged "even if the comparison matches" (RM0360
     * "I2C_OAR2"). */
    if (oa2 & 1 << 15 && !(masked && reserved) && (address ^ bits(oa2, 1, 7)) >> masked == 0)
        return (int)address;
    return s->r[I2C_CR1] & I2C_CR1_GCEN && address == 0 ? 0 : -1;
}

/* Who was addressed by ten bits remembers it until STOP or another address, and answers to the header of a
 * read, which has only the upper two; nobody else does (I2C-bus specification, "10-bit addressing", as
 * remembered; Microchip's manuals paraphrase it), nor it with OA1EN cleared in between (RM0394 "I2C_OAR1").
 */
static int known_address(const struct i2c_state *s, unsigned address)
{
    uint32_t oa1 = s->r[I2C_OAR1];
    bool its = s->by_ten && oa1 & 1 << 15 && address >> 8 == bits(oa1, 8, 2);

    return its ? (int)(0x78 | address >> 8) : -1;
}

static void select_slave(struct chip *c, unsigned slave, unsigned master, unsigned code, bool read)
{
    struct i2c_state *s = &c->i2c[slave];

    if (!s->met) { /* a new message, not a repeated START */
        s->r[I2C_PECR] = 0;
        s->extended = 0;
    }
    s->met = true;
    s->r[I2C_CR2] &= ~(uint32_t)(I2C_CR2_NACK | I2C_CR2_PECBYTE);

    s->selected = s->fresh = true;
    s->transmits = read;
    s->nacked = false;
    s->master = (uint8_t)master;
    s->r[I2C_ISR] &= ~(0x7Fu << 17 | I2C_ISR_DIR);
    s->r[I2C_ISR] |= code << 17 | (read ? (uint32_t)I2C_ISR_DIR : 0) | I2C_ISR_BUSY;
    if (s->r[I2C_CR1] & I2C_CR1_SBC)
        i2c_count(s);
    i2c_flags(c, slave, I2C_ISR_ADDR);
}

uint8_t i2c_bus_address(struct chip *c, unsigned index, unsigned address, bool ten_bit, bool read)
{
    if (eeprom_there(c, index))
        eeprom_quiet(c); /* its pins saw the START */
    bool eeprom = eeprom_there(c, index) && !ten_bit && address == EEPROM_ADDRESS;
    bool header = ten_bit && read;
    uint8_t found = I2C_NOBODY;
    for (unsigned i = 0; i < I2C_COUNT; i++) {
        struct i2c_state *s = &c->i2c[i];
        if (!i2c_bus_connected(c, i, index))
            continue;
        int code = eeprom ? -1 : header ? known_address(s, address) : own_address(s, address, ten_bit);
        s->by_ten = ten_bit && code >= 0;
        if (code < 0 || found != I2C_NOBODY)
            continue;
        bool again = s->met;
        select_slave(c, i, index, (unsigned)code, read);
        i2c_pec_address(s, address, ten_bit, read, again && read);
        found = (uint8_t)i;
    }
    if (eeprom && eeprom_select(c, read))
        found = TARGET_EEPROM;
    return found;
}

bool i2c_bus_ready(const struct chip *c, uint8_t target)
{
    if (target >= I2C_COUNT)
        return true;
    const struct i2c_state *s = &c->i2c[target];
    return !s->selected || !(s->r[I2C_ISR] & I2C_ISR_ADDR) || s->r[I2C_CR1] & I2C_CR1_NOSTRETCH;
}

/* Slave byte control: with RELOAD each byte of NBYTES = 1 can be refused before its acknowledge. */
static bool byte_control(const struct i2c_state *s)
{
    return s->r[I2C_CR1] & I2C_CR1_SBC;
}

enum i2c_answer i2c_bus_put(struct chip *c, uint8_t target, uint8_t byte)
{
    if (target >= I2C_COUNT) {
        eeprom_put(c, byte);
        return I2C_ACK;
    }
    struct i2c_state *s = &c->i2c[target];
    if (!s->selected) /* has timed out */
        return I2C_NACK;
    if (s->r[I2C_ISR] & I2C_ISR_TCR) /* the byte was handed over, its acknowledge waits */
        return I2C_STRETCH;
    if (byte_control(s) && s->nacked) {
        s->nacked = false;
        bool refuse = s->r[I2C_CR2] & I2C_CR2_NACK;
        s->r[I2C_CR2] &= ~(uint32_t)I2C_CR2_NACK;
        return refuse ? I2C_NACK : I2C_ACK;
    }
    if (s->r[I2C_ISR] & I2C_ISR_RXNE) {
        if (!(s->r[I2C_CR1] & I2C_CR1_NOSTRETCH))
            return I2C_STRETCH;
        i2c_flags(c, target, I2C_ISR_OVR);
        return I2C_NACK;
    }
    s->r[I2C_RXDR] = byte;
    i2c_flags(c, target, I2C_ISR_RXNE);
    if (byte_control(s) && i2c_pec_next(s)) {
        s->left = 0;
        return i2c_pec_check(c, target, byte) ? I2C_ACK : I2C_NACK;
    }
    i2c_pec(s, byte);
    if (byte_control(s) && s->left && --s->left == 0 && s->r[I2C_CR2] & I2C_CR2_RELOAD) {
        s->nacked = true; /* comes back when TCR has been served */
        i2c_flags(c, target, I2C_ISR_TCR);
        return I2C_STRETCH;
    }
    if (s->r[I2C_CR2] & I2C_CR2_NACK) {
        s->r[I2C_CR2] &= ~(uint32_t)I2C_CR2_NACK;
        return I2C_NACK;
    }
    return I2C_ACK;
}

/* Slave byte control: NBYTES are through, and there are more. TCR comes when they "have been transferred",
 * and stretches SCL, to a sender as well (RM0440 "Hardware transfer management"): ST's
 * HAL_SMBUS_Slave_Transmit_IT() waits for it behind 255 bytes. */
static bool reloads(const struct i2c_state *s)
{
    return byte_control(s) && !s->left && s->r[I2C_CR2] & I2C_CR2_RELOAD;
}

enum i2c_answer i2c_bus_get(struct chip *c, uint8_t target, uint8_t *byte)
{
    if (target >= I2C_COUNT) {
        *byte = eeprom_get(c);
        return I2C_ACK;
    }
    struct i2c_state *s = &c->i2c[target];
    if (!s->selected) { /* has timed out */
        *byte = 0xFF;
        return I2C_ACK;
    }
    /* The first byte, while STOPF of the message before stands: an underrun, too, and what is in TXDR is sent
     * (RM0453 "Overrun/underrun error (OVR)"). */
    if (s->fresh && s->r[I2C_CR1] & I2C_CR1_NOSTRETCH && s->r[I2C_ISR] & I2C_ISR_STOPF)
        i2c_flags(c, target, I2C_ISR_OVR);
    s->fresh = false;
    if (s->r[I2C_ISR] & I2C_ISR_TCR)
        return I2C_STRETCH;
    if (byte_control(s) && i2c_pec_next(s)) {
        *byte = (uint8_t)s->r[I2C_PECR];
        s->r[I2C_CR2] &= ~(uint32_t)I2C_CR2_PECBYTE;
        s->left = 0;
        return I2C_ACK;
    }
    if (s->r[I2C_ISR] & I2C_ISR_TXE) {
        if (!(s->r[I2C_CR1] & I2C_CR1_NOSTRETCH)) {
            if (!(s->r[I2C_ISR] & I2C_ISR_TXIS))
                i2c_flags(c, target, I2C_ISR_TXIS);
            return I2C_STRETCH;
        }
        i2c_flags(c, target, I2C_ISR_OVR); /* underrun */
        *byte = 0xFF;
        return I2C_ACK;
    }
    *byte = (uint8_t)s->r[I2C_TXDR];
    i2c_pec(s, *byte);
    if (byte_control(s) && s->left)
        s->left--;
    bool last = byte_control(s) && (i2c_pec_next(s) || reloads(s)); /* nothing is asked for behind it */
    i2c_flags(c, target, I2C_ISR_TXE | (last ? 0 : I2C_ISR_TXIS));
    return I2C_ACK;
}

void i2c_bus_got(struct chip *c, uint8_t target, bool ack)
{
    if (target >= I2C_COUNT)
        return;
    if (ack) {
        if (reloads(&c->i2c[target]))
            i2c_flags(c, target, I2C_ISR_TCR);
        return;
    }
    c->i2c[target].r[I2C_ISR] &= ~(uint32_t)I2C_ISR_TXIS; /* that was the last one */
    i2c_flags(c, target, I2C_ISR_NACKF);
}

void i2c_bus_fails(struct chip *c, uint8_t target)
{
    if (target >= I2C_COUNT || !c->i2c[target].selected)
        return;
    c->i2c[target].selected = false; /* it lets go of both lines */
    c->i2c[target].r[I2C_ISR] &= ~(uint32_t)I2C_ISR_TXIS;
    i2c_flags(c, target, I2C_ISR_ARLO);
}

void i2c_bus_end(struct chip *c, uint8_t target, bool restart)
{
    if (target == I2C_NOBODY)
        return;
    if (target >= I2C_COUNT) {
        eeprom_end(c, restart);
        return;
    }
    struct i2c_state *s = &c->i2c[target];
    bool part = s->selected; /* or it has timed out */
    s->selected = false;
    if (restart)
        return;
    s->r[I2C_ISR] &= ~(uint32_t)(I2C_ISR_BUSY | I2C_ISR_TXIS | I2C_ISR_TCR);
    s->r[I2C_CR2] &= ~(uint32_t)(I2C_CR2_NACK | I2C_CR2_PECBYTE);
    i2c_flags(c, target, part ? I2C_ISR_STOPF : 0);
}

/* The EEPROM follows SCL alone, so it stays where it is: in the middle of a byte that it gives, or with the
 * acknowledge of one that it took. SCL rises as it is let go, which clocks the bit that is on the line. */
void i2c_bus_broken(struct chip *c, unsigned index)
{
    const struct i2c_state *s = &c->i2c[index];
    uint8_t byte = s->shift;

    if (s->phase <= I2C_ADDRESS || s->phase >= I2C_STOPS || s->target != TARGET_EEPROM)
        return;
    bool between = s->phase == I2C_ADDRESSED || s->phase == I2C_NEXT;
    if (s->reading && s->phase == I2C_RECEIVES && s->until > chip_now(c)) {
        ps_t bit = (s->until - s->since) / 8;
        eeprom_gives(c, byte, 1 + (unsigned)((chip_now(c) - s->since) / bit));
    } else if (s->reading && between && (s->left || s->r[I2C_CR2] & I2C_CR2_RELOAD)) {
        i2c_bus_get(c, s->target, &byte);
        eeprom_gives(c, byte, 1);
    } else if (!s->reading && s->phase == I2C_ACKNOWLEDGES) {
        eeprom_acknowledges(c);
    } else {
        i2c_bus_end(c, s->target, true);
        eeprom_quiet(c);
    }
}
