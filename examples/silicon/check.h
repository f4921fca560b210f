/* What all checks share: a line for each on the ST-LINK's serial port, state that outlives a reset, time in
 * core cycles, and accesses that may fault. */
#ifndef SILICON_CHECK_H
#define SILICON_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/periph.h"
#include "port/stm32l433/regs.h"

#define REG(addr) (*(reg32 *)(addr))

/* ---- results ----------------------------------------------------------------------------- */

/* "confirmed FLASH  what: number unit", or "DIFFERS ...". */
void check(bool holds, const char *area, const char *what, uint32_t number, const char *unit);
/* A figure that nothing relies on: "measured ...". */
void measured(const char *area, const char *what, uint32_t number, const char *unit);
extern const char hex[];  /* as a unit: the number is printed in hexadecimal */
extern const char none[]; /* as a unit: the number is not printed */
void say(const char *text);
void say_number(uint32_t number, unsigned base);

/* ---- what outlives a reset: backup registers 8 and up ------------------------------------ */

enum kept { KEPT_MAGIC = 8, KEPT_STAGE, KEPT_CONFIRMED, KEPT_DIFFERS, KEPT_A, KEPT_B, KEPT_C, KEPT_D };
uint32_t kept(enum kept n);
void keep(enum kept n, uint32_t value);

/* ---- time -------------------------------------------------------------------------------- */

#define CORE_MHZ 16u /* HSI16 */
static inline uint32_t cycles(void)
{
    return DWT->CYCCNT;
}
/* Microseconds since `from` (of cycles()). */
static inline uint32_t us_since(uint32_t from)
{
    return (cycles() - from) / CORE_MHZ;
}
void wait_us(uint32_t us);
/* Waits until (*reg & mask) is not 0, at most `us`; returns how many microseconds that took, or `us`. */
uint32_t wait_for(const reg32 *reg, uint32_t mask, uint32_t us);

/* ---- faults and NMI ---------------------------------------------------------------------- */

extern volatile uint32_t faults; /* HardFaults so far; the access that made one is skipped */
extern volatile uint32_t nmis;   /* NMIs so far */
extern volatile uint32_t nmi_eccr;
extern volatile uint32_t nmi_keep; /* so many NMIs leave ECCD set */
/* True if it does not fault. */
bool read_word(uint32_t addr, uint32_t *value);
bool write_word(uint32_t addr, uint32_t value);

/* ---- stages ------------------------------------------------------------------------------ */

/* Each runs once, in this order; those that reset the chip say so, and the next one looks at what the
 * reset has left. */
struct as_reset {
    uint32_t cr, cfgr, csr, ahb1enr, apb1enr1, lr, vtor, cnt;
};
extern struct as_reset as_reset; /* registers at the first instruction of main(), before anything changed */

void stage_registers(void);
void stage_oscillators(void);
void stage_memory(void);
void stage_usb_and_board(void);
void stage_writes(void);
void stage_usart(void);
void stage_exti(void);
void stage_timer(void);
void stage_adc(void);
void stage_quadspi(void);
void stage_msi(void);
void stage_stop(void);
void stage_switch(void);
void stage_world(void);
void stage_transceiver(void);
void stage_ways_to_reset(void);
void stage_flash(void);
void stage_flash_keys(void); /* resets */
void stage_after_reset(void);
void stage_torn(void); /* resets, many times */
void stage_torn_result(void);
void stage_options(void); /* resets */
void stage_after_options(void);
void stage_window_watchdog(void); /* resets */
void stage_after_window_watchdog(void);
void stage_watchdog(void); /* resets */
void stage_after_watchdog(void);
void stage_standby(void); /* resets */
void stage_after_standby(void);
void stage_shutdown(void); /* resets */
void stage_after_shutdown(void);

void reset_now(void);
/* The flags of RCC_CSR are cleared, so that the next reset's stand alone. */
void clear_flags(void);

#endif
