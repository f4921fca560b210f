/* A bare processor for tests: flash and RAM as direct memory, a page of "peripheral" that remembers
 * what was done to it, bus errors everywhere else. */
#ifndef TEST_CPU_RIG_H
#define TEST_CPU_RIG_H

#include "cpu/cpu.h"

enum {
    RIG_FLASH = 0x08000000,
    RIG_RAM = 0x20000000,
    RIG_IO = 0x40000000,
    RIG_FLASH_SIZE = 64 << 10,
    RIG_RAM_SIZE = 16 << 10,
    RIG_IO_SIZE = 4 << 10,
    RIG_LOG = 32
};

struct rig {
    struct cpu *cpu;
    uint8_t flash[RIG_FLASH_SIZE], ram[RIG_RAM_SIZE], io[RIG_IO_SIZE];
    /* accesses to the peripheral page, in order */
    struct rig_access {
        uint32_t addr, value;
        unsigned size;
        bool write, privileged;
        uint64_t cycle;
    } log[RIG_LOG];
    unsigned logged;
    /* called for each such access */
    void (*on_io)(struct rig *r, const struct rig_access *a);
    struct cpu_fault faults[RIG_LOG];
    unsigned faulted;
    unsigned missing, watched, fetched;
    uint32_t watch_pc;
    uint32_t at; /* where rig_code writes next */
};

struct rig *rig_new(void); /* not reset yet */
void rig_free(struct rig *r);
void rig_word(struct rig *r, uint32_t addr, uint32_t value); /* flash or RAM; code there is dropped */
uint32_t rig_read(const struct rig *r, uint32_t addr);       /* a word of flash, RAM or the page */
/* Appends instructions at r->at: 16-bit ones as they are, 32-bit ones as hw1 << 16 | hw2. */
void rig_put(struct rig *r, const uint32_t *code, size_t n);
#define rig_code(r, ...)                                                                                     \
    rig_put((r), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
/* Vector table at the start of flash: stack at the end of RAM, reset to 0x08000200, and exception n
 * (n > 1) to 0x08001000 + 0x40 * n. Then reset; r->at is 0x08000200. */
void rig_start(struct rig *r);
uint32_t rig_handler(unsigned exc);             /* address of that handler's code */
void rig_steps(struct rig *r, unsigned n);      /* executes n instructions */
void rig_until(struct rig *r, uint32_t pc);     /* executes until that is next; fails after 10000 */
uint32_t rig_ppb(struct rig *r, uint32_t addr); /* looks at a register of the private bus */
/* Writes a word through the processor, by an instruction executed from scratch; registers are kept. */
void rig_store(struct rig *r, uint32_t addr, uint32_t value);
uint32_t rig_load(struct rig *r, uint32_t addr);

#endif
