/* ADC1 with its common registers (RM0394 "ADC"). adc.c has the registers, adc_convert.c the sequencers,
 * adc_queue.c the injected contexts that wait. */
#ifndef VBOARD_CHIP_ADC_H
#define VBOARD_CHIP_ADC_H

#include "chip/chip.h"

/* Registers by offset / 4. */
enum {
    ADC_ISR,
    ADC_IER,
    ADC_CR,
    ADC_CFGR,
    ADC_CFGR2,
    ADC_SMPR1,
    ADC_SMPR2,
    ADC_TR1 = 0x20 / 4,
    ADC_TR2,
    ADC_TR3,
    ADC_SQR1 = 0x30 / 4,
    ADC_DR = 0x40 / 4,
    ADC_JSQR = 0x4C / 4,
    ADC_OFR1 = 0x60 / 4,
    ADC_JDR1 = 0x80 / 4,
    ADC_AWD2CR = 0xA0 / 4,
    ADC_AWD3CR,
    ADC_DIFSEL = 0xB0 / 4,
    ADC_CALFACT,
    ADC_REGS
};

enum {
    ADC_ISR_ADRDY = 1 << 0,
    ADC_ISR_EOSMP = 1 << 1,
    ADC_ISR_EOC = 1 << 2,
    ADC_ISR_EOS = 1 << 3,
    ADC_ISR_OVR = 1 << 4,
    ADC_ISR_JEOC = 1 << 5,
    ADC_ISR_JEOS = 1 << 6,
    ADC_ISR_AWD1 = 1 << 7,
    ADC_CR_ADEN = 1 << 0,
    ADC_CR_ADDIS = 1 << 1,
    ADC_CR_ADSTART = 1 << 2,
    ADC_CR_JADSTART = 1 << 3,
    ADC_CR_ADSTP = 1 << 4,
    ADC_CR_JADSTP = 1 << 5,
    ADC_CR_ADVREGEN = 1 << 28,
    ADC_CR_DEEPPWD = 1 << 29,
    ADC_CR_ADCALDIF = 1 << 30,
    ADC_CFGR_DMAEN = 1 << 0,
    ADC_CFGR_DMACFG = 1 << 1,
    ADC_CFGR_ALIGN = 1 << 5,
    ADC_CFGR_OVRMOD = 1 << 12,
    ADC_CFGR_CONT = 1 << 13,
    ADC_CFGR_AUTDLY = 1 << 14,
    ADC_CFGR_DISCEN = 1 << 16,
    ADC_CFGR_JDISCEN = 1 << 20,
    ADC_CFGR_JAUTO = 1 << 25
};
#define ADC_CR_ADCAL 0x80000000u

enum adc_group { ADC_IDLE, ADC_REGULAR, ADC_INJECTED };

struct adc_state {
    uint32_t r[ADC_REGS], ccr;

    ps_t regulator_on; /* when ADVREGEN was set; PS_NEVER: off */
    bool blind;        /* was enabled without it */
    ps_t enable_from;  /* four periods behind a calibration */
    ps_t change_at;    /* ADRDY rises, calibration, stop or disabling ends */
    enum adc_group converting;
    ps_t sampled_at, done_at;     /* of the conversion that is running */
    uint64_t left;                /* in half clock periods, around a clock change */
    unsigned next, next_injected; /* ranks, 0-based */
    unsigned in_group;            /* conversions left of the discontinuous group */
    bool triggered;               /* the regular sequence is going on; else it waits for a trigger */
    bool injecting;               /* the same for the injected one */
    bool frozen;                  /* one-shot DMA has had its last transfer */
    uint32_t context[2];          /* values of JSQR: the first is in force; */
    uint8_t contexts;             /* how many */
    uint32_t sum;                 /* triggered oversampling: of so many samples: */
    uint16_t summed;
    bool told;       /* of what it was not given */
    uint8_t outside; /* watchdog outputs: the last value that each guarded was outside */
};

void adc_reset(struct chip *c, unsigned index);
bool adc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool adc_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool adc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void adc_event(struct chip *c, unsigned index);
void adc_clock(struct chip *c, unsigned index, bool after);
void adc_trigger(struct chip *c, enum trigger t, bool rising);
bool adc_wants(const struct chip *c, enum trigger t);
void adc_dma_end(struct chip *c); /* the DMA channel that serves it made its last transfer */

/* ---- between the files of ADC ---- */

uint32_t adc_hz(const struct chip *c);
void adc_flags(struct chip *c, uint32_t set);
void adc_schedule(struct chip *c);
void adc_start(struct chip *c);          /* ADSTART was set */
void adc_start_injected(struct chip *c); /* JADSTART was set */
void adc_abort(struct chip *c, enum adc_group group);
void adc_proceed(struct chip *c); /* the next conversion begins if nothing is in its way */
void adc_converted(struct chip *c);
bool adc_queues(const struct adc_state *a);
void adc_queue_write(struct chip *c, uint32_t context);
void adc_queue_next(struct chip *c);
void adc_queue_flush(struct chip *c);
bool adc_queue_empty(const struct adc_state *a); /* and nothing in force */
void adc_watchdog_output(struct chip *c, unsigned n, bool outside);

#endif
