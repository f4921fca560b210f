/* The firmware's register header against a table of facts that does not come from it: addresses,
 * bits, and that no mask of the header is without a fact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "port/stm32l433/periph.h"

static void registers_are_where_the_manual_says(void **state)
{
    (void)state;
#define REGISTER(reg, addr)                                                                                  \
    if ((uintptr_t) & (reg) != (addr))                                                                       \
        fail_msg("%s is at 0x%08lx, not 0x%08lx", #reg, (unsigned long)(uintptr_t) & (reg),                  \
                 (unsigned long)(addr));
#define FIELD(mask, low, bits)
#define VALUE(name, value)
#include "regs_facts.inc"
#undef REGISTER
#undef FIELD
#undef VALUE
}

static void masks_are_what_the_manual_says(void **state)
{
    (void)state;
#define REGISTER(reg, addr)
#define FIELD(mask, low, bits)                                                                               \
    if ((mask) != ((1ul << (bits)) - 1) << (low))                                                            \
        fail_msg("%s is 0x%lx, not %d bits from %d", #mask, (unsigned long)(mask), bits, low);
#define VALUE(name, value)                                                                                   \
    if ((unsigned long)(name) != (value##ul))                                                                \
        fail_msg("%s is 0x%lx, not 0x%lx", #name, (unsigned long)(name), value##ul);
#include "regs_facts.inc"
#undef REGISTER
#undef FIELD
#undef VALUE
}

static void check_position(const char *name, unsigned long mask, unsigned position)
{
    if (!(mask >> position & 1) || mask >> position << position != mask)
        fail_msg("%s is 0x%lx, its position %u", name, mask, position);
}

static void positions_fit_their_masks(void **state)
{
    (void)state;
#define CHECK(field) check_position(#field, (field), (field##_Pos))
    CHECK(RCC_CFGR_SW);
    CHECK(RCC_CFGR_SWS);
    CHECK(RCC_PLLCFGR_PLLN);
    CHECK(RCC_PLLCFGR_PLLR);
    CHECK(RCC_CSR_FLAGS);
    CHECK(PWR_CR1_VOS);
    CHECK(FLASH_CR_PNB);
    CHECK(FLASH_WRP1AR_WRP1A_END);
    CHECK(USB_EPR_STAT_TX);
    CHECK(USB_EPR_STAT_RX);
    CHECK(USB_EPR_EP_TYPE);
    CHECK(CRS_CFGR_SYNCSRC);
    CHECK(RCC_CCIPR_LPTIM2SEL);
    CHECK(PWR_CR1_LPMS);
    CHECK(RTC_CR_WUCKSEL);
    CHECK(DMA_CCR1_PSIZE);
    CHECK(DMA_CCR1_MSIZE);
    CHECK(TIM1_CR2_MMS);
    CHECK(TIM1_CCMR1_OC1M);
    CHECK(LPTIM1_CFGR_PRESC);
    CHECK(ADC1_CFGR_EXTSEL);
    CHECK(ADC1_CFGR_EXTEN);
    CHECK(ADC1_SMPR1_SMP1);
    CHECK(ADC1_SMPR2_SMP17);
    CHECK(ADC1_SQR1_SQ1);
    CHECK(ADC1_SQR1_SQ2);
    CHECK(ADC1_SQR1_SQ3);
    CHECK(ADC_CCR_CKMODE);
    CHECK(SPI1_CR1_BR);
    CHECK(SPI1_CR2_DS);
    CHECK(I2C1_CR2_NBYTES);
    CHECK(I2C1_TIMINGR_SCLL);
    CHECK(I2C1_TIMINGR_SCLH);
    CHECK(I2C1_TIMINGR_SCLDEL);
    CHECK(I2C1_TIMINGR_PRESC);
}

static char facts[64 * 1024];

/* Every definition of a header has a fact. */
static void check_masks(const char *header, unsigned *checked)
{
    FILE *f = fopen(header, "r");
    assert_non_null(f);
    char line[256], name[64], key[72];
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "#define %63[A-Za-z0-9_]%*[ ]%71s", name, key) != 2)
            continue; /* not a definition, or one with parameters */
        size_t n = strlen(name);
        if ((n > 4 && strcmp(name + n - 4, "_Pos") == 0) || strstr(line, "_regs *)"))
            continue; /* positions and base addresses have their own tests */
        snprintf(key, sizeof key, "(%s,", name);
        char as_pointer[80];
        snprintf(as_pointer, sizeof as_pointer, "(uintptr_t)%s,", name);
        if (!strstr(facts, key) && !strstr(facts, as_pointer))
            fail_msg("no fact about %s in regs_facts.inc", name);
        (*checked)++;
    }
    fclose(f);
}

static void no_mask_is_without_a_fact(void **state)
{
    (void)state;
    FILE *f = fopen("test/unit/regs_facts.inc", "r");
    assert_non_null(f);
    facts[fread(facts, 1, sizeof facts - 1, f)] = 0;
    fclose(f);

    unsigned checked = 0;
    check_masks("port/stm32l433/regs.h", &checked);
    check_masks("port/stm32l433/periph.h", &checked);
    assert_true(checked > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_are_where_the_manual_says),
        cmocka_unit_test(masks_are_what_the_manual_says),
        cmocka_unit_test(positions_fit_their_masks),
        cmocka_unit_test(no_mask_is_without_a_fact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
