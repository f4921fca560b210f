/* Firewall: RM0394 "Firewall (FW)". Three segments that only code which came in through the call gate may
 * use; everything else is a reset. While it is enabled the processor's fetches are told line by line, and
 * SRAM1 is read and written one access at a time. */
#include <string.h>

#include "chip/state.h"

enum { CSSA, CSL, NVDSSA, NVDSL, VDSSA, VDSL, CR = 8, REGS };
enum { FPA = 1, VDS = 2, VDE = 4 };
enum { WORD = 4 };

static const uint32_t writable[REGS] = {0x00FFFF00, 0x003FFF00, 0x00FFFF00, 0x003FFF00, 0xFFC0,
                                        0xFFC0,     0,          0,          7};

enum segment { NONE, CODE, NON_VOLATILE, VOLATILE };

static bool within(const struct chip *c, uint32_t addr, unsigned start, uint32_t base)
{
    const uint32_t *r = c->firewall.reg;

    return addr - (base + r[start]) < r[start + 1];
}

/* A shared volatile segment is like any other memory. */
static enum segment segment_of(const struct chip *c, uint32_t addr)
{
    if (within(c, addr, CSSA, FLASH_BASE))
        return CODE;
    if (within(c, addr, NVDSSA, FLASH_BASE))
        return NON_VOLATILE;
    return !(c->firewall.reg[CR] & VDS) && within(c, addr, VDSSA, SRAM1_BASE) ? VOLATILE : NONE;
}

static bool violated(struct chip *c)
{
    chip_request_reset(c, RESET_FIREWALL);
    return false;
}

/* ---- what the processor executes ---- */

static bool executable(const struct chip *c, enum segment s)
{
    return s == CODE || (s == VOLATILE && c->firewall.reg[CR] & VDE);
}

static uint32_t base_of(const struct chip *c, enum segment s)
{
    return s == CODE ? FLASH_BASE + c->firewall.reg[CSSA] : SRAM1_BASE + c->firewall.reg[VDSSA];
}

bool firewall_fetch(struct chip *c, uint32_t line)
{
    struct firewall_state *f = &c->firewall;
    uint32_t pc = cpu_reg(c->cpu, 15);

    if (!f->watching)
        return true;
    uint32_t at = (pc & ~7U) == line ? pc : line;
    enum segment s = segment_of(c, at);
    if (f->gate == FIREWALL_GATE && at == f->gate_base + 2 * WORD) {
        f->gate = FIREWALL_OPEN;
        return true;
    }
    if (f->gate == FIREWALL_GATE)
        f->gate = FIREWALL_CLOSED;
    if (f->gate == FIREWALL_OPEN) {
        if (executable(c, s))
            return true;
        if (s != NONE || !(f->reg[CR] & FPA))
            return violated(c);
        f->gate = FIREWALL_CLOSED;
        return true;
    }
    if (s == NONE)
        return true;
    if (!executable(c, s) || at != base_of(c, s) + WORD)
        return violated(c);
    f->gate = FIREWALL_GATE;
    f->gate_base = base_of(c, s);
    return true;
}

/* ---- data ---- */

bool firewall_data(struct chip *c, uint32_t addr, bool write, bool by_cpu)
{
    const struct firewall_state *f = &c->firewall;
    enum segment s = f->watching ? segment_of(c, addr) : NONE;

    if (s == NONE)
        return true;
    if (!by_cpu || f->gate != FIREWALL_OPEN || (s == CODE && write))
        return violated(c);
    return true;
}

bool firewall_watches_sram(const struct chip *c)
{
    return c->firewall.watching && c->firewall.reg[VDSL];
}

/* ---- registers ---- */

void firewall_reset(struct chip *c, unsigned index)
{
    (void)index;
    memset(&c->firewall, 0, sizeof c->firewall);
}

bool firewall_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    *value = off / 4 < REGS ? lanes_get(c->firewall.reg[off / 4], off, size) : 0;
    return true;
}

/* CR is protected as the non-volatile segment is, so not at all where there is none: ST's example for
 * executable volatile data clears FPA from outside. */
static bool closed(const struct chip *c, uint32_t off)
{
    const struct firewall_state *f = &c->firewall;

    return off / 4 == CR && f->watching && f->reg[NVDSL] && f->gate != FIREWALL_OPEN;
}

bool firewall_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    if (!closed(c, off))
        return firewall_peek(c, index, off, size, value);
    violated(c);
    return true;
}

/* The segments are fixed once the firewall is enabled. */
bool firewall_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct firewall_state *f = &c->firewall;
    bool enabled = !(c->syscfg.cfgr1 & 1), control = off / 4 == CR;

    (void)index;
    if (closed(c, off))
        violated(c);
    else if (off / 4 < REGS && (control || !enabled))
        f->reg[off / 4] = lanes_apb(size, value) & writable[off / 4];
    return true;
}

void firewall_enabled(struct chip *c)
{
    struct firewall_state *f = &c->firewall;

    f->watching = f->reg[CSL] || f->reg[NVDSL] || f->reg[VDSL];
    f->gate = FIREWALL_CLOSED;
    chip_map_memories(c);
    flash_update_gate(c);
}
