/* See json.h. Failures to write stay in ferror(f), where the caller looks. */
#include "run/json.h"

void json_string(FILE *f, const char *text)
{
    if (text == NULL) {
        (void)fputs("null", f);
        return;
    }
    (void)fputc('"', f);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            (void)fprintf(f, "\\%c", *p);
        else if (*p < 0x20 || *p >= 0x7F)
            (void)fprintf(f, "\\u%04x", *p);
        else
            (void)fputc(*p, f);
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
