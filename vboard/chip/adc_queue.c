/* The queue of injected contexts of ADC1 (JQDIS = 0): two writes of JSQR wait, each is used for one sequence.
 * RM0394 "Queue of context for injected conversions". JSQR shows the context that is in force. */
#include "chip/adc.h"
#include "chip/state.h"

enum { JQM = 1 << 21, JQOVF = 1 << 10, CONTEXTS = 2 };
#define JQDIS 0x80000000u

bool adc_queues(const struct adc_state *a)
{
    return !(a->r[ADC_CFGR] & JQDIS);
}

void adc_queue_write(struct chip *c, uint32_t context)
{
    struct adc_state *a = &c->adc;

    if (a->contexts == CONTEXTS) {
        adc_flags(c, JQOVF);
        return;
    }
    a->context[a->contexts++] = context;
    if (a->contexts == 1)
        a->r[ADC_JSQR] = context;
}

/* The sequence of a context is over. With JQM = 0 the last one stays in force, else nothing can be triggered.
 */
void adc_queue_next(struct chip *c)
{
    struct adc_state *a = &c->adc;

    if (!adc_queues(a) || (!a->contexts && !(a->r[ADC_CFGR] & JQM)))
        return;
    chip_triggers_change(c, false);
    if (a->contexts) {
        a->context[0] = a->context[1];
        a->contexts--;
    }
    if (a->contexts)
        a->r[ADC_JSQR] = a->context[0];
    else if (a->r[ADC_CFGR] & JQM)
        a->r[ADC_JSQR] = 0;
    chip_triggers_change(c, true);
}

/* JADSTP, ADDIS. */
void adc_queue_flush(struct chip *c)
{
    struct adc_state *a = &c->adc;

    a->contexts = 0;
    if (adc_queues(a) && a->r[ADC_CFGR] & JQM)
        a->r[ADC_JSQR] = 0;
}

bool adc_queue_empty(const struct adc_state *a)
{
    return adc_queues(a) && a->r[ADC_CFGR] & JQM && !a->contexts;
}
