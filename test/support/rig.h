/* A test rig for the chip: powered, without a board, its processor out of the way in SRAM2, where neither
 * flash nor its caches matter. Registers are written and read over the bus, time is let pass, what the chip
 * tells the outside is kept. One rig at a time. */
#ifndef TEST_RIG_H
#define TEST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "chip/chip.h"
#include "chip/machine.h"

extern struct chip *rig; /* the chip between rig_on and rig_off */

/* cmocka setup and teardown: a chip after power-on reset, MSI 4 MHz. */
int rig_on(void **state);
int rig_on_awake(void **state); /* the processor loops instead, so that it can be made to wait */
int rig_off(void **state);
void rig_keep(void);  /* as it is now, until rig_off */
void rig_back(void);  /* to what was kept */
void rig_power(void); /* on again, after chip_power_off or a cut */
/* Runs until the reset is over and moves the processor to its sleep or loop again. */
void rig_settle(void);
/* Places a program of halfwords in SRAM2 and lets the processor execute it. */
void rig_execute(const uint16_t *code, size_t halfwords);
/* The processor, awake so far, enters Stop `level`; the interrupt `irq` may end it. */
void rig_stop(unsigned level, unsigned irq);
/* Power ends in that flash operation (by chip_listener.cut's count; 0: in none), in the manner of `how`. */
void rig_cut(uint64_t operation, enum chip_cut how);

/* Accesses as the processor makes them, at its time; they may wait. A bus error fails the test. */
void rig_write(uint32_t addr, unsigned size, uint32_t value);
uint32_t rig_read(uint32_t addr, unsigned size);

/* A register, of the width that it has: the USB block and its packet memory are 16 bits wide. */
static inline unsigned width_of(uint32_t addr)
{
    return addr >= 0x40006800 && addr < 0x40007000 ? 2 : 4;
}

static inline void wr(uint32_t addr, uint32_t value)
{
    rig_write(addr, width_of(addr), value);
}

static inline void wr16(uint32_t addr, uint32_t value)
{
    rig_write(addr, 2, value);
}

static inline void wr8(uint32_t addr, uint32_t value)
{
    rig_write(addr, 1, value);
}

static inline uint32_t rd(uint32_t addr)
{
    return rig_read(addr, width_of(addr));
}

static inline uint32_t rd16(uint32_t addr)
{
    return rig_read(addr, 2);
}

static inline uint32_t rd8(uint32_t addr)
{
    return rig_read(addr, 1);
}

/* A double word as a debugger sees it. */
void poke64(uint32_t addr, uint64_t data);
uint64_t peek64(uint32_t addr);

void set_bits(uint32_t addr, uint32_t mask);
void clear_bits(uint32_t addr, uint32_t mask);

void run_ps(ps_t time);
static inline void run_us(uint64_t us)
{
    run_ps(us * PS_PER_US);
}
/* Runs until (rd(addr) & mask) == value; the time it took, PS_NEVER after `limit`. */
ps_t run_until(uint32_t addr, uint32_t mask, uint32_t value, ps_t limit);

bool irq_line(unsigned irq); /* the line into the NVIC is high */

void clock_on(uint32_t enr, unsigned bit); /* RCC enable register by offset */
void clock_hsi16(void);                    /* SYSCLK = HSI16 = 16 MHz, exact in picoseconds */
void clock_lse(void);                      /* LSE runs, backup domain open */
void clock_rtc(void);                      /* and clocks RTC and LCD; RTC unlocked */
/* MODER: 0 input, 1 output, 2 alternate function af, 3 analog. Ports 'A'..'H'. */
void pin_mode(char port, unsigned pin, unsigned mode, unsigned af);
void pin_drive(char port, unsigned pin, int level);
bool pin_level(char port, unsigned pin);

/* What the chip told, since rig_on. */
struct rig_told {
    struct rig_event {
        const char *
            what; /* "reset", "missing", "message", "ignored", "power lost", the flash operation, the fault */
        uint32_t a, b; /* cause; address and PC; page or address, and count; PC */
        ps_t at;
        char text[160]; /* of a message */
    } events[256];
    size_t n;            /* events; a test may set it back to 0 */
    uint8_t bytes[4096]; /* of the USARTs, in order */
    char units[4096];    /* last character of each one's name */
    ps_t times[4096];
    unsigned count;
    double hz, duty; /* the last pwm event */
    unsigned pwm_port, pwm_pin, pwms;
    unsigned gpio_pin, gpios; /* the last gpio event; port * 16 + pin */
    bool gpio_level;
    int pullup;                  /* of USB, as last told; -1: nothing told */
    unsigned pullups, usb_wakes; /* how often it was told */
};
extern struct rig_told told;
unsigned told_count(const char *what); /* how often it was told */
const struct rig_event *told_last(const char *what);

#endif
