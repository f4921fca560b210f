/* struct vboard: a chip, what is soldered around it, and who is told what happens. Only board.c and
 * this folder include this file. */
#ifndef VBOARD_BOARD_INTERNAL_H
#define VBOARD_BOARD_INTERNAL_H

#include "board.h"
#include "board/sentence.h"
#include "board/symbols.h"
#include "chip/machine.h"
#include "vboard.h"

enum { BOARD_KEPT = 8, BOARD_UARTS = 5, BOARD_UART_BYTES = 8192 };

/* Files loaded since the power was last on: they must not overlap. */
struct board_load {
    uint32_t addr, size;
    char *path;
    uint8_t *sram; /* what the power-on leaves to be put there; NULL: it is in non-volatile memory already */
};

/* Bytes that wait to be sent to one serial port: the first `size`. */
struct board_uart {
    uint8_t bytes[BOARD_UART_BYTES];
    size_t size;
    ps_t due; /* when the line is free */
};

/* What belongs to the board and changes as it runs: plain data, copied by snapshots. */
struct board_state {
    uint64_t flash_ops; /* since the board was created */
    uint64_t cut_at;    /* value of flash_ops at which power ends; 0: never */
    enum vboard_cut cut_model;
    uint64_t cycles_at_power_on;
    bool b1_pressed;
    bool smps_good, smps_switch; /* the converter's output is good; its switch to VDD12 is closed */
    const char *usb_state;       /* last one told; NULL: none since power-on */
    struct board_uart uarts[BOARD_UARTS];
};

struct vboard {
    struct chip *chip;
    struct chip_listener tell;
    struct vboard_config config;
    struct sentence error;
    struct board_state state;

    /* options (options.c) */
    bool b1_active_low;
    bool vbat_lost; /* VBAT goes with VDD at a cut and between runs */
    bool uid_given; /* by the configuration: a state file does not replace it */

    void (*on_event)(void *arg, const struct vboard_event *e);
    void *on_event_arg;
    struct board_usb usb;
    bool swo;                    /* a debug probe enables SWO with each reset */
    bool strict_hit;             /* something missing was touched and config.strict is set */
    bool watching;               /* vboard_run has an `until` */
    struct vboard_event awaited; /* of vboard_run_event: kind and name; then the event itself */
    bool awaiting, arrived;
    struct symbol fault_at; /* what the last events point to */
    struct symbol where;    /* what vboard_where points to */
    uint8_t uart_byte;

    struct {
        void *bytes;
        size_t size;
    } kept[BOARD_KEPT];

    struct symbols *symbols;
    uint32_t backup[CHIP_BACKUP_WORDS]; /* on its way to or from a state file */
    struct board_load *loads;
    size_t load_count;
};

/* The board listens to its chip (tell.c). */
void board_listen(struct vboard *b);
/* Power is gone, however that came: told once. */
void board_lost_power(struct vboard *b);
/* Fills in the time and tells the listener. */
void board_emit(struct vboard *b, struct vboard_event *e);
/* Level of B1's pin, and of the other pins that the board drives, to the chip. */
void board_drive_defaults(struct vboard *b);
/* What is soldered to a pin drives it, or lets go. */
void board_drive_soldered(struct vboard *b, unsigned port, unsigned pin);
/* The converter for VDD12 (smps.c): a pin's level changed; what its power-good output does, 0 or -1. */
void board_smps_pin(struct vboard *b, unsigned port, unsigned pin, bool level);
int board_smps_good(const struct vboard *b);
const char *board_pin_name(unsigned port, unsigned pin); /* a string constant */
void board_fit_rom(struct vboard *b); /* the stand-in for the ROM bootloader into system memory */
void board_forget_loads(struct vboard *b);
/* After power-on: SRAM gets what was loaded for it, once, as by a debugger. Forgets all loads. */
void board_fill_sram(struct vboard *b);
void board_forget_uarts(struct vboard *b);

#endif
