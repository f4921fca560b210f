/* ITM and TPIU as a program prints with them: what has to be enabled, the lock, the time of packets. */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cpu/core.h"

enum { TER = 0xe00, TPR = 0xe40, TCR = 0xe80, LAR = 0xfb0, LSR = 0xfb4 };
#define ITM   0xe0000000u
#define DEMCR 0xe000edfcu
#define ACPR  0xe0040010u
#define SPPR  0xe00400f0u
#define KEY   0xc5acce55u

static void enable(uint32_t acpr, uint32_t sppr)
{
    bare_store(bare, DEMCR, 1u << 24);
    bare_store(bare, ITM + LAR, KEY);
    bare_store(bare, ACPR, acpr);
    bare_store(bare, SPPR, sppr);
    bare_store(bare, ITM + TCR, 1);
    bare_store(bare, ITM + TER, 1u << 5 | 1);
}

static bool write(unsigned port, unsigned size, uint32_t value, bool privileged)
{
    bool known;
    return cpu_ppb_write(bare->cpu, ITM + 4 * port, size, privileged, value, &known) && known;
}

/* A port takes nothing, and says so, as long as one of four things is missing. */
static void what_enables(void **state)
{
    (void)state;
    static const uint32_t off_again[][2] = {{DEMCR, 0}, {ITM + TCR, 0}, {ITM + TER, 1u << 5}};
    assert_int_equal(bare_load(bare, ITM), 0);
    bare_store(bare, DEMCR, 1u << 24);
    assert_int_equal(bare_load(bare, ITM + LSR), 3);
    bare_store(bare, ITM + TCR, 1); /* locked */
    bare_store(bare, ITM + TER, 1);
    assert_int_equal(bare_load(bare, ITM + TCR) | bare_load(bare, ITM + TER), 0);
    bare_store(bare, ITM + LAR, 1);
    assert_int_equal(bare_load(bare, ITM + LSR), 3);
    enable(0, 2);
    assert_int_equal(bare_load(bare, ITM + LSR), 1);
    assert_int_equal(bare_load(bare, ITM), 1);
    assert_int_equal(bare_load(bare, ITM + 4), 0); /* another port */
    for (unsigned i = 0; i < 3; i++) {
        enable(0, 2);
        bare_store(bare, off_again[i][0], off_again[i][1]);
        assert_int_equal(bare_load(bare, ITM), 0);
        bare_store(bare, ITM, 'x');
        assert_int_equal(bare->itm_count, 0);
    }
    enable(0, 2);
    bare_store(bare, ITM, 'x');
    assert_int_equal(bare->itm_count, 1);
    enable(0, 0); /* a parallel port, which has no pins here */
    cpu_add_cycles(bare->cpu, 1000);
    bare_store(bare, ITM, 'x');
    assert_int_equal(bare->itm_count, 1);
}

static void a_debugger_needs_no_key(void **state)
{
    (void)state;
    assert_true(cpu_ppb_poke(bare->cpu, ITM + TCR, 4, 1));
    assert_int_equal(bare_load(bare, ITM + TCR), 1);
    assert_int_equal(bare_load(bare, ITM + LSR), 3);
}

static void sizes(void **state)
{
    (void)state;
    enable(0, 2);
    for (unsigned size = 1; size <= 4; size *= 2) {
        cpu_add_cycles(bare->cpu, 1000);
        assert_true(write(5, size, 0x44332211u & (size == 4 ? ~0u : (1u << 8 * size) - 1), true));
        assert_int_equal(bare->itm_port, 5);
        assert_int_equal(bare->itm_size, size);
        assert_int_equal(bare->itm_value, 0x44332211u & (size == 4 ? ~0u : (1u << 8 * size) - 1));
    }
    assert_int_equal(bare->itm_count, 3);
}

/* One packet goes out, one waits, the next is lost: NRZ at HCLK / 10, a byte is 200 cycles. */
static void time_of_packets(void **state)
{
    (void)state;
    enable(9, 2);
    uint64_t begin = cpu_cycles(bare->cpu);
    write(0, 1, 'a', true);
    assert_int_equal(bare_load(bare, ITM), 1);
    write(0, 1, 'b', true);
    assert_int_equal(bare_load(bare, ITM), 0);
    write(0, 1, 'c', true);
    assert_int_equal(bare->itm_count, 2);
    while (!bare_load(bare, ITM))
        cpu_add_cycles(bare->cpu, 1);
    uint64_t took = cpu_cycles(bare->cpu) - begin;
    assert_in_range(took, 190, 210);
    write(0, 4, 0, true); /* behind b, 50 bits */
    while (!bare_load(bare, ITM))
        cpu_add_cycles(bare->cpu, 1);
    assert_in_range(cpu_cycles(bare->cpu) - begin, 390, 415);
    write(0, 1, 'd', true);
    while (!bare_load(bare, ITM))
        cpu_add_cycles(bare->cpu, 1);
    assert_in_range(cpu_cycles(bare->cpu) - begin, 890, 920);
}

static void privilege(void **state)
{
    (void)state;
    bool known;
    uint32_t value = 0;
    enable(0, 2);
    assert_true(cpu_ppb_read(bare->cpu, ITM, 4, false, &value, &known));
    assert_int_equal(value, 1);
    assert_true(write(0, 1, 'a', false));
    assert_int_equal(bare->itm_count, 1);
    bare_store(bare, ITM + TPR, 1); /* ports 0 to 7 are privileged */
    cpu_add_cycles(bare->cpu, 1000);
    write(0, 1, 'a', false);
    assert_int_equal(bare->itm_count, 1);
    write(0, 1, 'a', true);
    assert_int_equal(bare->itm_count, 2);
    assert_false(cpu_ppb_read(bare->cpu, ITM + TCR, 4, false, &value, &known));
}

/* A program that waits for nothing is told of, once. */
static void waiting(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5000; i++)
        bare_load(bare, ITM);
    assert_int_equal(bare->itm_count, 1);
    assert_int_equal(bare->itm_size, 0);
}

static void power(void **state)
{
    (void)state;
    enable(9, 2);
    cpu_reset(bare->cpu);
    assert_int_equal(bare_load(bare, ITM), 1); /* no reset of debug and trace */
    cpu_power_on(bare->cpu);
    assert_int_equal(bare_load(bare, ITM), 0);
    assert_int_equal(bare_load(bare, DEMCR), 0);
    assert_int_equal(bare_load(bare, ITM + LSR), 3);
    assert_int_equal(bare_load(bare, SPPR), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_enables), TEST(a_debugger_needs_no_key),
        TEST(sizes),        TEST(time_of_packets),
        TEST(privilege),    TEST(waiting),
        TEST(power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
