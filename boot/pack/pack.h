/* Packs for unpack() of the bootloader. On the PC. */
#ifndef BOOT_PACK_PACK_H
#define BOOT_PACK_PACK_H

#include <stddef.h>
#include <stdint.h>

enum { PACK_MOST = 16384 }; /* bytes that can be packed */

/* Packs `size` bytes that will be unpacked to an even address. Writes at most `room` bytes and returns
 * how many; 0: too much to pack, too little room (it takes one byte more at work), or no memory. */
size_t pack(const uint8_t *data, size_t size, uint8_t *out, size_t room);

#endif
