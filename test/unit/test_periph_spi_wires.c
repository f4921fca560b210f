/* SPI2 as a slave, edge by edge: another SPI as master in every mode, a USART in synchronous mode. */
#include "spi_regs.h"

enum { CPHA = 1, CPOL = 2 };

/* SPI2 at PB13 SCK, PB14 MISO, PB15 MOSI, selected by software. */
static void slave_on(uint32_t cr1)
{
    for (unsigned pin = 13; pin < 16; pin++)
        pin_mode('B', pin, 2, 5);
    wr(SPI2 + CR1, 0);
    while (rd(SPI2 + SR) & RXNE)
        rd8(SPI2 + DR);
    rd(SPI2 + SR);
    wr(SPI2 + CR2, DS(8) | FRXTH);
    wr(SPI2 + CR1, cr1 | SSM | SPE);
}

static void spi1_as_master(void)
{
    for (unsigned pin = 5; pin < 8; pin++) {
        pin_mode('A', pin, 2, 5);
        chip_wire(rig, 0, pin, 1, pin + 8);
    }
    wr(SPI1 + CR2, DS(8) | FRXTH);
}

/* Both sides' words: what the master got, above it the slave's. */
static unsigned exchange(uint32_t master_mode, uint32_t slave_mode)
{
    slave_on(slave_mode);
    wr8(SPI2 + DR, 0xDE);
    wr(SPI1 + CR1, 0);
    wr(SPI1 + CR1, SOFT | SPE | master_mode);
    unsigned in = transfer(SPI1, 0xB4);
    assert_int_equal(rd(SPI2 + SR) & (RXNE | OVR), RXNE);
    return in | rd8(SPI2 + DR) << 8;
}

static void modes(void **state)
{
    (void)state;
    spi1_as_master();
    for (uint32_t master = 0; master < 4; master++)
        for (uint32_t slave = 0; slave < 4; slave++) {
            unsigned got = exchange(master, slave);
            /* a slave without phase has its first bit there before the clock: it fits the same edges with
             * phase */
            bool fits = master == slave || (master & CPHA && slave == (master ^ 3));
            if ((got == (0xDE | 0xB4 << 8)) != fits)
                fail_msg("mode %u at mode %u: %04x", master, slave, got);
        }
    /* the slave's line is a bit late, and it takes what the master is about to change */
    assert_int_equal(exchange(0, CPHA), 0xDE >> 1 | 0xB4 << 8);
    assert_int_equal(exchange(CPOL, CPOL | CPHA), 0xDE >> 1 | 0xB4 << 8);
    /* the slave takes what was there before the master's first bit */
    assert_int_equal(exchange(CPHA, 0) >> 8, 0xB4 >> 1);
}

/* NSS by hardware: no pin is low, which selects the slave; a pin that is high does not. */
static void without_nss_pin(void **state)
{
    (void)state;
    spi1_as_master();
    wr(SPI1 + CR1, SOFT | SPE);
    for (unsigned pin = 0; pin < 2; pin++) {
        slave_on(0);
        wr(SPI2 + CR1, SPE);
        if (pin) {
            pin_mode('B', 12, 2, 5);
            pin_drive('B', 12, 1);
        }
        transfer(SPI1, 0xB4);
        assert_int_equal(rd(SPI2 + SR) & RXNE, pin ? 0 : RXNE);
        if (!pin)
            assert_int_equal(rd8(SPI2 + DR), 0xB4);
    }
}

static void bit_orders(void **state)
{
    (void)state;
    spi1_as_master();
    assert_int_equal(exchange(LSBFIRST, LSBFIRST), 0xDE | 0xB4 << 8);
    assert_int_equal(exchange(LSBFIRST, 0), 0x7B | 0x2D << 8);
    assert_int_equal(exchange(0, LSBFIRST), 0x7B | 0x2D << 8);
}

/* Sixteen bits of a master's are two frames of eight. */
static void lengths(void **state)
{
    (void)state;
    spi1_as_master();
    slave_on(0);
    wr8(SPI2 + DR, 0x12);
    wr8(SPI2 + DR, 0x34);
    wr(SPI1 + CR2, DS(16));
    wr(SPI1 + CR1, SOFT | SPE);
    wr16(SPI1 + DR, 0xABCD);
    run_us(20);
    assert_int_equal(rd16(SPI1 + DR), 0x1234);
    assert_int_equal(rd8(SPI2 + DR), 0xAB);
    assert_int_equal(rd8(SPI2 + DR), 0xCD);
    /* twelve bits are a frame and a half, and the half is lost when the slave is switched off */
    wr(SPI1 + CR1, 0);
    wr(SPI1 + CR2, DS(12));
    wr(SPI1 + CR1, SOFT | SPE);
    wr16(SPI1 + DR, 0x123);
    run_us(20);
    assert_int_equal(FRLVL(rd(SPI2 + SR)), 1);
    assert_int_equal(rd8(SPI2 + DR), 0x12);
    wr16(SPI1 + DR, 0x456);
    run_us(20);
    assert_int_equal(FRLVL(rd(SPI2 + SR)), 2);
    assert_int_equal(rd8(SPI2 + DR), 0x34);
    assert_int_equal(rd8(SPI2 + DR), 0x56);
    wr16(SPI1 + DR, 0x123);
    run_us(20);
    rd8(SPI2 + DR);
    wr(SPI2 + CR1, SSM);
    wr(SPI2 + CR1, SSM | SPE);
    wr16(SPI1 + DR, 0x456);
    run_us(20);
    assert_int_equal(FRLVL(rd(SPI2 + SR)), 1);
    assert_int_equal(rd8(SPI2 + DR), 0x45);
}

/* ---- USART1: PA8 CK, PA9 TX, PA10 RX ---- */

#define USART1 0x40013800u
enum { UE = 1, RE = 4, TE = 8 };
enum { LBCL = 1 << 8, UCPHA = 1 << 9, UCPOL = 1 << 10, CLKEN = 1 << 11, MSBFIRST = 1 << 19 };

static void usart_on(uint32_t cr2)
{
    clock_on(0x60, 14);
    for (unsigned pin = 8; pin < 11; pin++)
        pin_mode('A', pin, 2, 7);
    wr(USART1, 0);
    wr(USART1 + 0x0C, 16);
    wr(USART1 + 4, CLKEN | cr2);
    wr(USART1, UE | RE | TE);
    run_us(20);
    rd(USART1 + 0x24);
}

static void wire_usart(void)
{
    chip_wire(rig, 0, 8, 1, 13);
    chip_wire(rig, 0, 9, 1, 15);
    chip_wire(rig, 0, 10, 1, 14);
}

static uint32_t usart_transfer(uint32_t word)
{
    wr(USART1 + 0x28, word);
    run_us(12); /* ten bits at 1 MBd */
    assert_int_equal(rd(USART1 + 0x1C) & 0x2A, 0x20);
    return rd(USART1 + 0x24);
}

static void usart_to_slave(void **state)
{
    (void)state;
    wire_usart();
    for (uint32_t mode = 0; mode < 4; mode++) {
        slave_on(mode | LSBFIRST);
        usart_on(LBCL | (mode & CPHA ? UCPHA : 0) | (mode & CPOL ? UCPOL : 0));
        for (unsigned i = 0; i < 3; i++) {
            wr8(SPI2 + DR, 0x5E + i);
            assert_int_equal(usart_transfer(0xB4 + i), 0x5E + i);
            assert_int_equal(rd8(SPI2 + DR), 0xB4 + i);
        }
    }
    slave_on(0); /* as most chips have it */
    usart_on(LBCL | MSBFIRST);
    wr8(SPI2 + DR, 0x5E);
    assert_int_equal(usart_transfer(0xB4), 0x5E);
    assert_int_equal(rd8(SPI2 + DR), 0xB4);
    slave_on(CPHA);
    usart_on(LBCL | MSBFIRST);
    wr8(SPI2 + DR, 0x5E);
    assert_int_equal(usart_transfer(0xB4), 0x5E >> 1); /* other phase */
}

/* Seven clocks a word: the slave has its frame with the first bit of the next word. */
static void no_last_clock(void **state)
{
    (void)state;
    wire_usart();
    slave_on(0);
    usart_on(MSBFIRST);
    usart_transfer(0xB4);
    assert_int_equal(rd(SPI2 + SR) & RXNE, 0);
    usart_transfer(0xFF);
    assert_int_equal(rd(SPI2 + SR) & RXNE, RXNE);
    assert_int_equal(rd8(SPI2 + DR), 0xB4 | 1);
}

/* A slave that is not selected hears nothing, nor one without the clock. */
static void not_selected(void **state)
{
    (void)state;
    pin_drive('B', 14, 1);
    chip_wire(rig, 0, 9, 1, 15);
    chip_wire(rig, 0, 10, 1, 14);
    slave_on(0);
    usart_on(LBCL | MSBFIRST);
    assert_int_equal(usart_transfer(0xB4), 0xFF);
    assert_int_equal(rd(SPI2 + SR) & RXNE, 0);
    chip_wire(rig, 0, 8, 1, 13);
    pin_mode('B', 12, 2, 5); /* NSS */
    wr(SPI2 + CR1, 0);
    wr(SPI2 + CR1, SPE);
    pin_drive('B', 12, 1);
    assert_int_equal(usart_transfer(0xB4), 0xFF);
    assert_int_equal(rd(SPI2 + SR) & RXNE, 0);
    pin_drive('B', 12, 0);
    assert_int_equal(usart_transfer(0xB4), 0);
    assert_int_equal(rd8(SPI2 + DR), 0xB4);
}

/* The master is switched off, or reset, in the middle of a byte: its slave has the bits until then. */
static void broken_off(void **state)
{
    (void)state;
    spi1_as_master();
    for (unsigned reset = 0; reset < 2; reset++) {
        slave_on(0);
        wr(SPI1 + CR1, SOFT | SPE | 5 << 3); /* 4 us a bit */
        wr8(SPI1 + DR, 0xFF);
        run_us(14);
        if (reset) {
            wr(0x40021040, 1 << 12); /* RCC_APB2RSTR.SPI1RST */
            wr(0x40021040, 0);
            wr(SPI1 + CR2, DS(8) | FRXTH);
        } else {
            wr(SPI1 + CR1, 0);
        }
        run_us(100);
        assert_int_equal(rd(SPI2 + SR) & RXNE, 0);
        wr(SPI1 + CR1, SOFT | SPE);
        wr8(SPI1 + DR, 0x11);
        run_us(20);
        assert_int_equal(rd8(SPI2 + DR), 0xE2); /* three ones, and what came of the other byte */
        wr(SPI1 + CR1, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(modes, on, rig_off),
        cmocka_unit_test_setup_teardown(without_nss_pin, on, rig_off),
        cmocka_unit_test_setup_teardown(bit_orders, on, rig_off),
        cmocka_unit_test_setup_teardown(lengths, on, rig_off),
        cmocka_unit_test_setup_teardown(usart_to_slave, on, rig_off),
        cmocka_unit_test_setup_teardown(no_last_clock, on, rig_off),
        cmocka_unit_test_setup_teardown(not_selected, on, rig_off),
        cmocka_unit_test_setup_teardown(broken_off, on, rig_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
