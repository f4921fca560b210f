/* The USB device of the examples: a serial port, and an interface through which DFU tools find the running
 * application. The byte 0xAA, DETACH and the 1200-baud touch lead into the bootloader, all by the kit. An
 * example that has something else in mind with packets defines cdc_on_packet() itself. */
#ifndef EXAMPLES_SERIAL_H
#define EXAMPLES_SERIAL_H

#include "usb/cdc.h"

/* Connects. The product string stays the caller's. After port_init(). */
void serial_start(const char *product);
/* To be called every millisecond or so from the main loop. */
void serial_work(void);
/* How much has happened on USB: packets, resets and so on, counted in its interrupt. */
uint32_t serial_events(void);

#endif
