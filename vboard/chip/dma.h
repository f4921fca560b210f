/* DMA1 and DMA2 (RM0394 "DMA"). chip.h has what other blocks call: dma_request. */
#ifndef VBOARD_CHIP_DMA_H
#define VBOARD_CHIP_DMA_H

#include "chip/chip.h"

enum { DMA_CHANNELS = 7 };

struct dma_channel {
    uint32_t ccr, cndtr, cpar, cmar;
    uint32_t total;    /* CNDTR as it was when the channel was enabled */
    uint32_t par, mar; /* where the next transfer goes */
};

struct dma_state {
    struct dma_channel channel[DMA_CHANNELS];
    uint32_t isr, cselr;
    uint32_t requested; /* bit per channel: the selected signal is high */
    ps_t free_at;       /* the bus port is busy until then */
    uint8_t alternate;  /* bit of the channel that has just moved from memory to memory */
};

/* The request signals, common to both controllers. */
struct dma_signals {
    uint64_t level; /* bit per enum dma_signal */
    uint64_t last;  /* those whose channel is moving its last datum, not to begin again, at this moment */
    bool moves;     /* the bus access at this moment is DMA's */
};

void dma_reset(struct chip *c, unsigned index);
bool dma_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool dma_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void dma_event(struct chip *c, unsigned index);
void dma_clock(struct chip *c, unsigned index, bool after);

/* The level of a signal. Signals of events (timers, DAC) fall when the transfer is made. */
bool dma_requested(const struct chip *c, enum dma_signal signal);
/* CNDTR of the enabled channel that serves the signal, after the transfer that is running; UINT32_MAX: none.
 */
uint32_t dma_remaining(const struct chip *c, enum dma_signal signal);
/* The access to the signal's block is DMA's, with the last datum. */
bool dma_brings_last(const struct chip *c, enum dma_signal signal);

#endif
