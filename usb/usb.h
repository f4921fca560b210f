/* USB 2.0 chapter 9 as data: the setup packet, standard requests, descriptors. All descriptors are
 * packed structs, so sizes come from sizeof and never from a number in the code. Multi-byte fields
 * are little-endian, as both the chip and the PC are. */
#ifndef USB_USB_H
#define USB_USB_H

#include <stdint.h>

#define USB_PACKED __attribute__((packed))

struct usb_setup {
    uint8_t bmRequestType;
    uint8_t bRequest;
    uint16_t wValue;
    uint16_t wIndex;
    uint16_t wLength;
} USB_PACKED;

/* bmRequestType (table 9-2) */
#define USB_DIR_IN              0x80u
#define USB_TYPE_MASK           0x60u
#define USB_TYPE_STANDARD       0x00u
#define USB_TYPE_CLASS          0x20u
#define USB_TYPE_VENDOR         0x40u
#define USB_RECIPIENT_MASK      0x1Fu
#define USB_RECIPIENT_DEVICE    0x00u
#define USB_RECIPIENT_INTERFACE 0x01u
#define USB_RECIPIENT_ENDPOINT  0x02u

/* bRequest (table 9-4) */
enum {
    USB_GET_STATUS = 0,
    USB_CLEAR_FEATURE = 1,
    USB_SET_FEATURE = 3,
    USB_SET_ADDRESS = 5,
    USB_GET_DESCRIPTOR = 6,
    USB_SET_DESCRIPTOR = 7,
    USB_GET_CONFIGURATION = 8,
    USB_SET_CONFIGURATION = 9,
    USB_GET_INTERFACE = 10,
    USB_SET_INTERFACE = 11,
    USB_SYNCH_FRAME = 12
};

/* feature selectors (table 9-6) */
enum { USB_ENDPOINT_HALT = 0, USB_DEVICE_REMOTE_WAKEUP = 1, USB_TEST_MODE = 2 };

/* descriptor types (table 9-5; interface association and BOS: their ECNs) */
enum {
    USB_DESC_DEVICE = 1,
    USB_DESC_CONFIGURATION = 2,
    USB_DESC_STRING = 3,
    USB_DESC_INTERFACE = 4,
    USB_DESC_ENDPOINT = 5,
    USB_DESC_DEVICE_QUALIFIER = 6,
    USB_DESC_ASSOCIATION = 11,
    USB_DESC_BOS = 15,
    USB_DESC_CAPABILITY = 16,
    USB_DESC_CS_INTERFACE = 0x24
};

enum { USB_EP_CONTROL = 0, USB_EP_ISOCHRONOUS = 1, USB_EP_BULK = 2, USB_EP_INTERRUPT = 3 };

/* bmAttributes of a configuration (table 9-10) */
#define USB_CONF_RESERVED      0x80u /* must be set */
#define USB_CONF_SELF_POWERED  0x40u
#define USB_CONF_REMOTE_WAKEUP 0x20u

#define USB_LANGUAGE_ENGLISH_US 0x0409u

struct usb_device_descriptor {
    uint8_t bLength;
    uint8_t bDescriptorType;
    uint16_t bcdUSB;
    uint8_t bDeviceClass;
    uint8_t bDeviceSubClass;
    uint8_t bDeviceProtocol;
    uint8_t bMaxPacketSize0;
    uint16_t idVendor;
    uint16_t idProduct;
    uint16_t bcdDevice;
    uint8_t iManufacturer;
    uint8_t iProduct;
    uint8_t iSerialNumber;
    uint8_t bNumConfigurations;
} USB_PACKED;

struct usb_config_descriptor {
    uint8_t bLength;
    uint8_t bDescriptorType;
    uint16_t wTotalLength; /* with all that follows */
    uint8_t bNumInterfaces;
    uint8_t bConfigurationValue;
    uint8_t iConfiguration;
    uint8_t bmAttributes;
    uint8_t bMaxPower; /* units of 2 mA */
} USB_PACKED;

struct usb_association_descriptor {
    uint8_t bLength;
    uint8_t bDescriptorType;
    uint8_t bFirstInterface;
    uint8_t bInterfaceCount;
    uint8_t bFunctionClass;
    uint8_t bFunctionSubClass;
    uint8_t bFunctionProtocol;
    uint8_t iFunction;
} USB_PACKED;

struct usb_interface_descriptor {
    uint8_t bLength;
    uint8_t bDescriptorType;
    uint8_t bInterfaceNumber;
    uint8_t bAlternateSetting;
    uint8_t bNumEndpoints;
    uint8_t bInterfaceClass;
    uint8_t bInterfaceSubClass;
    uint8_t bInterfaceProtocol;
    uint8_t iInterface;
} USB_PACKED;

struct usb_endpoint_descriptor {
    uint8_t bLength;
    uint8_t bDescriptorType;
    uint8_t bEndpointAddress;
    uint8_t bmAttributes;
    uint16_t wMaxPacketSize;
    uint8_t bInterval;
} USB_PACKED;

struct usb_bos_descriptor {
    uint8_t bLength;
    uint8_t bDescriptorType;
    uint16_t wTotalLength;
    uint8_t bNumDeviceCaps;
} USB_PACKED;

/* USB DFU 1.1, 4.1.3: the functional descriptor of run-time and DFU mode. */
#define USB_DESC_DFU 0x21u
struct usb_dfu_descriptor {
    uint8_t bLength;
    uint8_t bDescriptorType;
    uint8_t bmAttributes;
    uint16_t wDetachTimeOut;
    uint16_t wTransferSize;
    uint16_t bcdDFUVersion;
} USB_PACKED;

#endif
