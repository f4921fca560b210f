/* Flash and option bytes for the ROM stand-in. Its code is in the same memory, so the bus waits wherever
 * it polls. Error flags are cleared once, at the start: what goes wrong later makes everything after it
 * fail, unreported (AN2606 and AN3156 warn of it). */
#include "port/stm32l433/caches.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"
#include "rom/rom.h"

void rom_flash_open(void)
{
    FLASH->SR = FLASH_SR_CLEAR;
    if (FLASH->CR & FLASH_CR_LOCK) {
        FLASH->KEYR = FLASH_KEY1;
        FLASH->KEYR = FLASH_KEY2;
    }
    if (FLASH->CR & FLASH_CR_OPTLOCK) {
        FLASH->OPTKEYR = FLASH_OPTKEY1;
        FLASH->OPTKEYR = FLASH_OPTKEY2;
    }
}

bool rom_flash_readable(void)
{
    return (FLASH->OPTR & FLASH_OPTR_RDP) == 0xAA;
}

static void wait(void)
{
    while (FLASH->SR & FLASH_SR_BSY)
        ;
}

void rom_flash_program(uint32_t addr, const uint8_t *data, size_t size)
{
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
    FLASH->CR = 0;
}

static void erase(uint32_t what)
{
    FLASH->CR = what;
    FLASH->CR = what | FLASH_CR_STRT;
    wait();
    FLASH->CR = 0;
    flash_caches_reset(); /* or after leave the new program would run into the one that jumped here */
}

void rom_flash_erase_page(uint32_t addr)
{
    erase(FLASH_CR_PER | (addr - FLASH_ADDR) / FLASH_PAGE_SIZE << FLASH_CR_PNB_Pos);
}

void rom_flash_erase_all(void)
{
    erase(FLASH_CR_MER1);
}

__attribute__((noreturn)) static void store_options(void)
{
    FLASH->CR = FLASH_CR_OPTSTRT;
    wait();
    FLASH->CR = FLASH_CR_OBL_LAUNCH;
    for (;;)
        ; /* the load resets the chip */
}

/* Five double words of value and complement. PCROP stays as it is (AN2606, limitations of V9.1). */
void rom_option_write(const uint8_t data[ROM_OPTION_SIZE])
{
    uint32_t words[ROM_OPTION_SIZE / 4];
    __builtin_memcpy(words, data, sizeof words);
    FLASH->OPTR = words[0];
    FLASH->WRP1AR = words[6];
    FLASH->WRP1BR = words[8];
    store_options();
}

/* RDP from level 1 to 0: the hardware erases main flash, SRAM2 and backup registers (RM0394). */
void rom_read_unprotect(void)
{
    FLASH->OPTR = (FLASH->OPTR & ~FLASH_OPTR_RDP) | 0xAA;
    store_options();
}
