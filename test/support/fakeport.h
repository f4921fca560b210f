/* port/port.h on the PC: flash with double words, ECC, faults and power cuts, for the unit tests of
 * boot/core. Operations are carried out when the test says so, as the chip does while the processor does
 * something else. */
#ifndef TEST_SUPPORT_FAKEPORT_H
#define TEST_SUPPORT_FAKEPORT_H

#include "port/port.h"
#include "port/stm32l433/memory.h"

enum { FAKE_DOUBLE_WORDS = FLASH_SIZE / 8 };

/* What is left of the operation at which power ends. */
enum fake_cut { FAKE_BEFORE, FAKE_AFTER, FAKE_TORN /* half: of an erase, a torn page */ };

struct fake {
    uint8_t flash[FLASH_SIZE];
    bool unreadable[FAKE_DOUBLE_WORDS]; /* ECC: two bits */
    bool weak[FAKE_DOUBLE_WORDS];       /* reads as it does, but cannot be programmed before an erase */
    bool stuck[FAKE_DOUBLE_WORDS];      /* worn out: programming changes nothing and reports no error */
    bool worn[FAKE_DOUBLE_WORDS];       /* programming it is an error, also after an erase */
    bool dead_page[FLASH_SIZE / FLASH_PAGE_SIZE];      /* erasing fails */
    bool protected_page[FLASH_SIZE / FLASH_PAGE_SIZE]; /* WRP */
    bool hide_protection; /* port_flash_protected does not tell: the hardware does */

    unsigned erases, programs; /* pages; double words */
    unsigned reads;            /* calls of port_flash_read */
    unsigned fed;              /* calls of port_watchdog */
    unsigned forgotten;        /* calls of port_forget_image */
    unsigned operations;       /* erases and double words since fake_init */
    unsigned cut_at;           /* power ends at that operation (1...); 0: never */
    enum fake_cut cut;
    uint32_t random; /* state of the generator of torn bits */
    bool off;        /* power has ended: nothing happens any more */

    uint32_t ms;
    void (*done)(enum port_flash_result result); /* what port_flash_done calls */

    /* the operation under way */
    bool busy, erasing;
    unsigned steps, error_at_step; /* operations; that one reports an error and does nothing */
    uint32_t addr;
    const uint8_t *from;
    size_t left;
};
extern struct fake fake;

void fake_init(void); /* blank flash, power on */
/* Power back on after a cut: what was under way is gone. */
void fake_power_on(void);
/* Carries out one operation (an erase, or all double words of a program call), and what that leads to; time
 * goes on as flash needs it. */
void fake_step(void);
uint32_t fake_random(void);
/* CRC-32 without the code under test. */
uint32_t fake_crc(uint32_t crc, const void *data, size_t size);

#endif
