/* USB FS device block as the program sees it: registers, packet memory, interrupt, suspend timer,
 * pull-up. What happens on the wire is in usbfs_wire.c. Sources: RM0394 "USB FS"; the write rules of
 * EPnR and the events are those of RM0440's description of the same block. */
#include "chip/usbfs.h"

#include <stdio.h>

#include "chip/state.h"

/* The suspend timer is resynchronised by each SOF and so has to expire a little later than the next
 * one may come. */
static const ps_t timer_margin = 50 * PS_PER_US;
/* SE0 that lasts so long is a reset (USB 2.0 7.1.7.5); the single-ended zero of a packet's end is shorter. */
static const ps_t reset_after = 5 * PS_PER_US / 2;
/* L1RESUME is cleared by the block after 50 us of signalling (USB 2.0 ECN "LPM"). */
static const ps_t l1_resume = 50 * PS_PER_US;

/* ISTR as it reads. */
static uint16_t usbfs_istr(const struct usbfs_state *u)
{
    /* Isochronous and double-buffered endpoints come first, then the lowest register number. */
    for (int urgent = 1; urgent >= 0; urgent--) {
        for (unsigned n = 0; n < USBFS_EPS; n++) {
            unsigned r = u->epr[n], type = r & EP_TYPE;
            bool is_urgent = type == EP_ISO || (type == EP_BULK && r & EP_KIND);
            if (is_urgent == urgent && r & (EP_CTR_RX | EP_CTR_TX))
                return (uint16_t)(u->istr | ISTR_CTR | (r & EP_CTR_RX ? ISTR_DIR : 0) | n);
        }
    }
    return u->istr;
}

/* The block has its 48 MHz (clock within what the receiver locks to). */
static bool usbfs_has_48mhz(const struct chip *c)
{
    /* The specification asks for 0.25 %; a receiver locks to somewhat worse (HSI48 before trimming). */
    uint32_t hz = chip_clock(c, CLK_48);
    return hz >= 47280000 && hz <= 48720000;
}

/* APB1 clock enable. */
static bool usbfs_clocked(const struct chip *c)
{
    return chip_enabled(c, B_USB);
}

/* VDDUSB counts as supplied once the program says so (PWR_CR2.USV); until then the transceiver is
 * isolated. Standby and Shutdown reset PWR. */
static bool supplied(const struct chip *c)
{
    return c->mode != MODE_OFF && c->pwr.reg[PWR_CR2 / 4] & 1U << 10;
}

/* The pull-up is analog and needs no clock. But a device that never had its 48 MHz counts as not attached,
 * since it could not answer anyway; one that stops them (in Stop mode, suspended) stays attached. */
bool usbfs_attached(const struct chip *c)
{
    const struct usbfs_state *u = &c->usbfs;
    return u->bcdr & BCDR_DPPU && !(u->bcdr & BCDR_BCDEN) && !(u->cntr & CNTR_PDWN) && supplied(c) &&
           (u->pullup || usbfs_has_48mhz(c));
}

bool usbfs_listening(const struct chip *c)
{
    const struct usbfs_state *u = &c->usbfs;
    return u->pullup && !(u->cntr & (CNTR_FRES | CNTR_FSUSP)) && !(u->istr & ISTR_RESET) &&
           usbfs_has_48mhz(c) && usbfs_clocked(c);
}

/* The pull-up holds the idle bus in J, also that of a cable with nobody at its end; the host's pull-downs, or
 * nobody, in SE0. */
static unsigned line_of(const struct usbfs_state *u)
{
    return !u->pullup ? LINE_SE0 : u->cable ? u->line : LINE_J;
}

/* The 1 ms timer of ESOF and SUSP runs on the 48 MHz clock while the block is up. */
static bool timer_runs(const struct chip *c)
{
    const struct usbfs_state *u = &c->usbfs;
    return !(u->cntr & (CNTR_PDWN | CNTR_FRES | CNTR_LPMODE)) && supplied(c) && usbfs_has_48mhz(c);
}

/* What FRES and SE0 on the bus do alike. CTR_RX and CTR_TX stay, so that a packet that came just before the
 * reset is not lost. DADDR stays with FRES: docs/chip-model.md. */
static void protocol_reset(struct chip *c)
{
    struct usbfs_state *u = &c->usbfs;
    for (unsigned n = 0; n < USBFS_EPS; n++)
        u->epr[n] &= EP_CTR_RX | EP_CTR_TX;
    u->sofs = 0;
    u->lsof = 0;
    u->full = 0;
    u->sent = 0;
    u->doubled = 0;
    u->traffic = chip_now(c);
    if (u->tick != PS_NEVER)
        u->tick = chip_now(c) + PS_PER_MS + timer_margin;
    usbfs_raise(c, ISTR_RESET);
}

void usbfs_settle(struct chip *c)
{
    struct usbfs_state *u = &c->usbfs;
    if (!u->se0 || u->cntr & (CNTR_PDWN | CNTR_FRES) || !usbfs_has_48mhz(c) || !usbfs_clocked(c)) {
        u->reset_at = PS_NEVER;
    } else if (u->reset_at == PS_NEVER) {
        u->reset_at = chip_now(c) + reset_after;
    } else if (chip_now(c) >= u->reset_at) {
        u->se0 = false;
        u->armed = true;
        u->daddr = 0;
        protocol_reset(c); /* comes back here */
        return;
    }
    bool irq = usbfs_istr(u) & u->cntr & ISTR_MASKS;
    if (irq != u->irq)
        chip_irq(c, USBFS_IRQ, 0, u->irq = irq);
    bool wake = u->istr & ISTR_WKUP;
    if (wake != u->wake)
        exti_line(c, USBFS_EXTI, u->wake = wake);
    if (wake && pwr_stopped(c) && pwr_stop_level(c) == 2)
        chip_say_once(c, &u->told_stop2,
                      "USB has been resumed, but that does not end Stop 2, which the chip is in: "
                      "Stop 0 or 1 is what a suspended device can be in");

    if (!timer_runs(c))
        u->tick = PS_NEVER;
    else if (u->tick == PS_NEVER)
        u->tick = chip_now(c) + PS_PER_MS + timer_margin;
    ps_t when = u->tick < u->reset_at ? u->tick : u->reset_at;
    if (u->cntr & CNTR_L1RESUME && u->l1_end < when)
        when = u->l1_end;
    chip_wake_at(c, B_USB, when);

    bool pullup = usbfs_attached(c);
    if (pullup != u->pullup) {
        u->pullup = pullup;
        u->traffic = chip_now(c);
        u->sent = 0;
        u->se0 = false;
        if (c->tell->usb_pullup)
            c->tell->usb_pullup(c->tell->owner, pullup);
    }
}

void usbfs_raise(struct chip *c, unsigned flags)
{
    c->usbfs.istr |= (uint16_t)flags;
    usbfs_settle(c);
}

void usbfs_traffic(struct chip *c, enum usb_line line)
{
    struct usbfs_state *u = &c->usbfs;
    u->line = (uint8_t)line;
    u->traffic = chip_now(c);
    /* Asynchronous: needs no clock, only the transceiver. */
    if (u->cntr & CNTR_FSUSP && u->pullup) {
        u->cntr &= (uint16_t)~CNTR_LPMODE;
        usbfs_raise(c, ISTR_WKUP);
    }
}

void usbfs_event(struct chip *c, unsigned index)
{
    (void)index;
    struct usbfs_state *u = &c->usbfs;
    ps_t now = chip_now(c);
    if (u->cntr & CNTR_L1RESUME && now >= u->l1_end)
        u->cntr &= (uint16_t)~CNTR_L1RESUME;
    if (u->tick != PS_NEVER && now >= u->tick) {
        u->tick += PS_PER_MS;
        unsigned flags = ISTR_ESOF;
        if (u->lsof < 3)
            u->lsof++;
        if (u->armed && !(u->cntr & CNTR_FSUSP) && line_of(u) == LINE_J &&
            now >= u->traffic + 3 * PS_PER_MS) {
            flags |= ISTR_SUSP;
            u->sofs = 0;
        }
        usbfs_raise(c, flags);
        return;
    }
    usbfs_settle(c);
}

void usbfs_clock(struct chip *c, unsigned index, bool after)
{
    (void)index;
    if (after)
        usbfs_settle(c);
}

void usbfs_reset(struct chip *c, unsigned index)
{
    (void)index;
    struct usbfs_state *u = &c->usbfs;
    for (unsigned n = 0; n < USBFS_EPS; n++)
        u->epr[n] = 0;
    u->cntr = CNTR_PDWN | CNTR_FRES;
    u->istr = u->daddr = u->btable = u->lpmcsr = u->bcdr = 0;
    u->frame = 0;
    u->deaf = u->lsof = u->sofs = u->full = u->sent = u->doubled = 0;
    u->tick = u->reset_at = PS_NEVER;
    u->se0 = u->armed = u->told_mute = u->told_deaf = u->told_slow = u->told_pins = u->told_both = false;
    u->traffic = chip_now(c);
    usbfs_settle(c);
}

/* ---- registers --------------------------------------------------------------------------- */

static uint16_t read_fnr(const struct usbfs_state *u)
{
    unsigned line = line_of(u);
    return (uint16_t)((line == LINE_J ? 1U << 15 : 0) | (line == LINE_K ? 1U << 14 : 0) |
                      (u->sofs == 2 ? 1U << 13 : 0) | u->lsof << 11 | u->frame);
}

/* The charger detector at a standard downstream port: data contact, no charging port. */
static uint16_t read_bcdr(const struct chip *c)
{
    const struct usbfs_state *u = &c->usbfs;
    const unsigned dcd = BCDR_BCDEN | BCDR_DCDEN;
    bool contact = (u->bcdr & dcd) == dcd && u->cable && supplied(c);
    return (uint16_t)(u->bcdr | (contact ? BCDR_DCDET : 0));
}

bool usbfs_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    const struct usbfs_state *u = &c->usbfs;
    uint32_t v = 0;
    switch (off & ~3U) {
    case 0x40: v = u->cntr; break;
    case 0x44: v = usbfs_istr(u); break;
    case 0x48: v = read_fnr(u); break;
    case 0x4C: v = u->daddr; break;
    case 0x50: v = u->btable; break;
    case 0x54: v = u->lpmcsr; break;
    case 0x58: v = read_bcdr(c); break;
    default: v = off < 4 * USBFS_EPS ? u->epr[off / 4] : 0; break;
    }
    *value = lanes_get(v, off, size);
    return true;
}

static void write_epr(struct usbfs_state *u, unsigned n, unsigned v)
{
    const unsigned plain = EP_TYPE | EP_KIND | EP_EA;
    const unsigned toggle = EP_DTOG_RX | EP_STAT_RX | EP_DTOG_TX | EP_STAT_TX;
    const unsigned clear = EP_CTR_RX | EP_CTR_TX;
    unsigned r = u->epr[n];
    unsigned now = (r & EP_SETUP) | (v & plain) | ((r ^ v) & toggle) | (r & v & clear);
    u->epr[n] = (uint16_t)now;
    /* Software has given the other buffer back, or has done with double buffering. */
    if (!usbfs_is_double(now) || !usbfs_same_buffer(now))
        u->full &= (uint8_t) ~(1U << n);
}

static void write_cntr(struct chip *c, unsigned v)
{
    struct usbfs_state *u = &c->usbfs;
    unsigned was = u->cntr;
    u->cntr = (uint16_t)(v & 0xFFBF);
    /* A forced reset is "exactly like a RESET signaling": idle times count from its end on. */
    u->armed = !(v & (CNTR_FRES | CNTR_PDWN)) && (u->armed || was & CNTR_FRES);
    if (was & ~v & CNTR_FRES)
        u->traffic = chip_now(c);
    if (v & ~was & CNTR_L1RESUME)
        u->l1_end = chip_now(c) + l1_resume;
    /* Held in reset and powered: as a bus reset. Out of the chip's reset, where both bits are set, it
     * is leaving power-down that lets the forced reset be seen. */
    bool forced = (u->cntr & (CNTR_FRES | CNTR_PDWN)) == CNTR_FRES;
    if (forced && (was & (CNTR_FRES | CNTR_PDWN)) != CNTR_FRES)
        protocol_reset(c);
    usbfs_settle(c);
    /* Remote wake-up: the device drives K. Whoever listens decides what the host makes of it. */
    if (v & ~was & (CNTR_RESUME | CNTR_L1RESUME) && u->pullup && c->tell->usb_wake)
        c->tell->usb_wake(c->tell->owner);
}

/* Firmware has done all to be on the bus, and is not: what it has forgotten, once after a reset. */
static void tell_mute(struct chip *c)
{
    struct usbfs_state *u = &c->usbfs;
    char why[80], sentence[192];
    bool wanted = u->bcdr & BCDR_DPPU && !(u->bcdr & BCDR_BCDEN) && !(u->cntr & CNTR_PDWN);
    if (!wanted || usbfs_attached(c))
        return;
    rcc_name_clk48(c, why, sizeof why);
    if (!supplied(c))
        (void)snprintf(
            sentence, sizeof sentence,
            "USB is switched on without its supply (PWR_CR2.USV, HAL_PWREx_EnableVddUSB): the host sees no "
            "device until it is there");
    else
        (void)snprintf(sentence, sizeof sentence,
                       "USB is switched on without 48 MHz: %s; the host sees no device until that is right",
                       why);
    chip_say_once(c, &u->told_mute, sentence);
}

bool usbfs_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    (void)index;
    struct usbfs_state *u = &c->usbfs;
    if (off & 2) /* the upper half of each word is not there */
        return true;
    unsigned v = lanes_apb(size, value) & 0xFFFF;
    switch (off & ~3U) {
    case 0x40: write_cntr(c, v); break;
    case 0x44: u->istr &= v & ISTR_FLAGS; break;
    case 0x4C: u->daddr = v & (DADDR_EF | DADDR_ADD); break;
    case 0x50: u->btable = v & 0xFFF8; break;
    case 0x54:
        u->lpmcsr =
            (uint16_t)((u->lpmcsr & (LPMCSR_BESL | LPMCSR_REMWAKE)) | (v & (LPMCSR_LPMEN | LPMCSR_LPMACK)));
        break;
    case 0x58: u->bcdr = v & (BCDR_DPPU | BCDR_BCDEN | BCDR_DCDEN | BCDR_PDEN | BCDR_SDEN); break;
    default:
        if (off < 4 * USBFS_EPS)
            write_epr(u, off / 4, v);
    }
    usbfs_settle(c);
    tell_mute(c);
    return true;
}

/* ---- packet memory: 512 half-words without gaps ------------------------------------------- */

/* A 16-bit memory: a word access reaches one half-word only. Programs of half-words make such accesses, too,
 * when the compiler joins two of them: GCC -O3 did in an F072's driver, and its descriptors came out damaged
 * (bitcraze/lps-node-firmware, pull request 67). */
static void warn_word(struct chip *c)
{
    chip_say_once(c, &c->usbfs.told_word,
                  "USB: a 32-bit access to its packet memory, which takes 16 bits: the upper half is lost. "
                  "Compilers join two half-words of a pointer that is not volatile");
}

bool usbram_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    uint32_t v = pma_get(&c->usbfs, off);
    if (size == 4)
        *value = v | (uint32_t)pma_get(&c->usbfs, off + 2) << 16;
    else
        *value = size == 1 ? v >> (8 * (off & 1)) & 0xFF : v;
    return true;
}

bool usbram_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    if (size != 4)
        return usbram_peek(c, index, off, size, value);
    warn_word(c);
    *value = pma_get(&c->usbfs, off);
    return true;
}

bool usbram_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    (void)index;
    if (size == 4)
        warn_word(c);
    pma_put(&c->usbfs, off, lanes_apb(size, value) & 0xFFFF);
    return true;
}

/* PMA content is undefined at power-on; nothing but power changes it. */
void usbram_reset(struct chip *c, unsigned index)
{
    (void)index;
    if (c->mode != MODE_RESET || c->reset_cause != RESET_POWER)
        return;
    for (unsigned at = 0; at < USBFS_PMA; at += 8) {
        uint64_t r = chip_random(c);
        for (unsigned i = 0; i < 8; i++)
            c->usbfs.pma[at + i] = (uint8_t)(r >> (8 * i));
    }
}
