/* One clear sentence about what is wrong with an input: every function that can refuse something
 * takes a struct sentence and leaves it there. */
#ifndef VBOARD_BOARD_SENTENCE_H
#define VBOARD_BOARD_SENTENCE_H

#include <stdbool.h>

struct sentence {
    char text[400];
};

/* Writes the sentence, cut at its size. */
__attribute__((format(printf, 2, 3))) void sentence_write(struct sentence *why, const char *format, ...);
/* The same as an expression that is false, so that callers can `return refuse(…)`. */
#define refuse(why, ...) (sentence_write(why, __VA_ARGS__), false)

#endif
