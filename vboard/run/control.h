/* --control: commands over a Unix stream socket or standard input, answers to where they came from.
 * Never blocks on a socket; a client that sends rubbish, stops reading or disappears harms nothing. */
#ifndef VBOARD_RUN_CONTROL_H
#define VBOARD_RUN_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "board/sentence.h"
#include "run/command.h"
#include "run/queue.h"

enum { CONTROL_CLIENTS = 8, CONTROL_POLLFDS = CONTROL_CLIENTS + 1 };

struct control;

/* path: where the socket is made, or "-" for standard input and output. A socket that a dead process
 * left there is replaced; anything else there is refused. NULL: see `why`. */
struct control *control_open(const char *path, struct sentence *why);
/* Also removes the socket. NULL is allowed. */
void control_close(struct control *c);

/* What to wait for; returns how many entries. */
size_t control_pollfds(struct control *c, struct pollfd fds[CONTROL_POLLFDS]);
/* Takes what has come: carries out commands without a time, queues those with one. */
void control_service(struct control *c, struct queue *q, struct command_target *target);
/* Carries out a queued command; the answer goes to its client, if that is still there. */
void control_run(struct control *c, const struct queue_entry *e, struct queue *q,
                 struct command_target *target);

#endif
