/* A little constant propagation over Thumb code. Encodings: ARMv7-M ARM A7.7. See vtor.h. */
#include "vtor.h"

#include <string.h>

#include "board/bytes.h"

#define VTOR 0xE000ED08u

/* A call changes R0 to R3 and R12 (AAPCS32 6.1.1). */
#define CALL_KEEPS 0x0FF0u

enum { PC = 15 };

struct state {
    uint32_t value[16];
    uint16_t known;    /* registers that hold a constant */
    uint16_t under_it; /* that many more instructions are carried out or not */
};

static void set(struct state *s, unsigned r, uint32_t value)
{
    s->value[r] = value;
    s->known |= (uint16_t)(1u << r);
}

static void forget_all(struct state *s, uint32_t registers)
{
    s->known &= (uint16_t)~registers;
}

static void forget(struct state *s, unsigned r)
{
    forget_all(s, 1u << r);
}

/* It was carried out or it was not: what is so in both cases is known. */
static void maybe(struct state *s, const struct state *before)
{
    for (unsigned r = 0; r < 16; r++)
        if (s->value[r] != before->value[r])
            forget(s, r);
    s->known &= before->known;
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
    } else if (op >> 8 == 0x44 || op >> 8 == 0x46) { /* ADD Rdn, Rm; MOV Rd, Rm */
        unsigned d = low | (op >> 4 & 8), m = op >> 3 & 15;
        if (d == PC)
            s->known = 0;
        else if (op >> 8 == 0x46 && known(s, m))
            set(s, d, s->value[m]);
        else
            forget(s, d);
    } else if (op >> 11 == 0x0C) { /* STR Rt, [Rn, #imm5 * 4] */
        *to = s->value[next] + (op >> 6 & 31) * 4;
        *value = s->value[low];
        return known(s, next) && known(s, low);
    } else if (op >> 8 == 0xBF) { /* IT and hints */
        s->under_it = op & 15 ? (uint16_t)(4 - __builtin_ctz(op & 15)) : 0;
    } else if (op >> 9 == 0x5A || op >> 8 == 0xB6 || op >> 8 == 0xB0) { /* PUSH, CPS, ADD SP */
    } else if (op >> 12 == 0xC || op >> 8 == 0xBC) {                    /* STM, LDM, POP */
        forget_all(s, (op & 0xFF) | (op >> 12 == 0xC ? 1u << wide : 0));
    } else if (op >> 12 == 0x6 || op >> 12 == 0x7 || op >> 12 == 0x8) {
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
    } else if ((first & 0xFE70) == 0xF850 && rt == PC) { /* a load to PC */
        s->known = 0;
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
    } else if (first >> 11 == 0x1E && second & 0x8000) {
        if ((second & 0x5000) == 0x5000) /* BL */
            s->known &= CALL_KEEPS;
        else if ((second & 0x5000) == 0 && (first & 0x0380) == 0x0380) /* barriers, hints, MSR, MRS */
            forget(s, rd);
        else /* branches */
            s->known = 0;
    } else if ((first & 0xFE50) == 0xE810) { /* LDM, POP */
        forget_all(s, second | 1u << rn);
        if (second >> PC & 1)
            s->known = 0;
    } else if ((first & 0xFFF0) == 0xE8D0 && (second & 0xFFE0) == 0xF000) { /* TBB, TBH */
        s->known = 0;
    } else if (first >> 9 == 0x7C) { /* loads and stores of one register */
        if (first & 0x10)
            forget(s, rt);
        if (!(first & 0x80) && (second & 0x900) == 0x900) /* write-back (A7.7.43, encoding T4) */
            forget(s, rn);
    } else {
        forget_all(s, 1u << rd | 1u << rt);
        if (first < 0xEA00) /* write-back; STREXB's and STREXH's result */
            forget_all(s, 1u << rn | 1u << (second & 15));
        else if (first >> 9 == 0x76) /* VMOV of two */
            forget(s, rn);
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
        const struct state before = s;
        bool store =
            is_broad ? broad(&s, code, size, at, &to, &value) : narrow(&s, code, size, at, &to, &value);
        if (before.under_it) {
            maybe(&s, &before);
            s.under_it = before.under_it - 1;
        }
        if (store && to == VTOR)
            found(arg, base + at, value);
        at += is_broad ? 4 : 2;
    }
}
