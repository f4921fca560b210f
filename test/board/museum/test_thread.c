/* Museum of mistakes: the bootloader of the thread's first post. It jumps after HAL_Init, clocks, GPIO and
 * USB: "I can successfully download a simple application. However, my actual project appears to download
 * successfully but does not run." Which of them runs depends on what it has in common with the bootloader. */
#include "museum.h"

#include "board.h"
#include "chip/machine.h"
#include "chip/usbfs.h"

/* Downloaded, with leave, to the thread's bootloader. */
static struct seen *downloaded(uint32_t habits, const char *bin)
{
    struct seen *s = thread(habits);
    struct dfu_result r = send_file(s, bin, true);
    if (!r.ok)
        fail_msg("%s: %s", bin, r.error);
    s->bench.edges = 0;
    let_run(s, 3500);
    assert_int_equal(s->bench.handoffs, 1);
    return s;
}

static const struct {
    const char *bin;
    unsigned ms; /* of its LED */
    bool runs;   /* although the bootloader has been busy */
} applications[] = {
    {"build/firmware/cdc.bin", 1000, true},    /* has the bootloader's clock, and a USB device as well */
    {"build/firmware/blink.bin", 1000, false}, /* has the same clock, and no handler for USB's interrupt */
    {FW("ownclock.bin"), 100, false},          /* wants another clock */
};

static void jump_after_initialisation(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof applications / sizeof *applications; i++) {
        struct seen *s = downloaded(JUMPS_LATE, applications[i].bin);
        if (applications[i].runs) {
            bench_expect_blink(&s->bench, 2, applications[i].ms);
            seen_end(s);
        } else {
            expect_dark(s);
        }
        /* "Better is jump before init." */
        s = downloaded(0, applications[i].bin);
        bench_expect_blink(&s->bench, 2, applications[i].ms);
        seen_end(s);
        sureboot_runs(applications[i].bin, applications[i].ms);
    }
}

/* Jumping before initialisation does not help an application that relies on VTOR. */
static void vtor_left_at_the_bootloader(void **state)
{
    (void)state;
    struct seen *s = downloaded(0, FW("exhibit.bin"));
    assert_int_equal(vboard_peek32(s->bench.board, 0xE000ED08), 0x08000000);
    expect_dark(s);
    sureboot_runs(FW("exhibit.bin"), 100);
}

/* An application writes the flag and resets; the board stands still at that moment. */
static struct seen *with_flag(const char *boot, uint32_t habits)
{
    static const char elf[] = FW("probe.elf");
    const uint32_t flag = DFU_FLAG, leave_token = 12; /* test/board/fw/probe/main.c */
    struct seen *s = seen_board(boot, false);
    struct vboard *b = s->bench.board;
    if (!vboard_load_file(b, elf, VBOARD_NO_ADDR))
        fail_msg("%s", vboard_error(b));
    thread_power(s, habits);
    let_run(s, 50);
    assert_int_equal(s->bench.handoffs, 1);
    assert_true(vboard_poke(b, bench_address(elf, "argument"), &flag, 4));
    assert_true(vboard_poke(b, bench_address(elf, "command"), &leave_token, 4));
    assert_int_equal(vboard_run_event(b, 50 * MS, VE_RESET, "soft", NULL), VB_EVENT);
    assert_int_equal(vboard_peek32(b, BKP5R), DFU_FLAG);
    s->bench.handoffs = 0;
    return s;
}

/* DFU this once, and after a reset the application. */
static void flag_works_once(const char *boot)
{
    struct seen *s = with_flag(boot, 0);
    let_run(s, 500);
    assert_int_equal(s->bench.handoffs, 0);
    bench_expect_blink(&s->bench, 3, 100);
    vboard_nrst(s->bench.board, MS);
    let_run(s, 500);
    assert_int_equal(s->bench.handoffs, 1);
    seen_end(s);
}

static void power_fails(struct seen *s)
{
    vboard_power(s->bench.board, false, true);
    let_run(s, 10);
    thread_power(s, 0);
}

/* The backup domain is write-protected after reset: what should clear the flag does nothing. */
static void flag_that_cannot_be_cleared(void **state)
{
    (void)state;
    struct seen *s = with_flag(THREAD, LOCKED_BACKUP);
    for (unsigned i = 0; i < 3; i++) {
        let_run(s, 500);
        vboard_nrst(s->bench.board, MS);
    }
    let_run(s, 500);
    assert_int_equal(s->bench.handoffs, 0);
    bench_expect_blink(&s->bench, 3, 100);
    assert_int_equal(vboard_peek32(s->bench.board, BKP5R), DFU_FLAG);
    seen_end(s);
    flag_works_once(THREAD);
    flag_works_once(BOOT);
}

/* Power fails between the flag and the bootloader, and VBAT keeps the flag: when it is back, the product is a
 * DFU device where nobody has a PC. */
static void flag_left_by_a_brown_out(void **state)
{
    (void)state;
    struct seen *s = with_flag(THREAD, 0);
    power_fails(s);
    let_run(s, 40000);
    assert_int_equal(s->bench.handoffs, 0);
    seen_end(s);
    s = with_flag(BOOT, 0);
    power_fails(s);
    let_run(s, 29000);
    assert_int_equal(s->bench.handoffs, 0);
    let_run(s, 2500); /* 30 s without a host */
    assert_int_equal(s->bench.handoffs, 1);
    seen_end(s);
    s = with_flag(BOOT, 0);
    s->bench.host =
        usbhost_create(s->bench.board, &(struct usbhost_config){.enumerate = true, .per_frame = 10});
    power_fails(s);
    assert_true(usbhost_wait_attached(s->bench.host, 1000 * MS)); /* a host has come, and takes its time */
    let_run(s, 40000);
    assert_int_equal(s->bench.handoffs, 0);
    seen_end(s);
    /* Not a host: what looks like a reset of the bus, as lines that nobody drives may, and nothing after it.
     */
    s = with_flag(BOOT, 0);
    power_fails(s);
    let_run(s, 200);
    for (unsigned se0 = 2; se0-- > 0;) {
        usbfs_bus_reset(board_chip(s->bench.board), se0);
        let_run(s, 10);
    }
    let_run(s, 29000);
    assert_int_equal(s->bench.handoffs, 0);
    let_run(s, 2500);
    assert_int_equal(s->bench.handoffs, 1);
    seen_end(s);
}

/* "Better is jump before init", and the flag is read after it: never, once there is an application. */
static void flag_read_after_the_jump(void **state)
{
    (void)state;
    struct seen *s = with_flag(THREAD, FLAG_LATER);
    for (unsigned i = 1; i <= 3; i++) {
        let_run(s, 500);
        assert_int_equal(s->bench.handoffs, i);
        vboard_nrst(s->bench.board, MS);
    }
    assert_int_equal(vboard_peek32(s->bench.board, BKP5R), DFU_FLAG);
    seen_end(s);
    flag_works_once(BOOT);
}

static void say(struct seen *s, const char *text)
{
    void *bytes = (void *)(uintptr_t)text; /* only read */
    assert_int_equal(usbhost_bulk(s->bench.host, 0x01, bytes, (uint32_t)strlen(text), 100 * MS, NULL), UH_OK);
    let_run(s, 10);
}

static struct seen *serial_port(const char *bin)
{
    struct seen *s = sureboot_with(bin);
    assert_true(usbhost_wait_attached(s->bench.host, 1000 * MS));
    assert_int_equal(usbhost_configure(s->bench.host, 1), UH_OK);
    return s;
}

/* "if (usb_rx_buffer[0] == DFU_BOOT_REQ)": it works unless anything else was sent before. */
static void command_only_as_first_byte(void **state)
{
    (void)state;
    struct seen *s = serial_port(FW("firstbyte.bin"));
    say(s, "\xAA");
    assert_true(usbhost_wait_detached(s->bench.host, 500 * MS));
    seen_end(s);
    s = serial_port(FW("firstbyte.bin"));
    say(s, "AT\r");
    for (unsigned i = 0; i < 3; i++)
        say(s, "\xAA");
    assert_false(usbhost_wait_detached(s->bench.host, 500 * MS));
    seen_end(s);
    s = serial_port("build/firmware/cdc.bin");
    say(s, "AT\r");
    say(s, "\xAA");
    assert_true(usbhost_wait_detached(s->bench.host, 500 * MS));
    sureboot_stays(s, MESSAGE_READY);
    seen_end(s);
}

int main(void)
{
    const struct CMUnitTest thread[] = {
        cmocka_unit_test(jump_after_initialisation),   cmocka_unit_test(vtor_left_at_the_bootloader),
        cmocka_unit_test(flag_that_cannot_be_cleared), cmocka_unit_test(flag_left_by_a_brown_out),
        cmocka_unit_test(flag_read_after_the_jump),    cmocka_unit_test(command_only_as_first_byte),
    };
    return MUSEUM(thread);
}
