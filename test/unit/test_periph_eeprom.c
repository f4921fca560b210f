/* The EEPROM at PB10 (SCL) and PB11 (SDA) for firmware that moves pins itself: pull-ups, START and STOP,
 * addresses, acknowledges, writing and reading; and what I2C2 sees of it. */
#include "rig.h"

#define GPIOA 0x48000000u
#define GPIOB 0x48000400u
enum { MODER = 0, OTYPER = 4, IDR = 0x10, BSRR = 0x18 };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_gpio, on, rig_off),
        cmocka_unit_test_setup_teardown(by_direction, on, rig_off),
        cmocka_unit_test_setup_teardown(by_wires, on, rig_off),
        cmocka_unit_test_setup_teardown(recovery, on, rig_off),
        cmocka_unit_test_setup_teardown(other_kinds, on, rig_off),
        cmocka_unit_test_setup_teardown(with_i2c2, on, rig_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
