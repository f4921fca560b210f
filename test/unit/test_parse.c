/* Numbers and times as users type them. */
#include "board/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

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
    } good[] = {{"0", 0},
                {"2", 2000000000},
                {"0.25", 250000000},
                {".5", 500000000},
                {"1.", 1000000000},
                {"0.000000001", 1},
                {"0.30000000000000004", 300000000},
                {"1e-05", 10000},
                {"2.5E+1", 25000000000},
                {"18e6", 18000000000000000},
                {"0.0000000001", 0},
                {"1e-9999999999", 0},
                {"0e99", 0},
                {"0.1234567890123456789012345", 123456789},
                {"000000000000000000000000000001.5", 1500000000},
                {"17999999.999999999", 17999999999999999}};
    static const char *const bad[] = {"",
                                      ".",
                                      "-1",
                                      "1s",
                                      "1e",
                                      "1e+",
                                      "e1",
                                      "1e3.5",
                                      "1e1 ",
                                      "99999999999",
                                      "1e10",
                                      "9e99999999999",
                                      "18000000.1",
                                      "1e9",
                                      "99999999999999999999999999999999",
                                      "1..",
                                      "0x1",
                                      "1 "};
    uint64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(parse_seconds(good[i].text, &ns));
        assert_int_equal(ns, good[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(parse_seconds(bad[i], &ns));
}

static void hex(void **state)
{
    (void)state;
    uint8_t bytes[4];
    size_t size;
    assert_true(parse_hex("00fFaB", bytes, sizeof bytes, &size));
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "\x00\xFF\xAB", 3);
    static const char *const bad[] = {"", "0", "0x", "0g", "00 0", "0000000000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(parse_hex(bad[i], bytes, sizeof bytes, &size));
}

static void options_given_twice(void **state)
{
    (void)state;
    struct sentence why;
    static const char *const again[] = {"--load", NULL};
    char *good[] = {"vdfu", "--load", "a", "--load=b", "--for", "-1", "-1", "-", "-", "--f", "--for-ever=1"};
    assert_false(parse_twice(11, good, again, &why));
    char *bad[] = {"vdfu", "--for=2", "--load", "--for", "2", "-o", "-o"};
    assert_false(parse_twice(3, bad, again, &why));
    assert_true(parse_twice(5, bad, again, &why));
    assert_string_equal(why.text, "--for is given twice");
    assert_true(parse_twice(4, bad + 3, again, &why));
    assert_string_equal(why.text, "-o is given twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(seconds),
        cmocka_unit_test(hex),
        cmocka_unit_test(options_given_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
