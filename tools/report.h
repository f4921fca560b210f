/* The report that the bootloader gives over USB (docs/messages.md), taken apart. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include "board/sentence.h"
#include "boot/core/ledger.h"
#include "boot/core/mailbox.h"
#include "examine.h"

enum { REPORT_LINE = 128 }; /* bytes of a line with its NUL */

struct report {
    char version[REPORT_LINE];
    char verdict[REPORT_LINE]; /* a sentence of the message table */
    char last[REPORT_LINE];    /* what went wrong with the last download; empty: nothing */
    char way[REPORT_LINE];     /* why DFU is served */
    uint32_t cause;            /* enum port_reset_cause and DFU_REPORT_UNDONE */
    uint32_t unreadable;       /* address of a double word, 0: none was met */
    struct ledger_record newest;
    bool has_crash; /* there is a mailbox; crash.kind 0: no crash in it */
    struct crash crash;
};

/* False: see `why`. Lines that it does not know are of a later version, and passed over. */
bool report_parse(struct report *r, const char *text, size_t size, struct sentence *why);

/* Which message it is that has this sentence; false: none of this version. */
bool report_message(const char *sentence, enum finding_code *code);

#endif
