/* A chip without a board for tests of its blocks: powered, out of reset, the processor in a loop in
 * SRAM2, registers driven through the bus. */
#ifndef TEST_CHIPTEST_H
#define TEST_CHIPTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip/state.h"

/* What the listener was told, in order. */
struct told {
    char what[160];
    uint32_t a, b;
};
struct chiptest {
    struct chip *c;
    struct chip_listener tell;
    struct told told[256];
    size_t n;
    uint64_t cut_at; /* the flash operation in which power ends … */
    int cut_model;   /* … and how */
};

/* A powered chip whose flash holds a loop; `t` is static or lives as long as the chip. */
void chiptest_start(struct chiptest *t);
void chiptest_power(struct chiptest *t);
void chiptest_end(struct chiptest *t);
/* Runs until the reset is over and moves the processor to its loop in SRAM2. */
void chiptest_settle(struct chiptest *t);
/* Places a program of half-words at an address in SRAM2 and lets the processor execute it. */
void chiptest_execute(struct chiptest *t, const uint16_t *code, size_t halfwords);
unsigned chiptest_count(const struct chiptest *t, const char *what); /* how often it was told */

/* Accesses as the processor makes them, at its time; they may wait. Bus errors fail the test. */
uint32_t rd(struct chiptest *t, uint32_t addr);
void wr(struct chiptest *t, uint32_t addr, uint32_t value);
void set(struct chiptest *t, uint32_t addr, uint32_t bits);
void clear(struct chiptest *t, uint32_t addr, uint32_t bits);
void run_us(struct chiptest *t, uint64_t us);

/* Flash operations as software does them. `options`: the option lock too. */
void flash_unlock(struct chiptest *t, bool options);
void flash_idle(struct chiptest *t); /* polls BSY; also ends when the power is gone */
void flash_erase_page(struct chiptest *t, uint32_t page);
void flash_write64(struct chiptest *t, uint32_t addr, uint64_t data);
void poke64(struct chiptest *t, uint32_t addr, uint64_t data);
uint64_t peek64(struct chiptest *t, uint32_t addr);

#define RCC(off)    (0x40021000U + (off))
#define PWR(off)    (0x40007000U + (off))
#define FLASH(off)  (0x40022000U + (off))
#define SYSCFG(off) (0x40010000U + (off))
#define EXTI(off)   (0x40010400U + (off))
#define GPIO(port)  (0x48000000U + 0x400U * (port))

#endif
