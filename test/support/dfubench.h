/* The DFU state machine with flash on the PC below it and a host above: for unit tests. */
#ifndef TEST_SUPPORT_DFUBENCH_H
#define TEST_SUPPORT_DFUBENCH_H

#include "boot/core/dfu.h"
#include "fakeport.h"

extern struct dfu dfu;

/* A fresh DFU on the flash as it is, as after a reset; the verdict is what the boot path would say. */
void bench_boot(enum message verdict);

/* One request with all its stages, waiting while it is held. Bytes received or sent, -1: STALL. */
int request(uint8_t type, uint8_t number, uint16_t value, void *data, uint16_t length);
/* The same, but flash does not go on while the request is held: -2 if it is. */
int request_frozen(uint8_t type, uint8_t number, uint16_t value, void *data, uint16_t length);

struct status {
    unsigned status, state, string;
    uint32_t poll;
};
struct status get_status(void);
unsigned get_state(void);
bool dnload(uint16_t block, const void *data, uint16_t length);
bool dfuse_command(uint8_t what,
                   uint32_t addr); /* DfuSe command of five bytes, status and all; true: accepted */
bool simple(uint8_t number);       /* CLRSTATUS, ABORT, DETACH */
/* Sends a block and asks until the device takes the next one. MESSAGE_READY, or the message of the error. */
enum message send_block(uint16_t block, const void *data, uint16_t length);
/* Lets flash finish all it has to do. */
void drain(void);

/* What dfu-util 0.11 does: all erase commands, then address and data for each block, then ABORT. Returns
 * the message of the first error, or MESSAGE_READY. `upto`: so many requests, then it is killed. */
enum message dfu_util(uint32_t addr, const void *data, uint32_t size, unsigned transfer, unsigned upto);
extern bool killed;
extern const char *bench_report; /* what the report says; "" at first */
/* Zero-length DNLOAD and its status. */
struct status leave(void);
/* A plain DFU 1.1 download, up to the status after its zero-length block. */
struct status plain(const void *data, uint32_t size, unsigned transfer);

/* An image of that size that passes the lint, and is whole with 10 bytes or more. */
void make_image(uint8_t *to, uint32_t size, uint32_t seed);
/* What the next boot would say of the slot. */
unsigned boot_verdict(void);
bool slot_holds(const void *data, uint32_t size);

#endif
