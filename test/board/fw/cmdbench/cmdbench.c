/* The firmware that the tests of the vboard command run. What it does depends on the word at 0x08030000,
 * which each test loads beside it. Registers: RM0394. */
#include <stdint.h>

#define REG(addr) (*(volatile uint32_t *)(addr))

/* Numbers of the table at the end; test/support/cmdbench.h has the same. */
#define MODE REG(0x08030000)

enum { PAGE = 64, PAGE_ADDR = 0x08000000 + PAGE * 2048 };

__attribute__((noinline)) static void wait_for_ever(void)
{
    for (;;)
        __asm volatile("wfi");
}

/* ---- what SysTick does: toggles PB13 every 10 ms at 4 MHz (MSI after reset) ---- */

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    uint32_t on = REG(0x48000414) & 1u << 13;          /* GPIOB_ODR */
    REG(0x48000418) = on ? 1u << (13 + 16) : 1u << 13; /* GPIOB_BSRR */
}

static void blink(void)
{
    REG(0x4002104C) |= 1u << 1; /* RCC_AHB2ENR.GPIOBEN */
    (void)REG(0x4002104C);
    REG(0x48000400) = 0xF7FFFEBF; /* GPIOB_MODER: PB13 output */
    REG(0xE000E014) = 40000 - 1;  /* SYST_RVR */
    REG(0xE000E018) = 0;
    REG(0xE000E010) = 7;
    wait_for_ever();
}

/* ---- faults ---- */

__attribute__((noinline)) void undefined_instruction(void);
void undefined_instruction(void)
{
    __asm volatile("udf #7");
}

/* As assembly by hand leaves it: a label without type and size, at the assembler's own mark, $t. */
__asm(".section .text.bare_label, \"ax\"\n .thumb\nbare_label: udf #7\n .previous");

static void assembly(void)
{
    extern const char bare_label[];
    ((void (*)(void))((uintptr_t)bare_label | 1))();
}

__attribute__((noinline)) void unmapped_access(void);
void unmapped_access(void)
{
    (void)REG(0x60000000);
}

static void jump_into_nothing(void)
{
    ((void (*)(void))0x08020001)(); /* erased flash */
}

/* IWDG with 32 ms, then a lock-up: the watchdog must bring the chip back. */
static void watchdog(void)
{
    REG(0x40003000) = 0x5555;
    REG(0x40003004) = 0;
    REG(0x40003008) = 255;
    REG(0x40003000) = 0xCCCC;
    undefined_instruction();
}

/* ---- flash: erases a page, then programs eight double words, word n with n in each byte ---- */

static void program(void)
{
    REG(0x40022008) = 0x45670123; /* FLASH_KEYR */
    REG(0x40022008) = 0xCDEF89AB;
    REG(0x40022010) = 0xC3FB; /* FLASH_SR */
    REG(0x40022014) = 1u << 1 | PAGE << 3;
    REG(0x40022014) |= 1u << 16;
    while (REG(0x40022010) & 1u << 16)
        ;
    REG(0x40022014) = 1u << 0;
    for (uint32_t n = 0; n < 8; n++) {
        REG(PAGE_ADDR + 8 * n) = 0x01010101u * n;
        REG(PAGE_ADDR + 8 * n + 4) = 0x01010101u * n;
        while (REG(0x40022010) & 1u << 16)
            ;
    }
    REG(0x40022014) = 1u << 31;
    wait_for_ever();
}

/* ---- USART2 on PA2 and PA3 at 9600 baud: what comes back is one more than what came ---- */

static void echo(void)
{
    REG(0x4002104C) |= 1u << 0;  /* GPIOA */
    REG(0x40021058) |= 1u << 17; /* RCC_APB1ENR1.USART2EN */
    (void)REG(0x40021058);
    REG(0x48000020) = 0x7700;     /* GPIOA_AFRL: AF7 on PA2, PA3 */
    REG(0x48000000) = 0xABFFFFAF; /* GPIOA_MODER */
    REG(0x4000440C) = 4000000 / 9600;
    REG(0x40004400) = 1u << 3 | 1u << 2 | 1u << 0;
    for (;;) {
        while (!(REG(0x4000441C) & 1u << 5)) /* USART_ISR.RXNE */
            ;
        REG(0x40004428) = REG(0x40004424) + 1; /* TDR, RDR */
    }
}

/* ---- the button: PB13 follows PC13, PB12 follows PA1 ---- */

static void inputs(void)
{
    REG(0x4002104C) |= 7;
    (void)REG(0x4002104C);
    REG(0x48000400) = 0xF5FFFEBF; /* PB12, PB13 outputs */
    REG(0x48000000) = 0xABFFFFF3; /* PA1 input, no pull */
    REG(0x48000800) = 0xF3FFFFFF; /* PC13 input, no pull */
    for (;;) {
        REG(0x48000418) = REG(0x48000810) & 1u << 13 ? 1u << 13 : 1u << 29;
        REG(0x48000418) = REG(0x48000010) & 1u << 1 ? 1u << 12 : 1u << 28;
    }
}

/* ---- keeps a value in RTC_BKP5R ---- */

static void backup(void)
{
    REG(0x40021058) |= 1u << 28 | 1u << 10; /* PWREN, RTCAPBEN */
    (void)REG(0x40021058);
    REG(0x40007000) |= 1u << 8; /* PWR_CR1.DBP */
    REG(0x40002864)++;          /* RTC_BKP5R */
    wait_for_ever();
}

__attribute__((noinline)) static void spin(void)
{
    for (;;)
        ;
}

static void touch_etm(void)
{
    (void)REG(0xE0041010); /* ETMSR: instruction trace is not modelled */
    wait_for_ever();
}

/* ---- TIM2 channel 1 on PA5: 1 kHz, a quarter of the time high ---- */

static void pwm(void)
{
    REG(0x4002104C) |= 1u << 0;
    REG(0x40021058) |= 1u << 0; /* TIM2EN */
    (void)REG(0x40021058);
    REG(0x48000020) = 1u << 20;   /* AF1 on PA5 */
    REG(0x48000000) = 0xABFFFBFF; /* PA5: alternate function */
    REG(0x4000002C) = 4000 - 1;   /* ARR */
    REG(0x40000034) = 1000;       /* CCR1 */
    REG(0x40000018) = 6u << 4;    /* CCMR1: PWM mode 1 */
    REG(0x40000020) = 1;          /* CCER */
    REG(0x40000014) = 1;          /* EGR */
    REG(0x40000000) = 1;          /* CR1 */
    wait_for_ever();
}

/* ---- ADC1: PC0, again and again, into a word that the test looks at ---- */

static void adc(void)
{
    volatile uint32_t *result = (volatile uint32_t *)0x20008000;
    REG(0x4002104C) |= 1u << 13 | 1u << 2;
    (void)REG(0x4002104C);
    REG(0x48000800) |= 3;       /* PC0 analog */
    REG(0x4800082C) |= 1;       /* GPIOC_ASCR */
    REG(0x50040308) = 1u << 16; /* ADC_CCR.CKMODE: HCLK */
    REG(0x50040008) = 1u << 28; /* ADC_CR.ADVREGEN */
    for (volatile int i = 0; i < 100; i++)
        ;
    REG(0x50040008) |= 1u << 0; /* ADEN */
    while (!(REG(0x50040000) & 1u << 0))
        ;
    REG(0x50040030) = 1u << 6; /* SQR1: one conversion, channel 1 */
    for (;;) {
        REG(0x50040008) |= 1u << 2;
        while (!(REG(0x50040000) & 1u << 2))
            ;
        *result = REG(0x50040040);
    }
}

/* ---- ITM: prints as CMSIS does, which drops what nobody has enabled ---- */

static void print(const char *text)
{
    for (; *text != '\0'; text++)
        if (REG(0xE0000E80) & 1 && REG(0xE0000E00) & 1) { /* TCR.ITMENA, TER */
            while (!REG(0xE0000000))
                ;
            *(volatile uint8_t *)0xE0000000 = (uint8_t)*text;
        }
}

static void swo(void)
{
    print("Hello\n");
    print("SWO\n");
    wait_for_ever();
}

/* The same by a program that needs no debugger for it. */
static void own_swo(void)
{
    REG(0xE000EDFC) |= 1u << 24; /* DEMCR.TRCENA */
    REG(0xE00400F0) = 2;
    REG(0xE0040010) = 1;
    REG(0xE0000FB0) = 0xC5ACCE55;
    REG(0xE0000E80) = 1;
    REG(0xE0000E00) = 1;
    print("lost: SWO has no pin yet\n");
    REG(0xE0042004) |= 1u << 5; /* DBGMCU_CR.TRACE_IOEN */
    swo();
}

/* And one that waits without a look whether somebody has enabled it. */
static void swo_waits(void)
{
    while (!REG(0xE0000000))
        ;
    *(volatile uint8_t *)0xE0000000 = 'x';
    wait_for_ever();
}

/* ---- semihosting: SYS_WRITEC ---- */

static void semihosting(void)
{
    static const char c = 'x';
    __asm volatile("mov r0, #3\n mov r1, %0\n bkpt 0xab" : : "r"(&c) : "r0", "r1", "memory");
    REG(0x20008000) = 0x600D600D;
    wait_for_ever();
}

static void (*const table[])(void) = {blink,
                                      undefined_instruction,
                                      unmapped_access,
                                      jump_into_nothing,
                                      watchdog,
                                      program,
                                      echo,
                                      inputs,
                                      backup,
                                      spin,
                                      touch_etm,
                                      pwm,
                                      adc,
                                      swo,
                                      own_swo,
                                      swo_waits,
                                      semihosting,
                                      assembly};

int main(void)
{
    uint32_t mode = MODE;
    if (mode < sizeof table / sizeof table[0])
        table[mode]();
    return 0;
}
