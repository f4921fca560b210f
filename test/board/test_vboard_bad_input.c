/* Every bad input of the vboard command: exit status 2, one sentence on standard error, nothing written,
 * not even an empty file. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmdbench.h"
#include "command.h"

#define OVERLAP "overlaps " BENCH ".elf at 0x08000000"

static char events[256], state[256], uart[256];

static int setup(void **unused)
{
    (void)unused;
    (void)temp_make(NULL);
    text_copy(events, sizeof events, temp("events"));
    text_copy(state, sizeof state, temp("state"));
    text_copy(uart, sizeof uart, temp("uart"));
    return 0;
}

/* Runs with the given words and everything that would write; `words` must be in the sentence. */
static void refused_with(const char *words, const char *const more[])
{
    char port[280];
    (void)snprintf(port, sizeof port, "VCP=%s", uart);
    const char *args[COMMAND_ARGS] = {VBOARD, "--uart", port, "--events", events, "--fast", "--for=0.001"};
    size_t n = more[0] && strncmp(more[0], "--for", 5) == 0 ? 6 : 7;
    for (size_t i = 0; more[i] != NULL; i++)
        args[n++] = more[i];
    struct command_result r = command(args, NULL);
    if (r.status != 2 || strstr(r.err, words) == NULL)
        fail_msg("%s: status %d, '%s' lacks '%s'", more[0], r.status, r.err, words);
    if (strncmp(r.err, "vboard: ", 8) != 0 || strchr(r.err, '\n') != r.err + strlen(r.err) - 1)
        fail_msg("not one sentence: '%s'", r.err);
    assert_string_equal(r.out, "");
    assert_false(file_exists(events));
    assert_false(file_exists(uart));
    assert_false(file_exists(state));
    command_result_free(&r);
}

#define REFUSED(words, ...) refused_with(words, (const char *const[]){__VA_ARGS__, NULL})

static void words(void **unused)
{
    (void)unused;
    REFUSED("no option '--frob'", "--frob");
    REFUSED("--load FILE takes firmware", "file.bin");
    REFUSED("no option '-x'", "-x");
    REFUSED("--load needs a value", "--load");
    REFUSED("--for takes seconds", "--for", "soon");
    REFUSED("--for takes seconds", "--for", "-1");
    REFUSED("at most 18000000", "--for", "1e9");
    REFUSED("--for takes seconds", "--for=");
    REFUSED("--seed takes a number", "--seed", "x");
    REFUSED("--seed takes a number", "--seed", "18446744073709551616");
    REFUSED("24 hexadecimal digits", "--uid", "1234");
    REFUSED("24 hexadecimal digits", "--uid", "00112233445566778899aabbcc");
    REFUSED("24 hexadecimal digits", "--uid", "00112233445566778899aabg");
    REFUSED("--slot takes an address in flash", "--slot", "0x08040000");
    REFUSED("--slot takes an address in flash", "--slot", "slot");
    REFUSED("--cut takes", "--cut", "0");
    REFUSED("--cut takes", "--cut", "5:never");
    REFUSED("--cut takes", "--cut", "x");
    REFUSED("NAME=VALUE", "--option", "button");
    REFUSED("no option 'colour'", "--option", "colour=red");
    REFUSED("option button takes high|low", "--option", "button=left");
    REFUSED("option lsi takes 29500..34000", "--option", "lsi=34001");
    REFUSED("option hse takes", "--option", "hse=1000");
    REFUSED("no serial port 'USART9'", "--uart", "USART9=x");
    REFUSED("--uart takes", "--uart", "VCP");
    REFUSED("--uart takes", "--uart", "VCP=");
    REFUSED("--gdb takes a port", "--gdb", "65536");
    REFUSED("--uart is given more than 8 times", "--uart", "x", "--uart", "x", "--uart", "x", "--uart", "x",
            "--uart", "x", "--uart", "x", "--uart", "x", "--uart", "x");
    REFUSED("--events is given twice", "--events", "x");
    REFUSED("--flash is given twice", "--flash", state, "--flash", state);
    REFUSED("--seed is given twice", "--seed=1", "--seed", "1");
    REFUSED("--fast is given twice", "--fast", "--fast");
    REFUSED("--option lsi is given twice", "--option", "lsi=30000", "--option", "lse=off",
            "--option=lsi=31000");
    REFUSED("--flash needs a value", "--flash", "");
    REFUSED("--control needs a value", "--control", "");
    REFUSED("--script needs a value", "--script=");
}

static void firmware_files(void **unused)
{
    (void)unused;
    char at_end[300];
    REFUSED("No such file", "--load", temp("none.bin"));
    REFUSED("not a regular file", "--load", "/tmp");
    file_text(temp("empty.bin"), "");
    REFUSED("is empty", "--load", temp("empty.bin"));
    file_text(temp("wrong.hex"), ":0100000055AB\n:00000001FF\n");
    REFUSED("wrong.hex:1: checksum", "--load", temp("wrong.hex"));
    file_write(temp("wrong.elf"), "\177ELFxxxx", 8);
    REFUSED("wrong.elf", "--load", temp("wrong.elf"));
    REFUSED("another processor", "--load", VBOARD);
    REFUSED(OVERLAP "\n", "--load", BENCH ".elf", "--load", BENCH ".hex");
    REFUSED(OVERLAP ", where a raw binary goes unless FILE@ADDR says otherwise", "--load", BENCH ".elf",
            "--load", BENCH ".bin");
    file_text(temp("app.s19"), "S0030000FC\n");
    REFUSED("app.s19: is not a format that is read, by its name: ELF, Intel HEX, DfuSe and raw binary are",
            "--load", temp("app.s19"));
    file_text(temp("app.UF2"), "UF2\n");
    REFUSED("is not a format that is read", "--load", temp("app.UF2"));
    REFUSED("raw binaries only", "--load", BENCH ".elf@0x08004000");
    REFUSED("is not in flash", "--load", BENCH ".bin@0x20000000");
    REFUSED("is not in flash", "--load", BENCH ".bin@0");
    REFUSED("is not in flash", "--load", BENCH ".bin@0x0803FFF0");
    REFUSED("is not in flash", "--load", BENCH ".bin@0x08040000");
    REFUSED("is not in flash", "--load", BENCH ".bin@0x1FFF7400");
    REFUSED("is not in flash", "--load", BENCH ".bin@0x1FFF6FF8");
    REFUSED("'08004000' is not an address, such as 0x08004000", "--load", BENCH ".bin@08004000");
    REFUSED("'0x0800400G' is not an address", "--load", BENCH ".bin@0x0800400G");
    REFUSED("'4294967296' is not an address", "--load", BENCH ".bin@4294967296");
    REFUSED("exceed the address space", "--load", BENCH ".bin@0xFFFFFFF0");
    (void)snprintf(at_end, sizeof at_end, "%s@", BENCH ".bin");
    REFUSED("'' is not an address", "--load", at_end);
    /* the first file is good and the second is not: still nothing is written */
    REFUSED("No such file", "--flash", state, "--load", (BENCH ".elf"), "--load", temp("none"));
}

/* A good state, and what can be wrong with one. */
static void flash_states(void **unused)
{
    (void)unused;
    char bad[256];
    text_copy(bad, sizeof bad, temp("bad"));
    const char *make[] = {VBOARD,  "--load",  BENCH_ELF, "--load", bench_mode(BLINK), "--fast", "--for",
                          "0.001", "--flash", bad,       NULL};
    struct command_result r = command(make, NULL);
    assert_int_equal(r.status, 0);
    command_result_free(&r);
    size_t size;
    char *good = file_read(bad, &size);

    static const struct {
        size_t at;
        const char *words;
    } damage[] = {{5, "checksum"},
                  {262144, "no flash state"},
                  {262152, "version"},
                  {262156, "checksum"},
                  {270000, "checksum"}};
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        good[damage[i].at] ^= 1;
        file_write(bad, good, size);
        good[damage[i].at] ^= 1;
        REFUSED(damage[i].words, "--flash", bad);
    }
    const size_t lengths[] = {0, 1, 262143, 262144, 262164, size - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        file_write(bad, good, lengths[i]);
        REFUSED(bad, "--flash", bad);
        char *after = file_read(bad, &size);
        assert_int_equal(size, lengths[i]); /* left as it was */
        assert_memory_equal(after, good, size);
        free(after);
        size = lengths[5] + 1;
    }
    char *longer = calloc(1, size + 1);
    assert_non_null(longer);
    memcpy(longer, good, size);
    file_write(bad, longer, size + 1);
    REFUSED("checksum", "--flash", bad);
    free(longer);
    free(good);
    REFUSED("not a regular file", "--flash", "/tmp");
    REFUSED("cannot be written", "--flash", temp("no/where"));
}

static void outputs(void **unused)
{
    (void)unused;
    char text[300];
    (void)snprintf(text, sizeof text, "USART1=%s", temp("no/uart"));
    REFUSED("No such file", "--uart", text);
    /* what was there before stays as it was */
    const char *args[] = {VBOARD, "--fast", "--events", events, "--uart", text, NULL};
    file_write(events, "old\n", 4);
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 2);
    command_result_free(&r);
    char *kept = file_read(events, NULL);
    assert_string_equal(kept, "old\n");
    free(kept);
    assert_int_equal(unlink(events), 0);
}

/* A file that is written twice, or read as well. */
static void same_file(void **unused)
{
    (void)unused;
    char text[300], image[256], load[300];
    text_copy(image, sizeof image, temp("image"));
    file_write(image, "code", 4);
    REFUSED("two things at a time", "--flash", events);
    REFUSED("two things at a time", "--flash", uart);
    (void)snprintf(text, sizeof text, "USART1=%s", events);
    REFUSED("two things at a time", "--uart", text);
    (void)snprintf(text, sizeof text, "USART1=%s", image);
    text_copy(load, sizeof load, image);
    REFUSED("two things at a time", "--load", load, "--uart", text);
    file_text(image, "quit\n");
    REFUSED("two things at a time", "--script", image, "--uart", text);
    char *kept = file_read(image, NULL);
    assert_string_equal(kept, "quit\n");
    free(kept);
    /* a device may be */
    const char *args[] = {VBOARD,      "--fast", "--for",         "0.001", "--events",
                          "/dev/null", "--uart", "VCP=/dev/null", NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    command_result_free(&r);
}

static void control_and_scripts(void **unused)
{
    (void)unused;
    REFUSED("No such file", "--script", temp("none"));
    REFUSED("is a directory", "--script", "/tmp");
    static const struct {
        const char *text, *words;
    } scripts[] = {
        {"quit\nfrob\n", "script:2: there is no command 'frob'; vboard --help lists them"},
        {"at\n", "script:1: 'at' takes seconds"},
        {"at soon quit\n", "script:1: 'at' takes seconds"},
        {"at 1\n", "script:1: there is no command"},
        {"power\n", "it is: power on|off [novbat]"},
        {"power up\n", "it is: power"},
        {"power on novbat\n", "it is: power"},
        {"nrst 0\n", "it is: nrst [MILLISECONDS], 1 to 3600000"},
        {"nrst x\n", "it is: nrst"},
        {"peek 0 262145\n", "it is: peek ADDRESS LENGTH, 1 to 262144"},
        {"adc PA0 5001\n", "it is: adc PIN MILLIVOLTS, 0 to 5000"},
        {"button B2 1\n", "it is: button B1 0|1"},
        {"button B1 2\n", "it is: button"},
        {"pin PC5 1\n", "no pin 'PC5'; the use is: pin"},
        {"wire PA0 PC5\n", "no pin 'PC5'; the use is: wire"},
        {"pin PA16 1\n", "no pin 'PA16'"},
        {"pin PA1 2\n", "it is: pin"},
        {"pin PA1\n", "it is: pin"},
        {"usb out\n", "it is: usb plug|unplug"},
        {"uart USART4 00\n", "it is: uart"},
        {"uart VCP 0\n", "it is: uart"},
        {"uart VCP\n", "it is: uart"},
        {"wire PA0 PD2\n", "no pin 'PD2'"},
        {"wire PA0\n", "it is: wire"},
        {"cut 0\n", "it is: cut"},
        {"cut 1:soon\n", "it is: cut"},
        {"peek 0x08000000\n", "it is: peek"},
        {"peek 0x08000000 0\n", "it is: peek"},
        {"peek 0x100000000 4\n", "it is: peek"},
        {"poke 0x20000000 0g\n", "it is: poke"},
        {"regs all\n", "it is: regs"},
        {"quit now\n", "it is: quit"},
        {"quit a b c d e f g h\n", "it is: quit"},
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        file_text(temp("script"), scripts[i].text);
        REFUSED(scripts[i].words, "--flash", state, "--script", temp("script"));
    }
    static char line[132000];
    memset(line, 'x', sizeof line);
    file_write(temp("long"), line, sizeof line);
    file_write(temp("script"), "quit\0\n", 6);
    REFUSED("is not text", "--script", temp("script"));
    REFUSED("long:1: the line is longer than", "--script", temp("long"));
    REFUSED("is not text", "--script", "/dev/zero"); /* which has no end */
    REFUSED("exists and is not a socket", "--control", VBOARD);
    assert_true(file_exists(VBOARD));
    REFUSED("No such file", "--control", temp("no/socket"));
    char path[200];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    REFUSED("too long", "--control", path);
}

static void taken(void **unused)
{
    (void)unused;
    /* a socket with somebody behind it */
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    text_copy(there.sun_path, sizeof there.sun_path, temp("live"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&there, sizeof there), 0);
    assert_int_equal(listen(fd, 1), 0);
    REFUSED("another process", "--control", there.sun_path);
    assert_true(file_exists(there.sun_path));
    assert_int_equal(close(fd), 0);
}

/* REFUSED passes --fast, which --usbip refuses. */
static void usbip(void **unused)
{
    (void)unused;
    REFUSED("--fast does not go with --usbip", "--usbip", "0");
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &length), 0);
    char port[16];
    (void)snprintf(port, sizeof port, "%u", ntohs(here.sin_port));
    const char *const bad[] = {port,         "65536",       "x",           "",
                               "127.0.0.1:", "127.0.0.1:x", "999.0.0.1:0", "localhost.invalid:0",
                               "192.0.2.1:0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *args[] = {VBOARD,    "--for", "0.001",   "--events", events,
                              "--flash", state,   "--usbip", bad[i],     NULL};
        struct command_result r = command(args, NULL);
        if (r.status != 2 || strchr(r.err, '\n') != r.err + strlen(r.err) - 1)
            fail_msg("--usbip '%s': status %d, '%s'", bad[i], r.status, r.err);
        assert_false(file_exists(events));
        assert_false(file_exists(state));
        command_result_free(&r);
    }
    assert_int_equal(close(fd), 0);
}

static void help(void **unused)
{
    (void)unused;
    static const char *const promised[] = {"--load FILE[@ADDR]",
                                           "--flash STATE",
                                           "--usbip [ADDR:]PORT",
                                           "--for SECONDS",
                                           "--fast",
                                           "--strict",
                                           "--events FILE|-",
                                           "--uart NAME=FILE|pty|-",
                                           "--control PATH|-",
                                           "--script FILE",
                                           "--cut N[:MODEL]",
                                           "--seed N",
                                           "--uid HEX",
                                           "--option NAME=VALUE",
                                           "--slot ADDR",
                                           "button=high|low",
                                           "cut N[:before|after|torn|half]",
                                           "Exit status"};
    struct command_result r = command((const char *const[]){VBOARD, "--help", NULL}, NULL);
    assert_int_equal(r.status, 0);
    for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++)
        if (strstr(r.out, promised[i]) == NULL)
            fail_msg("--help does not tell of %s", promised[i]);
    assert_string_equal(r.err, "");
    command_result_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(words, setup, temp_remove),
        cmocka_unit_test_setup_teardown(firmware_files, setup, temp_remove),
        cmocka_unit_test_setup_teardown(flash_states, setup, temp_remove),
        cmocka_unit_test_setup_teardown(outputs, setup, temp_remove),
        cmocka_unit_test_setup_teardown(same_file, setup, temp_remove),
        cmocka_unit_test_setup_teardown(control_and_scripts, setup, temp_remove),
        cmocka_unit_test_setup_teardown(taken, setup, temp_remove),
        cmocka_unit_test_setup_teardown(usbip, setup, temp_remove),
        cmocka_unit_test_setup_teardown(help, setup, temp_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
