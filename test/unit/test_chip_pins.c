/* GPIO, EXTI and SYSCFG: pin levels in every mode, pulls, locks, edges, interrupts and events. */
#include <string.h>

#include "chip_regs.h"

#define A GPIO(0)
#define B GPIO(1)

enum {
    MODER = 0x00,
    OTYPER = 0x04,
    PUPDR = 0x0C,
    IDR = 0x10,
    ODR = 0x14,
    BSRR = 0x18,
    LCKR = 0x1C,
    AFRL = 0x20,
    AFRH = 0x24,
    BRR = 0x28
};
enum {
    IMR1 = 0x00,
    EMR1 = 0x04,
    RTSR1 = 0x08,
    FTSR1 = 0x0C,
    SWIER1 = 0x10,
    PR1 = 0x14,
    IMR2 = 0x20,
    RTSR2 = 0x28
};

static int setup(void **state)
{
    rig_on_awake(state);
    set_bits(RCC(0x4C), 0x9F);
    set_bits(RCC(0x60), 1);
    told.gpios = 0;
    return 0;
}

static void mode(uint32_t port, unsigned pin, uint32_t m)
{
    wr(port + MODER, (rd(port + MODER) & ~(3U << 2 * pin)) | m << 2 * pin);
}

static bool reads(uint32_t port, unsigned pin)
{
    return rd(port + IDR) >> pin & 1;
}

static void test_levels(void **state)
{
    (void)state;
    assert_int_equal(rd(A + IDR), 0xA000); /* JTDI, SWDIO pulled up, SWCLK down */
    assert_int_equal(rd(B + IDR), 0x0010); /* NJTRST */
    /* Analog reads 0 whatever the pin does; input follows outside, then the pulls, then low. */
    gpio_drive(rig, 0, 3, 1);
    assert_false(reads(A, 3));
    assert_true(gpio_pin_level(rig, 0, 3));
    mode(A, 3, 0);
    assert_true(reads(A, 3));
    gpio_drive(rig, 0, 3, 0);
    assert_false(reads(A, 3));
    gpio_drive(rig, 0, 3, -1);
    wr(A + PUPDR, 0x64000000 | 1U << 6);
    assert_true(reads(A, 3));
    mode(A, 3, 3); /* analog: no pull, which ADC1 would see */
    assert_false(gpio_pin_level(rig, 0, 3));
    mode(A, 3, 0);
    assert_true(reads(A, 3));
    gpio_drive(rig, 0, 3, 0);
    assert_false(reads(A, 3));
    gpio_drive(rig, 0, 3, -1);
    wr(A + PUPDR, 0x64000000 | 2U << 6);
    assert_false(reads(A, 3));
    /* Push-pull wins over the outside; open drain drives low only. */
    gpio_drive(rig, 0, 3, 0);
    mode(A, 3, 1);
    wr(A + BSRR, 1U << 3);
    assert_true(reads(A, 3));
    wr(A + OTYPER, 1U << 3);
    assert_false(reads(A, 3));
    gpio_drive(rig, 0, 3, 1);
    assert_true(reads(A, 3));
    wr(A + BRR, 1U << 3);
    assert_false(reads(A, 3));
}

static void test_output_events(void **state)
{
    (void)state;
    mode(B, 13, 1);
    assert_int_equal(told.gpios, 0); /* low, as before */
    wr(B + BSRR, 1U << 13);
    assert_int_equal(told.gpios, 1);
    assert_true(told.gpio_pin == 16 + 13 && told.gpio_level);
    wr(B + ODR, 0);
    assert_int_equal(told.gpios, 2);
    assert_true(told.gpio_pin == 16 + 13 && !told.gpio_level);
    wr(B + ODR, 0x2000);
    wr(B + ODR, 0x2000);
    assert_int_equal(told.gpios, 3);
    /* BSRR: set wins; narrow accesses. */
    wr(B + BSRR, 0x20002000);
    assert_int_equal(rd(B + ODR), 0x2000);
    assert_true(chip_cpu_env.write(rig, B + BSRR + 2, 2, true, 0x2000));
    assert_int_equal(rd(B + ODR), 0);
    assert_true(chip_cpu_env.write(rig, B + ODR + 1, 1, true, 0x20));
    assert_int_equal(rd(B + ODR), 0x2000);
    uint32_t v;
    assert_true(chip_cpu_env.read(rig, B + IDR + 1, 1, true, &v));
    assert_int_equal(v, 0x20);
    /* A reset lets the pin go. */
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    assert_false(gpio_pin_level(rig, 1, 13));
}

static void test_alternate(void **state)
{
    (void)state;
    assert_int_equal(gpio_af(rig, 0, 2), -1);
    mode(A, 2, 2);
    wr(A + AFRL, 7U << 8);
    assert_int_equal(gpio_af(rig, 0, 2), 7);
    gpio_af_out(rig, 0, 2, 7, true);
    gpio_af_out(rig, 0, 2, 8, false);
    assert_true(reads(A, 2));
    wr(A + AFRL, 8U << 8);
    assert_false(reads(A, 2));
    gpio_af_out(rig, 0, 2, 8, true);
    assert_true(reads(A, 2));
    wr(A + AFRH, 0xA0000000);
    assert_int_equal(gpio_af(rig, 0, 15), 10);
    wr(A + AFRL, 1U << 8); /* nobody drives AF1 */
    assert_false(reads(A, 2));
}

static void test_port_h(void **state)
{
    (void)state;
    wr(GPIO(7) + ODR, 0xFFFF);
    assert_int_equal(rd(GPIO(7) + ODR), 0x000B);
    wr(GPIO(7) + MODER, 0xFFFFFFFF);
    assert_int_equal(rd(GPIO(7) + MODER), 0x000000CF);
}

static void test_lock(void **state)
{
    (void)state;
    mode(A, 4, 1);
    wr(A + LCKR, 0x10010);
    wr(A + LCKR, 0x00010);
    wr(A + LCKR, 0x10030); /* other pins: the sequence is broken */
    assert_int_equal(rd(A + LCKR) >> 16, 0);
    wr(A + LCKR, 0x10010);
    wr(A + LCKR, 0x00010);
    wr(A + LCKR, 0x10010);
    assert_int_equal(rd(A + LCKR), 0x10010);
    uint32_t moder = rd(A + MODER);
    mode(A, 4, 0);
    assert_int_equal(rd(A + MODER), moder);
    wr(A + AFRL, 0xFFFFFFFF);
    assert_int_equal(rd(A + AFRL), 0xFFF0FFFF);
    wr(A + BSRR, 1U << 4); /* the data are not locked */
    assert_true(reads(A, 4));
    wr(A + LCKR, 0);
    assert_int_equal(rd(A + LCKR), 0x10010);
    mode(A, 5, 0);
    assert_int_equal(rd(A + MODER) >> 10 & 3, 0);
}

/* ---- EXTI ---- */

static const struct {
    unsigned line, irq;
} irqs[] = {{0, 6},  {1, 7},   {2, 8},  {3, 9},  {4, 10},  {5, 23},  {9, 23}, {10, 40}, {15, 40},
            {16, 1}, {18, 41}, {19, 2}, {20, 3}, {21, 64}, {22, 64}, {35, 1}, {37, 1},  {38, 1}};

static void test_lines(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof irqs / sizeof irqs[0]; i++) {
        unsigned bank = irqs[i].line / 32 * 0x20;
        uint32_t bit = 1U << (irqs[i].line % 32);
        exti_line(rig, irqs[i].line, false); /* PA15 and PB4 are pulled up */
        set_bits(EXTI(IMR1 + bank), bit);
        wr(EXTI(RTSR1 + bank), bit);
        wr(EXTI(FTSR1 + bank), 0);
        exti_line(rig, irqs[i].line, true);
        assert_int_equal(rd(EXTI(PR1 + bank)), bit);
        assert_true(rig->irq_sources[irqs[i].irq] != 0);
        wr(EXTI(PR1 + bank), bit);
        assert_true(rig->irq_sources[irqs[i].irq] == 0);
        exti_line(rig, irqs[i].line, false); /* falling: not selected */
        assert_int_equal(rd(EXTI(PR1 + bank)), 0);
        wr(EXTI(RTSR1 + bank), 0);
        wr(EXTI(FTSR1 + bank), bit);
        exti_line(rig, irqs[i].line, true);
        assert_int_equal(rd(EXTI(PR1 + bank)), 0);
        exti_line(rig, irqs[i].line, false);
        assert_int_equal(rd(EXTI(PR1 + bank)), bit);
        wr(EXTI(PR1 + bank), bit);
        /* by software, once until the pending bit is cleared */
        wr(EXTI(SWIER1 + bank), bit);
        assert_int_equal(rd(EXTI(PR1 + bank)), bit);
        assert_int_equal(rd(EXTI(SWIER1 + bank)), bit);
        wr(EXTI(PR1 + bank), bit);
        assert_int_equal(rd(EXTI(SWIER1 + bank)), 0);
        /* masked: neither software nor an edge is remembered */
        clear_bits(EXTI(IMR1 + bank), bit);
        wr(EXTI(SWIER1 + bank), bit);
        assert_int_equal(rd(EXTI(SWIER1 + bank)), bit);
        exti_line(rig, irqs[i].line, true);
        exti_line(rig, irqs[i].line, false);
        set_bits(EXTI(IMR1 + bank), bit);
        assert_int_equal(rd(EXTI(PR1 + bank)), 0);
        assert_true(rig->irq_sources[irqs[i].irq] == 0);
        wr(EXTI(SWIER1 + bank), bit); /* it was set: nothing goes up */
        assert_int_equal(rd(EXTI(PR1 + bank)), 0);
        wr(EXTI(SWIER1 + bank), 0);
        wr(EXTI(SWIER1 + bank), bit);
        assert_int_equal(rd(EXTI(PR1 + bank)), bit);
        /* masked afterwards: pending, no interrupt */
        clear_bits(EXTI(IMR1 + bank), bit);
        assert_true(rig->irq_sources[irqs[i].irq] == 0);
        assert_int_equal(rd(EXTI(PR1 + bank)), bit);
        set_bits(EXTI(IMR1 + bank), bit);
        assert_true(rig->irq_sources[irqs[i].irq] != 0);
        wr(EXTI(PR1 + bank), bit);
    }
    /* Direct lines have no such bits. */
    wr(EXTI(RTSR1), 0xFFFFFFFF);
    assert_int_equal(rd(EXTI(RTSR1)), 0x007DFFFF);
    wr(EXTI(RTSR2), 0xFFFFFFFF);
    assert_int_equal(rd(EXTI(RTSR2)), 0x68);
    exti_line(rig, 17, true);
    assert_int_equal(rd(EXTI(PR1)), 0);
    assert_true(exti_wakes(rig)); /* unmasked after reset */
    exti_line(rig, 17, false);
    assert_false(exti_wakes(rig));
}

static void test_exticr(void **state)
{
    (void)state;
    mode(A, 6, 0);
    mode(B, 6, 0);
    wr(EXTI(RTSR1), 1U << 6);
    set_bits(EXTI(IMR1), 1U << 6);
    wr(SYSCFG(0x0C), 1U << 8); /* PB6 */
    gpio_drive(rig, 0, 6, 1);
    assert_int_equal(rd(EXTI(PR1)), 0);
    gpio_drive(rig, 1, 6, 1);
    assert_int_equal(rd(EXTI(PR1)), 1U << 6);
    wr(EXTI(PR1), 1U << 6);
    gpio_drive(rig, 1, 6, 0);
    wr(SYSCFG(0x0C), 0); /* PA6 is high: an edge of the multiplexer */
    assert_int_equal(rd(EXTI(PR1)), 1U << 6);
    wr(SYSCFG(0x08), 0xFFFFFFFF);
    assert_int_equal(rd(SYSCFG(0x08)), 0x7777);
    /* An output that the chip drives itself makes edges as well. */
    wr(EXTI(PR1), 1U << 6);
    mode(A, 6, 1);
    wr(A + BRR, 1U << 6);
    wr(A + BSRR, 1U << 6);
    assert_int_equal(rd(EXTI(PR1)), 1U << 6);
}

/* ---- SYSCFG ---- */

static void test_sram2(void **state)
{
    (void)state;
    wr(0x2000C004, 0x12345678);
    wr(SYSCFG(0x18), 1); /* not without the key */
    assert_int_equal(rd(SYSCFG(0x18)), 0);
    assert_int_equal(rd(0x10000004), 0x12345678);
    wr(SYSCFG(0x24), 0xCA);
    wr(SYSCFG(0x24), 0x53);
    const uint16_t loop = 0xE7FE;
    chip_poke(rig, 0x20000000, &loop, 2);
    cpu_set_reg(chip_cpu(rig), 15, 0x20000000);
    wr(SYSCFG(0x18), 1);
    assert_int_equal(rd(SYSCFG(0x18)), 3);
    run_us(2000);
    assert_int_equal(rd(SYSCFG(0x18)), 0);
    assert_int_equal(rd(0x10000004), 0);
    /* Write protection, a page of 1 KiB at both addresses, until the next reset. */
    wr(SYSCFG(0x20), 2);
    assert_false(chip_cpu_env.write(rig, 0x10000400, 4, true, 1));
    assert_false(chip_cpu_env.write(rig, 0x2000C7FC, 4, true, 1));
    assert_true(chip_cpu_env.write(rig, 0x10000800, 4, true, 1));
    wr(SYSCFG(0x20), 0);
    assert_false(chip_cpu_env.write(rig, 0x10000400, 4, true, 1));
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    wr(0x10000400, 1);
}

static void test_sram2_reset_option(void **state)
{
    (void)state;
    chip_power_off(rig, false);
    chip_nvm(rig)->option[0] &= ~(1U << 25);
    chip_nvm(rig)->option[1] |= 1U << 25;
    rig_power();
    wr(0x10003000, 0x55);
    wr(0x20003000, 0x66);
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    assert_int_equal(rd(0x10003000), 0);
    assert_int_equal(rd(0x20003000), 0x66);
}

static void test_syscfg_locks(void **state)
{
    (void)state;
    wr(SYSCFG(0x1C), 0xF);
    wr(SYSCFG(0x1C), 0);
    assert_int_equal(rd(SYSCFG(0x1C)), 0xF);
    wr(SYSCFG(0x04), 0);
    assert_int_equal(rd(SYSCFG(0x04)), 0);
    wr(SYSCFG(0x04), 1); /* the firewall cannot be disabled again */
    assert_int_equal(rd(SYSCFG(0x04)), 0);
    set_bits(RCC(0x58), 1U << 28);
    wr(PWR(0x04), 0x41F); /* PVDL: PVDE and PLS stay */
    assert_int_equal(rd(PWR(0x04)), 0x410);
}

/* PB0 - PA0 - PC0: what each of the pins does, and what they read then. The strongest decides: an output,
 * the outside, a pull. 'h', 'l' push-pull; 'H', 'L' open drain; 'U', 'D' pulls; '1', '0' outside. */
static void put(unsigned port, char how)
{
    uint32_t p = GPIO(port);
    bool out = strchr("hlHL", how) != NULL;
    mode(p, 0, out);
    wr(p + OTYPER, how == 'H' || how == 'L');
    wr(p + ODR, how == 'h' || how == 'H');
    wr(p + PUPDR, how == 'U' ? 1 : how == 'D' ? 2 : 0);
    gpio_drive(rig, port, 0, how == '1' ? 1 : how == '0' ? 0 : -1);
}

static void test_wires(void **state)
{
    static const struct {
        char a, b, c;
        bool high;
    } rows[] = {
        {'.', '.', '.', false}, {'.', 'h', '.', true},  {'.', 'l', '.', false}, {'.', 'U', '.', true},
        {'U', 'D', '.', true},  {'U', 'L', '.', false}, {'U', 'H', '.', true},  {'U', 'H', 'L', false},
        {'U', 'L', 'H', false}, {'1', 'l', '.', false}, {'.', '1', '.', true},  {'U', '.', '0', false},
        {'D', 'U', '1', true},  {'0', 'U', 'h', true},  {'U', '.', '.', true},  {'.', '.', 'h', true},
    };
    (void)state;
    assert_true(chip_wire(rig, 0, 0, 1, 0));
    assert_true(chip_wire(rig, 2, 0, 0, 0));
    assert_true(chip_wire(rig, 1, 1, 2, 0)); /* PB1, by PC0 */
    mode(B, 1, 0);
    assert_false(chip_wire(rig, 1, 3, 1, 3));
    for (size_t order = 0; order < 2; order++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            const char how[3] = {rows[i].a, rows[i].b, rows[i].c};
            for (unsigned port = 0; port < 3; port++)
                put(order ? 2 - port : port, how[order ? 2 - port : port]);
            if (reads(A, 0) != rows[i].high)
                fail_msg("%c %c %c: PA0 reads %d", how[0], how[1], how[2], !rows[i].high);
            if (reads(B, 1) != rows[i].high && !(how[0] == 'U' && how[1] == 'D'))
                fail_msg("%c %c %c: PB1 reads %d", how[0], how[1], how[2], !rows[i].high);
            bool pulls_differ = how[0] == 'U' && how[1] == 'D' && how[2] == '.'; /* each has its own */
            for (unsigned port = 1; port < 3 && !pulls_differ; port++)
                if (reads(GPIO(port), 0) != rows[i].high)
                    fail_msg("%c %c %c: P%c0 reads %d", how[0], how[1], how[2], 'A' + port, !rows[i].high);
        }
    put(0, '.'); /* an edge through a wire is an edge */
    put(2, '.');
    put(1, 'l');
    wr(EXTI(RTSR1), 1);
    set_bits(EXTI(IMR1), 1);
    wr(B + BSRR, 1);
    assert_int_equal(rd(EXTI(PR1)) & 1, 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, rig_off)
    const struct CMUnitTest tests[] = {
        TEST(test_levels),       TEST(test_output_events), TEST(test_alternate),
        TEST(test_port_h),       TEST(test_lock),          TEST(test_lines),
        TEST(test_exticr),       TEST(test_sram2),         TEST(test_sram2_reset_option),
        TEST(test_syscfg_locks), TEST(test_wires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
