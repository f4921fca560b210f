/* What the tests of the USB FS device block share: a chip without firmware whose registers are written
 * over the bus, and the block's registers, written down here a second time on purpose (RM0394 "USB FS"). */
#ifndef TEST_USBFS_RIG_H
#define TEST_USBFS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

extern struct chip *c;
extern int pullup;         /* as last told by the chip; -1: nothing told */
extern int pullups, wakes; /* how often it was told */

uint32_t rd(uint32_t addr);
void wr(uint32_t addr, uint32_t v);
void run_us(unsigned us);
uint32_t epr(unsigned n);
/* Brings EPnR to `v` as software does, by toggling; CTR bits are left, SETUP is read-only. */
void set_epr(unsigned n, uint32_t v);
void clear_ctr(unsigned n);
bool irq_pending(void);

/* A chip whose processor sleeps: MSI at 24 MHz, HSI48 on, the USB block clocked and powered. */
int power_up(void **state);
int power_down(void **state);
/* An attached device with address 5 and nothing configured; ADDR and COUNT of all rows in place: row n
 * has TX at 0x080 + 0x40 n, RX at 0x280 + 0x40 (n mod 6), 64 bytes each. */
int attach(void **state);

#define with(setup, test) cmocka_unit_test_setup_teardown(test, setup, power_down)

#endif
