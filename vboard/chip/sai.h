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
        uint32_t loud;        /* bits received in this frame */
        bool takes_part;      /* was on when the frame began */
        ps_t began, slot_at;  /* of a master: its frame, and the end of the slot that passes */
        unsigned slot, slots; /* which, of how many */
        bool ending;          /* SAIEN was cleared in a frame */
        uint32_t then;        /* CR1 behind it */
    } block[SAI_BLOCKS];
};

void sai_reset(struct chip *c, unsigned index);
bool sai_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool sai_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool sai_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void sai_event(struct chip *c, unsigned index);
void sai_clock(struct chip *c, unsigned index, bool after);

/* ---- between the files of SAI: sai.c has registers and frames, sai_words.c what passes in them ---- */

enum { SAI_CR1, SAI_CR2, SAI_FRCR, SAI_SLOTR, SAI_IM, SAI_SR, SAI_CLRFR, SAI_DR };
enum { SAI_OVRUDR = 1 };
enum sai_protocol { SAI_FREE, SAI_SPDIF, SAI_AC97 };
enum sai_protocol sai_protocol(const struct sai_block *b);
unsigned sai_slots(const struct sai_block *b); /* of a frame */
uint32_t sai_data_mask(const struct sai_block *b);
bool sai_compands(const struct sai_block *b);
uint32_t sai_take(struct sai_block *b); /* out of the FIFO */
uint32_t sai_send(struct sai_block *b, unsigned slot);
void sai_receive(struct sai_block *b, unsigned slot, uint32_t word);

#endif
