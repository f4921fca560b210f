/* The sureboot command as users run it: what it says of files, exit statuses, help, words that it does not
 * take.
 */
#include <unistd.h>

#include "toolsbench.h"

/* One number, that of the bootloader, which its report begins with. */
static void versions(void **state)
{
    (void)state;
    struct command_result report = command(
        (const char *const[]){VDFU, "--load", BOOT, "--upload", temp("report@0xF0000000"), NULL}, NULL);
    assert_int_equal(report.status, 0);
    command_result_free(&report);
    char first[32], want[48];
    FILE *f = fopen(temp("report"), "r");
    assert_non_null(f);
    assert_non_null(fgets(first, sizeof first, f)); /* "sureboot 1.0" */
    fclose(f);
    assert_memory_equal(first, "sureboot ", 9);
    DONE(0, first, "--version");
    static const char *const others[][2] = {
        {VBOARD, "vboard"}, {VDFU, "vdfu"}, {VBOARD "-attach", "vboard-attach"}};
    for (size_t i = 0; i < 3; i++) {
        struct command_result r = command((const char *const[]){others[i][0], "--version", NULL}, NULL);
        snprintf(want, sizeof want, "%s (sureboot) %s", others[i][1], first + 9);
        assert_int_equal(r.status, 0);
        assert_string_equal(r.out, want);
        command_result_free(&r);
    }
}

static void inspect(void **state)
{
    (void)state;
    DONE(0, "It will run", "inspect", CDC_ELF);
    DONE(0, "raw binary", "inspect", CDC_BIN);
    DONE(0, "Reset_Handler", "inspect", CDC_ELF);
    DONE(0, "\"kit test\" 1.2.3, board 0x4C433001, wants confirmation, has a mailbox, not packed", "inspect",
         "build/test/fw/kit.elf");
    DONE(0, "\"version\":\"1.2.3\",\"board\":1279471617,\"wants_confirm\":true", "inspect",
         "build/test/fw/kit.elf", "--json");
    DONE(1, "STM32L433RCTX_FLASH.ld", "inspect", BOOT);
    DONE(1, "error 6: Linked elsewhere", "inspect", "build/firmware/boot.bin");
    DONE(1, "here: it begins at 0x20000000", "inspect", CDC_BIN "@0x20000000");
    DONE(0, "usage:", "--help");
    DONE(0, "usage:", "inspect", "--help");
    DONE(0, "usage:", "why", CDC_ELF, "--help");
    DONE(0, "usage:", "why", "-h");
    struct command_result r =
        run(1, (const char *const[]){"inspect", "build/firmware/boot.bin", "--json", NULL});
    cJSON *lines = json_lines(r.out);
    assert_non_null(lines);
    const cJSON *line = cJSON_GetArrayItem(lines, 0);
    assert_string_equal(json_text(line, "verdict"), "will not run");
    const cJSON *finding = cJSON_GetArrayItem(cJSON_GetObjectItem(line, "findings"), 0);
    assert_int_equal((int)json_number(finding, "code"), 6);
    assert_string_equal(json_text(finding, "name"), "NOT_HERE");
    const cJSON *cure = cJSON_GetArrayItem(cJSON_GetObjectItem(finding, "cures"), 0);
    assert_string_equal(json_text(cure, "file"), "STM32L433RCTX_FLASH.ld");
    assert_string_equal(json_text(cure, "change"), "FLASH (rx) : ORIGIN = 0x8004000, LENGTH = 236K");
    cJSON_Delete(lines);
    command_result_free(&r);
}

/* As a project for a Cortex-M33 says of itself: Tag_CPU_arch (6) is 17 (IHI 0045, 3.3.5) in place of 13. */
static void inspect_another_core(void **state)
{
    (void)state;
    size_t size;
    char *elf = file_read(CDC_ELF, &size);
    char *arch = memmem(elf, size, "\x06\x0D\x07M", 4);
    assert_non_null(arch);
    arch[1] = 17;
    file_write(temp("m33.elf"), elf, size);
    free(elf);
    DONE(0, "\nwarning 75: It is built for another core: ", "inspect", temp("m33.elf"));
    DONE(0, "\n  here: for ARM 7E-M\n", "inspect", temp("m33.elf")); /* the name is as it was */
    DONE(0, "\nIt will start; whether it works, see the warning: ", "inspect", temp("m33.elf"));
}

/* All that is said of the smallest program: a table that ends behind the reset vector, and BX LR. */
static void inspect_words(void **state)
{
    (void)state;
    static const uint32_t program[] = {0x20010000, 0x08004009, 0x4770};
    char want[1000];
    file_write(temp("small.bin"), program, sizeof program);
    struct command_result r = run(0, (const char *const[]){"inspect", temp("small.bin"), NULL});
    (void)snprintf(want, sizeof want,
                   "%s: raw binary, 12 bytes from 0x08004000 to 0x0800400B\n"
                   "  slot          0x08004000 to 0x0803EFFF, 0 %% used\n"
                   "  stack pointer 0x20010000\n"
                   "  reset vector  0x08004009\n\n"
                   "It will run: dfu-util -s 0x08004000:leave -D FILE.bin\n",
                   temp("small.bin"));
    assert_string_equal(r.out, want);
    command_result_free(&r);
    (void)snprintf(want, sizeof want, "%s@0x0803F000", temp("small.bin")); /* behind the slot */
    r = run(1, (const char *const[]){"inspect", want, NULL});
    assert_null(strstr(r.out, "% used"));
    assert_null(strstr(r.out, "reset vector"));
    command_result_free(&r);
}

/* A file's name comes back as it was given, or byte by byte where it is no UTF-8. */
static void names_in_json(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"j\xC3\xBCrgen \xE2\x82\xAC \xF0\x9F\x98\x80.bin", NULL},
        {"\"a\\b\x01.bin", NULL},
        {"\xFC \xC0\xAF \xED\xA0\x80 \xF4\x90\x80\x80 \xE2\x82",
         "\xC3\xBC \xC3\x80\xC2\xAF \xC3\xAD\xC2\xA0\xC2\x80 \xC3\xB4\xC2\x90\xC2\x80\xC2\x80 "
         "\xC3\xA2\xC2\x82"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        file_write(temp(names[i][0]), "0123456789", 10);
        struct command_result r = run(1, (const char *const[]){"inspect", temp(names[i][0]), "--json", NULL});
        cJSON *lines = json_lines(r.out);
        assert_non_null(lines);
        const char *file = json_text(cJSON_GetArrayItem(lines, 0), "file");
        assert_string_equal(strrchr(file, '/') + 1, names[i][1] != NULL ? names[i][1] : names[i][0]);
        for (const char *p = r.out; *p != '\0'; p++)
            assert_true((unsigned char)*p < 0x80);
        cJSON_Delete(lines);
        command_result_free(&r);
    }
}

/* What the board has may be compared with the file only if it is recorded, and as it was recorded. */
static void why_compares(void **state)
{
    (void)state;
    static const struct {
        const char *verdict, *ledger, *says;
        int status;
    } rows[] = {
        {"Ready: the application starts at the next reset.", "00000000 00000000 00000000 00000000 00000000",
         "so it cannot be told whether it is " CDC_BIN, 0},
        {"Download unfinished: download it again.", "00015B1E 00000001 00000000 00000000 00000000",
         "so it cannot be told whether it is " CDC_BIN, 1},
        {"Ready: the application starts at the next reset.", "00025B1E 00000001 00000010 00000000 00000000",
         "it is not " CDC_BIN, 0},
        {"Content changed: download it again, or attach a debugger.",
         "00025B1E 00000001 00000010 00000000 00000000", "it was not " CDC_BIN, 1},
        {"Flash unreadable: download it again.", "00025B1E 00000001 00000010 00000000 00000000",
         "it was not " CDC_BIN, 1},
        {"Not confirmed: three starts without sureboot_confirm(). Download a better one.",
         "03035B1E 00000001 00000010 00000000 01050003",
         "16 bytes, CRC 0x00000000, version 1.5.3, started 3 times without being confirmed\n", 1},
        {"Ready: the application starts at the next reset.", "01035B1E 00000001 00000010 00000000 00000000",
         "16 bytes, CRC 0x00000000, started 1 time without being confirmed\n", 0},
        {"Ready: the application starts at the next reset.", "00045B1E 00000001 00000010 00000000 00000000",
         "16 bytes, CRC 0x00000000, confirmed\n", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[500];
        (void)snprintf(text, sizeof text,
                       "sureboot 1.0\nverdict: %s\nin DFU by: verdict\nreset cause: 00000004\n"
                       "unreadable: 00000000\nledger: %s 00000000\n",
                       rows[i].verdict, rows[i].ledger);
        file_text(temp("report.txt"), text);
        DONE(rows[i].status, rows[i].says, "why", "--report", temp("report.txt"), CDC_BIN);
    }
    DONE(0, BOOT ": Linked elsewhere: ", "why", "--report", temp("report.txt"), BOOT);
}

/* Each line of a report with all that there may be. */
static void why_words(void **state)
{
    (void)state;
    file_text(temp("report.txt"),
              "sureboot 1.0\n"
              "verdict: Not confirmed: three starts without sureboot_confirm(). Download a better one.\n"
              "last download: Data missing: download all of it, linked at 0x08004000.\n"
              "in DFU by: verdict\n"
              "reset cause: 00000214\n"
              "unreadable: 0800ABC8\n"
              "ledger: 00025B1E 00000005 00002000 12345678 00000000 CAFEBABE\n"
              "crash: 00000003 08004301 08004355 01008200 40000000 60000000\n");
    struct command_result r = run(1, (const char *const[]){"why", "--report", temp("report.txt"), NULL});
    assert_string_equal(
        r.out,
        "sureboot 1.0\n"
        "  verdict       Not confirmed: three starts without sureboot_confirm(). Download a better one.\n"
        "  last download Data missing: download all of it, linked at 0x08004000.\n"
        "    if it was whole, in linker script:\n"
        "        FLASH (rx) : ORIGIN = 0x8004000, LENGTH = 236K\n"
        "  in DFU by     verdict\n"
        "  reset by      the reset pin, software, somebody who jumped here\n"
        "  unreadable    the double word at 0x0800ABC8\n"
        "  in the slot   8192 bytes, CRC 0x12345678\n"
        "  crash         HardFault: there is nothing at that address (PRECISERR), unaligned access "
        "(UNALIGNED)\n"
        "    of          this application, or one before it: the last since power-on\n"
        "    at          0x08004301\n"
        "    called from 0x08004355\n"
        "    accessed    0x60000000\n");
    command_result_free(&r);
}

/* A report with this crash: all its words but the address that was accessed. */
static void file_crash(const char *words)
{
    char text[500];
    (void)snprintf(text, sizeof text,
                   "sureboot 1.0\nverdict: Ready: the application starts at the next reset.\n"
                   "in DFU by: token\nreset cause: 00000010\nunreadable: 00000000\n"
                   "ledger: 00025B1E 00000001 00000010 00000000 00000000 00000000\n"
                   "crash: %s 00000000\n",
                   words);
    file_text(temp("report.txt"), text);
}

/* By the processor's own names, of exceptions and of causes. */
static void what_crashed(void **state)
{
    (void)state;
    static const struct {
        const char *words, *says;
    } rows[] = {
        {"00000001 08004301 08004355 00000000 00000000", "exception 1: its cause is not recorded\n"},
        {"00000002 08004301 08004355 00000000 00000000", "NMI: its cause is not recorded\n"},
        {"00000003 08004301 08004355 00000000 00000002",
         "HardFault: the vector could not be read (VECTTBL)\n"},
        {"00000004 08004301 08004355 00000010 00000000", "MemManage: the MPU forbids stacking"},
        {"00000004 08004301 08004355 00000082 00000000", "    accessed    0x00000000\n"}, /* MMARVALID */
        {"00000005 08004301 08004355 00000400 00000000", "BusFault: a write went nowhere"},
        {"00000006 08004301 08004355 02010000 00000000",
         "UsageFault: undefined instruction (UNDEFINSTR), division by zero (DIVBYZERO)\n"},
        {"00000007 08004301 08004355 00000000 00000000", "exception 7: its cause is not recorded\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        file_crash(rows[i].words);
        DONE(0, rows[i].says, "why", "--report", temp("report.txt"));
    }
    /* Where, in words: the reset handler of a program that is at hand. */
    size_t size;
    uint32_t reset;
    char words[60];
    char *cdc = file_read(CDC_BIN, &size);
    memcpy(&reset, cdc + 4, 4);
    free(cdc);
    (void)snprintf(words, sizeof words, "00000003 %08X FFFFFFFF 00010000 40000000", (unsigned)reset & ~1u);
    file_crash(words);
    DONE(0, "  Reset_Handler  (port/stm32l433/startup.c:", "why", "--report", temp("report.txt"), CDC_ELF);
}

/* LR is no address in an interrupt, nor where nothing was called since reset; PC always is one, where nothing
 * can be executed too. A record outlives the application that left it. */
static void where_it_crashed(void **state)
{
    (void)state;
    static const struct {
        const char *pc_lr, *says;
    } rows[] = {
        {"08004301 08004355", "    called from 0x08004355"},
        {"08004301 FFFFFFF9", "    called from an interrupt\n"},
        {"08004301 FFFFFFFF", "    called from nowhere: LR is as after reset\n"},
        {"FFFFFFFE 08004355", "    at          0xFFFFFFFE\n"},
        {"00000000 08004355", "    at          0x00000000\n    called from 0x08004355"},
        {"00000000 00000000", "    at          not known: there was no stack to look at\n"},
        {"08004301 08004355",
         "    of          this application, or one before it: the last since power-on\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char words[60];
        (void)snprintf(words, sizeof words, "00000003 %s 00010000 40000000", rows[i].pc_lr);
        file_crash(words);
        DONE(0, rows[i].says, "why", "--report", temp("report.txt"));
    }
}

static void bad_words(void **state)
{
    (void)state;
    static const char no_address[] = CDC_BIN "@zz", empty_address[] = CDC_BIN "@",
                      above[] = CDC_BIN "@0xFFFFFFFF";
    refused((const char *const[]){NULL, NULL}, "say inspect, pack, merge, flash or why");
    REFUSED("no command 'fly': say inspect", "fly");
    REFUSED("takes a file", "inspect");
    REFUSED("not also", "inspect", CDC_ELF, "--xml");
    REFUSED("No such file", "inspect", "/nowhere/x.elf");
    REFUSED("is not a regular file", "inspect", "/dev/null");
    REFUSED(": 'zz' is not an address", "inspect", no_address);
    REFUSED(": '' is not an address", "pack", empty_address, "-o", temp("x.bin"));
    REFUSED(": '0xFFFFFFFF' is not an address", "inspect", above);
    REFUSED("-o OUT", "pack", CDC_ELF);
    REFUSED("pack takes a file, -o OUT and, for a .dfu file, --id VID:PID, not also 'b'", "pack", CDC_ELF,
            "-o", "a.bin", "b");
    REFUSED("-o is given twice", "pack", CDC_ELF, "-o", temp("a.bin"), "-o", temp("b.bin"));
    REFUSED("--json is given twice", "inspect", "--json", CDC_ELF, "--json");
    REFUSED("--serial is given twice", "flash", CDC_ELF, "--serial=1", "--serial", "2");
    REFUSED("takes a file", "pack", "-o", "a.bin");
    REFUSED("merge takes a bootloader, an application and -o OUT", "merge", BOOT, "-o", "a.bin");
    REFUSED("not also 'c'", "merge", BOOT, CDC_ELF, "c");
    REFUSED(".bin, .hex or .dfu", "pack", CDC_ELF, "-o", temp("x.elf"));
    REFUSED("No such file", "pack", CDC_ELF, "-o", "/nowhere/x.bin");
    REFUSED("Linked elsewhere", "pack", BOOT, "-o", temp("x.bin"));
    REFUSED("is no bootloader", "merge", CDC_ELF, CDC_ELF, "-o", temp("x.bin"));
    REFUSED("over DFU", "merge", BOOT, CDC_ELF, "-o", temp("x.dfu"));
    REFUSED("over DFU", "merge", BOOT, CDC_ELF, "-o", temp("x.DFU"));
    assert_false(file_exists(temp("x.bin")));
    file_text(temp("cut@zz"), "\177ELF"); /* a file that is called so */
    REFUSED("ELF", "inspect", temp("cut@zz"));
    file_text(temp("cut.elf"), "\177ELF");
    REFUSED("ELF", "inspect", temp("cut.elf"));
    file_text(temp("bad.hex"), ":10000000FF\n");
    REFUSED("bad.hex", "inspect", temp("bad.hex"));
    file_text(temp("empty.bin"), "");
    REFUSED("is empty", "inspect", temp("empty.bin"));
    REFUSED("not also 'b'", "why", "a", "b");
    REFUSED("--serial needs a value", "why", "--serial");
    REFUSED("-o needs a value", "pack", CDC_ELF, "-o");
    REFUSED("is no serial port", "flash", CDC_ELF, "--port", "/dev/null");
    REFUSED("No such file", "why", "--report=/nowhere/x");
    REFUSED("not both", "why", "--serial", "1", "--report", "x");
    REFUSED("No such file", "why", "--report", "/nowhere/x");
    REFUSED("bad.hex: it does not begin with \"sureboot\"", "why", "--report", temp("bad.hex"));
    REFUSED("is too long for a report", "why", "--report", CDC_BIN);
}

/* Each command's help fits a terminal of 80 columns. */
static void help_fits(void **state)
{
    (void)state;
    static const char *const programs[] = {SUREBOOT, VBOARD, VDFU, VBOARD "-attach"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        struct command_result r = command((const char *const[]){programs[i], "--help", NULL}, NULL);
        assert_int_equal(r.status, 0);
        for (char *line = strtok(r.out, "\n"); line; line = strtok(NULL, "\n"))
            if (strlen(line) > 80)
                fail_msg("%s: %s", programs[i], line);
        command_result_free(&r);
    }
}

/* What was done but could not be said is not reported as done. */
static void output_full(void **state)
{
    (void)state;
    static const char *const lines[] = {SUREBOOT " --help",
                                        SUREBOOT " inspect " CDC_ELF,
                                        SUREBOOT " pack " CDC_ELF " -o $0",
                                        SUREBOOT " merge " BOOT " " CDC_ELF " -o $0",
                                        VBOARD " --help",
                                        VBOARD " --version",
                                        "echo regs | " VBOARD " --load " BOOT " --for 1 --control -",
                                        VDFU " --help",
                                        VBOARD "-attach --help",
                                        VBOARD "-attach --version"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char line[200];
        (void)snprintf(line, sizeof line, "%s >/dev/full", lines[i]);
        struct command_result r =
            command((const char *const[]){"/bin/sh", "-c", line, temp("x.bin"), NULL}, NULL);
        if (r.status != 2 || !strstr(r.err, ": standard output"))
            fail_msg("%s: status %d: '%s'", line, r.status, r.err);
        command_result_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(inspect, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(inspect_words, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(inspect_another_core, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(names_in_json, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(versions, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(what_crashed, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(where_it_crashed, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(bad_words, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(why_compares, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(why_words, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(help_fits, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(output_full, temp_make, temp_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
