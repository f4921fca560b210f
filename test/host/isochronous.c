/* isochronous: a libusb program for the test firmware of that name. Streams in both directions for a second
 * and looks at every packet; asks for packets that are too small; asks for more bandwidth than there is. Exit
 * status: 0 all as it should be, 1 not, 2 no such device. */
#include <libusb-1.0/libusb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_EP = 0x01, IN_EP = 0x82, SIZE = 128, HEAD = 8 };
enum { PACKETS = 25, TRANSFERS = 8, ROUNDS = 5, TOTAL = PACKETS * TRANSFERS * ROUNDS };

struct stream {
    struct libusb_transfer *transfers[TRANSFERS];
    uint8_t data[TRANSFERS][PACKETS * 1023];
    unsigned rounds[TRANSFERS];
    unsigned next; /* number of the next packet */
};

static libusb_device_handle *usb;
static struct stream in, out;
static unsigned active, ended, failures, gaps, echoes, out_over;
static int last_frame;

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list args;
    if (failures++ > 20)
        return;
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
}

static unsigned size_of(unsigned k)
{
    return k * 37 % (SIZE - HEAD + 1);
}

static uint8_t byte_of(unsigned k, unsigned at)
{
    return (uint8_t)(k * 29 + at * 3 + 1);
}

static unsigned le16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

/* Packet k of the device, made when the last but one went out, with what had come until then. `after`: that
 * one was the first of a transfer, before which frames may be missing, if this machine was slow. */
static void look(unsigned k, const uint8_t *p, unsigned size, bool after)
{
    static unsigned received;
    if (k == 0) { /* before the device has made one */
        if (size != 0)
            fail("packet 0 has %u bytes\n", size);
        return;
    }
    if (size < HEAD) {
        fail("packet %u has %u bytes\n", k, size);
        return;
    }
    int frame = (int)le16(p);
    unsigned count = le16(p + 4), n = le16(p + 6);
    if (le16(p + 2) != k - 1)
        fail("packet %u is the device's %u\n", k, le16(p + 2));
    bool follows = k <= 2 || frame == ((last_frame + 1) & 0x7FF);
    if (!follows && after)
        gaps++;
    else if (!follows || count > received + 1)
        fail("packet %u: frame %d after %d, %u packets have come, %u before\n", k, frame, last_frame, count,
             received);
    if (count < received)
        fail("packet %u: %u packets have come, %u before\n", k, count, received);
    last_frame = frame;
    received = count;
    if (count == 0)
        return;
    if (n != size_of(count - 1) || size != HEAD + n)
        fail("packet %u: an echo of %u bytes in %u, not of %u\n", k, n, size, size_of(count - 1));
    for (unsigned i = 0; i < n && i + HEAD < size; i++) {
        if (p[HEAD + i] != byte_of(count - 1, i)) {
            fail("packet %u: byte %u of the echo is wrong\n", k, i);
            break;
        }
    }
    echoes = count;
}

static void shape_out(struct libusb_transfer *t)
{
    uint8_t *p = t->buffer;
    for (int i = 0; i < PACKETS; i++) {
        unsigned k = out.next++;
        t->iso_packet_desc[i].length = size_of(k);
        for (unsigned j = 0; j < size_of(k); j++)
            *p++ = byte_of(k, j);
    }
    t->length = (int)(p - t->buffer);
}

static void submit(struct libusb_transfer *t)
{
    int error = libusb_submit_transfer(t);
    if (error != 0)
        fail("submit: %s\n", libusb_error_name(error));
    else
        active++;
}

static void over(void)
{
    active--;
    ended++;
}

static void LIBUSB_CALL done(struct libusb_transfer *t)
{
    unsigned *rounds = t->user_data;
    over();
    if (t->status != LIBUSB_TRANSFER_COMPLETED) {
        fail("transfer of endpoint %02x: status %d\n", t->endpoint, t->status);
        return;
    }
    for (int i = 0; i < t->num_iso_packets; i++) {
        const struct libusb_iso_packet_descriptor *p = &t->iso_packet_desc[i];
        if (p->status != LIBUSB_TRANSFER_COMPLETED)
            fail("a packet of endpoint %02x: status %d\n", t->endpoint, p->status);
        else if (t->endpoint == IN_EP)
            look(in.next++, libusb_get_iso_packet_buffer_simple(t, (unsigned)i), p->actual_length, i == 2);
        else if (p->actual_length != p->length)
            fail("%u of %u bytes were sent\n", p->actual_length, p->length);
    }
    if (t->endpoint == OUT_EP && ++*rounds == ROUNDS) {
        out_over++;
    } else if (t->endpoint == OUT_EP) {
        shape_out(t);
        submit(t);
    } else if (out_over < TRANSFERS) { /* IN goes on until all echoes are on their way */
        submit(t);
    }
}

static struct libusb_transfer *prepare(struct stream *s, unsigned i, uint8_t endpoint, int packets,
                                       unsigned size, libusb_transfer_cb_fn callback)
{
    struct libusb_transfer *t = libusb_alloc_transfer(packets);
    if (t == NULL) {
        fprintf(stderr, "isochronous: out of memory\n");
        exit(2);
    }
    s->transfers[i] = t;
    libusb_fill_iso_transfer(t, usb, endpoint, s->data[i], packets * (int)size, packets, callback,
                             &s->rounds[i], 0);
    libusb_set_iso_packet_lengths(t, size);
    return t;
}

/* Until nothing is under way. What has not ended a minute after the last other one never will. */
static void finish(void)
{
    struct timeval second = {.tv_sec = 1};
    unsigned idle = 0;
    while (active > 0 && idle < 60) {
        unsigned before = ended;
        int error = libusb_handle_events_timeout_completed(NULL, &second, NULL);
        if (error != 0)
            fail("events: %s\n", libusb_error_name(error));
        idle = ended != before ? 0 : idle + 1;
    }
    if (active > 0) {
        printf("%u transfers never ended\n", active);
        exit(1); /* their memory is still in use */
    }
}

static void release(struct stream *s)
{
    for (unsigned i = 0; i < TRANSFERS; i++) {
        libusb_free_transfer(s->transfers[i]);
        s->transfers[i] = NULL;
    }
}

static void select_setting(int alternate)
{
    int error = libusb_set_interface_alt_setting(usb, 0, alternate);
    if (error != 0)
        fail("alternate setting %d: %s\n", alternate, libusb_error_name(error));
}

static void both_ways(void)
{
    select_setting(1);
    for (unsigned i = 0; i < TRANSFERS; i++) {
        prepare(&in, i, IN_EP, PACKETS, SIZE, done);
        shape_out(prepare(&out, i, OUT_EP, PACKETS, SIZE, done));
    }
    for (unsigned i = 0; i < TRANSFERS; i++) {
        submit(in.transfers[i]);
        submit(out.transfers[i]);
    }
    finish();
    if (in.next < TOTAL || echoes != TOTAL)
        fail("%u packets, %u echoes of %d\n", in.next, echoes, TOTAL);
    printf("%u packets, %u echoes, %u gaps between transfers\n", in.next, echoes, gaps);
    release(&in);
    release(&out);
}

static int status_of_transfer, status_of_packet;

static void LIBUSB_CALL note(struct libusb_transfer *t)
{
    over();
    status_of_transfer = t->status;
    status_of_packet = t->iso_packet_desc[t->num_iso_packets - 1].status;
}

/* A packet that is larger than the place for it is an error of its own, not of the transfer. */
static void too_small(void)
{
    submit(prepare(&in, 0, IN_EP, PACKETS, 4, note));
    finish();
    if (status_of_transfer != LIBUSB_TRANSFER_COMPLETED || status_of_packet != LIBUSB_TRANSFER_OVERFLOW)
        fail("packets that are too small: transfer %d, packet %d\n", status_of_transfer, status_of_packet);
    release(&in);
}

static void LIBUSB_CALL ignore(struct libusb_transfer *t)
{
    (void)t;
    over();
}

/* 1023 bytes OUT and 512 bytes IN do not fit into a frame. */
static void too_much(void)
{
    select_setting(2);
    for (unsigned i = 0; i < TRANSFERS; i++) /* enough for a slow machine to come with the other meanwhile */
        submit(prepare(&out, i, OUT_EP, PACKETS, 1023, ignore));
    submit(prepare(&in, 0, IN_EP, PACKETS, 512, note));
    finish();
    if (status_of_transfer != LIBUSB_TRANSFER_ERROR)
        fail("more bandwidth than there is: transfer %d\n", status_of_transfer);
    release(&in);
    submit(prepare(&in, 0, IN_EP, PACKETS, 512, note)); /* alone it does, but nobody is there */
    finish();
    if (status_of_transfer != LIBUSB_TRANSFER_COMPLETED || status_of_packet != LIBUSB_TRANSFER_ERROR)
        fail("nobody there: transfer %d, packet %d\n", status_of_transfer, status_of_packet);
    release(&in);
    release(&out);
    select_setting(0);
}

int main(void)
{
    int error = libusb_init(NULL);
    if (error == 0)
        usb = libusb_open_device_with_vid_pid(NULL, 0x0483, 0x5741);
    if (usb == NULL) {
        fprintf(stderr, "isochronous: no such device\n");
        return 2;
    }
    error = libusb_claim_interface(usb, 0);
    if (error != 0) {
        fprintf(stderr, "isochronous: the interface cannot be claimed: %s\n", libusb_error_name(error));
        return 2;
    }
    both_ways();
    too_small();
    too_much();
    libusb_release_interface(usb, 0);
    libusb_close(usb);
    libusb_exit(NULL);
    return failures > 0;
}
