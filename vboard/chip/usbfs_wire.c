/* USB FS device block as the wire sees it: what each packet does to it and what it answers. One
 * function a packet, following the event table of RM0440 "USB" (the same block as in RM0394). */
#include "chip/usbfs.h"

#include <stdio.h>

#include "chip/state.h"

enum { CRC_SIZE = 2 };

static unsigned stat_rx(unsigned epr)
{
    return epr >> 12 & 3;
}
static unsigned stat_tx(unsigned epr)
{
    return epr >> 4 & 3;
}

static void set_stat(uint16_t *epr, unsigned mask, enum ep_stat rx, enum ep_stat tx)
{
    unsigned v = (unsigned)rx << 12 | (unsigned)tx << 4;
    *epr = (uint16_t)((*epr & ~mask) | (v & mask));
}

/* A packet begins: the bus is not idle, and a handshake that was waited for has not come. */
static void packet_begins(struct chip *c)
{
    struct usbfs_state *u = &c->usbfs;
    usbfs_traffic(c, LINE_J);
    if (u->sent) {
        u->sent = 0;
        usbfs_raise(c, ISTR_ERR);
    }
}

/* The endpoint register that a token is for: the lowest one with that address whose direction is not
 * disabled. NULL: nobody answers. */
static uint16_t *addressed(struct chip *c, unsigned addr, unsigned ep, bool in)
{
    struct usbfs_state *u = &c->usbfs;
    if (!usbfs_listening(c) || !(u->daddr & DADDR_EF) || (u->daddr & DADDR_ADD) != addr)
        return NULL;
    for (unsigned n = 0; n < USBFS_EPS; n++) {
        unsigned r = u->epr[n];
        if ((r & EP_EA) == ep && (in ? stat_tx(r) : stat_rx(r)) != STAT_DISABLED)
            return &u->epr[n];
    }
    return NULL;
}

/* RM0394: below 10 MHz of PCLK1 the packet memory is served too late. Then there is no handshake for
 * what comes in, and what goes out is spoilt by a bit-stuff error on purpose. Told once after a reset. */
static bool too_slow(struct chip *c)
{
    uint32_t hz = chip_clock(c, CLK_PCLK1);
    if (hz >= 10000000)
        return false;
    usbfs_raise(c, ISTR_PMAOVR);
    char sentence[160];
    (void)snprintf(sentence, sizeof sentence,
                   "USB loses packets (PMAOVR): PCLK1 is at %u kHz, and its packet memory needs 10 MHz",
                   (unsigned)(hz / 1000));
    chip_say_once(c, &c->usbfs.told_slow, sentence);
    return true;
}

/* USB_DM and USB_DP are AF10 of PA11 and PA12 (DS11449); ST's examples for the L432KC, which is the same die,
 * make them inputs, and say that even this is optional. What CubeMX 4.19 to 6.2 made for the L433 leaves them
 * in analog mode, and products with it are in use (nichtgedacht/L433CCTx-mini-sys, a CDC device). */
static bool usb_has_pin(const struct chip *c, unsigned pin)
{
    uint32_t mode = c->gpio[0].moder >> 2 * pin & 3;
    return mode == 0 || mode == 3 || gpio_af(c, 0, pin) == 10;
}

/* On the F303, where they are alternate functions as well, users find that nothing is heard through pins that
 * are something else. Told once after a reset. */
static void tell_pins(struct chip *c)
{
    const unsigned dm = 11, dp = 12;
    if (!usb_has_pin(c, dm) || !usb_has_pin(c, dp))
        chip_say_once(
            c, &c->usbfs.told_pins,
            "USB answers although PA11 or PA12 is an output or in an alternate function other than 10 "
            "(USB_DM, USB_DP): on the chip the host may see nothing of it");
}

/* RM0440 "Double-buffered endpoints": "forced to be used as unidirectional ones", for both rows of the table
 * are buffers of the one direction. CubeMX's CDC class has its data in both directions of endpoint 1, and
 * the HAL clears EP_KIND for a short transfer: a register that was ever double-buffered counts. */
static void tell_both_ways(struct chip *c, const uint16_t *epr)
{
    struct usbfs_state *u = &c->usbfs;
    unsigned n = (unsigned)(epr - u->epr);
    char sentence[160];
    if (usbfs_is_double(*epr))
        u->doubled |= (uint8_t)(1u << n);
    if (!(u->doubled >> n & 1) || stat_rx(*epr) == STAT_DISABLED || stat_tx(*epr) == STAT_DISABLED)
        return;
    (void)snprintf(
        sentence, sizeof sentence,
        "USB_EP%uR is double-buffered and serves both directions: it has buffers for one, IN and OUT need "
        "registers of their own",
        n);
    chip_say_once(c, &u->told_both, sentence);
}

/* ---- buffers ------------------------------------------------------------------------------ */

/* A row of the descriptor table: where its ADDR is; its COUNT follows. */
static unsigned row_of(const struct usbfs_state *u, const uint16_t *epr, bool second)
{
    return u->btable + 8U * (unsigned)(epr - u->epr) + (second ? 4 : 0);
}

static unsigned allocation(unsigned count)
{
    unsigned blocks = count >> 10 & 31;
    return count & 0x8000 ? 32 * (blocks + 1) : 2 * blocks;
}

/* Stores payload and, as far as there is room, the CRC. The payload is written as it arrives: also of
 * a packet that is refused in the end. False: it does not fit. */
static bool store(struct usbfs_state *u, unsigned row, const uint8_t *data, size_t size)
{
    unsigned at = pma_get(u, row) & 0xFFFE, room = allocation(pma_get(u, row + 2));
    unsigned crc = 0xFFFF; /* CRC-16 of USB 2.0 8.3.5.2: polynomial 0x8005, LSB first, inverted */
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xA001 : 0);
        if (i < room)
            u->pma[(at + i) % USBFS_PMA] = data[i];
    }
    for (unsigned i = 0; i < CRC_SIZE && size + CRC_SIZE <= room; i++)
        u->pma[(at + size + i) % USBFS_PMA] = (uint8_t)(~crc >> (8 * i));
    return size <= room;
}

static void received(struct usbfs_state *u, unsigned row, size_t size)
{
    unsigned count = pma_get(u, row + 2);
    pma_put(u, row + 2, (count & 0xFC00) | ((unsigned)size & 0x3FF));
}

/* A transaction of a double-buffered endpoint has toggled DTOG: if the next buffer is the software's, the
 * endpoint waits for it. Drivers for the L433 and L452 fill both buffers, and so toggle SW_BUF twice, before
 * the host asks for the first, or take one while the other is empty: that DTOG and SW_BUF are equal is no
 * conflict of itself. */
static void swap(struct usbfs_state *u, const uint16_t *epr)
{
    if (usbfs_same_buffer(*epr))
        u->full |= (uint8_t)(1U << (epr - u->epr));
}

/* ---- packets ------------------------------------------------------------------------------ */

enum usb_answer usbfs_setup(struct chip *c, unsigned addr, unsigned ep, const uint8_t packet[8])
{
    struct usbfs_state *u = &c->usbfs;
    packet_begins(c);
    uint16_t *epr = addressed(c, addr, ep, false);
    /* A SETUP that has not been taken yet keeps the next one out: no handshake, the host repeats it. */
    if (!epr || (*epr & EP_TYPE) != EP_CONTROL || *epr & EP_CTR_RX || too_slow(c))
        return USB_SILENT;
    unsigned row = row_of(u, epr, true);
    if (!store(u, row, packet, 8))
        return USB_SILENT; /* a SETUP may not be stalled */
    tell_pins(c);
    received(u, row, 8);
    /* The token sets DTOG_TX and clears DTOG_RX, the ACK then toggles DTOG_RX. */
    *epr |= EP_CTR_RX | EP_SETUP | EP_DTOG_TX | EP_DTOG_RX;
    set_stat(epr, EP_STAT_RX | EP_STAT_TX, STAT_NAK, STAT_NAK);
    usbfs_settle(c);
    return USB_ACK;
}

/* "CRC errors or buffer-overrun conditions" are "anyway considered as correct transactions" (RM0440). */
static void out_isochronous(struct chip *c, uint16_t *epr, const uint8_t *data, size_t size, bool bad)
{
    struct usbfs_state *u = &c->usbfs;
    if (stat_rx(*epr) != STAT_VALID || too_slow(c))
        return;
    unsigned row = row_of(u, epr, *epr & EP_DTOG_RX);
    size_t room = allocation(pma_get(u, row + 2));
    received(u, row, store(u, row, data, size) ? size : room);
    *epr = (uint16_t)(((*epr & ~EP_SETUP) ^ EP_DTOG_RX) | EP_CTR_RX);
    usbfs_raise(c, bad ? ISTR_ERR : 0);
}

enum usb_answer usbfs_out(struct chip *c, unsigned addr, unsigned ep, unsigned toggle, const uint8_t *data,
                          size_t size, bool bad)
{
    struct usbfs_state *u = &c->usbfs;
    packet_begins(c);
    uint16_t *epr = addressed(c, addr, ep, false);
    if (!epr)
        return USB_SILENT;
    tell_both_ways(c, epr);
    unsigned type = *epr & EP_TYPE, n = (unsigned)(epr - u->epr);
    if (type == EP_ISO) {
        out_isochronous(c, epr, data, size, bad);
        return USB_SILENT;
    }
    bool dtog = *epr & EP_DTOG_RX, two = usbfs_is_double(*epr);
    unsigned stat = stat_rx(*epr);
    if (u->full >> n & 1 && stat == STAT_VALID)
        stat = STAT_NAK;

    unsigned row = row_of(u, epr, two ? dtog : true);
    if (stat == STAT_VALID && too_slow(c))
        return USB_SILENT;
    bool fits = stat != STAT_VALID || store(u, row, data, size);
    if (bad) {
        usbfs_raise(c, ISTR_ERR);
        return USB_SILENT;
    }
    if (stat != STAT_VALID)
        return stat == STAT_NAK ? USB_NAK : USB_STALL;
    if (toggle != dtog)
        return USB_ACK; /* the host missed our last ACK: acknowledge, and nothing else */
    if (!fits || (type == EP_CONTROL && *epr & EP_KIND && size > 0))
        return USB_STALL;
    received(u, row, size);
    unsigned setup = *epr & EP_CTR_RX ? *epr & EP_SETUP : 0U; /* frozen while CTR_RX is set */
    *epr = (uint16_t)(((*epr & ~(unsigned)EP_SETUP) ^ EP_DTOG_RX) | EP_CTR_RX | setup);
    if (two)
        swap(u, epr);
    else
        set_stat(epr, EP_STAT_RX, STAT_NAK, STAT_NAK);
    usbfs_settle(c);
    return USB_ACK;
}

/* The transaction of an IN endpoint is over. */
static void transmitted(struct chip *c, uint16_t *epr)
{
    struct usbfs_state *u = &c->usbfs;
    *epr = (uint16_t)((*epr ^ EP_DTOG_TX) | EP_CTR_TX);
    if (usbfs_is_double(*epr))
        swap(u, epr);
    else if ((*epr & EP_TYPE) != EP_ISO)
        set_stat(epr, EP_STAT_TX, STAT_NAK, STAT_NAK);
    usbfs_settle(c);
}

enum usb_answer usbfs_in(struct chip *c, unsigned addr, unsigned ep, uint8_t *data, size_t *size)
{
    struct usbfs_state *u = &c->usbfs;
    *size = 0;
    packet_begins(c);
    uint16_t *epr = addressed(c, addr, ep, true);
    if (!epr)
        return USB_SILENT;
    tell_both_ways(c, epr);
    unsigned type = *epr & EP_TYPE, n = (unsigned)(epr - u->epr), stat = stat_tx(*epr);
    bool dtog = *epr & EP_DTOG_TX, two = usbfs_is_double(*epr);
    if (type == EP_ISO && stat != STAT_VALID)
        return USB_SILENT;
    if (u->full >> n & 1 && stat == STAT_VALID)
        stat = STAT_NAK;
    if (stat != STAT_VALID)
        return stat == STAT_NAK ? USB_NAK : USB_STALL;
    if (too_slow(c))
        return USB_SILENT;

    unsigned row = row_of(u, epr, two || type == EP_ISO ? dtog : false);
    unsigned at = pma_get(u, row) & 0xFFFE;
    *size = pma_get(u, row + 2) & 0x3FF;
    for (unsigned i = 0; i < *size; i++)
        data[i] = u->pma[(at + i) % USBFS_PMA];
    if (type == EP_ISO) {
        transmitted(c, epr);
        return USB_DATA0;
    }
    u->sent = (uint8_t)(n + 1);
    return dtog ? USB_DATA1 : USB_DATA0;
}

void usbfs_in_ack(struct chip *c, unsigned addr, unsigned ep)
{
    struct usbfs_state *u = &c->usbfs;
    usbfs_traffic(c, LINE_J);
    unsigned sent = u->sent;
    u->sent = 0;
    /* The handshake belongs to the packet just sent, unless a reset came in between. */
    if (sent && usbfs_listening(c) && (u->daddr & DADDR_ADD) == addr && (u->epr[sent - 1] & EP_EA) == ep)
        transmitted(c, &u->epr[sent - 1]);
}

enum usb_answer usbfs_lpm(struct chip *c, unsigned addr, unsigned besl, bool remote_wake)
{
    struct usbfs_state *u = &c->usbfs;
    packet_begins(c);
    if (!usbfs_listening(c) || !(u->daddr & DADDR_EF) || (u->daddr & DADDR_ADD) != addr ||
        !(u->lpmcsr & LPMCSR_LPMEN))
        return USB_SILENT;
    if (!(u->lpmcsr & LPMCSR_LPMACK))
        return USB_NYET;
    u->lpmcsr = (uint16_t)((u->lpmcsr & (LPMCSR_LPMEN | LPMCSR_LPMACK)) | (besl & 15) << 4 |
                           (remote_wake ? LPMCSR_REMWAKE : 0));
    usbfs_raise(c, ISTR_L1REQ);
    return USB_ACK;
}

/* A device that is not suspended and hears nothing: its clocks did not come back behind Stop mode, as in ST's
 * HID_Standalone_LPM for the L432KC, whose clocks are HSI48 while its resume brings back others. To start a
 * PLL takes less than this. */
static void tell_deaf(struct chip *c)
{
    const unsigned frames = 30;
    struct usbfs_state *u = &c->usbfs;
    char why[80], sentence[160];
    if (!u->pullup || u->cntr & (CNTR_FRES | CNTR_FSUSP) || chip_clock(c, CLK_48))
        u->deaf = 0;
    else
        u->deaf++;
    if (u->deaf < frames)
        return;
    u->deaf = 0;
    rcc_name_clk48(c, why, sizeof why);
    (void)snprintf(sentence, sizeof sentence,
                   "USB: the host has sent frames for 30 ms, and the device has lost its 48 MHz: %s", why);
    chip_say_once(c, &u->told_deaf, sentence);
}

void usbfs_sof(struct chip *c, unsigned frame)
{
    struct usbfs_state *u = &c->usbfs;
    packet_begins(c);
    if (!usbfs_listening(c)) {
        tell_deaf(c);
        return;
    }
    u->deaf = 0;
    u->frame = frame & 0x7FF;
    u->lsof = 0;
    if (u->sofs < 2)
        u->sofs++;
    u->tick = PS_NEVER; /* the timer starts anew */
    crs_sync(c, CRS_USB_SOF, true);
    tim_usb_sof(c);
    usbfs_raise(c, ISTR_SOF);
}

void usbfs_bus_reset(struct chip *c, bool begin)
{
    struct usbfs_state *u = &c->usbfs;
    if (!u->pullup)
        return;
    usbfs_traffic(c, begin ? LINE_SE0 : LINE_J);
    u->se0 = begin;
    usbfs_settle(c);
}

void usbfs_resume(struct chip *c)
{
    c->usbfs.sofs = 0;
    usbfs_traffic(c, LINE_K);
}

void usbfs_cable(struct chip *c, bool in)
{
    c->usbfs.cable = in;
    c->usbfs.line = LINE_J;
}
