/* Registers after reset, oscillators, memory, USB and board. */
#include "check.h"

/* ---- after reset ------------------------------------------------------------------------- */

void stage_registers(void)
{
    static const char area[] = "RESET";
    check((as_reset.cr | RCC_CR_MSIRDY) == RCC_CR_AT_RESET, area, "RCC_CR is 0x63", as_reset.cr, hex);
    check(as_reset.cfgr == 0, area, "RCC_CFGR is 0: MSI is the clock", as_reset.cfgr, hex);
    check(as_reset.ahb1enr == RCC_AHB1ENR_FLASHEN, area, "RCC_AHB1ENR is 0x100", as_reset.ahb1enr, hex);
    check(as_reset.apb1enr1 & RCC_APB1ENR1_RTCAPBEN, area, "RTCAPBEN is on", as_reset.apb1enr1, hex);
    measured(area, "RCC_CSR", as_reset.csr, hex);
    check(SCB->CPUID == 0x410FC241, area, "Cortex-M4 r0p1", SCB->CPUID, hex);
    check(REG(0x1FFF75E0) % 0x10000 == 256, area, "flash size word, KB", REG(0x1FFF75E0) % 0x10000, "");

    /* Peripherals whose clock is off read as 0 and take nothing. */
    RCC->AHB2ENR &= ~RCC_AHB2ENR_GPIOHEN;
    (void)RCC->AHB2ENR;
    uint32_t off = GPIOH->MODER;
    GPIOH->MODER = 0;
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOHEN;
    (void)RCC->AHB2ENR;
    uint32_t on = GPIOH->MODER;
    RCC->AHB2ENR &= ~RCC_AHB2ENR_GPIOHEN;
    check(off == 0, area, "a GPIO port without clock reads 0", off, hex);
    check(on != 0, area, "and takes no write", on, hex);
    check(on == 0xF, area, "GPIOH_MODER is 0xF", on, hex);
    RCC->APB1ENR1 &= ~RCC_APB1ENR1_RTCAPBEN;
    (void)RCC->APB1ENR1;
    uint32_t locked = RTC->BKPR[KEPT_MAGIC];
    check(locked == 0, area, "backup registers without RTCAPBEN read 0", locked, hex);
    uint32_t value = kept(KEPT_MAGIC);
    check(value != 0 && !(RCC->BDCR & RCC_BDCR_RTCEN), area, "and work without RTC clock", RCC->BDCR, hex);

    /* How long DBP takes to reach the backup domain: the port allows 100 writes. */
    PWR->CR1 &= ~PWR_CR1_DBP;
    (void)PWR->CR1;
    wait_us(10);
    RTC->BKPR[KEPT_A] = 0x5A5A5A5A;
    check(RTC->BKPR[KEPT_A] != 0x5A5A5A5A, area, "backup registers without DBP take no write",
          RTC->BKPR[KEPT_A], hex);
    uint32_t writes = 0;
    PWR->CR1 |= PWR_CR1_DBP;
    while (RTC->BKPR[KEPT_A] != 0x5A5A5A5A && writes < 1000) {
        RTC->BKPR[KEPT_A] = 0x5A5A5A5A;
        writes++;
    }
    check(writes <= 100, area, "writes until DBP counts", writes, "");
}

/* ---- oscillators ------------------------------------------------------------------------- */

void stage_oscillators(void)
{
    static const char area[] = "CLOCK";
    uint32_t us;

    RCC->CRRCR |= RCC_CRRCR_HSI48ON;
    us = wait_for(&RCC->CRRCR, RCC_CRRCR_HSI48RDY, 10000);
    check(us < 1000, area, "HSI48 is ready after", us, "us");
    RCC->CRRCR &= ~RCC_CRRCR_HSI48ON;

    RCC->PLLCFGR = RCC_PLLCFGR_PLLSRC_HSI16 | 10ul << RCC_PLLCFGR_PLLN_Pos | RCC_PLLCFGR_PLLREN;
    RCC->CR |= RCC_CR_PLLON;
    us = wait_for(&RCC->CR, RCC_CR_PLLRDY, 10000);
    check(us < 1000, area, "the PLL is ready after", us, "us");
    RCC->CR &= ~RCC_CR_PLLON;
    uint32_t from = cycles();
    while ((RCC->CR & RCC_CR_PLLRDY) && us_since(from) < 1000)
        ;
    RCC->PLLCFGR = RCC_PLLCFGR_AT_RESET;
    check(RCC->PLLCFGR == RCC_PLLCFGR_AT_RESET, area, "PLLCFGR can be put back", RCC->PLLCFGR, hex);

    RCC->CR |= RCC_CR_MSIRGSEL;
    bool set = RCC->CR & RCC_CR_MSIRGSEL;
    RCC->CR &= ~RCC_CR_MSIRGSEL;
    measured(area, "MSIRGSEL can be set and cleared again", set && !(RCC->CR & RCC_CR_MSIRGSEL), "");

    /* RTC on LSE: Standby and Shutdown later need it. */
    RCC->BDCR |= 1; /* LSEON */
    us = wait_for(&RCC->BDCR, 2, 6000000);
    check(us < 5000000, area, "LSE is ready after", us / 1000, "ms");
    RCC->BDCR |= 1ul << 8 | RCC_BDCR_RTCEN;
}

/* ---- memory ------------------------------------------------------------------------------ */

void stage_memory(void)
{
    static const char area[] = "MEMORY";
    static volatile uint32_t word;

    RCC->APB2ENR |= RCC_APB2ENR_SYSCFGEN;
    (void)RCC->APB2ENR;
    check((SYSCFG->MEMRMP & SYSCFG_MEMRMP_MEM_MODE) == 0, area, "MEMRMP is 0: flash is at 0", SYSCFG->MEMRMP,
          hex);
    word = 0x600DF00D;
    SYSCFG->MEMRMP = 3;
    __DSB();
    __ISB();
    uint32_t seen;
    bool readable = read_word((uint32_t)&word - RAM_ADDR, &seen);
    SYSCFG->MEMRMP = 0;
    __DSB();
    __ISB();
    check(readable && seen == 0x600DF00D, area, "MEMRMP 3 maps SRAM1 to 0", seen, hex);
    check(FLASH->OPTR & BIT(25), area, "SRAM2_RST: a reset does not erase SRAM2", FLASH->OPTR, hex);

    /* SRAM2 has two addresses. */
    volatile uint32_t *alias = (volatile uint32_t *)(RAM_ADDR + RAM_SIZE - SRAM2_SIZE);
    *alias = 0xA11A5000;
    check(REG(SRAM2_ADDR) == 0xA11A5000, area, "SRAM2 is behind SRAM1 as well", REG(SRAM2_ADDR), hex);

    RCC->AHB1ENR |= RCC_AHB1ENR_CRCEN;
    (void)RCC->AHB1ENR;
    static const char text[] __attribute__((aligned(4))) = "123456789";
    CRC->INIT = 0xFFFFFFFF;
    CRC->CR = CRC_CR_REV_OUT | CRC_CR_REV_IN_WORD | CRC_CR_RESET;
    CRC->DR = ((const uint32_t *)text)[0];
    CRC->DR = ((const uint32_t *)text)[1];
    CRC->CR = CRC_CR_REV_OUT | CRC_CR_REV_IN_BYTE;
    *(volatile uint8_t *)&CRC->DR = (uint8_t)text[8];
    check(~CRC->DR == 0xCBF43926, area, "the CRC unit does zlib's CRC-32, by words and bytes", ~CRC->DR, hex);
    RCC->AHB1ENR &= ~RCC_AHB1ENR_CRCEN;
}

/* ---- USB and board ----------------------------------------------------------------------- */

void stage_usb_and_board(void)
{
    RCC->CRRCR |= RCC_CRRCR_HSI48ON;
    (void)wait_for(&RCC->CRRCR, RCC_CRRCR_HSI48RDY, 1000);
    RCC->APB1ENR1 |= RCC_APB1ENR1_USBFSEN | RCC_APB1ENR1_CRSEN;
    (void)RCC->APB1ENR1;
    PWR->CR2 |= PWR_CR2_USV;
    check(USB->CNTR == USB_CNTR_AT_RESET, "USB", "USB_CNTR is 3", USB->CNTR, hex);
    USB->CNTR = USB_CNTR_FRES;
    wait_us(2); /* tSTARTUP, 1 us */
    USB->CNTR = 0;
    USB->ISTR = 0;
    USB_PMA[0] = 0x1234;
    USB_PMA[1] = 0x5678;
    check(USB_PMA[0] == 0x1234 && USB_PMA[1] == 0x5678, "USB", "packet memory is 16 bits wide, without gaps",
          USB_PMA[1], hex);
    measured("USB", "32 bits read from packet memory at once", REG((uint32_t)USB_PMA), hex);
    USB->DADDR = USB_DADDR_EF | 5;
    USB->CNTR = USB_CNTR_FRES;
    USB->CNTR = 0;
    check(USB->DADDR == (USB_DADDR_EF | 5), "USB", "a forced reset leaves the device address", USB->DADDR,
          hex);
    USB->BCDR = USB_BCDR_DPPU;
    check(USB->BCDR & USB_BCDR_DPPU, "USB", "the pull-up can be switched on", USB->BCDR, hex);
    USB->BCDR = 0;
    check(CRS->CFGR == 0x2022BB7F, "USB", "CRS_CFGR is ready for SOF", CRS->CFGR, hex);
    RCC->APB1ENR1 &= ~(RCC_APB1ENR1_USBFSEN | RCC_APB1ENR1_CRSEN);
    RCC->CRRCR &= ~RCC_CRRCR_HSI48ON;

    /* B1 is not pressed: with the weak pull against it, the level is what the board makes it. */
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOCEN;
    (void)RCC->AHB2ENR;
    uint32_t level[2];
    GPIOC->MODER &= ~GPIO_FIELD(13, 3);
    for (unsigned pull = 1; pull <= 2; pull++) {
        GPIOC->PUPDR = (GPIOC->PUPDR & ~GPIO_FIELD(13, 3)) | GPIO_FIELD(13, pull);
        wait_us(1000);
        level[pull - 1] = GPIOC->IDR >> 13 & 1;
    }
    GPIOC->PUPDR &= ~GPIO_FIELD(13, 3);
    check(level[0] == 0 && level[1] == 0, "BOARD", "B1 is low while it is not pressed (pull-up, pull-down)",
          level[0] * 10 + level[1], "");
}
