/* CDC-ACM: a serial port (USB CDC 1.2 PSTN 5.3, the abstract control model). Interfaces 0 and 1.
 * Nothing is lost in either direction: while there is no room, the endpoint answers NAK.
 * Functions are to be called with the USB interrupt kept out, except from inside it. */
#ifndef USB_CDC_H
#define USB_CDC_H

#include "usb/usbd.h"

enum { CDC_EP_OUT = 0x01, CDC_EP_IN = 0x81, CDC_EP_NOTIFY = 0x82, CDC_PACKET = 64 };
enum { CDC_LINE_CODING_AND_STATE = 2 }; /* bmCapabilities: SET_LINE_CODING, SET_CONTROL_LINE_STATE ... */

struct cdc_line_coding {
    uint32_t dwDTERate; /* bit/s */
    uint8_t bCharFormat, bParityType, bDataBits;
} USB_PACKED;

/* Everything below the configuration descriptor, for a device that is a serial port and no more. */
struct cdc_interfaces {
    struct usb_association_descriptor association;
    struct usb_interface_descriptor control;
    struct {
        uint8_t bLength, bDescriptorType, bDescriptorSubtype;
        uint16_t bcdCDC;
    } USB_PACKED header;
    struct {
        uint8_t bLength, bDescriptorType, bDescriptorSubtype, bmCapabilities, bDataInterface;
    } USB_PACKED call_management;
    struct {
        uint8_t bLength, bDescriptorType, bDescriptorSubtype, bmCapabilities;
    } USB_PACKED acm;
    struct {
        uint8_t bLength, bDescriptorType, bDescriptorSubtype, bControlInterface, bSubordinateInterface0;
    } USB_PACKED bond;
    struct usb_endpoint_descriptor notify;
    struct usb_interface_descriptor data;
    struct usb_endpoint_descriptor out, in;
} USB_PACKED;
#define CDC_ENDPOINT(address, type, size, interval)                                                          \
    {                                                                                                        \
        sizeof(struct usb_endpoint_descriptor), USB_DESC_ENDPOINT, address, type, size, interval             \
    }
#define CDC_INTERFACES                                                                                       \
    {                                                                                                        \
        .association = {sizeof(struct usb_association_descriptor), USB_DESC_ASSOCIATION, 0, 2, 2, 2, 0, 0},  \
        .control = {sizeof(struct usb_interface_descriptor), USB_DESC_INTERFACE, 0, 0, 1, 2, 2, 0, 0},       \
        .header = {5, USB_DESC_CS_INTERFACE, 0, 0x0110},                                                     \
        .call_management = {5, USB_DESC_CS_INTERFACE, 1, 0, 1},                                              \
        .acm = {4, USB_DESC_CS_INTERFACE, 2, CDC_LINE_CODING_AND_STATE},                                     \
        .bond = {5, USB_DESC_CS_INTERFACE, 6, 0, 1},                                                         \
        .notify = CDC_ENDPOINT(CDC_EP_NOTIFY, USB_EP_INTERRUPT, 16, 255),                                    \
        .data = {sizeof(struct usb_interface_descriptor), USB_DESC_INTERFACE, 1, 0, 2, 10, 0, 0, 0},         \
        .out = CDC_ENDPOINT(CDC_EP_OUT, USB_EP_BULK, CDC_PACKET, 0),                                         \
        .in = CDC_ENDPOINT(CDC_EP_IN, USB_EP_BULK, CDC_PACKET, 0),                                           \
    }

/* To be listed in struct usbd_device.functions. */
extern const struct usbd_function cdc_function;

/* Invoked in the USB interrupt with every packet as it was sent by the host, before it goes to
 * cdc_read(). True: it is consumed. To be defined by the application. */
bool cdc_on_packet(const uint8_t *packet, uint16_t size);

/* Takes at most `room` received bytes; returns how many. */
size_t cdc_read(void *to, size_t room);
/* Queues at most `size` bytes for the host; returns how many. They are sent when the host asks. */
size_t cdc_write(const void *from, size_t size);
bool cdc_dtr(void); /* the host has the port open */
const struct cdc_line_coding *cdc_line_coding(void);

#endif
