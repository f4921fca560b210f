/* A project of somebody else, built as CubeMX's are: LED PB13 toggles every 100 ms by SysTick. Knows the
 * kit and no other file of this repository. */
#include "sureboot.h"

SUREBOOT_APPLICATION("foreign", 2, 1, 0, SUREBOOT_BOARD_ANY, SUREBOOT_WANTS_CONFIRM);

#define REG(addr) (*(volatile uint32_t *)(addr))

static volatile uint32_t milliseconds;
static uint32_t from_data = 0x12345678; /* start-up code works */

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    sureboot_tick();
    if (++milliseconds % 100 == 0)
        REG(0x48000414) ^= 1u << 13; /* GPIOB_ODR */
}

void SystemInit(void);
void SystemInit(void)
{
    REG(0xE000ED08) = 0x08000000; /* VTOR, as older files of ST have it */
}

int main(void)
{
    REG(0x4002104C) |= 2; /* GPIOBEN */
    (void)REG(0x4002104C);
    REG(0x48000400) = (REG(0x48000400) & ~(3u << 26)) | 1u << 26;
    REG(0xE000E014) = 4000 - 1;
    REG(0xE000E018) = 0;
    REG(0xE000E010) = 7;
    while (milliseconds < 250)
        ;
    if (from_data == 0x12345678 && sureboot_report() && sureboot_report()->starts == 0)
        from_data = 0;
    (void)sureboot_confirm();
    while (milliseconds < 1000)
        ;
    sureboot_enter_dfu_in(50);
    for (;;)
        ;
}
