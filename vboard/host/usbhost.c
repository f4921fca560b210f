/* The in-process USB host: the port (attach, reset, suspend) and the frame clock. */
#include "host/priv.h"
#include "vboard.h"
#include <stdlib.h>
#include <string.h>

/* USB 2.0 table 7-13 and 7.1.7: recovery after reset (TRSTRCY) and after resume (TRSMRCY), length of the
 * host's resume signalling (TDRSMDN). */
static const ps_t reset_recovery = 10 * PS_PER_MS;
static const ps_t resume_recovery = 10 * PS_PER_MS;
static const ps_t resume_length = 20 * PS_PER_MS;
enum { ENUM_TRIES = 4 };
static const ps_t slot_least = 60 * PS_PER_US; /* 64 bytes with token and handshake */

static void alarm_fired(void *arg);

/* ---- events ------------------------------------------------------------------------------- */

enum usbhost_state usbhost_state(const struct usbhost *h)
{
    switch (h->port) {
    case PORT_EMPTY: return UH_DETACHED;
    case PORT_SETTLE:
    case PORT_FAILED: return UH_ATTACHED;
    case PORT_SUSPENDED:
    case PORT_RESUME:
    case PORT_RESUMED: return UH_SUSPENDED;
    case PORT_READY: return h->configuration ? UH_CONFIGURED : h->address ? UH_ADDRESSED : UH_RESET;
    default: return UH_RESET;
    }
}

static void host_tell(struct usbhost *h)
{
    static const char *const names[] = {"detached",  "attached",   "reset",
                                        "addressed", "configured", "suspended"};
    const char *name = names[usbhost_state(h)];
    if (name == h->told)
        return;
    h->told = name;
    board_usb_event(h->board, name);
}

void host_set_port(struct usbhost *h, enum port port, ps_t length)
{
    h->port = port;
    h->port_at = length == PS_NEVER ? PS_NEVER : chip_now(h->chip) + length;
    host_tell(h);
    host_plan(h);
}

/* ---- the port ----------------------------------------------------------------------------- */

static bool frames_run(const struct usbhost *h)
{
    return h->port == PORT_RECOVER || h->port == PORT_ENUMERATE || h->port == PORT_READY ||
           h->port == PORT_FAILED || h->port == PORT_ADDRESSED || h->port == PORT_RESUMED;
}

static void begin_frames(struct usbhost *h)
{
    h->sof_at = chip_now(h->chip) - PS_PER_MS;
}

static void host_reset_port(struct usbhost *h)
{
    h->address = h->configuration = 0;
    host_default_pipes(h);
    host_set_port(h, PORT_RESET, h->config.reset_ns * 1000);
    usbfs_bus_reset(h->chip, true);
}

void host_enumeration_failed(struct usbhost *h)
{
    if (++h->tries < ENUM_TRIES)
        host_reset_port(h);
    else
        host_set_port(h, PORT_FAILED, PS_NEVER);
}

static void attach(struct usbhost *h)
{
    h->attach_count++;
    h->tries = 0;
    h->step = ENUM_FIRST;
    h->readdress = false;
    host_set_port(h, PORT_SETTLE, h->config.settle_ns * 1000);
}

static void detach(struct usbhost *h)
{
    if (h->port == PORT_EMPTY)
        return;
    host_forget_device(h);
    h->left_at = chip_now(h->chip);
    host_set_port(h, PORT_EMPTY, PS_NEVER);
    host_gone(h, UH_GONE);
}

static void pullup(void *owner, bool on)
{
    struct usbhost *h = owner;
    h->pullup = on;
    if (!h->plugged)
        return;
    if (on)
        attach(h);
    else
        detach(h);
}

static void begin_resume(struct usbhost *h)
{
    usbfs_resume(h->chip);
    host_set_port(h, PORT_RESUME, resume_length);
}

static void remote_wake(void *owner)
{
    struct usbhost *h = owner;
    if (h->port == PORT_SUSPENDED)
        begin_resume(h);
}

static void power(void *owner, bool on)
{
    struct usbhost *h = owner;
    if (on)
        usbfs_cable(h->chip, h->plugged);
    else
        pullup(h, false);
}

/* The port's state has lasted as long as it should. */
static void port_event(struct usbhost *h)
{
    switch (h->port) {
    case PORT_SETTLE: host_reset_port(h); break;
    case PORT_RESET:
        usbfs_bus_reset(h->chip, false);
        begin_frames(h);
        host_set_port(h, PORT_RECOVER, reset_recovery);
        break;
    case PORT_RECOVER:
        if (h->config.enumerate || h->readdress)
            host_enumerate(h);
        else
            host_set_port(h, PORT_READY, PS_NEVER);
        break;
    case PORT_ENUMERATE: host_reset_port(h); break; /* the host has decided to */
    case PORT_RESUME:
        begin_frames(h);
        host_set_port(h, PORT_RESUMED, resume_recovery);
        break;
    case PORT_ADDRESSED:
    case PORT_RESUMED: host_set_port(h, PORT_READY, PS_NEVER); break;
    default: h->port_at = PS_NEVER; break;
    }
}

/* ---- time --------------------------------------------------------------------------------- */

/* Isochronous packets take the slots that begin before their end. The last one is only put off: a tenth of
 * each frame is not theirs (USB 2.0 5.6.4). */
static ps_t slot_time(const struct usbhost *h, unsigned slot)
{
    ps_t length = PS_PER_MS / h->config.per_frame, begin = h->sof_at + length * slot;
    if (slot + 1 == h->config.per_frame && begin < h->iso_end &&
        begin + length * 3 / 4 < h->iso_end + slot_least)
        return h->iso_end + slot_least;
    return begin + length * 3 / 4;
}

/* The next slot that is not over, per_frame if there is none. */
static unsigned next_slot(const struct usbhost *h, ps_t now)
{
    unsigned slot = h->slot, last = h->config.per_frame - 1;
    ps_t length = PS_PER_MS / h->config.per_frame;
    while (slot < last && h->sof_at + length * slot < h->iso_end)
        slot++;
    while (slot <= last && slot_time(h, slot) < now)
        slot++;
    return slot;
}

void host_plan(struct usbhost *h)
{
    ps_t now = chip_now(h->chip), when = h->port_at, late = host_first_deadline(h);
    if (late < when)
        when = late;
    if (frames_run(h)) {
        ps_t next = h->sof_at + PS_PER_MS, iso = host_iso_end(h);
        if (iso != PS_NEVER) {
            next = iso;
        } else if (host_has_work(h)) {
            h->slot = next_slot(h, now);
            if (h->slot < h->config.per_frame)
                next = slot_time(h, h->slot);
        }
        if (next < when)
            when = next;
    }
    chip_outside_wake(h->chip, OUTSIDE_USB_HOST, when, alarm_fired, h);
}

static void alarm_fired(void *arg)
{
    struct usbhost *h = arg;
    ps_t now = chip_now(h->chip);
    if (now >= h->port_at) {
        port_event(h);
    } else if (frames_run(h) && now >= h->sof_at + PS_PER_MS) {
        h->sof_at += PS_PER_MS;
        h->slot = 0;
        h->frame++;
        usbfs_sof(h->chip, h->frame & 0x7FF);
        host_iso_frame(h);
    } else if (frames_run(h) && host_iso_end(h) != PS_NEVER) {
        if (now >= host_iso_end(h))
            host_iso_transact(h);
    } else if (frames_run(h) && h->slot < h->config.per_frame && now >= slot_time(h, h->slot)) {
        if (host_transact(h))
            h->slot++;
    }
    while (host_end_one(h, now))
        ;
    host_tell(h);
    host_plan(h);
}

/* ---- for users ---------------------------------------------------------------------------- */

struct usbhost *usbhost_create(struct vboard *b, const struct usbhost_config *config)
{
    struct usbhost *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    if (!board_keep(b, h, sizeof *h)) {
        free(h);
        return NULL;
    }
    h->board = b;
    h->chip = board_chip(b);
    if (config)
        h->config = *config;
    else
        h->config.enumerate = true;
    if (h->config.per_frame == 0)
        h->config.per_frame = 10;
    if (h->config.per_frame > 19)
        h->config.per_frame = 19;
    if (h->config.settle_ns == 0)
        h->config.settle_ns = 100000000;
    if (h->config.reset_ns == 0)
        h->config.reset_ns = 10000000;
    h->port_at = PS_NEVER;
    h->told = "detached";
    host_forget_device(h);
    const struct board_usb usb = {.owner = h, .pullup = pullup, .wake = remote_wake, .power = power};
    board_set_usb(b, &usb);
    h->pullup = usbfs_attached(h->chip);
    usbhost_plug(h, true);
    return h;
}

void usbhost_destroy(struct usbhost *h)
{
    if (!h)
        return;
    usbhost_plug(h, false);
    chip_outside_wake(h->chip, OUTSIDE_USB_HOST, PS_NEVER, NULL, NULL);
    board_set_usb(h->board, NULL);
    board_forget(h->board, h);
    free(h);
}

void usbhost_plug(struct usbhost *h, bool in)
{
    if (in == h->plugged)
        return;
    h->plugged = in;
    usbfs_cable(h->chip, in);
    if (!in)
        detach(h);
    else if (h->pullup)
        attach(h);
}

unsigned usbhost_attach_count(const struct usbhost *h)
{
    return h->attach_count;
}

void usbhost_bus_reset_start(struct usbhost *h)
{
    if (h->port == PORT_EMPTY || h->port == PORT_SETTLE)
        return;
    h->tries = 0;
    h->readdress = h->address != 0;
    h->step = h->readdress ? ENUM_ADDRESS : ENUM_FIRST;
    host_reset_port(h);
    host_gone(h, UH_GONE);
}

void usbhost_suspend(struct usbhost *h, bool suspend)
{
    if (suspend && h->port == PORT_READY)
        host_set_port(h, PORT_SUSPENDED, PS_NEVER);
    else if (!suspend && h->port == PORT_SUSPENDED)
        begin_resume(h);
}
