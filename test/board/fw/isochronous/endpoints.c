/* See endpoints.h. The port's driver has single buffers of 64 bytes; here the two are opened otherwise. */
#include "endpoints.h"
#include "port/port.h"
#include "port/stm32l433/regs.h"

/* Packet memory: table and endpoint 0 below 0x0C0 are the port's. COUNT of a receiver: blocks of 32 bytes. */
enum { BUFFERS = 0x200, ROOM = 0x8000 | (PACKET / 32 - 1) << 10 };
enum { TYPE_ISO = 2, VALID = 3 };

struct usb_driver isochronous_usb;

/* Row `second` of endpoint n in the table: its buffer, and its COUNT. */
static volatile uint16_t *row(unsigned n, bool second)
{
    return USB_PMA + 4 * n + (second ? 2 : 0);
}

static void open(uint8_t ep, uint8_t type, uint16_t size)
{
    unsigned n = ep & 15;
    bool in = ep & USB_DIR_IN;
    if (type != USB_EP_ISOCHRONOUS || size > PACKET)
        return; /* the setting that no host has bandwidth for: nobody answers */
    for (unsigned k = 0; k < 2; k++) {
        row(n, k)[0] = (uint16_t)(BUFFERS + PACKET * (2 * (n - 1) + k));
        row(n, k)[1] = in ? 0 : ROOM;
    }
    /* STAT and DTOG are toggled: to VALID and 0, whatever they are. */
    uint32_t want = in ? (uint32_t)VALID << USB_EPR_STAT_TX_Pos : (uint32_t)VALID << USB_EPR_STAT_RX_Pos;
    uint32_t toggles = USB_EPR_STAT_RX | USB_EPR_STAT_TX | USB_EPR_DTOG_RX | USB_EPR_DTOG_TX;
    USB->EPR[n] = (uint32_t)TYPE_ISO << USB_EPR_EP_TYPE_Pos | n | ((USB->EPR[n] ^ want) & toggles);
}

void isochronous_init(void)
{
    isochronous_usb = port_usb;
    isochronous_usb.open = open;
}

/* RM0394, isochronous transfers: DTOG names the buffer that the hardware uses, the other is the program's.
 * The interrupt comes in the frame that has toggled it, and the next packet is in the next frame. */
unsigned isochronous_take(uint8_t *data)
{
    const volatile uint16_t *r = row(OUT_EP, !(USB->EPR[OUT_EP] & USB_EPR_DTOG_RX));
    const volatile uint16_t *from = USB_PMA + r[0] / 2;
    unsigned size = r[1] & 0x3FF;
    for (unsigned i = 0; i < size; i++)
        data[i] = (uint8_t)(from[i / 2] >> (8 * (i & 1)));
    return size;
}

void isochronous_put(const uint8_t *data, unsigned size)
{
    unsigned n = IN_EP & 15;
    volatile uint16_t *r = row(n, !(USB->EPR[n] & USB_EPR_DTOG_TX));
    volatile uint16_t *to = USB_PMA + r[0] / 2;
    for (unsigned i = 0; i < size; i += 2)
        *to++ = (uint16_t)(data[i] | (i + 1 < size ? data[i + 1] : 0) << 8);
    r[1] = (uint16_t)size;
}
