/* The thread's application: LD4 toggles every 1000 ms, a serial port over USB sends back what it
 * gets, and a packet that is the single byte 0xAA leads into the bootloader. */
#include "port/port.h"
#include "port/stm32l433/memory.h"
#include "usb/cdc.h"
#include "usb/serial.h"

static const struct usb_device_descriptor device_descriptor = {
    .bLength = sizeof(struct usb_device_descriptor),
    .bDescriptorType = USB_DESC_DEVICE,
    .bcdUSB = 0x0200,
    .bDeviceClass = 0xEF, /* interface association */
    .bDeviceSubClass = 2,
    .bDeviceProtocol = 1,
    .bMaxPacketSize0 = USBD_EP0_SIZE,
    .idVendor = 0x0483,
    .idProduct = 0x5740, /* ST's id for virtual serial ports */
    .bcdDevice = 0x0100,
    .iManufacturer = 1,
    .iProduct = 2,
    .iSerialNumber = 3,
    .bNumConfigurations = 1,
};

static const struct {
    struct usb_config_descriptor config;
    struct cdc_interfaces cdc;
} USB_PACKED configuration = {
    .config =
        {
            .bLength = sizeof(struct usb_config_descriptor),
            .bDescriptorType = USB_DESC_CONFIGURATION,
            .wTotalLength = sizeof configuration,
            .bNumInterfaces = 2,
            .bConfigurationValue = 1,
            .bmAttributes = USB_CONF_RESERVED,
            .bMaxPower = 50,
        },
    .cdc = CDC_INTERFACES,
};

static char serial[USB_SERIAL_SIZE];

static const char *string(uint8_t index)
{
    switch (index) {
    case 1: return "sureboot";
    case 2: return "sureboot example: cdc";
    case 3: return serial;
    default: return NULL;
    }
}

static const struct usbd_function *const functions[] = {&cdc_function, NULL};
static const struct usbd_device device = {
    .driver = &port_usb,
    .device = &device_descriptor,
    .configuration = &configuration.config,
    .string = string,
    .functions = functions,
};

static volatile bool dfu_wanted;

bool cdc_on_packet(const uint8_t *packet, uint16_t size)
{
    if (size == 1 && packet[0] == 0xAA)
        dfu_wanted = true;
    return dfu_wanted;
}

static void sleep_until(uint32_t ms)
{
    while ((int32_t)(port_ms() - ms) < 0)
        port_wait();
}

/* Leaves the bus long enough for a hub to notice, then resets into the bootloader. */
__attribute__((noreturn)) static void enter_dfu(void)
{
    sleep_until(port_ms() + 2); /* the host's last transaction ends undisturbed */
    usbd_connect(false);
    port_token_set(TOKEN_DFU);
    sleep_until(port_ms() + 21);
    port_reset();
}

/* Moves what the host has sent to what it will get; waits while there is nothing to do. */
static void echo(void)
{
    static uint8_t bytes[256];
    static size_t have, sent;

    port_lock();
    if (sent == have) {
        have = cdc_read(bytes, sizeof bytes);
        sent = 0;
    }
    size_t n = cdc_write(bytes + sent, have - sent);
    sent += n;
    if (n == 0)
        port_wait();
    port_unlock();
}

int main(void)
{
    port_init();
    uint32_t uid[3];
    port_uid(uid);
    usb_serial(serial, uid);
    usbd_init(&device);
    usbd_connect(true);

    bool led = true;
    uint32_t last = port_ms();
    for (port_led(led); !dfu_wanted; echo()) {
        if (port_ms() - last >= 1000) {
            last += 1000;
            port_led(led = !led);
        }
    }
    enter_dfu();
}
