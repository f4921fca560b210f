/* Alternate functions of pins: DS11449 "Alternate function AF0 to AF15" for the LQFP64 package with SMPS. */
#include "chip/afpin.h"
#include "chip/state.h"

enum { PORT_A, PORT_B, PORT_C };
enum { PINS_PER_SIGNAL = 5 };

/* Port, pin and alternate function in one number that is never 0. */
#define AT(port, pin, af) (0x8000 | PORT_##port << 8 | (pin) << 4 | (af))

/* clang-format off */
static const uint16_t places[AF_SIGNALS][PINS_PER_SIGNAL] = {
    [AF_USART1_TX] = {AT(A, 9, 7), AT(B, 6, 7)},
    [AF_USART2_TX] = {AT(A, 2, 7)},
    [AF_USART3_TX] = {AT(B, 10, 7), AT(C, 4, 7), AT(C, 10, 7)},
    [AF_LPUART1_TX] = {AT(A, 2, 8), AT(B, 11, 8), AT(C, 1, 8)},
    [AF_USART1_RX] = {AT(A, 10, 7), AT(B, 7, 7)},
    [AF_USART2_RX] = {AT(A, 3, 7), AT(A, 15, 3)},
    [AF_USART3_RX] = {AT(B, 11, 7), AT(C, 11, 7)},
    [AF_LPUART1_RX] = {AT(A, 3, 8), AT(B, 10, 8), AT(C, 0, 8)},
    [AF_USART1_CTS] = {AT(A, 11, 7), AT(B, 4, 7)},
    [AF_USART2_CTS] = {AT(A, 0, 7)},
    [AF_USART3_CTS] = {AT(A, 6, 7), AT(B, 13, 7)},
    [AF_LPUART1_CTS] = {AT(A, 6, 8), AT(B, 13, 8)},
    [AF_USART1_RTS] = {AT(A, 12, 7), AT(B, 3, 7)},
    [AF_USART2_RTS] = {AT(A, 1, 7)},
    [AF_USART3_RTS] = {AT(A, 15, 7), AT(B, 1, 7), AT(B, 14, 7)},
    [AF_LPUART1_RTS] = {AT(B, 1, 8), AT(B, 12, 8)},
    [AF_USART1_CK] = {AT(A, 8, 7), AT(B, 5, 7)},
    [AF_USART2_CK] = {AT(A, 4, 7)},
    [AF_USART3_CK] = {AT(B, 0, 7), AT(B, 12, 7), AT(C, 12, 7)},
    [AF_TIM1_CH1] = {AT(A, 8, 1)},
    [AF_TIM1_CH2] = {AT(A, 9, 1)},
    [AF_TIM1_CH3] = {AT(A, 10, 1)},
    [AF_TIM1_CH4] = {AT(A, 11, 1)},
    [AF_TIM1_CH1N] = {AT(A, 7, 1), AT(B, 13, 1)},
    [AF_TIM1_CH2N] = {AT(B, 0, 1), AT(B, 14, 1)},
    [AF_TIM1_CH3N] = {AT(B, 1, 1), AT(B, 15, 1)},
    [AF_TIM1_ETR] = {AT(A, 12, 1)},
    [AF_TIM1_BKIN] = {AT(A, 6, 1), AT(B, 12, 1)},
    [AF_TIM1_BKIN2] = {AT(A, 11, 2)},
    [AF_TIM2_CH1] = {AT(A, 0, 1), AT(A, 5, 1), AT(A, 15, 1)},
    [AF_TIM2_CH2] = {AT(A, 1, 1), AT(B, 3, 1)},
    [AF_TIM2_CH3] = {AT(A, 2, 1), AT(B, 10, 1)},
    [AF_TIM2_CH4] = {AT(A, 3, 1), AT(B, 11, 1)},
    [AF_TIM2_ETR] = {AT(A, 0, 14), AT(A, 5, 2), AT(A, 15, 2)},
    [AF_TIM15_CH1] = {AT(A, 2, 14), AT(B, 14, 14)},
    [AF_TIM15_CH2] = {AT(A, 3, 14), AT(B, 15, 14)},
    [AF_TIM15_CH1N] = {AT(A, 1, 14), AT(B, 13, 14)},
    [AF_TIM15_BKIN] = {AT(A, 9, 14), AT(B, 12, 14)},
    [AF_TIM16_CH1] = {AT(A, 6, 14), AT(B, 8, 14)},
    [AF_TIM16_CH1N] = {AT(B, 6, 14)},
    [AF_TIM16_BKIN] = {AT(B, 5, 14)},
    [AF_LPTIM1_IN1] = {AT(B, 5, 1), AT(C, 0, 1)},
    [AF_LPTIM1_IN2] = {AT(B, 7, 1), AT(C, 2, 1)},
    [AF_LPTIM1_ETR] = {AT(B, 6, 1), AT(C, 3, 1)},
    [AF_LPTIM1_OUT] = {AT(A, 14, 1), AT(B, 2, 1), AT(C, 1, 1)},
    [AF_LPTIM2_IN1] = {AT(B, 1, 14), AT(C, 0, 14)},
    [AF_LPTIM2_ETR] = {AT(A, 5, 14), AT(C, 3, 14)},
    [AF_LPTIM2_OUT] = {AT(A, 4, 14), AT(A, 8, 14)},
    [AF_SPI1_SCK] = {AT(A, 1, 5), AT(A, 5, 5), AT(B, 3, 5)},
    [AF_SPI1_MISO] = {AT(A, 6, 5), AT(A, 11, 5), AT(B, 4, 5)},
    [AF_SPI1_MOSI] = {AT(A, 7, 5), AT(A, 12, 5), AT(B, 5, 5)},
    [AF_SPI1_NSS] = {AT(A, 4, 5), AT(A, 15, 5), AT(B, 0, 5)},
    [AF_SPI2_SCK] = {AT(B, 10, 5), AT(B, 13, 5)},
    [AF_SPI2_MISO] = {AT(B, 14, 5), AT(C, 2, 5)},
    [AF_SPI2_MOSI] = {AT(B, 15, 5), AT(C, 3, 5)},
    [AF_SPI2_NSS] = {AT(B, 9, 5), AT(B, 12, 5)},
    [AF_SPI3_SCK] = {AT(B, 3, 6), AT(C, 10, 6)},
    [AF_SPI3_MISO] = {AT(B, 4, 6), AT(C, 11, 6)},
    [AF_SPI3_MOSI] = {AT(B, 5, 6), AT(C, 12, 6)},
    [AF_SPI3_NSS] = {AT(A, 4, 6), AT(A, 15, 6)},
    [AF_I2C1_SCL] = {AT(A, 9, 4), AT(B, 6, 4), AT(B, 8, 4)},
    [AF_I2C1_SDA] = {AT(A, 10, 4), AT(B, 7, 4), AT(B, 9, 4)},
    [AF_I2C2_SCL] = {AT(B, 10, 4), AT(B, 13, 4)},
    [AF_I2C2_SDA] = {AT(B, 11, 4), AT(B, 14, 4)},
    [AF_I2C3_SCL] = {AT(A, 7, 4), AT(C, 0, 4)},
    [AF_I2C3_SDA] = {AT(B, 4, 4), AT(C, 1, 4)},
    [AF_COMP1_OUT] = {AT(A, 0, 12), AT(A, 6, 6), AT(A, 11, 6), AT(B, 0, 12), AT(B, 10, 12)},
    [AF_COMP2_OUT] = {AT(A, 2, 12), AT(A, 7, 12), AT(B, 5, 12), AT(B, 11, 12)},
    [AF_CRS_SYNC] = {AT(A, 10, 10)},
    [AF_TSC_SYNC] = {AT(B, 10, 9)},
    [AF_CAN1_RX] = {AT(A, 11, 9), AT(B, 8, 9)},
    [AF_CAN1_TX] = {AT(A, 12, 9), AT(B, 9, 9)},
    [AF_IR_OUT] = {AT(A, 13, 1), AT(B, 9, 1)},
    [AF_I2C1_SMBA] = {AT(A, 1, 4), AT(A, 14, 4), AT(B, 5, 4)},
    [AF_I2C2_SMBA] = {AT(B, 12, 4)},
    [AF_I2C3_SMBA] = {AT(B, 2, 4)},
    [AF_RTC_REFIN] = {AT(B, 15, 0)},
    [AF_SAI1_SD_A] = {AT(A, 10, 13), AT(B, 15, 13), AT(C, 3, 13)},
    [AF_SAI1_SCK_A] = {AT(A, 8, 13), AT(B, 10, 13), AT(B, 13, 13)},
    [AF_SAI1_FS_A] = {AT(A, 9, 13), AT(B, 9, 13), AT(B, 12, 13)},
    [AF_SAI1_SD_B] = {AT(A, 13, 13), AT(B, 5, 13)},
    [AF_SAI1_SCK_B] = {AT(B, 3, 13)},
    [AF_SAI1_FS_B] = {AT(A, 4, 13), AT(A, 14, 13), AT(B, 6, 13)},
};
/* clang-format on */

static unsigned port_of(uint16_t place)
{
    return place >> 8 & 7;
}

static unsigned pin_of(uint16_t place)
{
    return place >> 4 & 15;
}

static bool selected(const struct chip *c, uint16_t place)
{
    return gpio_af(c, port_of(place), pin_of(place)) == (place & 15);
}

/* The first pin that is in the signal's alternate function; 0: none. */
static uint16_t find(const struct chip *c, unsigned signal)
{
    for (unsigned i = 0; i < PINS_PER_SIGNAL && places[signal][i]; i++)
        if (selected(c, places[signal][i]))
            return places[signal][i];
    return 0;
}

void af_out(struct chip *c, unsigned signal, bool level)
{
    for (unsigned i = 0; i < PINS_PER_SIGNAL && places[signal][i]; i++) {
        uint16_t p = places[signal][i];
        gpio_af_out(c, port_of(p), pin_of(p), p & 15, level);
    }
}

void af_release(struct chip *c, unsigned signal)
{
    for (unsigned i = 0; i < PINS_PER_SIGNAL && places[signal][i]; i++) {
        uint16_t p = places[signal][i];
        gpio_af_release(c, port_of(p), pin_of(p), p & 15);
    }
}

bool af_in(const struct chip *c, unsigned signal, bool idle)
{
    uint16_t p = find(c, signal);

    return p ? gpio_level(c, port_of(p), pin_of(p)) : idle;
}

bool af_connected(const struct chip *c, unsigned signal)
{
    return find(c, signal);
}

bool af_pin(const struct chip *c, unsigned signal, unsigned *port, unsigned *pin)
{
    uint16_t p = find(c, signal);

    *port = port_of(p);
    *pin = pin_of(p);
    return p;
}

void af_tell_wave(struct chip *c, unsigned signal, struct af_wave *told, double hz, double duty)
{
    bool changed = hz != told->hz || duty != told->duty;

    for (unsigned i = 0; i < PINS_PER_SIGNAL && places[signal][i]; i++) {
        uint16_t p = places[signal][i];
        uint8_t bit = (uint8_t)(1u << i);
        bool before = told->pins & bit, on = hz > 0 && selected(c, p);
        if ((on ? changed || !before : before) && c->tell->pwm)
            c->tell->pwm(c->tell->owner, port_of(p), pin_of(p), on ? hz : 0, on ? duty : 0);
        told->pins = (uint8_t)(on ? told->pins | bit : told->pins & ~bit);
    }
    told->hz = hz;
    told->duty = duty;
}

/* ---- wires ---- */

bool chip_wire(struct chip *c, unsigned port_a, unsigned pin_a, unsigned port_b, unsigned pin_b)
{
    struct af_wires *w = &c->wires;

    if (w->count == CHIP_WIRES || (port_a == port_b && pin_a == pin_b))
        return false;
    w->wire[w->count++] =
        (struct af_wire){{(uint8_t)port_a, (uint8_t)port_b}, {(uint8_t)pin_a, (uint8_t)pin_b}};
    gpio_resettle(c, port_a, pin_a);
    af_each_wired(c, port_a, pin_a, gpio_resettle);
    return true;
}

static bool at_end(const struct af_wire *w, unsigned e, unsigned port, unsigned pin)
{
    return w->port[e] == port && w->pin[e] == pin;
}

/* The wires, a bit each, that join this pin with others, directly or by pins between. */
static uint32_t net_of(const struct chip *c, unsigned port, unsigned pin)
{
    const struct af_wire *w = c->wires.wire;
    uint32_t net = 0, before;

    for (unsigned i = 0; i < c->wires.count; i++)
        if (at_end(&w[i], 0, port, pin) || at_end(&w[i], 1, port, pin))
            net |= 1u << i;
    do {
        before = net;
        for (unsigned i = 0; i < c->wires.count; i++)
            for (unsigned j = 0; j < c->wires.count && before >> i & 1; j++)
                for (unsigned e = 0; e < 2; e++)
                    if (at_end(&w[j], 0, w[i].port[e], w[i].pin[e]) ||
                        at_end(&w[j], 1, w[i].port[e], w[i].pin[e]))
                        net |= 1u << j;
    } while (net != before);
    return net;
}

void af_each_wired(struct chip *c, unsigned port, unsigned pin,
                   void (*fn)(struct chip *c, unsigned port, unsigned pin))
{
    uint32_t net = net_of(c, port, pin);

    for (unsigned i = 0; i < c->wires.count; i++)
        for (unsigned e = 0; e < 2 && net >> i & 1; e++)
            if (!at_end(&c->wires.wire[i], e, port, pin))
                fn(c, c->wires.wire[i].port[e], c->wires.wire[i].pin[e]);
}

int af_wired_level(const struct chip *c, unsigned port, unsigned pin,
                   int (*level)(const struct chip *c, unsigned port, unsigned pin))
{
    uint32_t net = net_of(c, port, pin);
    int found = -1;

    for (unsigned i = 0; i < c->wires.count; i++)
        for (unsigned e = 0; e < 2 && net >> i & 1 && found != 0; e++) {
            const struct af_wire *w = &c->wires.wire[i];
            int one = at_end(w, e, port, pin) ? -1 : level(c, w->port[e], w->pin[e]);
            found = one >= 0 ? one : found;
        }
    return found;
}

bool af_joined(const struct chip *c, unsigned port_a, unsigned pin_a, unsigned port_b, unsigned pin_b)
{
    return (port_a == port_b && pin_a == pin_b) || (net_of(c, port_a, pin_a) & net_of(c, port_b, pin_b));
}

bool af_has_wire(const struct chip *c, unsigned port, unsigned pin)
{
    return c->wires.count && net_of(c, port, pin);
}

static bool wired(const struct chip *c, uint16_t a, uint16_t b)
{
    return af_joined(c, port_of(a), pin_of(a), port_of(b), pin_of(b));
}

bool af_wired_to(const struct chip *c, unsigned a, unsigned port, unsigned pin)
{
    uint16_t from = find(c, a);

    return from && af_joined(c, port_of(from), pin_of(from), port, pin);
}

bool af_wired(const struct chip *c, unsigned a, unsigned b)
{
    uint16_t from = find(c, a), to = find(c, b);

    return from && to && wired(c, from, to);
}

/* ---- inputs ---- */

typedef void listener(struct chip *c, unsigned signal, bool level);

static void to_usart(struct chip *c, unsigned signal, bool level)
{
    (void)level;
    usart_cts(c, signal - AF_USART1_CTS);
}

static void to_crs(struct chip *c, unsigned signal, bool level)
{
    (void)signal;
    crs_sync(c, CRS_GPIO, level);
}

static void to_tim(struct chip *c, unsigned signal, bool level)
{
    tim_pin(c, signal, level);
}

static void to_spi(struct chip *c, unsigned signal, bool level)
{
    spi_nss(c, (signal - AF_SPI1_NSS) / 4, level);
}

static void to_tsc(struct chip *c, unsigned signal, bool level)
{
    (void)signal;
    tsc_sync(c, level);
}

static void to_can(struct chip *c, unsigned signal, bool level)
{
    (void)signal;
    (void)level;
    can_rx(c);
}

static void to_lptim(struct chip *c, unsigned signal, bool level)
{
    lptim_pin(c, signal, level);
}

static void to_i2c(struct chip *c, unsigned signal, bool level)
{
    (void)level;
    i2c_alert(c, signal - AF_I2C1_SMBA);
}

static void to_rtc(struct chip *c, unsigned signal, bool level)
{
    (void)signal;
    rtc_reference(c, level);
}

static listener *listener_of(unsigned signal)
{
    if (signal >= AF_USART1_CTS && signal <= AF_LPUART1_CTS)
        return to_usart;
    if (signal >= AF_TIM1_CH1 && signal <= AF_TIM16_BKIN)
        return to_tim;
    if (signal >= AF_LPTIM1_IN1 && signal <= AF_LPTIM2_ETR)
        return to_lptim;
    if (signal == AF_SPI1_NSS || signal == AF_SPI2_NSS || signal == AF_SPI3_NSS)
        return to_spi;
    if (signal == AF_CRS_SYNC)
        return to_crs;
    if (signal == AF_TSC_SYNC)
        return to_tsc;
    if (signal == AF_CAN1_RX)
        return to_can;
    if (signal >= AF_I2C1_SMBA && signal <= AF_I2C3_SMBA)
        return to_i2c;
    if (signal == AF_RTC_REFIN)
        return to_rtc;
    return NULL;
}

/* Signals from `signal` on, one of which the pin has now and somebody listens to; AF_SIGNALS: none. */
static unsigned listened_from(const struct chip *c, unsigned signal, unsigned port, unsigned pin)
{
    int af = gpio_af(c, port, pin);

    if (af < 0 || port > PORT_C)
        return AF_SIGNALS;
    uint16_t place = (uint16_t)(0x8000 | port << 8 | pin << 4 | (unsigned)af);
    for (; signal < AF_SIGNALS; signal++)
        for (unsigned i = 0; i < PINS_PER_SIGNAL && places[signal][i]; i++)
            if (places[signal][i] == place && listener_of(signal))
                return signal;
    return AF_SIGNALS;
}

bool af_listened(const struct chip *c, unsigned port, unsigned pin)
{
    return listened_from(c, 0, port, pin) < AF_SIGNALS;
}

void af_pin_changed(struct chip *c, unsigned port, unsigned pin, bool level)
{
    unsigned signal = listened_from(c, 0, port, pin);

    for (; signal < AF_SIGNALS; signal = listened_from(c, signal + 1, port, pin))
        listener_of(signal)(c, signal, level);
}
