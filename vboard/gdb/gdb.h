/* A server of gdb's remote protocol for one board: registers, memory, break- and watchpoints, stepping,
 * reset, flash. It never blocks and never runs the board by itself, except through a reset; the main loop
 * asks it whether the board may run and tells it why the board has stopped.
 *
 * Until a client has sent a correct packet it changes nothing, so that whoever else finds the port does
 * no harm. From then on the core is debugged (DHCSR.C_DEBUGEN) until the client detaches or is gone;
 * after either the board runs on. Who comes while one debugs may read, also while the board runs: live watch
 * of an IDE is a second gdb, which takes the board for halted. */
#ifndef VBOARD_GDB_GDB_H
#define VBOARD_GDB_GDB_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vboard.h"

struct gdb;

enum { GDB_CLIENTS = 4, GDB_POLLFDS = 1 + GDB_CLIENTS };

struct gdb_config {
    uint16_t port; /* 0: any free one, see gdb_port */
    /* One sentence about a client that came, went or was refused; may be NULL. */
    void (*message)(void *arg, const char *sentence);
    void *arg;
};

/* Listens at 127.0.0.1. NULL on failure, with one sentence in `error`. */
struct gdb *gdb_open(struct vboard *b, const struct gdb_config *config, char *error, size_t error_size);
/* Tells a gdb that waits for the board that the program has ended with this status. NULL is allowed. */
void gdb_close(struct gdb *g, int status);
uint16_t gdb_port(const struct gdb *g);

size_t gdb_pollfds(const struct gdb *g, struct pollfd fds[GDB_POLLFDS]);
/* Reads, carries out, answers. Not from inside vboard_run. */
void gdb_service(struct gdb *g);
/* The board must not run: virtual time stands still. */
bool gdb_halted(const struct gdb *g);
/* It has something to do at once: the main loop does not wait. */
bool gdb_hurries(const struct gdb *g);
/* vboard_run has returned VB_BREAK or VB_LOCKUP. false: nobody debugs, it is the caller's affair. */
bool gdb_stopped(struct gdb *g, enum vboard_stop stop);

#endif
