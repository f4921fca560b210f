/* Unpacking; the format is in unpack.h. */
#include "boot/core/unpack.h"
#include "port/port.h"

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
    for (unsigned i = 0; i < PACK_CONTEXTS; i++)
        u->odds[i] = 0x8000;
}

uint8_t *unpack(struct unpacker *u, uint8_t *to, const uint8_t *end)
{
    while (to < end) {
        port_watchdog(); /* all of it takes some 25 ms */
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
    uint16_t *code = (uint16_t *)(void *)start;
    for (unsigned i = 1; (const uint8_t *)&code[i + 1] <= end; i++) {
        port_watchdog();
        if (!pack_is_call(code[i - 1], code[i]))
            continue;
        uint32_t distance = ((uint32_t)code[i - 1] << 11 | (code[i] & 0x7FFu)) - i;
        code[i - 1] = (uint16_t)(0xF000 | (distance >> 11 & 0x7FF));
        code[i++] = (uint16_t)(0xF800 | (distance & 0x7FF));
    }
}
