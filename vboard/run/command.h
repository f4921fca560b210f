/* The commands of --control and --script: one a line, optionally with the virtual time at which to
 * carry it out. Parsing is separate from carrying out, so that a script is checked before it begins. */
#ifndef VBOARD_RUN_COMMAND_H
#define VBOARD_RUN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "board/sentence.h"
#include "vboard.h"

enum {
    COMMAND_NAME = 12,
    COMMAND_BYTES = 65536, /* sent or written */
    COMMAND_PEEK = 262144, /* read: all of flash */
    COMMAND_LINE = 2 * COMMAND_BYTES + 100
};

struct command_kind;

struct command {
    const struct command_kind *kind;
    bool timed;
    uint64_t at; /* ns since the board was created, if timed */
    bool on;     /* on, plug, 1 */
    int level;   /* -1: z */
    uint64_t n;  /* milliseconds as ns, address, count, millivolts */
    uint64_t size;
    enum vboard_cut model;
    char name[COMMAND_NAME];  /* pin, UART */
    char other[COMMAND_NAME]; /* the second pin of a wire */
    uint8_t *bytes;
};

/* What commands act on. */
struct command_target {
    struct vboard *b;
    bool quit; /* set by `quit` */
    bool (*usb)(void *arg, bool plug, struct sentence *why);
    void *arg;
};

/* A line without its newline. false: wrong, and nothing is to be freed. */
bool command_parse(const char *line, struct command *c, struct sentence *why);
/* Blank, or a comment that begins with #. */
bool command_is_empty(const char *line);
/* Carries it out now and writes the answer, one line of JSON. false: "ok" is false. */
bool command_run(const struct command *c, struct command_target *target, FILE *answer);
void command_free(struct command *c);
/* The answer to a line that command_parse refused. */
void command_refused(FILE *answer, const struct sentence *why);

/* One line about each command, in order; NULL behind the last. */
const char *command_usage(size_t i);

#endif
