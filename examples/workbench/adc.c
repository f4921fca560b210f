/* ADC1: at each trigger of TIM6 the reference, the temperature sensor and PC0, by DMA into a ring of ten
 * rounds. */
#include "examples/workbench/workbench.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/periph.h"

enum { REFERENCE = 0, PC0 = 1, TEMPERATURE = 17 }; /* channels */

volatile uint16_t adc_values[10][3];

void ADC1_IRQHandler(void);
void ADC1_IRQHandler(void)
{
    ADC1->ISR = ADC1_ISR_EOS | ADC1_ISR_OVR;
    count(ADC_SEQUENCE);
}

void DMA1_Channel1_IRQHandler(void);
void DMA1_Channel1_IRQHandler(void)
{
    DMA1->IFCR = DMA_FLAGS(1);
    count(ADC_DMA);
}

static bool wait(const reg32 *reg, uint32_t mask, uint32_t value)
{
    for (unsigned i = 0; i < 100000; i++)
        if ((*reg & mask) == value)
            return true;
    return false;
}

void adc_start(void)
{
    RCC->AHB1ENR |= RCC_AHB1ENR_DMA1EN;
    RCC->AHB2ENR |= RCC_AHB2ENR_ADCEN | RCC_AHB2ENR_GPIOCEN;
    (void)RCC->AHB2ENR; /* two cycles until a clock enable counts */
    ADC1->CCR = 3ul << ADC_CCR_CKMODE_Pos | ADC_CCR_VREFEN | ADC_CCR_CH17SEL;
    ADC1->CR = 0; /* out of deep power-down */
    ADC1->CR = ADC1_CR_ADVREGEN;
    for (volatile unsigned i = 0; i < 800; i++) /* 20 us (DS11449 "ADC characteristics") */
        ;
    ADC1->CR = ADC1_CR_ADVREGEN | ADC1_CR_ADCAL;
    (void)wait(&ADC1->CR, ADC1_CR_ADCAL, 0);   /* what does not come shows in the counters */
    for (volatile unsigned i = 0; i < 20; i++) /* four ADC clocks before ADEN (RM0394 "ADC on-off control") */
        ;
    ADC1->CR = ADC1_CR_ADVREGEN | ADC1_CR_ADEN;
    (void)wait(&ADC1->ISR, ADC1_ISR_ADRDY, ADC1_ISR_ADRDY);

    ADC1->SMPR1 = 6ul << 0 | 6ul << ADC1_SMPR1_SMP1_Pos;
    ADC1->SMPR2 = 6ul << ADC1_SMPR2_SMP17_Pos;
    ADC1->SQR1 =
        2ul | REFERENCE << ADC1_SQR1_SQ1_Pos | TEMPERATURE << ADC1_SQR1_SQ2_Pos | PC0 << ADC1_SQR1_SQ3_Pos;
    ADC1->CFGR =
        ADC1_CFGR_DMAEN | ADC1_CFGR_DMACFG | 13ul << ADC1_CFGR_EXTSEL_Pos | 1ul << ADC1_CFGR_EXTEN_Pos;
    ADC1->IER = ADC1_IER_EOSIE | ADC1_IER_OVRIE;

    DMA1->CSELR &= ~15ul; /* channel 1: request 0, ADC1 */
    DMA1->channel[0].CPAR = (uint32_t)&ADC1->DR;
    DMA1->channel[0].CMAR = (uint32_t)adc_values;
    DMA1->channel[0].CNDTR = 30;
    DMA1->channel[0].CCR = 1ul << DMA_CCR1_MSIZE_Pos | 1ul << DMA_CCR1_PSIZE_Pos | DMA_CCR1_MINC |
                           DMA_CCR1_CIRC | DMA_CCR1_TCIE | DMA_CCR1_EN;
    NVIC_SetPriority(ADC1_IRQn, 5);
    NVIC_SetPriority(DMA1_Channel1_IRQn, 6);
    NVIC_EnableIRQ(ADC1_IRQn);
    NVIC_EnableIRQ(DMA1_Channel1_IRQn);
    ADC1->CR = ADC1_CR_ADVREGEN | ADC1_CR_ADSTART;
}
