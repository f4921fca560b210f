/* The ROM stand-in as a USB device: descriptors (device.c) and the DFU function behind them (dfu.c). */
#ifndef ROM_DEVICE_H
#define ROM_DEVICE_H

#include "usb/usbd.h"

void rom_device_start(void);

enum usbd_answer rom_dfu_setup(struct usbd_control *c);
enum usbd_answer rom_dfu_data(struct usbd_control *c);
void rom_dfu_event(enum usbd_event event, uint8_t arg);

#endif
