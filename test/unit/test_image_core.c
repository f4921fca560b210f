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

/* A length that does not fit is believed nothing of. */
static void cut_short(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof m33 - 1; n++)
        assert_string_equal(core(m33, n), "");
    for (size_t n = 0; n < sizeof words - 1; n++)
        assert_string_equal(core(words, n), "");
}

/* Attributes alone. */
static const char *attributes(const char *bytes, size_t size)
{
    char section[64] = "A\0\0\0\0aeabi\0\1\0\0\0";
    memcpy(section + 16, bytes, size);
    section[1] = (char)(15 + size);
    section[12] = (char)(5 + size);
    return core(section, 16 + size);
}
#define ATTRIBUTES(bytes) attributes(bytes, sizeof(bytes) - 1)

static void words_and_numbers(void **state)
{
    (void)state;
    assert_string_equal(ATTRIBUTES("\6\x0E"), "ARM v8");
    assert_string_equal(ATTRIBUTES("\4x\6\x0E\0"), "");                /* CPU_raw_name: words */
    assert_string_equal(ATTRIBUTES("\x20\0\6\x0E\0"), "");             /* a number, then words */
    assert_string_equal(ATTRIBUTES("\7A\5no end"), "ARM v7, not M");   /* no name */
    assert_string_equal(ATTRIBUTES("\6\x80\x80\x80\x80\1"), "ARM v8"); /* 2 to the 28th */
    assert_string_equal(ATTRIBUTES("\6\x80\x80\x80\x80\x80\2"), "");   /* more than 32 bits */
    assert_string_equal(ATTRIBUTES("\5\x1F\x7F~ \0\7R"), "ARM ??~ ");  /* not for a terminal */
    assert_string_equal(ATTRIBUTES("\5"
                                   "123456789012345678901234567890\0\7A"), /* room for 31 */
                        "ARM 123456789012345678901234567");
}

/* `section` with attributes only up to n bytes of it, and lengths that say so. */
static const char *shorter(const char *section, size_t n)
{
    enum { VENDOR = 1, FILE_SCOPE = 12 }; /* where its two lengths are */
    char bytes[64];
    memcpy(bytes, section, n);
    bytes[VENDOR] = (char)(n - 1);
    bytes[FILE_SCOPE] = (char)(n - 11);
    return core(bytes, n);
}

/* Attributes that came count, and those behind them are as if they had never been said. */
static void fewer_attributes(void **state)
{
    (void)state;
    enum { FIRST = 16 };
    for (size_t n = FIRST; n < sizeof m33; n++) /* CPU_arch, a byte each, behind the name */
        assert_string_equal(shorter(m33, n), n < FIRST + 1 + 9 + 2 ? "" : "ARM 8-M.MAIN");
    for (size_t n = FIRST; n < sizeof m7; n++) /* the last of the three: HardFP_use says nothing */
        assert_string_equal(shorter(m7, n), n < FIRST + 6 ? "" : "a floating-point unit FPv5");
    for (size_t n = FIRST; n < sizeof words; n++)
        assert_string_equal(shorter(words, n), n < sizeof words - 1 ? "" : "ARM v7, not M");
    for (size_t n = FIRST; n < sizeof m4; n++)
        assert_string_equal(shorter(m4, n), "");
}

/* Any byte of `words` wrong: what is left then means what it says. */
static void damaged(void **state)
{
    (void)state;
    static const char right[] = "ARM v7, not M";
    enum { FRAME = 16, EVERY = 256 }; /* bytes of the frame: none of them may be another */
    static const struct {
        unsigned first, last; /* bytes of `words` */
        unsigned from, below; /* values, of which ... */
        unsigned step;        /* ... each, or every second */
        const char *gives;    /* the last row that fits */
    } rows[] = {
        {FRAME, 26, 0, EVERY, 1, right},     /* what nobody here knows may be anything, but: */
        {FRAME, FRAME, 5, 6, 1, "ARM ?gnu"}, /* CPU_name, with the byte 1 */
        {FRAME, FRAME, 0x80, EVERY, 2,
         ""},                  /* a number of two bytes: the words are others, and end elsewhere */
        {18, 18, 0, 1, 1, ""}, /* words that end sooner put the rest out of step ... */
        {20, 20, 0, 1, 1, ""},
        {22, 22, 5, 6, 1, "ARM 2.09"},
        {22, 22, 6, 7, 1, "ARM v8"}, /* CPU_arch '2' */
        {22, 22, 0x80, EVERY, 2, ""},
        {24, 24, 0, 1, 1, ""},
        {26, 26, 0, 1, 1, ""},     /* ... and so these do, but not where a tag and its number fit between */
        {27, 27, 0, EVERY, 1, ""}, /* words that do not end take all */
        {27, 27, 0, 1, 1, right},
        {28, 28, 0, EVERY, 1, ""}, /* 128, a tag of two bytes */
        {28, 28, 0x80, EVERY, 2, right},
        {29, 30, 0, 0x80, 1, right}, /* its second byte and its value, unless they go on */
        {29, 30, 0x80, EVERY, 1, ""},
        {31, 31, 0, EVERY, 1, ""},   /* the one that counts */
        {31, 31, 6, 7, 1, "ARM v8"}, /* CPU_arch 'A' */
        {31, 31, 7, 8, 1, right},
        {31, 31, 10, 11, 1, "a floating-point unit FPv5"}, /* FP_arch 'A' */
        {32, 32, 0, EVERY, 1, ""},
        {32, 32, 'A', 'A' + 1, 1, right},
        {32, 32, 'R', 'R' + 1, 1, right},
        {32, 32, 0x80 | 'A', (0x80 | 'A') + 1, 1, right}, /* going on behind the end */
        {32, 32, 0x80 | 'R', (0x80 | 'R') + 1, 1, right},
    };
    for (unsigned i = 0; i < sizeof words - 1; i++)
        for (unsigned value = 0; value < 256; value++) {
            char bytes[sizeof words];
            memcpy(bytes, words, sizeof words);
            bytes[i] = (char)value;
            const char *want = bytes[i] == words[i] ? right : "";
            for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
                if (i >= rows[k].first && i <= rows[k].last && value >= rows[k].from &&
                    value < rows[k].below && (value - rows[k].from) % rows[k].step == 0)
                    want = rows[k].gives;
            if (strcmp(core(bytes, sizeof words - 1), want) != 0)
                fail_msg("byte %u is 0x%02x: '%s', not '%s'", i, value, core(bytes, sizeof words - 1), want);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cores), cmocka_unit_test(cut_short),
                                       cmocka_unit_test(words_and_numbers),
                                       cmocka_unit_test(fewer_attributes), cmocka_unit_test(damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
