/* sureboot inspect: every finding, from an image made for it. */
#include "cmocka_first.h"

#include "boot/core/config.h"
#include "examine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1024 };
static uint8_t bytes[SLOT_SIZE + 8];
static struct image_part parts[3];
static struct image image;
static struct findings f;

static void put(uint32_t at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[at + i] = (uint8_t)(value >> (8 * i));
}

/* An image that runs: vectors, and code that is nothing but NOP. */
static int setup(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < SIZE; at += 4)
        put(at, 0xBF00BF00);
    put(0, 0x20010000);
    for (uint32_t v = 1; v < 99; v++)
        put(4 * v, (v >= 7 && v <= 10) || v == 13 ? 0 : SLOT_ADDR + 0x200 + 1);
    parts[0] = (struct image_part){SLOT_ADDR, SIZE, bytes};
    image = (struct image){.parts = parts, .count = 1};
    return 0;
}

static const struct finding *find(enum finding_code code)
{
    for (unsigned i = 0; i < f.count; i++)
        if (f.list[i].code == code)
            return &f.list[i];
    return NULL;
}

/* Looks, and wants this finding, and that it does or does not keep the image from running. */
static void finds(enum finding_code code, enum severity severity)
{
    examine(&f, &image);
    const struct finding *found = find(code);
    if (!found) {
        fail_msg("%s not found", finding_name(code));
        return;
    }
    assert_int_equal(found->severity, severity);
    assert_int_equal(will_run(&f), severity != ERROR);
    assert_true(strlen(finding_sentence(code)) > 20);
}

static void good(void **state)
{
    (void)state;
    examine(&f, &image);
    assert_int_equal(f.count, 0);
    assert_true(will_run(&f));
    assert_int_equal(f.stack, 0x20010000);
    assert_int_equal(f.reset, SLOT_ADDR + 0x201);
    assert_int_equal(f.bytes, SIZE);
    assert_int_equal(f.last, SLOT_ADDR + SIZE - 1);
}

static void places(void **state)
{
    (void)state;
    parts[0].addr = FLASH_ADDR;
    finds(FINDING_NOT_HERE, ERROR);
    parts[0].addr = SLOT_ADDR + 0x400;
    finds(FINDING_NO_VECTORS, ERROR);
    parts[0].addr = SLOT_ADDR + 0x100; /* with its reset handler in it */
    finds(FINDING_NOT_HERE, ERROR);
    put(0, 0xBF00BF00);
    finds(FINDING_NO_VECTORS, ERROR);
    put(0, 0x20010000);
    parts[0].addr = LEDGER_ADDR;
    finds(FINDING_ADDRESS, ERROR);
    parts[0].addr = 0xFFFFFC00;
    finds(FINDING_ADDRESS, ERROR);
    parts[0] = (struct image_part){SLOT_ADDR, SLOT_SIZE + 1, bytes};
    finds(FINDING_TOO_LARGE, ERROR);
    parts[0].size = SLOT_SIZE;
    examine(&f, &image);
    assert_true(will_run(&f));
    setup(NULL);
    parts[1] = (struct image_part){0x20000000, 8, bytes};
    image.count = 2;
    finds(FINDING_IN_RAM, ERROR);
    parts[0].addr = 0x10000000; /* all of it */
    finds(FINDING_NOT_HERE, ERROR);
    assert_null(find(FINDING_IN_RAM));
    assert_string_equal(find(FINDING_NOT_HERE)->detail, "it begins at 0x10000000");
    parts[0].addr = SLOT_ADDR;
    parts[1].addr = SLOT_ADDR + SIZE + 16;
    finds(FINDING_GAP, NOTE);
    assert_string_equal(find(FINDING_GAP)->detail, "16 bytes before 0x08004410");
}

static void vectors(void **state)
{
    (void)state;
    put(0, 0x20010004);
    finds(FINDING_BAD_STACK, ERROR);
    put(0, 0x20010000);
    put(4, 0x08000201);
    finds(FINDING_NOT_HERE, ERROR);
    assert_string_equal(find(FINDING_NOT_HERE)->detail, "stack pointer 0x20010000, reset vector 0x08000201");
    put(4, SLOT_ADDR + 0x201);
    put(4 * 7, 0x08000001);  /* reserved: it may be anything */
    put(4 * 11, 0x08000301); /* another one, which is named */
    finds(FINDING_NOT_HERE, ERROR);
    assert_string_equal(find(FINDING_NOT_HERE)->detail, "vector 11 is 0x08000301");
    put(4, SLOT_ADDR + 0x200);
    finds(FINDING_NOT_HERE, ERROR);
    assert_string_equal(find(FINDING_NOT_HERE)->detail, "stack pointer 0x20010000, reset vector 0x08004200");
    put(4 * 11, SLOT_ADDR + 0x201);
    put(4, SLOT_ADDR + SIZE + 1);
    finds(FINDING_CUT_SHORT, ERROR);
    assert_string_equal(find(FINDING_CUT_SHORT)->detail, "the reset handler is at 0x08004400");
    parts[0].size--;
    put(4, SLOT_ADDR + SIZE - 1); /* half an instruction */
    finds(FINDING_CUT_SHORT, ERROR);
    setup(NULL);
    put(4 * 3, SLOT_ADDR + 0x200); /* no Thumb bit */
    finds(FINDING_VECTOR, ERROR);
    put(4 * 3, SLOT_ADDR + SIZE + 0x101);
    finds(FINDING_VECTOR, ERROR);
    put(4 * 3, 0x20000101); /* a handler in SRAM */
    examine(&f, &image);
    assert_true(will_run(&f));
    put(4 * 16, 0x12345678); /* the table may be short */
    examine(&f, &image);
    assert_true(will_run(&f));
    for (unsigned v = 2; v < 16; v++)
        put(4 * v,
            v == 6 ? 0x20000100 : 0xF64C4802); /* or its end that of the reset vector: code and constants */
    examine(&f, &image);
    assert_true(will_run(&f));
    put(4 * 15, SLOT_ADDR + 0x201);
    finds(FINDING_VECTOR, ERROR);
    memset(bytes, 0xFF, 8);
    finds(FINDING_BLANK_FILE, ERROR);
    setup(NULL);
    for (parts[0].size = 1; parts[0].size < 8; parts[0].size++)
        finds(FINDING_CUT_SHORT, ERROR);
}

/* Each of them is looked at, but for those that are reserved, and as far as the file goes. */
static void each_vector(void **state)
{
    (void)state;
    char detail[40];
    for (unsigned v = 2; v < 17; v++) {
        setup(NULL);
        put(4 * v, 0x08000000); /* no Thumb bit, and not here either */
        examine(&f, &image);
        if ((v >= 7 && v <= 10) || v == 13 || v == 16) {
            assert_int_equal(f.count, 0);
            continue;
        }
        (void)snprintf(detail, sizeof detail, "vector %u is 0x08000000", v);
        finds(FINDING_NOT_HERE, ERROR);
        assert_string_equal(find(FINDING_NOT_HERE)->detail, detail);
        put(4 * v, 0x12345678);
        (void)snprintf(detail, sizeof detail, "vector %u is 0x12345678", v);
        finds(FINDING_VECTOR, ERROR);
        assert_string_equal(find(FINDING_VECTOR)->detail, detail);
        put(4, SLOT_ADDR + 9); /* what lies behind the end of a short file is no vector */
        parts[0].size = 4 * v;
        examine(&f, &image);
        assert_null(find(FINDING_VECTOR));
        if (v == 2)
            continue; /* no other one would be right */
        parts[0].size = 4 * v + 4;
        put(4 * 2, 0);
        finds(FINDING_VECTOR, ERROR);
    }
}

/* What the bootloader will see: from the slot's start to the last byte, ones in between. */
static void slot_with_a_gap(void **state)
{
    (void)state;
    uint32_t size = 0;
    parts[1] = (struct image_part){SLOT_ADDR + SIZE + 16, 8, bytes};
    image.count = 2;
    uint8_t *slot = image_slot(&image, &size);
    assert_non_null(slot);
    assert_int_equal(size, SIZE + 24);
    assert_memory_equal(slot, bytes, SIZE);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(slot[SIZE + i], 0xFF);
    assert_memory_equal(slot + SIZE + 16, bytes, 8);
    free(slot);
    parts[1].addr = SLOT_ADDR + SLOT_SIZE - 7;
    assert_null(image_slot(&image, &size));
}

/* A literal that points to function n of an image that is linked at `base`; the functions are 0x100 apart. */
static void function(uint32_t base, unsigned n, uint32_t begins_with)
{
    const uint32_t function = 0x4400 + 0x100 * n;
    put(0x4200 + 4 * n, base + function + 1);
    put(function, begins_with);
}

/* A raw binary for another address, so large that its vectors lie in the slot all the same. */
static void linked_elsewhere(void **state)
{
    (void)state;
    static const uint32_t beginnings[] = {0xBF00B580, 0x41F0E92D, 0xBF00E7FE, 0xBF004770};
    for (uint32_t at = SIZE; at < 0x8000; at += 4)
        put(at, 0xBF00BF00);
    parts[0].size = 0x8000;
    for (unsigned n = 0; n < 7; n++)
        function(FLASH_ADDR, n, beginnings[n % 4]);
    put(0x4300, FLASH_ADDR + 0x4401); /* the first one again */
    put(0x4304, FLASH_ADDR + 0x4400); /* data that looks like code */
    examine(&f, &image);
    assert_int_equal(f.count, 0);
    function(FLASH_ADDR, 7, 0xBF00B5F0);
    finds(FINDING_NOT_HERE, ERROR);
    assert_string_equal(find(FINDING_NOT_HERE)->detail,
                        "by the addresses in it, it was linked at 0x08000000");
    image.format = IMAGE_ELF; /* which knows */
    examine(&f, &image);
    assert_int_equal(f.count, 0);
    image.format = IMAGE_RAW;
    function(SLOT_ADDR, 8, 0xBF00B580); /* one by chance */
    finds(FINDING_NOT_HERE, ERROR);
    function(SLOT_ADDR, 9, 0xBF00B580); /* two are a quarter: here are those of another program, as data */
    examine(&f, &image);
    assert_int_equal(f.count, 0);
    for (unsigned n = 0; n < 10; n++)
        function(SLOT_ADDR + SLOT_SIZE - PAGE_SIZE - 0x4000, n, 0xBF00B580);
    finds(FINDING_NOT_HERE, ERROR);
    assert_string_equal(find(FINDING_NOT_HERE)->detail,
                        "by the addresses in it, it was linked at 0x0803A800");
    for (unsigned n = 0; n < 68; n++) { /* words of a list: 10 are no more than an eighth of 80 */
        finds(FINDING_NOT_HERE, ERROR);
        put(0x5000 + 4 * n, SLOT_ADDR + 0x7001 + 2 * n);
    }
    examine(&f, &image);
    assert_int_equal(f.count, 0);
}

static void another_core(void **state)
{
    (void)state;
    (void)snprintf(image.other_core, sizeof image.other_core, "ARM 8-M.MAIN");
    finds(FINDING_OTHER_CORE, WARNING);
    assert_string_equal(find(FINDING_OTHER_CORE)->detail, "for ARM 8-M.MAIN");
}

static void headers(void **state)
{
    (void)state;
    image.headers.addr = FLASH_ADDR;
    image.headers.size = 0x174;
    finds(FINDING_HEADERS, NOTE);
    assert_string_equal(find(FINDING_HEADERS)->detail, "372 bytes at 0x08000000");
    image.headers.addr = SLOT_ADDR; /* in the slot they do no harm */
    examine(&f, &image);
    assert_int_equal(f.count, 0);
}

/* ldr r3, =0xE000ED00; ldr r2, =value; str r2, [r3, #8] */
static void set_vtor(uint32_t at, uint32_t to)
{
    put(at, 0x4A024B01);
    put(at + 4, 0x4770609A);
    put(at + 8, 0xE000ED00);
    put(at + 12, to);
}

static void vtor(void **state)
{
    (void)state;
    set_vtor(0x200, FLASH_ADDR);
    finds(FINDING_VTOR_BACK, NOTE);
    assert_string_equal(find(FINDING_VTOR_BACK)->detail, "at 0x08004204");
    set_vtor(0x280, SLOT_ADDR); /* and puts it right */
    examine(&f, &image);
    assert_null(find(FINDING_VTOR_BACK));
    setup(NULL);
    set_vtor(0x200, 0x08008000);
    finds(FINDING_VTOR_ELSEWHERE, WARNING);
}

static void information(void **state)
{
    (void)state;
    const uint32_t at = SLOT_ADDR + 0x300;
    struct image_info info = {.magic = IMAGE_INFO_MAGIC,
                              .size = sizeof info,
                              .version = 0x01020003,
                              .board = BOARD_ID,
                              .name = "test"};
    put(4 * IMAGE_INFO_VECTOR, at);
    memcpy(bytes + 0x300, &info, sizeof info);
    finds(FINDING_NOT_PACKED, NOTE);
    info.flags = IMAGE_WANTS_CONFIRM;
    memcpy(bytes + 0x300, &info, sizeof info);
    finds(FINDING_CANNOT_CONFIRM, WARNING);
    info.flags = IMAGE_WANTS_CONFIRM | IMAGE_HAS_MAILBOX;
    memcpy(bytes + 0x300, &info, sizeof info);
    examine(&f, &image);
    assert_null(find(FINDING_CANNOT_CONFIRM));
    info.flags = 0;
    memcpy(bytes + 0x300, &info, sizeof info);
    info.length = SIZE;
    memcpy(bytes + 0x300, &info, sizeof info);
    finds(FINDING_DAMAGED, ERROR);
    assert_string_equal(find(FINDING_DAMAGED)->detail, "1024 bytes, CRC 0x00000000; the file has 1024 bytes");
    info.crc = image_crc(bytes, SIZE, at);
    memcpy(bytes + 0x300, &info, sizeof info);
    examine(&f, &image);
    assert_int_equal(f.count, 0);
    assert_true(f.has_info && f.packed && f.crc_right);
    bytes[SIZE - 1] ^= 1;
    finds(FINDING_DAMAGED, ERROR);
    bytes[SIZE - 1] ^= 1;
    info.board = BOARD_ID + 1;
    memcpy(bytes + 0x300, &info, sizeof info);
    finds(FINDING_WRONG_BOARD, ERROR);
    put(4 * IMAGE_INFO_VECTOR, SLOT_ADDR + SIZE - 4); /* beyond the end */
    examine(&f, &image);
    assert_false(f.has_info);
}

/* What is found can be mended: every error names a file and a change, but for those that speak of the
 * file itself. */
static void cures(void **state)
{
    (void)state;
    static const enum finding_code without[] = {FINDING_VECTOR, FINDING_BLANK_FILE};
    static const enum finding_code found[] = {
        FINDING_NOT_HERE,   FINDING_NO_VECTORS,     FINDING_ADDRESS,   FINDING_TOO_LARGE,   FINDING_IN_RAM,
        FINDING_BAD_STACK,  FINDING_VTOR_ELSEWHERE, FINDING_VTOR_BACK, FINDING_WRONG_BOARD, FINDING_DAMAGED,
        FINDING_NOT_PACKED, FINDING_HEADERS,        FINDING_CUT_SHORT, FINDING_NOT_DONE,    FINDING_LEDGER};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        const struct cure *cure = finding_cure(found[i], 0);
        assert_non_null(cure);
        assert_true(cure->file[0] && cure->change[0]);
    }
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        assert_null(finding_cure(without[i], 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good, setup),         cmocka_unit_test_setup(places, setup),
        cmocka_unit_test_setup(vectors, setup),      cmocka_unit_test_setup(linked_elsewhere, setup),
        cmocka_unit_test_setup(vtor, setup),         cmocka_unit_test_setup(information, setup),
        cmocka_unit_test_setup(headers, setup),      cmocka_unit_test(cures),
        cmocka_unit_test_setup(each_vector, setup),  cmocka_unit_test_setup(slot_with_a_gap, setup),
        cmocka_unit_test_setup(another_core, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
