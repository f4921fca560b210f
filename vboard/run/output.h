/* Files that a run writes: opened all before any is changed, so that a run that is refused leaves no
 * trace. */
#ifndef VBOARD_RUN_OUTPUT_H
#define VBOARD_RUN_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "board/sentence.h"

enum { OUTPUTS = 16 };

struct outputs {
    struct output {
        const char *path;
        FILE *file;   /* stdout for "-" */
        bool created; /* was not there before */
    } rows[OUTPUTS];
    size_t count;
};

/* Opens without truncating; "-" is stdout. A file cannot be written twice. The path stays the caller's.
 * NULL: see `why`. */
FILE *outputs_open(struct outputs *o, const char *path, struct sentence *why);
/* false: the file at `path`, which the run reads or replaces, is one of those that it writes. */
bool outputs_spare(const struct outputs *o, const char *path, struct sentence *why);
/* All is well: empties the files. */
bool outputs_begin(struct outputs *o, struct sentence *why);
/* Writes out what is buffered. false: a file cannot be written, see `why`. */
bool outputs_flush(struct outputs *o, struct sentence *why);
/* Closes; `undo`: and removes those that were created. */
void outputs_close(struct outputs *o, bool undo);

/* The last thing that `command` does: its exit status, `status` or, with a sentence, 2 if standard output
 * could not be written. */
int output_end(const char *command, int status);

#endif
