/* Firmware files, good and bad, but for DFU files (test_load_dfu.c): every format is built here byte by byte,
 * so that each fault can be put in by itself. */
#include "board/parse.h"
#include "command.h"
#include "load_bench.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- raw ------------------------------------------------------------------------------------ */

static void raw_binaries(void **state)
{
    (void)state;
    assert_true(parse("x.bin", "abc", 3, IMAGE_NO_ADDR));
    assert_int_equal(image.format, IMAGE_RAW);
    assert_int_equal(image.count, 1);
    part_is(0, 0x08000000, "abc", 3);
    assert_true(parse("x.bin", "abc", 3, 0x08004001));
    part_is(0, 0x08004001, "abc", 3);
    assert_true(parse("x", ":", 1, IMAGE_NO_ADDR)); /* a colon alone makes no HEX file */
    assert_int_equal(image.format, IMAGE_RAW);
    refused(parse("x.bin", "", 0, IMAGE_NO_ADDR), "empty");
    refused(parse("x.bin", "abcd", 4, 0xFFFFFFFD), "exceed");
    refused(parse("x.elf", "abcd", 4, IMAGE_NO_ADDR), "not an ELF file");
    refused(parse("x.HEX", "abcd", 4, IMAGE_NO_ADDR), "not an Intel HEX file");
    refused(parse("x.dfu", "abcd", 4, IMAGE_NO_ADDR), "not a DFU file");
    static const char *const not_read[] = {"x.srec", "x.s19", "x.s28", "x.S37", "x.mot", "x.uf2"};
    for (size_t i = 0; i < sizeof not_read / sizeof not_read[0]; i++)
        refused(parse(not_read[i], "S00600004844521B\n", 17, IMAGE_NO_ADDR), "not a format");
}

static void files(void **state)
{
    (void)state;
    (void)temp_make(NULL);
    const char *path = temp("x.bin");
    refused(image_read(&image, path, IMAGE_NO_ADDR, &why), "No such file");
    file_write(path, "hello", 5);
    assert_true(image_read(&image, path, 0x08001000, &why));
    part_is(0, 0x08001000, "hello", 5);
    image_free(&image);
    assert_int_equal(truncate(path, (off_t)IMAGE_MAX_FILE + 1), 0);
    refused(image_read(&image, path, IMAGE_NO_ADDR, &why), "larger than");
    (void)temp_remove(NULL);
    assert_false(image_read(&image, "/tmp", IMAGE_NO_ADDR, &why));
    assert_non_null(strstr(why.text, "not a regular file"));
}

/* ---- Intel HEX ------------------------------------------------------------------------------ */

/* Records as "AAAATTdata…" without length and checksum, which are filled in; '|' ends a record. */
static bool hex(const char *records)
{
    static char text[8192];
    size_t at = 0;
    for (const char *p = records; *p != '\0';) {
        size_t n = strcspn(p, "|");
        uint8_t b[300];
        size_t size = 0;
        char one[600];
        memcpy(one, p, n);
        one[n] = '\0';
        assert_true(parse_hex(one, b + 1, sizeof b - 1, &size));
        b[0] = (uint8_t)(size - 3);
        uint8_t sum = b[0];
        for (size_t i = 1; i <= size; i++)
            sum = (uint8_t)(sum + b[i]);
        at += (size_t)snprintf(text + at, sizeof text - at, ":%02X%s%02X\r\n", b[0], one, (uint8_t)-sum);
        p += n + (p[n] == '|');
    }
    return parse("x.hex", text, at, IMAGE_NO_ADDR);
}

static bool hex_text(const char *text)
{
    return parse("x.hex", text, strlen(text), IMAGE_NO_ADDR);
}

#define END "000001"

static void hex_files(void **state)
{
    (void)state;
    assert_true(hex("000004"
                    "0800|"
                    "400000"
                    "0102|"
                    "400200"
                    "03|"
                    "000005"
                    "08004001|" END));
    assert_int_equal(image.format, IMAGE_HEX);
    assert_int_equal(image.count, 1); /* neighbours are joined */
    part_is(0, 0x08004000, "\1\2\3", 3);
    /* out of order, with a hole, crossing 64 KiB */
    assert_true(hex("000004"
                    "0801|"
                    "000000"
                    "05|"
                    "000004"
                    "0800|"
                    "FFFF00"
                    "04|"
                    "000000"
                    "AA|" END));
    assert_int_equal(image.count, 2);
    part_is(0, 0x08000000, "\xAA", 1);
    part_is(1, 0x0800FFFF, "\4\5", 2);
    assert_true(hex("000002"
                    "1234|"
                    "000100"
                    "77|"
                    "000003"
                    "00000000|" END));
    part_is(0, 0x12341, "\x77", 1);
    /* the specification's linear addresses go on over 64 KiB */
    assert_true(hex("000004"
                    "0800|"
                    "FFFF00"
                    "0102|" END));
    part_is(0, 0x0800FFFF, "\1\2", 2);
    assert_true(hex_text("\n  :0100000055AA\n\n:00000001FF\n\n")); /* blank lines and LF only */
    part_is(0, 0, "\x55", 1);
    assert_true(hex_text("\xEF\xBB\xBF:0100000055AA\r\n:00000001ff")); /* byte order mark, no last newline */
}

static void hex_faults(void **state)
{
    (void)state;
    refused(hex_text(":0100000055AB\n:00000001FF\n"), "x.hex:1: checksum");
    refused(hex_text(":0100000055AA\n"), "truncated");
    refused(hex_text(":0100000055AA\n:000000"), "wrong length");
    refused(hex_text(":0200000055A9\n:00000001FF\n"), "says 2 bytes but has 1");
    refused(hex_text(":0100000055AA\n:00000001F"), "x.hex:2: record has a wrong length");
    refused(hex_text(":01000000G5AA\n:00000001FF\n"), "not hexadecimal");
    refused(hex_text(":0100000055AA\nhello\n:00000001FF\n"), "x.hex:2: is not an Intel HEX record");
    refused(hex_text(":00000001FF\n:0100000055AA\n"), "follows the end");
    refused(hex_text(":00000001FF\n"), "no bytes");
    refused(hex("000006|" END), "type 6 is unknown");
    refused(hex("000004"
                "08|" END),
            "type 4 with 1 bytes");
    refused(hex("000000"
                "0102|"
                "000100"
                "02|" END),
            "gives address 0x00000001 twice");
    refused(hex("000002"
                "1000|"
                "FFFF00"
                "0102|" END),
            "64 KiB segment");
    refused(hex("000004"
                "FFFF|"
                "FFFF00"
                "0102|" END),
            "address space");
    refused(parse("x.hex", ":0100000055AA\n:00000001FF\n", 26, 0x08000000), "raw binaries only");
}

/* ---- ELF ------------------------------------------------------------------------------------ */

/* An ELF file as GNU ld makes it for an application at 0x08004000: one segment with the file
 * headers in its front, .text and .data in it, .data with a different virtual address. */
struct elf_file {
    Elf32_Ehdr header;
    Elf32_Phdr segments[3];
    uint8_t text[8];
    uint8_t gap[4];
    uint8_t data[4];
    char names[32];
    Elf32_Shdr sections[5];
};

#define AT(member) ((Elf32_Off)offsetof(struct elf_file, member))
#define NAMES      "\0.text\0.data\0.bss\0.shstrtab"

static struct elf_file good_elf(void)
{
    const Elf32_Addr base = 0x08004000 - AT(text); /* where the headers would go */
    struct elf_file f = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_ARM,
                   .e_version = EV_CURRENT,
                   .e_phoff = AT(segments),
                   .e_shoff = AT(sections),
                   .e_ehsize = sizeof(Elf32_Ehdr),
                   .e_phentsize = sizeof(Elf32_Phdr),
                   .e_phnum = 3,
                   .e_shentsize = sizeof(Elf32_Shdr),
                   .e_shnum = 5,
                   .e_shstrndx = 4},
        .segments = {{.p_type = PT_LOAD,
                      .p_offset = 0,
                      .p_vaddr = base,
                      .p_paddr = base,
                      .p_filesz = AT(gap),
                      .p_memsz = AT(gap)},
                     {.p_type = PT_LOAD,
                      .p_offset = AT(data),
                      .p_vaddr = 0x20000000,
                      .p_paddr = 0x0800400C,
                      .p_filesz = 4,
                      .p_memsz = 4},
                     {.p_type = PT_LOAD, .p_offset = AT(names), .p_vaddr = 0x20000004, .p_memsz = 64}},
        .text = {1, 2, 3, 4, 5, 6, 7, 8},
        .data = {9, 10, 11, 12},
        .names = NAMES,
        .sections = {{0},
                     {.sh_name = 1,
                      .sh_type = SHT_PROGBITS,
                      .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                      .sh_addr = 0x08004000,
                      .sh_offset = AT(text),
                      .sh_size = 8},
                     {.sh_name = 7,
                      .sh_type = SHT_PROGBITS,
                      .sh_flags = SHF_ALLOC | SHF_WRITE,
                      .sh_addr = 0x20000000,
                      .sh_offset = AT(data),
                      .sh_size = 4},
                     {.sh_name = 13,
                      .sh_type = SHT_NOBITS,
                      .sh_flags = SHF_ALLOC | SHF_WRITE,
                      .sh_addr = 0x20000004,
                      .sh_offset = AT(names),
                      .sh_size = 64},
                     {.sh_name = 18, .sh_type = SHT_STRTAB, .sh_offset = AT(names), .sh_size = sizeof NAMES}},
    };
    return f;
}

static bool elf(const struct elf_file *f, size_t size)
{
    return parse("x.elf", f, size, IMAGE_NO_ADDR);
}

static void elf_files(void **state)
{
    (void)state;
    struct elf_file f = good_elf();
    assert_true(elf(&f, sizeof f));
    assert_int_equal(image.format, IMAGE_ELF);
    assert_int_equal(image.count, 2);
    part_is(0, 0x08004000, f.text, 8); /* the file headers in the segment's front are not loaded */
    assert_int_equal(image.headers.addr, 0x08004000 - AT(text));
    assert_int_equal(image.headers.size, AT(text));
    part_is(1, 0x0800400C, f.data, 4); /* by p_paddr, not by p_vaddr */
    f.segments[0].p_offset = AT(text); /* without them, but in a segment of their own */
    f.segments[0].p_paddr = 0x08004000;
    f.segments[0].p_filesz = AT(gap) - AT(text);
    f.segments[2] = (Elf32_Phdr){.p_type = PT_LOAD, .p_paddr = 0x08000000, .p_filesz = AT(text)};
    assert_true(elf(&f, sizeof f));
    assert_int_equal(image.count, 2);
    assert_int_equal(image.headers.addr, 0x08000000);
    assert_int_equal(image.headers.size, AT(text));
    f.segments[2].p_filesz = 0;
    assert_true(elf(&f, sizeof f));
    assert_int_equal(image.headers.size, 0);
    f = good_elf();
    f.header.e_shnum = 0; /* stripped of sections: whole segments */
    f.header.e_shoff = 0;
    assert_true(elf(&f, sizeof f));
    part_is(0, 0x08004000 - AT(text), &f, AT(gap));
    /* As armlink makes it: one segment, with p_vaddr = p_paddr also for what is copied to RAM, and a p_memsz
     * that counts what is in RAM only. */
    f = good_elf();
    f.segments[0].p_offset = AT(text);
    f.segments[0].p_vaddr = f.segments[0].p_paddr = 0x08004000;
    f.segments[0].p_filesz = AT(names) - AT(text);
    f.segments[0].p_memsz = f.segments[0].p_filesz + 64;
    f.header.e_phnum = 1;
    assert_true(elf(&f, sizeof f));
    assert_int_equal(image.count, 1);
    part_is(0, 0x08004000, f.text, AT(names) - AT(text));
    assert_int_equal(image.headers.size, 0);
}

static void elf_faults(void **state)
{
    (void)state;
    struct elf_file f = good_elf();
    f.header.e_machine = EM_X86_64;
    refused(elf(&f, sizeof f), "another processor");
    f = good_elf();
    f.header.e_ident[EI_DATA] = ELFDATA2MSB;
    refused(elf(&f, sizeof f), "x.elf");
    f = good_elf();
    f.header.e_ident[EI_CLASS] = ELFCLASS64;
    refused(elf(&f, sizeof f), "x.elf");
    f = good_elf();
    f.header.e_type = ET_REL;
    refused(elf(&f, sizeof f), "not linked");
    f = good_elf();
    f.segments[1].p_paddr = 0x08004004;
    refused(elf(&f, sizeof f), "gives address 0x08004004 twice");
    f = good_elf();
    f.segments[1].p_offset = sizeof f - 2;
    refused(elf(&f, sizeof f), "outside the file");
    f = good_elf();
    f.segments[1].p_paddr = 0xFFFFFFFE;
    refused(elf(&f, sizeof f), "address space");
    f = good_elf();
    f.header.e_phnum = 0;
    refused(elf(&f, sizeof f), "no bytes");
    f = good_elf();
    refused(parse("x.elf", &f, sizeof f, 0x08000000), "raw binaries only");
    for (size_t size = 4; size < AT(data); size += 3) /* truncated anywhere: refused or without headers */
        if (elf(&f, size))
            fail_msg("accepted when truncated to %zu bytes", size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(raw_binaries, teardown), cmocka_unit_test_teardown(files, teardown),
        cmocka_unit_test_teardown(hex_files, teardown),    cmocka_unit_test_teardown(hex_faults, teardown),
        cmocka_unit_test_teardown(elf_files, teardown),    cmocka_unit_test_teardown(elf_faults, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
