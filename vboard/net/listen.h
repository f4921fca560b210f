/* A listening TCP socket, for the servers of a run: USB/IP and gdb. */
#ifndef VBOARD_NET_LISTEN_H
#define VBOARD_NET_LISTEN_H

#include <stddef.h>
#include <stdint.h>

/* Listens at a numeric IPv4 or IPv6 address, without blocking; port 0: any free one. -1: one sentence in
 * `error`, which begins with "cannot offer WHAT". */
int net_listen(const char *what, const char *address, uint16_t port, int backlog, char *error,
               size_t error_size);
uint16_t net_port(int fd); /* of a listening socket */
/* The next client, not blocking, without delay, and noticed within 30 s if its machine is gone; its
 * "ADDRESS:PORT" into name. -1: nobody is waiting. */
enum { NET_NAME = 64 };
int net_accept(int listener, char name[NET_NAME]);

#endif
