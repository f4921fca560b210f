/* Frames of SPI1-3: a master's frame goes out, at its end the other side's is there: a wire back to
 * itself, another instance as slave (spi_slave.c), a register device, or nobody. RM0394 "SPI", "CRC
 * calculation", "TI protocol". */
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

bool spi_sends(const struct spi_state *s)
{
    return s->cr1 & SPI_CR1_BIDIMODE ? s->cr1 & SPI_CR1_BIDIOE : !(s->cr1 & SPI_CR1_RXONLY);
}

uint16_t spi_take_frame(struct spi_state *s)
{
    uint16_t word = spi_fifo_get(&s->tx);

    if (spi_frame_bytes(s) == 2)
        word = (uint16_t)(word | spi_fifo_get(&s->tx) << 8);
    return word & mask_of(s);
}

/* ---- CRC ---- */

/* Without DMA to send, DMA that receives counts: its last datum is there and CRC follows by itself (RM0394
 * "CRC transfer managed by DMA"), also for a side that has both lines and sends nothing of its own. */
static bool receiving_ends(const struct chip *c, unsigned index)
{
    const struct spi_state *s = &c->spi[index];

    return (s->cr2 & (SPI_CR2_RXDMAEN | SPI_CR2_TXDMAEN)) == SPI_CR2_RXDMAEN &&
           dma_remaining(c, spi_dma_rx(index)) == s->rx.level / spi_frame_bytes(s);
}

/* CRC follows the last datum: one frame, or two of 8 bits for a CRC of 16. */
static void begin_crc(struct chip *c, unsigned index)
{
    struct spi_state *s = &c->spi[index];

    if (!(s->cr1 & SPI_CR1_CRCEN) || s->crc_frames || s->tx.level ||
        !(s->cr1 & SPI_CR1_CRCNEXT || s->crc_due || receiving_ends(c, index)))
        return;
    s->crc_due = false;
    s->crc_frames = s->cr1 & SPI_CR1_CRCL && spi_bits(s) <= 8 ? 2 : 1;
}

uint16_t spi_crc_frame(const struct spi_state *s)
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
void spi_frame_ends(struct chip *c, unsigned index, uint16_t out, uint16_t in, bool crc)
{
    struct spi_state *s = &c->spi[index];

    if (crc) {
        check_crc(c, index, in);
        return;
    }
    if (s->cr1 & SPI_CR1_CRCEN && spi_sends(s))
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

unsigned spi_out_pin(const struct chip *c, unsigned index)
{
    return (c->spi[index].cr1 & SPI_CR1_MSTR ? AF_SPI1_MOSI : AF_SPI1_MISO) + 4 * index;
}

unsigned spi_in_pin(const struct chip *c, unsigned index)
{
    bool master = c->spi[index].cr1 & SPI_CR1_MSTR, one_line = c->spi[index].cr1 & SPI_CR1_BIDIMODE;

    return (master == one_line ? AF_SPI1_MOSI : AF_SPI1_MISO) + 4 * index;
}

uint32_t spi_line_order(const struct spi_state *s, uint32_t word)
{
    unsigned n = spi_bits(s);
    uint32_t r = 0;

    if (s->cr1 & SPI_CR1_LSBFIRST)
        return word & mask_of(s);
    for (unsigned i = 0; i < n; i++)
        r |= (word >> i & 1) << (n - 1 - i);
    return r;
}

static uint16_t from_slaves(struct chip *c, unsigned index, uint16_t out, unsigned clocks)
{
    const struct spi_state *s = &c->spi[index];
    struct spi_clocked m = {.ck = AF_SPI1_SCK + 4 * index,
                            .out = spi_out_pin(c, index),
                            .in = spi_in_pin(c, index),
                            .nss = AF_SPI1_NSS + 4 * index,
                            .ti = s->cr2 & SPI_CR2_FRF,
                            .drives = spi_sends(s),
                            .cpol = s->cr1 & SPI_CR1_CPOL,
                            .cpha = s->cr1 & SPI_CR1_CPHA,
                            .bits = spi_bits(s),
                            .clocks = clocks,
                            .send = spi_line_order(s, out)};

    return (uint16_t)spi_line_order(s, spi_slaves_clocked(c, &m));
}

static uint16_t exchange(struct chip *c, unsigned index, uint16_t out)
{
    const struct spi_state *s = &c->spi[index];
    bool looped =
        c->config.spi[index] == SPI_LOOP || af_wired(c, AF_SPI1_MOSI + 4 * index, AF_SPI1_MISO + 4 * index);

    if (looped)
        return out;
    if (!device_selected(c, index))
        return from_slaves(c, index, out, spi_bits(s));
    if (spi_bits(s) <= 8)
        return device_byte(c, index, (uint8_t)out);
    uint16_t in = (uint16_t)(device_byte(c, index, (uint8_t)(out >> 8)) << 8);
    return (uint16_t)(in | device_byte(c, index, (uint8_t)out));
}

/* ---- the master's frames ---- */

static bool next_frame(const struct spi_state *s)
{
    return s->crc_frames || !spi_sends(s) || s->tx.level >= spi_frame_bytes(s);
}

static ps_t after(const struct chip *c, unsigned index, unsigned clocks, uint32_t hz)
{
    return chip_now(c) + chip_ticks_to_ps((uint64_t)clocks << (bits(c->spi[index].cr1, 3, 3) + 1), hz);
}

void spi_broken_off(struct chip *c, unsigned index)
{
    const struct spi_state *s = &c->spi[index];
    ps_t clock = chip_ticks_to_ps(2U << bits(s->cr1, 3, 3), pclk(c, index));
    bool whole = s->cr2 & SPI_CR2_FRF || (spi_nss_pulses(s) && s->step != STEP_LAST);

    if (!s->shifting || !(s->cr1 & SPI_CR1_MSTR) || whole || clock == PS_NEVER || s->done_at <= chip_now(c) ||
        device_selected(c, index))
        return;
    ps_t left = (s->done_at - chip_now(c) + clock - 1) / clock;
    if (left < spi_bits(s))
        from_slaves(c, index, s->shift, spi_bits(s) - (unsigned)left);
}

/* TI format: NSS is high for the clock before each frame, which is the last one of the frame before if they
 * follow each other. With NSSP it is a clock of its own. */
static void begin_step(struct chip *c, unsigned index, enum spi_step step, bool pulse, unsigned clocks)
{
    struct spi_state *s = &c->spi[index];

    s->step = step;
    s->pulse = pulse;
    s->done_at = after(c, index, clocks, pclk(c, index));
    chip_wake_at(c, id_of(index), s->done_at);
    spi_select_output(c, index);
}

static bool steps_on(struct chip *c, unsigned index)
{
    struct spi_state *s = &c->spi[index];
    bool pulses = spi_nss_pulses(s);

    if ((!pulses && !(s->cr2 & SPI_CR2_FRF)) || s->step == STEP_LAST)
        return false;
    if (pulses)
        begin_step(c, index, STEP_LAST, false, spi_bits(s));
    else if (s->step == STEP_PULSE)
        begin_step(c, index, STEP_BODY, false, spi_bits(s) - 1);
    else
        begin_step(c, index, STEP_LAST, next_frame(s) && !(s->crc_frames == 1 && s->crc_phase), 1);
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
        s->shift = spi_crc_frame(s);
    else /* receiving only: the clock runs as long as the SPI is enabled */
        s->shift = spi_sends(s) ? spi_take_frame(s) : 0;
    s->shifting = true;
    if (s->cr2 & SPI_CR2_FRF) {
        bool pulsed = s->pulse; /* in the last clock of the frame before */
        begin_step(c, index, pulsed ? STEP_BODY : STEP_PULSE, !pulsed, pulsed ? spi_bits(s) - 1 : 1);
    } else if (spi_nss_pulses(s)) {
        begin_step(c, index, STEP_PULSE, true, 1);
    } else {
        s->done_at = after(c, index, spi_bits(s), hz);
        chip_wake_at(c, id_of(index), s->done_at);
    }
    spi_update(c, index);
}

void spi_event(struct chip *c, unsigned index)
{
    struct spi_state *s = &c->spi[index];

    if (!s->shifting || steps_on(c, index))
        return;
    uint16_t out = s->shift, in = exchange(c, index, out);
    s->shifting = false;
    s->done_at = PS_NEVER;
    spi_frame_ends(c, index, out, in, s->crc_phase);
    spi_update(c, index);
    spi_go_on(c, index);
    if (!s->shifting && (s->pulse || spi_nss_pulses(s))) {
        s->pulse = false;
        spi_select_output(c, index);
    }
}

void spi_clock(struct chip *c, unsigned index, bool after_change)
{
    if (after_change)
        spi_go_on(c, index);
}
