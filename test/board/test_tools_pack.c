/* The files that sureboot makes, pack and merge: they are what board, bootloader and tools of others take. */
#include <sys/stat.h>
#include <unistd.h>

#include "board/crc32.h"
#include "toolsbench.h"

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

/* Every format says the same, and a DFU tool takes the DfuSe file. */
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

/* Byte for byte, of a program that fills no line of a HEX file and has no information block: Intel's format
 * of 1988, UM0391, DFU 1.1 appendix B. */
static void small_files(void **state)
{
    (void)state;
    enum { SIZE = 19, TARGET = 11, ELEMENTS = TARGET + 274, DATA = ELEMENTS + 8, SUFFIX = DATA + SIZE };
    static const uint32_t program[] = {0x20010000, 0x08004009, 0x47704770, 0x47704770, 0x47704770};
    size_t size;
    char small[256];
    text_copy(small, sizeof small, temp("small.bin"));
    file_write(small, program, SIZE);
    DONE(0, "it has no information block to fill in", "pack", small, "-o", temp("s.hex"));
    char *hex = file_read(temp("s.hex"), &size);
    static const char lines[] = ":020000040800F2\r\n"
                                ":104000000000012009400008704770477047704762\r\n"
                                ":0340100070477086\r\n"
                                ":00000001FF\r\n";
    assert_int_equal(size, sizeof lines - 1);
    assert_memory_equal(hex, lines, size);
    free(hex);
    DONE(0, "19 bytes", "pack", small, "-o", temp("s.dfu"));
    char *dfu = file_read(temp("s.dfu"), &size);
    assert_int_equal(size, SUFFIX + 16);
    assert_memory_equal(dfu, "DfuSe\x01\x38\x01\0\0\x01", TARGET); /* 312: all but the suffix */
    assert_memory_equal(dfu + TARGET, "Target\0\x01\0\0\0sureboot application\0", 32);
    assert_memory_equal(dfu + ELEMENTS - 8, "\x1B\0\0\0\x01\0\0\0", 8); /* 27 bytes, one element */
    assert_memory_equal(dfu + ELEMENTS, "\x00\x40\x00\x08\x13\0\0\0", 8);
    assert_memory_equal(dfu + DATA, program, SIZE);
    assert_memory_equal(dfu + SUFFIX, "\xFF\xFF\x11\xDF\x83\x04\x1A\x01UFD\x10", 12);
    uint32_t crc;
    memcpy(&crc, dfu + SUFFIX + 12, 4);
    assert_int_equal(crc, crc32_more(CRC32_START, (const uint8_t *)dfu, SUFFIX + 12));
    free(dfu);
}

/* The suffix names the device that the file is for (DFU 1.1 appendix B); the rest of the file is the same. */
static void pack_for_another_id(void **state)
{
    (void)state;
    enum { SUFFIX = 16, DEVICE = 6 /* bcdDevice, idProduct, idVendor */ };
    char usual[256], own[256];
    size_t size, own_size;
    text_copy(usual, sizeof usual, temp("usual.dfu"));
    text_copy(own, sizeof own, temp("own.DFU"));
    DONE(0, "bytes", "pack", CDC_ELF, "-o", usual);
    DONE(0, "bytes", "pack", CDC_ELF, "-o", own, "--id", "1209:abCD");
    DONE(0, "It will run", "inspect", own);
    char *a = file_read(usual, &size), *b = file_read(own, &own_size);
    assert_int_equal(size, own_size);
    assert_memory_equal(a, b, size - SUFFIX);
    assert_memory_equal(a + size - SUFFIX, "\xFF\xFF\x11\xDF\x83\x04\x1A\x01UFD\x10", SUFFIX - 4);
    assert_memory_equal(b + size - SUFFIX, "\xFF\xFF\xCD\xAB\x09\x12", DEVICE);
    free(a);
    free(b);
    static const char *const bad[] = {"",          "1209",      "1209:",     "1209:00010", "1209-0001",
                                      "120:90001", "1209:000g", "0x12:0001", "-209:0001",  "1209: 001"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        REFUSED("--id takes VID:PID", "pack", CDC_ELF, "-o", own, "--id", bad[i]);
    REFUSED("not ''\n", "pack", CDC_ELF, "-o", own, "--id=");
    REFUSED("only a .dfu file has an --id", "pack", CDC_ELF, "-o", temp("x.bin"), "--id", "1209:0001");
    REFUSED("--id needs a value", "pack", CDC_ELF, "-o", own, "--id");
    REFUSED("--id is given twice", "pack", CDC_ELF, "-o", own, "--id", "1209:0001", "--id", "1209:0001");
    REFUSED("not also '--id'", "merge", BOOT, CDC_ELF, "-o", temp("x.bin"), "--id", "1209:0001");
    assert_false(file_exists(temp("x.bin")));
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
    text_copy(bin, sizeof bin, temp("m.BIN")); /* as Windows writes names */
    DONE(0, "sealed", "merge", BOOT, CDC_ELF, "-o", hex);
    DONE(0, "sealed", "merge", "build/firmware/boot.bin", CDC_BIN, "-o", bin);
    assert_true(starts(hex));
    assert_true(starts(bin));
    DONE(0, "A factory image", "inspect", hex);
    DONE(0, "at 0x08000000", "inspect", bin);
    DONE(0, "\"factory\":true", "inspect", bin, "--json");
    DONE(0, "sealed", "merge", BOOT, "build/test/fw/vtorwrong.bin", "-o", temp("w.hex"));
    DONE(0, "see the warning: flash it with a debugger, at 0x08000000.", "inspect", temp("w.hex"));
    DONE(0, "\"factory\":false", "inspect", CDC_BIN, "--json");
    REFUSED("is a factory image, bootloader and application in one", "pack", hex, "-o", temp("x.bin"));
    REFUSED("is a factory image, bootloader and application in one", "merge", BOOT, bin, "-o", temp("x.bin"));
    /* A bootloader has a reset vector in its pages, and is all of it there. */
    static uint32_t other[0x4000 / 4 + 1] = {0x2000FF00, 0x08000201};
    static const struct {
        uint32_t reset, size;
        bool good;
    } others[] = {{0x08000201, 0x4000, true},  {0x08003FFF, 0x4000, true},  {0x08000201, 0x4001, false},
                  {0x08000200, 0x4000, false}, {0x08004001, 0x4000, false}, {0x07FFFFFF, 0x4000, false},
                  {0x08000201, 7, false},      {0x08000001, 8, true}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        other[1] = others[i].reset;
        file_write(temp("other.bin"), other, others[i].size);
        if (others[i].good)
            DONE(0, "sealed", "merge", temp("other.bin"), CDC_BIN, "-o", temp("y.bin"));
        else
            REFUSED("is no bootloader for 0x08000000 to 0x08003FFF", "merge", temp("other.bin"), CDC_BIN,
                    "-o", temp("x.bin"));
    }
    /* The seal is believed, and only for what was sealed: one changed bit, and it is refused. */
    size_t size;
    char *bytes = file_read(bin, &size);
    enum { LEDGER = 0x3F000, VERSION = 16 };
    uint32_t version;
    assert_int_equal(size, LEDGER + 24);
    memcpy(&version, bytes + LEDGER + VERSION, 4);
    assert_int_equal(version, 0x01000000); /* 1.0.0, from the information block */
    assert_int_equal((uint8_t)bytes[0x3FFF] & (uint8_t)bytes[LEDGER - 1], 0xFF); /* gaps are blank */
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
    REFUSED("is cut short: it has 6", "pack", cut, "-o", temp("x.bin"));
    REFUSED("is cut short: it has 6", "merge", BOOT, cut, "-o", temp("x.bin"));
    REFUSED("is cut short: it has 6", "flash", cut);
    file_write(cut, bytes, size - 1);
    REFUSED("is cut short: it has 6", "pack", cut, "-o", temp("x.bin"));
    REFUSED("The CRC in its information block is wrong: pack it again.", "merge", BOOT, changed, "-o",
            temp("x.bin"));
    REFUSED("The CRC in its information block is wrong: pack it again.", "flash", changed);
    DONE(0, "CRC 0x", "pack", changed, "-o", temp("x.bin"));
    DONE(0, "packed, CRC right", "inspect", temp("x.bin"));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(built_examples, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(pack, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(small_files, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(pack_for_another_id, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(file_in_place, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(merge, temp_make, temp_remove),
        cmocka_unit_test_setup_teardown(damaged, temp_make, temp_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
