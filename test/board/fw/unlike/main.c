/* An application that starts unlike most: the FPU is used by its first instructions, the core runs from MSI
 * at 48 MHz and then from a PLL on MSI, and it has no start-up code but its own. */
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"

void Reset_Handler(void);
static void run(uint32_t sum);

__attribute__((section(".isr_vector"), used)) static const struct {
    uint32_t sp;
    void (*reset)(void);
    uint32_t others[97];
} vectors = {0x20010000, Reset_Handler, {0}};

/* 1.5 * 4 + 3 by the FPU; r0 goes on as the argument. */
__attribute__((naked, noreturn)) void Reset_Handler(void)
{
    __asm volatile("ldr r0, =0xE000ED88\n" /* CPACR */
                   "mov r1, #0x00F00000\n"
                   "str r1, [r0]\n"
                   "dsb\n"
                   "isb\n"
                   "vmov.f32 s0, #1.5\n"
                   "vmov.f32 s1, #4.0\n"
                   "vmov.f32 s2, #3.0\n"
                   "vmla.f32 s2, s0, s1\n"
                   "vcvt.u32.f32 s2, s2\n"
                   "vmov r0, s2\n"
                   "b %0\n"
                   ".ltorg\n" ::"i"(run));
}

/* What the test looks at. */
struct seen {
    uint32_t sum, msi, pll, turns;
};
#define SEEN ((volatile struct seen *)0x20001000)

static void wait_for(const volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    while ((*reg & mask) != value)
        ;
}

__attribute__((used, noreturn)) static void run(uint32_t sum)
{
    SEEN->sum = sum;
    SEEN->turns = 0;
    FLASH->ACR = FLASH_ACR_AT_RESET | 4;
    wait_for(&FLASH->ACR, FLASH_ACR_LATENCY, 4);
    RCC->CR = (RCC->CR & ~0xF0ul) | 11ul << 4 | 8; /* MSIRANGE 48 MHz, MSIRGSEL */
    wait_for(&RCC->CR, RCC_CR_MSIRDY, RCC_CR_MSIRDY);
    SEEN->msi = RCC->CR;
    RCC->PLLCFGR = 1 | 5ul << 4 | 20ul << RCC_PLLCFGR_PLLN_Pos | RCC_PLLCFGR_PLLREN; /* MSI / 6 * 20 / 2 */
    RCC->CR |= RCC_CR_PLLON;
    wait_for(&RCC->CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY);
    RCC->CFGR = RCC_SYSCLK_PLL << RCC_CFGR_SW_Pos;
    wait_for(&RCC->CFGR, RCC_CFGR_SWS, RCC_SYSCLK_PLL << RCC_CFGR_SWS_Pos);
    SEEN->pll = RCC->CFGR;
    for (;;)
        SEEN->turns++;
}
