/* What docs/chip-model.md decided for single blocks and a board without wires can answer. Nothing of sureboot
 * relies on it; other firmware on the virtual board may. */
#include "check.h"

static const char area[] = "MODEL";

/* ---- writes that are ignored, or are not ------------------------------------------------- */

void stage_writes(void)
{
    /* LSCOSEL stands for LSCOEN, which would take PA2 from the serial port. */
    enum { LSCOSEL = BIT(25) };
    PWR->CR1 &= ~PWR_CR1_DBP;
    (void)PWR->CR1;
    wait_us(10);
    RCC->BDCR |= LSCOSEL;
    check(!(RCC->BDCR & LSCOSEL), area, "LSCO is not written without DBP", RCC->BDCR, hex);
    PWR->CR1 |= PWR_CR1_DBP;
    wait_us(10);
    RCC->BDCR &= ~(uint32_t)LSCOSEL;

    RCC->APB2ENR |= RCC_APB2ENR_USART1EN;
    (void)RCC->APB2ENR;
    USART1->BRR = 139;
    USART1->CR1 = USART1_CR1_UE;
    USART1->BRR = 278;
    check(USART1->BRR == 278, area, "USART_BRR is written with UE set", USART1->BRR, "");
    USART1->CR2 = BIT(13); /* two stop bits */
    check(USART1->CR2 == 0, area, "and STOP is not", USART1->CR2, hex);
    USART1->CR1 = 0;
    RCC->APB2ENR &= ~RCC_APB2ENR_USART1EN;

    enum { OA1EN = BIT(15) };
    RCC->APB1ENR1 |= RCC_APB1ENR1_I2C2EN;
    (void)RCC->APB1ENR1;
    I2C2->CR1 = I2C1_CR1_PE;
    I2C2->OAR1 = OA1EN | 0x20;
    I2C2->OAR1 = OA1EN | 0x40;
    check(I2C2->OAR1 == (OA1EN | 0x20), area, "an own address of an I2C that is enabled stays", I2C2->OAR1,
          hex);
    I2C2->OAR1 = 0;
    I2C2->CR1 = 0;
    RCC->APB1ENR1 &= ~RCC_APB1ENR1_I2C2EN;
}

/* ---- USART ------------------------------------------------------------------------------- */

/* On a single wire, PA9, USART1 hears what it sends. */
void stage_usart(void)
{
    enum { FE = BIT(1), EOBF = BIT(12), SBKRQ = BIT(1) };

    RCC->APB2ENR |= RCC_APB2ENR_USART1EN;
    (void)RCC->APB2ENR;
    GPIOA->PUPDR = (GPIOA->PUPDR & ~GPIO_FIELD(9, 3)) | GPIO_FIELD(9, 1);
    GPIOA->AFRH = (GPIOA->AFRH & ~0xF0ul) | 0x70;
    GPIOA->MODER = (GPIOA->MODER & ~GPIO_FIELD(9, 3)) | GPIO_FIELD(9, 2);
    USART1->BRR = CORE_MHZ * 10; /* 100 kBd */
    USART1->CR3 = BIT(3);        /* HDSEL */
    USART1->CR1 = USART1_CR1_UE | USART1_CR1_TE | USART1_CR1_RE;
    unsigned heard = 0;
    for (unsigned i = 0; i < 6; i++) {
        USART1->TDR = 0x55;
        if (wait_for(&USART1->ISR, USART1_ISR_RXNE, 1000) < 1000 && USART1->RDR == 0x55)
            heard++;
    }
    uint32_t isr = USART1->ISR;
    check(heard == 6 && !(isr & EOBF), area,
          "six bytes on a single wire come back, without BLEN EOBF does not", isr, hex);
    USART1->RQR = SBKRQ;
    wait_us(300);
    isr = USART1->ISR;
    check((isr & FE) && (isr & USART1_ISR_RXNE), area, "a break comes back as a byte with FE", isr, hex);
    USART1->CR1 = 0;
    USART1->CR3 = 0;
    GPIOA->MODER |= GPIO_FIELD(9, 3);
    GPIOA->PUPDR &= ~GPIO_FIELD(9, 3);
    RCC->APB2ENR &= ~RCC_APB2ENR_USART1EN;
}

/* ---- EXTI -------------------------------------------------------------------------------- */

void stage_exti(void)
{
    reg32 *imr1 = &REG(0x40010400), *swier1 = &REG(0x40010410), *pr1 = &REG(0x40010414);

    *imr1 &= ~1ul;
    *swier1 = 1;
    check(!(*pr1 & 1), area, "SWIER leaves PR of a masked EXTI line", *pr1, hex);
    *swier1 = 0;
    check(!(*swier1 & 1), area, "a bit of SWIER falls by a 0", *swier1, hex);
    *pr1 = 1;
}

/* ---- timers ------------------------------------------------------------------------------ */

/* A written value that makes compare value and counter equal is a match. */
static void match_by_writing(bool count, bool runs)
{
    static const char *const what[2][2] = {
        {"CCR1 set to CNT is a match", "CCR1 set to CNT is a match, while it runs"},
        {"CNT set to CCR1 is a match", "CNT set to CCR1 is a match, while it runs"}};

    TIM15->PSC = 0xFFFF; /* 4 ms a count: the counter stands still meanwhile */
    TIM15->EGR = TIM1_EGR_UG;
    TIM15->CR1 = runs ? TIM1_CR1_CEN : 0;
    TIM15->CCR1 = count ? 40 : 100;
    TIM15->CNT = count ? 30 : 40;
    TIM15->SR = 0;
    *(count ? &TIM15->CNT : &TIM15->CCR1) = 40;
    wait_us(10);
    check(TIM15->SR & TIM1_SR_CC1IF, area, what[count][runs], TIM15->SR, hex);
    TIM15->CR1 = 0;
}

/* A period of 100 us on TIM16's channel 1, which no pin shows. */
static void tim16_drives(void)
{
    TIM16->PSC = CORE_MHZ - 1;
    TIM16->ARR = 99;
    TIM16->CCR1 = 50;
    TIM16->CCMR1 = 6ul << TIM1_CCMR1_OC1M_Pos;
    TIM16->CCER = TIM1_CCER_CC1E;
    TIM16->BDTR |= TIM1_BDTR_MOE;
    TIM16->EGR = TIM1_EGR_UG;
    TIM16->CR1 = TIM1_CR1_CEN;
}

/* How far the timer gets in 2 ms that counts what comes in at ITRx. */
static uint32_t counts_at(struct tim_regs *tim, uint32_t itr)
{
    tim->SMCR = itr << 4 | 7; /* TS, external clock mode 1 */
    tim->CNT = 0;
    tim->CR1 = TIM1_CR1_CEN;
    wait_us(2000);
    tim->CR1 = 0;
    tim->SMCR = 0;
    return tim->CNT;
}

void stage_timer(void)
{
    enum { TIMERS = RCC_APB2ENR_TIM1EN | RCC_APB2ENR_TIM15EN | RCC_APB2ENR_TIM16EN, OPM = BIT(3) };

    RCC->APB2ENR |= TIMERS;
    (void)RCC->APB2ENR;
    tim16_drives();
    uint32_t counted = counts_at(TIM15, 2);
    check(counted >= 19 && counted <= 21, area, "TIM16's channel 1 is TIM15's ITR2: edges in 2 ms", counted,
          "");
    counted = counts_at(TIM1, 3);
    check(counted >= 19 && counted <= 21, area, "and TIM1's ITR3: edges in 2 ms", counted, "");
    TIM16->CR1 = 0;

    for (unsigned i = 0; i < 4; i++)
        match_by_writing(i & 1, i & 2);
    TIM15->CR1 = OPM | TIM1_CR1_CEN;
    TIM15->EGR = TIM1_EGR_UG;
    check(TIM15->CR1 & TIM1_CR1_CEN, area, "UG does not stop a timer in one pulse mode", TIM15->CR1, hex);

    RCC->APB2RSTR |= RCC_APB2ENR_TIM16EN; /* the same bits there */
    RCC->APB2RSTR &= ~RCC_APB2ENR_TIM16EN;
    TIM16->BDTR = 0;
    TIM16->BDTR = BIT(8); /* LOCK 1 */
    check(TIM16->BDTR == 0, area, "LOCK stays 0 behind a first write of 0", TIM16->BDTR, hex);
    RCC->APB2RSTR |= TIMERS;
    RCC->APB2RSTR &= ~(uint32_t)TIMERS;
    RCC->APB2ENR &= ~(uint32_t)TIMERS;
}

/* ---- ADC --------------------------------------------------------------------------------- */

static bool converts(uint32_t bdtr, uint32_t ccer)
{
    enum { EOC = BIT(2) };
    TIM1->BDTR = bdtr;
    TIM1->CCER = ccer;
    wait_us(100);
    ADC1->ISR = EOC;
    return wait_for(&ADC1->ISR, EOC, 5000) < 5000;
}

/* At 250 kHz, so that a program can be faster than four of its periods. */
void stage_adc(void)
{
    RCC->APB2ENR |= RCC_APB2ENR_TIM1EN;
    RCC->AHB2ENR |= RCC_AHB2ENR_ADCEN;
    RCC->CCIPR |= 3ul << 28; /* ADCSEL: the system clock */
    (void)RCC->AHB2ENR;
    ADC1->CCR = 9ul << 18; /* PRESC: 64 */
    ADC1->CR = 0;          /* out of deep power-down */
    ADC1->CR = ADC1_CR_ADVREGEN;
    wait_us(20);
    ADC1->CR |= ADC1_CR_ADCAL;
    for (unsigned i = 0; i < 100000 && (ADC1->CR & ADC1_CR_ADCAL); i++)
        ;
    ADC1->CR |= ADC1_CR_ADEN;
    wait_us(50);
    check(!(ADC1->CR & ADC1_CR_ADEN), area, "ADEN right behind a calibration comes to nothing", ADC1->CR,
          hex);
    ADC1->CR |= ADC1_CR_ADEN;
    (void)wait_for(&ADC1->ISR, ADC1_ISR_ADRDY, 1000);
    ADC1->CFGR = 1ul << ADC1_CFGR_EXTEN_Pos | BIT(12); /* TIM1_CC1 rises; OVRMOD */
    ADC1->CR |= ADC1_CR_ADSTART;
    TIM1->PSC = CORE_MHZ - 1;
    TIM1->ARR = 999;
    TIM1->CCR1 = 500;
    TIM1->CCMR1 = 6ul << TIM1_CCMR1_OC1M_Pos;
    TIM1->EGR = TIM1_EGR_UG;
    TIM1->CR1 = TIM1_CR1_CEN;
    check(!converts(0, 0), area, "TIM1_CC1 starts no conversion without CC1E and MOE", 0, none);
    check(converts(TIM1_BDTR_MOE, TIM1_CCER_CC1E), area, "and does with them", 0, none);
    TIM1->CR1 = 0;
    RCC->AHB2RSTR |= RCC_AHB2ENR_ADCEN; /* the same bits there */
    RCC->APB2RSTR |= RCC_APB2ENR_TIM1EN;
    RCC->AHB2RSTR &= ~RCC_AHB2ENR_ADCEN;
    RCC->APB2RSTR &= ~RCC_APB2ENR_TIM1EN;
    RCC->AHB2ENR &= ~RCC_AHB2ENR_ADCEN;
    RCC->APB2ENR &= ~RCC_APB2ENR_TIM1EN;
}

/* ---- QUADSPI ----------------------------------------------------------------------------- */

/* Four bytes that are written in 128 us each, broken off; no pin shows it. */
void stage_quadspi(void)
{
    enum { CR, SR = 2, DLR = 4, CCR, DR = 8 };
    enum { EN = BIT(0), ABORT = BIT(1), TCF = BIT(1), BUSY = BIT(5), FLEVEL = 31 << 8 };
    reg32 *quadspi = &REG(0xA0001000);

    RCC->AHB3ENR |= BIT(8);
    (void)RCC->AHB3ENR;
    quadspi[CR] = 255ul << 24 | EN;
    quadspi[DLR] = 63;
    quadspi[CCR] = 1ul << 24; /* data on one line, indirect write */
    quadspi[DR] = 0x5A5A5A5A;
    uint32_t before = quadspi[SR];
    quadspi[CR] |= ABORT;
    for (unsigned i = 0; i < 100000 && (quadspi[CR] & ABORT); i++)
        ;
    uint32_t after = quadspi[SR];
    RCC->AHB3RSTR |= BIT(8);
    RCC->AHB3RSTR &= ~BIT(8);
    RCC->AHB3ENR &= ~BIT(8);
    check((before & FLEVEL) && (before & BUSY) && (after & (TCF | BUSY | FLEVEL)) == TCF, area,
          "an abort of QUADSPI empties its FIFO and sets TCF", after, hex);
}

/* ---- MSI and RNG ------------------------------------------------------------------------- */

static void select(uint32_t sysclk)
{
    RCC->CFGR = sysclk;
    for (unsigned i = 0; i < 1000 && (RCC->CFGR & RCC_CFGR_SWS) >> RCC_CFGR_SWS_Pos != sysclk; i++)
        ;
}

/* LPTIM1's clock is another one than the bus': two equal reads in a row count (RM0394 "LPTIM_CNT"). */
static uint32_t lse_ticks(void)
{
    uint32_t cnt = LPTIM1->CNT, again;
    while ((again = LPTIM1->CNT) != cnt)
        cnt = again;
    return cnt;
}

/* Periods of MSI in 1024 of LSE. */
static uint32_t msi_periods(uint32_t trim)
{
    RCC->ICSCR = (RCC->ICSCR & ~0xFF00ul) | trim << 8;
    uint32_t tick = lse_ticks();
    while (lse_ticks() == tick)
        ;
    uint32_t from = cycles();
    tick = lse_ticks();
    while ((lse_ticks() - tick) % 0x10000 < 1024)
        ;
    return cycles() - from;
}

/* The counter half a millisecond behind a CNTSTRT that comes when it has counted for ten. */
static uint32_t started_again(void)
{
    LPTIM1->CR = 0;
    LPTIM1->CFGR = BIT(19); /* TIMOUT */
    LPTIM1->CR = LPTIM1_CR_ENABLE;
    LPTIM1->ARR = 0xFFFF;
    LPTIM1->CR = LPTIM1_CR_ENABLE | LPTIM1_CR_CNTSTRT;
    wait_us(10000);
    LPTIM1->CR = LPTIM1_CR_ENABLE | LPTIM1_CR_CNTSTRT;
    wait_us(500);
    return lse_ticks();
}

void stage_msi(void)
{
    enum { RNGEN = BIT(2), CECS = BIT(1), RNGCLK = BIT(18) };

    RCC->APB1ENR1 |= RCC_APB1ENR1_LPTIM1EN;
    RCC->CCIPR |= 3ul << 18; /* LPTIM1SEL: LSE */
    (void)RCC->APB1ENR1;
    LPTIM1->CR = LPTIM1_CR_ENABLE;
    LPTIM1->ARR = 0xFFFF;
    LPTIM1->CR = LPTIM1_CR_ENABLE | LPTIM1_CR_CNTSTRT;
    select(RCC_SYSCLK_MSI);
    uint32_t plain = msi_periods(0), trimmed = msi_periods(5);
    RCC->ICSCR &= ~0xFF00ul;
    select(RCC_SYSCLK_HSI16);
    uint32_t ticks = started_again();
    LPTIM1->CR = 0;
    LPTIM1->CFGR = 0;
    RCC->APB1ENR1 &= ~RCC_APB1ENR1_LPTIM1EN;
    check(ticks < 32, area, "CNTSTRT with TIMOUT starts an LPTIM over", ticks, "periods");
    measured(area, "periods of MSI in 1024 of LSE", plain, "");
    measured(area, "and with MSITRIM 5", trimmed, "");

    RCC->CR = (RCC->CR & ~RCC_CR_MSIRANGE) | 3ul << 4 | RCC_CR_MSIRGSEL; /* 800 kHz, HCLK / 20 */
    wait_us(100);
    RCC->CCIPR |= RCC_CCIPR_CLK48SEL; /* MSI */
    RCC->AHB2ENR |= RNGCLK;
    (void)RCC->AHB2ENR;
    REG(0x50060800) = RNGEN;
    wait_us(200);
    uint32_t sr = REG(0x50060804);
    REG(0x50060800) = 0;
    RCC->AHB2ENR &= ~(uint32_t)RNGCLK;
    RCC->CCIPR &= ~RCC_CCIPR_CLK48SEL;
    RCC->CR = (RCC->CR & ~RCC_CR_MSIRANGE) | 6ul << 4;
    check(sr & CECS, area, "RNG at HCLK / 20: a clock error", sr, hex);
}
