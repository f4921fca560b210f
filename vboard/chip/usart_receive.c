/* Receivers of USART1-3 and LPUART1: they look for a start bit and sample what follows at their own rate, so
 * that a wrong rate, format or shape gives what it gives on wires. RM0394 "USART receiver". */
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/state.h"
#include "chip/usart.h"

bool usart_receiving(const struct usart_state *u)
{
    return (u->cr1 & USART_CR1_UE) && (u->cr1 & USART_CR1_RE);
}

unsigned usart_line_in(const struct usart_state *u, unsigned index)
{
    bool one_wire = u->cr3 & (USART_CR3_HDSEL | USART_CR3_SCEN), swap = u->cr2 & USART_CR2_SWAP;

    return (swap != one_wire ? AF_USART1_TX : AF_USART1_RX) + index; /* both: one wire, at the pin of RX */
}

/* ---- samples ---- */

static bool level(const struct usart_state *u, ps_t t)
{
    return usart_level(&u->rx, t) != !!(u->cr2 & USART_CR2_RXINV);
}

/* One bit by the three samples in its middle, or one; the samples differ: noise. */
static bool sample(const struct usart_state *u, unsigned index, ps_t middle, ps_t bit, bool *noise)
{
    ps_t step = bit / (u->cr1 & USART_CR1_OVER8 ? 8 : 16);
    unsigned ones = 0;

    if (index == LPUART1_INDEX || u->cr3 & USART_CR3_ONEBIT)
        return level(u, middle);
    for (unsigned i = 0; i < 3; i++)
        ones += level(u, middle + i * step);
    *noise = *noise || ones == 1 || ones == 2;
    return ones >= 2;
}

/* Is there an IrDA pulse? Not if it is shorter than a period of the prescaler, nor if it is a level: low for
 * half a bit. */
static bool pulse_at(const struct chip *c, unsigned index, ps_t t, ps_t bit)
{
    const struct usart_state *u = &c->usart[index];
    ps_t shortest = chip_ticks_to_ps(u->gtpr & 0xFF, usart_hz(c, index));
    ps_t rises = usart_falls(&u->rx, !(u->cr2 & USART_CR2_RXINV), t);

    return shortest != PS_NEVER && !level(u, t) && rises - t >= shortest && rises - t < bit / 2;
}

/* IrDA: a pulse within half a bit of where the bit's would be is a zero. */
static bool decode(const struct chip *c, unsigned index, ps_t at, ps_t bit)
{
    const struct usart_state *u = &c->usart[index];
    ps_t t = usart_falls(&u->rx, u->cr2 & USART_CR2_RXINV, at - bit / 2);

    return t == PS_NEVER || t >= at + bit / 2 || !pulse_at(c, index, t, bit);
}

/* ---- start bits ---- */

static bool starts_at(const struct chip *c, unsigned index, ps_t edge, ps_t bit)
{
    const struct usart_state *u = &c->usart[index];
    bool noise = false;

    if (u->cr3 & USART_CR3_IREN)
        return pulse_at(c, index, edge, bit);
    if (index == LPUART1_INDEX || u->cr2 & USART_CR2_ABREN)
        return true;
    /* samples 3, 5, 7 and 8, 9, 10 of 16: two of each three are low (RM0394 "Start bit detection") */
    unsigned low = 0;
    for (unsigned n = 3; n <= 7; n += 2)
        low += !level(u, edge + bit * n / 16);
    return low >= 2 && !sample(u, index, edge + bit / 2, bit, &noise);
}

/* Half a stop bit is not looked at: no framing error, no break; one and a half "1 baud clock period after the
 * beginning", others half a period (RM0453 "Configurable stop bits during reception"). */
static bool stop_sampled(const struct usart_state *u)
{
    return usart_stop_halves(u) > 1;
}

static ps_t into_stop(const struct usart_state *u, ps_t bit)
{
    return usart_stop_halves(u) == 3 ? bit : bit / 2;
}

/* The next start bit in the frame on the line, from `from` on. False: there is none. */
static bool begin(struct chip *c, unsigned index, ps_t from)
{
    struct usart_state *u = &c->usart[index];
    ps_t bit = usart_bit_time(c, index), edge = from;

    /* while the rate is unknown, the sender's counts */
    bit = u->cr2 & USART_CR2_ABREN && !(u->isr & USART_ISR_ABRF) ? u->rx.bit : bit;
    do {
        edge = usart_falls(&u->rx, u->cr2 & USART_CR2_RXINV, edge);
        if (edge == PS_NEVER) {
            u->rx.bit = 0;
            return false;
        }
    } while (!starts_at(c, index, edge++, bit));
    u->rx_start = edge - 1;
    u->rx_end = u->rx_start + bit * (usart_data_bits(u) + 1);
    u->rx_end += stop_sampled(u) ? into_stop(u, bit) : 0;
    return true;
}

void usart_listen(struct chip *c, unsigned index, const struct usart_frame *f)
{
    struct usart_state *u = &c->usart[index];
    bool synchronous = u->cr2 & USART_CR2_CLKEN && !(u->cr3 & USART_CR3_SCEN);

    if (!usart_receiving(u) || !usart_bit_time(c, index) || u->rx.bit || synchronous || usart_irda_off(u))
        return;
    if (u->cr3 & USART_CR3_IREN && u->sending == SENDING_DATA)
        return; /* IrDA is half duplex */
    u->rx = *f;
    if (!begin(c, index, f->start))
        return;
    u->isr |= USART_ISR_BUSY;
    u->idle_at = u->timeout_at = PS_NEVER;
    u->silent = false;
    if (c->mode == MODE_STOP && bits(u->cr3, 20, 2) == 2) /* WUS: start bit */
        u->isr |= USART_ISR_WUF;
    usart_update(c, index);
    usart_schedule(c, index);
}

/* ---- what was received ---- */

/* Auto baud rate: the outside sends the agreed character, so its bit time is what is measured. */
static bool detect_rate(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    uint32_t hz = usart_hz(c, index);
    unsigned mode = bits(u->cr2, 21, 2);
    uint32_t first = u->rx.levels >> 1;
    bool fits = mode == 0   ? first & 1
                : mode == 1 ? (first & 3) == 1
                : mode == 2 ? (first & 0xFF) == 0x7F
                            : (first & 0xFF) == 0x55;
    uint64_t div = chip_ps_to_ticks(u->rx.bit * (u->cr1 & USART_CR1_OVER8 ? 2 : 1) + PS_PER_S / hz / 2, hz);

    u->isr |= USART_ISR_ABRF;
    if (!fits || div < 16 || div > 0xFFFF) {
        u->isr |= USART_ISR_ABRE;
        return false;
    }
    u->brr = (uint32_t)(u->cr1 & USART_CR1_OVER8 ? (div & 0xFFF0) | (div >> 1 & 7) : div);
    return true;
}

/* In Stop with WUS = 0 an address wakes: the most significant bit is one and the bits that ADDM7 selects are
 * those of ADD (RM0394 USART_CR2.ADD, CR3.WUS), in mute mode and outside it; ST's examples have neither MME
 * nor WAKE set. */
static void address_match(const struct chip *c, struct usart_state *u, uint32_t word)
{
    uint32_t add = u->cr2 >> 24;
    unsigned n = usart_data_bits(u);
    bool address = word >> (n - 1) & 1, mark = u->cr1 & USART_CR1_WAKE && address;
    /* "In 7-bit and 9-bit data modes" ADDM7 selects 6 and 8 bits (RM0453 "4-bit/7-bit address mark
     * detection") */
    uint32_t mask = u->cr2 & USART_CR2_ADDM7 ? (1u << (n - 1)) - 1 : 0xF;

    if (c->mode == MODE_STOP && !bits(u->cr3, 20, 2) && address && (word & mask) == (add & mask))
        u->isr |= USART_ISR_WUF;
    if (!(u->isr & USART_ISR_RWU)) {
        if ((word & 0xFF) == add)
            u->isr |= USART_ISR_CMF;
        if (u->cr1 & USART_CR1_MME && mark && (word & mask) != (add & mask))
            u->isr |= USART_ISR_RWU; /* somebody else is addressed */
    } else if (mark && (word & mask) == (add & mask)) {
        u->isr &= ~(uint32_t)USART_ISR_RWU;
        u->isr |= USART_ISR_CMF;
    }
}

void usart_deliver(struct chip *c, unsigned index, uint32_t word, uint32_t errors)
{
    struct usart_state *u = &c->usart[index];

    address_match(c, u, word);
    if (u->isr & USART_ISR_RWU)
        return;
    if (u->isr & USART_ISR_RXNE && !(u->cr3 & USART_CR3_OVRDIS)) {
        u->isr |= USART_ISR_ORE;
        return;
    }
    u->rdr = word;
    u->isr |= USART_ISR_RXNE | errors;
    u->idle_armed = true;
    if (c->mode == MODE_STOP && bits(u->cr3, 20, 2) == 3) /* WUS: RXNE */
        u->isr |= USART_ISR_WUF;
    if (++u->block_length >= bits(u->rtor, 24, 8) + 4 && bits(u->rtor, 24, 8))
        u->isr |= USART_ISR_EOBF;
}

/* Smartcard: a wrong parity is answered by a low level in the stop bit, and the sender tries again up to
 * SCARCNT times before the error is an error. True: it is to be tried again. */
static bool refuse(struct chip *c, unsigned index, bool wrong)
{
    struct usart_state *u = &c->usart[index];

    if (!wrong || (u->cr3 & (USART_CR3_SCEN | USART_CR3_NACK)) != (USART_CR3_SCEN | USART_CR3_NACK)) {
        u->refused = 0;
        return false;
    }
    usart_nack(c, index);
    u->refused = u->refused < bits(u->cr3, 17, 3) ? (uint8_t)(u->refused + 1) : 0;
    return u->refused;
}

/* The data bits, first one lowest, and in the bit above them the stop bit if it is looked at. */
static uint32_t samples(const struct chip *c, unsigned index, ps_t bit, bool *noise)
{
    const struct usart_state *u = &c->usart[index];
    uint32_t raw = 0;

    for (unsigned i = 0, n = usart_data_bits(u); i < n + stop_sampled(u); i++) {
        ps_t at = u->rx_start + bit * (i + 1), into = i < n ? bit / 2 : into_stop(u, bit);
        bool one =
            u->cr3 & USART_CR3_IREN ? decode(c, index, at, bit) : sample(u, index, at + into, bit, noise);
        raw |= (uint32_t)one << i;
    }
    return raw;
}

/* LIN: the line is low for 10 or 11 bits of the receiver's rate, whatever the sender calls that: some send a
 * break as a zero at a lower rate. The flag waits for the delimiter (RM0453 "LIN reception", figure "Break
 * detection in LIN mode"). */
static void look_for_break(struct usart_state *u, ps_t bit, ps_t now)
{
    ps_t rises = usart_falls(&u->rx, !(u->cr2 & USART_CR2_RXINV), u->rx_start);
    ps_t last = u->rx_start + bit * (u->cr2 & USART_CR2_LBDL ? 21 : 19) / 2; /* the middle of the last bit */

    if (u->cr2 & USART_CR2_LINEN && stop_sampled(u) && rises > last)
        u->break_at = rises > now ? rises : now;
}

void usart_received(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    unsigned n = usart_data_bits(u);
    ps_t bit = usart_bit_time(c, index), now = u->rx_end;
    bool noise = false;

    u->isr &= ~(uint32_t)USART_ISR_BUSY;
    u->rx_end = PS_NEVER;
    bool unrated = u->cr2 & USART_CR2_ABREN && !(u->isr & USART_ISR_ABRF);
    if (unrated && detect_rate(c, index))
        bit = u->rx.bit;
    uint32_t raw = samples(c, index, bit, &noise);
    uint32_t word = usart_reorder(u, raw & ((1u << n) - 1)), errors = noise ? USART_ISR_NF : 0;
    if ((!(raw >> n & 1) && stop_sampled(u)) || (unrated && u->isr & USART_ISR_ABRE))
        errors |= USART_ISR_FE;
    if (u->cr1 & USART_CR1_PCE && usart_with_parity(u, word) != word)
        errors |= USART_ISR_PE;
    look_for_break(u, bit, now);
    ps_t end = u->rx.start + u->rx.bit * u->rx.bits + u->rx.bit * usart_stop_halves(u) / 2;
    if (!refuse(c, index, errors & USART_ISR_PE))
        usart_deliver(c, index, word, errors);
    u->idle_at = end + usart_idle_time(u, bit);
    u->quiet_from = u->cr3 & USART_CR3_SCEN ? u->rx.start : end; /* of a card between two start bits */
    if (u->cr2 & USART_CR2_RTOEN)
        usart_time_out(c, index);
    if (begin(c, index, now)) { /* a sender that is slower than this receiver */
        u->isr |= USART_ISR_BUSY;
        u->idle_at = u->timeout_at = PS_NEVER;
    }
}

void usart_time_out(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    ps_t at = u->quiet_from + usart_bit_time(c, index) * bits(u->rtor, 0, 24);

    u->timeout_at = at > chip_now(c) ? at : chip_now(c);
}

ps_t usart_idle_time(const struct usart_state *u, ps_t bit)
{
    return bit * (usart_data_bits(u) + 1) + bit * usart_stop_halves(u) / 2;
}

void usart_line_idle(struct usart_state *u)
{
    u->idle_at = PS_NEVER;
    u->silent = true;
    if (u->isr & USART_ISR_RWU) {
        if (!(u->cr1 & USART_CR1_WAKE))
            u->isr &= ~(uint32_t)USART_ISR_RWU;
    } else if (u->idle_armed) {
        u->isr |= USART_ISR_IDLE;
        u->idle_armed = false;
    }
}
