/* Commands that wait for their virtual time, in the order in which they will be carried out. */
#ifndef VBOARD_RUN_QUEUE_H
#define VBOARD_RUN_QUEUE_H

#include "run/command.h"

struct queue_entry {
    struct queue_entry *next;
    struct command command; /* its `at` counts, timed or not */
    unsigned from;          /* whose answer it will be: QUEUE_SCRIPT or a client's number */
};

enum { QUEUE_SCRIPT = 0, QUEUE_ROOM = 256 << 20 /* bytes in all */ };

struct queue {
    struct queue_entry *first, *last; /* last: if there is a first */
    size_t room;
};

/* Behind those of the same time. Takes over the command's bytes; false: no room, they are freed. */
bool queue_add(struct queue *q, const struct command *c, unsigned from);
/* Takes the first out if its time is not after `ns`; the caller frees it with queue_drop. NULL: none. */
struct queue_entry *queue_due(struct queue *q, uint64_t ns);
void queue_drop(struct queue_entry *e);
/* Time of the first; UINT64_MAX: none. */
uint64_t queue_next(const struct queue *q);
bool queue_has(const struct queue *q, unsigned from);
void queue_free(struct queue *q);

/* Reads a script: a line without `at` belongs to the time of the line before it, at first 0. Nothing is
 * carried out. false: `why` names file and line. */
bool queue_read_script(struct queue *q, const char *path, struct sentence *why);

#endif
