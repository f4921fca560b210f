/* The USB/IP server with a double of the in-process host below it and a client's side above it: what
 * the tests of the server share. */
#ifndef TEST_UNIT_USBIP_DOUBLE_H
#define TEST_UNIT_USBIP_DOUBLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/usbhost.h"
#include "usbip/protocol.h"
#include "usbip/usbip.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MS = 1000000, REFUSED = 777 /* a length that the double does not take */ };

/* ---- the double of the host --------------------------------------------------------------- */

struct usbhost {
    enum usbhost_state state;
    unsigned attach_count, resets, pending, finished;
    struct usbhost_transfer *queue; /* newest first */
};

static const uint8_t device_descriptor[18] = {18,   1,    0x10, 2,    0xEF, 2, 1, 64, 0x83,
                                              0x04, 0x40, 0x57, 0x34, 0x12, 1, 2, 3,  1};
static const uint8_t config_descriptor[9 + 9 + 9 + 9 + 7] = {
    9, 2, 43, 0, 2,  7, 0, 0x80, 50, /* two interfaces, configuration 7 */
    9, 4, 0,  0, 0,  2, 2, 1,    0,  /* CDC */
    9, 4, 0,  1, 0,  6, 6, 6,    0,  /* another setting of it */
    9, 4, 1,  0, 1,  9, 8, 7,    0,  /* something else */
    7, 5, 1,  2, 64, 0, 0};

enum usbhost_state usbhost_state(const struct usbhost *h)
{
    return h->state;
}
unsigned usbhost_attach_count(const struct usbhost *h)
{
    return h->attach_count;
}
const uint8_t *usbhost_device_descriptor(const struct usbhost *h)
{
    return h->state ? device_descriptor : NULL;
}
const uint8_t *usbhost_config_descriptor(const struct usbhost *h)
{
    return h->state ? config_descriptor : NULL;
}

static inline void finish(struct usbhost *h, struct usbhost_transfer *t, int status)
{
    struct usbhost_transfer **p = &h->queue;
    while (*p != t)
        p = &(*p)->next;
    *p = t->next;
    h->pending--;
    t->status = status;
    t->done(t, t->arg);
}

static inline void finish_all(struct usbhost *h, int status)
{
    while (h->queue)
        finish(h, h->queue, status);
}

/* Oldest first, each full of the number of its turn. */
static inline void finish_full(struct usbhost *h)
{
    while (h->queue) {
        struct usbhost_transfer *t = h->queue;
        while (t->next)
            t = t->next;
        memset(t->data, (int)h->finished++, t->length);
        t->actual = t->length;
        finish(h, t, UH_OK);
    }
}

void usbhost_bus_reset_start(struct usbhost *h)
{
    h->resets++;
    finish_all(h, UH_GONE);
}

bool usbhost_submit(struct usbhost *h, struct usbhost_transfer *t)
{
    if (h->state < UH_RESET || t->length == REFUSED) {
        t->status = h->state < UH_RESET ? UH_GONE : UH_NO_ROOM;
        return false;
    }
    t->status = UH_PENDING;
    t->next = h->queue;
    h->queue = t;
    h->pending++;
    return true;
}

void usbhost_cancel(struct usbhost *h, struct usbhost_transfer *t)
{
    for (struct usbhost_transfer *q = h->queue; q; q = q->next) {
        if (q == t) {
            finish(h, t, UH_CANCELLED);
            return;
        }
    }
}

/* ---- server and client -------------------------------------------------------------------- */

struct fixture {
    struct usbhost host;
    struct usbip *server;
    uint64_t wall;
    char message[256];
};

static inline void keep_message(void *arg, const char *sentence)
{
    struct fixture *f = arg;
    (void)snprintf(f->message, sizeof f->message, "%s", sentence);
}

static inline int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char error[200];
    if (!f)
        return -1;
    f->host = (struct usbhost){.state = UH_ADDRESSED, .attach_count = 1};
    const struct usbip_config config = {.message = keep_message, .arg = f};
    f->server = usbip_open(&f->host, &config, error, sizeof error);
    *state = f;
    return f->server ? 0 : -1;
}

static inline int end(void **state)
{
    struct fixture *f = *state;
    usbip_close(f->server);
    unsigned pending = f->host.pending;
    free(f);
    return pending ? -1 : 0; /* every transfer was ended */
}

static inline void pump(struct fixture *f)
{
    for (unsigned i = 0; i < 5; i++)
        usbip_service(f->server, f->wall);
}

static inline int dial(struct fixture *f)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(usbip_port(f->server))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    const int on = 1;
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    pump(f);
    return fd;
}

static inline void put(struct fixture *f, int fd, const void *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
    pump(f);
}

/* Reads exactly that much. */
static inline void get(struct fixture *f, int fd, void *bytes, size_t size)
{
    for (unsigned tries = 0; size > 0; tries++) {
        ssize_t n = recv(fd, bytes, size, MSG_DONTWAIT);
        assert_true(n > 0 || (n < 0 && errno == EAGAIN && tries < 1000));
        if (n > 0) {
            bytes = (char *)bytes + n;
            size -= (size_t)n;
            tries = 0;
        }
        pump(f);
    }
}

static inline bool silent(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* The server has closed the connection; whatever it sent before is dropped. */
static inline bool closed(struct fixture *f, int fd)
{
    char bytes[4096];
    pump(f);
    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n <= 0)
            return n == 0 || errno == ECONNRESET;
    }
}

static inline void put_op(struct fixture *f, int fd, unsigned code, const char *bus_id)
{
    uint8_t op[OP_SIZE + USBIP_BUS_ID_SIZE] = {0};
    usbip_put16(op, USBIP_VERSION);
    usbip_put16(op + 2, code);
    if (bus_id)
        (void)snprintf((char *)op + OP_SIZE, USBIP_BUS_ID_SIZE, "%s", bus_id);
    put(f, fd, op, bus_id ? sizeof op : OP_SIZE);
}

/* Asks for the import; returns the status, and the record if it is 0. */
static inline uint32_t import_device(struct fixture *f, int fd, const char *bus_id, uint8_t record[DEV_SIZE])
{
    uint8_t op[OP_SIZE];
    put_op(f, fd, OP_REQ_IMPORT, bus_id);
    get(f, fd, op, sizeof op);
    assert_int_equal(usbip_get16(op), USBIP_VERSION);
    assert_int_equal(usbip_get16(op + 2), OP_REP_IMPORT);
    if (usbip_get32(op + 4) == 0)
        get(f, fd, record, DEV_SIZE);
    return usbip_get32(op + 4);
}

static inline int importer(struct fixture *f)
{
    uint8_t record[DEV_SIZE] = {0};
    int fd = dial(f);
    assert_int_equal(import_device(f, fd, "1-1", record), 0);
    return fd;
}

struct submit {
    uint32_t sequence, in, endpoint, flags, length, packets;
    const uint8_t *setup, *data;
};

static inline void put_submit(struct fixture *f, int fd, const struct submit *s)
{
    uint8_t h[URB_SIZE] = {0};
    usbip_put32(h + URB_COMMAND, CMD_SUBMIT);
    usbip_put32(h + URB_SEQUENCE, s->sequence);
    usbip_put32(h + URB_DEVICE, 0x10001);
    usbip_put32(h + URB_DIRECTION, s->in);
    usbip_put32(h + URB_ENDPOINT, s->endpoint);
    usbip_put32(h + SUBMIT_FLAGS, s->flags);
    usbip_put32(h + SUBMIT_LENGTH, s->length);
    usbip_put32(h + SUBMIT_PACKETS, s->packets);
    if (s->setup)
        memcpy(h + SUBMIT_SETUP, s->setup, 8);
    put(f, fd, h, sizeof h);
    if (s->data)
        put(f, fd, s->data, s->length);
}

static inline void put_unlink(struct fixture *f, int fd, uint32_t sequence, uint32_t victim)
{
    uint8_t h[URB_SIZE] = {0};
    usbip_put32(h + URB_COMMAND, CMD_UNLINK);
    usbip_put32(h + URB_SEQUENCE, sequence);
    usbip_put32(h + UNLINK_SEQUENCE, victim);
    put(f, fd, h, sizeof h);
}

/* The next answer has to be this one. */
static inline void expect(struct fixture *f, int fd, uint32_t command, uint32_t sequence, int status,
                          uint32_t actual)
{
    uint8_t h[URB_SIZE], zero[12] = {0};
    get(f, fd, h, sizeof h);
    assert_int_equal(usbip_get32(h), command);
    assert_int_equal(usbip_get32(h + URB_SEQUENCE), sequence);
    assert_memory_equal(h + URB_DEVICE, zero, sizeof zero); /* device, direction, endpoint */
    assert_int_equal((int)usbip_get32(h + RET_STATUS), status);
    assert_int_equal(usbip_get32(h + RET_ACTUAL), actual);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
