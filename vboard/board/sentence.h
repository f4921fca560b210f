/* One clear sentence about what is wrong with an input: every function that can refuse something
 * takes a struct sentence and leaves it there. */
#ifndef VBOARD_BOARD_SENTENCE_H
#define VBOARD_BOARD_SENTENCE_H

#include <stdbool.h>

struct sentence {
    char text[400];
};

/* Writes the sentence (cut at its size) and returns false, so that callers can `return refuse(…)`. */
__attribute__((format(printf, 2, 3))) bool refuse(struct sentence *why, const char *format, ...);

#endif
