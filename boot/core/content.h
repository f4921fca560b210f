/* What is in the slot: its content against a record or an information block. Reads flash. */
#ifndef BOOT_CORE_CONTENT_H
#define BOOT_CORE_CONTENT_H

#include "boot/core/image.h"
#include "boot/core/ledger.h"

/* The first words of the slot and the information block they point at. */
struct content {
    struct image_head head;
    struct image_info info;
    uint32_t info_address; /* 0: there is no valid information block */
    uint32_t flags;        /* of it; 0 then */
    int packed;            /* it is there, and filled in */
    enum message lint;     /* of both; MESSAGE_UNREADABLE if ECC was in the way */
    uint32_t bad;          /* address of an unreadable double word, 0: none was met */
};

void content_look(struct content *c);

enum answer { YES, NO, NO_ECC /* no, because a word cannot be read: c->bad */ };
enum answer content_matches_seal(struct content *c, const struct ledger_record *r);
enum answer content_matches_info(struct content *c);

/* Looks at what was downloaded, to be sealed. r->length is its length as far as the download knows; if
 * the image says itself, that counts. Fills in length, crc and version. MESSAGE_READY or what is wrong. */
enum message content_examine(struct ledger_record *r);
/* What to say of a download that is not sealed, whole or not: MESSAGE_UNFINISHED, or _NOT_HERE, which no
 * repetition would mend. */
enum message content_unsealed(void);

#endif
