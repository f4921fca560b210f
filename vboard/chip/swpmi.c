/* SWPMI1 (RM0394 "SWPMI"): the registers of a single wire master whose slave never resumes, so that the bus
 * stays suspended and nothing is sent. */
#include "chip/swpmi.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { CR, BRR, ISR = 0x0C / 4, ICR, IER, OR = 0x24 / 4 };
enum { LOOPED = 1 << 4 | 1 << 5 }; /* LPBK, SWPACT: a loop-back inside the chip, which is not modelled */
enum { ISR_IDLE = 0x2C2, IRQ_SWPMI = 76 }; /* TXBEF TXE TCF SUSP */

static const struct reg_row rows[] = {
    {0x00, 0, 0x0000043F}, {0x04, 1, 0x3F}, {0x0C, ISR_IDLE, 0}, {0x14, 0, 0x1FF}, {0x24, 0, 3},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void interrupt(struct chip *c)
{
    chip_irq(c, IRQ_SWPMI, B_SWPMI1, c->swpmi.r[ISR] & c->swpmi.r[IER]);
}

void swpmi_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->swpmi = (struct swpmi_state){0};
    regs_reset(c->swpmi.r, rows, ROWS);
    interrupt(c);
}

bool swpmi_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    *value = off < sizeof c->swpmi.r ? lanes_get(c->swpmi.r[off / 4], off, size) : 0;
    return true;
}

bool swpmi_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    (void)index;
    value = lanes_apb(size, value);
    regs_write(c->swpmi.r, rows, ROWS, off & ~3u, value);
    if ((c->swpmi.r[CR] & LOOPED) == LOOPED)
        chip_missing(c, B_SWPMI1, CR);
    if (off / 4 == ICR) /* what may be cleared; the idle flags that are levels stay */
        c->swpmi.r[ISR] &= ~(value & 0x19F) | 0x240;
    interrupt(c);
    return true;
}
