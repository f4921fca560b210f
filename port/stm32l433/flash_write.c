/* Flash erase and program, driven by the FLASH interrupt; the next double word is started in the
 * interrupt that ends the last one. Code and constants are in SRAM then, and nothing in
 * here reads flash while an operation is pending. The boot path has a polled version. RM0394 "FLASH program
 * and erase operations". */
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"

static struct {
    bool busy;    /* until port_flash_done */
    bool running; /* the hardware is at work and will raise EOP or an error */
    enum port_flash_result result;
    uint32_t addr; /* next double word to program */
    const uint8_t *from;
    size_t left; /* bytes; 0: nothing more to start */
} flash;

/* The last line of defence: whatever is asked for, the bootloader itself stays as it is. */
static bool allowed(uint32_t addr, size_t size)
{
    return addr >= SLOT_ADDR && addr - FLASH_ADDR < FLASH_SIZE && size <= FLASH_ADDR + FLASH_SIZE - addr;
}

static void prepare(uint32_t cr)
{
    FLASH->SR = FLASH_SR_CLEAR;      /* an old error flag makes a new operation fail */
    if (FLASH->CR & FLASH_CR_LOCK) { /* keys written while unlocked would lock until the next reset */
        FLASH->KEYR = FLASH_KEY1;
        FLASH->KEYR = FLASH_KEY2;
    }
    FLASH->CR = cr;
}

static void program(uint32_t addr, const uint8_t *from)
{
    volatile uint32_t *to = (volatile uint32_t *)addr;
    uint32_t low, high;
    __builtin_memcpy(&low, from, 4);
    __builtin_memcpy(&high, from + 4, 4);
    to[0] = low;
    __ISB(); /* the two words have to arrive one by one */
    to[1] = high;
}

static void start(uint32_t cr)
{
    flash.busy = flash.running = true;
    flash.result = PORT_FLASH_OK;
    prepare(cr | FLASH_CR_EOPIE | FLASH_CR_ERRIE);
    NVIC_EnableIRQ(FLASH_IRQn);
}

static void fail(void)
{
    flash.busy = true;
    flash.running = false;
    flash.result = PORT_FLASH_ERROR;
    flash.left = 0;
    NVIC_EnableIRQ(FLASH_IRQn);
    NVIC_SetPendingIRQ(FLASH_IRQn);
}

void port_flash_erase(uint32_t page)
{
    if (!allowed(page, FLASH_PAGE_SIZE)) {
        fail();
        return;
    }
    flash.left = 0;
    start(FLASH_CR_PER | (page - FLASH_ADDR) / FLASH_PAGE_SIZE << FLASH_CR_PNB_Pos);
    FLASH->CR |= FLASH_CR_STRT;
}

static bool blank(const uint8_t *from)
{
    uint32_t low, high;
    __builtin_memcpy(&low, from, 4);
    __builtin_memcpy(&high, from + 4, 4);
    return (low & high) == 0xFFFFFFFF;
}

/* Starts the next double word that is not all ones; false if there is none. Programming all ones would
 * write nothing but ECC, and take the chance to write that double word later. */
static bool program_next(void)
{
    while (flash.left > 0) {
        const uint8_t *from = flash.from;
        uint32_t addr = flash.addr;
        flash.from += 8;
        flash.addr += 8;
        flash.left -= 8;
        if (!blank(from)) {
            program(addr, from);
            return true;
        }
    }
    return false;
}

void port_flash_program(uint32_t addr, const void *data, size_t size)
{
    if (addr % 8 || size % 8 || !allowed(addr, size)) {
        fail();
        return;
    }
    flash.addr = addr;
    flash.from = data;
    flash.left = size;
    start(FLASH_CR_PG);
    flash.running = program_next();
    if (!flash.running)
        NVIC_SetPendingIRQ(FLASH_IRQn);
}

bool port_flash_busy(void)
{
    return flash.busy;
}

void FLASH_IRQHandler(void);
void FLASH_IRQHandler(void)
{
    if (!flash.busy)
        return;
    if (flash.running) {
        uint32_t flags = FLASH->SR & FLASH_SR_CLEAR & ~FLASH_SR_OPTVERR;
        if (!flags) /* the last interrupt's flag was seen twice */
            return;
        FLASH->SR = flags;
        if (flags != FLASH_SR_EOP)
            flash.result = flags & FLASH_SR_WRPERR ? PORT_FLASH_PROTECTED : PORT_FLASH_ERROR;
        else if (program_next())
            return;
    }
    FLASH->CR = FLASH_CR_LOCK;
    flash.busy = flash.running = false;
    port_flash_done(flash.result);
}

bool port_flash_protected(uint32_t page)
{
    uint32_t number = (page - FLASH_ADDR) / FLASH_PAGE_SIZE;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t area = i ? FLASH->WRP1BR : FLASH->WRP1AR;
        if (number >= (area & FLASH_WRP1AR_WRP1A_STRT) &&
            number <= (area & FLASH_WRP1AR_WRP1A_END) >> FLASH_WRP1AR_WRP1A_END_Pos)
            return true;
    }
    return false;
}

/* ---- boot path --------------------------------------------------------------------------- */

enum port_flash_result port_flash_program_now(uint32_t addr, const void *data, size_t size)
{
    const uint8_t *from = data;
    uint32_t errors = 0;

    if (addr % 8 || size % 8 || !allowed(addr, size))
        return PORT_FLASH_ERROR;
    prepare(FLASH_CR_PG);
    for (; size > 0 && !errors; size -= 8, addr += 8, from += 8) {
        program(addr, from);
        /* 91 us at most, and the code waits anyway when it is fetched from flash. */
        for (unsigned i = 0; i < 100000 && (FLASH->SR & FLASH_SR_BSY); i++)
            ;
        errors = FLASH->SR & FLASH_SR_CLEAR & ~(FLASH_SR_EOP | FLASH_SR_OPTVERR);
    }
    FLASH->CR = FLASH_CR_LOCK;
    FLASH->SR = FLASH_SR_CLEAR & ~FLASH_SR_OPTVERR;
    return !errors ? PORT_FLASH_OK : errors & FLASH_SR_WRPERR ? PORT_FLASH_PROTECTED : PORT_FLASH_ERROR;
}
