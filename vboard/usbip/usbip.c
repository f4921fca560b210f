/* USB/IP server: the listening socket, clients that come and go, and the device that comes and goes. */
#include "net/listen.h"
#include "usbip/priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static void message(const struct usbip *u, const char *format, ...)
{
    char text[256];
    va_list args;
    if (!u->config.message)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    u->config.message(u->config.arg, text);
}

/* ---- opening ------------------------------------------------------------------------------ */

struct usbip *usbip_open(struct usbhost *h, const struct usbip_config *config, char *error, size_t error_size)
{
    const char *address = config->address ? config->address : "127.0.0.1";
    int fd = net_listen("USB/IP", address, config->port, USBIP_CLIENTS, error, error_size);
    struct usbip *u = fd < 0 ? NULL : calloc(1, sizeof *u);
    if (!u) {
        if (fd >= 0) {
            (void)snprintf(error, error_size, "out of memory");
            (void)close(fd);
        }
        return NULL;
    }
    u->host = h;
    u->config = *config;
    u->listener = fd;
    u->port = net_port(fd);
    for (unsigned i = 0; i < USBIP_CLIENTS; i++)
        u->clients[i].fd = -1;
    return u;
}

uint16_t usbip_port(const struct usbip *u)
{
    return u->port;
}

bool usbip_busy(const struct usbip *u, uint64_t wall_ns)
{
    return u->importer && wall_ns - u->asked < BUSY_NS;
}

/* ---- clients ------------------------------------------------------------------------------ */

static void drop(struct usbip *u, struct client *c)
{
    bool imported = c == u->importer;
    if (c->reason)
        message(u, "USB/IP client %s was thrown out: %s", c->name, c->reason);
    else if (imported)
        message(u, "USB/IP client %s released the device", c->name);
    client_close(c);
    if (!imported)
        return;
    bool left = u->leaving;
    u->importer = NULL;
    u->leaving = false;
    urbs_client_left(u);
    if (!left)
        usbhost_bus_reset_start(u->host); /* back to addressed, not configured */
}

/* A free place; if there is none, that of the client that has been asking for longest. */
static struct client *place(struct usbip *u)
{
    struct client *oldest = NULL;
    for (unsigned i = 0; i < USBIP_CLIENTS; i++) {
        struct client *c = &u->clients[i];
        if (c->fd < 0)
            return c;
        if (c != u->importer && (!oldest || c->since < oldest->since))
            oldest = c;
    }
    oldest->reason = "others are waiting";
    drop(u, oldest);
    return oldest;
}

static void accept_clients(struct usbip *u)
{
    for (unsigned i = 0; i < USBIP_CLIENTS; i++) {
        char name[NET_NAME];
        int fd = net_accept(u->listener, name);
        if (fd < 0)
            return;
        struct client *c = place(u);
        client_open(c, fd, u->wall, name);
        requests_begin(c);
    }
}

/* ---- the device --------------------------------------------------------------------------- */

/* It may have left and come back since the last look, however shortly: the count tells. */
static void watch_device(struct usbip *u)
{
    enum usbhost_state state = usbhost_state(u->host);
    unsigned count = usbhost_attach_count(u->host);
    if (u->present && (state == UH_DETACHED || state == UH_ATTACHED || count != u->attach_count)) {
        u->present = false;
        if (u->importer && !u->leaving) {
            u->leaving = true;
            u->leave_at = u->wall + GRACE_NS;
            urbs_device_left(u);
        }
    }
    if (!u->present && state >= UH_ADDRESSED && usbhost_device_descriptor(u->host)) {
        u->present = true;
        u->attach_count = count;
    }
}

void usbip_service(struct usbip *u, uint64_t wall_ns)
{
    u->wall = wall_ns;
    watch_device(u);
    accept_clients(u);
    for (unsigned i = 0; i < USBIP_CLIENTS; i++) {
        struct client *c = &u->clients[i];
        if (c->fd < 0)
            continue;
        bool had = u->importer == c;
        client_read(u, c);
        if (u->importer == c && !had)
            message(u, "USB/IP client %s imported the device", c->name);
        client_flush(c);
        bool over = c == u->importer && u->leaving && wall_ns >= u->leave_at;
        if (c->failed || over)
            drop(u, c);
    }
}

size_t usbip_pollfds(const struct usbip *u, struct pollfd fds[USBIP_POLLFDS])
{
    size_t n = 0;
    fds[n++] = (struct pollfd){.fd = u->listener, .events = POLLIN};
    for (unsigned i = 0; i < USBIP_CLIENTS; i++) {
        const struct client *c = &u->clients[i];
        if (c->fd < 0)
            continue;
        int events = (client_paused(c) ? 0 : POLLIN) | (c->sent < c->queued ? POLLOUT : 0);
        fds[n++] = (struct pollfd){.fd = c->fd, .events = (short)events};
    }
    return n;
}

void usbip_close(struct usbip *u)
{
    if (!u)
        return;
    for (unsigned i = 0; i < USBIP_CLIENTS; i++) {
        if (u->clients[i].fd >= 0)
            drop(u, &u->clients[i]);
    }
    (void)close(u->listener);
    free(u);
}
