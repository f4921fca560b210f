/* USB/IP server: the listening socket, clients that come and go, and the device that comes and goes. */
#include "usbip/priv.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

/* ---- the listening socket ----------------------------------------------------------------- */

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value); /* all of them are improvements only */
}

/* -1: see errno. */
static int listen_at(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, USBIP_CLIENTS) == 0)
        return fd;
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr_storage any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a = {.any = {0}};
    socklen_t size = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a.any, &size) != 0)
        return 0;
    return ntohs(a.any.ss_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

struct usbip *usbip_open(struct usbhost *h, const struct usbip_config *config, char *error, size_t error_size)
{
    const char *address = config->address ? config->address : "127.0.0.1";
    struct addrinfo *at, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_PASSIVE};
    char port[8];
    (void)snprintf(port, sizeof port, "%u", config->port);
    if (getaddrinfo(address, port, &hints, &at) != 0) {
        (void)snprintf(error, error_size, "%s is not a numeric IP address", address);
        return NULL;
    }
    struct usbip *u = calloc(1, sizeof *u);
    int fd = u ? listen_at(at) : -1;
    freeaddrinfo(at);
    if (fd < 0) {
        (void)snprintf(error, error_size, "cannot offer USB/IP at %s port %s: %s", address, port,
                       u ? strerror(errno) : "out of memory");
        free(u);
        return NULL;
    }
    u->host = h;
    u->config = *config;
    u->listener = fd;
    u->port = port_of(fd);
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
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        int fd = accept4(u->listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1); /* notice a machine that is gone within 30 s */
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
        set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
        char name[64] = "?", host[48], port[8];
        if (getnameinfo((struct sockaddr *)&from, size, host, sizeof host, port, sizeof port,
                        NI_NUMERICHOST | NI_NUMERICSERV) == 0)
            (void)snprintf(name, sizeof name, "%s:%s", host, port);
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
