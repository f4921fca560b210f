/* What the tests of the in-process USB host share: a board with the host, and on its bus a device without
 * firmware (soft_device.h). */
#ifndef TEST_USBHOST_RIG_H
#define TEST_USBHOST_RIG_H

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

static inline void on_event(void *arg, const struct vboard_event *e)
{
    (void)arg;
    size_t n = strlen(events);
    if (e->kind == VE_USB)
        snprintf(events + n, sizeof events - n, "%s ", e->name);
}

static inline void begin(unsigned packet0, const struct usbhost_config *config)
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

static inline int end(void **state)
{
    (void)state;
    soft_device_destroy(d);
    usbhost_destroy(h);
    vboard_destroy(b);
    return 0;
}

static inline void run_ms(unsigned ms)
{
    vboard_run(b, (uint64_t)ms * MS, NULL, NULL);
}

/* Enumerated and configured. */
static inline int ready(void **state)
{
    (void)state;
    const struct usbhost_config config = {.enumerate = true};
    begin(64, &config);
    assert_true(usbhost_wait_attached(h, 1000 * (uint64_t)MS));
    assert_int_equal(usbhost_configure(h, 1), UH_OK);
    return 0;
}

static inline void fill(uint8_t *data, unsigned size, unsigned start)
{
    for (unsigned i = 0; i < size; i++)
        data[i] = (uint8_t)(start + i * 7 + i / 251);
}

static inline int vendor(uint8_t request, unsigned value, void *data, unsigned length, bool in,
                         uint32_t *actual)
{
    return usbhost_control(h, in ? 0xC0 : 0x40, request, (uint16_t)value, 0, data, (uint16_t)length, actual);
}

struct bulk {
    struct usbhost_transfer t;
    uint8_t data[8192];
    unsigned done;
};

static inline void bulk_done(struct usbhost_transfer *t, void *arg)
{
    (void)t;
    ((struct bulk *)arg)->done++;
}

static inline void start(struct bulk *x, uint8_t endpoint, unsigned length)
{
    x->done = 0;
    x->t = (struct usbhost_transfer){
        .endpoint = endpoint, .data = x->data, .length = length, .done = bulk_done, .arg = x};
    assert_true(usbhost_submit(h, &x->t));
}

#define with(setup, test) cmocka_unit_test_setup_teardown(test, setup, end)

#endif
