/* OPAMP1 (RM0394 "OPAMP"): follower and programmable gain from PA0 or the DAC to PA3, offset calibration.
 * Stand-alone it is a follower with PA3 wired to its inverting input, PA1, and has no feedback without.
 * VREFBUF: VREF+ is bonded to VDDA in this package, so it gets ready and changes nothing. */
#include "chip/opamp.h"
#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { CSR = 0x00, OTR = 0x04, LPOTR = 0x08, CCR = 0x04 };
enum { OPAEN = 1, CALON = 1 << 12, CALSEL = 1 << 13, CALOUT = 1 << 15, TRIMMED = 15 };
enum { MINUS_PIN = 1, OUT_PIN = 3 }; /* of port A */
enum { ENVR = 1, HIZ = 2, VRR = 8 };
#define OPARANGE  0x80000000u /* can be written while the amplifier is off */
#define CSR_BITS  0x8000773Fu
#define TRIM_BITS 0x1F1Fu
#define T_VREFBUF (300 * PS_PER_US) /* DS11449: start-up with 0.5 uF */

bool opamp_output(const struct chip *c, unsigned *millivolt)
{
    uint32_t csr = c->opamp.csr, mode = bits(csr, 2, 2);

    if (!(csr & OPAEN) || csr & CALON)
        return false;
    unsigned in = csr & 1 << 10 ? dac_inside(c, 0) : analog_pin(c, 0, 0);
    unsigned out = mode == 2 ? in * (2u << bits(csr, 4, 2)) : in;
    if (mode < 2 && !af_joined(c, 0, OUT_PIN, 0, MINUS_PIN))
        out = in > analog_pin(c, 0, MINUS_PIN) ? analog_vdda(c) : 0;
    *millivolt = out > analog_vdda(c) ? analog_vdda(c) : out;
    return true;
}

void opamp_reset(struct chip *c, unsigned index)
{
    (void)index;
    /* where factory trimming is read: HAL_OPAMP_GetTrimOffset() */
    c->opamp = (struct opamp_state){.otr = TRIMMED << 8 | TRIMMED, .lpotr = TRIMMED << 8 | TRIMMED};
    analog_changed(c);
}

/* CALOUT turns where the trim of the selected pair is right: with CALSEL that of PMOS, from 1 to 0, without
 * that of NMOS, from 0 to 1, as HAL_OPAMP_SelfCalibrate() looks for both. */
static bool calibration_output(const struct opamp_state *s)
{
    uint32_t trim = s->csr & 2 ? s->lpotr : s->otr;

    if (!(s->csr & CALON))
        return false;
    return s->csr & CALSEL ? bits(trim, 8, 5) < TRIMMED : bits(trim, 0, 5) >= TRIMMED;
}

bool opamp_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct opamp_state *s = &c->opamp;
    uint32_t word = 0;

    (void)index;
    switch (off & ~3u) {
    case CSR: word = s->csr | (calibration_output(s) ? CALOUT : 0); break;
    case OTR: word = s->otr; break;
    case LPOTR: word = s->lpotr; break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

bool opamp_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct opamp_state *s = &c->opamp;

    (void)index;
    value = lanes_apb(size, value);
    switch (off & ~3u) {
    case CSR:
        if (s->csr & OPAEN)
            value = (value & ~OPARANGE) | (s->csr & OPARANGE);
        s->csr = value & CSR_BITS;
        break;
    case OTR: s->otr = value & TRIM_BITS; break;
    case LPOTR: s->lpotr = value & TRIM_BITS; break;
    }
    analog_changed(c);
    return true;
}

void vrefbuf_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->vrefbuf = (struct vrefbuf_state){.csr = HIZ, .ready_at = PS_NEVER};
}

bool vrefbuf_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct vrefbuf_state *s = &c->vrefbuf;
    uint32_t word = 0;

    (void)index;
    if ((off & ~3u) == CSR)
        word = s->csr | (s->ready_at <= chip_now(c) ? VRR : 0);
    else if ((off & ~3u) == CCR)
        word = s->ccr;
    *value = lanes_get(word, off, size);
    return true;
}

bool vrefbuf_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct vrefbuf_state *s = &c->vrefbuf;

    (void)index;
    value = lanes_apb(size, value);
    if ((off & ~3u) == CSR) {
        s->csr = value & 7;
        if (!(s->csr & ENVR))
            s->ready_at = PS_NEVER;
        else if (s->ready_at == PS_NEVER)
            s->ready_at = chip_now(c) + T_VREFBUF;
    } else if ((off & ~3u) == CCR) {
        s->ccr = value & 0x3F;
    }
    return true;
}
