/* The ROM stand-in's way in, main loop and way out. Waits have no limit here, on purpose: ST's ROM, too,
 * hangs where its preconditions (AN2606) are broken. */
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"
#include "rom/rom.h"
#include "usb/usbd.h"

__attribute__((noreturn)) void rom_main(void);

/* AN2606: no DFU in voltage range 2, and the ROM does not leave it. Here it gets stuck. */
static void voltage(void)
{
    RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN;
    while ((PWR->CR1 & PWR_CR1_VOS) != 1ul << PWR_CR1_VOS_Pos)
        ;
}

/* AN2606: 60 MHz from HSI16 and PLL, after which SYSCLK does not change any more. A PLL that drives
 * SYSCLK does not let itself be switched off (RM0394 "RCC_CR"): who left it so waits here for ever. */
static void clocks(void)
{
    RCC->CR |= RCC_CR_HSION;
    while (!(RCC->CR & RCC_CR_HSIRDY))
        ;
    RCC->CR &= ~RCC_CR_PLLON;
    while (RCC->CR & RCC_CR_PLLRDY)
        ;
    /* 16 MHz / 1 x 15 / 4. */
    RCC->PLLCFGR = RCC_PLLCFGR_PLLSRC_HSI16 | 15ul << RCC_PLLCFGR_PLLN_Pos | RCC_PLLCFGR_PLLREN |
                   1ul << RCC_PLLCFGR_PLLR_Pos;
    RCC->CR |= RCC_CR_PLLON;
    while (!(RCC->CR & RCC_CR_PLLRDY))
        ;
    FLASH->ACR = (FLASH->ACR & ~FLASH_ACR_LATENCY) | 3;
    while ((FLASH->ACR & FLASH_ACR_LATENCY) != 3)
        ;
    RCC->CFGR = RCC_SYSCLK_PLL << RCC_CFGR_SW_Pos;
    while ((RCC->CFGR & RCC_CFGR_SWS) != RCC_SYSCLK_PLL << RCC_CFGR_SWS_Pos)
        ;
}

static void pause_ms(unsigned ms)
{
    for (volatile unsigned i = ms * 6000; i > 0; i--) /* ten cycles a turn */
        IWDG->KR = IWDG_KEY_RELOAD;
}

/* Stack pointer and reset vector are taken from the address pointer; VTOR stays where it is ("works only
 * if the user application sets the vector table correctly", AN3156), and so do clocks and voltage. */
__attribute__((noreturn)) static void leave(uint32_t vectors)
{
    usbd_connect(false);
    pause_ms(10);
    RCC->APB1RSTR1 |= RCC_APB1RSTR1_USBFSRST;
    RCC->APB1RSTR1 &= ~RCC_APB1RSTR1_USBFSRST;
    RCC->APB1ENR1 &= ~(RCC_APB1ENR1_USBFSEN | RCC_APB1ENR1_CRSEN);
    RCC->APB1ENR1 &= ~RCC_APB1ENR1_RTCAPBEN; /* AN2606, limitations of V9.1 */

    const uint32_t *word = (const uint32_t *)vectors;
    uint32_t sp = 0, pc = 0;
    if (vectors - FLASH_ADDR < FLASH_SIZE - 8 && rom_flash_readable()) {
        sp = word[0];
        pc = word[1];
    }
    if ((sp & 0x2FFE0000) != RAM_ADDR) /* no code there: reset */
        NVIC_SystemReset();
    __asm volatile("msr msp, %0\n"
                   "bx %1\n" ::"r"(sp),
                   "r"(pc));
    __builtin_unreachable();
}

void rom_main(void)
{
    SCB->VTOR = SYSTEM_ADDR;
    voltage();
    clocks();
    /* AN2606: a watchdog gets as much time as it can; without one, PVU then stays set. */
    IWDG->KR = IWDG_KEY_ACCESS;
    IWDG->PR = 7;
    rom_flash_open();
    rom_dfu_start();
    for (;;) {
        uint32_t vectors;
        IWDG->KR = IWDG_KEY_RELOAD;
        if (rom_dfu_left(&vectors))
            leave(vectors);
    }
}
