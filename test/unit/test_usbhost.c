/* The in-process USB host against a device without firmware: enumeration, control and bulk transfers,
 * stalls, toggles. */
#include "usbhost_rig.h"

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

/* TinyUSB that prints what it does at 115200 baud takes its address 4 ms late, and works on Linux. */
static void test_slow_address(void **state)
{
    (void)state;
    const struct usbhost_config config = {.enumerate = true};
    begin(64, &config);
    soft_slow_address(d, 8000);
    assert_true(usbhost_wait_attached(h, 1000 * (uint64_t)MS));
    assert_int_equal(soft_seen(d)->resets, 2); /* at the first try */
    uint8_t device[18];
    for (int i = 0; i < 2; i++) { /* as well behind a reset on request, which sets the address again */
        assert_int_equal(usbhost_control(h, 0x80, 6, 0x100, 0, device, 18, NULL), UH_OK);
        usbhost_bus_reset(h);
    }
    assert_int_equal(usbhost_state(h), UH_ADDRESSED);
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
    for (unsigned i = 0; i < 2; i++) {
        assert_true(usbhost_submit(h, &out.t));
        start(&in, 0x82, 512);
        run_ms(20);
        assert_int_equal(in.done, 1); /* ended by the zero-length packet */
        assert_int_equal(in.t.actual, 128);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        with(NULL, test_enumeration),
        with(NULL, test_reset_takes_a_decision),
        with(NULL, test_slow_address),
        with(NULL, test_no_enumeration),
        with(NULL, test_mute_device_is_given_up),
        with(ready, test_control_data),
        with(ready, test_control_faults),
        with(ready, test_bulk_loop),
        with(ready, test_zero_packet),
        with(ready, test_stall_and_toggles),
        with(ready, test_repetition_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
