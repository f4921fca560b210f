/* See cpu_encodings.h and test/unit/cpu_encodings.inc. */
#include "cpu_encodings.h"

#include <ctype.h>
#include <string.h>

#define CONDITION(name) static bool name(const struct cpu_row *row, uint32_t w)
#define F(letter)       cpu_field(row, w, letter, 99)

CONDITION(always)
{
    (void)row, (void)w;
    return true;
}

/* Shift amount, imm3:imm2 or imm5. */
CONDITION(shift_not_0)
{
    return F('i') != 0;
}
CONDITION(field_fits)
{
    return F('i') + F('j') <= 31;
}
CONDITION(msb_ge_lsb)
{
    return F('j') >= F('i');
}
CONDITION(same_operand)
{
    return F('m') == F('k');
}
CONDITION(hi_ne_lo)
{
    return F('h') != F('l');
}
CONDITION(n_ne_m)
{
    return F('n') != F('m');
}
CONDITION(n_ne_t)
{
    return F('n') != F('t');
}
CONDITION(imm_aligned)
{
    return F('i') % 4 == 0;
}
/* The first register of "special data" is split: bit 7 is its bit 3. */
static uint32_t split(uint32_t w)
{
    return (w >> 4 & 8) | (w & 7);
}
CONDITION(dn_not_15)
{
    (void)row;
    return split(w) != 15;
}
CONDITION(dn_not_13_15)
{
    (void)row;
    return split(w) != 15 && split(w) != 13;
}
CONDITION(list_not_0)
{
    return F('r') != 0;
}
CONDITION(stm_base_lowest)
{
    uint32_t list = F('r'), n = F('n');
    return list != 0 && (!(list >> n & 1) || (list & ((1u << n) - 1)) == 0);
}
CONDITION(list_wide)
{
    uint32_t list = w & 0xffff, n = w >> 16 & 15;
    (void)row;
    return __builtin_popcount(list) >= 2 && !(w >> 21 & 1 && list >> n & 1);
}
CONDITION(dual)
{
    uint32_t t = F('t'), u = F('u'), n = w >> 16 & 15;
    bool wback = w >> 21 & 1;
    return t != u && !(wback && (n == t || n == u));
}
CONDITION(exclusive_regs)
{
    return F('d') != F('n') && F('d') != F('t');
}
CONDITION(it_block)
{
    uint32_t cond = F('c'), mask = F('j');
    return mask != 0 && !(cond == 14 && __builtin_popcount(mask) != 1);
}
CONDITION(hint_reserved)
{
    return F('i') > 4 && F('i') < 0xf0;
}
CONDITION(cps)
{
    return F('j') != 0;
}
CONDITION(fraction_16)
{
    (void)row;
    return ((w & 15) << 1 | (w >> 5 & 1)) <= 16;
}
CONDITION(even_d)
{
    (void)row, (void)w;
    return true;
}
CONDITION(pair)
{
    return F('t') != F('u') && ((w & 0x100) || ((w & 15) << 1 | (w >> 5 & 1)) != 31);
}
CONDITION(fp_list)
{
    uint32_t d = w >> 12 & 15, words = w & 0xff;
    uint32_t first = w & 0x100 ? d * 2 : d << 1 | (w >> 22 & 1);
    (void)row;
    return words != 0 && first + words <= 32;
}

#define ORACLE                                   NULL
#define ROW(name, bits, class, condition, proof) {name, bits, class_##class, condition, proof, 0, 0, 0},
struct cpu_row cpu_rows[] = {
#include "unit/cpu_encodings.inc"
};
const size_t cpu_row_count = sizeof cpu_rows / sizeof *cpu_rows;

void cpu_rows_prepare(void)
{
    for (size_t i = 0; i < cpu_row_count; i++) {
        struct cpu_row *row = &cpu_rows[i];
        row->mask = row->value = 0;
        row->width = (unsigned)strlen(row->bits);
        for (const char *p = row->bits; *p != '\0'; p++) {
            row->mask = row->mask << 1 | (*p == '0' || *p == '1');
            row->value = row->value << 1 | (*p == '1');
        }
    }
}

uint32_t cpu_field(const struct cpu_row *row, uint32_t w, char letter, uint32_t otherwise)
{
    uint32_t v = 0;
    bool found = false;
    for (unsigned i = 0; i < row->width; i++)
        if (tolower((unsigned char)row->bits[i]) == letter) {
            v = v << 1 | (w >> (row->width - 1 - i) & 1);
            found = true;
        }
    return found ? v : otherwise;
}

/* Register fields of four bits: which numbers they may have. */
static bool registers_allowed(const struct cpu_row *row, uint32_t w)
{
    for (const char *p = row->bits; *p != '\0'; p++) {
        if (strchr("dnmatuhlDNMTx", *p) == NULL || (p > row->bits && p[-1] == *p) ||
            strspn(p, (char[]){*p, 0}) != 4)
            continue;
        uint32_t v = w >> (row->width - (unsigned)(p - row->bits) - 4) & 15;
        if (*p == 'x' ? v == 10 || v == 11 : v == 15 || (islower((unsigned char)*p) && v == 13))
            return false;
    }
    return cpu_field(row, w, 'c', 0) < 14;
}

uint64_t rnd_seed;

uint32_t rnd(void) /* splitmix64 */
{
    uint64_t z = rnd_seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z ^ z >> 31);
}

uint32_t cpu_row_random(const struct cpu_row *row)
{
    for (;;) {
        uint32_t w = (rnd() & ~row->mask) | row->value;
        if (row->width == 16)
            w &= 0xffff;
        if (registers_allowed(row, w) && row->condition(row, w))
            return w;
    }
}

const struct cpu_row *cpu_row_of(uint32_t w, unsigned width)
{
    const struct cpu_row *best = NULL;
    for (size_t i = 0; i < cpu_row_count; i++) {
        const struct cpu_row *row = &cpu_rows[i];
        if (row->width == width && (w & row->mask) == row->value &&
            (best == NULL || __builtin_popcount(row->mask) > __builtin_popcount(best->mask)))
            best = row;
    }
    return best;
}
