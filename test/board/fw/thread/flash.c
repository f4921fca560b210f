/* Flash of the thread's bootloader, for the DFU of rom/dfu.c: programs what comes and does not look whether
 * it worked. */
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"
#include "rom/rom.h"
#include "test/board/fw/thread/habits.h"

static void unlock(void)
{
    FLASH->SR = FLASH_SR_CLEAR;
    if (FLASH->CR & FLASH_CR_LOCK) {
        FLASH->KEYR = FLASH_KEY1;
        FLASH->KEYR = FLASH_KEY2;
    }
}

static void wait(void)
{
    while (FLASH->SR & FLASH_SR_BSY) {
    }
    FLASH->SR = FLASH_SR_CLEAR; /* and whatever it says is gone */
}

void rom_flash_program(uint32_t addr, const uint8_t *data, size_t size)
{
    if (*(volatile uint32_t *)HABITS_ADDR & DROPS_REST)
        size -= size % 8;
    unlock();
    FLASH->CR = FLASH_CR_PG;
    for (size_t at = 0; at < size; at += 8) {
        uint32_t pair[2] = {0xFFFFFFFF, 0xFFFFFFFF};
        volatile uint32_t *to = (volatile uint32_t *)(addr + at);
        __builtin_memcpy(pair, data + at, size - at < 8 ? size - at : 8);
        to[0] = pair[0];
        __ISB(); /* the two words have to arrive one by one */
        to[1] = pair[1];
        wait();
    }
    FLASH->CR = FLASH_CR_LOCK;
}

static void erase(uint32_t what)
{
    unlock();
    FLASH->CR = what;
    FLASH->CR = what | FLASH_CR_STRT;
    wait();
    FLASH->CR = FLASH_CR_LOCK;
}

void rom_flash_erase_page(uint32_t addr)
{
    erase(FLASH_CR_PER | (addr - FLASH_ADDR) / FLASH_PAGE_SIZE << FLASH_CR_PNB_Pos);
}

/* The application's pages: a mass erase would take the bootloader along. */
void rom_flash_erase_all(void)
{
    for (uint32_t at = SLOT_ADDR; at < SLOT_ADDR + SLOT_SIZE; at += FLASH_PAGE_SIZE)
        rom_flash_erase_page(at);
}

bool rom_flash_readable(void)
{
    return true;
}

void rom_option_write(const uint8_t data[ROM_OPTION_SIZE])
{
    (void)data;
    NVIC_SystemReset();
}

void rom_read_unprotect(void)
{
    NVIC_SystemReset();
}
