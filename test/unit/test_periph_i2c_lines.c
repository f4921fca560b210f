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

/* ---- two masters on the wires of one bus ---- */

static int rivals(void **state)
{
    on(state);
    wire_slave();
    wr(I2C3 + OAR1, 0);
    return 0;
}

static void expect_nobody(uint32_t base)
{
    wait(base, STOPF);
    assert_int_equal(rd(base + ISR) & (NACKF | STOPF | ARLO | BUSY), NACKF | STOPF);
    wr(base + ICR, NACKF | STOPF);
}

/* Who begins at once with another loses with the first one that differs from a zero, and sees the bus busy
 * until the other's STOP. */
static void lower_address_wins(void **state)
{
    static const struct {
        uint32_t wins, loses;
        unsigned bit; /* the first to differ, behind START; a bit lasts some 10 us */
    } rows[] = {{0x20, 0x30, 3},
                {0x20, 0xA0, 0},
                {0x20, 0x20 | RD, 7},
                {0x20 | RD, 0x22, 6},
                {ADD10 | 0x123, ADD10 | 0x133, 8 + 1 + 3},
                {ADD10 | 0x123, ADD10 | RD | 1 << 12 | 0x123, 7}, /* HEAD10R */
                {0x20, ADD10 | 0x020, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned first = 0; first < 2; first++) {
            uint32_t winner = first ? I2C1 : I2C3, loser = first ? I2C3 : I2C1;
            for (uint32_t base = I2C1; base <= I2C3; base += I2C3 - I2C1)
                wr(base + CR2, (base == winner ? rows[i].wins : rows[i].loses) | NBYTES(1) | AUTOEND | START);
            ps_t took = wait(loser, ARLO);
            assert_in_range(took, (rows[i].bit + 2) * 10 * PS_PER_US, (rows[i].bit + 2) * 11 * PS_PER_US);
            assert_int_equal(rd(loser + CR2) & START, 0);
            assert_int_equal(rd(loser + ISR), TXE | ARLO | BUSY);
            wr(loser + ICR, ARLO);
            expect_nobody(winner);
            assert_int_equal(rd(loser + ISR), TXE);
        }
}

/* The same address, or a START that was seen: the second master waits, and has its turn. */
static void second_waits(void **state)
{
    (void)state;
    for (uint32_t later = 0; later < 2; later++) {
        wr(I2C1 + CR2, 0x20 | NBYTES(1) | AUTOEND | START);
        assert_int_equal(rd(I2C3 + ISR), TXE | BUSY);
        if (later)
            run_ps(200000); /* 50 ns and two periods of 62.5 ns */
        wr(I2C3 + CR2, (later ? 0x10u : 0x20u) | NBYTES(1) | AUTOEND | START);
        wait(I2C1, STOPF);
        assert_int_equal(rd(I2C1 + ISR), TXE | NACKF | STOPF | BUSY); /* the other has begun */
        wr(I2C1 + ICR, NACKF | STOPF);
        expect_nobody(I2C3);
        assert_int_equal(rd(I2C1 + ISR), TXE);
    }
}

/* Two that have waited begin at once when the bus is free; the loser is addressed by the winner. */
static void waiting_masters(void **state)
{
    (void)state;
    assert_true(chip_wire(rig, PORT_B, SCL, PORT_B, 10));
    assert_true(chip_wire(rig, PORT_B, SDA, PORT_B, 11));
    wr(I2C1 + OAR1, 1 << 15 | 0x52);
    wr(I2C2 + CR2, 0x20 | NBYTES(1) | AUTOEND | START);
    run_us(50);
    wr(I2C1 + CR2, 0x60 | NBYTES(1) | AUTOEND | START);
    wr(I2C3 + CR2, 0x52 | NBYTES(1) | AUTOEND | START);
    wait(I2C2, STOPF);
    wait(I2C1, ARLO);
    wait(I2C1, ADDR);
    assert_int_equal(rd(I2C2 + ISR) & (BUSY | ARLO), BUSY);
    wr(I2C1 + ICR, ADDR | ARLO);
    wait(I2C3, TXIS);
    wr(I2C3 + TXDR, 0x77);
    wait(I2C1, RXNE);
    assert_int_equal(rd(I2C1 + RXDR), 0x77);
    stop_clear(I2C3);
    wait(I2C1, STOPF);
    assert_int_equal(rd(I2C2 + ISR) & (BUSY | ARLO), 0);
}

/* A START that waits while its I2C is addressed falls with ADDRCF (RM0360 "Master communication
 * initialization"). */
static void addressed_while_waiting(void **state)
{
    (void)state;
    for (unsigned cleared = 0; cleared < 2; cleared++) {
        wr(I2C3 + OAR1, 1 << 15 | 0x52);
        wr(I2C1 + CR2, 0x52 | NBYTES(1) | AUTOEND | START);
        wait(I2C3, ADDR);
        if (!cleared)
            wr(I2C3 + CR2, 0x20 | NBYTES(1) | AUTOEND | START);
        assert_int_equal(rd(I2C3 + CR2) & START, cleared ? 0 : START);
        wr(I2C3 + ICR, ADDR);
        assert_int_equal(rd(I2C3 + CR2) & START, 0);
        if (cleared) /* with one that comes behind it the bus is asked for again */
            wr(I2C3 + CR2, 0x20 | NBYTES(1) | AUTOEND | START);
        wait(I2C1, TXIS);
        wr(I2C1 + TXDR, 0x77);
        wait(I2C3, RXNE);
        assert_int_equal(rd(I2C3 + RXDR), 0x77);
        wait(I2C3, STOPF);
        wr(I2C3 + ICR, STOPF);
        wait(I2C1, STOPF);
        wr(I2C1 + ICR, STOPF);
        run_us(500);
        assert_int_equal(rd(I2C3 + ISR) & NACKF, cleared ? NACKF : 0);
        wr(I2C3 + ICR, STOPF | NACKF);
    }
}

/* Of three the last one competes with the one that leads, not with the one that has lost already. */
static void three_at_once(void **state)
{
    (void)state;
    assert_true(chip_wire(rig, PORT_B, SCL, PORT_B, 10));
    assert_true(chip_wire(rig, PORT_B, SDA, PORT_B, 11));
    pin_drive('B', SDA, 0); /* somebody outside has the bus */
    wr(I2C1 + CR2, 0x60 | NBYTES(1) | AUTOEND | START);
    wr(I2C2 + CR2, 0x20 | NBYTES(1) | AUTOEND | START);
    wr(I2C3 + CR2, 0x30 | NBYTES(1) | AUTOEND | START);
    run_us(100);
    assert_int_equal((rd(I2C1 + ISR) | rd(I2C2 + ISR) | rd(I2C3 + ISR)) & ~(uint32_t)BUSY, TXE);
    pin_drive('B', SDA, -1);
    wait(I2C1, ARLO);
    wait(I2C3, ARLO);
    expect_nobody(I2C2);
}

/* SDA low under a slave that sends ones is lost to it, and to a master under the NACK of the last byte. */
static void data_lost(void **state)
{
    (void)state;
    wr(I2C3 + OAR1, 1 << 15 | 0x52);
    wr(I2C1 + CR2, 0x52 | RD | NBYTES(1) | AUTOEND | START);
    wait(I2C3, ADDR);
    wr(I2C3 + ICR, ADDR);
    wr(I2C3 + TXDR, 0x80);
    run_us(30);
    pin_drive('B', SCL, 0); /* SDA moves while SCL is low */
    pin_drive('B', SDA, 0);
    pin_drive('B', SCL, -1);
    wait(I2C3, ARLO);
    wait(I2C1, ARLO);
    assert_int_equal(rd(I2C1 + RXDR), 0);
    assert_int_equal(rd(I2C1 + ISR) & (ARLO | STOPF | BUSY), ARLO | BUSY);
    assert_int_equal(rd(I2C3 + ISR) & (ARLO | STOPF | TXIS), ARLO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(somebody_has_the_bus, alone, rig_off),
        cmocka_unit_test_setup_teardown(arbitration_lost, alone, rig_off),
        cmocka_unit_test_setup_teardown(stretched, alone, rig_off),
        cmocka_unit_test_setup_teardown(by_wires, alone, rig_off),
        cmocka_unit_test_setup_teardown(lower_address_wins, rivals, rig_off),
        cmocka_unit_test_setup_teardown(second_waits, rivals, rig_off),
        cmocka_unit_test_setup_teardown(waiting_masters, rivals, rig_off),
        cmocka_unit_test_setup_teardown(addressed_while_waiting, rivals, rig_off),
        cmocka_unit_test_setup_teardown(three_at_once, rivals, rig_off),
        cmocka_unit_test_setup_teardown(data_lost, rivals, rig_off),
    };

    return cmocka_run_group_tests_name("I2C lines", tests, NULL, NULL);
}
