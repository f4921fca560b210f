/* See listen.h. */
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value); /* all of them are improvements only */
}

/* -1: see errno. */
static int listen_at(const struct addrinfo *at, int backlog)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, backlog) == 0)
        return fd;
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

int net_listen(const char *what, const char *address, uint16_t port, int backlog, char *error,
               size_t error_size)
{
    struct addrinfo *at, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_PASSIVE};
    char text[8];
    (void)snprintf(text, sizeof text, "%u", port);
    if (getaddrinfo(address, text, &hints, &at) != 0) {
        (void)snprintf(error, error_size, "%s is not a numeric IP address", address);
        return -1;
    }
    int fd = listen_at(at, backlog);
    if (fd < 0)
        (void)snprintf(error, error_size, "cannot offer %s at %s port %s: %s", what, address, text,
                       strerror(errno));
    freeaddrinfo(at);
    return fd;
}

uint16_t net_port(int fd)
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

int net_accept(int listener, char name[NET_NAME])
{
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    int fd = accept4(listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return -1;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
    char host[48], port[8];
    (void)snprintf(name, NET_NAME, "?");
    if (getnameinfo((struct sockaddr *)&from, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        (void)snprintf(name, NET_NAME, "%s:%s", host, port);
    return fd;
}
