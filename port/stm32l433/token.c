/* What passes from one reset to the next: the token in an RTC backup register, and the reset itself. */
#include "port/port.h"
#include "port/stm32l433/boot.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"

/* Backup registers read as 0 and cannot be written unless RTCAPBEN is on (RM0394 "RCC_APB1ENR1");
 * PWREN gives access to DBP. */
__attribute__((noinline)) uint32_t backup_enter(void)
{
    uint32_t enabled = RCC->APB1ENR1;
    RCC->APB1ENR1 = enabled | RCC_APB1ENR1_PWREN | RCC_APB1ENR1_RTCAPBEN;
    (void)RCC->APB1ENR1; /* two cycles until a clock enable counts */
    return enabled;
}

uint32_t port_token_get(void)
{
    uint32_t enabled = backup_enter();
    uint32_t token = RTC->BKPR[TOKEN_BKP];
    RCC->APB1ENR1 = enabled;
    return token;
}

void port_token_set(uint32_t token)
{
    uint32_t enabled = backup_enter();
    uint32_t cr1 = PWR->CR1;
    PWR->CR1 = cr1 | PWR_CR1_DBP;
    (void)PWR->CR1;
    /* DBP reaches the backup domain late, and a write before is lost: write until it is there. */
    for (unsigned i = 0; i < 100 && RTC->BKPR[TOKEN_BKP] != token; i++)
        RTC->BKPR[TOKEN_BKP] = token;
    PWR->CR1 = cr1;
    RCC->APB1ENR1 = enabled;
}

void port_forget_image(void)
{
    PWR->SCR = PWR_SCR_CSBF; /* USB has PWREN on */
    *(volatile uint32_t *)MAILBOX_ADDR = 0;
}

__attribute__((noinline)) void port_reset(void)
{
    SCB->AIRCR = 0x05FAul << SCB_AIRCR_VECTKEY_Pos | SCB_AIRCR_SYSRESETREQ_Msk;
    __DSB();
    for (;;)
        ;
}
