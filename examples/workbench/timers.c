/* TIM1 (PWM of 2 kHz on PA8), TIM6 (1 kHz, triggers the ADC), TIM15, TIM16, LPTIM1 from PCLK1 and LPTIM2
 * from LSI. Floating point in the interrupts of TIM15 and TIM16, of which one interrupts the other. */
#include "examples/workbench/workbench.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/periph.h"

static struct fpu_state in_tim15 = {1, 1}, in_tim16 = {2, 2};

void TIM1_BRK_TIM15_IRQHandler(void);
void TIM1_BRK_TIM15_IRQHandler(void)
{
    if (TIM15->SR & TIM1_SR_UIF) {
        TIM15->SR = ~TIM1_SR_UIF;
        count(TIM15_UPDATE);
        count(fpu_step(&in_tim15) ? FPU_GOOD : FPU_BAD);
    }
}

void TIM1_UP_TIM16_IRQHandler(void);
void TIM1_UP_TIM16_IRQHandler(void)
{
    if (TIM1->SR & TIM1_SR_UIF) {
        TIM1->SR = ~TIM1_SR_UIF;
        count(TIM1_UPDATE);
    }
    if (TIM16->SR & TIM1_SR_UIF) {
        TIM16->SR = ~TIM1_SR_UIF;
        count(TIM16_UPDATE);
        count(fpu_step(&in_tim16) ? FPU_GOOD : FPU_BAD);
    }
}

void TIM1_CC_IRQHandler(void);
void TIM1_CC_IRQHandler(void)
{
    TIM1->SR = ~TIM1_SR_CC1IF;
    count(TIM1_COMPARE);
}

void TIM6_DAC_IRQHandler(void);
void TIM6_DAC_IRQHandler(void)
{
    TIM6->SR = ~TIM1_SR_UIF;
    count(TIM6_UPDATE);
    i2c_tick();
    spi_tick();
    usart_tick();
}

void LPTIM1_IRQHandler(void);
void LPTIM1_IRQHandler(void)
{
    LPTIM1->ICR = LPTIM1_ISR_ARRM;
    count(LPTIM1_MATCH);
}

void LPTIM2_IRQHandler(void);
void LPTIM2_IRQHandler(void)
{
    LPTIM2->ICR = LPTIM1_ISR_ARRM;
    count(LPTIM2_MATCH);
}

/* `period` cycles of 80 MHz / (prescaler + 1), an interrupt at each update. */
static void start(struct tim_regs *t, uint32_t prescaler, uint32_t period)
{
    t->PSC = prescaler;
    t->ARR = period - 1;
    t->EGR = TIM1_EGR_UG; /* takes the prescaler over */
    t->SR = 0;
    t->DIER |= TIM1_DIER_UIE;
    t->CR1 = TIM1_CR1_ARPE | TIM1_CR1_CEN;
}

static void start_low_power(struct lptim_regs *t, uint32_t prescaler, uint32_t period)
{
    t->CFGR = prescaler << LPTIM1_CFGR_PRESC_Pos;
    t->IER = LPTIM1_IER_ARRMIE; /* while it is off (RM0394 "LPTIM_IER") */
    t->CR = LPTIM1_CR_ENABLE;
    t->ARR = period - 1; /* while it is on */
    t->CR = LPTIM1_CR_ENABLE | LPTIM1_CR_CNTSTRT;
}

void timers_start(void)
{
    RCC->APB1ENR1 |= RCC_APB1ENR1_TIM6EN | RCC_APB1ENR1_LPTIM1EN;
    RCC->APB1ENR2 |= RCC_APB1ENR2_LPTIM2EN;
    RCC->APB2ENR |= RCC_APB2ENR_TIM1EN | RCC_APB2ENR_TIM15EN | RCC_APB2ENR_TIM16EN;
    RCC->CSR |= RCC_CSR_LSION;
    for (unsigned i = 0; i < 100000 && !(RCC->CSR & RCC_CSR_LSIRDY); i++)
        ;
    RCC->CCIPR = (RCC->CCIPR & ~RCC_CCIPR_LPTIM2SEL) | 1ul << RCC_CCIPR_LPTIM2SEL_Pos;

    pin_alternate(GPIOA, 8, 1);
    TIM1->CCMR1 = 6ul << TIM1_CCMR1_OC1M_Pos | TIM1_CCMR1_OC1PE;
    TIM1->CCER = TIM1_CCER_CC1E;
    TIM1->CCR1 = 10000; /* a quarter */
    TIM1->RCR = 1;      /* an update every second period */
    TIM1->BDTR = TIM1_BDTR_MOE;
    TIM1->DIER = TIM1_DIER_CC1IE;

    static const IRQn_Type irqs[] = {TIM1_BRK_TIM15_IRQn, TIM1_UP_TIM16_IRQn, TIM1_CC_IRQn,
                                     TIM6_DAC_IRQn,       LPTIM1_IRQn,        LPTIM2_IRQn};
    for (unsigned i = 0; i < sizeof irqs / sizeof *irqs; i++) {
        NVIC_SetPriority(irqs[i], 8 - i); /* so that they interrupt each other */
        NVIC_EnableIRQ(irqs[i]);
    }
    start(TIM1, 0, 40000);
    TIM6->CR2 = 2ul << TIM1_CR2_MMS_Pos;
    start(TIM6, 7, 10000);
    start(TIM15, 79, 2000);
    start(TIM16, 79, 4000);
    start_low_power(LPTIM1, 7, 62500);
    start_low_power(LPTIM2, 0, 3200);
}
