/* The memory map that bootloader, applications, tools and tests share (STM32L433RC, 128 pages of
 * 2 KiB). Plain numbers only: C, the assembler and the linker scripts all include this file. */
#ifndef PORT_STM32L433_MEMORY_H
#define PORT_STM32L433_MEMORY_H

#define FLASH_ADDR      0x08000000
#define FLASH_SIZE      0x00040000
#define FLASH_PAGE_SIZE 0x00000800

/* Pages 0-7: the bootloader. Never written over USB. */
#define BOOT_ADDR 0x08000000
#define BOOT_SIZE 0x00004000
/* Pages 8-125: one application. */
#define SLOT_ADDR 0x08004000
#define SLOT_SIZE 0x0003B000
/* Pages 126-127: append-only records about the slot. */
#define LEDGER_ADDR 0x0803F000
#define LEDGER_SIZE 0x00001000

/* SRAM1 (48 KiB) and SRAM2 (16 KiB, at its alias) in one piece: RM0394 "Memory map". */
#define RAM_ADDR 0x20000000
#define RAM_SIZE 0x00010000
/* SRAM2 once more, at its own address. */
#define SRAM2_ADDR 0x10000000
#define SRAM2_SIZE 0x00004000
/* The last bytes of SRAM: crash and boot report between bootloader and application. */
#define MAILBOX_ADDR 0x2000FF00
#define MAILBOX_SIZE 0x00000100

/* The boot path's stack ends where the mailbox begins: SRAM that an application uses for its own
 * stack and finds undefined anyway. */
#define BOOT_STACK_TOP  MAILBOX_ADDR
#define BOOT_STACK_SIZE 0x00000400
/* In DFU it grows on: nothing else is there. */
#define DFU_STACK_SIZE 0x00000800

#define SYSTEM_ADDR 0x1FFF0000 /* the ROM bootloader */

/* RTC backup register that carries a token from one reset to the next, and the tokens: numbers in a row,
 * those of enum way first (boot/findings.h). */
#ifndef TOKEN_BKP
#define TOKEN_BKP 5
#endif
#if TOKEN_BKP < 0 || TOKEN_BKP > 31
#error "TOKEN_BKP: the RTC has the backup registers 0 to 31"
#endif
#define TOKEN_DFU 0xDEADBEEF /* stay in the bootloader and serve DFU */
#define TOKEN_ROM 0xDEADBEF0 /* enter the ROM bootloader */
/* Between the bootloader and itself: */
#define TOKEN_FAULT 0xDEADBEF1 /* the boot path met a fault: serve DFU and say so */
#define TOKEN_RESET 0xDEADBEF2 /* to +3: reset after somebody's jump, and which of the others there was */
/* The reset pin was pressed just now. 0xDEADBEF6 is none: it looks like the last of those. */
#define TOKEN_TWICE 0xDEADBEF7

#endif
