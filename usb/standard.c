/* The standard requests of USB 2.0, 9.4, as a table, with the answers that 9.4 gives for each device
 * state; what it leaves open is refused. Endpoints are opened and closed by the descriptors. */
#include "usb/usbd_internal.h"

/* Walks over the endpoints of one interface (ANY: all) in one alternate setting. */
enum { ANY = 0x100 };

static void each_endpoint(unsigned interface, unsigned alternate,
                          void (*fn)(const struct usb_endpoint_descriptor *))
{
    const struct usb_config_descriptor *config = USBD->configuration;
    const uint8_t *end = (const uint8_t *)config + config->wTotalLength;
    bool wanted = false;

    if (USBD_CONTROL_ONLY)
        return;
    for (const uint8_t *d = (const uint8_t *)config; d < end; d += d[0]) {
        if (d[1] == USB_DESC_INTERFACE) {
            const struct usb_interface_descriptor *i = (const void *)d;
            wanted =
                (interface == ANY || interface == i->bInterfaceNumber) && alternate == i->bAlternateSetting;
        } else if (d[1] == USB_DESC_ENDPOINT && wanted) {
            fn((const void *)d);
        }
    }
}

static bool has_alternate(unsigned interface, unsigned alternate)
{
    const struct usb_config_descriptor *config = USBD->configuration;
    const uint8_t *end = (const uint8_t *)config + config->wTotalLength;

    if (!USBD_ALTERNATES)
        return interface < config->bNumInterfaces && alternate == 0;
    for (const uint8_t *d = (const uint8_t *)config; d < end; d += d[0]) {
        const struct usb_interface_descriptor *i = (const void *)d;
        if (d[1] == USB_DESC_INTERFACE && i->bInterfaceNumber == interface &&
            i->bAlternateSetting == alternate)
            return interface < USBD_INTERFACES;
    }
    return false;
}

static void open_one(const struct usb_endpoint_descriptor *d)
{
    *usbd_flags(d->bEndpointAddress) = EP_OPEN;
    USBD->driver->open(d->bEndpointAddress, d->bmAttributes & 3, d->wMaxPacketSize);
}

static void close_one(const struct usb_endpoint_descriptor *d)
{
    *usbd_flags(d->bEndpointAddress) = 0;
    USBD->driver->close(d->bEndpointAddress);
}

void usbd_configure(uint8_t configuration)
{
    for (unsigned i = 0; USBD_ALTERNATES && i < USBD_INTERFACES; i++) {
        if (usbd.configuration)
            each_endpoint(i, usbd.alternate[i], close_one);
        usbd.alternate[i] = 0;
    }
    usbd.configuration = configuration;
    if (configuration)
        each_endpoint(ANY, 0, open_one);
}

/* ---- requests ---------------------------------------------------------------------------- */

static enum usbd_answer reply(struct usbd_control *c, const void *data, uint16_t size)
{
    c->data = (uint8_t *)(uintptr_t)data; /* only read */
    c->size = size;
    return USBD_ACK;
}

static enum usbd_answer get_status(struct usbd_control *c)
{
    uint8_t *status = usbd.scratch;
    uint16_t index = c->setup.wIndex;

    status[0] = status[1] = 0;
    switch (c->setup.bmRequestType & USB_RECIPIENT_MASK) {
    case USB_RECIPIENT_DEVICE:
        if (index != 0)
            return USBD_FAIL;
        if (USBD->configuration->bmAttributes & USB_CONF_SELF_POWERED)
            status[0] |= 1;
        if (usbd.remote_wake)
            status[0] |= 2;
        break;
    case USB_RECIPIENT_INTERFACE:
        if (!usbd.configuration || !has_alternate(index, 0))
            return USBD_FAIL;
        break;
    default:
        if ((index & (uint16_t)~USB_DIR_IN) == 0)
            break;
        if (USBD_CONTROL_ONLY || index > 0xFF || !usbd_open_endpoint((uint8_t)index))
            return USBD_FAIL;
        status[0] = usbd_stalled((uint8_t)index);
    }
    return c->setup.wValue ? USBD_FAIL : reply(c, status, 2);
}

static enum usbd_answer feature(struct usbd_control *c, bool set)
{
    uint16_t index = c->setup.wIndex;
    bool halt = c->setup.wValue == USB_ENDPOINT_HALT;

    switch (c->setup.bmRequestType & USB_RECIPIENT_MASK) {
    case USB_RECIPIENT_DEVICE: /* test modes are for high speed (9.4.9) */
        if (c->setup.wValue != USB_DEVICE_REMOTE_WAKEUP || index != 0 ||
            !(USBD->configuration->bmAttributes & USB_CONF_REMOTE_WAKEUP))
            return USBD_FAIL;
        usbd.remote_wake = set;
        return USBD_ACK;
    case USB_RECIPIENT_ENDPOINT:
        /* Endpoint 0 has no halt feature (9.4.5); clearing it is harmless. */
        if (halt && (index & (uint16_t)~USB_DIR_IN) == 0)
            return set ? USBD_FAIL : USBD_ACK;
        if (USBD_CONTROL_ONLY || !halt || index > 0xFF || !usbd_open_endpoint((uint8_t)index))
            return USBD_FAIL;
        if (set) {
            usbd_stall((uint8_t)index);
        } else {
            *usbd_flags((uint8_t)index) = EP_OPEN;
            USBD->driver->stall((uint8_t)index, false);
            usbd_tell(USBD_UNSTALLED, (uint8_t)index);
        }
        return USBD_ACK;
    default: /* interfaces have no features */ return USBD_FAIL;
    }
}

static enum usbd_answer clear_feature(struct usbd_control *c)
{
    return feature(c, false);
}

static enum usbd_answer set_feature(struct usbd_control *c)
{
    return feature(c, true);
}

/* The address counts only after the status stage (9.4.6). */
static void take_address(void)
{
    usbd.address = (uint8_t)usbd.control.setup.wValue;
    USBD->driver->address(usbd.address);
    usbd_tell(USBD_ADDRESSED, usbd.address);
}

static enum usbd_answer set_address(struct usbd_control *c)
{
    if (usbd.configuration || c->setup.wValue > 127 || c->setup.wIndex != 0)
        return USBD_FAIL;
    c->done = take_address;
    return USBD_ACK;
}

static enum usbd_answer string_descriptor(struct usbd_control *c, uint8_t index)
{
    static const uint8_t languages[] = {4, USB_DESC_STRING, USB_LANGUAGE_ENGLISH_US & 0xFF,
                                        USB_LANGUAGE_ENGLISH_US >> 8};
    if (index == 0)
        return reply(c, languages, sizeof languages);
    const char *s = USBD->string ? USBD->string(index) : NULL;
    if (!s)
        return USBD_FAIL;
    uint8_t *d = usbd.scratch;
    uint8_t n = 2;
    for (; *s && n < 254; s++) { /* UTF-16LE; bLength is a byte */
        d[n++] = (uint8_t)*s;
        d[n++] = 0;
    }
    d[0] = n;
    d[1] = USB_DESC_STRING;
    return reply(c, d, n);
}

static enum usbd_answer get_descriptor(struct usbd_control *c)
{
    const struct usbd_device *d = USBD;
    uint8_t index = (uint8_t)c->setup.wValue;

    switch (c->setup.wValue >> 8) {
    case USB_DESC_DEVICE: return index ? USBD_FAIL : reply(c, d->device, sizeof *d->device);
    case USB_DESC_CONFIGURATION:
        return index ? USBD_FAIL : reply(c, d->configuration, d->configuration->wTotalLength);
    case USB_DESC_BOS: return index || !d->bos ? USBD_FAIL : reply(c, d->bos, d->bos->wTotalLength);
    case USB_DESC_STRING: return string_descriptor(c, index);
    default: /* DEVICE_QUALIFIER is an error at full speed (9.6.2) */ return USBD_FAIL;
    }
}

static enum usbd_answer get_configuration(struct usbd_control *c)
{
    if (c->setup.wValue || c->setup.wIndex)
        return USBD_FAIL;
    return reply(c, &usbd.configuration, 1);
}

static enum usbd_answer set_configuration(struct usbd_control *c)
{
    if ((c->setup.wValue && c->setup.wValue != USBD->configuration->bConfigurationValue) || c->setup.wIndex)
        return USBD_FAIL;
    usbd_configure((uint8_t)c->setup.wValue);
    usbd_tell(USBD_CONFIGURED, usbd.configuration);
    return USBD_ACK;
}

static enum usbd_answer get_interface(struct usbd_control *c)
{
    if (c->setup.wValue || !has_alternate(c->setup.wIndex, 0))
        return USBD_FAIL;
    return reply(c, &usbd.alternate[c->setup.wIndex], 1);
}

static enum usbd_answer set_interface(struct usbd_control *c)
{
    if (!has_alternate(c->setup.wIndex, c->setup.wValue))
        return USBD_FAIL;
    uint8_t interface = (uint8_t)c->setup.wIndex;
    each_endpoint(interface, usbd.alternate[interface], close_one);
    usbd.alternate[interface] = (uint8_t)c->setup.wValue;
    each_endpoint(interface, usbd.alternate[interface], open_one);
    usbd_tell(USBD_INTERFACE, interface);
    return USBD_ACK;
}

/* Which request is valid from which state on, for whom and in which direction (9.4, table 9-3). */
enum { IN_DEFAULT, IN_ADDRESS, IN_CONFIGURED };
enum { DEVICE = 1, INTERFACE = 2, ENDPOINT = 4 }; /* 1 << recipient */
static const struct {
    enum usbd_answer (*handle)(struct usbd_control *c);
    uint8_t from, recipients, direction;
} requests[] = {
    [USB_GET_STATUS] = {get_status, IN_ADDRESS, DEVICE | INTERFACE | ENDPOINT, USB_DIR_IN},
    [USB_CLEAR_FEATURE] = {clear_feature, IN_ADDRESS, DEVICE | INTERFACE | ENDPOINT, 0},
    [USB_SET_FEATURE] = {set_feature, IN_ADDRESS, DEVICE | INTERFACE | ENDPOINT, 0},
    [USB_SET_ADDRESS] = {set_address, IN_DEFAULT, DEVICE, 0},
    [USB_GET_DESCRIPTOR] = {get_descriptor, IN_DEFAULT, DEVICE, USB_DIR_IN},
    [USB_GET_CONFIGURATION] = {get_configuration, IN_ADDRESS, DEVICE, USB_DIR_IN},
    [USB_SET_CONFIGURATION] = {set_configuration, IN_ADDRESS, DEVICE, 0},
    [USB_GET_INTERFACE] = {get_interface, IN_CONFIGURED, INTERFACE, USB_DIR_IN},
    [USB_SET_INTERFACE] = {set_interface, IN_CONFIGURED, INTERFACE, 0},
};

enum usbd_answer usbd_standard(struct usbd_control *c)
{
    const struct usb_setup *s = &c->setup;
    unsigned state = usbd.configuration ? IN_CONFIGURED : usbd.address ? IN_ADDRESS : IN_DEFAULT;
    unsigned recipient = s->bmRequestType & USB_RECIPIENT_MASK;

    if (s->bRequest >= sizeof requests / sizeof *requests || !requests[s->bRequest].handle ||
        state < requests[s->bRequest].from || recipient > USB_RECIPIENT_ENDPOINT ||
        !(requests[s->bRequest].recipients & 1u << recipient) ||
        (s->bmRequestType & USB_DIR_IN) != requests[s->bRequest].direction)
        return USBD_FAIL;
    if (!(s->bmRequestType & USB_DIR_IN) && s->wLength) /* none of them carries data */
        return USBD_FAIL;
    return requests[s->bRequest].handle(c);
}

bool usbd_wants_function(const struct usb_setup *setup)
{
    /* Class and vendor requests; GET_DESCRIPTOR to an interface (HID, DFU class descriptors). */
    uint8_t type = setup->bmRequestType & USB_TYPE_MASK;
    return type == USB_TYPE_CLASS || type == USB_TYPE_VENDOR ||
           (setup->bmRequestType == (USB_DIR_IN | USB_RECIPIENT_INTERFACE) &&
            setup->bRequest == USB_GET_DESCRIPTOR);
}
