/* USB/IP server: offers one in-process USB host's device to a real operating system (Linux vhci_hcd)
 * as bus id 1-1. Protocol: Linux Documentation/usb/usbip_protocol.rst, version 0x0111.
 * It never blocks and never runs the board; the main loop does, for example:
 *
 *     struct pollfd fds[USBIP_POLLFDS];
 *     for (;;) {
 *         usbip_service(u, wall);              // take requests, notice that the device came or went
 *         vboard_run(b, at most 1 ms, but not beyond wall time);   // answers are sent from in here
 *         poll(fds, usbip_pollfds(u, fds), ms until wall time is one slice ahead);
 *     }
 *
 * The usbhost must have been created with `enumerate`: the server is the host controller. Without a
 * client the device is plugged in and addressed, but not configured. */
#ifndef VBOARD_USBIP_USBIP_H
#define VBOARD_USBIP_USBIP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct usbhost;
struct usbip;

enum { USBIP_CLIENTS = 8, USBIP_POLLFDS = USBIP_CLIENTS + 1 };

struct usbip_config {
    const char *address; /* numeric IPv4 or IPv6 address to bind; NULL: 127.0.0.1 */
    uint16_t port;       /* 0: any free one, see usbip_port */
    /* One sentence about a client that came, went or was thrown out; may be NULL. */
    void (*message)(void *arg, const char *sentence);
    void *arg;
};

/* Listens. NULL on failure, with one sentence in `error` (port taken, address not of this machine …). */
struct usbip *usbip_open(struct usbhost *h, const struct usbip_config *config, char *error,
                         size_t error_size);
/* Drops all clients and cancels their transfers. Before usbhost_destroy. NULL is allowed. */
void usbip_close(struct usbip *u);
uint16_t usbip_port(const struct usbip *u);

/* Fills in what to wait for; returns how many entries, at most USBIP_POLLFDS. */
size_t usbip_pollfds(const struct usbip *u, struct pollfd fds[USBIP_POLLFDS]);
/* Reads, answers and writes what can be without blocking. wall_ns: a monotonic clock, used for the
 * grace of 50 ms before a connection whose device left is closed. Call it after poll and at least
 * every few milliseconds. */
void usbip_service(struct usbip *u, uint64_t wall_ns);

/* A client has asked for something within the last 2 ms and will soon ask again: a reason to run the board
 * in smaller steps, so that it gets its answers as fast as a bus would give them. */
bool usbip_busy(const struct usbip *u, uint64_t wall_ns);

#endif
