/* Who jumps into system memory, where the ROM bootloader is, has to leave the chip as AN2606 wants it
 * ("STM32 microcontroller system memory boot mode", bootloader activation). What is not so is said here;
 * what comes of it is up to the code in there. The chip looks only, and only at a jump: a reset that
 * starts the ROM has its own preconditions met. Of such a reset it is told if flash holds something that
 * was meant to run instead. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "chip/state.h"

enum { USB_IRQ = 67 };
#define SYSTICK_CTRL 0xE000E010U
#define NVIC_ISER    0xE000E100U
#define NVIC_IPR     0xE000E400U

static uint32_t ppb(const struct chip *c, uint32_t addr)
{
    uint32_t value = 0;
    (void)cpu_ppb_peek(c->cpu, addr, &value);
    return value;
}

static bool in_usb_handler(const struct chip *c)
{
    return (cpu_reg(c->cpu, CPU_XPSR) & 0x1FF) == 16 + USB_IRQ;
}

static bool in_other_handler(const struct chip *c)
{
    return (cpu_reg(c->cpu, CPU_XPSR) & 0x1FF) != 0 && !in_usb_handler(c);
}

static bool masked(const struct chip *c)
{
    uint32_t basepri = cpu_reg(c->cpu, CPU_BASEPRI), usb = ppb(c, NVIC_IPR + (USB_IRQ & ~3U));
    return cpu_reg(c->cpu, CPU_PRIMASK) || cpu_reg(c->cpu, CPU_FAULTMASK) ||
           (basepri && (usb >> (8 * (USB_IRQ % 4)) & 0xFF) >= basepri);
}

static bool on_psp(const struct chip *c)
{
    return cpu_reg(c->cpu, CPU_CONTROL) & 2;
}

static bool unprivileged(const struct chip *c)
{
    return cpu_reg(c->cpu, CPU_CONTROL) & 1;
}

static bool pll_on(const struct chip *c)
{
    return c->rcc.reg[RCC_CR / 4] & 1U << 24;
}

static bool systick_on(const struct chip *c)
{
    return (ppb(c, SYSTICK_CTRL) & 3) == 3;
}

static bool interrupts_enabled(const struct chip *c)
{
    return ppb(c, NVIC_ISER) | ppb(c, NVIC_ISER + 4) | ppb(c, NVIC_ISER + 8);
}

static bool low_voltage(const struct chip *c)
{
    return (c->pwr.reg[PWR_CR1 / 4] >> 9 & 3) == 2;
}

static bool dma_on(const struct chip *c)
{
    for (unsigned i = 0; i < 2 * DMA_CHANNELS; i++)
        if (c->dma[i / DMA_CHANNELS].channel[i % DMA_CHANNELS].ccr & 1)
            return true;
    return false;
}

static bool pulled_up(const struct chip *c)
{
    return c->usbfs.bcdr & BCDR_DPPU;
}

static const struct {
    bool (*broken)(const struct chip *c);
    const char *sentence;
} preconditions[] = {
    {in_usb_handler, "ROM bootloader entered from the USB interrupt: it stays active, so the ROM's own USB "
                     "interrupt never comes; jump from the main program, or reset first"},
    {in_other_handler,
     "ROM bootloader entered from an exception handler: no interrupt of the same or a lower "
     "priority comes any more; jump from the main program, or reset first"},
    {masked,
     "ROM bootloader entered with interrupts masked (PRIMASK, FAULTMASK or BASEPRI): its USB interrupt "
     "never comes; unmask them before the jump"},
    {on_psp, "ROM bootloader entered on the process stack (CONTROL.SPSEL): it uses the first 12 KiB of SRAM, "
             "and MSP is not the stack in use; switch to MSP before the jump"},
    {unprivileged,
     "ROM bootloader entered unprivileged (CONTROL.nPRIV): it cannot set up the processor; jump "
     "from privileged code"},
    {pll_on,
     "ROM bootloader entered with the PLL on: it cannot set its own clock while SYSCLK comes from the "
     "PLL; go back to MSI and switch the PLL off before the jump"},
    {systick_on, "ROM bootloader entered with the SysTick interrupt on: the ROM has no handler for it; clear "
                 "SysTick->CTRL before the jump"},
    {interrupts_enabled,
     "ROM bootloader entered with interrupts enabled in the NVIC: the ROM has no handlers "
     "for them; clear NVIC->ICER and ICPR before the jump"},
    {low_voltage,
     "ROM bootloader entered in voltage range 2: it does not work there (AN2606); set PWR_CR1.VOS "
     "to range 1 before the jump"},
    {dma_on,
     "ROM bootloader entered with a DMA channel on: it may write to the SRAM that the ROM uses; clear "
     "its CCR.EN before the jump"},
    {pulled_up, "ROM bootloader entered with the USB pull-up on: the host may not notice that the device has "
                "changed; clear USB->BCDR.DPPU some milliseconds before the jump"},
};

/* Watches for the next jump into system memory, or for the end of the stay there. */
static void arm(struct chip *c, bool inside)
{
    if (inside)
        cpu_arm_watch(c->cpu, CHIP_WATCH_ROM, FLASH_BASE, FLASH_BASE + FLASH_SIZE - 1);
    else
        cpu_arm_watch(c->cpu, CHIP_WATCH_ROM, SYSMEM_BASE, SYSMEM_BASE + SYSMEM_SIZE - 1);
}

/* What is flashed does not run: it does not begin where flash does, or the empty check has not seen it yet.
 */
static void tell_empty(struct chip *c)
{
    char sentence[192];
    uint32_t at = 0;
    while (at < FLASH_SIZE && flash_cells_blank(c, at))
        at += 8;
    if (at == FLASH_SIZE)
        return;
    if (at == 0)
        (void)snprintf(
            sentence, sizeof sentence,
            "The ROM bootloader starts, for flash was blank when that was last looked at "
            "(FLASH_SR.PEMPTY): what is in it now runs after the next power-on, or option byte load");
    else
        (void)snprintf(
            sentence, sizeof sentence,
            "Flash is blank at 0x08000000, so the ROM bootloader starts; what is in it begins at 0x%08X and "
            "needs a bootloader before it, or has to be linked at 0x08000000",
            FLASH_BASE + at);
    chip_say(c, sentence);
}

/* A program that is linked for another address than the one it was put at, as a raw binary easily is. */
static void tell_lost(struct chip *c)
{
    char sentence[192];
    uint32_t reset;
    memcpy(&reset, flash_bytes(c, 4), sizeof reset);
    uint32_t at = reset - FLASH_BASE;
    if (at >= FLASH_SIZE || !flash_cells_blank(c, at & ~7U))
        return;
    (void)snprintf(
        sentence, sizeof sentence,
        "The reset vector, 0x%08X, points to blank flash: what is at 0x08000000 is linked for another "
        "address",
        reset);
    chip_say(c, sentence);
}

/* A program for a chip with more SRAM, as one for the L476 or an F4: what it pushes first goes nowhere. */
static void tell_stack(struct chip *c)
{
    char sentence[192];
    uint32_t sp;
    memcpy(&sp, flash_bytes(c, 0), sizeof sp);
    if (flash_cells_blank(c, 0) || sp - SRAM1_BASE - 1 < SRAM_SIZE || sp - SRAM2_BASE - 1 < SRAM2_SIZE)
        return;
    (void)snprintf(sentence, sizeof sentence,
                   "The initial stack pointer, 0x%08X, is not in SRAM, which ends at 0x%08X: what is at "
                   "0x08000000 is linked for another chip, unless it sets a stack of its own",
                   sp, SRAM1_BASE + SRAM_SIZE);
    chip_say(c, sentence);
}

void rom_reset_ends(struct chip *c)
{
    if (c->booted_empty)
        tell_empty(c);
    if (c->boot_mode == 0) {
        tell_stack(c);
        tell_lost(c);
    }
    arm(c, c->boot_mode == 1);
}

void rom_watch(struct chip *c, uint32_t pc)
{
    bool inside = pc - SYSMEM_BASE < SYSMEM_SIZE;
    arm(c, inside);
    if (!inside)
        return;
    for (size_t i = 0; i < sizeof preconditions / sizeof preconditions[0]; i++)
        if (preconditions[i].broken(c))
            chip_say(c, preconditions[i].sentence);
}
