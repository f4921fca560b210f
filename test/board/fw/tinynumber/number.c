/* The example cdc with the serial number that TinyUSB's examples have: the unique id's bytes in memory order.
 * It is gone before it has acknowledged DETACH, as without sureboot_tick(). */
#include "usb/serial.h"

void usb_serial(char out[USB_SERIAL_SIZE], const uint32_t uid[3])
{
    for (unsigned i = 0; i < 3; i++)
        out = usb_hex(out, __builtin_bswap32(uid[i]));
    *out = '\0';
}

char *usb_hex(char *to, uint32_t word)
{
    for (unsigned i = 0; i < 8; i++, word <<= 4)
        *to++ = "0123456789ABCDEF"[word >> 28];
    return to;
}
