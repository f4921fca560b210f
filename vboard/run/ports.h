/* --uart NAME=FILE|pty|-: where the bytes of the board's serial ports go, and for a pty where the bytes
 * to the board come from. */
#ifndef VBOARD_RUN_PORTS_H
#define VBOARD_RUN_PORTS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "board/sentence.h"
#include "run/output.h"
#include "vboard.h"

enum { PORTS = 8, PORT_LINE = 512 };

struct ports {
    struct port {
        const char *name;
        FILE *file;    /* NULL: a pty */
        int master;    /* of the pty */
        int slave;     /* held open, so that the master never hangs up */
        char path[64]; /* of the pty's other end */
        char line[PORT_LINE];
        size_t length; /* of what has come of a line */
    } rows[PORTS];
    size_t count;
    bool whole_lines; /* standard output is JSON, too: what a port says there waits for its line to end */
};

/* "NAME=FILE", "NAME=pty" or "NAME=-"; cuts text at the equals sign. */
bool ports_add(struct ports *p, char *text, struct outputs *o, struct sentence *why);
bool ports_have_pty(const struct ports *p);
bool ports_have_swo(const struct ports *p);
void ports_event(struct ports *p, const struct vboard_event *e);
/* Writes the lines that have not ended. */
void ports_finish(struct ports *p);
size_t ports_pollfds(const struct ports *p, struct pollfd fds[PORTS]);
/* Bytes that came in by a pty go to the board. */
void ports_service(struct ports *p, struct vboard *b);
void ports_close(struct ports *p);

#endif
