/* The DFU class as a state machine without USB below it: USB DFU 1.1 and ST's extension DfuSe (AN3156)
 * at the same time. Requests and events go in, answers and a writer at work come out. */
#ifndef BOOT_CORE_DFU_H
#define BOOT_CORE_DFU_H

#include "boot/core/session.h"
#include "usb/usb.h"

/* bState (USB DFU 1.1, 6.1.2) */
enum dfu_state {
    DFU_IDLE = 2,
    DFU_DNLOAD_SYNC = 3,
    DFU_DNBUSY = 4,
    DFU_DNLOAD_IDLE = 5,
    DFU_MANIFEST_SYNC = 6,
    DFU_MANIFEST = 7,
    DFU_UPLOAD_IDLE = 9,
    DFU_ERROR = 10
};

/* bRequest (USB DFU 1.1, table 3.2) */
enum {
    DFU_REQ_DETACH,
    DFU_REQ_DNLOAD,
    DFU_REQ_UPLOAD,
    DFU_REQ_GETSTATUS,
    DFU_REQ_CLRSTATUS,
    DFU_REQ_GETSTATE,
    DFU_REQ_ABORT
};

enum { DFU_TRANSFER_SIZE = 2048, DFU_HOLD_MS = 3000, DFU_STATUS_SIZE = 6 };

/* The report is readable there, as a second segment of the alternate setting. */
#define DFU_REPORT_ADDR 0xF0000000u
#define DFU_REPORT_SIZE 1024u
/* In its reset cause, beside enum port_reset_cause: somebody jumped here, and a reset was no way out. */
#define DFU_REPORT_UNDONE 0x200u

/* iString of GETSTATUS: string descriptor of a message; 0 if there is no error. */
#define DFU_STRING(message) (0x10u + (unsigned)(message))

enum dfu_answer {
    DFU_STALL,
    DFU_ACK,
    DFU_HOLD /* not yet: ask dfu_again when something has happened, at the latest in a millisecond */
};

enum dfu_event { DFU_BUS_RESET, DFU_CONFIGURED, DFU_INTERFACE_SET };

struct dfu {
    /* What GETSTATUS answers (USB DFU 1.1, 6.1.2): bStatus and below it bwPollTimeout, bState, iString. The
     * state is kept nowhere else. */
    struct {
        uint32_t status_and_poll;
        uint8_t state, string;
    } reply;
    bool draining;          /* GETSTATUS has to wait until the writer has nothing to do */
    bool leaving;           /* a leave was accepted: leave_at counts */
    uint32_t size;          /* of what the answer sends, or of the room for what comes */
    uint32_t upload_block;  /* plain DFU: next one */
    uint32_t upload_stride; /* length of the first block of this upload */
    const uint8_t *data;
    uint32_t since; /* when the request came, port_ms */
    uint32_t leave_at;
    struct session session;
};

/* The text of the report; implemented by the owner. */
const char *dfu_report(void);

/* To be called with all zeros in *d. */
void dfu_init(struct dfu *d, const struct ledger *l, enum message verdict);

/* Invoked for every class request to the interface. IN: d->data and d->size are the reply (the caller clips
 * it to wLength). OUT with data: they are the room for it. */
enum dfu_answer dfu_setup(struct dfu *d, const struct usb_setup *setup);
enum dfu_answer dfu_again(struct dfu *d, const struct usb_setup *setup);
/* Invoked when the data of a DNLOAD has arrived. */
enum dfu_answer dfu_data(struct dfu *d, const struct usb_setup *setup, uint32_t size);
/* Invoked when the status stage of a request is over. */
void dfu_done(struct dfu *d);
void dfu_event(struct dfu *d, enum dfu_event event);
/* True when the device should leave the bus and reset. */
bool dfu_leave_due(const struct dfu *d);

#endif
