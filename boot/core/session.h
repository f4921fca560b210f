/* A download session: from the first erase or data request to its end, in one of two dialects. Decides
 * where data goes, when a download is complete, and what is recorded. */
#ifndef BOOT_CORE_SESSION_H
#define BOOT_CORE_SESSION_H

#include "boot/core/writer.h"

enum dfuse_command { DFUSE_GET = 0x00, DFUSE_SET_ADDRESS = 0x21, DFUSE_ERASE = 0x41, DFUSE_UNPROTECT = 0x92 };

/* Words, since short instructions reach farther for them than for bytes. */
struct session {
    int active;
    int plain;     /* DFU 1.1: blocks in sequence from the start of the slot; else DfuSe */
    int suspended; /* SET_INTERFACE: goes on if a DNLOAD comes next */
    int has_start; /* data for the first bytes of the slot came */
    int last; /* the last block may be the last of all: shorter than the first, or at the end of its page */
    int straight; /* nothing came after it but the question how it went */
    int broken;   /* the one before ended early: what follows may be its rest, so a part is not enough */
    int pointer_set;
    int why; /* enum message: what went wrong with the last download, or made DFU_ERROR of the state */
    uint32_t block_size;     /* of the first data block */
    uint32_t next_block;     /* plain */
    uint32_t stride;         /* length of the first DNLOAD block since Set Address; 0: none yet */
    uint32_t rx_at, rx_left; /* so much of rx is with the writer, and so much is not */
    uint32_t rx_addr;
    uint32_t pointer;    /* of DfuSe */
    uint32_t length;     /* of the slot, up to the highest byte that came; 0: none did */
    uint32_t old_length; /* of the sealed image that was there when it began; 0: none */
    struct writer writer;
    /* the block on its way from USB to the writer */
    uint8_t rx[2048] __attribute__((aligned(8)));
};

/* To be called with all zeros in *s. */
void session_init(struct session *s, const struct ledger *l, enum message verdict);

/* A DNLOAD of block `number` with `size` bytes in s->rx. MESSAGE_READY or why it is refused. */
enum message session_block(struct session *s, uint32_t number, uint32_t size);
/* A flash operation has ended: call from port_flash_done. */
void session_flash_done(struct session *s, enum port_flash_result result);
/* True if nothing is left in rx, and of the last block of a download nothing in the writer either. */
bool session_ready(const struct session *s);
/* Typical time in ms until then. */
uint32_t session_wait_ms(const struct session *s);

/* The host asks for the end. abort: as ABORT does, else as a leave does. MESSAGE_READY: what is to be
 * done is under way in the writer; else why that download cannot be sealed. */
enum message session_close(struct session *s, bool abort);
/* The host has given it up. */
void session_end(struct session *s);
/* An error: nothing more of it is written. */
void session_fail(struct session *s);

/* Address of an UPLOAD or DNLOAD block number >= 2 whose blocks have `stride` bytes. */
uint32_t session_address(const struct session *s, uint32_t number, uint32_t stride);

#endif
