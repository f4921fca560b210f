/* CDC-ACM with a ring of bytes in each direction. */
#include "usb/cdc.h"

enum { SET_LINE_CODING = 0x20, GET_LINE_CODING = 0x21, SET_CONTROL_LINE_STATE = 0x22 };
enum { RING = 1024 }; /* a power of two */

struct ring {
    uint8_t bytes[RING];
    size_t in, out; /* count without end; the difference is what is in it */
};

static struct {
    struct ring received, queued;
    struct cdc_line_coding wanted;
    bool dtr;
    bool listening;   /* the OUT endpoint may take a packet */
    bool end_pending; /* the last packet was full: a zero-length one has to follow */
} cdc;
static struct cdc_line_coding coding = {115200, 0, 0, 8};

static size_t ring_put(struct ring *r, const uint8_t *from, size_t size)
{
    size_t n = 0;
    for (; n < size && r->in - r->out < RING; n++)
        r->bytes[r->in++ % RING] = from[n];
    return n;
}

static size_t ring_get(struct ring *r, uint8_t *to, size_t room)
{
    size_t n = 0;
    for (; n < room && r->out != r->in; n++)
        to[n] = r->bytes[r->out++ % RING];
    return n;
}

/* Lets the next packet come when a whole one has room; until then the host is told NAK. */
static void listen(void)
{
    if (!cdc.listening && RING - (cdc.received.in - cdc.received.out) >= CDC_PACKET)
        cdc.listening = usbd_accept(CDC_EP_OUT);
}

/* A transfer ends with a packet that is not full (USB 2.0, 5.8.3). */
static void send(void)
{
    uint8_t packet[CDC_PACKET];
    if (!usbd_writable(CDC_EP_IN))
        return;
    size_t n = ring_get(&cdc.queued, packet, sizeof packet);
    if (n > 0 || cdc.end_pending) {
        cdc.end_pending = n == sizeof packet;
        usbd_write(CDC_EP_IN, packet, (uint16_t)n);
    }
}

size_t cdc_read(void *to, size_t room)
{
    size_t n = ring_get(&cdc.received, to, room);
    listen();
    return n;
}

size_t cdc_write(const void *from, size_t size)
{
    size_t n = ring_put(&cdc.queued, from, size);
    send();
    return n;
}

bool cdc_dtr(void)
{
    return cdc.dtr;
}

const struct cdc_line_coding *cdc_line_coding(void)
{
    return &coding;
}

/* ---- the function ------------------------------------------------------------------------ */

static bool for_us(const struct usb_setup *s, uint8_t direction)
{
    return s->bmRequestType == (direction | USB_TYPE_CLASS | USB_RECIPIENT_INTERFACE) && s->wIndex == 0;
}

static enum usbd_answer setup(struct usbd_control *c)
{
    const struct usb_setup *s = &c->setup;

    if (for_us(s, USB_DIR_IN) && s->bRequest == GET_LINE_CODING) {
        c->data = (uint8_t *)&coding;
        c->size = sizeof coding;
        return USBD_ACK;
    }
    if (!for_us(s, 0))
        return USBD_FAIL;
    if (s->bRequest == SET_LINE_CODING && s->wLength == sizeof cdc.wanted) {
        c->data = (uint8_t *)&cdc.wanted;
        c->size = sizeof cdc.wanted;
        return USBD_ACK;
    }
    if (s->bRequest == SET_CONTROL_LINE_STATE && s->wLength == 0) {
        cdc.dtr = s->wValue & 1;
        return USBD_ACK;
    }
    return USBD_FAIL;
}

static enum usbd_answer data(struct usbd_control *c)
{
    if (c->size != sizeof cdc.wanted)
        return USBD_FAIL;
    coding = cdc.wanted;
    return USBD_ACK;
}

static void forget(void)
{
    cdc.received.in = cdc.received.out = 0;
    cdc.queued.in = cdc.queued.out = 0;
    cdc.dtr = false;
    cdc.end_pending = false;
    cdc.listening = false;
}

static void event(enum usbd_event event, uint8_t arg)
{
    uint8_t packet[CDC_PACKET];
    uint16_t n;

    switch (event) {
    case USBD_CONFIGURED:
        forget();
        listen();
        break;
    case USBD_RESET: forget(); break;
    case USBD_INTERFACE:
    case USBD_UNSTALLED: /* the endpoints are back at NAK; what was on its way is lost */
        if (event == USBD_INTERFACE || arg == CDC_EP_OUT) {
            cdc.listening = false;
            listen();
        }
        send();
        break;
    case USBD_RECEIVED:
        if (arg != CDC_EP_OUT)
            break;
        cdc.listening = false;
        n = usbd_read(CDC_EP_OUT, packet, sizeof packet);
        if (!cdc_on_packet(packet, n))
            ring_put(&cdc.received, packet, n);
        listen();
        break;
    case USBD_SENT:
        if (arg == CDC_EP_IN)
            send();
        break;
    default: break;
    }
}

const struct usbd_function cdc_function = {.setup = setup, .data = data, .event = event};
