/* See cmdbench.h. */
#include "cmdbench.h"

#include <stdio.h>

#include "command.h"

const char *bench_mode(uint32_t number)
{
    static char text[300];
    const uint8_t word[4] = {(uint8_t)number, 0, 0, 0};
    file_write(temp("mode"), word, sizeof word);
    (void)snprintf(text, sizeof text, "%s@0x%08X", temp("mode"), MODE_ADDR);
    return text;
}
