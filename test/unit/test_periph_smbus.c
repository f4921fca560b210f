/* What SMBus adds to I2C: packet error checking, addresses, alert, time-outs. I2C3 is a slave of I2C1. */
#include "i2c_regs.h"

enum { SBC = 1 << 16, SMBHEN = 1 << 20, SMBDEN = 1 << 21, ALERTEN = 1 << 22, PECEN = 1 << 23, ERRIE = 128 };

static uint8_t pec(const uint8_t *bytes, unsigned n)
{
    uint8_t crc = 0;
    for (unsigned i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (unsigned b = 0; b < 8; b++)
            crc = (uint8_t)(crc << 1 ^ (crc & 0x80 ? 7 : 0));
    }
    return crc;
}

static void master_sends_pec(void **state)
{
    (void)state;
    const uint8_t message[4] = {0x52, 0x12, 0x34, pec((const uint8_t[]){0x52, 0x12, 0x34}, 3)};
    wire_slave();
    wr(I2C1 + CR1, PE | PECEN);
    wr(I2C3 + CR1, PE | PECEN | SBC);
    wr(I2C1 + CR2, 0x52 | NBYTES(3) | PECBYTE | AUTOEND | START);
    run_us(100);
    wr(I2C3 + CR2, NBYTES(1) | RELOAD);
    wait(I2C3, ADDR);
    wr(I2C3 + ICR, ADDR);
    for (unsigned i = 1; i < 4; i++) {
        if (i < 3) { /* the PEC is not asked for */
            wait(I2C1, TXIS);
            wr(I2C1 + TXDR, message[i]);
        }
        wait(I2C3, RXNE);
        if (i > 1)
            assert_int_equal(rd(I2C1 + ISR) & TXIS, 0);
        assert_int_equal(rd(I2C3 + RXDR), message[i]);
        if (i < 3) {
            wait(I2C3, TCR);
            wr(I2C3 + CR2, NBYTES(1) | (i < 2 ? RELOAD : PECBYTE));
        }
    }
    assert_int_equal(rd(I2C1 + PECR), message[3]);
    assert_int_equal(rd(I2C3 + PECR), message[3]);
    stop_clear(I2C1);
    assert_int_equal(rd(I2C1 + CR2) & PECBYTE, 0);
    assert_int_equal(rd(I2C3 + CR2) & PECBYTE, 0);
    wait(I2C3, STOPF);
    assert_int_equal(told_count("missing"), 0);
}

/* Nobody but the slave knows: a wrong PEC is refused. */
static void slave_refuses_a_wrong_pec(void **state)
{
    (void)state;
    wire_slave();
    wr(I2C3 + CR1, PE | PECEN | SBC | ERRIE);
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        uint8_t message[3] = {0x52, 0x77, 0};
        message[2] = (uint8_t)(pec(message, 2) ^ wrong);
        wr(I2C1 + CR2, 0x52 | NBYTES(2) | AUTOEND | START);
        wait(I2C3, ADDR);
        wr(I2C3 + CR2, NBYTES(1) | RELOAD);
        wr(I2C3 + ICR, ADDR);
        wait(I2C1, TXIS);
        wr(I2C1 + TXDR, message[1]);
        wait(I2C3, TCR);
        rd(I2C3 + RXDR);
        wr(I2C3 + CR2, NBYTES(1) | PECBYTE);
        wait(I2C1, TXIS);
        wr(I2C1 + TXDR, message[2]);
        wait(I2C3, RXNE);
        assert_int_equal(rd(I2C3 + RXDR), message[2]);
        wait(I2C1, STOPF);
        assert_int_equal(rd(I2C1 + ISR) & NACKF, wrong ? NACKF : 0);
        assert_int_equal(rd(I2C3 + ISR) & PECERR, wrong ? PECERR : 0);
        assert_int_equal(irq_line(73), wrong);
        wr(I2C3 + ICR, PECERR);
        stop_clear(I2C1);
        wait(I2C3, STOPF);
        wr(I2C3 + ICR, STOPF);
    }
}

/* Write, repeated START, read: the PEC is over all of it, addresses included. */
static void slave_sends_pec(void **state)
{
    (void)state;
    wire_slave();
    wr(I2C1 + CR1, PE | PECEN | ERRIE);
    wr(I2C3 + CR1, PE | PECEN | SBC);
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        const uint8_t message[5] = {0x52, 0x0F, 0x53, 0xAB, 0xCD};
        wr(I2C1 + CR2, 0x52 | NBYTES(1) | START);
        wait(I2C3, ADDR);
        wr(I2C3 + CR2, NBYTES(2));
        wr(I2C3 + ICR, ADDR);
        wait(I2C1, TXIS);
        wr(I2C1 + TXDR, 0x0F);
        wait(I2C3, RXNE);
        rd(I2C3 + RXDR);
        wait(I2C1, TC);
        wr(I2C1 + CR2, 0x52 | RD | NBYTES(3) | PECBYTE | AUTOEND | START);
        wait(I2C3, ADDR);
        wr(I2C3 + CR2, NBYTES(3) | PECBYTE);
        if (wrong)
            wr(I2C3 + CR1, PE | SBC);
        wr(I2C3 + ICR, ADDR);
        for (unsigned i = 0; i < 3; i++) {
            if (i < 2 || wrong) {
                wait(I2C3, TXIS);
                wr(I2C3 + TXDR, i < 2 ? message[3 + i] : 0x11);
            }
            wait(I2C1, RXNE);
            if (i && !wrong)
                assert_int_equal(rd(I2C3 + ISR) & TXIS, 0);
            assert_int_equal(rd(I2C1 + RXDR), i < 2 ? message[3 + i] : wrong ? 0x11 : pec(message, 5));
        }
        wait(I2C1, STOPF);
        assert_int_equal(rd(I2C1 + ISR) & PECERR, wrong ? PECERR : 0);
        assert_int_equal(irq_line(32), wrong);
        wr(I2C1 + ICR, PECERR);
        stop_clear(I2C1);
    }
}

/* More than NBYTES can say: TCR, behind the acknowledge of the last one, until the next NBYTES. */
static void slave_reloads(void **state)
{
    const uint8_t message[5] = {0x53, 0xA0, 0xA1, 0xA2, 0xA3};

    (void)state;
    wire_slave();
    wr(I2C1 + CR1, PE | PECEN);
    wr(I2C3 + CR1, PE | PECEN | SBC);
    wr(I2C1 + CR2, 0x52 | RD | NBYTES(5) | PECBYTE | AUTOEND | START);
    wait(I2C3, ADDR);
    wr(I2C3 + CR2, NBYTES(2) | RELOAD | PECBYTE);
    wr(I2C3 + ICR, ADDR);
    for (unsigned i = 0; i < 5; i++) {
        if (i == 2) {
            assert_int_equal(rd(I2C3 + ISR) & (TXIS | TCR), 0);
            wait(I2C3, TCR);
            run_us(1000); /* SCL is low */
            assert_int_equal(rd(I2C3 + ISR) & TXIS, 0);
            wr(I2C3 + CR2, NBYTES(3) | PECBYTE);
            assert_int_equal(rd(I2C3 + ISR) & TCR, 0);
        }
        if (i < 4) {
            wait(I2C3, TXIS);
            wr(I2C3 + TXDR, message[i + 1]);
        }
        wait(I2C1, RXNE);
        assert_int_equal(rd(I2C1 + RXDR), i < 4 ? message[i + 1] : pec(message, 5));
    }
    wait(I2C1, STOPF);
    assert_int_equal(rd(I2C1 + ISR) & PECERR, 0);
    assert_int_equal(rd(I2C3 + ISR) & (NACKF | STOPF | TCR | TXIS), NACKF | STOPF);
}

/* Host, default device, alert response: each answers only where it is enabled. */
static void addresses(void **state)
{
    (void)state;
    static const struct {
        uint32_t enable;
        unsigned address;
    } rows[] = {{SMBHEN, 0x08}, {SMBDEN, 0x61}, {ALERTEN, 0x0C}, {ALERTEN | SMBHEN, 0x08}};
    static const unsigned all[3] = {0x08, 0x61, 0x0C};
    wire_slave();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned a = 0; a < 3; a++) {
            bool ack = all[a] == rows[i].address;
            wr(I2C3 + CR1, PE | rows[i].enable);
            wr(I2C1 + CR2, all[a] << 1 | RD | AUTOEND | START);
            if (ack) {
                wait(I2C3, ADDR);
                assert_int_equal(rd(I2C3 + ISR) >> 17 & 0x7F, all[a]);
                wr(I2C3 + ICR, ADDR);
            }
            wait(I2C1, STOPF);
            assert_int_equal(rd(I2C1 + ISR) & NACKF, ack ? 0 : NACKF);
            wr(I2C1 + ICR, STOPF | NACKF);
            wr(I2C3 + CR1, 0);
        }
}

/* The device pulls SMBA, PB2 wired to PB5, low as long as ALERTEN is set. */
static void alert(void **state)
{
    (void)state;
    assert_true(chip_wire(rig, 1, 5, 1, 2));
    pin_mode('B', 5, 2, 4);
    pin_mode('B', 2, 2, 4);
    wr(0x4800040C, 1 << 10); /* pull-up */
    wr(0x48000404, 1 << 5 | 1 << 2);
    wr(I2C1 + CR1, PE | SMBHEN | ALERTEN | ERRIE);
    assert_int_equal(rd(I2C1 + ISR), TXE);
    wr(I2C3 + CR1, PE | ALERTEN);
    assert_false(pin_level('B', 5));
    assert_int_equal(rd(I2C1 + ISR), TXE | ALERT);
    assert_true(irq_line(32));
    wr(I2C1 + ICR, ALERT);
    wr(I2C1 + CR1, PE | SMBHEN | ALERTEN | ERRIE);
    assert_int_equal(rd(I2C1 + ISR), TXE); /* an edge */
    assert_false(irq_line(32));
    wr(I2C3 + CR1, PE);
    assert_true(pin_level('B', 5));
    wr(I2C1 + CR1, PE | SMBHEN);
    wr(I2C3 + CR1, PE | ALERTEN);
    assert_int_equal(rd(I2C1 + ISR), TXE); /* nobody looks … */
    wr(I2C1 + CR1, PE | SMBHEN | ALERTEN);
    assert_int_equal(rd(I2C1 + ISR), TXE | ALERT); /* … until then the line counts as high */
    wr(I2C1 + ICR, ALERT);
    pin_mode('B', 5, 0, 0);
    assert_int_equal(rd(I2C1 + ISR), TXE);
    pin_mode('B', 5, 2, 4); /* no pin is high as well */
    assert_int_equal(rd(I2C1 + ISR), TXE | ALERT);
    wr(I2C3 + CR1, ALERTEN); /* not without PE */
    assert_true(pin_level('B', 5));
    wr(I2C3 + CR1, 0);
    assert_true(pin_level('B', 5));
}

#define UNIT (2048 * 62500ull) /* of the time-outs, 16 MHz */

/* A master that waits for its software holds SCL low: who watches notes it, and the master ends. */
static void low_time_out(void **state)
{
    (void)state;
    wire_slave();
    for (unsigned who = 0; who < 2; who++) {
        uint32_t watch = who ? I2C3 : I2C1;
        wr(watch + TIMEOUTR, 1 << 15 | 9);
        wr(watch + CR1, PE | ERRIE);
        wr(I2C1 + CR2, 0x52 | NBYTES(2) | AUTOEND | START);
        wait(I2C3, ADDR);
        wr(I2C3 + ICR, ADDR);
        wait(I2C1, TXIS);
        run_ps(9 * UNIT);
        assert_int_equal(rd(watch + ISR) & TIMEOUT, 0);
        run_ps(UNIT + UNIT / 2);
        assert_int_equal(rd(watch + ISR) & TIMEOUT, TIMEOUT);
        assert_true(irq_line(who ? 73 : 32));
        wr(watch + ICR, TIMEOUT);
        if (who) { /* the slave has let go: the next byte is refused */
            run_ps(20 * UNIT);
            assert_int_equal(rd(I2C3 + ISR) & TIMEOUT, 0);
            wr(I2C1 + TXDR, 1);
            wait(I2C1, NACKF);
        }
        stop_clear(I2C1);
        assert_int_equal(rd(I2C3 + ISR) & STOPF, who ? 0 : STOPF);
        wr(I2C3 + ICR, STOPF);
        wr(watch + TIMEOUTR, 0);
    }
}

/* What each side adds up: the slave over a message, the master within a byte. */
static void extended_time_out(void **state)
{
    (void)state;
    wire_slave();
    wr(I2C1 + TIMEOUTR, 1u << 31 | 9 << 16);
    wr(I2C3 + TIMEOUTR, 1u << 31 | 9 << 16);
    wr(I2C1 + CR2, 0x52 | NBYTES(9) | AUTOEND | START);
    wait(I2C3, ADDR);
    run_ps(6 * UNIT);
    wr(I2C3 + ICR, ADDR);
    for (unsigned i = 0; i < 3; i++) { /* of the master, twice as long as allowed in all */
        wait(I2C1, TXIS);
        run_ps(6 * UNIT);
        wr(I2C1 + TXDR, i);
        wait(I2C3, RXNE);
        rd(I2C3 + RXDR);
    }
    assert_int_equal((rd(I2C1 + ISR) | rd(I2C3 + ISR)) & TIMEOUT, 0);
    for (unsigned i = 0; i < 2; i++) { /* the slave does not read */
        wait(I2C1, TXIS);
        wr(I2C1 + TXDR, i);
    }
    run_ps(2 * UNIT + 2 * 90 * PS_PER_US);
    assert_int_equal(rd(I2C3 + ISR) & TIMEOUT, 0);
    run_ps(3 * UNIT);
    assert_int_equal(rd(I2C3 + ISR) & TIMEOUT, TIMEOUT);
    wait(I2C1, NACKF);
    stop_clear(I2C1);
    wr(I2C3 + ICR, TIMEOUT);
    rd(I2C3 + RXDR);
    /* the master itself */
    wr(I2C1 + CR2, 0x52 | NBYTES(9) | AUTOEND | START);
    wait(I2C3, ADDR);
    wr(I2C3 + ICR, ADDR);
    run_ps(11 * UNIT);
    assert_int_equal(rd(I2C1 + ISR) & TIMEOUT, TIMEOUT);
    assert_int_equal(rd(I2C3 + ISR) & TIMEOUT, 0);
    wr(I2C1 + ICR, TIMEOUT);
    stop_clear(I2C1);
}

/* Between two acknowledges a master may hold SCL twice: RXDR that is full, and TCR. */
static void extended_twice(void **state)
{
    (void)state;
    wr(I2C2 + TIMEOUTR, 1u << 31 | 9 << 16);
    wr(I2C2 + CR2, EEPROM | RD | NBYTES(2) | RELOAD | START);
    wait(I2C2, RXNE);
    run_ps(9 * 10500000ull + 6 * UNIT); /* the next byte, which nobody takes */
    assert_int_equal(rd(I2C2 + ISR) & TCR, 0);
    rd(I2C2 + RXDR);
    assert_int_equal(rd(I2C2 + ISR) & TCR, TCR);
    run_ps(3 * UNIT);
    assert_int_equal(rd(I2C2 + ISR) & TIMEOUT, 0);
    run_ps(3 * UNIT);
    assert_int_equal(rd(I2C2 + ISR) & TIMEOUT, TIMEOUT);
    wait(I2C2, STOPF);
}

/* TIDLE: both lines high for so long. */
static void idle_time_out(void **state)
{
    (void)state;
    wr(I2C1 + TIMEOUTR, 1 << 15 | 1 << 12 | 4095);
    run_ps(4 * 2000 * 62500ull);
    wr(I2C1 + TIMEOUTR, rd(I2C1 + TIMEOUTR)); /* nothing new */
    run_ps(4 * 2095 * 62500ull);
    assert_int_equal(rd(I2C1 + ISR) & TIMEOUT, 0);
    run_ps(4 * 2 * 62500ull);
    assert_int_equal(rd(I2C1 + ISR) & TIMEOUT, TIMEOUT);
    wr(I2C1 + ICR, TIMEOUT);
    run_ps(4 * 4000 * 62500ull);
    assert_int_equal(rd(I2C1 + ISR) & TIMEOUT, 0);
    run_ps(4 * 100 * 62500ull); /* it is still idle: once more, as an F446 was seen to do */
    assert_int_equal(rd(I2C1 + ISR) & TIMEOUT, TIMEOUT);
    run_ps(4 * 5000 * 62500ull);
    wr(I2C1 + ICR, TIMEOUT);
    run_ps(4 * 1000 * 62500ull);
    assert_int_equal(rd(I2C1 + ISR) & TIMEOUT, 0);
    wr(I2C1 + CR2, 0x40 | AUTOEND | START); /* not idle, then again */
    stop_clear(I2C1);
    assert_int_equal(run_until(I2C1 + ISR, TIMEOUT, TIMEOUT, 4 * 4100 * 62500ull) > 4 * 4000 * 62500ull, 1);
}

/* The values are locked while they are in use. */
static void locked(void **state)
{
    (void)state;
    wr(I2C1 + TIMEOUTR, 0x00050003);
    wr(I2C1 + TIMEOUTR, 0x80068004);
    assert_int_equal(rd(I2C1 + TIMEOUTR), 0x80068004);
    wr(I2C1 + TIMEOUTR, 0x80079005);
    assert_int_equal(rd(I2C1 + TIMEOUTR), 0x80068004);
    wr(I2C1 + TIMEOUTR, 0x00071005);
    assert_int_equal(rd(I2C1 + TIMEOUTR), 0x00060004);
    wr(I2C1 + TIMEOUTR, 0x00071005);
    assert_int_equal(rd(I2C1 + TIMEOUTR), 0x00071005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(master_sends_pec, on, rig_off),
        cmocka_unit_test_setup_teardown(slave_refuses_a_wrong_pec, on, rig_off),
        cmocka_unit_test_setup_teardown(slave_sends_pec, on, rig_off),
        cmocka_unit_test_setup_teardown(slave_reloads, on, rig_off),
        cmocka_unit_test_setup_teardown(addresses, on, rig_off),
        cmocka_unit_test_setup_teardown(alert, on, rig_off),
        cmocka_unit_test_setup_teardown(low_time_out, on, rig_off),
        cmocka_unit_test_setup_teardown(extended_time_out, on, rig_off),
        cmocka_unit_test_setup_teardown(extended_twice, on, rig_off),
        cmocka_unit_test_setup_teardown(idle_time_out, on, rig_off),
        cmocka_unit_test_setup_teardown(locked, on, rig_off),
    };

    return cmocka_run_group_tests_name("SMBus", tests, NULL, NULL);
}
