/* Start-up code with the names that ST's has. */
    .syntax unified
    .cpu cortex-m4
    .thumb

    .section .text.Reset_Handler
    .global Reset_Handler
    .type Reset_Handler, %function
Reset_Handler:
    ldr sp, =_estack
    bl SystemInit
    ldr r0, =_sdata
    ldr r1, =_edata
    ldr r2, =_sidata
1:  cmp r0, r1
    ittt lo
    ldrlo r3, [r2], #4
    strlo r3, [r0], #4
    blo 1b
    ldr r0, =_sbss
    ldr r1, =_ebss
    movs r3, #0
2:  cmp r0, r1
    itt lo
    strlo r3, [r0], #4
    blo 2b
    bl __libc_init_array
    bl main
    b .

    .section .text.Default_Handler
    .thumb_func
Default_Handler:
    b .

    .section .isr_vector, "a", %progbits
    .word _estack
    .word Reset_Handler
    .word Default_Handler
    .word sureboot_fault
    .word Default_Handler
    .word Default_Handler
    .word Default_Handler
    .word sureboot_info_vector
    .word 0, 0, 0
    .word Default_Handler
    .word Default_Handler
    .word 0
    .word Default_Handler
    .word SysTick_Handler
    .rept 83
    .word Default_Handler
    .endr
