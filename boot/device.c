/* Descriptors, and the DFU class as a function of the USB device core. */
#include "boot/device.h"
#include "boot/text.h"
#include "usb/platform.h"
#include "usb/serial.h"

static struct {
    const struct findings *findings;
    struct dfu dfu;
    char serial[USB_SERIAL_SIZE];
    char product[148]; /* the name and a sentence, cut at its colon in the end */
} device;

/* ---- DFU on the device core -------------------------------------------------------------- */

static void done(void)
{
    dfu_done(&device.dfu);
}

/* They are the same: refused, go on, later. */
_Static_assert((int)DFU_STALL == USBD_FAIL && (int)DFU_ACK == USBD_ACK && (int)DFU_HOLD == USBD_LATER, "");

static enum usbd_answer answer(struct usbd_control *c, bool again)
{
    struct dfu *d = &device.dfu;
    enum dfu_answer a = again ? dfu_again(d, &c->setup) : dfu_setup(d, &c->setup);
    c->data = (uint8_t *)(uintptr_t)d->data; /* what is sent is only read */
    c->size = (uint16_t)d->size;
    c->done = done;
    return (enum usbd_answer)a;
}

/* For a program that looks for WinUSB devices on Windows. */
static const struct msos20_winusb winusb = MSOS20_WINUSB(u"{B9D2C6E4-53F1-4E0A-9C1D-6A7F0E5B2D48}");

static enum usbd_answer setup(struct usbd_control *c)
{
    const uint8_t class_interface = USB_TYPE_CLASS | USB_RECIPIENT_INTERFACE;
    if ((c->setup.bmRequestType & (USB_TYPE_MASK | USB_RECIPIENT_MASK)) == class_interface &&
        c->setup.wIndex == 0)
        return answer(c, false);
    return platform_request(c, &winusb, NULL);
}

static enum usbd_answer data(struct usbd_control *c)
{
    return (enum usbd_answer)dfu_data(&device.dfu, &c->setup, c->size);
}

static void event(enum usbd_event event, uint8_t arg)
{
    dfu_event(&device.dfu, event == USBD_INTERFACE    ? DFU_INTERFACE_SET
                           : event == USBD_CONFIGURED ? DFU_CONFIGURED
                                                      : DFU_BUS_RESET);
    (void)arg;
}

/* ---- descriptors ------------------------------------------------------------------------- */

enum { MANUFACTURER = 1, PRODUCT, SERIAL, LAYOUT };

static const struct usb_device_descriptor device_descriptor = {
    .bLength = sizeof(struct usb_device_descriptor),
    .bDescriptorType = USB_DESC_DEVICE,
    .bcdUSB = 0x0210, /* or hosts do not ask for the BOS */
    .bMaxPacketSize0 = USBD_EP0_SIZE,
    .idVendor = BOOT_VID,
    .idProduct = BOOT_PID,
    .bcdDevice = BOOT_BCD_DEVICE,
    .iManufacturer = MANUFACTURER,
    .iProduct = PRODUCT,
    .iSerialNumber = SERIAL,
    .bNumConfigurations = 1,
};

static const struct {
    struct usb_config_descriptor config;
    struct usb_interface_descriptor interface;
    struct usb_dfu_descriptor dfu;
} USB_PACKED configuration = {
    .config =
        {
            .bLength = sizeof(struct usb_config_descriptor),
            .bDescriptorType = USB_DESC_CONFIGURATION,
            .wTotalLength = sizeof configuration,
            .bNumInterfaces = 1,
            .bConfigurationValue = 1,
            .bmAttributes = USB_CONF_RESERVED,
            .bMaxPower = 50, /* 100 mA */
        },
    .interface =
        {
            .bLength = sizeof(struct usb_interface_descriptor),
            .bDescriptorType = USB_DESC_INTERFACE,
            .bInterfaceClass = 0xFE, /* application specific: DFU, in DFU mode */
            .bInterfaceSubClass = 1,
            .bInterfaceProtocol = 2,
            .iInterface = LAYOUT,
        },
    .dfu =
        {
            .bLength = sizeof(struct usb_dfu_descriptor),
            .bDescriptorType = USB_DESC_DFU,
            /* download, upload, will detach; plain DFU: manifestation tolerant */
            .bmAttributes = BOOT_DFU11 ? 0x0F : 0x0B,
            .wDetachTimeOut = 255,
            .wTransferSize = DFU_TRANSFER_SIZE,
            .bcdDFUVersion = BOOT_DFU11 ? 0x0110 : 0x011A,
        },
};

static const struct platform_bos bos = PLATFORM_BOS(0, sizeof(struct msos20_winusb));

/* For ports: LAYOUT below has these numbers, and the sentences of boot/core/messages.inc. */
_Static_assert(SLOT_ADDR == 0x08004000 && SLOT_SIZE == 118 * 2048 && DFU_REPORT_ADDR == 0xF0000000 &&
                   DFU_REPORT_SIZE == 1024,
               "the memory layout that hosts are told");

static const char *string(uint8_t index)
{
    switch (index) {
    case MANUFACTURER: return "sureboot";
    case PRODUCT: {
        char *at = append(device.product, "sureboot " BOOT_VERSION ": ");
        append(at, message_sentence(device_verdict()));
        *at |= 'a' - 'A';
        while (*at != ':')
            at++;
        *at = '\0';
        return device.product;
    }
    case SERIAL: return device.serial;
    /* The slot comes first: webdfu takes the first segment's address. */
    case LAYOUT: return "@Internal Flash   /0x08004000/118*002Kg/0xF0000000/01*001Ka";
    default: return message_sentence((enum message)(index - DFU_STRING(0)));
    }
}

const struct usbd_function USBD_FUNCTION = {.setup = setup, .data = data, .event = event};
const struct usbd_device USBD_DEVICE = {
    .driver = &port_usb,
    .device = &device_descriptor,
    .configuration = &configuration.config,
    .bos = &bos.bos,
    .string = string,
};

/* ---- for the main loop ------------------------------------------------------------------- */

const char *dfu_report(void)
{
    return report(device.findings, &device.dfu.session);
}

void device_start(const struct findings *f)
{
    device.findings = f;
    dfu_init(&device.dfu, &f->facts.ledger, f->verdict);
    usb_serial(device.serial, port_uid());
    usbd_init(&USBD_DEVICE); /* port_enter_dfu has connected it */
}

void device_work(void)
{
    writer_work(&device.dfu.session.writer);
    port_lock();
    struct usbd_control *held = usbd_control_waiting();
    if (held)
        usbd_control_reply(answer(held, true));
    port_unlock();
}

void port_flash_done(enum port_flash_result result)
{
    session_flash_done(&device.dfu.session, result);
}

bool device_leave_due(void)
{
    return dfu_leave_due(&device.dfu);
}

void device_disconnect(void)
{
    usbd_connect(false);
}

/* A reset of the bus is not enough: lines that nobody drives may look like one when the pull-up is switched
 * on. */
bool device_sees_host(void)
{
    return usbd_addressed();
}

enum message device_verdict(void)
{
    return writer_verdict(&device.dfu.session.writer);
}
