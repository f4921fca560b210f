/* An application that jumps to the ROM bootloader as the thread's does, with all of the clean-up that AN2606
 * asks for, except for what it is told to leave out. The test writes `command` while it waits. */
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"

enum {
    GO = 1 << 0,
    LEAVE_PLL = 1 << 1,
    LEAVE_SYSTICK = 1 << 2,
    LEAVE_NVIC = 1 << 3, /* TIM6 goes on, and its interrupt */
    LEAVE_MASKED = 1 << 4,
    ON_PSP = 1 << 5,    /* a task's stack in the first kilobytes of SRAM */
    IN_USB = 1 << 6,    /* from the USB interrupt */
    IN_PENDSV = 1 << 7, /* from another exception, of the same priority */
    RANGE_2 = 1 << 8,   /* voltage range 2 */
    LEAVE_PULLUP = 1 << 9,
    MAP_SYSTEM = 1 << 10, /* system memory at 0 */
    LEAVE_DMA = 1 << 11,
    UNPRIVILEGED = 1 << 12,
    LEAVE_BASEPRI = 1 << 14,
    WATCHED = 1 << 15 /* with an independent watchdog of 25 ms running */
};

volatile uint32_t command, ticks;

/* ARMv7-M B1.4.4: after the switch the task's stack is the one in use, whatever MSP says. */
__attribute__((aligned(8))) static uint8_t task_stack[1024];

struct tim6_regs {
    reg32 CR1, CR2, reserved08, DIER, SR, EGR, reserved18[3], CNT, PSC, ARR;
};
#define TIM6 ((struct tim6_regs *)0x40001000ul)

void TIM6_DAC_IRQHandler(void);
void TIM6_DAC_IRQHandler(void)
{
    TIM6->SR = 0;
    ticks++;
}

static void start_tim6(void)
{
    RCC->APB1ENR1 |= 1ul << 4;
    (void)RCC->APB1ENR1;
    TIM6->PSC = 79;
    TIM6->ARR = 999;
    TIM6->DIER = 1;
    TIM6->CR1 = 1;
    NVIC_EnableIRQ(TIM6_DAC_IRQn);
}

__attribute__((naked, noreturn)) static void jump_to(__attribute__((unused)) const uint32_t *vectors)
{
    __asm volatile("ldr r1, [r0]\n"
                   "msr msp, r1\n"
                   "ldr r1, [r0, #4]\n"
                   "bx r1\n");
}

__attribute__((noreturn)) static void jump(uint32_t how)
{
    __disable_irq();
    if (how & WATCHED) {
        IWDG->KR = 0xCCCC;
        IWDG->KR = IWDG_KEY_ACCESS;
        IWDG->PR = 0;
        IWDG->RLR = 200;
        while (IWDG->SR)
            ;
        IWDG->KR = IWDG_KEY_RELOAD;
    }
    if (!(how & LEAVE_SYSTICK))
        SysTick->CTRL = 0;
    if (!(how & LEAVE_PLL))
        port_fast(false);
    if (!(how & LEAVE_PULLUP)) {
        USB->CNTR = USB_CNTR_AT_RESET;
        USB->BCDR = 0;
        RCC->APB1ENR1 &= ~RCC_APB1ENR1_USBFSEN;
    }
    if (!(how & LEAVE_DMA))
        *(reg32 *)0x40020008 = 0;
    if (!(how & LEAVE_NVIC)) {
        TIM6->CR1 = 0;
        for (unsigned i = 0; i < 3; i++) {
            NVIC->ICER[i] = 0xFFFFFFFF;
            NVIC->ICPR[i] = 0xFFFFFFFF;
        }
    }
    if (how & RANGE_2) {
        RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN;
        (void)RCC->APB1ENR1;
        PWR->CR1 = (PWR->CR1 & ~PWR_CR1_VOS) | 2ul << PWR_CR1_VOS_Pos;
    }
    if (how & MAP_SYSTEM) {
        RCC->APB2ENR |= RCC_APB2ENR_SYSCFGEN;
        (void)RCC->APB2ENR;
        SYSCFG->MEMRMP = 1;
    }
    if (how & LEAVE_BASEPRI) {
        NVIC_SetPriority(USB_IRQn, 8);
        __set_BASEPRI(0x40);
    }
    if (!(how & LEAVE_MASKED))
        __enable_irq();
    if (how & ON_PSP) {
        __set_PSP((uint32_t)(task_stack + sizeof task_stack));
        __set_CONTROL(2);
        __ISB();
    }
    if (how & UNPRIVILEGED) {
        __set_CONTROL(1);
        __ISB();
    }
    jump_to((const uint32_t *)SYSTEM_ADDR);
}

void USB_IRQHandler(void);
void USB_IRQHandler(void)
{
    jump(command);
}

void PendSV_Handler(void);
void PendSV_Handler(void)
{
    jump(command);
}

int main(void)
{
    port_init();
    start_tim6();
    RCC->APB1ENR1 |= RCC_APB1ENR1_USBFSEN;
    RCC->AHB1ENR |= 1; /* DMA1 */
    (void)RCC->AHB1ENR;
    for (;;) {
        uint32_t how = command;
        if (!(how & GO))
            continue;
        RCC->APB1ENR1 |= RCC_APB1ENR1_RTCAPBEN; /* as programs do that have a clock */
        if (how & LEAVE_PULLUP)
            USB->BCDR = USB_BCDR_DPPU;
        if (how & LEAVE_DMA)
            *(reg32 *)0x40020008 = 1; /* DMA1 channel 1: CCR.EN */
        if (how & IN_USB) {
            NVIC_EnableIRQ(USB_IRQn);
            NVIC_SetPendingIRQ(USB_IRQn);
        } else if (how & IN_PENDSV) {
            SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
        } else {
            jump(how);
        }
        for (;;)
            ;
    }
}
