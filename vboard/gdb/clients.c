/* The sockets of the gdb server, who is there, and what is said to them. */
#include "gdb/priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TURN_NS 10000000U /* of wall time, then others have their turn: signals, too */

void gdb_say(const struct gdb *g, const char *format, ...)
{
    char text[256];
    va_list args;
    if (g->config.message == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    g->config.message(g->config.arg, text);
}

/* ---- answers ----------------------------------------------------------------------------- */

static void flush(struct gdb_client *c)
{
    while (c->fd >= 0 && c->queued > 0) {
        ssize_t n = send(c->fd, c->out, c->queued, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            c->leave = "the connection broke";
            c->queued = 0;
            return;
        }
        c->queued -= (size_t)n;
        memmove(c->out, c->out + n, c->queued);
    }
}

static bool room(struct gdb_client *c, size_t size)
{
    if (c->queued + size <= sizeof c->out)
        return true;
    c->leave = "it does not read its answers";
    return false;
}

static void put_byte(struct gdb_client *c, char byte)
{
    if (room(c, 1))
        c->out[c->queued++] = (uint8_t)byte;
}

void gdb_reply_data(struct gdb *g, const void *data, size_t size)
{
    struct gdb_client *c = g->now;
    if (room(c, PACKET_ROOM(size)))
        c->queued += packet_put(c->out + c->queued, data, size);
    flush(c);
}

void gdb_reply(struct gdb *g, const char *text)
{
    gdb_reply_data(g, text, strlen(text));
}

void gdb_error(struct gdb *g, unsigned number)
{
    char text[8];
    (void)snprintf(text, sizeof text, "E%02x", number & 0xff);
    gdb_reply(g, text);
}

/* ---- clients ----------------------------------------------------------------------------- */

static void drop(struct gdb *g, struct gdb_client *c)
{
    bool debugs = c == g->debugger;
    if (c->spoke)
        gdb_say(g, "gdb %s is gone: %s%s", c->name, c->leave, debugs ? ", the board runs on" : "");
    if (debugs)
        gdb_detach(g);
    (void)close(c->fd);
    c->fd = -1;
}

/* Whoever has not said anything in gdb's language has to make room. */
static void accept_client(struct gdb *g)
{
    char name[NET_NAME];
    struct gdb_client *place = NULL;
    int fd = net_accept(g->listener, name);
    if (fd < 0)
        return;
    for (struct gdb_client *c = g->clients; c < g->clients + GDB_CLIENTS; c++)
        if (c->fd < 0 || (!c->spoke && place == NULL))
            place = c;
    if (place == NULL) {
        gdb_say(g, "gdb %s was refused: there are %d already", name, GDB_CLIENTS);
        (void)close(fd);
        return;
    }
    if (place->fd >= 0)
        (void)close(place->fd);
    memset(place, 0, offsetof(struct gdb_client, in.data));
    place->queued = 0;
    place->fd = fd;
    memcpy(place->name, name, sizeof name);
}

/* A correct packet of client c. */
static void take_packet(struct gdb *g, struct gdb_client *c)
{
    g->now = c;
    if (!c->no_ack)
        put_byte(c, '+');
    if (!c->spoke && !gdb_attach(g))
        gdb_say(g, "gdb %s may read, for %s debugs", c->name, g->debugger->name);
    c->spoke = true;
    gdb_packet(g, c->in.data, c->in.size);
}

static void take(struct gdb *g, struct gdb_client *c, uint8_t byte)
{
    switch (packet_take(&c->in, byte)) {
    case PACKET_DATA: take_packet(g, c); break;
    case PACKET_WRONG:
        if (!c->no_ack)
            put_byte(c, '-');
        break;
    case PACKET_BREAK:
        if (c == g->debugger && (g->state == GDB_RUNNING || g->state == GDB_LOOSE)) {
            g->now = c;
            gdb_halt(g, SIGNAL_INT, "");
            gdb_reply(g, g->stop);
        }
        break;
    default: break;
    }
}

static uint64_t wall(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* The client's bytes, while it is not to leave; what is behind a detach is not for us. Read in small pieces:
 * each of its packets may be work. */
static void read_client(struct gdb *g, struct gdb_client *c)
{
    uint8_t bytes[512];
    uint64_t begin = wall();
    do {
        ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            c->leave = "it hung up";
            break;
        }
        for (ssize_t i = 0; i < n && c->leave == NULL; i++)
            take(g, c, bytes[i]);
    } while (c->leave == NULL && wall() - begin < TURN_NS);
    flush(c);
}

void gdb_service(struct gdb *g)
{
    accept_client(g);
    for (struct gdb_client *c = g->clients; c < g->clients + GDB_CLIENTS; c++) {
        if (c->fd >= 0 && c->leave == NULL)
            read_client(g, c);
        if (c->fd >= 0 && c->leave != NULL)
            drop(g, c);
    }
}

size_t gdb_pollfds(const struct gdb *g, struct pollfd fds[GDB_POLLFDS])
{
    size_t n = 0;
    fds[n++] = (struct pollfd){.fd = g->listener, .events = POLLIN};
    for (const struct gdb_client *c = g->clients; c < g->clients + GDB_CLIENTS; c++)
        if (c->fd >= 0)
            fds[n++] =
                (struct pollfd){.fd = c->fd, .events = (short)(POLLIN | (c->queued > 0 ? POLLOUT : 0))};
    return n;
}
