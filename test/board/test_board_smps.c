/* The converter for VDD12 on the Nucleo-L433RC-P, and what supplying the core from outside changes:
 * DS11449 "External SMPS", UM2206. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "chip/machine.h"
#include "vboard.h"

#define MS 1000000U

enum {
    RCC_CR = 0x40021000,
    RCC_CFGR = 0x40021008,
    PLLCFGR = 0x4002100C,
    AHB2ENR = 0x4002104C,
    APB1ENR1 = 0x40021058
};
enum { PWR_CR1 = 0x40007000, FLASH_ACR = 0x40022000 };
enum { GPIOA_MODER = 0x48000000, GPIOA_PUPDR = 0x4800000C, GPIOA_ODR = 0x48000014 };
enum { PLLRDY = 1 << 25 };

static struct vboard *b;

static void wr(uint32_t addr, uint32_t value)
{
    assert_true(chip_debug_write(board_chip(b), addr, 4, value));
}

static uint32_t rd(uint32_t addr)
{
    uint32_t v = 0;
    assert_true(chip_peek(board_chip(b), addr, &v, sizeof v));
    return v;
}

static void run(uint64_t ns)
{
    assert_int_equal(vboard_run(b, ns, NULL, NULL), VB_TIME);
}

/* PA4 and PA7 outputs, PA6 an input with its pull-up, as ST's board support sets them up. */
static int on(void **state)
{
    static const uint32_t loops[4] = {0x20001000, 0x08000009, 0xE7FEE7FE};
    (void)state;
    b = vboard_create(&(struct vboard_config){.seed = 1});
    assert_non_null(b);
    assert_true(vboard_load_bytes(b, 0x08000000, (const uint8_t *)loops, sizeof loops));
    vboard_power(b, true, true);
    run(1 * MS);
    wr(AHB2ENR, 1);
    wr(APB1ENR1, 1U << 28);
    wr(GPIOA_PUPDR, 0x64000000 | 1 << 12);
    wr(GPIOA_MODER, 0xABFF4DFF);
    return 0;
}

static int off(void **state)
{
    (void)state;
    vboard_destroy(b);
    return 0;
}

static void power_good(void **state)
{
    (void)state;
    assert_int_equal(vboard_pin(b, "PA6"), 0);
    wr(GPIOA_ODR, 1 << 4);
    run(2 * MS);
    assert_int_equal(vboard_pin(b, "PA6"), 0);
    run(1 * MS);
    assert_int_equal(vboard_pin(b, "PA6"), 1); /* within the 4 ms that ST's examples give it */
    assert_true(vboard_drive(b, "PA6", 0));
    assert_int_equal(vboard_pin(b, "PA6"), 0);
    assert_true(vboard_drive(b, "PA6", -1));
    assert_int_equal(vboard_pin(b, "PA6"), 1);
    wr(GPIOA_ODR, 0);
    assert_int_equal(vboard_pin(b, "PA6"), 0); /* at once */
    wr(GPIOA_ODR, 1 << 4);
    run(1 * MS);
    wr(GPIOA_ODR, 0); /* too short */
    run(5 * MS);
    assert_int_equal(vboard_pin(b, "PA6"), 0);
    wr(GPIOA_ODR, 1 << 4);
    run(3 * MS);
    vboard_nrst(b, 1 * MS); /* EN floats */
    run(2 * MS);
    wr(AHB2ENR, 1);
    wr(GPIOA_PUPDR, 0x64000000 | 1 << 12);
    wr(GPIOA_MODER, rd(GPIOA_MODER) & ~(3U << 12));
    assert_int_equal(vboard_pin(b, "PA6"), 0);
}

static struct told {
    unsigned pll, hclk;
} told;

static void listen(void *arg, const struct vboard_event *e)
{
    struct told *t = arg;
    if (e->kind != VE_MESSAGE)
        return;
    t->pll += strstr(e->name, "the PLL locks outside its limits") != NULL;
    t->hclk += strstr(e->name, "too fast") != NULL;
}

/* MSI 4 MHz * 40 / 2 = 80 MHz: a VCO of 160 MHz, which is out of specification in range 2 on its own. */
static bool pll_in_range_2(uint32_t pins)
{
    wr(GPIOA_ODR, pins);
    run(4 * MS);
    wr(PWR_CR1, 2 << 9);
    run(1 * MS);
    wr(PLLCFGR, 1 | 40 << 8 | 1 << 24);
    told = (struct told){0};
    vboard_on_event(b, listen, &told);
    wr(RCC_CR, rd(RCC_CR) | 1 << 24);
    run(1 * MS);
    assert_true(rd(RCC_CR) & PLLRDY);
    return told.pll == 0;
}

static void range_2(void **state)
{
    (void)state;
    assert_false(pll_in_range_2(0));
}

static void good_but_not_connected(void **state)
{
    (void)state;
    assert_false(pll_in_range_2(1 << 4));
}

static void connected_but_off(void **state)
{
    (void)state;
    assert_false(pll_in_range_2(1 << 7));
}

static void supplied(void **state)
{
    (void)state;
    assert_true(pll_in_range_2(1 << 4 | 1 << 7));
}

/* What was allowed with the core supplied is not when the switch opens. */
static void switched_off_at_80_mhz(void **state)
{
    (void)state;
    assert_true(pll_in_range_2(1 << 4 | 1 << 7));
    wr(FLASH_ACR, 4);
    wr(RCC_CFGR, 3); /* the PLL */
    run(1 * MS);
    assert_int_equal(rd(RCC_CFGR) & 0xF, 0xF);
    assert_int_equal(told.hclk, 0);
    wr(GPIOA_ODR, 1 << 4);
    assert_int_equal(told.hclk, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(power_good, on, off),
        cmocka_unit_test_setup_teardown(range_2, on, off),
        cmocka_unit_test_setup_teardown(good_but_not_connected, on, off),
        cmocka_unit_test_setup_teardown(connected_but_off, on, off),
        cmocka_unit_test_setup_teardown(supplied, on, off),
        cmocka_unit_test_setup_teardown(switched_off_at_80_mhz, on, off),
    };
    return cmocka_run_group_tests_name("board smps", tests, NULL, NULL);
}
