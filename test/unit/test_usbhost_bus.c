/* The in-process USB host and time: frames, NAKs, time-outs, re-enumeration, bus reset, suspend, the cable,
 * power, snapshots. */
#include "usbhost_rig.h"

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
    assert_in_range(vboard_now(b) - before, 140 * MS, 160 * MS); /* debounce, two resets, the address */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
