/* Transmitters of USART1-3 and LPUART1: frames are built from TDR and take their time, Smartcard guard time
 * and repetition, the clock pin; and the timed events of both directions. RM0394 "USART transmitter". */
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/state.h"
#include "chip/usart.h"

static const char *const names[USART_COUNT] = {"USART1", "USART2", "USART3", "LPUART1"};

unsigned usart_line_out(const struct usart_state *u, unsigned index)
{
    return (u->cr2 & USART_CR2_SWAP ? AF_USART1_RX : AF_USART1_TX) + index;
}

static bool transmitting(const struct usart_state *u)
{
    return (u->cr1 & USART_CR1_UE) && (u->cr1 & USART_CR1_TE);
}

/* The line between frames: IrDA has pulses for zeros, upon a low level. */
static bool idles_low(const struct usart_state *u)
{
    return !(u->cr2 & USART_CR2_TXINV) != !(u->cr3 & USART_CR3_IREN);
}

/* Width of an IrDA pulse: 3/16 of a bit, in low-power mode three periods of the prescaled clock. */
static ps_t pulse_width(const struct chip *c, unsigned index, ps_t bit)
{
    const struct usart_state *u = &c->usart[index];

    if (!(u->cr3 & USART_CR3_IREN))
        return 0;
    if (!(u->cr3 & USART_CR3_IRLP))
        return bit * 3 / 16;
    return chip_ticks_to_ps(3 * (u->gtpr & 0xFF), usart_hz(c, index)) | 1; /* 0 would be no pulse */
}

/* Who else hears what this transmitter sends: its own receiver where the two share a wire, and receivers
 * whose pins are wired to its pin. */
static void spread(struct chip *c, unsigned index, struct usart_frame f)
{
    const struct usart_state *u = &c->usart[index];
    unsigned out = usart_line_out(u, index);

    f.low = idles_low(u);
    f.pulse = pulse_width(c, index, f.bit);
    if (u->cr3 & USART_CR3_IREN && (u->rx.bit || usart_irda_off(u)))
        return; /* while it receives, the IrDA encoder is quiet */
    usart_shows(c, index, &f);
    if (u->cr3 & (USART_CR3_HDSEL | USART_CR3_SCEN))
        usart_listen(c, index, &f);
    for (unsigned i = 0; i < USART_COUNT; i++) {
        unsigned in = usart_line_in(&c->usart[i], i);
        if (in != out && af_wired(c, out, in))
            usart_listen(c, i, &f);
    }
}

void usart_nack(struct chip *c, unsigned index)
{
    unsigned line = usart_line_in(&c->usart[index], index);

    for (unsigned i = 0; i < USART_COUNT; i++) {
        struct usart_state *u = &c->usart[i];
        unsigned out = usart_line_out(u, i);
        bool waits = u->cr3 & USART_CR3_SCEN && u->sending == SENDING_DATA && usart_receiving(u);
        if (i != index && waits && af_wired(c, out, line))
            u->nacked = true;
    }
}

/* DE is there before the start bit (DEAT, bit 21) and remains behind the last stop bit (DEDT, bit 16): in
 * sixteenths or eighths of a bit, for LPUART1 as RM0394 "RS485 Driver Enable" of LPUART says. */
static ps_t de_time(const struct chip *c, unsigned index, ps_t bit, unsigned pos)
{
    const struct usart_state *u = &c->usart[index];
    uint32_t n = bits(u->cr1, pos, 5), p = u->brr >> 11;

    if (!(u->cr3 & USART_CR3_DEM))
        return 0;
    if (index == LPUART1_INDEX)
        return chip_ticks_to_ps(1 + (p ? n * p : n), usart_hz(c, index));
    return bit * n / (u->cr1 & USART_CR1_OVER8 ? 8 : 16);
}

static ps_t enable_driver(struct chip *c, unsigned index, ps_t bit)
{
    struct usart_state *u = &c->usart[index];
    ps_t wait = u->driving ? 0 : de_time(c, index, bit, 21);

    u->driving = u->cr3 & USART_CR3_DEM;
    return wait;
}

static void release_driver(struct chip *c, unsigned index, ps_t bit)
{
    struct usart_state *u = &c->usart[index];
    ps_t wait = de_time(c, index, bit, 16);

    u->driving = u->driving && wait;
    if (!u->driving)
        return;
    u->sending = SENDING_RELEASE;
    u->tx_end = chip_now(c) + wait;
}

static void send_word(struct chip *c, unsigned index, ps_t bit, ps_t start)
{
    struct usart_state *u = &c->usart[index];
    struct usart_frame f = usart_frame_of(u, u->shift, bit, start);

    u->sending = SENDING_DATA;
    u->nacked = false;
    u->tx_end = start + bit * f.bits + bit * usart_stop_halves(u) / 2;
    spread(c, index, f);
}

static void send(struct chip *c, unsigned index, enum usart_sending what, ps_t bit)
{
    struct usart_state *u = &c->usart[index];
    unsigned n = usart_data_bits(u);
    struct usart_frame f = {.bit = bit, .start = chip_now(c)};

    if (what != SENDING_IDLE)
        f.start += enable_driver(c, index, bit);
    u->sending = what;
    u->tx_end = f.start;
    switch (what) {
    case SENDING_IDLE: u->tx_end += usart_idle_time(u, bit); return;
    case SENDING_BREAK:
        f.bits = u->cr2 & USART_CR2_LINEN ? 13 : n + 2;
        f.levels = UINT32_MAX << f.bits;
        u->tx_end += bit * (f.bits + 2); /* two stop bits (RM0440 "Configurable stop bits") */
        spread(c, index, f);
        break;
    default:
        u->shift = (uint16_t)usart_with_parity(u, u->tdr);
        u->isr |= USART_ISR_TXE;
        u->repeated = 0;
        send_word(c, index, bit, f.start);
        break;
    }
}

void usart_send_next(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    ps_t bit = usart_bit_time(c, index);

    if (u->sending != SENDING_NOTHING || !transmitting(u) || !bit)
        return;
    if (u->idle_due) {
        u->idle_due = false;
        send(c, index, SENDING_IDLE, bit);
    } else if (u->break_due) {
        u->break_due = false;
        send(c, index, SENDING_BREAK, bit);
    } else if (!(u->isr & USART_ISR_TXE) && !u->halted) {
        bool held = u->cr3 & USART_CR3_CTSE && af_in(c, AF_USART1_CTS + index, false);
        if (!held)
            send(c, index, SENDING_DATA, bit);
    }
}

/* Synchronous mode: the clock takes the word to SPI slaves, and what is on the receive pin meanwhile comes
 * in. Without LBCL the last bit has no clock. */
static void exchange(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    unsigned in = usart_line_in(u, index), n = usart_data_bits(u);
    struct spi_clocked m = {.ck = AF_USART1_CK + index,
                            .out = usart_line_out(u, index),
                            .in = in,
                            .drives = true,
                            .cpol = u->cr2 & USART_CR2_CPOL,
                            .cpha = u->cr2 & USART_CR2_CPHA,
                            .bits = n,
                            .clocks = u->cr2 & USART_CR2_LBCL ? n : n - 1,
                            .send = usart_reorder(u, u->shift)};

    if (!(u->cr2 & USART_CR2_CLKEN) || u->cr3 & (USART_CR3_HDSEL | USART_CR3_SCEN))
        return;
    uint32_t levels = spi_slaves_clocked(c, &m) & ((1u << n) - 1);
    if (af_wired(c, m.out, in))
        levels = m.send;
    if (usart_receiving(u))
        usart_deliver(c, index, usart_reorder(u, levels), 0);
}

/* What follows a word at once: a repetition, 2.5 bits later, after the receiver's NACK, or the guard time. */
static bool guard(struct usart_state *u, ps_t bit)
{
    ps_t begin = u->tx_end;
    bool again = u->nacked && u->repeated < bits(u->cr3, 17, 3); /* SCARCNT */

    if (!(u->cr3 & USART_CR3_SCEN))
        return false;
    if (!u->nacked && u->isr & USART_ISR_TXE)
        u->isr |= USART_ISR_TCBGT;
    u->sending = again ? SENDING_REPETITION : SENDING_GUARD;
    u->tx_end = begin + (again ? bit * 5 / 2 : bit * bits(u->gtpr, 8, 8));
    if (u->nacked && !again) {
        u->isr |= USART_ISR_FE;
        u->halted = !(u->isr & USART_ISR_TXE); /* until TXFRQ */
    }
    return true;
}

static void word_sent(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];

    if (c->tell->uart_tx && af_connected(c, usart_line_out(u, index)) && !usart_irda_off(u)) {
        unsigned n = usart_data_bits(u) - (u->cr1 & USART_CR1_PCE ? 1 : 0);
        c->tell->uart_tx(c->tell->owner, names[index], (uint8_t)(u->shift & ((1u << n) - 1)));
    }
    exchange(c, index);
}

static void sent(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    enum usart_sending what = u->sending;
    ps_t bit = usart_bit_time(c, index);

    if (what == SENDING_DATA) {
        word_sent(c, index);
        if (guard(u, bit))
            return;
    }
    if (what == SENDING_REPETITION) {
        u->repeated++;
        send_word(c, index, bit, u->tx_end);
        return;
    }
    u->sending = SENDING_NOTHING;
    u->tx_end = PS_NEVER;
    if (what == SENDING_BREAK)
        u->isr &= ~(uint32_t)USART_ISR_SBKF;
    if (what == SENDING_RELEASE)
        u->driving = false;
    usart_send_next(c, index);
    if ((what == SENDING_DATA || what == SENDING_GUARD) && u->sending == SENDING_NOTHING &&
        u->isr & USART_ISR_TXE)
        u->isr |= USART_ISR_TC;
    if (u->sending == SENDING_NOTHING)
        release_driver(c, index, bit);
}

/* ---- pins ---- */

void usart_drive(struct chip *c, unsigned index, bool level)
{
    af_out(c, usart_line_out(&c->usart[index], index), level);
}

/* CK: for a Smartcard all the time, else with the bits of each word. It is told as PWM is; the pin shows no
 * edges. */
static double clock_hz(const struct chip *c, unsigned index)
{
    const struct usart_state *u = &c->usart[index];
    unsigned psc = u->gtpr & 31;
    ps_t bit = usart_bit_time(c, index);

    if (!(u->cr2 & USART_CR2_CLKEN) || !(u->cr1 & USART_CR1_UE))
        return 0;
    if (u->cr3 & USART_CR3_SCEN)
        return psc ? usart_hz(c, index) / (2.0 * psc) : 0;
    return u->sending == SENDING_DATA && bit ? (double)PS_PER_S / (double)bit : 0;
}

/* RM0394 "USART functional description": without its transmitter the pin is an I/O like others; "Single-wire
 * half-duplex communication": it is released whenever nothing is sent. What is being sent is sent to its end.
 */
static enum usart_idle idle_level(const struct usart_state *u)
{
    bool sends = u->sending != SENDING_NOTHING && u->sending != SENDING_RELEASE;

    if (!(u->cr1 & USART_CR1_UE) || (!sends && (!transmitting(u) || u->cr3 & USART_CR3_HDSEL)))
        return USART_OPEN;
    return idles_low(u) ? USART_IDLES_LOW : USART_IDLES_HIGH;
}

static void show_idle(struct chip *c, unsigned index)
{
    const struct usart_state *u = &c->usart[index];

    if (u->tx_idle == USART_OPEN)
        af_release(c, usart_line_out(u, index));
    else
        usart_drive(c, index, u->tx_idle == USART_IDLES_HIGH);
}

void usart_swapped(struct chip *c, unsigned index, uint32_t before)
{
    const struct usart_state *u = &c->usart[index];

    if (before != (u->cr2 & USART_CR2_SWAP))
        af_release(c, (before ? AF_USART1_RX : AF_USART1_TX) + index);
    show_idle(c, index);
}

void usart_pins(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    enum usart_idle idle = idle_level(u);
    bool in_frame = u->sending == SENDING_DATA || u->sending == SENDING_BREAK; /* which drives the pin */
    double hz = u->cr2 & USART_CR2_CLKEN ? clock_hz(c, index) : 0;

    if (idle != u->tx_idle) {
        u->tx_idle = (uint8_t)idle;
        if (idle == USART_OPEN)
            usart_falls_silent(c, index);
        if (!in_frame || idle == USART_OPEN)
            show_idle(c, index);
    }
    if (hz != u->ck.hz)
        af_out(c, AF_USART1_CK + index, u->cr2 & USART_CR2_CPOL);
    if (hz > 0 || u->ck.pins)
        af_tell_wave(c, AF_USART1_CK + index, &u->ck, hz, hz > 0 ? 0.5 : 0);
    u->ck.hz = hz;
}

void usart_pins_selected(struct chip *c)
{
    for (unsigned i = 0; i < USART_COUNT; i++) {
        if (c->usart[i].cr2 & USART_CR2_CLKEN)
            usart_pins(c, i);
        usart_cts(c, i);
    }
}

/* ---- events ---- */

static ps_t earlier(ps_t a, ps_t b)
{
    return a < b ? a : b;
}

void usart_schedule(struct chip *c, unsigned index)
{
    const struct usart_state *u = &c->usart[index];
    ps_t when = earlier(earlier(earlier(u->tx_end, u->rx_end), earlier(u->ack_at, u->break_at)),
                        earlier(u->idle_at, u->timeout_at));

    chip_wake_at(c, (enum block_id)(B_USART1 + index), when);
}

void usart_event(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    ps_t now = chip_now(c);

    if (u->ack_at <= now) {
        u->ack_at = PS_NEVER;
        put_bit(&u->isr, USART_ISR_TEACK, u->cr1 & USART_CR1_TE);
        put_bit(&u->isr, USART_ISR_REACK, u->cr1 & USART_CR1_RE);
    }
    if (u->rx_end <= now)
        usart_received(c, index);
    if (u->tx_end <= now)
        sent(c, index);
    if (u->break_at <= now) {
        u->break_at = PS_NEVER;
        u->isr |= USART_ISR_LBDF;
    }
    if (u->idle_at <= now)
        usart_line_idle(u);
    if (u->timeout_at <= now) {
        u->timeout_at = PS_NEVER;
        u->isr |= USART_ISR_RTOF;
    }
    usart_update(c, index);
    usart_schedule(c, index);
}
