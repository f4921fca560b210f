/* What the tests of the USB FS device block share: its registers, written down here a second time on purpose
 * (RM0394 "USB FS"), and a rig in which it is switched on. */
#ifndef TEST_USBFS_RIG_H
#define TEST_USBFS_RIG_H

#include <string.h>

#include "chip/usbfs.h"
#include "rig.h"

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
    EXTI_EMR1 = 0x40010404,
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

/* The last message about USB, "": there is none. */
static inline const char *remark(void)
{
    for (size_t i = told.n; i-- > 0;)
        if (strncmp(told.events[i].text, "USB", 3) == 0)
            return told.events[i].text;
    return "";
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

/* MSI at 24 MHz, HSI48 on, the USB block clocked and powered. */
static inline int power_up(void **state)
{
    rig_on_awake(state);
    wr(RCC_CR, 0x99); /* MSIRANGE 9, MSIRGSEL, MSION */
    wr(CRRCR, 1);
    wr(APB1ENR1, 1U << 26 | 1U << 28);
    wr(PWR_CR2, 1U << 10);
    run_us(100);
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
    usbfs_cable(rig, true);
    wr(BCDR, 0x8000);
    assert_int_equal(told.pullup, 1);
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
    return irq_line(67);
}

#define with(setup, test) cmocka_unit_test_setup_teardown(test, setup, rig_off)

#endif
