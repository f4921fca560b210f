/* The Nucleo-L433RC-P for programs that run: clocks up, 1 ms time base, LED LD4 on PB13 (UM2206). */
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"

enum { LED_PIN = 13 };

static volatile uint32_t milliseconds;

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    milliseconds++;
}

void port_init(void)
{
    /* In the bootloader the clock is up and USB attached, whose bus clock must not fall to 4 MHz. */
    if (!PORT_BOOT) {
        port_fast(false); /* the ROM leaves the PLL on, which cannot be set again until it is off */
        port_fast(true);
    }
    /* A dead HSI16 still leaves a blinking LED. */
    uint32_t hz = (RCC->CFGR & RCC_CFGR_SWS) ? 80000000 : 4000000;

    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOBEN;
    (void)RCC->AHB2ENR; /* two cycles until a clock enable counts */
    GPIOB->MODER = (GPIOB->MODER & ~GPIO_FIELD(LED_PIN, 3)) | GPIO_FIELD(LED_PIN, 1);

    SysTick->LOAD = hz / 1000 - 1;
    SysTick->VAL = 0;
    SysTick->CTRL = SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_TICKINT_Msk | SysTick_CTRL_ENABLE_Msk;
}

uint32_t port_ms(void)
{
    return milliseconds;
}

void port_led(bool on)
{
    GPIOB->BSRR = on ? BIT(LED_PIN) : BIT(LED_PIN + 16);
}

void port_wait(void)
{
    __WFI(); /* wakes on a pending interrupt, masked or not */
}

void port_lock(void)
{
    __disable_irq();
}

void port_unlock(void)
{
    __enable_irq();
}

const uint32_t *port_uid(void)
{
    return (const uint32_t *)UID; /* it does not change */
}
