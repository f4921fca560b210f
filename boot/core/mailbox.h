/* The mailbox: the last bytes of SRAM, in which bootloader and application leave each other reports. Only
 * for images whose information block says that they reserve it; lost with power. */
#ifndef BOOT_CORE_MAILBOX_H
#define BOOT_CORE_MAILBOX_H

#include "boot/core/config.h"
#include <stdint.h>

#define MAILBOX_MAGIC 0x786F424Du /* "MBox" */

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
    struct crash crash;
    uint32_t check; /* CRC-32 of the bytes before */
};

#define MAILBOX_UNDONE  1u /* somebody jumped here, and what could be put back was: not a fresh chip */
#define MAILBOX_CLEARED 2u /* the reset-cause flags were cleared after reading: `cause` has them */

_Static_assert(sizeof(struct mailbox) <= MAILBOX_SIZE, "fits");
#define MAILBOX ((struct mailbox *)MAILBOX_ADDR)

#endif
