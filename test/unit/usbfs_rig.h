/* What the tests of the USB FS device block share: a chip without firmware whose registers are written
 * over the bus, and the block's registers, written down here a second time on purpose (RM0394 "USB FS"). */
#ifndef TEST_USBFS_RIG_H
#define TEST_USBFS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chip/machine.h"
#include "chip/usbfs.h"

enum {
    USB = 0x40006800,
    CNTR = USB + 0x40,
    ISTR = USB + 0x44,
    FNR = USB + 0x48,
    DADDR = USB + 0x4C,
    BTABLE = USB + 0x50,
    LPMCSR = USB + 0x54,
    BCDR = USB + 0x58,
    PMA = 0x40006C00,
    RCC_CR = 0x40021000,
    APB1RSTR1 = 0x40021038,
    APB1ENR1 = 0x40021058,
    CRRCR = 0x40021098,
    EXTI_IMR1 = 0x40010400,
    CRS_CR = 0x40006000,
    CRS_ISR = 0x40006008,
    CCIPR = 0x40021088,
    PWR_CR1 = 0x40007000,
    PWR_CR2 = 0x40007004
};
enum {
    RESET = 0x400,
    SUSP = 0x800,
    WKUP = 0x1000,
    ERR = 0x2000,
    PMAOVR = 0x4000,
    CTR = 0x8000,
    SOF = 0x200,
    ESOF = 0x100,
    L1REQ = 0x80
};
enum { BULK = 0, CONTROL = 0x200, ISO = 0x400, INTERRUPT = 0x600, KIND = 0x100 };
enum {
    RX_CTR = 0x8000,
    RX_DTOG = 0x4000,
    RX_VALID = 0x3000,
    RX_NAK = 0x2000,
    RX_STALL = 0x1000,
    SETUP = 0x800
};
enum { TX_CTR = 0x80, TX_DTOG = 0x40, TX_VALID = 0x30, TX_NAK = 0x20, TX_STALL = 0x10 };

static struct chip *c;
static int pullup;         /* as last told by the chip; -1: nothing told */
static int pullups, wakes; /* how often it was told */

static inline void on_pullup(void *owner, bool on)
{
    (void)owner;
    pullup = on;
    pullups++;
}

static inline void on_wake(void *owner)
{
    (void)owner;
    wakes++;
}

static char remark[256]; /* the last message about USB */

static inline void on_remark(void *owner, const char *sentence)
{
    (void)owner;
    if (strncmp(sentence, "USB", 3) == 0)
        (void)snprintf(remark, sizeof remark, "%s", sentence);
}

static const struct chip_listener listener = {
    .usb_pullup = on_pullup, .usb_wake = on_wake, .message = on_remark};

static inline uint32_t rd(uint32_t addr)
{
    uint32_t v = 0;
    assert_true(chip_bus_read(c, addr, addr >= USB && addr < PMA + 0x400 ? 2 : 4, &v));
    return v;
}

static inline void wr(uint32_t addr, uint32_t v)
{
    assert_true(chip_bus_write(c, addr, addr >= USB && addr < PMA + 0x400 ? 2 : 4, v));
}

static inline void run_us(unsigned us)
{
    chip_run(c, chip_now(c) + us * PS_PER_US);
}

static inline uint32_t epr(unsigned n)
{
    return rd(USB + 4 * n);
}

/* Brings EPnR to `v` as software does, by toggling; CTR bits are left, SETUP is read-only. */
static inline void set_epr(unsigned n, uint32_t v)
{
    const uint32_t toggle = 0x7070, plain = 0x070F;
    wr(USB + 4 * n, ((epr(n) ^ v) & toggle) | (v & plain) | 0x8080);
    assert_int_equal(epr(n) & (toggle | plain), v & (toggle | plain));
}

static inline void clear_ctr(unsigned n)
{
    wr(USB + 4 * n, epr(n) & 0x070F);
}

/* A chip that runs a program: MSI at 24 MHz, HSI48 on, the USB block clocked and powered. */
static inline void power_up_with(const uint32_t *program, size_t size)
{
    struct chip_config config;
    chip_config_default(&config);
    pullup = -1;
    remark[0] = 0;
    wakes = pullups = 0;
    c = chip_create(&config, &listener);
    assert_non_null(c);
    assert_true(chip_poke(c, 0x08000000, program, size));
    chip_power_on(c);
    run_us(1000);
    wr(RCC_CR, 0x99); /* MSIRANGE 9, MSIRGSEL, MSION */
    wr(CRRCR, 1);
    wr(APB1ENR1, 1U << 26 | 1U << 28);
    wr(PWR_CR2, 1U << 10);
    run_us(100);
}

static inline int power_up(void **state)
{
    (void)state;
    static const uint32_t sleeper[] = {0x20001000, 0x08000009, 0xE7FDBF30}; /* wfi; b . - 2 */
    power_up_with(sleeper, sizeof sleeper);
    return 0;
}

static inline int power_down(void **state)
{
    (void)state;
    chip_destroy(c);
    return 0;
}

/* An attached device with address 5 and nothing configured; ADDR and COUNT of all rows in place: row n has TX
 * at 0x080 + 0x40 n, RX at 0x280 + 0x40 (n mod 6), 64 bytes each. */
static inline void attach_now(void)
{
    wr(CNTR, 1); /* out of power-down */
    run_us(10);
    wr(CNTR, 0);
    wr(ISTR, 0);
    wr(BTABLE, 0);
    for (unsigned n = 0; n < 8; n++) {
        wr(PMA + 8 * n, 0x080 + 0x40 * n);
        wr(PMA + 8 * n + 2, 0);
        wr(PMA + 8 * n + 4, 0x280 + 0x40 * (n % 6));
        wr(PMA + 8 * n + 6, 0x8400);
    }
    usbfs_cable(c, true);
    wr(BCDR, 0x8000);
    assert_int_equal(pullup, 1);
    wr(DADDR, 0x85);
}

static inline int attach(void **state)
{
    power_up(state);
    attach_now();
    return 0;
}

static inline bool irq_pending(void)
{
    uint32_t v = 0;
    assert_true(chip_peek(c, 0xE000E208, &v, 4));
    return v >> (67 - 64) & 1; /* NVIC_ISPR2 */
}

#define with(setup, test) cmocka_unit_test_setup_teardown(test, setup, power_down)

#endif
