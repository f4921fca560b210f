/* The requests, with libusb: the report as an upload by DfuSe (AN3156) from its address, an application by
 * plain DFU 1.1, whose hosts hear what came of a download before the device leaves. */
#include "dfu.h"

#include <libusb-1.0/libusb.h>
#include <time.h>

enum { ANSWER_MS = 5000, PATIENCE_MS = 20000 }; /* GETSTATUS may be held for DFU_HOLD_MS */
enum { TO_DEVICE = 0x21, TO_HOST = 0xA1 };

void dfu_pause(uint32_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL); /* too short a pause does no harm */
}

uint64_t dfu_ms(void)
{
    struct timespec t = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Bytes sent or received, or an error of libusb. What is sent is only read. */
static int request(struct usb_board *b, uint8_t type, uint8_t number, uint16_t value, const void *data,
                   uint16_t size)
{
    return libusb_control_transfer(b->handle, type, number, value, b->interface,
                                   (unsigned char *)(uintptr_t)data, size, ANSWER_MS);
}

/* GETSTATUS. False: there was no answer. */
struct status {
    uint32_t poll_ms;
    uint8_t state, string;
};

static bool ask(struct usb_board *b, struct status *s)
{
    uint8_t status[DFU_STATUS_SIZE];
    if (request(b, TO_HOST, DFU_REQ_GETSTATUS, 0, status, sizeof status) != sizeof status)
        return false;
    s->poll_ms = (uint32_t)status[1] | (uint32_t)status[2] << 8 | (uint32_t)status[3] << 16;
    s->state = status[4];
    s->string = status[5];
    return true;
}

/* The state; 0: there was no answer. */
static unsigned state(struct usb_board *b)
{
    struct status s;
    return ask(b, &s) ? s.state : 0;
}

/* Asks until it is busy no more, or for too long. */
static bool settled(struct usb_board *b, struct status *s)
{
    uint64_t end = dfu_ms() + PATIENCE_MS;
    while (ask(b, s)) {
        if (s->state != DFU_DNBUSY || dfu_ms() >= end)
            return true;
        dfu_pause(s->poll_ms < 1 ? 1 : s->poll_ms < PATIENCE_MS ? s->poll_ms : PATIENCE_MS);
    }
    return false;
}

/* Into dfuIDLE, whatever the last host has left. */
static bool to_idle(struct usb_board *b)
{
    unsigned s = state(b);
    if (s == DFU_ERROR)
        return request(b, TO_DEVICE, DFU_REQ_CLRSTATUS, 0, NULL, 0) == 0 && state(b) == DFU_IDLE;
    return s == DFU_IDLE || (request(b, TO_DEVICE, DFU_REQ_ABORT, 0, NULL, 0) == 0 && state(b) == DFU_IDLE);
}

bool dfu_read_report(struct usb_board *b, struct dfu_report *report, struct sentence *why)
{
    const uint8_t set_address[5] = {DFUSE_SET_ADDRESS, DFU_REPORT_ADDR & 0xFF, DFU_REPORT_ADDR >> 8 & 0xFF,
                                    DFU_REPORT_ADDR >> 16 & 0xFF, DFU_REPORT_ADDR >> 24};
    struct status s;
    /* AN3156: the first GETSTATUS carries the command out. What an unfinished download has left to be erased
     * comes first. */
    int n = -1;
    if (to_idle(b) && request(b, TO_DEVICE, DFU_REQ_DNLOAD, 0, set_address, sizeof set_address) == 5 &&
        state(b) == DFU_DNBUSY && settled(b, &s) && s.state == DFU_DNLOAD_IDLE && to_idle(b))
        n = request(b, TO_HOST, DFU_REQ_UPLOAD, 2, report->text, sizeof report->text);
    report->size = n > 0 ? (size_t)n : 0;
    return n > 0 || refuse(why, "the board %s gives no report", b->serial);
}

/* ---- a download -------------------------------------------------------------------------- */

static enum dfu_outcome lost(struct sentence *why)
{
    sentence_write(why, "the board answers no more: was it unplugged, reset, or without power?");
    return DFU_LOST;
}

/* The board's own sentence. */
static enum dfu_outcome refused(struct usb_board *b, const struct status *s, struct sentence *why)
{
    char text[USB_TEXT];
    int n = s->state == DFU_ERROR ? libusb_get_string_descriptor_ascii(b->handle, s->string,
                                                                       (unsigned char *)text, sizeof text - 1)
                                  : 0;
    if (n < 0)
        return lost(why);
    if (s->state != DFU_ERROR) {
        if (s->state == DFU_DNBUSY)
            sentence_write(why, "the board %s is busy for too long", b->serial);
        else
            sentence_write(why, "the board %s is in a state that nobody expects: %u", b->serial, s->state);
        return DFU_LOST;
    }
    text[n] = '\0';
    sentence_write(why, "%s", text);
    return DFU_REFUSED;
}

/* One DNLOAD and what came of it. */
static enum dfu_outcome send(struct usb_board *b, uint16_t block, const uint8_t *data, uint16_t size,
                             enum dfu_state then, struct sentence *why)
{
    struct status s;
    int n = request(b, TO_DEVICE, DFU_REQ_DNLOAD, block, data, size);
    if ((n != size && n != LIBUSB_ERROR_PIPE) || !settled(b, &s)) /* the status tells why it was stalled */
        return lost(why);
    return s.state == then ? DFU_TAKEN : refused(b, &s, why);
}

enum dfu_outcome dfu_download(struct usb_board *b, const uint8_t *slot, uint32_t size,
                              void (*progress)(uint32_t bytes, uint32_t size), struct sentence *why)
{
    enum dfu_outcome o = DFU_TAKEN;
    uint16_t block = 0;
    if (!to_idle(b))
        return lost(why);
    for (uint32_t at = 0, n; at < size && o == DFU_TAKEN; at += n) {
        n = size - at < DFU_TRANSFER_SIZE ? size - at : DFU_TRANSFER_SIZE;
        o = send(b, block++, slot + at, (uint16_t)n, DFU_DNLOAD_IDLE, why);
        progress(o == DFU_TAKEN ? at + n : at, size);
    }
    /* A zero-length DNLOAD ends it. The answer to the question what came of it waits for the seal. */
    return o == DFU_TAKEN ? send(b, block, NULL, 0, DFU_IDLE, why) : o;
}

bool dfu_detach(struct usb_board *b, struct sentence *why)
{
    enum { DETACH_MS = 255 };
    /* What resets at once, for want of sureboot_tick(), is gone before its acknowledgement. */
    return request(b, TO_DEVICE, DFU_REQ_DETACH, DETACH_MS, NULL, 0) != LIBUSB_ERROR_PIPE ||
           refuse(why, "the application of %s refuses to detach", b->serial);
}
