/* Unpacking; the format is in unpack.h. */
#include "boot/core/unpack.h"
#include "port/port.h"
#include <string.h>

static unsigned bit(struct unpacker *u, unsigned context)
{
    uint16_t *odds = &u->odds[context];
    uint32_t p = *odds;
    while (u->range >> 24 == 0) {
        u->range <<= 8;
        u->value = u->value << 8 | *u->from++;
    }
    uint32_t bound = (u->range >> 16) * p;
    unsigned one = u->value < bound;
    if (one) {
        u->range = bound;
        p += (0x10000 - p) >> PACK_RATE;
    } else {
        u->value -= bound;
        u->range -= bound;
        p -= p >> PACK_RATE;
    }
    *odds = (uint16_t)p;
    return one;
}

static unsigned number(struct unpacker *u, unsigned context)
{
    unsigned n = 1, bits = 0;
    while (bit(u, context + bits))
        bits++;
    while (bits-- > 0)
        n = n * 2 + bit(u, context + 16 + bits);
    return n;
}

void unpack_begin(struct unpacker *u, const uint8_t *from)
{
    u->from = from;
    u->range = 1;
    u->value = 0;
    memset(u->odds, PACK_EVEN, sizeof u->odds);
}

uint8_t *unpack(struct unpacker *u, uint8_t *to, const uint8_t *end)
{
    while (to < end) {
        port_watchdog(); /* all of it takes some 40 ms */
        unsigned parity = (uintptr_t)to & 1;
        if (bit(u, PACK_MATCH + parity)) {
            const uint8_t *copy = to - number(u, PACK_DISTANCE);
            for (unsigned n = number(u, PACK_LENGTH + 32 * parity) + 1; n > 0; n--)
                *to++ = *copy++;
        } else {
            unsigned literal = 1;
            while (literal < 256)
                literal = literal * 2 + bit(u, PACK_LITERAL + 256 * parity + literal);
            *to++ = (uint8_t)literal;
        }
    }
    return to;
}

void unpack_calls(uint8_t *start, const uint8_t *end)
{
    uint8_t *at = start;
    for (uint32_t place = 1; at + 4 <= end; place++, at += 2) {
        uint32_t call;
        port_watchdog();
        __builtin_memcpy(&call, at, sizeof call);
        if ((call & PACK_CALL_MASK) != PACK_CALL)
            continue;
        uint32_t distance = ((call & 0x7FF) << 11 | (call >> 16 & 0x7FF)) - place;
        call = PACK_CALL | (distance >> 11 & 0x7FF) | (distance & 0x7FF) << 16;
        __builtin_memcpy(at, &call, sizeof call);
        place++;
        at += 2;
    }
}
