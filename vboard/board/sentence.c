/* See sentence.h. */
#include "board/sentence.h"

#include <stdarg.h>
#include <stdio.h>

void sentence_write(struct sentence *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
}
