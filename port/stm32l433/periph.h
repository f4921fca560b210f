/* Registers of the peripherals that applications use, in the form of regs.h and checked like it: the
 * bootloader needs none of them. RM0394. */
#ifndef PORT_STM32L433_PERIPH_H
#define PORT_STM32L433_PERIPH_H

#include "port/stm32l433/regs.h"

/* ---- RCC, PWR, EXTI, RTC: more of them --------------------------------------------------- */
#define RCC_AHB1ENR_DMA1EN      BIT(0)
#define RCC_AHB2ENR_ADCEN       BIT(13)
#define RCC_APB1ENR1_TIM6EN     BIT(4)
#define RCC_APB1ENR1_SPI2EN     BIT(14)
#define RCC_APB1ENR1_SPI3EN     BIT(15)
#define RCC_APB1ENR1_USART2EN   BIT(17)
#define RCC_APB1ENR1_I2C2EN     BIT(22)
#define RCC_APB1ENR1_LPTIM1EN   BIT(31)
#define RCC_APB1ENR2_LPUART1EN  BIT(0)
#define RCC_APB1ENR2_LPTIM2EN   BIT(5)
#define RCC_APB2ENR_TIM1EN      BIT(11)
#define RCC_APB2ENR_SPI1EN      BIT(12)
#define RCC_APB2ENR_USART1EN    BIT(14)
#define RCC_APB2ENR_TIM15EN     BIT(16)
#define RCC_APB2ENR_TIM16EN     BIT(17)
#define RCC_CCIPR_LPUART1SEL    (3ul << 10)
#define RCC_CCIPR_LPUART1SEL_1  BIT(11) /* HSI16 */
#define RCC_CCIPR_LPTIM2SEL     (3ul << 20)
#define RCC_CCIPR_LPTIM2SEL_Pos 20 /* 1: LSI */
#define RCC_BDCR_LSEON          BIT(0)
#define RCC_BDCR_LSERDY         BIT(1)
#define RCC_BDCR_RTCSEL_Pos     8 /* 1: LSE */
#define RCC_CSR_LSION           BIT(0)
#define RCC_CSR_LSIRDY          BIT(1)
#define PWR_CR1_LPMS            (7ul << 0) /* 4: Shutdown */
#define PWR_CR1_LPMS_Pos        0
#define PWR_CR3_EIWUL           BIT(15)
#define EXTI_PR1_RTC_WKUP       BIT(20) /* line 20; the same bit in IMR1 and RTSR1 */
#define RTC_CR_WUCKSEL          (7ul << 0)
#define RTC_CR_WUCKSEL_Pos      0 /* 3: RTC clock / 2, 4: 1 Hz */
#define RTC_CR_WUTE             BIT(10)
#define RTC_CR_WUTIE            BIT(14)
#define RTC_ISR_WUTWF           BIT(2)
#define RTC_ISR_INIT            BIT(7)

/* ---- DMA --------------------------------------------------------------------------------- */
struct dma_regs {
    reg32 ISR, IFCR;
    struct {
        reg32 CCR, CNDTR, CPAR, CMAR, reserved;
    } channel[7]; /* channel 1 is [0] */
    reg32 reserved94[5], CSELR;
};
#define DMA1 ((struct dma_regs *)0x40020000ul)

#define DMA_CCR1_EN        BIT(0)
#define DMA_CCR1_TCIE      BIT(1)
#define DMA_CCR1_DIR       BIT(4) /* from memory */
#define DMA_CCR1_CIRC      BIT(5)
#define DMA_CCR1_MINC      BIT(7)
#define DMA_CCR1_PSIZE     (3ul << 8)
#define DMA_CCR1_PSIZE_Pos 8
#define DMA_CCR1_MSIZE     (3ul << 10)
#define DMA_CCR1_MSIZE_Pos 10
#define DMA_FLAGS(channel) (15ul << (4 * ((channel)-1))) /* GIF, TCIF, HTIF, TEIF in ISR and IFCR */

/* ---- timers ------------------------------------------------------------------------------ */
struct tim_regs {
    reg32 CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR, RCR, CCR1, CCR2, CCR3, CCR4, BDTR;
};
#define TIM1  ((struct tim_regs *)0x40012C00ul)
#define TIM6  ((struct tim_regs *)0x40001000ul)
#define TIM15 ((struct tim_regs *)0x40014000ul)
#define TIM16 ((struct tim_regs *)0x40014400ul)

#define TIM1_CR1_CEN        BIT(0)
#define TIM1_CR1_ARPE       BIT(7)
#define TIM1_CR2_MMS        (7ul << 4)
#define TIM1_CR2_MMS_Pos    4 /* 2: update */
#define TIM1_DIER_UIE       BIT(0)
#define TIM1_DIER_CC1IE     BIT(1)
#define TIM1_SR_UIF         BIT(0)
#define TIM1_SR_CC1IF       BIT(1)
#define TIM1_EGR_UG         BIT(0)
#define TIM1_CCMR1_OC1PE    BIT(3)
#define TIM1_CCMR1_OC1M     (7ul << 4)
#define TIM1_CCMR1_OC1M_Pos 4 /* 6: PWM mode 1 */
#define TIM1_CCER_CC1E      BIT(0)
#define TIM1_BDTR_MOE       BIT(15)

struct lptim_regs {
    reg32 ISR, ICR, IER, CFGR, CR, CMP, ARR, CNT;
};
#define LPTIM1 ((struct lptim_regs *)0x40007C00ul)
#define LPTIM2 ((struct lptim_regs *)0x40009400ul)

#define LPTIM1_ISR_ARRM       BIT(1)
#define LPTIM1_IER_ARRMIE     BIT(1)
#define LPTIM1_CFGR_PRESC     (7ul << 9)
#define LPTIM1_CFGR_PRESC_Pos 9 /* 2 to the power of it */
#define LPTIM1_CR_ENABLE      BIT(0)
#define LPTIM1_CR_CNTSTRT     BIT(2)

/* ---- ADC --------------------------------------------------------------------------------- */
struct adc_regs {
    reg32 ISR, IER, CR, CFGR, CFGR2, SMPR1, SMPR2, reserved1C, TR1, TR2, TR3, reserved2C, SQR1, SQR2, SQR3,
        SQR4;
    reg32 DR, reserved44[177], CCR; /* CCR: ADC common */
};
#define ADC1 ((struct adc_regs *)0x50040000ul)

#define ADC1_ISR_ADRDY       BIT(0)
#define ADC1_ISR_EOS         BIT(3)
#define ADC1_ISR_OVR         BIT(4)
#define ADC1_IER_EOSIE       BIT(3)
#define ADC1_IER_OVRIE       BIT(4)
#define ADC1_CR_ADEN         BIT(0)
#define ADC1_CR_ADSTART      BIT(2)
#define ADC1_CR_ADVREGEN     BIT(28)
#define ADC1_CR_ADCAL        BIT(31)
#define ADC1_CFGR_DMAEN      BIT(0)
#define ADC1_CFGR_DMACFG     BIT(1) /* circular */
#define ADC1_CFGR_EXTSEL     (15ul << 6)
#define ADC1_CFGR_EXTSEL_Pos 6 /* 13: TIM6_TRGO */
#define ADC1_CFGR_EXTEN      (3ul << 10)
#define ADC1_CFGR_EXTEN_Pos  10 /* 1: rising */
#define ADC1_SMPR1_SMP1      (7ul << 3)
#define ADC1_SMPR1_SMP1_Pos  3 /* 6: 247.5 cycles */
#define ADC1_SMPR2_SMP17     (7ul << 21)
#define ADC1_SMPR2_SMP17_Pos 21
#define ADC1_SQR1_SQ1        (31ul << 6)
#define ADC1_SQR1_SQ1_Pos    6
#define ADC1_SQR1_SQ2        (31ul << 12)
#define ADC1_SQR1_SQ2_Pos    12
#define ADC1_SQR1_SQ3        (31ul << 18)
#define ADC1_SQR1_SQ3_Pos    18
#define ADC_CCR_CKMODE       (3ul << 16)
#define ADC_CCR_CKMODE_Pos   16 /* 3: HCLK / 4 */
#define ADC_CCR_VREFEN       BIT(22)
#define ADC_CCR_CH17SEL      BIT(23) /* temperature sensor */

/* ---- SPI --------------------------------------------------------------------------------- */
struct spi_regs {
    reg32 CR1, CR2, SR, DR;
};
#define SPI1 ((struct spi_regs *)0x40013000ul)
#define SPI2 ((struct spi_regs *)0x40003800ul)
#define SPI3 ((struct spi_regs *)0x40003C00ul)

#define SPI1_CR1_MSTR   BIT(2)
#define SPI1_CR1_BR     (7ul << 3)
#define SPI1_CR1_BR_Pos 3 /* 4: PCLK / 32 */
#define SPI1_CR1_SPE    BIT(6)
#define SPI1_CR1_SSI    BIT(8)
#define SPI1_CR1_SSM    BIT(9)
#define SPI1_CR2_RXNEIE BIT(6)
#define SPI1_CR2_DS     (15ul << 8)
#define SPI1_CR2_DS_Pos 8 /* bits - 1 */
#define SPI1_CR2_FRXTH  BIT(12)
#define SPI1_SR_RXNE    BIT(0)

/* ---- I2C --------------------------------------------------------------------------------- */
struct i2c_regs {
    reg32 CR1, CR2, OAR1, OAR2, TIMINGR, TIMEOUTR, ISR, ICR, PECR, RXDR, TXDR;
};
#define I2C2 ((struct i2c_regs *)0x40005800ul)

#define I2C1_CR1_PE             BIT(0)
#define I2C1_CR1_NACKIE         BIT(4)
#define I2C1_CR1_STOPIE         BIT(5)
#define I2C1_CR1_TCIE           BIT(6)
#define I2C1_CR1_ERRIE          BIT(7)
#define I2C1_CR1_TXDMAEN        BIT(14)
#define I2C1_CR1_RXDMAEN        BIT(15)
#define I2C1_CR2_RD_WRN         BIT(10)
#define I2C1_CR2_START          BIT(13)
#define I2C1_CR2_NBYTES         (255ul << 16)
#define I2C1_CR2_NBYTES_Pos     16
#define I2C1_CR2_AUTOEND        BIT(25)
#define I2C1_TIMINGR_SCLL       (255ul << 0)
#define I2C1_TIMINGR_SCLL_Pos   0
#define I2C1_TIMINGR_SCLH       (255ul << 8)
#define I2C1_TIMINGR_SCLH_Pos   8
#define I2C1_TIMINGR_SCLDEL     (15ul << 20)
#define I2C1_TIMINGR_SCLDEL_Pos 20
#define I2C1_TIMINGR_PRESC      (15ul << 28)
#define I2C1_TIMINGR_PRESC_Pos  28
#define I2C1_ISR_NACKF          BIT(4)
#define I2C1_ISR_STOPF          BIT(5)
#define I2C1_ISR_TC             BIT(6)

/* ---- USART ------------------------------------------------------------------------------- */
struct usart_regs {
    reg32 CR1, CR2, CR3, BRR, GTPR, RTOR, RQR, ISR, ICR, RDR, TDR;
};
#define LPUART1 ((struct usart_regs *)0x40008000ul)
#define USART1  ((struct usart_regs *)0x40013800ul)
#define USART2  ((struct usart_regs *)0x40004400ul)

#define USART1_CR1_UE     BIT(0)
#define USART1_CR1_RE     BIT(2)
#define USART1_CR1_TE     BIT(3)
#define USART1_CR1_IDLEIE BIT(4)
#define USART1_CR1_RXNEIE BIT(5)
#define USART1_CR1_TCIE   BIT(6)
#define USART1_CR3_DMAR   BIT(6)
#define USART1_CR3_DMAT   BIT(7)
#define USART1_ISR_ORE    BIT(3)
#define USART1_ISR_IDLE   BIT(4)
#define USART1_ISR_RXNE   BIT(5)
#define USART1_ISR_TC     BIT(6)
#define USART1_ISR_TXE    BIT(7)

#endif
