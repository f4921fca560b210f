/* Mistakes of the naive bootloader around the processor: what it leaves running. Addresses and bits: RM0394
 * "RCC", "TIM6", "DMA", "USART", "FLASH", "IWDG", "WWDG". */
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"
#include "test/board/fw/naive/mistakes.h"

#define REG(addr) (*(volatile uint32_t *)(addr))

void TIM6_DAC_IRQHandler(void);
void TIM6_DAC_IRQHandler(void)
{
    REG(0x40001010) = 0; /* TIM6_SR */
}

void leave_timer_on(void)
{
    RCC->APB1ENR1 |= 1u << 4; /* TIM6EN */
    (void)RCC->APB1ENR1;
    REG(0x4000102C) = 4000; /* TIM6_ARR: 1 ms */
    REG(0x4000100C) = 1;    /* TIM6_DIER.UIE */
    NVIC_EnableIRQ(TIM6_DAC_IRQn);
    REG(0x40001000) = 1; /* TIM6_CR1.CEN */
}

void leave_hsi16_on(void)
{
    RCC->CR |= RCC_CR_HSION;
    while (!(RCC->CR & RCC_CR_HSIRDY)) {
    }
    RCC->CFGR |= RCC_SYSCLK_HSI16;
}

void leave_pll_on(void)
{
    (void)port_fast(true);
}

/* A console: USART2 on the ST-LINK's serial port, received by DMA1 channel 6 into a ring. */
void leave_dma_on(void)
{
    static uint8_t ring[64];
    RCC->AHB1ENR |= 1;        /* DMA1EN */
    RCC->AHB2ENR |= 1;        /* GPIOAEN */
    RCC->APB1ENR1 |= 1 << 17; /* USART2EN */
    (void)RCC->APB1ENR1;
    REG(0x48000020) = 7u << 12;   /* GPIOA_AFRL: PA3 is USART2_RX */
    REG(0x48000000) = 0xABFFFFBF; /* GPIOA_MODER: PA3 */
    REG(0x400200A8) = 2u << 20;   /* DMA1_CSELR: USART2_RX */
    REG(0x40020070) = sizeof ring;
    REG(0x40020074) = 0x40004424; /* DMA_CPAR6: USART2_RDR */
    REG(0x40020078) = (uint32_t)ring;
    REG(0x4002006C) = 0xA1;   /* DMA_CCR6: MINC, CIRC, EN */
    REG(0x4000440C) = 417;    /* USART2_BRR: 9600 baud */
    REG(0x40004408) = 1 << 6; /* USART2_CR3.DMAR */
    REG(0x40004400) = 5;      /* USART2_CR1: RE, UE */
}

/* As after a write that was refused, and whose result nobody looked at. */
void leave_flash_errors(void)
{
    FLASH->KEYR = FLASH_KEY1;
    FLASH->KEYR = FLASH_KEY2;
    FLASH->CR = FLASH_CR_PG;
    *(volatile uint16_t *)0x0803E000 = 0; /* not a word */
    FLASH->CR = FLASH_CR_LOCK;
}

void start_watchdog(void)
{
    IWDG->KR = 0xCCCC;
    IWDG->KR = IWDG_KEY_ACCESS;
    IWDG->RLR = 100; /* 12.5 ms */
    while (IWDG->SR) {
    }
    IWDG->KR = IWDG_KEY_RELOAD;
}

void start_window_watchdog(void)
{
    RCC->APB1ENR1 |= RCC_APB1ENR1_WWDGEN;
    (void)RCC->APB1ENR1;
    REG(0x40002C00) = 0xFF; /* WWDG_CR: on, 65 ms */
}
