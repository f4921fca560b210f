/* What the bootloader relies on in DFU: the way to 80 MHz, code and vectors in SRAM mapped at 0, the USB
 * transceiver and its interrupt in Sleep, BOOT0 and the watchdog. The chip's USB may be wired to a host or
 * not. */
#include "check.h"

/* ---- 80 MHz ------------------------------------------------------------------------------ */

/* Programs keep time with CYCCNT across WFI, and the virtual board lets it go on; in Stop it does not. */
static void cycles_asleep(void)
{
    enum { MS = CORE_MHZ * 1000 };
    __disable_irq();
    SysTick->LOAD = MS - 1;
    SysTick->VAL = 0;
    SysTick->CTRL = SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_TICKINT_Msk | SysTick_CTRL_ENABLE_Msk;
    uint32_t from = cycles();
    while (!(SCB->ICSR & SCB_ICSR_PENDSTSET_Msk))
        __WFI();
    uint32_t passed = cycles() - from;
    SysTick->CTRL = 0;
    SCB->ICSR = SCB_ICSR_PENDSTCLR_Msk;
    __enable_irq();
    check(passed > MS - 200 && passed < MS + 200, "CLOCK", "CYCCNT goes on in Sleep: of 16000", passed,
          "cycles");
}

/* The port asks for SYSCLK from the PLL before that is ready; others wait for PLLRDY first. */
void stage_switch(void)
{
    static const char area[] = "CLOCK";
    unsigned turns = 0;

    FLASH->ACR = (FLASH->ACR & ~FLASH_ACR_LATENCY) | 4;
    while ((FLASH->ACR & FLASH_ACR_LATENCY) != 4)
        ;
    RCC->PLLCFGR = RCC_PLLCFGR_PLLSRC_HSI16 | 10ul << RCC_PLLCFGR_PLLN_Pos | RCC_PLLCFGR_PLLREN;
    RCC->CR |= RCC_CR_PLLON;
    bool early = !(RCC->CR & RCC_CR_PLLRDY);
    RCC->CFGR = RCC_SYSCLK_PLL;
    while ((RCC->CFGR & RCC_CFGR_SWS) >> RCC_CFGR_SWS_Pos != RCC_SYSCLK_PLL && ++turns < 100000)
        ;
    bool came = (RCC->CFGR & RCC_CFGR_SWS) >> RCC_CFGR_SWS_Pos == RCC_SYSCLK_PLL;
    RCC->CFGR = RCC_SYSCLK_HSI16;
    for (unsigned i = 0; i < 100000 && (RCC->CFGR & RCC_CFGR_SWS) >> RCC_CFGR_SWS_Pos != RCC_SYSCLK_HSI16;
         i++)
        ;
    RCC->CR &= ~RCC_CR_PLLON;
    for (unsigned i = 0; i < 100000 && (RCC->CR & RCC_CR_PLLRDY); i++)
        ;
    RCC->PLLCFGR = RCC_PLLCFGR_AT_RESET;
    FLASH->ACR = FLASH_ACR_AT_RESET;
    check(early && came, area, "the switch to a PLL that is not ready comes when it is; turns", turns, "");
    check((RCC->APB1SMENR1 >> 10 & 1) && (RCC->APB1SMENR1 >> 24 & 1) && (RCC->APB1SMENR1 >> 26 & 1), area,
          "RTC, CRS and USB have their bus clocks in Sleep", RCC->APB1SMENR1, hex);
    cycles_asleep();
}

/* ---- SRAM at 0 --------------------------------------------------------------------------- */

static volatile uint32_t from_0, exceptions, constant;

/* Where the program counter is while flash is not at 0. */
__attribute__((section(".ramcode"), noinline)) static uint32_t where(void)
{
    uint32_t pc;
    __asm volatile("mov %0, pc" : "=r"(pc));
    return pc;
}

__attribute__((section(".ramcode"))) static void pended(void)
{
    exceptions++;
    from_0 = where();
}

/* In flash; a word is read beside it, as the constants of the boot path are. */
__attribute__((noinline)) static uint32_t where_in_flash(void)
{
    uint32_t pc, word;
    __asm volatile("mov %0, pc\n"
                   "ldr %1, =0x600DF1A5\n"
                   "b 1f\n"
                   ".ltorg\n"
                   "1:"
                   : "=r"(pc), "=r"(word));
    constant = word;
    return pc;
}

static uint32_t at_0(uint32_t addr)
{
    return addr - RAM_ADDR;
}

void stage_world(void)
{
    static const char area[] = "MEMORY";
    static uint32_t table[16] __attribute__((aligned(512)));
    uint32_t vtor = SCB->VTOR;

    uint32_t from = ((uint32_t(*)(void))((uint32_t)where_in_flash - FLASH_ADDR))();
    check(from < FLASH_SIZE && constant == 0x600DF1A5, area, "code runs from flash at 0", from, hex);

    RCC->APB2ENR |= RCC_APB2ENR_SYSCFGEN;
    (void)RCC->APB2ENR;
    __disable_irq();
    SYSCFG->MEMRMP = 3;
    __DSB();
    __ISB();
    uint32_t pc = ((uint32_t(*)(void))at_0((uint32_t)where))();
    table[16 + PendSV_IRQn] = at_0((uint32_t)pended);
    SCB->VTOR = at_0((uint32_t)table);
    __DSB();
    SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
    __enable_irq();
    __ISB();
    __disable_irq();
    SCB->VTOR = vtor;
    SYSCFG->MEMRMP = 0;
    __DSB();
    __ISB();
    __enable_irq();
    check(pc < RAM_SIZE, area, "code runs from SRAM1 at 0", pc, hex);
    check(exceptions == 1 && from_0 < RAM_SIZE, area, "with its vectors there", exceptions, "exceptions");
}

/* ---- USB --------------------------------------------------------------------------------- */

/* Waits in Sleep until USB's interrupt is pending, masked as in the bootloader's main loop; SysTick bounds
 * it. */
static bool usb_wakes(void)
{
    SysTick->LOAD = 0xFFFFFF; /* 1 s */
    SysTick->VAL = 0;
    SysTick->CTRL = SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_TICKINT_Msk | SysTick_CTRL_ENABLE_Msk;
    while (!NVIC_GetPendingIRQ(USB_IRQn) && !(SCB->ICSR & SCB_ICSR_PENDSTSET_Msk))
        __WFI();
    SysTick->CTRL = 0;
    SCB->ICSR = SCB_ICSR_PENDSTCLR_Msk;
    return NVIC_GetPendingIRQ(USB_IRQn);
}

/* Before the first SOF trims it: by the CRS, whose other source is LSE. 1024 Hz of that are 46875 periods. */
static void untrimmed(const char *area)
{
    enum { PERIODS = 46875 };
    RCC->APB1ENR1 |= RCC_APB1ENR1_CRSEN;
    (void)RCC->APB1ENR1;
    uint32_t cfgr = CRS->CFGR;
    CRS->CFGR = 1ul << CRS_CFGR_SYNCSRC_Pos | 5ul << 24 | 255ul << 16 | (PERIODS - 1);
    CRS->CR |= CRS_CR_CEN;
    wait_us(10000);
    uint32_t isr = CRS->ISR, off = isr >> 16;
    CRS->CR &= ~CRS_CR_CEN;
    CRS->CFGR = cfgr;
    CRS->ICR = 0xF;
    RCC->APB1ENR1 &= ~RCC_APB1ENR1_CRSEN;
    check((isr & 7) && off < PERIODS / 25, area, "HSI48 is off, before CRS trims it, by",
          off * 1000 / (PERIODS / 1000), "ppm");
}

/* VDDUSB is a pin of its own, and what the board connects it to is not in any document read. */
static void supply(const char *area)
{
    PWR->CR2 |= BIT(4); /* PVME1: is it above 1.2 V? */
    wait_us(1000);
    check(!(PWR->SR2 & BIT(12)), area, "VDDUSB is supplied (PVMO1)", PWR->SR2, hex);
    PWR->CR2 &= ~BIT(4);
}

void stage_transceiver(void)
{
    static const char area[] = "USB";

    supply(area);
    __disable_irq();
    RCC->CRRCR |= RCC_CRRCR_HSI48ON;
    (void)wait_for(&RCC->CRRCR, RCC_CRRCR_HSI48RDY, 1000);
    untrimmed(area);
    RCC->APB1ENR1 |= RCC_APB1ENR1_USBFSEN;
    (void)RCC->APB1ENR1;
    PWR->CR2 |= PWR_CR2_USV;
    GPIOA->AFRH = (GPIOA->AFRH & ~0x000FF000ul) | 0x000AA000ul;
    GPIOA->MODER =
        (GPIOA->MODER & ~(GPIO_FIELD(11, 3) | GPIO_FIELD(12, 3))) | GPIO_FIELD(11, 2) | GPIO_FIELD(12, 2);
    USB->CNTR = USB_CNTR_FRES;
    wait_us(2);
    USB->CNTR = 0;
    USB->ISTR = 0;
    USB->CNTR = USB_CNTR_RESETM | USB_CNTR_SUSPM;
    USB->BCDR = USB_BCDR_DPPU;
    wait_us(50);
    uint32_t early = USB->ISTR;
    NVIC_EnableIRQ(USB_IRQn);
    bool woken = usb_wakes();
    uint32_t istr = USB->ISTR, fnr = USB->FNR;
    USB->BCDR = 0;
    USB->CNTR = USB_CNTR_AT_RESET;
    NVIC_DisableIRQ(USB_IRQn);
    NVIC_ClearPendingIRQ(USB_IRQn);
    GPIOA->MODER |= GPIO_FIELD(11, 3) | GPIO_FIELD(12, 3);
    RCC->APB1ENR1 &= ~RCC_APB1ENR1_USBFSEN;
    RCC->CRRCR &= ~RCC_CRRCR_HSI48ON;
    __enable_irq();
    check(istr & (USB_ISTR_RESET | USB_ISTR_SUSP), area,
          "with the pull-up it sees a host's reset, or an idle bus and suspends", istr, hex);
    check(woken, area, "and its interrupt ends Sleep", woken, "");
    measured(area, "USB_ISTR 50 us after the pull-up (0x400: taken for a reset)", early, hex);
    measured(area, "USB_FNR then (bit 15 DP, bit 14 DM)", fnr, hex);
}

/* ---- what resets ------------------------------------------------------------------------- */

void stage_ways_to_reset(void)
{
    /* BOOT0 decides where a reset leads (port_reset_goes_to_rom). */
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOHEN;
    (void)RCC->AHB2ENR;
    uint32_t moder = GPIOH->MODER;
    GPIOH->MODER = moder & ~GPIO_FIELD(3, 3);
    wait_us(100);
    uint32_t level = GPIOH->IDR >> 3 & 1;
    GPIOH->MODER = moder;
    check(level == 0, "BOARD", "BOOT0 (PH3) is low", level, "");
    measured("BOARD", "FLASH_OPTR", FLASH->OPTR, hex);

    /* It is fed whether or not it runs. */
    for (unsigned i = 0; i < 10; i++) {
        IWDG->KR = IWDG_KEY_RELOAD;
        wait_us(1000);
    }
    check(IWDG->SR == 0, "RESET", "a watchdog that does not run may be fed", IWDG->SR, hex);
}
