/* A DfuSe download that goes on while the board runs, one request after the other, as dfu-util 0.11 sends
 * them: nobody waits for it in a call, so snapshots can be taken, and restored, in the middle of it. Its
 * state has to be kept with the board's (board_keep). */
#ifndef TEST_DFUWALK_H
#define TEST_DFUWALK_H

#include "host/usbhost.h"
#include "vboard.h"

struct dfuwalk {
    struct vboard *board;
    struct usbhost *host;
    const uint8_t *image;
    uint32_t addr, size;
    struct usbhost_transfer transfer;
    uint8_t data[2048];
    unsigned step;  /* of the list in dfuwalk.c */
    bool asking;    /* GETSTATUS is under way */
    bool done;      /* everything is sent, and the device says dfuMANIFEST */
    bool failed;    /* a transfer failed, or the device refused something */
    uint8_t status; /* the last bStatus */
};

/* Begins the download to a device that is addressed; it ends with a request to leave. */
void dfuwalk_start(struct dfuwalk *w, struct vboard *b, struct usbhost *h, uint32_t addr,
                   const uint8_t *image, uint32_t size);
/* Sends no more. */
void dfuwalk_stop(struct dfuwalk *w);

#endif
