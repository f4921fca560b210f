/* The USB FS device block, packet by packet as RM0394 and RM0440 describe it: what a packet on the wire
 * does to the registers, and what it is answered. */
#include "usbfs_rig.h"

/* ---- one packet: the rows of the event table ---------------------------------------------- */

enum token { T_SETUP, T_OUT, T_IN, T_IN_LOST };

/* Endpoint address 5 on register 3. `istr` are the flags besides CTR that must appear. `count`: what
 * COUNT of the row's buffer is afterwards, -1: as before. */
static const struct row {
    const char *name;
    uint32_t before;
    enum token token;
    unsigned toggle, size;
    bool bad;
    enum usb_answer answer;
    uint32_t after, istr;
    int count;
} rows[] = {
    {"SETUP, both NAK", CONTROL | RX_NAK | TX_NAK, T_SETUP, 0, 8, false, USB_ACK,
     CONTROL | RX_NAK | TX_NAK | RX_CTR | SETUP | RX_DTOG | TX_DTOG, 0, 8},
    {"SETUP, both STALL", CONTROL | RX_STALL | TX_STALL, T_SETUP, 0, 8, false, USB_ACK,
     CONTROL | RX_NAK | TX_NAK | RX_CTR | SETUP | RX_DTOG | TX_DTOG, 0, 8},
    {"SETUP, VALID, old toggles", CONTROL | RX_VALID | TX_VALID | RX_DTOG | TX_DTOG, T_SETUP, 0, 8, false,
     USB_ACK, CONTROL | RX_NAK | TX_NAK | RX_CTR | SETUP | RX_DTOG | TX_DTOG, 0, 8},
    {"SETUP, STATUS_OUT set", CONTROL | KIND | RX_VALID | TX_NAK, T_SETUP, 0, 8, false, USB_ACK,
     CONTROL | KIND | RX_NAK | TX_NAK | RX_CTR | SETUP | RX_DTOG | TX_DTOG, 0, 8},
    {"SETUP, RX disabled", CONTROL | TX_NAK, T_SETUP, 0, 8, false, USB_SILENT, CONTROL | TX_NAK, 0, -1},
    {"SETUP, bulk", BULK | RX_VALID, T_SETUP, 0, 8, false, USB_SILENT, BULK | RX_VALID, 0, -1},
    {"SETUP, interrupt", INTERRUPT | RX_VALID, T_SETUP, 0, 8, false, USB_SILENT, INTERRUPT | RX_VALID, 0, -1},

    {"OUT, VALID", BULK | RX_VALID, T_OUT, 0, 64, false, USB_ACK, BULK | RX_NAK | RX_CTR | RX_DTOG, 0, 64},
    {"OUT, VALID, DATA1", BULK | RX_VALID | RX_DTOG, T_OUT, 1, 7, false, USB_ACK, BULK | RX_NAK | RX_CTR, 0,
     7},
    {"OUT, empty", BULK | RX_VALID, T_OUT, 0, 0, false, USB_ACK, BULK | RX_NAK | RX_CTR | RX_DTOG, 0, 0},
    {"OUT, interrupt", INTERRUPT | RX_VALID, T_OUT, 0, 8, false, USB_ACK,
     INTERRUPT | RX_NAK | RX_CTR | RX_DTOG, 0, 8},
    {"OUT, the other direction untouched", CONTROL | RX_VALID | TX_STALL | TX_DTOG, T_OUT, 0, 3, false,
     USB_ACK, CONTROL | RX_NAK | RX_CTR | RX_DTOG | TX_STALL | TX_DTOG, 0, 3},
    {"OUT, toggle mismatch", BULK | RX_VALID, T_OUT, 1, 64, false, USB_ACK, BULK | RX_VALID, 0, -1},
    {"OUT, NAK", BULK | RX_NAK, T_OUT, 0, 64, false, USB_NAK, BULK | RX_NAK, 0, -1},
    {"OUT, STALL", BULK | RX_STALL, T_OUT, 0, 64, false, USB_STALL, BULK | RX_STALL, 0, -1},
    {"OUT, disabled", BULK | TX_VALID, T_OUT, 0, 64, false, USB_SILENT, BULK | TX_VALID, 0, -1},
    {"OUT, larger than the buffer", BULK | RX_VALID, T_OUT, 0, 65, false, USB_STALL, BULK | RX_VALID, 0, -1},
    {"OUT, STATUS_OUT, data", CONTROL | KIND | RX_VALID, T_OUT, 0, 1, false, USB_STALL,
     CONTROL | KIND | RX_VALID, 0, -1},
    {"OUT, STATUS_OUT, empty", CONTROL | KIND | RX_VALID | RX_DTOG, T_OUT, 1, 0, false, USB_ACK,
     CONTROL | KIND | RX_NAK | RX_CTR, 0, 0},
    {"OUT, CRC error", BULK | RX_VALID, T_OUT, 0, 64, true, USB_SILENT, BULK | RX_VALID, ERR, -1},

    {"IN, VALID", BULK | TX_VALID, T_IN, 0, 33, false, USB_DATA0, BULK | TX_NAK | TX_CTR | TX_DTOG, 0, 33},
    {"IN, VALID, DATA1", BULK | TX_VALID | TX_DTOG, T_IN, 0, 64, false, USB_DATA1, BULK | TX_NAK | TX_CTR, 0,
     64},
    {"IN, empty", BULK | TX_VALID, T_IN, 0, 0, false, USB_DATA0, BULK | TX_NAK | TX_CTR | TX_DTOG, 0, 0},
    {"IN, the other direction untouched", CONTROL | TX_VALID | RX_VALID | RX_DTOG, T_IN, 0, 1, false,
     USB_DATA0, CONTROL | TX_NAK | TX_CTR | TX_DTOG | RX_VALID | RX_DTOG, 0, 1},
    {"IN, handshake lost", BULK | TX_VALID, T_IN_LOST, 0, 9, false, USB_DATA0, BULK | TX_VALID, 0, -1},
    {"IN, NAK", BULK | TX_NAK, T_IN, 0, 5, false, USB_NAK, BULK | TX_NAK, 0, -1},
    {"IN, STALL", BULK | TX_STALL, T_IN, 0, 5, false, USB_STALL, BULK | TX_STALL, 0, -1},
    {"IN, disabled", BULK | RX_VALID, T_IN, 0, 5, false, USB_SILENT, BULK | RX_VALID, 0, -1},

    {"ISO OUT, buffer 0", ISO | RX_VALID, T_OUT, 0, 12, false, USB_SILENT, ISO | RX_VALID | RX_DTOG | RX_CTR,
     0, 12},
    {"ISO OUT, buffer 1", ISO | RX_VALID | RX_DTOG, T_OUT, 0, 12, false, USB_SILENT, ISO | RX_VALID | RX_CTR,
     0, 12},
    {"ISO OUT, larger than the buffer", ISO | RX_VALID, T_OUT, 0, 65, false, USB_SILENT,
     ISO | RX_VALID | RX_DTOG | RX_CTR, 0, 64},
    {"ISO OUT, CRC error", ISO | RX_VALID, T_OUT, 0, 12, true, USB_SILENT, ISO | RX_VALID | RX_DTOG | RX_CTR,
     ERR, 12},
    {"ISO OUT, NAK", ISO | RX_NAK, T_OUT, 0, 12, false, USB_SILENT, ISO | RX_NAK, 0, -1},
    {"ISO IN, NAK", ISO | TX_NAK, T_IN, 0, 20, false, USB_SILENT, ISO | TX_NAK, 0, -1},
    {"ISO IN, buffer 0", ISO | TX_VALID, T_IN, 0, 20, false, USB_DATA0, ISO | TX_VALID | TX_DTOG | TX_CTR, 0,
     20},
    {"ISO IN, buffer 1", ISO | TX_VALID | TX_DTOG, T_IN, 0, 20, false, USB_DATA0, ISO | TX_VALID | TX_CTR, 0,
     20},
};

/* Which row of the descriptor table a single packet uses: 0: +0/+2, 4: +4/+6. */
static unsigned row_offset(const struct row *r)
{
    bool out = r->token == T_OUT || r->token == T_SETUP;
    bool two = (r->before & 0x600) == ISO;
    if (two)
        return r->before & (out ? RX_DTOG : TX_DTOG) ? 4 : 0;
    return out ? 4 : 0;
}

static void play_row(const struct row *r)
{
    uint8_t data[1023], sent[80];
    size_t size = 0;
    unsigned at = 8 * 3 + row_offset(r);
    bool out = r->token == T_OUT || r->token == T_SETUP;
    enum usb_answer answer;

    for (unsigned i = 0; i < sizeof sent; i++)
        sent[i] = (uint8_t)(0xA1 + 7 * i);
    wr(PMA + 24, 0x140);
    wr(PMA + 28, 0x340);
    wr(PMA + 26, out ? 0x8400 : 0);
    wr(PMA + 30, out ? 0x8400 : 0);
    if (!out) {
        wr(PMA + at + 2, r->size);
        for (unsigned i = 0; i < 80; i += 2)
            wr(PMA + (at == 24 ? 0x140U : 0x340U) + i, sent[i] | (uint32_t)sent[i + 1] << 8);
    }
    uint32_t count = rd(PMA + at + 2);
    set_epr(3, r->before | 5);

    if (r->token == T_SETUP)
        answer = usbfs_setup(rig, 5, 5, sent);
    else if (r->token == T_OUT)
        answer = usbfs_out(rig, 5, 5, r->toggle, sent, r->size, r->bad);
    else
        answer = usbfs_in(rig, 5, 5, data, &size);
    if (r->token == T_IN && (answer == USB_DATA0 || answer == USB_DATA1))
        usbfs_in_ack(rig, 5, 5);

    assert_int_equal(answer, r->answer);
    assert_int_equal(epr(3), r->after | 5);
    assert_int_equal(rd(ISTR) & 0x7F80, r->istr);
    bool ctr = r->after & (RX_CTR | TX_CTR);
    assert_int_equal(rd(ISTR) & 0x801F, ctr ? CTR | (r->after & RX_CTR ? 0x10 : 0) | 3 : 0);
    if (out)
        assert_int_equal(rd(PMA + at + 2), r->count < 0 ? count : (count & 0xFC00) | (uint32_t)r->count);
    for (unsigned i = 0; out && r->count > 0 && i < (unsigned)r->count; i++)
        assert_int_equal(rd(PMA + (at == 24 ? 0x140U : 0x340U) + (i & ~1U)) >> (8 * (i & 1)) & 0xFF, sent[i]);
    if (answer == USB_DATA0 || answer == USB_DATA1) {
        assert_int_equal(size, r->size);
        assert_memory_equal(data, sent, size);
    }
}

static void test_rows(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("# %s\n", rows[i].name);
        play_row(&rows[i]);
        rig_off(state); /* a fresh chip for each */
        attach(state);
    }
}

/* ---- tokens that are not for us ----------------------------------------------------------- */

static void test_not_addressed(void **state)
{
    (void)state;
    static const uint8_t eight[8];
    uint8_t data[1023];
    size_t size;
    set_epr(0, CONTROL | RX_VALID | TX_VALID);
    assert_int_equal(usbfs_setup(rig, 4, 0, eight), USB_SILENT); /* other address */
    assert_int_equal(usbfs_out(rig, 4, 0, 0, eight, 8, false), USB_SILENT);
    assert_int_equal(usbfs_in(rig, 4, 0, data, &size), USB_SILENT);
    assert_int_equal(usbfs_setup(rig, 5, 1, eight), USB_SILENT); /* no such endpoint */
    wr(DADDR, 5);                                                /* EF = 0 */
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_SILENT);
    wr(DADDR, 0x85);
    wr(CNTR, 8); /* FSUSP */
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_SILENT);
    wr(CNTR, 0);
    wr(ISTR, 0);
    usbfs_bus_reset(rig, true);
    run_us(3);
    usbfs_bus_reset(rig, false);
    wr(DADDR, 0x80);
    set_epr(0, CONTROL | RX_VALID | TX_VALID);
    assert_int_equal(usbfs_setup(rig, 0, 0, eight), USB_SILENT); /* ISTR.RESET still set */
    wr(ISTR, 0);
    assert_int_equal(usbfs_setup(rig, 0, 0, eight), USB_ACK);
}

/* The endpoint's address is EA, not the register's number; the lowest register that fits answers. */
static void test_endpoint_address(void **state)
{
    (void)state;
    uint8_t data[1023];
    size_t size;
    set_epr(6, BULK | TX_VALID | 2);
    set_epr(2, BULK | RX_VALID | 2);
    assert_int_equal(usbfs_in(rig, 5, 2, data, &size), USB_DATA0);
    usbfs_in_ack(rig, 5, 2);
    assert_int_equal(epr(6) & TX_CTR, TX_CTR);
    assert_int_equal(usbfs_out(rig, 5, 2, 0, data, 1, false), USB_ACK);
    assert_int_equal(epr(2) & RX_CTR, RX_CTR);
    set_epr(4, BULK | TX_STALL | 3);
    set_epr(5, BULK | TX_VALID | 3);
    assert_int_equal(usbfs_in(rig, 5, 3, data, &size), USB_STALL);
}

/* ---- SETUP -------------------------------------------------------------------------------- */

static void test_setup_refused_while_ctr_rx(void **state)
{
    (void)state;
    static const uint8_t first[8] = {1, 2, 3, 4, 5, 6, 7, 8}, second[8] = {9, 9, 9, 9, 9, 9, 9, 9};
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    assert_int_equal(usbfs_setup(rig, 5, 0, first), USB_ACK);
    uint32_t before = epr(0);
    assert_int_equal(usbfs_setup(rig, 5, 0, second), USB_SILENT);
    assert_int_equal(epr(0), before);
    assert_int_equal(rd(PMA + 0x280), 0x0201);
    clear_ctr(0);
    assert_int_equal(usbfs_setup(rig, 5, 0, second), USB_ACK);
    assert_int_equal(rd(PMA + 0x280), 0x0909);
}

/* SETUP stays as it is while CTR_RX is set, and an OUT packet clears it otherwise. */
static void test_setup_bit(void **state)
{
    (void)state;
    static const uint8_t eight[8];
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    usbfs_setup(rig, 5, 0, eight);
    set_epr(0, CONTROL | RX_VALID | TX_NAK | RX_DTOG | TX_DTOG);
    assert_int_equal(usbfs_out(rig, 5, 0, 1, eight, 8, false), USB_ACK);
    assert_int_equal(epr(0) & SETUP, SETUP);
    clear_ctr(0);
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    assert_int_equal(usbfs_out(rig, 5, 0, 0, eight, 8, false), USB_ACK);
    assert_int_equal(epr(0) & SETUP, 0);
}

/* A control read and a control write with DTOG left alone by software: the data stages and the status
 * stages, always DATA1, fit the toggles that SETUP leaves. */
static void test_control_toggles(void **state)
{
    (void)state;
    static const uint8_t eight[8];
    uint8_t data[1023];
    size_t size;
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_ACK);
        clear_ctr(0);
        wr(PMA + 2, 8);
        wr(USB, ((epr(0) ^ TX_VALID) & 0x073F) | 0x8080);
        assert_int_equal(usbfs_in(rig, 5, 0, data, &size), USB_DATA1);
        usbfs_in_ack(rig, 5, 0);
        clear_ctr(0);
        wr(USB, ((epr(0) ^ RX_VALID) & 0x370F) | 0x8080);
        assert_int_equal(usbfs_out(rig, 5, 0, 1, eight, 0, false), USB_ACK);
        clear_ctr(0);

        assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_ACK);
        clear_ctr(0);
        wr(USB, ((epr(0) ^ RX_VALID) & 0x370F) | 0x8080);
        assert_int_equal(usbfs_out(rig, 5, 0, 1, eight, 8, false), USB_ACK);
        clear_ctr(0);
        wr(PMA + 2, 0);
        wr(USB, ((epr(0) ^ TX_VALID) & 0x073F) | 0x8080);
        assert_int_equal(usbfs_in(rig, 5, 0, data, &size), USB_DATA1);
        usbfs_in_ack(rig, 5, 0);
        clear_ctr(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with(attach, test_rows),
        with(attach, test_not_addressed),
        with(attach, test_endpoint_address),
        with(attach, test_setup_refused_while_ctr_rx),
        with(attach, test_setup_bit),
        with(attach, test_control_toggles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
