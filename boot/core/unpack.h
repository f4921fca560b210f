/* The packed part of the bootloader: its format, and unpacking. LZ77 in which every decision is a bit,
 * coded by a binary arithmetic coder whose probabilities adapt. boot/pack/ packs.
 *
 *   0: a literal: 8 bits, the highest first; the context is those before it, and the parity of its place
 *   1: a match: the distance, then the length less one, as numbers
 *   a number of k + 1 bits: k ones, a zero, and the k bits below its highest one, from the top; the
 *      context is their place, counted from the bottom
 *
 * Parity matters since the two bytes of an instruction differ in kind. The coder is the carryless half of
 * Martin's range coder: `value` is always below `range`, and a byte is taken in when 24 bits are left. */
#ifndef BOOT_CORE_UNPACK_H
#define BOOT_CORE_UNPACK_H

#include <stdint.h>

/* Contexts, and how fast they learn: by 1/32 of what is missing. */
enum {
    PACK_MATCH, /* for each parity */
    PACK_DISTANCE = 2,
    PACK_LENGTH = PACK_DISTANCE + 32,
    PACK_LITERAL = PACK_LENGTH + 32, /* 256 for each parity */
    PACK_CONTEXTS = PACK_LITERAL + 512,
    PACK_RATE = 5
};

struct unpacker {
    const uint8_t *from;
    uint32_t range, value;
    uint16_t odds[PACK_CONTEXTS]; /* of a one, 1/65536 */
};

/* Unpacks `from` to `to` until `end`; `u` is room to work. The data is the linker's, so it is trusted. */
void unpack(struct unpacker *u, uint8_t *to, const uint8_t *end, const uint8_t *from);

#endif
