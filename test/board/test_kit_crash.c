/* Images that crash or hang: three times, and then DFU with the reason and what is known of the crash. */
#include "command.h"
#include "kitbench.h"

#include "board.h"
#include "chip/machine.h"

#define BIN     "build/test/fw/kit.bin"
#define ELF     "build/test/fw/kit.elf"
#define CRASHER "build/test/fw/crasher.bin"

enum { PWR_SR1 = 0x40007010, SBF = 1 << 8 };

static struct kit *downloaded(void)
{
    struct kit *k = kit_start(BOOT, KIT, false, true);
    kit_expect_dfu(k, "blank");
    kit_download(k, BIN);
    bench_run(&k->bench, 20 * MS);
    assert_int_equal(k->bench.handoffs, 1);
    return k;
}

/* Words of a line of the report. */
static void words(const char *report, const char *line, unsigned *to, unsigned n)
{
    const char *at = strstr(report, line);
    if (!at) {
        fail_msg("no %s in the report: %s", line, report);
        return;
    }
    at += strlen(line);
    while (n-- > 0) {
        char *end;
        *to++ = (unsigned)strtoul(at, &end, 16);
        assert_true(end != at);
        at = end;
    }
}

struct crash {
    unsigned kind, pc, lr, cfsr, hfsr, address;
};

/* Three times the same; then the report of the bootloader. */
static struct crash three_times(struct kit *k, uint32_t what, uint32_t where, const char *cause,
                                unsigned *causes)
{
    struct crash c = {0};
    for (unsigned n = 1; n <= 3; n++) {
        assert_int_equal(k->bench.handoffs, n);
        kit_order(k, what, where);
        bench_run(&k->bench, 250 * MS);
        assert_string_equal(k->cause, cause);
    }
    assert_int_equal(k->bench.handoffs, 3);
    kit_expect_dfu(k, "after three starts");
    const char *text = kit_dfu_report(k);
    if (!strstr(text, "verdict: Not confirmed: three starts"))
        fail_msg("report: %s", text);
    words(text, "\nreset cause:", causes, 1);
    words(text, "\ncrash:", &c.kind, 6);
    return c;
}

static void a_bus_fault_everywhere(void **state)
{
    (void)state;
    for (uint32_t where = MAIN; where < WHERES; where++) {
        if (where == FAULTMASK)
            continue; /* locks up: no handler can run (ARMv7-M ARM B1.5.15) */
        unsigned causes = 0;
        struct kit *k = downloaded();
        struct crash c = three_times(k, BAD_ACCESS, where, "soft", &causes);
        if (c.kind != 3 || c.pc != k->fault_pc || c.cfsr != 0x8200 || c.address != 0x60000000 ||
            c.hfsr != 1u << 30)
            fail_msg("%s: kind %u, pc 0x%08x, lr 0x%08x, cfsr 0x%08x, hfsr 0x%08x, address 0x%08x",
                     wheres[where], c.kind, c.pc, c.lr, c.cfsr, c.hfsr, c.address);
        assert_in_range(c.lr, SLOT, 0xFFFFFFFF); /* a return address, or EXC_RETURN in an interrupt */
        assert_true(causes & 0x10);              /* a software reset */
        kit_end(k);
    }
}

/* What `sureboot why` makes of the report: each of the texts has to be there. */
static void why(struct kit *k, const char *file, const char *const texts[])
{
    const char *const args[] = {"build/host/sureboot", "why", "--report", temp("report.txt"), file, NULL};
    file_text(args[3], kit_dfu_report(k));
    struct command_result r = command(args, NULL);
    if (r.status != 1 || r.err[0])
        fail_msg("status %d: %s%s", r.status, r.out, r.err);
    for (; *texts; texts++)
        if (!strstr(r.out, *texts))
            fail_msg("no '%s' in %s", *texts, r.out);
    command_result_free(&r);
}
#define WHY(k, file, ...) why(k, file, (const char *const[]){__VA_ARGS__, NULL})

static void a_crash_in_words(void **state)
{
    (void)state;
    unsigned causes;
    struct kit *k = downloaded();
    (void)three_times(k, BAD_ACCESS, MAIN, "soft", &causes);
    WHY(k, ELF, "verdict       Not confirmed: three starts",
        "power-on or brown-out, the reset pin, software\n", ", version 1.2.3, started 3 times",
        "it is build/test/fw/kit.elf\n",
        "crash         HardFault: there is nothing at that address (PRECISERR)\n",
        "  act  (test/board/fw/kit/main.c:", "  accessed    0x60000000\n");
    WHY(k, BIN, "it is build/test/fw/kit.bin\n", "at          0x0800");
    WHY(k, "build/firmware/cdc.elf", "it is not build/firmware/cdc.elf\n");
    WHY(k, "build/firmware/boot.elf", "boot.elf: Linked elsewhere");
    kit_end(k);
    k = downloaded();
    (void)three_times(k, BAD_ACCESS, NESTED, "soft", &causes);
    WHY(k, ELF, "called from an interrupt\n");
    kit_end(k);
    k = downloaded();
    (void)three_times(k, OVERFLOW, MAIN, "soft", &causes);
    WHY(k, ELF, "stacking failed: stack overflow? (STKERR)", "at          not known");
    kit_end(k);
}

/* A confirmed application that has woken from Standby. */
static struct kit *woken(void)
{
    struct kit *k = downloaded();
    kit_order(k, CONFIRM, MAIN);
    bench_run(&k->bench, 10 * MS);
    kit_order(k, STANDBY, MAIN);
    bench_run(&k->bench, 10 * MS);
    vboard_nrst(k->bench.board, MS);
    bench_run(&k->bench, 20 * MS);
    assert_int_equal(k->bench.handoffs, 2);
    assert_int_equal(vboard_peek32(k->bench.board, PWR_SR1) & SBF, SBF);
    return k;
}

/* The update crashes at once, and is counted. */
static void crashing_update(struct kit *k)
{
    kit_expect_dfu(k, "token");
    kit_download(k, CRASHER);
    bench_run(&k->bench, 500 * MS);
    assert_int_equal(k->bench.handoffs, 2 + 3);
    kit_expect_dfu(k, "after three starts");
    if (!strstr(kit_dfu_report(k), "verdict: Not confirmed: three starts"))
        fail_msg("report: %s", kit_dfu_report(k));
    kit_end(k);
}

/* PWR_SR1.SBF stays from the wake-up on, and starts that show it are not counted: neither a crash nor the way
 * into DFU may leave it to what comes next. */
static void after_standby(void **state)
{
    (void)state;
    for (uint32_t what = DFU; what <= BAD_ACCESS; what += BAD_ACCESS - DFU) {
        struct kit *k = woken();
        kit_order(k, what, MAIN);
        bench_run(&k->bench, 50 * MS);
        assert_int_equal(vboard_peek32(k->bench.board, PWR_SR1) & SBF, 0);
        if (what == DFU) {
            crashing_update(k);
        } else {
            assert_int_equal(k->bench.handoffs, 3);
            kit_end(k);
        }
    }
}

/* An application that leaves its token by itself does not clear SBF: the image that follows has slept as
 * little. */
static void after_standby_without_the_kit(void **state)
{
    (void)state;
    static const uint32_t puts[][2] = {{0x40021058, 1u << 28 | 1u << 10 /* PWREN, RTCAPBEN */},
                                       {0x40007000, 0x300 /* DBP, range 1 */},
                                       {BKP5R, 0xDEADBEEF}};
    struct kit *k = woken();
    struct chip *c = board_chip(k->bench.board);
    for (unsigned i = 0; i < 3; i++)
        assert_true(chip_debug_write(c, puts[i][0], 4, puts[i][1]));
    vboard_nrst(k->bench.board, MS);
    bench_run(&k->bench, 20 * MS);
    assert_int_equal(vboard_peek32(k->bench.board, PWR_SR1) & SBF, SBF);
    crashing_update(k);
}

static uint32_t reported(struct kit *k, const char *variable)
{
    kit_order(k, REPORT, MAIN);
    bench_run(&k->bench, 10 * MS);
    assert_int_equal(kit_variable(k, "result"), 1);
    return kit_variable(k, variable);
}

/* The same image with some bytes more behind it. */
static const char *longer(void)
{
    uint32_t size;
    uint8_t *bytes = bench_file(BIN, &size);
    const char *name = temp("longer.bin");
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fwrite("0123456789abcdef", 1, 16, f), 16);
    assert_int_equal(fclose(f), 0);
    free(bytes);
    return name;
}

/* What crashed was the image before; also if it was the same, whose starts are counted anew. */
static void a_new_image_has_not_crashed(void **state)
{
    (void)state;
    for (unsigned same = 0; same < 2; same++) {
        unsigned causes = 0;
        struct kit *k = downloaded();
        (void)three_times(k, BAD_ACCESS, MAIN, "soft", &causes);
        kit_download_by(k, same ? BIN : longer(), false, DFU_AS_ANNOUNCED);
        if (strstr(kit_dfu_report(k), "crash:"))
            fail_msg("report: %s", kit_dfu_report(k));
        vboard_nrst(k->bench.board, MS);
        bench_run(&k->bench, 20 * MS);
        assert_int_equal(k->bench.handoffs, 4);
        assert_int_equal(reported(k, "crash_kind"), 0);
        kit_end(k);
    }
}

static void an_undefined_instruction(void **state)
{
    (void)state;
    unsigned causes = 0;
    struct kit *k = downloaded();
    struct crash c = three_times(k, UNDEFINED, PSP, "soft", &causes);
    assert_int_equal(c.kind, 3);
    assert_int_equal(c.pc, k->fault_pc);
    assert_int_equal(c.cfsr, 1u << 16);
    assert_int_equal(c.address, 0);
    kit_end(k);
}

/* There is no frame to read, and no stack to work on. */
static void a_stack_overflow(void **state)
{
    (void)state;
    unsigned causes = 0;
    struct kit *k = downloaded();
    struct crash c = three_times(k, OVERFLOW, MAIN, "soft", &causes);
    assert_int_equal(c.kind, 3);
    assert_int_equal(c.pc, 0);
    assert_true(c.cfsr & 1u << 12); /* STKERR */
    kit_end(k);
}

static void a_hang(void **state)
{
    (void)state;
    unsigned causes = 0;
    struct kit *k = downloaded();
    struct crash c = three_times(k, HANG, WATCHDOG, "iwdg", &causes);
    assert_true(causes & 0x20); /* the watchdog */
    assert_int_equal(c.kind, 0);
    kit_end(k);
}

/* The application reads the crash of its last run, and may forget it. */
static void the_application_is_told(void **state)
{
    (void)state;
    struct kit *k = downloaded();
    kit_order(k, CONFIRM, MAIN);
    bench_run(&k->bench, 10 * MS);
    assert_int_equal(reported(k, "crash_kind"), 0);
    kit_order(k, BAD_ACCESS, MAIN);
    bench_run(&k->bench, 50 * MS);
    assert_int_equal(k->bench.handoffs, 2);
    assert_int_equal(reported(k, "crash_kind"), 3);
    assert_true(kit_variable(k, "causes") & 0x10);
    kit_order(k, CLEAR, MAIN);
    bench_run(&k->bench, 10 * MS);
    vboard_nrst(k->bench.board, MS);
    bench_run(&k->bench, 50 * MS);
    assert_int_equal(reported(k, "crash_kind"), 0);
    /* Without power the mailbox is random, and the bootloader writes a new one. */
    vboard_power(k->bench.board, false, true);
    vboard_power(k->bench.board, true, true);
    bench_run(&k->bench, 50 * MS);
    assert_int_equal(reported(k, "causes") & 0x18, 0x08); /* power-on */
    kit_end(k);
}

/* With SRAM2_PE a byte that nobody has written is an NMI when it is read, which the application may not be
 * prepared for: it gets a mailbox that is written to its end. An image that a debugger has put there has
 * nothing to be confirmed. */
static void where_parity_is_checked(void **state)
{
    (void)state;
    const uint32_t option[2] = {0xFFEFF8AA & ~(1u << 24), ~(0xFFEFF8AA & ~(1u << 24))};
    struct kit *k = kit_start(BOOT, KIT, true, false);
    for (unsigned i = 0; i < 8; i++) {
        vboard_power(k->bench.board, false, false);
        assert_true(vboard_load_bytes(k->bench.board, 0x1FFF7800, option, sizeof option));
        vboard_power(k->bench.board, true, false);
        bench_run(&k->bench, 20 * MS);
        assert_int_equal(k->bench.handoffs, 2 + i);
        assert_int_equal(vboard_peek32(k->bench.board, 0x4001001C) & 1u << 8, 0); /* SYSCFG_CFGR2.SPF */
        unsigned before = k->faults; /* the bootloader looks at what is there, and is prepared */
        assert_true(before > 0);
        (void)reported(k, "causes");
        assert_int_equal(k->faults, before);
    }
    kit_end(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bus_fault_everywhere),
        cmocka_unit_test(after_standby),
        cmocka_unit_test(after_standby_without_the_kit),
        cmocka_unit_test_setup_teardown(a_new_image_has_not_crashed, temp_make, temp_remove),
        cmocka_unit_test(an_undefined_instruction),
        cmocka_unit_test(a_stack_overflow),
        cmocka_unit_test(a_hang),
        cmocka_unit_test_setup_teardown(a_crash_in_words, temp_make, temp_remove),
        cmocka_unit_test(the_application_is_told),
        cmocka_unit_test(where_parity_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
