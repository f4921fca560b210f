/* Registers, flags, interrupt and DMA requests of USART1-3 and LPUART1. RM0394 "USART registers". */
#include "chip/usart.h"
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/state.h"

enum {
    CR1 = 0x00,
    CR2 = 0x04,
    CR3 = 0x08,
    BRR = 0x0C,
    GTPR = 0x10,
    RTOR = 0x14,
    RQR = 0x18,
    ISR = 0x1C,
    ICR = 0x20,
    RDR = 0x24,
    TDR = 0x28
};
enum { RQR_ABRRQ = 1, RQR_SBKRQ = 2, RQR_MMRQ = 4, RQR_RXFRQ = 8, RQR_TXFRQ = 16 };
enum { ICR_WRITABLE = 0x00121B5F, ICR_TCBGTCF = 1 << 7 };

/* Instances; `free` are the bits that can be written while UE is set (RM0394 "USART control register"). */
static const struct instance {
    uint8_t irq, exti, block, clock, tx_dma, rx_dma;
    uint32_t cr1, cr2, cr3, brr, rqr;
} instances[USART_COUNT] = {
    {37, 26, B_USART1, CLK_USART1, DMAR_USART1_TX, DMAR_USART1_RX, 0x1FFFFFFF, 0xFFFFFF70, 0x01FEFFFF, 0xFFFF,
     0x1F},
    {38, 27, B_USART2, CLK_USART2, DMAR_USART2_TX, DMAR_USART2_RX, 0x1FFFFFFF, 0xFFFFFF70, 0x01FEFFFF, 0xFFFF,
     0x1F},
    {39, 28, B_USART3, CLK_USART3, DMAR_USART3_TX, DMAR_USART3_RX, 0x1FFFFFFF, 0xFFFFFF70, 0x01FEFFFF, 0xFFFF,
     0x1F},
    {70, 31, B_LPUART1, CLK_LPUART1, DMAR_LPUART1_TX, DMAR_LPUART1_RX, 0x13FF7FFF, 0xFF0FB010, 0x00F0F7C9,
     0xFFFFF, 0x0E},
};
#define CR1_FREE    (0x0C0041FFu | USART_CR1_MME) /* UE UESM RE TE, interrupt enables, MME */
#define CR2_FREE    0xFF900040u                   /* ADD RTOEN ABREN LBDIE */
#define CR3_FREE    0x01C004C1u                   /* TCBGTIE UCESM WUFIE CTSIE DMAT DMAR EIE */
#define CR3_SCARCNT 0x000E0000u

/* In Stop the kernel clock is only asked for if UESM is set. */
uint32_t usart_hz(const struct chip *c, unsigned index)
{
    if (pwr_stopped(c) && !(c->usart[index].cr1 & USART_CR1_UESM))
        return 0;
    return chip_enabled(c, (enum block_id)(B_USART1 + index)) || c->mode == MODE_STOP
               ? chip_clock(c, (enum clock_id)instances[index].clock)
               : 0;
}

ps_t usart_bit_time(const struct chip *c, unsigned index)
{
    const struct usart_state *u = &c->usart[index];
    uint32_t hz = usart_hz(c, index), div = u->brr;

    if (!hz)
        return 0;
    if (index == LPUART1_INDEX)
        return div < 0x300 ? 0 : chip_ticks_to_ps(div, hz) >> 8;
    if (!(u->cr1 & USART_CR1_OVER8))
        return div < 16 ? 0 : chip_ticks_to_ps(div, hz);
    div = (div & 0xFFF0) | (div & 7) << 1;
    return div < 16 ? 0 : chip_ticks_to_ps(div, hz) / 2;
}

static bool interrupting(const struct usart_state *u)
{
    static const struct {
        uint32_t cr1, cr2, cr3, flags;
    } rows[] = {
        {USART_CR1_TXEIE, 0, 0, USART_ISR_TXE},
        {USART_CR1_TCIE, 0, 0, USART_ISR_TC},
        {USART_CR1_RXNEIE, 0, 0, USART_ISR_RXNE | USART_ISR_ORE},
        {USART_CR1_IDLEIE, 0, 0, USART_ISR_IDLE},
        {USART_CR1_PEIE, 0, 0, USART_ISR_PE},
        {USART_CR1_CMIE, 0, 0, USART_ISR_CMF},
        {USART_CR1_RTOIE, 0, 0, USART_ISR_RTOF},
        {USART_CR1_EOBIE, 0, 0, USART_ISR_EOBF},
        {0, USART_CR2_LBDIE, 0, USART_ISR_LBDF},
        {0, 0, USART_CR3_EIE, USART_ISR_FE | USART_ISR_NF | USART_ISR_ORE},
        {0, 0, USART_CR3_CTSIE, USART_ISR_CTSIF},
        {0, 0, USART_CR3_WUFIE, USART_ISR_WUF},
        {0, 0, USART_CR3_TCBGTIE, USART_ISR_TCBGT},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (u->isr & rows[i].flags && (u->cr1 & rows[i].cr1 || u->cr2 & rows[i].cr2 || u->cr3 & rows[i].cr3))
            return true;
    return false;
}

void usart_update(struct chip *c, unsigned index)
{
    const struct usart_state *u = &c->usart[index];
    const struct instance *i = &instances[index];
    bool on = u->cr1 & USART_CR1_UE;
    /* DDRE: an error masks the request until its flag is cleared */
    bool masked = u->cr3 & USART_CR3_DDRE && u->isr & (USART_ISR_PE | USART_ISR_FE | USART_ISR_NF);

    chip_irq(c, i->irq, i->block, interrupting(u));
    /* From Stop RXNE wakes as well, if its interrupt is on (AN4991 "wakeup sources", RM0440). */
    exti_line(c, i->exti,
              (u->isr & USART_ISR_WUF && u->cr3 & USART_CR3_WUFIE) ||
                  (u->isr & USART_ISR_RXNE && u->cr1 & USART_CR1_RXNEIE && u->cr1 & USART_CR1_UESM));
    dma_request(c, (enum dma_signal)i->tx_dma, on && u->cr3 & USART_CR3_DMAT && u->isr & USART_ISR_TXE);
    dma_request(c, (enum dma_signal)i->rx_dma,
                on && u->cr3 & USART_CR3_DMAR && u->isr & USART_ISR_RXNE && !masked);
    if (u->cr3 & USART_CR3_RTSE)
        af_out(c, AF_USART1_RTS + index, u->isr & USART_ISR_RXNE || !(u->cr1 & USART_CR1_RE));
    if (u->cr3 & USART_CR3_DEM)
        af_out(c, AF_USART1_RTS + index, u->driving != !!(u->cr3 & USART_CR3_DEP));
    usart_pins(c, index);
}

void usart_reset(struct chip *c, unsigned index)
{
    struct af_wave ck = c->usart[index].ck;
    uint32_t swap = c->usart[index].cr2 & USART_CR2_SWAP;

    c->usart[index] = (struct usart_state){.isr = USART_ISR_RESET,
                                           .ck = ck,
                                           .tx_end = PS_NEVER,
                                           .rx_end = PS_NEVER,
                                           .ack_at = PS_NEVER,
                                           .idle_at = PS_NEVER,
                                           .break_at = PS_NEVER,
                                           .timeout_at = PS_NEVER,
                                           .cts_high = af_in(c, AF_USART1_CTS + index, false)};
    usart_falls_silent(c, index);
    usart_swapped(c, index, swap);
    usart_update(c, index);
}

/* The new levels of TE and RE are seen by the kernel clock after a few periods. */
static void acknowledge(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    bool on = u->cr1 & USART_CR1_UE;
    bool same = !(u->isr & USART_ISR_TEACK) == !(on && u->cr1 & USART_CR1_TE) &&
                !(u->isr & USART_ISR_REACK) == !(on && u->cr1 & USART_CR1_RE);
    ps_t delay = chip_ticks_to_ps(3, usart_hz(c, index));

    u->ack_at = same || delay == PS_NEVER ? PS_NEVER : chip_now(c) + delay;
}

/* A frame of silence begins, at the rate of now: the receiver counts with the clock and the BRR that it has
 * (RM0394 "USART receiver", "Idle character"). */
static void time_silence(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];
    ps_t bit = usart_bit_time(c, index);

    if (usart_receiving(u) && !u->rx.bit && !u->silent)
        u->idle_at = bit ? chip_now(c) + usart_idle_time(u, bit) : PS_NEVER;
}

void usart_clock(struct chip *c, unsigned index, bool after)
{
    struct usart_state *u = &c->usart[index];
    uint32_t hz = usart_hz(c, index);

    if (!(u->cr1 & USART_CR1_UE))
        return;
    if (!after) {
        if (u->tx_end != PS_NEVER)
            u->tx_left = u->tx_end > chip_now(c) ? chip_ps_to_ticks(u->tx_end - chip_now(c), u->hz) : 0;
        return;
    }
    if (hz == u->hz)
        return;
    u->hz = hz;
    if (u->sending != SENDING_NOTHING)
        u->tx_end = hz ? chip_now(c) + chip_ticks_to_ps(u->tx_left, hz) : PS_NEVER;
    if (!hz) { /* what was being received is lost */
        u->rx.bit = 0;
        u->rx_end = PS_NEVER;
        u->isr &= ~(uint32_t)USART_ISR_BUSY;
    }
    time_silence(c, index);
    acknowledge(c, index);
    usart_send_next(c, index);
    usart_update(c, index);
    usart_schedule(c, index);
}

/* CTS is the pin, inverted, where CTSE makes it one. */
static uint32_t cts(const struct chip *c, unsigned index)
{
    bool set = c->usart[index].cr3 & USART_CR3_CTSE && !af_in(c, AF_USART1_CTS + index, false);

    return set ? USART_ISR_CTS : 0;
}

bool usart_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct usart_state *u = &c->usart[index];
    uint32_t word = 0;

    switch (off & ~3u) {
    case CR1: word = u->cr1; break;
    case CR2: word = u->cr2; break;
    case CR3: word = u->cr3; break;
    case BRR: word = u->brr; break;
    case GTPR: word = u->gtpr; break;
    case RTOR: word = u->rtor; break;
    case ISR: word = u->isr | cts(c, index); break;
    case RDR: word = u->rdr; break;
    case TDR: word = u->tdr; break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

bool usart_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    usart_peek(c, index, off, size, value);
    if ((off & ~3u) == RDR) {
        c->usart[index].isr &= ~(uint32_t)USART_ISR_RXNE;
        usart_update(c, index);
    }
    return true;
}

bool usart_irda_off(const struct usart_state *u)
{
    return u->cr3 & USART_CR3_IREN && !(u->gtpr & 0xFF);
}

/* ---- writes ---- */

static void disable(struct usart_state *u)
{
    u->isr = USART_ISR_RESET;
    u->sending = SENDING_NOTHING;
    u->idle_due = u->break_due = u->idle_armed = u->silent = u->halted = u->driving = false;
    u->refused = 0;
    u->rx.bit = 0;
    u->tx_end = u->rx_end = u->ack_at = u->idle_at = u->break_at = u->timeout_at = PS_NEVER;
    u->block_length = 0;
}

static void ignored(struct chip *c, unsigned index, const char *reg)
{
    chip_ignored(c, (enum block_id)(B_USART1 + index), reg, "while UE is set");
}

static void write_cr1(struct chip *c, unsigned index, uint32_t value)
{
    struct usart_state *u = &c->usart[index];
    uint32_t old = u->cr1, mask = old & USART_CR1_UE ? instances[index].cr1 & CR1_FREE : instances[index].cr1;
    unsigned port, pin;

    if (value & USART_CR1_UE && (value ^ old) & instances[index].cr1 & ~mask)
        ignored(c, index, "CR1");
    u->cr1 = (old & ~mask) | (value & mask);
    if (!(u->cr1 & USART_CR1_UESM))
        u->isr &= ~(uint32_t)USART_ISR_WUF;
    if (!(u->cr1 & USART_CR1_UE))
        return;
    if (!(old & USART_CR1_UE) && u->cr3 & USART_CR3_SCEN)
        u->isr |= USART_ISR_TCBGT; /* its reset value in this mode */
    if (!(old & USART_CR1_UE) && usart_irda_off(u))
        chip_say(c, "A USART is in IrDA mode with a prescaler of 0 (USART_GTPR.PSC): it "
                    "neither sends nor receives pulses");
    uint32_t was = old & USART_CR1_UE ? old : 0;
    u->hz = usart_hz(c, index);
    if (u->cr1 & ~was & USART_CR1_TE)
        u->idle_due = true;
    if (u->cr1 & ~was & USART_CR1_RE) {
        usart_receive_pin(c, (enum block_id)(B_USART1 + index), &port, &pin);
        time_silence(c, index);
    }
    if (!(u->cr1 & USART_CR1_RE)) {
        u->rx.bit = 0;
        u->silent = false;
        u->rx_end = u->idle_at = u->break_at = u->timeout_at = PS_NEVER;
        u->isr &= ~(uint32_t)USART_ISR_BUSY;
        u->block_length = 0;
    }
    if ((u->cr1 ^ was) & (USART_CR1_TE | USART_CR1_RE))
        acknowledge(c, index);
    if (!(u->cr1 & USART_CR1_MME))
        u->isr &= ~(uint32_t)USART_ISR_RWU;
}

static void write_masked(struct chip *c, unsigned index, const char *name, uint32_t *reg, uint32_t all,
                         uint32_t unlocked, uint32_t value)
{
    uint32_t mask = c->usart[index].cr1 & USART_CR1_UE ? all & unlocked : all;

    if ((value ^ *reg) & all & ~mask)
        ignored(c, index, name);
    *reg = (*reg & ~mask) | (value & mask);
}

static void write_cr2(struct chip *c, unsigned index, uint32_t value)
{
    struct usart_state *u = &c->usart[index];
    /* ADD: with the receiver off, or the whole; ABRMOD with ABREN clear */
    uint32_t unlocked = u->cr1 & USART_CR1_RE ? CR2_FREE & 0x00FFFFFFu : CR2_FREE;
    if (!(u->cr2 & USART_CR2_ABREN))
        unlocked |= 3u << 21;

    uint32_t swap = u->cr2 & USART_CR2_SWAP;
    write_masked(c, index, "CR2", &u->cr2, instances[index].cr2, unlocked, value);
    if ((u->cr2 & USART_CR2_SWAP) != swap)
        usart_swapped(c, index, swap);
    if (!(u->cr2 & USART_CR2_RTOEN))
        u->timeout_at = PS_NEVER;
}

static void request(struct chip *c, unsigned index, uint32_t value)
{
    struct usart_state *u = &c->usart[index];

    value &= instances[index].rqr;
    if (value & RQR_ABRRQ)
        u->isr &= ~(uint32_t)(USART_ISR_ABRF | USART_ISR_ABRE);
    if (value & RQR_SBKRQ) {
        u->break_due = true;
        u->isr |= USART_ISR_SBKF;
    }
    /* "If the MMRQ is set while the IDLE character has already elapsed", mute mode that an idle line ends is
     * not entered (RM0453 "Idle line detection") */
    if (value & RQR_MMRQ && u->cr1 & USART_CR1_MME && (u->cr1 & USART_CR1_WAKE || !u->silent))
        u->isr |= USART_ISR_RWU;
    if (value & RQR_RXFRQ)
        u->isr &= ~(uint32_t)USART_ISR_RXNE;
    if (value & RQR_TXFRQ) {
        u->isr |= USART_ISR_TXE;
        u->halted = false;
    }
}

bool usart_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct usart_state *u = &c->usart[index];
    const struct instance *i = &instances[index];

    value = lanes_apb(size, value);
    switch (off & ~3u) {
    case CR1: write_cr1(c, index, value); break;
    case CR2: write_cr2(c, index, value); break;
    case CR3:
        /* SCARCNT can be cleared at any time: no more repetitions */
        write_masked(c, index, "CR3", &u->cr3, i->cr3,
                     value & CR3_SCARCNT ? CR3_FREE : CR3_FREE | CR3_SCARCNT, value);
        break;
    /* With UE set, too, whatever RM0394 says: docs/chip-model.md. */
    case BRR:
        if (u->brr == (value & i->brr))
            break;
        u->brr = value & i->brr;
        time_silence(c, index);
        break;
    case GTPR: write_masked(c, index, "GTPR", &u->gtpr, index == LPUART1_INDEX ? 0 : 0xFFFF, 0, value); break;
    case RTOR: /* on the fly, too: RM0364 "USART_RTOR" */
        u->rtor = index == LPUART1_INDEX ? 0 : value;
        if (u->timeout_at != PS_NEVER)
            usart_time_out(c, index);
        break;
    case RQR: request(c, index, value); break;
    case ICR:
        u->isr &= ~(value & (uint32_t)ICR_WRITABLE);
        if (value & ICR_TCBGTCF)
            u->isr &= ~(uint32_t)USART_ISR_TCBGT;
        if (value & USART_ISR_EOBF)
            u->block_length = 0;
        break;
    case TDR:
        if (!(u->cr1 & USART_CR1_UE))
            chip_ignored(c, (enum block_id)(B_USART1 + index), "TDR", "while UE is clear");
        u->tdr = value & 0x1FF;
        if (u->cr3 & USART_CR3_SCEN)
            u->block_length = 0;
        u->isr &= ~(uint32_t)(USART_ISR_TXE | USART_ISR_TC | USART_ISR_TCBGT);
        break;
    }
    if (!(u->cr1 & USART_CR1_UE)) /* flags keep their reset values, whatever is written */
        disable(u);
    usart_send_next(c, index);
    usart_update(c, index);
    usart_schedule(c, index);
    return true;
}

void usart_cts(struct chip *c, unsigned index)
{
    struct usart_state *u = &c->usart[index];

    bool high = af_in(c, AF_USART1_CTS + index, false);
    if (high == u->cts_high)
        return;
    u->cts_high = high;
    if (!(u->cr3 & USART_CR3_CTSE))
        return;
    u->isr |= USART_ISR_CTSIF;
    usart_send_next(c, index);
    usart_update(c, index);
    usart_schedule(c, index);
}
