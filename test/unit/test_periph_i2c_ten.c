/* I2C: reads from a ten-bit address, with I2C3 as the slave of I2C1. The master writes the address, and
 * behind a repeated START only the header, with the direction of a read: RM0394 "Master communication
 * initialization". */
#include "i2c_regs.h"

enum { OWN = 1 << 15 | 1 << 10 | 0x2A5, READ = 0x2A5 | ADD10 | RD, HEAD10R = 1 << 12, PECEN = 1 << 23 };

static int ten(void **state)
{
    on(state);
    wire_slave();
    wr(I2C3 + OAR1, 0);
    wr(I2C3 + OAR1, OWN);
    return 0;
}

static void seen(void)
{
    wait(I2C3, ADDR);
    wr(I2C3 + ICR, ADDR);
}

static void answer(uint8_t byte)
{
    wait(I2C3, TXIS);
    wr(I2C3 + TXDR, byte);
    wait(I2C1, RXNE);
    assert_int_equal(rd(I2C1 + RXDR), byte);
}

/* Two messages to the slave, each with an address that it has to see. */
static void two_addresses(void **state)
{
    const ps_t period = 2 * 40 * 125000ull + 4 * 62500 + 100000;

    (void)state;
    wr(I2C1 + CR2, READ | NBYTES(1) | AUTOEND | START);
    wait(I2C3, ADDR);
    run_us(500);
    assert_int_equal(rd(I2C3 + ISR) >> 16 & 0xFF, 0x7A << 1); /* ADDCODE, and DIR of a write */
    wr(I2C3 + ICR, ADDR);
    assert_int_equal(rd(I2C3 + ISR) & ADDR, 0);
    ps_t header = wait(I2C3, ADDR); /* START, eight bits, acknowledge */
    assert_in_range(header, period * 10 - 300000, period * 10 + 600000);
    assert_int_equal(rd(I2C3 + ISR) >> 16 & 0xFF, 0x7A << 1 | 1);
    assert_int_equal(rd(I2C3 + ISR) & STOPF, 0);
    wr(I2C3 + ICR, ADDR);
    answer(0xA9);
    stop_clear(I2C1);
    assert_int_equal(rd(I2C3 + ISR) & (STOPF | ADDR), STOPF);
}

/* START is set until the whole sequence is over (RM0394 "I2C_CR2"), and nothing that is written meanwhile
 * begins another transfer. */
static void start_stays(void **state)
{
    (void)state;
    wr(I2C1 + CR2, READ | NBYTES(1) | AUTOEND | START);
    wait(I2C3, ADDR);
    assert_int_equal(rd(I2C1 + CR2) & START, START);
    wr(I2C1 + CR2, READ | NBYTES(1) | AUTOEND | START);
    wr(I2C3 + ICR, ADDR);
    run_us(50);
    assert_int_equal(rd(I2C1 + CR2) & START, START); /* the header goes out */
    wait(I2C3, ADDR);
    assert_int_equal(rd(I2C1 + CR2) & START, 0);
    wr(I2C3 + ICR, ADDR);
    answer(0x11);
    stop_clear(I2C1);
    run_us(500);
    assert_int_equal(rd(I2C1 + ISR) & BUSY, 0);
}

/* HEAD10R sends the header alone, whose eight missing bits nobody sees: it is for whom was addressed before,
 * in the same message and last. */
static void header_alone(void **state)
{
    static const struct {
        uint32_t write, read;
        bool answered;
    } rows[] = {{0, 0x2A5, false},
                {0x2A5 | ADD10, 0x2A5, true},
                {0x2A5 | ADD10, 0x201, true},
                {0x2A5 | ADD10, 0x1A5, false},
                {0x60, 0x2A5, false}};

    (void)state;
    wr(I2C3 + OAR2, 1 << 15 | 0x60);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].write) {
            wr(I2C1 + CR2, rows[i].write | START);
            wait(I2C3, ADDR);
            wr(I2C3 + ICR, ADDR);
            wait(I2C1, TC);
        }
        wr(I2C1 + CR2, rows[i].read | ADD10 | HEAD10R | RD | NBYTES(1) | AUTOEND | START);
        if (rows[i].answered) {
            wait(I2C3, ADDR);
            wr(I2C3 + ICR, ADDR);
            wr(I2C3 + TXDR, 0xA9);
            wait(I2C1, RXNE);
            assert_int_equal(rd(I2C1 + RXDR), 0xA9);
        } else {
            wait(I2C1, NACKF);
            assert_int_equal(rd(I2C3 + ISR) & ADDR, 0);
        }
        stop_clear(I2C1);
        wr(I2C3 + ICR, STOPF | NACKF);
    }
}

/* The EEPROM is another address, too: behind it the header alone is for nobody. */
static void header_behind_the_eeprom(void **state)
{
    (void)state;
    assert_true(chip_wire(rig, 1, 6, 1, 10));
    assert_true(chip_wire(rig, 1, 7, 1, 11));
    wr(I2C1 + CR2, 0x2A5 | ADD10 | START);
    seen();
    wait(I2C1, TC);
    wr(I2C1 + CR2, EEPROM | START);
    wait(I2C1, TC);
    wr(I2C1 + CR2, 0x2A5 | ADD10 | HEAD10R | RD | NBYTES(1) | AUTOEND | START);
    wait(I2C1, NACKF);
    assert_int_equal(rd(I2C3 + ISR) & ADDR, 0);
}

/* A slave that does not answer to the header has been addressed in this transfer, and is told of its STOP. */
static void header_refused(void **state)
{
    (void)state;
    wr(I2C1 + CR2, READ | NBYTES(1) | AUTOEND | START);
    seen();
    run_us(30);
    wr(I2C3 + OAR1, 0);
    wait(I2C1, NACKF);
    assert_int_equal(rd(I2C1 + CR2) & START, 0);
    assert_int_equal(rd(I2C3 + ISR) & STOPF, 0);
    stop_clear(I2C1);
    assert_int_equal(rd(I2C3 + ISR) & (STOPF | ADDR | BUSY), STOPF);
    wr(I2C1 + CR2, READ | NBYTES(1) | AUTOEND | START); /* nor to the first half */
    wait(I2C1, NACKF);
    assert_int_equal(rd(I2C1 + CR2) & START, 0);
    stop_clear(I2C1);
    run_us(500);
    assert_int_equal(rd(I2C1 + ISR) & BUSY, 0);
}

/* All four bytes of the address count for the PEC, on both sides. */
static void pec_over_the_header(void **state)
{
    static const uint8_t bytes[4] = {0xF4, 0xA5, 0xF5, 0xC3};
    uint8_t crc = 0;

    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        bool bit = (bytes[i / 8] >> (7 - i % 8) & 1) != crc >> 7;
        crc = (uint8_t)(crc << 1 ^ (bit ? 7 : 0));
    }
    wr(I2C1 + CR1, PE | PECEN);
    wr(I2C3 + CR1, PE | PECEN);
    wr(I2C1 + CR2, READ | NBYTES(1) | AUTOEND | START);
    seen();
    seen();
    answer(0xC3);
    assert_int_equal(rd(I2C1 + PECR), crc);
    assert_int_equal(rd(I2C3 + PECR), crc);
}

/* The slave holds SCL low between the two, which a time-out sees. */
static void stretched_between(void **state)
{
    (void)state;
    wr(I2C1 + TIMEOUTR, 1 << 15 | 3); /* 4 x 2048 / 16 MHz */
    wr(I2C1 + CR2, READ | NBYTES(1) | AUTOEND | START);
    wait(I2C3, ADDR);
    assert_in_range(wait(I2C1, TIMEOUT), 500 * PS_PER_US, 520 * PS_PER_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_addresses, ten, rig_off),
        cmocka_unit_test_setup_teardown(start_stays, ten, rig_off),
        cmocka_unit_test_setup_teardown(header_alone, ten, rig_off),
        cmocka_unit_test_setup_teardown(header_behind_the_eeprom, ten, rig_off),
        cmocka_unit_test_setup_teardown(header_refused, ten, rig_off),
        cmocka_unit_test_setup_teardown(pec_over_the_header, ten, rig_off),
        cmocka_unit_test_setup_teardown(stretched_between, ten, rig_off),
    };

    return cmocka_run_group_tests_name("I2C, reads from a ten-bit address", tests, NULL, NULL);
}
