/* Registers, FIFOs, flags, interrupts and DMA requests of SPI1-3. Frames of up to 8 bits take a byte in a
 * FIFO, longer ones two; an access of 16 bits carries two short frames. RM0394 "SPI". */
#include "chip/spi.h"
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { CR1 = 0x00, CR2 = 0x04, SR = 0x08, DR = 0x0C, CRCPR = 0x10, RXCRCR = 0x14, TXCRCR = 0x18 };
enum { CR2_RESET = 0x0700, CR2_BITS = 0x7FFF };

static const struct instance {
    uint8_t block, irq, tx, rx;
} instances[SPI_COUNT] = {{B_SPI1, 35, DMAR_SPI1_TX, DMAR_SPI1_RX},
                          {B_SPI2, 36, DMAR_SPI2_TX, DMAR_SPI2_RX},
                          {B_SPI3, 51, DMAR_SPI3_TX, DMAR_SPI3_RX}};

enum dma_signal spi_dma_rx(unsigned index)
{
    return (enum dma_signal)instances[index].rx;
}

unsigned spi_bits(const struct spi_state *s)
{
    return bits(s->cr2, 8, 4) + 1;
}

unsigned spi_frame_bytes(const struct spi_state *s)
{
    return spi_bits(s) > 8 ? 2 : 1;
}

static bool spi_fifo_put(struct spi_fifo *f, uint8_t byte)
{
    if (f->level == SPI_FIFO)
        return false;
    f->bytes[f->level++] = byte;
    return true;
}

uint8_t spi_fifo_get(struct spi_fifo *f)
{
    uint8_t byte = f->bytes[0];

    if (!f->level)
        return 0;
    f->level--;
    for (unsigned i = 0; i < f->level; i++)
        f->bytes[i] = f->bytes[i + 1];
    return byte;
}

static bool receive_only(const struct spi_state *s)
{
    return s->cr1 & SPI_CR1_BIDIMODE ? !(s->cr1 & SPI_CR1_BIDIOE) : s->cr1 & SPI_CR1_RXONLY;
}

/* RXNE from half a FIFO, with FRXTH from a quarter; the last odd byte of a packed DMA transfer too. */
static bool rx_ready(const struct chip *c, unsigned index)
{
    const struct spi_state *s = &c->spi[index];
    bool last =
        s->cr2 & SPI_CR2_LDMA_RX && s->cr2 & SPI_CR2_RXDMAEN && dma_remaining(c, instances[index].rx) == 1;

    return s->rx.level >= (s->cr2 & SPI_CR2_FRXTH || last ? 1 : 2);
}

static uint32_t status(const struct chip *c, unsigned index)
{
    const struct spi_state *s = &c->spi[index];
    uint32_t frlvl = s->rx.level > 3 ? 3U : s->rx.level, ftlvl = s->tx.level > 3 ? 3U : s->tx.level;
    bool busy =
        s->shifting || s->crc_frames || (s->cr1 & SPI_CR1_SPE && s->cr1 & SPI_CR1_MSTR && s->tx.level);

    return s->errors | (rx_ready(c, index) ? SPI_SR_RXNE : 0) | (s->tx.level <= 2 ? SPI_SR_TXE : 0) |
           (busy ? SPI_SR_BSY : 0) | frlvl * 0x200u | ftlvl * 0x800u;
}

void spi_update(struct chip *c, unsigned index)
{
    const struct spi_state *s = &c->spi[index];
    const struct instance *i = &instances[index];
    uint32_t sr = status(c, index);
    bool irq = (s->cr2 & SPI_CR2_TXEIE && sr & SPI_SR_TXE) || (s->cr2 & SPI_CR2_RXNEIE && sr & SPI_SR_RXNE) ||
               (s->cr2 & SPI_CR2_ERRIE && s->errors);

    chip_irq(c, i->irq, i->block, irq);
    dma_request(c, i->tx, s->cr2 & SPI_CR2_TXDMAEN && sr & SPI_SR_TXE && s->cr1 & SPI_CR1_SPE);
    dma_request(c, i->rx, s->cr2 & SPI_CR2_RXDMAEN && sr & SPI_SR_RXNE);
}

/* CRC of 8 or 16 bits over the bits of a frame, most significant first. */
void spi_crc(const struct spi_state *s, uint32_t *crc, uint16_t word)
{
    unsigned width = s->cr1 & SPI_CR1_CRCL ? 16 : 8;
    uint32_t top = 1u << (width - 1), mask = (top << 1) - 1;

    for (unsigned i = spi_bits(s); i-- > 0;) {
        bool bit = (word >> i & 1) != !!(*crc & top);
        *crc = (*crc << 1 ^ (bit ? s->crcpr : 0)) & mask;
    }
}

void spi_reset(struct chip *c, unsigned index)
{
    spi_broken_off(c, index);
    c->spi[index] = (struct spi_state){.cr2 = CR2_RESET, .crcpr = 7, .done_at = PS_NEVER};
    af_release(c, AF_SPI1_NSS + 4 * index);
    spi_update(c, index);
}

void spi_received(struct chip *c, unsigned index, uint16_t word, bool crc)
{
    struct spi_state *s = &c->spi[index];
    unsigned bytes = spi_frame_bytes(s);

    if (s->cr1 & SPI_CR1_BIDIMODE && s->cr1 & SPI_CR1_BIDIOE)
        return;
    if (s->cr1 & SPI_CR1_CRCEN && !crc)
        spi_crc(s, &s->rxcrcr, word);
    /* "The newly received value is discarded and all data transmitted subsequently is lost" (RM0365 "Overrun
     * flag"), whoever makes room meanwhile: DMA does not clear OVR. */
    if (s->errors & SPI_SR_OVR || s->rx.level + bytes > SPI_FIFO) {
        s->errors |= SPI_SR_OVR;
        return;
    }
    spi_fifo_put(&s->rx, (uint8_t)word);
    if (bytes == 2)
        spi_fifo_put(&s->rx, (uint8_t)(word >> 8));
}

/* ---- registers ---- */

bool spi_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct spi_state *s = &c->spi[index];
    uint32_t word = 0;

    switch (off & ~3u) {
    case CR1: word = s->cr1; break;
    case CR2: word = s->cr2; break;
    case SR: word = status(c, index); break;
    case DR:
        word = s->rx.level ? s->rx.bytes[0] | (s->rx.level > 1 ? (uint32_t)s->rx.bytes[1] << 8 : 0) : 0;
        break;
    case CRCPR: word = s->crcpr; break;
    case RXCRCR: word = s->rxcrcr; break;
    case TXCRCR: word = s->txcrcr; break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

bool spi_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    struct spi_state *s = &c->spi[index];

    spi_peek(c, index, off, size, value);
    if ((off & ~3u) == SR) {
        if (s->ovr_read)
            s->errors &= ~(uint32_t)SPI_SR_OVR; /* DR, then SR */
        s->ovr_read = false;
        s->modf_read = s->errors & SPI_SR_MODF;
        spi_update(c, index);
    } else if ((off & ~3u) == DR) {
        spi_fifo_get(&s->rx);
        if (size > 1)
            spi_fifo_get(&s->rx);
        s->ovr_read = s->errors & SPI_SR_OVR;
        spi_update(c, index);
        spi_go_on(c, index);
    }
    return true;
}

static bool drives_nss(const struct spi_state *s)
{
    return s->cr1 & SPI_CR1_MSTR && !(s->cr1 & SPI_CR1_SSM) && s->cr2 & SPI_CR2_SSOE;
}

bool spi_nss_pulses(const struct spi_state *s)
{
    return drives_nss(s) && s->cr2 & SPI_CR2_NSSP && !(s->cr1 & SPI_CR1_CPHA) && !(s->cr2 & SPI_CR2_FRF);
}

/* In TI format neither SSM nor SSOE has a say. Without SPE the pin is left to its pulls. */
void spi_select_output(struct chip *c, unsigned index)
{
    const struct spi_state *s = &c->spi[index];

    if (s->cr1 & SPI_CR1_MSTR && s->cr2 & SPI_CR2_FRF)
        af_out(c, AF_SPI1_NSS + 4 * index, s->pulse);
    else if (drives_nss(s) && s->cr1 & SPI_CR1_SPE)
        af_out(c, AF_SPI1_NSS + 4 * index, spi_nss_pulses(s) && (s->pulse || !s->shifting));
    else
        af_release(c, AF_SPI1_NSS + 4 * index);
}

/* A master whose select input goes low has lost its role. */
static void mode_fault(struct chip *c, unsigned index)
{
    struct spi_state *s = &c->spi[index];
    bool pin = !(s->cr2 & SPI_CR2_SSOE) && !af_in(c, AF_SPI1_NSS + 4 * index, false);
    bool selected = s->cr1 & SPI_CR1_SSM ? !(s->cr1 & SPI_CR1_SSI) : pin;

    if (!(s->cr1 & SPI_CR1_MSTR) || !selected || !(s->cr1 & SPI_CR1_SPE) || s->cr2 & SPI_CR2_FRF)
        return;
    s->errors |= SPI_SR_MODF;
    s->cr1 &= ~(uint32_t)(SPI_CR1_MSTR | SPI_CR1_SPE);
    s->crc_frames = 0;
    s->crc_due = false;
}

static void write_cr1(struct chip *c, unsigned index, uint32_t value)
{
    struct spi_state *s = &c->spi[index];
    uint32_t old = s->cr1;

    if (old & ~value & SPI_CR1_SPE && !receive_only(s))
        spi_broken_off(c, index);
    if (s->modf_read)
        s->errors &= ~(uint32_t)SPI_SR_MODF;
    s->modf_read = false;
    if (s->errors & SPI_SR_MODF) /* both cannot be set while MODF is (RM0394 "Mode fault") */
        value &= ~(uint32_t)(SPI_CR1_SPE | SPI_CR1_MSTR);
    s->cr1 = value & 0xFFFF;
    if (!(s->cr1 & SPI_CR1_SPE))
        s->slave = (struct spi_slave){0};
    else if (s->cr1 & SPI_CR1_SSM && s->cr1 & SPI_CR1_SSI)
        spi_deselected(s);
    if ((s->cr1 & ~old) & SPI_CR1_CRCEN) {
        s->rxcrcr = s->txcrcr = 0;
        s->crc_due = false;
    }
    if (old & ~s->cr1 & SPI_CR1_SPE) {
        s->tx.level = 0;
        s->crc_frames = 0;
        s->crc_due = false;
        if (!receive_only(s)) {
            s->shifting = s->pulse = false;
            s->done_at = PS_NEVER;
        }
    }
    mode_fault(c, index);
    spi_select_output(c, index);
}

static void write_cr2(struct chip *c, unsigned index, uint32_t value)
{
    struct spi_state *s = &c->spi[index];

    s->cr2 = value & CR2_BITS;
    if (bits(s->cr2, 8, 4) < 3) /* not used: 8 bits */
        s->cr2 = (s->cr2 & ~0xF00u) | 0x700;
    mode_fault(c, index); /* NSS may have become an input */
    spi_select_output(c, index);
}

/* RM0394 "CRC transfer managed by DMA": the CRC is automatic. It needs neither TXDMAEN nor the channel to the
 * end of the last frame: ST's HAL clears the one in HAL_SPI_Transmit_DMA()'s interrupt, which comes when that
 * frame is in the FIFO, and the other is the first to be switched off ("Communication using DMA"). */
static void write_data(struct chip *c, unsigned index, uint32_t value, unsigned size)
{
    struct spi_state *s = &c->spi[index];
    bool odd_end =
        s->cr2 & SPI_CR2_LDMA_TX && s->cr2 & SPI_CR2_TXDMAEN && dma_remaining(c, instances[index].tx) == 0;

    if (s->cr2 & SPI_CR2_TXDMAEN && dma_brings_last(c, instances[index].tx))
        s->crc_due = true;
    spi_fifo_put(&s->tx, (uint8_t)value);
    if (size > 1 && !(odd_end && spi_frame_bytes(s) == 1))
        spi_fifo_put(&s->tx, (uint8_t)(value >> 8));
}

bool spi_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct spi_state *s = &c->spi[index];

    switch (off & ~3u) {
    case CR1: write_cr1(c, index, lanes_apb(size, value)); break;
    case CR2: write_cr2(c, index, lanes_apb(size, value)); break;
    case SR: s->errors &= lanes_apb(size, value) | ~(uint32_t)SPI_SR_CRCERR; break;
    case DR: write_data(c, index, value, size); break;
    case CRCPR: s->crcpr = lanes_apb(size, value) & 0xFFFF; break;
    }
    spi_update(c, index);
    spi_go_on(c, index);
    return true;
}

void spi_nss(struct chip *c, unsigned index, bool level)
{
    if (level && !(c->spi[index].cr1 & SPI_CR1_SSM))
        spi_deselected(&c->spi[index]);
    mode_fault(c, index);
    spi_update(c, index);
}

void spi_pins_selected(struct chip *c)
{
    for (unsigned i = 0; i < SPI_COUNT; i++)
        if (c->spi[i].cr1 & SPI_CR1_SPE)
            spi_nss(c, i, af_in(c, AF_SPI1_NSS + 4 * i, false));
}
