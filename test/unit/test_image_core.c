/* For which core an ELF file was built, by the content of its section .ARM.attributes. */
#include "cmocka_first.h"

#include "board/image.h"
#include <string.h>

/* Whole sections: 'A', length, "aeabi", tag 1, length, attributes. */
static const char m4[] = "A\x1D\0\0\0aeabi\0\1\x13\0\0\0\5" /* CPU_name, arch, profile, FP_arch, HardFP_use */
                         "7E-M\0\6\x0D\7M\x0A\6\x1B\1";
static const char m33[] = "A\x1D\0\0\0aeabi\0\1\x13\0\0\0\5"
                          "8-M.MAIN\0\6\x11\7M";
static const char m7[] = "A\x16\0\0\0aeabi\0\1\x0C\0\0\0\6\x0D\7M\x0A\x08\0";
static const char v8[] = "A\x13\0\0\0aeabi\0\1\x09\0\0\0\6\x0E\7A";
static const char a7[] = "A\x13\0\0\0aeabi\0\1\x09\0\0\0\6\x0A\7A";
/* A compiler's own part before, words whose meaning nobody here knows, and a number of two bytes. */
static const char more[] = "A\x0A\0\0\0gnu\0x\0A\x10\0\0\0aeabi\0\2\5\0\0\0";
static const char words[] = "A\x20\0\0\0aeabi\0\1\x16\0\0\0\x20\1gnu\0C2.09\0\x80\1\7\7A";

static const char *core(const char *section, size_t size)
{
    static struct image image;
    memset(&image, 0, sizeof image);
    image_other_core(&image, (const uint8_t *)section, size);
    return image.other_core;
}
#define CORE(section) core(section, sizeof(section) - 1)

static void cores(void **state)
{
    (void)state;
    assert_string_equal(CORE(m4), "");
    assert_string_equal(CORE(m33), "ARM 8-M.MAIN");
    assert_string_equal(CORE(m7), "a floating-point unit FPv5");
    assert_string_equal(CORE(v8), "ARM v8"); /* it says no name */
    assert_string_equal(CORE(a7), "ARM v7, not M");
    assert_string_equal(CORE(more), "");
    assert_string_equal(CORE(words), "ARM v7, not M");
    assert_string_equal(core("", 0), "");
    assert_string_equal(core("B", 1), "");
}

/* Cut short anywhere, and with any byte wrong: it says something or nothing. */
static void damaged(void **state)
{
    (void)state;
    char bytes[sizeof words];
    for (size_t n = 0; n < sizeof m33 - 1; n++)
        assert_string_equal(core(m33, n), ""); /* a length that does not fit is believed nothing of */
    for (size_t i = 0; i < sizeof words - 1; i++)
        for (unsigned value = 0; value < 256; value++) {
            memcpy(bytes, words, sizeof words);
            bytes[i] = (char)value;
            assert_true(strlen(core(bytes, sizeof words - 1)) < 32);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cores), cmocka_unit_test(damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
