/* Firmware files, good and bad: every format is built here byte by byte, so that each fault can be
 * put in by itself. */
#include "board/image.h"
#include "board/parse.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct image image;
static struct sentence why;

static int teardown(void **state)
{
    (void)state;
    image_free(&image);
    why = (struct sentence){{0}};
    return 0;
}

static bool parse(const char *name, const void *bytes, size_t size, uint32_t addr)
{
    image_free(&image);
    return image_parse(&image, name, bytes, size, addr, &why);
}

static void part_is(size_t i, uint32_t addr, const void *bytes, uint32_t size)
{
    assert_true(i < image.count);
    assert_int_equal(image.parts[i].addr, addr);
    assert_int_equal(image.parts[i].size, size);
    assert_memory_equal(image.parts[i].bytes, bytes, size);
}

/* Refused with a sentence that names the file and holds `words`; nothing is left in the image. */
static void refused(bool accepted, const char *words)
{
    assert_false(accepted);
    assert_int_equal(image.count, 0);
    if (strstr(why.text, "x.") == NULL || strstr(why.text, words) == NULL)
        fail_msg("'%s' lacks '%s'", why.text, words);
    assert_null(strchr(why.text, '\n'));
}

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
    refused(parse("x.srec", "S00600004844521B\n", 17, IMAGE_NO_ADDR), "not a format");
}

static void files(void **state)
{
    (void)state;
    char dir[] = "/tmp/test_loaders.XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    assert_true(snprintf(path, sizeof path, "%s/x.bin", dir) > 0);
    refused(image_read(&image, path, IMAGE_NO_ADDR, &why), "No such file");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite("hello", 1, 5, f), 5);
    assert_int_equal(fclose(f), 0);
    assert_true(image_read(&image, path, 0x08001000, &why));
    part_is(0, 0x08001000, "hello", 5);
    image_free(&image);
    assert_int_equal(truncate(path, (off_t)IMAGE_MAX_FILE + 1), 0);
    refused(image_read(&image, path, IMAGE_NO_ADDR, &why), "larger than");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
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
    part_is(1, 0x0800400C, f.data, 4); /* by p_paddr, not by p_vaddr */
    f.header.e_shnum = 0;              /* stripped of sections: whole segments */
    f.header.e_shoff = 0;
    assert_true(elf(&f, sizeof f));
    part_is(0, 0x08004000 - AT(text), &f, AT(gap));
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

/* ---- DFU ------------------------------------------------------------------------------------ */

static uint8_t dfu[4096];
static size_t dfu_size;

static void put(const void *bytes, size_t size)
{
    assert_true(dfu_size + size <= sizeof dfu);
    memcpy(dfu + dfu_size, bytes, size);
    dfu_size += size;
}

static void put32(uint32_t v)
{
    put((uint8_t[]){(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)}, 4);
}

static void set32(size_t at, uint32_t v)
{
    size_t end = dfu_size;
    dfu_size = at;
    put32(v);
    dfu_size = end;
}

/* CRC by table of nibbles: shares nothing with the loader's. */
static uint32_t crc(const uint8_t *p, size_t size)
{
    static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                       0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                       0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    uint32_t c = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        c = c >> 4 ^ table[(c ^ p[i]) & 15];
        c = c >> 4 ^ table[(c ^ p[i] >> 4) & 15];
    }
    return c;
}

static void suffix(uint16_t bcd)
{
    put((uint8_t[]){0, 0x22, 0x11, 0xDF, 0x83, 0x04, (uint8_t)bcd, (uint8_t)(bcd >> 8), 'U', 'F', 'D', 16},
        12);
    put32(crc(dfu, dfu_size));
}

static void target_begin(uint8_t alternate, uint32_t size, uint32_t elements)
{
    uint8_t head[266] = "Target";
    head[6] = alternate;
    put(head, sizeof head);
    put32(size);
    put32(elements);
}

static void element(uint32_t addr, const char *bytes)
{
    put32(addr);
    put32((uint32_t)strlen(bytes));
    put(bytes, strlen(bytes));
}

/* Two elements for alternate setting 0, one for 1. `bcd` 0: no suffix yet. */
static void dfuse(uint16_t bcd)
{
    dfu_size = 0;
    put("DfuSe\1\0\0\0\0\2", 11);
    target_begin(0, 8 + 4 + 8 + 2, 2);
    element(0x08004000, "abcd");
    element(0x08008000, "ef");
    target_begin(1, 8 + 1, 1);
    element(0x1FFF7800, "z");
    set32(6, (uint32_t)dfu_size);
    if (bcd != 0)
        suffix(bcd);
}

static bool dfu_parse(uint32_t addr)
{
    return parse("x.dfu", dfu, dfu_size, addr);
}

static void dfu_files(void **state)
{
    (void)state;
    dfuse(0x011A);
    assert_true(dfu_parse(IMAGE_NO_ADDR));
    assert_int_equal(image.format, IMAGE_DFUSE);
    assert_int_equal(image.count, 2); /* alternate setting 1 is left out */
    part_is(0, 0x08004000, "abcd", 4);
    part_is(1, 0x08008000, "ef", 2);
    dfu_size = 0;
    put("binary", 6);
    suffix(0x0100);
    assert_true(dfu_parse(0x08004000));
    assert_int_equal(image.format, IMAGE_DFU11);
    part_is(0, 0x08004000, "binary", 6);
}

static void dfu_faults(void **state)
{
    (void)state;
    dfuse(0x011A);
    refused(dfu_parse(0x08004000), "raw binaries only");
    for (size_t i = 0; i < dfu_size; i++) { /* any single damaged byte is noticed */
        dfu[i] ^= 0x10;
        if (i >= 5)
            refused(dfu_parse(IMAGE_NO_ADDR), "x.dfu");
        dfu[i] ^= 0x10;
    }
    size_t whole = dfu_size;
    for (dfu_size = 5; dfu_size < whole; dfu_size++)
        refused(dfu_parse(IMAGE_NO_ADDR), "truncated");
    dfuse(0x0100);
    refused(dfu_parse(IMAGE_NO_ADDR), "suffix says DFU 1.00");

    static const struct {
        size_t at;
        uint32_t value;
        const char *words;
    } faults[] = {
        {6, 5, "prefix says 5 bytes"},
        {11 + 266, 4000, "target is larger than the file"},
        {11 + 266, 21, "larger than its target"},
        {11 + 270, 3, "fewer elements"},
        {11 + 270, 1, "larger than its elements"},
        {11 + 274 + 4, 0xFFFFFFFF, "larger than its target"},
        {11 + 274, 0xFFFFFFFE, "address space"},
        {11 + 274 + 12, 0x08004002, "0x08004002 twice"},
        {11, 0x20202020, "target at byte 11 is damaged"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        dfuse(0);
        set32(faults[i].at, faults[i].value);
        suffix(0x011A);
        refused(dfu_parse(IMAGE_NO_ADDR), faults[i].words);
    }
    dfuse(0);
    dfu[5] = 2;
    suffix(0x011A);
    refused(dfu_parse(IMAGE_NO_ADDR), "version 2");
    dfuse(0);
    dfu[10] = 1; /* one target fewer than there are */
    suffix(0x011A);
    refused(dfu_parse(IMAGE_NO_ADDR), "larger than its targets");
    dfuse(0);
    dfu[11 + 6] = 3;
    suffix(0x011A);
    refused(dfu_parse(IMAGE_NO_ADDR), "alternate setting 0");
    dfu_size = 0;
    suffix(0x0100);
    refused(dfu_parse(IMAGE_NO_ADDR), "no bytes");
    dfu_size = 0;
    put("binary", 6);
    suffix(0x0100);
    dfu[0] ^= 1;
    refused(dfu_parse(IMAGE_NO_ADDR), "CRC");
}

/* ---- numbers -------------------------------------------------------------------------------- */

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0}, {"010", 10}, {"0x10", 16}, {"0Xff", 255}, {"4294967295", UINT32_MAX}};
    static const char *const bad[] = {"",   "0x", "-1",   "+1",         " 1",
                                      "1 ", "1x", "0x1g", "4294967296", "99999999999999999999"};
    uint64_t v;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(parse_number(good[i].text, UINT32_MAX, &v));
        assert_int_equal(v, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(parse_number(bad[i], UINT32_MAX, &v));
}

static void seconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"0", 0},          {"2", 2000000000},  {"0.25", 250000000},
                {".5", 500000000}, {"1.", 1000000000}, {"0.000000001", 1}};
    static const char *const bad[] = {"", ".", "-1", "1s", "1e3", "0.0000000001", "99999999999", "1 "};
    uint64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(parse_seconds(good[i].text, &ns));
        assert_int_equal(ns, good[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(parse_seconds(bad[i], &ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(raw_binaries, teardown),
        cmocka_unit_test_teardown(files, teardown),
        cmocka_unit_test_teardown(hex_files, teardown),
        cmocka_unit_test_teardown(hex_faults, teardown),
        cmocka_unit_test_teardown(elf_files, teardown),
        cmocka_unit_test_teardown(elf_faults, teardown),
        cmocka_unit_test_teardown(dfu_files, teardown),
        cmocka_unit_test_teardown(dfu_faults, teardown),
        cmocka_unit_test(numbers),
        cmocka_unit_test(seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
