/* What wakes from Stop; watchdogs, Standby, Shutdown: what each leaves behind. */
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

/* The RTC's wake-up timer: WUTF in half a second, and its interrupt. */
static void wakes_in_half_a_second(void)
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
}

static void enter(uint32_t mode)
{
    PWR->CR1 = (PWR->CR1 & ~7ul) | mode;
    SCB->SCR |= SCB_SCR_SLEEPDEEP_Msk;
    __DSB();
    __WFI();
}

/* Whether an LPTIM, LSE's periods later, ends the mode before the RTC does. */
static bool lptim_wakes(struct lptim_regs *lptim, IRQn_Type irq, uint32_t exti, uint32_t mode)
{
    reg32 *imr1 = &REG(0x40010400), *rtsr1 = &REG(0x40010408), *pr1 = &REG(0x40010414),
          *imr2 = &REG(0x40010420);
    enum { ARROK = BIT(4) };

    lptim->CR = 0;
    lptim->ICR = ARROK;
    lptim->IER = LPTIM1_IER_ARRMIE;
    lptim->CR = LPTIM1_CR_ENABLE;
    lptim->ARR = 3276;                        /* 100 ms */
    (void)wait_for(&lptim->ISR, ARROK, 1000); /* or it may begin with the 1 that was there */
    lptim->CR = LPTIM1_CR_ENABLE | LPTIM1_CR_CNTSTRT;
    *imr1 |= EXTI_PR1_RTC_WKUP;
    *rtsr1 |= EXTI_PR1_RTC_WKUP;
    *imr2 |= exti;
    __disable_irq();
    wakes_in_half_a_second();
    *pr1 = EXTI_PR1_RTC_WKUP;
    NVIC_ClearPendingIRQ(RTC_WKUP_IRQn);
    NVIC_EnableIRQ(RTC_WKUP_IRQn);
    NVIC_EnableIRQ(irq);
    enter(mode);
    SCB->SCR &= ~SCB_SCR_SLEEPDEEP_Msk;
    bool woke = !NVIC_GetPendingIRQ(RTC_WKUP_IRQn);
    lptim->ICR = LPTIM1_ISR_ARRM;
    lptim->IER = 0;
    lptim->CR = 0;
    *imr1 &= ~EXTI_PR1_RTC_WKUP;
    *pr1 = EXTI_PR1_RTC_WKUP;
    NVIC_DisableIRQ(RTC_WKUP_IRQn);
    NVIC_DisableIRQ(irq);
    NVIC_ClearPendingIRQ(RTC_WKUP_IRQn);
    NVIC_ClearPendingIRQ(irq);
    __enable_irq();
    return woke;
}

/* LPTIM2 stands for all that Stop 2 switches off: USB, I2C1 and 2, the USARTs. */
void stage_stop(void)
{
    static const char model[] = "MODEL";

    RCC->CFGR |= BIT(15); /* STOPWUCK: HSI16 */
    RCC->APB1ENR1 |= RCC_APB1ENR1_LPTIM1EN;
    RCC->APB1ENR2 |= RCC_APB1ENR2_LPTIM2EN;
    RCC->CCIPR |= 3ul << 20 | 3ul << 18; /* LSE */
    (void)RCC->APB1ENR2;
    check(lptim_wakes(LPTIM2, LPTIM2_IRQn, BIT(1), 1), model, "LPTIM2 wakes from Stop 1", 0, none);
    check(!lptim_wakes(LPTIM2, LPTIM2_IRQn, BIT(1), 2), model, "and not from Stop 2", 0, none);
    check(lptim_wakes(LPTIM1, LPTIM1_IRQn, BIT(0), 2), model, "LPTIM1 wakes from Stop 2", 0, none);
}

static void sleep_deeply(uint32_t mode)
{
    wakes_in_half_a_second();
    PWR->CR3 |= BIT(15); /* EIWUL */
    PWR->SCR = 0x11F;
    clear_flags();
    enter(mode);
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
