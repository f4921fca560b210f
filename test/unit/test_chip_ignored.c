/* Writes that the chip ignores because of its state are told, once a block after each reset: those of
 * RM0394's "can be written only when", of locks, of clocks that are off. */
#include "chip_regs.h"

#include <string.h>

#define AHB1ENR  RCC(0x48)
#define AHB2ENR  RCC(0x4C)
#define APB1ENR1 RCC(0x58)
#define APB2ENR  RCC(0x60)
#define PWR_CR1  0x40007000u
#define USART1   0x40013800u
#define LPUART1  0x40008000u
#define I2C2     0x40005800u
#define DMA1     0x40020000u
#define LPTIM2   0x40009400u
#define RTC      0x40002800u
#define IWDG     0x40003000u
#define CAN1     0x40006400u
#define CRS      0x40006000u
#define DAC1     0x40007400u
#define TIM1     0x40012C00u
#define ADC1     0x50040000u
#define SPI1     0x40013000u
#define QUADSPI  0xA0001000u
#define GPIOC    0x48000800u

/* What follows of a write that is no harmless one. */
#define PGSERR_STANDS ": that sets PGSERR, which fails later programming until it is cleared"

struct step {
    uint32_t addr, value;
};

/* After the steps the last of them is ignored, with that sentence, or that beginning of it; NULL: it is not,
 * or changes nothing. */
static const struct row {
    const char *told;
    struct step steps[6];
} rows[] = {
    {"GPIOC is written while its clock is off (bit 2 of RCC_AHB2ENR)", {{GPIOC, 1}}},
    {NULL, {{LPUART1, 0}, {LPUART1 + 0x20, 0}}}, /* zeros to what is zero */
    {NULL, {{GPIOC, 0xFFFFFFFF}}},               /* GPIOC_MODER's reset value */
    {"TIM1 is written while its clock is off (bit 11 of RCC_APB2ENR)",
     {{TIM1, 0}, {TIM1 + 0x2C, 0}}}, /* ARR */
    {"LPUART1 is written while its clock is off (bit 0 of RCC_APB1ENR2)", {{LPUART1, 1}}},
    {"DMA1 is written while it is held in reset (bit 0 of RCC_AHB1RSTR)",
     {{AHB1ENR, 0x101}, {RCC(0x28), 1}, {DMA1 + 8, 1}}},
    {"USART1_CR1 is written while UE is set", {{APB2ENR, 1 << 14}, {USART1, 1}, {USART1, 1 | 1 << 10}}},
    {"USART1_CR2 is written while UE is set", {{APB2ENR, 1 << 14}, {USART1, 1}, {USART1 + 4, 1 << 13}}},
    {"USART1_CR3 is written while UE is set", {{APB2ENR, 1 << 14}, {USART1, 1}, {USART1 + 8, 1 << 3}}},
    {NULL, {{APB2ENR, 1 << 14}, {USART1 + 0xC, 100}, {USART1, 13}, {USART1 + 0xC, 200}}},
    {NULL, {{APB2ENR, 1 << 14}, {USART1, 1 | 1 << 10}, {USART1, 0}}}, /* switched off by that very write */
    {"USART1_TDR is written while UE is clear", {{APB2ENR, 1 << 14}, {USART1 + 0x28, 'x'}}},
    {"I2C2_CR2.START is written while PE is clear", {{APB1ENR1, 1 << 22}, {I2C2 + 4, 1 << 13}}},
    {NULL,
     {{APB1ENR1, 1 << 22}, {I2C2 + 4, 1 << 25 | 1 << 15}}}, /* AUTOEND and NACK, as HAL_I2C_Init() does */
    {"I2C2_TIMINGR is written while PE is set", {{APB1ENR1, 1 << 22}, {I2C2, 1}, {I2C2 + 0x10, 0x1234}}},
    {"I2C2_CR1 is written while PE is set", {{APB1ENR1, 1 << 22}, {I2C2, 1}, {I2C2, 1 | 1 << 12}}},
    {"I2C2_OAR1 is written while the address is enabled",
     {{APB1ENR1, 1 << 22}, {I2C2 + 8, 0x8010}, {I2C2 + 8, 0x8020}}},
    {NULL, {{APB1ENR1, 1 << 22}, {I2C2 + 8, 0x8010}, {I2C2 + 8, 0}}},
    {"DMA1_CNDTR is written while EN is set",
     {{AHB1ENR, 0x101}, {DMA1 + 0xC, 5}, {DMA1 + 8, 1}, {DMA1 + 0xC, 6}}},
    {"DMA1_CCR is written while EN is set", {{AHB1ENR, 0x101}, {DMA1 + 8, 1}, {DMA1 + 8, 1 | 1 << 7}}},
    {NULL, {{AHB1ENR, 0x101}, {DMA1 + 0xC, 5}, {DMA1 + 8, 1}, {DMA1 + 0xC, 5}}},
    {NULL, {{AHB1ENR, 0x101}, {DMA1 + 8, 1 | 1 << 7}, {DMA1 + 8, 0}, {DMA1 + 0xC, 6}}},
    {"LPTIM2_ARR is written while ENABLE is clear", {{RCC(0x5C), 1 << 5}, {LPTIM2 + 0x18, 100}}},
    {"LPTIM2_CMP is written while ENABLE is clear", {{RCC(0x5C), 1 << 5}, {LPTIM2 + 0x14, 100}}},
    {"LPTIM2_CFGR is written while ENABLE is set",
     {{RCC(0x5C), 1 << 5}, {LPTIM2 + 0x10, 1}, {LPTIM2 + 0xC, 2 << 9}}},
    {"LPTIM2_CR.CNTSTRT or SNGSTRT is written while ENABLE is clear",
     {{RCC(0x5C), 1 << 5}, {LPTIM2 + 0x10, 1 | 1 << 2}}},
    {NULL, {{RCC(0x5C), 1 << 5}, {LPTIM2 + 0x10, 1}, {LPTIM2 + 0x10, 1 | 1 << 2}}},
    {"ADC1_CR.ADSTART is written while ADEN is clear", {{AHB2ENR, 1 << 13}, {ADC1 + 8, 1 << 2}}},
    {"ADC1_CR.JADSTART is written while ADEN is clear", {{AHB2ENR, 1 << 13}, {ADC1 + 8, 1 << 3}}},
    {"QUADSPI is written while BUSY is set",
     {{RCC(0x50), 1 << 8},
      {QUADSPI, 1},
      {QUADSPI + 0x10, 9},
      {QUADSPI + 0x14, 0x05000103},
      {QUADSPI + 0x10, 8}}},
    {"QUADSPI_CR is written while BUSY is set",
     {{RCC(0x50), 1 << 8},
      {QUADSPI, 1},
      {QUADSPI + 0x10, 9},
      {QUADSPI + 0x14, 0x05000103},
      {QUADSPI, 1 | 1 << 24}}},
    {NULL,
     {{RCC(0x50), 1 << 8}, {QUADSPI, 1}, {QUADSPI + 0x10, 9}, {QUADSPI + 0x14, 0x05000103}, {QUADSPI, 3}}},
    {"QUADSPI is written while BUSY is set",
     {{RCC(0x50), 1 << 8},
      {QUADSPI, 1},
      {QUADSPI + 4, 0x160000},
      {QUADSPI + 0x14, 0x05000503},
      {QUADSPI + 0x18, 4},
      {QUADSPI + 0x18, 0}}},
    /* ST's HAL clears AR behind a command without address. */
    {NULL,
     {{RCC(0x50), 1 << 8},
      {QUADSPI, 1},
      {QUADSPI + 0x18, 4},
      {QUADSPI + 0x14, 0x05000103},
      {QUADSPI + 0x18, 0}}},
    {"SYSCFG_SCSR is written without the keys in SYSCFG_SKR", {{APB2ENR, 1}, {SYSCFG(0x18), 1}}},
    {"RCC_BDCR is written while PWR_CR1.DBP is clear", {{RCC(0x90), 1}}},
    {NULL, {{RCC(0x90), 0}}},
    {"RCC_PLLCFGR is written while a PLL is on",
     {{RCC(0x0C), 0x01002001}, {RCC(0), 0x01000063}, {RCC(0x0C), 0x01002801}}},
    {"RCC_PLLSAI1CFGR is written while PLLSAI1ON is set",
     {{RCC(0x0C), 0x00001001}, {RCC(0), 0x04000063}, {RCC(0x10), 0x00002000}}},
    {"RTC_BKPxR is written while PWR_CR1.DBP is clear", {{RTC + 0x50, 1}}},
    {"RTC is written while PWR_CR1.DBP is clear", {{RTC + 0x40, 1}}},
    {"RTC is written while RCC_BDCR.BDRST is set",
     {{APB1ENR1, 1 << 28 | 1 << 10}, {PWR_CR1, 0x300}, {RCC(0x90), 1 << 16}, {RTC + 0x40, 1}}},
    {"RTC is written without the keys in RTC_WPR",
     {{APB1ENR1, 1 << 28 | 1 << 10}, {PWR_CR1, 0x300}, {RTC + 8, 0x40}}},
    {NULL, {{APB1ENR1, 1 << 28 | 1 << 10}, {PWR_CR1, 0x300}, {RTC + 0x50, 1}}},
    {"RTC_TR is written while INITF is clear",
     {{APB1ENR1, 1 << 28 | 1 << 10}, {PWR_CR1, 0x300}, {RTC + 0x24, 0xCA}, {RTC + 0x24, 0x53}, {RTC, 1}}},
    {"RTC_ALRMBSSR is written while ALRBWF is clear",
     {{APB1ENR1, 1 << 28 | 1 << 10},
      {PWR_CR1, 0x300},
      {RTC + 0x24, 0xCA},
      {RTC + 0x24, 0x53},
      {RTC + 8, 1 << 9},
      {RTC + 0x48, 1}}},
    {"IWDG_RLR is written without 0x5555 in IWDG_KR", {{IWDG + 8, 100}}},
    {"FLASH_CR is written while LOCK is set", {{FLASH(FLASH_CR), CR_PG}}},
    {NULL, {{FLASH(FLASH_CR), CR_LOCK | CR_OPTLOCK}}},
    {"FLASH is written at 0x08010000 while PG is clear" PGSERR_STANDS, {{0x08010000, 0}}},
    {"FLASH is written at 0x00000004, as by a null pointer, while PG is clear" PGSERR_STANDS, {{4, 0}}},
    {NULL,
     {{FLASH(FLASH_KEYR), 0x45670123},
      {FLASH(FLASH_KEYR), 0xCDEF89AB},
      {FLASH(FLASH_CR), CR_PG},
      {0x08010004, 0}}}, /* an error of programming, PGAERR */
    {"FLASH_CR is written with OPTSTRT or OBL_LAUNCH while OPTLOCK is set",
     {{FLASH(FLASH_KEYR), 0x45670123}, {FLASH(FLASH_KEYR), 0xCDEF89AB}, {FLASH(FLASH_CR), CR_OPTSTRT}}},
    {"CAN1_BTR is written while CAN_MSR.INAK is clear", {{APB1ENR1, 1 << 25}, {CAN1 + 0x1C, 1}}},
    {"CAN1 is written in its filters while CAN_FMR.FINIT is clear",
     {{APB1ENR1, 1 << 25}, {CAN1 + 0x200, 0}, {CAN1 + 0x204, 1}}},
    {"CRS_CFGR is written while CEN is set", {{APB1ENR1, 1 << 24}, {CRS, 0x2020}, {CRS + 4, 0}}},
    {"DAC1_MCR is written while the channel is enabled", {{APB1ENR1, 1 << 29}, {DAC1, 1}, {DAC1 + 0x3C, 1}}},
    {NULL, {{APB1ENR1, 1 << 29}, {DAC1, 1}, {DAC1 + 0x3C, 1 << 16}}}, /* the other channel */
    {"TIM1 is written against LOCK in its BDTR",
     {{APB2ENR, 1 << 11}, {TIM1 + 0x44, 1 << 8}, {TIM1 + 4, 1 << 8}}},
};

static void each_is_told_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        size_t n = 0, told_length = r->told ? strlen(r->told) : 0;
        const char *end = r->told && strchr(r->told, ':') ? "" : ": the chip ignores that";
        chip_request_reset(rig, RESET_SOFT);
        rig_settle();
        wr(APB1ENR1, 1 << 28); /* what the row before has set outside the reach of a reset */
        wr(PWR_CR1, 0x300);
        wr(RCC(0x90), 1 << 16);
        wr(RCC(0x90), 0);
        wr(PWR_CR1, 0x200);
        wr(APB1ENR1, 1 << 10);
        told.n = 0;
        while (n < 6 && r->steps[n].addr)
            n++;
        for (size_t k = 0; k < n; k++) {
            if (told_count("ignored"))
                fail_msg("row %zu: step %zu was ignored: %s", i, k - 1, told_last("ignored")->text);
            wr(r->steps[k].addr, r->steps[k].value);
        }
        wr(r->steps[n - 1].addr, r->steps[n - 1].value); /* another time nothing is told */
        if (told_count("ignored") != (r->told != NULL))
            fail_msg("row %zu: told %u times", i, told_count("ignored"));
        if (r->told && (strncmp(told_last("ignored")->text, r->told, told_length) != 0 ||
                        strcmp(told_last("ignored")->text + told_length, end) != 0))
            fail_msg("row %zu: %s", i, told_last("ignored")->text);
    }
}

/* A reset, and it is told again, with the instruction's address. */
static void again_after_a_reset(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        told.n = 0;
        wr(GPIOC, 1);
        assert_int_equal(told_count("ignored"), 1);
        assert_int_equal(told_last("ignored")->a & ~3u, 0x10000100); /* the rig's loop */
        chip_request_reset(rig, RESET_SOFT);
        rig_settle();
    }
    told.n = 0;
    clock_on(0x4C, 2);
    wr(GPIOC, 1);
    assert_int_equal(told_count("ignored"), 0);
}

/* A debugger's write is no instruction's: it is not told, and leaves the next one to be told. */
static void not_of_a_debugger(void **state)
{
    (void)state;
    assert_true(chip_debug_write(rig, GPIOC, 4, 1));
    assert_int_equal(told_count("ignored"), 0);
    wr(GPIOC, 1);
    assert_int_equal(told_count("ignored"), 1);
    assert_true(chip_debug_write(rig, LPUART1, 4, 1));
    assert_int_equal(told_count("ignored"), 1);
}

/* Nor is DMA's store the instruction's that runs meanwhile: it is told without an address of one. */
static void not_of_dma(void **state)
{
    (void)state;
    clock_on(0x48, 0);
    wr(0x4002000C, 1); /* channel 1, a word from memory to memory */
    wr(0x40020010, 0x08010000);
    wr(0x40020014, 0x20000000);
    wr(0x40020008, 1 << 14 | 0xA10 | 1);
    run_us(10);
    assert_int_equal(told_count("ignored"), 0);
    assert_int_equal(told_count("message"), 1);
    assert_non_null(strstr(told_last("message")->text, "FLASH is written at 0x08010000"));
}

/* Whether a write would change anything is looked up without a reading's effects: a byte that a block without
 * its clock, or held in reset, has received is still there. */
static void looked_up_without_effects(void **state)
{
    (void)state;
    chip_config(rig)->spi[0] = SPI_LOOP;
    set_bits(APB2ENR, 1 << 12);
    wr(SPI1 + 4, 7 << 8 | 1 << 12);
    wr(SPI1, 0x344); /* a master, enabled */
    wr8(SPI1 + 0xC, 0x5A);
    run_us(100);
    clear_bits(APB2ENR, 1 << 12);
    wr8(SPI1 + 0xC, 0);
    wr8(SPI1 + 0xC, 0x5A); /* what it has, which is not told */
    assert_int_equal(told_count("ignored"), 1);
    set_bits(APB2ENR, 1 << 12);
    assert_int_equal(rd(SPI1 + 8) & 1, 1); /* RXNE */
    assert_int_equal(rd8(SPI1 + 0xC), 0x5A);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_is_told_once, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(again_after_a_reset, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(not_of_dma, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(not_of_a_debugger, rig_on, rig_off),
        cmocka_unit_test_setup_teardown(looked_up_without_effects, rig_on_awake, rig_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
