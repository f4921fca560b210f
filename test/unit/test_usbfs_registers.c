/* The USB FS device block as software sees it: write rules, packet memory, several endpoints at once,
 * double buffering. */
#include "usbfs_rig.h"

/* ---- write rules -------------------------------------------------------------------------- */

static void test_epr_write_rules(void **state)
{
    (void)state;
    static const uint8_t eight[8];
    set_epr(1, BULK | RX_VALID | 1);
    usbfs_out(rig, 5, 1, 0, eight, 8, false); /* CTR_RX, DTOG_RX set, NAK */
    uint32_t r = epr(1);
    assert_int_equal(r, RX_CTR | RX_DTOG | RX_NAK | 1);
    wr(USB + 4, (r & 0x070F) | 0x8080); /* ones leave CTR, zeros leave toggles */
    assert_int_equal(epr(1), r);
    wr(USB + 4, 0x8080 | 0x4000 | 1); /* a one toggles */
    assert_int_equal(epr(1), r & ~0x4000U);
    wr(USB + 4, 0x8080 | 0x7070 | 1);
    assert_int_equal(epr(1), RX_CTR | RX_DTOG | RX_STALL | TX_DTOG | TX_VALID | 1);
    wr(USB + 4, 0x0080 | 1); /* a zero clears CTR_RX */
    assert_int_equal(epr(1), RX_DTOG | RX_STALL | TX_DTOG | TX_VALID | 1);
    wr(USB + 4, 0x8080 | SETUP | 1); /* SETUP is read-only, CTR cannot be set */
    assert_int_equal(epr(1), RX_DTOG | RX_STALL | TX_DTOG | TX_VALID | 1);
    wr(USB + 4, 0x8080 | INTERRUPT | KIND | 9);
    assert_int_equal(epr(1) & 0x070F, INTERRUPT | KIND | 9);
}

static void test_istr_write_rules(void **state)
{
    (void)state;
    static const uint8_t eight[8];
    uint8_t data[1023];
    size_t size;
    set_epr(2, BULK | RX_VALID | TX_VALID | 2);
    usbfs_out(rig, 5, 2, 0, eight, 8, false);
    usbfs_in(rig, 5, 2, data, &size);
    usbfs_in_ack(rig, 5, 2);
    usbfs_sof(rig, 7);
    assert_int_equal(rd(ISTR), CTR | SOF | 0x10 | 2);
    wr(ISTR, 0xFFFF);
    assert_int_equal(rd(ISTR), CTR | SOF | 0x10 | 2);
    wr(ISTR, (uint16_t)~SOF);
    assert_int_equal(rd(ISTR), CTR | 0x10 | 2);
    wr(ISTR, 0); /* CTR follows the endpoint registers only */
    assert_int_equal(rd(ISTR), CTR | 0x10 | 2);
    wr(USB + 8, (epr(2) & 0x070F) | 0x0080);
    assert_int_equal(rd(ISTR), CTR | 2); /* CTR_TX alone: DIR = 0 */
    clear_ctr(2);
    assert_int_equal(rd(ISTR), 0);
}

static void test_register_masks(void **state)
{
    (void)state;
    wr(CNTR, 0xFFC0 & ~0x40);
    assert_int_equal(rd(CNTR), 0xFF80);
    wr(CNTR, 0);
    wr(BTABLE, 0xFFFF);
    assert_int_equal(rd(BTABLE), 0xFFF8);
    wr(LPMCSR, 0xFFFF);
    assert_int_equal(rd(LPMCSR), 3);
    wr(FNR, 0xFFFF);
    assert_int_equal(rd(FNR) & 0x7FF, 0);
    uint32_t v;
    assert_true(chip_bus_write(rig, BTABLE, 4, 0xFFFF0040));
    assert_true(chip_bus_read(rig, BTABLE, 4, &v));
    assert_int_equal(v, 0x40); /* 16 bits on 32-bit spacing */
    assert_true(chip_bus_write(rig, BTABLE + 2, 2, 0x1238));
    assert_int_equal(rd(BTABLE), 0x40);
}

static void test_reset_values(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 8; n++)
        assert_int_equal(epr(n), 0);
    assert_int_equal(rd(CNTR), 3);
    assert_int_equal(rd(ISTR), 0);
    assert_int_equal(rd(FNR) & 0xF800, 0);
    assert_int_equal(rd(DADDR), 0);
    assert_int_equal(rd(BTABLE), 0);
    assert_int_equal(rd(LPMCSR), 0);
    assert_int_equal(rd(BCDR), 0);
    assert_int_not_equal(told.pullup, 1);
}

/* ---- packet memory ------------------------------------------------------------------------ */

static void test_packet_memory(void **state)
{
    (void)state;
    uint32_t v;
    for (unsigned k = 0; k < 1024; k += 2)
        wr(PMA + k, 0x1000 + k);
    for (unsigned k = 0; k < 1024; k += 2)
        assert_int_equal(rd(PMA + k), 0x1000 + k);
    assert_true(chip_bus_read(rig, PMA + 0x101, 1, &v));
    assert_int_equal(v, 0x11);
    assert_true(chip_bus_write(rig, PMA + 0x102, 1, 0xAB)); /* the bridge repeats the byte */
    assert_int_equal(rd(PMA + 0x102), 0xABAB);
    assert_string_equal(remark(), "");
    assert_true(chip_bus_write(rig, PMA + 0x200, 4, 0x11112222)); /* 16-bit memory: the upper half is lost */
    assert_non_null(strstr(remark(), "not volatile"));
    assert_int_equal(rd(PMA + 0x200), 0x2222);
    assert_int_equal(rd(PMA + 0x202), 0x1202);
    wr(APB1ENR1, 1U << 28); /* clock gate */
    assert_int_equal(rd(PMA + 0x100), 0);
    wr(PMA + 0x100, 0xFFFF);
    wr(APB1ENR1, 1U << 26 | 1U << 28);
    assert_int_equal(rd(PMA + 0x100), 0x1100);
    wr(APB1RSTR1, 1U << 26); /* the block's reset leaves the memory alone */
    wr(APB1RSTR1, 0);
    assert_int_equal(rd(PMA + 0x100), 0x1100);
}

static void test_rx_allocation(void **state)
{
    (void)state;
    static const struct {
        uint16_t field;
        unsigned bytes;
    } allocations[] = {{1 << 10, 2},
                       {4 << 10, 8},
                       {31 << 10, 62},
                       {0x8000, 32},
                       {0x8000 | 1 << 10, 64},
                       {0x8000 | 7 << 10, 256},
                       {0x8000 | 15 << 10, 512}};
    uint8_t data[600];
    memset(data, 0x5A, sizeof data);
    for (size_t i = 0; i < sizeof allocations / sizeof allocations[0]; i++) {
        unsigned room = allocations[i].bytes, at = 0x100;
        for (int extra = 0; extra < 2; extra++) {
            unsigned size = room + (unsigned)extra;
            for (unsigned k = 0x100; k < 0x400; k += 2)
                wr(PMA + k, 0xEEEE);
            wr(PMA + 12, at);
            wr(PMA + 14, allocations[i].field);
            set_epr(1, BULK | RX_VALID | 1);
            assert_int_equal(usbfs_out(rig, 5, 1, 0, data, size, false), extra ? USB_STALL : USB_ACK);
            assert_int_equal(rd(PMA + 14), allocations[i].field | (extra ? 0 : size));
            assert_int_equal(epr(1) & RX_CTR, extra ? 0 : RX_CTR);
            assert_int_equal(rd(PMA + at + room - 2), 0x5A5A);
            assert_int_equal(rd(PMA + at + room), 0xEEEE); /* nothing beyond the allocation */
            clear_ctr(1);
        }
    }
}

/* The CRC is stored behind the payload if there is room. DD 94 is what every bus analyser shows behind
 * the first request of an enumeration. */
static void test_crc_stored(void **state)
{
    (void)state;
    static const uint8_t get_device[8] = {0x80, 6, 0, 1, 0, 0, 0x40, 0};
    wr(PMA + 0x288, 0xEEEE);
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    assert_int_equal(usbfs_setup(rig, 5, 0, get_device), USB_ACK);
    assert_int_equal(rd(PMA + 0x288), 0x94DD);
    wr(PMA + 6, 4 << 10); /* eight bytes: no room */
    wr(PMA + 0x288, 0xEEEE);
    clear_ctr(0);
    assert_int_equal(usbfs_setup(rig, 5, 0, get_device), USB_ACK);
    assert_int_equal(rd(PMA + 0x288), 0xEEEE);
}

static void test_btable_moves(void **state)
{
    (void)state;
    static const uint8_t eight[8] = {0x77};
    wr(BTABLE, 0x300);
    wr(PMA + 0x300 + 4, 0x380);
    wr(PMA + 0x300 + 6, 0x8400);
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_ACK);
    assert_int_equal(rd(PMA + 0x380), 0x77);
    assert_int_equal(rd(PMA + 0x306), 0x8408);
}

/* ---- several endpoints -------------------------------------------------------------------- */

static void test_priority(void **state)
{
    (void)state;
    static const uint8_t d[4];
    set_epr(1, BULK | RX_VALID | 1);
    set_epr(2, INTERRUPT | RX_VALID | 2);
    set_epr(5, BULK | KIND | RX_VALID | TX_DTOG | 5); /* double-buffered: SW_BUF = 1 */
    set_epr(6, ISO | RX_VALID | 6);
    wr(PMA + 8 * 5 + 2, 0x8400);
    wr(PMA + 8 * 6 + 2, 0x8400);
    usbfs_out(rig, 5, 2, 0, d, 4, false);
    assert_int_equal(rd(ISTR), CTR | 0x10 | 2);
    usbfs_out(rig, 5, 1, 0, d, 4, false);
    assert_int_equal(rd(ISTR), CTR | 0x10 | 1);
    usbfs_out(rig, 5, 6, 0, d, 4, false);
    assert_int_equal(rd(ISTR), CTR | 0x10 | 6);
    usbfs_out(rig, 5, 5, 0, d, 4, false);
    assert_int_equal(rd(ISTR), CTR | 0x10 | 5);
    clear_ctr(5);
    clear_ctr(6);
    clear_ctr(1);
    assert_int_equal(rd(ISTR), CTR | 0x10 | 2);
    clear_ctr(2);
    assert_int_equal(rd(ISTR), 0);
}

/* The line is a level: as long as a flag and its mask are set. */
static void test_interrupt_line(void **state)
{
    (void)state;
    static const uint8_t two[2];
    assert_false(irq_pending());
    usbfs_sof(rig, 1);
    set_epr(1, BULK | RX_VALID | 1);
    usbfs_out(rig, 5, 1, 0, two, 2, false);
    assert_false(irq_pending()); /* nothing unmasked */
    wr(CNTR, SOF);
    assert_true(irq_pending());
}

/* ---- double buffering --------------------------------------------------------------------- */

static void put_count(unsigned n, unsigned first, unsigned second)
{
    wr(PMA + 8 * n + 2, first);
    wr(PMA + 8 * n + 6, second);
}

static void test_double_out(void **state)
{
    (void)state;
    const uint32_t ep = BULK | KIND | RX_VALID | 4;
    uint8_t a[4] = {1}, b[4] = {2}, third[4] = {3};
    wr(PMA + 32, 0x100);
    wr(PMA + 36, 0x180);
    put_count(4, 0x8400, 0x8400);
    set_epr(4, ep | TX_DTOG); /* DTOG 0, SW_BUF 1: buffer 0 is the hardware's */
    assert_int_equal(usbfs_out(rig, 5, 4, 0, a, 4, false), USB_ACK);
    assert_int_equal(rd(PMA + 0x100), 1);
    assert_int_equal(rd(PMA + 34), 0x8404);
    assert_int_equal(epr(4), ep | RX_CTR | RX_DTOG | TX_DTOG); /* STAT stays VALID */
    /* DTOG = SW_BUF: NAK although VALID, and nothing moves. */
    assert_int_equal(usbfs_out(rig, 5, 4, 1, b, 4, false), USB_NAK);
    assert_int_equal(epr(4), ep | RX_CTR | RX_DTOG | TX_DTOG);
    /* Software takes buffer 0 by toggling SW_BUF; buffer 1 is the hardware's. */
    wr(USB + 16, ep - RX_VALID + 0x8080 + TX_DTOG);
    assert_int_equal(usbfs_out(rig, 5, 4, 1, b, 4, false), USB_ACK);
    assert_int_equal(rd(PMA + 0x180), 2);
    assert_int_equal(rd(PMA + 38), 0x8404);
    assert_int_equal(epr(4), ep | RX_CTR);
    assert_int_equal(usbfs_out(rig, 5, 4, 0, third, 4, false), USB_NAK);
    wr(USB + 16, ep - RX_VALID + 0x8080 + TX_DTOG);
    assert_int_equal(usbfs_out(rig, 5, 4, 0, third, 4, false), USB_ACK);
    assert_int_equal(rd(PMA + 0x100), 3);
}

/* The flow control begins with the end of the first transaction: a driver that starts with both toggles
 * at 0 gets its first packet, and the second is then a matter of SW_BUF. */
static void test_double_first(void **state)
{
    (void)state;
    const uint32_t ep = BULK | KIND | RX_VALID | 4;
    uint8_t a[4] = {1};
    put_count(4, 0x8400, 0x8400);
    set_epr(4, ep);
    assert_int_equal(usbfs_out(rig, 5, 4, 0, a, 4, false), USB_ACK);
    assert_int_equal(epr(4), ep | RX_CTR | RX_DTOG);
    assert_int_equal(usbfs_out(rig, 5, 4, 1, a, 4, false), USB_ACK); /* DTOG 1, SW_BUF 0 */
    assert_int_equal(usbfs_out(rig, 5, 4, 0, a, 4, false), USB_NAK); /* DTOG 0, SW_BUF 0 */
    set_epr(4, BULK | RX_VALID | 4); /* leaving and entering the mode begins anew */
    set_epr(4, ep);
    assert_int_equal(usbfs_out(rig, 5, 4, 0, a, 4, false), USB_ACK);
}

static void test_double_in(void **state)
{
    (void)state;
    const uint32_t ep = BULK | KIND | TX_VALID | 4;
    uint8_t data[1023];
    size_t size;
    wr(PMA + 32, 0x100);
    wr(PMA + 36, 0x180);
    wr(PMA + 0x100, 0xAA);
    wr(PMA + 0x180, 0xBB);
    put_count(4, 1, 2);
    set_epr(4, ep | RX_DTOG); /* DTOG 0, SW_BUF 1 */
    assert_int_equal(usbfs_in(rig, 5, 4, data, &size), USB_DATA0);
    usbfs_in_ack(rig, 5, 4);
    assert_int_equal(size, 1);
    assert_int_equal(data[0], 0xAA);
    assert_int_equal(epr(4), ep | RX_DTOG | TX_DTOG | TX_CTR);
    assert_int_equal(usbfs_in(rig, 5, 4, data, &size), USB_NAK);
    wr(USB + 16, ep - TX_VALID + 0x8080 + RX_DTOG);
    assert_int_equal(usbfs_in(rig, 5, 4, data, &size), USB_DATA1);
    usbfs_in_ack(rig, 5, 4);
    assert_int_equal(size, 2);
    assert_int_equal(data[0], 0xBB);
    assert_int_equal(usbfs_in(rig, 5, 4, data, &size), USB_NAK);
}

/* Who fills both buffers has toggled SW_BUF twice: both are sent, and then none. */
static void test_double_in_both_filled(void **state)
{
    (void)state;
    const uint32_t ep = BULK | KIND | TX_VALID | 4;
    uint8_t data[1023];
    size_t size;
    put_count(4, 1, 2);
    set_epr(4, ep);
    for (unsigned round = 0; round < 3; round++) {
        wr(USB + 16, ep - TX_VALID + 0x8080 + RX_DTOG);
        wr(USB + 16, ep - TX_VALID + 0x8080 + RX_DTOG);
        assert_int_equal(usbfs_in(rig, 5, 4, data, &size), USB_DATA0);
        usbfs_in_ack(rig, 5, 4);
        assert_int_equal(usbfs_in(rig, 5, 4, data, &size), USB_DATA1);
        usbfs_in_ack(rig, 5, 4);
        assert_int_equal(size, 2);
        assert_int_equal(epr(4), ep | TX_CTR); /* STAT stays VALID */
        assert_int_equal(usbfs_in(rig, 5, 4, data, &size), USB_NAK);
    }
}

/* Who begins with SW_BUF at 0 and toggles it behind each packet that it has read: there is room for two. */
static void test_double_out_both_free(void **state)
{
    (void)state;
    const uint32_t ep = BULK | KIND | RX_VALID | 4;
    uint8_t a[4] = {1};
    put_count(4, 0x8400, 0x8400);
    set_epr(4, ep);
    for (unsigned toggle = 0; toggle < 4; toggle++) {
        assert_int_equal(usbfs_out(rig, 5, 4, toggle & 1, a, 4, false), USB_ACK);
        wr(USB + 16, ep - RX_VALID + 0x8080 + TX_DTOG);
    }
    assert_int_equal(usbfs_out(rig, 5, 4, 0, a, 4, false), USB_ACK);
    assert_int_equal(usbfs_out(rig, 5, 4, 1, a, 4, false), USB_ACK);
    assert_int_equal(usbfs_out(rig, 5, 4, 0, a, 4, false), USB_NAK);
}

/* A double-buffered register has no buffers for the other direction: said once, also where EP_KIND is clear
 * for a moment, as ST's HAL has it for short transfers. */
static void test_double_both_ways(void **state)
{
    (void)state;
    uint8_t data[1023];
    size_t size;
    put_count(4, 0x8400, 0x8400);
    set_epr(4, BULK | RX_VALID | TX_NAK | 4);
    usbfs_in(rig, 5, 4, data, &size);
    set_epr(4, BULK | KIND | RX_VALID | 4);
    usbfs_out(rig, 5, 4, 0, data, 4, false);
    assert_null(strstr(remark(), "both directions"));
    set_epr(4, BULK | RX_VALID | TX_NAK | 4);
    usbfs_in(rig, 5, 4, data, &size);
    assert_non_null(strstr(remark(), "USB_EP4R is double-buffered and serves both directions"));
    unsigned before = told_count("message");
    usbfs_out(rig, 5, 4, 0, data, 4, false);
    assert_int_equal(told_count("message"), before);
}

/* After a reset of the bus a register may be used in another way. */
static void test_double_then_both_ways(void **state)
{
    (void)state;
    uint8_t data[1023];
    size_t size;
    put_count(4, 0x8400, 0x8400);
    set_epr(4, BULK | KIND | RX_VALID | 4);
    usbfs_out(rig, 5, 4, 0, data, 4, false);
    usbfs_bus_reset(rig, true);
    run_us(3);
    usbfs_bus_reset(rig, false);
    wr(ISTR, 0);
    wr(DADDR, 0x85);
    set_epr(4, BULK | RX_VALID | TX_NAK | 4);
    assert_int_equal(usbfs_in(rig, 5, 4, data, &size), USB_NAK);
    assert_null(strstr(remark(), "both directions"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with(attach, test_epr_write_rules),
        with(attach, test_istr_write_rules),
        with(attach, test_register_masks),
        with(power_up, test_reset_values),
        with(attach, test_packet_memory),
        with(attach, test_rx_allocation),
        with(attach, test_crc_stored),
        with(attach, test_btable_moves),
        with(attach, test_priority),
        with(attach, test_interrupt_line),
        with(attach, test_double_out),
        with(attach, test_double_first),
        with(attach, test_double_both_ways),
        with(attach, test_double_then_both_ways),
        with(attach, test_double_in),
        with(attach, test_double_in_both_filled),
        with(attach, test_double_out_both_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
