/* The bootloader and the examples on the virtual board: who blinks how, who starts whom, and the way
 * round by DFU and back by the byte 0xAA. */
#include "bench.h"

static void start_up_code_prepares_variables(void **state)
{
    (void)state;
    static const char elf[] = "build/test/fw/hello.elf";
    struct bench *t = bench_start(elf, NULL, false);
    bench_run(t, 10 * MS);
    assert_int_equal(bench_variable(t, elf, "hello_magic"), 0x600DC0DE);
    assert_in_range(bench_variable(t, elf, "hello_count"), 100, 40000); /* from 0, at 4 MHz */
    assert_int_equal(vboard_pin(t->board, "PB13"), 1);
    bench_end(t);
}

static void blank_slot_serves_dfu_and_blinks_fast(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, NULL, true);
    assert_true(usbhost_wait_attached(t->host, 500 * MS));
    const uint8_t *d = usbhost_device_descriptor(t->host);
    assert_non_null(d);
    assert_int_equal(d[8] | d[9] << 8, 0x0483);
    assert_int_equal(d[10] | d[11] << 8, 0xDF11);
    bench_run(t, 1500 * MS);
    bench_expect_blink(t, 10, 100);
    assert_int_equal(vboard_peek32(t->board, 0xE000E014),
                     79999); /* SysTick's LOAD: a millisecond at 80 MHz */
    assert_int_equal(t->handoffs, 0);
    bench_end(t);
}

static bool attached(void *arg)
{
    const struct bench *t = arg;
    return vboard_peek32(t->board, 0x40006858) & 0x8000; /* USB_BCDR.DPPU */
}

/* The USB block wants its bus clock while a host may be there. */
static void clock_stays_up_while_attached(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, NULL, true);
    assert_int_equal(vboard_run(t->board, 10 * MS, attached, t), VB_CONDITION);
    for (unsigned i = 0; i < 20000; i++) {                              /* DFU is at work 40 ms later */
        assert_int_equal(vboard_peek32(t->board, 0x40021008) & 15, 15); /* RCC_CFGR: SW, SWS */
        bench_run(t, MS / 250);
    }
    assert_true(t->edges > 0);
    bench_end(t);
}

static void application_starts_and_blinks_slowly(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, BLINK, false);
    bench_run(t, 4500 * MS);
    assert_int_equal(t->handoffs, 1);
    assert_int_equal(t->handoff_pc & ~1u, vboard_peek32(t->board, SLOT + 4) & ~1u);
    bench_expect_blink(t, 3, 1000);
    bench_end(t);
}

static void vtor_set_back_still_gets_its_interrupts(void **state)
{
    (void)state;
    static const char elf[] = "build/test/fw/vtorback.elf";
    struct bench *t = bench_start(BOOT, elf, false);
    bench_run(t, 1000 * MS);
    assert_int_equal(vboard_peek32(t->board, 0xE000ED08), 0x08000000);
    uint32_t ticks = bench_variable(t, elf, "ticks");
    assert_in_range(ticks, 950, 1010);
    assert_in_range(bench_variable(t, elf, "software"), ticks, 3 * ticks);
    assert_in_range(bench_variable(t, elf, "calls"), ticks, 3 * ticks);
    assert_int_equal(bench_variable(t, elf, "damaged"), 0);
    /* The same way for all, also those that only software can make pending since the chip has no such
     * interrupt: from 11 on but 13, which is the processor's. */
    uint32_t forward = vboard_peek32(t->board, 0x08000000 + 4 * 15);
    for (uint32_t v = 4; v < 99; v++)
        if (v < 7 || v == 11 || v == 12 || v > 13)
            assert_int_equal(vboard_peek32(t->board, 0x08000000 + 4 * v), forward);
    bench_end(t);
}

/* What a debugger's "run" or a foreign loader does: a jump with the PLL on, USB and SysTick running. */
static void jump_to_the_bootloader(struct bench *t)
{
    uint32_t vectors[2];
    assert_true(vboard_peek(t->board, 0x08000000, vectors, sizeof vectors));
    vboard_set_reg(t->board, 17, vectors[0]);
    vboard_set_reg(t->board, 13, vectors[0]);
    vboard_set_reg(t->board, 15, vectors[1] & ~1u);
}

static void a_jump_becomes_a_reset(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, CDC, true);
    assert_true(usbhost_wait_attached(t->host, 500 * MS));
    assert_int_equal(t->resets, 1);
    jump_to_the_bootloader(t);
    bench_run(t, 300 * MS);
    assert_int_equal(t->resets, 2);
    assert_int_equal(t->handoffs, 2);
    bench_end(t);
}

/* Where a reset would end in the ROM, the chip is put back by hand; the application cannot tell. */
static void a_jump_is_undone_where_a_reset_leads_to_the_rom(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, CDC, true);
    assert_true(usbhost_wait_attached(t->host, 500 * MS));
    assert_true(vboard_drive(t->board, "PH3", 1));
    assert_true(vboard_break(t->board, vboard_peek32(t->board, SLOT + 4) & ~1u, true));
    jump_to_the_bootloader(t);
    assert_int_equal(vboard_run(t->board, 300 * MS, NULL, NULL), VB_BREAK);
    assert_int_equal(t->resets, 1);
    static const struct {
        uint32_t addr, value;
    } as_reset[] = {
        {0x40021000, 0x63},       {0x40021008, 0},          {0x4002100C, 0x1000},
        {0x40021048, 0x100},      {0x4002104C, 0},          {0x40021058, 0x400},
        {0x40021060, 0},          {0x40022000, 0x600},      {0x40022014, 0xC0000000},
        {0x48000000, 0xABFFFFFF}, {0x48000400, 0xFFFFFEBF}, {0x40010400, 0xFF820000},
        {0xE000E010, 0},          {0xE000E100, 0},          {0xE000E108, 0},
        {0xE000ED08, SLOT},
    };
    for (size_t i = 0; i < sizeof as_reset / sizeof *as_reset; i++)
        if (vboard_peek32(t->board, as_reset[i].addr) != as_reset[i].value)
            fail_msg("0x%08x is 0x%08x, not 0x%08x", as_reset[i].addr,
                     vboard_peek32(t->board, as_reset[i].addr), as_reset[i].value);
    assert_true(vboard_break(t->board, vboard_peek32(t->board, SLOT + 4) & ~1u, false));
    assert_true(vboard_drive(t->board, "PH3", -1));
    assert_true(usbhost_wait_attached(t->host, 500 * MS));
    bench_end(t);
}

static struct dfu_result dfu(struct bench *t, const struct dfu_job *job)
{
    struct dfu_result r;
    struct dfu_job limited = *job;
    limited.limit_ns = 60000 * MS;
    dfu_run(t->host, &limited, &r);
    return r;
}

static void download(struct bench *t, const char *bin)
{
    uint32_t size;
    uint8_t *bytes = bench_file(bin, &size);
    const struct dfu_element element = {SLOT, bytes, size};
    struct dfu_result r = dfu(t, &(struct dfu_job){.elements = &element, .element_count = 1, .leave = true});
    if (!r.ok)
        fail_msg("download: %s", r.error);
    uint8_t *there = malloc(size);
    assert_non_null(there);
    assert_true(vboard_peek(t->board, SLOT, there, size));
    assert_memory_equal(there, bytes, size);
    free(there);
    free(bytes);
}

static void downloaded_application_runs_at_once(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, NULL, true);
    download(t, "build/firmware/blink.bin");
    assert_in_range(t->left_at, MS, t->reset_at);
    assert_in_range(t->reset_at - t->left_at, 20 * MS, 40 * MS); /* hubs have noticed */
    bench_run(t, 4500 * MS);
    bench_expect_blink(t, 3, 1000);
    assert_int_equal(t->handoffs, 1);
    assert_int_equal(usbhost_state(t->host), UH_DETACHED);
    bench_end(t);
}

static void flash_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static uint8_t image[30 * 1024 + 3], back[sizeof image];
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 31 + i / 256);
    image[0] = image[1] = 0, image[2] = 1, image[3] = 0x20; /* an initial stack pointer and a start */
    image[4] = 0x01, image[5] = 0x50, image[6] = 0, image[7] = 0x08;

    struct bench *t = bench_start(BOOT, NULL, true);
    const struct dfu_element element = {SLOT, image, sizeof image};
    struct dfu_result r = dfu(t, &(struct dfu_job){.elements = &element, .element_count = 1});
    if (!r.ok)
        fail_msg("download: %s", r.error);
    r = dfu(
        t, &(struct dfu_job){
               .upload = back, .upload_addr = SLOT, .upload_limit = sizeof back, .upload_room = sizeof back});
    if (!r.ok)
        fail_msg("upload: %s", r.error);
    assert_int_equal(r.uploaded, sizeof back);
    assert_memory_equal(back, image, sizeof image);
    bench_end(t);
}

/* While flash is busy neither code nor constants nor vectors come from it. */
static void download_never_waits_for_flash(void **state)
{
    (void)state;
    static uint8_t image[8192];
    memset(image, 0x5A, sizeof image);
    image[0] = image[1] = 0, image[2] = 1, image[3] = 0x20;
    image[4] = 0x01, image[5] = 0x50, image[6] = 0, image[7] = 0x08;
    struct bench *t = bench_start(BOOT, NULL, true);
    assert_true(usbhost_wait_attached(t->host, 500 * MS));
    vboard_flash_stall_clear(t->board);
    const struct dfu_element element = {SLOT, image, sizeof image};
    struct dfu_result r = dfu(t, &(struct dfu_job){.elements = &element, .element_count = 1});
    if (!r.ok)
        fail_msg("download: %s", r.error);
    assert_int_equal(vboard_flash_stall(t->board), 0);
    bench_end(t);
}

static void byte_0xAA_leads_to_dfu_and_back(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, NULL, true);
    for (unsigned round = 0; round < 3; round++) {
        download(t, "build/firmware/cdc.bin");
        assert_true(usbhost_wait_attached(t->host, 500 * MS));
        assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
        uint8_t byte = 0xAA;
        assert_int_equal(usbhost_bulk(t->host, 0x01, &byte, 1, 100 * MS, NULL), UH_OK);
        assert_true(usbhost_wait_detached(t->host, 100 * MS));
        assert_true(usbhost_wait_attached(t->host, 500 * MS));
        assert_int_equal(usbhost_device_descriptor(t->host)[10], 0x11); /* DF11 */
    }
    /* The token is used up: another reset starts the application. */
    unsigned before = t->handoffs;
    vboard_nrst(t->board, MS);
    bench_run(t, 100 * MS);
    assert_int_equal(t->handoffs, before + 1);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_up_code_prepares_variables),
        cmocka_unit_test(blank_slot_serves_dfu_and_blinks_fast),
        cmocka_unit_test(clock_stays_up_while_attached),
        cmocka_unit_test(application_starts_and_blinks_slowly),
        cmocka_unit_test(vtor_set_back_still_gets_its_interrupts),
        cmocka_unit_test(a_jump_becomes_a_reset),
        cmocka_unit_test(a_jump_is_undone_where_a_reset_leads_to_the_rom),
        cmocka_unit_test(downloaded_application_runs_at_once),
        cmocka_unit_test(flash_comes_back_as_it_was_written),
        cmocka_unit_test(download_never_waits_for_flash),
        cmocka_unit_test(byte_0xAA_leads_to_dfu_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
