/* The serial number string, the same in bootloader and application. */
#include "usb/serial.h"

void usb_serial(char out[USB_SERIAL_SIZE], const uint32_t uid[3])
{
    for (unsigned i = 0; i < 24; i++)
        out[i] = "0123456789ABCDEF"[uid[i / 8] >> (28 - 4 * (i % 8)) & 15];
    out[24] = 0;
}
