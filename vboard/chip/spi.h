/* SPI1-3 (RM0394 "SPI"). spi.c has the registers and FIFOs, spi_transfer.c frames on the wires and who
 * answers them, spi_slave.c an instance that another master clocks. */
#ifndef VBOARD_CHIP_SPI_H
#define VBOARD_CHIP_SPI_H

#include "chip/chip.h"

enum { SPI_COUNT = 3, SPI_FIFO = 4 };

enum {
    SPI_CR1_CPHA = 1 << 0,
    SPI_CR1_CPOL = 1 << 1,
    SPI_CR1_MSTR = 1 << 2,
    SPI_CR1_SPE = 1 << 6,
    SPI_CR1_LSBFIRST = 1 << 7,
    SPI_CR1_SSI = 1 << 8,
    SPI_CR1_SSM = 1 << 9,
    SPI_CR1_RXONLY = 1 << 10,
    SPI_CR1_CRCL = 1 << 11,
    SPI_CR1_CRCNEXT = 1 << 12,
    SPI_CR1_CRCEN = 1 << 13,
    SPI_CR1_BIDIOE = 1 << 14,
    SPI_CR1_BIDIMODE = 1 << 15,
    SPI_CR2_RXDMAEN = 1 << 0,
    SPI_CR2_TXDMAEN = 1 << 1,
    SPI_CR2_SSOE = 1 << 2,
    SPI_CR2_NSSP = 1 << 3,
    SPI_CR2_FRF = 1 << 4,
    SPI_CR2_ERRIE = 1 << 5,
    SPI_CR2_RXNEIE = 1 << 6,
    SPI_CR2_TXEIE = 1 << 7,
    SPI_CR2_FRXTH = 1 << 12,
    SPI_CR2_LDMA_RX = 1 << 13,
    SPI_CR2_LDMA_TX = 1 << 14,
    SPI_SR_RXNE = 1 << 0,
    SPI_SR_TXE = 1 << 1,
    SPI_SR_CRCERR = 1 << 4,
    SPI_SR_MODF = 1 << 5,
    SPI_SR_OVR = 1 << 6,
    SPI_SR_BSY = 1 << 7
};

/* A frame in TI format: NSS high for a clock, all bits but the last, the last. With NSSP: a clock with NSS
 * high, all bits with NSS low. */
enum spi_step { STEP_PULSE, STEP_BODY, STEP_LAST };

/* Bytes in the order in which they came. */
struct spi_fifo {
    uint8_t bytes[SPI_FIFO];
    uint8_t level;
};

struct spi_state {
    uint32_t cr1, cr2, crcpr, rxcrcr, txcrcr;
    uint32_t errors; /* CRCERR, MODF, OVR of SR */
    struct spi_fifo tx, rx;
    bool shifting;
    uint16_t shift;     /* the frame on the wire */
    uint8_t crc_frames; /* of the CRC phase still to be sent, the one on the wire included */
    bool crc_phase;
    bool crc_due; /* DMA has brought the last datum, CRC follows it */
    ps_t done_at;
    uint8_t step;             /* enum spi_step; of a frame with a pulse of NSS */
    bool pulse;               /* NSS is high */
    bool ovr_read, modf_read; /* first half of the sequences that clear these flags */
    struct spi_slave {
        bool loaded, crc, miso; /* the frame that goes out is known, it is the CRC; level of the line */
        unsigned count;         /* bits that were taken of the frame */
        uint32_t in, out;       /* first bit lowest */
        uint16_t word;          /* what goes out */
    } slave;
};

/* What is attached to an instance on the board: chip_config.spi. */
enum spi_attached { SPI_NOTHING, SPI_LOOP, SPI_REGISTERS };

/* A slave with 128 registers of 8 bits: the first byte of a selection is the register number with bit 7
 * set for reading; the number goes up with each byte. Selected by PA4, PB12, PA15 low. */
enum { SPI_DEVICE_ID_REGISTER = 0x0F, SPI_DEVICE_ID = 0x53 };
struct spi_device {
    uint8_t reg[128], command;
    bool addressed;
};

void spi_reset(struct chip *c, unsigned index);
bool spi_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool spi_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool spi_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void spi_event(struct chip *c, unsigned index);
void spi_clock(struct chip *c, unsigned index, bool after);
void spi_nss(struct chip *c, unsigned index, bool level); /* the NSS pin in its alternate function */
void spi_pins_selected(struct chip *c);                   /* it may be another pin now, or none */
void spi_device_pin(struct chip *c, unsigned port, unsigned pin,
                    bool level); /* its select pin, whatever drives it */
void spi_devices_init(struct chip *c);

/* ---- between the files of SPI ---- */

unsigned spi_bits(const struct spi_state *s);        /* 4..16 */
unsigned spi_frame_bytes(const struct spi_state *s); /* in a FIFO: 1 or 2 */
enum dma_signal spi_dma_rx(unsigned index);
void spi_update(struct chip *c, unsigned index);
void spi_select_output(struct chip *c, unsigned index); /* NSS as a master drives it */
bool spi_nss_pulses(const struct spi_state *s);         /* NSSP has an effect */
void spi_go_on(struct chip *c, unsigned index);         /* begins a frame if there is something to do */
/* Its clock stops, as SPE falls or it is reset: a slave has the bits that came until then. */
void spi_broken_off(struct chip *c, unsigned index);
void spi_received(struct chip *c, unsigned index, uint16_t word, bool crc);
uint8_t spi_fifo_get(struct spi_fifo *f);
void spi_crc(const struct spi_state *s, uint32_t *crc, uint16_t word);

bool spi_sends(const struct spi_state *s);
uint16_t spi_take_frame(struct spi_state *s);
uint16_t spi_crc_frame(const struct spi_state *s);
/* The end of a frame, of a master's and of a slave's. */
void spi_frame_ends(struct chip *c, unsigned index, uint16_t out, uint16_t in, bool crc);
/* The pins that a frame goes out and comes in at: with one line (BIDIMODE) a master uses MOSI for both
 * directions, a slave MISO. */
unsigned spi_out_pin(const struct chip *c, unsigned index);
unsigned spi_in_pin(const struct chip *c, unsigned index);
uint32_t spi_line_order(const struct spi_state *s,
                        uint32_t word); /* between a word and its bits, first lowest */

/* A frame of a master's: signals (enum af_signal) that it has, and its bits, first one lowest. A clock that
 * lacks some of the last bits has fewer `clocks`. TI format has a pulse at nss before the frame. */
struct spi_clocked {
    unsigned ck, out, in, nss;
    bool ti, drives, cpol, cpha;
    unsigned bits, clocks;
    uint32_t send;
};
/* What its slaves answer, or the level of the line. */
uint32_t spi_slaves_clocked(struct chip *c, const struct spi_clocked *m);
void spi_deselected(struct spi_state *s); /* what a slave has of a frame is lost */

#endif
