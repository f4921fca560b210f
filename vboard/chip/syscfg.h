/* System configuration: RM0394 "SYSCFG". */
#ifndef VBOARD_CHIP_SYSCFG_H
#define VBOARD_CHIP_SYSCFG_H

#include "chip/chip.h"

struct syscfg_state {
    uint32_t alias; /* memory at 0, coded as MEM_MODE */
    uint32_t memrmp, cfgr1, exticr[4], scsr, cfgr2, swpr;
    uint32_t fpu; /* flags of FPSCR */
    uint8_t key;  /* of SKR: how many of its two keys were right */
};

void syscfg_reset(struct chip *c, unsigned index);
bool syscfg_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool syscfg_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void syscfg_boot(struct chip *c); /* MEM_MODE as the boot selection has it */
void syscfg_event(struct chip *c, unsigned index);

bool syscfg_sram2_locked(const struct chip *c, uint32_t off); /* write protection of that byte of SRAM2 */
void syscfg_parity_error(struct chip *c);                     /* of SRAM2 */
bool syscfg_pvd_locked(const struct chip *c);
bool syscfg_system_break(const struct chip *c); /* a break input of TIM1, 15 and 16 that is not at a pin */
/* FPSCR's cumulative flags: the FPU's interrupt is their OR, as FPU_IE lets them through. */
void syscfg_fpu(struct chip *c, uint32_t flags);
/* The level of a pin changed: EXTI, if EXTICR selects it. */
void syscfg_pin(struct chip *c, unsigned port, unsigned pin, bool level);
bool syscfg_pin_watched(const struct chip *c, unsigned port, unsigned pin); /* EXTI looks for its edges */

#endif
