/* Flash programming and erasing: locks, times, stalls, every error flag by itself, interrupts. */
#include <string.h>

#include "chip_regs.h"

#define ACR    FLASH(0x00)
#define KEYR   FLASH(0x08)
#define SR     FLASH(0x10)
#define CR     FLASH(0x14)
#define ERRORS 0x0000C3FAU

static void unlock(void)
{
    wr(KEYR, 0x45670123);
    wr(KEYR, 0xCDEF89AB);
}

static bool busy(void)
{
    return rd(SR) & SR_BSY;
}

static void wait(void)
{
    while (busy())
        run_us(10);
}

static void program(uint32_t addr, uint64_t data)
{
    wr(CR, CR_PG);
    wr(addr, (uint32_t)data);
    wr(addr + 4, (uint32_t)(data >> 32));
}

static void erase(uint32_t page)
{
    wr(CR, CR_PER | page << 3);
    wr(CR, CR_PER | page << 3 | CR_STRT);
}

static uint64_t dword(uint32_t addr)
{
    uint64_t v;
    assert_true(chip_peek(rig, addr, &v, 8));
    return v;
}

static uint32_t errors(void)
{
    uint32_t sr;
    assert_true(chip_peek(rig, SR, &sr, 4));
    return sr & ERRORS;
}

#define PAGE 20
#define ADDR (FLASH_BASE + PAGE * FLASH_PAGE)

static void test_lock(void **state)
{
    (void)state;
    assert_int_equal(rd(CR), 0xC0000000);
    wr(CR, CR_PG); /* locked: ignored */
    assert_int_equal(rd(CR), 0xC0000000);
    unlock();
    assert_int_equal(rd(CR), 0x40000000);
    wr(FLASH(0x0C), 0x08192A3B);
    wr(FLASH(0x0C), 0x4C5D6E7F);
    assert_int_equal(rd(CR), 0);
    wr(CR, 0x40000000);
    assert_int_equal(rd(CR), 0x40000000);
    wr(CR, CR_LOCK);
    assert_int_equal(rd(CR), 0xC0000000);
    unlock(); /* can be opened again */
    assert_int_equal(rd(CR), 0x40000000);
}

static void test_wrong_key(void **state)
{
    (void)state;
    const uint32_t wrong[][2] = {{0xCDEF89AB, 0x45670123}, {0x45670123, 0x45670123}, {0, 0}};
    for (unsigned i = 0; i < 3; i++) {
        bool first = chip_cpu_env.write(rig, KEYR, 4, true, wrong[i][0]);
        bool second = chip_cpu_env.write(rig, KEYR, 4, true, wrong[i][1]);
        assert_false(first && second); /* a bus error */
        assert_false(chip_cpu_env.write(rig, KEYR, 4, true, 0x45670123));
        assert_false(chip_cpu_env.write(rig, KEYR, 4, true, 0xCDEF89AB));
        assert_int_equal(rd(CR), 0xC0000000); /* until the next reset */
        chip_request_reset(rig, RESET_SOFT);
        rig_settle();
    }
    unlock();
    assert_int_equal(rd(CR), 0x40000000);
    assert_false(chip_cpu_env.write(rig, KEYR, 4, true, 0x45670123)); /* unlocked already */
    assert_int_equal(rd(CR), 0xC0000000);
    /* The option lock opens only behind the other. */
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    assert_false(chip_cpu_env.write(rig, FLASH(0x0C), 4, true, 0x08192A3B));
}

static void test_program(void **state)
{
    (void)state;
    unlock();
    ps_t start = chip_now(rig);
    program(ADDR, 0x1122334455667788);
    assert_true(busy());
    assert_int_equal(dword(ADDR), UINT64_MAX);
    wait();
    ps_t took = chip_now(rig) - start;
    assert_true(took >= 81 * PS_PER_US && took < 100 * PS_PER_US);
    assert_true(dword(ADDR) == 0x1122334455667788);
    assert_int_equal(rd(SR), 0); /* no EOP without EOPIE */
    /* Zeros over anything. */
    program(ADDR, 0);
    wait();
    assert_int_equal(errors(), 0);
    assert_true(dword(ADDR) == 0);
    assert_int_equal(told_count("program"), 2);
}

static void test_erase(void **state)
{
    (void)state;
    uint8_t bytes[3 * FLASH_PAGE];
    memset(bytes, 0x5A, sizeof bytes);
    chip_poke(rig, ADDR - FLASH_PAGE, bytes, sizeof bytes);
    unlock();
    ps_t start = chip_now(rig);
    erase(PAGE);
    assert_true(busy());
    wait();
    ps_t took = chip_now(rig) - start;
    assert_true(took >= 22020 * PS_PER_US && took < 22100 * PS_PER_US);
    assert_int_equal(rd(CR) & CR_STRT, 0);
    for (uint32_t off = 0; off < FLASH_PAGE; off += 8)
        assert_true(dword(ADDR + off) == UINT64_MAX);
    assert_true(dword(ADDR - 8) == 0x5A5A5A5A5A5A5A5A);
    assert_true(dword(ADDR + FLASH_PAGE) == 0x5A5A5A5A5A5A5A5A);
    wr(CR, CR_MER1);
    wr(CR, CR_MER1 | CR_STRT);
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
        chip_outside_wake(rig, OUTSIDE_TEST, chip_now(rig) + PS_PER_MS, tick, arg);
}

static void test_stall(void **state)
{
    (void)state;
    unlock();
    ticks = 0;
    chip_outside_wake(rig, OUTSIDE_TEST, chip_now(rig) + PS_PER_MS, tick, NULL);
    chip_flash_stall_clear(rig);
    ps_t start = chip_now(rig);
    erase(PAGE);
    assert_true(chip_bus_ready(rig, ADDR) > start + 22 * PS_PER_MS);
    (void)rd(SR); /* does not wait */
    (void)rd(ACR);
    assert_true(chip_now(rig) == start);
    assert_int_equal(rd(ADDR + 8 * FLASH_PAGE), 0xFFFFFFFF);
    assert_true(chip_now(rig) >= start + 22020 * PS_PER_US);
    assert_false(busy());
    assert_int_equal(ticks, 22);
    assert_true(chip_flash_stall(rig) >= 22020 * PS_PER_US && chip_flash_stall(rig) < 22021 * PS_PER_US);
    erase(PAGE);
    (void)rd(CR);
    assert_false(busy());
    erase(PAGE);
    wr(FLASH(0x18), 0);
    assert_false(busy());
    erase(PAGE);
    (void)rd(0x1FFF7590); /* system memory is the same flash */
    assert_false(busy());
    erase(PAGE);
    cpu_set_reg(chip_cpu(rig), CPU_PC, FLASH_BASE + 0x100); /* a fetch waits as well */
    run_us(1);
    assert_false(busy());
}

/* The chip's own reset in the middle of a stall: the processor does not wait for the flash. */
static void watchdog(void *arg)
{
    (void)arg;
    chip_request_reset(rig, RESET_IWDG);
}

static void test_reset_in_stall(void **state)
{
    (void)state;
    unlock();
    chip_outside_wake(rig, OUTSIDE_TEST, chip_now(rig) + 5 * PS_PER_MS, watchdog, NULL);
    ps_t start = chip_now(rig);
    erase(PAGE);
    uint32_t v;
    (void)chip_cpu_env.read(rig, ADDR, 4, true, &v);
    assert_true(chip_now(rig) - start <= 5 * PS_PER_MS + PS_PER_US);
    rig_settle();
    assert_false(busy());
    assert_int_equal(rd(RCC(0x94)) & 1U << 29, 1U << 29);
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
    wr(SR, SR_PROGERR);
    assert_int_equal(errors(), 0);
    /* Ones, programmed, are not blank any more. */
    program(ADDR + 8, UINT64_MAX);
    wait();
    assert_int_equal(errors(), 0);
    program(ADDR + 8, 1);
    assert_int_equal(errors(), SR_PROGERR);
    wr(SR, SR_PROGERR);
    /* Ones that a debugger has put there are. */
    poke64(ADDR + 8, UINT64_MAX);
    program(ADDR + 8, 1);
    wait();
    assert_int_equal(errors(), 0);
    assert_true(dword(ADDR + 8) == 1);
}

static void test_sizerr(void **state)
{
    (void)state;
    unlock();
    wr(CR, CR_PG);
    assert_true(chip_cpu_env.write(rig, ADDR, 1, true, 0));
    assert_int_equal(errors(), SR_SIZERR);
    wr(SR, SR_SIZERR);
    assert_true(chip_cpu_env.write(rig, ADDR, 2, true, 0));
    assert_int_equal(errors(), SR_SIZERR);
    assert_true(dword(ADDR) == UINT64_MAX);
}

/* A pair that is not taken at all: users of an L452 and an L476 who forgot to unlock read SR as 0xA0. */
static void test_pair_refused(void **state)
{
    (void)state;
    program(ADDR, 0);
    assert_int_equal(errors(), SR_PGSERR | SR_PGAERR);
    wr(SR, ERRORS);
    unlock();
    wr(CR, CR_PG); /* four half words */
    for (uint32_t i = 0; i < 8; i += 2)
        assert_true(chip_cpu_env.write(rig, ADDR + i, 2, true, 0));
    assert_int_equal(errors(), SR_SIZERR | SR_PGAERR | SR_PGSERR);
    wr(SR, ERRORS);
    wr(ADDR, 0); /* and one that has only begun is nothing yet */
    assert_int_equal(errors(), 0);
    assert_true(dword(ADDR) == UINT64_MAX);
}

static void test_pgaerr(void **state)
{
    (void)state;
    unlock();
    wr(CR, CR_PG);
    wr(ADDR + 4, 0);
    assert_int_equal(errors(), SR_PGAERR);
    wr(SR, SR_PGAERR);
    wr(ADDR, 0);
    wr(ADDR + 12, 0);
    assert_int_equal(errors(), SR_PGAERR);
    wr(SR, SR_PGAERR);
    /* The first word is forgotten by that. */
    wr(ADDR + 8, 0x11111111);
    wr(ADDR + 12, 0x22222222);
    wait();
    assert_int_equal(errors(), 0);
    assert_true(dword(ADDR + 8) == 0x2222222211111111);
    assert_true(dword(ADDR) == UINT64_MAX);
}

static void test_pgserr(void **state)
{
    (void)state;
    unlock();
    wr(ADDR, 0); /* neither PG nor FSTPG */
    assert_int_equal(errors(), SR_PGSERR);
    wr(SR, SR_PGSERR);
    const uint32_t wrong[] = {CR_PG | CR_PER, CR_PG | CR_MER1, CR_PG | CR_FSTPG, CR_FSTPG | CR_PER, CR_PER};
    for (unsigned i = 0; i < 5; i++) {
        wr(CR, wrong[i]);
        wr(ADDR, 0);
        assert_int_equal(errors(), SR_PGSERR);
        wr(SR, SR_PGSERR);
    }
    const uint32_t starts[] = {CR_PER | CR_MER1, CR_PER | CR_PG, CR_MER1 | CR_FSTPG};
    for (unsigned i = 0; i < 3; i++) {
        wr(CR, starts[i] | CR_STRT);
        assert_int_equal(errors(), SR_PGSERR);
        assert_false(busy());
        wr(SR, SR_PGSERR);
    }
    wr(CR, CR_STRT); /* nothing selected: nothing happens */
    assert_int_equal(errors(), 0);
    assert_false(busy());
    wr(CR, CR_FSTPG); /* fast, and no mass erase before */
    wr(ADDR, 0);
    assert_int_equal(errors(), SR_PGSERR);
    wr(SR, SR_PGSERR);
    /* Any earlier error stands in the way until it is cleared. */
    wr(CR, CR_PG);
    wr(ADDR + 4, 0);
    program(ADDR, 0);
    assert_int_equal(errors(), SR_PGAERR | SR_PGSERR);
    erase(PAGE);
    assert_false(busy());
    wr(SR, ERRORS);
    erase(PAGE);
    assert_true(busy());
    wait();
}

static void set_options(const uint32_t *values)
{
    chip_power_off(rig, false);
    for (unsigned i = 0; i < 5; i++) {
        chip_nvm(rig)->option[2 * i] = values[i];
        chip_nvm(rig)->option[2 * i + 1] = ~values[i];
    }
    rig_power();
}

static void test_wrperr(void **state)
{
    (void)state;
    set_options(
        (const uint32_t[]){0xFFEFF8AA, 0xFFFFFFFF, 0x00FF0000, 0xFF14FF14, 0xFF7EFF7D}); /* 20; 125-126 */
    unlock();
    program(ADDR, 0);
    assert_int_equal(errors(), SR_WRPERR);
    wr(SR, SR_WRPERR);
    const uint32_t pages[] = {20, 125, 126};
    for (unsigned i = 0; i < 3; i++) {
        erase(pages[i]);
        assert_int_equal(errors(), SR_WRPERR);
        assert_false(busy());
        wr(SR, SR_WRPERR);
    }
    wr(CR, CR_MER1 | CR_STRT); /* one protected page is enough */
    assert_int_equal(errors(), SR_WRPERR);
    wr(SR, SR_WRPERR);
    const uint32_t free_pages[] = {19, 21, 124, 127};
    for (unsigned i = 0; i < 4; i++) {
        erase(free_pages[i]);
        assert_true(busy());
        wait();
    }
    assert_int_equal(errors(), 0);
    wr(CR, CR_PG); /* system memory and option bytes are never written so */
    program(0x1FFF0000, 0);
    assert_int_equal(errors(), SR_WRPERR);
    wr(SR, SR_WRPERR);
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
    chip_poke(rig, ADDR, &secret, 8);
    assert_int_equal(rd(ADDR), 0);
    assert_int_equal(errors(), SR_RDERR);
    wr(SR, SR_RDERR);
    assert_int_equal(rd(ADDR + 32), 0xFFFFFFFF);
    assert_int_equal(errors(), 0);
    unlock();
    erase(PAGE);
    assert_int_equal(errors(), SR_WRPERR);
    wr(SR, SR_WRPERR);
    program(ADDR + 8, 0);
    assert_int_equal(errors(), SR_WRPERR);
}

/* A row of 32 double words; `skip` leaves out that one. */
static void fast_row(uint32_t addr, unsigned count, unsigned gap_us)
{
    for (unsigned i = 0; i < count; i++) {
        wr(addr + 8 * i, i);
        wr(addr + 8 * i + 4, ~i);
        if (gap_us)
            run_us(gap_us);
    }
}

static void mass_erase(void)
{
    wr(CR, CR_MER1);
    wr(CR, CR_MER1 | CR_STRT);
    wait();
    wr(CR, 0);
}

static void test_fast(void **state)
{
    (void)state;
    unlock();
    mass_erase();
    wr(CR, CR_FSTPG | CR_EOPIE);
    ps_t start = chip_now(rig);
    fast_row(ADDR, 32, 0);
    wait();
    ps_t took = chip_now(rig) - start;
    assert_true(took > 1900 * PS_PER_US && took < 1930 * PS_PER_US);
    assert_int_equal(rd(SR), SR_EOP);
    for (uint64_t i = 0; i < 32; i++)
        assert_true(dword(ADDR + (uint32_t)i * 8) == ((~i << 32) | i));
    wr(SR, SR_EOP);
    wr(CR, CR_FSTPG);
    fast_row(ADDR + 256, 32, 20); /* the next row, the processor a little slower */
    wait();
    assert_int_equal(rd(SR), 0);
    assert_true(dword(ADDR + 256 + 248) == (((uint64_t)~31U << 32) | 31));
}

static void test_miserr_fasterr(void **state)
{
    (void)state;
    unlock();
    mass_erase();
    wr(CR, CR_FSTPG);
    fast_row(ADDR, 5, 0);
    wait();
    assert_int_equal(errors(), SR_MISERR | SR_FASTERR);
    wr(SR, ERRORS);
    wr(CR, 0);
    mass_erase();
    wr(CR, CR_FSTPG);
    wr(ADDR, 0);
    wr(ADDR + 4, 0);
    wr(ADDR + 16, 0); /* not increasing by one */
    assert_int_equal(errors(), SR_PGAERR | SR_FASTERR);
    wait();
    wr(SR, ERRORS);
    wr(ADDR + 8, 0); /* a row begins at a row */
    wr(ADDR + 12, 0);
    assert_int_equal(errors() & (SR_PGAERR | SR_FASTERR), SR_PGAERR | SR_FASTERR);
}

static void test_otp(void **state)
{
    (void)state;
    unlock();
    program(0x1FFF7008, 0xFFFFFFFFFFFFFFFE);
    wait();
    assert_int_equal(errors(), 0);
    assert_int_equal(rd(0x1FFF7008), 0xFFFFFFFE);
    program(0x1FFF7008, 0); /* not even zeros */
    assert_int_equal(errors(), SR_PROGERR);
    wr(SR, ERRORS);
    mass_erase();
    assert_int_equal(rd(0x1FFF7008), 0xFFFFFFFE);
}

static bool irq(unsigned n)
{
    return rig->irq_sources[n];
}

static void test_interrupts(void **state)
{
    (void)state;
    unlock();
    wr(CR, CR_PG | CR_EOPIE);
    wr(ADDR, 1);
    wr(ADDR + 4, 1);
    assert_false(irq(4));
    run_us(100);
    assert_int_equal(rd(SR), SR_EOP);
    assert_true(irq(4));
    wr(SR, SR_EOP);
    assert_false(irq(4));
    wr(ADDR + 4, 0); /* an error, and its interrupt not enabled: no OPERR */
    assert_int_equal(errors(), SR_PGAERR);
    assert_false(irq(4));
    wr(SR, ERRORS);
    wr(CR, CR_PG | CR_ERRIE);
    wr(ADDR + 4, 0);
    assert_int_equal(errors(), SR_PGAERR | SR_OPERR);
    assert_true(irq(4));
    wr(SR, SR_OPERR);
    assert_false(irq(4));
}

/* Voltage range 2 is for reading only. */
static void test_range2(void **state)
{
    (void)state;
    set_bits(RCC(0x58), 1U << 28);
    wr(PWR(0x00), 0x400);
    unlock();
    erase(PAGE);
    wait();
    bool warned = false;
    for (size_t i = 0; i < told.n; i++)
        warned |= strstr(told.events[i].text, "voltage range 2") != NULL;
    assert_true(warned);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_on_awake, rig_off)
    const struct CMUnitTest tests[] = {
        TEST(test_lock),         TEST(test_wrong_key),      TEST(test_program),        TEST(test_erase),
        TEST(test_stall),        TEST(test_reset_in_stall), TEST(test_progerr),        TEST(test_sizerr),
        TEST(test_pair_refused), TEST(test_pgaerr),         TEST(test_pgserr),         TEST(test_wrperr),
        TEST(test_pcrop),        TEST(test_fast),           TEST(test_miserr_fasterr), TEST(test_otp),
        TEST(test_interrupts),   TEST(test_range2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
