/* Driver of the USB full-speed device block (RM0394 "USB FS"): packet memory, endpoint registers,
 * interrupt; usbfs_attach.c switches it on. Single-buffered endpoints of up to 64 bytes,
 * numbers 0-6 in both directions. Usable by the bootloader (from SRAM) and by applications. */
#include "port/stm32l433/usbfs.h"
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"
#include "usb/usbd.h"

/* Packet memory: the descriptor table at its start, then two 64-byte buffers for each endpoint. */
enum { TABLE = USBFS_BTABLE, BUFFERS = 64, BUFFER = 64 };
enum { ADDR_TX, COUNT_TX, ADDR_RX, COUNT_RX };
#define COUNT_MASK 0x03FFu
#define ROOM_64    0x8400u /* BL_SIZE = 1, NUM_BLOCK = 1 */

enum { DISABLED, STALL, NAK, VALID }; /* STAT_TX, STAT_RX */

/* Bits of EPnR that are written as they are, but for EA, which is n; CTR_x are cleared by 0, all others
 * toggled by 1. */
#define EPR_KEEP   (USB_EPR_EP_KIND | USB_EPR_EP_TYPE)
#define EPR_CTR    (USB_EPR_CTR_RX | USB_EPR_CTR_TX)
#define NUMBER(ep) (USBD_CONTROL_ONLY ? 0u : (ep)&7u)
#define EPR(n)     USB->EPR[NUMBER(n)]
#define TX(stat)   ((uint32_t)(stat) << USB_EPR_STAT_TX_Pos)
#define RX(stat)   ((uint32_t)(stat) << USB_EPR_STAT_RX_Pos)

static volatile uint16_t *descriptor(unsigned n)
{
    return USB_PMA + TABLE / 2 + n * 4;
}

static volatile uint16_t *buffer(unsigned n, unsigned rx)
{
    return USB_PMA + (BUFFERS + BUFFER * (2 * n + rx)) / 2;
}

/* Brings toggle bits of `mask` to `value`. The hardware may move STAT between the read and the write, from
 * VALID to NAK or by a SETUP from anything to NAK, and a toggle then lands elsewhere: look again. That is
 * enough: interrupts are locked, or this is one, so a turn takes some 30 cycles; and two transactions at one
 * endpoint end more than 4 us apart (token and handshake alone), so of two turns in a row one at most is
 * spoilt. The third finds nothing left to do. What a spoilt turn leaves stands until the next one, 30 cycles.
 */
static void set_bits(unsigned n, uint32_t mask, uint32_t value)
{
    for (unsigned tries = 0; tries < 3; tries++) {
        uint32_t epr = EPR(n);
        uint32_t toggle = (epr ^ value) & mask;
        if (!toggle)
            return;
        EPR(n) = (epr & EPR_KEEP) | NUMBER(n) | EPR_CTR | toggle;
    }
}

/* Clears CTR_RX or CTR_TX. */
static void clear_ctr(unsigned n, uint32_t ctr)
{
    EPR(n) = (EPR(n) & EPR_KEEP) | NUMBER(n) | (EPR_CTR & ~ctr);
}

/* A new SETUP on endpoint 0 makes anything that is prepared for the old request wrong. */
static bool setup_waits(unsigned n)
{
    const uint32_t both = USB_EPR_CTR_RX | USB_EPR_SETUP;
    return NUMBER(n) == 0 && (EPR(0) & both) == both;
}

/* Lets nothing through but a SETUP. */
static void close_both(unsigned n)
{
    set_bits(n, USB_EPR_STAT_TX | USB_EPR_STAT_RX, TX(NAK) | RX(NAK));
}

/* Sets STAT of one or both directions, unless a SETUP came in between. A host needs more than 4 us
 * from the end of a SETUP to the end of its next token, so looking once more afterwards is enough. */
static void arm(unsigned n, uint32_t mask, uint32_t stat)
{
    if (setup_waits(n))
        return;
    set_bits(n, mask, stat);
    if (setup_waits(n))
        set_bits(n, mask, TX(NAK) | RX(NAK));
}

static void open_register(unsigned n, uint32_t type)
{
    volatile uint16_t *d = descriptor(n);
    d[ADDR_TX] = (uint16_t)(BUFFERS + BUFFER * (2 * n));
    d[ADDR_RX] = (uint16_t)(BUFFERS + BUFFER * (2 * n + 1));
    d[COUNT_RX] = ROOM_64;
    /* EP_KIND off; both CTR off, which survive a bus reset. STAT and DTOG stay. */
    EPR(n) = type << USB_EPR_EP_TYPE_Pos | n;
}

static void usbfs_address(uint8_t addr)
{
    USB->DADDR = USB_DADDR_EF | addr;
}

#if !USBD_CONTROL_ONLY
static void usbfs_open(uint8_t ep, uint8_t type, uint16_t size)
{
    /* By bmAttributes: control, isochronous, bulk, interrupt. */
    static const uint8_t codes[] = {1, 2, 0, 3};
    unsigned n = NUMBER(ep);
    (void)size; /* at most 64, what a buffer holds */

    /* The other direction of this number may be open: EP_TYPE is common, the rest is not. */
    open_register(n, codes[type & 3]);
    if (ep & USB_DIR_IN)
        set_bits(n, USB_EPR_STAT_TX | USB_EPR_DTOG_TX, TX(NAK));
    else
        set_bits(n, USB_EPR_STAT_RX | USB_EPR_DTOG_RX, RX(NAK));
}

static void usbfs_close(uint8_t ep)
{
    set_bits(ep & 7, ep & USB_DIR_IN ? USB_EPR_STAT_TX : USB_EPR_STAT_RX, 0);
    clear_ctr(ep & 7, ep & USB_DIR_IN ? USB_EPR_CTR_TX : USB_EPR_CTR_RX);
}

#endif

static void usbfs_write(uint8_t ep, const void *data, uint16_t size)
{
    unsigned n = NUMBER(ep);
    const uint8_t *from = data;
    volatile uint16_t *to = buffer(n, 0);

    for (unsigned i = 0; i < size; i += 2) /* the odd last byte brings a neighbour along, unsent */
        *to++ = (uint16_t)(from[i] | (i + 1u < size ? from[i + 1] : 0) << 8);
    descriptor(n)[COUNT_TX] = size;
    arm(n, USB_EPR_STAT_TX, TX(VALID));
}

static void usbfs_accept(uint8_t ep, bool status)
{
    unsigned n = NUMBER(ep);
    uint32_t kind = status ? USB_EPR_EP_KIND : 0; /* STATUS_OUT on a control endpoint */

    EPR(n) = (EPR(n) & USB_EPR_EP_TYPE) | n | kind | EPR_CTR;
    arm(n, USB_EPR_STAT_RX, RX(VALID));
}

static uint16_t usbfs_read(uint8_t ep, void *data, uint16_t room)
{
    unsigned n = NUMBER(ep);
    uint8_t *to = data;
    const volatile uint16_t *from = buffer(n, 1);
    uint16_t size = descriptor(n)[COUNT_RX] & COUNT_MASK;
    uint16_t take = size < room ? size : room;

    for (unsigned i = 0; i < take; i += 2) {
        uint16_t two = *from++;
        to[i] = (uint8_t)two;
        if (i + 1u < take)
            to[i + 1] = (uint8_t)(two >> 8);
    }
    /* While CTR_RX is set a SETUP is refused and cannot overwrite the buffer; the host repeats it. */
    if (n == 0)
        clear_ctr(0, USB_EPR_CTR_RX);
    return size;
}

static void usbfs_stall(uint8_t ep, bool on)
{
    unsigned n = NUMBER(ep);
    if (n == 0) {
        if (on)
            arm(0, USB_EPR_STAT_TX | USB_EPR_STAT_RX, TX(STALL) | RX(STALL));
    } else if (ep & USB_DIR_IN) {
        set_bits(n, USB_EPR_STAT_TX, TX(on ? STALL : NAK));
        if (!on)
            set_bits(n, USB_EPR_DTOG_TX, 0);
    } else {
        set_bits(n, USB_EPR_STAT_RX, RX(on ? STALL : NAK));
        if (!on)
            set_bits(n, USB_EPR_DTOG_RX, 0);
    }
}

#if !USBD_CONTROL_ONLY
static void usbfs_wake(bool on)
{
    if (on) {
        USB->CNTR &= ~USB_CNTR_LPMODE;
        USB->CNTR |= USB_CNTR_RESUME;
    } else {
        USB->CNTR &= ~USB_CNTR_RESUME; /* WKUP clears FSUSP: it comes only while that is set */
    }
}

static uint16_t usbfs_frame(void)
{
    return (uint16_t)(USB->FNR & USB_FNR_FN);
}

#endif

/* ---- interrupt --------------------------------------------------------------------------- */

static void bus_reset(void)
{
    /* The hardware has cleared DADDR and all of EPnR but CTR_x. */
    USB->CNTR &= ~(USB_CNTR_FSUSP | USB_CNTR_LPMODE);
    open_register(0, 1);
    close_both(0);
    usbfs_address(0);
    usbd_on_reset();
}

static void received_setup(void)
{
    /* NAK is what the hardware has set; a packet for the old request may have been armed since. */
    close_both(0);
    usbd_on_setup();
}

static void transaction(unsigned n)
{
    uint32_t epr = EPR(n);
    if (epr & USB_EPR_CTR_TX) { /* first: the status stage of one request precedes the next SETUP */
        clear_ctr(n, USB_EPR_CTR_TX);
        usbd_on_sent((uint8_t)(USB_DIR_IN | n));
    }
    if (epr & USB_EPR_CTR_RX) {
        if (n == 0 && (epr & USB_EPR_SETUP)) {
            received_setup();
            return;
        }
        if (n != 0)
            clear_ctr(n, USB_EPR_CTR_RX);
        usbd_on_received((uint8_t)n);
    }
}

/* One event at a time: the line is a level and brings us back for the next. */
void USB_IRQHandler(void);
void USB_IRQHandler(void)
{
    uint32_t istr = USB->ISTR;

    if (istr & USB_ISTR_RESET) {
        USB->ISTR = ~USB_ISTR_RESET & 0xFFFF;
        bus_reset();
    } else if (istr & USB_ISTR_WKUP) {
        USB->ISTR = ~USB_ISTR_WKUP & 0xFFFF;
        /* After mere noise the bus falls idle again, which the next SUSP reports. */
        USB->CNTR &= ~(USB_CNTR_FSUSP | USB_CNTR_LPMODE);
        usbd_on_suspend(false);
    } else if (istr & USB_ISTR_SUSP) {
        USB->CNTR |= USB_CNTR_FSUSP;
        USB->CNTR |= USB_CNTR_LPMODE;
        USB->ISTR = ~USB_ISTR_SUSP & 0xFFFF; /* only now, or it is set again */
        usbd_on_suspend(true);
    } else if (istr & USB_ISTR_CTR) {
        transaction(NUMBER(istr & USB_ISTR_EP_ID));
    }
}

const struct usb_driver port_usb = {
    .start = usbfs_start,
    .connect = usbfs_connect,
    .address = usbfs_address,
#if !USBD_CONTROL_ONLY
    .open = usbfs_open,
    .close = usbfs_close,
    .wake = usbfs_wake,
    .frame = usbfs_frame,
#endif
    .write = usbfs_write,
    .accept = usbfs_accept,
    .read = usbfs_read,
    .stall = usbfs_stall,
};
