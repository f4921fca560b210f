/* See fp.h. Finite numbers are unpacked into a 63-bit significand with its leading one at bit 62, so
 * that every operation has room for guard bits and one sticky bit, and rounded in one place. */
#include "cpu/fp.h"

#define DEFAULT_NAN  0x7fc00000u
#define INFINITY_ABS 0x7f800000u

enum kind { ZERO, FINITE, INFINITE, QUIET, SIGNALLING };

struct number {
    enum kind kind;
    uint32_t sign; /* 0 or 1 */
    int exp;       /* value = sig / 2^62 * 2^exp */
    uint64_t sig;
};

/* A result format: single or half precision. */
struct format {
    int min_exp, fraction, max_biased;
};
static const struct format single = {-126, 23, 255};
static const struct format half = {-14, 10, 31};
static const struct format half_alternative = {-14, 10, 32}; /* no infinities and NaNs */

/* FPUnpack */
static struct number unpack(uint32_t a, uint32_t *fpscr)
{
    struct number n = {.sign = a >> 31};
    uint32_t biased = a >> 23 & 0xff, frac = a & 0x7fffff;
    if (biased == 255) {
        n.kind = frac == 0 ? INFINITE : frac >> 22 ? QUIET : SIGNALLING;
    } else if (biased != 0) {
        n.kind = FINITE;
        n.exp = (int)biased - 127;
        n.sig = (uint64_t)(frac | 0x800000) << 39;
    } else if (frac == 0) {
        n.kind = ZERO;
    } else if (*fpscr & FPSCR_FZ) {
        n.kind = ZERO;
        *fpscr |= FPSCR_IDC;
    } else {
        int shift = __builtin_clzll((uint64_t)frac) - 1;
        n.kind = FINITE;
        n.sig = (uint64_t)frac << shift;
        n.exp = 62 - shift - 149;
    }
    return n;
}

static uint64_t shift_right_sticky(uint64_t v, int n)
{
    if (n == 0)
        return v;
    return n > 63 ? v != 0 : v >> n | ((v & ((1ull << n) - 1)) != 0);
}

static bool round_up(enum fp_round mode, uint32_t sign, uint64_t rest, uint64_t half_way, bool odd)
{
    switch (mode) {
    case FP_NEAREST: return rest > half_way || (rest == half_way && odd);
    case FP_PLUS: return rest != 0 && !sign;
    case FP_MINUS: return rest != 0 && sign;
    default: return false;
    }
}

/* FPRound: significand with its leading one at bit 62, bit 0 sticky. Returns the bits below the
 * sign. */
static uint32_t round_pack(uint32_t sign, int exp, uint64_t sig, const struct format *f, enum fp_round mode,
                           bool fz, uint32_t *fpscr)
{
    int drop = 62 - f->fraction, biased = exp - f->min_exp + 1;
    if (exp < f->min_exp) {
        if (fz) {
            *fpscr |= FPSCR_UFC;
            return 0;
        }
        sig = shift_right_sticky(sig, f->min_exp - exp);
        biased = 0;
    }
    uint64_t rest = sig & ((1ull << drop) - 1), kept = sig >> drop, one = 1ull << f->fraction;
    if (biased == 0 && rest != 0)
        *fpscr |= FPSCR_UFC;
    if (round_up(mode, sign, rest, 1ull << (drop - 1), kept & 1))
        kept++;
    if (biased == 0 && kept == one)
        biased = 1;
    if (kept == one << 1) {
        kept >>= 1;
        biased++;
    }
    if (biased >= f->max_biased) {
        if (f->max_biased == 32) { /* alternative half precision: saturates, invalid */
            *fpscr |= FPSCR_IOC;
            return 0x7fff;
        }
        bool to_infinity = mode == FP_NEAREST || (mode == FP_PLUS && !sign) || (mode == FP_MINUS && sign);
        uint32_t infinity = (uint32_t)f->max_biased << f->fraction;
        *fpscr |= FPSCR_OFC | FPSCR_IXC;
        return to_infinity ? infinity : infinity - 1;
    }
    if (rest != 0)
        *fpscr |= FPSCR_IXC;
    return (uint32_t)biased << f->fraction | (uint32_t)(kept & (one - 1));
}

static uint32_t pack(uint32_t sign, int exp, uint64_t sig, uint32_t *fpscr)
{
    return sign << 31 | round_pack(sign, exp, sig, &single, fp_mode(*fpscr), *fpscr & FPSCR_FZ, fpscr);
}

static uint32_t invalid(uint32_t *fpscr)
{
    *fpscr |= FPSCR_IOC;
    return DEFAULT_NAN;
}

static bool is_nan(const struct number *n)
{
    return n->kind >= QUIET;
}

/* FPProcessNaN */
static uint32_t process_nan(uint32_t a, const struct number *n, uint32_t *fpscr)
{
    if (n->kind == SIGNALLING)
        *fpscr |= FPSCR_IOC;
    return *fpscr & FPSCR_DN ? DEFAULT_NAN : a | 0x400000;
}

/* FPProcessNaNs: the first signalling NaN, else the first quiet one. One operand is a NaN. */
static uint32_t process_nans(uint32_t a, const struct number *na, uint32_t b, const struct number *nb,
                             uint32_t *fpscr)
{
    if (na->kind == SIGNALLING || (nb->kind != SIGNALLING && na->kind == QUIET))
        return process_nan(a, na, fpscr);
    return process_nan(b, nb, fpscr);
}

static uint32_t zero_sum_sign(uint32_t fpscr)
{
    return fp_mode(fpscr) == FP_MINUS;
}

/* Sum of two finite, nonzero numbers. */
static uint32_t add_finite(struct number a, struct number b, uint32_t *fpscr)
{
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        struct number t = a;
        a = b;
        b = t;
    }
    b.sig = shift_right_sticky(b.sig, a.exp - b.exp);
    if (a.sign == b.sign) {
        a.sig += b.sig;
        if (a.sig >> 63) {
            a.sig = shift_right_sticky(a.sig, 1);
            a.exp++;
        }
    } else {
        a.sig -= b.sig;
        if (a.sig == 0)
            return zero_sum_sign(*fpscr) << 31;
        int shift = __builtin_clzll(a.sig) - 1;
        a.sig <<= shift;
        a.exp -= shift;
    }
    return pack(a.sign, a.exp, a.sig, fpscr);
}

/* Sum of numbers that are no NaN; a_bits and b_bits are returned where the other is zero. */
static uint32_t add_numbers(const struct number *a, const struct number *b, uint32_t *fpscr)
{
    if (a->kind == INFINITE || b->kind == INFINITE) {
        if (a->kind == b->kind && a->sign != b->sign)
            return invalid(fpscr);
        return (a->kind == INFINITE ? a->sign : b->sign) << 31 | INFINITY_ABS;
    }
    if (a->kind == ZERO && b->kind == ZERO)
        return (a->sign == b->sign ? a->sign : zero_sum_sign(*fpscr)) << 31;
    if (a->kind == ZERO)
        return pack(b->sign, b->exp, b->sig, fpscr);
    if (b->kind == ZERO)
        return pack(a->sign, a->exp, a->sig, fpscr);
    return add_finite(*a, *b, fpscr);
}

uint32_t fp_add(uint32_t a, uint32_t b, uint32_t *fpscr)
{
    struct number na = unpack(a, fpscr), nb = unpack(b, fpscr);
    if (is_nan(&na) || is_nan(&nb))
        return process_nans(a, &na, b, &nb, fpscr);
    return add_numbers(&na, &nb, fpscr);
}

uint32_t fp_sub(uint32_t a, uint32_t b, uint32_t *fpscr)
{
    struct number na = unpack(a, fpscr), nb = unpack(b, fpscr);
    if (is_nan(&na) || is_nan(&nb))
        return process_nans(a, &na, b, &nb, fpscr);
    nb.sign ^= 1;
    return add_numbers(&na, &nb, fpscr);
}

/* Product of numbers that are no NaN and not zero times infinity; unrounded. */
static struct number product(const struct number *a, const struct number *b)
{
    struct number p = {.sign = a->sign ^ b->sign};
    if (a->kind == INFINITE || b->kind == INFINITE) {
        p.kind = INFINITE;
    } else if (a->kind == ZERO || b->kind == ZERO) {
        p.kind = ZERO;
    } else {
        p.kind = FINITE;
        p.sig = (a->sig >> 39) * (b->sig >> 39); /* leading one at bit 46 or 47 */
        int shift = __builtin_clzll(p.sig) - 1;
        p.sig <<= shift;
        p.exp = a->exp + b->exp + 16 - shift;
    }
    return p;
}

static bool zero_times_infinity(const struct number *a, const struct number *b)
{
    return (a->kind == ZERO && b->kind == INFINITE) || (a->kind == INFINITE && b->kind == ZERO);
}

uint32_t fp_mul(uint32_t a, uint32_t b, uint32_t *fpscr)
{
    struct number na = unpack(a, fpscr), nb = unpack(b, fpscr);
    if (is_nan(&na) || is_nan(&nb))
        return process_nans(a, &na, b, &nb, fpscr);
    if (zero_times_infinity(&na, &nb))
        return invalid(fpscr);
    struct number p = product(&na, &nb);
    if (p.kind != FINITE)
        return p.sign << 31 | (p.kind == INFINITE ? INFINITY_ABS : 0);
    return pack(p.sign, p.exp, p.sig, fpscr);
}

uint32_t fp_fma(uint32_t addend, uint32_t a, uint32_t b, uint32_t *fpscr)
{
    struct number nc = unpack(addend, fpscr), na = unpack(a, fpscr), nb = unpack(b, fpscr);
    if (nc.kind == QUIET && zero_times_infinity(&na, &nb))
        return invalid(fpscr);
    if (nc.kind == SIGNALLING || (nc.kind == QUIET && na.kind != SIGNALLING && nb.kind != SIGNALLING))
        return process_nan(addend, &nc, fpscr);
    if (is_nan(&na) || is_nan(&nb))
        return process_nans(a, &na, b, &nb, fpscr);
    if (zero_times_infinity(&na, &nb))
        return invalid(fpscr);
    struct number p = product(&na, &nb);
    return add_numbers(&nc, &p, fpscr);
}

uint32_t fp_div(uint32_t a, uint32_t b, uint32_t *fpscr)
{
    struct number na = unpack(a, fpscr), nb = unpack(b, fpscr);
    uint32_t sign = na.sign ^ nb.sign;
    if (is_nan(&na) || is_nan(&nb))
        return process_nans(a, &na, b, &nb, fpscr);
    if ((na.kind == ZERO && nb.kind == ZERO) || (na.kind == INFINITE && nb.kind == INFINITE))
        return invalid(fpscr);
    if (na.kind == INFINITE || nb.kind == ZERO) {
        if (na.kind != INFINITE)
            *fpscr |= FPSCR_DZC;
        return sign << 31 | INFINITY_ABS;
    }
    if (na.kind == ZERO || nb.kind == INFINITE)
        return sign << 31;
    uint64_t n = na.sig, d = nb.sig >> 39, q = n / d; /* leading one at bit 38 or 39 */
    int shift = __builtin_clzll(q) - 1;
    q = q << shift | (n % d != 0);
    return pack(sign, na.exp - nb.exp + 23 - shift, q, fpscr);
}

uint32_t fp_sqrt(uint32_t a, uint32_t *fpscr)
{
    struct number n = unpack(a, fpscr);
    if (is_nan(&n))
        return process_nan(a, &n, fpscr);
    if (n.kind == ZERO)
        return n.sign << 31;
    if (n.sign)
        return invalid(fpscr);
    if (n.kind == INFINITE)
        return INFINITY_ABS;
    /* value = v / 2^62 * 4^k with v of 62 to 64 bits: root = sqrt(v) / 2^31 * 2^k */
    int k = n.exp >> 1;
    uint64_t v = n.exp & 1 ? n.sig << 1 : n.sig, root = 0, rest = v;
    for (uint64_t bit = 1ull << 62; bit != 0; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return pack(0, k, root << 31 | (rest != 0), fpscr); /* the root's leading one is at bit 31 */
}

uint32_t fp_compare(uint32_t a, uint32_t b, bool quiet_too, uint32_t *fpscr)
{
    struct number na = unpack(a, fpscr), nb = unpack(b, fpscr);
    if (is_nan(&na) || is_nan(&nb)) {
        if (quiet_too || na.kind == SIGNALLING || nb.kind == SIGNALLING)
            *fpscr |= FPSCR_IOC;
        return 3;
    }
    /* as integers of sign and magnitude, flushed denormals being zero */
    int64_t x = na.kind == ZERO ? 0 : (int64_t)(a & 0x7fffffff),
            y = nb.kind == ZERO ? 0 : (int64_t)(b & 0x7fffffff);
    x = na.sign ? -x : x;
    y = nb.sign ? -y : y;
    return x == y ? 6 : x < y ? 8 : 2;
}

uint32_t fp_to_fixed(uint32_t a, unsigned size, unsigned fraction, bool is_unsigned, enum fp_round mode,
                     uint32_t *fpscr)
{
    struct number n = unpack(a, fpscr);
    int64_t max = is_unsigned ? (1ll << size) - 1 : (1ll << (size - 1)) - 1, min = is_unsigned ? 0 : -max - 1;
    int64_t value = 0;
    uint64_t rest = 0;
    if (is_nan(&n)) {
        *fpscr |= FPSCR_IOC;
        return 0;
    }
    if (n.kind == INFINITE || (n.kind == FINITE && n.exp + (int)fraction > 40)) {
        *fpscr |= FPSCR_IOC;
        return (uint32_t)(n.sign ? min : max);
    }
    if (n.kind == FINITE) {
        int drop = 62 - n.exp - (int)fraction; /* at least 22 */
        uint64_t sig = n.sig;
        if (drop > 63) {
            sig = 1; /* less than a half, not zero */
            drop = 2;
        }
        rest = sig & ((1ull << drop) - 1);
        value = (int64_t)(sig >> drop);
        if (round_up(mode, n.sign, rest, 1ull << (drop - 1), value & 1))
            value++;
        if (n.sign)
            value = -value;
    }
    if (value > max || value < min) {
        *fpscr |= FPSCR_IOC;
        value = value > max ? max : min;
    } else if (rest != 0) {
        *fpscr |= FPSCR_IXC;
    }
    return (uint32_t)value;
}

uint32_t fp_from_fixed(int64_t value, unsigned fraction, enum fp_round mode, uint32_t *fpscr)
{
    if (value == 0)
        return 0;
    uint32_t sign = value < 0;
    uint64_t sig = (uint64_t)(sign ? -value : value);
    int shift = __builtin_clzll(sig) - 1;
    return sign << 31 | round_pack(sign, 62 - shift - (int)fraction, sig << shift, &single, mode,
                                   *fpscr & FPSCR_FZ, fpscr);
}

uint32_t fp_from_half(uint32_t h, uint32_t *fpscr)
{
    uint32_t sign = h >> 15 & 1, biased = h >> 10 & 31, frac = h & 0x3ff;
    if (biased == 31 && !(*fpscr & FPSCR_AHP)) {
        if (frac == 0)
            return sign << 31 | INFINITY_ABS;
        if (!(frac >> 9))
            *fpscr |= FPSCR_IOC;
        return *fpscr & FPSCR_DN ? DEFAULT_NAN : sign << 31 | DEFAULT_NAN | frac << 13;
    }
    if (biased == 0 && frac == 0)
        return sign << 31;
    if (biased == 0) { /* every half-precision denormal is a normal single */
        int shift = __builtin_clz(frac) - 21;
        frac = frac << shift & 0x3ff;
        return sign << 31 | (uint32_t)(113 - shift) << 23 | frac << 13;
    }
    return sign << 31 | (biased + 112) << 23 | frac << 13;
}

uint32_t fp_to_half(uint32_t a, uint32_t *fpscr)
{
    struct number n = unpack(a, fpscr);
    bool alternative = *fpscr & FPSCR_AHP;
    uint32_t sign = n.sign << 15;
    if (is_nan(&n)) {
        if (n.kind == SIGNALLING || alternative)
            *fpscr |= FPSCR_IOC;
        if (alternative)
            return sign;
        return *fpscr & FPSCR_DN ? 0x7e00 : sign | 0x7e00 | (a >> 13 & 0x1ff);
    }
    if (n.kind == INFINITE) {
        if (!alternative)
            return sign | 0x7c00;
        *fpscr |= FPSCR_IOC;
        return sign | 0x7fff;
    }
    if (n.kind == ZERO)
        return sign;
    return sign | round_pack(n.sign, n.exp, n.sig, alternative ? &half_alternative : &half, fp_mode(*fpscr),
                             false, fpscr);
}
