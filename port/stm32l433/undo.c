/* Puts the chip back by hand to where a reset would have put it, for the one case in which a reset is no
 * way out (BOOT0 would send it to the ROM). What hardware does not let go stays as it is: WWDG, IWDG,
 * CSSON, MSIRGSEL, option and backup registers. So does what loaders have no reason to touch, and would take
 * some 40 bytes: the trims of HSI16 and MSI (ICSCR), the clocks in Sleep (xSMENR), LSI. */
#include "port/port.h"
#include "port/stm32l433/boot.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"
#include <string.h>

static void core(void)
{
    SysTick->CTRL = 0;
    SysTick->LOAD = 0;
    SysTick->VAL = 0;
    reg32 *clear = NVIC->ICER, *end = clear + 3;
    PORT_BASE(end); /* or GCC writes the loop out */
    do {
        clear[NVIC->ICPR - NVIC->ICER] = 0xFFFFFFFF;
        *clear++ = 0xFFFFFFFF;
    } while (clear != end);
    memset((void *)(uintptr_t)NVIC->IP, 0, IRQ_COUNT);
    SCB_Type *scb = SCB;
    PORT_BASE(scb);
    scb->ICSR = SCB_ICSR_PENDSTCLR_Msk | SCB_ICSR_PENDSVCLR_Msk;
    scb->VTOR = 0;
    scb->AIRCR = 0x05FAul << SCB_AIRCR_VECTKEY_Pos; /* PRIGROUP 0 */
    scb->SCR = 0;
    scb->CCR = SCB_CCR_STKALIGN_Msk;
    for (unsigned i = 0; i < sizeof SCB->SHP / 4; i++)
        ((reg32 *)scb->SHP)[i] = 0;
    scb->SHCSR = 0;
    scb->CFSR = 0xFFFFFFFF;
    scb->HFSR = 0xFFFFFFFF;
    MPU->CTRL = 0;
    FPU->FPCCR = FPU_FPCCR_ASPEN_Msk | FPU_FPCCR_LSPEN_Msk;
    scb->CPACR = 0;
    __set_BASEPRI(0);
    __set_FAULTMASK(0);
    __DSB();
    __ISB();
}

static void clocks(void)
{
    RCC->CIER = 0;
    /* 4 MHz at once: port_fast takes the wait states away. */
    RCC->CR = (RCC->CR & ~RCC_CR_MSIRANGE) | (RCC_CR_AT_RESET & (RCC_CR_MSIRANGE | RCC_CR_MSION));
    port_fast(false); /* to MSI as soon as that is ready, flash latency, PLL, HSI16 */
    RCC->CR = RCC_CR_AT_RESET;
    RCC->PLLSAI1CFGR = RCC_PLLCFGR_AT_RESET;
    RCC->CRRCR = 0;
    RCC->CICR = 0xFFFFFFFF;
    RCC->CCIPR = 0;
}

static void renew(reg32 *reset, reg32 *enable, uint32_t on_after_reset)
{
    *reset = ~on_after_reset;
    *reset = 0;
    *enable = on_after_reset;
}

/* Every peripheral but the flash interface, from which this is read: FLASHRST is the bit of FLASHEN. RTCAPBEN
 * has none. */
static void peripherals(void)
{
    renew(&RCC->AHB1RSTR, &RCC->AHB1ENR, RCC_AHB1ENR_FLASHEN);
    renew(&RCC->AHB2RSTR, &RCC->AHB2ENR, 0);
    renew(&RCC->AHB3RSTR, &RCC->AHB3ENR, 0);
    renew(&RCC->APB1RSTR1, &RCC->APB1ENR1, RCC_APB1ENR1_RTCAPBEN);
    renew(&RCC->APB1RSTR2, &RCC->APB1ENR2, 0);
    boot_renew_apb2();
    if (!(FLASH->CR & FLASH_CR_LOCK))
        FLASH->CR = FLASH_CR_LOCK;
    FLASH->SR = FLASH_SR_CLEAR;
    /* EXTI has no reset of its own. Direct lines come up unmasked. */
    EXTI->EMR1 = EXTI->RTSR1 = EXTI->FTSR1 = EXTI->SWIER1 = 0;
    EXTI->EMR2 = EXTI->RTSR2 = EXTI->FTSR2 = EXTI->SWIER2 = 0;
    EXTI->IMR1 = EXTI_IMR1_AT_RESET;
    EXTI->PR1 = 0xFFFFFFFF;
    EXTI->IMR2 = EXTI_IMR2_AT_RESET;
    EXTI->PR2 = 0xFFFFFFFF;
}

void port_undo(void)
{
    clocks();
    peripherals();
    core();
}
