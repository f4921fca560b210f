/* What the boot path has found out and DFU goes on with. */
#ifndef BOOT_FINDINGS_H
#define BOOT_FINDINGS_H

#include "boot/core/verdict.h"

/* What a token or a user asks for; in DFU: why it is served. The first four survive the reset of who was
 * jumped to, in two bits. */
enum way { WAY_NONE, WAY_TOKEN, WAY_ROM, WAY_FAULT, WAY_TWICE, WAY_BUTTON };

struct findings {
    enum way way; /* WAY_NONE: the verdict is a refusal */
    enum message verdict;
    unsigned cause; /* enum port_reset_cause */
    bool undone;    /* somebody jumped here, and a reset was no way out */
    struct facts facts;
};

#endif
