/* Asks a sureboot in DFU mode on this machine's USB for its report. */
#ifndef TOOLS_DFU_H
#define TOOLS_DFU_H

#include "board/sentence.h"
#include "report.h"

/* A report as it came, and from whom. */
struct dfu_report {
    char serial[128]; /* of the device */
    char text[REPORT_MAX];
    size_t size;
};

/* serial: of the board that is meant; NULL: there is only one. False: see `why`, which says what is there
 * instead. Ends an unfinished download of that device, as dfu-util does. */
bool dfu_read_report(struct dfu_report *report, const char *serial, struct sentence *why);

#endif
