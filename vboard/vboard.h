/* The virtual Nucleo-L433RC-P: one STM32L433RC with the board around it, as a library.
 * One struct vboard is one board; boards are independent. Nothing here touches wall time.
 * Functions that can fail return false and leave a sentence in vboard_error(). The USB host at the other
 * end of the cable is in host/usbhost.h. */
#ifndef VBOARD_H
#define VBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VBOARD_VERSION "1.0" /* sureboot's: a test compares it with the bootloader's */

struct vboard;

/* ---- creation and power ------------------------------------------------------------------ */

struct vboard_config {
    uint64_t seed;   /* of everything random: SRAM at power-on, torn words, jitter */
    uint8_t uid[12]; /* all zero: a unique id derived from the seed */
    uint32_t slot;   /* first address that counts as the application; 0: 0x08004000 */
    bool strict;     /* touching what is not modelled ends vboard_run with VB_STRICT */
};
struct vboard *vboard_create(const struct vboard_config *config); /* powered off; NULL: out of memory */
void vboard_destroy(struct vboard *b);
const char *vboard_error(const struct vboard *b); /* the last failure, one sentence */

/* Any option of `--option NAME=VALUE`, while off. vboard_option_at lists them: NULL behind the last. */
bool vboard_option(struct vboard *b, const char *name, const char *value);
struct vboard_option_info {
    const char *name, *values, *meaning;
};
const struct vboard_option_info *vboard_option_at(size_t i);

/* Loads while off. addr is for raw binaries (VBOARD_NO_ADDR: 0x08000000). Formats by content: ELF
 * (segments by p_paddr; those in SRAM are put there after the next power-on, once), Intel HEX, DfuSe, else
 * raw. */
#define VBOARD_NO_ADDR UINT32_MAX
bool vboard_load_file(struct vboard *b, const char *path, uint32_t addr);
bool vboard_load_bytes(struct vboard *b, uint32_t addr, const void *bytes, size_t size);
/* Flash state: 256 KiB of raw flash, then what docs/vboard-state.md says. Writing one powers the board off
 * first: a running flash operation is interrupted as by a loss of power. */
bool vboard_read_state(struct vboard *b, const char *path);
bool vboard_write_state(struct vboard *b, const char *path);

void vboard_power(struct vboard *b, bool on, bool vbat); /* vbat: what VBAT does while VDD is off */
bool vboard_powered(const struct vboard *b);
void vboard_nrst(struct vboard *b, uint64_t ns); /* pulls NRST low for that long, from now */

/* ---- running ----------------------------------------------------------------------------- */

enum vboard_stop {
    VB_TIME,      /* the time is over */
    VB_EVENT,     /* vboard_run_event: it came */
    VB_CONDITION, /* `until` said so */
    VB_LOCKUP,    /* the processor has locked up just now; run on, and time passes: a watchdog may end it */
    VB_OFF,       /* power was cut just now; run on, and time passes without power */
    VB_BREAK,     /* at a breakpoint */
    VB_STRICT     /* something that is not modelled was touched, see struct vboard_config */
};
uint64_t vboard_now(const struct vboard *b); /* ns of virtual time since creation */
/* Runs for `ns` of virtual time, or until `until` (may be NULL) returns true; it is asked first of all,
 * after every event that was emitted, and at least every virtual millisecond. */
enum vboard_stop vboard_run(struct vboard *b, uint64_t ns, bool (*until)(void *arg), void *arg);
enum vboard_stop vboard_step(struct vboard *b); /* one instruction */

/* ---- looking and touching ---------------------------------------------------------------- */

bool vboard_peek(struct vboard *b, uint32_t addr, void *bytes, size_t size); /* no side effects, no ECC */
/* Memory; or 1, 2 or 4 aligned bytes of a register, with the effects that the processor's access has. */
bool vboard_poke(struct vboard *b, uint32_t addr, const void *bytes, size_t size);
uint32_t vboard_peek32(struct vboard *b, uint32_t addr); /* 0 if not readable */
uint32_t vboard_reg(struct vboard *b, unsigned n);       /* numbers as in cpu_reg */
void vboard_set_reg(struct vboard *b, unsigned n, uint32_t value);
uint64_t vboard_cycles(const struct vboard *b); /* core clock cycles since power-on */
bool vboard_break(struct vboard *b, uint32_t addr, bool set);
/* Function and "file.c:12" of an address, from the loaded ELF files; NULL where not known. The strings
 * stay until the next call. */
void vboard_where(struct vboard *b, uint32_t pc, const char **function, const char **line);
/* IWDG or WWDG is counting: a locked-up chip will be reset. */
bool vboard_watchdog(const struct vboard *b);
/* Makes the double word at addr (multiple of 8) uncorrectable or correctable by ECC. */
bool vboard_ecc_damage(struct vboard *b, uint32_t addr, unsigned bits /* 1 or 2 */);
/* Picoseconds that the bus has waited for BSY since the last call of _clear. */
uint64_t vboard_flash_stall(const struct vboard *b);
void vboard_flash_stall_clear(struct vboard *b);

bool vboard_pin_known(const char *pin);                                 /* on this package */
int vboard_pin(struct vboard *b, const char *pin);                      /* "PB13": level, -1: no such pin */
bool vboard_drive(struct vboard *b, const char *pin, int level);        /* 0, 1, -1 = let go */
bool vboard_wire(struct vboard *b, const char *pin, const char *other); /* joins two pins, until the end */
bool vboard_button(struct vboard *b, bool pressed);                     /* B1 */
bool vboard_uart_send(struct vboard *b, const char *name, const void *bytes,
                      size_t size); /* "VCP", "USART1" … */
bool vboard_uart_known(const char *name);
/* From the next reset on a debug probe enables ITM port 0 and SWO, as for an SWV console: what firmware
 * prints there is a VE_UART event of "SWO". */
void vboard_swo(struct vboard *b);
size_t vboard_uart_waiting(const struct vboard *b, const char *name); /* bytes not sent yet, at most 8192 */
bool vboard_adc(struct vboard *b, const char *pin, unsigned millivolt);

/* ---- events ------------------------------------------------------------------------------ */

enum vboard_event_kind {
    VE_POWER,
    VE_RESET,
    VE_HANDOFF,
    VE_GPIO,
    VE_PWM,
    VE_UART,
    VE_USB,
    VE_FLASH,
    VE_FAULT,
    VE_MISSING,
    VE_MESSAGE
};
struct vboard_event {
    enum vboard_event_kind kind;
    uint64_t t;           /* ns */
    const char *name;     /* power state, reset cause, pin, uart, usb state, flash op, fault kind, message,
                           * block with something missing (NULL: none of the chip's peripherals) */
    const char *unit;     /* uart: "USART2" even where name is "VCP" */
    uint32_t a, b;        /* pc | level | page or addr, n | addr, pc */
    double hz, duty;      /* pwm */
    const uint8_t *bytes; /* uart */
    size_t size;
    uint32_t pc, lr, cfsr, hfsr, bfar;
    bool part;            /* missing: the block has a model, which lacks this */
    const char *function; /* fault, missing: from the loaded ELF, or NULL */
    const char *line;     /* "file.c:12" or NULL */
};
/* One listener; called inside vboard_run. It must not run, load or restore the board. */
void vboard_on_event(struct vboard *b, void (*fn)(void *arg, const struct vboard_event *e), void *arg);
/* Runs until an event of this kind and name (NULL: any) is emitted: VB_EVENT, and *e (may be NULL) is a
 * copy; what it points to stays good until the next event of its kind. */
enum vboard_stop vboard_run_event(struct vboard *b, uint64_t ns, enum vboard_event_kind kind,
                                  const char *name, struct vboard_event *e);

/* ---- power cut --------------------------------------------------------------------------- */

enum vboard_cut { CUT_NONE, CUT_BEFORE, CUT_AFTER, CUT_TORN, CUT_HALF };
/* Power ends at the n-th (1…) erase, double-word program or option write from now on. */
void vboard_cut(struct vboard *b, uint64_t n, enum vboard_cut model);
uint64_t vboard_flash_ops(const struct vboard *b); /* operations so far, since creation */

/* ---- snapshots --------------------------------------------------------------------------- */

struct vboard_snapshot;
struct vboard_snapshot *vboard_save(struct vboard *b);                  /* NULL: out of memory */
void vboard_restore(struct vboard *b, const struct vboard_snapshot *s); /* of the same board */
void vboard_snapshot_free(struct vboard_snapshot *s);

#endif
