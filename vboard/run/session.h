/* One run of the vboard command: a board, what is attached to it, and the main loop that keeps virtual
 * time in step with wall time and never waits busily. */
#ifndef VBOARD_RUN_SESSION_H
#define VBOARD_RUN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "run/args.h"
#include "run/control.h"
#include "run/output.h"
#include "run/ports.h"
#include "run/queue.h"

struct gdb;
struct usbhost;
struct usbip;

struct session {
    struct board_args args;
    uint64_t run_ns; /* --for; UINT64_MAX: until something else ends it */
    bool fast;
    char *usbip_text;   /* [ADDR:]PORT; NULL: no server */
    char *gdb_text;     /* PORT; NULL: no server */
    char *events_path;  /* NULL: none */
    char *control_path; /* NULL: none */
    char *script_path;  /* NULL: none */
    char *uarts[PORTS];
    size_t uart_count;

    /* while it runs */
    struct vboard *b;
    struct usbhost *host;
    struct usbip *usbip;
    const char *usbip_address;
    struct gdb *gdb;
    struct control *control;
    struct queue queue;
    struct outputs outputs;
    struct ports ports;
    FILE *events;
    struct command_target target;
    unsigned explained; /* sentences about faults so far */
};

/* Exit status: 0, 1 lock-up or strict, 2 bad input, with the sentence on stderr and nothing written. */
int session_run(struct session *s);

#endif
