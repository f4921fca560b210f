/* I2C: what others do to SCL and SDA, from outside and by pins that are wired to them: BUSY, lost
 * arbitration, stretching. */
#include "i2c_regs.h"

enum { PORT_B = 1, SCL = 6, SDA = 7, ARLO = 1 << 9, ERRIE = 1 << 7 };

/* I2C1 at PB6 and PB7, whose pull-ups are outside: the pins float here. */
static int alone(void **state)
{
    on(state);
    wr(I2C1 + CR1, PE | ERRIE);
    return 0;
}

static uint32_t flags(void)
{
    return rd(I2C1 + ISR) & (BUSY | NACKF | STOPF | ARLO | TIMEOUT);
}

/* Nobody is there: NACK, STOP. */
static void transfer(void)
{
    wr(I2C1 + CR2, 0x20 | NBYTES(1) | AUTOEND | START);
}

static void transferred(void)
{
    run_us(500);
    assert_int_equal(flags(), NACKF | STOPF);
    wr(I2C1 + ICR, NACKF | STOPF);
}

/* The bus is busy from somebody's START to his STOP; a master waits. */
static void somebody_has_the_bus(void **state)
{
    (void)state;
    transfer();
    transferred();
    pin_drive('B', SDA, 0); /* START */
    assert_int_equal(flags(), BUSY);
    pin_drive('B', SCL, 0);
    pin_drive('B', SDA, 1);
    pin_drive('B', SCL, 1); /* a bit */
    pin_drive('B', SCL, 0);
    assert_int_equal(flags(), BUSY);
    transfer();
    run_us(500);
    assert_int_equal(flags(), BUSY);
    assert_int_equal(rd(I2C1 + CR2) & START, START);
    pin_drive('B', SDA, 0);
    pin_drive('B', SCL, 1);
    pin_drive('B', SDA, 1); /* STOP */
    transferred();
    pin_drive('B', SDA, 0);
    assert_int_equal(flags(), BUSY);
    wr(I2C1 + CR1, 0);
    assert_int_equal(flags(), 0);
}

/* SDA is stuck low, as by a slave that was reset in a read: the first one that goes out is lost. */
static void arbitration_lost(void **state)
{
    (void)state;
    wr(I2C1 + CR1, 0);
    pin_drive('B', SDA, 0);
    wr(I2C1 + CR1, PE | ERRIE);
    assert_int_equal(flags(), 0); /* there was no START */
    transfer();
    run_us(500);
    assert_int_equal(flags(), BUSY | ARLO);
    assert_int_equal(rd(I2C1 + CR2) & START, 0);
    assert_true(irq_line(32));
    wr(I2C1 + ICR, ARLO);
    transfer();
    run_us(500);
    assert_int_equal(flags(), BUSY);
    pin_drive('B', SDA, -1); /* a STOP */
    transferred();
    wr(I2C1 + CR1, 0);
    pin_drive('B', SDA, 0);
    wr(I2C1 + CR1, PE);
    wr(I2C1 + CR2, NBYTES(1) | AUTOEND | START); /* zeros, the general call, do not differ from it */
    run_us(500);
    assert_int_equal(flags() & ARLO, 0);
}

/* SCL is held low: the master waits, and what it waits for may time out. */
static void stretched(void **state)
{
    (void)state;
    transfer();
    run_us(20);
    pin_drive('B', SCL, 0);
    run_us(1000);
    assert_int_equal(flags(), BUSY);
    pin_drive('B', SCL, -1);
    transferred();
    wr(I2C1 + TIMEOUTR, 1 << 15 | 7); /* 8 * 2048 periods of 62.5 ns: 1024 us */
    transfer();
    run_us(20);
    pin_drive('B', SCL, 0);
    run_us(1000);
    assert_int_equal(flags(), BUSY);
    run_us(50);
    assert_int_equal(flags(), BUSY | TIMEOUT);
}

/* The same by outputs that are wired to the lines, open drain. */
static void by_wires(void **state)
{
    (void)state;
    assert_true(chip_wire(rig, PORT_B, SCL, PORT_B, 0));
    assert_true(chip_wire(rig, PORT_B, SDA, PORT_B, 1));
    wr(0x48000404, 3);
    wr(0x48000418, 3);
    pin_mode('B', 0, 1, 0);
    pin_mode('B', 1, 1, 0);
    transfer();
    transferred();
    wr(0x48000418, 1 << 17);
    assert_int_equal(flags(), BUSY);
    wr(0x48000418, 1 << 16);
    wr(0x48000418, 1);
    assert_int_equal(flags(), BUSY);
    wr(0x48000418, 2);
    assert_int_equal(flags(), 0);
    transfer();
    transferred();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(somebody_has_the_bus, alone, rig_off),
        cmocka_unit_test_setup_teardown(arbitration_lost, alone, rig_off),
        cmocka_unit_test_setup_teardown(stretched, alone, rig_off),
        cmocka_unit_test_setup_teardown(by_wires, alone, rig_off),
    };

    return cmocka_run_group_tests_name("I2C lines", tests, NULL, NULL);
}
