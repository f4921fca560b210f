/* USB/IP server: isochronous transfers, whose packets are described behind the data in both directions.
 * Interval and first frame of a request are not looked at: the endpoint's descriptor tells the one, and a
 * stream goes on where it stands. Whether packets make sense is for the host to say. */
#include "usbip/priv.h"
#include <stdlib.h>

bool iso_read(struct urb *urb)
{
    struct usbhost_transfer *t = &urb->t;
    t->packets = calloc(t->packet_count, sizeof *t->packets);
    if (!t->packets)
        return false;
    const uint8_t *d = urb->data + t->length;
    for (uint32_t i = 0; i < t->packet_count; i++, d += ISO_PACKET_SIZE) {
        t->packets[i] = (struct usbhost_packet){
            .offset = usbip_get32(d + ISO_OFFSET), .length = usbip_get32(d + ISO_LENGTH), .status = UH_LATE};
    }
    return true;
}

void iso_free(struct urb *urb)
{
    free(urb->t.packets);
    urb->t.packets = NULL;
}

void iso_header(const struct urb *urb, uint8_t *header)
{
    const struct usbhost_transfer *t = &urb->t;
    if (!t->packets)
        return;
    usbip_put32(header + RET_START_FRAME, t->start_frame);
    usbip_put32(header + RET_PACKETS, t->packet_count);
    usbip_put32(header + RET_ERRORS, t->packet_errors);
}

void iso_send(struct urb *urb, struct client *c)
{
    const struct usbhost_transfer *t = &urb->t;
    uint8_t *d = urb->data + t->length;
    for (uint32_t i = 0; i < t->packet_count; i++, d += ISO_PACKET_SIZE) {
        const struct usbhost_packet *p = &t->packets[i];
        if (urb->in && p->actual > 0)
            client_send(c, urb->data + p->offset, p->actual);
        usbip_put32(d + ISO_ACTUAL, p->actual); /* offset and length are there as they came */
        usbip_put32(d + ISO_STATUS, (uint32_t)p->status);
    }
    client_send(c, urb->data + t->length, (size_t)t->packet_count * ISO_PACKET_SIZE);
}
