/* CRC-32 as in Ethernet, zip and the DFU suffix: reflected polynomial 0xEDB88320. */
#ifndef VBOARD_BOARD_CRC32_H
#define VBOARD_BOARD_CRC32_H

#include <stddef.h>
#include <stdint.h>

#define CRC32_START UINT32_MAX

/* The register after `size` more bytes; begin with CRC32_START. The usual final inversion is the
 * caller's: files end it differently. */
static inline uint32_t crc32_more(uint32_t crc, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xEDB88320U & (0U - (crc & 1)));
    }
    return crc;
}

#endif
