/* The stand-in for ST's ROM bootloader, which the virtual board carries in system memory: what its parts
 * say to each other. It answers DFU as AN3156 describes, and has the ROM's documented weaknesses on
 * purpose; docs/rom-bootloader.md says which, and what is assumed. Not a line of it is ST's. */
#ifndef ROM_ROM_H
#define ROM_ROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROM_OPTION_ADDR  0x1FFF7800u
#define ROM_OPTION_SIZE  40u
#define ROM_OTP_ADDR     0x1FFF7000u
#define ROM_OTP_SIZE     0x400u
#define ROM_FEATURE_ADDR 0xFFFF0000u
#define ROM_FEATURE_SIZE 4u

/* ---- flash.c: every function waits until the flash is done, with the bus ---- */
void rom_flash_open(void);
bool rom_flash_readable(void); /* RDP level 0 */
/* Standard programming; a last part of a double word is filled up with ones. Main flash and OTP. */
void rom_flash_program(uint32_t addr, const uint8_t *data, size_t size);
void rom_flash_erase_page(uint32_t addr);
void rom_flash_erase_all(void);
/* These end in the reset that loads the option bytes. */
__attribute__((noreturn)) void rom_option_write(const uint8_t data[ROM_OPTION_SIZE]);
__attribute__((noreturn)) void rom_read_unprotect(void);

/* ---- dfu.c ---- */
void rom_dfu_start(void);
/* The host has asked for it and was answered: where to find SP and PC. */
bool rom_dfu_left(uint32_t *vectors);

#endif
