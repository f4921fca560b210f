/* The packed part of the bootloader: its format, and unpacking. LZ77 in which every decision is a bit,
 * coded by a binary arithmetic coder whose probabilities adapt. boot/pack/ packs.
 *
 *   0: a literal: 8 bits, the highest first; the context is those before it, and the parity of its place
 *   1: a match: the distance, then the length less one, as numbers
 *   a number of k + 1 bits: k ones, a zero, and the k bits below its highest one, from the top; the
 *      context is their place, counted from the bottom, and for a length the parity of where it begins
 *
 * Parity matters since the two bytes of an instruction differ in kind. In a call (BL) the distance to the
 * function is replaced by its place, which is the same for each caller of it. The coder is the carryless half
 * of Martin's range coder: `value` is always below `range`, and a byte is taken in when 24 bits are left. */
#ifndef BOOT_CORE_UNPACK_H
#define BOOT_CORE_UNPACK_H

#include <stdint.h>

/* Contexts, and how fast they learn: by 1/16 of what is missing. */
enum {
    PACK_MATCH, /* for each parity */
    PACK_DISTANCE = 2,
    PACK_LENGTH = PACK_DISTANCE + 32, /* 32 for each parity */
    PACK_LITERAL = PACK_LENGTH + 64,  /* 256 for each parity */
    PACK_CONTEXTS = PACK_LITERAL + 512,
    PACK_RATE = 4,
    PACK_EVEN = 0x80 /* both bytes of the odds to begin with */
};

/* BL as a little-endian word, with its distance in halfwords, 22 bits, in the lower 11 bits of each half, the
 * higher ones first (ARMv7-M ARM A7.7.18, T1, where J1 = J2 = 1, as up to 4 MB). */
#define PACK_CALL_MASK 0xF800F800u
#define PACK_CALL      0xF800F000u

struct unpacker {
    const uint8_t *from;
    uint32_t range, value;
    uint16_t odds[PACK_CONTEXTS]; /* of a one, 1/65536 */
};

/* `u` is room to work, `from` what pack() has written. The data is the linker's, so it is trusted. */
void unpack_begin(struct unpacker *u, const uint8_t *from);
/* Unpacks to `to`, in the end to an even address, until `end` or a little farther. Returns where to go on. */
uint8_t *unpack(struct unpacker *u, uint8_t *to, const uint8_t *end);
/* When all is there: puts distances back into calls. What runs before must not call. */
void unpack_calls(uint8_t *start, const uint8_t *end);

#endif
