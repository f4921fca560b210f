/* An application with the kit that does on request what the kit offers, in every context in which an
 * application can be. The test writes `what` and then `where` while it waits. */
#include "app/sureboot.h"
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"
#include "test/board/fw/kit/orders.h"

SUREBOOT_APPLICATION("kit test", 1, 2, 3, SUREBOOT_NUCLEO_L433RC_P, SUREBOOT_WANTS_CONFIRM);

volatile uint32_t what, where, starts, done, result, crash_kind, causes, cdc_result;

static void act(void)
{
    const struct sureboot_mailbox *m;
    switch ((enum what)what) {
    case DFU: sureboot_enter_dfu();
    case ROM: sureboot_enter_rom();
    case DFU_IN: sureboot_enter_dfu_in(100); break;
    case ROM_IN: sureboot_enter_rom_in(100); break;
    case CONFIRM: result = sureboot_confirm(); break;
    case BAD_ACCESS: (void)*(volatile uint32_t *)0x60000000; break;
    case UNDEFINED: __asm volatile("udf #7"); break;
    case OVERFLOW:
        __asm volatile("ldr r0, =0x20000004\n mov sp, r0\n push {r0-r7}\n push {r0-r7}" ::: "r0", "memory");
        break;
    case CLEAR: sureboot_crash_clear(); break;
    case REPORT:
        m = sureboot_report();
        result = m != NULL;
        crash_kind = m ? m->crash.kind : 0xFFFF;
        causes = m ? m->cause : 0;
        break;
    case STANDBY: /* until the reset pin */
        RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN;
        (void)RCC->APB1ENR1;
        PWR->CR1 |= 3;
        SCB->SCR = SCB_SCR_SLEEPDEEP_Msk;
        __WFI();
        break;
    case HANG:
        for (;;)
            ;
    default: break;
    }
    done++;
    what = NOTHING;
}

void HardFault_Handler(void) __attribute__((alias("fault")));
__attribute__((naked, used)) static void fault(void)
{
    __asm volatile("b sureboot_fault");
}

static volatile bool act_in_tim7, act_in_tick;

void TIM7_IRQHandler(void);
void TIM7_IRQHandler(void)
{
    if (act_in_tim7)
        act();
}

void RNG_IRQHandler(void);
void RNG_IRQHandler(void)
{
    NVIC_SetPendingIRQ(TIM7_IRQn); /* of a higher priority: comes in between */
    __DSB();
    __ISB();
}

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    sureboot_tick();
    if (act_in_tick) {
        act_in_tick = false;
        act();
    }
}

static volatile uint32_t from[64], to[64];

void DMA1_Channel1_IRQHandler(void);
void DMA1_Channel1_IRQHandler(void)
{
    volatile uint32_t *ifcr = (volatile uint32_t *)0x40020004, *channel = (volatile uint32_t *)0x40020008;
    *ifcr = 15;
    channel[0] &= ~1u;
    channel[1] = 64;
    channel[0] |= 1;
}

static void start_dma(void)
{
    volatile uint32_t *channel = (volatile uint32_t *)0x40020008; /* DMA1_CCR1, CNDTR1, CPAR1, CMAR1 */
    RCC->AHB1ENR |= 1;
    (void)RCC->AHB1ENR;
    channel[1] = 64;
    channel[2] = (uint32_t)to;
    channel[3] = (uint32_t)from;
    NVIC_EnableIRQ(DMA1_Channel1_IRQn);
    channel[0] = 1u << 14 | 2u << 10 | 2u << 8 | 1u << 7 | 1u << 6 | 1u << 4 | 2 | 1; /* MEM2MEM, words, both
        addresses step, memory to "peripheral", interrupt at the end, on */
}

static uint32_t task_stack[256] __attribute__((aligned(8)));

static void on_task_stack(uint32_t control)
{
    __set_PSP((uint32_t)(task_stack + 256));
    __set_CONTROL(control);
    __ISB();
    act();
    for (;;)
        ;
}

static void start_watchdog(void)
{
    IWDG->KR = 0xCCCC;
    IWDG->KR = 0x5555;
    IWDG->PR = 0;
    IWDG->RLR = 800; /* 100 ms */
    while (IWDG->SR)
        ;
    IWDG->KR = IWDG_KEY_RELOAD;
}

static volatile float number = 1.5f;

static void go(void)
{
    switch ((enum where)where) {
    case MAIN: act(); break;
    case INTERRUPT:
        act_in_tim7 = true;
        NVIC_SetPendingIRQ(TIM7_IRQn);
        break;
    case NESTED:
        act_in_tim7 = true;
        NVIC_SetPriority(RNG_IRQn, 8);
        NVIC_EnableIRQ(RNG_IRQn);
        NVIC_SetPendingIRQ(RNG_IRQn);
        break;
    case PSP: on_task_stack(2); break; /* never returns */
    case UNPRIVILEGED: on_task_stack(3); break;
    case PRIMASK:
        __disable_irq();
        act();
        __enable_irq();
        break;
    case BASEPRI:
        __set_BASEPRI(0x10);
        act();
        __set_BASEPRI(0);
        break;
    case FAULTMASK:
        __set_FAULTMASK(1);
        act();
        __set_FAULTMASK(0);
        break;
    case DMA:
        start_dma();
        act();
        break;
    case FPU_CONTEXT:
        number = number * 1.25f;
        act_in_tim7 = true;
        NVIC_SetPendingIRQ(TIM7_IRQn);
        break;
    case WATCHDOG:
        start_watchdog();
        act();
        break;
    case FAST:
        port_fast(true);
        act();
        break;
    case OPEN_BACKUP:
        RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN | RCC_APB1ENR1_RTCAPBEN;
        (void)RCC->APB1ENR1;
        PWR->CR1 |= PWR_CR1_DBP;
        act();
        break;
    case FLASH_OPEN:
        FLASH->KEYR = FLASH_KEY1;
        FLASH->KEYR = FLASH_KEY2;
        act();
        break;
    case TICK: act_in_tick = true; break;
    default: break;
    }
    where = WAITING;
}

int main(void)
{
    sureboot_early();
    starts++;
    NVIC_EnableIRQ(TIM7_IRQn);
    SysTick->LOAD = 4000 - 1;
    SysTick->VAL = 0;
    SysTick->CTRL = 7;
    for (;;) {
        if (where != WAITING)
            go();
        number = number + 0.5f; /* so that there is floating-point state at any time */
    }
}
