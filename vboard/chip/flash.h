/* Flash memory and its interface: RM0394 "Embedded Flash memory (FLASH)". flash.c has the registers,
 * flash_write.c stores to flash and the checks before them, flash_op.c operations and their time,
 * flash_cells.c what the cells hold, flash_read.c reads, wait states and caches, flash_option.c the
 * option bytes. */
#ifndef VBOARD_CHIP_FLASH_H
#define VBOARD_CHIP_FLASH_H

#include "chip/chip.h"
#include "chip/memory.h"

enum {
    FLASH_ACR = 0x00,
    FLASH_PDKEYR = 0x04,
    FLASH_KEYR = 0x08,
    FLASH_OPTKEYR = 0x0C,
    FLASH_SR = 0x10,
    FLASH_CR = 0x14,
    FLASH_ECCR = 0x18,
    FLASH_OPTR = 0x20, /* then PCROP1SR, PCROP1ER, WRP1AR, WRP1BR */
    FLASH_END = 0x34
};
enum {
    SR_EOP = 1 << 0,
    SR_OPERR = 1 << 1,
    SR_PROGERR = 1 << 3,
    SR_WRPERR = 1 << 4,
    SR_PGAERR = 1 << 5,
    SR_SIZERR = 1 << 6,
    SR_PGSERR = 1 << 7,
    SR_MISERR = 1 << 8,
    SR_FASTERR = 1 << 9,
    SR_RDERR = 1 << 14,
    SR_OPTVERR = 1 << 15,
    SR_BSY = 1 << 16,
    SR_PEMPTY = 1 << 17,
    SR_BLOCKING = SR_PROGERR | SR_WRPERR | SR_PGAERR | SR_SIZERR | SR_PGSERR | SR_MISERR | SR_FASTERR
};
enum {
    CR_PG = 1 << 0,
    CR_PER = 1 << 1,
    CR_MER1 = 1 << 2,
    CR_STRT = 1 << 16,
    CR_OPTSTRT = 1 << 17,
    CR_FSTPG = 1 << 18,
    CR_EOPIE = 1 << 24,
    CR_ERRIE = 1 << 25,
    CR_RDERRIE = 1 << 26,
    CR_OBL_LAUNCH = 1 << 27,
    CR_OPTLOCK = 1 << 30
};
#define CR_LOCK (1U << 31)

enum { OPTIONS = 5 }; /* USER+RDP, PCROP1SR, PCROP1ER, WRP1AR, WRP1BR */

enum flash_op { OP_NONE, OP_ERASE, OP_MASS, OP_PROGRAM, OP_FAST, OP_OPTION };

/* One line of a cache: 32 bytes, filled by double words. */
struct flash_line {
    uint32_t tag;      /* flash offset / 32 */
    uint8_t valid;     /* bit per double word; 0: free */
    bool stale;        /* instruction cache: the flash has other bytes by now, which are … */
    uint8_t bytes[32]; /* … these; data cache: what a hit reads */
    uint64_t used;     /* for least recently used */
};
enum { ICACHE_LINES = 32, DCACHE_LINES = 8 };

struct flash_state {
    uint32_t acr, sr, cr, eccr;
    uint32_t optr;                 /* registers of the options; */
    uint32_t protect[OPTIONS - 1]; /* PCROP1SR, PCROP1ER, WRP1AR, WRP1BR */
    uint32_t loaded[OPTIONS];      /* what is in force since the last load */
    bool optverr, evaluate_empty;  /* results of that load which reset_end needs */
    uint8_t key_step, optkey_step, pdkey_step;
    bool keys_failed, optkeys_failed; /* a wrong key: locked until the next reset */

    /* the running operation */
    enum flash_op op;
    ps_t started, ends;
    uint32_t target; /* offset of page or double word in `area` */
    bool otp;        /* target is in the OTP area */
    uint64_t data;
    uint8_t cut;      /* enum chip_cut: power ends in this operation */
    uint64_t ops;     /* operations since power-on */
    bool mass_erased; /* the last operation was a mass erase, or fast programming after one */

    /* standard programming: the first word of a pair */
    bool latched;
    uint32_t latch_addr, latch_word;
    /* fast programming: row, double words taken, one waiting while another is programmed */
    uint32_t row;
    uint8_t taken;
    bool waiting;
    uint64_t waiting_data;
    ps_t row_started;

    /* reads */
    struct flash_line icache[ICACHE_LINES], dcache[DCACHE_LINES];
    uint8_t icache_slot[FLASH_SIZE / 32]; /* slot + 1 by line of flash; 0: not cached */
    unsigned stale_lines;
    uint64_t use;        /* counts accesses to the caches */
    uint32_t last_fetch; /* address of the last line fetched, and the cycle */
    uint64_t fetch_cycle;
    bool gate;                        /* cpu_set_fetch_gate */
    bool told_down;                   /* an access without power was reported */
    ps_t stall;                       /* time the processor waited for BSY */
    bool unchecked;                   /* chip_nvm was asked for: these may not be right: */
    unsigned suspects;                /* how many bits are set in: */
    uint8_t suspect[FLASH_SIZE / 64]; /* bit per double word: not good by its ECC bits */
    uint8_t otp_suspect[OTP_SIZE / 64];
};

/* ---- flash.c ---- */
void flash_reset(struct chip *c, unsigned index);
bool flash_reg_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool flash_reg_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
bool flash_reg_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
void flash_irq(struct chip *c);
void flash_error(struct chip *c, uint32_t flags); /* of a program or erase request */
void flash_wait(struct chip *c);                  /* the bus waits until BSY is clear */
void flash_clock_changed(struct chip *c);         /* HCLK or VOS */
bool flash_powered_down(const struct chip *c);    /* RUN_PD */
bool flash_unpowered(struct chip *c);             /* the same, at an access: it is told */

/* ---- flash_read.c: addr is not an alias; false: bus error ---- */
bool flash_read(struct chip *c, uint32_t addr, unsigned size, uint32_t *value, bool by_cpu);
bool flash_fetch(struct chip *c, uint32_t addr); /* instruction fetch enters an 8-byte line */
void flash_update_gate(struct chip *c);
void flash_icache_flush(struct chip *c);
void flash_dcache_flush(struct chip *c);
void flash_forget(struct chip *c, uint32_t off); /* the caches do not have it */
void flash_line_changed(struct chip *c, uint32_t off, const uint8_t bytes[8], bool program);
const uint8_t *flash_bytes(const struct chip *c, uint32_t off); /* a double word as the flash has it */

/* ---- flash_write.c ---- */
/* `seen`: the address that was asked for, below FLASH_BASE if it came through the alias at 0. */
bool flash_write(struct chip *c, uint32_t addr, uint32_t seen, unsigned size, uint32_t value);
bool flash_blocked(const struct chip *c); /* RDP level 1 and not started from flash */
bool flash_pcrop(const struct chip *c, uint32_t off);
void flash_start(struct chip *c); /* CR.STRT */

/* ---- flash_op.c ---- */
void flash_event(struct chip *c, unsigned index);
bool flash_busy(const struct chip *c);
void flash_begin(struct chip *c, enum flash_op op, uint32_t target, uint64_t data);
bool flash_fast(struct chip *c, uint32_t off, uint64_t data); /* a double word of a row is complete */
void flash_interrupted(struct chip *c); /* reset or power loss while an operation may be running */

/* ---- flash_cells.c: off is an offset in main flash, a multiple of 8 ---- */
bool flash_cells_blank(const struct chip *c, uint32_t off); /* all 72 are ones */
void flash_cells_program(struct chip *c, uint32_t off, uint64_t data);
void flash_cells_tear(struct chip *c, uint32_t off, uint64_t data, unsigned permille); /* of the bits */
void flash_cells_erase(struct chip *c, uint32_t page);
void flash_cells_half_erase(struct chip *c, uint32_t page);
bool flash_otp_blank(const struct chip *c, uint32_t off);
void flash_otp_program(struct chip *c, uint32_t off, uint64_t data);
void flash_cells_power_on(struct chip *c); /* memory may have been loaded: finds the bad words */
uint64_t flash_cells_read(struct chip *c, uint32_t off, bool otp); /* raises the ECC flags */
void flash_peek(const struct chip *c, uint32_t off, uint8_t *bytes, size_t size);
void flash_poke(struct chip *c, uint32_t off, const uint8_t *bytes, size_t size);

/* ---- flash_option.c ---- */
void flash_factory_options(struct chip *c);
void flash_load_options(struct chip *c);          /* power-on, OBL_LAUNCH, leaving Standby */
void flash_restore_options(struct chip *c);       /* any reset: registers show what is in force */
void flash_reset_ends(struct chip *c);            /* SR.PEMPTY, if options were loaded */
bool flash_empty(const struct chip *c);           /* SR.PEMPTY */
uint32_t flash_loaded_optr(const struct chip *c); /* OPTR as loaded: what is in force */
unsigned flash_rdp(uint32_t optr);                /* level 0, 1, 2 */
void flash_option_start(struct chip *c);          /* CR.OPTSTRT */
void flash_option_apply(struct chip *c);
void flash_option_tear(struct chip *c);
bool flash_option_reg(struct chip *c, uint32_t off, uint32_t value); /* a write to an option register */

#endif
