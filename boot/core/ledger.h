/* The ledger: append-only records about the slot in two pages of flash used in turn. Only the newest
 * valid record counts, since each holds the whole state. docs/ledger.md has the format, its invariants
 * and why they are enough when power fails anywhere. */
#ifndef BOOT_CORE_LEDGER_H
#define BOOT_CORE_LEDGER_H

#include "boot/core/config.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum ledger_type {
    LEDGER_NONE,      /* nothing is recorded */
    LEDGER_BEGUN,     /* the slot is being changed */
    LEDGER_SEALED,    /* `length` bytes of the slot have the CRC-32 `crc` */
    LEDGER_START,     /* the same, and started `starts` times without confirmation */
    LEDGER_CONFIRMED, /* the same, and confirmed by the application */
    LEDGER_TYPES
};

#define LEDGER_MAGIC 0x5B1Eu

struct ledger_record {
    uint16_t magic;
    uint8_t type;
    uint8_t starts;
    uint32_t sequence;
    uint32_t length;
    uint32_t crc;
    uint32_t version; /* of the image, from its information block; 0: unknown */
    uint32_t check;   /* CRC-32 of the bytes before */
};

#define LEDGER_PLACES (PAGE_SIZE / sizeof(struct ledger_record))

struct ledger {
    /* Type LEDGER_NONE if there is no record; LEDGER_BEGUN without a magic if there is none, but what may
     * have been a BEGUN. */
    struct ledger_record newest;
    uint32_t page; /* address of the one where records are appended */
    uint8_t next;  /* first blank place there; LEDGER_PLACES: full */
    bool torn;     /* something that is no record came after the newest one, or may have */
};

/* Looks through the ledger, in time logarithmic in its fill. Reads flash. */
void ledger_find(struct ledger *l);

/* Calls take less room than what the compiler makes of assignments. */
static inline void ledger_copy(struct ledger_record *to, const struct ledger_record *from)
{
    memcpy(to, from, sizeof *to);
}

/* True if the record says that the slot holds an image of `length` and `crc`. */
static inline bool ledger_is_seal(const struct ledger_record *r)
{
    return r->type >= LEDGER_SEALED;
}

/* Appending is a sequence of flash operations; who carries them out asks for one after the other. */
enum ledger_step { LEDGER_ERASE, LEDGER_PROGRAM, LEDGER_DONE, LEDGER_FAILED };

struct ledger_append {
    struct ledger *ledger;
    struct ledger_record record; /* being written */
    uint8_t step, tries;
    bool turned;
    uint32_t addr; /* of the operation: page to erase, or where `data` goes */
    const void *data;
    uint32_t size;
};

/* Begins to append a record of that content; sequence and check are filled in. */
void ledger_append(struct ledger_append *a, struct ledger *l, const struct ledger_record *content);
/* The next operation; `ok` is whether the last one succeeded. Reads flash, so none may be pending. */
enum ledger_step ledger_append_next(struct ledger_append *a, bool ok);

#endif
