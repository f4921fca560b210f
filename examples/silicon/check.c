/* See check.h. */
#include "check.h"

const char hex[] = "", none[] = "";

/* ---- output ------------------------------------------------------------------------------ */

void say(const char *text)
{
    for (; *text; text++) {
        (void)wait_for(&LPUART1->ISR, USART1_ISR_TXE, 1000);
        LPUART1->TDR = (uint8_t)*text;
    }
    (void)wait_for(&LPUART1->ISR, USART1_ISR_TC, 1000); /* a reset may come next */
}

void say_number(uint32_t number, unsigned base)
{
    char text[11]; /* 2^32 and a NUL */
    unsigned at = sizeof text;
    text[--at] = 0;
    do
        text[--at] = "0123456789ABCDEF"[number % base];
    while ((number /= base) > 0);
    say(text + at);
}

static void line(const char *verdict, const char *area, const char *what, uint32_t number, const char *unit)
{
    say(verdict);
    say(area);
    say("  ");
    say(what);
    if (unit != none) {
        say(unit == hex ? ": 0x" : ": ");
        say_number(number, unit == hex ? 16 : 10);
        say(unit[0] ? " " : "");
        say(unit);
    }
    say("\r\n");
}

void check(bool holds, const char *area, const char *what, uint32_t number, const char *unit)
{
    enum kept n = holds ? KEPT_CONFIRMED : KEPT_DIFFERS;
    keep(n, kept(n) + 1);
    line(holds ? "confirmed " : "DIFFERS   ", area, what, number, unit);
}

void measured(const char *area, const char *what, uint32_t number, const char *unit)
{
    line("measured  ", area, what, number, unit);
}

/* ---- backup registers -------------------------------------------------------------------- */

uint32_t kept(enum kept n)
{
    RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN | RCC_APB1ENR1_RTCAPBEN;
    (void)RCC->APB1ENR1;
    return RTC->BKPR[n];
}

void keep(enum kept n, uint32_t value)
{
    (void)kept(n);
    PWR->CR1 |= PWR_CR1_DBP;
    for (unsigned i = 0; i < 1000 && RTC->BKPR[n] != value; i++)
        RTC->BKPR[n] = value;
}

/* ---- time -------------------------------------------------------------------------------- */

void wait_us(uint32_t us)
{
    for (; us > 100000; us -= 100000)
        wait_us(100000);
    for (uint32_t from = cycles(); us_since(from) < us;)
        ;
}

uint32_t wait_for(const reg32 *reg, uint32_t mask, uint32_t us)
{
    uint32_t from = cycles();
    while (!(*reg & mask))
        if (us_since(from) >= us)
            return us;
    return us_since(from);
}

/* ---- faults ------------------------------------------------------------------------------ */

volatile uint32_t faults, nmis, nmi_eccr, nmi_keep;

/* Goes on behind the access: the stacked PC moves over it. A store may be buffered and fault late; the ones
 * here are followed by a barrier, and two NOPs take up the slack. */
__attribute__((used)) void fault_skip(uint32_t *frame);
void fault_skip(uint32_t *frame)
{
    faults++;
    uint16_t op = *(const uint16_t *)frame[6];
    frame[6] += (op >> 11) >= 0x1D ? 4 : 2;
    SCB->CFSR = 0xFFFFFFFF;
    SCB->HFSR = 0xFFFFFFFF;
}

void HardFault_Handler(void);
__attribute__((naked)) void HardFault_Handler(void)
{
    __asm volatile("mrs r0, msp\n"
                   "b fault_skip\n");
}

void NMI_Handler(void);
void NMI_Handler(void)
{
    nmis++;
    nmi_eccr = FLASH->ECCR;
    if (nmi_keep > 0)
        nmi_keep--;
    else
        FLASH->ECCR = nmi_eccr; /* writing ones clears */
    __DSB();
}

bool read_word(uint32_t addr, uint32_t *value)
{
    uint32_t before = faults, word;
    __asm volatile("mov %0, #0\n ldr %0, [%1]\n dsb\n nop\n nop" : "=&r"(word) : "r"(addr) : "memory");
    *value = word;
    return faults == before;
}

bool write_word(uint32_t addr, uint32_t value)
{
    uint32_t before = faults;
    __asm volatile("str %0, [%1]\n dsb\n nop\n nop" ::"r"(value), "r"(addr) : "memory");
    return faults == before;
}

/* ---- resets ------------------------------------------------------------------------------ */

void reset_now(void)
{
    __NVIC_SystemReset();
}

void clear_flags(void)
{
    RCC->CSR |= RCC_CSR_RMVF;
    RCC->CSR &= ~RCC_CSR_RMVF;
}
