/* The sureboot command as users run it: exit statuses, what it writes is what board and bootloader take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/crc32.h"
#include "command.h"

#define SUREBOOT "build/host/sureboot"
#define VBOARD   "build/host/vboard"
#define VDFU     "build/host/vdfu"
#define CDC_ELF  "build/firmware/cdc.elf"
#define CDC_BIN  "build/firmware/cdc.bin"
#define BOOT     "build/firmware/boot.elf"

/* Runs it and wants that status. */
static struct command_result run(int status, const char *const words[])
{
    const char *args[COMMAND_ARGS] = {SUREBOOT};
    for (size_t i = 0; words[i]; i++)
        args[i + 1] = words[i];
    struct command_result r = command(args, NULL);
    if (r.status != status)
        fail_msg("%s %s: status %d: %s%s", words[0], words[1] ? words[1] : "", r.status, r.out, r.err);
    return r;
}

static void done(int status, const char *const words[], const char *printed)
{
    struct command_result r = run(status, words);
    if (!strstr(r.out, printed) || r.err[0])
        fail_msg("'%s' is not in '%s'; '%s'", printed, r.out, r.err);
    command_result_free(&r);
}

static void refused(const char *const words[], const char *why)
{
    struct command_result r = run(2, words);
    if (strncmp(r.err, "sureboot: ", 10) != 0 || !strstr(r.err, why) ||
        strchr(r.err, '\n') != r.err + strlen(r.err) - 1)
        fail_msg("'%s' is not one sentence with '%s'", r.err, why);
    assert_string_equal(r.out, "");
    command_result_free(&r);
}
#define DONE(status, printed, ...) done(status, (const char *const[]){__VA_ARGS__, NULL}, printed)
#define REFUSED(why, ...)          refused((const char *const[]){__VA_ARGS__, NULL}, why)

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
    cJSON_Delete(lines);
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
         "03035B1E 00000001 00000010 00000000 01040002",
         "16 bytes, CRC 0x00000000, version 1.4.2, started 3 times without being confirmed\n", 1},
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
        char text[500];
        (void)snprintf(text, sizeof text,
                       "sureboot 1.0\nverdict: Ready: the application starts at the next reset.\n"
                       "in DFU by: token\nreset cause: 00000010\nunreadable: 00000000\n"
                       "ledger: 00025B1E 00000001 00000010 00000000 00000000 00000000\n"
                       "crash: 00000003 %s 00010000 40000000 00000000\n",
                       rows[i].pc_lr);
        file_text(temp("report.txt"), text);
        DONE(0, rows[i].says, "why", "--report", temp("report.txt"));
    }
}

static void bad_words(void **state)
{
    (void)state;
    static const char no_address[] = CDC_BIN "@zz", empty_address[] = CDC_BIN "@",
                      above[] = CDC_BIN "@0xFFFFFFFF";
    REFUSED("no command", "fly");
    REFUSED("takes a file", "inspect");
    REFUSED("not also", "inspect", CDC_ELF, "--xml");
    REFUSED("No such file", "inspect", "/nowhere/x.elf");
    REFUSED("is not a regular file", "inspect", "/dev/null");
    REFUSED(": 'zz' is not an address", "inspect", no_address);
    REFUSED(": '' is not an address", "pack", empty_address, "-o", temp("x.bin"));
    REFUSED(": '0xFFFFFFFF' is not an address", "inspect", above);
    REFUSED("-o OUT", "pack", CDC_ELF);
    REFUSED("too many", "pack", CDC_ELF, "-o", "a.bin", "b");
    REFUSED("takes 2 files", "merge", BOOT, "-o", "a.bin");
    REFUSED(".bin, .hex or .dfu", "pack", CDC_ELF, "-o", temp("x.elf"));
    REFUSED("No such file", "pack", CDC_ELF, "-o", "/nowhere/x.bin");
    REFUSED("Linked elsewhere", "pack", BOOT, "-o", temp("x.bin"));
    REFUSED("is no bootloader", "merge", CDC_ELF, CDC_ELF, "-o", temp("x.bin"));
    REFUSED("over DFU", "merge", BOOT, CDC_ELF, "-o", temp("x.dfu"));
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
    REFUSED("is no report of it", "why", "--report", temp("bad.hex"));
    REFUSED("is too long for a report", "why", "--report", CDC_BIN);
}

/* What packing changes: length and CRC in the information block at vector 7. Takes them from `packed`. */
static void expect_packed(char *want, const char *packed, size_t size)
{
    uint32_t at, length;
    memcpy(&at, want + 28, 4);
    at -= 0x08004000;
    assert_in_range(at, 64, size - 40);
    memcpy(want + at + 16, packed + at + 16, 8);
    memcpy(&length, want + at + 16, 4);
    assert_int_equal(length, size);
}

/* What `make` leaves to be flashed is as a user ships it; the ELF file is what was linked. */
static void built_examples(void **state)
{
    (void)state;
    static const char *const names[] = {"cdc", "workbench", "workbench-vtorback", "sleeper",
                                        "rom-entry-slot"};
    static const struct {
        const char *ending, *says;
    } forms[] = {{"bin", ", packed, CRC right"}, {"hex", ", packed, CRC right"}, {"elf", ", not packed"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
            char file[96];
            (void)snprintf(file, sizeof file, "build/firmware/%s.%s", names[i], forms[k].ending);
            DONE(0, forms[k].says, "inspect", file);
            struct command_result r = run(0, (const char *const[]){"inspect", file, NULL});
            if ((strstr(r.out, "note 68") != NULL) != (k == 2))
                fail_msg("%s: %s", file, r.out);
            command_result_free(&r);
        }
    DONE(0, "It will run", "inspect", "build/firmware/blink.bin");
    DONE(0, "It will run", "inspect", "build/firmware/blink.hex");
}

/* Every format says the same, and a DFU tool takes the DfuSe file. */
/* A link and the permissions of a file stay; what is no file is left alone. */
static void file_in_place(void **state)
{
    (void)state;
    char there[256], link[256];
    struct stat st;
    text_copy(there, sizeof there, temp("there.bin"));
    text_copy(link, sizeof link, temp("link.bin"));
    file_text(there, "old");
    assert_int_equal(chmod(there, 0640), 0);
    assert_int_equal(symlink("there.bin", link), 0);
    DONE(0, "bytes", "pack", CDC_ELF, "-o", link);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(there, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_true(st.st_size > 1000);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("/dev/full", link), 0);
    REFUSED("is not a regular file", "pack", CDC_ELF, "-o", link);
}

static void pack(void **state)
{
    (void)state;
    static const char *const names[] = {"c.bin", "c.hex", "c.dfu"};
    size_t size, again;
    char *want = file_read(CDC_BIN, &size), said[40];
    (void)snprintf(said, sizeof said, "%zu bytes, CRC 0x%08X\n", size,
                   ~crc32_more(CRC32_START, (const uint8_t *)want, size));
    for (unsigned i = 0; i < 3; i++) {
        char out[256], back[256];
        text_copy(out, sizeof out, temp(names[i]));
        text_copy(back, sizeof back, temp("back.bin"));
        DONE(0, said, "pack", CDC_ELF, "-o", out);
        DONE(0, "It will run", "inspect", out);
        DONE(0, "bytes", "pack", out, "-o", back);
        char *got = file_read(back, &again);
        assert_int_equal(again, size);
        if (i == 0)
            expect_packed(want, got, size);
        assert_memory_equal(got, want, size);
        free(got);
    }
    free(want);
    const char *const args[] = {VDFU, "--load", BOOT, "--download", temp("c.dfu"), NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    command_result_free(&r);
}

/* Handed over after power-on? */
static bool starts(const char *image)
{
    const char *const args[] = {VBOARD, "--load", image, "--fast", "--for", "0.1", "--events", "-", NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    cJSON *lines = json_lines(r.out);
    assert_non_null(lines);
    bool found = json_count(lines, "event", "handoff") > 0;
    cJSON_Delete(lines);
    command_result_free(&r);
    return found;
}

static void merge(void **state)
{
    (void)state;
    char hex[256], bin[256];
    text_copy(hex, sizeof hex, temp("m.hex"));
    text_copy(bin, sizeof bin, temp("m.bin"));
    DONE(0, "sealed", "merge", BOOT, CDC_ELF, "-o", hex);
    DONE(0, "sealed", "merge", "build/firmware/boot.bin", CDC_BIN, "-o", bin);
    assert_true(starts(hex));
    assert_true(starts(bin));
    DONE(0, "A factory image", "inspect", hex);
    DONE(0, "at 0x08000000", "inspect", bin);
    DONE(0, "\"factory\":true", "inspect", bin, "--json");
    DONE(0, "\"factory\":false", "inspect", CDC_BIN, "--json");
    REFUSED("is a factory image, bootloader and application in one", "pack", hex, "-o", temp("x.bin"));
    REFUSED("is a factory image, bootloader and application in one", "merge", BOOT, bin, "-o", temp("x.bin"));
    /* The seal is believed, and only for what was sealed: one changed bit, and it is refused. */
    size_t size;
    char *bytes = file_read(bin, &size);
    bytes[0x4000 + 0x300] ^= 1;
    file_write(bin, bytes, size);
    assert_false(starts(bin));
    DONE(1, "CRC of its seal", "inspect", bin);
    bytes[0x3F000 + 4] ^= 1; /* no seal, no factory image */
    file_write(bin, bytes, size);
    DONE(1, "will not run", "inspect", bin, "--json");
    DONE(1, "\"factory\":false", "inspect", bin, "--json");
    free(bytes);
}

/* What was packed and is not whole any more is neither packed anew, which would hide that, nor put anywhere.
 * What was changed after it had been packed is packed by `pack` only. */
static void damaged(void **state)
{
    (void)state;
    char cut[256], changed[256];
    size_t size;
    char *bytes = file_read(CDC_BIN, &size);
    text_copy(cut, sizeof cut, temp("cut.bin"));
    text_copy(changed, sizeof changed, temp("changed.bin"));
    file_write(cut, bytes, size - 8);
    bytes[size - 1] ^= 1;
    file_write(changed, bytes, size);
    free(bytes);
    REFUSED("is cut short: it has 6", "pack", cut, "-o", temp("x.bin"));
    REFUSED("is cut short: it has 6", "merge", BOOT, cut, "-o", temp("x.bin"));
    REFUSED("is cut short: it has 6", "flash", cut);
    REFUSED("The CRC in its information block is wrong: pack it again.", "merge", BOOT, changed, "-o",
            temp("x.bin"));
    REFUSED("The CRC in its information block is wrong: pack it again.", "flash", changed);
    DONE(0, "CRC 0x", "pack", changed, "-o", temp("x.bin"));
    DONE(0, "packed, CRC right", "inspect", temp("x.bin"));
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
        cmocka_unit_test_setup_teardown(names_in_json, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(versions, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(where_it_crashed, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(bad_words, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(why_compares, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(built_examples, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(pack, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(file_in_place, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(merge, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(damaged, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(help_fits, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(output_full, temp_make, temp_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
