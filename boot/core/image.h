/* What an application image looks like from outside: its vector table, and the information block that
 * it may carry. Used by the bootloader on the first block of a download and on the slot, and by the
 * host tools on files. */
#ifndef BOOT_CORE_IMAGE_H
#define BOOT_CORE_IMAGE_H

#include "boot/core/message.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The part of the vector table that every Cortex-M has (ARMv7-M ARM B1.5.3). */
struct image_head {
    uint32_t vector[16]; /* 0: initial stack pointer, 1: reset ... */
};

/* Vector 7 is reserved by the architecture; here it is the address of the information block, or 0. */
#define IMAGE_INFO_VECTOR 7

#define IMAGE_INFO_MAGIC    0x31494253u /* "SBI1" */
#define IMAGE_WANTS_CONFIRM 1u          /* after three starts without sureboot_confirm() it stays off */
#define IMAGE_HAS_MAILBOX   2u          /* leaves the last bytes of SRAM to the bootloader's reports */
#define IMAGE_NAME_SIZE     16

/* The linker places it, `sureboot pack` fills in length and crc. Little-endian, multiple of 8. */
struct image_info {
    uint32_t magic;
    uint16_t size; /* of this block; what is longer than known here is of a later kind */
    uint16_t flags;
    uint32_t version; /* major << 24 | minor << 16 | patch */
    uint32_t board;   /* BOARD_ID it was made for; 0: any */
    uint32_t length;  /* bytes from the start of the slot; 0: not packed */
    uint32_t crc;     /* CRC-32 of these bytes without the four of this field */
    char name[IMAGE_NAME_SIZE];
};

/* Looks at the first `have` bytes of an image for reasons why it cannot run in the slot. MESSAGE_READY if
 * there is none, MESSAGE_EMPTY if it begins with a blank word. 64 bytes tell all, fewer than 8 nothing. */
enum message image_lint(const void *head, size_t have);

/* Address of the information block by the vector table, 0 if there is none in the slot. */
uint32_t image_info_address(const struct image_head *head);
/* True if `info`, read from there, is an information block. */
bool image_info_valid(const struct image_info *info);
/* True if it is packed: length and CRC are filled in, and the block lies inside. */
bool image_info_packed(const struct image_info *info, uint32_t address);
/* MESSAGE_READY or MESSAGE_WRONG_BOARD. */
enum message image_info_board(const struct image_info *info);

#endif
