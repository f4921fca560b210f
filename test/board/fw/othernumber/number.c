/* The example cdc with a serial number of its own making, as products have it that number themselves. */
#include "usb/serial.h"
#include <string.h>

void usb_serial(char out[USB_SERIAL_SIZE], const uint32_t uid[3])
{
    (void)uid;
    memcpy(out, "THERMO-0042", sizeof "THERMO-0042");
}
