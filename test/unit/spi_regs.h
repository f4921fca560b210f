/* What the tests of SPI share: registers, bits, clocks. */
#ifndef TEST_SPI_REGS_H
#define TEST_SPI_REGS_H

#include "rig.h"

#define SPI1 0x40013000u
#define SPI2 0x40003800u
#define SPI3 0x40003C00u
enum { CR1 = 0, CR2 = 4, SR = 8, DR = 12, CRCPR = 16, RXCRCR = 20, TXCRCR = 24 };
enum {
    MSTR = 4,
    SPE = 64,
    LSBFIRST = 128,
    SSI = 256,
    SSM = 512,
    RXONLY = 1024,
    CRCL = 1 << 11,
    CRCNEXT = 1 << 12
};
enum { CRCEN = 1 << 13, BIDIOE = 1 << 14, BIDIMODE = 1 << 15 };
enum { RXNE = 1, TXE = 2, CRCERR = 16, MODF = 32, OVR = 64, BSY = 128 };
#define DS(n)     ((uint32_t)((n)-1) << 8)
#define FRXTH     (1u << 12)
#define FRLVL(sr) ((sr) >> 9 & 3)
#define FTLVL(sr) ((sr) >> 11 & 3)
#define SOFT      (MSTR | SSM | SSI)

static const struct spi {
    uint32_t base;
    unsigned irq;
} all[3] = {{SPI1, 35}, {SPI2, 36}, {SPI3, 51}};

static inline int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x60, 12);
    clock_on(0x58, 14);
    clock_on(0x58, 15);
    return 0;
}

static inline void attach(unsigned index, unsigned what)
{
    chip_config(rig)->spi[index] = (uint8_t)what;
}

static inline uint8_t transfer(uint32_t s, uint8_t out)
{
    wr8(s + DR, out);
    assert_true(run_until(s + SR, RXNE, RXNE, PS_PER_MS) != PS_NEVER);
    return (uint8_t)rd8(s + DR);
}

#endif
