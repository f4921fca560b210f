/* A host that is fast and does not wait when it is told to: 19 transactions in a frame, GETSTATE again and
 * again while pages are compared, erased and programmed. A SETUP that meets the status stage of the last
 * request still unhandled goes unanswered, and after three of these in a row a host gives the request up
 * (USB 2.0 10.2.6). So whatever the writer does, USB's interrupt has its turn before that. */
#include "bench.h"
#include "fwflash.h"

enum { SIZE = 16 * 2048 };
static uint8_t image[SIZE], old[SIZE];

static unsigned refused, requests;

static void request(struct bench *t, uint32_t *random, uint8_t type, uint8_t number, uint16_t value,
                    void *data, uint16_t length)
{
    *random = *random * 1664525 + 1013904223;
    bench_run(t, (*random >> 16) % 60000); /* at any point of the writer's work */
    int r = usbhost_control(t->host, type, number, value, 0, data, length, NULL);
    requests++;
    if (r != UH_OK)
        refused++;
}

static void download(struct bench *t, uint32_t random)
{
    uint8_t status[6];
    for (unsigned i = 0; i < 3 * SIZE / PAGE; i++) {
        unsigned pages = SIZE / PAGE, page = i < pages ? i : (i - pages) / 2;
        uint32_t addr = SLOT + page * PAGE;
        uint8_t command[5] = {i < pages ? 0x41 : 0x21};
        memcpy(command + 1, &addr, 4);
        if (i < pages || (i - pages) % 2 == 0)
            request(t, &random, 0x21, DFU_REQ_DNLOAD, 0, command, 5);
        else
            request(t, &random, 0x21, DFU_REQ_DNLOAD, 2, image + page * PAGE, PAGE);
        request(t, &random, 0xA1, DFU_REQ_GETSTATUS, 0, status, 6);
        assert_int_equal(status[4], DFU_DNBUSY);
        for (unsigned again = 0; again < 20; again++)
            request(t, &random, 0xA1, DFU_REQ_GETSTATE, 0, status, 1);
        do {
            request(t, &random, 0xA1, DFU_REQ_GETSTATUS, 0, status, 6);
        } while (status[4] == DFU_DNBUSY && requests < 100000);
        assert_int_equal(status[0], 0);
    }
    assert_int_equal(dfu_end(t), MESSAGE_READY);
    expect_flash(t, SLOT, image, SIZE);
}

static void each_request_is_answered(void **state)
{
    (void)state;
    static const uint8_t wrong[8];
    unsigned runs = getenv("SUREBOOT_QUICK") ? 1 : 4;
    fill_image(image, SIZE, 1);
    /* over another image, over nothing, over the same one, over one that is the same but for every third page
     */
    for (unsigned kind = 0; kind < 4; kind++)
        for (unsigned run = 0; run < runs; run++) {
            fill_image(old, SIZE, kind >= 2 ? 1 : 2);
            for (unsigned at = 0; at < SIZE && kind == 3; at += 3 * PAGE)
                old[at + PAGE / 2] ^= 1;
            struct bench *t = bench_start_with(BOOT, NULL, 19);
            vboard_power(t->board, false, false);
            if (kind != 1) {
                assert_true(vboard_load_bytes(t->board, SLOT, old, SIZE));
                assert_true(vboard_load_bytes(t->board, SLOT, wrong, sizeof wrong));
            }
            vboard_power(t->board, true, false);
            in_dfu(t);
            download(t, kind * 1000 + run);
            bench_end(t);
        }
    printf("# %u requests, %u without an answer\n", requests, refused);
    assert_int_equal(refused, 0);
    assert_in_range(requests, 1000, 100000);
}

/* One that asks twice after each request, at once, and takes anything but dfuDNBUSY and dfuDNLOAD-IDLE for a
 * failure, as MicroPython's pydfu.py does; Betaflight's waits for the poll time in between. */
static void block(struct bench *t, uint16_t number, const void *data, uint16_t length)
{
    assert_int_equal(dfu_out(t, DFU_REQ_DNLOAD, number, data, length), UH_OK);
    assert_int_equal(dfu_get(t).state, DFU_DNBUSY);
    assert_int_equal(dfu_get(t).state, DFU_DNLOAD_IDLE);
}

static void command(struct bench *t, uint8_t code, uint32_t addr)
{
    uint8_t b[5] = {code};
    memcpy(b + 1, &addr, 4);
    block(t, 0, b, sizeof b);
}

static void asked_twice_and_no_more(void **state)
{
    (void)state;
    fill_image(image, SIZE, 1);
    fill_image(old, SIZE, 2);
    memset(old, 0, 8); /* nothing to start */
    for (unsigned all = 0; all < 2; all++) {
        struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, old, SIZE, NULL});
        in_dfu(t);
        if (all)
            block(t, 0, "\x41", 1);
        for (uint32_t at = 0; at < SIZE; at += PAGE) {
            if (!all)
                command(t, 0x41, SLOT + at);
            command(t, 0x21, SLOT + at);
            block(t, 2, image + at, PAGE);
        }
        command(t, 0x21, 0x08000000);
        assert_int_equal(dfu_out(t, DFU_REQ_DNLOAD, 0, NULL, 0), UH_OK);
        assert_int_equal(dfu_get(t).state, DFU_MANIFEST);
        bench_run(t, 100 * MS);
        assert_int_equal(t->handoffs, 1);
        expect_flash(t, SLOT, image, SIZE);
        bench_end(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_request_is_answered),
                                       cmocka_unit_test(asked_twice_and_no_more)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
