/* Timers TIM1, TIM2, TIM6, TIM7, TIM15, TIM16 (RM0394 "TIM1", "TIM2", "TIM15/16", "TIM6/7"): one model,
 * of which each instance has its part. tim.c has the registers, tim_count.c the counter, tim_out.c the
 * outputs with break and dead time, tim_in.c captures and slave modes, tim_trgo.c what triggers others,
 * tim_filter.c input filters, tim_oscillator.c internal clocks as inputs.
 * The counter is computed from the time; events are announced for what somebody can see. */
#ifndef VBOARD_CHIP_TIM_H
#define VBOARD_CHIP_TIM_H

#include "chip/afpin.h"
#include "chip/chip.h"
#include "chip/filter.h"
#include "chip/regs.h"

enum tim_index { TIM1, TIM2, TIM6, TIM7, TIM15, TIM16, TIM_COUNT };
enum { TIM_CHANNELS = 6, TIM_PINS = 4 };
/* Inputs with a filter: TI1..4, ETR behind its prescaler, the breaks (true: active). */
enum { TIM_TI1, TIM_ETR = TIM_PINS, TIM_BRK, TIM_BRK2, TIM_INPUTS };

/* Registers by offset / 4. */
enum {
    TIM_CR1,
    TIM_CR2,
    TIM_SMCR,
    TIM_DIER,
    TIM_SR,
    TIM_EGR,
    TIM_CCMR1,
    TIM_CCMR2,
    TIM_CCER,
    TIM_CNT,
    TIM_PSC,
    TIM_ARR,
    TIM_RCR,
    TIM_CCR1,
    TIM_BDTR = 0x44 / 4,
    TIM_DCR,
    TIM_DMAR,
    TIM_OR1,
    TIM_CCMR3,
    TIM_CCR5,
    TIM_CCR6,
    TIM_OR2 = 0x60 / 4,
    TIM_OR3,
    TIM_REGS
};

enum {
    TIM_CR1_CEN = 1 << 0,
    TIM_CR1_UDIS = 1 << 1,
    TIM_CR1_URS = 1 << 2,
    TIM_CR1_OPM = 1 << 3,
    TIM_CR1_DIR = 1 << 4,
    TIM_CR1_ARPE = 1 << 7,
    TIM_CR1_UIFREMAP = 1 << 11,
    TIM_CR2_CCPC = 1 << 0,
    TIM_CR2_CCUS = 1 << 2,
    TIM_CR2_CCDS = 1 << 3,
    TIM_CR2_TI1S = 1 << 7,
    TIM_SMCR_OCCS = 1 << 3,
    TIM_SMCR_ECE = 1 << 14,
    TIM_SMCR_ETPS = 3 << 12,
    TIM_SMCR_ETP = 1 << 15,
    TIM_SR_UIF = 1 << 0,
    TIM_SR_CC1IF = 1 << 1,
    TIM_SR_COMIF = 1 << 5,
    TIM_SR_TIF = 1 << 6,
    TIM_SR_BIF = 1 << 7,
    TIM_SR_B2IF = 1 << 8,
    TIM_SR_CC1OF = 1 << 9,
    TIM_SR_SBIF = 1 << 13,
    TIM_SR_CC5IF = 1 << 16,
    TIM_DIER_UDE = 1 << 8,
    TIM_DIER_CC1DE = 1 << 9,
    TIM_DIER_COMDE = 1 << 13,
    TIM_DIER_TDE = 1 << 14,
    TIM_BDTR_OSSI = 1 << 10,
    TIM_BDTR_OSSR = 1 << 11,
    TIM_BDTR_BKE = 1 << 12,
    TIM_BDTR_BKP = 1 << 13,
    TIM_BDTR_AOE = 1 << 14,
    TIM_BDTR_MOE = 1 << 15,
    TIM_BDTR_BK2E = 1 << 24,
    TIM_BDTR_BK2P = 1 << 25
};

struct tim_state {
    uint32_t r[TIM_REGS]; /* as written; CNT is elsewhere */

    struct lazy clock;
    uint32_t cnt;
    int32_t prescale;                          /* CK_PSC periods since cnt changed; -1: one more to wait */
    uint32_t psc, arr, rcr, ccr[TIM_CHANNELS]; /* in force, after preload */
    uint32_t ccer, ccmr[3];                    /* in force: preloaded too with CCPC */
    uint32_t repeat;                           /* updates still to be swallowed */
    bool down;
    bool lock_written; /* BDTR has been written since the last reset */

    uint8_t ref;           /* OCxREF, bit per channel */
    uint8_t ref_told;      /* as MMS2 has seen them */
    uint8_t cleared;       /* references that ETRF keeps low until the next update */
    uint8_t fast;          /* those that a trigger has put behind their match until then: OCxFE */
    uint8_t trgo, trgo2;   /* level of the trigger outputs */
    uint16_t driven, high; /* pins: OC1..4, then OC1N..4N: driven, and their level */
    uint8_t wanted;        /* references that the dead-time generator has seen */
    ps_t dead_until[3];
    struct af_wave told[2 * TIM_PINS];
    struct tim_toggle { /* how long an output that toggles was low and high, by its reference */
        ps_t since, width[2];
        uint32_t ccr;
        uint8_t edges; /* 3: both widths are known */
        bool moved;    /* the compare value, since the last edge */
    } toggle[TIM_PINS];

    struct filter input[TIM_INPUTS];
    ps_t filter_at;                        /* the next of them passes a level on */
    bool etr;                              /* ETR before its prescaler, after its polarity */
    uint8_t captures[TIM_PINS], etr_edges; /* edges swallowed by prescalers */
    bool gate, brk, brk2;                  /* levels: trigger input, break inputs */
    ps_t oscillator_at;                    /* next edge of an internal clock on TI1 or ETR */
    uint8_t burst;                         /* transfers of the DMA burst that have been made */
    uint8_t burst_signal;                  /* enum dma_signal */
};

/* What an instance has. Signals and triggers it lacks are the COUNT of their enumeration. */
struct tim_kind {
    uint8_t block, clock, irq_break, irq_update, irq_trigger, irq_compare;
    uint8_t channels, complementary;                    /* with pins; TIM1 has two more without */
    bool wide;                                          /* 32 bits */
    uint8_t pin, pin_n, pin_etr, pin_break, pin_break2; /* enum af_signal */
    uint8_t dma_update, dma_compare[TIM_PINS], dma_trigger, dma_com;
    uint8_t trgo;
    uint8_t itr[4]; /* enum tim_index of the masters */
    uint32_t writable[TIM_REGS];
};
extern const struct tim_kind tim_kinds[TIM_COUNT];

void tim_reset(struct chip *c, unsigned index);
bool tim_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool tim_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool tim_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void tim_event(struct chip *c, unsigned index);
void tim_clock(struct chip *c, unsigned index, bool after);
void tim_pin(struct chip *c, unsigned signal, bool level); /* an alternate function input */
void tim_pins_selected(struct chip *c);                    /* pins were given to other functions */
void tim_rtc_wakeup(struct chip *c, bool level);           /* TIM16's TI1 may be the RTC's wake-up */
void tim_comparator(struct chip *c, unsigned comp, bool level);
void tim_adc_watchdog(struct chip *c, unsigned n, bool level); /* TIM1's ETR may be an analog watchdog */
void tim_usb_sof(struct chip *c);                              /* TIM2's ITR1 may be the USB start of frame */

/* ---- between the files of TIM ---- */

static inline bool tim_centered(const struct tim_state *t) /* CMS */
{
    return bits(t->r[TIM_CR1], 5, 2);
}

static inline unsigned tim_slave_mode(const struct tim_state *t) /* SMS */
{
    return bits(t->r[TIM_SMCR], 0, 3) | bits(t->r[TIM_SMCR], 16, 1) << 3;
}

static inline unsigned tim_trigger_select(const struct tim_state *t) /* TS */
{
    return bits(t->r[TIM_SMCR], 4, 3);
}

static inline unsigned tim_selection(const struct tim_state *t, unsigned ch) /* CCxS */
{
    return t->r[ch < 2 ? TIM_CCMR1 : TIM_CCMR2] >> 8 * (ch & 1) & 3;
}

static inline unsigned tim_etr_division(const struct tim_state *t) /* ETPS */
{
    return 1u << bits(t->r[TIM_SMCR], 12, 2);
}

bool tim_is_output(const struct tim_state *t, unsigned ch);
unsigned tim_mode(const struct tim_state *t, unsigned ch); /* OCxM */
void tim_settle(struct chip *c, unsigned index);
unsigned tim_equal(const struct chip *c, unsigned index);
void tim_written(struct chip *c, unsigned index, unsigned equal_before);
void tim_schedule(struct chip *c, unsigned index);
void tim_count_edge(struct chip *c, unsigned index); /* a clock from outside, before the prescaler */
void tim_encoder_step(struct chip *c, unsigned index, bool up);
bool tim_counts_internal(const struct tim_state *t);
void tim_restart(struct chip *c, unsigned index, bool flag);  /* counter to its start, update event */
void tim_flag(struct chip *c, unsigned index, uint32_t flag); /* sets SR bits, interrupts, DMA requests */
void tim_request(struct chip *c, unsigned index, uint8_t signal, uint32_t enable);
void tim_com(struct chip *c, unsigned index);  /* commutation: preloaded output control is taken over */
void tim_refs(struct chip *c, unsigned index); /* OCxREF of PWM and forced modes, then the outputs */
void tim_outputs(struct chip *c, unsigned index);
bool tim_visible(const struct chip *c, unsigned index, unsigned ch);
bool tim_main_enabled(const struct tim_state *t, unsigned index); /* MOE, where there is one */
bool tim_ccxe(const struct tim_state *t, unsigned ch);
bool tim_ccxne(const struct tim_state *t, unsigned index, unsigned ch);
bool tim_pwm_level(const struct tim_state *t, unsigned ch); /* OCxREF in PWM modes */
bool tim_combined(const struct tim_state *t, unsigned ch);  /* OCxREFC */
void tim_tell(struct chip *c, unsigned index, unsigned ch,
              bool n);                                         /* what has changed of an output, as `pwm` */
void tim_toggled(struct chip *c, unsigned index, unsigned ch); /* by a match, mode 3 */
ps_t tim_dead_time_next(const struct tim_state *t);
void tim_ir(struct chip *c); /* level of IR_OUT */
void tim_break(struct chip *c, unsigned index, uint32_t flag);
void tim_break_inputs(struct chip *c, unsigned index);
void tim_system_break(struct chip *c);                   /* what syscfg_system_break says may have changed */
void tim_break_filtered(struct chip *c, unsigned index); /* what the filters let through has its effect */
void tim_trigger_input(struct chip *c, unsigned index);  /* an active edge of TRGI */
void tim_gate(struct chip *c, unsigned index);           /* an edge of TRGI, of gated mode */
void tim_gate_selected(struct chip *c, unsigned index); /* registers were written: its level may be another */
bool tim_itr_level(const struct chip *c, unsigned index, unsigned itr);
bool tim_output_wanted(const struct chip *c, unsigned index, unsigned ch); /* as a trigger */
void tim_output_changed(struct chip *c, unsigned index, unsigned ch, bool level);
void tim_trgo_pulse(struct chip *c, unsigned index, unsigned mms); /* the event that MMS may select */
void tim_trgo_level(struct chip *c, unsigned index);
bool tim_trgo_wanted(const struct chip *c, unsigned index); /* does anybody listen to TRGO, TRGO2 or OC1? */
void tim_listeners_change(struct chip *c, bool after);      /* chip_triggers_change for the timers */
void tim_capture(struct chip *c, unsigned index, unsigned ch);
void tim_oscillators(struct chip *c, unsigned index); /* an internal clock as input: next edge */
void tim_oscillator_edge(struct chip *c, unsigned index);
/* A level at input n (enum above) of a timer that is settled: at once or later tim_filtered has it. */
void tim_filter(struct chip *c, unsigned index, unsigned n, bool level);
void tim_filtered(struct chip *c, unsigned index, unsigned n, bool level);
void tim_etr_changed(struct chip *c, unsigned index, uint32_t before); /* ETP or ETPS: SMCR as it was */
void tim_sources_selected(struct chip *c, unsigned index);             /* OR1, OR2 or pins have changed */
void tim_filters_changed(struct chip *c, unsigned index);              /* registers were written */
void tim_filters_run(struct chip *c, unsigned index);                  /* samples up to now */
void tim_filters_retimed(struct tim_state *t);                         /* the clock has begun anew */
/* When an edge at that time that lasts for `stays` is through the filter; PS_NEVER: it is too short. */
ps_t tim_filter_passes(const struct tim_state *t, unsigned n, ps_t edge, ps_t stays);

#endif
