/* Extended interrupts and events: RM0394 "EXTI". Configurable lines (GPIO, PVD, RTC, comparators, PVM)
 * have edge detection and a pending bit, which the interrupt mask admits; direct lines only mask the
 * wake-up, their peripheral has the interrupt. */
#include <string.h>

#include "chip/state.h"

/* Lines with edge detection. */
static const uint32_t configurable[2] = {0x007DFFFF, 0x00000068};
/* IMR and EMR: which bits there are; the rest of IMR2 reads as ones. */
static const uint32_t masks[2] = {0xFFFFFFFF, 0x000000FF};
/* "Not all events can wake up from the Stop 2 mode" (RM0394 13.2): not USB, I2C1 and 2, USART1 to 3, LPTIM2,
 * SWPMI1, by ST's HAL (docs/chip-model.md): the table with the lines could not be read. */
static const uint32_t not_from_stop2[2] = {1U << 17 | 3U << 23 | 7U << 26, 3U << 1};
static const uint32_t imr_reset[2] = {0xFF820000, 0xFFFFFF87};

/* Interrupt of a configurable line. */
static unsigned irq_of(unsigned line)
{
    static const uint8_t high[] = {[0] = 1 /* 16 PVD */, [2] = 41, [3] = 2, [4] = 3, [5] = 64, [6] = 64};
    if (line < 5)
        return 6 + line;
    if (line < 10)
        return 23;
    if (line < 16)
        return 40;
    return line - 16 < sizeof high ? high[line - 16] : 1;
}

static void update_irq(struct chip *c, unsigned line)
{
    unsigned b = line / 32, bit = line % 32;
    bool level = c->exti.bank[b].pr & c->exti.bank[b].imr & 1U << bit;
    chip_irq(c, irq_of(line), line % 32, level);
}

static void event(struct chip *c)
{
    c->exti.event = true;
    cpu_event(c->cpu);
}

static void update_irqs(struct chip *c)
{
    for (unsigned line = 0; line < 64; line++)
        if (configurable[line / 32] >> (line % 32) & 1)
            update_irq(c, line);
}

/* An edge that the line looks for, or a software trigger. */
static void request(struct chip *c, unsigned line)
{
    static const struct {
        uint8_t line;
        enum trigger trigger;
    } triggers[] = {{9, TRG_EXTI9}, {11, TRG_EXTI11}, {15, TRG_EXTI15}};
    unsigned b = line / 32;
    uint32_t bit = 1U << (line % 32);
    c->exti.bank[b].pr |= bit & c->exti.bank[b].imr;
    if (c->exti.bank[b].emr & bit)
        event(c);
    update_irq(c, line);
    for (unsigned i = 0; i < sizeof triggers / sizeof triggers[0]; i++)
        if (triggers[i].line == line)
            chip_trigger_pulse(c, triggers[i].trigger);
}

static uint32_t heard(const struct chip *c, unsigned b)
{
    return masks[b] & (pwr_stopped(c) && pwr_stop_level(c) == 2 ? ~not_from_stop2[b] : UINT32_MAX);
}

void exti_line(struct chip *c, unsigned line, bool level)
{
    unsigned b = line / 32;
    uint32_t bit = 1U << (line % 32);
    bool before = c->exti.bank[b].level & bit;
    if (before == level)
        return;
    c->exti.bank[b].level ^= bit;
    if (configurable[b] & bit) {
        if ((level ? c->exti.bank[b].rtsr : c->exti.bank[b].ftsr) & bit)
            request(c, line);
    } else if (level && c->exti.bank[b].emr & heard(c, b) & bit) {
        event(c);
    }
    if (level && pwr_standby_wakes(c))
        pwr_wake_standby(c);
}

bool exti_edges(const struct chip *c, unsigned line)
{
    unsigned b = line / 32;
    return (c->exti.bank[b].rtsr | c->exti.bank[b].ftsr) >> line % 32 & 1;
}

void exti_stop(struct chip *c)
{
    c->exti.event = false;
}

bool exti_wakes(const struct chip *c)
{
    if (c->mode == MODE_STOP && c->exti.event)
        return true;
    for (unsigned b = 0; b < 2; b++) {
        uint32_t requests =
            (c->exti.bank[b].pr & configurable[b]) | (c->exti.bank[b].level & ~configurable[b]);
        if (requests & (c->exti.bank[b].imr | c->exti.bank[b].emr) & heard(c, b))
            return true;
    }
    return false;
}

bool exti_internal_wake(const struct chip *c)
{
    return c->exti.bank[0].level & (7U << 18);
}

void exti_reset(struct chip *c, unsigned index)
{
    (void)index;
    uint32_t rtc = c->exti.bank[0].level & (7U << 18); /* from the backup domain, which goes on */
    memset(&c->exti, 0, sizeof c->exti);
    c->exti.bank[0].level = rtc;
    for (unsigned b = 0; b < 2; b++)
        c->exti.bank[b].imr = imr_reset[b];
    update_irqs(c);
}

static uint32_t *find(struct chip *c, uint32_t off)
{
    unsigned b = off >> 5;
    if (b > 1)
        return NULL;
    switch (off & 0x1C) {
    case 0x00: return &c->exti.bank[b].imr;
    case 0x04: return &c->exti.bank[b].emr;
    case 0x08: return &c->exti.bank[b].rtsr;
    case 0x0C: return &c->exti.bank[b].ftsr;
    case 0x10: return &c->exti.bank[b].swier;
    case 0x14: return &c->exti.bank[b].pr;
    default: return NULL;
    }
}

bool exti_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    const uint32_t *reg = find(c, off);
    *value = reg ? lanes_get(*reg, off, size) : 0;
    return true;
}

bool exti_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    (void)index;
    uint32_t *reg = find(c, off), word = lanes_apb(size, value);
    unsigned b = off >> 5;
    if (!reg)
        return true;
    uint32_t lines = configurable[b];
    switch (off & 0x1C) {
    case 0x00: *reg = (imr_reset[b] & ~masks[b]) | (word & masks[b]); break;
    case 0x04: *reg = word & masks[b]; break;
    case 0x08:
    case 0x0C:
        usart_lines_look(c);
        *reg = word & lines;
        break;
    case 0x10: { /* a bit that goes up triggers; it goes down with the pending bit, too */
        uint32_t risen = word & lines & ~*reg;
        *reg = word & lines;
        for (unsigned bit = 0; bit < 32; bit++)
            if (risen >> bit & 1)
                request(c, 32 * b + bit);
        break;
    }
    case 0x14:
        *reg &= ~word;
        c->exti.bank[b].swier &= ~word;
        break;
    default: break;
    }
    update_irqs(c);
    return true;
}
