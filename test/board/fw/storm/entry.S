/* Where the exceptions of the storm enter and leave: the handlers in C get the frame, EXC_RETURN and what
 * SysTick counted at that moment. And the switch between two threads on PSP. */
    .syntax unified
    .text

.macro entry names:vararg
    .balign 4
    .irp name, \names
    .global \name
    .type \name, %function
\name:
    .endr
.endm
.macro frame
    movw r2, #0xE018 /* SYST_CVR */
    movt r2, #0xE000
    ldr r2, [r2]
    mov r1, lr
    tst lr, #4
    ite eq
    mrseq r0, msp
    mrsne r0, psp
.endm

/* Three ways to leave: the compiler's, LDR PC and POP {PC}. */
entry NMI_Handler, SysTick_Handler, DMA1_Channel1_IRQHandler, DMA1_Channel4_IRQHandler, ADC1_IRQHandler
    frame
    b storm_interrupt
entry DMA1_Channel2_IRQHandler, DMA1_Channel5_IRQHandler
    frame
    str lr, [sp, #-8]!
    bl storm_interrupt
    ldr pc, [sp], #8
entry DMA1_Channel3_IRQHandler, DMA1_Channel6_IRQHandler, DMA1_Channel7_IRQHandler
    frame
    push {r3, lr}
    bl storm_interrupt
    pop {r3, pc}
entry HardFault_Handler, MemManage_Handler, BusFault_Handler, UsageFault_Handler
    frame
    b storm_fault
entry SVC_Handler
    frame
    b storm_svc

/* Spoils all that a handler may spoil, and for a moment what it may not. */
entry storm_spoil
    vpush {s16-s31}
    vmov s0, r0
    vmov s1, r0
    vmov s7, r0
    vmov s15, r0
    vmov s16, r0
    vmov s31, r0
    mov r1, #0x1F
    movt r1, #0xF0C0
    vmsr fpscr, r1
    vpop {s16-s31}
    msr apsr_nzcvqg, r0
    mov r1, r0
    mov r2, r0
    mov r3, r0
    mov r12, r0
    bx lr

/* Saves and restores what the hardware does not: r4-r11, s16-s31 of a thread with FP context, CONTROL.nPRIV
 * and EXC_RETURN. Without threads (on MSP) there is nothing to switch. */
entry PendSV_Handler
    tst lr, #4
    it eq
    bxeq lr
    mrs r0, psp
    tst lr, #0x10
    it eq
    vstmdbeq r0!, {s16-s31}
    mrs r1, control
    and r1, r1, #1
    stmdb r0!, {r1, r4-r11, lr}
    bl storm_switch
    ldmia r0!, {r1, r4-r11, lr}
    msr control, r1
    tst lr, #0x10
    it eq
    vldmiaeq r0!, {s16-s31}
    msr psp, r0
    isb
    bx lr

/* void storm_on_psp(void (*fn)(void), uint32_t *stack_top) */
entry storm_on_psp
    push {r4, lr}
    msr psp, r1
    mrs r1, control
    orr r1, r1, #2
    msr control, r1
    isb
    blx r0
    mrs r1, control
    bic r1, r1, #2
    msr control, r1
    isb
    pop {r4, pc}
