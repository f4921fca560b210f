/* USART1-3 and LPUART1 (RM0394 "USART/UART", "LPUART"). usart.c has the registers, usart_frame.c frames as
 * levels, usart_line.c the transmitters, usart_receive.c the receivers: a frame is one event, its bits are
 * looked at when it has passed. usart_pin.c has what shows at pins, and what the outside sends (chip.h). */
#ifndef VBOARD_CHIP_USART_H
#define VBOARD_CHIP_USART_H

#include "chip/afpin.h"
#include "chip/chip.h"

enum { USART_COUNT = 4, LPUART1_INDEX = 3 };

/* A frame on a line: the level of each bit, start bit first, after which the line idles high. */
struct usart_frame {
    uint32_t levels;
    unsigned bits;
    ps_t bit; /* duration of one; 0: no frame */
    ps_t start;
    ps_t pulse; /* IrDA: a zero is a low pulse of this width; 0: it is a low bit */
    bool low;   /* all is inverted on the line: it idles low */
};

/* REPETITION: the time before a Smartcard gets a word again; GUARD: that before it gets the next one;
 * RELEASE: DE outlasts what was sent */
enum usart_sending {
    SENDING_NOTHING,
    SENDING_IDLE,
    SENDING_BREAK,
    SENDING_DATA,
    SENDING_REPETITION,
    SENDING_GUARD,
    SENDING_RELEASE
};

/* The transmitter's pin while nothing is sent. OPEN: it is left to pulls and others. */
enum usart_idle { USART_OPEN, USART_IDLES_LOW, USART_IDLES_HIGH };

struct usart_state {
    uint32_t cr1, cr2, cr3, brr, gtpr, rtor, isr, rdr, tdr;

    enum usart_sending sending;
    uint16_t shift;   /* the word that is being sent */
    bool idle_due;    /* TE has risen: an idle frame goes first */
    bool break_due;   /* SBKRQ */
    bool driving;     /* DE is asserted */
    ps_t tx_end;      /* of what is being sent, or PS_NEVER: the clock stands */
    uint32_t hz;      /* kernel clock that tx_end was computed with */
    uint64_t tx_left; /* its periods until then, around a clock change */

    bool nacked;       /* the receiver pulls the line low in the stop bit of what is being sent */
    bool halted;       /* a Smartcard has refused a word for good: TDR waits for TXFRQ */
    uint8_t repeated;  /* times that the word was sent again */
    uint8_t tx_idle;   /* enum usart_idle: the pin between frames */
    bool cts_high;     /* as the pin was last seen */
    struct af_wave ck; /* the clock that was told */

    struct usart_frame rx; /* what is on the receive line */
    ps_t rx_start;         /* the edge that the receiver took for a start bit */
    ps_t rx_end, ack_at, idle_at, timeout_at;
    ps_t break_at;   /* the delimiter behind a LIN break */
    ps_t quiet_from; /* from when on RTOR counts */
    bool idle_armed; /* something was received since the last IDLE */
    bool silent;     /* nothing came for an idle frame, or longer */
    uint8_t refused; /* times that a word was answered by a NACK */
    uint32_t block_length;
};

/* What sends to a pin: from outside, where it keeps its rate if nobody receives, and behind those each USART.
 */
enum { USART_LINES = 8, USART_ALL_LINES = USART_LINES + USART_COUNT };
struct usart_line {
    uint8_t port, pin;
    ps_t next;                /* the pin is due to change, PS_NEVER: nobody looks */
    struct usart_frame frame; /* the last one; bit is 0: no such line */
    bool passing;             /* it has not passed yet, as far as anybody has looked */
};
struct usart_lines {
    struct usart_line line[USART_ALL_LINES];
    unsigned passing;          /* how many */
    uint8_t last[USART_COUNT]; /* 0x80, port and pin that a receiver was last seen at; 0: none */
};

void usart_reset(struct chip *c, unsigned index);
bool usart_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool usart_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool usart_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void usart_event(struct chip *c, unsigned index);
void usart_clock(struct chip *c, unsigned index, bool after);
void usart_cts(struct chip *c, unsigned index); /* the nCTS pin may have changed */
void usart_pins_selected(struct chip *c);       /* pins were given to other functions */
/* Somebody looks at levels of pins, or is about to look for edges. */
void usart_lines_look(struct chip *c);

/* ---- between the files of USART ---- */

enum {
    USART_CR1_UE = 1 << 0,
    USART_CR1_UESM = 1 << 1,
    USART_CR1_RE = 1 << 2,
    USART_CR1_TE = 1 << 3,
    USART_CR1_IDLEIE = 1 << 4,
    USART_CR1_RXNEIE = 1 << 5,
    USART_CR1_TCIE = 1 << 6,
    USART_CR1_TXEIE = 1 << 7,
    USART_CR1_PEIE = 1 << 8,
    USART_CR1_PS = 1 << 9,
    USART_CR1_PCE = 1 << 10,
    USART_CR1_WAKE = 1 << 11,
    USART_CR1_M0 = 1 << 12,
    USART_CR1_MME = 1 << 13,
    USART_CR1_CMIE = 1 << 14,
    USART_CR1_OVER8 = 1 << 15,
    USART_CR1_RTOIE = 1 << 26,
    USART_CR1_EOBIE = 1 << 27,
    USART_CR1_M1 = 1 << 28,

    USART_CR2_ADDM7 = 1 << 4,
    USART_CR2_LBDL = 1 << 5,
    USART_CR2_LBDIE = 1 << 6,
    USART_CR2_LBCL = 1 << 8,
    USART_CR2_CPHA = 1 << 9,
    USART_CR2_CPOL = 1 << 10,
    USART_CR2_CLKEN = 1 << 11,
    USART_CR2_LINEN = 1 << 14,
    USART_CR2_SWAP = 1 << 15,
    USART_CR2_RXINV = 1 << 16,
    USART_CR2_TXINV = 1 << 17,
    USART_CR2_DATAINV = 1 << 18,
    USART_CR2_MSBFIRST = 1 << 19,
    USART_CR2_ABREN = 1 << 20,
    USART_CR2_RTOEN = 1 << 23,

    USART_CR3_EIE = 1 << 0,
    USART_CR3_IREN = 1 << 1,
    USART_CR3_IRLP = 1 << 2,
    USART_CR3_HDSEL = 1 << 3,
    USART_CR3_NACK = 1 << 4,
    USART_CR3_SCEN = 1 << 5,
    USART_CR3_DMAR = 1 << 6,
    USART_CR3_DMAT = 1 << 7,
    USART_CR3_RTSE = 1 << 8,
    USART_CR3_CTSE = 1 << 9,
    USART_CR3_CTSIE = 1 << 10,
    USART_CR3_ONEBIT = 1 << 11,
    USART_CR3_OVRDIS = 1 << 12,
    USART_CR3_DDRE = 1 << 13,
    USART_CR3_DEM = 1 << 14,
    USART_CR3_DEP = 1 << 15,
    USART_CR3_WUFIE = 1 << 22,
    USART_CR3_TCBGTIE = 1 << 24,

    USART_ISR_PE = 1 << 0,
    USART_ISR_FE = 1 << 1,
    USART_ISR_NF = 1 << 2,
    USART_ISR_ORE = 1 << 3,
    USART_ISR_IDLE = 1 << 4,
    USART_ISR_RXNE = 1 << 5,
    USART_ISR_TC = 1 << 6,
    USART_ISR_TXE = 1 << 7,
    USART_ISR_LBDF = 1 << 8,
    USART_ISR_CTSIF = 1 << 9,
    USART_ISR_CTS = 1 << 10,
    USART_ISR_RTOF = 1 << 11,
    USART_ISR_EOBF = 1 << 12,
    USART_ISR_ABRE = 1 << 14,
    USART_ISR_ABRF = 1 << 15,
    USART_ISR_BUSY = 1 << 16,
    USART_ISR_CMF = 1 << 17,
    USART_ISR_SBKF = 1 << 18,
    USART_ISR_RWU = 1 << 19,
    USART_ISR_WUF = 1 << 20,
    USART_ISR_TEACK = 1 << 21,
    USART_ISR_REACK = 1 << 22,
    USART_ISR_TCBGT = 1 << 25,
    USART_ISR_RESET = USART_ISR_TC | USART_ISR_TXE
};

uint32_t usart_hz(const struct chip *c, unsigned index);   /* kernel clock as this instance gets it */
ps_t usart_bit_time(const struct chip *c, unsigned index); /* 0: no usable clock or BRR */
void usart_update(struct chip *c, unsigned index); /* interrupt, DMA requests, RTS, after any flag change */
void usart_schedule(struct chip *c, unsigned index);
void usart_send_next(struct chip *c, unsigned index); /* begins what is due, if the transmitter is free */
/* SWAP may have changed: TX idles at the one pin, and the other is an input. before: SWAP as it was */
void usart_swapped(struct chip *c, unsigned index, uint32_t before);
void usart_pins(struct chip *c, unsigned index); /* idle level of TX, clock at CK */
bool usart_receiving(const struct usart_state *u);
bool usart_irda_off(const struct usart_state *u); /* "The IrDA encoder/decoder doesn't work when PSC = 0" */
unsigned usart_line_in(const struct usart_state *u, unsigned index);  /* enum af_signal that it listens to */
unsigned usart_line_out(const struct usart_state *u, unsigned index); /* that it sends to */
void usart_drive(struct chip *c, unsigned index, bool level);
void usart_shows(struct chip *c, unsigned index, const struct usart_frame *f); /* a frame that it sends */
void usart_falls_silent(struct chip *c, unsigned index);
void usart_time_out(struct chip *c, unsigned index); /* RTO periods of a bit behind `quiet_from` */
/* A frame begins on the receive line; the middle of its stop bit: it is judged; a frame of silence. */
void usart_listen(struct chip *c, unsigned index, const struct usart_frame *f);
void usart_received(struct chip *c, unsigned index);
void usart_line_idle(struct usart_state *u);
ps_t usart_idle_time(const struct usart_state *u, ps_t bit); /* of an idle frame, stop bits and all */
void usart_deliver(struct chip *c, unsigned index, uint32_t word, uint32_t errors); /* into RDR */
void usart_nack(struct chip *c, unsigned index); /* this receiver pulls the Smartcard's line low */

unsigned usart_data_bits(const struct usart_state *u);   /* with parity */
unsigned usart_stop_halves(const struct usart_state *u); /* in halves of a bit: 1, 0.5, 2, 1.5 */
/* Between the word in TDR or RDR and the order of its bits on the line; the parity bit stays last. */
uint32_t usart_reorder(const struct usart_state *u, uint32_t word);
uint32_t usart_with_parity(const struct usart_state *u, uint32_t word);
struct usart_frame usart_frame_of(const struct usart_state *u, uint32_t word, ps_t bit, ps_t start);
bool usart_level(const struct usart_frame *f, ps_t t);
/* The first falling edge at `from` or later, of the inverted line if `inverted`; PS_NEVER. */
ps_t usart_falls(const struct usart_frame *f, bool inverted, ps_t from);
ps_t usart_changes(const struct usart_frame *f, ps_t from); /* the first edge of either kind */

#endif
