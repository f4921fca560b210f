/* The USB full-speed device block of the chip, seen from the wire: what a host controller may do
 * to it and what it answers. RM0394 "USB FS"; RM0440 "USB" tells more of the same block.
 * The host (vboard/host) calls these at the instants at which the packets end. */
#ifndef VBOARD_CHIP_USBFS_H
#define VBOARD_CHIP_USBFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chip;

/* The handshake or data packet with which the device answered. USB_SILENT: no answer at all. */
enum usb_answer { USB_SILENT, USB_ACK, USB_NAK, USB_STALL, USB_DATA0, USB_DATA1, USB_NYET };

/* A host is at the other end of the cable (its pull-downs hold the lines low while no pull-up is
 * there). Only the line state in FNR and the charger detector see it. */
void usbfs_cable(struct chip *c, bool in);
/* True while the pull-up is connected and the transceiver is powered (USV, PDWN, 48 MHz). */
bool usbfs_attached(const struct chip *c);
enum usb_answer usbfs_setup(struct chip *c, unsigned addr, unsigned ep, const uint8_t packet[8]);
/* toggle: PID of the data packet, 0 or 1. `bad`: packet arrives with a CRC error. */
enum usb_answer usbfs_out(struct chip *c, unsigned addr, unsigned ep, unsigned toggle, const uint8_t *data,
                          size_t size, bool bad);
/* Data is copied to `data` (1023 bytes); `*size` is set if the answer is DATAx. The transaction is
 * completed by usbfs_in_ack (host's handshake arrived), or not at all (lost: nothing changes). */
enum usb_answer usbfs_in(struct chip *c, unsigned addr, unsigned ep, uint8_t *data, size_t *size);
void usbfs_in_ack(struct chip *c, unsigned addr, unsigned ep);
enum usb_answer usbfs_lpm(struct chip *c, unsigned addr, unsigned besl, bool remote_wake);
void usbfs_sof(struct chip *c, unsigned frame);   /* start of a frame, 0..2047 */
void usbfs_bus_reset(struct chip *c, bool begin); /* SE0 from here / until here */
/* The bus goes idle (no SOF from now on) or the host signals resume. The block itself counts the
 * missing frames (ESOF, SUSP). */
void usbfs_resume(struct chip *c);

#endif
