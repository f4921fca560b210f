/* Watchdogs, Standby, Shutdown: what each leaves behind. */
#include "check.h"

static const char area[] = "RESET";

void stage_window_watchdog(void)
{
    clear_flags();
    RCC->APB1ENR1 |= RCC_APB1ENR1_WWDGEN;
    (void)RCC->APB1ENR1;
    *WWDG_CR = BIT(7); /* WDGA, with T6 clear */
    wait_us(10000);
    check(false, area, "the window watchdog with T6 clear resets at once", 0, none);
}

void stage_after_window_watchdog(void)
{
    uint32_t flags = as_reset.csr & RCC_CSR_FLAGS;
    check(flags == (RCC_CSR_WWDGRSTF | RCC_CSR_PINRSTF), area, "WWDG with T6 clear resets: WWDGRSTF, PINRSTF",
          flags, hex);
}

void stage_watchdog(void)
{
    /* PR without a start: PVU stays (AN2606 names it as a limitation of the ROM). */
    IWDG->KR = IWDG_KEY_ACCESS;
    IWDG->PR = 1;
    wait_us(50000);
    check(IWDG->SR & 1, area, "IWDG_PR written before the start leaves PVU set", IWDG->SR, hex);
    clear_flags();
    IWDG->KR = 0xCCCC;
    IWDG->KR = IWDG_KEY_ACCESS;
    IWDG->PR = 0;
    IWDG->RLR = 80;
    uint32_t from = cycles();
    while (us_since(from) < 200000)
        IWDG->KR = IWDG_KEY_RELOAD;
    /* It was fed all the time; now it is not. */
    wait_us(2000000);
    check(false, area, "the watchdog resets", 0, none);
}

void stage_after_watchdog(void)
{
    uint32_t flags = as_reset.csr & RCC_CSR_FLAGS;
    check(flags == (RCC_CSR_IWDGRSTF | RCC_CSR_PINRSTF), area, "IWDG resets: IWDGRSTF, PINRSTF", flags, hex);
}

/* Wakes by the RTC in half a second. */
static void sleep_deeply(uint32_t mode)
{
    (void)kept(KEPT_MAGIC); /* clocks on */
    PWR->CR1 |= PWR_CR1_DBP;
    RTC->WPR = 0xCA;
    RTC->WPR = 0x53;
    RTC->CR &= ~BIT(10);                       /* WUTE */
    (void)wait_for(&RTC->ISR, BIT(2), 100000); /* WUTWF */
    RTC->WUTR = 1023;
    RTC->CR &= ~7ul;                     /* RTC clock / 16 */
    RTC->ISR = ~(RTC_ISR_WUTF | BIT(7)); /* INIT stays 0 */
    RTC->CR |= BIT(14) | BIT(10);        /* WUTIE, WUTE */
    RTC->WPR = 0xFF;
    PWR->CR3 |= BIT(15); /* EIWUL */
    PWR->SCR = 0x11F;
    PWR->CR1 = (PWR->CR1 & ~7ul) | mode;
    clear_flags();
    SCB->SCR |= SCB_SCR_SLEEPDEEP_Msk;
    __DSB();
    __WFI();
    wait_us(2000000);
    check(false, area, "sleeps", mode, "LPMS");
}

void stage_standby(void)
{
    sleep_deeply(3);
}

void stage_after_standby(void)
{
    check(PWR->SR1 & PWR_SR1_SBF, area, "Standby leaves SBF", PWR->SR1, hex);
    check(RTC->ISR & RTC_ISR_WUTF, area, "and WUTF of the RTC that woke it", RTC->ISR, hex);
    measured(area, "and in RCC_CSR", as_reset.csr, hex);
}

void stage_shutdown(void)
{
    sleep_deeply(4);
}

/* The bootloader's rule: no flag of its own, but power-on flags, an RTC that runs, and WUTF. */
void stage_after_shutdown(void)
{
    uint32_t flags = as_reset.csr & RCC_CSR_FLAGS;
    check(flags == (RCC_CSR_BORRSTF | RCC_CSR_PINRSTF), area, "Shutdown ends like power-on: BORRSTF, PINRSTF",
          flags, hex);
    check(!(PWR->SR1 & PWR_SR1_SBF), area, "without SBF", PWR->SR1, hex);
    check(RCC->BDCR & RCC_BDCR_RTCEN, area, "but the RTC runs on", RCC->BDCR, hex);
    check(RTC->ISR & RTC_ISR_WUTF, area, "and holds WUTF", RTC->ISR, hex);
}
