/* The message table as data. Texts lie one after the other, few words and sentence of each: 29 pairs of
 * pointers would be longer than the loop that counts to the right one. */
#include "boot/core/message.h"

static const char texts[] =
#define X(number, name, status, led, few, sentence) few "\0" sentence "\0"
#include "boot/core/messages.inc"
#undef X
    ;

static const uint8_t kinds[MESSAGE_COUNT] = {
#define X(number, name, status, led, few, sentence) (DFU_STATUS_##status << 4) | (led),
#include "boot/core/messages.inc"
#undef X
};

static const char *text(unsigned n)
{
    const char *at = texts;
    while (n > 0)
        n -= *at++ == '\0';
    return at;
}

const char *message_sentence(enum message m)
{
    return m < MESSAGE_COUNT ? text(2u * m + 1) : "";
}

const char *message_few_words(enum message m)
{
    return m < MESSAGE_COUNT ? text(2u * m) : "";
}

enum dfu_status message_status(enum message m)
{
    return m < MESSAGE_COUNT ? (enum dfu_status)(kinds[m] >> 4) : DFU_STATUS_ERR_UNKNOWN;
}

unsigned message_blinks(enum message m)
{
    return m < MESSAGE_COUNT ? kinds[m] & 15u : 0;
}
