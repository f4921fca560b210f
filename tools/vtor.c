/* A little constant propagation over Thumb code. Encodings: ARMv7-M ARM A7.7. See vtor.h. */
#include "vtor.h"

#include <string.h>

#include "board/bytes.h"

#define VTOR 0xE000ED08u

/* A call changes R0 to R3 and R12 (AAPCS32 6.1.1). */
#define CALL_KEEPS 0x0FF0u

struct state {
    uint32_t value[16];
    uint16_t known; /* registers that hold a constant */
};

static void set(struct state *s, unsigned r, uint32_t value)
{
    s->value[r] = value;
    s->known |= (uint16_t)(1u << r);
}

static void forget(struct state *s, unsigned r)
{
    s->known &= (uint16_t) ~(1u << r);
}

static bool known(const struct state *s, unsigned r)
{
    return s->known >> r & 1;
}

static uint32_t half(const uint8_t *code, uint32_t at)
{
    return le16(code + at);
}

static bool literal(const uint8_t *code, uint32_t size, uint32_t at, uint32_t *value)
{
    if (at % 4 || at > size - 4)
        return false;
    *value = le32(code + at);
    return true;
}

/* ThumbExpandImm of A5.3.2, without carry. */
static uint32_t expand(uint32_t imm12)
{
    uint32_t byte = imm12 & 0xFF, rotate = imm12 >> 7;
    switch (imm12 >> 8) {
    case 0: return byte;
    case 1: return byte << 16 | byte;
    case 2: return byte << 24 | byte << 8;
    case 3: return byte << 24 | byte << 16 | byte << 8 | byte;
    default: byte |= 0x80; return byte >> rotate | byte << (32 - rotate);
    }
}

/* One 16-bit instruction; true if it stores a known word to a known address. */
static bool narrow(struct state *s, const uint8_t *code, uint32_t size, uint32_t at, uint32_t *to,
                   uint32_t *value)
{
    uint32_t op = half(code, at);
    unsigned low = op & 7, next = op >> 3 & 7, wide = op >> 8 & 7;
    if (op >> 11 == 0x09) { /* LDR Rt, [PC, #imm8 * 4] */
        uint32_t word;
        if (literal(code, size, ((at + 4) & ~3u) + (op & 0xFF) * 4, &word))
            set(s, wide, word);
        else
            forget(s, wide);
    } else if (op >> 11 == 0x04) { /* MOVS Rd, #imm8 */
        set(s, wide, op & 0xFF);
    } else if (op >> 11 == 0x06 || op >> 11 == 0x07) { /* ADDS, SUBS Rdn, #imm8 */
        if (known(s, wide))
            set(s, wide, op >> 11 == 0x06 ? s->value[wide] + (op & 0xFF) : s->value[wide] - (op & 0xFF));
    } else if (op >> 11 == 0x00 && op >> 6 & 31) { /* LSLS Rd, Rm, #imm5 */
        if (known(s, next))
            set(s, low, s->value[next] << (op >> 6 & 31));
        else
            forget(s, low);
    } else if (op >> 8 == 0x46) { /* MOV Rd, Rm */
        unsigned d = low | (op >> 4 & 8), m = op >> 3 & 15;
        if (known(s, m))
            set(s, d, s->value[m]);
        else
            forget(s, d);
    } else if (op >> 11 == 0x0C) { /* STR Rt, [Rn, #imm5 * 4] */
        *to = s->value[next] + (op >> 6 & 31) * 4;
        *value = s->value[low];
        return known(s, next) && known(s, low);
    } else if (op >> 8 == 0xBF || op >> 12 == 0x6 || op >> 12 == 0x7 || op >> 12 == 0x8) {
        if (op >> 11 == 0x0D || op >> 11 == 0x0F || op >> 11 == 0x11)
            forget(s, low); /* loads */
    } else if (op >> 12 == 0xD || op >> 11 == 0x1C || op >> 8 == 0xBD || op >> 7 == 0x8E) {
        s->known = 0; /* a branch or a return ends the straight piece */
    } else if (op >> 7 == 0x8F) {
        s->known &= CALL_KEEPS; /* BLX Rm */
    } else {
        s->known &= (uint16_t) ~(1u << low | 1u << wide); /* whatever it is, it changes one of these */
    }
    return false;
}

static bool broad(struct state *s, const uint8_t *code, uint32_t size, uint32_t at, uint32_t *to,
                  uint32_t *value)
{
    uint32_t first = half(code, at), second = half(code, at + 2);
    unsigned rt = second >> 12, rd = second >> 8 & 15, rn = first & 15;
    uint32_t imm12 = (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | (second & 0xFF);
    if ((first & 0xFBEF) == 0xF04F && !(second & 0x8000)) { /* MOV.W Rd, #const */
        set(s, rd, expand(imm12));
    } else if ((first & 0xFBF0) == 0xF240 && !(second & 0x8000)) { /* MOVW */
        set(s, rd, (uint32_t)rn << 12 | imm12);
    } else if ((first & 0xFBF0) == 0xF2C0 && !(second & 0x8000)) { /* MOVT */
        if (known(s, rd))
            set(s, rd, (s->value[rd] & 0xFFFF) | ((uint32_t)rn << 12 | imm12) << 16);
    } else if ((first & 0xFF7F) == 0xF85F) { /* LDR.W Rt, [PC, #±imm12] */
        uint32_t offset = second & 0xFFF, from = (at + 4) & ~3u, word;
        uint32_t where = first & 0x80 ? from + offset : from - offset;
        if (literal(code, size, where, &word))
            set(s, rt, word);
        else
            forget(s, rt);
    } else if ((first & 0xFFF0) == 0xF8C0) { /* STR.W Rt, [Rn, #imm12] */
        *to = s->value[rn] + (second & 0xFFF);
        *value = s->value[rt];
        return known(s, rn) && known(s, rt);
    } else if (first >> 11 == 0x1E && second & 0x8000) { /* branches, BL */
        s->known = (second & 0x5000) == 0x5000 ? s->known & CALL_KEEPS : 0;
    } else {
        forget(s, rd);
        forget(s, rt);
    }
    return false;
}

void vtor_stores(const uint8_t *code, uint32_t size, uint32_t base,
                 void (*found)(void *arg, uint32_t at, uint32_t value), void *arg)
{
    struct state s = {0};
    for (uint32_t at = 0; size >= 4 && at <= size - 4;) {
        bool is_broad = half(code, at) >> 11 >= 0x1D;
        uint32_t to = 0, value = 0;
        bool store =
            is_broad ? broad(&s, code, size, at, &to, &value) : narrow(&s, code, size, at, &to, &value);
        if (store && to == VTOR)
            found(arg, base + at, value);
        at += is_broad ? 4 : 2;
    }
}
