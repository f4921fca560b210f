/* The verdict on the slot, from what is known about ledger, slot and chip. */
#ifndef BOOT_CORE_VERDICT_H
#define BOOT_CORE_VERDICT_H

#include "boot/core/content.h"
#include "boot/core/ledger.h"
#include "boot/core/message.h"

struct facts {
    struct ledger ledger;
    struct content content; /* as content_look has found it */
    int debugger;           /* attached now */
    int wake;               /* this is a wake-up, not a start */
    enum answer seal;       /* from verdict(): content has the length and CRC of the newest record */
};

/* Start it; start it and record that. Less than MESSAGE_COUNT: refuse it for that reason. */
enum { VERDICT_START = MESSAGE_COUNT, VERDICT_START_COUNTED };

/* Checks the content, which takes time, only if the verdict depends on it. */
unsigned verdict(struct facts *f);

#endif
