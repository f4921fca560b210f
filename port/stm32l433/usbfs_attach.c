/* Switches the USB device block on, and the pull-up by which a host sees it: 48 MHz from HSI48 trimmed by
 * CRS on SOF, supply, pins. Has no variables, so the bootloader can connect before there is a driver. */
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"
#include "port/stm32l433/usbfs.h"

#define INLINE static inline __attribute__((always_inline))

INLINE void start(void)
{
    RCC->CRRCR |= RCC_CRRCR_HSI48ON;
    RCC->CCIPR &= ~RCC_CCIPR_CLK48SEL;
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOAEN;
    RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN | RCC_APB1ENR1_CRSEN | RCC_APB1ENR1_USBFSEN;
    (void)RCC->APB1ENR1; /* two cycles until a clock enable counts */

    PWR->CR2 |= PWR_CR2_USV; /* the transceiver is isolated until then */
    /* PA11 = DM, PA12 = DP: alternate function 10. */
    GPIOA->AFRH = (GPIOA->AFRH & ~0x000FF000ul) | 0x000AA000ul;
    GPIOA->OSPEEDR |= GPIO_FIELD(11, 3) | GPIO_FIELD(12, 3);
    GPIOA->MODER =
        (GPIOA->MODER & ~(GPIO_FIELD(11, 3) | GPIO_FIELD(12, 3))) | GPIO_FIELD(11, 2) | GPIO_FIELD(12, 2);

    /* HSI48 takes 6 us at most; without it the host will not see a device, which is all we can say. */
    for (unsigned i = 0; i < 1000 && !(RCC->CRRCR & RCC_CRRCR_HSI48RDY); i++)
        ;
    CRS->CR |= CRS_CR_AUTOTRIMEN | CRS_CR_CEN; /* CFGR resets to SOF, 1 kHz */

    RCC->APB1RSTR1 |= RCC_APB1RSTR1_USBFSRST;
    RCC->APB1RSTR1 &= ~RCC_APB1RSTR1_USBFSRST;
    USB->CNTR = USB_CNTR_FRES;        /* power on, still in reset */
    for (unsigned i = 0; i < 64; i++) /* tSTARTUP: 1 us; each read takes at least two cycles of 80 MHz */
        (void)USB->CNTR;
    USB->CNTR = 0;
    USB->BTABLE = USBFS_BTABLE;
    NVIC->ISER[USB_IRQn / 32] = BIT(USB_IRQn % 32);
}

INLINE void connect(bool on)
{
    USB->ISTR = 0;
    USB->CNTR = on ? USB_CNTR_CTRM | USB_CNTR_RESETM | USB_CNTR_SUSPM | USB_CNTR_WKUPM : 0;
    USB->BCDR = on ? USB_BCDR_DPPU : 0;
    if (!on)
        USB->DADDR = 0;
}

void usbfs_start(void)
{
    start();
}

void usbfs_connect(bool on)
{
    connect(on);
}

/* There are no calls in it, since boot_start.c needs it before there can be. */
void usbfs_attach(void)
{
    start();
    connect(true);
}
