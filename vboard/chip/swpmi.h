/* SWPMI1 (RM0394 "SWPMI"), with no slave on the wire. */
#ifndef VBOARD_CHIP_SWPMI_H
#define VBOARD_CHIP_SWPMI_H

#include "chip/chip.h"

enum { SWPMI_RX_WORDS = 3 }; /* RDR and two behind it */

/* Where the master is in a frame. QUIET: after one, before the bus is suspended. */
enum swpmi_step { SWPMI_IDLE, SWPMI_START, SWPMI_WORD, SWPMI_END, SWPMI_QUIET };

struct swpmi_state {
    uint32_t r[0x28 / 4];

    enum swpmi_step step;
    ps_t at;            /* its end */
    uint32_t hz;        /* of the kernel clock, by which `at` was found */
    uint32_t shift;     /* the word on the wire */
    uint8_t taken;      /* words of the frame that were taken from TDR */
    uint8_t length;     /* bytes of payload, */
    uint8_t sent;       /* of which so many are through */
    bool full, corrupt; /* TDR holds a word; the frame ends with a wrong CRC */

    uint32_t rx[SWPMI_RX_WORDS]; /* rx[0] is RDR */
    uint8_t rx_level;
    uint8_t rx_tail; /* words with which a frame fills its eight */
    bool rx_lost;    /* there was no room, which is told when the word before it is in RDR */
};

void swpmi_reset(struct chip *c, unsigned index);
bool swpmi_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool swpmi_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool swpmi_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void swpmi_event(struct chip *c, unsigned index);
void swpmi_clock(struct chip *c, unsigned index, bool after);

#endif
