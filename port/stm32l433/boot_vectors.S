/* The bootloader's vectors, its first instructions, and the forwarding of exceptions to the application. All 99
 * words of RM0394 "Vector table". Words 7 to 10 are reserved by the processor (ARMv7-M ARM B1.5.2) and hold code;
 * those of interrupts that the chip has not do not, since software can make these pending all the same. */
#include "port/stm32l433/memory.h"

    .syntax unified
    .thumb
    .section .vectors, "ax", %progbits
stack:
    .word BOOT_STACK_TOP - 8
    .word boot_reset, boot_nmi_or_fault, boot_nmi_or_fault
    .rept 7 - 4
    .word boot_forward
    .endr

/* 7 to 10. An application that moves VTOR back to 0x08000000 still gets its interrupts: each goes on to the
 * handler of the same number in the slot's table. LR (EXC_RETURN) and the stacked frame are as the processor
 * made them, so the handler cannot tell. R0-R3 are free at this point (ARMv7-M ARM B1.5.6). */
    .global boot_forward
    .thumb_func
boot_forward:
    mrs r0, ipsr
    ldr r1, slot
    ldr pc, [r1, r0, lsl #2]
    .balign 4
slot:
    .word SLOT_ADDR

    .org 11 * 4
    .rept 99 - 11
    .word boot_forward
    .endr

/* Whoever was running may have used another stack and have interrupts on. boot_start follows (boot.ld). */
    .global boot_reset
    .thumb_func
boot_reset:
    cpsid i
    movs r0, #0
    msr control, r0
    isb
    ldr sp, stack
