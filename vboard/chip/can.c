/* Registers, modes and interrupts of CAN1 (RM0394 "bxCAN"). */
#include "chip/can.h"
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/state.h"

enum {
    MCR = 0x00,
    MSR = 0x04,
    TSR = 0x08,
    RF0R = 0x0C,
    RF1R = 0x10,
    IER = 0x14,
    ESR = 0x18,
    BTR = 0x1C,
    TX_BOXES = 0x180,
    RX_BOXES = 0x1B0,
    FMR = 0x200,
    FM1R = 0x204,
    FS1R = 0x20C,
    FFA1R = 0x214,
    FA1R = 0x21C,
    BANKS = 0x240
};
enum { AWUM = 1 << 5, FINIT = 1, RFOM = 1 << 5, BANK_BITS = (1 << CAN_BANKS) - 1 };
enum { IRQ_TX = 19, IRQ_RX0 = 20, IRQ_RX1 = 21, IRQ_SCE = 22 };
#define MCR_BITS 0x000100FFu
#define IER_BITS 0x00038F7Fu
#define BTR_BITS 0xC37F03FFu

void can_update(struct chip *c)
{
    const struct can_state *s = &c->can;
    uint32_t ier = s->ier;
    ps_t when = s->sent_at < s->joined_at ? s->sent_at : s->joined_at;

    chip_irq(c, IRQ_TX, B_CAN1, ier & 1 && s->tsr & 0x00010101);
    for (unsigned f = 0; f < CAN_FIFOS; f++) {
        uint32_t enable = ier >> (1 + 3 * f);
        bool level = (enable & 1 && s->fifo[f].count) || (enable & 2 && s->fifo[f].flags & CAN_RF_FULL) ||
                     (enable & 4 && s->fifo[f].flags & CAN_RF_FOVR);
        chip_irq(c, IRQ_RX0 + f, B_CAN1, level);
    }
    bool status = (ier & 1 << 15 && s->msr & CAN_MSR_ERRI) || (ier & 1 << 16 && s->msr & CAN_MSR_WKUI) ||
                  (ier & 1 << 17 && s->msr & CAN_MSR_SLAKI);
    chip_irq(c, IRQ_SCE, B_CAN1, status);
    chip_wake_at(c, B_CAN1, when);
}

void can_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->can = (struct can_state){.mcr = 0x00010002,
                                .msr = CAN_MSR_SLAK,
                                .tsr = 0x1C000000,
                                .btr = 0x01230000,
                                .fmr = 0x2A1C0E01,
                                .sending = CAN_MAILBOXES,
                                .sent_at = PS_NEVER,
                                .joined_at = PS_NEVER,
                                .rx_low = !af_in(c, AF_CAN1_RX, true)};
    af_out(c, AF_CAN1_TX, true); /* recessive: where RX is wired to it, the bus is free */
    can_update(c);
}

void can_clock(struct chip *c, unsigned index, bool after)
{
    (void)index;
    if (after)
        can_send_next(c);
}

/* ---- modes ---- */

static bool rx_floats(const struct chip *c)
{
    unsigned port, pin;

    return af_pin(c, AF_CAN1_RX, &port, &pin) && gpio_floats(c, port, pin);
}

/* Initialization and Sleep are left for normal mode after 11 recessive bits at the pin, in loop-back mode,
 * too, where it is not left to float (docs/chip-model.md). */
static void join(struct chip *c)
{
    struct can_state *s = &c->can;
    ps_t time = can_bits(c, 11);

    if (!(s->msr & (CAN_MSR_INAK | CAN_MSR_SLAK)) || s->mcr & (CAN_MCR_INRQ | CAN_MCR_SLEEP) ||
        !(af_in(c, AF_CAN1_RX, true) || (s->btr & CAN_BTR_LBKM && rx_floats(c))))
        s->joined_at = PS_NEVER;
    else if (s->joined_at == PS_NEVER && time != PS_NEVER)
        s->joined_at = chip_now(c) + time;
}

/* Software wants to be in normal mode. That AWUM wakes at a dominant level is no mistake. */
static void tell_if_dominant(struct chip *c, uint32_t cleared)
{
    const uint32_t modes = CAN_MCR_INRQ | CAN_MCR_SLEEP;

    if (!(cleared & modes) || c->can.mcr & modes || af_in(c, AF_CAN1_RX, true))
        return;
    chip_say(c,
             c->can.btr & CAN_BTR_LBKM && rx_floats(c)
                 ? "CAN leaves initialization in loop-back mode while its RX pin floats: a chip does so "
                   "by chance, without a pull-up or a transceiver"
             : c->can.msr & CAN_MSR_SLAK
                 ? "CAN does not leave Sleep, since its RX pin is low: it needs a transceiver, or a pull-up"
                 : "CAN does not leave initialization, since its RX pin is low: it needs a "
                   "transceiver, or a pull-up, also in loop-back mode");
}

static void write_mcr(struct chip *c, uint32_t value)
{
    struct can_state *s = &c->can;

    if (value & 1 << 15) { /* RESET */
        can_reset(c, 0);
        return;
    }
    s->mcr = value & MCR_BITS;
    join(c);
    if ((s->mcr & (CAN_MCR_INRQ | CAN_MCR_SLEEP)) == CAN_MCR_INRQ) /* initialization waits for no bits */
        s->msr &= ~(uint32_t)(CAN_MSR_SLAK | CAN_MSR_SLAKI);
    can_send_next(c);
}

void can_rx(struct chip *c)
{
    struct can_state *s = &c->can;
    bool low = !af_in(c, AF_CAN1_RX, true), changed = low != s->rx_low;

    s->rx_low = low;
    if (!chip_enabled(c, B_CAN1) || !changed)
        return;
    join(c);
    if (low && s->msr & CAN_MSR_SLAK && s->mcr & CAN_MCR_SLEEP) {
        s->msr |= CAN_MSR_WKUI;
        if (s->mcr & AWUM)
            write_mcr(c, s->mcr & ~(uint32_t)CAN_MCR_SLEEP);
    }
    can_update(c);
}

/* ---- registers ---- */

static uint32_t *mailbox_word(struct can_mailbox *m, unsigned word)
{
    switch (word) {
    case 0: return &m->id;
    case 1: return &m->length;
    case 2: return &m->low;
    default: return &m->high;
    }
}

static uint32_t *filter_register(struct can_state *s, uint32_t reg)
{
    switch (reg) {
    case FMR: return &s->fmr;
    case FM1R: return &s->fm1r;
    case FS1R: return &s->fs1r;
    case FFA1R: return &s->ffa1r;
    case FA1R: return &s->fa1r;
    default:
        return reg >= BANKS && reg < BANKS + 8 * CAN_BANKS
                   ? &s->bank[(reg - BANKS) / 8][(reg - BANKS) / 4 % 2]
                   : NULL;
    }
}

/* MSR with what the pin shows (RX, SAMP) and whether a frame goes out (TXM). */
static uint32_t monitored(const struct chip *c)
{
    const struct can_state *s = &c->can;
    uint32_t pin = af_in(c, AF_CAN1_RX, true) ? 3u << 10 : 0;

    return s->msr | pin | (s->sending != CAN_MAILBOXES ? 1u << 8 : 0);
}

bool can_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    struct can_state *s = &c->can;
    uint32_t reg = off & ~3u, word = 0;
    uint32_t *filter = filter_register(s, reg);

    (void)index;
    switch (reg) {
    case MCR: word = s->mcr; break;
    case MSR: word = monitored(c); break;
    case TSR: word = can_tsr(s); break;
    case RF0R: word = s->fifo[0].flags | s->fifo[0].count; break;
    case RF1R: word = s->fifo[1].flags | s->fifo[1].count; break;
    case IER: word = s->ier; break;
    case ESR: word = s->esr; break;
    case BTR: word = s->btr; break;
    default:
        if (filter)
            word = *filter;
        else if (reg >= TX_BOXES && reg < RX_BOXES)
            word = *mailbox_word(&s->tx[(reg - TX_BOXES) / 16], reg / 4 % 4);
        else if (reg >= RX_BOXES && reg < RX_BOXES + 32)
            word = *mailbox_word(&s->fifo[(reg - RX_BOXES) / 16].box[0], reg / 4 % 4);
        break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

static void write_tsr(struct chip *c, uint32_t value)
{
    struct can_state *s = &c->can;

    for (unsigned m = 0; m < CAN_MAILBOXES; m++) {
        if (value >> 8 * m & 1) /* RQCP takes TXOK, ALST, TERR with it, which can go alone, too */
            s->tsr &= ~(0xFu << 8 * m);
        s->tsr &= ~(value & 0xEu << 8 * m);
        if (value >> (8 * m + 7) & 1)
            can_abort(c, m);
    }
}

static void release(struct can_fifo *f)
{
    if (!f->count)
        return;
    f->count--;
    for (unsigned i = 0; i < f->count; i++)
        f->box[i] = f->box[i + 1];
    f->flags &= ~(uint32_t)CAN_RF_FULL;
}

static void write_fifo(struct can_fifo *f, uint32_t value)
{
    f->flags &= ~(value & (CAN_RF_FULL | CAN_RF_FOVR));
    if (value & RFOM)
        release(f);
}

static void write_mailbox(struct chip *c, uint32_t reg, uint32_t value)
{
    struct can_state *s = &c->can;
    unsigned m = (reg - TX_BOXES) / 16;

    if (!(s->tsr >> (26 + m) & 1)) /* TME: not while it waits to be sent */
        return;
    uint32_t *word = mailbox_word(&s->tx[m], reg / 4 % 4);
    *word = value;
    if (word != &s->tx[m].id || !(value & CAN_TI_TXRQ))
        return;
    s->tsr &= ~(1u << (26 + m) | 0xFu << 8 * m);
    s->order = s->order << 8 | (m + 1);
    can_send_next(c);
}

bool can_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct can_state *s = &c->can;
    uint32_t reg = off & ~3u;
    uint32_t *filter = filter_register(s, reg), mcr = s->mcr;

    (void)index;
    value = lanes_apb(size, value);
    switch (reg) {
    case MCR:
        write_mcr(c, value);
        tell_if_dominant(c, mcr & ~s->mcr);
        break;
    case MSR: s->msr &= ~(value & (CAN_MSR_ERRI | CAN_MSR_WKUI | CAN_MSR_SLAKI)); break;
    case TSR: write_tsr(c, value); break;
    case RF0R: write_fifo(&s->fifo[0], value); break;
    case RF1R: write_fifo(&s->fifo[1], value); break;
    case IER: s->ier = value & IER_BITS; break;
    case ESR: s->esr = (s->esr & ~0x70u) | (value & 0x70); break;
    case BTR:
        if (s->msr & CAN_MSR_INAK)
            s->btr = value & BTR_BITS;
        else
            chip_ignored(c, B_CAN1, "BTR", "while CAN_MSR.INAK is clear");
        break;
    case FMR: s->fmr = (s->fmr & ~(uint32_t)FINIT) | (value & FINIT); break;
    case FA1R: s->fa1r = value & BANK_BITS; break;
    default:
        if (filter) { /* banks: in filter initialization, or while they are not active */
            bool bank = reg >= BANKS && !(s->fa1r >> (reg - BANKS) / 8 & 1);
            if (s->fmr & FINIT || bank)
                *filter = reg >= BANKS ? value : value & BANK_BITS;
            else
                chip_ignored(c, B_CAN1, "", "in its filters while CAN_FMR.FINIT is clear");
        } else if (reg >= TX_BOXES && reg < RX_BOXES) {
            write_mailbox(c, reg, value);
        }
        break;
    }
    can_update(c);
    return true;
}
