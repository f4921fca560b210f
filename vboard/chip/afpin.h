/* Alternate functions: which pins of the STM32L433RCT6P carry which signal of a peripheral (DS11449,
 * table "Alternate function"), and the wires that somebody put between pins. */
#ifndef VBOARD_CHIP_AFPIN_H
#define VBOARD_CHIP_AFPIN_H

#include "chip/chip.h"

/* Instances of a kind follow each other, so that signal + index is the one of an instance. RTS is DE too. */
enum af_signal {
    AF_USART1_TX,
    AF_USART2_TX,
    AF_USART3_TX,
    AF_LPUART1_TX,
    AF_USART1_RX,
    AF_USART2_RX,
    AF_USART3_RX,
    AF_LPUART1_RX,
    AF_USART1_CTS,
    AF_USART2_CTS,
    AF_USART3_CTS,
    AF_LPUART1_CTS,
    AF_USART1_RTS,
    AF_USART2_RTS,
    AF_USART3_RTS,
    AF_LPUART1_RTS,
    AF_USART1_CK,
    AF_USART2_CK,
    AF_USART3_CK,
    AF_LPUART1_CK, /* which it lacks */
    AF_TIM1_CH1,
    AF_TIM1_CH2,
    AF_TIM1_CH3,
    AF_TIM1_CH4,
    AF_TIM1_CH1N,
    AF_TIM1_CH2N,
    AF_TIM1_CH3N,
    AF_TIM1_ETR,
    AF_TIM1_BKIN,
    AF_TIM1_BKIN2,
    AF_TIM2_CH1,
    AF_TIM2_CH2,
    AF_TIM2_CH3,
    AF_TIM2_CH4,
    AF_TIM2_ETR,
    AF_TIM15_CH1,
    AF_TIM15_CH2,
    AF_TIM15_CH1N,
    AF_TIM15_BKIN,
    AF_TIM16_CH1,
    AF_TIM16_CH1N,
    AF_TIM16_BKIN,
    AF_LPTIM1_IN1,
    AF_LPTIM1_IN2,
    AF_LPTIM1_ETR,
    AF_LPTIM1_OUT,
    AF_LPTIM2_IN1,
    AF_LPTIM2_ETR,
    AF_LPTIM2_OUT,
    AF_SPI1_SCK,
    AF_SPI1_MISO,
    AF_SPI1_MOSI,
    AF_SPI1_NSS,
    AF_SPI2_SCK,
    AF_SPI2_MISO,
    AF_SPI2_MOSI,
    AF_SPI2_NSS,
    AF_SPI3_SCK,
    AF_SPI3_MISO,
    AF_SPI3_MOSI,
    AF_SPI3_NSS,
    AF_I2C1_SCL,
    AF_I2C1_SDA,
    AF_I2C2_SCL,
    AF_I2C2_SDA,
    AF_I2C3_SCL,
    AF_I2C3_SDA,
    AF_COMP1_OUT,
    AF_COMP2_OUT,
    AF_CRS_SYNC,
    AF_TSC_SYNC,
    AF_CAN1_RX,
    AF_CAN1_TX,
    AF_IR_OUT,
    AF_I2C1_SMBA,
    AF_I2C2_SMBA,
    AF_I2C3_SMBA,
    AF_RTC_REFIN,
    AF_SAI1_SD_A,
    AF_SAI1_SCK_A,
    AF_SAI1_FS_A,
    AF_SAI1_SD_B,
    AF_SAI1_SCK_B,
    AF_SAI1_FS_B,
    AF_SIGNALS
};

/* The level that a peripheral puts on the signal; shows on pins that are in this alternate function. */
void af_out(struct chip *c, unsigned signal, bool level);
void af_release(struct chip *c, unsigned signal); /* drives it no longer */
/* The level of the signal's pin, or `idle` if no pin is in this alternate function. */
bool af_in(const struct chip *c, unsigned signal, bool idle);
bool af_connected(const struct chip *c, unsigned signal);
bool af_pin(const struct chip *c, unsigned signal, unsigned *port, unsigned *pin); /* false: no pin */
/* A pin of signal `a` is a pin of signal `b`, or there is a wire between two such pins. */
bool af_wired(const struct chip *c, unsigned a, unsigned b);
/* The same for a pin of signal `a` and any pin, or two pins. */
bool af_wired_to(const struct chip *c, unsigned a, unsigned port, unsigned pin);
bool af_joined(const struct chip *c, unsigned port_a, unsigned pin_a, unsigned port_b, unsigned pin_b);
bool af_has_wire(const struct chip *c, unsigned port, unsigned pin);
/* A waveform at the signal's pins is told as `pwm`: where it is new, has changed, or is over (0 Hz). */
struct af_wave {
    double hz, duty;
    uint8_t pins; /* that were told of it */
};
void af_tell_wave(struct chip *c, unsigned signal, struct af_wave *told, double hz, double duty);
/* A pin reads differently now: whoever listens to its alternate function is told. */
void af_pin_changed(struct chip *c, unsigned port, unsigned pin, bool level);
bool af_listened(const struct chip *c, unsigned port, unsigned pin); /* is there somebody? */

struct af_wires {
    struct af_wire {
        uint8_t port[2], pin[2];
    } wire[CHIP_WIRES];
    unsigned count;
};
/* Calls fn for each pin that wires join with this one, some perhaps more than once. */
void af_each_wired(struct chip *c, unsigned port, unsigned pin,
                   void (*fn)(struct chip *c, unsigned port, unsigned pin));
/* What those pins put on the wires, as `level` tells it: 0 if one says so, 1, or -1: nothing. */
int af_wired_level(const struct chip *c, unsigned port, unsigned pin,
                   int (*level)(const struct chip *c, unsigned port, unsigned pin));

#endif
