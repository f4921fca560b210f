/* What a reset starts: every row of RM0394's table "Boot modes" with AN2606's empty check (pattern 16), at
 * power-on and at NRST, and when the empty check is looked at again. */
#include "bench.h"

#define HELLO "build/test/fw/hello.elf"
enum { nBOOT1 = 1 << 23, nSWBOOT0 = 1 << 26, nBOOT0 = 1 << 27, RDP = 0xFF };
#define FACTORY 0xFFEFF8AAu

enum where { FLASH, SYSTEM, SRAM, DEAD };
static const char *const names[] = {"flash", "system memory", "SRAM", "nowhere"};

/* Two words of vectors and a loop. */
static const uint32_t sram_program[3] = {0x20004000, 0x20000009, 0xBF00E7FE};

static struct vboard *board(uint32_t optr, bool blank, int ph3)
{
    const struct vboard_config config = {.seed = 3};
    const uint32_t option[2] = {optr, ~optr};
    struct vboard *b = vboard_create(&config);
    assert_non_null(b);
    assert_true(vboard_load_bytes(b, 0x1FFF7800, option, sizeof option));
    if (!blank)
        assert_true(vboard_load_file(b, HELLO, VBOARD_NO_ADDR));
    assert_true(vboard_drive(b, "PH3", ph3));
    return b;
}

/* Where the processor is, a millisecond on. */
static enum where look(struct vboard *b)
{
    if (vboard_run(b, MS, NULL, NULL) == VB_LOCKUP)
        return DEAD;
    uint32_t pc = vboard_reg(b, 15);
    return pc - 0x08000000 < 0x40000 || pc < 0x40000 ? FLASH
           : pc - 0x1FFF0000 < 0x7000                ? SYSTEM
           : pc - 0x20000000 < 0x10000               ? SRAM
                                                     : DEAD;
}

static enum where after_nrst(struct vboard *b)
{
    vboard_nrst(b, MS);
    (void)vboard_run(b, 2 * MS, NULL, NULL);
    return look(b);
}

static uint32_t mem_mode(struct vboard *b)
{
    return vboard_peek32(b, 0x40010000) & 7;
}

static const struct {
    uint32_t clear; /* of the factory options */
    int ph3;
    bool blank;
    enum where where;
} rows[] = {
    /* the pin decides */
    {0, 0, false, FLASH},
    {0, 0, true, SYSTEM}, /* empty check */
    {0, 1, false, SYSTEM},
    {0, 1, true, SYSTEM},
    {nBOOT1, 1, false, SRAM},
    {nBOOT1, 0, false, FLASH},
    {nBOOT0, 0, false, FLASH}, /* nBOOT0 does not matter here */
    {nBOOT0, 1, false, SYSTEM},
    /* the option bit decides */
    {nSWBOOT0, 1, false, FLASH},
    {nSWBOOT0, 0, true, DEAD}, /* no empty check: the vectors are all ones */
    {nSWBOOT0 | nBOOT0, 0, false, SYSTEM},
    {nSWBOOT0 | nBOOT0, 1, true, SYSTEM},
    {nSWBOOT0 | nBOOT0 | nBOOT1, 0, false, SRAM},
};

static void every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vboard *b = board(FACTORY & ~rows[i].clear, rows[i].blank, rows[i].ph3);
        vboard_power(b, true, false);
        enum where where = rows[i].where, at_power_on = look(b);
        /* SRAM holds noise at power-on, which ends wherever it does. */
        if (where != SRAM && at_power_on != where)
            fail_msg("row %zu: power-on starts %s, not %s", i, names[at_power_on], names[where]);
        assert_true(vboard_poke(b, 0x20000000, sram_program, sizeof sram_program));
        enum where at_nrst = after_nrst(b);
        if (at_nrst != where)
            fail_msg("row %zu: NRST starts %s, not %s", i, names[at_nrst], names[where]);
        /* After the empty check MEM_MODE reads 0 all the same (chip-model.md). */
        bool by_check = rows[i].where == SYSTEM && rows[i].blank && rows[i].ph3 == 0;
        if (where != DEAD)
            assert_int_equal(mem_mode(b), where == SYSTEM && !by_check ? 1 : where == SRAM ? 3 : 0);
        vboard_destroy(b);
    }
}

static void protected_for_good(void **state)
{
    (void)state; /* RDP level 2: neither ROM nor SRAM */
    static const uint32_t clear[] = {0, nBOOT1, nSWBOOT0 | nBOOT0};
    for (size_t i = 0; i < sizeof clear / sizeof *clear; i++) {
        struct vboard *b = board((FACTORY & ~(uint32_t)RDP & ~clear[i]) | 0xCC, false, 1);
        vboard_power(b, true, false);
        assert_int_equal(look(b), FLASH);
        vboard_destroy(b);
    }
}

/* PEMPTY is what power-on or the last load of the option bytes found (RM0394 "FLASH_SR"). */
static void empty_check_is_not_repeated(void **state)
{
    (void)state;
    struct vboard *b = board(FACTORY, true, 0);
    static const uint32_t vectors[2] = {0x20004000, 0x08000009}, loop[2] = {0xBF00E7FE, 0xBF00BF00};
    uint32_t sr = 0x40022010;
    vboard_power(b, true, false);
    assert_int_equal(look(b), SYSTEM);
    assert_true(vboard_peek32(b, sr) & 1u << 17);
    assert_true(vboard_poke(b, 0x08000000, vectors, 8) && vboard_poke(b, 0x08000008, loop, 8));
    assert_int_equal(after_nrst(b), SYSTEM); /* programmed, and still taken for empty */
    assert_true(vboard_peek32(b, sr) & 1u << 17);
    vboard_power(b, false, true);
    vboard_power(b, true, true);
    assert_int_equal(look(b), FLASH);
    assert_false(vboard_peek32(b, sr) & 1u << 17);

    /* The other way round: erased under way, and not taken for empty. */
    static const uint32_t blank[2] = {0xFFFFFFFF, 0xFFFFFFFF};
    assert_true(vboard_poke(b, 0x08000000, blank, 8));
    assert_int_equal(after_nrst(b), DEAD);
    vboard_power(b, false, true);
    vboard_power(b, true, true);
    assert_int_equal(look(b), SYSTEM);
    vboard_destroy(b);
}

static unsigned handoffs, resets;

static void count(void *arg, const struct vboard_event *e)
{
    (void)arg;
    handoffs += e->kind == VE_HANDOFF;
    resets += e->kind == VE_RESET;
}

/* The ROM is no application: its start is a reset like any other and no hand-over. */
static void events(void **state)
{
    (void)state;
    struct vboard *b = board(FACTORY, false, 1);
    handoffs = resets = 0;
    vboard_on_event(b, count, NULL);
    vboard_power(b, true, false);
    assert_int_equal(look(b), SYSTEM);
    assert_int_equal(resets, 1);
    assert_int_equal(handoffs, 0);
    vboard_destroy(b);
}

/* A dump of a real ROM takes the stand-in's place; it is the board's, not the flash's. */
static void another_rom(void **state)
{
    (void)state;
    struct vboard *b = board(FACTORY, true, 0);
    static const uint32_t rom[3] = {0x20003000, 0x1FFF0009, 0xBF00E7FE};
    assert_true(vboard_load_bytes(b, 0x1FFF0000, rom, sizeof rom));
    vboard_power(b, true, false);
    assert_int_equal(look(b), SYSTEM);
    assert_int_equal(vboard_reg(b, 15), 0x1FFF0008);
    vboard_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(protected_for_good),
        cmocka_unit_test(empty_check_is_not_repeated),
        cmocka_unit_test(events),
        cmocka_unit_test(another_rom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
