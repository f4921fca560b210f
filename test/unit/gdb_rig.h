/* A board with a gdb server and clients at its socket, for the tests of it. */
#ifndef TEST_GDB_RIG_H
#define TEST_GDB_RIG_H

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gdb/gdb.h"
#include "gdb/packet.h"
#include "vboard.h"

static struct vboard *b;
static struct gdb *g;
static char said[1024];

static void on_message(void *arg, const char *sentence)
{
    (void)arg;
    size_t n = strlen(said);
    (void)snprintf(said + n, sizeof said - n, "%s\n", sentence);
}

static int setup(void **state)
{
    /* stack, reset vector, b . */
    static const uint32_t image[] = {0x20001000, 0x08000009, 0xe7fee7fe};
    char error[128];
    (void)state;
    said[0] = '\0';
    b = vboard_create(&(struct vboard_config){.seed = 1});
    assert_non_null(b);
    assert_true(vboard_load_bytes(b, 0x08000000, image, sizeof image));
    vboard_power(b, true, true);
    (void)vboard_run(b, 1000000, NULL, NULL);
    g = gdb_open(b, &(struct gdb_config){.message = on_message}, error, sizeof error);
    assert_non_null(g);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gdb_close(g, 0);
    vboard_destroy(b);
    return 0;
}

static int dial(void)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(gdb_port(g))};
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&there, sizeof there), 0);
    gdb_service(g);
    return fd;
}

static inline void say_bytes(int fd, const void *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
    (void)poll(NULL, 0, 1);
    gdb_service(g);
}

static void say(int fd, const char *data)
{
    static uint8_t out[PACKET_ROOM(PACKET_SIZE)];
    say_bytes(fd, out, packet_put(out, data, strlen(data)));
}

/* The packets that have come, without their frames, a line each; waits for the first, up to 5 s. */
static const char *heard(int fd)
{
    static char text[4 * PACKET_SIZE];
    static struct packet p;
    uint8_t bytes[4096];
    size_t n = 0;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    for (unsigned tries = 0; tries < 500 && n == 0; tries++) {
        gdb_service(g);
        while (poll(&ready, 1, n == 0 ? 10 : 0) > 0) {
            ssize_t got = recv(fd, bytes, sizeof bytes, 0);
            if (got <= 0)
                break;
            for (ssize_t i = 0; i < got; i++)
                if (packet_take(&p, bytes[i]) == PACKET_DATA)
                    n += (size_t)snprintf(text + n, sizeof text - n, "%s\n", p.data);
        }
    }
    text[n] = '\0';
    return text;
}

static const char *ask(int fd, const char *data)
{
    say(fd, data);
    return heard(fd);
}

static inline bool debugged(void)
{
    uint32_t dhcsr = vboard_peek32(b, 0xe000edf0);
    assert_int_equal(dhcsr >> 17 & 1, gdb_halted(g)); /* S_HALT */
    return dhcsr & 1;                                 /* C_DEBUGEN */
}

/* What a `monitor` command prints, and a last line for what comes behind its OK. */
static inline const char *monitor(int fd, const char *command)
{
    static char text[4 * PACKET_SIZE];
    char packet[600] = "qRcmd,", *at = text;
    packet_hex(packet + 6, command, strlen(command));
    say(fd, packet);
    bool answered = false;
    for (unsigned tries = 0; tries < 10 && !answered; tries++) {
        const char *line = heard(fd);
        for (size_t n; (n = strcspn(line, "\n")) > 0; line += n + 1) {
            const char *hex = line + 1;
            if (*line == 'O' && *hex != 'K' && packet_bytes(&hex, at, n / 2))
                at += n / 2;
            else if (n != 2 || memcmp(line, "OK", 2) != 0)
                at += snprintf(at, 80, "%.*s\n", (int)n, line);
            answered = answered || memcmp(line, "OK", 2) == 0;
        }
    }
    assert_true(answered);
    *at = '\0';
    return text;
}

#define ON_BOARD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
