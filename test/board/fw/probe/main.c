/* An application that does on request what leads to the bootloader, or what applications do before they
 * get there. The test writes `command` while it waits. */
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"

enum {
    NOTHING,
    RESET,      /* software reset */
    HANG,       /* with the independent watchdog running */
    HANG_WWDG,  /* with the window watchdog running */
    OPTIONS,    /* reload of the option bytes */
    DFU,        /* token and reset */
    ROM,        /* token for the ROM and reset */
    STANDBY,    /* wakes by the RTC's wake-up timer; `argument` is a token for that start, 0: none */
    SHUTDOWN,   /* the same */
    JUMP,       /* as others leave a chip behind: PLL, interrupts, MEMRMP, USB ... and jumps to 0x08000000 */
    JUMP_CLEAN, /* jumps there with nothing changed but SysTick */
    JUMP_WATCHED, /* JUMP with an independent watchdog of 100 ms running */
    LEAVE_TOKEN   /* writes any value to the token's register and resets */
};

volatile uint32_t command, argument, starts;

static void backup_access(void)
{
    RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN | RCC_APB1ENR1_RTCAPBEN;
    (void)RCC->APB1ENR1;
    PWR->CR1 |= PWR_CR1_DBP;
    (void)PWR->CR1;
}

static void rtc_wakes_in(uint32_t ticks)
{
    backup_access();
    RCC->BDCR |= 1; /* LSEON: Shutdown stops LSI */
    while (!(RCC->BDCR & 2))
        ;
    RCC->BDCR |= 1ul << 8 | RCC_BDCR_RTCEN; /* RTCSEL: LSE */
    RTC->WPR = 0xCA;
    RTC->WPR = 0x53;
    RTC->CR &= ~(1ul << 10); /* WUTE */
    while (!(RTC->ISR & 4))
        ;
    RTC->WUTR = ticks;
    RTC->CR |= 3;                       /* WUCKSEL: RTC clock / 2 */
    RTC->ISR = ~(1ul << 10 | 1ul << 7); /* WUTF; INIT stays 0 */
    RTC->CR |= 1ul << 14 | 1ul << 10;   /* WUTIE, WUTE */
    EXTI->RTSR1 |= 1ul << 20;
    PWR->CR3 |= 1ul << 15; /* EIWUL, on after reset anyway */
}

__attribute__((noreturn)) static void sleep_in(uint32_t mode)
{
    rtc_wakes_in(200);
    if (argument)
        port_token_set(argument);
    PWR->SCR = 0x11F;
    PWR->CR1 = (PWR->CR1 & ~7ul) | mode;
    SCB->SCR |= SCB_SCR_SLEEPDEEP_Msk;
    __DSB();
    for (;;)
        __WFI();
}

__attribute__((noreturn)) static void jump(void)
{
    const uint32_t *vectors = (const uint32_t *)BOOT_ADDR;
    __set_MSP(vectors[0]);
    ((void (*)(void))vectors[1])();
    for (;;)
        ;
}

/* Much of what bootloaders and debuggers leave on. */
static void make_a_mess(void)
{
    port_fast(true);
    RCC->AHB2ENR |= 7;
    RCC->APB2ENR |= RCC_APB2ENR_SYSCFGEN | 1ul << 14;
    RCC->APB1ENR1 |= 1ul | RCC_APB1ENR1_USBFSEN | RCC_APB1ENR1_CRSEN;
    RCC->CRRCR |= RCC_CRRCR_HSI48ON;
    (void)RCC->APB2ENR;
    GPIOB->MODER &= ~(3ul << 26);
    GPIOB->MODER |= 1ul << 26;
    GPIOA->PUPDR |= 5;
    SysTick->LOAD = 9999;
    SysTick->CTRL = 7;
    NVIC->ISER[0] = 0xFFFFFFFF;
    NVIC->ISER[2] = 8;
    NVIC->IP[3] = 0xA0;
    SCB->SHP[10] = 0x80;
    SCB->SHCSR = 7ul << 16;
    SCB->CCR |= 1ul << 4;
    SCB->CPACR = 0xFul << 20;
    SYSCFG->MEMRMP = argument;
    __DSB();
}

int main(void)
{
    starts++;
    for (;;) {
        switch (command) {
        case RESET: __NVIC_SystemReset();
        case HANG:
        case JUMP_WATCHED:
            IWDG->KR = 0xCCCC;
            IWDG->KR = 0x5555;
            IWDG->PR = 0;
            IWDG->RLR = 800; /* 100 ms */
            while (IWDG->SR)
                ;
            IWDG->KR = 0xAAAA;
            if (command == HANG)
                for (;;)
                    ;
            make_a_mess();
            jump();
        case HANG_WWDG:
            RCC->APB1ENR1 |= RCC_APB1ENR1_WWDGEN;
            (void)RCC->APB1ENR1;
            *(volatile uint32_t *)0x40002C00 = 0xFF;
            for (;;)
                ;
        case OPTIONS: port_reload_options();
        case DFU: port_token_set(TOKEN_DFU); port_reset();
        case ROM: port_token_set(TOKEN_ROM); port_reset();
        case LEAVE_TOKEN: port_token_set(argument); port_reset();
        case STANDBY: sleep_in(3);
        case SHUTDOWN: sleep_in(4);
        case JUMP: make_a_mess(); jump();
        case JUMP_CLEAN:
            SysTick->LOAD = 9999;
            SysTick->CTRL = 1;
            jump();
        default: break;
        }
    }
}
