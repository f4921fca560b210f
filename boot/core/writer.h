/* Between DFU and flash: takes data for any address of the slot, gathers it in two page buffers, and
 * writes page after page, driven by the end of flash operations. It erases late and only what has to
 * be, keeps the ledger, reads everything back, and seals.
 *
 * All functions are called with the interrupts of USB and flash kept out (they have one priority), but
 * for writer_work. */
#ifndef BOOT_CORE_WRITER_H
#define BOOT_CORE_WRITER_H

#include "boot/core/ledger.h"
#include "boot/core/message.h"
#include "boot/core/page.h"
#include "port/port.h"

/* What is to be remembered of a page of the slot. */
enum {
    PAGE_MARKED = 1, /* to be erased: reads as erased, is not yet */
    PAGE_OWED = 2,   /* erased on request and got no data since */
    PAGE_SOUND = 4   /* erased since the download began */
};

/* What is used often and small comes first: short instructions reach no further. */
struct writer {
    uint8_t step, after_ledger; /* what is being done */
    uint8_t verdict;            /* enum message: on the slot, at boot, or what has come of it since */
    uint8_t error;  /* enum message; MESSAGE_READY: none. Nothing is written any more until writer_forget */
    bool careful;   /* a download was interrupted by a reset: what flash reads as proves nothing */
    bool flush;     /* write open buffers, erase marked pages */
    bool closed;    /* `fill` takes nothing more: to be written */
    bool retried;   /* the page was erased for this job */
    uint32_t takes; /* ms that the job typically takes */
    uint32_t since; /* when it began, port_ms */
    uint32_t page;  /* its address */
    const uint8_t *data;      /* what is to be there; NULL: it is erased */
    struct page_buffer *fill; /* where data goes; the other one is the job's, or free */
    uint32_t seal_length;     /* so much is to be recorded after a flush; 0: nothing */
    uint32_t sealing;         /* so much is being recorded, whatever is asked for or forgotten meanwhile */
    struct ledger ledger;
    struct ledger_append append;
    uint8_t pages[FLASH_SIZE / PAGE_SIZE]; /* PAGE_*, of the slot */
    struct page_buffer buffer[2];
};

/* To be called with all zeros in *w. */
void writer_init(struct writer *w, const struct ledger *l, enum message verdict);
/* What would be said of the slot now. */
enum message writer_verdict(const struct writer *w);

/* Marks the page that holds addr for erasing; `owed`: data is to follow. MESSAGE_READY, _ADDRESS or
 * _PROTECTED. */
enum message writer_mark(struct writer *w, uint32_t addr, bool owed);
/* Takes data for the slot, up to the end of a page; returns how many bytes. 0: no buffer is free yet. */
size_t writer_put(struct writer *w, uint32_t addr, const uint8_t *data, size_t size);
/* Has everything written that was put, and marked pages erased. */
void writer_flush(struct writer *w);
/* Flushes, then looks at the image, takes the CRC of `length` bytes and records it. An image that says
 * itself how long it is is taken at its word. */
void writer_seal(struct writer *w, uint32_t length);
/* Ends a download that was given up: drops what is open, erases what is marked. */
void writer_end(struct writer *w);
/* Forgets what is open and marked, and the error. What is being written is finished. */
void writer_forget(struct writer *w);

bool writer_is_marked(const struct writer *w, uint32_t addr); /* of the slot */
bool writer_owes(const struct writer *w); /* pages were erased on request and got no data */
/* True until everything that was closed, flushed or sealed is done or has failed. */
bool writer_busy(const struct writer *w);
/* Typical time in ms until a buffer is free (or, `all`, until nothing is left to do). */
uint32_t writer_wait_ms(const struct writer *w, bool all);

/* A flash operation has ended. */
void writer_flash_done(struct writer *w, enum port_flash_result result);
/* Does what takes long and needs no flash operation: call from the main loop, interrupts allowed. */
void writer_work(struct writer *w);

#endif
