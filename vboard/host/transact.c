/* The in-process USB host: which transfer is served in a slot, and the one transaction of it that is
 * done there (USB 2.0 chapter 8.5). A NAKed or unanswered transaction uses up its slot too. */
#include "host/priv.h"

enum result { R_DONE, R_NAK, R_STALL, R_SILENT, R_IGNORED, R_OVERFLOW };

/* Periodic pipes first, the others in turn. False: nobody wants this slot. */
static bool pick(struct usbhost *h, unsigned *which)
{
    if (h->port != PORT_READY)
        return false;
    for (unsigned i = 0; i < PIPES; i++) {
        const struct pipe *p = host_pipe(h, i);
        if (p->head && p->type == PIPE_INTERRUPT && (int32_t)(h->frame - p->next_frame) >= 0) {
            *which = i;
            return true;
        }
    }
    for (unsigned k = 1; k <= PIPES; k++) {
        unsigned i = (h->turn + k) % PIPES;
        const struct pipe *p = host_pipe(h, i);
        if (p->head && (p->type == PIPE_CONTROL || p->type == PIPE_BULK)) {
            *which = i;
            return true;
        }
    }
    return false;
}

bool host_has_work(struct usbhost *h)
{
    unsigned i;
    if (h->port == PORT_ENUMERATE)
        return h->own_pipe.head != NULL;
    return pick(h, &i);
}

static enum result answered(enum usb_answer a)
{
    return a == USB_ACK ? R_DONE : a == USB_NAK ? R_NAK : a == USB_STALL ? R_STALL : R_SILENT;
}

static enum result send(struct usbhost *h, unsigned ep, bool toggle, const uint8_t *data, size_t size)
{
    return answered(usbfs_out(h->chip, h->address, ep, toggle, data, size, false));
}

/* One IN transaction; the packet is appended to t's data. `*last`: it ended the data. */
static enum result receive(struct usbhost *h, struct usbhost_transfer *t, unsigned ep, bool toggle,
                           unsigned packet, bool *last)
{
    uint8_t data[1023];
    size_t size;
    enum usb_answer a = usbfs_in(h->chip, h->address, ep, data, &size);
    if (a != USB_DATA0 && a != USB_DATA1)
        return answered(a);
    uint32_t room = t->length - t->actual;
    if (size > packet)
        return R_OVERFLOW; /* babble: no handshake */
    usbfs_in_ack(h->chip, h->address, ep);
    if ((a == USB_DATA1) != toggle)
        return R_IGNORED; /* a repetition: the device missed our last handshake */
    if (size > room)
        return R_OVERFLOW;
    for (size_t i = 0; i < size; i++)
        t->data[t->actual + i] = data[i];
    t->actual += (uint32_t)size;
    *last = size < packet || t->actual == t->length;
    return R_DONE;
}

static uint32_t chunk(const struct usbhost_transfer *t, unsigned packet)
{
    uint32_t left = t->length - t->actual;
    return left < packet ? left : packet;
}

/* One transaction of a control transfer; `*over` if it was the last. */
static enum result control(struct usbhost *h, struct pipe *p, unsigned ep, bool *over)
{
    struct usbhost_transfer *t = p->head;
    bool in = t->setup[0] & 0x80, last = false;
    enum result r;
    switch ((enum stage)p->stage) {
    case STAGE_SETUP:
        r = answered(usbfs_setup(h->chip, h->address, ep, t->setup));
        if (r != R_DONE)
            return R_SILENT; /* only ACK is an answer to SETUP */
        t->actual = 0;
        p->toggle = true;
        p->stage = t->length ? STAGE_DATA : STAGE_STATUS;
        return R_DONE;
    case STAGE_DATA:
        if (in) {
            r = receive(h, t, ep, p->toggle, p->packet, &last);
        } else {
            uint32_t size = chunk(t, p->packet);
            r = send(h, ep, p->toggle, t->data + t->actual, size);
            if (r == R_DONE)
                t->actual += size;
            last = t->actual == t->length;
        }
        if (r == R_DONE)
            p->toggle = !p->toggle;
        if (r == R_DONE && last)
            p->stage = STAGE_STATUS;
        return r;
    default: break;
    }
    if (in && t->length) {
        r = send(h, ep, true, NULL, 0);
    } else {
        struct usbhost_transfer none = {.length = 0};
        r = receive(h, &none, ep, true, p->packet, &last);
        if (r == R_IGNORED)
            r = R_SILENT; /* a status stage is DATA1; anything else is a protocol error */
    }
    *over = r == R_DONE;
    return r;
}

/* One transaction of a bulk or interrupt transfer. */
static enum result stream(struct usbhost *h, struct pipe *p, unsigned ep, bool in, bool *over)
{
    struct usbhost_transfer *t = p->head;
    enum result r;
    if (in) {
        r = receive(h, t, ep, p->toggle, p->packet, over);
    } else {
        uint32_t size = chunk(t, p->packet);
        r = send(h, ep, p->toggle, t->data + t->actual, size);
        if (r == R_DONE) {
            t->actual += size;
            *over = t->actual == t->length;
            if (*over && !p->zero_due && t->zero_packet && t->length && t->length % p->packet == 0) {
                p->zero_due = true;
                *over = false;
            }
        }
    }
    if (r == R_DONE)
        p->toggle = !p->toggle;
    return r;
}

bool host_transact(struct usbhost *h)
{
    struct pipe *p = &h->own_pipe;
    unsigned i = 0;
    if (h->port != PORT_ENUMERATE) {
        if (!pick(h, &i))
            return false;
        p = host_pipe(h, i);
        if (p->type == PIPE_INTERRUPT)
            p->next_frame = h->frame + p->interval;
        else
            h->turn = i;
    } else if (!p->head || chip_now(h->chip) < h->own_at) {
        return p->head != NULL;
    }
    struct usbhost_transfer *t = p->head;
    bool over = false;
    enum result r = p->type == PIPE_CONTROL ? control(h, p, i / 2, &over) : stream(h, p, i / 2, i & 1, &over);
    if (r != R_SILENT)
        p->silent = 0;
    switch (r) {
    case R_NAK: t->naks++; break;
    case R_STALL: host_finish(h, p, UH_STALL); break;
    case R_OVERFLOW: host_finish(h, p, UH_OVERFLOW); break;
    case R_SILENT:
        if (++p->silent == UH_TRIES)
            host_finish(h, p, UH_NO_ANSWER);
        break;
    case R_DONE:
        if (over) {
            bool is_short = t->short_not_ok && t->actual < t->length;
            host_finish(h, p, is_short ? UH_SHORT : UH_OK);
        }
        break;
    case R_IGNORED: break;
    }
    return true;
}
