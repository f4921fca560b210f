/* What can be said of an application before it is downloaded: whether it will run in the slot, and if
 * not, why, and which line of which file to change. Codes and sentences are those of the message table
 * that the bootloader uses; the first look is the bootloader's own lint. */
#ifndef TOOLS_EXAMINE_H
#define TOOLS_EXAMINE_H

#include "board/image.h"
#include "boot/core/image.h"

enum finding_code {
#define MESSAGES_OF_TOOLS
#define X(number, name, status, led, sentence) FINDING_##name = (number),
#include "boot/core/messages.inc"
#undef X
};

enum severity { NOTE, WARNING, ERROR }; /* an ERROR: it will not run */

struct finding {
    enum finding_code code;
    enum severity severity;
    char detail[160]; /* what exactly, in this file; may be empty */
};

enum { FINDINGS_MAX = 16 };

struct findings {
    struct finding list[FINDINGS_MAX];
    unsigned count;

    bool factory; /* what `sureboot merge` makes; the rest is about the application in it */
    /* What is there, as far as it could be found out. */
    bool has_vectors;     /* stack and reset are valid */
    uint32_t first, last; /* addresses of the first and last byte */
    uint32_t bytes;       /* without gaps */
    uint32_t stack, reset;
    bool has_info;
    uint32_t info_address;
    struct image_info info;
    bool packed, crc_right; /* crc_right only if packed */
};

/* Looks at everything. */
void examine(struct findings *f, const struct image *image);
bool will_run(const struct findings *f);

/* Of the message table. */
const char *finding_name(enum finding_code code);
const char *finding_sentence(enum finding_code code);

/* How to mend it with common toolchains; NULL behind the last. */
struct cure {
    const char *toolchain, *file, *change;
};
const struct cure *finding_cure(enum finding_code code, size_t i);

/* The slot's content as the bootloader will see it: bytes from the start of the slot to the last one of the
 * image, gaps filled with 0xFF. NULL: no memory, or a part lies outside the slot. For free(). */
uint8_t *image_slot(const struct image *image, uint32_t *size);
/* CRC-32 of an image of `length` bytes with its information block at `info` (docs of struct image_info). */
uint32_t image_crc(const uint8_t *slot, uint32_t length, uint32_t info_address);

#endif
