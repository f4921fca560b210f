/* What the tests of the system blocks share: registers, and flash operations as software does them. */
#ifndef TEST_CHIP_REGS_H
#define TEST_CHIP_REGS_H

#include "chip/state.h"
#include "rig.h"

#define RCC(off)    (0x40021000U + (off))
#define PWR(off)    (0x40007000U + (off))
#define FLASH(off)  (0x40022000U + (off))
#define SYSCFG(off) (0x40010000U + (off))
#define EXTI(off)   (0x40010400U + (off))
#define GPIO(port)  (0x48000000U + 0x400U * (port))

static inline void flash_unlock(void)
{
    wr(FLASH(FLASH_KEYR), 0x45670123);
    wr(FLASH(FLASH_KEYR), 0xCDEF89AB);
}

/* The option lock too. */
static inline void options_unlock(void)
{
    flash_unlock();
    wr(FLASH(FLASH_OPTKEYR), 0x08192A3B);
    wr(FLASH(FLASH_OPTKEYR), 0x4C5D6E7F);
}

/* Polls BSY; also ends when the power is gone. */
static inline void flash_idle(void)
{
    while (rig->mode != MODE_OFF && rd(FLASH(FLASH_SR)) & SR_BSY)
        run_us(10);
}

static inline void flash_finish(void)
{
    flash_idle();
    if (rig->mode != MODE_OFF)
        wr(FLASH(FLASH_CR), 0);
}

static inline void flash_erase_page(uint32_t page)
{
    wr(FLASH(FLASH_CR), CR_PER | page << 3 | CR_STRT);
    flash_finish();
}

static inline void flash_write64(uint32_t addr, uint64_t data)
{
    wr(FLASH(FLASH_CR), CR_PG);
    wr(addr, (uint32_t)data);
    wr(addr + 4, (uint32_t)(data >> 32));
    flash_finish();
}

#endif
