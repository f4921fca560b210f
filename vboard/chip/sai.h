/* SAI1 (RM0394 "SAI"): two blocks, and wires between them. */
#ifndef VBOARD_CHIP_SAI_H
#define VBOARD_CHIP_SAI_H

#include "chip/chip.h"

enum { SAI_BLOCKS = 2, SAI_FIFO = 8 };

struct sai_state {
    uint32_t gcr;
    bool told; /* of a missing clock */
    struct sai_block {
        uint32_t r[8]; /* CR1, CR2, FRCR, SLOTR, IM, SR, CLRFR, DR */
        uint32_t fifo[SAI_FIFO];
        unsigned level;       /* words in it */
        uint32_t last;        /* word that was sent */
        unsigned mute_frames; /* received, one after another */
        ps_t frame_at;
        bool ending;   /* SAIEN was cleared in a frame */
        uint32_t then; /* CR1 behind it */
    } block[SAI_BLOCKS];
};

void sai_reset(struct chip *c, unsigned index);
bool sai_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool sai_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool sai_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void sai_event(struct chip *c, unsigned index);
void sai_clock(struct chip *c, unsigned index, bool after);

#endif
