/* The USB FS device block and its clocks: what it is without 48 MHz, without its bus clock, and with a slow
 * one. */
#include "usbfs_rig.h"

/* A reset that begins while the clocks are off is seen when they are back. */
static void test_reset_without_clock(void **state)
{
    (void)state;
    wr(CNTR, 0x8);
    wr(CRRCR, 0);
    wr(ISTR, 0);
    usbfs_bus_reset(rig, true);
    assert_int_equal(rd(ISTR) & (WKUP | RESET), WKUP);
    wr(CRRCR, 1);
    run_us(100);
    assert_int_equal(rd(ISTR) & (WKUP | RESET), WKUP | RESET);
    assert_int_equal(rd(DADDR), 0);
    usbfs_bus_reset(rig, false);
    wr(CRRCR, 0);
    wr(ISTR, 0);
    usbfs_bus_reset(rig, true); /* over before they are: nobody has seen it */
    usbfs_bus_reset(rig, false);
    wr(CRRCR, 1);
    run_us(100);
    assert_int_equal(rd(ISTR) & RESET, 0);
}

/* With the clocks off, as in Stop, the device stays attached and wakes up; but the pull-up does not count
 * before there were 48 MHz for the first time. */
static void test_clocks_stop(void **state)
{
    (void)state;
    static const uint8_t eight[8];
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    wr(CNTR, 0x8);
    wr(CRRCR, 0);
    assert_int_equal(told.pullup, 1);
    wr(ISTR, 0);
    usbfs_resume(rig);
    assert_int_equal(rd(ISTR) & WKUP, WKUP);
    wr(CNTR, 0);
    assert_int_equal(told.pullup, 1);
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_SILENT);
    wr(CRRCR, 1);
    run_us(100);
    assert_int_equal(told.pullups, 1);
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_ACK);
    wr(CRRCR, 0);
    wr(BCDR, 0);
    wr(BCDR, 0x8000);
    assert_int_equal(told.pullup, 0);
    wr(CRRCR, 1);
    run_us(100);
    assert_int_equal(told.pullup, 1);
}

static void test_clock_gate(void **state)
{
    (void)state;
    static const uint8_t eight[8];
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    wr(APB1ENR1, 1U << 28);
    assert_int_equal(rd(CNTR), 0);
    assert_int_equal(rd(DADDR), 0);
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_SILENT);
    wr(APB1ENR1, 1U << 26 | 1U << 28);
    assert_int_equal(rd(DADDR), 0x85);
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_ACK);
}

/* PCLK1 below 10 MHz: the packet memory is served too late. */
static void test_overrun(void **state)
{
    (void)state;
    static const uint8_t eight[8];
    uint8_t data[1023];
    size_t size;
    set_epr(0, CONTROL | RX_VALID | TX_VALID);
    uint32_t before = epr(0);
    wr(RCC_CR, 0x69); /* 4 MHz */
    run_us(100);
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_SILENT);
    assert_int_equal(rd(ISTR) & PMAOVR, PMAOVR);
    assert_non_null(strstr(remark(), "PCLK1 is at 4000 kHz"));
    wr(ISTR, 0);
    assert_int_equal(usbfs_in(rig, 5, 0, data, &size), USB_SILENT);
    assert_int_equal(rd(ISTR) & PMAOVR, PMAOVR);
    assert_int_equal(epr(0), before);
}

/* Its resume does not bring HSI48 back, which Stop mode has switched off. */
static void test_clocks_lost(void **state)
{
    (void)state;
    wr(CRRCR, 0);
    for (unsigned i = 1; i < 30; i++)
        usbfs_sof(rig, i);
    assert_null(strstr(remark(), "lost its 48 MHz"));
    usbfs_sof(rig, 30);
    assert_non_null(strstr(remark(), "lost its 48 MHz: RCC_CCIPR.CLK48SEL takes HSI48, which is off"));
}

/* A PLL takes a while, and who is suspended needs none. */
static void test_clocks_late(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 60; i++) {
        wr(CRRCR, i == 20 || i == 40);
        run_us(100);
        usbfs_sof(rig, i);
    }
    assert_null(strstr(remark(), "lost its 48 MHz"));
    for (unsigned n = 0; n < 3; n++) { /* nor has one that is held in reset, or off the bus */
        wr(CNTR, n == 0 ? 8 : n == 1); /* FSUSP, FRES */
        wr(BCDR, n == 2 ? 0 : 0x8000);
        for (unsigned i = 0; i < 40; i++)
            usbfs_sof(rig, i);
        assert_null(strstr(remark(), "lost its 48 MHz"));
        wr(CNTR, 0);
        wr(BCDR, 0x8000);
        for (unsigned i = 0; i < 20; i++) /* in a row */
            usbfs_sof(rig, i);
        assert_null(strstr(remark(), "lost its 48 MHz"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with(attach, test_reset_without_clock), with(attach, test_clocks_stop),
        with(attach, test_clock_gate),          with(attach, test_overrun),
        with(attach, test_clocks_lost),         with(attach, test_clocks_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
