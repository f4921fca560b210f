/* The chip as a machine, for the board around it (vboard/board.c) and for tests: create, power, run,
 * look inside, snapshot. Everything is in virtual picoseconds. */
#ifndef VBOARD_CHIP_MACHINE_H
#define VBOARD_CHIP_MACHINE_H

#include "chip/chip.h"

/* What is soldered around the chip, and which of the data sheet's figures this specimen has. Read at
 * power-on. machine.c has the defaults (a Nucleo-L433RC-P, typical figures). */
struct chip_config {
    uint64_t seed;    /* of everything random */
    uint8_t uid[12];  /* unique id at 0x1FFF7590 */
    bool flash_slow;  /* flash takes the maximum times of DS11449, not the typical ones */
    uint32_t hse_hz;  /* crystal or clock on OSC_IN; 0: nothing there, HSE never gets ready */
    bool lse;         /* 32.768 kHz crystal fitted */
    ps_t lse_startup; /* from LSEON to LSERDY */
    uint32_t lsi_hz;  /* 29500..34000 by DS11449 */
    uint16_t vdd_mv;  /* VDD and VDDA */
    uint16_t rev_id;  /* DBGMCU_IDCODE[31:16] */
    enum eeprom_kind { EEPROM_NONE, EEPROM_24C02, EEPROM_24C64 } eeprom_kind; /* at address 0x50 of I2C2 */
    uint8_t spi[3]; /* enum spi_attached: what is on SPI1-3 */
    /* Double words of main flash that have worn out, by address; 0: none. The cell of an erased `weak_low`
     * stays at 0, the cells of a programmed `weak_high` at 1, and an erase or program that reaches
     * `weak_fails` ends without effect and with OPERR. */
    uint32_t weak_low, weak_high, weak_fails;
};
void chip_config_default(struct chip_config *config);

/* A chip without power; memory as delivered by ST: flash erased, factory option bytes, calibration
 * values. `tell` must live as long as the chip. NULL: out of memory. */
struct chip *chip_create(const struct chip_config *config, const struct chip_listener *tell);
void chip_destroy(struct chip *c);
/* Changes of these take effect at the next power-on. */
struct chip_config *chip_config(struct chip *c);

/* VDD comes: power-on reset, or goes. `vbat`: VBAT is supplied while VDD is off, which keeps RTC and
 * backup registers. No effect if it is so already. */
void chip_power_on(struct chip *c);
void chip_power_off(struct chip *c, bool vbat);
bool chip_powered(const struct chip *c);
/* The outside pulls NRST low or lets go. */
void chip_nrst(struct chip *c, bool low);
/* The outside supplies the core at VDD12, with 1.1 V or more: voltage range 2 then allows the frequencies
 * of range 1 (DS11449 "External SMPS"). */
void chip_vdd12(struct chip *c, bool supplied);

enum chip_exit {
    CHIP_TIME,    /* `until` is reached */
    CHIP_STOPPED, /* chip_stop was called */
    CHIP_OFF,     /* no power (any more) */
    CHIP_LOCKUP,  /* the processor has locked up just now. Running on passes time: a watchdog may end it */
    CHIP_BREAK    /* at a breakpoint; the instruction there was not executed */
};
/* Fetch watches of the processor (cpu_arm_watch): one is the outside's, which chip_listener.watch is told. */
enum { CHIP_WATCH_OUTSIDE, CHIP_WATCH_ROM };

/* Runs until virtual time `until`. The last instruction or event is finished, so chip_now may be a
 * little later. CHIP_OFF is returned when power is lost on the way; run again, time passes without
 * power (outside events, and what VBAT keeps going). */
enum chip_exit chip_run(struct chip *c, ps_t until);
/* Executes one instruction; sleeping or in reset: passes time to the next event, none if none is due. */
enum chip_exit chip_step(struct chip *c);
/* From a listener's function or an outside event: chip_run returns at the next instruction boundary. */
void chip_stop(struct chip *c);
struct cpu *chip_cpu(struct chip *c);

/* A debugger's access, any address of memory or a register: no side effects, no ECC, no gates, no time.
 * Poke of flash erases nothing: the double word gets the bytes and matching ECC bits, and the caches forget
 * it. false: nothing there (poke: or a register, which this does not write). */
bool chip_peek(const struct chip *c, uint32_t addr, void *bytes, size_t size);
bool chip_poke(struct chip *c, uint32_t addr, const void *bytes, size_t size);
/* A debugger's write of 1, 2 or 4 bytes as its probe makes it: memory as chip_poke, but not flash;
 * registers through the bus, with their effects. addr aligned to size. false: nothing there. */
bool chip_debug_write(struct chip *c, uint32_t addr, unsigned size, uint32_t value);

/* Makes the double word at addr (main flash, multiple of 8) correctable (bits 1) or uncorrectable (2).
 * false: no such double word. */
bool chip_ecc_damage(struct chip *c, uint32_t addr, unsigned bits);
/* Time for which the processor has waited for flash operations since the last _clear. */
ps_t chip_flash_stall(const struct chip *c);
void chip_flash_stall_clear(struct chip *c);
/* How power ends in a flash operation (struct chip_listener.cut): before or after it, with a random half
 * of the bits programmed, in the middle of an erase. A cut in an erase is always one in the middle. */
enum chip_cut { CHIP_CUT_NONE, CHIP_CUT_BEFORE, CHIP_CUT_AFTER, CHIP_CUT_TORN, CHIP_CUT_HALF };

/* The non-volatile memories, for loaders and state files; write only while off. */
struct chip_nvm;
struct chip_nvm *chip_nvm(struct chip *c);
/* To look at only: at any time, and it costs no check at the next power-on. */
const struct chip_nvm *chip_nvm_look(const struct chip *c);

/* What VBAT keeps, while off: RCC_BDCR, the RTC and its backup registers. Reading: false if it was lost. */
enum { CHIP_BACKUP_WORDS = 54 };
bool chip_backup_read(struct chip *c, uint32_t list[CHIP_BACKUP_WORDS]);
void chip_backup_write(struct chip *c, const uint32_t list[CHIP_BACKUP_WORDS]);

/* A copy of the whole chip. Restoring is possible for the chip it was taken of. */
struct chip_snapshot;
struct chip_snapshot *chip_save(const struct chip *c); /* NULL: out of memory */
void chip_restore(struct chip *c, const struct chip_snapshot *s);
void chip_snapshot_free(struct chip_snapshot *s);

#endif
