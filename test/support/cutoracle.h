/* What the bootloader has to say of the slot after a power cut: worked out from the log of flash operations
 * and docs/ledger.md alone, without a line of the firmware. It watches the rules that the operations have to
 * keep as well. Plain data, so that it can be kept with the board's state (board_keep). */
#ifndef TEST_CUTORACLE_H
#define TEST_CUTORACLE_H

#include "vboard.h"

enum {
    CO_FLASH = 0x08000000,
    CO_FLASH_SIZE = 0x40000,
    CO_PAGE = 2048,
    CO_SLOT = 0x08004000,
    CO_LEDGER = 0x0803F000,
    CO_SLOT_SIZE = CO_LEDGER - CO_SLOT,
    CO_SLOT_PAGE = 8,
    CO_LEDGER_PAGE = 126,
    CO_PAGES = 128,
    CO_PLACES = 85,
    CO_RECORD = 24
};

enum co_type { CO_NONE, CO_BEGUN, CO_SEALED, CO_START, CO_CONFIRMED };

/* A record as docs/ledger.md has it, field by field. */
struct co_record {
    enum co_type type; /* CO_NONE: no whole record is there */
    uint8_t starts;
    uint32_t sequence, length, crc, version;
};
/* Writes the 24 bytes of a record. */
void co_record_bytes(const struct co_record *r, uint8_t bytes[CO_RECORD]);
/* The newest of all whole records, by looking at every place; *page and *place may be NULL. */
struct co_record co_newest(struct vboard *b, unsigned *page, unsigned *place);

struct cutoracle {
    struct vboard *board;
    /* What has to be in the slot where a seal counts: all of it, up to the ledger. */
    const uint8_t *sealed;
    const uint8_t *target; /* what the running download is to leave there */
    uint32_t target_size;
    bool wants;                   /* the image wants to be confirmed */
    unsigned starts;              /* of it, as durable records count them */
    bool confirmed;               /* a durable record says so */
    bool unfinished;              /* the newest durable record says BEGUN */
    bool interrupted;             /* it did so at power-on, and nothing was sealed since */
    bool erased[CO_PAGES];        /* since power-on */
    bool program, pending;        /* the operation under way */
    uint32_t addr;                /* its double word or page */
    uint32_t record;              /* the place that is being written, 0: none */
    unsigned done;                /* its double words that are complete */
    unsigned operations;          /* since power-on */
    unsigned begun_at, sealed_at; /* those that made the records durable; 0: none yet */
    unsigned turns;               /* pages of the ledger that were erased */
    uint8_t flash[CO_FLASH_SIZE]; /* before the operation under way */
    char wrong[160];              /* the first rule that was broken; empty: none */
};

/* Power comes on. The ledger has been understood before: `unfinished` and `sealed` stand. */
void co_power_on(struct cutoracle *o);
/* A download of `size` bytes begins, which is to leave `target` (CO_SLOT_SIZE bytes) in the slot. */
void co_download(struct cutoracle *o, const uint8_t *target, uint32_t size);
/* A flash operation begins, told by the event VE_FLASH. */
void co_operation(struct cutoracle *o, const struct vboard_event *e);
/* Nothing is under way any more. */
void co_quiet(struct cutoracle *o);
/* Power was lost in the operation under way, in that manner. */
void co_cut(struct cutoracle *o, enum vboard_cut model);
/* Flash holds what it held before, but for the operation that was under way at the cut. */
bool co_untouched(struct cutoracle *o);
/* The slot is what a start presupposes. */
bool co_slot_is(struct cutoracle *o, const uint8_t *content);

#endif
