/* The vendor requests of WebUSB and Microsoft OS 2.0. */
#include "usb/platform.h"

_Static_assert(sizeof(struct platform_bos) == 57, "5 + 24 + 28 bytes");
_Static_assert(sizeof(struct msos20_winusb) == 162, "10 + 20 + 132 bytes");
_Static_assert(sizeof(struct msos20_winusb_function) == 178, "10 + 8 + 8 + 20 + 132 bytes");

enum usbd_answer platform_request(struct usbd_control *c, const void *set, const struct webusb_url *url)
{
    const struct usb_setup *s = &c->setup;
    const void *reply = NULL;

    if (s->bmRequestType != (USB_DIR_IN | USB_TYPE_VENDOR) || s->bRequest != PLATFORM_VENDOR_CODE)
        return USBD_FAIL;
    if (s->wIndex == MSOS20_GET_SET && s->wValue == 0) {
        reply = set;
        c->size = ((const struct msos20_header *)set)->wTotalLength;
    } else if (s->wIndex == WEBUSB_GET_URL && s->wValue == 1 && url) {
        reply = url;
        c->size = url->bLength;
    }
    if (!reply)
        return USBD_FAIL;
    c->data = (uint8_t *)(uintptr_t)reply; /* only read */
    return USBD_ACK;
}
