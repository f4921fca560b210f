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

/* GET_STATUS, GET_CONFIGURATION, GET_INTERFACE */
static enum usbd_answer get(struct usbd_control *c)
{
    const struct usb_setup *s = &c->setup;
    unsigned value = 0;

    if (s->wValue)
        return USBD_FAIL;
    if (s->bRequest == USB_GET_CONFIGURATION) {
        value = usbd.configuration;
    } else if (s->bRequest == USB_GET_INTERFACE) {
        value = usbd_alternate((uint8_t)s->wIndex);
    } else if (s->bmRequestType == (USB_DIR_IN | USB_RECIPIENT_DEVICE)) {
        value = (USBD->configuration->bmAttributes & USB_CONF_SELF_POWERED ? 1u : 0) |
                (USBD->configuration->bmAttributes & USB_CONF_REMOTE_WAKEUP && usbd.remote_wake ? 2u : 0);
    } else if (s->bmRequestType == (USB_DIR_IN | USB_RECIPIENT_ENDPOINT)) {
        value = usbd_stalled((uint8_t)s->wIndex);
    }
    usbd.scratch[0] = (uint8_t)value;
    usbd.scratch[1] = 0;
    return reply(c, usbd.scratch, s->bRequest == USB_GET_STATUS ? 2 : 1);
}

/* Interfaces have none. */
static enum usbd_answer feature(const struct usb_setup *s)
{
    bool set = s->bRequest == USB_SET_FEATURE;
    uint8_t ep = (uint8_t)s->wIndex;

    if (s->bmRequestType == USB_RECIPIENT_DEVICE) { /* test modes are for high speed (9.4.9) */
        if (s->wValue != USB_DEVICE_REMOTE_WAKEUP ||
            !(USBD->configuration->bmAttributes & USB_CONF_REMOTE_WAKEUP))
            return USBD_FAIL;
        usbd.remote_wake = set;
        return USBD_ACK;
    }
    if (s->wValue != USB_ENDPOINT_HALT)
        return USBD_FAIL;
    if (!usbd_open_endpoint(ep)) /* endpoint 0 has no halt (9.4.5); clearing it is harmless */
        return set ? USBD_FAIL : USBD_ACK;
    if (set) {
        usbd_stall(ep);
    } else {
        *usbd_flags(ep) = EP_OPEN;
        USBD->driver->stall(ep, false);
        usbd_tell(USBD_UNSTALLED, ep);
    }
    return USBD_ACK;
}

/* The address counts only after the status stage (9.4.6). */
static void take_address(void)
{
    usbd.address = (uint8_t)usbd.control.setup.wValue;
    USBD->driver->address(usbd.address);
}

static enum usbd_answer set_address(struct usbd_control *c)
{
    if (usbd.configuration || c->setup.wValue > 127)
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
    unsigned n = 2;
    for (; *s && n < 254; n += 2) { /* UTF-16LE; bLength is a byte */
        d[n] = (uint8_t)*s++;
        d[n + 1] = 0;
    }
    d[0] = (uint8_t)n;
    d[1] = USB_DESC_STRING;
    return reply(c, d, (uint16_t)n);
}

static enum usbd_answer get_descriptor(struct usbd_control *c)
{
    const struct usbd_device *d = USBD;
    uint8_t type = (uint8_t)(c->setup.wValue >> 8), index = (uint8_t)c->setup.wValue;

    if (type == USB_DESC_STRING)
        return string_descriptor(c, index);
    if (index)
        return USBD_FAIL;
    if (type == USB_DESC_DEVICE)
        return reply(c, d->device, sizeof *d->device);
    if (type == USB_DESC_CONFIGURATION)
        return reply(c, d->configuration, d->configuration->wTotalLength);
    if (type == USB_DESC_BOS && d->bos)
        return reply(c, d->bos, d->bos->wTotalLength);
    return USBD_FAIL; /* DEVICE_QUALIFIER is an error at full speed (9.6.2) */
}

static enum usbd_answer set_configuration(const struct usb_setup *s)
{
    if (s->wValue && s->wValue != USBD->configuration->bConfigurationValue)
        return USBD_FAIL;
    usbd_configure((uint8_t)s->wValue);
    usbd_tell(USBD_CONFIGURED, usbd.configuration);
    return USBD_ACK;
}

static enum usbd_answer set_interface(const struct usb_setup *s)
{
    uint8_t interface = (uint8_t)s->wIndex;
    if (!has_alternate(interface, s->wValue))
        return USBD_FAIL;
    if (USBD_ALTERNATES) {
        each_endpoint(interface, usbd.alternate[interface], close_one);
        usbd.alternate[interface] = (uint8_t)s->wValue;
        each_endpoint(interface, usbd.alternate[interface], open_one);
    }
    usbd_tell(USBD_INTERFACE, interface);
    return USBD_ACK;
}

/* For whom a request may be (table 9-3); its number tells its direction: the odd ones are OUT. */
enum {
    DEVICE = 1 << USB_RECIPIENT_DEVICE,
    INTERFACE = 1 << USB_RECIPIENT_INTERFACE,
    ENDPOINT = 1 << USB_RECIPIENT_ENDPOINT
};
static const uint8_t recipients[] = {
    [USB_GET_STATUS] = DEVICE | INTERFACE | ENDPOINT,
    [USB_CLEAR_FEATURE] = DEVICE | ENDPOINT,
    [USB_SET_FEATURE] = DEVICE | ENDPOINT,
    [USB_SET_ADDRESS] = DEVICE,
    [USB_GET_DESCRIPTOR] = DEVICE,
    [USB_GET_CONFIGURATION] = DEVICE,
    [USB_SET_CONFIGURATION] = DEVICE,
    [USB_GET_INTERFACE] = INTERFACE,
    [USB_SET_INTERFACE] = INTERFACE,
};

/* Is there what wIndex names? Interfaces and endpoints are there when the device is configured. */
static bool target_exists(unsigned recipient, unsigned index)
{
    if (recipient == USB_RECIPIENT_ENDPOINT)
        return (index & ~USB_DIR_IN) == 0 || (index <= 0xFF && usbd_open_endpoint((uint8_t)index));
    if (recipient == USB_RECIPIENT_DEVICE)
        return index == 0;
    return usbd.configuration && has_alternate(index, 0);
}

enum usbd_answer usbd_standard(struct usbd_control *c)
{
    const struct usb_setup *s = &c->setup;
    unsigned request = s->bRequest, in = s->bmRequestType / USB_DIR_IN;
    unsigned recipient = s->bmRequestType % USB_DIR_IN; /* more if the type is not standard */

    if (request >= sizeof recipients || recipient > USB_RECIPIENT_ENDPOINT ||
        !(recipients[request] >> recipient & 1) || in == request % 2)
        return USBD_FAIL;
    if (request == USB_GET_DESCRIPTOR) /* of strings wIndex is the language */
        return get_descriptor(c);
    if (!target_exists(recipient, s->wIndex) || (!usbd.address && request != USB_SET_ADDRESS))
        return USBD_FAIL;
    if (in)
        return get(c);
    if (s->wLength) /* none of them takes data */
        return USBD_FAIL;
    if (request == USB_SET_ADDRESS)
        return set_address(c);
    if (request == USB_SET_CONFIGURATION)
        return set_configuration(s);
    return request == USB_SET_INTERFACE ? set_interface(s) : feature(s);
}
