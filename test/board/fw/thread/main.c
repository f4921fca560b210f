/* The bootloader of the thread that sureboot comes from, rebuilt for the museum of mistakes (docs/museum.md):
 * a DFU device, a flag in backup register 5, a look at the first word of the application, and a jump. Its
 * DFU requests are those of the ROM's stand-in; what is its own is what people write: this file and flash.c.
 */
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"
#include "rom/rom.h"
#include "test/board/fw/thread/habits.h"

#define DFU_BOOT_FLAG 0xDEADBEEFu
#define WORD(addr)    (*(volatile uint32_t *)(addr))

/* CubeMX writes it so. */
void NMI_Handler(void);
void NMI_Handler(void)
{
    for (;;) {
    }
}

static void backup_access(bool on)
{
    RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN | RCC_APB1ENR1_RTCAPBEN;
    (void)RCC->APB1ENR1;
    PWR->CR1 = on ? PWR->CR1 | PWR_CR1_DBP : PWR->CR1 & ~PWR_CR1_DBP;
}

static void jump_unless_flag(uint32_t habits)
{
    uint32_t mask = habits & OTHER_MASK ? 0x2FFE0000 : 0x2FFC0000;
    backup_access(!(habits & LOCKED_BACKUP));
    if ((WORD(SLOT_ADDR) & mask) != 0x20000000)
        return;
    if (RTC->BKPR[5] == DFU_BOOT_FLAG && !(habits & FLAG_LATER))
        return;
    __asm volatile("msr msp, %0\n bx %1" ::"r"(WORD(SLOT_ADDR)), "r"(WORD(SLOT_ADDR + 4)) : "memory");
}

int main(void)
{
    uint32_t habits = WORD(HABITS_ADDR), vectors;
    if (!(habits & JUMPS_LATE))
        jump_unless_flag(habits);
    port_init();
    rom_dfu_start();
    if (habits & JUMPS_LATE)
        jump_unless_flag(habits);
    RTC->BKPR[5] = 0; /* so that the next boot will not be affected */
    uint32_t last = port_ms();
    for (bool on = true; !rom_dfu_left(&vectors);) {
        if (port_ms() - last >= 100) {
            last += 100;
            port_led(on);
            on = !on;
        }
        __WFI();
    }
    NVIC_SystemReset();
}
