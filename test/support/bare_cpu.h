/* A bare processor for tests: flash and RAM as direct memory, a page of "peripheral" that remembers
 * what was done to it, bus errors everywhere else. */
#ifndef TEST_BARE_CPU_H
#define TEST_BARE_CPU_H

#include "cpu/cpu.h"

enum {
    BARE_FLASH = 0x08000000,
    BARE_RAM = 0x20000000,
    BARE_IO = 0x40000000,
    BARE_FLASH_SIZE = 64 << 10,
    BARE_RAM_SIZE = 16 << 10,
    BARE_IO_SIZE = 4 << 10,
    BARE_LOG = 32
};

struct bare {
    struct cpu *cpu;
    uint8_t flash[BARE_FLASH_SIZE], ram[BARE_RAM_SIZE], io[BARE_IO_SIZE];
    /* accesses to the peripheral page, in order */
    struct bare_access {
        uint32_t addr, value;
        unsigned size;
        bool write, privileged;
        uint64_t cycle;
    } log[BARE_LOG];
    unsigned logged;
    /* called for each such access */
    void (*on_io)(struct bare *r, const struct bare_access *a);
    struct cpu_fault faults[BARE_LOG];
    unsigned faulted;
    unsigned missing, watched, fetched;
    uint32_t watch_pc;
    uint32_t at; /* where bare_code writes next */
};

struct bare *bare_new(void); /* not reset yet */
void bare_free(struct bare *r);
void bare_word(struct bare *r, uint32_t addr, uint32_t value); /* flash or RAM; code there is dropped */
uint32_t bare_read(const struct bare *r, uint32_t addr);       /* a word of flash, RAM or the page */
/* Appends instructions at r->at: 16-bit ones as they are, 32-bit ones as hw1 << 16 | hw2. */
void bare_put(struct bare *r, const uint32_t *code, size_t n);
#define bare_code(r, ...)                                                                                    \
    bare_put((r), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
/* Vector table at the start of flash: stack at the end of RAM, reset to 0x08000200, and exception n
 * (n > 1) to 0x08001000 + 0x40 * n. Then reset; r->at is 0x08000200. */
void bare_start(struct bare *r);
uint32_t bare_handler(unsigned exc);              /* address of that handler's code */
void bare_steps(struct bare *r, unsigned n);      /* executes n instructions */
void bare_until(struct bare *r, uint32_t pc);     /* executes until that is next; fails after 10000 */
uint32_t bare_ppb(struct bare *r, uint32_t addr); /* looks at a register of the private bus */
/* Writes a word through the processor, by an instruction executed from scratch; registers are kept. */
void bare_store(struct bare *r, uint32_t addr, uint32_t value);
uint32_t bare_load(struct bare *r, uint32_t addr);

#endif
