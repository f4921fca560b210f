/* The table of all blocks of the chip: where each is, which RCC bit clocks and resets it, and the
 * functions of its model. A row without functions has no model: touching it is reported as missing.
 * RM0394 "Memory map and register boundary addresses", "RCC". */
#include "chip/state.h"

/* RCC enable registers. */
enum { AHB1 = 0x48, AHB2 = 0x4C, AHB3 = 0x50, APB1 = 0x58, APB1_2 = 0x5C, APB2 = 0x60 };

/* clang-format off */
/* What instances of one kind share. */
#define GPIO  .reset = gpio_reset, .read = gpio_read, .write = gpio_write
#define DMA   .reset = dma_reset, .read = dma_read, .write = dma_write, .event = dma_event, .clock = dma_clock
#define USART .reset = usart_reset, .read = usart_read, .write = usart_write, .peek = usart_peek, .event = usart_event, .clock = usart_clock
#define TIM   .reset = tim_reset, .read = tim_read, .write = tim_write, .peek = tim_peek, .event = tim_event, .clock = tim_clock
#define LPTIM .reset = lptim_reset, .read = lptim_read, .write = lptim_write, .event = lptim_event, .clock = lptim_clock
#define I2C   .reset = i2c_reset, .read = i2c_read, .write = i2c_write, .peek = i2c_peek, .event = i2c_event, .clock = i2c_clock
#define SPI   .reset = spi_reset, .read = spi_read, .write = spi_write, .peek = spi_peek, .event = spi_event, .clock = spi_clock

const struct block chip_blocks[BLOCK_COUNT] = {
    [B_RCC]      = {.name = "RCC", .base = 0x40021000, .size = 0x400, .keep_in_standby = true, .reset = rcc_reset, .read = rcc_read, .write = rcc_write, .event = rcc_event},
    [B_PWR]      = {.name = "PWR", .base = 0x40007000, .size = 0x400, .enr = APB1, .enr_bit = 28, .keep_in_standby = true,
                    .reset = pwr_reset, .read = pwr_read, .write = pwr_write, .event = pwr_event},
    [B_FLASH]    = {.name = "FLASH", .base = 0x40022000, .size = 0x400, .enr = AHB1, .enr_bit = 8,
                    .reset = flash_reset, .read = flash_reg_read, .write = flash_reg_write, .peek = flash_reg_peek, .event = flash_event},
    [B_SYSCFG]   = {.name = "SYSCFG", .base = 0x40010000, .size = 0x30, .enr = APB2, .enr_bit = 0,
                    .reset = syscfg_reset, .read = syscfg_read, .write = syscfg_write, .event = syscfg_event},
    [B_EXTI]     = {.name = "EXTI", .base = 0x40010400, .size = 0x400, .reset = exti_reset, .read = exti_read, .write = exti_write},
    [B_GPIOA]    = {.name = "GPIOA", .base = 0x48000000, .size = 0x400, .enr = AHB2, .enr_bit = 0, .index = 0, GPIO},
    [B_GPIOB]    = {.name = "GPIOB", .base = 0x48000400, .size = 0x400, .enr = AHB2, .enr_bit = 1, .index = 1, GPIO},
    [B_GPIOC]    = {.name = "GPIOC", .base = 0x48000800, .size = 0x400, .enr = AHB2, .enr_bit = 2, .index = 2, GPIO},
    [B_GPIOD]    = {.name = "GPIOD", .base = 0x48000C00, .size = 0x400, .enr = AHB2, .enr_bit = 3, .index = 3, GPIO},
    [B_GPIOE]    = {.name = "GPIOE", .base = 0x48001000, .size = 0x400, .enr = AHB2, .enr_bit = 4, .index = 4, GPIO},
    [B_GPIOH]    = {.name = "GPIOH", .base = 0x48001C00, .size = 0x400, .enr = AHB2, .enr_bit = 7, .index = 7, GPIO},
    [B_DMA1]     = {.name = "DMA1", .base = 0x40020000, .size = 0x400, .enr = AHB1, .enr_bit = 0, .index = 0, DMA},
    [B_DMA2]     = {.name = "DMA2", .base = 0x40020400, .size = 0x400, .enr = AHB1, .enr_bit = 1, .index = 1, DMA},
    [B_CRC]      = {.name = "CRC", .base = 0x40023000, .size = 0x400, .enr = AHB1, .enr_bit = 12,
                    .reset = crc_reset, .read = crc_read, .write = crc_write, .peek = crc_peek},
    [B_RNG]      = {.name = "RNG", .base = 0x50060800, .size = 0x400, .enr = AHB2, .enr_bit = 18,
                    .reset = rng_reset, .read = rng_read, .write = rng_write, .peek = rng_peek, .event = rng_event, .clock = rng_clock},
    [B_CRS]      = {.name = "CRS", .base = 0x40006000, .size = 0x400, .enr = APB1, .enr_bit = 24,
                    .reset = crs_reset, .read = crs_read, .write = crs_write, .event = crs_event, .clock = crs_clock},
    [B_RTC]      = {.name = "RTC", .base = 0x40002800, .size = 0x400, .enr = APB1, .enr_bit = 10, .keep_on_reset = true,
                    .reset = rtc_reset, .read = rtc_read, .write = rtc_write, .peek = rtc_peek, .event = rtc_event, .clock = rtc_clock},
    [B_IWDG]     = {.name = "IWDG", .base = 0x40003000, .size = 0x400, .keep_in_standby = true,
                    .reset = iwdg_reset, .read = iwdg_read, .write = iwdg_write, .event = iwdg_event, .clock = iwdg_clock},
    [B_WWDG]     = {.name = "WWDG", .base = 0x40002C00, .size = 0x400, .enr = APB1, .enr_bit = 11,
                    .reset = wwdg_reset, .read = wwdg_read, .write = wwdg_write, .event = wwdg_event, .clock = wwdg_clock},
    [B_DBGMCU]   = {.name = "DBGMCU", .base = 0xE0042000, .size = 0x400,
                    .reset = dbgmcu_reset, .read = dbgmcu_read, .write = dbgmcu_write},
    [B_USB]      = {.name = "USB", .base = 0x40006800, .size = 0x400, .enr = APB1, .enr_bit = 26,
                    .reset = usbfs_reset, .read = usbfs_read, .write = usbfs_write, .event = usbfs_event, .clock = usbfs_clock},
    [B_USBRAM]   = {.name = "USBRAM", .base = 0x40006C00, .size = 0x400, .enr = APB1, .enr_bit = 26,
                    .reset = usbram_reset, .read = usbram_read, .write = usbram_write, .peek = usbram_peek},
    [B_USART1]   = {.name = "USART1", .base = 0x40013800, .size = 0x400, .enr = APB2, .enr_bit = 14, .index = 0, USART},
    [B_USART2]   = {.name = "USART2", .base = 0x40004400, .size = 0x400, .enr = APB1, .enr_bit = 17, .index = 1, USART},
    [B_USART3]   = {.name = "USART3", .base = 0x40004800, .size = 0x400, .enr = APB1, .enr_bit = 18, .index = 2, USART},
    [B_LPUART1]  = {.name = "LPUART1", .base = 0x40008000, .size = 0x400, .enr = APB1_2, .enr_bit = 0, .index = 3, USART},
    [B_TIM1]     = {.name = "TIM1", .base = 0x40012C00, .size = 0x400, .enr = APB2, .enr_bit = 11, .index = 0, TIM},
    [B_TIM2]     = {.name = "TIM2", .base = 0x40000000, .size = 0x400, .enr = APB1, .enr_bit = 0, .index = 1, TIM},
    [B_TIM6]     = {.name = "TIM6", .base = 0x40001000, .size = 0x400, .enr = APB1, .enr_bit = 4, .index = 2, TIM},
    [B_TIM7]     = {.name = "TIM7", .base = 0x40001400, .size = 0x400, .enr = APB1, .enr_bit = 5, .index = 3, TIM},
    [B_TIM15]    = {.name = "TIM15", .base = 0x40014000, .size = 0x400, .enr = APB2, .enr_bit = 16, .index = 4, TIM},
    [B_TIM16]    = {.name = "TIM16", .base = 0x40014400, .size = 0x400, .enr = APB2, .enr_bit = 17, .index = 5, TIM},
    [B_LPTIM1]   = {.name = "LPTIM1", .base = 0x40007C00, .size = 0x400, .enr = APB1, .enr_bit = 31, .index = 0, LPTIM},
    [B_LPTIM2]   = {.name = "LPTIM2", .base = 0x40009400, .size = 0x400, .enr = APB1_2, .enr_bit = 5, .index = 1, LPTIM},
    [B_ADC1]     = {.name = "ADC1", .base = 0x50040000, .size = 0x400, .enr = AHB2, .enr_bit = 13,
                    .reset = adc_reset, .read = adc_read, .write = adc_write, .peek = adc_peek, .event = adc_event, .clock = adc_clock},
    [B_DAC1]     = {.name = "DAC1", .base = 0x40007400, .size = 0x400, .enr = APB1, .enr_bit = 29,
                    .reset = dac_reset, .read = dac_read, .write = dac_write, .clock = dac_clock},
    [B_I2C1]     = {.name = "I2C1", .base = 0x40005400, .size = 0x400, .enr = APB1, .enr_bit = 21, .index = 0, I2C},
    [B_I2C2]     = {.name = "I2C2", .base = 0x40005800, .size = 0x400, .enr = APB1, .enr_bit = 22, .index = 1, I2C},
    [B_I2C3]     = {.name = "I2C3", .base = 0x40005C00, .size = 0x400, .enr = APB1, .enr_bit = 23, .index = 2, I2C},
    [B_SPI1]     = {.name = "SPI1", .base = 0x40013000, .size = 0x400, .enr = APB2, .enr_bit = 12, .index = 0, SPI},
    [B_SPI2]     = {.name = "SPI2", .base = 0x40003800, .size = 0x400, .enr = APB1, .enr_bit = 14, .index = 1, SPI},
    [B_SPI3]     = {.name = "SPI3", .base = 0x40003C00, .size = 0x400, .enr = APB1, .enr_bit = 15, .index = 2, SPI},
    [B_COMP]     = {.name = "COMP", .base = 0x40010200, .size = 0x200, .enr = APB2, .enr_bit = 0,
                    .reset = comp_reset, .read = comp_read, .write = comp_write, .event = comp_event},
    [B_VREFBUF]  = {.name = "VREFBUF", .base = 0x40010030, .size = 0x1D0, .enr = APB2, .enr_bit = 0,
                    .reset = vrefbuf_reset, .read = vrefbuf_read, .write = vrefbuf_write},
    [B_OPAMP]    = {.name = "OPAMP", .base = 0x40007800, .size = 0x400, .enr = APB1, .enr_bit = 30,
                    .reset = opamp_reset, .read = opamp_read, .write = opamp_write},
    [B_TSC]      = {.name = "TSC", .base = 0x40024000, .size = 0x400, .enr = AHB1, .enr_bit = 16,
                    .reset = tsc_reset, .read = tsc_read, .write = tsc_write, .event = tsc_event},
    [B_LCD]      = {.name = "LCD", .base = 0x40002400, .size = 0x400, .enr = APB1, .enr_bit = 9,
                    .reset = lcd_reset, .read = lcd_read, .write = lcd_write, .event = lcd_event, .clock = lcd_clock},
    [B_SAI1]     = {.name = "SAI1", .base = 0x40015400, .size = 0x400, .enr = APB2, .enr_bit = 21,
                    .reset = sai_reset, .read = sai_read, .write = sai_write, .peek = sai_peek, .event = sai_event, .clock = sai_clock},
    [B_SWPMI1]   = {.name = "SWPMI1", .base = 0x40008800, .size = 0x400, .enr = APB1_2, .enr_bit = 2,
                    .reset = swpmi_reset, .read = swpmi_read, .write = swpmi_write, .peek = swpmi_peek, .event = swpmi_event, .clock = swpmi_clock},
    [B_QUADSPI]  = {.name = "QUADSPI", .base = 0xA0001000, .size = 0x400, .enr = AHB3, .enr_bit = 8,
                    .reset = quadspi_reset, .read = quadspi_read, .write = quadspi_write, .peek = quadspi_peek, .event = quadspi_event},
    [B_CAN1]     = {.name = "CAN1", .base = 0x40006400, .size = 0x400, .enr = APB1, .enr_bit = 25,
                    .reset = can_reset, .read = can_read, .write = can_write, .event = can_event, .clock = can_clock},
    [B_SDMMC1]   = {.name = "SDMMC1", .base = 0x40012800, .size = 0x400, .enr = APB2, .enr_bit = 10,
                    .reset = sdmmc_reset, .read = sdmmc_read, .write = sdmmc_write, .event = sdmmc_event},
    [B_FIREWALL] = {.name = "FIREWALL", .base = 0x40011C00, .size = 0x400, .enr = APB2, .enr_bit = 7,
                    .reset = firewall_reset, .read = firewall_read, .write = firewall_write, .peek = firewall_peek},
    [B_ETM]      = {.name = "ETM", .base = 0xE0041000, .size = 0x1000, .reset = etm_reset, .read = etm_read, .write = etm_write, .peek = etm_peek},
};
