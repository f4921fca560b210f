/* Is this really a reset, what caused it, and how to put the chip back where it was after one.
 * Boot path: everything that is switched on to look is switched off again. */
#include "port/port.h"
#include "port/stm32l433/boot.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"

#ifndef BUTTON_PRESSED
#define BUTTON_PRESSED 1 /* level of PC13 while B1 is held */
#endif
_Static_assert(BUTTON_PRESSED == 0 || BUTTON_PRESSED == 1, "a pin's level");

unsigned port_reset_cause(void)
{
    uint32_t csr = RCC->CSR;
    unsigned cause = csr >> RCC_CSR_FLAGS_Pos;

    /* Standby leaves SBF. Shutdown leaves nothing of its own and looks like power-on, flags preset: it
     * counts as a wake if the RTC, which ran through it, holds a wake-up or alarm flag. */
    uint32_t enabled = backup_enter();
    bool power_only = cause == (PORT_RESET_POWER | PORT_RESET_PIN);
    bool rtc_rang =
        (RCC->BDCR & RCC_BDCR_RTCEN) && (RTC->ISR & (RTC_ISR_WUTF | RTC_ISR_ALRAF | RTC_ISR_ALRBF));
    if ((PWR->SR1 & PWR_SR1_SBF) || (power_only && rtc_rang))
        cause |= PORT_WAKE;
    RCC->APB1ENR1 = enabled;
    return cause;
}

void port_reset_cause_clear(void)
{
    RCC->CSR |= RCC_CSR_RMVF;
    RCC->CSR &= ~RCC_CSR_RMVF;
}

static uint32_t memory_at_0(void)
{
    RCC->APB2ENR = RCC_APB2ENR_SYSCFGEN; /* alone: what else was on has been looked at */
    (void)RCC->APB2ENR;
    uint32_t mode = SYSCFG->MEMRMP & SYSCFG_MEMRMP_MEM_MODE;
    RCC->APB2ENR = 0;
    return mode;
}

/* What every program that has run before has changed, against its value after reset. MSIRDY follows in
 * its own time; WWDGEN comes up set with the hardware watchdog; about RTCAPBEN the documents disagree. */
bool port_was_jumped_to(void)
{
    uint32_t changed = (RCC->CR | RCC_CR_MSIRDY) ^ RCC_CR_AT_RESET;
    changed |= RCC->CFGR;
    changed |= RCC->PLLCFGR ^ RCC_PLLCFGR_AT_RESET;
    changed |= RCC->CRRCR & RCC_CRRCR_HSI48ON;
    changed |= RCC->AHB1ENR ^ RCC_AHB1ENR_FLASHEN;
    changed |= RCC->AHB2ENR | RCC->AHB3ENR | RCC->APB1ENR2 | RCC->APB2ENR;
    changed |= RCC->APB1ENR1 & ~(RCC_APB1ENR1_WWDGEN | RCC_APB1ENR1_RTCAPBEN);
    changed |= SysTick->CTRL & (SysTick_CTRL_ENABLE_Msk | SysTick_CTRL_TICKINT_Msk);
    changed |= SCB->VTOR;
    for (unsigned i = 0; i < 3; i++)
        changed |= NVIC->ISER[i];
    /* CONTROL is 0 by now: boot_reset has cleared it. */
    changed |= __get_BASEPRI() | __get_FAULTMASK() | __get_IPSR();
    changed |= memory_at_0();
    return changed != 0;
}

/* RM0394 "Boot configuration": BOOT0 is the pin PH3 or the complement of an option bit. And PEMPTY, if a
 * reload of the option bytes has not cleared it. */
bool port_reset_goes_to_rom(void)
{
    uint32_t optr = FLASH->OPTR;
    if (!(optr & FLASH_OPTR_nSWBOOT0))
        return !(optr & FLASH_OPTR_nBOOT0);

    uint32_t enabled = RCC->AHB2ENR;
    RCC->AHB2ENR = enabled | RCC_AHB2ENR_GPIOHEN;
    (void)RCC->AHB2ENR;
    uint32_t moder = GPIOH->MODER;
    GPIOH->MODER = moder & ~GPIO_FIELD(3, 3);
    for (unsigned i = 0; i < 8; i++) /* the input follows after two clocks */
        (void)GPIOH->IDR;
    bool high = GPIOH->IDR & BIT(3);
    GPIOH->MODER = moder;
    RCC->AHB2ENR = enabled;
    return high || ((FLASH->SR & FLASH_SR_PEMPTY) && (RCC->CSR & RCC_CSR_OBLRSTF));
}

bool port_empty_check_stale(void)
{
    /* Stale it is, since this runs. Where a reload did not help it will not help again; power-on clears
     * OBLRSTF. */
    return (FLASH->SR & FLASH_SR_PEMPTY) && !(RCC->CSR & RCC_CSR_OBLRSTF);
}

/* boot_start.c needs it whatever is mapped at 0, so boot.ld links it there. */
__attribute__((noinline)) void port_reload_options(void)
{
    if (FLASH->CR & FLASH_CR_LOCK) {
        FLASH->KEYR = FLASH_KEY1;
        FLASH->KEYR = FLASH_KEY2;
    }
    if (FLASH->CR & FLASH_CR_OPTLOCK) {
        FLASH->OPTKEYR = FLASH_OPTKEY1;
        FLASH->OPTKEYR = FLASH_OPTKEY2;
    }
    FLASH->CR |= FLASH_CR_OBL_LAUNCH;
    for (;;)
        ; /* the load resets the chip */
}

bool port_debugger(void)
{
    return CoreDebug->DHCSR & CoreDebug_DHCSR_C_DEBUGEN_Msk;
}

bool port_button(void)
{
    uint32_t enabled = RCC->AHB2ENR;
    RCC->AHB2ENR = enabled | RCC_AHB2ENR_GPIOCEN;
    (void)RCC->AHB2ENR;
    uint32_t moder = GPIOC->MODER, pupdr = GPIOC->PUPDR;
    /* The pull is towards "released" (2: down, 1: up), for boards without a button. */
    GPIOC->PUPDR = (pupdr & ~GPIO_FIELD(13, 3)) | GPIO_FIELD(13, BUTTON_PRESSED ? 2 : 1);
    GPIOC->MODER = moder & ~GPIO_FIELD(13, 3);
    for (unsigned i = 0; i < 32; i++) /* 40 kohm charge a pin in some microseconds */
        (void)GPIOC->IDR;
    bool pressed = (GPIOC->IDR >> 13 & 1) == BUTTON_PRESSED;
    GPIOC->MODER = moder;
    GPIOC->PUPDR = pupdr;
    RCC->AHB2ENR = enabled;
    return pressed;
}

void port_watchdog(void)
{
    IWDG->KR = IWDG_KEY_RELOAD;
    /* With its option byte the window watchdog runs from reset on, 3.3 ms at 80 MHz, window wide open. */
    if (RCC->APB1ENR1 & RCC_APB1ENR1_WWDGEN)
        *WWDG_CR = WWDG_CR_FULL;
}

void port_pause(unsigned ms)
{
    /* 4 MHz, and a turn of three cycles or more. */
    for (; ms > 0; ms--) {
        port_watchdog();
        for (volatile unsigned i = 0; i < 400; i++)
            ;
    }
}
