/* Power control: RM0394 "PWR". pwr.c has the registers, lowpower.c the low-power modes. */
#ifndef VBOARD_CHIP_PWR_H
#define VBOARD_CHIP_PWR_H

#include "chip/chip.h"

enum {
    PWR_CR1 = 0x00,
    PWR_CR2 = 0x04,
    PWR_CR3 = 0x08,
    PWR_CR4 = 0x0C,
    PWR_SR1 = 0x10,
    PWR_SR2 = 0x14,
    PWR_SCR = 0x18,
    PWR_PUCRA = 0x20,
    PWR_END = 0x60
};

struct pwr_state {
    uint32_t reg[PWR_END / 4];
    ps_t vos_ready, lpr_left, lps_ready; /* when VOSF, REGLPF drop and REGLPS rises; PS_NEVER: no change */
    ps_t awake;                          /* when the wake-up from Stop is complete; PS_NEVER: asleep */
    uint8_t stop_level;                  /* in Stop: 0, 1, 2 */
    bool pvd_was_low;                    /* when it was last looked at */
    bool deferred;                       /* deep sleep waits for the end of a flash operation */
    bool debug_stop, debug_standby;      /* entered while DBGMCU_CR keeps clocks or power on */
};

void pwr_reset(struct chip *c, unsigned index);
bool pwr_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool pwr_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void pwr_event(struct chip *c, unsigned index);

bool pwr_backup_writable(const struct chip *c); /* CR1.DBP */
unsigned pwr_vos(const struct chip *c);         /* voltage range 1 or 2 */
unsigned pwr_limits(const struct chip *c);      /* the range whose limits of frequency hold: see chip_vdd12 */
/* VDD is below the level that the option bytes ask for, as it rises or (false) as it stands. */
bool pwr_brown_out(const struct chip *c, bool rising);
/* Pull by PUCR/PDCR (CR3.APC): 0, 1, -1 none. */
int pwr_pull(const struct chip *c, unsigned port, unsigned pin);
bool pwr_pvd_low(const struct chip *c);
void pwr_inputs(struct chip *c); /* the voltage at PVD_IN may have changed */
/* The level of a pin changed: wake-up pins. */
void pwr_pin(struct chip *c, unsigned port, unsigned pin, bool level);

/* ---- lowpower.c ---- */
void pwr_sleep(struct chip *c);     /* the processor sleeps (WFI, WFE, SLEEPONEXIT) */
void pwr_stop_turn(struct chip *c); /* in Stop: begins the wake-up if something asks for it */
void pwr_wake(struct chip *c);      /* out of Sleep or Stop */
unsigned pwr_stop_level(const struct chip *c);
bool pwr_stopped(const struct chip *c);       /* in Stop, bus clocks off */
bool pwr_core_clocked(const struct chip *c);  /* bus clocks run, by mode: Run, Sleep, Stop with DBG_STOP */
void pwr_flash_idle(struct chip *c);          /* a flash operation has ended */
void pwr_wake_standby(struct chip *c);        /* a wake-up source became active: ends Standby, Shutdown */
bool pwr_standby_wakes(const struct chip *c); /* a wake-up source is active */

#endif
