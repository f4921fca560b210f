/* struct chip: everything that a program or the outside can observe of one STM32L433RC. It is plain
 * data: a copy of it and of its processor is a snapshot. Pointers in it stay the same as long as the
 * machine lives. Only this folder and vboard/board/look.c include this file. */
#ifndef VBOARD_CHIP_STATE_H
#define VBOARD_CHIP_STATE_H

#include "chip/adc.h"
#include "chip/afpin.h"
#include "chip/analog.h"
#include "chip/can.h"
#include "chip/chip.h"
#include "chip/comp.h"
#include "chip/crc.h"
#include "chip/crs.h"
#include "chip/dac.h"
#include "chip/dbgmcu.h"
#include "chip/dma.h"
#include "chip/etm.h"
#include "chip/exti.h"
#include "chip/firewall.h"
#include "chip/flash.h"
#include "chip/gpio.h"
#include "chip/i2c.h"
#include "chip/iwdg.h"
#include "chip/lcd.h"
#include "chip/lptim.h"
#include "chip/machine.h"
#include "chip/memory.h"
#include "chip/opamp.h"
#include "chip/parity.h"
#include "chip/pwr.h"
#include "chip/quadspi.h"
#include "chip/rcc.h"
#include "chip/rng.h"
#include "chip/rtc.h"
#include "chip/sai.h"
#include "chip/sdmmc.h"
#include "chip/spi.h"
#include "chip/swpmi.h"
#include "chip/syscfg.h"
#include "chip/tim.h"
#include "chip/trigger.h"
#include "chip/tsc.h"
#include "chip/usart.h"
#include "chip/usbfs_state.h"
#include "chip/wwdg.h"
#include "cpu/cpu.h"

/* What keeps the processor from executing. */
enum chip_mode {
    MODE_OFF,   /* no VDD */
    MODE_RESET, /* reset signal low: everything is reset, nothing runs but the backup domain */
    MODE_RUN,
    MODE_SLEEP,
    MODE_STOP, /* Stop 0-2: PWR knows which */
    MODE_STANDBY,
    MODE_SHUTDOWN
};

enum { WAKE_COUNT = BLOCK_COUNT + OUTSIDE_COUNT };
enum { MISSING_MOST = 128 }; /* more than there are registers with gaps, and blocks without model */

/* Virtual time. While the core is clocked, cycle n of the processor ends at
 * base + (n - base_cycle) * num / den; num / den is the period in lowest terms. While it is not,
 * den is 0 and the time is base itself. */
struct chip_time {
    ps_t base;
    uint64_t base_cycle, num, den;
    bool in_event;  /* inside an event function: the time is event_now */
    ps_t event_now; /* never runs backwards */
    ps_t wake[WAKE_COUNT];
    ps_t next_wake;     /* minimum of the above */
    ps_t run_until;     /* of the running chip_run */
    bool in_cpu;        /* cpu_run is on the stack; */
    uint64_t due_cycle; /* no event is due before that cycle */
};

struct chip {
    struct cpu *cpu;
    const struct chip_listener *tell; /* never NULL; functions in it may be */
    struct chip_config config;

    struct chip_time time;
    struct chip_outside_slot {
        void (*fn)(void *arg);
        void *arg;
    } outside[OUTSIDE_COUNT];

    enum chip_mode mode;
    bool stop_requested;         /* chip_stop was called */
    bool locked_up;              /* told, so that it is told once */
    unsigned reset_pending;      /* bit per enum chip_reset */
    enum chip_mode wake_from;    /* what the last reset ended: MODE_STANDBY, MODE_SHUTDOWN, or MODE_RUN */
    enum chip_reset reset_cause; /* of the last reset; for the reset functions of blocks */
    bool nrst_low;               /* by the outside */
    bool vdd12;                  /* the outside supplies the core */
    ps_t held_until;             /* MODE_RESET: when the reset ends by itself */
    bool brown_out;              /* MODE_RESET: VDD is too low, it does not end */
    uint64_t random;             /* state of chip_random */
    uint32_t irq_sources[CPU_IRQS];
    uint8_t nmi_sources;
    uint32_t missing_told[MISSING_MOST]; /* since the last reset: registers, or bases of what has no model */
    unsigned missing_count;
    uint64_t ignored_told; /* bit per block: it was told of an ignored write since the last reset */
    uint8_t last_block;    /* bus_block found this one last */
    uint8_t boot_mode;     /* what the last reset booted, coded as SYSCFG_MEMRMP.MEM_MODE */
    bool booted_empty;     /* system memory, because the flash is empty */

    bool backup_lost; /* VBAT was gone while VDD was: RTC and backup registers are reset too */

    /* the blocks */
    struct rcc_state rcc;
    struct pwr_state pwr;
    struct flash_state flash;
    struct syscfg_state syscfg;
    struct parity_state parity;
    struct usbfs_state usbfs;
    struct dma_state dma[2];
    struct dma_signals dma_signals;
    struct af_wires wires;
    struct usart_state usart[USART_COUNT];
    struct usart_lines usart_lines;
    struct iwdg_state iwdg;
    struct rtc_state rtc;
    struct crs_state crs;
    struct tim_state tim[TIM_COUNT];
    struct lptim_state lptim[LPTIM_COUNT];
    struct opamp_state opamp;
    struct vrefbuf_state vrefbuf;
    struct can_state can;
    struct lcd_state lcd;
    struct quadspi_state quadspi;
    struct sai_state sai;
    struct sdmmc_state sdmmc;
    struct swpmi_state swpmi;
    struct tsc_state tsc;
    struct analog_state analog;
    struct adc_state adc;
    struct spi_state spi[SPI_COUNT];
    struct spi_device spi_device[SPI_COUNT];
    struct i2c_state i2c[I2C_COUNT];
    struct eeprom_state eeprom;
    struct dac_state dac;
    struct comp_state comp;
    struct crc_state crc;
    struct rng_state rng;
    struct wwdg_state wwdg;
    struct dbgmcu_state dbgmcu;
    struct exti_state exti;
    struct firewall_state firewall;
    struct gpio_state gpio[GPIO_PORTS];

    /* Large, and so handled by snapshots on their own. Last. */
    struct chip_memory mem;
};

extern const struct block chip_blocks[BLOCK_COUNT];

/* ---- time.c ---- */
void time_set_rate(struct chip *c, uint32_t hclk);    /* from now on; 0: the core is not clocked */
uint64_t time_cycle_at(const struct chip *c, ps_t t); /* first cycle that ends at or after t */
uint64_t time_next_cycle(struct chip *c);             /* where cpu_run has to end */
/* Time passes up to `t`, at most the next event's time. If the core is clocked that is cycles, told to
 * it by `spend`. */
void time_move(struct chip *c, ps_t t, void (*spend)(struct cpu *cpu, uint64_t cycles));
/* The events that are due by now happen, each at its own time. Ends early if one causes a reset. */
void time_run_events(struct chip *c);

/* ---- bus.c ---- */
/* Firmware wants what the block does not model: told once a register after each reset, or once for a
 * block that has no model at all. */
void chip_missing(struct chip *c, enum block_id id, uint32_t off);
extern const struct cpu_env chip_cpu_env;
void chip_map_memories(struct chip *c); /* after any change of MEM_MODE or SRAM2 write protection */
/* These bytes of SRAM (offset in mem.sram), of flash changed other than by the processor's stores. */
void chip_sram_changed(struct chip *c, uint32_t off, uint32_t size);
void chip_flash_changed(struct chip *c, uint32_t off, uint32_t size);

/* ---- remark.c ---- */
/* A sentence to firmware's author; `_once`: if `said` is not set yet, which is then. */
void chip_say(struct chip *c, const char *sentence);
void chip_say_once(struct chip *c, bool *said, const char *sentence);
/* A sentence on a write to the block that cannot have been meant; one a block after each reset, of all three.
 */
void chip_tell_write(struct chip *c, enum block_id id, const char *sentence);
/* A register (empty: the block) cannot be written in the state that `why` names: "while UE is set". */
void chip_ignored(struct chip *c, enum block_id id, const char *reg, const char *why);
/* The block is written without a clock, or held in reset. */
void chip_unclocked(struct chip *c, enum block_id id);

/* ---- reset.c ---- */
void reset_begin(struct chip *c, enum chip_reset cause); /* everything at once; the mode is MODE_RESET */
void reset_core_domain(struct chip *c);                  /* Standby, Shutdown: what loses its power */
bool reset_selects_flash(const struct chip *c);          /* by BOOT0 and options, the empty check apart */
void reset_end(struct chip *c);                          /* boot selection; the processor starts */

/* ---- rom.c ---- */
void rom_reset_ends(struct chip *c);
void rom_watch(struct chip *c, uint32_t pc); /* of CHIP_WATCH_ROM */

/* Uniformly random bits from the machine's seed. */
uint64_t chip_random(struct chip *c);

/* ---- words and bytes ---- */
/* A register of 32 bits seen by an access of 1, 2 or 4 bytes at offset `off`. */
static inline uint32_t lanes_get(uint32_t reg, uint32_t off, unsigned size)
{
    uint32_t v = reg >> (8 * (off & 3));
    return size == 4 ? v : size == 2 ? v & 0xFFFF : v & 0xFF;
}
/* The register after a write into those bytes only (AHB peripherals with byte lanes). */
static inline uint32_t lanes_put(uint32_t reg, uint32_t off, unsigned size, uint32_t value)
{
    uint32_t mask = size == 4 ? UINT32_MAX : size == 2 ? 0xFFFFU : 0xFFU;
    unsigned shift = 8 * (off & 3);
    return (reg & ~(mask << shift)) | ((value & mask) << shift);
}
/* What an APB peripheral sees of a narrow write: the bridge repeats the byte or half-word on all
 * lanes (RM0394 "AHB/APB bridges"). */
static inline uint32_t lanes_apb(unsigned size, uint32_t value)
{
    return size == 4 ? value : size == 2 ? (value & 0xFFFF) * 0x10001U : (value & 0xFF) * 0x1010101U;
}

#endif
