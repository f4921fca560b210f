/* SWPMI1 (RM0394 "SWPMI"): a single wire master whose slave never resumes. What it sends nobody answers, but
 * in loop-back it receives it itself. A frame is a start byte, the payload, two bytes of CRC and an end byte;
 * the bits that are stuffed into it are not counted. */
#include "chip/swpmi.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { CR, BRR, ISR = 0x0C / 4, ICR, IER, RFL, TDR, RDR, OR };
enum { RXDMA = 1, TXDMA = 2, RXMODE = 4, TXMODE = 8, LPBK = 16, SWPACT = 32, DEACT = 1 << 10 };
enum {
    RXBFF = 1,
    TXBEF = 2,
    RXBERF = 4,
    RXOVRF = 8,
    TXUNRF = 16,
    RXNE = 32,
    TXE = 64,
    TCF = 128,
    SRF = 256,
    SUSP = 512,
    DEACTF = 1024,
    CLEARED = 0x19F /* by ICR; the others are levels */
};
enum { IRQ_SWPMI = 76, MOST = 30, BUFFER_WORDS = 8 /* a frame in a multiple buffer */ };
enum { RESUME_BITS = 8, SOF_BITS = 8, CRC_EOF_BITS = 24, QUIET_BITS = 7 };

static const struct reg_row rows[] = {
    {0x00, 0, 0x0000043F}, {0x04, 1, 0x3F}, {0x0C, TXBEF | TXE | TCF | SUSP, 0},
    {0x14, 0, 0x1FF},      {0x24, 0, 3},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static uint32_t hz_of(const struct chip *c)
{
    return chip_enabled(c, B_SWPMI1) ? chip_clock(c, CLK_SWPMI1) : 0;
}

static void update(struct chip *c)
{
    struct swpmi_state *s = &c->swpmi;
    bool idle = s->step == SWPMI_IDLE, active = s->r[CR] & SWPACT;

    put_bit(&s->r[ISR], RXNE, s->rx_level);
    put_bit(&s->r[ISR], TXE, !s->full);
    put_bit(&s->r[ISR], SUSP, idle);
    put_bit(&s->r[ISR], DEACTF, idle && active && s->r[CR] & DEACT);
    chip_irq(c, IRQ_SWPMI, B_SWPMI1, s->r[ISR] & s->r[IER]);
    dma_request(c, DMAR_SWPMI1_TX, active && s->r[CR] & TXDMA && !s->full);
    dma_request(c, DMAR_SWPMI1_RX, s->r[CR] & RXDMA && s->rx_level);
    chip_wake_at(c, B_SWPMI1, s->at);
}

static void enter(struct chip *c, enum swpmi_step step, unsigned bit_count)
{
    struct swpmi_state *s = &c->swpmi;
    ps_t time = chip_ticks_to_ps(4ull * (s->r[BRR] + 1) * bit_count, s->hz = hz_of(c));

    s->step = step;
    s->at = step == SWPMI_IDLE || time == PS_NEVER ? PS_NEVER : chip_now(c) + time;
}

/* ---- reception: the loop-back ---- */

static void put_word(struct swpmi_state *s, uint32_t word)
{
    if (s->rx_level == SWPMI_RX_WORDS || s->rx_tail)
        s->rx_lost = true;
    else
        s->rx[s->rx_level++] = word;
}

/* In a multiple buffer the eighth word of a frame has length and flags beside the last two bytes. */
static uint32_t verdict(const struct swpmi_state *s)
{
    bool overrun = s->r[ISR] & RXOVRF || s->rx_lost;

    return s->r[RFL] << 16 | (s->corrupt ? 1u << 24 : 0) | (overrun ? 1u << 25 : 0) | 1u << 26;
}

/* Zeros fill the eight words. */
static void put_tail(struct swpmi_state *s)
{
    while (s->rx_tail && s->rx_level < SWPMI_RX_WORDS) {
        s->rx_tail--;
        s->rx[s->rx_level++] = s->rx_tail ? 0 : verdict(s);
    }
}

static void receive_end(struct swpmi_state *s)
{
    unsigned words = (s->sent + 3u) / 4;
    bool multiple = s->r[CR] & RXMODE;

    s->r[RFL] = s->sent;
    s->r[ISR] |= RXBFF | (s->corrupt ? RXBERF : 0);
    put_word(s, s->r[RDR] | (multiple && words == BUFFER_WORDS ? verdict(s) : 0));
    s->rx_tail = multiple ? (uint8_t)(BUFFER_WORDS - words) : 0;
    put_tail(s);
}

/* r[RDR] collects a word; it is handed over when the next byte is there, the last one at the end. */
static void receive_byte(struct swpmi_state *s, uint8_t byte)
{
    unsigned lane = s->sent % 4;

    if (lane == 0 && s->sent)
        put_word(s, s->r[RDR]);
    s->r[RDR] = lane ? s->r[RDR] | (uint32_t)byte << 8 * lane : byte;
}

/* ---- transmission ---- */

static unsigned length_in(uint32_t first_word)
{
    return (first_word & 0xFF) > MOST ? MOST : first_word & 0xFF;
}

/* Words that the payload takes, one byte of which is the length. */
static unsigned words_of(unsigned length)
{
    return (length + 4u) / 4;
}

static unsigned frame_words(const struct swpmi_state *s)
{
    return words_of(s->length);
}

/* Bytes of payload in the word on the wire. */
static unsigned word_bytes(const struct swpmi_state *s)
{
    unsigned left = s->length - s->sent, most = s->taken == 1 ? 3 : 4;

    return left < most ? left : most;
}

static void take_word(struct swpmi_state *s)
{
    s->shift = s->r[TDR];
    s->full = false;
    s->taken++;
}

/* A frame begins with what is in TDR; on a suspended bus the master resumes first. */
static void begin(struct chip *c)
{
    struct swpmi_state *s = &c->swpmi;

    s->length = (uint8_t)length_in(s->r[TDR]);
    s->taken = s->sent = 0;
    s->corrupt = false;
    take_word(s);
    enter(c, SWPMI_START, (s->step == SWPMI_IDLE ? RESUME_BITS : 0) + SOF_BITS);
}

/* The rest of the eight words of a frame in a multiple buffer is fetched and not sent. */
static bool swallows(const struct swpmi_state *s)
{
    return s->r[CR] & TXMODE && s->step != SWPMI_IDLE && s->step != SWPMI_QUIET &&
           s->taken >= frame_words(s) && s->taken < BUFFER_WORDS;
}

static bool new_frame(const struct swpmi_state *s)
{
    return s->step == SWPMI_IDLE || s->step == SWPMI_QUIET || s->taken >= frame_words(s);
}

static void write_data(struct chip *c, uint32_t value)
{
    struct swpmi_state *s = &c->swpmi;

    if (!(s->r[CR] & SWPACT) || s->r[ISR] & TXUNRF)
        return;
    if (swallows(s)) {
        s->taken++;
        return;
    }
    if (new_frame(s) && !(value & 0xFF)) { /* ends a series of frames */
        s->r[CR] &= ~(uint32_t)TXDMA;
        return;
    }
    /* TXBEF: no more words are needed for the frame */
    if (new_frame(s) ? words_of(length_in(value)) == 1 : s->taken + 1u == frame_words(s))
        s->r[ISR] |= TXBEF;
    s->r[TDR] = value;
    s->full = true;
    if (s->step == SWPMI_IDLE || s->step == SWPMI_QUIET)
        begin(c);
}

static void word_sent(struct chip *c)
{
    struct swpmi_state *s = &c->swpmi;

    for (unsigned n = word_bytes(s), lane = s->taken == 1; n > 0; n--, lane++) {
        if (s->r[CR] & LPBK)
            receive_byte(s, (uint8_t)(s->shift >> 8 * lane));
        s->sent++;
    }
    if (s->sent == s->length) {
        enter(c, SWPMI_END, CRC_EOF_BITS);
    } else if (s->full) {
        take_word(s);
        enter(c, SWPMI_WORD, 8 * word_bytes(s));
    } else {
        s->corrupt = true;
        s->r[ISR] |= TXUNRF;
        s->r[CR] &= ~(uint32_t)TXDMA;
        enter(c, SWPMI_END, CRC_EOF_BITS);
    }
}

void swpmi_event(struct chip *c, unsigned index)
{
    struct swpmi_state *s = &c->swpmi;

    (void)index;
    if (s->at > chip_now(c))
        return;
    switch (s->step) {
    case SWPMI_START: enter(c, SWPMI_WORD, 8 * word_bytes(s)); break;
    case SWPMI_WORD: word_sent(c); break;
    case SWPMI_END:
        if (s->r[CR] & LPBK)
            receive_end(s);
        if (!s->full)
            s->r[ISR] |= TCF;
        enter(c, SWPMI_QUIET, QUIET_BITS);
        if (s->full)
            begin(c);
        break;
    default: enter(c, SWPMI_IDLE, 0); break;
    }
    update(c);
}

void swpmi_clock(struct chip *c, unsigned index, bool after)
{
    struct swpmi_state *s = &c->swpmi;

    (void)index;
    if (!after || s->step == SWPMI_IDLE || s->hz == hz_of(c))
        return;
    enter(c, s->step, s->step == SWPMI_WORD ? 8 * word_bytes(s) : SOF_BITS);
    update(c);
}

/* ---- registers ---- */

void swpmi_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->swpmi = (struct swpmi_state){.at = PS_NEVER};
    regs_reset(c->swpmi.r, rows, ROWS);
    update(c);
}

bool swpmi_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct swpmi_state *s = &c->swpmi;

    (void)index;
    *value = off / 4 == RDR            ? lanes_get(s->rx[0], off, size)
             : off / 4 == TDR          ? 0
             : off < sizeof c->swpmi.r ? lanes_get(s->r[off / 4], off, size)
                                       : 0;
    return true;
}

bool swpmi_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    struct swpmi_state *s = &c->swpmi;

    swpmi_peek(c, index, off, size, value);
    if (off / 4 != RDR || !s->rx_level)
        return true;
    s->rx_level--;
    for (unsigned i = 0; i < s->rx_level; i++)
        s->rx[i] = s->rx[i + 1];
    put_tail(s);
    if (s->rx_lost && s->rx_level == 1) {
        s->rx_lost = false;
        s->r[ISR] |= RXOVRF;
    }
    update(c);
    return true;
}

/* The modes and the rate stay as they are while the bus is active. */
static void write_control(struct chip *c, uint32_t value)
{
    struct swpmi_state *s = &c->swpmi;
    uint32_t locked = s->r[CR] & SWPACT ? RXMODE | TXMODE | LPBK : 0;

    s->r[CR] = (s->r[CR] & (locked | ~rows[0].writable)) | (value & rows[0].writable & ~locked);
    if (s->r[CR] & SWPACT)
        return;
    s->full = false;
    enter(c, SWPMI_IDLE, 0);
}

bool swpmi_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct swpmi_state *s = &c->swpmi;

    (void)index;
    value = lanes_apb(size, value);
    switch (off / 4) {
    case CR: write_control(c, value); break;
    case BRR:
        if (!(s->r[CR] & SWPACT))
            regs_write(s->r, rows, ROWS, off & ~3u, value);
        break;
    case ICR: s->r[ISR] &= ~(value & CLEARED); break;
    case TDR: write_data(c, value); break;
    default: regs_write(s->r, rows, ROWS, off & ~3u, value); break;
    }
    update(c);
    return true;
}
