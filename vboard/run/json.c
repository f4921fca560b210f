/* See json.h. Failures to write stay in ferror(f), where the caller looks. */
#include "run/json.h"

/* Bytes of the character at `p`, which is not the end; 1 if it is no UTF-8 (RFC 3629). */
static size_t decode(const unsigned char *p, uint32_t *c)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    *c = *p;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if ((*p & forms[i].mask) != forms[i].lead)
            continue;
        uint32_t value = *p & ~forms[i].mask & 0xFFU;
        for (size_t k = 1; k <= i + 1; k++) {
            if ((p[k] & 0xC0) != 0x80)
                return 1;
            value = value << 6 | (p[k] & 0x3FU);
        }
        if (value < forms[i].least || (value >= 0xD800 && value < 0xE000) || value > 0x10FFFF)
            return 1;
        *c = value;
        return i + 2;
    }
    return 1;
}

void json_string(FILE *f, const char *text)
{
    if (text == NULL) {
        (void)fputs("null", f);
        return;
    }
    (void)fputc('"', f);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        uint32_t c;
        p += decode(p, &c);
        if (c == '"' || c == '\\')
            (void)fprintf(f, "\\%c", (int)c);
        else if (c >= 0x10000)
            (void)fprintf(f, "\\u%04x\\u%04x", 0xD7C0U + (c >> 10), 0xDC00U + (c & 0x3FF));
        else if (c < 0x20 || c >= 0x7F)
            (void)fprintf(f, "\\u%04x", c);
        else
            (void)fputc((int)c, f);
    }
    (void)fputc('"', f);
}

void json_hex(FILE *f, const uint8_t *bytes, size_t size)
{
    (void)fputc('"', f);
    for (size_t i = 0; i < size; i++)
        (void)fprintf(f, "%02x", bytes[i]);
    (void)fputc('"', f);
}
