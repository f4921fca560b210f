/* What is there with nothing connected: SDMMC, QUADSPI, LCD, TSC, OPAMP, VREFBUF. */
#include <string.h>

#include "rig.h"

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    return 0;
}

/* ---- SDMMC ---- */

static void sdmmc(void **state)
{
    (void)state;
    clock_on(0x60, 10);
    wr(0x40021098, 1); /* HSI48 */
    run_us(20);
    wr(0x40012800, 3);
    wr(0x40012804, 1 << 8 | 118); /* 400 kHz */
    wr(0x4001283C, 0xFFFFFFFF);
    assert_int_equal(rd(0x4001283C), 0x007FFDFF); /* MASK has no bit 9 */
    wr(0x4001283C, 1 << 2 | 1 << 7);
    wr(0x4001280C, 1 << 10); /* CMD0, no response */
    assert_int_equal(rd(0x40012834) & 1 << 11, 1 << 11);
    assert_in_range(run_until(0x40012834, 1 << 7, 1 << 7, PS_PER_MS), 130 * PS_PER_US, 150 * PS_PER_US);
    assert_true(irq_line(49));
    wr(0x40012838, 1 << 7);
    assert_false(irq_line(49));
    wr(0x4001280C, 1 << 10 | 1 << 6 | 8); /* CMD8 wants one */
    assert_in_range(run_until(0x40012834, 1 << 2, 1 << 2, PS_PER_MS), 290 * PS_PER_US, 310 * PS_PER_US);
    wr(0x40012824, 400);
    wr(0x40012828, 512);
    wr(0x4001282C, 1 | 2);
    assert_in_range(run_until(0x40012834, 1 << 3, 1 << 3, 2 * PS_PER_MS), 990 * PS_PER_US, 1010 * PS_PER_US);
    assert_int_equal(rd(0x40012830), 512); /* DCOUNT: nothing came */
}

/* ---- QUADSPI ---- */

#define QUADSPI 0xA0001000u

static void quadspi(void **state)
{
    (void)state;
    clock_on(0x50, 8);
    wr(QUADSPI + 0x14, UINT32_MAX); /* EN is clear: nothing starts */
    assert_int_equal(rd(QUADSPI + 0x14), 0xDF7FFFFF);
    wr(QUADSPI, 1 | 3 << 8 | 1 << 24); /* threshold 4, 8 MHz */
    wr(QUADSPI + 0x14, 0x06 | 1 << 8); /* write enable: an instruction alone */
    assert_int_equal(rd(QUADSPI + 8) & 0x20, 0x20);
    assert_true(run_until(QUADSPI + 8, 2, 2, PS_PER_MS) < 2 * PS_PER_US);
    assert_int_equal(rd(QUADSPI + 8) & 0x20, 0);
    wr(QUADSPI + 12, 2);
    wr(QUADSPI + 0x10, 5); /* six bytes of identification: nobody drives the lines */
    wr(QUADSPI + 0x14, 0x9F | 1 << 8 | 1 << 24 | 1 << 26);
    run_us(20);
    assert_int_equal(rd(QUADSPI + 8) & 0x1F26, 6 << 8 | 0x26); /* BUSY until the FIFO is read */
    assert_int_equal(rd(QUADSPI + 0x20), 0xFFFFFFFF);
    assert_int_equal(rd8(QUADSPI + 0x20), 0xFF);
    assert_int_equal(rd8(QUADSPI + 0x20), 0xFF);
    assert_int_equal(rd(QUADSPI + 8) & 0x1F20, 0);
    wr(QUADSPI + 12, 2);
    wr(QUADSPI + 0x24, 1); /* wait for "not busy": the status reads as ones for ever */
    wr(QUADSPI + 0x28, 0);
    wr(QUADSPI + 0x10, 0);
    wr(QUADSPI + 0x14, 0x05 | 1 << 8 | 1 << 24 | 2 << 26);
    run_us(1000);
    for (unsigned n = 0; n < 2; n++) { /* FTF with each status, until it is read */
        assert_int_equal(rd(QUADSPI + 8) & 0x3F2C, 0x24);
        assert_int_equal(rd8(QUADSPI + 0x20), 0xFF);
        assert_int_equal(rd(QUADSPI + 8) & 0x2C, 0x20);
        run_us(10);
    }
    wr(QUADSPI, rd(QUADSPI) ^ (0xFFC000D8 | 0x00170F00)); /* some wait for the end of the transfer */
    assert_int_equal(rd(QUADSPI), 1 | 0x00170C00 | 1 << 24);
    wr(QUADSPI, rd(QUADSPI) | 2);
    assert_int_equal(rd(QUADSPI + 8) & 0x26, 2);
    assert_int_equal(rd(QUADSPI) & 2, 0); /* or the next write to CR would be an abort, too */
}

/* What is sent starts with its data: HAL_QSPI_Command() leaves an indirect write, HAL_QSPI_Receive() makes
 * a read of it, HAL_QSPI_Transmit() waits for FTF before the first byte. */
static void quadspi_starts_with_data(void **state)
{
    (void)state;
    clock_on(0x50, 8);
    wr(QUADSPI, 1 | 3 << 8 | 1 << 24);
    wr(QUADSPI + 0x10, 1);
    assert_int_equal(rd(QUADSPI + 8), 0);
    wr(QUADSPI + 0x14, 0x9F | 1 << 8 | 1 << 24);
    assert_int_equal(rd(QUADSPI + 8), 4);
    wr8(QUADSPI + 0x20, 1);
    assert_int_equal(rd(QUADSPI + 8), 1 << 8 | 0x24);
    run_us(10); /* the second byte is missing */
    assert_int_equal(rd(QUADSPI + 8), 0x24);
    wr8(QUADSPI + 0x20, 2);
    assert_true(run_until(QUADSPI + 8, 2, 2, PS_PER_MS) < 2 * PS_PER_US);
    assert_int_equal(rd(QUADSPI + 8) & 0x3F22, 2);
    wr(QUADSPI + 12, 2);
    wr(QUADSPI + 0x14, 0x9F | 1 << 8 | 1 << 24);
    wr(QUADSPI + 0x14, 0x9F | 1 << 8 | 1 << 24 | 1 << 26);
    run_us(10);
    assert_int_equal(rd(QUADSPI + 8), 2 << 8 | 0x26);
}

/* A FIFO that was full goes on when it is down to 11 bytes; EN ends what would go on for ever. */
static void quadspi_full(void **state)
{
    (void)state;
    clock_on(0x50, 8);
    wr(QUADSPI, 1 | 15 << 8 | 1 << 24); /* FTF with 16 bytes */
    wr(QUADSPI + 0x10, 63);
    wr(QUADSPI + 0x14, 0x9F | 1 << 8 | 1 << 24 | 1 << 26);
    run_us(100);
    assert_int_equal(rd(QUADSPI + 8), 16 << 8 | 0x24);
    for (uint32_t level = 15; level > 11; level--) {
        rd8(QUADSPI + 0x20);
        run_us(100);
        assert_int_equal(rd(QUADSPI + 8), level << 8 | 0x20);
    }
    rd8(QUADSPI + 0x20);
    run_us(100);
    assert_int_equal(rd(QUADSPI + 8), 16 << 8 | 0x24);
    for (uint32_t mode = 1; mode <= 3; mode++) { /* that read, polling, memory-mapped */
        if (mode > 1)
            wr(QUADSPI + 0x14, 0x05 | 1 << 8 | 1 << 24 | mode << 26);
        if (mode == 3)
            assert_true(chip_bus_read(rig, 0x90000000, 1, &(uint32_t){0}));
        run_us(100);
        assert_int_equal(rd(QUADSPI + 8) & 0x20, 0x20);
        wr(QUADSPI, 15 << 8 | 1 << 24);
        assert_int_equal(rd(QUADSPI + 8) & 0x3F22, 0);
        wr(QUADSPI, 1 | 15 << 8 | 1 << 24);
        wr(QUADSPI + 0x24, 1); /* no status like this comes */
    }
}

/* What FSIZE says is no memory is an error, in memory-mapped mode on the bus. */
static void quadspi_beyond(void **state)
{
    (void)state;
    uint32_t v;
    clock_on(0x50, 8);
    wr(QUADSPI, 1 | 1 << 24 | 1 << 16);
    wr(QUADSPI + 4, 9 << 16); /* 1 KiB */
    wr(QUADSPI + 0x10, 3);
    for (uint32_t mode = 0; mode < 2; mode++) {
        wr(QUADSPI + 0x14, 0x03 | 1 << 8 | 1 << 10 | 2 << 12 | 1 << 24 | mode << 26);
        wr(QUADSPI + 0x18, 0x3FD);
        if (!mode)
            wr8(QUADSPI + 0x20, 0);
        assert_int_equal(rd(QUADSPI + 8) & 0x21, 1);
        assert_true(irq_line(71));
        wr(QUADSPI + 12, 1);
        assert_false(irq_line(71));
        wr(QUADSPI + 0x18, 0x3FC);
        assert_int_equal(rd(QUADSPI + 8) & 0x21, mode ? 0x20 : 0);
        if (!mode)
            wr8(QUADSPI + 0x20, 0);
        assert_int_equal(rd(QUADSPI + 8) & 0x21, 0x20);
        wr(QUADSPI, 1 | 1 << 24 | 1 << 16 | 2);
        wr(QUADSPI + 12, 2);
    }
    assert_false(chip_bus_read(rig, 0x90000000, 4, &v));
    wr(QUADSPI + 0x14, 0x03 | 1 << 8 | 1 << 10 | 2 << 12 | 1 << 24 | 3 << 26);
    assert_int_equal(rd(QUADSPI + 8) & 0x20, 0);
    assert_true(chip_bus_read(rig, 0x900003FE, 2, &v));
    assert_int_equal(v, 0xFFFF);
    assert_int_equal(rd(QUADSPI + 8) & 0x20, 0x20);
    assert_false(chip_bus_read(rig, 0x90000400, 1, &v));
    assert_false(chip_bus_write(rig, 0x90000000, 4, 0));
    wr(QUADSPI, 1 | 1 << 24 | 2);
    assert_int_equal(rd(QUADSPI + 8) & 0x20, 0);
    wr(QUADSPI + 0x30, 160); /* LPTR: 20 us */
    wr(QUADSPI, 1 | 1 << 24 | 8);
    assert_true(chip_bus_read(rig, 0x90000000, 1, &v));
    assert_in_range(run_until(QUADSPI + 8, 0x10, 0x10, PS_PER_MS), 19 * PS_PER_US, 21 * PS_PER_US);
    assert_int_equal(rd(QUADSPI + 8) & 0x20, 0);
}

/* ---- LCD, TSC ---- */

#define LCD 0x40002400u

static void lcd(void **state)
{
    (void)state;
    clock_rtc();
    clear_bits(0x40021090, 1 << 15); /* RTCEN is not the LCD's */
    clock_on(0x58, 9);
    assert_int_equal(rd(LCD + 8), 0x20);
    wr(LCD + 4, 2 << 22 | 8); /* / 4 / 16: 512 Hz; update interrupt */
    assert_int_equal(rd(LCD + 8) & 0x20, 0);
    assert_true(run_until(LCD + 8, 0x20, 0x20, PS_PER_MS) != PS_NEVER);
    wr(LCD, 3 << 2 | 1); /* 1/4 duty: 128 frames a second */
    assert_int_equal(rd(LCD + 8) & 1, 1);
    assert_true(run_until(LCD + 8, 0x10, 0x10, 5 * PS_PER_MS) != PS_NEVER);
    wr(LCD + 0x14, 0x1234);
    wr(LCD + 8, 4);
    wr(LCD + 0x14, 0x5678); /* protected until the update is done */
    assert_int_equal(rd(LCD + 0x14), 0x1234);
    assert_true(run_until(LCD + 8, 8, 8, 9 * PS_PER_MS) != PS_NEVER);
    assert_int_equal(rd(LCD + 8) & 4, 0);
    assert_true(irq_line(78));
    wr(LCD + 12, 8);
    assert_false(irq_line(78));
    for (unsigned n = 0; n < 3; n++) { /* SOF is there without its interrupt, too */
        wr(LCD + 12, 2);
        assert_int_equal(rd(LCD + 8) & 2, 0);
        assert_in_range(run_until(LCD + 8, 2, 2, 9 * PS_PER_MS), 7800 * PS_PER_US / (n ? 1 : 1000),
                        7830 * PS_PER_US);
    }
    wr(LCD, 0);
    assert_int_equal(rd(LCD + 8) & 1, 1); /* the last frame is shown to its end */
    run_us(8000);
    assert_int_equal(rd(LCD + 8) & 0x11, 0);
}

/* Without RTCCLK nothing happens, and that is said once. */
static void lcd_without_clock(void **state)
{
    (void)state;
    clock_on(0x58, 9);
    wr(LCD, 1);
    wr(LCD, 0);
    wr(LCD, 1);
    assert_int_equal(told_count("message"), 1);
    assert_non_null(strstr(told_last("message")->text, "RTCCLK"));
}

static void tsc(void **state)
{
    (void)state;
    clock_on(0x48, 16);
    wr(0x40024030, 5);
    wr(0x40024004, 3);
    wr(0x40024000, 1 | 2 | 6 << 5);
    assert_in_range(run_until(0x4002400C, 1, 1, 10 * PS_PER_MS), 2040 * PS_PER_US, 2060 * PS_PER_US);
    assert_int_equal(rd(0x4002400C), 3); /* no capacitor: maximum count */
    assert_true(irq_line(77));
    assert_int_equal(rd(0x40024034), 16383);
    assert_int_equal(rd(0x40024038), 0);
    assert_int_equal(rd(0x40024000) & 2, 0);
    wr(0x40024008, 3);
    assert_false(irq_line(77));
    wr(0x40024030, 0xFF); /* seven groups */
    assert_int_equal(rd(0x40024030) & 0xFF, 0x7F);
    wr(0x40024018, 0xFFFFFFFF);
    assert_int_equal(rd(0x40024018), 0x0FFFFFFF);
}

/* The counters are cleared when an acquisition begins; a synchronized one waits for its edge at PB10. */
static void tsc_synchronized(void **state)
{
    (void)state;
    clock_on(0x48, 16);
    pin_mode('B', 10, 2, 9);
    wr(0x40024030, 1);
    for (int rising = 0; rising < 2; rising++) {
        pin_drive('B', 10, !rising);
        wr(0x40024000, 1 | 2 | 4 | (uint32_t)rising << 3); /* 255 pulses of 2 periods: 32 us */
        run_us(1000);
        assert_int_equal(rd(0x4002400C), 0);
        assert_int_equal(rd(0x40024034), 0);
        assert_int_equal(rd(0x40024000) & 2, 2);
        pin_drive('B', 10, rising);
        run_us(31);
        assert_int_equal(rd(0x40024000) & 2, 2);
        run_us(2);
        assert_int_equal(rd(0x4002400C), 3);
        assert_int_equal(rd(0x40024034), 255);
        pin_drive('B', 10, !rising); /* over: nothing more comes of edges */
        pin_drive('B', 10, rising);
        wr(0x40024008, 3);
        run_us(100);
        assert_int_equal(rd(0x4002400C), 0);
    }
    wr(0x40024000, 1 | 2 | 4 | 8); /* high already */
    run_us(33);
    assert_int_equal(rd(0x4002400C), 3);
    wr(0x40024008, 3);
    wr(0x40024000, 1 | 2 | 4); /* without its clock it sees no edge */
    wr(0x40021048, rd(0x40021048) & ~(1u << 16));
    pin_drive('B', 10, 0);
    pin_drive('B', 10, 1);
    clock_on(0x48, 16);
    run_us(100);
    assert_int_equal(rd(0x40024000) & 2, 2);
    pin_drive('B', 10, 0);
    run_us(33);
    assert_int_equal(rd(0x4002400C), 3);
    wr(0x40024008, 3);
    pin_drive('B', 10, 1);
    wr(0x40024000, 1 | 2 | 4); /* cancelled while it waits */
    wr(0x40024000, 1 | 4);
    pin_drive('B', 10, 0);
    run_us(100);
    assert_int_equal(rd(0x4002400C), 0);
}

/* ---- OPAMP, VREFBUF ---- */

static void amplifier(void **state)
{
    (void)state;
    clock_on(0x58, 30);
    clock_on(0x4C, 13);
    adc_voltage(rig, 0, 0, 300);
    wr(0x50040308, 1 << 16);
    wr(0x50040008, 1 << 28);
    run_us(20);
    wr(0x50040008, 1 << 28 | 1);
    run_us(10);
    wr(0x50040030, 8 << 6); /* PA3, where the output is */
    static const struct {
        uint32_t csr;
        unsigned mv;
    } rows[] = {{1 | 3 << 2, 300},
                {1 | 2 << 2, 600},
                {1 | 2 << 2 | 1 << 4, 1200},
                {1 | 2 << 2 | 3 << 4, 3300},
                {0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wr(0x40007800, rows[i].csr);
        wr(0x50040008, 1 << 28 | 4);
        run_us(100);
        assert_in_range(rd(0x50040040), rows[i].mv * 4095 / 3300, rows[i].mv * 4095 / 3300 + 1);
    }
    /* calibration: where the flag rises for NMOS, and falls for PMOS, is what the factory found */
    uint32_t factory = rd(0x40007804);
    assert_int_not_equal(factory, 0);
    assert_int_equal(rd(0x40007808), factory);
    for (uint32_t trim = 0; trim < 64; trim++) { /* by OTR, in low-power mode by LPOTR */
        uint32_t low_power = trim & 32 ? 2 : 0, used = low_power ? 0x40007808 : 0x40007804, t = trim & 31;
        wr(0x40007800, low_power | 1 | 1 << 12 | 1 << 14);
        wr(used ^ 0xC, t >= (factory & 31) ? 0 : 31); /* the other has no say */
        wr(used, 0x1F00 | t);
        assert_int_equal(rd(0x40007800) >> 15 & 1, t >= (factory & 31));
        wr(0x40007800, low_power | 1 | 1 << 12 | 1 << 13 | 1 << 14);
        wr(used ^ 0xC, t < factory >> 8 ? 0x1F00 : 0);
        wr(used, t << 8);
        assert_int_equal(rd(0x40007800) >> 15 & 1, t < factory >> 8);
    }
    wr(0x40007800, 1u << 31 | 1); /* OPARANGE: not while it is on */
    assert_int_equal(rd(0x40007800), 1);
    wr(0x40007800, 0);
    wr(0x40007800, 1u << 31 | 1);
    wr(0x40007800, 1);
    assert_int_equal(rd(0x40007800), 1u << 31 | 1);
    clock_on(0x60, 0);
    assert_int_equal(rd(0x40010030), 2);
    wr(0x40010030, 1);
    assert_int_equal(rd(0x40010030), 1);
    run_us(310);
    assert_int_equal(rd(0x40010030), 9);
}

/* ---- what is not modelled says so ---- */

static void missing_is_told(void **state)
{
    (void)state;
    clock_on(0x58, 25);
    wr(0x40006400, 1);
    wr(0xE0041FB0, 0xC5ACCE55);
    assert_int_equal(rd(0xE0041000), 0x411); /* ETM is powered down, and may stay so */
    wr(0xE0041000, 0x411);
    assert_int_equal(told_count("missing"), 0);
    wr(0xE0041000, 0x400);
    assert_int_equal(told_last("missing")->a, 0xE0041000);
    assert_int_equal(rd(0xE0041010), 0);
    assert_int_equal(told_last("missing")->a, 0xE0041010);
    wr(0xE0041000, 0x400); /* once */
    assert_int_equal(told_count("missing"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sdmmc, on, rig_off),
        cmocka_unit_test_setup_teardown(quadspi, on, rig_off),
        cmocka_unit_test_setup_teardown(quadspi_starts_with_data, on, rig_off),
        cmocka_unit_test_setup_teardown(quadspi_full, on, rig_off),
        cmocka_unit_test_setup_teardown(quadspi_beyond, on, rig_off),
        cmocka_unit_test_setup_teardown(lcd, on, rig_off),
        cmocka_unit_test_setup_teardown(lcd_without_clock, on, rig_off),
        cmocka_unit_test_setup_teardown(tsc, on, rig_off),
        cmocka_unit_test_setup_teardown(tsc_synchronized, on, rig_off),
        cmocka_unit_test_setup_teardown(amplifier, on, rig_off),
        cmocka_unit_test_setup_teardown(missing_is_told, rig_on, rig_off),
    };

    return cmocka_run_group_tests_name("blocks with nothing connected", tests, NULL, NULL);
}
