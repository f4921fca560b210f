/* General-purpose I/O: RM0394 "GPIO". A pin's level follows from what the chip drives, what the outside
 * drives and the pulls; a change is told to EXTI, wake-up pins, AF inputs and the listener. */
#include "chip/state.h"

enum { INPUT, OUTPUT, ALTERNATE, ANALOG };

static unsigned field(uint32_t reg, unsigned pin)
{
    return reg >> (2 * pin) & 3;
}

static uint16_t pins_of(unsigned port)
{
    return port == 7 ? 0x000B : 0xFFFF; /* PH0, PH1, PH3 */
}

static unsigned af_of(const struct gpio_state *g, unsigned pin)
{
    return g->afr[pin / 8] >> (4 * (pin % 8)) & 15;
}

int gpio_af(const struct chip *c, unsigned port, unsigned pin)
{
    const struct gpio_state *g = &c->gpio[port];
    return field(g->moder, pin) == ALTERNATE ? (int)af_of(g, pin) : -1;
}

/* What the chip itself drives the pin to: 0, 1, or -1: nothing. */
static int gpio_driven(const struct chip *c, unsigned port, unsigned pin)
{
    const struct gpio_state *g = &c->gpio[port];
    enum rtc_drive rtc = pin == 2 || pin == 13 ? rtc_drives(c, port, pin) : RTC_DRIVES_NOT;
    bool high = rtc == RTC_HIGH;
    if (rtc != RTC_DRIVES_NOT && port == 2) /* PC13, whatever its mode */
        return rtc == RTC_OPEN ? -1 : high;
    switch (field(g->moder, pin)) {
    case OUTPUT: high = g->odr >> pin & 1; break;
    case ALTERNATE: {
        unsigned af = af_of(g, pin);
        if (rtc != RTC_DRIVES_NOT) /* PB2 */
            break;
        if (!(g->af_driven[pin] >> af & 1))
            return -1;
        high = g->af_high[pin] >> af & 1;
        break;
    }
    default: return -1;
    }
    return high && g->otyper >> pin & 1 ? -1 : high; /* open drain drives low only */
}

static int outside(const struct chip *c, unsigned port, unsigned pin)
{
    const struct gpio_state *g = &c->gpio[port];
    return g->outside >> pin & 1 ? g->outside_high >> pin & 1 : -1;
}

static int pull(const struct chip *c, unsigned port, unsigned pin)
{
    static const int8_t by_pupdr[4] = {-1, 1, 0, -1};
    const struct gpio_state *g = &c->gpio[port];
    int by_pwr = pwr_pull(c, port, pin);
    if (eeprom_pulls(c, port, pin)) /* a resistor, stronger than those of the chip */
        return 1;
    int own =
        field(g->moder, pin) == ANALOG ? -1 : by_pupdr[field(g->pupdr, pin)]; /* "Analog configuration" */
    if (by_pwr >= 0 || own >= 0)
        return by_pwr >= 0 ? by_pwr : own;
    return rtc_precharges(c, port, pin) ? 1 : -1;
}

/* What decides a level, strongest first. */
static int (*const sources[])(const struct chip *c, unsigned port,
                              unsigned pin) = {gpio_driven, eeprom_drives, outside, pull};

/* Its level, -1 where nothing drives or pulls it. */
static int decided(const struct chip *c, unsigned port, unsigned pin)
{
    for (unsigned i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        int level = sources[i](c, port, pin);
        if (level < 0 && c->wires.count)
            level = af_wired_level(c, port, pin, sources[i]);
        if (level >= 0)
            return level;
    }
    return -1;
}

static bool settle(const struct chip *c, unsigned port, unsigned pin)
{
    return decided(c, port, pin) > 0; /* a floating pin reads low here */
}

bool gpio_floats(const struct chip *c, unsigned port, unsigned pin)
{
    return decided(c, port, pin) < 0;
}

bool gpio_held_low(const struct chip *c, unsigned port, unsigned pin)
{
    for (unsigned i = 0; sources[i] != pull; i++)
        if (sources[i](c, port, pin) == 0 ||
            (c->wires.count && af_wired_level(c, port, pin, sources[i]) == 0))
            return true;
    return false;
}

static void update_pin(struct chip *c, unsigned port, unsigned pin);

void gpio_resettle(struct chip *c, unsigned port, unsigned pin)
{
    if (settle(c, port, pin) != gpio_pin_level(c, port, pin))
        update_pin(c, port, pin);
}

bool gpio_pin_level(const struct chip *c, unsigned port, unsigned pin)
{
    return c->gpio[port].high >> pin & 1;
}

bool gpio_level(const struct chip *c, unsigned port, unsigned pin)
{
    const struct gpio_state *g = &c->gpio[port];
    return g->high >> pin & 1 && field(g->moder, pin) != ANALOG;
}

/* The level of an output, and what it is once more when the pin is an output no longer. */
static void tell_output(struct chip *c, unsigned port, unsigned pin, bool high)
{
    struct gpio_state *g = &c->gpio[port];
    uint16_t bit = (uint16_t)(1U << pin);
    bool is = field(g->moder, pin) == OUTPUT, was = g->outputs & bit;

    if ((is || was) && high != !!(g->told & bit) && c->tell->gpio && c->mode != MODE_OFF)
        c->tell->gpio(c->tell->owner, port, pin, high);
    g->outputs = (uint16_t)(is ? g->outputs | bit : g->outputs & ~bit);
    g->told = (uint16_t)(is && high ? g->told | bit : g->told & ~bit);
}

static void update_pin(struct chip *c, unsigned port, unsigned pin)
{
    struct gpio_state *g = &c->gpio[port];
    bool high = settle(c, port, pin), before = g->high >> pin & 1;
    uint16_t bit = (uint16_t)(1U << pin);
    if (high != before) {
        g->high ^= bit;
        pwr_pin(c, port, pin, high);
        analog_level(c, port, pin);
        rtc_pin(c, port, pin, high);
        spi_device_pin(c, port, pin, high);
        eeprom_pin(c, port, pin, high);
        if (c->tell->pin)
            c->tell->pin(c->tell->owner, port, pin, high);
    }
    bool reads = gpio_level(c, port, pin);
    syscfg_pin(c, port, pin, reads);
    if (high != before)
        chip_pin_changed(c, port, pin, reads);
    tell_output(c, port, pin, high);
    if (c->wires.count)
        af_each_wired(c, port, pin, gpio_resettle);
    if (c->wires.count || gpio_af(c, port, pin) == I2C_AF)
        i2c_lines_look(c); /* a floating pin that is held low reads as before */
}

static void update_pins(struct chip *c, unsigned port, uint32_t pins)
{
    for (uint32_t rest = pins; rest; rest &= rest - 1)
        update_pin(c, port, (unsigned)__builtin_ctz(rest));
}

static void update_port(struct chip *c, unsigned port)
{
    update_pins(c, port, pins_of(port));
}

void gpio_pulls_changed(struct chip *c)
{
    for (unsigned port = 0; port < GPIO_PORTS; port++)
        if (port < 5 || port == 7)
            update_port(c, port);
}

void gpio_drive(struct chip *c, unsigned port, unsigned pin, int level)
{
    struct gpio_state *g = &c->gpio[port];
    uint16_t bit = (uint16_t)(1U << pin);
    g->outside = (uint16_t)(level < 0 ? g->outside & ~bit : g->outside | bit);
    g->outside_high = (uint16_t)(level > 0 ? g->outside_high | bit : g->outside_high & ~bit);
    update_pin(c, port, pin);
    if (port == GPIO_H && pin == 0)
        rcc_hse_input(c);
}

void gpio_af_out(struct chip *c, unsigned port, unsigned pin, unsigned af, bool level)
{
    struct gpio_state *g = &c->gpio[port];
    uint16_t bit = (uint16_t)(1U << af);
    g->af_driven[pin] |= bit;
    g->af_high[pin] = (uint16_t)(level ? g->af_high[pin] | bit : g->af_high[pin] & ~bit);
    if (gpio_af(c, port, pin) == (int)af)
        update_pin(c, port, pin);
}

void gpio_af_release(struct chip *c, unsigned port, unsigned pin, unsigned af)
{
    struct gpio_state *g = &c->gpio[port];
    g->af_driven[pin] &= (uint16_t) ~(1U << af);
    if (gpio_af(c, port, pin) == (int)af)
        update_pin(c, port, pin);
}

void gpio_reset(struct chip *c, unsigned port)
{
    static const uint32_t moder[GPIO_PORTS] = {0xABFFFFFF, 0xFFFFFEBF, 0xFFFFFFFF, 0xFFFFFFFF,
                                               0xFFFFFFFF, 0,          0,          0x0000000F};
    struct gpio_state *g = &c->gpio[port];
    g->moder = moder[port];
    g->otyper = g->odr = g->lckr = g->afr[0] = g->afr[1] = 0;
    g->ospeedr = port == 0 ? 0x0C000000 : 0; /* SWDIO */
    g->pupdr = port == 0 ? 0x64000000 : port == 1 ? 0x00000100 : 0;
    g->lock_step = 0;
    update_port(c, port);
    if (c->mode == MODE_RUN || c->mode == MODE_SLEEP) /* by RCC */
        chip_pins_selected(c);
}

/* Pin bits that may change: existing and not locked. */
static uint32_t unlocked(const struct gpio_state *g, unsigned port)
{
    uint32_t locked = g->lckr >> 16 & 1 ? g->lckr & 0xFFFF : 0;
    return pins_of(port) & ~locked;
}

/* The same with `width` bits a pin, for pins `first` and up. */
static uint32_t spread(uint32_t pins, unsigned width, unsigned first)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < 32 / width && first + i < 16; i++)
        if (pins >> (first + i) & 1)
            mask |= ((1U << width) - 1) << (width * i);
    return mask;
}

static uint32_t idr(const struct chip *c, unsigned port)
{
    const struct gpio_state *g = &c->gpio[port];
    uint32_t analog = g->moder & g->moder >> 1 & 0x55555555; /* even bits; brought together: */
    analog = (analog | analog >> 1) & 0x33333333;
    analog = (analog | analog >> 2) & 0x0F0F0F0F;
    analog = (analog | analog >> 4) & 0x00FF00FF;
    analog = (analog | analog >> 8) & 0x0000FFFF;
    return g->high & ~analog;
}

bool gpio_read(struct chip *c, unsigned port, uint32_t off, unsigned size, uint32_t *value)
{
    struct gpio_state *g = &c->gpio[port];
    uint32_t v = 0;
    switch (off & ~3U) {
    case 0x00: v = g->moder; break;
    case 0x04: v = g->otyper; break;
    case 0x08: v = g->ospeedr; break;
    case 0x0C: v = g->pupdr; break;
    case 0x10:
        usart_lines_look(c);
        v = idr(c, port);
        break;
    case 0x14: v = g->odr; break;
    case 0x1C: v = g->lckr; break;
    case 0x20: v = g->afr[0]; break;
    case 0x24: v = g->afr[1]; break;
    default: break;
    }
    *value = lanes_get(v, off, size);
    return true;
}

/* Key of LCKR: the same pins with LCKK 1, 0, 1; the reading that ends it in the manual is not needed
 * by the hardware. */
static void write_lckr(struct gpio_state *g, unsigned port, uint32_t value)
{
    static const uint8_t key[3] = {1, 0, 1};
    uint32_t pins = value & pins_of(port);
    if (g->lckr >> 16 & 1) /* locked until the next reset */
        return;
    if ((value >> 16 & 1) != key[g->lock_step] || (g->lock_step && pins != g->lckr)) {
        g->lock_step = 0;
        g->lckr = pins;
        return;
    }
    g->lckr = pins;
    if (++g->lock_step == 3)
        g->lckr |= 1U << 16;
}

bool gpio_write(struct chip *c, unsigned port, uint32_t off, unsigned size, uint32_t value)
{
    struct gpio_state *g = &c->gpio[port];
    uint32_t pins = unlocked(g, port), *reg = NULL, mask = 0;
    uint32_t set = lanes_put(0, off, size, value), before = g->odr;
    switch (off & ~3U) {
    case 0x00: reg = &g->moder, mask = spread(pins, 2, 0); break;
    case 0x04: reg = &g->otyper, mask = pins; break;
    case 0x08: reg = &g->ospeedr, mask = spread(pins, 2, 0); break;
    case 0x0C: reg = &g->pupdr, mask = spread(pins, 2, 0); break;
    case 0x14: reg = &g->odr, mask = pins_of(port); break;
    case 0x20: reg = &g->afr[0], mask = spread(pins, 4, 0); break;
    case 0x24: reg = &g->afr[1], mask = spread(pins, 4, 8); break;
    case 0x18: g->odr = ((g->odr & ~(set >> 16)) | (set & 0xFFFF)) & pins_of(port); break;
    case 0x28: g->odr &= ~(set & 0xFFFF); break;
    case 0x1C:
        if (size == 4)
            write_lckr(g, port, value);
        return true;
    default: return true;
    }
    if (reg) {
        usart_lines_look(c);
        *reg = (*reg & ~mask) | (lanes_put(*reg, off, size, value) & mask);
    }
    if (reg && reg != &g->odr)
        update_port(c, port);
    else
        update_pins(c, port, before ^ g->odr);
    if (reg == &g->moder || reg == g->afr || reg == g->afr + 1)
        chip_pins_selected(c);
    return true;
}
