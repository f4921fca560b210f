/* The computations that the storm has to leave alone: uint32_t work_x(uint32_t rounds, uint32_t *scratch)
 * returns a checksum. Between them they keep state wherever an interrupt could lose it: flags, IT blocks,
 * multiple transfers, FPU, GE and Q, exclusive accesses, the stack, faults and masks. */
    .syntax unified
    .section work, "ax", %progbits

    .equ STIR, 0xE000EF00
    .equ IRQ_FIRST, 11

.macro work name
    .balign 4
    .global \name
    .type \name, %function
\name:
.endm
.macro const reg, value
    movw \reg, #:lower16:\value
    movt \reg, #:upper16:\value
.endm

/* The checksum of r1's first 32 words, on top of r0; r3 and r12 are lost. */
.macro checksum
    movs r3, #32
9:  ldr r12, [r1], #4
    add r12, r12, r0, lsl #5
    sub r0, r12, r0
    subs r3, #1
    bne 9b
.endm

work work_it
    push {r4, r5, lr}
    mov r2, r0
    movs r0, #1
    movs r4, #0
    const r3, 0x9E3779B9
1:  add r4, r4, r3
    lsrs r5, r0, #1
    it cs
    addcs r0, r0, r4
    lsls r5, r4, #1
    ite mi
    eormi r0, r0, r4, ror #7
    subpl r0, r0, #77
    adds r5, r0, r4
    itett cs
    eorcs r0, r0, r4
    addcc r0, r0, #5
    rorcs r0, r0, #3
    adccs r0, r0, r4, lsl #2
    cmp r0, r4
    iteee hi
    mvnhi r0, r0
    addls r0, r0, r0, lsr #5
    rorls r0, r0, #1
    eorls r0, r0, r4
    tst r0, #3
    itttt ne /* whose flags change in the middle */
    addne r5, r0, r4
    cmpne r5, r0
    subne r0, r0, r5, ror #9
    addne r0, r0, #1
    subs r2, #1
    bne 1b
    pop {r4, r5, pc}

work work_ldm
    push {r4-r11, lr}
    mov lr, r0
    movs r0, #7
    movs r3, #32
1:  subs r3, #1
    add r0, r0, r0, lsl #3
    str r0, [r1, r3, lsl #2]
    bne 1b
2:  mov r12, r1
    ldmia r12!, {r2-r9}
    eor r2, r2, r0
    add r3, r3, r2, ror #5
    eor r5, r5, r3
    stmia r12!, {r2-r8}
    str r0, [r12], #4
    stmdb r12, {r3, r5, r7, r9}
    ldmdb r12!, {r4, r6, r8, r10, r11}
    push {r2-r11}
    add r0, r0, r4, ror #3
    pop {r3-r11}
    pop {r2}
    eor r0, r0, r10
    ldrd r4, r5, [r1, #8]
    adds r4, r4, r0
    adc r5, r5, r3
    strd r5, r4, [r1, #16]!
    ldr r7, [r1, #6] /* not aligned */
    add r0, r0, r7
    strh r0, [r1, #11]
    .global work_ldm_ici
work_ldm_ici: /* here a handler may have loaded r2 and r3 already (storm.c) */
    ldm r1, {r2, r3, r5, r6}
    sub r1, r1, #16
    add r0, r0, r2, ror #1
    eor r0, r0, r3
    add r0, r0, r5
    eor r0, r0, r6
    subs lr, #1
    bne 2b
    checksum
    pop {r4-r11, pc}

work work_fp
    push {r4, lr}
    vpush {s16-s31}
    mov r2, r0
    movs r0, #0
    vmsr fpscr, r0
    vmov.f32 s0, #1.0
    vmov.f32 s1, #0.375
    mov r3, r1
    movs r4, #32
1:  vstmia r3!, {s0}
    vadd.f32 s0, s0, s1
    subs r4, #1
    bne 1b
2:  vldmia r1, {s0-s31}
    vmov.f32 s15, #0.5
    vadd.f32 s0, s0, s17
    vmul.f32 s0, s0, s15
    vfma.f32 s16, s3, s15
    vmul.f32 s16, s16, s15
    vsub.f32 s20, s30, s1
    vabs.f32 s20, s20
    vdiv.f32 s21, s16, s20
    vsqrt.f32 s21, s21
    vcmp.f32 s20, s16
    vmrs APSR_nzcv, fpscr
    itete gt
    vmovgt.f32 s5, s7
    vnegle.f32 s6, s31
    vaddgt.f32 s31, s5, s15
    addle r0, r0, #9
    vpush {s4-s7}
    vcvt.s32.f32 s15, s21
    vpop {s8-s11}
    vmov r3, s15
    add r0, r0, r3, ror #11
    vmov r3, r4, s18, s19
    eor r0, r0, r3
    add r0, r0, r4, ror #17
    vmrs r3, fpscr
    add r0, r0, r3
    vstmia r1!, {s1-s31}
    vstmia r1, {s0}
    sub r1, r1, #124
    subs r2, #1
    bne 2b
    vmsr fpscr, r2
    checksum
    vpop {s16-s31}
    pop {r4, pc}

work work_dsp
    push {r4-r6, lr}
    mov r2, r0
    movs r0, #3
    movs r4, #0
    const r5, 0x85EBCA6B
1:  add r4, r4, r5
    movs r3, #0
    msr apsr_nzcvqg, r3
    uadd8 r3, r0, r4
    sel r3, r0, r4
    eor r0, r0, r3
    qadd r3, r0, r4
    ssat r6, #12, r3
    smlad r0, r0, r4, r6
    ssub16 r3, r4, r0
    sel r3, r4, r0
    add r0, r0, r3
    umull r3, r6, r0, r4
    umaal r3, r6, r4, r2
    adds r0, r0, r3
    adc r0, r0, r6
    and r3, r2, #3
    udiv r6, r0, r3 /* by zero now and then */
    sdiv r3, r0, r4
    adds r0, r0, r6
    sbcs r0, r0, r3
    mrs r3, apsr
    add r0, r0, r3
    subs r2, #1
    bne 1b
    pop {r4-r6, pc}

/* Handlers use exclusive accesses too, storm_shared among others. */
work work_ex
    push {r4, lr}
    const r4, storm_shared
    movs r3, #0
    str r3, [r1]
    str r3, [r1, #4]
1:  ldrex r2, [r1]
    add r2, r2, r0
    strex r3, r2, [r1]
    cbz r3, 2f
    b 1b
2:  ldrexb r2, [r4]
    adds r2, #1
    strexb r3, r2, [r4]
    cmp r3, #0
    it ne
    bne 2b
3:  add r12, r1, #6
    ldrexh r2, [r12]
    add r2, r2, r0, lsl #1
    strexh r3, r2, [r12]
    cmp r3, #0
    bne 3b
    clrex
    subs r0, #1
    bne 1b
    ldrd r0, r2, [r1]
    eor r0, r0, r2
    pop {r4, pc}

work work_call
    push {r4-r6, lr}
    mov r4, r0
    movs r5, #0
    adr r6, fibonacci
    orr r6, r6, #1
1:  and r0, r4, #3
    adds r0, #5
    blx r6
    add r5, r0, r5, ror #1
    mov r0, r5
    svc #5
    eor r5, r5, r0, ror #3
    and r0, r5, #3
    tbb [pc, r0]
2:  .byte (3f - 2b) / 2, (4f - 2b) / 2, (5f - 2b) / 2, (6f - 2b) / 2
3:  adds r5, #3
4:  eor r5, r5, r4
5:  mvn r5, r5
6:  subs r4, #1
    bne 1b
    mov r0, r5
    pop {r4-r6, pc}
    .balign 4
    .type fibonacci, %function
fibonacci:
    cmp r0, #2
    it lo
    bxlo lr
    push {r4, r5, lr}
    mov r4, r0
    subs r0, #1
    bl fibonacci
    mov r5, r0
    subs r0, r4, #2
    bl fibonacci
    add r0, r0, r5
    pop {r4, r5, pc}

/* Faults that the handler steps over (the instruction has no effect), in IT blocks as well. */
work work_fault
    push {r4, r5, lr}
    mov r2, r0
    movs r0, #5
    movs r4, #0
    const r5, 0x04A13F71
    mov r12, #0x70000000 /* nothing is there, on either machine */
1:  adds r4, r4, r5
    adc r0, r0, r4, ror #3
    udf #1
    sbc r0, r0, r4
    ldr.w r3, [r12]
    tst r0, #1
    itete eq
    addeq r0, r0, #17
    udfne #2
    strbeq.w r0, [r12]
    eorne r0, r0, r4, ror #13
    rrxs r3, r0
    it cs
    udfcs #3
    adc r0, r0, r3
    subs r2, #1
    bne 1b
    pop {r4, r5, pc}

/* Pends interrupts itself, at any place: legal for unprivileged code with CCR.USERSETMPEND. */
work work_pend
    push {r4-r7, lr}
    mov r2, r0
    movs r0, #11
    const r5, STIR
    const r4, 0x2C1B3C6D
1:  add r0, r4, r0, ror #5
    and r3, r0, #7
    adds r3, #IRQ_FIRST
    str r3, [r5]
    lsrs r6, r0, #4
    ite cs
    strcs r3, [r5]
    eorcc r0, r0, r4, lsr #2
    stmia r1, {r0, r3, r4, r6}
    str r3, [r5]
    ldmia r1, {r3, r6, r7, r12}
    eor r0, r0, r12
    vmov s1, r0
    str r6, [r5]
    vmov r3, s1
    add r0, r0, r3, ror #9
    subs r2, #1
    bne 1b
    pop {r4-r7, pc}

/* Under PRIMASK, BASEPRI and FAULTMASK; storm_window tells the handlers what must not run meanwhile. */
work work_mask
    push {r4-r7, lr}
    mov r2, r0
    movs r0, #13
    const r4, storm_window
    const r5, STIR
    mov r6, #256
    movs r7, #0
1:  and r3, r0, #7
    adds r3, #IRQ_FIRST
    cpsid i
    str r7, [r4]
    str r3, [r5]
    add r0, r0, r2, ror #7
    udf #4 /* a HardFault now */
    eor r0, r0, r0, lsr #3
    str r6, [r4]
    cpsie i
    movs r3, #0x60
    msr basepri, r3
    str r3, [r4]
    and r3, r0, #7
    adds r3, #IRQ_FIRST
    str r3, [r5]
    add r0, r0, r0, lsl #3
    str r6, [r4]
    movs r3, #0x80
    msr basepri_max, r3 /* higher than what is there: no effect */
    mrs r3, basepri
    add r0, r0, r3
    msr basepri, r7
    and r3, r0, #7
    adds r3, #IRQ_FIRST
    cpsid f
    mvn r12, r7
    str r12, [r4]
    str r3, [r5]
    eor r0, r0, r2
    str r6, [r4]
    cpsie f
    subs r2, #1
    bne 1b
    pop {r4-r7, pc}
