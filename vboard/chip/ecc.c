/* Hsiao code (72,64): every data bit has a check pattern of odd weight, all different. Which patterns ST
 * uses is not published; what matters is the same for any: check bits of all-zero data are zero, so a
 * word can be overwritten by zeros, and those of all-one data are not all ones, so programming ones uses
 * up an erased word. */
#include "chip/ecc.h"

#include <stdbool.h>

/* The 56 patterns of weight 3, then 8 of weight 5 which make every check bit cover 26 data bits. */
static const uint8_t pattern[64] = {
    0x07, 0x0B, 0x0D, 0x0E, 0x13, 0x15, 0x16, 0x19, 0x1A, 0x1C, 0x23, 0x25, 0x26, 0x29, 0x2A, 0x2C,
    0x31, 0x32, 0x34, 0x38, 0x43, 0x45, 0x46, 0x49, 0x4A, 0x4C, 0x51, 0x52, 0x54, 0x58, 0x61, 0x62,
    0x64, 0x68, 0x70, 0x83, 0x85, 0x86, 0x89, 0x8A, 0x8C, 0x91, 0x92, 0x94, 0x98, 0xA1, 0xA2, 0xA4,
    0xA8, 0xB0, 0xC1, 0xC2, 0xC4, 0xC8, 0xD0, 0xE0, 0x1F, 0x3E, 0x7C, 0xF8, 0xF1, 0xE3, 0xC7, 0x8F,
};

uint8_t ecc_encode(uint64_t data)
{
    uint8_t check = 0;
    for (uint64_t rest = data; rest; rest &= rest - 1)
        check ^= pattern[__builtin_ctzll(rest)];
    return check;
}

enum ecc_result ecc_decode(uint64_t *data, uint8_t *check)
{
    if (__builtin_popcountll(~*data) + __builtin_popcount((uint8_t) ~*check) <= 1) {
        bool erased = *data == UINT64_MAX && *check == 0xFF;
        *data = UINT64_MAX;
        *check = 0xFF;
        return erased ? ECC_GOOD : ECC_CORRECTED;
    }
    uint8_t syndrome = (uint8_t)(ecc_encode(*data) ^ *check);
    if (!syndrome)
        return ECC_GOOD;
    if (!(syndrome & (syndrome - 1))) { /* a check bit itself */
        *check ^= syndrome;
        return ECC_CORRECTED;
    }
    for (unsigned i = 0; i < 64; i++)
        if (pattern[i] == syndrome) {
            *data ^= 1ULL << i;
            return ECC_CORRECTED;
        }
    return ECC_BAD;
}
