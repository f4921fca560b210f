/* The thread's product: it sleeps in Shutdown, the RTC wakes it 16 times a second, and what it has to
 * remember is in backup registers: BKP2R counts the wakes, BKP3R holds a sum over all counts, so that a lost
 * or repeated wake shows. A wake from Shutdown is a power-on: the bootloader runs each time, and has to leave
 * no trace and lose no time. */
#include "app/sureboot.h"
#include "examples/workbench/workbench.h"
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/periph.h"

SUREBOOT_APPLICATION("sleeper", 1, 0, 0, SUREBOOT_NUCLEO_L433RC_P, SUREBOOT_WANTS_CONFIRM);

enum { WAKES = 2, SUM = 3 };

static void open_backup_domain(void)
{
    RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN | RCC_APB1ENR1_RTCAPBEN;
    (void)RCC->APB1ENR1;
    PWR->CR1 |= PWR_CR1_DBP;
    (void)PWR->CR1;
}

static void unlock(void)
{
    RTC->WPR = 0xCA;
    RTC->WPR = 0x53;
}

/* Once after the backup domain has lost power. LSE, since Shutdown stops LSI. The timer runs on by itself: a
 * wake that comes late does not shift the ones after it. */
static void start_clock(void)
{
    RCC->BDCR |= RCC_BDCR_LSEON;
    while (!(RCC->BDCR & RCC_BDCR_LSERDY)) /* a product without its crystal has nothing else to do */
        ;
    RCC->BDCR |= 1ul << RCC_BDCR_RTCSEL_Pos | RCC_BDCR_RTCEN;
    unlock();
    RTC->CR &= ~RTC_CR_WUTE;
    while (!(RTC->ISR & RTC_ISR_WUTWF))
        ;
    RTC->WUTR = 1023; /* of LSE / 2: 62.5 ms */
    RTC->CR = (RTC->CR & ~RTC_CR_WUCKSEL) | 3ul << RTC_CR_WUCKSEL_Pos | RTC_CR_WUTIE | RTC_CR_WUTE;
}

int main(void)
{
    open_backup_domain();
    (void)sureboot_confirm();
    if (!(RCC->BDCR & RCC_BDCR_RTCEN)) {
        start_clock();
    } else {
        RTC->BKPR[WAKES]++;
        RTC->BKPR[SUM] = RTC->BKPR[SUM] * 31 + RTC->BKPR[WAKES];
    }
    unlock();
    RTC->ISR = ~(RTC_ISR_WUTF | RTC_ISR_INIT);
    EXTI->RTSR1 |= EXTI_PR1_RTC_WKUP;
    EXTI->IMR1 |= EXTI_PR1_RTC_WKUP;
    EXTI->PR1 = EXTI_PR1_RTC_WKUP;
    PWR->CR3 |= PWR_CR3_EIWUL;
    PWR->SCR = 0x11F; /* CSBF, CWUF1 to CWUF5 */
    PWR->CR1 = (PWR->CR1 & ~PWR_CR1_LPMS) | 4ul << PWR_CR1_LPMS_Pos;
    SCB->SCR |= SCB_SCR_SLEEPDEEP_Msk;
    __DSB();
    for (;;)
        __WFI();
}
