/* DBGMCU (RM0394 "MCU debug component"): identification, what stays on in low-power modes (lowpower.c), and
 * the freeze bits. Nothing is frozen by them: when a debugger halts the core here, virtual time stands still
 * for everything. No system reset touches these registers, only the loss of their power. */
#include "chip/dbgmcu.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { IDCODE = 0x00, CR = 0x04, APB1FZR1 = 0x08, APB1FZR2 = 0x0C, APB2FZR = 0x10 };

/* DEV_ID 0x435 with 0x6 above it, as debug probes report it for L43x/L44x. */
#define IDCODE_LOW 0x6435U

static const struct reg_row rows[] = {
    {CR, 0, 0x000000E7},
    {APB1FZR1, 0, 0x82E01C31},
    {APB1FZR2, 0, 0x00000020},
    {APB2FZR, 0, 0x00030800},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

void dbgmcu_reset(struct chip *c, unsigned index)
{
    (void)index;
    bool unpowered = c->mode == MODE_RESET ? c->reset_cause == RESET_POWER : !c->pwr.debug_standby;

    if (unpowered)
        regs_reset(c->dbgmcu.r, rows, ROWS);
    c->dbgmcu.r[IDCODE / 4] = (uint32_t)c->config.rev_id << 16 | IDCODE_LOW;
}

bool dbgmcu_keeps(const struct chip *c, enum dbgmcu_cr bit)
{
    return c->dbgmcu.r[CR / 4] & bit;
}

bool dbgmcu_swo(const struct chip *c)
{
    return (c->dbgmcu.r[CR / 4] & 0xE0) == 0x20; /* TRACE_IOEN, TRACE_MODE 0 */
}

bool dbgmcu_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    *value = off < sizeof c->dbgmcu.r ? lanes_get(c->dbgmcu.r[off / 4], off, size) : 0;
    return true;
}

bool dbgmcu_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    (void)index;
    if (off < sizeof c->dbgmcu.r)
        regs_write(c->dbgmcu.r, rows, ROWS, off & ~3u, lanes_put(c->dbgmcu.r[off / 4], off, size, value));
    return true;
}
