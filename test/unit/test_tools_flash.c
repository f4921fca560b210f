/* `sureboot flash` from the command line to its last word. */
#include "flash_rig.h"

static void words_it_does_not_take(void **state)
{
    (void)state;
#define NOT_ALSO "flash takes an application, --serial SERIAL and --port PORT, not also "
    ends(run((const char *const[]){"flash", NULL}), EXIT_CANNOT, "flash takes an application");
    ends(RUN("a.elf", "b.elf"), EXIT_CANNOT, NOT_ALSO "'b.elf'");
    ends(RUN("a.elf", "--fast"), EXIT_CANNOT, NOT_ALSO "'--fast'");
    ends(RUN("--fast", "a.elf"), EXIT_CANNOT, NOT_ALSO "'--fast'");
    ends(RUN("--serial", "1"), EXIT_CANNOT, "flash takes an application");
    readable = false;
    ends(RUN("a.elf"), EXIT_CANNOT, "it will not run");
    assert_int_equal(w.now, 1); /* the board has heard nothing of it */
}

/* ---- a board in DFU mode ----------------------------------------------------------------- */

static void it_runs(void **state)
{
    (void)state;
    fake_device[0].there = true;
    ends(RUN("a.elf"), EXIT_GOOD, "");
    is_flashed();
    assert_string_equal(out, "to the board " UID "\n"
                             "5000 bytes written, read back and sealed in 0.0 s\n"
                             "it runs, and is on USB: thermostat\n");
}

static void it_runs_without_a_name(void **state)
{
    (void)state;
    fake_device[0].there = true;
    fake_device[1].product = NULL;
    ends(RUN("a.elf", "--serial", ST), EXIT_GOOD, "");
    assert_non_null(strstr(out, "it runs, and is on USB: without a name\n"));
}

static void nothing_of_it_is_on_usb(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.then = SILENT;
    ends(RUN("a.elf"), EXIT_GOOD, "");
    assert_non_null(strstr(out, "it was started; nothing of it is on USB\n"));
    assert_in_range(took, 6400, 6800);
}

static void back_in_the_bootloader(void **state)
{
    (void)state;
    fake_device[0].there = true;
    fake_device[ANOTHER].there = true;
    w.then = BACK;
    ends(RUN("a.elf", "--serial", UID), EXIT_BAD, "");
    assert_non_null(
        strstr(out, "it is back in the bootloader:\n  verdict       Not confirmed: three starts "));
    assert_non_null(strstr(out, "reset by      software\n"));
}

/* As long as it starts, it is on USB for a second each time. */
static void it_comes_and_goes(void **state)
{
    (void)state;
    fake_device[0].there = true;
    fake_device[1].port = 1;
    w.crashes = 3;
    ends(RUN("a.elf"), EXIT_BAD, "");
    assert_non_null(strstr(out, " s\nit is back in the bootloader:\n  verdict       Not confirmed"));
}

static void it_comes_and_goes_for_ever(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.crashes = 1000;
    ends(RUN("a.elf"), EXIT_BAD, "");
    assert_non_null(strstr(out, "\nit was on USB, and has left again: it crashes, or switches USB off\n"));
    assert_in_range(took, 7000, 9000);
}

/* Its USB interrupt comes no more, and nobody notices that it crashed. */
static void it_hangs(void **state)
{
    (void)state;
    fake_device[0].there = true;
    fake_device[1].mute = LIBUSB_ERROR_TIMEOUT;
    fake_device[0].port = fake_device[1].port = 1;
    ends(RUN("a.elf"), EXIT_BAD, "");
    assert_non_null(strstr(out, "\nit is on USB, but answers no request: it hangs\n"));
}

static void back_and_says_nothing(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.then = BACK;
    w.report = "";
    ends(RUN("a.elf"), EXIT_CANNOT, "the board " UID " gives no report");
    assert_non_null(strstr(out, "it is back in the bootloader:\n"));
}

static void it_stays(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.then = STAYS;
    ends(RUN("a.elf"), EXIT_CANNOT, "the board " UID " does not leave the bootloader");
    assert_in_range(took, 5000, 5200);
}

static void refused_with_its_cure(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.refuses = 0;
    w.message = (uint8_t)DFU_STRING(MESSAGE_NOT_HERE);
    ends(RUN("a.elf"), EXIT_BAD, "");
    assert_non_null(
        strstr(out, "refused: Linked elsewhere: link it with FLASH ORIGIN = 0x08004000, LENGTH = 236K.\n"
                    "    STM32CubeIDE, in STM32L433RCTX_FLASH.ld:\n"));
    assert_false(w.sealed);
}

static void lost_on_the_way(void **state)
{
    (void)state;
    fake_device[0].there = true;
    w.lost = 1;
    terminal = true;
    ends(RUN("a.elf"), EXIT_CANNOT, "the board answers no more: was it unplugged, reset, or without power?");
    assert_string_equal(out, "to the board " UID "\n\r2048 of 5000 bytes\r2048 of 5000 bytes\n");
    fake_device[0].there = true;
    w.block = 0;
    w.flashed = 0;
    terminal = false;
    ends(RUN("a.elf"), EXIT_CANNOT, "the board answers no more: was it unplugged, reset, or without power?");
    assert_string_equal(out, "to the board " UID "\n");
}

static void progress_on_a_terminal(void **state)
{
    (void)state;
    fake_device[0].there = true;
    terminal = true;
    ends(RUN("a.elf"), EXIT_GOOD, "");
    assert_non_null(
        strstr(out, "\n\r2048 of 5000 bytes\r4096 of 5000 bytes\r5000 of 5000 bytes\n5000 bytes written"));
}

/* What packing mends is not worth a word. */
static void what_is_said_of_the_file(void **state)
{
    (void)state;
    fake_device[0].there = true;
    found.count = 3;
    found.list[0] = (struct finding){.code = FINDING_NOT_PACKED, .severity = NOTE};
    found.list[1] = (struct finding){.code = FINDING_VTOR_ELSEWHERE, .severity = WARNING};
    found.list[2] = (struct finding){.code = FINDING_GAP, .severity = NOTE};
    ends(RUN("a.elf"), EXIT_GOOD, "");
    assert_ptr_equal(strstr(out, "warning: It sets VTOR to an address"), out);
    assert_non_null(strstr(out, "\nnote: It has gaps"));
    assert_null(strstr(out, "pack"));
}

static void which_of_two(void **state)
{
    (void)state;
    fake_device[0].there = fake_device[ANOTHER].there = true;
    fake_device[1].there = true; /* which is not asked instead */
    fake_device[1].serial = "BBBBBBBB0F5733343637351E";
    ends(RUN("a.elf"), EXIT_CANNOT, "there are 2 of them, say --serial and one of " UID " " OTHER);
    ends(RUN("a.elf", "--serial", UID), EXIT_GOOD, "");
    is_flashed();
}

/* ---- an application ---------------------------------------------------------------------- */

static void it_makes_room(void **state)
{
    (void)state;
    fake_device[1].there = true;
    ends(RUN("a.elf"), EXIT_GOOD, "");
    is_flashed();
    assert_ptr_equal(strstr(out, "its application makes room for the bootloader\nto the board " UID "\n"),
                     out);
}

static void it_makes_room_if_it_is_named(void **state)
{
    (void)state;
    fake_device[1].there = true;
    fake_device[1].serial = ST;
    ends(RUN("a.elf"), EXIT_CANNOT,
         "an application with DFU may be another device's: if it is meant, say --serial " ST);
    ends(RUN("a.elf", "--serial", ST), EXIT_GOOD, "");
    is_flashed();
}

/* Its number says nothing of the bootloader's. */
static void it_has_a_number_of_its_own(void **state)
{
    (void)state;
    fake_device[1].there = true;
    fake_device[1].serial = "R1";
    ends(RUN("a.elf", "--serial", "R1"), EXIT_GOOD, "");
    is_flashed();
}

static void two_come(void **state)
{
    (void)state;
    fake_device[1].there = true;
    fake_device[1].serial = ST;
    w.both = true;
    ends(RUN("a.elf", "--serial", ST), EXIT_CANNOT,
         "there are 2 of them, say --serial and one of " UID " " OTHER);
}

/* Which bootloader comes cannot be told beforehand, and one is there already. */
static void it_must_not_be_mixed_up(void **state)
{
    (void)state;
    fake_device[1].there = fake_device[ANOTHER].there = true;
    fake_device[1].serial = ST;
    ends(RUN("a.elf", "--serial", ST), EXIT_CANNOT,
         "there is a sureboot in DFU mode already: unplug it, or say --serial and all 24 digits");
    assert_true(fake_device[1].there);
    ends(RUN("a.elf", "--serial", UID), EXIT_GOOD, "");
    is_flashed();
}

static void it_is_known_beside_another_one(void **state)
{
    (void)state;
    fake_device[1].there = fake_device[ANOTHER].there = true;
    ends(RUN("a.elf", "--serial", ST), EXIT_GOOD, ""); /* it shows all 24 itself */
    is_flashed();
}

static void it_does_not_detach(void **state)
{
    (void)state;
    fake_device[1].there = true;
    w.refuses_detach = true;
    ends(RUN("a.elf"), EXIT_CANNOT, "the application of " UID " refuses to detach");
    w.refuses_detach = false;
    w.deaf = true;
    ends(RUN("a.elf"), EXIT_CANNOT, "no bootloader has come in place of the application " UID);
    assert_in_range(took, 10000, 10200);
}

static void nobody_is_there(void **state)
{
    (void)state;
    ends(RUN("a.elf"), EXIT_CANNOT, NOBODY);
    ends(RUN("a.elf", "--serial", UID), EXIT_CANNOT,
         "there is no sureboot in DFU mode with the serial number " UID " on USB");
}

/* ---- by its serial port ------------------------------------------------------------------ */

/* A serial port, and who listens at its other end. */
static const char *serial_port(void)
{
    w.port = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(w.port >= 0 && grantpt(w.port) == 0 && unlockpt(w.port) == 0);
    return ptsname(w.port);
}

static int close_port(void **state)
{
    (void)state;
    return w.port >= 0 ? close(w.port) : 0;
}

static void by_its_port(void **state)
{
    (void)state;
    ends(RUN("a.elf", "--port", serial_port()), EXIT_GOOD, "");
    is_flashed();
}

static void by_its_port_among_others(void **state)
{
    (void)state;
    const char *port = serial_port();
    fake_device[ANOTHER].there = true;
    ends(
        RUN("a.elf", "--port", port), EXIT_CANNOT,
        "there is a sureboot in DFU mode already: if that is the board, leave out --port; else say --serial");
    ends(RUN("a.elf", "--port", port, "--serial", UID), EXIT_GOOD, "");
    is_flashed();
}

/* It is in DFU mode already: nobody is asked at the port. */
static void a_port_that_is_not_needed(void **state)
{
    (void)state;
    fake_device[0].there = true;
    ends(RUN("a.elf", "--port", "/nowhere", "--serial", UID), EXIT_GOOD, "");
    is_flashed();
}

static void two_come_behind_a_port(void **state)
{
    (void)state;
    w.both = true;
    ends(RUN("a.elf", "--port", serial_port()), EXIT_CANNOT,
         "there are 2 of them, say --serial and one of " UID " " OTHER);
}

/* What resets at once is gone before it has answered. */
static void it_leaves_at_once(void **state)
{
    (void)state;
    fake_device[1].there = true;
    w.detach_error = LIBUSB_ERROR_IO;
    ends(RUN("a.elf"), EXIT_GOOD, "");
    is_flashed();
}

static void a_port_in_vain(void **state)
{
    (void)state;
    char sentence[160];
    const char *port = serial_port();
    w.deaf = true;
    (void)snprintf(sentence, sizeof sentence,
                   "no bootloader has come: does the application at %s take the byte 0xAA?", port);
    ends(RUN("a.elf", "--port", port), EXIT_CANNOT, sentence);
    ends(RUN("a.elf", "--port", "/nowhere/tty"), EXIT_CANNOT, "/nowhere/tty: No such file or directory");
    ends(RUN("a.elf", "--port", "/dev/null"), EXIT_CANNOT, "/dev/null: is no serial port");
}

/* ---- a PC that has little time ----------------------------------------------------------- */

static void waits_end_by_the_clock(void **state)
{
    (void)state;
    enum { REQUEST_MS = 3000 /* as a board holds GETSTATUS */, LOOK_MS = 2000 };
    fake_device[0].there = true;
    w.look_ms = LOOK_MS;
    w.request_ms = REQUEST_MS;
    w.busy = true; /* for ever */
    ends(RUN("a.elf"), EXIT_CANNOT, "the board " UID " is busy for too long");
    assert_in_range(took, 20000, 20000 + 4 * REQUEST_MS + LOOK_MS);

    w.busy = false;
    w.block = 0;
    w.flashed = 0;
    w.then = STAYS;
    ends(RUN("a.elf"), EXIT_CANNOT, "the board " UID " does not leave the bootloader");
    assert_in_range(took, 5000, 5000 + 3 * LOOK_MS + 16 * REQUEST_MS);

    w.block = 0;
    w.flashed = 0;
    w.then = SILENT;
    ends(RUN("a.elf"), EXIT_GOOD, "");
    assert_in_range(took, 6000, 6000 + 6 * LOOK_MS + 16 * REQUEST_MS);

    fake_device[1].there = true;
    w.deaf = true;
    ends(RUN("a.elf"), EXIT_CANNOT, "no bootloader has come in place of the application " UID);
    assert_in_range(took, 10000, 10000 + 5 * LOOK_MS + REQUEST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(words_it_does_not_take, setup),
        cmocka_unit_test_setup(it_runs, setup),
        cmocka_unit_test_setup(it_runs_without_a_name, setup),
        cmocka_unit_test_setup(nothing_of_it_is_on_usb, setup),
        cmocka_unit_test_setup(back_in_the_bootloader, setup),
        cmocka_unit_test_setup(it_comes_and_goes, setup),
        cmocka_unit_test_setup(it_comes_and_goes_for_ever, setup),
        cmocka_unit_test_setup(it_hangs, setup),
        cmocka_unit_test_setup(back_and_says_nothing, setup),
        cmocka_unit_test_setup(it_stays, setup),
        cmocka_unit_test_setup(refused_with_its_cure, setup),
        cmocka_unit_test_setup(lost_on_the_way, setup),
        cmocka_unit_test_setup(progress_on_a_terminal, setup),
        cmocka_unit_test_setup(what_is_said_of_the_file, setup),
        cmocka_unit_test_setup(which_of_two, setup),
        cmocka_unit_test_setup(it_makes_room, setup),
        cmocka_unit_test_setup(it_makes_room_if_it_is_named, setup),
        cmocka_unit_test_setup(it_has_a_number_of_its_own, setup),
        cmocka_unit_test_setup(two_come, setup),
        cmocka_unit_test_setup(it_must_not_be_mixed_up, setup),
        cmocka_unit_test_setup(it_is_known_beside_another_one, setup),
        cmocka_unit_test_setup(it_does_not_detach, setup),
        cmocka_unit_test_setup(nobody_is_there, setup),
        cmocka_unit_test_setup_teardown(by_its_port, setup, close_port),
        cmocka_unit_test_setup_teardown(by_its_port_among_others, setup, close_port),
        cmocka_unit_test_setup(a_port_that_is_not_needed, setup),
        cmocka_unit_test_setup(it_leaves_at_once, setup),
        cmocka_unit_test_setup_teardown(two_come_behind_a_port, setup, close_port),
        cmocka_unit_test_setup_teardown(a_port_in_vain, setup, close_port),
        cmocka_unit_test_setup(waits_end_by_the_clock, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
