/* LCD controller (RM0394 "LCD"): enable, ready and synchronization flags, update request at the start of a
 * frame, frame interrupts, at the times that the RTC clock and the dividers give. Nothing is shown. */
#include "chip/lcd.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { CR = 0x00, FCR = 0x04, SR = 0x08, CLR = 0x0C, RAM = 0x14 };
enum { CR_LCDEN = 1, CR_BITS = 0x1FF, FCR_SOFIE = 2, FCR_UDDIE = 8 };
enum { ENS = 1, SOF = 2, UDR = 4, UDD = 8, RDY = 16, FCRSF = 32 };
enum { IRQ_LCD = 78, EXTI_LCD = 39 };
#define FCR_BITS 0x03FFFFFBu
#define T_READY  PS_PER_MS /* step-up converter; DS11449 gives no figure */

/* ck_div periods of a frame by DUTY: static, 1/2, 1/3, 1/4, 1/8. */
static ps_t frame(const struct chip *c)
{
    const struct lcd_state *s = &c->lcd;
    static const uint8_t phases[8] = {1, 2, 3, 4, 8, 1, 1, 1};
    uint64_t div = (uint64_t)(16 + bits(s->fcr, 18, 4)) << bits(s->fcr, 22, 4);

    return chip_ticks_to_ps(div * phases[bits(s->cr, 2, 3)], chip_clock(c, CLK_LCD));
}

static void interrupt(struct chip *c)
{
    const struct lcd_state *s = &c->lcd;
    bool level = (s->sr & SOF && s->fcr & FCR_SOFIE) || (s->sr & UDD && s->fcr & FCR_UDDIE);

    chip_irq(c, IRQ_LCD, B_LCD, level);
    exti_line(c, EXTI_LCD, level);
}

static ps_t later(const struct chip *c, ps_t time)
{
    return time == PS_NEVER ? PS_NEVER : chip_now(c) + time;
}

static void schedule(struct chip *c)
{
    const struct lcd_state *s = &c->lcd;
    ps_t when = s->synced_at < s->ready_at ? s->synced_at : s->ready_at, length = frame(c);

    when = s->off_at < when ? s->off_at : when;
    bool frames = s->sr & UDR || (s->fcr & FCR_SOFIE && !(s->sr & SOF));
    if (s->cr & CR_LCDEN && frames && length != PS_NEVER) {
        ps_t next = s->enabled_at + ((chip_now(c) - s->enabled_at) / length + 1) * length;
        when = next < when ? next : when;
    }
    chip_wake_at(c, B_LCD, when);
}

void lcd_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->lcd = (struct lcd_state){.sr = FCRSF, .synced_at = PS_NEVER, .ready_at = PS_NEVER, .off_at = PS_NEVER};
    interrupt(c);
}

/* Frames that have begun since the last look: SOF, and what waited for one is updated. */
static void settle(struct chip *c)
{
    struct lcd_state *s = &c->lcd;
    ps_t now = chip_now(c), length = frame(c), from = s->seen_at;

    s->seen_at = now;
    if (!(s->cr & CR_LCDEN) || length == PS_NEVER ||
        (now - s->enabled_at) / length == (from - s->enabled_at) / length)
        return;
    s->sr |= SOF;
    if (s->sr & UDR)
        s->sr = (s->sr & ~(uint32_t)UDR) | UDD;
}

void lcd_event(struct chip *c, unsigned index)
{
    struct lcd_state *s = &c->lcd;
    ps_t now = chip_now(c);

    (void)index;
    if (s->synced_at <= now)
        s->sr |= FCRSF, s->synced_at = PS_NEVER;
    if (s->ready_at <= now)
        s->sr |= RDY, s->ready_at = PS_NEVER;
    if (s->off_at <= now)
        s->sr &= ~(uint32_t)(ENS | RDY), s->off_at = PS_NEVER;
    settle(c);
    interrupt(c);
    schedule(c);
}

void lcd_clock(struct chip *c, unsigned index, bool after)
{
    (void)index;
    if (after)
        schedule(c);
}

bool lcd_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct lcd_state *s = &c->lcd;
    uint32_t word = 0, reg = off & ~3u;

    (void)index;
    settle(c);
    if (reg == CR)
        word = s->cr;
    else if (reg == FCR)
        word = s->fcr;
    else if (reg == SR)
        word = s->sr;
    else if (reg >= RAM && reg < RAM + sizeof s->ram)
        word = s->ram[(reg - RAM) / 4];
    *value = lanes_get(word, off, size);
    return true;
}

/* All but LCDEN is fixed while the controller is enabled. */
static void write_cr(struct chip *c, uint32_t value)
{
    struct lcd_state *s = &c->lcd;
    uint32_t mask = s->sr & ENS ? CR_LCDEN : CR_BITS;
    bool was_on = s->cr & CR_LCDEN;

    s->cr = (s->cr & ~mask) | (value & mask);
    bool on = s->cr & CR_LCDEN;
    if (on && !chip_clock(c, CLK_LCD))
        chip_say_once(c, &s->told,
                      "The LCD is enabled without a clock: RTCCLK (RCC_BDCR.RTCSEL) is off, and it "
                      "neither synchronizes nor shows frames");
    if (on && !was_on) {
        s->sr |= ENS;
        s->enabled_at = chip_now(c);
        s->ready_at = later(c, T_READY);
        s->off_at = PS_NEVER;
    } else if (was_on && !on) {
        s->ready_at = PS_NEVER;
        s->off_at = later(c, frame(c)); /* the last frame is finished */
    }
}

bool lcd_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct lcd_state *s = &c->lcd;
    uint32_t reg = off & ~3u;

    (void)index;
    value = lanes_apb(size, value);
    settle(c);
    if (reg == CR) {
        write_cr(c, value);
    } else if (reg == FCR) {
        s->fcr = value & FCR_BITS;
        s->sr &= ~(uint32_t)FCRSF;
        s->synced_at = later(c, chip_ticks_to_ps(2, chip_clock(c, CLK_LCD)));
    } else if (reg == SR) {
        s->sr |= value & UDR;
    } else if (reg == CLR) {
        s->sr &= ~(value & (SOF | UDD));
    } else if (reg >= RAM && reg < RAM + sizeof s->ram && !(s->sr & UDR)) {
        s->ram[(reg - RAM) / 4] = value;
    }
    interrupt(c);
    schedule(c);
    return true;
}
