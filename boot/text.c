/* Text, a letter at a time. */
#include "boot/text.h"

char *append(char *to, const char *s)
{
    while ((*to = *s++))
        to++;
    return to;
}
