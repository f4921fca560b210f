/* A DFU tool in virtual time: sends what dfu-util 0.11 sends, in its order and with its pauses, to
 * whatever DFU firmware runs on the board, and judges the answers as dfu-util does. */
#ifndef VBOARD_HOST_DFUHOST_H
#define VBOARD_HOST_DFUHOST_H

#include "host/usbhost.h"

enum dfu_dialect { DFU_AS_ANNOUNCED, DFU_DFUSE, DFU_DFU11 };

struct dfu_element {
    uint32_t addr;
    const uint8_t *bytes;
    uint32_t size;
};

#define DFU_NO_ADDR UINT32_MAX

struct dfu_job {
    /* Download: elements, in this order. One with DFU_NO_ADDR goes to the first writable address of the
     * layout; plain DFU 1.1 takes one element and ignores its address. */
    const struct dfu_element *elements;
    size_t element_count;
    /* Upload, if `upload` is not NULL: at most upload_limit bytes from upload_addr; a limit of 0 means up
     * to the end of the segment. Plain DFU 1.1 ignores the address, and without a limit ends with a short
     * block. */
    uint8_t *upload;
    uint32_t upload_addr, upload_limit, upload_room;
    enum dfu_dialect dialect;
    bool dfuse_file;        /* the elements come from one: no address is set before the leave request */
    bool leave;             /* DfuSe: request to leave at the end */
    unsigned transfer_size; /* 0: wTransferSize of the device; dfu-util's limit of 4096 applies */
    uint64_t limit_ns;      /* of virtual time from now on; 0: none */
    /* A line about each request and what came of it; may be NULL. */
    void (*log)(void *arg, const char *line);
    void *arg;
};

struct dfu_result {
    bool ok;                    /* dfu-util would have ended with exit status 0 */
    bool timed_out;             /* limit_ns was reached */
    char error[256];            /* if not ok: one sentence */
    double seconds;             /* from the first request to the detach, or to the last answer */
    unsigned transfers, errors; /* control transfers done, and how many of them failed */
    int status;                 /* last bStatus seen; -1: none */
    char string[128];           /* the device's text for it (iString), UTF-8; empty if it has none */
    bool reenumerated;          /* after the job the device left the bus and came back addressed */
    uint32_t uploaded;          /* bytes */
};

/* Waits for a device, finds its DFU interface (detaching a run-time one), does the job. After `leave`
 * (or the end of a DFU 1.1 download) it waits up to 3 s for the device to leave and to come back. */
void dfu_run(struct usbhost *h, const struct dfu_job *job, struct dfu_result *result);

#endif
