/* Isochronous endpoints of RM0394's USB block: both buffers of an endpoint number, which the hardware uses in
 * turn, one a frame. */
#ifndef ISOCHRONOUS_ENDPOINTS_H
#define ISOCHRONOUS_ENDPOINTS_H

#include "usb/usbd.h"

enum { OUT_EP = 0x01, IN_EP = 0x82, PACKET = 128 };

extern struct usb_driver isochronous_usb; /* port_usb, and these endpoints */
void isochronous_init(void);

/* After USBD_RECEIVED: takes the packet that has come; returns its length, at most PACKET. */
unsigned isochronous_take(uint8_t *data);
/* After USBD_SENT, and once when the endpoint was opened: what goes out behind the packet that is ready. The
 * very first one is empty. */
void isochronous_put(const uint8_t *data, unsigned size);

#endif
