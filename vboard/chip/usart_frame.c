/* Frames of USART1-3 and LPUART1: a word in the format that a USART is set to, as levels on a line, and what
 * an instant of it looks like. RM0394 "USART", "IrDA SIR ENDEC block". */
#include "chip/regs.h"
#include "chip/state.h"
#include "chip/usart.h"

unsigned usart_data_bits(const struct usart_state *u)
{
    return u->cr1 & USART_CR1_M1 ? 7 : u->cr1 & USART_CR1_M0 ? 9 : 8;
}

unsigned usart_stop_halves(const struct usart_state *u)
{
    static const uint8_t halves[4] = {2, 1, 4, 3};

    return halves[bits(u->cr2, 12, 2)];
}

static bool odd_ones(uint32_t v)
{
    return __builtin_popcount(v) & 1;
}

static uint32_t reversed(uint32_t word, unsigned n)
{
    uint32_t r = 0;

    for (unsigned i = 0; i < n; i++)
        r |= (word >> i & 1) << (n - 1 - i);
    return r;
}

uint32_t usart_reorder(const struct usart_state *u, uint32_t word)
{
    unsigned n = usart_data_bits(u), data = u->cr1 & USART_CR1_PCE ? n - 1 : n;

    if (u->cr2 & USART_CR2_DATAINV)
        word = ~word & ((1u << n) - 1);
    if (u->cr2 & USART_CR2_MSBFIRST)
        word = reversed(word & ((1u << data) - 1), data) | (word & ~((1u << data) - 1));
    return word;
}

uint32_t usart_with_parity(const struct usart_state *u, uint32_t word)
{
    unsigned n = usart_data_bits(u);

    if (!(u->cr1 & USART_CR1_PCE))
        return word & ((1u << n) - 1);
    word &= (1u << (n - 1)) - 1;
    return word | (odd_ones(word) != !!(u->cr1 & USART_CR1_PS) ? 1u << (n - 1) : 0);
}

struct usart_frame usart_frame_of(const struct usart_state *u, uint32_t word, ps_t bit, ps_t start)
{
    unsigned n = usart_data_bits(u);

    return (struct usart_frame){.levels = usart_reorder(u, word) << 1 | UINT32_MAX << (n + 1),
                                .bits = n + 1,
                                .bit = bit,
                                .start = start};
}

/* ---- the line ---- */

enum { PULSE_AT = 7 }; /* an IrDA pulse begins in the 7th sixteenth of its bit */

bool usart_level(const struct usart_frame *f, ps_t t)
{
    uint64_t i = t < f->start ? f->bits : (t - f->start) / f->bit;
    bool one = i >= f->bits || f->levels >> i & 1;

    if (!one && f->pulse) {
        ps_t into = (t - f->start) - i * f->bit, begin = f->bit * PULSE_AT / 16;
        one = into < begin || into >= begin + f->pulse;
    }
    return one != f->low;
}

/* Levels change only at these instants, `n` of which a frame has. */
static ps_t change(const struct usart_frame *f, unsigned n)
{
    if (!f->pulse)
        return f->start + n * f->bit;
    return f->start + n / 2 * f->bit + f->bit * PULSE_AT / 16 + (n & 1 ? f->pulse : 0);
}

ps_t usart_falls(const struct usart_frame *f, bool inverted, ps_t from)
{
    unsigned changes = f->pulse ? 2 * f->bits : f->bits + 1;

    for (unsigned n = 0; n < changes; n++) {
        ps_t t = change(f, n);
        if (t >= from && usart_level(f, t) == inverted && usart_level(f, t - 1) != inverted)
            return t;
    }
    return PS_NEVER;
}

ps_t usart_changes(const struct usart_frame *f, ps_t from)
{
    ps_t falls = usart_falls(f, false, from), rises = usart_falls(f, true, from);

    return falls < rises ? falls : rises;
}
