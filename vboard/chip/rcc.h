/* Reset and clock control: RM0394 "RCC". rcc.c has the registers, rcc_osc.c the oscillators and PLLs,
 * rcc_tree.c what follows from them. */
#ifndef VBOARD_CHIP_RCC_H
#define VBOARD_CHIP_RCC_H

#include "chip/chip.h"

/* Register offsets. */
enum {
    RCC_CR = 0x00,
    RCC_ICSCR = 0x04,
    RCC_CFGR = 0x08,
    RCC_PLLCFGR = 0x0C,
    RCC_PLLSAI1CFGR = 0x10,
    RCC_CIER = 0x18,
    RCC_CIFR = 0x1C,
    RCC_CICR = 0x20,
    RCC_AHB1RSTR = 0x28,
    RCC_APB2RSTR = 0x40,
    RCC_AHB1ENR = 0x48,
    RCC_APB2ENR = 0x60,
    RCC_AHB1SMENR = 0x68,
    RCC_APB2SMENR = 0x80,
    RCC_CCIPR = 0x88,
    RCC_BDCR = 0x90,
    RCC_CSR = 0x94,
    RCC_CRRCR = 0x98,
    RCC_END = 0x9C
};

enum { RCC_MSICAL = 0x92 }; /* as the factory left it: as good as any */

enum rcc_osc { OSC_LSI, OSC_LSE, OSC_MSI, OSC_HSI16, OSC_HSE, OSC_PLL, OSC_PLLSAI1, OSC_HSI48, OSC_COUNT };

struct rcc_state {
    uint32_t reg[RCC_END / 4];  /* by offset / 4 */
    ps_t ready_at[OSC_COUNT];   /* PS_NEVER: off, ready, or waiting for its input */
    bool lsi_forced;            /* by the independent watchdog */
    uint32_t hz[CLOCK_COUNT];   /* what chip_clock answers */
    uint64_t enabled;           /* bit per enum block_id: what chip_enabled answers */
    double mco_told, lsco_told; /* Hz at the clock outputs */
    bool told_limits;           /* HCLK above the limit for LATENCY and VOS was reported */
    bool told_pll;              /* a locked PLL outside its limits was reported */
    bool told_no_lock;          /* a PLL that does not lock was */
    bool told_no_hse;           /* an HSE that is not there was */
    bool told_trim;             /* HSITRIM or MSITRIM far from the factory's setting was reported */
};

void rcc_reset(struct chip *c, unsigned index);
bool rcc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool rcc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void rcc_event(struct chip *c, unsigned index);

/* A bit of RCC_xRSTR that is set keeps the block in reset: it takes nothing that is written to it. */
bool rcc_holds(const struct chip *c, enum block_id id);
/* The independent watchdog runs and needs LSI, whatever LSION says; or no longer. */
void rcc_force_lsi(struct chip *c, bool on);
/* The low-power mode changes: on entry to Stop the fast oscillators stop; on exit MSI or HSI16, as
 * STOPWUCK says, is SYSCLK. `wake` is true on exit. */
void rcc_stop(struct chip *c, bool wake);
ps_t rcc_wake_time(const struct chip *c); /* how long the oscillator of STOPWUCK takes to start */
/* The outside holds PH0, or no longer: HSE fails, and the clock security system finds that, or comes back. */
void rcc_hse_input(struct chip *c);
/* After anything that clocks depend on: RCC registers, ready flags, chip mode. */
void rcc_update(struct chip *c);

/* ---- between the files of RCC ---- */
bool rcc_osc_ready(const struct chip *c, enum rcc_osc o);
void rcc_osc_update(struct chip *c); /* on bits or inputs changed: start and stop what that concerns */
uint32_t rcc_hsi16_hz(const struct chip *c);                /* when it runs, as trimmed */
uint32_t rcc_osc_hz(const struct chip *c, enum rcc_osc o);  /* VCO frequency for the PLLs; 0: not ready */
bool rcc_sysclk_uses(const struct chip *c, enum rcc_osc o); /* directly or through the PLL */
void rcc_irq(struct chip *c);
void rcc_tell_blocks(struct chip *c, bool after); /* their `clock` functions */
void mco_update(struct chip *c); /* the clock outputs (mco.c), after clocks, their registers or pins */
/* Where the 48 MHz clock comes from and what is there, a clause for a sentence. */
void rcc_name_clk48(const struct chip *c, char *text, size_t size);
bool rcc_runs_in_sleep(const struct chip *c, uint32_t smenr, unsigned bit);

#endif
