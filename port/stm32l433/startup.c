/* Start-up code of applications: the vector table, .data and .bss, then main().
 * A handler that nobody defines stops the processor where a debugger (or the virtual board, which
 * reports the lock-up) shows it: an interrupt without a handler is a mistake worth seeing. */
#include "port/stm32l433/irq.h"
#include <stdint.h>

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[], vectors[];
#ifndef STARTUP_VTOR /* a test sets it wrong */
#define STARTUP_VTOR ((uint32_t)vectors)
#endif
int main(void);
void Reset_Handler(void);
void Default_Handler(void);

void Reset_Handler(void)
{
    SCB->VTOR = STARTUP_VTOR; /* right wherever the image was linked, whoever has started it */
#ifdef __ARM_FP
    SCB->CPACR |= 0xFul << 20; /* CP10 and CP11: the FPU */
    __DSB();
    __ISB();
#endif
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to != data_end; to++)
        *to = *from++;
    for (uint32_t *to = bss_start; to != bss_end; to++)
        *to = 0;
    main();
    for (;;)
        Default_Handler();
}

void Default_Handler(void)
{
    /* Without a debugger a breakpoint is a HardFault, and in HardFault a lock-up (PM0214). */
    __asm volatile("bkpt #0");
}

#define WEAK __attribute__((weak, alias("Default_Handler")))
void NMI_Handler(void) WEAK;
void HardFault_Handler(void) WEAK;
void MemManage_Handler(void) WEAK;
void BusFault_Handler(void) WEAK;
void UsageFault_Handler(void) WEAK;
void SVC_Handler(void) WEAK;
void DebugMon_Handler(void) WEAK;
void PendSV_Handler(void) WEAK;
void SysTick_Handler(void) WEAK;
void WWDG_IRQHandler(void) WEAK;
void PVD_PVM_IRQHandler(void) WEAK;
void TAMP_STAMP_IRQHandler(void) WEAK;
void RTC_WKUP_IRQHandler(void) WEAK;
void FLASH_IRQHandler(void) WEAK;
void RCC_IRQHandler(void) WEAK;
void EXTI0_IRQHandler(void) WEAK;
void EXTI1_IRQHandler(void) WEAK;
void EXTI2_IRQHandler(void) WEAK;
void EXTI3_IRQHandler(void) WEAK;
void EXTI4_IRQHandler(void) WEAK;
void DMA1_Channel1_IRQHandler(void) WEAK;
void DMA1_Channel2_IRQHandler(void) WEAK;
void DMA1_Channel3_IRQHandler(void) WEAK;
void DMA1_Channel4_IRQHandler(void) WEAK;
void DMA1_Channel5_IRQHandler(void) WEAK;
void DMA1_Channel6_IRQHandler(void) WEAK;
void DMA1_Channel7_IRQHandler(void) WEAK;
void ADC1_IRQHandler(void) WEAK;
void CAN1_TX_IRQHandler(void) WEAK;
void CAN1_RX0_IRQHandler(void) WEAK;
void CAN1_RX1_IRQHandler(void) WEAK;
void CAN1_SCE_IRQHandler(void) WEAK;
void EXTI9_5_IRQHandler(void) WEAK;
void TIM1_BRK_TIM15_IRQHandler(void) WEAK;
void TIM1_UP_TIM16_IRQHandler(void) WEAK;
void TIM1_TRG_COM_IRQHandler(void) WEAK;
void TIM1_CC_IRQHandler(void) WEAK;
void TIM2_IRQHandler(void) WEAK;
void I2C1_EV_IRQHandler(void) WEAK;
void I2C1_ER_IRQHandler(void) WEAK;
void I2C2_EV_IRQHandler(void) WEAK;
void I2C2_ER_IRQHandler(void) WEAK;
void SPI1_IRQHandler(void) WEAK;
void SPI2_IRQHandler(void) WEAK;
void USART1_IRQHandler(void) WEAK;
void USART2_IRQHandler(void) WEAK;
void USART3_IRQHandler(void) WEAK;
void EXTI15_10_IRQHandler(void) WEAK;
void RTC_Alarm_IRQHandler(void) WEAK;
void SDMMC1_IRQHandler(void) WEAK;
void SPI3_IRQHandler(void) WEAK;
void TIM6_DAC_IRQHandler(void) WEAK;
void TIM7_IRQHandler(void) WEAK;
void DMA2_Channel1_IRQHandler(void) WEAK;
void DMA2_Channel2_IRQHandler(void) WEAK;
void DMA2_Channel3_IRQHandler(void) WEAK;
void DMA2_Channel4_IRQHandler(void) WEAK;
void DMA2_Channel5_IRQHandler(void) WEAK;
void COMP_IRQHandler(void) WEAK;
void LPTIM1_IRQHandler(void) WEAK;
void LPTIM2_IRQHandler(void) WEAK;
void USB_IRQHandler(void) WEAK;
void DMA2_Channel6_IRQHandler(void) WEAK;
void DMA2_Channel7_IRQHandler(void) WEAK;
void LPUART1_IRQHandler(void) WEAK;
void QUADSPI_IRQHandler(void) WEAK;
void I2C3_EV_IRQHandler(void) WEAK;
void I2C3_ER_IRQHandler(void) WEAK;
void SAI1_IRQHandler(void) WEAK;
void SWPMI1_IRQHandler(void) WEAK;
void TSC_IRQHandler(void) WEAK;
void LCD_IRQHandler(void) WEAK;
void RNG_IRQHandler(void) WEAK;
void FPU_IRQHandler(void) WEAK;
void CRS_IRQHandler(void) WEAK;

/* The kit's linker fragment (app/sureboot.ld) defines it, else it is 0. */
void sureboot_info_vector(void) __attribute__((weak));

/* Words 0-15 as in ARMv7-M ARM B1.5.3, then the interrupts of RM0394 "Vector table". */
__attribute__((section(".isr_vector"), used)) static const struct {
    uint32_t *initial_sp;
    void (*handler[15 + 83])(void);
} vector_table = {stack_top,
                  {
                      Reset_Handler,
                      NMI_Handler,
                      HardFault_Handler,
                      MemManage_Handler,
                      BusFault_Handler,
                      UsageFault_Handler,
                      sureboot_info_vector,
                      [11 - 1] = SVC_Handler,
                      [12 - 1] = DebugMon_Handler,
                      [14 - 1] = PendSV_Handler,
                      [15 - 1] = SysTick_Handler,
                      [15 + 0] = WWDG_IRQHandler,
                      [15 + 1] = PVD_PVM_IRQHandler,
                      [15 + 2] = TAMP_STAMP_IRQHandler,
                      [15 + 3] = RTC_WKUP_IRQHandler,
                      [15 + 4] = FLASH_IRQHandler,
                      [15 + 5] = RCC_IRQHandler,
                      [15 + 6] = EXTI0_IRQHandler,
                      [15 + 7] = EXTI1_IRQHandler,
                      [15 + 8] = EXTI2_IRQHandler,
                      [15 + 9] = EXTI3_IRQHandler,
                      [15 + 10] = EXTI4_IRQHandler,
                      [15 + 11] = DMA1_Channel1_IRQHandler,
                      [15 + 12] = DMA1_Channel2_IRQHandler,
                      [15 + 13] = DMA1_Channel3_IRQHandler,
                      [15 + 14] = DMA1_Channel4_IRQHandler,
                      [15 + 15] = DMA1_Channel5_IRQHandler,
                      [15 + 16] = DMA1_Channel6_IRQHandler,
                      [15 + 17] = DMA1_Channel7_IRQHandler,
                      [15 + 18] = ADC1_IRQHandler,
                      [15 + 19] = CAN1_TX_IRQHandler,
                      [15 + 20] = CAN1_RX0_IRQHandler,
                      [15 + 21] = CAN1_RX1_IRQHandler,
                      [15 + 22] = CAN1_SCE_IRQHandler,
                      [15 + 23] = EXTI9_5_IRQHandler,
                      [15 + 24] = TIM1_BRK_TIM15_IRQHandler,
                      [15 + 25] = TIM1_UP_TIM16_IRQHandler,
                      [15 + 26] = TIM1_TRG_COM_IRQHandler,
                      [15 + 27] = TIM1_CC_IRQHandler,
                      [15 + 28] = TIM2_IRQHandler,
                      [15 + 31] = I2C1_EV_IRQHandler,
                      [15 + 32] = I2C1_ER_IRQHandler,
                      [15 + 33] = I2C2_EV_IRQHandler,
                      [15 + 34] = I2C2_ER_IRQHandler,
                      [15 + 35] = SPI1_IRQHandler,
                      [15 + 36] = SPI2_IRQHandler,
                      [15 + 37] = USART1_IRQHandler,
                      [15 + 38] = USART2_IRQHandler,
                      [15 + 39] = USART3_IRQHandler,
                      [15 + 40] = EXTI15_10_IRQHandler,
                      [15 + 41] = RTC_Alarm_IRQHandler,
                      [15 + 49] = SDMMC1_IRQHandler,
                      [15 + 51] = SPI3_IRQHandler,
                      [15 + 54] = TIM6_DAC_IRQHandler,
                      [15 + 55] = TIM7_IRQHandler,
                      [15 + 56] = DMA2_Channel1_IRQHandler,
                      [15 + 57] = DMA2_Channel2_IRQHandler,
                      [15 + 58] = DMA2_Channel3_IRQHandler,
                      [15 + 59] = DMA2_Channel4_IRQHandler,
                      [15 + 60] = DMA2_Channel5_IRQHandler,
                      [15 + 64] = COMP_IRQHandler,
                      [15 + 65] = LPTIM1_IRQHandler,
                      [15 + 66] = LPTIM2_IRQHandler,
                      [15 + 67] = USB_IRQHandler,
                      [15 + 68] = DMA2_Channel6_IRQHandler,
                      [15 + 69] = DMA2_Channel7_IRQHandler,
                      [15 + 70] = LPUART1_IRQHandler,
                      [15 + 71] = QUADSPI_IRQHandler,
                      [15 + 72] = I2C3_EV_IRQHandler,
                      [15 + 73] = I2C3_ER_IRQHandler,
                      [15 + 74] = SAI1_IRQHandler,
                      [15 + 76] = SWPMI1_IRQHandler,
                      [15 + 77] = TSC_IRQHandler,
                      [15 + 78] = LCD_IRQHandler,
                      [15 + 80] = RNG_IRQHandler,
                      [15 + 81] = FPU_IRQHandler,
                      [15 + 82] = CRS_IRQHandler,
                  }};
