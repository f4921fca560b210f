/* What the bootloader's logic has to know of its chip, and the options of a build with their defaults;
 * every one can be overridden with -D. docs/porting.md lists them. */
#ifndef BOOT_CORE_CONFIG_H
#define BOOT_CORE_CONFIG_H

#include "port/stm32l433/memory.h"

#define PAGE_SIZE FLASH_PAGE_SIZE
#define SLOT_END  (SLOT_ADDR + SLOT_SIZE)

#define BOOT_VERSION "1.0"

/* An image made for another board is refused; 0 in an image or here fits every board. */
#ifndef BOARD_ID
#define BOARD_ID 0x4C433001 /* Nucleo-L433RC-P */
#endif

/* Ways into DFU besides the token. */
#ifndef BOOT_BUTTON
#define BOOT_BUTTON 0 /* B1 held at reset; BUTTON_PRESSED in port/ is its level */
#endif
#ifndef BOOT_TWICE_MS
#define BOOT_TWICE_MS 0 /* NRST pressed twice within that time; every press then delays the start by it */
#endif
/* DFU gives up and starts the application if no host has shown up after that time. 0: never. */
#ifndef BOOT_GIVE_UP_MS
#define BOOT_GIVE_UP_MS 30000
#endif
/* Announces plain DFU 1.1 (0x0110) instead of DfuSe (0x011A). Both are understood either way. */
#ifndef BOOT_DFU11
#define BOOT_DFU11 0
#endif

/* Of the USB device. bcdDevice is not the ROM's 0x2200: Windows remembers devices by it. */
#ifndef BOOT_VID
#define BOOT_VID 0x0483
#endif
#ifndef BOOT_PID
#define BOOT_PID 0xDF11
#endif
#ifndef BOOT_BCD_DEVICE
#define BOOT_BCD_DEVICE 0x0100
#endif

/* How often an image that wants confirmation is started without. */
#define BOOT_STARTS 3

#endif
