/* The mailbox: the last bytes of SRAM, in which bootloader and application leave each other reports. Only
 * for images whose information block says that they reserve it; lost with power. app/sureboot.h has the
 * same layout for applications, and test/unit/test_kit.c compares. */
#ifndef BOOT_CORE_MAILBOX_H
#define BOOT_CORE_MAILBOX_H

#include "boot/core/config.h"
#include "boot/core/ledger.h"
#include <stdint.h>

#define MAILBOX_MAGIC 0x3278424Du /* "MBx2" */

/* Filled by the application's fault handler; kind 0: none. */
struct crash {
    uint32_t kind; /* exception number */
    uint32_t pc, lr, cfsr, hfsr, address;
};

struct mailbox {
    uint32_t magic;
    uint32_t cause;   /* enum port_reset_cause of the start */
    uint32_t verdict; /* enum message */
    uint32_t flags;   /* MAILBOX_* */
    uint32_t starts;  /* unconfirmed ones, this one too; 0: confirmed, or wants no confirmation */
    /* What the application writes to flash, and where, to confirm itself; so it need not know the
     * ledger. Address 0: nothing is to be confirmed. */
    uint32_t confirm_at;
    struct ledger_record confirm;
    struct crash crash;
    uint32_t check; /* CRC-32 of the bytes before */
};

#define MAILBOX_UNDONE  1u /* somebody jumped here, and what could be put back was: not a fresh chip */
#define MAILBOX_CLEARED 2u /* the reset-cause flags were cleared after reading: `cause` has them */

_Static_assert(sizeof(struct mailbox) <= MAILBOX_SIZE, "fits");
#define MAILBOX ((struct mailbox *)MAILBOX_ADDR)

#endif
