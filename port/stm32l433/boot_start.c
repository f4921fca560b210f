/* The bootloader's first functions, and the switch to SRAM. All in section .entry, which is linked at its
 * flash address and works whatever is mapped at 0; everything else is linked at 0 (boot.ld). */
#include "boot/core/unpack.h"
#include "port/port.h"
#include "port/stm32l433/boot.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"
#include "port/stm32l433/usbfs.h"

/* `used` and `noinline`: link-time optimisation does not see the assembler, and must not mix the two. */
#define ENTRY __attribute__((section(".entry"), used, noinline))

extern uint32_t world_start[], bss_start[], bss_end[]; /* in SRAM; bss begins where the world ends */
extern const uint8_t attach_end[];                     /* there too, where usbfs_attach ends */
extern const uint8_t packed[];
void SysTick_Handler(void);
void FLASH_IRQHandler(void);
void USB_IRQHandler(void);
void boot_start(void);
void boot_nmi_or_fault(void);

/* ---- after reset, or after somebody's jump ----------------------------------------------- */

/* 0 if flash is mapped at 0. The copy in SRAM differs in this word (port_enter_dfu). */
ENTRY static uint32_t something_else_is_at_0(void)
{
    uint32_t at = 4;
    __asm volatile("" : "+r"(at)); /* keeps the compiler from warning of a null pointer */
    return *(const volatile uint32_t *)at ^ *(const volatile uint32_t *)(BOOT_ADDR + at);
}

/* Maps something at 0: SYSCFG_MEMRMP. The clock of SYSCFG stays on, alone. Who goes on in code at 0 finds the
 * same there. */
ENTRY PORT_FAR static void map(uint32_t mode)
{
    RCC->APB2ENR = RCC_APB2ENR_SYSCFGEN;
    (void)RCC->APB2ENR; /* two cycles until a clock enable counts */
    SYSCFG->MEMRMP = mode;
    __DSB();
}

/* With SYSCFG's reset comes to 0 what the last reset booted: the ROM, if that has left by a jump. */
ENTRY void boot_renew_apb2(void)
{
    RCC->APB2RSTR = 0xFFFFFFFF;
    RCC->APB2RSTR = 0;
    map(0);
    RCC->APB2ENR = 0;
}

/* boot_main is linked at 0. After a reset flash is there; who was jumped to has to put it there. If
 * that does not help, the ROM was entered by the empty check, and only a reload of the option bytes
 * ends that (RM0394 "FLASH_SR", PEMPTY). */
__attribute__((section(".entry.start"), used, noreturn)) void boot_start(void)
{
    if (something_else_is_at_0()) {
        map(0); /* the clock tells port_was_jumped_to */
        if (something_else_is_at_0())
            port_reload_options();
    }
    boot_main();
}

/* ---- exceptions -------------------------------------------------------------------------- */

__attribute__((noreturn, used)) static void fault(void)
{
    port_token_set(TOKEN_FAULT);
    port_reset();
}

/* NMI and HardFault belong to the boot path while VTOR is at its reset value, else to the application. With
 * a HardFault the stack may be what broke: take a fresh one, by the first of the vectors, which are at 0
 * then. */
ENTRY __attribute__((naked)) void boot_nmi_or_fault(void)
{
    __asm volatile("ldr r0, =0xE000ED08\n"
                   "ldr r0, [r0]\n"
                   "cmp r0, #0\n"
                   "bne boot_forward\n"
                   "mrs r1, ipsr\n"
                   "cmp r1, #2\n"
                   "bne 1f\n"
                   "ldr pc, =NMI_Handler\n"
                   "1: ldr sp, [r0]\n"
                   "ldr pc, =%c0\n"
                   ".ltorg\n" ::"i"(fault));
}

/* ---- to SRAM ----------------------------------------------------------------------------- */

/* In .world, when all of it is there. */
__attribute__((noreturn, noinline)) static void begin(const struct findings *f)
{
    for (uint32_t *at = bss_start; at != bss_end; at++)
        *at = 0;

    /* The vectors of the copy. The reset vector is only there to be different from flash's. */
    uint32_t *vector = (uint32_t *)RAM_ADDR;
    vector[1] = 0;
    vector[16 + NonMaskableInt_IRQn] = (uint32_t)NMI_Handler;
    vector[16 + SysTick_IRQn] = (uint32_t)SysTick_Handler;
    vector[16 + FLASH_IRQn] = (uint32_t)FLASH_IRQHandler;
    vector[16 + USB_IRQn] = (uint32_t)USB_IRQHandler;
    serve(f);
}

/* The host waits 100 ms (USB 2.0 7.1.7.3) from the pull-up to the first reset of the bus, and what it
 * does then waits in the USB block until there is somebody to handle it. So connecting comes first in .world,
 * and the rest of it is unpacked afterwards. */
__attribute__((section(".enter"), noinline)) void port_enter_dfu(const struct findings *f)
{
    const uint32_t *from = (const uint32_t *)BOOT_ADDR;
    uint32_t *to = (uint32_t *)RAM_ADDR;
    while (to != world_start)
        *to++ = *from++;

    __DSB();
    map(3); /* SRAM1 */

    struct unpacker *u = (struct unpacker *)bss_start;
    unpack_begin(u, packed);
    uint8_t *rest = unpack(u, (uint8_t *)world_start, attach_end);
    __DSB();
    __ISB();
    usbfs_attach();
    unpack(u, rest, (const uint8_t *)bss_start);
    unpack_calls((uint8_t *)world_start, (const uint8_t *)bss_start);
    __DSB();
    __ISB();
    begin(f);
}

/* ---- leaving ----------------------------------------------------------------------------- */

/* What a reset leaves in the core: interrupts enabled, LR all ones (ARMv7-M ARM B1.5.5). */
ENTRY __attribute__((naked)) void port_start(__attribute__((unused)) uint32_t vectors)
{
    __asm volatile("ldr r3, =0xE000ED08\n" /* VTOR */
                   "str r0, [r3]\n"
                   "ldr r1, [r0]\n"
                   "ldr r2, [r0, #4]\n"
                   "mov sp, r1\n"
                   "mov lr, #-1\n"
                   "movs r3, #0\n"
                   "msr apsr_nzcvq, r3\n"
                   "dsb\n"
                   "cpsie i\n"
                   "isb\n"
                   "bx r2\n"
                   ".ltorg\n");
}

/* AN2606 wants the chip as after reset; with system memory at 0 it finds its vectors either way. */
ENTRY void port_start_rom(void)
{
    map(1);
    RCC->APB2ENR = 0;
    port_start(SYSTEM_ADDR);
}
