/* The EEPROM at PB10 (SCL) and PB11 (SDA) for firmware that moves pins itself: pull-ups, START and STOP,
 * addresses, acknowledges, writing and reading; and what I2C2 sees of it. */
#include "rig.h"

#define GPIOA 0x48000000u
#define GPIOB 0x48000400u
#define I2C2  0x40005800u
enum { MODER = 0, OTYPER = 4, IDR = 0x10, BSRR = 0x18 };
enum { CR1 = 0, CR2 = 4, ISR = 0x18, RXDR = 0x24, TXDR = 0x28 };

static uint32_t port = GPIOB;
static unsigned scl = 10, sda = 11;

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x4C, 0);
    clock_on(0x4C, 1);
    return 0;
}

static void put(unsigned pin, bool high)
{
    wr(port + BSRR, high ? 1u << pin : 0x10000u << pin);
    run_us(2);
}

static bool get(unsigned pin)
{
    return rd(port + IDR) >> pin & 1;
}

/* Open drain, both lines let go. */
static void lines(char name, uint32_t base, unsigned clock, unsigned data)
{
    port = base;
    scl = clock;
    sda = data;
    set_bits(port + OTYPER, 1u << scl | 1u << sda);
    wr(port + BSRR, 1u << scl | 1u << sda);
    pin_mode(name, scl, 1, 0);
    pin_mode(name, sda, 1, 0);
    run_us(2);
}

static void begin(void)
{
    put(sda, true);
    put(scl, true);
    put(sda, false);
    put(scl, false);
}

static void end(void)
{
    put(sda, false);
    put(scl, true);
    put(sda, true);
}

static bool clock(bool bit)
{
    put(sda, bit);
    put(scl, true);
    bool level = get(sda);
    put(scl, false);
    return level;
}

/* True: acknowledged. */
static bool send(unsigned byte)
{
    for (unsigned i = 8; i-- > 0;)
        clock(byte >> i & 1);
    return !clock(true);
}

static unsigned receive(bool last)
{
    unsigned byte = 0;
    for (unsigned i = 0; i < 8; i++)
        byte = byte << 1 | clock(true);
    clock(last);
    return byte;
}

static void write_and_read(void)
{
    begin();
    assert_true(send(0xA0));
    assert_true(send(0x20));
    for (unsigned i = 0; i < 4; i++)
        assert_true(send(0xA5 + i));
    end();
    begin();
    assert_false(send(0xA0)); /* write cycle */
    end();
    run_us(5000);
    begin();
    assert_true(send(0xA0));
    assert_true(send(0x21));
    begin(); /* repeated */
    assert_true(send(0xA1));
    assert_int_equal(receive(false), 0xA6);
    assert_int_equal(receive(false), 0xA7);
    assert_int_equal(receive(true), 0xA8);
    assert_true(get(sda)); /* let go */
    end();
    begin(); /* goes on where it was */
    assert_true(send(0xA1));
    assert_int_equal(receive(true), 0xFF);
    end();
    begin();
    assert_false(send(0xA2)); /* somebody else */
    assert_false(send(0x20));
    end();
}

static void by_gpio(void **state)
{
    (void)state;
    pin_mode('B', 10, 0, 0);
    assert_true(get(10)); /* pulled up, */
    wr(GPIOB + 0x0C, 2u << 20);
    assert_true(get(10)); /* also against the chip's own pull-down */
    wr(GPIOB + 0x0C, 0);
    lines('B', GPIOB, 10, 11);
    write_and_read();
    assert_int_equal(told_count("missing"), 0);
}

/* The same by input and output mode, as some drivers let a line go. */
static void by_direction(void **state)
{
    (void)state;
    port = GPIOB;
    wr(GPIOB + BSRR, 0x0C000000); /* ODR low */
    pin_mode('B', 10, 0, 0);
    pin_mode('B', 11, 0, 0);
    pin_mode('B', 11, 1, 0); /* START */
    pin_mode('B', 10, 1, 0);
    for (unsigned i = 8; i-- > 0;) {
        pin_mode('B', 11, 0xA1 >> i & 1 ? 0 : 1, 0);
        pin_mode('B', 10, 0, 0);
        pin_mode('B', 10, 1, 0);
    }
    pin_mode('B', 11, 0, 0);
    pin_mode('B', 10, 0, 0);
    assert_false(get(11)); /* acknowledged */
    pin_mode('B', 10, 1, 0);
    assert_true(get(11)); /* the first bit of 0xFF */
}

static void by_wires(void **state)
{
    (void)state;
    chip_wire(rig, 0, 8, 1, 10);
    chip_wire(rig, 0, 9, 1, 11);
    lines('A', GPIOA, 8, 9);
    write_and_read();
}

/* A byte of a read that is broken off holds SDA low until it was clocked out: what bus recovery is for. */
static void recovery(void **state)
{
    (void)state;
    lines('B', GPIOB, 10, 11);
    begin();
    send(0xA0);
    send(0x00);
    send(0x00);
    end();
    run_us(5000);
    begin();
    send(0xA0);
    send(0x00);
    begin();
    send(0xA1);
    clock(true);
    put(sda, true);
    assert_false(get(sda));
    unsigned clocks = 0;
    while (!get(sda) && clocks < 9) {
        clock(true);
        clocks++;
    }
    assert_int_equal(clocks, 7);
    begin();
    send(0xA0);
    send(0x00);
    begin();
    send(0xA1);
    clock(true);
    assert_false(get(sda));
    chip_request_reset(rig, RESET_SOFT); /* no reset of the EEPROM's */
    run_us(100);
    rig_settle();
    clock_on(0x4C, 1);
    pin_mode('B', 11, 0, 0);
    assert_false(get(sda));
    chip_power_off(rig, true);
    chip_power_on(rig);
    run_us(1000);
    rig_settle();
    clock_on(0x4C, 1);
    pin_mode('B', 11, 0, 0);
    assert_true(get(sda));
    lines('B', GPIOB, 10, 11);
    end();
    begin();
    assert_true(send(0xA0));
    end();
}

static void other_kinds(void **state)
{
    (void)state;
    lines('B', GPIOB, 10, 11);
    chip_config(rig)->eeprom_kind = EEPROM_24C64;
    begin();
    assert_true(send(0xA0));
    assert_true(send(0x12));
    assert_true(send(0x34));
    assert_true(send(0x77));
    end();
    run_us(5000);
    begin();
    assert_true(send(0xA0));
    assert_true(send(0x12));
    assert_true(send(0x34));
    begin();
    assert_true(send(0xA1));
    assert_int_equal(receive(true), 0x77);
    end();
    chip_config(rig)->eeprom_kind = EEPROM_NONE;
    begin();
    assert_true(send(0xA0)); /* nobody, and no pull-ups: the line is low */
    pin_mode('B', 11, 0, 0);
    assert_false(get(11));
}

/* I2C2 reads what pins have written. */
static void with_i2c2(void **state)
{
    (void)state;
    lines('B', GPIOB, 10, 11);
    begin();
    send(0xA0);
    send(0x00);
    send(0x5A);
    end();
    run_us(5000);
    clock_on(0x58, 22);
    pin_mode('B', 10, 2, 4);
    pin_mode('B', 11, 2, 4);
    wr(0x40005810, 0x10420F13);
    wr(0x40005800, 1);
    wr(0x40005804, 0xA0 | 1 << 16 | 1 << 13);
    assert_true(run_until(0x40005818, 2, 2, PS_PER_MS) != PS_NEVER);
    wr(0x40005828, 0);
    assert_true(run_until(0x40005818, 64, 64, PS_PER_MS) != PS_NEVER);
    wr(0x40005804, 0xA0 | 1 << 10 | 1 << 16 | 1 << 25 | 1 << 13);
    assert_true(run_until(0x40005818, 4, 4, PS_PER_MS) != PS_NEVER);
    assert_int_equal(rd(0x40005824), 0x5A);
}

/* I2C2's transfer with the EEPROM, begun by bytes of the word address and of zeros. */
static void i2c2_begins(unsigned zeros)
{
    pin_mode('B', 10, 2, 4);
    pin_mode('B', 11, 2, 4);
    wr(I2C2 + 0x10, 0x10420F13); /* TIMINGR: 4.9 us a bit */
    wr(I2C2 + CR1, 1);
    wr(I2C2 + CR2, 0xA0 | (1 + zeros) << 16 | 1 << 13);
    for (unsigned i = 0; i <= zeros; i++) {
        assert_true(run_until(I2C2 + ISR, 2, 2, PS_PER_MS) != PS_NEVER);
        wr(I2C2 + TXDR, 0);
    }
}

/* Clocks until SDA, which is held low, is let go; then the bus works. */
static unsigned clocks_held(void)
{
    unsigned clocks = 0;

    for (lines('B', GPIOB, 10, 11); !get(sda) && clocks < 20; clocks++)
        clock(true);
    end();
    begin();
    assert_true(send(0xA0));
    end();
    return clocks;
}

/* What the bus recovery of real firmware meets: I2C2 was in mid-transfer when it, or the chip, was reset. */
static void broken_off(void **state)
{
    (void)state;
    clock_on(0x58, 22);
    i2c2_begins(2);
    assert_true(run_until(I2C2 + ISR, 64, 64, PS_PER_MS) != PS_NEVER);
    wr(I2C2 + CR2, 1 << 14); /* STOP */
    run_us(6000);
    i2c2_begins(0);
    assert_true(run_until(I2C2 + ISR, 64, 64, PS_PER_MS) != PS_NEVER);
    wr(I2C2 + CR2, 0xA0 | 1 << 10 | 2 << 16 | 1 << 25 | 1 << 13);
    run_us(48 + 9 * 5 + 12); /* START and address, a byte, two bits of the next and half of a third */
    wr(I2C2 + CR1, 0);
    assert_false(get(11));
    wr(I2C2 + CR1, 1);
    wr(I2C2 + CR2, 0xA0 | 1 << 16 | 1 << 13);
    run_us(100);
    assert_int_equal(rd(I2C2 + ISR) & (1 << 15 | 1 << 9), 1 << 15 | 1 << 9); /* BUSY, ARLO */
    wr(I2C2 + CR1, 0);
    assert_int_equal(clocks_held(), 6);
    unsigned acknowledges = 0; /* of the word address; before and after it come the master's own bits */
    for (unsigned us = 20; us < 60; us++) {
        i2c2_begins(1);
        run_us(us);
        wr(I2C2 + CR1, 0);
        unsigned clocks = clocks_held();
        assert_in_range(clocks, 0, 1);
        acknowledges += clocks;
    }
    assert_in_range(acknowledges, 4, 6);
    i2c2_begins(0);
    assert_true(run_until(I2C2 + ISR, 64, 64, PS_PER_MS) != PS_NEVER);
    wr(I2C2 + CR2, 0xA0 | 1 << 10 | 1 << 16 | 1 << 24 | 1 << 13); /* RELOAD */
    assert_true(run_until(I2C2 + ISR, 4, 4, PS_PER_MS) != PS_NEVER);
    rd(I2C2 + RXDR);
    assert_true(run_until(I2C2 + ISR, 128, 128, PS_PER_MS) != PS_NEVER);
    chip_request_reset(rig, RESET_SOFT); /* SCL is stretched before the acknowledge, which is not given */
    run_us(100);
    rig_settle();
    clock_on(0x4C, 1);
    assert_int_equal(clocks_held(), 0);
    clock_on(0x58, 22); /* before the first byte, whose first bit is on the line already */
    i2c2_begins(0);
    assert_true(run_until(I2C2 + ISR, 64, 64, PS_PER_MS) != PS_NEVER);
    wr(I2C2 + CR2, 0xA0 | 1 << 10 | 1 << 24 | 1 << 13);
    assert_true(run_until(I2C2 + ISR, 128, 128, PS_PER_MS) != PS_NEVER);
    wr(I2C2 + CR1, 0);
    assert_int_equal(clocks_held(), 8);
    end();
    begin(); /* and where that is a one, the next START, by I2C2 as well, is the end of the others */
    assert_true(send(0xA0) && send(0) && send(0x80));
    end();
    run_us(6000);
    i2c2_begins(0);
    assert_true(run_until(I2C2 + ISR, 64, 64, PS_PER_MS) != PS_NEVER);
    wr(I2C2 + CR2, 0xA0 | 1 << 10 | 1 << 24 | 1 << 13);
    assert_true(run_until(I2C2 + ISR, 128, 128, PS_PER_MS) != PS_NEVER);
    wr(I2C2 + CR1, 0);
    wr(I2C2 + CR1, 1);
    wr(I2C2 + CR2, 0xA0 | 1 << 25 | 1 << 13);
    assert_true(run_until(I2C2 + ISR, 32, 32, PS_PER_MS) != PS_NEVER);
    lines('B', GPIOB, 10, 11);
    for (unsigned i = 0; i < 9; i++)
        assert_true(clock(true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_gpio, on, rig_off),
        cmocka_unit_test_setup_teardown(by_direction, on, rig_off),
        cmocka_unit_test_setup_teardown(by_wires, on, rig_off),
        cmocka_unit_test_setup_teardown(recovery, on, rig_off),
        cmocka_unit_test_setup_teardown(other_kinds, on, rig_off),
        cmocka_unit_test_setup_teardown(with_i2c2, on, rig_off),
        cmocka_unit_test_setup_teardown(broken_off, on, rig_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
