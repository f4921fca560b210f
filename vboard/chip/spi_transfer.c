/* Frames of SPI1-3: a master's frame goes out, at its end the other side's is there: a wire back to
 * itself, another instance as slave, a register device, or nobody. RM0394 "SPI", "CRC calculation", "TI
 * protocol". */
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/spi.h"
#include "chip/state.h"

static enum block_id id_of(unsigned index)
{
    return (enum block_id)(B_SPI1 + index);
}

static uint32_t pclk(const struct chip *c, unsigned index)
{
    return chip_enabled(c, id_of(index)) ? chip_clock(c, index == 0 ? CLK_PCLK2 : CLK_PCLK1) : 0;
}

static uint16_t mask_of(const struct spi_state *s)
{
    return (uint16_t)((1u << spi_bits(s)) - 1);
}

static bool sends(const struct spi_state *s)
{
    return s->cr1 & SPI_CR1_BIDIMODE ? s->cr1 & SPI_CR1_BIDIOE : !(s->cr1 & SPI_CR1_RXONLY);
}

static uint16_t take_frame(struct spi_state *s)
{
    uint16_t word = spi_fifo_get(&s->tx);

    if (spi_frame_bytes(s) == 2)
        word = (uint16_t)(word | spi_fifo_get(&s->tx) << 8);
    return word & mask_of(s);
}

/* ---- CRC ---- */

/* DMA has moved the last datum, which nobody but it knows: CRC follows by itself. */
static bool dma_ends(const struct chip *c, unsigned index)
{
    const struct spi_state *s = &c->spi[index];

    if (sends(s))
        return s->cr2 & SPI_CR2_TXDMAEN && dma_remaining(c, spi_dma_tx(index)) == 0;
    return s->cr2 & SPI_CR2_RXDMAEN &&
           dma_remaining(c, spi_dma_rx(index)) == s->rx.level / spi_frame_bytes(s);
}

/* CRC follows the last datum: one frame, or two of 8 bits for a CRC of 16. */
static void begin_crc(struct chip *c, unsigned index)
{
    struct spi_state *s = &c->spi[index];

    if (!(s->cr1 & SPI_CR1_CRCEN) || s->crc_frames || s->tx.level ||
        !(s->cr1 & SPI_CR1_CRCNEXT || dma_ends(c, index)))
        return;
    s->crc_frames = s->cr1 & SPI_CR1_CRCL && spi_bits(s) <= 8 ? 2 : 1;
}

static uint16_t crc_frame(const struct spi_state *s)
{
    return (uint16_t)(s->crc_frames == 2 ? s->txcrcr >> 8 : s->txcrcr & mask_of(s));
}

/* The CRC that came in is in the receive FIFO like data, and compared. */
static void check_crc(struct chip *c, unsigned index, uint16_t in)
{
    struct spi_state *s = &c->spi[index];
    uint32_t expected = s->crc_frames == 2 ? s->rxcrcr >> 8 : s->rxcrcr & mask_of(s);

    spi_received(c, index, in, true);
    if (in != expected)
        s->errors |= SPI_SR_CRCERR;
    if (--s->crc_frames == 0)
        s->cr1 &= ~(uint32_t)SPI_CR1_CRCNEXT;
}

/* The end of a frame, of a master's and of a slave's. */
static void frame_ends(struct chip *c, unsigned index, uint16_t out, uint16_t in, bool crc)
{
    struct spi_state *s = &c->spi[index];

    if (crc) {
        check_crc(c, index, in);
        return;
    }
    if (s->cr1 & SPI_CR1_CRCEN && sends(s))
        spi_crc(s, &s->txcrcr, out);
    spi_received(c, index, in, false);
    begin_crc(c, index);
}

/* ---- the register device ---- */

static const struct {
    uint8_t port, pin;
} selects[SPI_COUNT] = {{0, 4}, {1, 12}, {0, 15}};

void spi_devices_init(struct chip *c)
{
    for (unsigned i = 0; i < SPI_COUNT; i++) {
        c->spi_device[i] = (struct spi_device){0};
        c->spi_device[i].reg[SPI_DEVICE_ID_REGISTER] = SPI_DEVICE_ID;
    }
}

void spi_device_pin(struct chip *c, unsigned port, unsigned pin, bool level)
{
    for (unsigned i = 0; i < SPI_COUNT; i++)
        if (selects[i].port == port && selects[i].pin == pin && level)
            c->spi_device[i].addressed = false;
}

static uint8_t device_byte(struct chip *c, unsigned index, uint8_t in)
{
    struct spi_device *d = &c->spi_device[index];

    if (!d->addressed) {
        d->addressed = true;
        d->command = in;
        return 0;
    }
    unsigned n = d->command & 0x7F;
    d->command = (uint8_t)((d->command & 0x80) | ((n + 1) & 0x7F));
    if (d->command & 0x80)
        return d->reg[n];
    if (n != SPI_DEVICE_ID_REGISTER)
        d->reg[n] = in;
    return 0;
}

static bool device_selected(const struct chip *c, unsigned index)
{
    return c->config.spi[index] == SPI_REGISTERS &&
           !gpio_pin_level(c, selects[index].port, selects[index].pin);
}

/* ---- who answers ---- */

/* In TI format it is the master's pulse before each frame that selects. */
static bool slave_selected(const struct chip *c, unsigned index, unsigned master)
{
    const struct spi_state *s = &c->spi[index];
    bool select;

    if (s->cr2 & SPI_CR2_FRF)
        select = c->spi[master].cr2 & SPI_CR2_FRF &&
                 af_wired(c, AF_SPI1_NSS + 4 * index, AF_SPI1_NSS + 4 * master);
    else if (s->cr1 & SPI_CR1_SSM)
        select = !(s->cr1 & SPI_CR1_SSI);
    else
        select = !af_in(c, AF_SPI1_NSS + 4 * index, true);
    return s->cr1 & SPI_CR1_SPE && !(s->cr1 & SPI_CR1_MSTR) && select;
}

/* The pins that a frame goes out and comes in at: with one line (BIDIMODE) a master uses MOSI for both
 * directions, a slave MISO. */
static unsigned out_pin(const struct chip *c, unsigned index)
{
    return (c->spi[index].cr1 & SPI_CR1_MSTR ? AF_SPI1_MOSI : AF_SPI1_MISO) + 4 * index;
}

static unsigned in_pin(const struct chip *c, unsigned index)
{
    bool master = c->spi[index].cr1 & SPI_CR1_MSTR, one_line = c->spi[index].cr1 & SPI_CR1_BIDIMODE;

    return (master == one_line ? AF_SPI1_MOSI : AF_SPI1_MISO) + 4 * index;
}

/* Another instance as slave, its clock pin wired to the master's. */
static bool slave_answers(struct chip *c, unsigned master, uint16_t out, uint16_t *in)
{
    for (unsigned i = 0; i < SPI_COUNT; i++) {
        struct spi_state *s = &c->spi[i];
        if (i == master || !slave_selected(c, i, master) ||
            !af_wired(c, AF_SPI1_SCK + 4 * i, AF_SPI1_SCK + 4 * master))
            continue;
        bool to_slave = sends(&c->spi[master]) && af_wired(c, in_pin(c, i), out_pin(c, master));
        bool to_master = sends(s) && af_wired(c, out_pin(c, i), in_pin(c, master));
        bool crc = s->crc_frames > 0;
        uint16_t answer = !sends(s) ? 0 : crc ? crc_frame(s) : s->tx.level ? take_frame(s) : 0;
        if (to_master)
            *in = answer;
        frame_ends(c, i, answer, to_slave ? out & mask_of(s) : 0, crc);
        spi_update(c, i);
        return true;
    }
    return false;
}

static uint16_t exchange(struct chip *c, unsigned index, uint16_t out)
{
    const struct spi_state *s = &c->spi[index];
    bool looped =
        c->config.spi[index] == SPI_LOOP || af_wired(c, AF_SPI1_MOSI + 4 * index, AF_SPI1_MISO + 4 * index);
    uint16_t in = af_in(c, in_pin(c, index), false) ? mask_of(s) : 0;

    if (looped)
        return out;
    if (device_selected(c, index)) {
        if (spi_bits(s) <= 8)
            return device_byte(c, index, (uint8_t)out);
        in = (uint16_t)(device_byte(c, index, (uint8_t)(out >> 8)) << 8);
        return (uint16_t)(in | device_byte(c, index, (uint8_t)out));
    }
    slave_answers(c, index, out, &in);
    return in;
}

/* ---- the master's frames ---- */

static bool next_frame(const struct spi_state *s)
{
    return s->crc_frames || !sends(s) || s->tx.level >= spi_frame_bytes(s);
}

static ps_t after(const struct chip *c, unsigned index, unsigned clocks, uint32_t hz)
{
    return chip_now(c) + chip_ticks_to_ps((uint64_t)clocks << (bits(c->spi[index].cr1, 3, 3) + 1), hz);
}

/* TI format: NSS is high for the clock before each frame, which is the last one of the frame before if they
 * follow each other. */
static void ti_step(struct chip *c, unsigned index, enum spi_ti step, bool pulse, unsigned clocks)
{
    struct spi_state *s = &c->spi[index];

    s->ti = step;
    s->pulse = pulse;
    s->done_at = after(c, index, clocks, pclk(c, index));
    chip_wake_at(c, id_of(index), s->done_at);
    spi_select_output(c, index);
}

static bool ti_goes_on(struct chip *c, unsigned index)
{
    struct spi_state *s = &c->spi[index];

    if (!(s->cr2 & SPI_CR2_FRF) || s->ti == TI_LAST)
        return false;
    if (s->ti == TI_PULSE)
        ti_step(c, index, TI_BODY, false, spi_bits(s) - 1);
    else
        ti_step(c, index, TI_LAST, next_frame(s) && !(s->crc_frames == 1 && s->crc_phase), 1);
    return true;
}

void spi_go_on(struct chip *c, unsigned index)
{
    struct spi_state *s = &c->spi[index];
    uint32_t hz = pclk(c, index);

    if (s->shifting || !(s->cr1 & SPI_CR1_SPE) || !(s->cr1 & SPI_CR1_MSTR) || !hz)
        return;
    if (!next_frame(s))
        return;
    s->crc_phase = s->crc_frames > 0;
    if (s->crc_frames)
        s->shift = crc_frame(s);
    else /* receiving only: the clock runs as long as the SPI is enabled */
        s->shift = sends(s) ? take_frame(s) : 0;
    s->shifting = true;
    if (s->cr2 & SPI_CR2_FRF) {
        bool pulsed = s->pulse; /* in the last clock of the frame before */
        ti_step(c, index, pulsed ? TI_BODY : TI_PULSE, !pulsed, pulsed ? spi_bits(s) - 1 : 1);
    } else {
        s->done_at = after(c, index, spi_bits(s), hz);
        chip_wake_at(c, id_of(index), s->done_at);
    }
    spi_update(c, index);
}

void spi_event(struct chip *c, unsigned index)
{
    struct spi_state *s = &c->spi[index];

    if (!s->shifting || ti_goes_on(c, index))
        return;
    uint16_t out = s->shift, in = exchange(c, index, out);
    s->shifting = false;
    s->done_at = PS_NEVER;
    frame_ends(c, index, out, in, s->crc_phase);
    spi_update(c, index);
    spi_go_on(c, index);
    if (s->cr2 & SPI_CR2_FRF && !s->shifting) {
        s->pulse = false;
        spi_select_output(c, index);
    }
}

void spi_clock(struct chip *c, unsigned index, bool after_change)
{
    if (after_change)
        spi_go_on(c, index);
}
