/* What the tests of I2C share: registers, bits, clocks and pins, waiting for flags. */
#ifndef TEST_I2C_REGS_H
#define TEST_I2C_REGS_H

#include "rig.h"

#define I2C1 0x40005400u
#define I2C2 0x40005800u
#define I2C3 0x40005C00u
enum {
    CR1 = 0,
    CR2 = 4,
    OAR1 = 8,
    OAR2 = 12,
    TIMINGR = 0x10,
    TIMEOUTR = 0x14,
    ISR = 0x18,
    ICR = 0x1C,
    PECR = 0x20,
    RXDR = 0x24,
    TXDR = 0x28
};
enum {
    TXE = 1,
    TXIS = 2,
    RXNE = 4,
    ADDR = 8,
    NACKF = 16,
    STOPF = 32,
    TC = 64,
    TCR = 128,
    PECERR = 1 << 11,
    TIMEOUT = 1 << 12,
    ALERT = 1 << 13,
    BUSY = 1 << 15,
    DIR = 1 << 16
};
enum {
    PE = 1,
    RD = 1 << 10,
    ADD10 = 1 << 11,
    START = 1 << 13,
    STOP = 1 << 14,
    NACK = 1 << 15,
    RELOAD = 1 << 24,
    AUTOEND = 1 << 25,
    PECBYTE = 1 << 26
};
#define NBYTES(n) ((uint32_t)(n) << 16)
#define EEPROM    0xA0u
/* 16 MHz kernel: low 10 us / 2, high 10 us / 2: close to 100 kHz */
#define TIMING (0x10000000u + 0x2727u)

static inline int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    for (unsigned i = 0; i < 3; i++)
        clock_on(0x58, 21 + i);
    pin_mode('B', 6, 2, 4); /* I2C1 */
    pin_mode('B', 7, 2, 4);
    pin_mode('B', 10, 2, 4); /* I2C2 */
    pin_mode('B', 11, 2, 4);
    pin_mode('C', 0, 2, 4); /* I2C3 */
    pin_mode('C', 1, 2, 4);
    static const uint32_t all[3] = {I2C1, I2C2, I2C3};
    for (unsigned i = 0; i < 3; i++) {
        wr(all[i] + TIMINGR, TIMING);
        wr(all[i] + CR1, PE);
    }
    return 0;
}

static inline ps_t wait(uint32_t base, uint32_t flag)
{
    ps_t took = run_until(base + ISR, flag, flag, 5 * PS_PER_MS);

    if (took == PS_NEVER)
        fail_msg("flag 0x%X never came, ISR is 0x%X", flag, rd(base + ISR));
    return took;
}

static inline void stop_clear(uint32_t base)
{
    wait(base, STOPF);
    assert_int_equal(rd(base + ISR) & BUSY, 0);
    wr(base + ICR, STOPF | NACKF);
    assert_int_equal(rd(base + ISR), TXE);
}

/* I2C3 as a slave of I2C1. */
static inline void wire_slave(void)
{
    assert_true(chip_wire(rig, 1, 6, 2, 0));
    assert_true(chip_wire(rig, 1, 7, 2, 1));
    wr(I2C3 + OAR1, 1 << 15 | 0x52);
}

#endif
