/* SPI1, SPI2 and SPI3 as masters: a byte every millisecond, taken in their interrupts. With a wire from MOSI
 * to MISO it comes back. SPI2's clock is not brought out: its pin has the LED on a Nucleo. */
#include "examples/workbench/workbench.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/periph.h"

static struct spi_regs *const spi[3] = {SPI1, SPI2, SPI3};
static volatile uint8_t sent[3];

static volatile uint8_t *data(unsigned n)
{
    return (volatile uint8_t *)&spi[n]->DR; /* the width of the access is that of the frame */
}

static void received(unsigned n, enum counter c)
{
    while (spi[n]->SR & SPI1_SR_RXNE) {
        uint8_t byte = *data(n);
        count(c);
        if (byte == sent[n] && byte != 0)
            count(SPI_LOOPED);
    }
}

void SPI1_IRQHandler(void);
void SPI1_IRQHandler(void)
{
    received(0, SPI1_BYTE);
}

void SPI2_IRQHandler(void);
void SPI2_IRQHandler(void)
{
    received(1, SPI2_BYTE);
}

void SPI3_IRQHandler(void);
void SPI3_IRQHandler(void)
{
    received(2, SPI3_BYTE);
}

void spi_tick(void)
{
    static uint8_t next;
    next = (uint8_t)(next % 250 + 1);
    for (unsigned n = 0; n < 3; n++) {
        sent[n] = (uint8_t)(next + n);
        *data(n) = sent[n];
    }
}

void spi_start(void)
{
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOBEN | RCC_AHB2ENR_GPIOCEN;
    RCC->APB1ENR1 |= RCC_APB1ENR1_SPI2EN | RCC_APB1ENR1_SPI3EN;
    RCC->APB2ENR |= RCC_APB2ENR_SPI1EN;
    (void)RCC->APB2ENR;
    for (unsigned pin = 3; pin <= 5; pin++)
        pin_alternate(GPIOB, pin, 5); /* SPI1: SCK, MISO, MOSI */
    pin_alternate(GPIOB, 14, 5);      /* SPI2: MISO, MOSI */
    pin_alternate(GPIOB, 15, 5);
    for (unsigned pin = 10; pin <= 12; pin++)
        pin_alternate(GPIOC, pin, 6); /* SPI3: SCK, MISO, MOSI */
    static const IRQn_Type irqs[3] = {SPI1_IRQn, SPI2_IRQn, SPI3_IRQn};
    for (unsigned n = 0; n < 3; n++) {
        spi[n]->CR2 = 7ul << SPI1_CR2_DS_Pos | SPI1_CR2_FRXTH | SPI1_CR2_RXNEIE;
        spi[n]->CR1 =
            SPI1_CR1_MSTR | SPI1_CR1_SSM | SPI1_CR1_SSI | 4ul << SPI1_CR1_BR_Pos | SPI1_CR1_SPE; /* 2.5 MHz */
        NVIC_SetPriority(irqs[n], 9); /* one after the other: they share a counter */
        NVIC_EnableIRQ(irqs[n]);
    }
}
