/* What the bootloader needs from a chip and a board. Everything that knows a register is behind this
 * header; tests on the PC implement it too and inject faults here. docs/porting.md, function by
 * function.
 *
 * Two worlds use it. The *boot path* runs from flash after reset with nothing but a stack: no .data,
 * no .bss, no interrupts. The *DFU world* is the same code and the rest of it, copied and unpacked to
 * SRAM by port_enter_dfu, with its own vectors, variables and interrupts. Functions are usable in both unless
 * said otherwise; those for the boot path have no variables and put back what they switch on. Addresses are
 * absolute. */
#ifndef PORT_PORT_H
#define PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef PORT_BOOT
#define PORT_BOOT 0 /* 1 in the bootloader */
#endif

/* The functions of .entry, linked farther away from the others than BL reaches: a long call takes less room
 * than the linker's veneer. */
#ifdef __arm__
#define PORT_FAR __attribute__((long_call))
#else
#define PORT_FAR
#endif

/* What p points at is reached from there: else GCC knows the address, and makes one of each field. */
#define PORT_BASE(p) __asm("" : "+r"(p))

/* ---- reset and token --------------------------------------------------------------------- */

/* Token in the backup register; 0 after the backup domain has lost power. Leaves PWREN, RTCAPBEN and
 * DBP at their reset values. */
uint32_t port_token_get(void);
void port_token_set(uint32_t token);
__attribute__((noreturn)) void port_reset(void);
/* The bootloader's first function, implemented there: interrupts are masked, flash is mapped at 0. */
__attribute__((noreturn, noinline)) PORT_FAR void boot_main(void);
/* Starts the image at `vectors`: VTOR, MSP, branch. The caller has put everything else back. */
__attribute__((noreturn)) PORT_FAR void port_start(uint32_t vectors);
/* Starts the ROM bootloader, on a chip as after reset. */
__attribute__((noreturn)) PORT_FAR void port_start_rom(void);

/* Bits; several may be set. POWER: power-on or brown-out, RAM and timing of before mean nothing. WAKE:
 * from Standby or Shutdown, by the rule of docs/porting.md. The order is that of RCC_CSR. */
enum port_reset_cause {
    PORT_RESET_FIREWALL = 0x01,
    PORT_RESET_OPTIONS = 0x02,
    PORT_RESET_PIN = 0x04,
    PORT_RESET_POWER = 0x08,
    PORT_RESET_SOFTWARE = 0x10,
    PORT_RESET_WATCHDOG = 0x20,
    PORT_RESET_WINDOW_WATCHDOG = 0x40,
    PORT_RESET_LOW_POWER = 0x80,
    PORT_WAKE = 0x100
};
unsigned port_reset_cause(void); /* reads the flags, clears none */
void port_reset_cause_clear(void);

/* True if clocks, NVIC, SysTick, MEMRMP or USB are not as after reset: someone jumped here. */
bool port_was_jumped_to(void);
/* True if a reset would lead to the ROM and not back here (BOOT0 by pin or option). */
bool port_reset_goes_to_rom(void);
/* Puts back by hand what can be put back; for the case above. */
void port_undo(void);
/* PEMPTY is set although flash is programmed (the ROM has programmed a blank chip). */
bool port_empty_check_stale(void);
/* Reloads the option bytes, which evaluates PEMPTY anew, and resets. */
__attribute__((noreturn)) PORT_FAR void port_reload_options(void);

bool port_debugger(void); /* DHCSR.C_DEBUGEN */
bool port_button(void);   /* B1 is held; takes the pull and the pin's clock only for the call */
void port_watchdog(void); /* feeds the IWDG; harmless if it does not run */

/* Boot path: lets that many milliseconds pass, feeding the watchdog. */
void port_pause(unsigned ms);
/* From the boot path to the DFU world: copies and unpacks the image to SRAM, connects to USB, clears .bss
 * and calls serve() there, on the same stack, interrupts still masked. There is no way back but a reset. */
struct findings;
__attribute__((noreturn)) void port_enter_dfu(const struct findings *f);
/* The first function of the DFU world, implemented there. */
__attribute__((noreturn, noinline)) void serve(const struct findings *f);

/* ---- boot path: content check ------------------------------------------------------------ */

/* Raises the core clock to 80 MHz, or puts clocks and flash latency back to the reset state. False if
 * the oscillator did not follow; the core then runs on what it has. It is up from before flash is looked at
 * until port_start, and in DFU. */
bool port_fast(bool on);

/* ---- flash, reading ---------------------------------------------------------------------- */

/* While an operation is pending a read waits for its end: ask only when none is.
 * All return false if a double word on the way is unreadable (ECC); *bad (may be NULL) is then its
 * address. */
bool port_flash_read(uint32_t addr, void *to, size_t size, uint32_t *bad);
/* CRC-32 (zlib's) of flash, by the CRC unit, from a multiple of 4; *crc is what came before: 0 at the
 * start. */
bool port_flash_crc(uint32_t addr, size_t size, uint32_t *crc, uint32_t *bad);
/* The same CRC of memory, also from a multiple of 4, to be continued: start with crc = 0. */
uint32_t port_crc(uint32_t crc, const void *data, size_t size);

/* ---- flash, writing ---------------------------------------------------------------------- */

enum port_flash_result { PORT_FLASH_OK, PORT_FLASH_PROTECTED, PORT_FLASH_ERROR };

/* Boot path: programs `size` bytes (multiple of 8, at a multiple of 8) and waits for the end. Flash is
 * left locked and without error flags, unless it never comes to an end: then nothing is fetched from it
 * either. */
enum port_flash_result port_flash_program_now(uint32_t addr, const void *data, size_t size);

/* The rest is for the DFU world only. */

/* One operation at a time. Both return at once; port_flash_done is called at the end, from the
 * FLASH interrupt. Neither that nor USB's interrupts the other; of two that wait USB's comes first. Starting
 * the next one there is welcome. */
void port_flash_erase(uint32_t page);
/* Programs `size` bytes (multiple of 8, 0 too, at a multiple of 8, inside one page) from `data`, which stays
 * valid until the end; double words of all ones are skipped, and those that read so already. Stops at the
 * first error. */
void port_flash_program(uint32_t addr, const void *data, size_t size);
/* True if the page is write-protected by option bytes. */
bool port_flash_protected(uint32_t page);
/* Implemented by the bootloader; interrupt context. */
void port_flash_done(enum port_flash_result result);

/* The image in the slot changes, or has changed: what is kept of it, that it was in Standby and its mailbox,
 * is dropped. */
void port_forget_image(void);

/* ---- DFU world: clocks, time, LED -------------------------------------------------------- */

/* Core clock, LED pin, time base, interrupts of flash and USB. */
void port_init(void);
uint32_t port_ms(void); /* milliseconds since port_init, wraps */
void port_led(bool on);
/* Sleeps until an interrupt; call with interrupts masked (port_lock) after finding nothing to do. */
void port_wait(void);
void port_lock(void);
void port_unlock(void);
const uint32_t *port_uid(void); /* three words */

struct usb_driver;
extern const struct usb_driver port_usb; /* for usbd_init */

#endif
