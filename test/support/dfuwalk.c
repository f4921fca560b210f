/* The requests of a DfuSe download, chained by their completion. */
#include "dfuwalk.h"
#include "board.h"
#include "chip/chip.h"
#include <string.h>

enum { PAGE = 2048, CMD_SET_ADDRESS = 0x21, CMD_ERASE = 0x41 };
enum { DNLOAD = 1, GETSTATUS = 3, ABORT = 6 };
enum { IDLE = 2, DNLOAD_SYNC, DNBUSY, DNLOAD_IDLE, MANIFEST = 7 };

/* The steps: configuration, interface, an erase command for each page, for each block its address and its
 * data, ABORT, the address again, an empty block. */
enum { CONFIGURE, INTERFACE, ERASES };

static unsigned pages(const struct dfuwalk *w)
{
    return (w->size + PAGE - 1) / PAGE;
}

static void submit(struct dfuwalk *w, uint8_t type, uint8_t request, uint16_t value, uint16_t length)
{
    w->transfer.length = length;
    const uint8_t setup[8] = {type, request, (uint8_t)value,  (uint8_t)(value >> 8),
                              0,    0,       (uint8_t)length, (uint8_t)(length >> 8)};
    memcpy(w->transfer.setup, setup, sizeof setup);
    if (!usbhost_submit(w->host, &w->transfer))
        w->failed = true;
}

static void command(struct dfuwalk *w, uint8_t code, uint32_t addr)
{
    w->data[0] = code;
    for (unsigned i = 0; i < 4; i++)
        w->data[1 + i] = (uint8_t)(addr >> (8 * i));
    submit(w, 0x21, DNLOAD, 0, 5);
}

static void send_step(struct dfuwalk *w)
{
    unsigned n = pages(w), i = w->step - ERASES;
    w->asking = false;
    if (w->step == CONFIGURE) {
        submit(w, 0x00, 9, 1, 0);
    } else if (w->step == INTERFACE) {
        submit(w, 0x01, 11, 0, 0);
    } else if (i < n) {
        command(w, CMD_ERASE, w->addr + i * PAGE);
    } else if (i < 3 * n) {
        uint32_t at = (i - n) / 2 * PAGE, size = w->size - at < PAGE ? w->size - at : PAGE;
        if ((i - n) % 2 == 0) {
            command(w, CMD_SET_ADDRESS, w->addr + at);
        } else {
            memcpy(w->data, w->image + at, size);
            submit(w, 0x21, DNLOAD, 2, (uint16_t)size);
        }
    } else if (i == 3 * n) {
        submit(w, 0x21, ABORT, 0, 0);
    } else if (i == 3 * n + 1) {
        command(w, CMD_SET_ADDRESS, w->addr);
    } else {
        submit(w, 0x21, DNLOAD, 2, 0);
    }
}

static void ask(struct dfuwalk *w)
{
    w->asking = true;
    submit(w, 0xA1, GETSTATUS, 0, 6);
}

/* After the pause that the device asked for. */
static void go_on(void *arg)
{
    struct dfuwalk *w = arg;
    if (w->asking)
        ask(w);
    else
        send_step(w);
}

static void answered(struct usbhost_transfer *t, void *arg)
{
    struct dfuwalk *w = arg;
    if (t->status != UH_OK || (w->asking && t->actual != 6)) {
        w->failed = true;
        return;
    }
    if (!w->asking && w->step != CONFIGURE) {
        ask(w);
        return;
    }
    uint8_t state = w->asking ? w->data[4] : DNLOAD_IDLE;
    uint32_t poll = w->asking ? w->data[1] | (uint32_t)w->data[2] << 8 | (uint32_t)w->data[3] << 16 : 0;
    bool last = w->step == ERASES + 3 * pages(w) + 2;
    if (w->asking)
        w->status = w->data[0];
    if (last && state == MANIFEST) {
        w->done = true;
        return;
    }
    if (w->status != 0 ||
        (state != DNLOAD_SYNC && state != DNBUSY && state != DNLOAD_IDLE && state != IDLE)) {
        w->failed = true;
        return;
    }
    w->asking = state == DNLOAD_SYNC || state == DNBUSY;
    if (!w->asking)
        w->step++;
    struct chip *c = board_chip(w->board);
    chip_outside_wake(c, OUTSIDE_TEST, chip_now(c) + poll * PS_PER_MS, go_on, w);
}

void dfuwalk_start(struct dfuwalk *w, struct vboard *b, struct usbhost *h, uint32_t addr,
                   const uint8_t *image, uint32_t size)
{
    *w = (struct dfuwalk){.board = b, .host = h, .image = image, .addr = addr, .size = size};
    w->transfer.data = w->data;
    w->transfer.timeout_ns = 5000000000;
    w->transfer.done = answered;
    w->transfer.arg = w;
    send_step(w);
}

void dfuwalk_stop(struct dfuwalk *w)
{
    struct chip *c = board_chip(w->board);
    chip_outside_wake(c, OUTSIDE_TEST, PS_NEVER, go_on, w);
    usbhost_cancel(w->host, &w->transfer);
}
