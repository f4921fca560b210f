/* USB/IP clients that disappear, send rubbish, ask too much, do not read, or come in crowds. */
#include "unit/usbip_double.h"

static void test_client_disappears(void **state)
{
    struct fixture *f = *state;
    for (unsigned in_data = 0; in_data < 2; in_data++) {
        unsigned resets = f->host.resets;
        int fd = importer(f);
        for (uint32_t i = 1; i <= 16; i++)
            put_submit(f, fd, &(struct submit){.sequence = i, .in = 1, .endpoint = 1, .length = 4096});
        if (in_data) {
            put_submit(f, fd, &(struct submit){.sequence = 20, .endpoint = 1, .length = 100});
            put(f, fd, "0123456789", 10);
        }
        assert_int_equal(f->host.pending, 16);
        const struct linger now = {1, 0}; /* RST, as from a process that was killed with data unread */
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
        (void)close(fd);
        pump(f);
        assert_int_equal(f->host.pending, 0);
        assert_int_equal(f->host.resets, resets + 2);
    }
    (void)close(importer(f));
}

static void test_refused_transfers(void **state)
{
    struct fixture *f = *state;
    static const uint8_t setup_out[8] = {0, 9, 1, 0, 0, 0, 0, 0}, setup_in[8] = {0x80, 6, 0, 1, 0, 0, 100, 0};
    int fd = importer(f);
    /* a control transfer whose SETUP says the other direction */
    put_submit(f, fd, &(struct submit){.sequence = 3, .in = 1, .length = 5, .setup = setup_out});
    expect(f, fd, RET_SUBMIT, 3, -22, 0);
    assert_int_equal(f->host.pending, 0);
    /* … with the data and the packets that it claims */
    uint8_t data[100 + 2 * ISO_PACKET_SIZE] = {0};
    put_submit(f, fd, &(struct submit){.sequence = 4, .length = 100, .packets = 2, .setup = setup_in});
    put(f, fd, data, sizeof data);
    expect(f, fd, RET_SUBMIT, 4, -22, 0);
    /* what the host does not take */
    put_submit(f, fd, &(struct submit){.sequence = 5, .in = 1, .endpoint = 1, .length = REFUSED});
    expect(f, fd, RET_SUBMIT, 5, UH_NO_ROOM, 0);
    assert_int_equal(f->host.pending, 0);
    put_submit(f, fd, &(struct submit){.sequence = 6, .in = 1, .endpoint = 1, .length = 5});
    assert_int_equal(f->host.pending, 1);
    (void)close(fd);
}

static void test_thrown_out(void **state)
{
    struct fixture *f = *state;
    static const struct submit bad[] = {
        {.sequence = 1, .in = 1, .endpoint = 16, .length = 8},
        {.sequence = 1, .in = 2, .endpoint = 1, .length = 8},
        {.sequence = 1, .in = 1, .endpoint = 1, .length = (16 << 20) + 1},
        {.sequence = 1, .in = 0, .endpoint = 1, .length = UINT32_MAX},
        {.sequence = 1, .in = 1, .endpoint = 1, .length = 8, .packets = 1025},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int fd = importer(f);
        put_submit(f, fd, &bad[i]);
        assert_true(closed(f, fd));
        assert_non_null(strstr(f->message, "thrown out"));
        (void)close(fd);
    }
    int fd = importer(f);
    uint8_t unknown[URB_SIZE] = {0, 0, 0, 5};
    put(f, fd, unknown, sizeof unknown);
    assert_true(closed(f, fd));
    (void)close(fd);
    static const uint8_t wrong_ops[2][OP_SIZE] = {{1, 0x10, 0x80, 5}, {1, 0x11, 0x80, 4}};
    for (unsigned i = 0; i < 2; i++) {
        fd = dial(f);
        put(f, fd, wrong_ops[i], OP_SIZE);
        assert_true(closed(f, fd));
        (void)close(fd);
    }
    /* what is over has given its room back */
    fd = importer(f);
    for (uint32_t i = 0; i < 4; i++) {
        put_submit(f, fd, &(struct submit){.sequence = i, .in = 1, .endpoint = 1, .length = 16 << 20});
        put_unlink(f, fd, 100 + i, i);
        expect(f, fd, RET_UNLINK, 100 + i, UH_CANCELLED, 0);
    }
    (void)close(fd);
    /* more bytes than that */
    f->message[0] = '\0';
    fd = importer(f);
    for (uint32_t i = 0; i < 3; i++) {
        assert_null(strstr(f->message, "room for"));
        put_submit(f, fd, &(struct submit){.sequence = i, .in = 1, .endpoint = 1, .length = 16 << 20});
    }
    assert_non_null(strstr(f->message, "room for"));
    assert_true(closed(f, fd));
    (void)close(fd);
    f->message[0] = '\0';
    /* more transfers than anybody needs */
    fd = importer(f);
    for (uint32_t i = 0; i < 1025 && !strstr(f->message, "room for"); i++)
        put_submit(f, fd, &(struct submit){.sequence = i, .in = 1, .endpoint = 1, .length = 1});
    assert_non_null(strstr(f->message, "room for"));
    assert_true(closed(f, fd));
    assert_int_equal(f->host.pending, 0);
    (void)close(fd);
}

/* Clients that only hold a connection keep nobody out, least of all the importer. */
static void test_crowd(void **state)
{
    struct fixture *f = *state;
    int fd = importer(f), idle[3 * USBIP_CLIENTS];
    for (unsigned i = 0; i < 3 * USBIP_CLIENTS; i++)
        idle[i] = dial(f);
    uint8_t reply[OP_SIZE + 4];
    int last = dial(f);
    put_op(f, last, OP_REQ_DEVLIST, NULL);
    get(f, last, reply, sizeof reply);
    put_submit(f, fd, &(struct submit){.sequence = 1, .in = 1, .endpoint = 1, .length = 5});
    assert_int_equal(f->host.pending, 1);
    for (unsigned i = 0; i < 3 * USBIP_CLIENTS; i++)
        (void)close(idle[i]);
    (void)close(last);
    (void)close(fd);
}

/* Who has been there for longest makes way, and no more than one. */
static void test_who_makes_way(void **state)
{
    struct fixture *f = *state;
    int fd = importer(f), idle[USBIP_CLIENTS];
    for (unsigned i = 0; i < USBIP_CLIENTS; i++) {
        f->wall += MS;
        idle[i] = dial(f);
    }
    assert_true(closed(f, idle[0]));
    assert_non_null(strstr(f->message, "others are waiting"));
    for (unsigned i = 1; i < USBIP_CLIENTS; i++)
        assert_true(silent(idle[i]));
    for (unsigned i = 0; i < USBIP_CLIENTS; i++)
        (void)close(idle[i]);
    (void)close(fd);
}

/* Busy is who has asked within the last 2 ms: then virtual time goes in small steps. */
static void test_busy(void **state)
{
    struct fixture *f = *state;
    f->wall = 1000 * MS;
    assert_false(usbip_busy(f->server, f->wall));
    int fd = importer(f);
    put_submit(f, fd, &(struct submit){.sequence = 1, .in = 1, .endpoint = 1, .length = 5});
    assert_true(usbip_busy(f->server, f->wall + 2 * MS - 1));
    assert_false(usbip_busy(f->server, f->wall + 2 * MS));
    (void)close(fd);
    pump(f);
    assert_false(usbip_busy(f->server, f->wall));
}

/* An importer that asks for a lot and reads none of it is not read from either, and loses nothing. */
static void test_not_reading(void **state)
{
    enum { EACH = 1 << 18, MANY = 64 };
    struct fixture *f = *state;
    int fd = importer(f);
    uint8_t h[URB_SIZE] = {0}, *data = malloc(EACH);
    bool paused = false;
    assert_non_null(data);
    usbip_put32(h + URB_COMMAND, CMD_SUBMIT);
    usbip_put32(h + URB_DIRECTION, DIRECTION_IN);
    usbip_put32(h + URB_ENDPOINT, 1);
    usbip_put32(h + SUBMIT_LENGTH, EACH);
    for (unsigned sent = 0; sent < MANY; sent++) {
        usbip_put32(h + URB_SEQUENCE, sent);
        assert_int_equal(send(fd, h, sizeof h, 0), sizeof h);
        pump(f);
        finish_full(&f->host);
        struct pollfd fds[USBIP_POLLFDS];
        assert_int_equal(usbip_pollfds(f->server, fds), 2);
        paused = paused || !(fds[1].events & POLLIN);
    }
    assert_true(paused);
    for (unsigned i = 0; i < MANY; i++) {
        finish_full(&f->host);
        expect(f, fd, RET_SUBMIT, i, 0, EACH);
        get(f, fd, data, EACH);
        assert_int_equal(data[0] | data[EACH - 1] << 8, i | i << 8);
    }
    free(data);
    (void)close(fd);
}

/* ---- rubbish ------------------------------------------------------------------------------ */

static uint32_t random_state = 2463534242;
static uint32_t random32(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
}

/* Conversations that begin well and go wrong: random bytes, or well-formed messages with some bytes
 * changed, cut off anywhere; the device finishes transfers, leaves and returns meanwhile. Afterwards the
 * server must work as ever. */
static void test_rubbish(void **state)
{
    struct fixture *f = *state;
    unsigned imported = 0;
    for (unsigned round = 0; round < 3000; round++) {
        uint8_t bytes[2048];
        size_t size = 0;
        int fd = dial(f);
        if (random32() % 4) {
            static const uint8_t import[] = {1, 0x11, 0x80, 3, 0, 0, 0, 0, '1', '-', '1'};
            memset(bytes, 0, OP_SIZE + USBIP_BUS_ID_SIZE);
            memcpy(bytes, import, sizeof import);
            size = OP_SIZE + USBIP_BUS_ID_SIZE;
            imported++;
        }
        while (size + URB_SIZE + 100 < sizeof bytes && random32() % 12) {
            uint8_t *h = bytes + size;
            memset(h, 0, URB_SIZE + 100);
            usbip_put32(h + URB_COMMAND, random32() % 5 == 0 ? CMD_UNLINK : CMD_SUBMIT);
            usbip_put32(h + URB_SEQUENCE, random32() % 8);
            usbip_put32(h + URB_DIRECTION, random32() % 2);
            usbip_put32(h + URB_ENDPOINT, random32() % 4);
            usbip_put32(h + SUBMIT_FLAGS, random32());
            usbip_put32(h + SUBMIT_LENGTH, random32() % 100);
            usbip_put32(h + SUBMIT_PACKETS, random32() % 3 ? 0 : random32() % 4);
            usbip_put32(h + SUBMIT_SETUP, random32());
            size += URB_SIZE;
            if (usbip_get32(h + URB_DIRECTION) == DIRECTION_OUT && random32() % 8)
                size += usbip_get32(h + SUBMIT_LENGTH);
        }
        for (unsigned n = random32() % 4; n > 0 && size > 0; n--)
            bytes[random32() % size] = (uint8_t)random32();
        if (random32() % 8 == 0)
            for (size = 0; size < 300; size++)
                bytes[size] = (uint8_t)random32();
        for (size_t at = 0; at < size;) {
            size_t piece = 1 + random32() % 400;
            piece = piece < size - at ? piece : size - at;
            (void)send(fd, bytes + at, piece, MSG_NOSIGNAL);
            at += piece;
            pump(f);
            if (f->host.queue && random32() % 2) {
                f->host.queue->actual = f->host.queue->length ? random32() % f->host.queue->length : 0;
                finish(&f->host, f->host.queue, random32() % 2 ? UH_OK : UH_STALL);
            }
            if (random32() % 16 == 0) {
                finish_all(&f->host, UH_GONE);
                f->host.attach_count++;
                f->wall += random32() % (60 * MS);
            }
        }
        (void)close(fd);
        f->wall += 51 * MS;
        pump(f);
        assert_int_equal(f->host.pending, 0);
    }
    assert_true(imported > 2000);
    int fd = importer(f);
    put_submit(f, fd, &(struct submit){.sequence = 1, .in = 1, .endpoint = 1, .length = 4});
    finish(&f->host, f->host.queue, UH_OK);
    expect(f, fd, RET_SUBMIT, 1, 0, 0);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_client_disappears), TEST(test_refused_transfers),
        TEST(test_thrown_out),        TEST(test_crowd),
        TEST(test_who_makes_way),     TEST(test_busy),
        TEST(test_not_reading),       TEST(test_rubbish),
    };
    return cmocka_run_group_tests_name("usbip_clients", tests, NULL, NULL);
}
