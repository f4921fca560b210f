/* The USB/IP protocol as Linux speaks it, and the device that comes and goes. */
#include "unit/usbip_double.h"

static void check_record(const uint8_t *r)
{
    assert_string_equal(r + DEV_BUS_ID, "1-1");
    assert_int_equal(usbip_get32(r + DEV_BUS_NUMBER), 1);
    assert_int_equal(usbip_get32(r + DEV_SPEED), 2);
    assert_int_equal(usbip_get16(r + DEV_VENDOR), 0x0483);
    assert_int_equal(usbip_get16(r + DEV_VENDOR + 2), 0x5740);
    assert_int_equal(usbip_get16(r + DEV_VENDOR + 4), 0x1234);
    static const uint8_t rest[6] = {0xEF, 2, 1,
                                    7,    1, 2}; /* class, configuration, configurations, interfaces */
    assert_memory_equal(r + DEV_VENDOR + 6, rest, sizeof rest);
}

static void test_list(void **state)
{
    struct fixture *f = *state;
    uint8_t reply[OP_SIZE + 4 + DEV_SIZE + 2 * 4];
    int fd = dial(f);
    put_op(f, fd, OP_REQ_DEVLIST, NULL);
    get(f, fd, reply, sizeof reply);
    static const uint8_t head[OP_SIZE + 4] = {1, 0x11, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1};
    assert_memory_equal(reply, head, sizeof head);
    check_record(reply + sizeof head);
    static const uint8_t interfaces[8] = {2, 2, 1, 0, 9, 8, 7, 0};
    assert_memory_equal(reply + sizeof head + DEV_SIZE, interfaces, sizeof interfaces);

    f->host.state = UH_DETACHED;
    put_op(f, fd, OP_REQ_DEVLIST, NULL);
    get(f, fd, reply, OP_SIZE + 4);
    assert_int_equal(usbip_get32(reply + OP_SIZE), 0);
    assert_true(silent(fd));
    (void)close(fd);
}

/* A client that asks and shuts down its side at once still gets its answer. */
static void test_half_closed(void **state)
{
    struct fixture *f = *state;
    uint8_t reply[OP_SIZE + 4];
    int fd = dial(f);
    uint8_t op[OP_SIZE] = {1, 0x11, 0x80, 5};
    assert_int_equal(send(fd, op, sizeof op, 0), sizeof op);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    pump(f);
    get(f, fd, reply, sizeof reply);
    assert_int_equal(usbip_get32(reply + OP_SIZE), 1);
    (void)close(fd);
}

static void test_import(void **state)
{
    struct fixture *f = *state;
    uint8_t record[DEV_SIZE] = {0};
    int fd = dial(f), other = dial(f);
    assert_int_equal(import_device(f, fd, "1-2", record), OP_STATUS_NO_DEVICE);
    assert_int_equal(f->host.resets, 0);
    assert_int_equal(import_device(f, fd, "1-1", record), 0);
    check_record(record);
    assert_int_equal(f->host.resets, 1);
    assert_int_equal(import_device(f, other, "1-1", record), OP_STATUS_BUSY);
    assert_int_equal(f->host.resets, 1);
    (void)close(fd);
    pump(f);
    assert_int_equal(f->host.resets, 2); /* released: no longer configured */
    assert_int_equal(import_device(f, other, "1-1", record), 0);
    (void)close(other);
    pump(f);
    f->host.state = UH_ATTACHED; /* pulled up, not enumerated yet */
    fd = dial(f);
    assert_int_equal(import_device(f, fd, "1-1", record), OP_STATUS_NO_DEVICE);
    (void)close(fd);
}

static void test_control_in(void **state)
{
    struct fixture *f = *state;
    static const uint8_t setup[8] = {0x80, 6, 0, 1, 0, 0, 18, 0};
    uint8_t data[18];
    int fd = importer(f);
    put_submit(f, fd, &(struct submit){.sequence = 1, .in = 1, .length = 18, .setup = setup});
    struct usbhost_transfer *t = f->host.queue;
    assert_non_null(t);
    assert_int_equal(t->endpoint, 0x80);
    assert_memory_equal(t->setup, setup, 8);
    assert_int_equal(t->length, 18);
    memcpy(t->data, device_descriptor, 18);
    t->actual = 18;
    finish(&f->host, t, UH_OK);
    expect(f, fd, RET_SUBMIT, 1, 0, 18);
    get(f, fd, data, 18);
    assert_memory_equal(data, device_descriptor, 18);

    put_submit(f, fd, &(struct submit){.sequence = 2, .in = 1, .length = 18, .setup = setup});
    finish(&f->host, f->host.queue, UH_STALL);
    expect(f, fd, RET_SUBMIT, 2, -32, 0);
    assert_true(silent(fd));
    (void)close(fd);
}

/* Linux's port reset is seen by the 64 bytes of device descriptor that it asks for afterwards. */
static void test_port_reset(void **state)
{
    struct fixture *f = *state;
    static const uint8_t get64[8] = {0x80, 6, 0, 1, 0, 0, 64, 0}, get18[8] = {0x80, 6, 0, 1, 0, 0, 18, 0};
    int fd = importer(f);
    put_submit(f, fd, &(struct submit){.sequence = 1, .in = 1, .endpoint = 2, .length = 64});
    assert_int_equal(f->host.resets, 1);
    put_submit(f, fd, &(struct submit){.sequence = 2, .in = 1, .length = 18, .setup = get18});
    assert_int_equal(f->host.resets, 1);
    put_unlink(f, fd, 3, 1);
    expect(f, fd, RET_UNLINK, 3, -104, 0);
    put_unlink(f, fd, 4, 2);
    expect(f, fd, RET_UNLINK, 4, -104, 0);
    put_submit(f, fd, &(struct submit){.sequence = 5, .in = 1, .length = 64, .setup = get64});
    assert_int_equal(f->host.resets, 2);
    assert_int_equal(f->host.pending, 1); /* the request itself goes to the device, after the reset */
    f->host.queue->actual = 18;
    finish(&f->host, f->host.queue, UH_OK);
    expect(f, fd, RET_SUBMIT, 5, 0, 18);
    (void)close(fd);
}

/* The same request of a program or of the driver usbtest is not preceded by one. */
static void test_no_port_reset(void **state)
{
    struct fixture *f = *state;
    static const uint8_t get64[8] = {0x80, 6, 0, 1, 0, 0, 64, 0};
    int fd = importer(f);
    put_submit(f, fd, &(struct submit){.sequence = 1, .in = 1, .endpoint = 2, .length = 64});
    put_submit(f, fd, &(struct submit){.sequence = 2, .in = 1, .length = 64, .setup = get64});
    assert_int_equal(f->host.resets, 1);
    assert_int_equal(f->host.pending, 2);
    put_unlink(f, fd, 3, 1);
    expect(f, fd, RET_UNLINK, 3, -104, 0);
    put_unlink(f, fd, 4, 2);
    expect(f, fd, RET_UNLINK, 4, -104, 0);
    put_submit(
        f, fd,
        &(struct submit){.sequence = 5, .in = 1, .flags = FLAG_SHORT_NOT_OK, .length = 64, .setup = get64});
    assert_int_equal(f->host.resets, 1);
    assert_int_equal(f->host.pending, 1);
    (void)close(fd);
}

static void test_bulk_out(void **state)
{
    struct fixture *f = *state;
    uint8_t data[1000], message[URB_SIZE + sizeof data] = {0};
    int fd = importer(f);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    usbip_put32(message + URB_COMMAND, CMD_SUBMIT);
    usbip_put32(message + URB_SEQUENCE, 9);
    usbip_put32(message + URB_ENDPOINT, 3);
    usbip_put32(message + SUBMIT_FLAGS, FLAG_ZERO_PACKET);
    usbip_put32(message + SUBMIT_LENGTH, sizeof data);
    usbip_put32(message + SUBMIT_PACKETS, UINT32_MAX); /* also means: not isochronous */
    memcpy(message + URB_SIZE, data, sizeof data);
    for (size_t i = 0; i < sizeof message; i++) { /* however TCP cuts it up */
        assert_null(f->host.queue);
        put(f, fd, message + i, 1);
    }
    struct usbhost_transfer *t = f->host.queue;
    assert_non_null(t);
    assert_int_equal(t->endpoint, 3);
    assert_int_equal(t->length, sizeof data);
    assert_memory_equal(t->data, data, sizeof data);
    assert_true(t->zero_packet);
    assert_false(t->short_not_ok);
    t->actual = 640;
    finish(&f->host, t, UH_NO_ANSWER);
    expect(f, fd, RET_SUBMIT, 9, -71, 640);
    assert_true(silent(fd));

    put_submit(f, fd, &(struct submit){.sequence = 10, .endpoint = 3}); /* nothing to send */
    assert_non_null(f->host.queue);
    finish(&f->host, f->host.queue, UH_OK);
    expect(f, fd, RET_SUBMIT, 10, 0, 0);
    (void)close(fd);
}

static void test_short_not_ok(void **state)
{
    struct fixture *f = *state;
    int fd = importer(f);
    put_submit(
        f, fd,
        &(struct submit){.sequence = 5, .in = 1, .endpoint = 1, .flags = FLAG_SHORT_NOT_OK, .length = 8});
    assert_true(f->host.queue->short_not_ok);
    assert_false(f->host.queue->zero_packet);
    f->host.queue->actual = 3;
    memcpy(f->host.queue->data, "abc", 3);
    finish(&f->host, f->host.queue, UH_SHORT);
    expect(f, fd, RET_SUBMIT, 5, -121, 3);
    char data[3];
    get(f, fd, data, 3);
    assert_memory_equal(data, "abc", 3);
    (void)close(fd);
}

static void test_unlink(void **state)
{
    struct fixture *f = *state;
    int fd = importer(f);
    for (uint32_t i = 1; i <= 3; i++)
        put_submit(f, fd, &(struct submit){.sequence = i, .in = 1, .endpoint = 1, .length = 64});
    put_unlink(f, fd, 4, 2);
    expect(f, fd, RET_UNLINK, 4, -104, 0);
    assert_true(silent(fd)); /* no answer to 2 */
    assert_int_equal(f->host.pending, 2);
    finish(&f->host, f->host.queue, UH_OK);
    expect(f, fd, RET_SUBMIT, 3, 0, 0);
    put_unlink(f, fd, 5, 3);
    expect(f, fd, RET_UNLINK, 5, 0, 0);
    put_unlink(f, fd, 6, 77);
    expect(f, fd, RET_UNLINK, 6, 0, 0);
    finish(&f->host, f->host.queue, UH_OK);
    expect(f, fd, RET_SUBMIT, 1, 0, 0);
    (void)close(fd);
}

static void test_device_leaves(void **state)
{
    struct fixture *f = *state;
    int fd = importer(f);
    put_submit(f, fd, &(struct submit){.sequence = 1, .in = 1, .endpoint = 1, .length = 64});
    f->host.state = UH_DETACHED;
    finish_all(&f->host, UH_GONE); /* as the host does */
    pump(f);
    expect(f, fd, RET_SUBMIT, 1, -108, 0);
    put_submit(f, fd, &(struct submit){.sequence = 2, .in = 1, .endpoint = 1, .length = 64});
    expect(f, fd, RET_SUBMIT, 2, -108, 0);
    unsigned resets = f->host.resets;
    f->wall += 49 * MS;
    pump(f);
    put_submit(f, fd,
               &(struct submit){.sequence = 3, .endpoint = 1, .length = 3, .data = (const uint8_t *)"abc"});
    expect(f, fd, RET_SUBMIT, 3, -108, 0);
    assert_true(silent(fd));
    f->wall += 1 * MS;
    assert_true(closed(f, fd));
    assert_int_equal(f->host.resets, resets);
    (void)close(fd);
    f->host.state = UH_ADDRESSED;
    f->host.attach_count++;
    pump(f);
    (void)close(importer(f));
}

/* Off the bus and back between two looks is a disconnect as well; transfers that were queued for the
 * new device in between do not get to it. */
static void test_device_blinks(void **state)
{
    struct fixture *f = *state;
    uint8_t record[DEV_SIZE] = {0};
    int fd = importer(f), other = dial(f);
    put_submit(f, fd, &(struct submit){.sequence = 1, .in = 1, .endpoint = 1, .length = 64});
    f->host.attach_count++;
    pump(f);
    expect(f, fd, RET_SUBMIT, 1, -108, 0);
    put_submit(f, fd, &(struct submit){.sequence = 2, .in = 1, .endpoint = 1, .length = 64});
    expect(f, fd, RET_SUBMIT, 2, -108, 0);
    assert_int_equal(f->host.pending, 0);
    assert_int_equal(import_device(f, other, "1-1", record), OP_STATUS_BUSY);
    f->wall += 50 * MS;
    assert_true(closed(f, fd));
    assert_int_equal(import_device(f, other, "1-1", record), 0);
    assert_int_equal(usbip_get32(record + DEV_NUMBER), 2);
    (void)close(fd);
    (void)close(other);
}

/* The device leaves while the data of an OUT transfer is on its way. */
static void test_device_leaves_in_data(void **state)
{
    struct fixture *f = *state;
    int fd = importer(f);
    put_submit(f, fd, &(struct submit){.sequence = 1, .endpoint = 1, .length = 100});
    put(f, fd, "0123456789", 10);
    f->host.state = UH_DETACHED;
    pump(f);
    uint8_t rest[90] = {0};
    put(f, fd, rest, sizeof rest);
    expect(f, fd, RET_SUBMIT, 1, -108, 0);
    f->wall += 50 * MS;
    assert_true(closed(f, fd));
    (void)close(fd);
}

static void test_cannot_listen(void **state)
{
    struct fixture *f = *state;
    char error[200] = "";
    assert_null(
        usbip_open(&f->host, &(struct usbip_config){.port = usbip_port(f->server)}, error, sizeof error));
    assert_non_null(strstr(error, "Address already in use"));
    assert_null(usbip_open(&f->host, &(struct usbip_config){.address = "example"}, error, sizeof error));
    assert_non_null(strstr(error, "example is not a numeric IP address"));
    assert_null(usbip_open(&f->host, &(struct usbip_config){.address = "203.0.113.1"}, error, sizeof error));
    assert_non_null(strstr(error, "203.0.113.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_list),          TEST(test_half_closed),   TEST(test_import),
        TEST(test_control_in),    TEST(test_port_reset),    TEST(test_no_port_reset),
        TEST(test_bulk_out),      TEST(test_short_not_ok),  TEST(test_unlink),
        TEST(test_device_leaves), TEST(test_device_blinks), TEST(test_device_leaves_in_data),
        TEST(test_cannot_listen),
    };
    return cmocka_run_group_tests_name("usbip", tests, NULL, NULL);
}
