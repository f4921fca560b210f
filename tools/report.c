/* Takes a report of the bootloader apart: a line is a name, a colon, and text or words of 32 bits. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* The value of a line that begins with `name`, else NULL. */
static const char *value_of(const char *line, const char *name)
{
    size_t n = strlen(name);
    return strncmp(line, name, n) == 0 ? line + n : NULL;
}

/* Exactly n words, each of a space and eight hexadecimal digits. */
static bool words(const char *at, void *to, size_t n)
{
    uint8_t *bytes = to;
    for (; n > 0; n--) {
        if (*at++ != ' ' || strspn(at, "0123456789ABCDEFabcdef") != 8)
            return false;
        uint32_t word = (uint32_t)strtoul(at, NULL, 16);
        memcpy(bytes, &word, sizeof word);
        bytes += sizeof word;
        at += 8;
    }
    return *at == '\0';
}

static void copy(char to[REPORT_LINE], const char *value)
{
    memcpy(to, value, strlen(value) + 1); /* a part of a line, which is no longer */
}

enum { VERDICT = 1, WAY = 2, CAUSE = 4, UNREADABLE = 8, LEDGER = 16, ALL = 31, CRASH = 32 };

/* Which of the lines with words or of those that are always there it was, else 0; false: a known one is not
 * as it should be. */
static bool take(struct report *r, const char *line, unsigned *which)
{
    const char *v;
    *which = 0;
    if ((v = value_of(line, "verdict: ")) != NULL) {
        copy(r->verdict, v);
        *which = VERDICT;
    } else if ((v = value_of(line, "last download: ")) != NULL) {
        copy(r->last, v);
    } else if ((v = value_of(line, "in DFU by: ")) != NULL) {
        copy(r->way, v);
        *which = WAY;
    } else if ((v = value_of(line, "reset cause:")) != NULL) {
        *which = CAUSE;
        return words(v, &r->cause, 1);
    } else if ((v = value_of(line, "unreadable:")) != NULL) {
        *which = UNREADABLE;
        return words(v, &r->unreadable, 1);
    } else if ((v = value_of(line, "ledger:")) != NULL) {
        *which = LEDGER;
        return words(v, &r->newest, sizeof r->newest / 4);
    } else if ((v = value_of(line, "crash:")) != NULL) {
        r->has_crash = true;
        *which = CRASH;
        return words(v, &r->crash, sizeof r->crash / 4);
    }
    return true;
}

bool report_parse(struct report *r, const char *text, size_t size, struct sentence *why)
{
    unsigned seen = 0;
    memset(r, 0, sizeof *r);
    for (size_t at = 0, number = 1; at < size; number++) {
        char line[REPORT_LINE] = "";
        const char *start = text + at, *end = memchr(start, '\n', size - at);
        size_t n = end ? (size_t)(end - start) : size - at;
        if (n >= sizeof line)
            return refuse(why, "line %zu of the report is too long", number);
        at += n + 1;                       /* a last line that has lost its end may be whole */
        if (n > 0 && start[n - 1] == '\r') /* it has been through an editor or a mail */
            n--;
        for (size_t i = 0; i < n; i++) {
            line[i] = start[i];
            if (line[i] < ' ' || line[i] > '~')
                return refuse(why, "line %zu is not text: this is no report of sureboot", number);
        }
        line[n] = '\0';
        if (number == 1) {
            const char *version = value_of(line, "sureboot ");
            if (!version)
                return refuse(why, "it does not begin with \"sureboot\": this is no report of it");
            copy(r->version, version);
            continue;
        }
        unsigned which;
        if (!take(r, line, &which))
            return refuse(why, "line %zu of the report is damaged", number);
        if (!end && which == 0)
            return refuse(why, "line %zu of the report is cut short", number);
        seen |= which;
    }
    return (seen & ALL) == ALL || refuse(why, "the report is not whole");
}

bool report_message(const char *sentence, enum finding_code *code)
{
    const char *s;
    for (unsigned m = 0; (s = message_sentence((enum message)m)) != NULL; m++) {
        if (strcmp(s, sentence) == 0) {
            *code = (enum finding_code)m;
            return true;
        }
    }
    return false;
}
