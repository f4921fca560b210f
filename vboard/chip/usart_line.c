/* What happens on the lines of USART1-3 and LPUART1: frames are built from TDR, take their time, and are
 * sampled by receivers at their own rate, so that a wrong rate or format gives what it gives on wires. */
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/state.h"
#include "chip/usart.h"

static const char *const names[USART_COUNT] = {"USART1", "USART2", "USART3", "LPUART1"};

static unsigned data_bits(const struct usart_state *u)
{
    return u->cr1 & USART_CR1_M1 ? 7 : u->cr1 & USART_CR1_M0 ? 9 : 8;
}

/* In halves of a bit: 1, 0.5, 2, 1.5. */
static unsigned stop_halves(const struct usart_state *u)
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

/* Between the word in TDR or RDR and the order of its bits on the line; the parity bit stays last. */
static uint32_t reorder(const struct usart_state *u, uint32_t word)
{
    unsigned n = data_bits(u), data = u->cr1 & USART_CR1_PCE ? n - 1 : n;

    if (u->cr2 & USART_CR2_DATAINV)
        word = ~word & ((1u << n) - 1);
    if (u->cr2 & USART_CR2_MSBFIRST)
        word = reversed(word & ((1u << data) - 1), data) | (word & ~((1u << data) - 1));
    return word;
}

/* The word with its parity bit, if there is one. */
static uint32_t with_parity(const struct usart_state *u, uint32_t word)
{
    unsigned n = data_bits(u);

    if (!(u->cr1 & USART_CR1_PCE))
        return word & ((1u << n) - 1);
    word &= (1u << (n - 1)) - 1;
    return word | (odd_ones(word) != !!(u->cr1 & USART_CR1_PS) ? 1u << (n - 1) : 0);
}

static struct usart_frame frame_of(const struct usart_state *u, uint32_t word, ps_t bit, ps_t start)
{
    unsigned n = data_bits(u);

    return (struct usart_frame){
        .levels = reorder(u, word) << 1 | UINT32_MAX << (n + 1), .bits = n + 1, .bit = bit, .start = start};
}

static bool receiving(const struct usart_state *u)
{
    return (u->cr1 & USART_CR1_UE) && (u->cr1 & USART_CR1_RE);
}

/* ---- receiver ---- */

/* A frame begins on the receive line. */
static void listen(struct chip *c, unsigned index, const struct usart_frame *f)
{
    struct usart_state *u = &c->usart[index];
    ps_t bit = usart_bit_time(c, index);

    if (!receiving(u) || !bit || u->rx.bit)
        return;
    u->rx = *f;
    /* the stop bit is sampled in its middle; while the rate is unknown, the sender's counts */
    ps_t own = u->cr2 & USART_CR2_ABREN && !(u->isr & USART_ISR_ABRF) ? f->bit : bit;
    u->rx_end = f->start + own * (data_bits(u) + 1) + own / 2;
    u->isr |= USART_ISR_BUSY;
    u->idle_at = u->timeout_at = PS_NEVER;
    if (c->mode == MODE_STOP && bits(u->cr3, 20, 2) == 2) /* WUS: start bit */
        u->isr |= USART_ISR_WUF;
    usart_update(c, index);
    usart_schedule(c, index);
}

static bool level_at(const struct usart_state *u, ps_t after)
{
    uint64_t i = after / u->rx.bit;
    bool level = i >= u->rx.bits ? true : u->rx.levels >> i & 1;

    return level;
}

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

static void address_match(struct usart_state *u, uint32_t word)
{
    uint32_t add = u->cr2 >> 24;
    unsigned n = data_bits(u);
    bool mark = u->cr1 & USART_CR1_WAKE && word >> (n - 1) & 1;
    uint32_t mask = u->cr2 & USART_CR2_ADDM7 ? 0x7F : 0xF;

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

static void deliver(struct chip *c, unsigned index, uint32_t word, uint32_t errors)
{
    struct usart_state *u = &c->usart[index];

    address_match(u, word);
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

/* The middle of the stop bit: the frame is judged. */
static void received(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    unsigned n = data_bits(u);
    ps_t bit = usart_bit_time(c, index);
    uint32_t raw = 0;

    u->isr &= ~(uint32_t)USART_ISR_BUSY;
    u->rx_end = PS_NEVER;
    if (u->cr2 & USART_CR2_ABREN && !(u->isr & USART_ISR_ABRF) && detect_rate(c, index))
        bit = u->rx.bit;
    for (unsigned i = 0; i <= n; i++)
        raw |= (uint32_t)level_at(u, bit * (i + 1) + bit / 2) << i;
    uint32_t word = reorder(u, raw & ((1u << n) - 1)), errors = 0;
    bool stop = raw >> n & 1, all_low = !raw && !level_at(u, bit / 2);
    if (!stop)
        errors |= USART_ISR_FE;
    if (u->cr1 & USART_CR1_PCE && with_parity(u, word) != word)
        errors |= USART_ISR_PE;
    if (u->cr2 & USART_CR2_LINEN && all_low && u->rx.bits >= (u->cr2 & USART_CR2_LBDL ? 11u : 10u))
        u->isr |= USART_ISR_LBDF;
    ps_t end = u->rx.start + u->rx.bit * u->rx.bits + u->rx.bit * stop_halves(u) / 2;
    u->rx.bit = 0;
    deliver(c, index, word, errors);
    if (u->idle_armed || u->isr & USART_ISR_RWU)
        u->idle_at = end + bit * (n + 2);
    if (u->cr2 & USART_CR2_RTOEN)
        u->timeout_at = end + bit * bits(u->rtor, 0, 24);
}

static void line_idle(struct usart_state *u)
{
    u->idle_at = PS_NEVER;
    if (u->isr & USART_ISR_RWU) {
        if (!(u->cr1 & USART_CR1_WAKE))
            u->isr &= ~(uint32_t)USART_ISR_RWU;
    } else if (u->idle_armed) {
        u->isr |= USART_ISR_IDLE;
        u->idle_armed = false;
    }
}

ps_t usart_receive(struct chip *c, enum block_id uart, uint8_t byte)
{
    unsigned index = (unsigned)uart - B_USART1;
    const struct usart_state *u = &c->usart[index];
    ps_t bit = usart_bit_time(c, index);

    enum af_signal line = u->cr2 & USART_CR2_SWAP || u->cr3 & USART_CR3_HDSEL ? AF_USART1_TX : AF_USART1_RX;
    if (!receiving(u) || !bit || !af_connected(c, line + index))
        return 0;
    struct usart_frame f = frame_of(u, with_parity(u, byte), bit, chip_now(c));
    listen(c, index, &f);
    return bit * f.bits + bit * stop_halves(u) / 2;
}

/* ---- transmitter ---- */

/* Who else hears what this transmitter sends: its own receiver in half-duplex mode, and receivers whose
 * pins are wired to its pin. */
static void spread(struct chip *c, unsigned index, struct usart_frame f)
{
    const struct usart_state *u = &c->usart[index];
    enum af_signal out = (u->cr2 & USART_CR2_SWAP ? AF_USART1_RX : AF_USART1_TX) + index;

    if (u->cr2 & USART_CR2_TXINV)
        return; /* an inverted line is never idle for the others here */
    if (u->cr3 & USART_CR3_HDSEL)
        listen(c, index, &f);
    for (unsigned i = 0; i < USART_COUNT; i++) {
        const struct usart_state *r = &c->usart[i];
        enum af_signal in =
            (r->cr2 & USART_CR2_SWAP || r->cr3 & USART_CR3_HDSEL ? AF_USART1_TX : AF_USART1_RX) + i;
        if (in != out && af_wired(c, out, in))
            listen(c, i, &f);
    }
}

static void drive_enable(struct chip *c, unsigned index, bool on)
{
    const struct usart_state *u = &c->usart[index];

    if (u->cr3 & USART_CR3_DEM)
        af_out(c, AF_USART1_RTS + index, on != !!(u->cr3 & USART_CR3_DEP));
}

/* Half bits from now to the end of what begins; assertion and de-assertion of DE are counted in
 * sixteenths (or eighths) of a bit. */
static ps_t de_time(const struct usart_state *u, ps_t bit, unsigned pos)
{
    return u->cr3 & USART_CR3_DEM ? bit * bits(u->cr1, pos, 5) / (u->cr1 & USART_CR1_OVER8 ? 8 : 16) : 0;
}

static void send(struct chip *c, unsigned index, enum usart_sending what, ps_t bit)
{
    struct usart_state *u = &c->usart[index];
    unsigned n = data_bits(u);
    struct usart_frame f = {.bit = bit, .start = chip_now(c)};

    bool first = u->isr & USART_ISR_TC;
    u->sending = what;
    u->tx_end = f.start;
    switch (what) {
    case SENDING_IDLE: u->tx_end += bit * (n + 2); return;
    case SENDING_BREAK:
        f.bits = u->cr2 & USART_CR2_LINEN ? 13 : n + 2;
        f.levels = UINT32_MAX << f.bits;
        u->tx_end += bit * (f.bits + 1);
        break;
    default:
        u->shift = (uint16_t)with_parity(u, u->tdr);
        u->isr |= USART_ISR_TXE;
        drive_enable(c, index, true);
        f.start += first ? de_time(u, bit, 21) : 0;
        f = frame_of(u, u->shift, bit, f.start);
        u->tx_end = f.start + bit * f.bits + bit * stop_halves(u) / 2;
        break;
    }
    spread(c, index, f);
}

void usart_send_next(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    ps_t bit = usart_bit_time(c, index);

    if (u->sending != SENDING_NOTHING || !(u->cr1 & USART_CR1_UE) || !(u->cr1 & USART_CR1_TE) || !bit)
        return;
    if (u->idle_due) {
        u->idle_due = false;
        send(c, index, SENDING_IDLE, bit);
    } else if (u->break_due) {
        u->break_due = false;
        send(c, index, SENDING_BREAK, bit);
    } else if (!(u->isr & USART_ISR_TXE)) {
        bool held = u->cr3 & USART_CR3_CTSE && af_in(c, AF_USART1_CTS + index, false);
        if (!held)
            send(c, index, SENDING_DATA, bit);
    }
}

static void sent(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    enum usart_sending what = u->sending;
    enum af_signal out = (u->cr2 & USART_CR2_SWAP ? AF_USART1_RX : AF_USART1_TX) + index;

    u->sending = SENDING_NOTHING;
    u->tx_end = PS_NEVER;
    if (what == SENDING_BREAK)
        u->isr &= ~(uint32_t)USART_ISR_SBKF;
    if (what == SENDING_DATA && c->tell->uart_tx && af_connected(c, out)) {
        unsigned n = data_bits(u) - (u->cr1 & USART_CR1_PCE ? 1 : 0);
        c->tell->uart_tx(c->tell->owner, names[index], (uint8_t)(u->shift & ((1u << n) - 1)));
    }
    if (what == SENDING_DATA && u->cr2 & USART_CR2_CLKEN && receiving(u) && !u->rx.bit &&
        !(u->cr3 & USART_CR3_HDSEL))
        deliver(c, index, (1u << data_bits(u)) - 1, 0); /* synchronous, nobody answers: ones */
    usart_send_next(c, index);
    if (what == SENDING_DATA && u->sending == SENDING_NOTHING && u->isr & USART_ISR_TXE) {
        u->isr |= USART_ISR_TC;
        drive_enable(c, index, false);
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
    ps_t when =
        earlier(earlier(u->tx_end, u->rx_end), earlier(u->ack_at, earlier(u->idle_at, u->timeout_at)));

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
        received(c, index);
    if (u->tx_end <= now)
        sent(c, index);
    if (u->idle_at <= now)
        line_idle(u);
    if (u->timeout_at <= now) {
        u->timeout_at = PS_NEVER;
        u->isr |= USART_ISR_RTOF;
    }
    usart_update(c, index);
    usart_schedule(c, index);
}
