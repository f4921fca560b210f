/* Flash programming and erasing: locks, times, stalls, every error flag by itself, interrupts. */
#include <string.h>

#include "one_chip.h"

#define ACR    FLASH(0x00)
#define KEYR   FLASH(0x08)
#define SR     FLASH(0x10)
#define CR     FLASH(0x14)
#define ERRORS 0x0000C3FAU

static void unlock(void)
{
    wr(&t, KEYR, 0x45670123);
    wr(&t, KEYR, 0xCDEF89AB);
}

static bool busy(void)
{
    return rd(&t, SR) & SR_BSY;
}

static void wait(void)
{
    while (busy())
        run_us(&t, 10);
}

static void program(uint32_t addr, uint64_t data)
{
    wr(&t, CR, CR_PG);
    wr(&t, addr, (uint32_t)data);
    wr(&t, addr + 4, (uint32_t)(data >> 32));
}

static void erase(uint32_t page)
{
    wr(&t, CR, CR_PER | page << 3);
    wr(&t, CR, CR_PER | page << 3 | CR_STRT);
}

static uint64_t dword(uint32_t addr)
{
    uint64_t v;
    assert_true(chip_peek(t.c, addr, &v, 8));
    return v;
}

static uint32_t errors(void)
{
    uint32_t sr;
    assert_true(chip_peek(t.c, SR, &sr, 4));
    return sr & ERRORS;
}

#define PAGE 20
#define ADDR (FLASH_BASE + PAGE * FLASH_PAGE)

static void test_lock(void **state)
{
    (void)state;
    assert_int_equal(rd(&t, CR), 0xC0000000);
    wr(&t, CR, CR_PG); /* locked: ignored */
    assert_int_equal(rd(&t, CR), 0xC0000000);
    unlock();
    assert_int_equal(rd(&t, CR), 0x40000000);
    wr(&t, FLASH(0x0C), 0x08192A3B);
    wr(&t, FLASH(0x0C), 0x4C5D6E7F);
    assert_int_equal(rd(&t, CR), 0);
    wr(&t, CR, 0x40000000);
    assert_int_equal(rd(&t, CR), 0x40000000);
    wr(&t, CR, CR_LOCK);
    assert_int_equal(rd(&t, CR), 0xC0000000);
    unlock(); /* can be opened again */
    assert_int_equal(rd(&t, CR), 0x40000000);
}

static void test_wrong_key(void **state)
{
    (void)state;
    const uint32_t wrong[][2] = {{0xCDEF89AB, 0x45670123}, {0x45670123, 0x45670123}, {0, 0}};
    for (unsigned i = 0; i < 3; i++) {
        bool first = chip_cpu_env.write(t.c, KEYR, 4, true, wrong[i][0]);
        bool second = chip_cpu_env.write(t.c, KEYR, 4, true, wrong[i][1]);
        assert_false(first && second); /* a bus error */
        assert_false(chip_cpu_env.write(t.c, KEYR, 4, true, 0x45670123));
        assert_false(chip_cpu_env.write(t.c, KEYR, 4, true, 0xCDEF89AB));
        assert_int_equal(rd(&t, CR), 0xC0000000); /* until the next reset */
        chip_request_reset(t.c, RESET_SOFT);
        chiptest_settle(&t);
    }
    unlock();
    assert_int_equal(rd(&t, CR), 0x40000000);
    assert_false(chip_cpu_env.write(t.c, KEYR, 4, true, 0x45670123)); /* unlocked already */
    assert_int_equal(rd(&t, CR), 0xC0000000);
    /* The option lock opens only behind the other. */
    chip_request_reset(t.c, RESET_SOFT);
    chiptest_settle(&t);
    assert_false(chip_cpu_env.write(t.c, FLASH(0x0C), 4, true, 0x08192A3B));
}

static void test_program(void **state)
{
    (void)state;
    unlock();
    ps_t start = chip_now(t.c);
    program(ADDR, 0x1122334455667788);
    assert_true(busy());
    assert_int_equal(dword(ADDR), UINT64_MAX);
    wait();
    ps_t took = chip_now(t.c) - start;
    assert_true(took >= 81 * PS_PER_US && took < 100 * PS_PER_US);
    assert_true(dword(ADDR) == 0x1122334455667788);
    assert_int_equal(rd(&t, SR), 0); /* no EOP without EOPIE */
    /* Zeros over anything. */
    program(ADDR, 0);
    wait();
    assert_int_equal(errors(), 0);
    assert_true(dword(ADDR) == 0);
    assert_int_equal(chiptest_count(&t, "program"), 2);
}

static void test_erase(void **state)
{
    (void)state;
    uint8_t bytes[3 * FLASH_PAGE];
    memset(bytes, 0x5A, sizeof bytes);
    chip_poke(t.c, ADDR - FLASH_PAGE, bytes, sizeof bytes);
    unlock();
    ps_t start = chip_now(t.c);
    erase(PAGE);
    assert_true(busy());
    wait();
    ps_t took = chip_now(t.c) - start;
    assert_true(took >= 22020 * PS_PER_US && took < 22100 * PS_PER_US);
    assert_int_equal(rd(&t, CR) & CR_STRT, 0);
    for (uint32_t off = 0; off < FLASH_PAGE; off += 8)
        assert_true(dword(ADDR + off) == UINT64_MAX);
    assert_true(dword(ADDR - 8) == 0x5A5A5A5A5A5A5A5A);
    assert_true(dword(ADDR + FLASH_PAGE) == 0x5A5A5A5A5A5A5A5A);
    wr(&t, CR, CR_MER1);
    wr(&t, CR, CR_MER1 | CR_STRT);
    wait();
    assert_true(dword(ADDR + FLASH_PAGE) == UINT64_MAX);
    assert_true(dword(FLASH_BASE) == UINT64_MAX);
    assert_int_equal(errors(), 0);
}

/* The processor's reads of flash and its accesses to CR wait; events of others come meanwhile. */
static unsigned ticks;
static void tick(void *arg)
{
    ticks++;
    if (ticks < 1000)
        chip_outside_wake(t.c, OUTSIDE_TEST, chip_now(t.c) + PS_PER_MS, tick, arg);
}

static void test_stall(void **state)
{
    (void)state;
    unlock();
    ticks = 0;
    chip_outside_wake(t.c, OUTSIDE_TEST, chip_now(t.c) + PS_PER_MS, tick, NULL);
    chip_flash_stall_clear(t.c);
    ps_t start = chip_now(t.c);
    erase(PAGE);
    assert_true(chip_bus_ready(t.c, ADDR) > start + 22 * PS_PER_MS);
    (void)rd(&t, SR); /* does not wait */
    (void)rd(&t, ACR);
    assert_true(chip_now(t.c) == start);
    assert_int_equal(rd(&t, ADDR + 8 * FLASH_PAGE), 0xFFFFFFFF);
    assert_true(chip_now(t.c) >= start + 22020 * PS_PER_US);
    assert_false(busy());
    assert_int_equal(ticks, 22);
    assert_true(chip_flash_stall(t.c) >= 22020 * PS_PER_US && chip_flash_stall(t.c) < 22021 * PS_PER_US);
    erase(PAGE);
    (void)rd(&t, CR);
    assert_false(busy());
    erase(PAGE);
    wr(&t, FLASH(0x18), 0);
    assert_false(busy());
    erase(PAGE);
    (void)rd(&t, 0x1FFF7590); /* system memory is the same flash */
    assert_false(busy());
}

/* The chip's own reset in the middle of a stall: the processor does not wait for the flash. */
static void watchdog(void *arg)
{
    (void)arg;
    chip_request_reset(t.c, RESET_IWDG);
}

static void test_reset_in_stall(void **state)
{
    (void)state;
    unlock();
    chip_outside_wake(t.c, OUTSIDE_TEST, chip_now(t.c) + 5 * PS_PER_MS, watchdog, NULL);
    ps_t start = chip_now(t.c);
    erase(PAGE);
    uint32_t v;
    (void)chip_cpu_env.read(t.c, ADDR, 4, true, &v);
    assert_true(chip_now(t.c) - start <= 5 * PS_PER_MS + PS_PER_US);
    chiptest_settle(&t);
    assert_false(busy());
    assert_int_equal(rd(&t, RCC(0x94)) & 1U << 29, 1U << 29);
}

static void test_progerr(void **state)
{
    (void)state;
    unlock();
    program(ADDR, 0xFFFFFFFFFFFFFF00);
    wait();
    program(ADDR, 0xFFFFFFFFFFFFFE00);
    assert_int_equal(errors(), SR_PROGERR);
    assert_false(busy());
    assert_true(dword(ADDR) == 0xFFFFFFFFFFFFFF00);
    wr(&t, SR, SR_PROGERR);
    assert_int_equal(errors(), 0);
    /* Ones, programmed, are not blank any more. */
    program(ADDR + 8, UINT64_MAX);
    wait();
    assert_int_equal(errors(), 0);
    program(ADDR + 8, 1);
    assert_int_equal(errors(), SR_PROGERR);
}

static void test_sizerr(void **state)
{
    (void)state;
    unlock();
    wr(&t, CR, CR_PG);
    assert_true(chip_cpu_env.write(t.c, ADDR, 1, true, 0));
    assert_int_equal(errors(), SR_SIZERR);
    wr(&t, SR, SR_SIZERR);
    assert_true(chip_cpu_env.write(t.c, ADDR, 2, true, 0));
    assert_int_equal(errors(), SR_SIZERR);
    assert_true(dword(ADDR) == UINT64_MAX);
}

static void test_pgaerr(void **state)
{
    (void)state;
    unlock();
    wr(&t, CR, CR_PG);
    wr(&t, ADDR + 4, 0);
    assert_int_equal(errors(), SR_PGAERR);
    wr(&t, SR, SR_PGAERR);
    wr(&t, ADDR, 0);
    wr(&t, ADDR + 12, 0);
    assert_int_equal(errors(), SR_PGAERR);
    wr(&t, SR, SR_PGAERR);
    /* The first word is forgotten by that. */
    wr(&t, ADDR + 8, 0x11111111);
    wr(&t, ADDR + 12, 0x22222222);
    wait();
    assert_int_equal(errors(), 0);
    assert_true(dword(ADDR + 8) == 0x2222222211111111);
    assert_true(dword(ADDR) == UINT64_MAX);
}

static void test_pgserr(void **state)
{
    (void)state;
    unlock();
    wr(&t, ADDR, 0); /* neither PG nor FSTPG */
    assert_int_equal(errors(), SR_PGSERR);
    wr(&t, SR, SR_PGSERR);
    const uint32_t wrong[] = {CR_PG | CR_PER, CR_PG | CR_MER1, CR_PG | CR_FSTPG, CR_FSTPG | CR_PER, CR_PER};
    for (unsigned i = 0; i < 5; i++) {
        wr(&t, CR, wrong[i]);
        wr(&t, ADDR, 0);
        assert_int_equal(errors(), SR_PGSERR);
        wr(&t, SR, SR_PGSERR);
    }
    const uint32_t starts[] = {CR_PER | CR_MER1, CR_PER | CR_PG, CR_MER1 | CR_FSTPG};
    for (unsigned i = 0; i < 3; i++) {
        wr(&t, CR, starts[i] | CR_STRT);
        assert_int_equal(errors(), SR_PGSERR);
        assert_false(busy());
        wr(&t, SR, SR_PGSERR);
    }
    wr(&t, CR, CR_STRT); /* nothing selected: nothing happens */
    assert_int_equal(errors(), 0);
    assert_false(busy());
    wr(&t, CR, CR_FSTPG); /* fast, and no mass erase before */
    wr(&t, ADDR, 0);
    assert_int_equal(errors(), SR_PGSERR);
    wr(&t, SR, SR_PGSERR);
    /* Any earlier error stands in the way until it is cleared. */
    wr(&t, CR, CR_PG);
    wr(&t, ADDR + 4, 0);
    program(ADDR, 0);
    assert_int_equal(errors(), SR_PGAERR | SR_PGSERR);
    erase(PAGE);
    assert_false(busy());
    wr(&t, SR, ERRORS);
    erase(PAGE);
    assert_true(busy());
    wait();
}

static void set_options(const uint32_t *values)
{
    chip_power_off(t.c, false);
    for (unsigned i = 0; i < 5; i++) {
        chip_nvm(t.c)->option[2 * i] = values[i];
        chip_nvm(t.c)->option[2 * i + 1] = ~values[i];
    }
    chiptest_power(&t);
}

static void test_wrperr(void **state)
{
    (void)state;
    set_options(
        (const uint32_t[]){0xFFEFF8AA, 0xFFFFFFFF, 0x00FF0000, 0xFF14FF14, 0xFF7EFF7D}); /* 20; 125-126 */
    unlock();
    program(ADDR, 0);
    assert_int_equal(errors(), SR_WRPERR);
    wr(&t, SR, SR_WRPERR);
    const uint32_t pages[] = {20, 125, 126};
    for (unsigned i = 0; i < 3; i++) {
        erase(pages[i]);
        assert_int_equal(errors(), SR_WRPERR);
        assert_false(busy());
        wr(&t, SR, SR_WRPERR);
    }
    wr(&t, CR, CR_MER1 | CR_STRT); /* one protected page is enough */
    assert_int_equal(errors(), SR_WRPERR);
    wr(&t, SR, SR_WRPERR);
    const uint32_t free_pages[] = {19, 21, 124, 127};
    for (unsigned i = 0; i < 4; i++) {
        erase(free_pages[i]);
        assert_true(busy());
        wait();
    }
    assert_int_equal(errors(), 0);
    wr(&t, CR, CR_PG); /* system memory and option bytes are never written so */
    program(0x1FFF0000, 0);
    assert_int_equal(errors(), SR_WRPERR);
    wr(&t, SR, SR_WRPERR);
    program(0x1FFF7800, 0);
    assert_int_equal(errors(), SR_WRPERR);
}

static void test_pcrop(void **state)
{
    (void)state;
    uint32_t strt = (ADDR - FLASH_BASE) / 8;
    set_options(
        (const uint32_t[]){0xFFEFF8AA, 0xFFFF8000 | strt, 0x00FF0000 | (strt + 3), 0xFF00FFFF, 0xFF00FFFF});
    uint64_t secret = 0x0123456789ABCDEF;
    chip_poke(t.c, ADDR, &secret, 8);
    assert_int_equal(rd(&t, ADDR), 0);
    assert_int_equal(errors(), SR_RDERR);
    wr(&t, SR, SR_RDERR);
    assert_int_equal(rd(&t, ADDR + 32), 0xFFFFFFFF);
    assert_int_equal(errors(), 0);
    unlock();
    erase(PAGE);
    assert_int_equal(errors(), SR_WRPERR);
    wr(&t, SR, SR_WRPERR);
    program(ADDR + 8, 0);
    assert_int_equal(errors(), SR_WRPERR);
}

/* A row of 32 double words; `skip` leaves out that one. */
static void fast_row(uint32_t addr, unsigned count, unsigned gap_us)
{
    for (unsigned i = 0; i < count; i++) {
        wr(&t, addr + 8 * i, i);
        wr(&t, addr + 8 * i + 4, ~i);
        if (gap_us)
            run_us(&t, gap_us);
    }
}

static void mass_erase(void)
{
    wr(&t, CR, CR_MER1);
    wr(&t, CR, CR_MER1 | CR_STRT);
    wait();
    wr(&t, CR, 0);
}

static void test_fast(void **state)
{
    (void)state;
    unlock();
    mass_erase();
    wr(&t, CR, CR_FSTPG | CR_EOPIE);
    ps_t start = chip_now(t.c);
    fast_row(ADDR, 32, 0);
    wait();
    ps_t took = chip_now(t.c) - start;
    assert_true(took > 1900 * PS_PER_US && took < 1930 * PS_PER_US);
    assert_int_equal(rd(&t, SR), SR_EOP);
    for (uint64_t i = 0; i < 32; i++)
        assert_true(dword(ADDR + (uint32_t)i * 8) == ((~i << 32) | i));
    wr(&t, SR, SR_EOP);
    wr(&t, CR, CR_FSTPG);
    fast_row(ADDR + 256, 32, 20); /* the next row, the processor a little slower */
    wait();
    assert_int_equal(rd(&t, SR), 0);
    assert_true(dword(ADDR + 256 + 248) == (((uint64_t)~31U << 32) | 31));
}

static void test_miserr_fasterr(void **state)
{
    (void)state;
    unlock();
    mass_erase();
    wr(&t, CR, CR_FSTPG);
    fast_row(ADDR, 5, 0);
    wait();
    assert_int_equal(errors(), SR_MISERR | SR_FASTERR);
    wr(&t, SR, ERRORS);
    wr(&t, CR, 0);
    mass_erase();
    wr(&t, CR, CR_FSTPG);
    wr(&t, ADDR, 0);
    wr(&t, ADDR + 4, 0);
    wr(&t, ADDR + 16, 0); /* not increasing by one */
    assert_int_equal(errors(), SR_PGAERR | SR_FASTERR);
    wait();
    wr(&t, SR, ERRORS);
    wr(&t, ADDR + 8, 0); /* a row begins at a row */
    wr(&t, ADDR + 12, 0);
    assert_int_equal(errors() & (SR_PGAERR | SR_FASTERR), SR_PGAERR | SR_FASTERR);
}

static void test_otp(void **state)
{
    (void)state;
    unlock();
    program(0x1FFF7008, 0xFFFFFFFFFFFFFFFE);
    wait();
    assert_int_equal(errors(), 0);
    assert_int_equal(rd(&t, 0x1FFF7008), 0xFFFFFFFE);
    program(0x1FFF7008, 0); /* not even zeros */
    assert_int_equal(errors(), SR_PROGERR);
    wr(&t, SR, ERRORS);
    mass_erase();
    assert_int_equal(rd(&t, 0x1FFF7008), 0xFFFFFFFE);
}

static bool irq(unsigned n)
{
    return t.c->irq_sources[n];
}

static void test_interrupts(void **state)
{
    (void)state;
    unlock();
    wr(&t, CR, CR_PG | CR_EOPIE);
    wr(&t, ADDR, 1);
    wr(&t, ADDR + 4, 1);
    assert_false(irq(4));
    run_us(&t, 100);
    assert_int_equal(rd(&t, SR), SR_EOP);
    assert_true(irq(4));
    wr(&t, SR, SR_EOP);
    assert_false(irq(4));
    wr(&t, ADDR + 4, 0); /* an error, and its interrupt not enabled: no OPERR */
    assert_int_equal(errors(), SR_PGAERR);
    assert_false(irq(4));
    wr(&t, SR, ERRORS);
    wr(&t, CR, CR_PG | CR_ERRIE);
    wr(&t, ADDR + 4, 0);
    assert_int_equal(errors(), SR_PGAERR | SR_OPERR);
    assert_true(irq(4));
    wr(&t, SR, SR_OPERR);
    assert_false(irq(4));
}

/* Voltage range 2 is for reading only. */
static void test_range2(void **state)
{
    (void)state;
    set(&t, RCC(0x58), 1U << 28);
    wr(&t, PWR(0x00), 0x400);
    unlock();
    erase(PAGE);
    wait();
    bool told = false;
    for (size_t i = 0; i < t.n; i++)
        told |= strstr(t.told[i].what, "voltage range 2") != NULL;
    assert_true(told);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, chip_on, chip_off)
    const struct CMUnitTest tests[] = {
        TEST(test_lock),   TEST(test_wrong_key),      TEST(test_program), TEST(test_erase),
        TEST(test_stall),  TEST(test_reset_in_stall), TEST(test_progerr), TEST(test_sizerr),
        TEST(test_pgaerr), TEST(test_pgserr),         TEST(test_wrperr),  TEST(test_pcrop),
        TEST(test_fast),   TEST(test_miserr_fasterr), TEST(test_otp),     TEST(test_interrupts),
        TEST(test_range2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
