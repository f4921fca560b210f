/* The serial number string. */
#ifndef USB_SERIAL_H
#define USB_SERIAL_H

#include <stdint.h>

enum { USB_SERIAL_SIZE = 25 };

/* All 96 bits of the unique id as 24 hexadecimal digits, word 0 first, ending with NUL. ST's own code
 * uses 64 of them, and two boards of one wafer can then have the same number. */
void usb_serial(char out[USB_SERIAL_SIZE], const uint32_t uid[3]);

/* Eight hexadecimal digits; returns where they end. */
char *usb_hex(char *to, uint32_t word);

#endif
