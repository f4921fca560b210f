/* ITU-T G.711: sign, three bits of segment, four of step. In µ-law all bits are sent inverted, in A-law every
 * other one is, and the sign bit is 1 for positive values in both. */
#include "chip/g711.h"

enum { BIAS = 33 }; /* µ-law: segments begin at 33 times a power of two, less that */

int g711_expand(bool a_law, uint8_t code)
{
    unsigned c = a_law ? code ^ 0x55u : ~code & 0xFFu, segment = c >> 4 & 7, step = c & 15;
    bool negative = a_law ? !(c & 0x80) : c & 0x80;
    int value;

    if (!a_law)
        value = (int)((2 * step + BIAS) << segment) - BIAS;
    else if (segment)
        value = (int)((2 * step + BIAS) << (segment - 1));
    else
        value = (int)(2 * step + 1);
    return negative ? -value : value;
}

uint8_t g711_compress(bool a_law, int value)
{
    unsigned size = (unsigned)(value < 0 ? -value : value), segment = 0, shift = 1;
    unsigned most = a_law ? 4095 : 8158, sign = value < 0 ? 0 : 0x80;

    size = size > most ? most : size;
    if (!a_law)
        size += BIAS;
    for (unsigned top = a_law ? 16 : 32; size >= 2 * top; top *= 2) {
        if (segment || !a_law)
            shift++;
        segment++;
    }
    unsigned code = segment << 4 | (size >> shift & 15);
    return (uint8_t)(a_law ? (code | sign) ^ 0x55 : (~code & 0x7F) | sign);
}
