/* What a host asks of a sureboot in DFU mode: its report, and to take an application. */
#ifndef TOOLS_DFU_H
#define TOOLS_DFU_H

#include <stddef.h>

#include "boot/core/dfu.h"
#include "report.h"
#include "usb.h"

/* A report as it came. */
struct dfu_report {
    char text[DFU_REPORT_SIZE];
    size_t size;
};

/* Ends an unfinished download of that device, as dfu-util does. False: see `why`. */
bool dfu_read_report(struct usb_board *b, struct dfu_report *report, struct sentence *why);

enum dfu_outcome {
    DFU_TAKEN,   /* written, read back, sealed; it leaves the bus and starts it after half a second */
    DFU_REFUSED, /* `why` is the board's own sentence */
    DFU_LOST     /* `why` says how */
};
/* Downloads what belongs to the start of the slot. `progress` is told now and then how many bytes are on the
 * board. */
enum dfu_outcome dfu_download(struct usb_board *b, const uint8_t *slot, uint32_t size,
                              void (*progress)(uint32_t bytes, uint32_t size), struct sentence *why);

/* Asks an application (opened as USB_RUN_TIME) to make room for the bootloader. */
bool dfu_detach(struct usb_board *b, struct sentence *why);

void dfu_pause(uint32_t ms);
/* Of a monotonic clock: a look takes its time, too, on a busy PC more than the pause. */
uint64_t dfu_ms(void);

#endif
