/* Events as text: one JSON object a line, with the names that docs/virtual-nucleo.md promises, and
 * sentences for people about what went wrong. */
#ifndef VBOARD_RUN_EVENTS_H
#define VBOARD_RUN_EVENTS_H

#include <stdio.h>

#include "vboard.h"

void events_write(FILE *f, const struct vboard_event *e);
/* What is attached to the board from outside, told before power-on: where USB/IP and gdb listen, and the
 * other end of a pty. */
void events_write_usbip(FILE *f, const char *address, unsigned port);
void events_write_gdb(FILE *f, const char *address, unsigned port);
void events_write_pty(FILE *f, const char *name, const char *path);
/* The event that ends every stream. */
void events_write_end(FILE *f, uint64_t ns, int status, const char *reason);
/* One line of the command `who` about a fault, something missing or a message; nothing for other events,
 * and after EVENTS_EXPLAINED lines no more: `told` counts them, from 0. */
enum { EVENTS_EXPLAINED = 20 };
void events_explain(FILE *f, const char *who, unsigned *told, const struct vboard_event *e);

#endif
