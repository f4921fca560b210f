/* Clock recovery system (RM0394 "CRS"). */
#ifndef VBOARD_CHIP_CRS_H
#define VBOARD_CHIP_CRS_H

#include "chip/chip.h"

enum crs_source { CRS_GPIO, CRS_LSE, CRS_USB_SOF }; /* as in CFGR.SYNCSRC */

struct crs_state {
    uint32_t cr, cfgr, isr;
    bool counting;    /* a SYNC has started the counter */
    bool expected;    /* it has passed zero since: ESYNCF was set */
    ps_t since;       /* when it was reloaded */
    uint32_t divider; /* SYNC inputs since the last SYNC event */
};

void crs_reset(struct chip *c, unsigned index);
bool crs_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool crs_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void crs_event(struct chip *c, unsigned index);
void crs_clock(struct chip *c, unsigned index, bool after);
/* An edge of a synchronization source: USB start of frame, CRS_SYNC pin (`rising`). LSE is counted here. */
void crs_sync(struct chip *c, enum crs_source source, bool rising);

#endif
