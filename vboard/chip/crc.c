/* CRC calculation unit (RM0394 §14): any polynomial of 7, 8, 16 or 32 bits, reversal of input and
 * output, data by byte, half-word or word. One HCLK cycle a byte; one datum waits in a buffer. */
#include "chip/regs.h"
#include "chip/state.h"

enum { DR = 0x00, IDR = 0x04, CR = 0x08, INIT = 0x10, POL = 0x14 };
enum { CR_RESET = 1, CR_REV_OUT = 1 << 7, CR_WRITABLE = 0xF8 };

static unsigned width(const struct crc_state *s)
{
    static const uint8_t of_polysize[4] = {32, 16, 8, 7};

    return of_polysize[bits(s->cr, 3, 2)];
}

/* Reverses the bits of each group of `group` bits in value. */
static uint32_t reverse(uint32_t v, unsigned group)
{
    v = (v >> 1 & 0x55555555) | (v & 0x55555555) << 1;
    v = (v >> 2 & 0x33333333) | (v & 0x33333333) << 2;
    v = (v >> 4 & 0x0F0F0F0F) | (v & 0x0F0F0F0F) << 4;
    if (group >= 16)
        v = (v >> 8 & 0x00FF00FF) | (v & 0x00FF00FF) << 8;
    if (group == 32)
        v = v >> 16 | v << 16;
    return v;
}

/* The register is kept left-aligned in 32 bits so that one loop serves every width. */
static void make_table(struct crc_state *s)
{
    uint32_t pol = s->pol << (32 - width(s));

    for (uint32_t i = 0; i < 16; i++) {
        uint32_t r = i << 28;
        for (int bit = 0; bit < 4; bit++)
            r = r << 1 ^ (r >> 31 ? pol : 0);
        s->nibble[i] = r;
    }
}

static void feed(struct crc_state *s, uint32_t data, unsigned size)
{
    static const uint8_t rev_group[4] = {0, 8, 16, 32};
    unsigned group = rev_group[bits(s->cr, 5, 2)], shift = 32 - width(s);
    uint32_t r = s->dr << shift;

    if (group > 8 * size)
        group = 8 * size;
    if (group)
        data = reverse(data, group);
    data <<= 32 - 8 * size;
    for (unsigned n = 0; n < 2 * size; n++) {
        r = r << 4 ^ s->nibble[(r ^ data) >> 28];
        data <<= 4;
    }
    s->dr = r >> shift;
}

static uint32_t output(const struct crc_state *s)
{
    return s->cr & CR_REV_OUT ? reverse(s->dr, 32) >> (32 - width(s)) : s->dr;
}

static void load_init(struct crc_state *s)
{
    s->dr = width(s) == 32 ? s->init : s->init & ((1u << width(s)) - 1);
}

void crc_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->crc = (struct crc_state){.dr = UINT32_MAX, .init = UINT32_MAX, .pol = 0x04C11DB7};
    make_table(&c->crc);
}

bool crc_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct crc_state *s = &c->crc;
    uint32_t word = 0;

    (void)index;
    switch (off & ~3u) {
    case DR: word = output(s); break;
    case IDR: word = s->idr; break;
    case CR: word = s->cr; break;
    case INIT: word = s->init; break;
    case POL: word = s->pol; break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

bool crc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    if ((off & ~3u) == DR && chip_now(c) < c->crc.busy_until)
        chip_stall_until(c, c->crc.busy_until);
    return crc_peek(c, index, off, size, value);
}

static void write_data(struct chip *c, uint32_t value, unsigned size)
{
    struct crc_state *s = &c->crc;
    uint32_t hclk = chip_clock(c, CLK_HCLK);
    ps_t buffered = chip_ticks_to_ps(4, hclk);

    if (s->busy_until > chip_now(c) + buffered)
        chip_stall_until(c, s->busy_until - buffered);
    feed(s, value, size);
    if (s->busy_until < chip_now(c))
        s->busy_until = chip_now(c);
    s->busy_until += chip_ticks_to_ps(size, hclk);
}

bool crc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct crc_state *s = &c->crc;

    (void)index;
    switch (off & ~3u) {
    case DR: write_data(c, value, size); break;
    case IDR: s->idr = lanes_put(s->idr, off, size, value) & 0xFF; break;
    case CR:
        value = lanes_put(s->cr, off, size, value);
        s->cr = value & CR_WRITABLE;
        if (value & CR_RESET)
            load_init(s);
        make_table(s);
        break;
    case INIT: /* DR is initialised by a write to INIT as well (RM0394 §14.3.3) */
        s->init = lanes_put(s->init, off, size, value);
        load_init(s);
        break;
    case POL:
        s->pol = lanes_put(s->pol, off, size, value);
        make_table(s);
        break;
    }
    return true;
}
