/* SPI: CRC of a slave, CRC with DMA, and TI frame format, with SPI1 and SPI2 wired to each other. */
#include "spi_regs.h"

/* SPI1 and SPI2 wired to each other, select included. */
static void pair(void)
{
    static const uint8_t pins[4][2] = {{5, 13}, {6, 14}, {7, 15}, {4, 12}};
    for (unsigned i = 0; i < 4; i++) {
        pin_mode('A', pins[i][0], 2, 5);
        pin_mode('B', pins[i][1], 2, 5);
        chip_wire(rig, 0, pins[i][0], 1, pins[i][1]);
    }
}

/* SPI2 a slave with these bits of CR1, then SPI1 its master. */
static void enable(uint32_t slave, uint32_t master)
{
    wr(SPI2 + CR1, SSM | slave);
    wr(SPI2 + CR1, SSM | slave | SPE);
    wr(SPI1 + CR1, SOFT | master);
    wr(SPI1 + CR1, SOFT | master | SPE);
}

static uint32_t crc_of(const uint8_t *data, unsigned n, unsigned width, uint32_t poly)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < 8 * n; i++) {
        bool bit = (data[i / 8] >> (7 - i % 8) & 1) != (v >> (width - 1) & 1);
        v = (v << 1 ^ (bit ? poly : 0)) & ((1u << width) - 1);
    }
    return v;
}

/* CRC of a slave that sends and receives, with and without an error; 8 and 16 bits of it. */
static void slave_crc(void **state)
{
    static const uint8_t to[3] = {0x31, 0x32, 0x33}, back[3] = {0xA1, 0x5B, 0xC0};
    (void)state;
    pair();
    for (unsigned wide = 0; wide < 2; wide++)
        for (unsigned wrong = 0; wrong < 2; wrong++) {
            uint32_t mode = CRCEN | (wide ? CRCL : 0), poly = wide ? 0x1021 : 0x07;
            wr(SPI1 + CR2, DS(8) | FRXTH);
            wr(SPI2 + CR2, DS(8) | FRXTH);
            wr(SPI1 + CRCPR, poly);
            wr(SPI2 + CRCPR, poly ^ (wrong ? 0x10 : 0));
            enable(mode, mode);
            for (unsigned i = 0; i < 3; i++) {
                wr8(SPI2 + DR, back[i]);
                if (i == 2)
                    set_bits(SPI2 + CR1, CRCNEXT);
                wr8(SPI1 + DR, to[i]);
                if (i == 2)
                    set_bits(SPI1 + CR1, CRCNEXT);
                run_us(10);
                assert_int_equal(rd8(SPI1 + DR), back[i]);
                assert_int_equal(rd8(SPI2 + DR), to[i]);
            }
            for (unsigned part = 0; part < 1 + wide; part++) {
                uint32_t crc = crc_of(back, 3, wide ? 16 : 8, poly ^ (wrong ? 0x10 : 0));
                assert_int_equal(rd8(SPI1 + DR), crc >> (wide && !part ? 8 : 0) & 0xFF);
                crc = crc_of(to, 3, wide ? 16 : 8, poly);
                assert_int_equal(rd8(SPI2 + DR), crc >> (wide && !part ? 8 : 0) & 0xFF);
            }
            assert_int_equal(rd(SPI1 + SR), TXE | (wrong ? CRCERR : 0));
            assert_int_equal(rd(SPI2 + SR), TXE | (wrong ? CRCERR : 0));
            assert_int_equal(rd(SPI2 + CR1) & CRCNEXT, 0);
            wr(SPI1 + SR, 0);
            wr(SPI2 + SR, 0);
            wr(SPI1 + CR1, 0);
            wr(SPI2 + CR1, 0);
        }
    assert_int_equal(told_count("missing"), 0);
}

/* A slave that only receives: CRCNEXT before the last datum is there. */
static void slave_crc_receive_only(void **state)
{
    (void)state;
    pair();
    wr(SPI1 + CR2, DS(8) | FRXTH);
    wr(SPI2 + CR2, DS(8) | FRXTH);
    enable(RXONLY | CRCEN, CRCEN);
    transfer(SPI1, 0x12);
    assert_int_equal(rd8(SPI2 + DR), 0x12);
    set_bits(SPI2 + CR1, CRCNEXT);
    wr8(SPI1 + DR, 0x34);
    set_bits(SPI1 + CR1, CRCNEXT);
    run_us(10);
    assert_int_equal(rd8(SPI2 + DR), 0x34);
    assert_int_equal(rd8(SPI2 + DR), crc_of((const uint8_t[]){0x12, 0x34}, 2, 8, 7));
    assert_int_equal(rd(SPI2 + SR), TXE);
}

/* By DMA it counts what is left of its channel: data only. So it does with both lines, if DMA does not send.
 */
static void slave_crc_by_receive_dma(uint32_t lines)
{
    static const uint8_t data[3] = {0x61, 0x62, 0x63};
    wr(SPI1 + CR1, 0);
    wr(SPI2 + CR1, 0);
    wr(0x400200A8, 0x1000);
    wr(0x40020044, 0);
    wr(0x40020048, 3);
    wr(0x4002004C, SPI2 + DR);
    wr(0x40020050, 0x20000200);
    wr(0x40020044, 0x81);
    wr(SPI1 + CR2, DS(8) | FRXTH);
    wr(SPI2 + CR2, DS(8) | FRXTH | 1);
    enable(lines | CRCEN, CRCEN);
    for (unsigned i = 0; i < 3; i++) {
        wr8(SPI1 + DR, data[i]);
        if (i == 2)
            set_bits(SPI1 + CR1, CRCNEXT);
        run_us(10);
        while (rd(SPI1 + SR) & RXNE)
            rd8(SPI1 + DR);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rd8(0x20000200 + i), data[i]);
    assert_int_equal(rd8(SPI2 + DR), crc_of(data, 3, 8, 7));
    assert_int_equal(rd(SPI2 + RXCRCR), crc_of(data, 3, 8, 7)); /* the CRC itself does not count */
    assert_int_equal(rd(SPI2 + SR), TXE);
}

static void slave_crc_receive_dma(void **state)
{
    (void)state;
    pair();
    clock_on(0x48, 0);
    slave_crc_by_receive_dma(RXONLY);
    slave_crc_by_receive_dma(0);
}

/* With DMA the CRC comes by itself, on both sides, and CRCNEXT is not touched. */
static void crc_by_dma(void **state)
{
    (void)state;
    pair();
    clock_on(0x48, 0);
    for (uint32_t i = 0; i < 4; i++)
        wr8(0x20000000 + i, 0xC0 + i);
    wr(0x400200A8, 0x11110);
    static const uint32_t channels[4][4] = {/* channel, instance, memory, CCR */
                                            {2, SPI1, 0x20000100, 0x81},
                                            {3, SPI1, 0x20000000, 0x91},
                                            {4, SPI2, 0x20000200, 0x81},
                                            {5, SPI2, 0x20000000, 0x91}};
    for (unsigned i = 0; i < 4; i++) {
        uint32_t at = 0x40020008 + 20 * (channels[i][0] - 1);
        wr(at + 4, 4);
        wr(at + 8, channels[i][1] + DR);
        wr(at + 12, channels[i][2]);
        wr(at, channels[i][3]);
    }
    for (unsigned i = 0; i < 2; i++) {
        uint32_t s = i ? SPI1 : SPI2, mode = i ? SOFT | 2 << 3 : SSM;
        run_us(10);
        wr(s + CR2, DS(8) | FRXTH | 1);
        wr(s + CR1, mode | CRCEN);
        wr(s + CR1, mode | CRCEN | SPE);
        wr(s + CR2, DS(8) | FRXTH | 3);
    }
    run_us(100);
    uint32_t crc = crc_of((const uint8_t[]){0xC0, 0xC1, 0xC2, 0xC3}, 4, 8, 7);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t s = i ? SPI1 : SPI2;
        for (uint32_t k = 0; k < 4; k++)
            assert_int_equal(rd8(0x20000100 + 0x100 * (1 - i) + k), 0xC0 + k);
        assert_int_equal(rd8(s + DR), crc);
        assert_int_equal(rd(s + SR), TXE);
        assert_int_equal(rd(s + TXCRCR), crc);
    }
}

/* … also if TXDMAEN is cleared while the last data are in the FIFO, once. */
static void crc_behind_dma(void **state)
{
    (void)state;
    pair();
    clock_on(0x48, 0);
    wr(0x20000000, 0xC3C2C1C0);
    wr(0x400200A8, 0x100);
    wr(0x40020034, 4); /* channel 3 */
    wr(0x40020038, SPI1 + DR);
    wr(0x4002003C, 0x20000000);
    wr(0x40020030, 0x91);
    wr(SPI2 + CR2, DS(8) | FRXTH);
    wr(SPI1 + CR2, DS(8) | FRXTH | 2);
    enable(CRCEN, CRCEN | 5 << 3);
    run_us(10);
    assert_int_equal(rd(0x40020034), 0);
    wr(SPI1 + CR2, DS(8) | FRXTH);
    run_us(200);
    uint32_t crc = crc_of((const uint8_t[]){0xC0, 0xC1, 0xC2, 0xC3}, 4, 8, 7);
    for (uint32_t k = 0; k < 4; k++)
        assert_int_equal(rd8(SPI2 + DR), 0xC0 + k);
    assert_int_equal(rd(SPI1 + TXCRCR), crc);
    assert_int_equal(rd(SPI2 + SR) & OVR, OVR);
}

/* Channel 3 of DMA1 sends `n` bytes from SRAM1's begin to SPI1; SPI2 receives by channel 4. */
static void by_dma(uint32_t n, unsigned room)
{
    wr(0x400200A8, 0x1100);
    wr(0x40020044, 0);
    wr(0x40020048, room);
    wr(0x4002004C, SPI2 + DR);
    wr(0x40020050, 0x20000200);
    wr(0x40020044, 0x81);
    wr(0x40020030, 0);
    wr(0x40020034, n);
    wr(0x40020038, SPI1 + DR);
    wr(0x4002003C, 0x20000000);
    wr(0x40020030, 0x91);
}

static unsigned received(unsigned room)
{
    return room - rd(0x40020048);
}

/* A channel that is switched off in the interrupt of its last datum, with TXDMAEN or without, leaves the CRC;
 * a byte that the CPU sends afterwards, and a round of circular mode, have none. */
static void crc_behind_a_channel(void **state)
{
    enum { CHANNEL, CHANNEL_AND_TXDMAEN, CIRCULAR };

    (void)state;
    pair();
    clock_on(0x48, 0);
    wr(0x20000000, 0xC3C2C1C0);
    for (unsigned way = 0; way <= CIRCULAR; way++) {
        wr(SPI1 + CR1, 0);
        wr(SPI1 + CR2, DS(8) | FRXTH);
        wr(SPI2 + CR2, DS(8) | FRXTH | 1);
        by_dma(4, 50);
        if (way == CIRCULAR) {
            wr(0x40020030, 0);
            wr(0x40020030, 0x91 | 1 << 5);
        }
        wr(SPI1 + CR1, SOFT | 5 << 3);
        wr(SPI2 + CR1, SSM | SPE);
        wr(SPI1 + CR1, SOFT | CRCEN | 5 << 3);
        wr(SPI1 + CR1, SOFT | CRCEN | 5 << 3 | SPE);
        wr(SPI1 + CR2, DS(8) | FRXTH | 2);
        run_us(way < CIRCULAR ? 10 : 310);
        wr(0x40020030, 0x90);
        if (way == CHANNEL_AND_TXDMAEN)
            wr(SPI1 + CR2, DS(8) | FRXTH);
        run_us(400);
        unsigned n = received(50);
        if (way == CIRCULAR) {
            for (uint32_t k = 0; k < n; k++)
                assert_int_equal(rd8(0x20000200 + k), 0xC0 + k % 4);
            continue;
        }
        assert_int_equal(n, 5);
        assert_int_equal(rd8(0x20000204), crc_of((const uint8_t[]){0xC0, 0xC1, 0xC2, 0xC3}, 4, 8, 7));
        wr8(SPI1 + DR, 0x55);
        run_us(200);
        assert_int_equal(received(50), 6);
    }
}

/* A mode fault ends what was to follow: back on the bus, a byte has no CRC behind it. */
static void crc_after_a_mode_fault(void **state)
{
    (void)state;
    pair();
    clock_on(0x48, 0);
    wr(SPI1 + CR2, DS(8) | FRXTH);
    wr(SPI2 + CR2, DS(8) | FRXTH | 1);
    by_dma(4, 50);
    enable(0, CRCEN | 5 << 3);
    wr(SPI1 + CR2, DS(8) | FRXTH | 2);
    run_us(10);
    assert_int_equal(rd(0x40020034), 0);
    wr(SPI1 + CR1, (SOFT & ~(uint32_t)SSI) | CRCEN | 5 << 3 | SPE);
    assert_int_equal(rd(SPI1 + SR) & MODF, MODF);
    run_us(400);
    wr(SPI1 + CR1, SOFT | CRCEN | 5 << 3);
    wr(SPI1 + CR2, DS(8) | FRXTH);
    unsigned before = received(50);
    unsigned waiting = FTLVL(rd(SPI1 + SR));
    wr(SPI1 + CR1, SOFT | CRCEN | 5 << 3 | SPE);
    wr8(SPI1 + DR, 0x55);
    run_us(400);
    assert_int_equal(received(50), before + waiting + 1);
}

/* One CRC follows each transfer, also of the next one, whose TXDMAEN is not cleared before its end; and only
 * where it was due: not if the last frame has gone, not if TXDMAEN is cleared amid the data, and not behind
 * SPE = 0 or another CRCEN. */
static void crc_once(void **state)
{
    enum { IDLE_LINE, AMID, TWICE, DISABLED, RENEWED, CASES };
    const uint32_t setting = DS(8) | FRXTH, crc_on = SOFT | CRCEN | 5 << 3;

    (void)state;
    pair();
    clock_on(0x48, 0);
    wr(0x20000000, 0xC3C2C1C0);
    wr(0x20000004, 0xC7C6C5C4);
    for (unsigned what = 0; what < CASES; what++) {
        wr(SPI1 + CR1, 0);
        wr(SPI2 + CR1, 0);
        wr(SPI1 + CR2, setting);
        wr(SPI2 + CR2, setting | 1);
        by_dma(what == AMID ? 8 : 4, 50);
        wr(SPI1 + CR1, crc_on); /* CRCEN anew */
        wr(SPI2 + CR1, SSM | SPE);
        wr(SPI1 + CR1, (what == RENEWED ? crc_on & ~(uint32_t)CRCEN : crc_on) | SPE);
        wr(SPI1 + CR2, setting | 2);
        switch (what) {
        case IDLE_LINE: /* the CRC of DMA's end has gone */
            run_us(200);
            wr(SPI1 + CR2, setting);
            run_us(200);
            wr8(SPI1 + DR, 0x77);
            run_us(200);
            assert_int_equal(received(50), 6);
            assert_int_equal(rd8(0x20000205), 0x77);
            break;
        case AMID:
            run_us(10);
            wr(SPI1 + CR2, setting);
            assert_int_not_equal(rd(0x40020034), 0);
            run_us(400);
            assert_int_equal(received(50), 8 - rd(0x40020034));
            break;
        case TWICE:
            run_us(10);
            wr(SPI1 + CR2, setting);
            run_us(200);
            assert_int_equal(received(50), 5);
            for (unsigned i = 0; i < 2; i++) /* data without DMA: none asks for a CRC */
                wr8(SPI1 + DR, 0x55);
            run_us(200);
            assert_int_equal(received(50), 7);
            break;
        case RENEWED: /* ended without a CRC */
            run_us(10);
            wr(SPI1 + CR2, setting);
            wr(SPI1 + CR1, crc_on | SPE);
            run_us(200);
            assert_int_equal(received(50), 4);
            break;
        default: /* due, but SPE = 0 ends it before the last frame has gone */
            run_us(10);
            wr(SPI1 + CR2, setting);
            wr(SPI1 + CR1, crc_on);
            run_us(200);
            unsigned before = received(50);
            wr(SPI1 + CR1, crc_on | SPE);
            wr8(SPI1 + DR, 0x66);
            run_us(200);
            assert_int_equal(received(50), before + 1);
            break;
        }
    }
}

enum { FRF = 16 };

/* TI format: a pulse at NSS before each frame, whatever SSM says; frames that follow each other share their
 * last clock with it. Only a slave of that format whose NSS is wired takes part. */
static void ti_format(void **state)
{
    (void)state;
    pair();
    const ps_t clock = 62500 << 3; /* BR 2 */
    wr(SPI2 + CR2, DS(8) | FRXTH | FRF);
    wr(SPI2 + CR1, SPE);
    wr(SPI1 + CR2, DS(8) | FRXTH | FRF);
    wr(SPI1 + CR1, MSTR | 2 << 3);
    wr(SPI1 + CR1, MSTR | 2 << 3 | SPE);
    assert_int_equal(rd(SPI1 + CR1) & MSTR, MSTR);
    assert_false(pin_level('A', 4));
    wr8(SPI2 + DR, 0x77);
    wr8(SPI2 + DR, 0x88);
    wr8(SPI1 + DR, 0x12);
    wr8(SPI1 + DR, 0x34);
    for (unsigned half = 1; half < 2 * 18; half++) {
        run_ps(clock / 2); /* pulse, 8 clocks, 8 clocks */
        if (half % 2)
            assert_int_equal(pin_level('A', 4), half / 2 == 0 || half / 2 == 8);
    }
    assert_int_equal(rd(SPI1 + SR) & BSY, 0);
    assert_int_equal(rd8(SPI1 + DR), 0x77);
    assert_int_equal(rd8(SPI1 + DR), 0x88);
    assert_int_equal(rd8(SPI2 + DR), 0x12);
    assert_int_equal(rd8(SPI2 + DR), 0x34);
    /* a slave of the other format hears nothing, nor does a TI slave from such a master */
    wr(SPI2 + CR1, 0);
    wr(SPI2 + CR2, DS(8) | FRXTH | FRF);
    wr(SPI2 + CR1, SSM | SPE);
    wr(SPI1 + CR1, 0);
    wr(SPI1 + CR2, DS(8) | FRXTH);
    wr(SPI1 + CR1, SOFT | SPE);
    transfer(SPI1, 0x55);
    assert_int_equal(rd(SPI2 + SR), TXE);
    assert_int_equal(told_count("missing"), 0);
}

static void ti_format_with_crc(void **state)
{
    (void)state;
    pair();
    for (unsigned i = 0; i < 2; i++) {
        uint32_t s = i ? SPI1 : SPI2, mode = i ? MSTR | 2 << 3 : 0;
        wr(s + CR2, DS(8) | FRXTH | FRF);
        wr(s + CR1, mode | CRCEN);
        wr(s + CR1, mode | CRCEN | SPE);
    }
    wr8(SPI2 + DR, 0x77);
    set_bits(SPI2 + CR1, CRCNEXT);
    wr8(SPI1 + DR, 0x12);
    set_bits(SPI1 + CR1, CRCNEXT);
    run_us(50);
    assert_int_equal(rd8(SPI2 + DR), 0x12);
    assert_int_equal(rd8(SPI2 + DR), crc_of((const uint8_t[]){0x12}, 1, 8, 7));
    assert_int_equal(rd8(SPI1 + DR), 0x77);
    assert_int_equal(rd8(SPI1 + DR), crc_of((const uint8_t[]){0x77}, 1, 8, 7));
    assert_int_equal(rd(SPI1 + SR) | rd(SPI2 + SR), TXE);
    assert_false(pin_level('A', 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slave_crc, on, rig_off),
        cmocka_unit_test_setup_teardown(slave_crc_receive_only, on, rig_off),
        cmocka_unit_test_setup_teardown(slave_crc_receive_dma, on, rig_off),
        cmocka_unit_test_setup_teardown(crc_by_dma, on, rig_off),
        cmocka_unit_test_setup_teardown(crc_behind_dma, on, rig_off),
        cmocka_unit_test_setup_teardown(crc_behind_a_channel, on, rig_off),
        cmocka_unit_test_setup_teardown(crc_after_a_mode_fault, on, rig_off),
        cmocka_unit_test_setup_teardown(crc_once, on, rig_off),
        cmocka_unit_test_setup_teardown(ti_format, on, rig_off),
        cmocka_unit_test_setup_teardown(ti_format_with_crc, on, rig_off),
    };
    return cmocka_run_group_tests_name("SPI with CRC", tests, NULL, NULL);
}
