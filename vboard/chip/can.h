/* CAN1 (RM0394 "bxCAN"). can.c has the registers and modes, can_frames.c what is sent and received. */
#ifndef VBOARD_CHIP_CAN_H
#define VBOARD_CHIP_CAN_H

#include "chip/chip.h"

enum { CAN_MAILBOXES = 3, CAN_FIFOS = 2, CAN_DEPTH = 3, CAN_BANKS = 14 };

/* A mailbox: identifier, length and time, data; as in TIxR, TDTxR, TDLxR, TDHxR. */
struct can_mailbox {
    uint32_t id, length, low, high;
};

struct can_state {
    uint32_t mcr, msr, tsr, ier, esr, btr;
    struct can_mailbox tx[CAN_MAILBOXES];
    struct can_fifo {
        struct can_mailbox box[CAN_DEPTH];
        uint32_t flags; /* FULL, FOVR of RFxR */
        unsigned count;
    } fifo[CAN_FIFOS];
    uint32_t fmr, fm1r, fs1r, ffa1r, fa1r, bank[CAN_BANKS][2];
    unsigned sending;        /* mailbox number, CAN_MAILBOXES: none */
    bool last_try;           /* its frame is not repeated: ABRQ */
    uint32_t order;          /* requests in the order in which they came: a byte each, for TXFP */
    ps_t counts_from;        /* the time stamp's counter, since the end of initialization */
    uint16_t stamp;          /* of the frame that is being sent, at its start */
    ps_t sent_at, joined_at; /* end of the frame; end of the 11 recessive bits after another mode */
    bool rx_low;             /* a dominant level, as the pin was last seen */
};

void can_reset(struct chip *c, unsigned index);
bool can_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool can_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void can_event(struct chip *c, unsigned index);
void can_clock(struct chip *c, unsigned index, bool after);
void can_rx(struct chip *c); /* its receive pin may have changed: a dominant level ends Sleep mode */

/* ---- between the files of CAN ---- */

enum {
    CAN_MCR_INRQ = 1 << 0,
    CAN_MCR_SLEEP = 1 << 1,
    CAN_MCR_TXFP = 1 << 2,
    CAN_MCR_RFLM = 1 << 3,
    CAN_MCR_NART = 1 << 4,
    CAN_MCR_TTCM = 1 << 7,
    CAN_MSR_INAK = 1 << 0,
    CAN_MSR_SLAK = 1 << 1,
    CAN_MSR_ERRI = 1 << 2,
    CAN_MSR_WKUI = 1 << 3,
    CAN_MSR_SLAKI = 1 << 4,
    CAN_RF_FULL = 1 << 3,
    CAN_RF_FOVR = 1 << 4,
    CAN_TI_TXRQ = 1 << 0
};
#define CAN_BTR_LBKM 0x40000000u
#define CAN_BTR_SILM 0x80000000u

ps_t can_bits(const struct chip *c, unsigned n); /* n bit times; PS_NEVER without clock */
uint32_t can_tsr(const struct can_state *s);     /* as read */
void can_send_next(struct chip *c);              /* or enters the mode that was asked for meanwhile */
void can_abort(struct chip *c, unsigned mailbox);
void can_update(struct chip *c); /* interrupts and the next event */

#endif
