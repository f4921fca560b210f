/* The application kit: what an application needs to live behind sureboot. sureboot.c, sureboot.h and
 * sureboot.ld are all of it; they need no other header, no HAL and no operating system, and do no harm
 * to any. docs/add-to-cubemx.md tells how to add them, line by line.
 *
 * Unless said otherwise a function may be called from anywhere: main(), a task, privileged or not, any
 * interrupt, with interrupts masked. */
#ifndef SUREBOOT_H
#define SUREBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options: override with -D when sureboot.c is compiled ------------------------------- */

/* RTC backup register that carries the token; as in the bootloader's build. */
#ifndef SUREBOOT_BKP
#define SUREBOOT_BKP 5
#endif
/* What leads into DFU when it comes through sureboot_cdc_received(): a whole transfer of just this. */
#ifndef SUREBOOT_CDC_WORD
#define SUREBOOT_CDC_WORD "\xAA"
#endif
/* Milliseconds that the CDC and DFU hooks leave for an answer to go out. */
#ifndef SUREBOOT_GRACE_MS
#define SUREBOOT_GRACE_MS 20
#endif
/* 1: sureboot_early() is called before main() by itself, as a constructor (.init_array). */
#ifndef SUREBOOT_CONSTRUCTOR
#define SUREBOOT_CONSTRUCTOR 1
#endif

/* ---- who this is ------------------------------------------------------------------------- */

/* The information block, right after the vector table; vector 7 points at it. `sureboot pack` fills in
 * length and crc after linking; unpacked it works as well. */
struct sureboot_info {
    uint32_t magic;
    uint16_t size; /* of this block */
    uint16_t flags;
    uint32_t version; /* major << 24 | minor << 16 | patch */
    uint32_t board;   /* board id it was made for; 0: any */
    uint32_t length;  /* bytes of the image; 0: not packed */
    uint32_t crc;     /* CRC-32 of them without these four */
    char name[16];
};
#define SUREBOOT_INFO_MAGIC 0x31494253u /* "SBI1" */

/* Flags of SUREBOOT_APPLICATION. */
#define SUREBOOT_WANTS_CONFIRM 1u /* after three starts without sureboot_confirm() it stays in DFU */
#define SUREBOOT_HAS_MAILBOX   2u /* always set by SUREBOOT_APPLICATION */

#define SUREBOOT_BOARD_ANY       0u
#define SUREBOOT_NUCLEO_L433RC_P 0x4C433001u

/* Once in the application, outside of functions:
 *     SUREBOOT_APPLICATION("thermostat", 1, 4, 0, SUREBOOT_BOARD_ANY, SUREBOOT_WANTS_CONFIRM);
 * The name has at most 15 letters. */
#define SUREBOOT_APPLICATION(name_, major_, minor_, patch_, board_, flags_)                                  \
    extern const struct sureboot_info sureboot_info;                                                         \
    __attribute__((section(".sureboot_info"), used)) const struct sureboot_info sureboot_info = {            \
        SUREBOOT_INFO_MAGIC,                                                                                 \
        (uint16_t)sizeof(struct sureboot_info),                                                              \
        (uint16_t)((flags_) | SUREBOOT_HAS_MAILBOX),                                                         \
        (uint32_t)(major_) << 24 | (uint32_t)(minor_) << 16 | (uint32_t)(patch_),                            \
        (board_),                                                                                            \
        0,                                                                                                   \
        0,                                                                                                   \
        name_}

/* ---- start ------------------------------------------------------------------------------- */

/* Sets VTOR to this image's vectors. Where no sureboot is in flash (the image is linked at 0x08000000),
 * this is also what goes on into the ROM bootloader after sureboot_enter_rom(): the chip has to be as
 * after reset, so it belongs right after SystemInit(), before clocks are raised. Uses only the stack.
 * With SUREBOOT_CONSTRUCTOR it happens by itself before main(). */
void sureboot_early(void);

/* Says that this image works: call it once it does (after the first good measurement, the first contact
 * with its server ...). Without that, an image that wants confirmation starts three times and then
 * stays in DFU. Writes 24 bytes to flash if it has to, else nothing; flash answers no fetch for up to 0.1 ms
 * at a time meanwhile. FLASH_CR must be locked by then, and the core in voltage range 1. True: confirmed, or
 * there is nothing to confirm. False: flash is in use, did not take it, or has no place for it; call again.
 * Not from two places at a time.
 */
bool sureboot_confirm(void);

/* ---- into a bootloader ------------------------------------------------------------------- */

/* Token, off the bus for 20 ms if USB is attached, reset; sureboot then serves DFU. Nothing has to be
 * stopped, closed or cleared before. PWR_SR1.SBF, of a wake-up from Standby, is cleared. Without sureboot in
 * flash it is the ROM's DFU. */
__attribute__((noreturn)) void sureboot_enter_dfu(void);
/* The same into ST's ROM bootloader, on a chip as after reset. */
__attribute__((noreturn)) void sureboot_enter_rom(void);

/* The same after so many milliseconds; return at once. sureboot_tick() counts them: where nobody calls
 * that, there is no delay. */
void sureboot_enter_dfu_in(uint32_t ms);
void sureboot_enter_rom_in(uint32_t ms);
/* To be called every millisecond, for example in SysTick_Handler(). */
void sureboot_tick(void);

/* ---- USB: serial port -------------------------------------------------------------------- */

/* Give it every packet that comes in (from CDC_Receive_FS, tud_cdc_rx_cb ...). A transfer that is
 * SUREBOOT_CDC_WORD and nothing else, by default the single byte 0xAA, leads into DFU, and it returns
 * true. A byte 0xAA inside of other data does nothing, nor does one that ends a longer transfer: a short
 * packet within 100 ms (by sureboot_tick(); for ever without) of a full one of `max_packet` bytes, 64 at
 * full speed. Who sends binary data in single bytes compiles with a longer word
 * (-DSUREBOOT_CDC_WORD='"sureboot!"'), or does not call this and uses DETACH. Not from two places at a time.
 */
bool sureboot_cdc_received(const void *packet, size_t size, size_t max_packet);

/* The "1200 baud touch": give it bit rate and DTR at every SET_LINE_CODING and SET_CONTROL_LINE_STATE. A port
 * that is closed (DTR falls) while it is set to 1200 bit/s leads into DFU, and it returns true. */
bool sureboot_cdc_line(uint32_t bits_per_second, bool dtr);

/* ---- USB: DFU run-time interface --------------------------------------------------------- */

/* With this interface dfu-util finds the running application and switches it by itself. These 18 bytes
 * go to the end of the configuration descriptor (count them in wTotalLength and bNumInterfaces);
 * `interface` is its number, `string` an index or 0. No endpoint is needed. */
#define SUREBOOT_DFU_DESCRIPTORS(interface, string)                                                          \
    9, 4, (interface), 0, 0, 0xFE, 1, 1, (string), /* interface: DFU, run-time (DFU 1.1, 4.2.1) */           \
        9, 0x21, 0x0B, 255, 0, 0, 8, 0x1A, 0x01    /* download, upload, detaches by itself; 255 ms; 2048 */
#define SUREBOOT_DFU_DESCRIPTORS_SIZE 18

/* Give it every class request to that interface, with the eight bytes of its SETUP packet. Returns
 * SUREBOOT_DFU_STALL, or how many bytes at *reply are the answer (0: none, acknowledge). DETACH leads
 * into DFU after SUREBOOT_GRACE_MS. */
enum { SUREBOOT_DFU_STALL = -1 };
int sureboot_dfu_request(const uint8_t setup[8], const uint8_t **reply);

/* ---- reports ----------------------------------------------------------------------------- */

/* Between bootloader and application, in the last 256 bytes of SRAM. */
struct sureboot_crash {
    uint32_t kind; /* exception number, 3: HardFault; 0: no crash */
    uint32_t pc, lr, cfsr, hfsr;
    uint32_t address; /* BFAR or MMFAR, where valid */
};
struct sureboot_mailbox {
    uint32_t magic;
    uint32_t cause;   /* of the last reset: SUREBOOT_RESET_* */
    uint32_t verdict; /* of the bootloader */
    uint32_t flags;   /* SUREBOOT_UNDONE, SUREBOOT_CLEARED */
    uint32_t starts;  /* of this image without confirmation, this one too; 0: it is confirmed or needs none */
    uint32_t confirm_at; /* where sureboot_confirm() writes `confirm`; 0: nothing to confirm */
    uint32_t confirm[6];
    struct sureboot_crash crash; /* the last one */
    uint32_t check;              /* CRC-32 of the bytes before */
};
#define SUREBOOT_MAILBOX_MAGIC 0x3278424Du /* "MBx2" */
#define SUREBOOT_MAILBOX_SIZE  256u

#define SUREBOOT_UNDONE  1u /* somebody jumped into the bootloader: not everything is as after reset */
#define SUREBOOT_CLEARED 2u /* the bootloader has cleared the flags in RCC_CSR; `cause` has them */

#define SUREBOOT_RESET_FIREWALL        0x01u
#define SUREBOOT_RESET_OPTIONS         0x02u
#define SUREBOOT_RESET_PIN             0x04u
#define SUREBOOT_RESET_POWER           0x08u
#define SUREBOOT_RESET_SOFTWARE        0x10u
#define SUREBOOT_RESET_WATCHDOG        0x20u
#define SUREBOOT_RESET_WINDOW_WATCHDOG 0x40u
#define SUREBOOT_RESET_LOW_POWER       0x80u
#define SUREBOOT_WAKE                  0x100u /* from Standby or Shutdown */

/* What the bootloader has left; NULL if it was not there or power has been off since. */
const struct sureboot_mailbox *sureboot_report(void);
/* Forgets the crash, once it has been told to whom it concerns. */
void sureboot_crash_clear(void);

/* A HardFault handler that notes PC, LR and fault registers and resets: put it in the vector table in
 * place of HardFault_Handler. With a debugger attached it stops there first. It uses the end of the
 * mailbox for its stack, so it works after a stack overflow. */
void sureboot_fault(void);

#ifdef __cplusplus
}
#endif

#endif
