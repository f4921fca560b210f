/* Packing: the cheapest way through the data is found by dynamic programming, with prices that the last
 * attempt has taught, some times over. The format is in boot/core/unpack.h. */
#include "boot/pack/pack.h"
#include "boot/core/unpack.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 12, LENGTH_MOST = 1024 };

struct step {
    double price;            /* of the way to here */
    size_t length, distance; /* how it was reached; distance 0: by a literal */
};

struct packer {
    uint8_t data[PACK_MOST];
    size_t size;
    /* the coder */
    uint8_t *out;
    size_t room, at; /* of out; more than room: it did not fit */
    uint64_t low;    /* 32 bits, and a carry */
    uint32_t range;
    uint16_t odds[PACK_CONTEXTS];
    /* how often a bit was coded in its context, and what it costs therefore, in bits */
    double seen[PACK_CONTEXTS][2], price[PACK_CONTEXTS][2];
    struct step way[PACK_MOST + 1], chosen[PACK_MOST];
};

/* ---- the arithmetic coder ---------------------------------------------------------------- */

static void put_byte(struct packer *p)
{
    size_t n = p->at < p->room ? p->at : p->room;
    if (p->low >> 32) /* the carry goes into what is out already */
        while (n > 0 && ++p->out[--n] == 0)
            ;
    if (p->at < p->room)
        p->out[p->at] = (uint8_t)(p->low >> 24);
    p->at++;
    p->low = (p->low & 0xFFFFFF) << 8;
}

static void put_bit(struct packer *p, unsigned context, bool bit)
{
    uint32_t odds = p->odds[context];
    uint32_t bound = (p->range >> 16) * odds;
    p->seen[context][bit]++;
    if (bit) {
        p->range = bound;
        odds += (0x10000 - odds) >> PACK_RATE;
    } else {
        p->low += bound;
        p->range -= bound;
        odds -= odds >> PACK_RATE;
    }
    p->odds[context] = (uint16_t)odds;
    for (; p->range >> 24 == 0; p->range <<= 8)
        put_byte(p);
}

static void begin(struct packer *p)
{
    p->at = 0;
    p->low = 0;
    p->range = 1 << 24;
    memset(p->odds, PACK_EVEN, sizeof p->odds);
    for (unsigned i = 0; i < PACK_CONTEXTS; i++)
        p->seen[i][0] = p->seen[i][1] = 0.4; /* what was not seen is possible all the same */
}

/* Two bytes more say enough, whatever follows them. */
static void end(struct packer *p)
{
    p->low += 0xFFFF;
    put_byte(p);
    put_byte(p);
}

/* ---- what is coded ----------------------------------------------------------------------- */

/* These code, or (`price` not NULL) add up what it would cost. */
static void code_bit(struct packer *p, unsigned context, bool bit, double *price)
{
    if (price)
        *price += p->price[context][bit];
    else
        put_bit(p, context, bit);
}

static void code_number(struct packer *p, unsigned context, size_t n, double *price)
{
    unsigned bits = 0;
    while (n >> (bits + 1))
        bits++;
    for (unsigned i = 0; i <= bits; i++)
        code_bit(p, context + i, i < bits, price);
    while (bits-- > 0)
        code_bit(p, context + 16 + bits, n >> bits & 1, price);
}

static void code_literal(struct packer *p, size_t at, double *price)
{
    unsigned parity = at % 2, literal = 1;
    code_bit(p, PACK_MATCH + parity, false, price);
    for (unsigned i = 8; i-- > 0;) {
        bool bit = p->data[at] >> i & 1;
        code_bit(p, PACK_LITERAL + 256 * parity + literal, bit, price);
        literal = literal * 2 + bit;
    }
}

static void code_match(struct packer *p, size_t at, size_t distance, size_t length, double *price)
{
    code_bit(p, PACK_MATCH + at % 2, true, price);
    code_number(p, PACK_DISTANCE, distance, price);
    code_number(p, PACK_LENGTH + 32 * (unsigned)(at % 2), length - 1, price);
}

/* Calls of the same function are made the same. */
static void places(uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 4 <= size; i += 2) {
        uint32_t call = data[i] | data[i + 1] << 8 | data[i + 2] << 16 | (uint32_t)data[i + 3] << 24;
        if ((call & PACK_CALL_MASK) != PACK_CALL)
            continue;
        uint32_t place = ((call & 0x7FF) << 11 | (call >> 16 & 0x7FF)) + (uint32_t)i / 2 + 1;
        call = PACK_CALL | (place >> 11 & 0x7FF) | (place & 0x7FF) << 16;
        for (unsigned k = 0; k < 4; k++)
            data[i + k] = (uint8_t)(call >> 8 * k);
        i += 2;
    }
}

/* ---- the cheapest way -------------------------------------------------------------------- */

static void offer(struct packer *p, size_t from, size_t length, size_t distance, double price)
{
    struct step *to = &p->way[from + length];
    price += p->way[from].price;
    if (price < to->price)
        *to = (struct step){price, length, distance};
}

static void find_way(struct packer *p)
{
    for (size_t i = 0; i <= p->size; i++)
        p->way[i].price = i == 0 ? 0 : HUGE_VAL;
    for (size_t at = 0; at < p->size; at++) {
        double price = 0;
        code_literal(p, at, &price);
        offer(p, at, 1, 0, price);
        /* Farther away only what is longer is worth it, nearly always. */
        size_t length = 1, most = p->size - at < LENGTH_MOST ? p->size - at : LENGTH_MOST;
        for (size_t distance = 1; distance <= at && length < most; distance++) {
            const uint8_t *is = p->data + at, *was = is - distance;
            if (is[length] != was[length] || memcmp(is, was, length) != 0)
                continue;
            while (length < most && is[length] == was[length]) {
                length++;
                price = 0;
                code_match(p, at, distance, length, &price);
                offer(p, at, length, distance, price);
            }
        }
    }
    for (size_t at = p->size; at > 0;) { /* it is known from its end */
        struct step s = p->way[at];
        at -= s.length;
        p->chosen[at] = s;
    }
}

static void attempt(struct packer *p)
{
    find_way(p);
    begin(p);
    for (size_t at = 0; at < p->size; at += p->chosen[at].length) {
        if (p->chosen[at].distance)
            code_match(p, at, p->chosen[at].distance, p->chosen[at].length, NULL);
        else
            code_literal(p, at, NULL);
    }
    end(p);
    for (unsigned i = 0; i < PACK_CONTEXTS; i++)
        for (unsigned b = 0; b < 2; b++)
            p->price[i][b] = -log2(p->seen[i][b] / (p->seen[i][0] + p->seen[i][1]));
}

size_t pack(const uint8_t *data, size_t size, uint8_t *out, size_t room)
{
    struct packer *p = size <= PACK_MOST ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return 0;
    memcpy(p->data, data, size);
    places(p->data, size);
    p->size = size;
    p->out = out;
    p->room = room;
    for (unsigned i = 0; i < PACK_CONTEXTS; i++)
        p->price[i][0] = p->price[i][1] = 1;
    for (unsigned i = 0; i < ATTEMPTS; i++)
        attempt(p);
    size_t n = p->at;
    free(p);
    /* The first byte is what the range begins with, always 0: unpack() does without. */
    if (n > room)
        return 0;
    for (size_t i = 1; i < n; i++)
        out[i - 1] = out[i];
    return n - 1;
}
