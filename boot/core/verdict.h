/* The verdict on the slot: a pure function of what is known about ledger, slot and chip. What costs
 * time to find out (the CRC of the content) it asks for, only when needed. */
#ifndef BOOT_CORE_VERDICT_H
#define BOOT_CORE_VERDICT_H

#include "boot/core/ledger.h"
#include "boot/core/message.h"

enum answer { UNKNOWN, YES, NO, NO_ECC /* no, because a word cannot be read */ };

struct facts {
    struct ledger ledger;
    unsigned lint;         /* of vector table and board id; MESSAGE_UNREADABLE if ECC is in the way */
    int packed;            /* there is a packed information block */
    int wants_confirm;     /* there is an information block that says so */
    int debugger;          /* attached now */
    int wake;              /* this is a wake-up, not a start */
    unsigned seal_matches; /* content has the record's length and CRC */
    unsigned info_matches; /* content has the information block's length and CRC */
};

/* Start it; start it and record that; find out seal_matches or info_matches and ask again. Less than
 * MESSAGE_COUNT: refuse it for that reason. */
enum { VERDICT_START = MESSAGE_COUNT, VERDICT_START_COUNTED, VERDICT_CHECK_SEAL, VERDICT_CHECK_INFO };

unsigned verdict(const struct facts *f);

#endif
