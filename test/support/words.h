/* What the product string says of a verdict: its sentence up to the colon, in small letters. */
#ifndef TEST_SUPPORT_WORDS_H
#define TEST_SUPPORT_WORDS_H

#include "boot/core/message.h"
#include <string.h>

/* Until the next call. */
static inline const char *few_words(enum message m)
{
    static char words[128];
    size_t n = strcspn(message_sentence(m), ":");
    memcpy(words, message_sentence(m), n);
    words[n] = '\0';
    words[0] |= 'a' - 'A';
    return words;
}

#endif
