/* silicon: checks on a real Nucleo-L433RC-P what sureboot and its virtual board take for granted where ST's
 * documents are silent or could not be read, and prints for each whether the chip agrees. Linked at
 * 0x08000000; it erases page 120 and resets the backup domain. docs/silicon.md tells how to run it. */
#include "check.h"

enum { MAGIC = 0x51C0FFEE };

struct as_reset as_reset;

static void (*const stages[])(void) = {
    stage_registers,
    stage_oscillators,
    stage_memory,
    stage_usb_and_board,
    stage_writes,
    stage_usart,
    stage_exti,
    stage_timer,
    stage_adc,
    stage_quadspi,
    stage_msi,
    stage_stop,
    stage_switch,
    stage_world,
    stage_transceiver,
    stage_ways_to_reset,
    stage_flash,
    stage_flash_keys,
    stage_after_reset,
    stage_torn,
    stage_torn_result,
    stage_options,
    stage_after_options,
    stage_window_watchdog,
    stage_after_window_watchdog,
    stage_watchdog,
    stage_after_watchdog,
    stage_standby,
    stage_after_standby,
    stage_shutdown,
    stage_after_shutdown,
};
enum { STAGES = sizeof stages / sizeof *stages };

/* LPUART1 on PA2, which the ST-LINK shows as a serial port: 115200 8N1 from HSI16. */
static void start_serial(void)
{
    RCC->CR |= RCC_CR_HSION;
    (void)wait_for(&RCC->CR, RCC_CR_HSIRDY, 1000);
    RCC->CFGR = RCC_SYSCLK_HSI16;
    for (unsigned i = 0; i < 1000 && (RCC->CFGR & RCC_CFGR_SWS) >> RCC_CFGR_SWS_Pos != RCC_SYSCLK_HSI16; i++)
        ;
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOAEN | RCC_AHB2ENR_GPIOBEN;
    RCC->APB1ENR2 |= RCC_APB1ENR2_LPUART1EN;
    RCC->CCIPR = (RCC->CCIPR & ~RCC_CCIPR_LPUART1SEL) | RCC_CCIPR_LPUART1SEL_1;
    (void)RCC->APB1ENR2;
    GPIOA->AFRL = (GPIOA->AFRL & ~(15ul << 8)) | 8ul << 8; /* AF8 */
    GPIOA->MODER = (GPIOA->MODER & ~GPIO_FIELD(2, 3)) | GPIO_FIELD(2, 2);
    LPUART1->BRR = 35556; /* 256 * 16 MHz / 115200 */
    LPUART1->CR1 = USART1_CR1_UE | USART1_CR1_TE;
    GPIOB->MODER = (GPIOB->MODER & ~GPIO_FIELD(13, 3)) | GPIO_FIELD(13, 1); /* LD4 */
}

static void print_total(void)
{
    say("\r\nsilicon: ");
    say_number(kept(KEPT_CONFIRMED), 10);
    say(" confirmed, ");
    say_number(kept(KEPT_DIFFERS), 10);
    say(" differ\r\n");
}

int main(void)
{
    as_reset.cr = RCC->CR;
    as_reset.cfgr = RCC->CFGR;
    as_reset.csr = RCC->CSR;
    as_reset.ahb1enr = RCC->AHB1ENR;
    as_reset.apb1enr1 = RCC->APB1ENR1;
    CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
    DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
    start_serial();
    RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN;
    (void)RCC->APB1ENR1;
    if (kept(KEPT_MAGIC) != MAGIC) {
        say("\r\nsilicon: sureboot's assumptions about the STM32L433\r\n");
        PWR->CR1 |= PWR_CR1_DBP;
        RCC->BDCR = BIT(16); /* BDRST */
        RCC->BDCR = 0;
        keep(KEPT_MAGIC, MAGIC);
    }
    for (;;) {
        uint32_t stage = kept(KEPT_STAGE);
        if (stage >= STAGES)
            break;
        keep(KEPT_STAGE, stage + 1); /* whatever resets the chip, it goes on behind it */
        stages[stage]();
    }
    print_total();
    keep(KEPT_MAGIC, 0); /* the next reset begins anew */
    for (bool on = kept(KEPT_DIFFERS) == 0;;) {
        GPIOB->BSRR = on ? BIT(13) : BIT(13 + 16);
        wait_us(kept(KEPT_DIFFERS) ? 100000 : 1000000);
        on = !on;
    }
}
