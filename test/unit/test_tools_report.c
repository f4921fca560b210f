/* The report of the bootloader taken apart: what is whole is understood, anything else refused. */
#include "cmocka_first.h"

#include "report.h"
#include <stdio.h>
#include <string.h>

static const char good[] =
    "sureboot 1.0\n"
    "verdict: Not confirmed: three starts without sureboot_confirm(). Download a better one.\n"
    "last download: Data missing: download all of it, linked at 0x08004000.\n"
    "in DFU by: verdict\n"
    "reset cause: 00000214\n"
    "unreadable: 0800ABC8\n"
    "ledger: 03035B1E 00000005 00002000 12345678 01040002 CAFEBABE\n"
    "crash: 00000003 08004301 08004355 00008200 40000000 60000000\n";
static struct report r;
static struct sentence why;

static bool parse(const char *text)
{
    return report_parse(&r, text, strlen(text), &why);
}

static void all_of_it(void **state)
{
    (void)state;
    if (!parse(good))
        fail_msg("%s", why.text);
    assert_string_equal(r.version, "1.0");
    assert_string_equal(r.verdict,
                        "Not confirmed: three starts without sureboot_confirm(). Download a better one.");
    assert_string_equal(r.last, "Data missing: download all of it, linked at 0x08004000.");
    assert_string_equal(r.way, "verdict");
    assert_int_equal(r.cause, 0x214);
    assert_int_equal(r.unreadable, 0x0800ABC8);
    assert_int_equal(r.newest.magic, LEDGER_MAGIC);
    assert_int_equal(r.newest.type, LEDGER_START);
    assert_int_equal(r.newest.starts, 3);
    assert_int_equal(r.newest.length, 0x2000);
    assert_int_equal(r.newest.version, 0x01040002);
    assert_int_equal(r.newest.check, 0xCAFEBABE);
    assert_true(r.has_crash);
    assert_int_equal(r.crash.kind, 3);
    assert_int_equal(r.crash.address, 0x60000000);
}

/* Only where the last line is whole, with or without its end, and the crash is there or not. */
static void cut_anywhere(void **state)
{
    (void)state;
    size_t without_crash = (size_t)(strstr(good, "crash:") - good);
    for (size_t size = 0; size < strlen(good) - 1; size++)
        if (report_parse(&r, good, size, &why) != (size == without_crash || size == without_crash - 1))
            fail_msg("%zu of %zu bytes: %s", size, strlen(good), why.text);
    assert_true(report_parse(&r, good, without_crash, &why));
    assert_false(r.has_crash);
}

/* As an editor or a mail from Windows leaves it. */
static void other_line_ends(void **state)
{
    (void)state;
    char text[2000];
    size_t n = 0;
    for (const char *p = good; *p; p++) {
        if (*p == '\n')
            text[n++] = '\r';
        text[n++] = *p;
    }
    if (!report_parse(&r, text, n, &why))
        fail_msg("%s", why.text);
    assert_string_equal(r.version, "1.0");
    assert_int_equal(r.crash.address, 0x60000000);
    assert_false(parse("sureboot 1.0\r\r\n"));
}

static void with(const char *from, const char *to, char out[2000])
{
    const char *at = strstr(good, from);
    assert_non_null(at);
    (void)snprintf(out, 2000, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

static void refuses(const char *from, const char *to, const char *sentence)
{
    char text[2000];
    with(from, to, text);
    if (parse(text) || !strstr(why.text, sentence))
        fail_msg("'%s' for '%s': '%s'", to, from, why.text);
}

static void what_is_damaged(void **state)
{
    (void)state;
    refuses("sureboot 1.0", "littleboot 1.0", "does not begin");
    refuses("00000214", "0000021", "line 5 of the report is damaged");
    refuses("00000214", "000000214", "line 5");
    refuses("00000214", "0000021G", "line 5");
    refuses("00000214", "00000214 00000000", "line 5");
    refuses(" 00000214", "00000214", "line 5");
    refuses(" CAFEBABE", "", "line 7");
    refuses("crash: 00000003", "crash:", "line 8");
    refuses("verdict: ", "verdikt: ", "not whole");
    refuses("verdict: Not", "verdict: \xFFNot", "line 2 is not text");
    refuses("verdict: Not", "verdict: \tNot", "line 2 is not text");
    char longer[REPORT_LINE + 1];
    memset(longer, 'x', REPORT_LINE);
    longer[REPORT_LINE] = '\0';
    refuses("in DFU by: verdict", longer, "line 4 of the report is too long");
    assert_false(report_parse(&r, "sureboot 1.0\0", 14, &why)); /* a NUL is no text */
    assert_false(report_parse(&r, "", 0, &why));
}

/* The longest line is taken, and one that is not known. */
static void what_is_new(void **state)
{
    (void)state;
    char text[2000], line[REPORT_LINE];
    with("in DFU by:", "temperature: 25\nin DFU by:", text);
    assert_true(parse(text));
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    memcpy(line, "verdict: ", 9);
    with("verdict: Not confirmed: three starts without sureboot_confirm(). Download a better one.", line,
         text);
    if (!parse(text))
        fail_msg("%s", why.text);
    assert_int_equal(strlen(r.verdict), sizeof line - 1 - 9);
}

static void sentences(void **state)
{
    (void)state;
    enum finding_code code;
    for (unsigned m = 0; m < MESSAGE_COUNT; m++) {
        assert_true(report_message(message_sentence((enum message)m), &code));
        assert_int_equal(code, m);
    }
    assert_false(report_message("All is well.", &code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it),       cmocka_unit_test(cut_anywhere), cmocka_unit_test(other_line_ends),
        cmocka_unit_test(what_is_damaged), cmocka_unit_test(what_is_new),  cmocka_unit_test(sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
