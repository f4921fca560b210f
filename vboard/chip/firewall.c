/* Firewall: RM0394 "Firewall (FW)". The registers of the segments, which are fixed once the firewall is
 * enabled. Accesses are not checked against them: enabling says so. */
#include <string.h>

#include "chip/state.h"

/* CSSA CSL NVDSSA NVDSL VDSSA VDSL, reserved twice, CR */
static const uint32_t writable[9] = {0x00FFFF00, 0x003FFF00, 0x00FFFF00, 0x003FFF00, 0xFFC0, 0xFFC0, 0, 0, 7};

void firewall_reset(struct chip *c, unsigned index)
{
    (void)index;
    memset(&c->firewall, 0, sizeof c->firewall);
}

bool firewall_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    if (off / 4 < 9)
        *value = lanes_get(c->firewall.reg[off / 4], off, size);
    return true;
}

bool firewall_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    (void)index;
    bool enabled = !(c->syscfg.cfgr1 & 1), control = off / 4 == 8;
    if (off / 4 < 9 && (control || !enabled))
        c->firewall.reg[off / 4] = lanes_apb(size, value) & writable[off / 4];
    return true;
}

void firewall_enabled(struct chip *c)
{
    if (c->tell->message)
        c->tell->message(c->tell->owner,
                         "the firewall was enabled: its registers are modelled, its protection is not");
}
