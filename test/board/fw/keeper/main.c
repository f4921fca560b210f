/* An application without interrupts that keeps data in SRAM, variables and stack: LD4 (PB13) toggles every
 * 100 ms, by a timer that is polled, as long as all of it is as it was written. Uses the FPU. */
#include "port/stm32l433/irq.h"
#include <stdbool.h>
#include <stdint.h>

#define REG(addr) (*(volatile uint32_t *)(addr))

enum { TABLE = 4096, LOCAL = 64 };
static uint32_t table[TABLE];
static volatile float factor = 1.5f;

static uint32_t word(unsigned i)
{
    return i * 2654435761u;
}

static void fill(uint32_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        words[i] = word(i);
}

/* Looks at a few words after each other. */
static bool kept(const volatile uint32_t *words, unsigned n)
{
    bool same = true;
    static unsigned at;
    for (unsigned i = 0; i < 16; i++, at++)
        same &= words[at % n] == word(at % n);
    return same;
}

int main(void)
{
    uint32_t local[LOCAL];
    fill(table, TABLE);
    fill(local, LOCAL);
    factor = factor * 2.0f;

    REG(0x4002104C) |= 1u << 1; /* RCC_AHB2ENR.GPIOBEN */
    REG(0x40021058) |= 1;       /* RCC_APB1ENR1.TIM2EN */
    (void)REG(0x40021058);
    REG(0x48000400) = 0xF7FFFEBF; /* GPIOB_MODER: reset value, PB13 output */
    REG(0x4000002C) = 399999;     /* TIM2_ARR: 100 ms at the 4 MHz after reset */
    REG(0x40000000) = 1;          /* TIM2_CR1.CEN */
    while (kept(table, TABLE) && kept(local, LOCAL) && factor > 2.9f && factor < 3.1f) {
        if (REG(0x40000010) & 1) { /* TIM2_SR.UIF */
            REG(0x40000010) = 0;
            REG(0x48000414) ^= 1u << 13; /* GPIOB_ODR */
        }
    }
    for (;;) {
    }
}
