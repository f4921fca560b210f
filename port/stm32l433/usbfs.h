/* What the parts of the USB driver share. */
#ifndef PORT_STM32L433_USBFS_H
#define PORT_STM32L433_USBFS_H

#include <stdbool.h>

enum { USBFS_BTABLE = 0 }; /* the descriptor table is at the start of the packet memory */

/* struct usb_driver: start, connect */
void usbfs_start(void);
void usbfs_connect(bool on);
/* Both, for the bootloader. */
__attribute__((noinline)) void usbfs_attach(void);

#endif
