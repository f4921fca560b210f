/* USART1 by interrupts (PA9, PA10): a byte every 10 ms. USART2 by DMA (PA2, PA3, the ST-LINK's serial port):
 * a line every 100 ms; what comes in goes to a ring. Both 115200 bit/s. */
#include "examples/workbench/workbench.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/periph.h"

enum { IN = 6, OUT = 7 /* DMA channels */, BRR_115200 = (80000000 + 57600) / 115200 };

static char line[] = "workbench 0000000000\r\n";
volatile uint8_t usart2_ring[64];

void USART1_IRQHandler(void);
void USART1_IRQHandler(void)
{
    uint32_t isr = USART1->ISR;
    if (isr & USART1_ISR_TC) {
        USART1->ICR = USART1_ISR_TC;
        count(USART1_SENT);
    }
    if (isr & USART1_ISR_RXNE) {
        (void)USART1->RDR;
        count(USART1_RECEIVED);
    }
    if (isr & USART1_ISR_ORE)
        USART1->ICR = USART1_ISR_ORE;
}

void USART2_IRQHandler(void);
void USART2_IRQHandler(void)
{
    uint32_t isr = USART2->ISR;
    if (isr & USART1_ISR_TC) {
        USART2->ICR = USART1_ISR_TC;
        count(USART2_SENT);
    }
    if (isr & USART1_ISR_IDLE) {
        USART2->ICR = USART1_ISR_IDLE;
        count(USART2_IDLE);
    }
    if (isr & USART1_ISR_ORE)
        USART2->ICR = USART1_ISR_ORE;
}

void DMA1_Channel7_IRQHandler(void);
void DMA1_Channel7_IRQHandler(void)
{
    DMA1->IFCR = DMA_FLAGS(OUT);
    count(USART2_DMA);
}

static void send_line(void)
{
    uint32_t n = counters[TIM6_UPDATE];
    for (unsigned i = 19; i >= 10; i--, n /= 10)
        line[i] = (char)('0' + n % 10);
    DMA1->channel[OUT - 1].CCR = 0;
    DMA1->channel[OUT - 1].CNDTR = sizeof line - 1;
    DMA1->channel[OUT - 1].CCR = DMA_CCR1_DIR | DMA_CCR1_MINC | DMA_CCR1_TCIE | DMA_CCR1_EN;
}

void usart_tick(void)
{
    static uint32_t ms;
    ms = (ms + 1) % 100;
    if (ms % 10 == 5)
        USART1->TDR = 'U';
    if (ms == 50)
        send_line();
}

void usart_start(void)
{
    RCC->AHB1ENR |= RCC_AHB1ENR_DMA1EN;
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOAEN;
    RCC->APB1ENR1 |= RCC_APB1ENR1_USART2EN;
    RCC->APB2ENR |= RCC_APB2ENR_USART1EN;
    (void)RCC->APB2ENR;
    static const uint8_t pins[] = {2, 3, 9, 10};
    for (unsigned i = 0; i < sizeof pins; i++)
        pin_alternate(GPIOA, pins[i], 7);
    USART1->BRR = USART2->BRR = BRR_115200;

    DMA1->CSELR = (DMA1->CSELR & ~0xFF00000ul) | 0x2200000ul; /* channels 6 and 7: request 2, USART2 */
    DMA1->channel[OUT - 1].CPAR = (uint32_t)&USART2->TDR;
    DMA1->channel[OUT - 1].CMAR = (uint32_t)line;
    DMA1->channel[IN - 1].CPAR = (uint32_t)&USART2->RDR;
    DMA1->channel[IN - 1].CMAR = (uint32_t)usart2_ring;
    DMA1->channel[IN - 1].CNDTR = sizeof usart2_ring;
    DMA1->channel[IN - 1].CCR = DMA_CCR1_MINC | DMA_CCR1_CIRC | DMA_CCR1_EN;

    USART2->CR3 = USART1_CR3_DMAR | USART1_CR3_DMAT;
    USART1->CR1 = USART1_CR1_UE | USART1_CR1_TE | USART1_CR1_RE;
    USART2->CR1 = USART1_CR1_UE | USART1_CR1_TE | USART1_CR1_RE;
    /* TC is set when the transmitter comes up, and after its first idle frame. */
    for (unsigned i = 0; i < 100000 && !(USART1->ISR & USART2->ISR & USART1_ISR_TC); i++)
        ;
    USART1->ICR = USART2->ICR = USART1_ISR_TC | USART1_ISR_IDLE;
    USART1->CR1 |= USART1_CR1_TCIE | USART1_CR1_RXNEIE;
    USART2->CR1 |= USART1_CR1_TCIE | USART1_CR1_IDLEIE;
    static const IRQn_Type irqs[] = {USART1_IRQn, USART2_IRQn, DMA1_Channel7_IRQn};
    for (unsigned i = 0; i < sizeof irqs / sizeof *irqs; i++) {
        NVIC_SetPriority(irqs[i], 10);
        NVIC_EnableIRQ(irqs[i]);
    }
}
