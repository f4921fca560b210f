/* Numbers in files and descriptors: little-endian, of any alignment. */
#ifndef VBOARD_BOARD_BYTES_H
#define VBOARD_BOARD_BYTES_H

#include <stdint.h>

static inline uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t le32(const uint8_t *p)
{
    return le16(p) | (uint32_t)le16(p + 2) << 16;
}

#endif
