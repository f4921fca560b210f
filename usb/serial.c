/* The serial number string, the same in bootloader and application. */
#include "usb/serial.h"

__attribute__((noinline)) char *usb_hex(char *to, uint32_t word)
{
    for (unsigned i = 0; i < 8; i++, word <<= 4)
        *to++ = "0123456789ABCDEF"[word >> 28];
    return to;
}

void usb_serial(char out[USB_SERIAL_SIZE], const uint32_t uid[3])
{
    for (unsigned i = 0; i < 3; i++)
        out = usb_hex(out, uid[i]);
    *out = '\0';
}
