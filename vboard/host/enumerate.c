/* The in-process USB host: enumeration (USB 2.0 chapter 9.1.2), and what the host learns about a
 * device from any successful control transfer, its own or a user's. */
#include "board/bytes.h"
#include "host/priv.h"
#include <string.h>

enum { GET_DESCRIPTOR = 6, SET_ADDRESS = 5, SET_CONFIGURATION = 9, SET_INTERFACE = 11, CLEAR_FEATURE = 1 };
enum { DESC_DEVICE = 1, DESC_CONFIG = 2, DESC_INTERFACE = 4, DESC_ENDPOINT = 5 };

/* A device may need 2 ms before it listens to its new address (USB 2.0 9.2.6.3); Linux waits 10 ms, for there
 * are devices that need more. */
static const ps_t address_recovery = 10 * PS_PER_MS;
static const ps_t own_timeout = 5 * PS_PER_S;
/* From a transfer's end to the reset that software decides on when it hears of it: no host is faster. A
 * device that polls sees the status stage before the reset. */
static const ps_t reset_decision = 1 * PS_PER_MS;

/* ---- what is known of the device ---------------------------------------------------------- */

/* Queues stay as they are. */
static void set_pipe(const struct usbhost *h, struct pipe *p, enum pipe_type type, unsigned packet,
                     unsigned interval)
{
    p->type = (uint8_t)type;
    p->packet = (uint16_t)(packet == 0 ? 1 : packet > 1023 ? 1023 : packet); /* whatever a device claims */
    if (type == PIPE_ISOCHRONOUS && interval > 0) /* an exponent: USB 2.0 table 9-13 */
        interval = 1U << (interval > 16 ? 15 : interval - 1);
    p->interval = (uint16_t)(interval ? interval : 1);
    p->toggle = false;
    p->next_frame = h->frame;
}

void host_default_pipes(struct usbhost *h)
{
    unsigned packet = h->device[0] ? h->device[7] : 64;
    for (unsigned i = 0; i < 32; i++)
        set_pipe(h, &h->pipes[i & 1][i / 2], PIPE_BULK, 64, 1);
    set_pipe(h, &h->pipes[0][0], PIPE_CONTROL, packet, 1);
    set_pipe(h, &h->own_pipe, PIPE_CONTROL, packet, 1);
}

void host_forget_device(struct usbhost *h)
{
    h->address = h->configuration = 0;
    h->device[0] = 0;
    h->configs_size = 0;
    host_default_pipes(h);
}

static void learn_device(struct usbhost *h, const uint8_t *d, uint32_t size)
{
    if (size < 8 || (d[7] != 8 && d[7] != 16 && d[7] != 32 && d[7] != 64))
        return;
    memcpy(h->device, d, size < sizeof h->device ? size : sizeof h->device);
    h->pipes[0][0].packet = h->own_pipe.packet = d[7];
}

/* Replaces what was known of that configuration. What does not fit is not kept: its endpoints are then
 * taken for bulk ones of 64 bytes. */
static void learn_config(struct usbhost *h, const uint8_t *d, uint32_t size)
{
    if (size < 9 || le16(d + 2) != size)
        return;
    for (uint32_t at = 0; at < h->configs_size;) {
        uint32_t n = le16(h->configs + at + 2);
        if (h->configs[at + 5] == d[5]) {
            memmove(h->configs + at, h->configs + at + n, h->configs_size - at - n);
            h->configs_size -= n;
        } else {
            at += n;
        }
    }
    if (size > UH_CONFIGS - h->configs_size)
        return;
    memcpy(h->configs + h->configs_size, d, size);
    h->configs_size += size;
}

static const uint8_t *find_config(const struct usbhost *h, unsigned value)
{
    for (uint32_t at = 0; at < h->configs_size; at += le16(h->configs + at + 2)) {
        if (h->configs[at + 5] == value)
            return h->configs + at;
    }
    return NULL;
}

const uint8_t *usbhost_device_descriptor(const struct usbhost *h)
{
    return h->device[0] == sizeof h->device ? h->device : NULL;
}

const uint8_t *usbhost_config_descriptor(const struct usbhost *h)
{
    const uint8_t *current = find_config(h, h->configuration);
    return current || h->configs_size == 0 ? current : h->configs;
}

/* Sets the pipes of the endpoints in the current configuration that belong to alternate setting
 * `setting` of `interface`; interface -1: setting 0 of every interface. */
static void use_endpoints(struct usbhost *h, int interface, unsigned setting)
{
    const uint8_t *d = find_config(h, h->configuration);
    if (!d)
        return;
    uint32_t size = le16(d + 2);
    bool wanted = false;
    for (uint32_t at = 0; at + 2 <= size && d[at] >= 2 && at + d[at] <= size; at += d[at]) {
        if (d[at + 1] == DESC_INTERFACE && d[at] >= 9)
            wanted = d[at + 3] == setting && (interface < 0 || d[at + 2] == interface);
        if (d[at + 1] == DESC_ENDPOINT && d[at] >= 7 && wanted)
            set_pipe(h, &h->pipes[d[at + 2] >> 7][d[at + 2] & 15], d[at + 3] & 3, le16(d + at + 4) & 0x7FF,
                     d[at + 6]);
    }
}

void host_learn(struct usbhost *h, const struct usbhost_transfer *t)
{
    const uint8_t *s = t->setup;
    unsigned value = le16(s + 2), index = le16(s + 4);
    switch (s[0] << 8 | s[1]) {
    case 0x0000 | SET_ADDRESS: h->address = value & 127; break;
    case 0x8000 | GET_DESCRIPTOR:
        if (value == DESC_DEVICE << 8)
            learn_device(h, t->data, t->actual);
        else if (value >> 8 == DESC_CONFIG)
            learn_config(h, t->data, t->actual);
        break;
    case 0x0000 | SET_CONFIGURATION:
        h->configuration = (uint8_t)value;
        use_endpoints(h, -1, 0);
        break;
    case 0x0100 | SET_INTERFACE: use_endpoints(h, (int)index, value); break;
    case 0x0200 | CLEAR_FEATURE:
        if (value == 0) /* ENDPOINT_HALT */
            h->pipes[index >> 7 & 1][index & 15].toggle = false;
        break;
    }
}

/* ---- enumeration -------------------------------------------------------------------------- */

static void own_done(struct usbhost_transfer *t, void *arg);

static void own_submit(struct usbhost *h, unsigned type, unsigned request, unsigned value, unsigned length)
{
    h->own = (struct usbhost_transfer){
        .setup = {(uint8_t)type, (uint8_t)request, (uint8_t)value, (uint8_t)(value >> 8), 0, 0,
                  (uint8_t)length, (uint8_t)(length >> 8)},
        .data = h->own_data,
        .length = length,
        .status = UH_PENDING,
        .done = own_done,
        .arg = h,
        .deadline = chip_now(h->chip) + own_timeout,
    };
    h->own_pipe.head = h->own_pipe.tail = &h->own;
    h->own_pipe.stage = STAGE_SETUP;
    host_plan(h);
}

static void step(struct usbhost *h, enum enum_step s)
{
    h->step = s;
    switch (s) {
    case ENUM_FIRST: /* as much as fits into any device's first packet, to learn EP0's size */
        own_submit(h, 0x80, GET_DESCRIPTOR, DESC_DEVICE << 8, 64);
        break;
    case ENUM_ADDRESS: own_submit(h, 0x00, SET_ADDRESS, 1 + (h->attach_count - 1) % 127, 0); break;
    case ENUM_DEVICE: own_submit(h, 0x80, GET_DESCRIPTOR, DESC_DEVICE << 8, 18); break;
    case ENUM_CONFIG_HEAD:
        own_submit(h, 0x80, GET_DESCRIPTOR, DESC_CONFIG << 8 | (unsigned)h->config_index, 9);
        break;
    case ENUM_CONFIG:
        own_submit(h, 0x80, GET_DESCRIPTOR, DESC_CONFIG << 8 | (unsigned)h->config_index,
                   le16(h->own_data + 2));
        break;
    }
}

void host_enumerate(struct usbhost *h)
{
    h->own_at = 0;
    h->config_index = 0;
    host_set_port(h, PORT_ENUMERATE, PS_NEVER);
    step(h, h->step);
}

static void next_config(struct usbhost *h)
{
    if (h->config_index < h->device[17])
        step(h, ENUM_CONFIG_HEAD);
    else
        host_set_port(h, PORT_READY, PS_NEVER);
}

/* A step was successful: what comes next. False: the device's answer makes no sense. */
static bool advance(struct usbhost *h, const struct usbhost_transfer *t)
{
    switch (h->step) {
    case ENUM_FIRST: /* as all common systems: reset once more before the address is set */
        if (!h->device[0])
            return false;
        h->step = ENUM_ADDRESS;
        host_set_port(h, PORT_ENUMERATE, reset_decision);
        return true;
    case ENUM_ADDRESS:
        h->own_at = chip_now(h->chip) + address_recovery;
        if (h->readdress)
            host_set_port(h, PORT_ADDRESSED, address_recovery);
        else
            step(h, ENUM_DEVICE);
        return true;
    case ENUM_DEVICE:
        if (t->actual < 18)
            return false;
        next_config(h);
        return true;
    case ENUM_CONFIG_HEAD:
        if (t->actual < 9 || le16(t->data + 2) < 9 || le16(t->data + 2) > UH_CONFIGS)
            return false;
        step(h, ENUM_CONFIG);
        return true;
    case ENUM_CONFIG:
        h->config_index++;
        next_config(h);
        return true;
    }
    return false;
}

static void own_done(struct usbhost_transfer *t, void *arg)
{
    struct usbhost *h = arg;
    if (t->status == UH_GONE)
        return;
    if (t->status != UH_OK || !advance(h, t)) {
        h->step = h->readdress ? ENUM_ADDRESS : ENUM_FIRST;
        host_enumeration_failed(h);
    }
}
