/* A blank chip and the ROM bootloader: why a program that the ROM has just downloaded does not run after a
 * reset, and what is different with sureboot. */
#include "bench.h"

#define PLAIN "build/test/fw/romjump" /* an application for 0x08000000 that knows of no bootloader */

static bool rom_is_there(struct bench *t)
{
    const uint8_t *d;
    return usbhost_wait_attached(t->host, 2000 * MS) && (d = usbhost_device_descriptor(t->host)) != NULL &&
           d[13] == 0x22; /* bcdDevice */
}

static void download(struct bench *t, const uint8_t *bytes, uint32_t size, uint32_t addr, bool leave)
{
    const struct dfu_element element = {addr, bytes, size};
    const struct dfu_job job = {
        .elements = &element, .element_count = 1, .leave = leave, .limit_ns = 60000 * MS};
    struct dfu_result result;
    dfu_run(t->host, &job, &result);
    if (!result.ok)
        fail_msg("%s", result.error);
}

static void download_file(struct bench *t, const char *bin, uint32_t addr, bool leave)
{
    uint32_t size;
    uint8_t *bytes = bench_file(bin, &size);
    download(t, bytes, size, addr, leave);
    free(bytes);
}

/* Interrupts of a timer of 1 ms in 20 ms: the program runs, with its interrupts and at its clock. */
static unsigned ticks_in_20_ms(struct bench *t)
{
    uint32_t before = bench_variable(t, PLAIN ".elf", "ticks");
    bench_run(t, 20 * MS);
    return bench_variable(t, PLAIN ".elf", "ticks") - before;
}

static void plain_program_needs_a_power_cycle(void **state)
{
    (void)state;
    struct bench *t = bench_start(NULL, NULL, true);
    assert_true(rom_is_there(t));
    download_file(t, PLAIN ".bin", 0x08000000, false);
    for (unsigned i = 0; i < 3; i++) { /* "does not run", however often it is reset */
        vboard_nrst(t->board, 10 * MS);
        assert_true(usbhost_wait_detached(t->host, 100 * MS));
        assert_true(rom_is_there(t));
    }
    vboard_power(t->board, false, true);
    bench_run(t, 10 * MS);
    vboard_power(t->board, true, true);
    bench_run(t, 10 * MS);
    assert_in_range(ticks_in_20_ms(t), 19, 21);
    vboard_nrst(t->board, 10 * MS);
    bench_run(t, 20 * MS);
    assert_in_range(ticks_in_20_ms(t), 19, 21);
    bench_end(t);
}

/* With leave it starts at once, by a jump: and is gone again after the next reset. */
static void leave_starts_it_once(void **state)
{
    (void)state;
    struct bench *t = bench_start(NULL, NULL, true);
    assert_true(rom_is_there(t));
    unsigned resets = t->resets;
    download_file(t, PLAIN ".bin", 0x08000000, true);
    assert_int_equal(t->resets, resets);
    assert_in_range(ticks_in_20_ms(t), 19, 21);
    vboard_nrst(t->board, 10 * MS);
    assert_true(rom_is_there(t));
    bench_end(t);
}

/* sureboot, installed with leave, ends that: its own reload of the option bytes is the one reset. */
static void sureboot_heals_it(void **state)
{
    (void)state;
    struct bench *t = bench_start(NULL, NULL, true);
    assert_true(rom_is_there(t));
    unsigned resets = t->resets;
    download_file(t, "build/firmware/boot.bin", 0x08000000, true);
    assert_int_equal(t->resets, resets + 1);
    assert_false(vboard_peek32(t->board, 0x40022010) & 1u << 17); /* PEMPTY */
    assert_true(usbhost_wait_attached(t->host, 2000 * MS));
    assert_false(usbhost_device_descriptor(t->host)[13] == 0x22); /* sureboot's DFU */
    download_file(t, "build/firmware/blink.bin", SLOT, false);
    vboard_nrst(t->board, 10 * MS);
    t->edges = 0;
    bench_run(t, 3100 * MS);
    bench_expect_blink(t, 2, 1000);
    assert_int_equal(t->handoff_pc, vboard_peek32(t->board, SLOT + 4) & ~1u);
    bench_end(t);
}

/* An update of a program that jumped to the ROM. The new one begins where that jump was, of which the
 * instruction cache would still know, and is nothing but NOPs up to its end. */
static void caches_forget_what_is_replaced(void **state)
{
    (void)state;
    const uint16_t nop = 0xBF00,
                   end[] = {0x202A, 0x2101, 0x0749, 0x6008, 0xE7FE}; /* [0x20000000] = 42; stay */
    const uint32_t go = 1, sp = 0x20002000, entry = bench_address(PLAIN ".elf", "jump_to") | 1;
    uint32_t size;
    uint8_t *image = bench_file(PLAIN ".bin", &size);
    for (uint32_t at = 8; at < size; at += sizeof nop)
        memcpy(image + at, &nop, sizeof nop);
    memcpy(image, &sp, 4);
    memcpy(image + 4, &entry, 4);
    memcpy(image + ((size - sizeof end) & ~1u), end, sizeof end);

    struct bench *t = bench_start(PLAIN ".elf", NULL, true);
    bench_run(t, 5 * MS);
    assert_true(vboard_poke(t->board, bench_address(PLAIN ".elf", "command"), &go, 4));
    assert_true(rom_is_there(t));
    download(t, image, size, 0x08000000, true);
    bench_run(t, 30 * MS);
    assert_int_equal(vboard_peek32(t->board, 0x20000000), 42);
    free(image);
    bench_end(t);
}

/* Without leave sureboot is not started, and so cannot heal anything, until power is removed. */
static void without_leave_not_even_sureboot_runs(void **state)
{
    (void)state;
    struct bench *t = bench_start(NULL, NULL, true);
    assert_true(rom_is_there(t));
    download_file(t, "build/firmware/boot.bin", 0x08000000, false);
    vboard_nrst(t->board, 10 * MS);
    assert_true(usbhost_wait_detached(t->host, 100 * MS));
    assert_true(rom_is_there(t));
    vboard_power(t->board, false, true);
    vboard_power(t->board, true, true);
    assert_true(usbhost_wait_attached(t->host, 2000 * MS));
    assert_false(usbhost_device_descriptor(t->host)[13] == 0x22);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_program_needs_a_power_cycle),
        cmocka_unit_test(leave_starts_it_once),
        cmocka_unit_test(sureboot_heals_it),
        cmocka_unit_test(without_leave_not_even_sureboot_runs),
        cmocka_unit_test(caches_forget_what_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
