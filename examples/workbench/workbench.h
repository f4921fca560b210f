/* The thread's "actual project": everything on the chip that it names, each with its interrupt enabled and
 * counted. What the files of this example share. */
#ifndef WORKBENCH_H
#define WORKBENCH_H

#include <stdbool.h>
#include <stdint.h>

/* One row a counter: what it is called, and how often it comes in a second (0: when somebody sends). */
#define WORKBENCH_COUNTERS(X)                                                                                \
    X(TIM1_UPDATE, "TIM1 update", 1000)                                                                      \
    X(TIM1_COMPARE, "TIM1 compare", 2000)                                                                    \
    X(TIM6_UPDATE, "TIM6", 1000)                                                                             \
    X(TIM15_UPDATE, "TIM15", 500)                                                                            \
    X(TIM16_UPDATE, "TIM16", 250)                                                                            \
    X(LPTIM1_MATCH, "LPTIM1", 10)                                                                            \
    X(LPTIM2_MATCH, "LPTIM2", 10)                                                                            \
    X(ADC_SEQUENCE, "ADC1", 1000)                                                                            \
    X(ADC_DMA, "ADC1 DMA", 100)                                                                              \
    X(I2C_EVENT, "I2C2 event", 30)                                                                           \
    X(I2C_ERROR, "I2C2 error", 0)                                                                            \
    X(I2C_DMA_OUT, "I2C2 DMA out", 20)                                                                       \
    X(I2C_DMA_IN, "I2C2 DMA in", 10)                                                                         \
    X(EEPROM_GOOD, "EEPROM good", 10)                                                                        \
    X(EEPROM_BAD, "EEPROM bad", 0)                                                                           \
    X(SPI1_BYTE, "SPI1", 1000)                                                                               \
    X(SPI2_BYTE, "SPI2", 1000)                                                                               \
    X(SPI3_BYTE, "SPI3", 1000)                                                                               \
    X(SPI_LOOPED, "SPI looped", 0)                                                                           \
    X(USART1_SENT, "USART1 sent", 100)                                                                       \
    X(USART1_RECEIVED, "USART1 received", 0)                                                                 \
    X(USART2_SENT, "USART2 sent", 10)                                                                        \
    X(USART2_DMA, "USART2 DMA", 10)                                                                          \
    X(USART2_IDLE, "USART2 idle", 0)                                                                         \
    X(RTC_SECOND, "RTC", 1)                                                                                  \
    X(USB_EVENT, "USB", 0)                                                                                   \
    X(FPU_GOOD, "FPU good", 750)                                                                             \
    X(FPU_BAD, "FPU bad", 0)

enum counter {
#define X(name, text, rate) name,
    WORKBENCH_COUNTERS(X)
#undef X
        COUNTERS
};

extern volatile uint32_t counters[COUNTERS];

/* By LDREX and STREX: an interrupt may come in between that counts the same. */
static inline void count(enum counter c)
{
    (void)__atomic_fetch_add(&counters[c], 1, __ATOMIC_RELAXED);
}

/* Every millisecond, in TIM6's interrupt. */
void i2c_tick(void);
void spi_tick(void);
void usart_tick(void);

void timers_start(void);
void adc_start(void);
void i2c_start(void);
void spi_start(void);
void usart_start(void);
/* The crystal takes up to two seconds: begins, and goes on when called again, until it returns true. */
bool rtc_start(void);

/* A step of a computation that is exact in floating point, beside the same in integers; false if they
 * differ, for example because an interrupt has changed a register. */
struct fpu_state {
    float value;
    uint32_t exact;
};
bool fpu_step(struct fpu_state *s);

/* One pin of a port as alternate function. */
struct gpio_regs;
void pin_alternate(struct gpio_regs *port, unsigned pin, unsigned function);

#endif
