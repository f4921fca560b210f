/* An I2C instance as master: START, address, bytes, acknowledge, reload, automatic end, STOP, byte by byte
 * in the time that TIMINGR gives. RM0394 "I2C master mode". A byte that waits stretches SCL. */
#include "chip/i2c.h"
#include "chip/regs.h"
#include "chip/state.h"

uint32_t i2c_kernel_hz(const struct chip *c, unsigned index)
{
    enum clock_id id = (enum clock_id)(CLK_I2C1 + index);

    return chip_enabled(c, (enum block_id)(B_I2C1 + index)) || c->mode == MODE_STOP ? chip_clock(c, id) : 0;
}

/* `n` periods of SCL: low and high time, plus what synchronisation and filters add at each edge. */
static ps_t scl_periods(const struct chip *c, unsigned index, unsigned n)
{
    const struct i2c_state *s = &c->i2c[index];
    uint32_t t = s->r[I2C_TIMINGR], hz = i2c_kernel_hz(c, index);
    uint64_t presc = bits(t, 28, 4) + 1u, cycles = presc * (bits(t, 0, 8) + 1u + bits(t, 8, 8) + 1u);
    ps_t analog = s->r[I2C_CR1] & I2C_CR1_ANFOFF ? 0 : 100000; /* two edges, 50 ns each */

    cycles += 2 * (2 + bits(s->r[I2C_CR1], 8, 4));
    ps_t time = chip_ticks_to_ps(cycles * n, hz);
    return time == PS_NEVER ? PS_NEVER : time + analog * n;
}

static void enter(struct chip *c, unsigned index, enum i2c_phase phase, unsigned periods)
{
    struct i2c_state *s = &c->i2c[index];
    ps_t time = scl_periods(c, index, periods);

    s->phase = phase;
    s->since = chip_now(c);
    s->until = time == PS_NEVER ? PS_NEVER : chip_now(c) + time;
}

static void begin(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];
    uint32_t cr2 = s->r[I2C_CR2];
    unsigned periods = 1 + 9; /* START, address, acknowledge */

    s->target = I2C_NOBODY;
    s->reading = cr2 & I2C_CR2_RD_WRN;
    if (cr2 & I2C_CR2_ADD10 && !(cr2 & I2C_CR2_HEAD10R && s->reading))
        periods += 9; /* second byte */
    s->outbid = false;
    i2c_bus_begin(c, index);
    i2c_count(s);
    enter(c, index, I2C_ADDRESS, periods);
    i2c_update(c, index);
}

void i2c_outbid(struct chip *c, unsigned index, unsigned periods)
{
    struct i2c_state *s = &c->i2c[index];

    s->outbid = true;
    s->until = s->since + scl_periods(c, index, periods);
    i2c_schedule(c, index);
}

void i2c_stop(struct chip *c, unsigned index)
{
    enter(c, index, I2C_STOPS, 1);
}

/* NACK of an address or a byte: the master ends with STOP by itself. */
static void refused(struct chip *c, unsigned index)
{
    c->i2c[index].r[I2C_ISR] &= ~(uint32_t)I2C_ISR_TXIS;
    i2c_flags(c, index, I2C_ISR_NACKF);
    i2c_stop(c, index);
}

/* A read from a 10-bit address begins as a write, which the slave is told of with an ADDR of its own: it
 * cannot know what follows, and ST's HAL_I2C_Slave_Transmit() waits for both (the polling examples for two
 * boards). START stays until the whole sequence has been sent (RM0394 "I2C_CR2"). A slave that refuses the
 * second header has been addressed before in this transfer, so it has STOPF (RM0394 "I2C_ISR"). */
static void addressed(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];
    uint32_t cr2 = s->r[I2C_CR2], sadd = bits(cr2, 0, 10);
    bool ten = cr2 & I2C_CR2_ADD10;
    bool header = s->reading && (s->phase == I2C_HEADER || cr2 & I2C_CR2_HEAD10R);
    bool read = s->reading && (!ten || header);
    uint8_t before = s->phase == I2C_HEADER ? s->target : I2C_NOBODY;

    if (s->outbid) {
        i2c_lost(c, index, false);
        return;
    }
    if (i2c_loses(c, index, ten ? 0xF0 : (sadd & 0xFE) | s->reading))
        return;
    i2c_pec_address(s, ten ? sadd : sadd >> 1 & 0x7F, ten, read, header);
    i2c_byte_ends(c, index);
    s->target = i2c_bus_address(c, index, ten ? sadd : sadd >> 1 & 0x7F, ten, read);
    s->phase = read == s->reading ? I2C_ADDRESSED : I2C_WRITTEN;
    s->until = PS_NEVER;
    bool answered = s->target != I2C_NOBODY;
    if (s->phase == I2C_ADDRESSED || !answered)
        s->r[I2C_CR2] &= ~(uint32_t)I2C_CR2_START;
    if (!answered) {
        s->target = before;
        refused(c, index);
    }
}

/* TXIS asks for the next byte of NBYTES. */
static void ask(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];

    if (s->wanted && s->r[I2C_ISR] & I2C_ISR_TXE && !(s->r[I2C_ISR] & I2C_ISR_TXIS))
        i2c_flags(c, index, I2C_ISR_TXIS);
}

/* All of NBYTES is through: reload, automatic end, or wait for software. */
static void complete(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];
    uint32_t cr2 = s->r[I2C_CR2];

    if (cr2 & I2C_CR2_STOP) {
        i2c_stop(c, index);
    } else if (cr2 & I2C_CR2_START) { /* repeated; CR2 is that of the next transfer already */
        i2c_bus_end(c, s->target, true);
        begin(c, index);
    } else if (cr2 & I2C_CR2_RELOAD) { /* while TC stands it is the next transfer's */
        if (!(s->r[I2C_ISR] & (I2C_ISR_TC | I2C_ISR_TCR)))
            i2c_flags(c, index, I2C_ISR_TCR);
    } else if (cr2 & I2C_CR2_AUTOEND) {
        i2c_stop(c, index);
    } else if (!(s->r[I2C_ISR] & I2C_ISR_TC)) {
        i2c_flags(c, index, I2C_ISR_TC);
    }
}

/* Between bytes. True: something was begun. */
static bool next(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];

    if (!s->left) {
        complete(c, index);
        return s->phase != I2C_NEXT;
    }
    if (s->r[I2C_CR2] & I2C_CR2_STOP) { /* asked for in mid-transfer */
        i2c_stop(c, index);
        return true;
    }
    if (s->reading) {
        if (i2c_bus_get(c, s->target, &s->shift) == I2C_STRETCH)
            return false;
        enter(c, index, I2C_RECEIVES, 8);
        return true;
    }
    if (i2c_pec_next(s)) {
        s->shift = (uint8_t)s->r[I2C_PECR];
        enter(c, index, I2C_SENDS, 8);
        return true;
    }
    ask(c, index);
    if (s->r[I2C_ISR] & I2C_ISR_TXE)
        return false;
    s->shift = (uint8_t)s->r[I2C_TXDR];
    s->r[I2C_ISR] |= I2C_ISR_TXE;
    if (s->wanted)
        s->wanted--;
    enter(c, index, I2C_SENDS, 8);
    ask(c, index);
    return true;
}

/* Eight bits are through. RM0394 "Data transfer": RXDR is filled, or SCL stretched, before the ninth pulse,
 * so a receiver hears of a byte one period before its sender is asked for another. */
static bool sent(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];

    if (i2c_loses(c, index, s->shift))
        return false;
    enum i2c_answer answer = i2c_bus_put(c, s->target, s->shift);

    if (answer == I2C_STRETCH)
        return false;
    s->refused = answer == I2C_NACK;
    enter(c, index, I2C_ACKNOWLEDGES, 1);
    return true;
}

static bool received(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];

    if (s->r[I2C_ISR] & I2C_ISR_RXNE)
        return false;
    if (s->sda_low) {
        if (s->shift)
            i2c_bus_fails(c, s->target);
        s->shift = 0;
    }
    s->r[I2C_RXDR] = s->shift;
    if (i2c_pec_next(s))
        i2c_pec_check(c, index, s->shift);
    else
        i2c_pec(s, s->shift);
    s->left--;
    bool reload = !s->left && s->r[I2C_CR2] & I2C_CR2_RELOAD;
    if (reload)
        s->phase = I2C_RELOADS;
    else
        enter(c, index, I2C_ACKNOWLEDGES, 1);
    i2c_flags(c, index, I2C_ISR_RXNE | (reload ? (uint32_t)I2C_ISR_TCR : 0));
    return true;
}

/* TCR stands before the acknowledge, with RXNE, as it does in a slave (RM0394 "Slave byte control mode").
 * MicroPython writes the next NBYTES when it sees RXNE, and does not look at TCR. */
static bool reloaded(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];

    if (s->r[I2C_ISR] & I2C_ISR_TCR && !(s->r[I2C_CR2] & (I2C_CR2_START | I2C_CR2_STOP)))
        return false;
    enter(c, index, I2C_ACKNOWLEDGES, 1);
    return true;
}

static void acknowledged(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];

    if (!s->reading) {
        if (s->refused) {
            refused(c, index);
            return;
        }
        if (i2c_pec_next(s))
            s->r[I2C_CR2] &= ~(uint32_t)I2C_CR2_PECBYTE;
        else
            i2c_pec(s, s->shift);
    }
    bool acks = s->left || s->r[I2C_CR2] & I2C_CR2_RELOAD;
    if (s->reading && i2c_loses(c, index, !acks)) /* the NACK is a one, too */
        return;
    i2c_byte_ends(c, index);
    if (!s->reading)
        s->left--;
    else
        i2c_bus_got(c, s->target, acks);
    s->phase = I2C_NEXT;
}

static void stopped(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];
    uint8_t target = s->target;

    s->phase = I2C_IDLE;
    s->until = PS_NEVER;
    s->target = I2C_NOBODY;
    s->r[I2C_CR2] &= ~(uint32_t)(I2C_CR2_STOP | I2C_CR2_PECBYTE);
    s->r[I2C_ISR] &= ~(uint32_t)(I2C_ISR_BUSY | I2C_ISR_TXIS | I2C_ISR_TC | I2C_ISR_TCR);
    if (target != I2C_NOBODY)
        i2c_bus_end(c, target, false);
    i2c_bus_idle(c, index);
    i2c_flags(c, index, I2C_ISR_STOPF);
    if (s->r[I2C_CR2] & I2C_CR2_START)
        s->phase = I2C_WAITS_FOR_BUS;
    i2c_released(c);
}

/* One step; false: it has to wait for time, registers or the other side. */
static bool step(struct chip *c, unsigned index)
{
    struct i2c_state *s = &c->i2c[index];
    bool over = s->until <= chip_now(c);

    if (s->scl_low && s->phase > I2C_WAITS_FOR_BUS)
        return false;
    switch (s->phase) {
    case I2C_WAITS_FOR_BUS:
        if (!i2c_bus_free(c, index) || !i2c_kernel_hz(c, index) || !i2c_may_begin(c, index))
            return false;
        s->r[I2C_PECR] = 0;
        begin(c, index);
        i2c_compete(c, index);
        return true;
    case I2C_ADDRESS:
    case I2C_HEADER:
        if (over)
            addressed(c, index);
        return over;
    case I2C_WRITTEN:
        if (!i2c_bus_ready(c, s->target))
            return false;
        enter(c, index, I2C_HEADER, 1 + 9);
        return true;
    case I2C_ADDRESSED:
        if (!i2c_bus_ready(c, s->target))
            return false;
        s->phase = I2C_NEXT;
        return true;
    case I2C_NEXT: return next(c, index);
    case I2C_SENDS:
        if (over)
            s->phase = I2C_SENT;
        return over;
    case I2C_SENT: return sent(c, index);
    case I2C_RECEIVES:
        if (over)
            s->phase = I2C_RECEIVED;
        return over;
    case I2C_RECEIVED: return received(c, index);
    case I2C_RELOADS: return reloaded(c, index);
    case I2C_ACKNOWLEDGES:
        if (over)
            acknowledged(c, index);
        return over;
    case I2C_STOPS:
        if (over)
            stopped(c, index);
        return over;
    default: return false;
    }
}

void i2c_go_on(struct chip *c, unsigned index)
{
    while (step(c, index))
        ;
    i2c_schedule(c, index);
}

void i2c_event(struct chip *c, unsigned index)
{
    i2c_time_out(c, index);
    i2c_go_on(c, index);
}

void i2c_released(struct chip *c)
{
    for (unsigned i = 0; i < I2C_COUNT; i++) {
        if (c->i2c[i].phase != I2C_IDLE)
            i2c_go_on(c, i);
    }
}
