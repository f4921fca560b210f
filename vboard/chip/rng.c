/* Random number generator (RM0394 "RNG"): a word every 40 periods of the 48 MHz clock, data ready
 * and clock error flags. A word that is there stays when RNGEN is cleared (RM0401 "RNG low-power usage",
 * measured on an F429: uliano/brio), interrupts do not. There are no seed errors: the source is the machine's
 * seed. */
#include "chip/rng.h"

#include <stdio.h>

#include "chip/regs.h"
#include "chip/state.h"

enum { CR = 0x00, SR = 0x04, DR = 0x08 };
enum { CR_RNGEN = 1 << 2, CR_IE = 1 << 3 };
enum { SR_DRDY = 1, SR_CECS = 1 << 1, SR_CEIS = 1 << 5, SR_SEIS = 1 << 6 };
enum { IRQ_RNG = 80, PERIODS_PER_WORD = 40 };

static void interrupt(struct chip *c)
{
    const struct rng_state *s = &c->rng;

    chip_irq(c, IRQ_RNG, B_RNG,
             (s->cr & CR_IE) && (s->cr & CR_RNGEN) && (s->sr & (SR_DRDY | SR_CEIS | SR_SEIS)));
}

/* Switched on by software that waits for a word, and none will come. */
static void tell_if_slow(struct chip *c)
{
    char why[80], sentence[192];

    if (!(c->rng.sr & SR_CECS))
        return;
    rcc_name_clk48(c, why, sizeof why);
    (void)snprintf(sentence, sizeof sentence,
                   "RNG is switched on with a clock below HCLK/16: %s; no word comes until that is right",
                   why);
    chip_say_once(c, &c->rng.told, sentence);
}

/* The clock is checked against HCLK/16; without a good clock no word is made. A word that is on its way
 * comes when it comes, however often software writes to CR or SR in between. */
static void proceed(struct chip *c)
{
    struct rng_state *s = &c->rng;
    uint32_t hz = chip_clock(c, CLK_48);
    bool on = s->cr & CR_RNGEN && chip_enabled(c, B_RNG), slow = on && hz < chip_clock(c, CLK_HCLK) / 16;

    put_bit(&s->sr, SR_CECS, slow);
    if (slow)
        s->sr |= SR_CEIS;
    bool work = on && !slow && !(s->sr & SR_DRDY);
    if (work != s->at_work)
        chip_wake_at(c, B_RNG, work ? chip_now(c) + chip_ticks_to_ps(PERIODS_PER_WORD, hz) : PS_NEVER);
    s->at_work = work;
    interrupt(c);
}

void rng_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->rng = (struct rng_state){0};
    interrupt(c);
}

void rng_event(struct chip *c, unsigned index)
{
    struct rng_state *s = &c->rng;

    uint32_t word = s->dr;

    (void)index;
    while (word == s->dr) /* the same word twice counts as a fault (FIPS 140-2 continuous test) */
        word = (uint32_t)chip_random(c);
    s->dr = word;
    s->sr |= SR_DRDY;
    s->at_work = false;
    interrupt(c);
}

void rng_clock(struct chip *c, unsigned index, bool after)
{
    (void)index;
    if (!after || !(c->rng.cr & CR_RNGEN))
        return;
    chip_wake_at(c, B_RNG, PS_NEVER); /* begins anew, at the new rate */
    c->rng.at_work = false;
    proceed(c);
}

bool rng_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct rng_state *s = &c->rng;
    uint32_t word = 0;

    (void)index;
    switch (off & ~3u) {
    case CR: word = s->cr; break;
    case SR: word = s->sr; break;
    case DR: word = s->sr & SR_DRDY ? s->dr : 0; break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

bool rng_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    rng_peek(c, index, off, size, value);
    if ((off & ~3u) == DR && c->rng.sr & SR_DRDY) {
        c->rng.sr &= ~(uint32_t)SR_DRDY;
        proceed(c);
    }
    return true;
}

bool rng_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct rng_state *s = &c->rng;

    (void)index;
    switch (off & ~3u) {
    case CR:
        s->cr = lanes_put(s->cr, off, size, value) & (CR_RNGEN | CR_IE);
        proceed(c);
        tell_if_slow(c);
        break;
    case SR: /* CEIS and SEIS: cleared by writing 0 */
        s->sr &= lanes_put(UINT32_MAX, off, size, value) | ~(uint32_t)(SR_CEIS | SR_SEIS);
        proceed(c);
        break;
    }
    return true;
}
