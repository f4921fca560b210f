/* Boards on this machine's USB that speak DFU: sureboot itself, and applications with a DFU run-time
 * interface, which lead back to it. */
#ifndef TOOLS_USB_H
#define TOOLS_USB_H

#include <stdint.h>

#include "board/sentence.h"

struct libusb_context;
struct libusb_device_handle;

enum usb_mode { USB_RUN_TIME = 1, USB_DFU_MODE = 2 }; /* bInterfaceProtocol (USB DFU 1.1, 4.1.2, 4.2.1) */
enum { USB_TEXT = 128 };                              /* longer than any string descriptor */

struct usb_board {
    struct libusb_context *context;
    struct libusb_device_handle *handle;
    uint8_t interface;    /* of class DFU; claimed */
    uint8_t bus, address; /* where the device is until it leaves the bus */
    uint8_t ports[7];     /* the way there through hubs, to where it comes back; USB allows seven */
    int depth;
    char serial[USB_TEXT];
};

enum usb_found {
    USB_ONE,
    USB_NONE,
    USB_UNCLEAR /* several, or one that cannot be used, or may be anybody's */
};
/* Opens the board in that mode. serial: the one that is meant, or what ST's USB examples, CubeMX or TinyUSB
 * make of the same unique id; NULL: there is only one, and its serial number is one of ours, for many other
 * devices have a run-time interface. To be closed if it is USB_ONE; else `why` says what is there instead. */
enum usb_found usb_open(struct usb_board *b, enum usb_mode mode, const char *serial, struct sentence *why);
void usb_close(struct usb_board *b);

/* How many there are in DFU mode. */
unsigned usb_count_sureboots(void);

/* 24 hexadecimal digits: all of an STM32's unique id, as usb_serial() and so the bootloader has it, or
 * TinyUSB. */
bool usb_is_unique_id(const char *serial);

/* What is there now of a board that was to leave the bus. */
enum usb_sight {
    USB_STILL_THERE,
    USB_NOTHING,
    USB_SUREBOOT,    /* in DFU mode */
    USB_APPLICATION, /* with its serial number, or at its place */
    USB_MUTE         /* at its place, and does not say who it is */
};
/* product: of the application, if it is one; empty if it has none, or what keeps it from being asked. */
enum usb_sight usb_look(const struct usb_board *was, char product[USB_TEXT]);

#endif
