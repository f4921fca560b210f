/* A word of SAI1 on its way between the FIFO and a slot: its size, companding, the slot that MONO repeats,
 * MUTE of a transmitter. RM0394 "SAI": "Companding mode", "Mono/stereo mode". */
#include "chip/g711.h"
#include "chip/regs.h"
#include "chip/sai.h"

enum { MONO = 1 << 12, MUTE = 1 << 5, MUTEVAL = 1 << 6, CPL = 1 << 13 };

uint32_t sai_data_mask(const struct sai_block *b)
{
    static const uint8_t sizes[8] = {8, 8, 8, 10, 16, 20, 24, 32};
    unsigned n = sai_protocol(b) == SAI_SPDIF  ? 24
                 : sai_protocol(b) == SAI_AC97 ? 20
                                               : sizes[bits(b->r[SAI_CR1], 5, 3)];

    return n == 32 ? UINT32_MAX : (1u << n) - 1;
}

/* COMP, which only frames of no protocol have: 2 µ-law, 3 A-law. */
bool sai_compands(const struct sai_block *b)
{
    return bits(b->r[SAI_CR2], 15, 1) && sai_protocol(b) == SAI_FREE;
}

static uint32_t compressed(const struct sai_block *b, uint32_t word)
{
    bool a_law = bits(b->r[SAI_CR2], 14, 1);
    uint32_t sign = a_law ? 1u << 12 : 1u << 13, value = word & (sign - 1);

    if (!(word & sign))
        return g711_compress(a_law, (int)value);
    return g711_compress(a_law, (int)value - (int)sign + (b->r[SAI_CR2] & CPL ? 0 : 1));
}

static uint32_t expanded(const struct sai_block *b, uint32_t code)
{
    bool a_law = bits(b->r[SAI_CR2], 14, 1);
    int value = g711_expand(a_law, (uint8_t)code);
    uint32_t mask = a_law ? 0x1FFF : 0x3FFF;

    return (uint32_t)(value < 0 && !(b->r[SAI_CR2] & CPL) ? value - 1 : value) & mask;
}

uint32_t sai_take(struct sai_block *b)
{
    uint32_t word = b->fifo[0];

    b->level--;
    for (unsigned i = 0; i < b->level; i++)
        b->fifo[i] = b->fifo[i + 1];
    return word;
}

/* The second one of the two slots of a MONO frame. */
static bool repeats(const struct sai_block *b, unsigned slot)
{
    return slot == 1 && b->r[SAI_CR1] & MONO && sai_slots(b) == 2;
}

/* What a transmitter puts into a slot. */
uint32_t sai_send(struct sai_block *b, unsigned slot)
{
    bool mono = repeats(b, slot);

    if (b->level && !mono)
        b->last = sai_compands(b) ? compressed(b, sai_take(b)) : sai_take(b) & sai_data_mask(b);
    else if (!mono)
        b->r[SAI_SR] |= SAI_OVRUDR;
    return b->r[SAI_CR2] & MUTE && !(b->r[SAI_CR2] & MUTEVAL) ? 0 : b->last;
}

void sai_receive(struct sai_block *b, unsigned slot, uint32_t word)
{
    word &= sai_data_mask(b);
    if (repeats(b, slot))
        return;
    if (b->level == SAI_FIFO)
        b->r[SAI_SR] |= SAI_OVRUDR;
    else
        b->fifo[b->level++] = sai_compands(b) ? expanded(b, word) : word;
}
