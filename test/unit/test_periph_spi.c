/* SPI: frame times, FIFO levels and thresholds, packing, sizes, loop, register device, DMA, CRC, errors,
 * receive-only mode, one instance as slave of another. */
#include "spi_regs.h"

/* 8 bits at PCLK / 2^(BR + 1), flags and interrupts on the way. */
static void frames(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t s = all[i].base;
        attach(i, 1); /* loop */
        assert_int_equal(rd(s + CR2), 0x700);
        assert_int_equal(rd(s + SR), TXE);
        for (uint32_t br = 0; br < 8; br++) {
            ps_t time = 8ull * (2u << br) * 62500;
            wr(s + CR1, SOFT | br << 3);
            wr(s + CR2, DS(8) | FRXTH | 1 << 6);
            wr(s + CR1, SOFT | br << 3 | SPE);
            wr8(s + DR, 0xA5);
            assert_int_equal(rd(s + SR) & (TXE | BSY | RXNE), TXE | BSY);
            run_ps(time - 62500);
            assert_int_equal(rd(s + SR) & (BSY | RXNE), BSY);
            assert_false(irq_line(all[i].irq));
            run_ps(62500 * 2);
            assert_int_equal(rd(s + SR), TXE | RXNE | 1 << 9);
            assert_true(irq_line(all[i].irq));
            assert_int_equal(rd8(s + DR), 0xA5);
            assert_int_equal(rd(s + SR), TXE);
            assert_false(irq_line(all[i].irq));
            wr(s + CR1, SOFT);
        }
    }
}

static void fifo_levels(void **state)
{
    (void)state;
    attach(0, 1);
    wr(SPI1 + CR2, DS(8) | FRXTH);
    wr(SPI1 + CR1, SOFT | SPE | 7 << 3); /* slow: a byte takes 128 us */
    wr8(SPI1 + DR, 1);                   /* goes straight to the wire */
    assert_int_equal(FTLVL(rd(SPI1 + SR)), 0);
    static const unsigned level[4] = {1, 2, 3, 3}, txe[4] = {TXE, TXE, 0, 0};
    for (unsigned i = 0; i < 4; i++) {
        wr8(SPI1 + DR, 2 + i);
        assert_int_equal(FTLVL(rd(SPI1 + SR)), level[i]);
        assert_int_equal(rd(SPI1 + SR) & TXE, txe[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        run_us(128);
        assert_int_equal(FRLVL(rd(SPI1 + SR)), level[i]);
    }
    assert_int_equal(rd(SPI1 + SR) & OVR, 0);
    run_us(128); /* the fifth finds no room */
    assert_int_equal(rd(SPI1 + SR) & (OVR | BSY), OVR);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rd8(SPI1 + DR), 1 + i);
    wr8(SPI1 + DR, 6); /* is lost as well, although there is room */
    run_us(128 + 1);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(rd8(SPI1 + DR), 0);
        assert_int_equal(rd(SPI1 + SR) & OVR,
                         i ? 0 : OVR); /* shown once more, and cleared by this sequence */
    }
    wr8(SPI1 + DR, 7);
    run_us(128 + 1);
    assert_int_equal(FRLVL(rd(SPI1 + SR)), 1);
    assert_int_equal(rd8(SPI1 + DR), 7);
}

/* Two short frames in one access of 16 bits, and the half-full threshold. */
static void packing(void **state)
{
    (void)state;
    attach(0, 1);
    wr(SPI1 + CR2, DS(8));
    wr(SPI1 + CR1, SOFT | SPE);
    wr16(SPI1 + DR, 0x2211);
    run_ps(16 * 62500 + 62500);
    assert_int_equal(rd(SPI1 + SR) & RXNE, 0); /* one byte is a quarter */
    assert_int_equal(FRLVL(rd(SPI1 + SR)), 1);
    run_ps(16 * 62500 + 62500);
    assert_int_equal(rd(SPI1 + SR) & RXNE, RXNE);
    assert_int_equal(rd16(SPI1 + DR), 0x2211);
}

static void sizes(void **state)
{
    (void)state;
    attach(0, 1);
    for (uint32_t n = 4; n <= 16; n++) {
        wr(SPI1 + CR1, SOFT);
        wr(SPI1 + CR2, DS(n) | (n <= 8 ? FRXTH : 0));
        assert_int_equal(rd(SPI1 + CR2) >> 8 & 15, n - 1);
        wr(SPI1 + CR1, SOFT | SPE);
        if (n <= 8)
            wr8(SPI1 + DR, 0xFF);
        else
            wr16(SPI1 + DR, 0xFFFF);
        ps_t took = run_until(SPI1 + SR, RXNE, RXNE, PS_PER_MS);
        assert_in_range(took, (n * 2 - 1) * 62500, (n * 2 + 2) * 62500);
        assert_int_equal(n <= 8 ? rd8(SPI1 + DR) : rd16(SPI1 + DR), (1u << n) - 1);
    }
    wr(SPI1 + CR2, DS(3)); /* not a size: 8 bits */
    assert_int_equal(rd(SPI1 + CR2) >> 8 & 15, 7);
}

static void register_device(void **state)
{
    (void)state;
    attach(1, 2);
    pin_mode('B', 12, 1, 0);
    wr(0x48000418, 1 << 12);
    wr(SPI2 + CR2, DS(8) | FRXTH);
    wr(SPI2 + CR1, SOFT | SPE);
    assert_int_equal(transfer(SPI2, 0x8F), 0); /* not selected */
    assert_int_equal(transfer(SPI2, 0), 0);
    wr(0x48000428, 1 << 12);
    transfer(SPI2, 0x8F);
    assert_int_equal(transfer(SPI2, 0), 0x53);
    wr(0x48000418, 1 << 12);
    wr(0x48000428, 1 << 12);
    transfer(SPI2, 0x20);
    transfer(SPI2, 0x11);
    transfer(SPI2, 0x22);
    wr(0x48000418, 1 << 12);
    wr(0x48000428, 1 << 12);
    transfer(SPI2, 0xA0);
    assert_int_equal(transfer(SPI2, 0), 0x11);
    assert_int_equal(transfer(SPI2, 0), 0x22);
    wr(0x48000418, 1 << 12);
    wr(0x48000428, 1 << 12);
    transfer(SPI2, 0xA1); /* which is the next register */
    assert_int_equal(transfer(SPI2, 0), 0x22);
}

static void dma(void **state)
{
    (void)state;
    attach(0, 1);
    clock_on(0x48, 0);
    for (uint32_t i = 0; i < 32; i++)
        wr8(0x20000000 + i, 0xC0 + i);
    wr(0x400200A8, 1u << 4 | 1u << 8); /* channel 2 RX, 3 TX */
    wr(0x40020020, 32);
    wr(0x40020024, SPI1 + DR);
    wr(0x40020028, 0x20000100);
    wr(0x4002001C, 1 | 1 << 7);
    wr(0x40020034, 32);
    wr(0x40020038, SPI1 + DR);
    wr(0x4002003C, 0x20000000);
    wr(0x40020030, 1 | 1 << 4 | 1 << 7);
    wr(SPI1 + CR2, DS(8) | FRXTH | 1);
    wr(SPI1 + CR1, SOFT | SPE | 1 << 3);
    wr(SPI1 + CR2, DS(8) | FRXTH | 3);
    ps_t begin = chip_now(rig);
    assert_true(run_until(0x40020000, 0x22 << 4, 0x22 << 4, 10 * PS_PER_MS) != PS_NEVER);
    assert_in_range(chip_now(rig) - begin, 32 * 32 * 62500, 33 * 32 * 62500); /* back to back */
    for (uint32_t i = 0; i < 32; i++)
        assert_int_equal(rd8(0x20000100 + i), 0xC0 + i);
    /* packed, odd length: the last transfer carries one byte */
    wr(0x4002001C, 0);
    wr(0x40020030, 0);
    wr(SPI1 + CR1, SOFT);
    for (uint32_t i = 0; i < 8; i++)
        wr8(0x20000100 + i, 0);
    wr(0x40020020, 3);
    wr(0x4002001C, 1 | 1 << 7 | 1 << 8 | 1 << 10);
    wr(0x40020034, 3);
    wr(0x40020030, 1 | 1 << 4 | 1 << 7 | 1 << 8 | 1 << 10);
    wr(SPI1 + CR2, DS(8) | 1 | 3 << 13);
    wr(SPI1 + CR1, SOFT | SPE);
    wr(SPI1 + CR2, DS(8) | 3 | 3 << 13);
    run_us(100);
    assert_int_equal(rd(0x40020020) | rd(0x40020034), 0);
    assert_int_equal(rd8(0x20000104), 0xC4);
    assert_int_equal(rd8(0x20000105), 0);
    assert_int_equal(rd(SPI1 + SR), TXE);
}

/* CRC-8 0x07 of three bytes goes behind them; a loop makes both registers agree. */
static void crc(void **state)
{
    static const uint8_t data[3] = {0x31, 0x32, 0x33};
    uint8_t expected = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        expected ^= data[i];
        for (unsigned b = 0; b < 8; b++)
            expected = (uint8_t)(expected << 1 ^ (expected & 0x80 ? 7 : 0));
    }
    attach(0, 1);
    wr(SPI1 + CR2, DS(8) | FRXTH);
    wr(SPI1 + CR1, SOFT | CRCEN);
    wr(SPI1 + CR1, SOFT | CRCEN | SPE);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(transfer(SPI1, data[i]), data[i]);
    wr8(SPI1 + DR, data[2]);
    set_bits(SPI1 + CR1, CRCNEXT);
    run_us(10);
    assert_int_equal(rd8(SPI1 + DR), data[2]);
    assert_int_equal(rd8(SPI1 + DR), expected);
    assert_int_equal(rd(SPI1 + TXCRCR), expected);
    assert_int_equal(rd(SPI1 + RXCRCR), expected);
    assert_int_equal(rd(SPI1 + SR) & (CRCERR | BSY), 0);
    assert_int_equal(rd(SPI1 + CR1) & CRCNEXT, 0);
    /* without the loop the CRC is wrong */
    attach(0, 0);
    pin_mode('A', 6, 2, 5);
    pin_drive('A', 6, 1);
    wr(SPI1 + CR1, SOFT);
    wr(SPI1 + CR1, SOFT | CRCEN | SPE | CRCNEXT);
    wr8(SPI1 + DR, 1);
    run_us(10);
    assert_int_equal(rd(SPI1 + SR) & CRCERR, CRCERR);
    wr(SPI1 + SR, 0);
    assert_int_equal(rd(SPI1 + SR) & CRCERR, 0);
}

static void nobody_and_mode_fault(void **state)
{
    (void)state;
    pin_mode('B', 4, 2, 6); /* SPI3_MISO */
    wr(SPI3 + CR2, DS(8) | FRXTH | 1 << 5);
    wr(SPI3 + CR1, SOFT | SPE);
    pin_drive('B', 4, 1);
    assert_int_equal(transfer(SPI3, 0x55), 0xFF); /* what the pin says */
    pin_drive('B', 4, 0);
    assert_int_equal(transfer(SPI3, 0x55), 0);
    wr(SPI3 + CR1, MSTR | SSM | SPE); /* SSI low: not a master any more */
    assert_int_equal(rd(SPI3 + CR1) & (MSTR | SPE), 0);
    assert_true(irq_line(51));
    assert_int_equal(rd(SPI3 + SR) & MODF, MODF);
    wr(SPI3 + CR1, SOFT);
    assert_int_equal(rd(SPI3 + SR) & MODF, 0);
    assert_false(irq_line(51));
    /* NSS as input: no pin is low, and the pin counts from when it is selected */
    pin_mode('A', 15, 2, 6);
    pin_drive('A', 15, 1);
    wr(SPI3 + CR1, MSTR | SPE);
    assert_int_equal(rd(SPI3 + SR) & MODF, 0);
    pin_mode('A', 15, 0, 0);
    assert_int_equal(rd(SPI3 + CR1) & (MSTR | SPE), 0);
    assert_true(irq_line(51));
    rd(SPI3 + SR);
    wr(SPI3 + CR1, 0);
    wr(SPI3 + CR2, DS(8) | FRXTH | 1 << 5 | 4); /* as output it is none, until SSOE falls */
    wr(SPI3 + CR1, MSTR | SPE);
    assert_int_equal(rd(SPI3 + SR) & MODF, 0);
    wr(SPI3 + CR2, DS(8) | FRXTH | 1 << 5);
    assert_int_equal(rd(SPI3 + CR1) & (MSTR | SPE), 0);
    /* both bits stay clear until MODF does, which takes a look at SR before a write to CR1 */
    pin_mode('A', 15, 2, 6);
    wr(SPI3 + CR1, MSTR | SPE | 2);
    assert_int_equal(rd(SPI3 + CR1), 2);
    assert_int_equal(rd(SPI3 + SR) & MODF, MODF);
    wr(SPI3 + CR1, MSTR | SPE);
    assert_int_equal(rd(SPI3 + CR1), MSTR | SPE);
    assert_int_equal(rd(SPI3 + SR) & MODF, 0);
    pin_drive('A', 15, 0);
    assert_int_equal(rd(SPI3 + CR1) & (MSTR | SPE), 0);
    assert_int_equal(rd(SPI3 + SR) & MODF, MODF);
    assert_true(irq_line(51));
    wr(SPI3 + CR1, 0);
    pin_drive('A', 15, -1);
    /* NSS as output: low while enabled */
    wr(SPI3 + CR2, DS(8) | 4);
    wr(SPI3 + CR1, MSTR);
    assert_true(pin_level('A', 15));
    wr(SPI3 + CR1, MSTR | SPE);
    assert_false(pin_level('A', 15));
    /* else nobody drives it */
    wr(0x4800000C, 2u << 30); /* PUPDR: a pull-down */
    wr(SPI3 + CR1, MSTR);
    assert_false(pin_level('A', 15));
    /* an input, without SSOE */
    wr(0x4800000C, 1u << 30);
    wr(SPI3 + CR2, DS(8));
    wr(SPI3 + CR1, MSTR | SPE);
    assert_true(pin_level('A', 15));
    assert_int_equal(rd(SPI3 + CR1) & MSTR, MSTR);
}

/* NSSP: low for a frame, high for at least a clock between two; it wants the first edge. */
static void nss_pulses(void **state)
{
    (void)state;
    const ps_t clock = 62500 << 3; /* BR 2 */
    pin_mode('A', 15, 2, 6);
    wr(SPI3 + CR2, DS(8) | FRXTH | 8 | 4);
    wr(SPI3 + CR1, MSTR | 2 << 3);
    wr(SPI3 + CR1, MSTR | 2 << 3 | SPE);
    assert_true(pin_level('A', 15));
    for (unsigned frames = 1; frames < 3; frames++) {
        for (unsigned i = 0; i < frames; i++)
            wr8(SPI3 + DR, 0x55);
        for (unsigned half = 1; half < 2 * 9 * frames; half++) {
            run_ps(clock / 2); /* pulse, 8 clocks, pulse, 8 clocks */
            if (half % 2)
                assert_int_equal(pin_level('A', 15), half / 2 % 9 == 0);
            assert_int_equal(rd(SPI3 + SR) & BSY, BSY);
        }
        run_ps(clock / 2);
        assert_true(pin_level('A', 15));
        assert_int_equal(rd(SPI3 + SR) & BSY, 0);
        assert_int_equal(FRLVL(rd(SPI3 + SR)), frames);
        for (unsigned i = 0; i < frames; i++)
            (void)rd8(SPI3 + DR);
    }
    wr(SPI3 + CR1, MSTR | 2 << 3 | 1 | SPE);
    assert_false(pin_level('A', 15));
}

/* Receive-only: the clock runs by itself until SPE goes. */
static void receive_only(void **state)
{
    (void)state;
    pin_mode('A', 6, 2, 5);
    pin_drive('A', 6, 1);
    wr(SPI1 + CR2, DS(8) | FRXTH);
    wr(SPI1 + CR1, SOFT | RXONLY | 1 << 3);
    wr(SPI1 + CR1, SOFT | RXONLY | SPE | 1 << 3);
    for (unsigned i = 0; i < 5; i++) {
        assert_in_range(run_until(SPI1 + SR, RXNE, RXNE, PS_PER_MS), 1, 34 * 62500);
        assert_int_equal(rd8(SPI1 + DR), 0xFF);
    }
    wr(SPI1 + CR1, SOFT | RXONLY | 1 << 3);
    run_us(10);
    rd8(SPI1 + DR);
    run_us(100);
    assert_int_equal(rd(SPI1 + SR), TXE);
    /* one line, sending: nothing comes back */
    wr(SPI1 + CR1, SOFT | BIDIMODE | BIDIOE | SPE);
    wr8(SPI1 + DR, 1);
    run_us(10);
    assert_int_equal(rd(SPI1 + SR), TXE);
}

static void slave(void **state)
{
    (void)state;
    pin_mode('A', 5, 2, 5); /* SPI1 SCK MISO MOSI */
    pin_mode('A', 6, 2, 5);
    pin_mode('A', 7, 2, 5);
    pin_mode('B', 13, 2, 5); /* SPI2 */
    pin_mode('B', 14, 2, 5);
    pin_mode('B', 15, 2, 5);
    chip_wire(rig, 0, 5, 1, 13);
    chip_wire(rig, 0, 6, 1, 14);
    chip_wire(rig, 0, 7, 1, 15);
    wr(SPI1 + CR2, DS(8) | FRXTH);
    wr(SPI2 + CR2, DS(8) | FRXTH);
    wr(SPI2 + CR1, SSM | SPE); /* SSI low: selected */
    wr(SPI1 + CR1, SOFT | SPE);
    wr8(SPI2 + DR, 0x77);
    wr8(SPI2 + DR, 0x88);
    assert_int_equal(transfer(SPI1, 0x12), 0x77);
    assert_int_equal(transfer(SPI1, 0x34), 0x88);
    assert_int_equal(FRLVL(rd(SPI2 + SR)), 2);
    assert_int_equal(rd8(SPI2 + DR), 0x12);
    assert_int_equal(rd8(SPI2 + DR), 0x34);
    wr(SPI2 + CR1, SSM | SSI | SPE); /* deselected */
    transfer(SPI1, 0x56);
    assert_int_equal(FRLVL(rd(SPI2 + SR)), 0);
}

/* One line: the master's MOSI and the slave's MISO, in both directions. */
static void one_line(void **state)
{
    (void)state;
    pin_mode('A', 5, 2, 5);
    pin_mode('A', 7, 2, 5);
    pin_mode('B', 13, 2, 5);
    pin_mode('B', 14, 2, 5);
    chip_wire(rig, 0, 5, 1, 13);
    chip_wire(rig, 0, 7, 1, 14);
    wr(SPI1 + CR2, DS(8) | FRXTH);
    wr(SPI2 + CR2, DS(8) | FRXTH);
    wr(SPI2 + CR1, SSM | BIDIMODE | SPE);
    wr(SPI1 + CR1, SOFT | BIDIMODE | BIDIOE | SPE);
    wr8(SPI1 + DR, 0xA5);
    run_us(10);
    assert_int_equal(rd8(SPI2 + DR), 0xA5);
    assert_int_equal(FRLVL(rd(SPI1 + SR)), 0);
    wr(SPI1 + CR1, SOFT | BIDIMODE | BIDIOE); /* and back */
    wr(SPI2 + CR1, SSM | BIDIMODE | BIDIOE | SPE);
    wr8(SPI2 + DR, 0x3C);
    wr(SPI1 + CR1, SOFT | BIDIMODE | SPE); /* the clock runs */
    run_until(SPI1 + SR, 1, 1, 20 * PS_PER_US);
    wr(SPI1 + CR1, SOFT | BIDIMODE);
    assert_int_equal(rd8(SPI1 + DR), 0x3C);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames, on, rig_off),
        cmocka_unit_test_setup_teardown(fifo_levels, on, rig_off),
        cmocka_unit_test_setup_teardown(packing, on, rig_off),
        cmocka_unit_test_setup_teardown(sizes, on, rig_off),
        cmocka_unit_test_setup_teardown(register_device, on, rig_off),
        cmocka_unit_test_setup_teardown(dma, on, rig_off),
        cmocka_unit_test_setup_teardown(crc, on, rig_off),
        cmocka_unit_test_setup_teardown(nobody_and_mode_fault, on, rig_off),
        cmocka_unit_test_setup_teardown(nss_pulses, on, rig_off),
        cmocka_unit_test_setup_teardown(receive_only, on, rig_off),
        cmocka_unit_test_setup_teardown(slave, on, rig_off),
        cmocka_unit_test_setup_teardown(one_line, on, rig_off),
    };

    return cmocka_run_group_tests_name("SPI", tests, NULL, NULL);
}
