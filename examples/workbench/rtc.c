/* A tick every second by the RTC's wake-up timer. The backup domain keeps its clock and its registers: they
 * belong to the product, through resets and bootloader alike. */
#include "examples/workbench/workbench.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/periph.h"

void RTC_WKUP_IRQHandler(void);
void RTC_WKUP_IRQHandler(void)
{
    RTC->ISR = ~(RTC_ISR_WUTF | RTC_ISR_INIT); /* flags are cleared by 0; INIT stays 0 */
    EXTI->PR1 = EXTI_PR1_RTC_WKUP;
    count(RTC_SECOND);
}

bool rtc_start(void)
{
    RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN | RCC_APB1ENR1_RTCAPBEN;
    (void)RCC->APB1ENR1;
    PWR->CR1 |= PWR_CR1_DBP;
    RCC->BDCR |= RCC_BDCR_LSEON;
    if (!(RCC->BDCR & RCC_BDCR_LSERDY))
        return false;
    if (!(RCC->BDCR & RCC_BDCR_RTCEN))
        RCC->BDCR |= 1ul << RCC_BDCR_RTCSEL_Pos | RCC_BDCR_RTCEN;

    RTC->WPR = 0xCA; /* RM0394 "RTC register write protection" */
    RTC->WPR = 0x53;
    RTC->CR &= ~(RTC_CR_WUTE | RTC_CR_WUTIE);
    for (unsigned i = 0; i < 100000 && !(RTC->ISR & RTC_ISR_WUTWF); i++) /* two RTC clocks */
        ;
    RTC->WUTR = 0;
    RTC->CR = (RTC->CR & ~RTC_CR_WUCKSEL) | 4ul << RTC_CR_WUCKSEL_Pos | RTC_CR_WUTIE | RTC_CR_WUTE;
    /* It may be set from before a reset, and the line is the edge of it. */
    RTC->ISR = ~(RTC_ISR_WUTF | RTC_ISR_INIT);
    RTC->WPR = 0xFF;
    EXTI->RTSR1 |= EXTI_PR1_RTC_WKUP;
    EXTI->IMR1 |= EXTI_PR1_RTC_WKUP;
    NVIC_SetPriority(RTC_WKUP_IRQn, 11);
    NVIC_EnableIRQ(RTC_WKUP_IRQn);
    return true;
}
