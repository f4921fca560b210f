/* Frames of CAN1: mailboxes by priority, loop-back through the acceptance filters into the FIFOs; and on a
 * bus where nobody acknowledges, errors and repetition. RM0394 "bxCAN functional description". */
#include "chip/afpin.h"
#include "chip/can.h"
#include "chip/regs.h"
#include "chip/state.h"

enum {
    IDE = 4,
    RTR = 2,
    TGT = 1 << 8 /* of the length */,
    ACK_ERROR = 3,
    ERROR_PASSIVE = 128,
    ERROR_WARNING = 96
};

ps_t can_bits(const struct chip *c, unsigned n)
{
    uint32_t btr = c->can.btr, hz = chip_enabled(c, B_CAN1) ? chip_clock(c, CLK_PCLK1) : 0;
    uint64_t quanta = 3 + bits(btr, 16, 4) + bits(btr, 20, 3);

    return chip_ticks_to_ps(n * quanta * (bits(btr, 0, 10) + 1), hz);
}

/* Bits of a frame with its intermission, without stuff bits. */
static unsigned frame_bits(const struct can_mailbox *m)
{
    unsigned data = m->id & RTR ? 0 : bits(m->length, 0, 4) > 8 ? 8 : bits(m->length, 0, 4);

    return (m->id & IDE ? 67 : 47) + 8 * data;
}

/* ---- acceptance filters ---- */

static uint32_t short_form(uint32_t id)
{
    return (id >> 21 << 5) | (id & RTR ? 1u << 4 : 0) | (id & IDE ? 1u << 3 : 0) | (id >> 18 & 7);
}

/* How many filters a bank holds: 1 or 2 of 32 bits, 2 or 4 of 16. */
static unsigned filters(const struct can_state *s, unsigned bank)
{
    return (s->fs1r >> bank & 1 ? 1u : 2u) * (s->fm1r >> bank & 1 ? 2 : 1);
}

static bool matches(const struct can_state *s, unsigned bank, unsigned n, uint32_t id)
{
    uint32_t one = s->bank[bank][0], two = s->bank[bank][1], code = short_form(id);
    bool list = s->fm1r >> bank & 1;

    if (s->fs1r >> bank & 1)
        return list ? ((id ^ (n ? two : one)) & 0xFFFFFFFE) == 0 : ((id ^ one) & two & 0xFFFFFFFE) == 0;
    if (list)
        return (s->bank[bank][n / 2] >> 16 * (n & 1) & 0xFFFF) == code;
    uint32_t pair = n ? two : one; /* identifier low, mask high */
    return ((code ^ pair) & pair >> 16 & 0xFFFF) == 0;
}

/* The FIFO a frame goes to, with the number of its filter there; CAN_FIFOS: refused. Long filters go before
 * short ones, lists before masks, low numbers first. */
static unsigned accept(const struct can_state *s, uint32_t id, unsigned *fmi)
{
    unsigned number[CAN_FIFOS] = {0}, best = CAN_FIFOS, rank = 4;

    if (s->fmr & 1)
        return CAN_FIFOS;
    for (unsigned b = 0; b < CAN_BANKS; b++) {
        unsigned f = s->ffa1r >> b & 1, kind = (s->fs1r >> b & 1 ? 0u : 2u) + (s->fm1r >> b & 1 ? 0u : 1u);
        for (unsigned n = 0; n < filters(s, b); n++, number[f]++) {
            if (!(s->fa1r >> b & 1) || kind >= rank || !matches(s, b, n, id))
                continue;
            rank = kind;
            best = f;
            *fmi = number[f];
        }
    }
    return best;
}

static void receive(struct chip *c, const struct can_mailbox *m)
{
    struct can_state *s = &c->can;
    unsigned fmi = 0, n = accept(s, m->id, &fmi);

    if (n == CAN_FIFOS)
        return;
    struct can_fifo *f = &s->fifo[n];
    if (f->count == CAN_DEPTH) {
        f->flags |= CAN_RF_FOVR;
        if (s->mcr & CAN_MCR_RFLM)
            return; /* locked: the new frame is lost, else it takes the last one's place */
        f->count--;
    }
    f->box[f->count] = *m;
    f->box[f->count].id &= ~(uint32_t)CAN_TI_TXRQ;
    f->box[f->count].length = (m->length & 0xF) | fmi << 8 | (uint32_t)s->stamp << 16;
    if (++f->count == CAN_DEPTH)
        f->flags |= CAN_RF_FULL;
}

/* ---- sending ---- */

static bool pending(const struct can_state *s, unsigned m)
{
    return !(s->tsr >> (26 + m) & 1);
}

/* How many requests ago a mailbox was requested last. */
static unsigned age(const struct can_state *s, unsigned m)
{
    unsigned n = 0;

    while (n < 4 && (s->order >> 8 * n & 0xFF) != m + 1)
        n++;
    return n;
}

/* By identifier, then by number, or with TXFP in the order of the requests. */
static bool before(const struct can_state *s, unsigned a, unsigned b)
{
    if (s->mcr & CAN_MCR_TXFP)
        return age(s, a) > age(s, b);
    return s->tx[a].id != s->tx[b].id ? s->tx[a].id < s->tx[b].id : a < b;
}

/* The first of the mailboxes to be sent, or the last of them. CAN_MAILBOXES: none is pending. */
static unsigned choose(const struct can_state *s, bool first)
{
    unsigned best = CAN_MAILBOXES;

    for (unsigned m = 0; m < CAN_MAILBOXES; m++)
        if (pending(s, m) && (best == CAN_MAILBOXES || before(s, first ? m : best, first ? best : m)))
            best = m;
    return best;
}

/* TSR: CODE is the number of a free mailbox or, if there is none, of the one that is sent last; LOW tells
 * which that is of several. */
uint32_t can_tsr(const struct can_state *s)
{
    unsigned last = choose(s, false), code = 0;

    while (code < CAN_MAILBOXES && pending(s, code))
        code++;
    bool several = choose(s, true) != last;
    return s->tsr | (code < CAN_MAILBOXES ? code : last) << 24 | (several ? 1u << (29 + last) : 0);
}

/* Initialization and Sleep begin between two frames. */
static void enter_mode(struct can_state *s)
{
    if (s->mcr & CAN_MCR_INRQ) {
        s->msr |= CAN_MSR_INAK;
    } else if (s->mcr & CAN_MCR_SLEEP) {
        if (!(s->msr & CAN_MSR_SLAK))
            s->msr |= CAN_MSR_SLAK | (s->ier & 1 << 17 ? CAN_MSR_SLAKI : 0);
        s->msr &= ~(uint32_t)CAN_MSR_INAK;
    }
}

void can_send_next(struct chip *c)
{
    struct can_state *s = &c->can;
    bool silent = (s->btr & (CAN_BTR_SILM | CAN_BTR_LBKM)) == CAN_BTR_SILM;

    if (s->sending != CAN_MAILBOXES)
        return;
    enter_mode(s);
    if (silent || s->msr & (CAN_MSR_INAK | CAN_MSR_SLAK))
        return;
    unsigned m = choose(s, true);
    ps_t time = m == CAN_MAILBOXES ? PS_NEVER : can_bits(c, frame_bits(&s->tx[m]));
    if (time == PS_NEVER)
        return;
    s->sending = m;
    s->last_try = false;
    s->sent_at = chip_now(c) + time;
    s->stamp = s->mcr & CAN_MCR_TTCM ? (uint16_t)((chip_now(c) - s->counts_from) / can_bits(c, 1)) : 0;
    if (s->mcr & CAN_MCR_TTCM && s->tx[m].length & TGT) /* in the last two of eight bytes */
        s->tx[m].high = (s->tx[m].high & 0xFFFF) | (uint32_t)(s->stamp >> 8) << 16 | (uint32_t)s->stamp << 24;
}

static void complete(struct can_state *s, unsigned m, uint32_t flags)
{
    s->tx[m].id &= ~(uint32_t)CAN_TI_TXRQ;
    s->tsr |= 1u << (26 + m) | flags << 8 * m;
}

/* A frame under way is sent to its end, and may be acknowledged. */
void can_abort(struct chip *c, unsigned mailbox)
{
    struct can_state *s = &c->can;

    if (s->sending == mailbox)
        s->last_try = true;
    else if (pending(s, mailbox))
        complete(s, mailbox, 1); /* RQCP without TXOK */
}

static void count_errors(struct can_state *s, uint32_t tec, uint32_t lec)
{
    s->esr = (s->esr & 0xFF00FF88) | tec << 16 | lec << 4 | (tec >= ERROR_WARNING ? 1 : 0) |
             (tec >= ERROR_PASSIVE ? 2 : 0);
}

static void acknowledged(struct can_state *s, unsigned m)
{
    uint32_t tec = bits(s->esr, 16, 8);

    count_errors(s, tec ? tec - 1 : 0, 0);
    complete(s, m, 1 | 2); /* RQCP, TXOK */
}

/* No acknowledge: the error counter goes up by 8, and stays once the node is error passive. */
static void not_acknowledged(struct can_state *s, unsigned m)
{
    uint32_t tec = bits(s->esr, 16, 8);

    count_errors(s, tec < ERROR_PASSIVE ? tec + 8 : tec, ACK_ERROR);
    uint32_t enabled = s->ier >> 8 & s->esr & 3;
    if (enabled || s->ier & 1 << 11)
        s->msr |= CAN_MSR_ERRI;
    if (s->mcr & CAN_MCR_NART)
        complete(s, m, 1 | 8); /* RQCP, TERR */
    else if (s->last_try)
        complete(s, m, 1);
}

void can_event(struct chip *c, unsigned index)
{
    struct can_state *s = &c->can;

    (void)index;
    if (s->joined_at <= chip_now(c)) {
        s->joined_at = PS_NEVER;
        if (s->msr & CAN_MSR_INAK)
            s->counts_from = chip_now(c);
        /* SLAKI goes with SLAK: RM0091 "CAN_MSR" */
        s->msr &= ~(uint32_t)(CAN_MSR_INAK | CAN_MSR_SLAK | CAN_MSR_SLAKI);
    }
    if (s->sent_at <= chip_now(c)) {
        unsigned m = s->sending;
        s->sent_at = PS_NEVER;
        s->sending = CAN_MAILBOXES;
        if (s->btr & CAN_BTR_LBKM) {
            acknowledged(s, m);
            s->tx[m].length = (s->tx[m].length & 0xFFFF) | (uint32_t)s->stamp << 16;
            receive(c, &s->tx[m]);
        } else {
            not_acknowledged(s, m);
        }
    }
    can_send_next(c);
    can_update(c);
}
