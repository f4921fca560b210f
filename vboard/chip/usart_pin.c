/* Frames as levels of a pin, for those who look there: EXTI, timers, IDR. They arrive from outside or are
 * sent. A receiver takes a frame as a whole, and where nobody looks the pin stays at its idle level. */
#include "chip/afpin.h"
#include "chip/state.h"
#include "chip/usart.h"

#define RATE_UNKNOWN (PS_PER_S / 115200)

/* The line that arrives at a pin, a new one if there is none yet. */
static struct usart_line *line_at(struct chip *c, unsigned port, unsigned pin)
{
    struct usart_line *l = c->usart_lines.line, *found = l;

    for (unsigned i = 0; i < USART_LINES; i++) {
        if (l[i].frame.bit && l[i].port == port && l[i].pin == pin)
            return &l[i];
        if (!l[i].frame.bit)
            found = &l[i];
    }
    *found = (struct usart_line){
        .port = (uint8_t)port, .pin = (uint8_t)pin, .next = PS_NEVER, .frame = {.bit = RATE_UNKNOWN}};
    return found;
}

static void drive(struct chip *c, const struct usart_line *l, bool level)
{
    const struct gpio_state *g = &c->gpio[l->port];
    unsigned n = (unsigned)(l - c->usart_lines.line);

    if (n >= USART_LINES)
        usart_drive(c, n - USART_LINES, level);
    else if (!(g->outside >> l->pin & 1) || (g->outside_high >> l->pin & 1) != level)
        gpio_drive(c, l->port, l->pin, level);
}

/* Is there somebody to be told of edges? Where the processor has no clock they cost nothing. */
static bool watched(const struct chip *c, unsigned port, unsigned pin)
{
    return c->mode >= MODE_STOP || syscfg_pin_watched(c, port, pin) || af_listened(c, port, pin) ||
           af_has_wire(c, port, pin);
}

/* The pin gets the level of now, and the time of the next one is noted. */
static void follow(struct chip *c, struct usart_line *l)
{
    ps_t now = chip_now(c);

    l->next = usart_changes(&l->frame, now + 1);
    l->passing = l->next != PS_NEVER;
    drive(c, l, usart_level(&l->frame, now));
}

static void edge_due(void *arg);

static void schedule(struct chip *c)
{
    struct usart_lines *all = &c->usart_lines;
    ps_t next = PS_NEVER;

    all->passing = 0;
    for (unsigned i = 0; i < USART_ALL_LINES; i++) {
        const struct usart_line *l = &all->line[i];
        all->passing += l->passing;
        next = l->passing && l->next < next ? l->next : next;
    }
    chip_outside_wake(c, OUTSIDE_UART_EDGE, next, edge_due, c);
}

static void edge_due(void *arg)
{
    struct chip *c = arg;

    for (unsigned i = 0; i < USART_ALL_LINES; i++) {
        struct usart_line *l = &c->usart_lines.line[i];
        if (!l->passing || l->next > chip_now(c))
            continue;
        follow(c, l);
        bool idle = usart_level(&l->frame, chip_now(c)) != l->frame.low;
        if (idle && !watched(c, l->port, l->pin))
            l->next = PS_NEVER;
    }
    schedule(c);
}

void usart_lines_look(struct chip *c)
{
    if (!c->usart_lines.passing)
        return;
    for (unsigned i = 0; i < USART_ALL_LINES; i++)
        if (c->usart_lines.line[i].passing)
            follow(c, &c->usart_lines.line[i]);
    schedule(c);
}

static void begins(struct chip *c, struct usart_line *l, const struct usart_frame *f)
{
    l->frame = *f;
    l->passing = true;
    l->next = PS_NEVER;
    drive(c, l, !f->low);
    if (watched(c, l->port, l->pin))
        follow(c, l);
    schedule(c);
}

void usart_shows(struct chip *c, unsigned index, const struct usart_frame *f)
{
    struct usart_line *l = &c->usart_lines.line[USART_LINES + index];
    unsigned port, pin;

    if (!af_pin(c, usart_line_out(&c->usart[index], index), &port, &pin))
        return;
    l->port = (uint8_t)port;
    l->pin = (uint8_t)pin;
    begins(c, l, f);
}

void usart_falls_silent(struct chip *c, unsigned index)
{
    c->usart_lines.line[USART_LINES + index].passing = false;
}

void usart_receive_pin(struct chip *c, enum block_id uart, unsigned *port, unsigned *pin)
{
    static const uint8_t usual[USART_COUNT] = {0x0A, 0x03, 0x1B, 0x20}; /* PA10, PA3, PB11, PC0 */
    unsigned index = (unsigned)uart - B_USART1;
    uint8_t *last = &c->usart_lines.last[index];

    if (af_pin(c, usart_line_in(&c->usart[index], index), port, pin))
        *last = (uint8_t)(0x80 | *port << 4 | *pin);
    unsigned at = *last ? *last : usual[index];
    *port = at >> 4 & 7;
    *pin = at & 15;
}

ps_t usart_receive(struct chip *c, enum block_id uart, uint8_t byte)
{
    unsigned index = (unsigned)uart - B_USART1, port, pin;
    const struct usart_state *u = &c->usart[index];
    ps_t bit = usart_bit_time(c, index);

    if (!usart_receiving(u) || !bit || !af_pin(c, usart_line_in(u, index), &port, &pin))
        return 0;
    struct usart_frame f = usart_frame_of(u, usart_with_parity(u, byte), bit, chip_now(c));
    f.low = u->cr2 & USART_CR2_RXINV;
    f.pulse = u->cr3 & USART_CR3_IREN ? bit * 3 / 16 : 0;
    usart_listen(c, index, &f);
    begins(c, line_at(c, port, pin), &f);
    return bit * f.bits + bit * usart_stop_halves(u) / 2;
}

ps_t usart_unheard(struct chip *c, unsigned port, unsigned pin, uint8_t byte)
{
    struct usart_frame f = {.levels = (uint32_t)byte << 1 | UINT32_MAX << 9,
                            .bits = 9,
                            .bit = line_at(c, port, pin)->frame.bit,
                            .start = chip_now(c)};

    begins(c, line_at(c, port, pin), &f);
    return f.bit * 10;
}
