/* The USB device of the bootloader: descriptors, and DFU on the device core. */
#ifndef BOOT_DEVICE_H
#define BOOT_DEVICE_H

#include "boot/core/dfu.h"
#include "boot/findings.h"

/* Initialises DFU and answers on the bus. */
void device_start(const struct findings *f);
/* From the main loop: goes on with a request that was held, and with what the writer does slowly. */
void device_work(void);
/* True when the device should leave the bus. */
bool device_leave_due(void);
void device_disconnect(void);
/* True while a host has given the device an address. */
bool device_sees_host(void);
enum message device_verdict(void);

#endif
