/* The in-process USB host: calls that run the board until a transfer is over, and raw packets. */
#include "host/priv.h"
#include "vboard.h"
#include <string.h>

static const uint64_t control_timeout_ns = 5000000000; /* as Linux and libusb users have it */

/* Runs the board until `over`, or ns have passed, or it cannot go on: power is off, it is at a breakpoint,
 * or time does not pass. A processor that has locked up goes on: a watchdog may end it. */
static bool run_until(struct usbhost *h, uint64_t ns, bool (*over)(void *arg), void *arg)
{
    uint64_t end = vboard_now(h->board) + ns;
    while (!over(arg)) {
        uint64_t now = vboard_now(h->board);
        if (now >= end)
            return false;
        enum vboard_stop stop = vboard_run(h->board, end - now, over, arg);
        bool again = stop == VB_TIME || stop == VB_CONDITION || stop == VB_EVENT || stop == VB_LOCKUP;
        if (!over(arg) && (!again || vboard_now(h->board) == now))
            return false;
    }
    return true;
}

static bool sync_over(void *arg)
{
    return ((struct usbhost *)arg)->sync.status != UH_PENDING;
}

static void sync_done(struct usbhost_transfer *t, void *arg)
{
    (void)t;
    board_ask(((struct usbhost *)arg)->board);
}

/* The transfer and its data are the host's own, so that a snapshot taken meanwhile holds no pointer into
 * this function's frame. */
static int run_sync(struct usbhost *h, const struct usbhost_transfer *what, void *data, bool in,
                    uint32_t *actual)
{
    struct usbhost_transfer *t = &h->sync;
    usbhost_cancel(h, t); /* of a snapshot that was taken during such a call */
    *t = *what;
    if (actual)
        *actual = 0;
    t->data = h->sync_data;
    t->done = sync_done;
    t->arg = h;
    if (!in && data && t->length)
        memcpy(h->sync_data, data, t->length);
    if (!usbhost_submit(h, t))
        return t->status;
    run_until(h, UINT64_MAX / 2, sync_over, h);
    usbhost_cancel(h, t);
    if (in && data && t->actual)
        memcpy(data, h->sync_data, t->actual);
    if (actual)
        *actual = t->actual;
    return t->status;
}

int usbhost_control(struct usbhost *h, uint8_t type, uint8_t request, uint16_t value, uint16_t index,
                    void *data, uint16_t length, uint32_t *actual)
{
    const struct usbhost_transfer t = {
        .setup = {type, request, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)index, (uint8_t)(index >> 8),
                  (uint8_t)length, (uint8_t)(length >> 8)},
        .length = length,
        .timeout_ns = control_timeout_ns,
    };
    return run_sync(h, &t, data, type & 0x80, actual);
}

int usbhost_bulk(struct usbhost *h, uint8_t endpoint, void *data, uint32_t length, uint64_t timeout_ns,
                 uint32_t *actual)
{
    bool in = endpoint & 0x80;
    uint32_t total = 0;
    int status = UH_OK;
    /* In pieces that fit the host's own buffer: a multiple of every packet size, so that no packet is
     * cut and no short one appears in between. */
    do {
        uint32_t part = length - total < UH_SYNC ? length - total : UH_SYNC, got;
        const struct usbhost_transfer t = {.endpoint = endpoint, .length = part, .timeout_ns = timeout_ns};
        status = run_sync(h, &t, data ? (uint8_t *)data + total : NULL, in, &got);
        total += got;
        if (got < part)
            break;
    } while (status == UH_OK && total < length);
    if (actual)
        *actual = total;
    return status;
}

struct wait {
    struct usbhost *h;
    bool attached;
};

static bool wait_over(void *arg)
{
    const struct wait *w = arg;
    enum usbhost_state s = usbhost_state(w->h);
    return w->attached ? s == UH_ADDRESSED || s == UH_CONFIGURED : s == UH_DETACHED;
}

static bool wait_for(struct usbhost *h, bool attached, uint64_t ns)
{
    struct wait w = {h, attached};
    return run_until(h, ns, wait_over, &w);
}

bool usbhost_wait_attached(struct usbhost *h, uint64_t ns)
{
    return wait_for(h, true, ns);
}

bool usbhost_wait_detached(struct usbhost *h, uint64_t ns)
{
    return wait_for(h, false, ns);
}

int usbhost_configure(struct usbhost *h, uint8_t configuration)
{
    return usbhost_control(h, 0x00, 9, configuration, 0, NULL, 0, NULL);
}

static bool reset_over(void *arg)
{
    const struct usbhost *h = arg;
    return h->port == PORT_READY || h->port == PORT_FAILED || h->port == PORT_EMPTY;
}

void usbhost_bus_reset(struct usbhost *h)
{
    usbhost_bus_reset_start(h);
    run_until(h, 10000000000, reset_over, h);
}

/* ---- raw packets: at this very instant, beside the host's own traffic --------------------- */

struct usbhost_raw usbhost_token_setup(struct usbhost *h, unsigned addr, unsigned ep, const uint8_t packet[8])
{
    struct usbhost_raw raw = {.answer = usbfs_setup(h->chip, addr, ep, packet)};
    return raw;
}

struct usbhost_raw usbhost_token_out(struct usbhost *h, unsigned addr, unsigned ep, unsigned toggle,
                                     const void *data, size_t size, bool bad)
{
    struct usbhost_raw raw = {.answer = usbfs_out(h->chip, addr, ep, toggle, data, size, bad)};
    return raw;
}

struct usbhost_raw usbhost_token_in(struct usbhost *h, unsigned addr, unsigned ep, bool ack)
{
    struct usbhost_raw raw = {0};
    raw.answer = usbfs_in(h->chip, addr, ep, raw.data, &raw.size);
    if (ack && (raw.answer == USB_DATA0 || raw.answer == USB_DATA1))
        usbfs_in_ack(h->chip, addr, ep);
    return raw;
}
