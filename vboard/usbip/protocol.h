/* USB/IP on the wire, version 0x0111: sizes, codes and offsets from the start of each message. All
 * numbers are big-endian. Source: Linux Documentation/usb/usbip_protocol.rst. */
#ifndef VBOARD_USBIP_PROTOCOL_H
#define VBOARD_USBIP_PROTOCOL_H

#include <stdint.h>

enum {
    USBIP_VERSION = 0x0111,
    USBIP_BUS_ID_SIZE = 32,
    USBIP_SPEED_FULL = 2,

    /* Before an import: version (2), code (2), status (4), then what belongs to the code. */
    OP_SIZE = 8,
    OP_REQ_IMPORT = 0x8003, /* bus id */
    OP_REP_IMPORT = 0x0003, /* a device record if the status is 0 */
    OP_REQ_DEVLIST = 0x8005,
    OP_REP_DEVLIST = 0x0005, /* number of devices (4), each a record and 4 bytes for each interface */
    OP_STATUS_BUSY = 2,
    OP_STATUS_NO_DEVICE = 4,

    /* Device record */
    DEV_PATH = 0,
    DEV_BUS_ID = 256,
    DEV_BUS_NUMBER = 288,
    DEV_NUMBER = 292,
    DEV_SPEED = 296,
    DEV_VENDOR = 300, /* 2 each: vendor, product, bcdDevice; 1 each: class, subclass, protocol */
    DEV_CONFIGURATION = 309,
    DEV_CONFIGURATIONS = 310,
    DEV_INTERFACES = 311,
    DEV_SIZE = 312,

    /* After an import: headers of 48 bytes. OUT data follows CMD_SUBMIT, IN data RET_SUBMIT. */
    URB_SIZE = 48,
    URB_COMMAND = 0,
    URB_SEQUENCE = 4,
    URB_DEVICE = 8, /* bus number << 16 | device number; 0 in answers, like the next two */
    URB_DIRECTION = 12,
    URB_ENDPOINT = 16,
    CMD_SUBMIT = 1,
    CMD_UNLINK = 2,
    RET_SUBMIT = 3,
    RET_UNLINK = 4,
    DIRECTION_OUT = 0,
    DIRECTION_IN = 1,
    SUBMIT_FLAGS = 20,
    SUBMIT_LENGTH = 24,
    SUBMIT_PACKETS = 32, /* isochronous ones; 0 or all ones: none */
    SUBMIT_SETUP = 40,
    UNLINK_SEQUENCE = 20,
    RET_STATUS = 20,
    RET_ACTUAL = 24,
    RET_START_FRAME = 28,
    RET_PACKETS = 32,
    RET_ERRORS = 36, /* packets that failed */

    /* One for each isochronous packet, behind all data: with CMD_SUBMIT and RET_SUBMIT, in both directions.
     * IN data is sent without the gaps between the packets. */
    ISO_OFFSET = 0,
    ISO_LENGTH = 4,
    ISO_ACTUAL = 8,
    ISO_STATUS = 12,
    ISO_PACKET_SIZE = 16,
    ISO_PACKETS_MAX = 1024,

    FLAG_SHORT_NOT_OK = 0x01, /* Linux include/linux/usb.h, URB_… */
    FLAG_ZERO_PACKET = 0x40,
};

static inline void usbip_put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void usbip_put32(uint8_t *p, uint32_t v)
{
    usbip_put16(p, v >> 16);
    usbip_put16(p + 2, v & 0xFFFF);
}

static inline unsigned usbip_get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static inline uint32_t usbip_get32(const uint8_t *p)
{
    return (uint32_t)usbip_get16(p) << 16 | usbip_get16(p + 2);
}

#endif
