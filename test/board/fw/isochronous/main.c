/* A device with an isochronous endpoint in each direction. Each IN packet says in which frame it was made,
 * how many were made before it and how many OUT packets have come, and holds the last one of these. Alternate
 * setting 0 has no endpoints, as in audio and video; setting 2 asks for more than a frame has. */
#include "endpoints.h"
#include "port/port.h"

enum { HEAD = 8 };

static const struct usb_device_descriptor device_descriptor = {
    .bLength = sizeof(struct usb_device_descriptor),
    .bDescriptorType = USB_DESC_DEVICE,
    .bcdUSB = 0x0200,
    .bDeviceClass = 0xFF,
    .bMaxPacketSize0 = USBD_EP0_SIZE,
    .idVendor = 0x0483,
    .idProduct = 0x5741,
    .bcdDevice = 0x0100,
    .bNumConfigurations = 1,
};

#define SETTING(alternate, endpoints)                                                                        \
    {                                                                                                        \
        .bLength = sizeof(struct usb_interface_descriptor), .bDescriptorType = USB_DESC_INTERFACE,           \
        .bAlternateSetting = (alternate), .bNumEndpoints = (endpoints), .bInterfaceClass = 0xFF              \
    }
#define ENDPOINT(address, size)                                                                              \
    {                                                                                                        \
        .bLength = sizeof(struct usb_endpoint_descriptor), .bDescriptorType = USB_DESC_ENDPOINT,             \
        .bEndpointAddress = (address), .bmAttributes = USB_EP_ISOCHRONOUS, .wMaxPacketSize = (size),         \
        .bInterval = 1                                                                                       \
    }

static const struct {
    struct usb_config_descriptor config;
    struct usb_interface_descriptor idle;
    struct {
        struct usb_interface_descriptor setting;
        struct usb_endpoint_descriptor out, in;
    } USB_PACKED stream, greedy;
} USB_PACKED configuration = {
    .config = {.bLength = sizeof(struct usb_config_descriptor),
               .bDescriptorType = USB_DESC_CONFIGURATION,
               .wTotalLength = sizeof configuration,
               .bNumInterfaces = 1,
               .bConfigurationValue = 1,
               .bmAttributes = USB_CONF_RESERVED,
               .bMaxPower = 50},
    .idle = SETTING(0, 0),
    .stream = {SETTING(1, 2), ENDPOINT(OUT_EP, PACKET), ENDPOINT(IN_EP, PACKET)},
    .greedy = {SETTING(2, 2), ENDPOINT(OUT_EP, 1023), ENDPOINT(IN_EP, 512)},
};

static uint8_t last[PACKET];
static unsigned last_size;
static uint16_t made, received;

static void make(void)
{
    uint8_t packet[PACKET];
    unsigned n = last_size < PACKET - HEAD ? last_size : PACKET - HEAD;
    const uint16_t head[HEAD / 2] = {usbd_frame(), made++, received, (uint16_t)last_size};
    __builtin_memcpy(packet, head, HEAD);
    __builtin_memcpy(packet + HEAD, last, n);
    isochronous_put(packet, HEAD + n);
}

static void event(enum usbd_event e, uint8_t arg)
{
    switch (e) {
    case USBD_INTERFACE:
        made = received = 0;
        last_size = 0;
        if (usbd_alternate(0) == 1)
            make();
        break;
    case USBD_RECEIVED:
        if (arg == OUT_EP) {
            last_size = isochronous_take(last);
            received++;
        }
        break;
    case USBD_SENT:
        if (arg == IN_EP)
            make();
        break;
    default: break;
    }
}

static enum usbd_answer setup(struct usbd_control *c)
{
    (void)c;
    return USBD_FAIL;
}

static const char *string(uint8_t index)
{
    (void)index;
    return NULL;
}

static const struct usbd_function stream = {.setup = setup, .event = event};
static const struct usbd_function *const functions[] = {&stream, NULL};
static const struct usbd_device device = {
    .driver = &isochronous_usb,
    .device = &device_descriptor,
    .configuration = &configuration.config,
    .string = string,
    .functions = functions,
};

int main(void)
{
    port_init();
    isochronous_init();
    usbd_init(&device);
    usbd_connect(true);
    for (;;) {
        port_lock();
        port_wait();
        port_unlock();
    }
}
