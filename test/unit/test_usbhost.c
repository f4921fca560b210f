/* The in-process USB host against a device without firmware (soft_device.h): enumeration, control, bulk
 * and interrupt transfers, frames and NAKs, time-outs, stalls, re-enumeration, suspend, snapshots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host/usbhost.h"
#include "soft_device.h"
#include "vboard.h"

static struct vboard *b;
static struct usbhost *h;
static struct soft_device *d;
static char events[400];

enum { MS = 1000000 };

static void on_event(void *arg, const struct vboard_event *e)
{
    (void)arg;
    size_t n = strlen(events);
    if (e->kind == VE_USB)
        snprintf(events + n, sizeof events - n, "%s ", e->name);
}

static void begin(unsigned packet0, const struct usbhost_config *config)
{
    struct vboard_config board = {.seed = 1};
    b = vboard_create(&board);
    assert_non_null(b);
    events[0] = '\0';
    vboard_on_event(b, on_event, NULL);
    h = usbhost_create(b, config);
    assert_non_null(h);
    d = soft_device_create(b, packet0);
}

static int end(void **state)
{
    (void)state;
    soft_device_destroy(d);
    usbhost_destroy(h);
    vboard_destroy(b);
    return 0;
}

static void run_ms(unsigned ms)
{
    vboard_run(b, (uint64_t)ms * MS, NULL, NULL);
}

/* Enumerated and configured. */
static int ready(void **state)
{
    (void)state;
    const struct usbhost_config config = {.enumerate = true};
    begin(64, &config);
    assert_true(usbhost_wait_attached(h, 1000 * (uint64_t)MS));
    assert_int_equal(usbhost_configure(h, 1), UH_OK);
    return 0;
}

static void fill(uint8_t *data, unsigned size, unsigned start)
{
    for (unsigned i = 0; i < size; i++)
        data[i] = (uint8_t)(start + i * 7 + i / 251);
}

static int vendor(uint8_t request, unsigned value, void *data, unsigned length, bool in, uint32_t *actual)
{
    return usbhost_control(h, in ? 0xC0 : 0x40, request, (uint16_t)value, 0, data, (uint16_t)length, actual);
}

/* ---- enumeration -------------------------------------------------------------------------- */

static void test_enumeration(void **state)
{
    static const unsigned sizes[] = {8, 16, 32, 64};
    const struct usbhost_config config = {.enumerate = true};
    for (unsigned i = 0; i < 4; i++) {
        begin(sizes[i], &config);
        assert_int_equal(usbhost_state(h), UH_ATTACHED);
        assert_true(usbhost_wait_attached(h, 1000 * (uint64_t)MS));
        assert_int_equal(usbhost_state(h), UH_ADDRESSED);
        assert_int_equal(soft_seen(d)->address, 1);
        assert_int_equal(soft_seen(d)->resets, 2); /* before the first request and before the address */
        assert_int_equal(usbhost_configure(h, 1), UH_OK);
        assert_int_equal(usbhost_state(h), UH_CONFIGURED);
        assert_int_equal(soft_seen(d)->configured, 1);
        assert_string_equal(events, "attached reset addressed configured ");
        end(state);
    }
    begin(64, &config);
}

static bool two_resets(void *arg)
{
    (void)arg;
    return soft_seen(d)->resets == 2;
}

static bool one_setup(void *arg)
{
    (void)arg;
    return soft_seen(d)->setups == 1;
}

/* A device that polls every millisecond still learns that the first request is over before the reset. */
static void test_reset_takes_a_decision(void **state)
{
    const struct usbhost_config config = {.enumerate = true};
    begin(64, &config);
    assert_int_equal(vboard_run(b, 1000 * (uint64_t)MS, one_setup, NULL), VB_CONDITION);
    uint64_t before = vboard_now(b);
    assert_int_equal(vboard_run(b, 1000 * (uint64_t)MS, two_resets, NULL), VB_CONDITION);
    assert_in_range(vboard_now(b) - before, 1 * MS, 3 * MS);
    (void)state;
}

/* Without `enumerate` the host resets the bus and leaves the rest to its user. */
static void test_no_enumeration(void **state)
{
    (void)state;
    uint8_t device[18];
    uint32_t n;
    const struct usbhost_config config = {.enumerate = false};
    begin(8, &config);
    run_ms(200);
    assert_int_equal(usbhost_state(h), UH_RESET);
    assert_int_equal(soft_seen(d)->setups, 0);
    assert_int_equal(usbhost_control(h, 0x80, 6, 0x100, 0, device, 8, &n), UH_OK);
    assert_int_equal(device[7], 8);
    assert_int_equal(usbhost_control(h, 0x80, 6, 0x100, 0, device, 18, &n), UH_OK);
    assert_int_equal(n, 18); /* three packets: the host has learnt the size from the first request */
    assert_int_equal(usbhost_control(h, 0x00, 5, 42, 0, NULL, 0, NULL), UH_OK);
    assert_int_equal(usbhost_state(h), UH_ADDRESSED);
    run_ms(2);
    assert_int_equal(soft_seen(d)->address, 42);
    assert_int_equal(usbhost_control(h, 0x80, 6, 0x100, 0, device, 18, &n), UH_OK);
}

static void test_mute_device_is_given_up(void **state)
{
    (void)state;
    const struct usbhost_config config = {.enumerate = true};
    begin(64, &config);
    soft_device_destroy(d); /* attached, but nobody serves it */
    assert_false(usbhost_wait_attached(h, 2000 * (uint64_t)MS));
    assert_int_equal(usbhost_state(h), UH_ATTACHED);
    struct usbhost_transfer t = {.endpoint = 0, .setup = {0x80, 6, 0, 1, 0, 0, 18, 0}};
    assert_false(usbhost_submit(h, &t));
    vboard_power(b, false, false);
    d = soft_device_create(b, 64);
}

/* ---- control ------------------------------------------------------------------------------ */

static void test_control_data(void **state)
{
    (void)state;
    static const unsigned sizes[] = {0, 1, 7, 63, 64, 65, 128, 200, 2048, 4096};
    uint8_t out[4096], in[4096];
    uint32_t n;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned size = sizes[i];
        fill(out, size, i);
        assert_int_equal(vendor(SOFT_STORE, 0, out, size, false, &n), UH_OK);
        assert_int_equal(n, size);
        if (size == 0)
            continue;
        memset(in, 0, sizeof in);
        assert_int_equal(vendor(SOFT_FETCH, 4096, in, size, true, &n), UH_OK); /* exactly */
        assert_int_equal(n, size);
        assert_memory_equal(in, out, size);
        if (size < 4096) {
            assert_int_equal(vendor(SOFT_FETCH, 4096, in, size + 1, true, &n), UH_OK); /* short, or a ZLP */
            assert_int_equal(n, size);
        }
    }
}

static void test_control_faults(void **state)
{
    (void)state;
    uint8_t data[64];
    uint32_t n;
    assert_int_equal(vendor(SOFT_STALL, 0, NULL, 0, false, NULL), UH_STALL);
    assert_int_equal(vendor(SOFT_STALL, 0, data, 8, true, &n), UH_STALL);
    assert_int_equal(vendor(SOFT_STORE, 0, data, 8, false, &n), UH_OK); /* the next SETUP clears it */
    assert_int_equal(vendor(SOFT_FLOOD, 0, data, 4, true, &n), UH_OVERFLOW);
    uint64_t before = vboard_now(b);
    assert_int_equal(vendor(SOFT_NEVER, 0, NULL, 0, false, NULL), UH_TIMEOUT);
    assert_in_range(vboard_now(b) - before, 5000 * (uint64_t)MS, 5002 * (uint64_t)MS);
    before = vboard_now(b);
    assert_int_equal(vendor(SOFT_MUTE, 0, NULL, 0, false, NULL), UH_NO_ANSWER);
    assert_true(vboard_now(b) - before < 2 * MS); /* three tries */
}

/* ---- bulk --------------------------------------------------------------------------------- */

struct bulk {
    struct usbhost_transfer t;
    uint8_t data[8192];
    unsigned done;
};

static void bulk_done(struct usbhost_transfer *t, void *arg)
{
    (void)t;
    ((struct bulk *)arg)->done++;
}

static void start(struct bulk *x, uint8_t endpoint, unsigned length)
{
    x->done = 0;
    x->t = (struct usbhost_transfer){
        .endpoint = endpoint, .data = x->data, .length = length, .done = bulk_done, .arg = x};
    assert_true(usbhost_submit(h, &x->t));
}

static void test_bulk_loop(void **state)
{
    (void)state;
    static struct bulk out, in;
    static const unsigned sizes[] = {1, 63, 65, 100, 4095, 8191};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(&in, 0, sizeof in);
        fill(out.data, sizes[i], i);
        start(&out, 0x01, sizes[i]);
        start(&in, 0x82, sizeof in.data); /* ends with the short packet */
        run_ms(1000);
        assert_int_equal(out.done, 1);
        assert_int_equal(in.done, 1);
        assert_int_equal(out.t.status, UH_OK);
        assert_int_equal(in.t.status, UH_OK);
        assert_int_equal(out.t.actual, sizes[i]);
        assert_int_equal(in.t.actual, sizes[i]);
        assert_memory_equal(in.data, out.data, sizes[i]);
    }
}

static void test_zero_packet(void **state)
{
    (void)state;
    static struct bulk out, in;
    fill(out.data, 128, 3);
    out.t = (struct usbhost_transfer){.endpoint = 1, .data = out.data, .length = 128, .zero_packet = true};
    assert_true(usbhost_submit(h, &out.t));
    start(&in, 0x82, 512);
    run_ms(20);
    assert_int_equal(in.done, 1); /* ended by the zero-length packet */
    assert_int_equal(in.t.actual, 128);
    out.t.zero_packet = false;
    assert_true(usbhost_submit(h, &out.t));
    start(&in, 0x82, 512);
    run_ms(20);
    assert_int_equal(out.t.status, UH_OK);
    assert_int_equal(in.done, 0); /* not ended */
    assert_int_equal(in.t.actual, 128);
    usbhost_cancel(h, &in.t);
    assert_int_equal(in.done, 1);
    assert_int_equal(in.t.status, UH_CANCELLED);
    usbhost_cancel(h, &in.t);
    assert_int_equal(in.done, 1);

    static uint8_t none[1];
    assert_int_equal(usbhost_bulk(h, 0x01, none, 0, 0, NULL), UH_OK); /* an empty transfer is a packet */
    start(&in, 0x82, 64);
    in.t.short_not_ok = true;
    run_ms(20);
    assert_int_equal(in.t.status, UH_SHORT);
}

static void test_stall_and_toggles(void **state)
{
    (void)state;
    uint8_t data[64] = {1}, back[64];
    uint32_t n;
    for (int i = 0; i < 3; i++) { /* an odd number of packets: toggles stand at 1 */
        assert_int_equal(usbhost_bulk(h, 0x01, data, 10, 0, &n), UH_OK);
        assert_int_equal(usbhost_bulk(h, 0x82, back, 64, 0, &n), UH_OK);
        assert_int_equal(n, 10);
    }
    assert_int_equal(vendor(SOFT_HALT, 0, NULL, 0, false, NULL), UH_OK);
    assert_int_equal(usbhost_bulk(h, 0x82, back, 64, 0, &n), UH_STALL);
    assert_int_equal(usbhost_control(h, 0x02, 1, 0, 0x82, NULL, 0, NULL), UH_OK); /* both sides at DATA0 */
    assert_int_equal(usbhost_bulk(h, 0x01, data, 11, 0, &n), UH_OK);
    assert_int_equal(usbhost_bulk(h, 0x82, back, 64, 100 * MS, &n), UH_OK);
    assert_int_equal(n, 11);
    assert_int_equal(usbhost_configure(h, 1), UH_OK);
    assert_int_equal(usbhost_bulk(h, 0x01, data, 12, 100 * MS, &n), UH_OK);
    assert_int_equal(usbhost_bulk(h, 0x82, back, 64, 100 * MS, &n), UH_OK);
    assert_int_equal(n, 12);
    /* Alternate setting 1 has packets of 32 bytes on this endpoint: 33 do not fit. */
    assert_int_equal(usbhost_control(h, 0x01, 11, 1, 0, NULL, 0, NULL), UH_OK);
    assert_int_equal(usbhost_bulk(h, 0x01, data, 33, 100 * MS, &n), UH_OK);
    assert_int_equal(usbhost_bulk(h, 0x82, back, 64, 100 * MS, &n), UH_OVERFLOW);
}

/* A packet with the toggle of the last one is a repetition: acknowledged and dropped. */
static void test_repetition_is_dropped(void **state)
{
    (void)state;
    static struct bulk in;
    uint8_t data[64] = {1};
    assert_int_equal(vendor(SOFT_FLIP, 0, NULL, 0, false, NULL), UH_OK);
    start(&in, 0x82, 64);
    assert_int_equal(usbhost_bulk(h, 0x01, data, 10, 100 * MS, NULL), UH_OK);
    run_ms(5);
    assert_int_equal(in.t.status, UH_PENDING);
    assert_int_equal(usbhost_bulk(h, 0x01, data, 11, 100 * MS, NULL), UH_OK);
    run_ms(5);
    assert_int_equal(in.t.status, UH_OK);
    assert_int_equal(in.t.actual, 11);
}

/* ---- frames ------------------------------------------------------------------------------- */

static void test_transactions_per_frame(void **state)
{
    static const unsigned numbers[] = {1, 3, 10, 19};
    for (unsigned i = 0; i < 4; i++) {
        const struct usbhost_config config = {.per_frame = numbers[i], .enumerate = true};
        static struct bulk in;
        begin(64, &config);
        assert_true(usbhost_wait_attached(h, 2000 * (uint64_t)MS));
        assert_int_equal(usbhost_configure(h, 1), UH_OK);
        start(&in, 0x82, 64); /* NAKed in every slot */
        run_ms(1);
        uint32_t before = in.t.naks;
        run_ms(50);
        assert_in_range(in.t.naks - before, 50 * numbers[i] - 2, 50 * numbers[i] + 2);
        end(state);
    }
    ready(state);
}

/* Two NAKed endpoints share the frame. */
static void test_fair_share(void **state)
{
    (void)state;
    static struct bulk in, control;
    start(&in, 0x82, 64);
    control.t = (struct usbhost_transfer){.setup = {0x40, SOFT_NEVER}};
    assert_true(usbhost_submit(h, &control.t));
    run_ms(100);
    assert_in_range(in.t.naks, 480, 520);
    assert_in_range(control.t.naks, 480, 520);
    usbhost_cancel(h, &control.t);
    usbhost_cancel(h, &in.t);
}

/* A stage of a control transfer takes a slot; the next transfer begins in the frame in which the last one
 * ended: with ten slots a frame, ten requests of two stages take two frames. */
static void test_transfers_share_frames(void **state)
{
    (void)state;
    assert_int_equal(vendor(SOFT_STORE, 0, NULL, 0, false, NULL), UH_OK);
    uint64_t before = vboard_now(b);
    for (int i = 0; i < 10; i++)
        assert_int_equal(vendor(SOFT_STORE, 0, NULL, 0, false, NULL), UH_OK);
    assert_in_range(vboard_now(b) - before, 1900000, 2100000);
}

static void test_naks_delay(void **state)
{
    (void)state;
    uint64_t before = vboard_now(b);
    assert_int_equal(vendor(SOFT_NAKS, 30, NULL, 0, false, NULL), UH_OK);
    assert_in_range(vboard_now(b) - before, 30 * MS, 31 * MS);
}

static void report_done(struct usbhost_transfer *t, void *arg)
{
    unsigned *reports = arg;
    assert_int_equal(t->status, UH_OK);
    assert_int_equal(t->actual, 8);
    assert_memory_equal(t->data, "report\0", 8);
    if (++*reports < 1000)
        assert_true(usbhost_submit(h, t));
}

static void test_interrupt_interval(void **state)
{
    (void)state;
    static uint8_t data[8];
    unsigned reports = 0;
    struct usbhost_transfer t = {
        .endpoint = 0x83, .data = data, .length = 8, .done = report_done, .arg = &reports};
    assert_true(usbhost_submit(h, &t));
    run_ms(1000);
    assert_in_range(reports, 198, 202); /* bInterval 5 */
    assert_in_range(soft_seen(d)->interrupts, 198, 202);
    reports = 1000;
    t.done = NULL;
    usbhost_cancel(h, &t);
}

static void test_timeout_and_cancel(void **state)
{
    (void)state;
    static struct bulk first, second;
    uint8_t data[64];
    uint64_t before = vboard_now(b);
    assert_int_equal(usbhost_bulk(h, 0x82, data, 64, 25 * MS, NULL), UH_TIMEOUT);
    assert_in_range(vboard_now(b) - before, 25 * MS, 25 * MS + 1000);
    start(&first, 0x82, 64);
    start(&second, 0x82, 64);
    run_ms(1);
    usbhost_cancel(h, &first.t);
    assert_int_equal(first.t.status, UH_CANCELLED);
    assert_int_equal(usbhost_bulk(h, 0x01, data, 5, 100 * MS, NULL), UH_OK);
    run_ms(1);
    assert_int_equal(second.t.status, UH_OK);
    assert_int_equal(second.t.actual, 5);
}

/* ---- coming and going --------------------------------------------------------------------- */

static void test_reenumeration(void **state)
{
    (void)state;
    static struct bulk in;
    start(&in, 0x82, 64);
    run_ms(1);
    assert_int_equal(usbhost_attach_count(h), 1);
    events[0] = '\0';
    soft_detach(d); /* DPPU down and up again, in no time */
    assert_int_equal(in.t.status, UH_GONE);
    assert_int_equal(in.done, 1);
    assert_int_equal(usbhost_state(h), UH_DETACHED);
    assert_false(usbhost_submit(h, &in.t));
    soft_attach(d);
    assert_int_equal(usbhost_state(h), UH_ATTACHED);
    assert_int_equal(usbhost_attach_count(h), 2);
    uint64_t before = vboard_now(b);
    assert_true(usbhost_wait_attached(h, 1000 * (uint64_t)MS));
    assert_in_range(vboard_now(b) - before, 130 * MS, 150 * MS); /* debounce and two resets */
    assert_string_equal(events, "detached attached reset addressed ");
    assert_int_equal(soft_seen(d)->address, 2);
}

static void test_bus_reset(void **state)
{
    (void)state;
    static struct bulk in;
    uint32_t n;
    uint8_t device[18];
    start(&in, 0x82, 64);
    usbhost_bus_reset_start(h);
    assert_int_equal(in.t.status, UH_GONE);
    assert_int_equal(usbhost_state(h), UH_RESET);
    usbhost_bus_reset(h);
    assert_int_equal(usbhost_state(h), UH_ADDRESSED);
    assert_int_equal(usbhost_attach_count(h), 1);
    assert_int_equal(soft_seen(d)->address, 1);
    assert_int_equal(usbhost_control(h, 0x80, 6, 0x100, 0, device, 18, &n), UH_OK);
    assert_int_equal(n, 18);
}

/* A transfer that is submitted while the bus is being reset waits for the address. */
static void test_submit_during_reset(void **state)
{
    (void)state;
    static struct bulk x;
    usbhost_bus_reset_start(h);
    x.done = 0;
    x.t = (struct usbhost_transfer){
        .setup = {0x80, 6, 0, 1, 0, 0, 18, 0}, .data = x.data, .length = 18, .done = bulk_done, .arg = &x};
    assert_true(usbhost_submit(h, &x.t));
    run_ms(100);
    assert_int_equal(x.t.status, UH_OK);
    assert_int_equal(x.t.actual, 18);
}

static void test_cable(void **state)
{
    (void)state;
    static struct bulk in;
    start(&in, 0x82, 64);
    usbhost_plug(h, false);
    assert_int_equal(in.t.status, UH_GONE);
    assert_int_equal(usbhost_state(h), UH_DETACHED);
    unsigned wakes = soft_seen(d)->wakes, suspends = soft_seen(d)->suspends;
    run_ms(10);
    assert_int_equal(soft_seen(d)->suspends, suspends + 1); /* nobody sends SOF any more */
    usbhost_plug(h, true);
    assert_true(usbhost_wait_attached(h, 1000 * (uint64_t)MS));
    assert_int_equal(soft_seen(d)->wakes, wakes + 1);
}

static void test_suspend(void **state)
{
    (void)state;
    uint8_t data[64];
    static struct bulk out;
    unsigned wakes = soft_seen(d)->wakes, suspends = soft_seen(d)->suspends;
    events[0] = '\0';
    run_ms(20);
    assert_int_equal(soft_seen(d)->suspends, suspends); /* SOF keeps it awake */
    usbhost_suspend(h, true);
    assert_int_equal(usbhost_state(h), UH_SUSPENDED);
    run_ms(2);
    assert_int_equal(soft_seen(d)->suspends, suspends);
    run_ms(2);
    assert_int_equal(soft_seen(d)->suspends, suspends + 1);
    start(&out, 0x01, 5);
    run_ms(50);
    assert_int_equal(out.t.status, UH_PENDING); /* waits */
    assert_int_equal(soft_seen(d)->wakes, wakes);
    usbhost_suspend(h, false);
    run_ms(1);
    assert_int_equal(soft_seen(d)->wakes, wakes + 1);
    run_ms(35); /* 20 ms of resume, 10 ms of recovery */
    assert_int_equal(usbhost_state(h), UH_CONFIGURED);
    assert_int_equal(out.t.status, UH_OK);
    assert_int_equal(usbhost_bulk(h, 0x82, data, 64, 100 * MS, NULL), UH_OK);
    assert_string_equal(events, "suspended configured ");
    run_ms(20);
    assert_int_equal(soft_seen(d)->suspends, suspends + 1);
}

static void test_remote_wake(void **state)
{
    (void)state;
    unsigned wakes = soft_seen(d)->wakes;
    usbhost_suspend(h, true);
    run_ms(10);
    soft_remote_wake(d);
    run_ms(40);
    assert_int_equal(usbhost_state(h), UH_CONFIGURED);
    assert_int_equal(soft_seen(d)->wakes, wakes + 1);
}

static void test_power_loss(void **state)
{
    (void)state;
    static struct bulk in;
    start(&in, 0x82, 64);
    vboard_power(b, false, false);
    assert_int_equal(in.t.status, UH_GONE);
    assert_int_equal(usbhost_state(h), UH_DETACHED);
}

/* ---- snapshots ---------------------------------------------------------------------------- */

/* Taken in the middle of a transfer, restored twice: the same bytes at the same time. */
static void test_snapshot(void **state)
{
    (void)state;
    static struct bulk out, in;
    struct bulk was_out, was_in;
    fill(out.data, 2000, 9);
    start(&out, 0x01, 2000);
    start(&in, 0x82, 4096);
    run_ms(3);
    assert_in_range(in.t.actual, 1, 1999);
    struct vboard_snapshot *s = vboard_save(b);
    assert_non_null(s);
    was_out = out;
    was_in = in;
    uint64_t times[3];
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            usbhost_plug(h, i == 1); /* whatever happened since */
            vboard_restore(b, s);
            out = was_out;
            in = was_in;
        }
        while (in.t.status == UH_PENDING)
            vboard_run(b, 1000, NULL, NULL);
        times[i] = vboard_now(b);
        assert_int_equal(in.t.status, UH_OK);
        assert_int_equal(in.t.actual, 2000);
        assert_memory_equal(in.data, out.data, 2000);
        run_ms(5 * (unsigned)i);
    }
    assert_int_equal(times[0], times[1]);
    assert_int_equal(times[0], times[2]);
    vboard_snapshot_free(s);
}

#define with(setup, test) cmocka_unit_test_setup_teardown(test, setup, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with(NULL, test_enumeration),
        with(NULL, test_reset_takes_a_decision),
        with(NULL, test_no_enumeration),
        with(NULL, test_mute_device_is_given_up),
        with(ready, test_control_data),
        with(ready, test_control_faults),
        with(ready, test_bulk_loop),
        with(ready, test_zero_packet),
        with(ready, test_stall_and_toggles),
        with(ready, test_repetition_is_dropped),
        with(NULL, test_transactions_per_frame),
        with(ready, test_fair_share),
        with(ready, test_transfers_share_frames),
        with(ready, test_naks_delay),
        with(ready, test_interrupt_interval),
        with(ready, test_timeout_and_cancel),
        with(ready, test_reenumeration),
        with(ready, test_bus_reset),
        with(ready, test_submit_during_reset),
        with(ready, test_cable),
        with(ready, test_suspend),
        with(ready, test_remote_wake),
        with(ready, test_power_loss),
        with(ready, test_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
