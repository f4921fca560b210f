/* SPI1-3 as slaves of whoever has the clock: another instance, or a USART in synchronous mode. Edge by edge,
 * so that other polarities and phases, bit orders, lengths and clocks that are missing give what they give on
 * wires: at an edge both sides sample, then lines change. RM0394 "SPI", "Clock phase and clock polarity". */
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/spi.h"
#include "chip/state.h"

/* In TI format it is the master's pulse before each frame that selects. */
static bool selected(const struct chip *c, unsigned index, const struct spi_clocked *m)
{
    const struct spi_state *s = &c->spi[index];
    bool select;

    if (s->cr2 & SPI_CR2_FRF)
        select = m->ti && af_wired(c, AF_SPI1_NSS + 4 * index, m->nss);
    else if (s->cr1 & SPI_CR1_SSM)
        select = !(s->cr1 & SPI_CR1_SSI);
    else
        select = !af_in(c, AF_SPI1_NSS + 4 * index, false);
    return s->cr1 & SPI_CR1_SPE && !(s->cr1 & SPI_CR1_MSTR) && select;
}

/* TI format forces both: data changes at the rising edge and is taken at the falling one. */
static bool phase(const struct spi_state *s)
{
    return s->cr2 & SPI_CR2_FRF || s->cr1 & SPI_CR1_CPHA;
}

static bool takes_rising(const struct spi_state *s)
{
    return s->cr2 & SPI_CR2_FRF ? false : !(s->cr1 & SPI_CR1_CPOL) == !(s->cr1 & SPI_CR1_CPHA);
}

void spi_deselected(struct spi_state *s)
{
    if (s->slave.count)
        s->slave = (struct spi_slave){0};
}

/* The frame that goes out is chosen when its first bit is wanted. */
static void load(struct spi_state *s)
{
    if (s->slave.loaded)
        return;
    s->slave.loaded = true;
    s->slave.crc = s->crc_frames > 0;
    s->slave.word = !spi_sends(s) ? 0 : s->slave.crc ? spi_crc_frame(s) : s->tx.level ? spi_take_frame(s) : 0;
    s->slave.out = spi_line_order(s, s->slave.word);
    if (!phase(s))
        s->slave.miso = s->slave.out & 1;
}

/* Without phase the first bit is there before the clock. */
static bool line(struct spi_state *s)
{
    if (!phase(s) && s->slave.count == 0) {
        load(s);
        return s->slave.out & 1;
    }
    return s->slave.miso;
}

static void take_bit(struct chip *c, unsigned index, bool level)
{
    struct spi_state *s = &c->spi[index];
    struct spi_slave *v = &s->slave;

    load(s);
    v->in |= (uint32_t)level << v->count;
    if (++v->count < spi_bits(s))
        return;
    uint16_t in = (uint16_t)spi_line_order(s, v->in), out = v->word;
    bool crc = v->crc;
    v->loaded = false;
    v->count = v->in = 0;
    spi_frame_ends(c, index, out, in, crc);
}

static void shift_bit(struct spi_state *s)
{
    if (!phase(s) && s->slave.count == 0)
        return; /* behind the last bit of a frame */
    load(s);
    s->slave.miso = s->slave.out >> s->slave.count & 1;
}

/* One frame of the master's at one slave; what its line says where the master samples it. */
static uint32_t clocked(struct chip *c, unsigned index, const struct spi_clocked *m)
{
    struct spi_state *s = &c->spi[index];
    bool hears = m->drives && af_wired(c, spi_in_pin(c, index), m->out);
    bool level = af_in(c, spi_in_pin(c, index), false), cpol = !m->ti && m->cpol, cpha = m->ti || m->cpha;
    uint32_t got = 0;

    if (m->ti)
        s->slave.count = s->slave.in = 0;
    for (unsigned i = 0; i < 2 * m->bits; i++) {
        bool second = i & 1, rising = second == cpol; /* the first edge leaves the idle level */
        unsigned bit = i / 2;
        if (second == cpha)
            got |= (uint32_t)line(s) << bit;
        if (bit >= m->clocks)
            continue;
        if (hears) /* with phase a bit comes with the first edge: before, the one before is there */
            level = cpha && !second ? bit && m->send >> (bit - 1) & 1 : m->send >> bit & 1;
        if (rising == takes_rising(s))
            take_bit(c, index, level);
        else
            shift_bit(s);
    }
    return got;
}

uint32_t spi_slaves_clocked(struct chip *c, const struct spi_clocked *m)
{
    uint32_t in = af_in(c, m->in, false) ? UINT32_MAX : 0;

    for (unsigned i = 0; i < SPI_COUNT; i++) {
        if (m->ck == AF_SPI1_SCK + 4 * i || !selected(c, i, m) || !af_wired(c, AF_SPI1_SCK + 4 * i, m->ck))
            continue;
        bool answers = spi_sends(&c->spi[i]) && af_wired(c, spi_out_pin(c, i), m->in);
        uint32_t got = clocked(c, i, m);
        if (answers)
            in = got;
        spi_update(c, i);
    }
    return in;
}
