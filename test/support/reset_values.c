/* The table of reset_values.inc with absolute addresses. */
#include "reset_values.h"

/* Bases: RM0394 "Memory map and register boundary addresses". */
enum {
    BASE_RCC = 0x40021000,
    BASE_PWR = 0x40007000,
    BASE_FLASH = 0x40022000,
    BASE_SYSCFG = 0x40010000,
    BASE_EXTI = 0x40010400,
    BASE_GPIOA = 0x48000000,
    BASE_GPIOB = 0x48000400,
    BASE_GPIOC = 0x48000800,
    BASE_GPIOD = 0x48000C00,
    BASE_GPIOE = 0x48001000,
    BASE_GPIOH = 0x48001C00,
    BASE_DMA1 = 0x40020000,
    BASE_DMA2 = 0x40020400,
    BASE_CRC = 0x40023000,
    BASE_RNG = 0x50060800,
    BASE_CRS = 0x40006000,
    BASE_RTC = 0x40002800,
    BASE_IWDG = 0x40003000,
    BASE_WWDG = 0x40002C00,
    BASE_USB = 0x40006800,
    BASE_USART1 = 0x40013800,
    BASE_USART2 = 0x40004400,
    BASE_USART3 = 0x40004800,
    BASE_LPUART1 = 0x40008000,
    BASE_TIM1 = 0x40012C00,
    BASE_TIM2 = 0x40000000,
    BASE_TIM6 = 0x40001000,
    BASE_TIM7 = 0x40001400,
    BASE_TIM15 = 0x40014000,
    BASE_TIM16 = 0x40014400,
    BASE_LPTIM1 = 0x40007C00,
    BASE_LPTIM2 = 0x40009400,
    BASE_ADC1 = 0x50040000,
    BASE_DAC1 = 0x40007400,
    BASE_I2C1 = 0x40005400,
    BASE_I2C2 = 0x40005800,
    BASE_I2C3 = 0x40005C00,
    BASE_SPI1 = 0x40013000,
    BASE_SPI2 = 0x40003800,
    BASE_SPI3 = 0x40003C00,
    BASE_COMP = 0x40010200,
    BASE_VREFBUF = 0x40010030,
    BASE_OPAMP = 0x40007800,
    BASE_TSC = 0x40024000,
    BASE_LCD = 0x40002400,
    BASE_SAI1 = 0x40015400,
    BASE_SWPMI1 = 0x40008800,
    BASE_CAN1 = 0x40006400,
    BASE_SDMMC1 = 0x40012800,
    BASE_FIREWALL = 0x40011C00,
};
#define BASE_DBGMCU 0xE0042000U

#define M(block, reg, off, value, mask) {B_##block, #block "_" #reg, BASE_##block + (off), value, mask},
#define R(block, reg, off, value)       M(block, reg, off, value, 0xFFFFFFFF)

const struct reset_value reset_values[] = {
#include "reset_values.inc"
};
const size_t reset_value_count = sizeof reset_values / sizeof reset_values[0];
