/* Descriptors as ST's ROM has them: one interface with four alternate settings, each named by the layout of
 * its memory (AN3156; names as users of STM32L432 boards report them). */
#include "rom/device.h"
#include "boot/core/dfu.h"
#include "port/port.h"
#include "port/stm32l433/regs.h"

enum { MANUFACTURER = 1, PRODUCT, SERIAL, LAYOUT, ALTERNATES = 4 };

static const struct usb_device_descriptor device_descriptor = {
    .bLength = sizeof(struct usb_device_descriptor),
    .bDescriptorType = USB_DESC_DEVICE,
    .bcdUSB = 0x0100,
    .bMaxPacketSize0 = USBD_EP0_SIZE,
    .idVendor = 0x0483,
    .idProduct = 0xDF11,
    .bcdDevice = 0x2200, /* DFU protocol 2.2 (AN2606) */
    .iManufacturer = MANUFACTURER,
    .iProduct = PRODUCT,
    .iSerialNumber = SERIAL,
    .bNumConfigurations = 1,
};

#define ALTERNATE(n)                                                                                         \
    {                                                                                                        \
        .bLength = sizeof(struct usb_interface_descriptor), .bDescriptorType = USB_DESC_INTERFACE,           \
        .bAlternateSetting = (n), .bInterfaceClass = 0xFE, .bInterfaceSubClass = 1, .bInterfaceProtocol = 2, \
        .iInterface = LAYOUT + (n)                                                                           \
    }

static const struct {
    struct usb_config_descriptor config;
    struct usb_interface_descriptor interface[ALTERNATES];
    struct usb_dfu_descriptor dfu;
} USB_PACKED configuration = {
    .config =
        {
            .bLength = sizeof(struct usb_config_descriptor),
            .bDescriptorType = USB_DESC_CONFIGURATION,
            .wTotalLength = sizeof configuration,
            .bNumInterfaces = 1,
            .bConfigurationValue = 1,
            .bmAttributes = USB_CONF_RESERVED | USB_CONF_SELF_POWERED,
            .bMaxPower = 50,
        },
    .interface = {ALTERNATE(0), ALTERNATE(1), ALTERNATE(2), ALTERNATE(3)},
    .dfu =
        {
            .bLength = sizeof(struct usb_dfu_descriptor),
            .bDescriptorType = USB_DESC_DFU,
            .bmAttributes = 0x0B, /* download, upload, will detach; not manifestation tolerant */
            .wDetachTimeOut = 255,
            .wTransferSize = DFU_TRANSFER_SIZE,
            .bcdDFUVersion = 0x011A,
        },
};

static char serial[13];

static void hex(char *to, uint32_t value, unsigned digits)
{
    for (unsigned i = 0; i < digits; i++)
        to[i] = "0123456789ABCDEF"[value >> (28 - 4 * i) & 15];
}

/* 48 of the 96 bits of the unique id: two boards of one wafer may look alike. */
static void make_serial(void)
{
    hex(serial, UID[0] + UID[2], 8);
    hex(serial + 8, UID[1], 4);
}

static const char *string(uint8_t index)
{
    static const char *const strings[] = {
        [MANUFACTURER] = "STMicroelectronics",
        [PRODUCT] = "STM32  BOOTLOADER",
        [SERIAL] = serial,
        [LAYOUT + 0] = "@Internal Flash  /0x08000000/0128*0002Kg",
        [LAYOUT + 1] = "@Option Bytes  /0x1FFF7800/01*040 e",
        [LAYOUT + 2] = "@OTP Memory /0x1FFF7000/01*0001Ke",
        [LAYOUT + 3] = "@Device Feature/0xFFFF0000/01*004 e",
    };
    return index < sizeof strings / sizeof *strings ? strings[index] : NULL;
}

static const struct usbd_function dfu_function = {
    .setup = rom_dfu_setup, .data = rom_dfu_data, .event = rom_dfu_event};
static const struct usbd_function *const functions[] = {&dfu_function, NULL};
static const struct usbd_device usb_device = {
    .driver = &port_usb,
    .device = &device_descriptor,
    .configuration = &configuration.config,
    .string = string,
    .functions = functions,
};

void rom_device_start(void)
{
    make_serial();
    usbd_init(&usb_device);
    usbd_connect(true);
}
