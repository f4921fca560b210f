/* The power-cut sweep: a download by the real bootloader on the virtual board, with power cut at every flash
 * operation; what happens then is compared with cutoracle.h. A plan is one ledger position; a program runs
 * one or more plans, each for several seeds. */
#ifndef TEST_SWEEP_H
#define TEST_SWEEP_H

#include "cutoracle.h"
#include "dfuwalk.h"
#include "host/usbhost.h"

struct sweep_plan {
    const char *name;
    unsigned records;  /* in the first page of the ledger, before the download; BEGUN and SEALED in turn */
    uint32_t sequence; /* of the first of them */
    bool resumed;      /* the slot holds a download that was cut off, BEGUN and `torn` places in the ledger */
    unsigned torn;     /* places after the newest record that a cut left half-written */
    unsigned turns;    /* so often the download has to turn the page of the ledger */
    unsigned seeds;    /* of torn words and half-erased pages */
    unsigned stride;   /* of the operations in the slot every so many-th is cut; in the ledger every one */
    unsigned recoveries; /* so many downloads after a cut, at least; half of them are cut as well */
    uint32_t size;       /* bytes to download, a multiple of the page size */
};

/* Refusals that were followed up to the words on USB, by what the processor and the ledger hold when the
 * pull-up comes: what follows depends on nothing else. */
enum { SWEEP_KNOWN = 4096 };

enum { SWEEP_OLD, SWEEP_NEW, SWEEP_THIRD, SWEEP_IMAGES };

/* A slot: an image, ones up to the end of its page, and what was there before. */
struct sweep_image {
    uint8_t slot[CO_SLOT_SIZE];
    uint32_t size;
};

struct sweep_case {
    unsigned operation, seed;
    enum vboard_cut model;
    uint64_t hash; /* decides what else is done with it */
};

struct sweep {
    const struct sweep_plan *plan;
    struct vboard *board;
    struct usbhost *host;
    struct sweep_image image[SWEEP_IMAGES];
    struct sweep_kept { /* belongs to the board's state */
        struct dfuwalk walk;
        struct cutoracle oracle;
        uint64_t reset_at, attached_at, handoff_at; /* the first of each since power-on, ns */
        unsigned resets, handoffs, attached;
    } kept;
    struct sweep_case now;
    char at[200];        /* how the running case came about, beyond its cut */
    char fault[160];     /* a fault or a register that is not modelled; empty: none */
    unsigned seen;       /* operations, when the download was last let go on */
    unsigned operations; /* of the whole download */
    bool brief;          /* a refusal need not be followed if it is known */
    uint64_t known[SWEEP_KNOWN];
    unsigned known_count, followed, shared;
    unsigned cases, failures, recoveries, recovery_failures, second_cuts;
    uint64_t slowest_start, slowest_refusal; /* ns from reset to the application, to the pull-up */
};

/* Runs a plan; returns the number of failures, each of which was told with how to see it again. */
unsigned sweep_run(const struct sweep_plan *plan);

/* sweep_board.c */
/* Images, and the state file that everything begins with. */
bool sweep_prepare(struct sweep *s);
/* A board in DFU with that state, and a host; the oracle knows what is there. */
bool sweep_open(struct sweep *s, unsigned seed);
void sweep_close(struct sweep *s);
/* Power back on after a cut: the verdict is the oracle's, in time. */
bool sweep_power_on(struct sweep *s);
/* A new download, and a second cut in it if `cut_at` is not 0: then also what follows that. */
bool sweep_recover(struct sweep *s, unsigned image, unsigned cut_at, enum vboard_cut model);
/* Tells that the running case has failed; returns false. */
bool sweep_failed(struct sweep *s, const char *expected, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
