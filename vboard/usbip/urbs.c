/* USB/IP server: the importer's transfers. The server is the host controller: a port reset is not
 * transmitted, so it is done where Linux shows that it has done one. */
#include "usbip/priv.h"
#include <stdlib.h>
#include <string.h>

static bool got_header(struct usbip *u, struct client *c);

static void expect_header(struct client *c)
{
    client_expect(c, c->header, URB_SIZE, got_header);
}

static void send_answer(struct client *c, unsigned command, uint32_t sequence, int status,
                        const struct urb *urb)
{
    uint8_t h[URB_SIZE] = {0};
    usbip_put32(h + URB_COMMAND, command);
    usbip_put32(h + URB_SEQUENCE, sequence);
    usbip_put32(h + RET_STATUS, (uint32_t)status);
    if (urb) {
        usbip_put32(h + RET_ACTUAL, urb->t.actual);
        iso_header(urb, h);
    }
    client_send(c, h, sizeof h);
}

static void answer(struct client *c, struct urb *urb)
{
    send_answer(c, RET_SUBMIT, urb->sequence, urb->t.status, urb);
    if (urb->t.packets)
        iso_send(urb, c);
    else if (urb->in)
        client_send(c, urb->data, urb->t.actual);
    client_flush(c);
}

static void forget(struct usbip *u, struct urb *urb)
{
    u->urb_count--;
    u->flight -= urb->room;
    iso_free(urb);
    free(urb);
}

/* The transfer is over: called by the host while the board runs, or from usbhost_cancel; also if it has not
 * begun. */
static void done(struct usbhost_transfer *t, void *arg)
{
    (void)t;
    struct urb *urb = arg;
    struct usbip *u = urb->u;
    struct urb **p = &u->urbs;
    while (*p != urb)
        p = &(*p)->next;
    *p = urb->next;
    if (u->leaving)
        urb->t.status = UH_GONE;
    if (!urb->silent && u->importer)
        answer(u->importer, urb);
    forget(u, urb);
}

static void cancel(struct usbip *u, struct urb *urb)
{
    urb->silent = true;
    usbhost_cancel(u->host, &urb->t); /* calls done, which takes it off the list and frees it */
}

void urbs_device_left(struct usbip *u)
{
    while (u->urbs)
        usbhost_cancel(u->host, &u->urbs->t); /* calls done */
}

void urbs_client_left(struct usbip *u)
{
    if (u->receiving)
        forget(u, u->receiving);
    u->receiving = NULL;
    while (u->urbs)
        cancel(u, u->urbs);
}

/* Linux asks for 64 bytes of the device descriptor at address 0, after it has reset the port. Its programs
 * and its driver usbtest ask for as much without one; but before a reset Linux ends every transfer, so a
 * request that comes while others are under way belongs to them, and one that insists on 64 bytes as well. */
static bool follows_port_reset(const struct urb *urb)
{
    static const uint8_t get_device_64[8] = {0x80, 6, 0, 1, 0, 0, 64, 0};
    const struct usbhost_transfer *t = &urb->t;
    return !urb->next && !t->short_not_ok && (t->endpoint & 15) == 0 &&
           memcmp(t->setup, get_device_64, sizeof get_device_64) == 0;
}

static void submit(struct usbip *u, struct urb *urb)
{
    u->asked = u->wall;
    urb->next = u->urbs;
    u->urbs = urb;
    if (!u->leaving) {
        if (follows_port_reset(urb))
            usbhost_bus_reset_start(u->host);
        if (usbhost_submit(u->host, &urb->t))
            return;
    }
    done(&urb->t, urb);
}

static bool got_data(struct usbip *u, struct client *c)
{
    struct urb *urb = u->receiving;
    u->receiving = NULL;
    expect_header(c);
    if (urb->t.packet_count && !iso_read(urb)) {
        c->reason = "out of memory";
        forget(u, urb);
        return false;
    }
    submit(u, urb);
    return true;
}

static bool got_rejected(struct usbip *u, struct client *c)
{
    (void)u;
    send_answer(c, RET_SUBMIT, usbip_get32(c->header + URB_SEQUENCE), UH_INVALID, NULL);
    expect_header(c);
    return true;
}

static bool got_submit(struct usbip *u, struct client *c)
{
    const uint8_t *h = c->header, *setup = h + SUBMIT_SETUP;
    uint32_t direction = usbip_get32(h + URB_DIRECTION), endpoint = usbip_get32(h + URB_ENDPOINT);
    uint32_t flags = usbip_get32(h + SUBMIT_FLAGS), length = usbip_get32(h + SUBMIT_LENGTH);
    uint32_t packets = usbip_get32(h + SUBMIT_PACKETS);
    if (direction > DIRECTION_IN || endpoint > 15) {
        c->reason = "it names an endpoint that cannot be";
        return false;
    }
    if (packets == UINT32_MAX)
        packets = 0;
    if (length > TRANSFER_MAX || packets > ISO_PACKETS_MAX || u->urb_count == URBS_MAX ||
        length + packets * ISO_PACKET_SIZE > FLIGHT_MAX - u->flight) {
        c->reason = "it wants more transferred at a time than there is room for";
        return false;
    }
    bool in = direction == DIRECTION_IN;
    uint32_t room = length + packets * ISO_PACKET_SIZE, follows = in ? room - length : room;
    if (endpoint == 0 && length && (setup[0] >> 7) != direction) { /* read what belongs to it, and refuse */
        client_expect(c, NULL, follows, got_rejected);
        return true;
    }
    struct urb *urb = calloc(1, sizeof *urb + room);
    if (!urb) {
        c->reason = "out of memory";
        return false;
    }
    urb->u = u;
    urb->sequence = usbip_get32(h + URB_SEQUENCE);
    urb->in = in;
    urb->room = room;
    urb->t = (struct usbhost_transfer){.endpoint = (uint8_t)(endpoint | (in ? 0x80U : 0)),
                                       .data = urb->data,
                                       .length = length,
                                       .zero_packet = flags & FLAG_ZERO_PACKET,
                                       .short_not_ok = flags & FLAG_SHORT_NOT_OK,
                                       .packet_count = packets,
                                       .done = done,
                                       .arg = urb};
    memcpy(urb->t.setup, setup, sizeof urb->t.setup);
    u->urb_count++;
    u->flight += room;
    if (follows) {
        u->receiving = urb;
        client_expect(c, urb->data + room - follows, follows, got_data);
    } else {
        expect_header(c);
        submit(u, urb);
    }
    return true;
}

/* -104 if it was still under way, then it gets no other answer; 0 if it was answered before. */
static void unlink_one(struct usbip *u, struct client *c)
{
    uint32_t sequence = usbip_get32(c->header + UNLINK_SEQUENCE);
    struct urb *urb = u->urbs;
    while (urb && urb->sequence != sequence)
        urb = urb->next;
    send_answer(c, RET_UNLINK, usbip_get32(c->header + URB_SEQUENCE), urb ? UH_CANCELLED : UH_OK, NULL);
    if (urb)
        cancel(u, urb);
}

static bool got_header(struct usbip *u, struct client *c)
{
    switch (usbip_get32(c->header + URB_COMMAND)) {
    case CMD_SUBMIT: return got_submit(u, c);
    case CMD_UNLINK:
        unlink_one(u, c);
        expect_header(c);
        return true;
    default: c->reason = "it sends what is no USB/IP command"; return false;
    }
}

void urbs_begin(struct usbip *u, struct client *c)
{
    u->importer = c;
    u->leaving = false;
    usbhost_bus_reset_start(u->host); /* Linux resets the port of a new device before its first transfer */
    expect_header(c);
}
