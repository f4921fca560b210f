/* The in-process USB host: isochronous transfers (USB 2.0 chapters 5.6 and 8.5.5). One packet in each frame
 * of the endpoint, without handshake, toggle or second try, at the beginning of the frame. It is over, for
 * both sides, after the longest time that its size can take on the wire. */
#include "host/priv.h"
#include <string.h>

/* USB 2.0 5.6.4: at most this much of a frame is periodic. */
static const ps_t periodic_most = 900 * PS_PER_US;
static const ps_t sof_length = 3 * PS_PER_US;

/* USB 2.0 5.11.3: the longest that a transaction can take at full speed, in picoseconds, without the delay of
 * a host controller. 83.54 ns are a bit, with every seventh one stuffed. */
static ps_t bus_time(const struct pipe *p, bool in, uint32_t size)
{
    const ps_t overhead = p->type != PIPE_ISOCHRONOUS ? 9107000 : in ? 7268000 : 6265000;
    return overhead + 83540 * 3167 / 1000 + (ps_t)size * 8 * 83540 * 7 / 6;
}

int host_iso_check(struct usbhost *h, const struct pipe *p, const struct usbhost_transfer *t)
{
    if (t->packet_count == 0)
        return UH_INVALID;
    for (uint32_t i = 0; i < t->packet_count; i++) {
        const struct usbhost_packet *k = &t->packets[i];
        if (k->length > p->packet || k->offset > t->length || k->length > t->length - k->offset)
            return UH_INVALID;
    }
    ps_t taken = 0;
    for (unsigned i = 0; i < PIPES; i++) {
        const struct pipe *q = host_pipe(h, i);
        bool periodic = q->type == PIPE_ISOCHRONOUS || q->type == PIPE_INTERRUPT;
        if (q == p || (q->head && periodic))
            taken += bus_time(q, i & 1, q->packet);
    }
    return taken <= periodic_most ? UH_OK : UH_NO_ROOM;
}

void host_iso_begin(struct usbhost *h, struct pipe *p, struct usbhost_transfer *t)
{
    t->packet_errors = 0;
    for (uint32_t i = 0; i < t->packet_count; i++) {
        t->packets[i].actual = 0;
        t->packets[i].status = UH_LATE;
    }
    if (!p->head && (int32_t)(h->frame - p->next_frame) >= 0)
        p->next_frame = h->frame + 1;
}

static bool wanted(const struct usbhost *h, const struct pipe *p)
{
    return p->head && p->type == PIPE_ISOCHRONOUS && (int32_t)(h->frame - p->next_frame) >= 0;
}

void host_iso_frame(struct usbhost *h)
{
    h->iso_due = 0;
    for (unsigned i = 0; i < PIPES && h->port == PORT_READY; i++) {
        if (wanted(h, host_pipe(h, i)))
            h->iso_due |= 1U << i;
    }
    h->iso_end = h->sof_at + (h->iso_due ? sof_length : 0);
}

/* The pipe whose turn it is; PIPES: none. What was queued since the SOF is for the next frame. */
static unsigned due(struct usbhost *h)
{
    while (h->iso_due) {
        unsigned i = (unsigned)__builtin_ctz(h->iso_due);
        if (wanted(h, host_pipe(h, i)))
            return i;
        h->iso_due &= h->iso_due - 1;
    }
    return PIPES;
}

static const struct usbhost_packet *packet_of(const struct pipe *p)
{
    return &p->head->packets[p->packet_at];
}

ps_t host_iso_end(struct usbhost *h)
{
    unsigned i = due(h);
    if (i == PIPES)
        return PS_NEVER;
    const struct pipe *p = host_pipe(h, i);
    return h->iso_end + bus_time(p, i & 1, packet_of(p)->length);
}

static void packet(struct usbhost *h, struct usbhost_transfer *t, struct usbhost_packet *k, unsigned ep,
                   bool in)
{
    uint8_t data[1023];
    size_t size;
    if (!in) {
        (void)usbfs_out(h->chip, h->address, ep, 0, t->data + k->offset, k->length, false);
        k->actual = k->length;
        k->status = UH_OK;
        return;
    }
    enum usb_answer a = usbfs_in(h->chip, h->address, ep, data, &size);
    k->status = a != USB_DATA0 && a != USB_DATA1 ? UH_NO_ANSWER : size > k->length ? UH_OVERFLOW : UH_OK;
    if (k->status == UH_OK) {
        memcpy(t->data + k->offset, data, size);
        k->actual = (uint32_t)size;
    }
}

void host_iso_transact(struct usbhost *h)
{
    unsigned i = due(h);
    if (i == PIPES)
        return;
    struct pipe *p = host_pipe(h, i);
    struct usbhost_transfer *t = p->head;
    struct usbhost_packet *k = &t->packets[p->packet_at];
    ps_t end = host_iso_end(h);
    h->iso_due &= ~(1U << i);
    p->next_frame = h->frame + p->interval;
    if (p->packet_at == 0)
        t->start_frame = h->frame & 0x7FF;
    /* Bandwidth is counted when a transfer is submitted; an alternate setting chosen since may want more. */
    if (end <= h->sof_at + sof_length + periodic_most) {
        h->iso_end = end;
        packet(h, t, k, i / 2, i & 1);
    }
    t->actual += k->actual;
    t->packet_errors += k->status != UH_OK;
    if (++p->packet_at == t->packet_count)
        host_finish(h, p, UH_OK);
}
