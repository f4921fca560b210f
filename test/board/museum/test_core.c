/* Museum of mistakes: what a bootloader leaves behind in the processor. */
#include "museum.h"

static void without_a_mistake(void **state)
{
    (void)state;
    static const char *const elf[] = {FW("exhibit.elf"), FW("keeper.elf"), FW("tasked.elf")};
    static const char *const bin[] = {FW("exhibit.bin"), FW("keeper.bin"), FW("tasked.bin")};
    for (unsigned i = 0; i < 3; i++) {
        struct seen *s = naive(NONE, elf[i]);
        assert_false(s->stuck);
        bench_expect_blink(&s->bench, 5, 100);
        seen_end(s);
        sureboot_runs(bin[i], 100);
    }
}

/* The LED stays dark, and nothing else tells why. */
static void dark(enum mistake mistake, const char *application)
{
    char file[64];
    (void)snprintf(file, sizeof file, FW("%s.elf"), application);
    struct seen *s = naive(mistake, file);
    assert_false(s->stuck);
    assert_in_range(vboard_reg(s->bench.board, 15), SLOT, 0x0803FFFF); /* and yet it was started */
    expect_dark(s);
    (void)snprintf(file, sizeof file, FW("%s.bin"), application);
    sureboot_runs(file, 100);
}

static void interrupts_masked(void **state)
{
    (void)state;
    dark(PRIMASK_SET, "exhibit");
}

static void jump_from_systick_handler(void **state)
{
    (void)state;
    dark(FROM_INTERRUPT, "exhibit");
}

/* The application is on the bus as its interrupt comes, or not at all. */
static void jump_from_usb_handler(void **state)
{
    (void)state;
    struct seen *s = naive_started(FROM_USB, CDC, true);
    (void)usbhost_wait_attached(s->bench.host, 2000 * MS);
    assert_int_equal(s->bench.handoffs, 1);
    assert_int_not_equal(usbhost_state(s->bench.host), UH_ADDRESSED);
    assert_false(s->stuck);
    seen_end(s);

    s = sureboot_with("build/firmware/cdc.bin");
    assert_true(usbhost_wait_attached(s->bench.host, 2000 * MS));
    assert_int_equal(usbhost_device_descriptor(s->bench.host)[10], 0x40); /* 5740 */
    seen_end(s);
}

/* Its interrupts go to the bootloader's handlers: SysTick counts there. */
static void vtor_not_set(void **state)
{
    (void)state;
    struct seen *s = naive(NO_VTOR, FW("exhibit.elf"));
    assert_true(bench_variable(&s->bench, NAIVE, "ticks") >= 5);
    expect_dark(s);
    sureboot_runs(FW("exhibit.bin"), 100);
}

/* The stack in use is in the middle of what the application takes for its variables. */
static void jump_on_process_stack(void **state)
{
    (void)state;
    struct seen *s = naive(ON_PSP, FW("keeper.elf"));
    assert_in_range(vboard_reg(s->bench.board, 13), 0x20000000, 0x20003FFF);
    expect_dark(s);
    sureboot_runs(FW("keeper.bin"), 100);
}

/* The tick comes before the application has set up what its handler uses. */
static void tick_too_early(void **state)
{
    (void)state;
    struct seen *s = naive(TICK_LEFT_ON, FW("tasked.elf"));
    assert_true(s->stuck);
    expect_dark(s);
    sureboot_runs(FW("tasked.bin"), 100);
}

/* With VTOR left as well, the tick goes on counting in what is the application's table now. */
static void tick_in_the_data(void **state)
{
    (void)state;
    struct seen *s = naive(TICK_WITHOUT_VTOR, FW("keeper.elf"));
    assert_false(s->stuck);
    uint32_t addr = bench_address(NAIVE, "ticks"), before = vboard_peek32(s->bench.board, addr);
    let_run(s, 10);
    assert_in_range(vboard_peek32(s->bench.board, addr) - before, 99, 101);
    expect_dark(s);
    sureboot_runs(FW("keeper.bin"), 100);
}

/* CONTROL.FPCA: the first exception makes room for the FPU's registers, and its return takes it back from
 * the stack of the task, which never had it. */
static void fpu_in_use(void **state)
{
    (void)state;
    dark(FPU_CONTEXT, "tasked");
}

/* FPCCR.LSPACT: the first use of the FPU stores the bootloader's registers where its stack was. */
static void fpu_state_not_stored_yet(void **state)
{
    (void)state;
    dark(FPU_LAZY, "keeper");
}

/* Runs behind such a bootloader, and from the debugger not: who switched the FPU on was the bootloader. As
 * from reset it fails at once, and sureboot's report has the crash record: NOCP, at that instruction. */
static void fpu_left_on(void **state)
{
    (void)state;
    struct seen *s = naive(FPU_CONTEXT, FW("floats.elf"));
    assert_false(s->stuck);
    bench_expect_blink(&s->bench, 5, 100);
    seen_end(s);
    s = naive(NONE, FW("floats.elf"));
    assert_true(s->stuck);
    seen_end(s);

    s = sureboot_with(FW("floats.bin"));
    sureboot_stays(s, MESSAGE_UNCONFIRMED);
    assert_int_equal(s->bench.handoffs, 3);
    char report[1025] = "";
    const struct dfu_job job = {.upload = (uint8_t *)report,
                                .upload_addr = 0xF0000000,
                                .upload_limit = 1024,
                                .upload_room = 1024,
                                .limit_ns = 10000 * MS};
    struct dfu_result r;
    dfu_run(s->bench.host, &job, &r);
    assert_true(r.ok);
    const char *crash = strstr(report, "\ncrash:");
    assert_non_null(crash);
    unsigned word[4];
    assert_int_equal(sscanf(crash, "\ncrash: %x %x %x %x", &word[0], &word[1], &word[2], &word[3]), 4);
    assert_int_equal(word[1], bench_address(FW("floats.elf"), "first_float"));
    assert_int_equal(word[3], 1u << 19); /* UFSR.NOCP */
    seen_end(s);
}

int main(void)
{
    const struct CMUnitTest core[] = {
        cmocka_unit_test(without_a_mistake),
        cmocka_unit_test(interrupts_masked),
        cmocka_unit_test(vtor_not_set),
        cmocka_unit_test(jump_from_systick_handler),
        cmocka_unit_test(jump_from_usb_handler),
        cmocka_unit_test(jump_on_process_stack),
        cmocka_unit_test(tick_too_early),
        cmocka_unit_test(tick_in_the_data),
        cmocka_unit_test(fpu_left_on),
        cmocka_unit_test(fpu_in_use),
        cmocka_unit_test(fpu_state_not_stored_yet),
    };
    return MUSEUM(core);
}
