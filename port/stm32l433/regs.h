/* Registers of the STM32L433 as RM0394 names them: one struct per peripheral, masks PERIPHERAL_REGISTER_BIT,
 * multi-bit fields also as PERIPHERAL_REGISTER_FIELD_Pos. Only what firmware here uses. Checked against
 * test/unit/regs_facts.inc. Core peripherals come from CMSIS-Core (irq.h). */
#ifndef PORT_STM32L433_REGS_H
#define PORT_STM32L433_REGS_H

#include <stdint.h>

#define BIT(n) (1ul << (n))
typedef volatile uint32_t reg32;

/* ---- RCC: reset and clock control -------------------------------------------------------- */
struct rcc_regs {
    reg32 CR, ICSCR, CFGR, PLLCFGR, PLLSAI1CFGR, reserved14, CIER, CIFR, CICR, reserved24;
    reg32 AHB1RSTR, AHB2RSTR, AHB3RSTR, reserved34, APB1RSTR1, APB1RSTR2, APB2RSTR, reserved44;
    reg32 AHB1ENR, AHB2ENR, AHB3ENR, reserved54, APB1ENR1, APB1ENR2, APB2ENR, reserved64;
    reg32 AHB1SMENR, AHB2SMENR, AHB3SMENR, reserved74, APB1SMENR1, APB1SMENR2, APB2SMENR, reserved84;
    reg32 CCIPR, reserved8C, BDCR, CSR, CRRCR;
};
#define RCC ((struct rcc_regs *)0x40021000ul)

#define RCC_CR_MSION     BIT(0)
#define RCC_CR_MSIRDY    BIT(1)
#define RCC_CR_MSIRGSEL  BIT(3)
#define RCC_CR_MSIRANGE  (15ul << 4)
#define RCC_CR_HSION     BIT(8)
#define RCC_CR_HSIRDY    BIT(10)
#define RCC_CR_PLLON     BIT(24)
#define RCC_CR_PLLRDY    BIT(25)
#define RCC_CR_AT_RESET  0x00000063ul /* value after reset */
#define RCC_CFGR_SW      (3ul << 0)
#define RCC_CFGR_SW_Pos  0
#define RCC_CFGR_SWS     (3ul << 2)
#define RCC_CFGR_SWS_Pos 2
enum { RCC_SYSCLK_MSI = 0, RCC_SYSCLK_HSI16 = 1, RCC_SYSCLK_HSE = 2, RCC_SYSCLK_PLL = 3 }; /* SW, SWS */
#define RCC_PLLCFGR_PLLSRC_HSI16 2ul
#define RCC_PLLCFGR_PLLN         (127ul << 8)
#define RCC_PLLCFGR_PLLN_Pos     8
#define RCC_PLLCFGR_PLLREN       BIT(24)
#define RCC_PLLCFGR_PLLR         (3ul << 25)
#define RCC_PLLCFGR_PLLR_Pos     25
#define RCC_PLLCFGR_AT_RESET     0x00001000ul
#define RCC_CICR_CSSC            BIT(8)
#define RCC_AHB1ENR_FLASHEN      BIT(8)
#define RCC_AHB1ENR_CRCEN        BIT(12)
#define RCC_AHB2ENR_GPIOAEN      BIT(0)
#define RCC_AHB2ENR_GPIOBEN      BIT(1)
#define RCC_AHB2ENR_GPIOCEN      BIT(2)
#define RCC_AHB2ENR_GPIOHEN      BIT(7)
#define RCC_APB1ENR1_RTCAPBEN    BIT(10)
#define RCC_APB1ENR1_WWDGEN      BIT(11)
#define RCC_APB1ENR1_CRSEN       BIT(24)
#define RCC_APB1ENR1_USBFSEN     BIT(26)
#define RCC_APB1ENR1_PWREN       BIT(28)
#define RCC_APB1RSTR1_USBFSRST   BIT(26)
#define RCC_APB2ENR_SYSCFGEN     BIT(0)
#define RCC_CCIPR_CLK48SEL       (3ul << 26) /* 0: HSI48 */
#define RCC_BDCR_RTCEN           BIT(15)
#define RCC_CSR_RMVF             BIT(23)
#define RCC_CSR_FLAGS            (255ul << 24) /* all that follow */
#define RCC_CSR_FLAGS_Pos        24
#define RCC_CSR_OBLRSTF          BIT(25)
#define RCC_CSR_PINRSTF          BIT(26)
#define RCC_CSR_BORRSTF          BIT(27)
#define RCC_CSR_SFTRSTF          BIT(28)
#define RCC_CSR_IWDGRSTF         BIT(29)
#define RCC_CSR_WWDGRSTF         BIT(30)
#define RCC_CRRCR_HSI48ON        BIT(0)
#define RCC_CRRCR_HSI48RDY       BIT(1)

/* ---- PWR: power control ------------------------------------------------------------------ */
struct pwr_regs {
    reg32 CR1, CR2, CR3, CR4, SR1, SR2, SCR;
};
#define PWR ((struct pwr_regs *)0x40007000ul)

#define PWR_CR1_DBP     BIT(8)
#define PWR_CR1_VOS     (3ul << 9)
#define PWR_CR1_VOS_Pos 9
#define PWR_CR2_USV     BIT(10)
#define PWR_SR1_SBF     BIT(8)
#define PWR_SCR_CSBF    BIT(8)

/* ---- FLASH ------------------------------------------------------------------------------- */
struct flash_regs {
    reg32 ACR, PDKEYR, KEYR, OPTKEYR, SR, CR, ECCR, reserved1C, OPTR, PCROP1SR, PCROP1ER, WRP1AR, WRP1BR;
};
#define FLASH ((struct flash_regs *)0x40022000ul)

#define FLASH_ACR_LATENCY  (7ul << 0)
#define FLASH_ACR_ICEN     BIT(9)
#define FLASH_ACR_DCEN     BIT(10)
#define FLASH_ACR_ICRST    BIT(11)
#define FLASH_ACR_DCRST    BIT(12)
#define FLASH_ACR_AT_RESET 0x00000600ul
#define FLASH_KEY1         0x45670123ul
#define FLASH_KEY2         0xCDEF89ABul
#define FLASH_OPTKEY1      0x08192A3Bul
#define FLASH_OPTKEY2      0x4C5D6E7Ful
#define FLASH_SR_EOP       BIT(0)
#define FLASH_SR_OPERR     BIT(1)
#define FLASH_SR_PROGERR   BIT(3)
#define FLASH_SR_WRPERR    BIT(4)
#define FLASH_SR_PGAERR    BIT(5)
#define FLASH_SR_SIZERR    BIT(6)
#define FLASH_SR_PGSERR    BIT(7)
#define FLASH_SR_MISERR    BIT(8)
#define FLASH_SR_FASTERR   BIT(9)
#define FLASH_SR_RDERR     BIT(14)
#define FLASH_SR_OPTVERR   BIT(15)
#define FLASH_SR_BSY       BIT(16)
#define FLASH_SR_PEMPTY    BIT(17) /* writing 1 toggles it: never part of a mask that clears flags */
/* EOP and every error flag */
#define FLASH_SR_CLEAR                                                                                       \
    (FLASH_SR_EOP | FLASH_SR_OPERR | FLASH_SR_PROGERR | FLASH_SR_WRPERR | FLASH_SR_PGAERR |                  \
     FLASH_SR_SIZERR | FLASH_SR_PGSERR | FLASH_SR_MISERR | FLASH_SR_FASTERR | FLASH_SR_RDERR |               \
     FLASH_SR_OPTVERR)
#define FLASH_CR_PG                BIT(0)
#define FLASH_CR_PER               BIT(1)
#define FLASH_CR_MER1              BIT(2)
#define FLASH_CR_PNB               (127ul << 3)
#define FLASH_CR_PNB_Pos           3
#define FLASH_CR_STRT              BIT(16)
#define FLASH_CR_OPTSTRT           BIT(17)
#define FLASH_CR_EOPIE             BIT(24)
#define FLASH_CR_ERRIE             BIT(25)
#define FLASH_CR_OBL_LAUNCH        BIT(27)
#define FLASH_CR_OPTLOCK           BIT(30)
#define FLASH_CR_LOCK              BIT(31)
#define FLASH_ECCR_ADDR_ECC        0x0007FFFFul
#define FLASH_ECCR_ECCC            BIT(30)
#define FLASH_OPTR_nSWBOOT0        BIT(26)
#define FLASH_OPTR_nBOOT0          BIT(27)
#define FLASH_OPTR_RDP             (255ul << 0)
#define FLASH_WRP1AR_WRP1A_STRT    (127ul << 0) /* WRP1BR is built alike */
#define FLASH_WRP1AR_WRP1A_END     (127ul << 16)
#define FLASH_WRP1AR_WRP1A_END_Pos 16

/* ---- USB full-speed device: 16-bit registers, 32 bits apart ------------------------------ */
struct usb_regs {
    reg32 EPR[8], reserved20[8], CNTR, ISTR, FNR, DADDR, BTABLE, LPMCSR, BCDR;
};
#define USB     ((struct usb_regs *)0x40006800ul)
#define USB_PMA ((volatile uint16_t *)0x40006C00ul)

#define USB_EPR_STAT_TX     (3ul << 4)
#define USB_EPR_STAT_TX_Pos 4
#define USB_EPR_DTOG_TX     BIT(6)
#define USB_EPR_CTR_TX      BIT(7)
#define USB_EPR_EP_KIND     BIT(8)
#define USB_EPR_EP_TYPE     (3ul << 9)
#define USB_EPR_EP_TYPE_Pos 9
#define USB_EPR_SETUP       BIT(11)
#define USB_EPR_STAT_RX     (3ul << 12)
#define USB_EPR_STAT_RX_Pos 12
#define USB_EPR_DTOG_RX     BIT(14)
#define USB_EPR_CTR_RX      BIT(15)
#define USB_CNTR_FRES       BIT(0)
#define USB_CNTR_LPMODE     BIT(2)
#define USB_CNTR_FSUSP      BIT(3)
#define USB_CNTR_RESUME     BIT(4)
#define USB_CNTR_RESETM     BIT(10)
#define USB_CNTR_SUSPM      BIT(11)
#define USB_CNTR_WKUPM      BIT(12)
#define USB_CNTR_CTRM       BIT(15)
#define USB_CNTR_AT_RESET   0x0003ul
#define USB_ISTR_EP_ID      (15ul << 0)
#define USB_ISTR_RESET      BIT(10)
#define USB_ISTR_SUSP       BIT(11)
#define USB_ISTR_WKUP       BIT(12)
#define USB_ISTR_CTR        BIT(15)
#define USB_FNR_FN          (2047ul << 0)
#define USB_DADDR_EF        BIT(7)
#define USB_BCDR_DPPU       BIT(15)

/* ---- CRS: clock recovery system ---------------------------------------------------------- */
struct crs_regs {
    reg32 CR, CFGR, ISR, ICR;
};
#define CRS ((struct crs_regs *)0x40006000ul)

#define CRS_CR_CEN           BIT(5)
#define CRS_CR_AUTOTRIMEN    BIT(6)
#define CRS_CFGR_SYNCSRC     (3ul << 28)
#define CRS_CFGR_SYNCSRC_Pos 28 /* 2: USB SOF, the reset value */

/* ---- GPIO -------------------------------------------------------------------------------- */
struct gpio_regs {
    reg32 MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFRL, AFRH, BRR;
};
#define GPIOA ((struct gpio_regs *)0x48000000ul)
#define GPIOB ((struct gpio_regs *)0x48000400ul)
#define GPIOC ((struct gpio_regs *)0x48000800ul)
#define GPIOH ((struct gpio_regs *)0x48001C00ul)

/* MODER, OSPEEDR, PUPDR: two bits a pin. MODER: 0 input, 1 output, 2 alternate function, 3 analog. */
#define GPIO_FIELD(pin, value) ((unsigned long)(value) << (2 * (pin)))

/* ---- SYSCFG ------------------------------------------------------------------------------ */
struct syscfg_regs {
    reg32 MEMRMP, CFGR1, EXTICR[4], SCSR, CFGR2, SWPR, SKR;
};
#define SYSCFG ((struct syscfg_regs *)0x40010000ul)

#define SYSCFG_MEMRMP_MEM_MODE (7ul << 0) /* 0 flash, 1 system memory, 3 SRAM1, 6 QUADSPI */
#define SYSCFG_CFGR2_SPF       BIT(8)     /* SRAM2 parity error, write 1 to clear */

/* ---- EXTI -------------------------------------------------------------------------------- */
struct exti_regs {
    reg32 IMR1, EMR1, RTSR1, FTSR1, SWIER1, PR1, reserved18[2], IMR2, EMR2, RTSR2, FTSR2, SWIER2, PR2;
};
#define EXTI ((struct exti_regs *)0x40010400ul)

#define EXTI_IMR1_AT_RESET 0xFF820000ul
#define EXTI_IMR2_AT_RESET 0xFFFFFF87ul

/* ---- RTC: backup registers --------------------------------------------------------------- */
struct rtc_regs {
    reg32 TR, DR, CR, ISR, PRER, WUTR, reserved18, ALRMAR, ALRMBR, WPR, SSR, SHIFTR, TSTR, TSDR, TSSSR, CALR;
    reg32 TAMPCR, ALRMASSR, ALRMBSSR, OR, BKPR[32];
};
#define RTC ((struct rtc_regs *)0x40002800ul)

#define RTC_ISR_ALRAF BIT(8)
#define RTC_ISR_ALRBF BIT(9)
#define RTC_ISR_WUTF  BIT(10)

/* ---- IWDG: independent watchdog ---------------------------------------------------------- */
struct iwdg_regs {
    reg32 KR, PR, RLR, SR, WINR;
};
#define IWDG ((struct iwdg_regs *)0x40003000ul)

#define IWDG_KEY_RELOAD 0xAAAAul
#define IWDG_KEY_ACCESS 0x5555ul /* to PR, RLR and WINR */

/* ---- WWDG: window watchdog --------------------------------------------------------------- */
#define WWDG_CR      ((reg32 *)0x40002C00)
#define WWDG_CR_FULL 0x7Ful /* the highest count; WDGA stays as it is, it cannot be cleared */

/* ---- CRC calculation unit ---------------------------------------------------------------- */
struct crc_regs {
    reg32 DR, IDR, CR, reservedC, INIT, POL;
};
#define CRC ((struct crc_regs *)0x40023000ul)

#define CRC_CR_RESET       BIT(0)
#define CRC_CR_REV_IN_BYTE (1ul << 5)
#define CRC_CR_REV_IN_WORD (3ul << 5)
#define CRC_CR_REV_OUT     BIT(7)

/* ---- device electronic signature --------------------------------------------------------- */
#define UID ((const volatile uint32_t *)0x1FFF7590ul) /* 96 bits */

#endif
