/* What `sureboot flash` makes of a board's answers, request by request: tools/dfu.c. */
#include "flash_rig.h"

#define LOST "the board answers no more: was it unplugged, reset, or without power?"

static void flashes(const char *name)
{
    int status = RUN("a.elf");
    if (status != EXIT_GOOD)
        fail_msg("%s: status %d, '%s', '%s'", name, status, said.text, out);
    is_flashed();
}

static void whatever_the_last_host_has_left(void **state)
{
    static const uint8_t states[] = {DFU_DNLOAD_IDLE, DFU_UPLOAD_IDLE, DFU_ERROR};
    for (size_t i = 0; i < sizeof states; i++) {
        setup(state);
        fake_device[0].there = true;
        w.state = states[i];
        flashes("left");
    }
}

static void it_does_not_get_ready(void **state)
{
    static const uint8_t states[] = {DFU_MANIFEST, DFU_ERROR};
    for (size_t i = 0; i < sizeof states; i++) {
        setup(state);
        fake_device[0].there = true;
        w.state = states[i];
        w.stuck = true;
        ends(RUN("a.elf"), EXIT_CANNOT, LOST);
        assert_int_equal(w.flashed, 0);
    }
}

/* Three bytes of milliseconds, three times; and no longer at once than all of its patience. */
static void it_is_waited_for_as_it_says(void **state)
{
    static const struct {
        uint32_t poll_ms, takes_ms;
    } rows[] = {
        {1, 3}, {0x100, 3 * 0x100}, {0x1234, 3 * 0x1234}, {0x10000, 3 * 20000}, {0xFFFFFF, 3 * 20000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setup(state);
        fake_device[0].there = true;
        w.poll = rows[i].poll_ms;
        flashes("polled");
        assert_in_range(took, rows[i].takes_ms,
                        rows[i].takes_ms + 4000); /* until the application is there, and stays */
    }
}

/* Where neither requests nor pauses take time. */
static void it_is_busy_for_ever(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.busy = true;
    w.poll = 0;
    ends(RUN("a.elf"), EXIT_CANNOT, "the board " UID " is busy for too long");
    assert_in_range(took, 20000, 20100);
}

/* As an upload is, though it was asked for a download. */
static void another_state(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.odd = true;
    ends(RUN("a.elf"), EXIT_CANNOT, "the board " UID " is in a state that nobody expects: 9");
}

static void half_a_status(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.half_status = true;
    ends(RUN("a.elf"), EXIT_CANNOT, LOST);
}

/* The board has it, perhaps: that cannot be told. */
static void a_block_that_comes_too_late(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.late = 1;
    ends(RUN("a.elf"), EXIT_CANNOT, LOST);
    assert_false(w.sealed);
}

static void a_sentence_that_cannot_be_had(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.refuses = 1;
    w.mute = true;
    ends(RUN("a.elf"), EXIT_CANNOT, LOST);
}

/* Of a longer one what is behind its first 512 bytes, too. */
static void the_report(void **state)
{
    (void)state;
    char text[DFU_REPORT_SIZE] = REPORT("Download unfinished: download it again.");
    for (size_t n = strlen(text); n < sizeof text - 20; n = strlen(text))
        memcpy(text + n, "later: of use\n", 15);
    memcpy(text + strlen(text) - 14, "last: words.\n", 14);
    w.report = text;
    fake_device[0].there = true;
    w.then = BACK;
    ends(RUN("a.elf"), EXIT_BAD, "");
    assert_non_null(strstr(out, "  verdict       Download unfinished: download it again.\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_last_host_has_left),
        cmocka_unit_test(it_does_not_get_ready),
        cmocka_unit_test(it_is_waited_for_as_it_says),
        cmocka_unit_test_setup(it_is_busy_for_ever, setup),
        cmocka_unit_test_setup(another_state, setup),
        cmocka_unit_test_setup(half_a_status, setup),
        cmocka_unit_test_setup(a_block_that_comes_too_late, setup),
        cmocka_unit_test_setup(a_sentence_that_cannot_be_had, setup),
        cmocka_unit_test_setup(the_report, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
