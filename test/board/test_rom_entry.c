/* Jumping into the ROM bootloader: with everything as AN2606 wants it, and with each precondition broken.
 * Broken ones end as on the bench, and the board says which it was. The last rows work in spite of it; what
 * of this is an assumption about ST's ROM is in docs/rom-bootloader.md. */
#include "bench.h"

#define ROMJUMP "build/test/fw/romjump.elf"

enum {
    GO = 1 << 0,
    LEAVE_PLL = 1 << 1,
    LEAVE_SYSTICK = 1 << 2,
    LEAVE_NVIC = 1 << 3,
    LEAVE_MASKED = 1 << 4,
    ON_PSP = 1 << 5,
    IN_USB = 1 << 6,
    IN_PENDSV = 1 << 7,
    RANGE_2 = 1 << 8,
    LEAVE_PULLUP = 1 << 9,
    MAP_SYSTEM = 1 << 10,
    LEAVE_DMA = 1 << 11,
    UNPRIVILEGED = 1 << 12,
    LEAVE_BASEPRI = 1 << 14,
    WATCHED = 1 << 15
};

struct told {
    unsigned messages, resets;
    char text[4][256];
};

static struct told told;

static void on_event(void *arg, const struct vboard_event *e)
{
    (void)arg;
    told.resets += e->kind == VE_RESET;
    if (e->kind == VE_MESSAGE && strncmp(e->name, "ROM bootloader", 14) == 0) {
        if (told.messages < 4)
            (void)snprintf(told.text[told.messages], sizeof told.text[0], "%s", e->name);
        told.messages++;
    }
    if (e->kind == VE_MISSING)
        fail_msg("0x%08x is not modelled, touched at 0x%08x", e->a, e->b);
}

/* The application runs, gets its command and jumps. */
static struct bench *jump(uint32_t how)
{
    struct bench *t = bench_start(ROMJUMP, NULL, true);
    memset(&told, 0, sizeof told);
    vboard_on_event(t->board, on_event, NULL);
    bench_run(t, 5 * MS);
    how |= GO;
    assert_true(vboard_poke(t->board, bench_address(ROMJUMP, "command"), &how, 4));
    return t;
}

static bool is_rom(struct bench *t)
{
    const uint8_t *d = usbhost_device_descriptor(t->host);
    return d && d[8] == 0x83 && d[9] == 0x04 && d[10] == 0x11 && d[11] == 0xDF && d[12] == 0 && d[13] == 0x22;
}

static void as_it_should_be(void **state)
{
    (void)state;
    for (uint32_t map = 0; map <= MAP_SYSTEM; map += MAP_SYSTEM) { /* it makes no difference on this chip */
        struct bench *t = jump(map);
        assert_true(usbhost_wait_attached(t->host, 1000 * MS));
        assert_true(is_rom(t));
        assert_int_equal(told.messages, 0);
        bench_end(t);
    }
}

/* A watchdog of 25 ms: the ROM gives it 1.6 s, and feeds it (AN2606). */
static void feeds_the_watchdog(void **state)
{
    (void)state;
    struct bench *t = jump(WATCHED);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_true(is_rom(t));
    for (unsigned i = 0; i < 10; i++) {
        bench_run(t, 200 * MS);
        assert_int_equal(usbhost_state(t->host), UH_ADDRESSED);
    }
    assert_true(vboard_watchdog(t->board));
    assert_int_equal(told.messages, 0);
    bench_end(t);
}

static const struct {
    uint32_t how;
    bool works;
    const char *message;
} rows[] = {
    {IN_USB, false, "from the USB interrupt"},  {IN_PENDSV, false, "from an exception handler"},
    {LEAVE_MASKED, false, "interrupts masked"}, {LEAVE_BASEPRI, false, "interrupts masked"},
    {ON_PSP, false, "process stack"},           {UNPRIVILEGED, false, "unprivileged"},
    {LEAVE_PLL, false, "the PLL on"},           {LEAVE_SYSTICK, false, "SysTick interrupt"},
    {LEAVE_NVIC, false, "enabled in the NVIC"}, {RANGE_2, false, "voltage range 2"},
    {LEAVE_DMA, true, "DMA channel"},           {LEAVE_PULLUP, true, "USB pull-up"},
};

static void each_mistake(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench *t = jump(rows[i].how);
        bool there = usbhost_wait_attached(t->host, 2000 * MS) && is_rom(t);
        if (there != rows[i].works)
            fail_msg("%s: the ROM %s", rows[i].message, there ? "works" : "does not work");
        if (told.messages != 1 || !strstr(told.text[0], rows[i].message))
            fail_msg("%s: %u messages, \"%s\", \"%s\"", rows[i].message, told.messages, told.text[0],
                     told.text[1]);
        bench_end(t);
    }
}

/* Several at once are all told. */
static void all_that_is_broken_is_told(void **state)
{
    (void)state;
    struct bench *t = jump(IN_USB | LEAVE_PLL | LEAVE_SYSTICK);
    assert_false(usbhost_wait_attached(t->host, 500 * MS));
    assert_int_equal(told.messages, 3);
    bench_end(t);
}

/* A reset that comes to the ROM is no jump, and a chip that is stuck there comes out by a reset. */
static void a_reset_helps(void **state)
{
    (void)state;
    struct bench *t = jump(LEAVE_MASKED);
    assert_false(usbhost_wait_attached(t->host, 500 * MS));
    assert_true(vboard_drive(t->board, "PH3", 1));
    vboard_nrst(t->board, MS);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_true(is_rom(t));
    assert_int_equal(told.messages, 1);
    assert_true(vboard_drive(t->board, "PH3", 0));
    vboard_nrst(t->board, MS);
    bench_run(t, 5 * MS);
    uint32_t ticks = vboard_peek32(t->board, bench_address(ROMJUMP, "ticks"));
    bench_run(t, 5 * MS);
    assert_in_range(vboard_peek32(t->board, bench_address(ROMJUMP, "ticks")) - ticks, 4, 6);
    bench_end(t);
}

/* In, out by leave and in again, with no reset between: every jump is looked at. */
static void again_after_leave(void **state)
{
    (void)state;
    struct bench *t = jump(0);
    for (unsigned round = 0; round < 3; round++) {
        assert_true(usbhost_wait_attached(t->host, 1000 * MS));
        assert_true(is_rom(t));
        assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
        uint8_t status[6];
        assert_int_equal(usbhost_control(t->host, 0x21, 1, 2, 0, NULL, 0, NULL), UH_OK);
        assert_int_equal(usbhost_control(t->host, 0xA1, 3, 0, 0, status, 6, NULL), UH_OK);
        assert_int_equal(status[4], 7); /* dfuMANIFEST */
        assert_true(usbhost_wait_detached(t->host, 100 * MS));
        bench_run(t, 30 * MS);
        assert_int_equal(told.resets, 0);
        assert_int_equal(vboard_peek32(t->board, 0x40021058) & 1u << 10, 0); /* RTCAPBEN (AN2606) */
        uint32_t how = GO | (round == 2 ? LEAVE_MASKED : 0);
        assert_true(vboard_poke(t->board, bench_address(ROMJUMP, "command"), &how, 4));
    }
    assert_false(usbhost_wait_attached(t->host, 500 * MS));
    assert_int_equal(told.messages, 1);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_it_should_be), cmocka_unit_test(feeds_the_watchdog),
        cmocka_unit_test(each_mistake),    cmocka_unit_test(all_that_is_broken_is_told),
        cmocka_unit_test(a_reset_helps),   cmocka_unit_test(again_after_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
