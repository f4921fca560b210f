/* What the chip says to firmware's author, for nothing else would: remarks, and writes that it ignores
 * because of its state (RM0394 "can be written only when"). */
#include <stdio.h>

#include "chip/state.h"

void chip_say(struct chip *c, const char *sentence)
{
    if (c->tell->message)
        c->tell->message(c->tell->owner, sentence);
}

void chip_say_once(struct chip *c, bool *said, const char *sentence)
{
    if (!*said)
        chip_say(c, sentence);
    *said = true;
}

void chip_tell_write(struct chip *c, enum block_id id, const char *sentence)
{
    if (c->ignored_told >> id & 1)
        return;
    c->ignored_told |= 1ULL << id;
    if (c->dma_signals.moves) /* the instruction of this moment has nothing to do with it */
        chip_say(c, sentence);
    else if (c->tell->ignored)
        c->tell->ignored(c->tell->owner, sentence, cpu_reg(c->cpu, CPU_PC));
}

void chip_ignored(struct chip *c, enum block_id id, const char *reg, const char *why)
{
    char sentence[128];

    (void)snprintf(sentence, sizeof sentence, "%s%s%s is written %s: the chip ignores that",
                   chip_blocks[id].name, *reg ? "_" : "", reg, why);
    chip_tell_write(c, id, sentence);
}

/* RCC's registers, by offset from the first: AHB1ENR is 0x48. */
void chip_unclocked(struct chip *c, enum block_id id)
{
    static const char *const bus[] = {"AHB1", "AHB2", "AHB3", "", "APB1", "APB1", "APB2"};
    static const char *const number[] = {"", "", "", "", "1", "2", ""};
    const struct block *b = &chip_blocks[id];
    unsigned i = (b->enr - 0x48U) / 4;
    const char *kind = "ENR", *what = "its clock is off";
    char sentence[128];

    if (!b->enr || c->mode != MODE_RUN) /* in Sleep it is DMA that writes, no instruction */
        return;
    if (rcc_holds(c, id))
        kind = "RSTR", what = "it is held in reset";
    (void)snprintf(sentence, sizeof sentence,
                   "%s is written while %s (bit %u of RCC_%s%s%s): the chip ignores that", b->name, what,
                   b->enr_bit, bus[i], kind, number[i]);
    chip_tell_write(c, id, sentence);
}
