/* Descriptors, and what the application kit wants to know of USB. */
#include "examples/serial.h"
#include "app/sureboot.h"
#include "port/port.h"
#include "usb/platform.h"
#include "usb/serial.h"

enum { MANUFACTURER = 1, PRODUCT, SERIAL, RUNTIME };
enum { DFU_INTERFACE = 2 }; /* behind the two of CDC */
#ifndef SERIAL_WAKES
#define SERIAL_WAKES 0 /* 1: it may wake its host */
#endif

static const struct usb_device_descriptor device_descriptor = {
    .bLength = sizeof(struct usb_device_descriptor),
    .bDescriptorType = USB_DESC_DEVICE,
    .bcdUSB = 0x0210,     /* or hosts do not ask for the BOS */
    .bDeviceClass = 0xEF, /* interface association */
    .bDeviceSubClass = 2,
    .bDeviceProtocol = 1,
    .bMaxPacketSize0 = USBD_EP0_SIZE,
    .idVendor = 0x0483,
    .idProduct = 0x5740, /* ST's id for virtual serial ports */
    .bcdDevice = 0x0100,
    .iManufacturer = MANUFACTURER,
    .iProduct = PRODUCT,
    .iSerialNumber = SERIAL,
    .bNumConfigurations = 1,
};

static const struct {
    struct usb_config_descriptor config;
    struct cdc_interfaces cdc;
    uint8_t runtime[SUREBOOT_DFU_DESCRIPTORS_SIZE];
} USB_PACKED configuration = {
    .config =
        {
            .bLength = sizeof(struct usb_config_descriptor),
            .bDescriptorType = USB_DESC_CONFIGURATION,
            .wTotalLength = sizeof configuration,
            .bNumInterfaces = 3,
            .bConfigurationValue = 1,
            .bmAttributes = USB_CONF_RESERVED | (SERIAL_WAKES ? USB_CONF_REMOTE_WAKEUP : 0),
            .bMaxPower = 50,
        },
    .cdc = CDC_INTERFACES,
    .runtime = {SUREBOOT_DFU_DESCRIPTORS(DFU_INTERFACE, RUNTIME)},
};

/* Windows has a driver for the serial port; for the other interface it takes WinUSB. */
static const struct platform_bos bos = PLATFORM_BOS(0, sizeof(struct msos20_winusb_function));
static const struct msos20_winusb_function winusb =
    MSOS20_WINUSB_FUNCTION(DFU_INTERFACE, u"{5C1B6A0E-8E57-4B0D-9F63-2D0C2C7F4A19}");

static const char *product_string;
static char serial[USB_SERIAL_SIZE]; /* the bootloader's, too */

static const char *string(uint8_t index)
{
    switch (index) {
    case MANUFACTURER: return "sureboot";
    case PRODUCT: return product_string;
    case SERIAL: return serial;
    case RUNTIME: return "DFU: detach to update";
    default: return NULL;
    }
}

static enum usbd_answer setup(struct usbd_control *c)
{
    const uint8_t class_interface = USB_TYPE_CLASS | USB_RECIPIENT_INTERFACE;
    const uint8_t *reply = NULL;
    if ((c->setup.bmRequestType & (USB_TYPE_MASK | USB_RECIPIENT_MASK)) != class_interface ||
        c->setup.wIndex != DFU_INTERFACE)
        return platform_request(c, &winusb, NULL);
    int size = sureboot_dfu_request((const uint8_t *)&c->setup, &reply);
    if (size < 0)
        return USBD_FAIL;
    c->data = (uint8_t *)(uintptr_t)reply; /* only read */
    c->size = (uint16_t)size;
    return USBD_ACK;
}

static volatile uint32_t events;

static void event(enum usbd_event e, uint8_t arg)
{
    (void)e;
    (void)arg;
    events++;
}

static const struct usbd_function kit_function = {.setup = setup, .event = event};
static const struct usbd_function *const functions[] = {&cdc_function, &kit_function, NULL};
static const struct usbd_device device = {
    .driver = &port_usb,
    .device = &device_descriptor,
    .configuration = &configuration.config,
    .bos = &bos.bos,
    .string = string,
    .functions = functions,
};

__attribute__((weak)) bool cdc_on_packet(const uint8_t *packet, uint16_t size)
{
    return sureboot_cdc_received(packet, size, CDC_PACKET);
}

uint32_t serial_events(void)
{
    return events;
}

void serial_start(const char *product)
{
    product_string = product;
    usb_serial(serial, port_uid());
    usbd_init(&device);
    usbd_connect(true);
}

void serial_work(void)
{
    static uint32_t last;
    for (; last != port_ms(); last++)
        sureboot_tick();
    (void)sureboot_cdc_line(cdc_line_coding()->dwDTERate, cdc_dtr());
}
