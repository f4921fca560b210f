/* A chip without a board for tests of its blocks. */
#include "chiptest.h"

#include <stdio.h>
#include <string.h>

#define LOOP 0x10000100U /* SRAM2, where neither flash nor its caches matter */

static void note(struct chiptest *t, uint32_t a, uint32_t b, const char *what)
{
    if (t->n == sizeof t->told / sizeof t->told[0])
        return;
    struct told *e = &t->told[t->n++];
    snprintf(e->what, sizeof e->what, "%s", what);
    e->a = a;
    e->b = b;
}

static void on_reset(void *owner, enum chip_reset cause)
{
    note(owner, cause, 0, "reset");
}

static void on_gpio(void *owner, unsigned port, unsigned pin, bool level)
{
    note(owner, port * 16 + pin, level, "gpio");
}

static void on_flash_op(void *owner, const char *op, uint32_t where, uint32_t n)
{
    note(owner, where, n, op);
}

static void on_missing(void *owner, uint32_t addr, uint32_t pc)
{
    note(owner, addr, pc, "missing");
}

static void on_message(void *owner, const char *sentence)
{
    note(owner, 0, 0, sentence);
}

static void on_fault(void *owner, const struct cpu_fault *fault)
{
    note(owner, fault->pc, 0, fault->kind);
}

static int on_cut(void *owner, uint64_t n)
{
    const struct chiptest *t = owner;
    return n == t->cut_at ? t->cut_model : 0;
}

static void on_power_lost(void *owner)
{
    note(owner, 0, 0, "power lost");
}

void chiptest_start(struct chiptest *t)
{
    memset(t, 0, sizeof *t);
    t->tell = (struct chip_listener){
        .owner = t,
        .reset = on_reset,
        .gpio = on_gpio,
        .flash_op = on_flash_op,
        .missing = on_missing,
        .message = on_message,
        .fault = on_fault,
        .cut = on_cut,
        .power_lost = on_power_lost,
    };
    struct chip_config config;
    chip_config_default(&config);
    config.seed = 1;
    t->c = chip_create(&config, &t->tell);
    assert_non_null(t->c);
    /* Vectors that lead to a loop, every exception included. */
    uint32_t vectors[64] = {SRAM1_BASE + SRAM1_SIZE};
    for (unsigned i = 1; i < 64; i++)
        vectors[i] = FLASH_BASE + 0x100 + 1;
    const uint16_t loop = 0xE7FE;
    assert_true(chip_poke(t->c, FLASH_BASE, vectors, sizeof vectors));
    assert_true(chip_poke(t->c, FLASH_BASE + 0x100, &loop, sizeof loop));
    chiptest_power(t);
}

void chiptest_power(struct chiptest *t)
{
    chip_power_on(t->c);
    chiptest_settle(t);
}

void chiptest_settle(struct chiptest *t)
{
    while (t->c->reset_pending || t->c->mode == MODE_RESET)
        assert_int_equal(chip_run(t->c, chip_now(t->c) + PS_PER_US), CHIP_TIME);
    const uint16_t loop = 0xE7FE;
    chiptest_execute(t, &loop, 1);
}

void chiptest_execute(struct chiptest *t, const uint16_t *code, size_t halfwords)
{
    assert_true(chip_poke(t->c, LOOP, code, 2 * halfwords));
    cpu_set_reg(chip_cpu(t->c), 15, LOOP);
}

void chiptest_end(struct chiptest *t)
{
    chip_destroy(t->c);
    t->c = NULL;
}

unsigned chiptest_count(const struct chiptest *t, const char *what)
{
    unsigned n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += strcmp(t->told[i].what, what) == 0;
    return n;
}

uint32_t rd(struct chiptest *t, uint32_t addr)
{
    uint32_t v = 0;
    assert_true(chip_cpu_env.read(t->c, addr, 4, true, &v));
    return v;
}

void wr(struct chiptest *t, uint32_t addr, uint32_t value)
{
    assert_true(chip_cpu_env.write(t->c, addr, 4, true, value));
}

void set(struct chiptest *t, uint32_t addr, uint32_t bits)
{
    wr(t, addr, rd(t, addr) | bits);
}

void clear(struct chiptest *t, uint32_t addr, uint32_t bits)
{
    wr(t, addr, rd(t, addr) & ~bits);
}

void run_us(struct chiptest *t, uint64_t us)
{
    chip_run(t->c, chip_now(t->c) + us * PS_PER_US);
}

void flash_unlock(struct chiptest *t, bool options)
{
    wr(t, FLASH(FLASH_KEYR), 0x45670123);
    wr(t, FLASH(FLASH_KEYR), 0xCDEF89AB);
    if (!options)
        return;
    wr(t, FLASH(FLASH_OPTKEYR), 0x08192A3B);
    wr(t, FLASH(FLASH_OPTKEYR), 0x4C5D6E7F);
}

void flash_idle(struct chiptest *t)
{
    while (t->c->mode != MODE_OFF && rd(t, FLASH(FLASH_SR)) & SR_BSY)
        run_us(t, 10);
}

static void finish(struct chiptest *t)
{
    flash_idle(t);
    if (t->c->mode != MODE_OFF)
        wr(t, FLASH(FLASH_CR), 0);
}

void flash_erase_page(struct chiptest *t, uint32_t page)
{
    wr(t, FLASH(FLASH_CR), CR_PER | page << 3 | CR_STRT);
    finish(t);
}

void flash_write64(struct chiptest *t, uint32_t addr, uint64_t data)
{
    wr(t, FLASH(FLASH_CR), CR_PG);
    wr(t, addr, (uint32_t)data);
    wr(t, addr + 4, (uint32_t)(data >> 32));
    finish(t);
}

void poke64(struct chiptest *t, uint32_t addr, uint64_t data)
{
    assert_true(chip_poke(t->c, addr, &data, sizeof data));
}

uint64_t peek64(struct chiptest *t, uint32_t addr)
{
    uint64_t data;
    assert_true(chip_peek(t->c, addr, &data, sizeof data));
    return data;
}
