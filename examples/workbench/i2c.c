/* I2C2 with DMA both ways, to an EEPROM at address 0x50: every 100 ms eight bytes are written, and 20 ms
 * later read back and compared. */
#include "examples/workbench/workbench.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/periph.h"

enum { EEPROM = 0x50 << 1, SIZE = 8, OUT = 4, IN = 5 /* DMA channels */ };

static uint8_t sent[1 + SIZE], received[SIZE];
static uint32_t round_number;
static volatile bool reading, busy;

static void dma(unsigned channel, volatile void *data, uint32_t size)
{
    DMA1->channel[channel - 1].CCR = 0;
    DMA1->IFCR = DMA_FLAGS(channel);
    DMA1->channel[channel - 1].CPAR = (uint32_t)(channel == OUT ? &I2C2->TXDR : &I2C2->RXDR);
    DMA1->channel[channel - 1].CMAR = (uint32_t)data;
    DMA1->channel[channel - 1].CNDTR = size;
    DMA1->channel[channel - 1].CCR =
        (channel == OUT ? DMA_CCR1_DIR : 0) | DMA_CCR1_MINC | DMA_CCR1_TCIE | DMA_CCR1_EN;
}

static void transfer(uint32_t size, uint32_t flags)
{
    I2C2->CR2 = EEPROM | size << I2C1_CR2_NBYTES_Pos | flags | I2C1_CR2_START;
}

/* A page of the EEPROM has 16 bytes: rounds alternate between its halves. */
static void begin_write(void)
{
    round_number++;
    sent[0] = (uint8_t)(0x40 + round_number % 2 * SIZE);
    for (unsigned i = 0; i < SIZE; i++)
        sent[1 + i] = (uint8_t)(round_number * 13 + i);
    busy = true;
    reading = false;
    dma(OUT, sent, sizeof sent);
    transfer(sizeof sent, I2C1_CR2_AUTOEND);
}

/* The address is written, and without a stop in between (TC) the data is read. */
static void begin_read(void)
{
    busy = true;
    reading = true;
    for (unsigned i = 0; i < SIZE; i++)
        received[i] = 0;
    dma(OUT, sent, 1);
    transfer(1, 0);
}

static void compare(void)
{
    bool same = true;
    for (unsigned i = 0; i < SIZE; i++)
        same = same && received[i] == sent[1 + i];
    count(same ? EEPROM_GOOD : EEPROM_BAD);
}

void I2C2_EV_IRQHandler(void);
void I2C2_EV_IRQHandler(void)
{
    uint32_t isr = I2C2->ISR;
    count(I2C_EVENT);
    if (isr & I2C1_ISR_NACKF) { /* nobody there, or still writing: a stop follows (RM0394 "I2C master") */
        I2C2->ICR = I2C1_ISR_NACKF;
        count(EEPROM_BAD);
        reading = false;
    } else if (isr & I2C1_ISR_TC) {
        dma(IN, received, SIZE);
        transfer(SIZE, I2C1_CR2_RD_WRN | I2C1_CR2_AUTOEND);
    }
    if (isr & I2C1_ISR_STOPF) {
        I2C2->ICR = I2C1_ISR_STOPF;
        if (reading)
            compare();
        busy = false;
    }
}

void I2C2_ER_IRQHandler(void);
void I2C2_ER_IRQHandler(void)
{
    I2C2->ICR = 0x3F00; /* all errors */
    count(I2C_ERROR);
    busy = false;
}

void DMA1_Channel4_IRQHandler(void);
void DMA1_Channel4_IRQHandler(void)
{
    DMA1->IFCR = DMA_FLAGS(OUT);
    count(I2C_DMA_OUT);
}

void DMA1_Channel5_IRQHandler(void);
void DMA1_Channel5_IRQHandler(void)
{
    DMA1->IFCR = DMA_FLAGS(IN);
    count(I2C_DMA_IN);
}

void i2c_tick(void)
{
    static uint32_t ms;
    ms = (ms + 1) % 100;
    if (busy)
        return;
    if (ms == 0)
        begin_write();
    else if (ms == 20 && round_number > 0)
        begin_read();
}

void i2c_start(void)
{
    RCC->AHB1ENR |= RCC_AHB1ENR_DMA1EN;
    RCC->APB1ENR1 |= RCC_APB1ENR1_I2C2EN;
    (void)RCC->APB1ENR1;
    GPIOB->OTYPER |= BIT(10) | BIT(11);
    GPIOB->PUPDR |= GPIO_FIELD(10, 1) | GPIO_FIELD(11, 1);
    pin_alternate(GPIOB, 10, 4);
    pin_alternate(GPIOB, 11, 4);
    /* 100 kHz from 80 MHz: ticks of 25 ns; low 5.9 us, high 3.9 us (RM0394 "I2C timings"). */
    I2C2->TIMINGR = 1ul << I2C1_TIMINGR_PRESC_Pos | 9ul << I2C1_TIMINGR_SCLDEL_Pos |
                    155ul << I2C1_TIMINGR_SCLH_Pos | 235ul << I2C1_TIMINGR_SCLL_Pos;
    DMA1->CSELR = (DMA1->CSELR & ~0xFF000ul) | 0x33000ul; /* channels 4 and 5: request 3, I2C2 */
    I2C2->CR1 = I2C1_CR1_TXDMAEN | I2C1_CR1_RXDMAEN | I2C1_CR1_NACKIE | I2C1_CR1_STOPIE | I2C1_CR1_TCIE |
                I2C1_CR1_ERRIE | I2C1_CR1_PE;
    static const IRQn_Type irqs[] = {I2C2_EV_IRQn, I2C2_ER_IRQn, DMA1_Channel4_IRQn, DMA1_Channel5_IRQn};
    for (unsigned i = 0; i < sizeof irqs / sizeof *irqs; i++) {
        NVIC_SetPriority(irqs[i], 7); /* with TIM6, or above: they share the state here */
        NVIC_EnableIRQ(irqs[i]);
    }
}
