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

/* A little assembler: instructions as bare_code takes them. */
#define NOP            0xbf00u
#define WFE            0xbf20u
#define WFI            0xbf30u
#define SEV            0xbf40u
#define IT(cond, mask) (0xbf00u | (cond) << 4 | (mask))
#define MOVS(rd, imm8) (0x2000u | (rd) << 8 | (imm8))
#define ADDS(rd, imm8) (0x3000u | (rd) << 8 | (imm8))
#define CMP(rn, imm8)  (0x2800u | (rn) << 8 | (imm8))
#define LDR(rt, rn)    (0x6800u | (rn) << 3 | (rt))
#define STR(rt, rn)    (0x6000u | (rn) << 3 | (rt))
#define BX(rm)         (0x4700u | (rm) << 3)
#define BLX(rm)        (0x4780u | (rm) << 3)
#define SVC(n)         (0xdf00u | (n))
#define BKPT           0xbe00u
#define UDF            0xde00u
#define HERE           0xe7feu /* b . */
#define CPSIE_I        0xb662u
#define CPSID_I        0xb672u
#define CPSIE_F        0xb661u
#define CPSID_F        0xb671u
#define CLREX          0xf3bf8f2fu
#define MRS(rd, sysm)  (0xf3ef8000u | (rd) << 8 | (sysm))
#define MSR(sysm, rn)  (0xf3808800u | (rn) << 16 | (sysm))
#define VADD_S0_S1_S2  0xee300a81u
enum {
    SYSM_MSP = 8,
    SYSM_PSP,
    SYSM_PRIMASK = 16,
    SYSM_BASEPRI,
    SYSM_BASEPRI_MAX,
    SYSM_FAULTMASK,
    SYSM_CONTROL
};
/* Registers of the system control space. */
#define ICSR      0xe000ed04u
#define VTOR      0xe000ed08u
#define AIRCR     0xe000ed0cu
#define SCR       0xe000ed10u
#define CCR       0xe000ed14u
#define SHCSR     0xe000ed24u
#define CFSR      0xe000ed28u
#define HFSR      0xe000ed2cu
#define DFSR      0xe000ed30u
#define MMFAR     0xe000ed34u
#define BFAR      0xe000ed38u
#define CPACR     0xe000ed88u
#define DEMCR     0xe000edfcu
#define FPCCR     0xe000ef34u
#define FPCAR     0xe000ef38u
#define FPDSCR    0xe000ef3cu
#define NVIC_ISER 0xe000e100u
#define NVIC_ICER 0xe000e180u
#define NVIC_ISPR 0xe000e200u
#define NVIC_ICPR 0xe000e280u
#define NVIC_IABR 0xe000e300u
#define NVIC_IPR  0xe000e400u
enum { SHCSR_MEM = 1 << 16, SHCSR_BUS = 1 << 17, SHCSR_USAGE = 1 << 18 };

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
    unsigned watched, fetched;
    unsigned itm_count, itm_port, itm_size; /* what the ITM sent, the last time */
    uint32_t itm_value;
    unsigned watch_n;
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

/* ---- for programs that test one processor at a time ---- */

extern struct bare *bare;
int bare_setup(void **state); /* a new one, started */
int bare_teardown(void **state);
#define TEST(f) cmocka_unit_test_setup_teardown(f, bare_setup, bare_teardown)

static inline uint32_t reg(unsigned n)
{
    return cpu_reg(bare->cpu, n);
}
static inline void set(unsigned n, uint32_t value)
{
    cpu_set_reg(bare->cpu, n, value);
}
void execute(uint32_t instruction); /* puts it where the processor is, and a NOP behind it; one step */

/* Every kind of load and store, at the address in r1. */
enum { BARE_MEMORY_OPS = 16 };
struct bare_memory_op {
    uint32_t instruction;
    unsigned bytes; /* that it touches there */
    bool store;
};
extern const struct bare_memory_op bare_memory_ops[BARE_MEMORY_OPS];
/* Region 0 of the MPU is the RAM, for everybody. */
void bare_mpu_ram(struct bare *b);

#endif
