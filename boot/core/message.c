/* The message table as data. Sentences lie one after the other: pointers to them would be longer than the
 * loop that counts to the right one. */
#include "boot/core/message.h"

static const char sentences[] =
#define X(number, name, status, led, sentence) sentence "\0"
#include "boot/core/messages.inc"
#undef X
    ;

static const uint8_t kinds[MESSAGE_COUNT] = {
#define X(number, name, status, led, sentence) (DFU_STATUS_##status << 4) | (led),
#include "boot/core/messages.inc"
#undef X
};

const char *message_sentence(enum message m)
{
    if (m >= MESSAGE_COUNT)
        return NULL;
    const char *at = sentences;
    for (unsigned n = m; n > 0;)
        n -= *at++ == '\0';
    return at;
}

enum dfu_status message_status(enum message m)
{
    return (enum dfu_status)(kinds[m] >> 4);
}

unsigned message_blinks(enum message m)
{
    return kinds[m] & 15u;
}
