/* The message table: code, sentence, DFU status, LED pattern. The table itself is messages.inc. */
#ifndef BOOT_CORE_MESSAGE_H
#define BOOT_CORE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

/* bStatus of GETSTATUS (USB DFU 1.1, 6.1.2) */
enum dfu_status {
    DFU_STATUS_OK,
    DFU_STATUS_ERR_TARGET,
    DFU_STATUS_ERR_FILE,
    DFU_STATUS_ERR_WRITE,
    DFU_STATUS_ERR_ERASE,
    DFU_STATUS_ERR_CHECK_ERASED,
    DFU_STATUS_ERR_PROG,
    DFU_STATUS_ERR_VERIFY,
    DFU_STATUS_ERR_ADDRESS,
    DFU_STATUS_ERR_NOTDONE,
    DFU_STATUS_ERR_FIRMWARE,
    DFU_STATUS_ERR_VENDOR,
    DFU_STATUS_ERR_USBR,
    DFU_STATUS_ERR_POR,
    DFU_STATUS_ERR_UNKNOWN,
    DFU_STATUS_ERR_STALLEDPKT
};

enum message {
#define X(number, name, status, led, sentence) MESSAGE_##name = (number),
#include "boot/core/messages.inc"
#undef X
    MESSAGE_COUNT
};

/* MESSAGE_READY is also "nothing is wrong". */
const char *message_sentence(enum message m); /* NULL for a number that is none */
enum dfu_status message_status(enum message m);
unsigned message_blinks(enum message m);

#endif
