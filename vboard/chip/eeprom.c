/* The serial EEPROM on the board: 256 bytes, one address byte, pages of 16; or 8192, two, pages of 32. It is
 * reached as a whole by I2C instances (i2c_bus.c), or bit by bit by whoever moves its pins: PB10 is SCL, PB11
 * SDA, both with pull-ups. 24xx data sheets. */
#include <string.h>

#include "chip/i2c.h"
#include "chip/state.h"

#define EEPROM_WRITE_CYCLE (5 * PS_PER_MS)

static unsigned eeprom_size(const struct chip *c)
{
    return c->config.eeprom_kind == EEPROM_24C64 ? 8192 : 256;
}

static unsigned eeprom_page(const struct chip *c)
{
    return c->config.eeprom_kind == EEPROM_24C64 ? 32 : 16;
}

void eeprom_init(struct chip *c)
{
    memset(c->eeprom.bytes, 0xFF, sizeof c->eeprom.bytes);
}

void eeprom_power_on(struct chip *c)
{
    c->eeprom.pins = (struct eeprom_pins){0};
    c->eeprom.selected = false;
}

bool eeprom_fitted(const struct chip *c)
{
    return c->config.eeprom_kind != EEPROM_NONE;
}

bool eeprom_select(struct chip *c, bool read)
{
    struct eeprom_state *e = &c->eeprom;

    if (chip_now(c) < e->busy_until)
        return false;
    e->selected = true;
    e->page_mask = 0;
    if (!read)
        e->address_bytes = 0;
    return true;
}

void eeprom_put(struct chip *c, uint8_t byte)
{
    struct eeprom_state *e = &c->eeprom;
    unsigned size = eeprom_size(c), page = eeprom_page(c);

    if (e->address_bytes < (size > 256 ? 2 : 1)) {
        e->address = (e->address_bytes++ ? e->address << 8 | byte : byte) % size;
        return;
    }
    unsigned at = e->address % page;
    e->page[at] = byte;
    e->page_mask |= 1u << at;
    e->address = e->address - at + (at + 1) % page; /* stays in the page */
}

uint8_t eeprom_get(struct chip *c)
{
    struct eeprom_state *e = &c->eeprom;
    uint8_t byte = e->bytes[e->address];

    e->address = (e->address + 1) % eeprom_size(c);
    return byte;
}

/* STOP starts the write cycle of the page; a repeated START gives it up. */
void eeprom_end(struct chip *c, bool restart)
{
    struct eeprom_state *e = &c->eeprom;
    unsigned page = eeprom_page(c), base = e->address - e->address % page;

    e->selected = false;
    if (!restart && e->page_mask) {
        for (unsigned i = 0; i < page; i++)
            if (e->page_mask >> i & 1)
                e->bytes[base + i] = e->page[i];
        e->busy_until = chip_now(c) + EEPROM_WRITE_CYCLE;
    }
    e->page_mask = 0;
}

/* ---- its pins ---- */

/* What the bits are: of the address, taken or given; or none, until START. */
enum { QUIET, ADDRESSED, TAKES, GIVES };

int eeprom_drives(const struct chip *c, unsigned port, unsigned pin)
{
    return port == EEPROM_PORT && pin == EEPROM_SDA && c->eeprom.pins.low ? 0 : -1;
}

bool eeprom_pulls(const struct chip *c, unsigned port, unsigned pin)
{
    return port == EEPROM_PORT && (pin == EEPROM_SCL || pin == EEPROM_SDA) && eeprom_fitted(c);
}

static void drive(struct chip *c, bool low)
{
    if (c->eeprom.pins.low == low)
        return;
    c->eeprom.pins.low = low;
    gpio_resettle(c, EEPROM_PORT, EEPROM_SDA);
}

/* SDA has been so for a while, and shows at the pin only now: no START. */
static void hold(struct chip *c, struct eeprom_pins pins)
{
    drive(c, pins.low);
    c->eeprom.pins = pins;
}

void eeprom_gives(struct chip *c, uint8_t byte, unsigned clocked)
{
    hold(c,
         (struct eeprom_pins){
             .phase = GIVES, .byte = byte, .count = (uint8_t)clocked, .low = !(byte >> (8 - clocked) & 1)});
}

void eeprom_acknowledges(struct chip *c)
{
    hold(c, (struct eeprom_pins){.phase = TAKES, .count = 9, .low = true});
}

void eeprom_quiet(struct chip *c)
{
    drive(c, false);
    c->eeprom.pins.phase = QUIET;
}

/* START or STOP. */
static void condition(struct chip *c, bool start)
{
    struct eeprom_pins *p = &c->eeprom.pins;

    if (c->eeprom.selected && p->phase != QUIET)
        eeprom_end(c, start);
    *p = (struct eeprom_pins){.phase = start ? ADDRESSED : QUIET, .low = p->low};
}

/* SCL rises: a bit is sampled. The ninth is the master's acknowledge where it reads. */
static void sample(struct eeprom_pins *p, bool sda)
{
    if (p->count < 8 && p->phase != GIVES)
        p->byte = (uint8_t)(p->byte << 1 | sda);
    p->nack = p->count == 8 && p->phase == GIVES && sda;
    p->count++;
}

/* Eight bits are through. True: acknowledged. */
static bool byte_in(struct chip *c)
{
    struct eeprom_pins *p = &c->eeprom.pins;

    if (p->phase == TAKES) {
        eeprom_put(c, p->byte);
        return true;
    }
    bool read = p->byte & 1;
    if (p->byte >> 1 != EEPROM_ADDRESS || !eeprom_select(c, read)) {
        p->phase = QUIET;
        return false;
    }
    p->next = read ? GIVES : TAKES;
    return true;
}

/* SCL falls: SDA is what the next bit will be, or the acknowledge. */
static void step(struct chip *c)
{
    struct eeprom_pins *p = &c->eeprom.pins;

    if (p->count == 8 && p->phase != GIVES) {
        drive(c, byte_in(c));
        return;
    }
    if (p->count == 9) {
        p->phase = p->nack ? QUIET : p->next ? p->next : p->phase;
        p->next = p->count = 0;
        if (p->phase == GIVES)
            p->byte = eeprom_get(c);
    }
    drive(c, p->phase == GIVES && p->count < 8 && !(p->byte >> (7 - p->count) & 1));
}

void eeprom_pin(struct chip *c, unsigned port, unsigned pin, bool level)
{
    struct eeprom_pins *p = &c->eeprom.pins;

    if (port != EEPROM_PORT || !eeprom_fitted(c))
        return;
    if (pin == EEPROM_SDA && gpio_pin_level(c, port, EEPROM_SCL))
        condition(c, !level);
    if (pin != EEPROM_SCL || p->phase == QUIET)
        return;
    if (level)
        sample(p, gpio_pin_level(c, port, EEPROM_SDA));
    else
        step(c);
}
