/* DFU files, good and bad: built here byte by byte, so that each fault can be put in by itself. */
#include "load_bench.h"

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
    dfuse(0); /* as dfuse-pack counts: the suffix, too */
    set32(6, (uint32_t)dfu_size + 16);
    suffix(0x011A);
    assert_true(dfu_parse(IMAGE_NO_ADDR));
    assert_int_equal(image.count, 2);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(dfu_files, teardown),
        cmocka_unit_test_teardown(dfu_faults, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
