/* USB/IP server: one client's connection, read in pieces of a known length and written without
 * blocking. */
#include "usbip/priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Pieces read of one client at a time, so that one that floods does not starve the board. */
enum { READS = 256, KEEP_ROOM = 65536 };

void client_open(struct client *c, int fd, uint64_t wall, const char *name)
{
    *c = (struct client){.fd = fd, .since = wall};
    strncpy(c->name, name, sizeof c->name - 1);
}

void client_close(struct client *c)
{
    (void)close(c->fd);
    free(c->out);
    *c = (struct client){.fd = -1};
}

void client_expect(struct client *c, uint8_t *into, size_t want,
                   bool (*complete)(struct usbip *u, struct client *c))
{
    c->into = into;
    c->have = 0;
    c->want = want;
    c->complete = complete;
}

bool client_paused(const struct client *c)
{
    return c->queued - c->sent >= OUT_PAUSE;
}

static void fail(struct client *c, const char *reason)
{
    c->failed = true;
    if (!c->reason)
        c->reason = reason;
}

void client_flush(struct client *c)
{
    while (!c->failed && c->sent < c->queued) {
        ssize_t n = send(c->fd, c->out + c->sent, c->queued - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                fail(c, NULL);
            return;
        }
        c->sent += (size_t)n;
    }
    c->sent = c->queued = 0;
    if (c->room > KEEP_ROOM) {
        free(c->out);
        c->out = NULL;
        c->room = 0;
    }
}

void client_send(struct client *c, const void *bytes, size_t size)
{
    if (c->failed || size == 0)
        return;
    if (c->room - c->queued < size) {
        size_t room = c->queued + size < KEEP_ROOM ? KEEP_ROOM : 2 * (c->queued + size);
        uint8_t *out = realloc(c->out, room);
        if (!out) {
            fail(c, "out of memory");
            return;
        }
        c->out = out;
        c->room = room;
    }
    memcpy(c->out + c->queued, bytes, size);
    c->queued += size;
}

void client_read(struct usbip *u, struct client *c)
{
    for (unsigned i = 0; i < READS && !c->failed && !client_paused(c); i++) {
        uint8_t waste[4096];
        size_t left = c->want - c->have;
        if (left > 0) {
            uint8_t *to = c->into ? c->into + c->have : waste;
            size_t room = c->into || left < sizeof waste ? left : sizeof waste;
            ssize_t n = recv(c->fd, to, room, MSG_DONTWAIT);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                return;
            if (n <= 0) {
                fail(c, NULL);
                return;
            }
            c->have += (size_t)n;
        }
        if (c->have == c->want && !c->complete(u, c))
            fail(c, NULL);
        client_flush(c); /* what is answered at once, before the client may have closed */
    }
}
