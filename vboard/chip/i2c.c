/* Registers of I2C1-3, their flags, interrupts and DMA requests. RM0394 "I2C registers". */
#include "chip/i2c.h"
#include "chip/regs.h"
#include "chip/state.h"

static const struct instance {
    uint8_t block, irq_event, irq_error, tx, rx;
} instances[I2C_COUNT] = {{B_I2C1, 31, 32, DMAR_I2C1_TX, DMAR_I2C1_RX},
                          {B_I2C2, 33, 34, DMAR_I2C2_TX, DMAR_I2C2_RX},
                          {B_I2C3, 72, 73, DMAR_I2C3_TX, DMAR_I2C3_RX}};

enum {
    CR1_BITS = 0x00FFDFFF,
    CR1_WHILE_ENABLED = 0x00FDC0FF, /* not DNF, ANFOFF, NOSTRETCH */
    CR2_BITS = 0x07FFFFFF,
    OAR1_BITS = 0x87FF,
    OAR2_BITS = 0x87FE,
    ICR_BITS = 0x3F38,
    ERRORS = 0x3F00
};

void i2c_update(struct chip *c, unsigned index)
{
    static const struct {
        uint32_t enable, flags;
    } events[] = {{I2C_CR1_TXIE, I2C_ISR_TXIS},    {I2C_CR1_RXIE, I2C_ISR_RXNE},
                  {I2C_CR1_ADDRIE, I2C_ISR_ADDR},  {I2C_CR1_NACKIE, I2C_ISR_NACKF},
                  {I2C_CR1_STOPIE, I2C_ISR_STOPF}, {I2C_CR1_TCIE, I2C_ISR_TC | I2C_ISR_TCR}};
    const struct i2c_state *s = &c->i2c[index];
    const struct instance *i = &instances[index];
    uint32_t cr1 = s->r[I2C_CR1], isr = s->r[I2C_ISR];
    bool event = false;

    for (size_t n = 0; n < sizeof events / sizeof events[0]; n++)
        event |= cr1 & events[n].enable && isr & events[n].flags;
    chip_irq(c, i->irq_event, i->block, event);
    chip_irq(c, i->irq_error, i->block, cr1 & I2C_CR1_ERRIE && isr & ERRORS);
    dma_request(c, i->tx, cr1 & I2C_CR1_TXDMAEN && isr & I2C_ISR_TXIS);
    dma_request(c, i->rx, cr1 & I2C_CR1_RXDMAEN && isr & I2C_ISR_RXNE);
}

void i2c_flags(struct chip *c, unsigned index, uint32_t set)
{
    c->i2c[index].r[I2C_ISR] |= set;
    i2c_update(c, index);
}

void i2c_count(struct i2c_state *s)
{
    s->left = (uint16_t)bits(s->r[I2C_CR2], 16, 8);
    bool pec = s->r[I2C_CR2] & I2C_CR2_PECBYTE && !(s->r[I2C_CR2] & I2C_CR2_RELOAD) && s->left;
    s->wanted = (uint16_t)(s->left - pec); /* hardware has the PEC */
}

/* PE = 0 is a software reset of everything but the configuration. */
static void disable(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];

    i2c_bus_broken(c, index);
    s->r[I2C_ISR] = I2C_ISR_TXE;
    s->r[I2C_CR2] &= ~(uint32_t)(I2C_CR2_START | I2C_CR2_STOP | I2C_CR2_NACK | I2C_CR2_PECBYTE);
    s->r[I2C_PECR] = 0;
    s->phase = I2C_IDLE;
    s->until = PS_NEVER;
    s->selected = s->transmits = s->nacked = s->taken = s->met = s->by_ten = s->outbid = false;
    s->left = s->wanted = 0;
}

void i2c_reset(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];

    disable(c, index);
    *s = (struct i2c_state){.scl_low = s->scl_low, .sda_low = s->sda_low, .until = PS_NEVER};
    s->r[I2C_ISR] = I2C_ISR_TXE;
    i2c_alert(c, index);
    i2c_update(c, index);
    i2c_released(c);
}

void i2c_clock(struct chip *c, unsigned index, bool after)
{
    if (after && (c->i2c[index].phase != I2C_IDLE || c->i2c[index].r[I2C_TIMEOUTR]))
        i2c_go_on(c, index);
}

bool i2c_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct i2c_state *s = &c->i2c[index];

    *value = off / 4 < I2C_REGS ? lanes_get(s->r[off / 4], off, size) : 0;
    return true;
}

bool i2c_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    i2c_peek(c, index, off, size, value);
    if (off / 4 == I2C_RXDR && c->i2c[index].r[I2C_ISR] & I2C_ISR_RXNE) {
        c->i2c[index].r[I2C_ISR] &= ~(uint32_t)I2C_ISR_RXNE;
        i2c_update(c, index);
        i2c_go_on(c, index);
        i2c_released(c);
    }
    return true;
}

static void ignored(struct chip *c, unsigned index, const char *reg, const char *why)
{
    chip_ignored(c, (enum block_id)instances[index].block, reg, why);
}

static void write_cr1(struct chip *c, unsigned index, uint32_t value)
{
    struct i2c_state *s = &c->i2c[index];
    uint32_t old = s->r[I2C_CR1], mask = old & I2C_CR1_PE ? CR1_WHILE_ENABLED : CR1_BITS;

    if (value & I2C_CR1_PE && (value ^ old) & CR1_BITS & ~mask)
        ignored(c, index, "CR1", "while PE is set");
    s->r[I2C_CR1] = (s->r[I2C_CR1] & ~mask) | (value & mask);
    if (s->r[I2C_CR1] & ~old & I2C_CR1_PE)
        s->free_since = chip_now(c);
    if (s->r[I2C_CR1] & ~old & I2C_CR1_PECEN)
        s->r[I2C_PECR] = 0;
    i2c_alert(c, index);
}

/* A value is locked while its time-out is enabled. */
static void write_timeoutr(struct chip *c, unsigned index, uint32_t value)
{
    struct i2c_state *s = &c->i2c[index];
    uint32_t old = s->r[I2C_TIMEOUTR], locked = 0;

    locked |= old & 1u << 15 ? 0x1FFFu : 0;
    locked |= old & 1u << 31 ? 0x0FFF0000u : 0;
    s->r[I2C_TIMEOUTR] = (value & 0x8FFF9FFFu & ~locked) | (old & locked);
    if (s->r[I2C_TIMEOUTR] == old)
        return;
    s->free_since = chip_now(c);
    s->timed_out = false;
}

/* OA1 and OA1MODE, OA2 and OA2MSK "can be written only when OA1EN = 0", OA2EN = 0. */
static void write_address(struct chip *c, unsigned index, unsigned reg, uint32_t value)
{
    uint32_t *r = &c->i2c[index].r[reg], locked = *r & 1u << 15 ? 0x7FFFu : 0;

    if (value >> 15 && (value ^ *r) & locked)
        ignored(c, index, reg == I2C_OAR1 ? "OAR1" : "OAR2", "while the address is enabled");
    *r = (value & ~locked) | (*r & locked);
}

/* START, STOP, NACK and PECBYTE are set by software only; NBYTES written while TCR goes on with the transfer.
 */
static void write_cr2(struct chip *c, unsigned index, uint32_t value)
{
    struct i2c_state *s = &c->i2c[index];
    const uint32_t commands = I2C_CR2_START | I2C_CR2_STOP | I2C_CR2_NACK | I2C_CR2_PECBYTE;
    uint32_t kept = s->r[I2C_CR2] & commands;

    if (!(s->r[I2C_CR1] & I2C_CR1_PE) && value & I2C_CR2_START)
        ignored(c, index, "CR2.START", "while PE is clear");
    if (!(s->r[I2C_CR1] & I2C_CR1_PE))
        value &= ~commands;
    s->r[I2C_CR2] = (value & CR2_BITS) | kept;
    if (s->r[I2C_ISR] & I2C_ISR_TCR && bits(value, 16, 8)) {
        s->r[I2C_ISR] &= ~(uint32_t)I2C_ISR_TCR;
        i2c_count(s);
        if (s->selected)
            i2c_released(c);
    }
    if (value & (I2C_CR2_START | I2C_CR2_STOP))
        s->r[I2C_ISR] &= ~(uint32_t)I2C_ISR_TC;
    if (value & I2C_CR2_START && s->phase == I2C_IDLE)
        s->phase = I2C_WAITS_FOR_BUS;
    else if (s->phase == I2C_IDLE)
        s->r[I2C_CR2] &= ~(uint32_t)I2C_CR2_STOP;
}

static void write_isr(struct chip *c, unsigned index, uint32_t value)
{
    struct i2c_state *s = &c->i2c[index];

    if (value & I2C_ISR_TXE) /* flushes TXDR */
        s->r[I2C_ISR] |= I2C_ISR_TXE;
    if (value & I2C_ISR_TXIS && s->r[I2C_CR1] & I2C_CR1_NOSTRETCH)
        s->r[I2C_ISR] |= I2C_ISR_TXIS;
    i2c_update(c, index);
}

static void clear(struct chip *c, unsigned index, uint32_t value)
{
    struct i2c_state *s = &c->i2c[index];

    value &= ICR_BITS;
    s->r[I2C_ISR] &= ~value;
    if (value & I2C_ISR_TIMEOUT)
        i2c_idle_again(c, index);
    /* ADDRCF takes back the START, too: RM0360 "I2C_CR2" */
    if (value & I2C_ISR_ADDR && s->phase == I2C_WAITS_FOR_BUS) {
        s->r[I2C_CR2] &= ~(uint32_t)I2C_CR2_START;
        s->phase = I2C_IDLE;
    }
    if (value & I2C_ISR_ADDR && s->selected) {
        if (s->r[I2C_CR1] & I2C_CR1_SBC) /* NBYTES is written before */
            i2c_count(s);
        if (s->transmits && s->r[I2C_ISR] & I2C_ISR_TXE && !i2c_pec_next(s))
            s->r[I2C_ISR] |= I2C_ISR_TXIS;
        i2c_released(c);
    }
}

bool i2c_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct i2c_state *s = &c->i2c[index];

    value = lanes_apb(size, value);
    switch (off / 4) {
    case I2C_CR1: write_cr1(c, index, value); break;
    case I2C_CR2: write_cr2(c, index, value); break;
    case I2C_OAR1: write_address(c, index, I2C_OAR1, value & OAR1_BITS); break;
    case I2C_OAR2: write_address(c, index, I2C_OAR2, value & OAR2_BITS); break;
    case I2C_TIMINGR:
        if (!(s->r[I2C_CR1] & I2C_CR1_PE))
            s->r[I2C_TIMINGR] = value & 0xF0FFFFFF;
        else if (value != s->r[I2C_TIMINGR])
            ignored(c, index, "TIMINGR", "while PE is set");
        break;
    case I2C_TIMEOUTR: write_timeoutr(c, index, value); break;
    case I2C_ISR: write_isr(c, index, value); break;
    case I2C_ICR: clear(c, index, value); break;
    case I2C_TXDR:
        s->r[I2C_TXDR] = value & 0xFF;
        s->r[I2C_ISR] &= ~(uint32_t)(I2C_ISR_TXE | I2C_ISR_TXIS);
        break;
    }
    if (!(s->r[I2C_CR1] & I2C_CR1_PE)) /* flags keep their reset values, whatever is written */
        disable(c, index);
    i2c_update(c, index);
    i2c_go_on(c, index);
    if (s->selected || off / 4 == I2C_CR1)
        i2c_released(c);
    return true;
}
