/* The example cdc with the serial number that ST's USB examples and CubeMX have: twelve digits, made of 80
 * bits of the unique id. */
#include "usb/serial.h"

void usb_serial(char out[USB_SERIAL_SIZE], const uint32_t uid[3])
{
    (void)usb_hex(usb_hex(out, uid[0] + uid[2]), uid[1]);
    out[12] = '\0';
}

char *usb_hex(char *to, uint32_t word)
{
    for (unsigned i = 0; i < 8; i++, word <<= 4)
        *to++ = "0123456789ABCDEF"[word >> 28];
    return to;
}
