/* Flash erase and program, driven by the FLASH interrupt; the next double word is started in the
 * interrupt that ends the last one. Code and constants are in SRAM then, and nothing in
 * here reads flash while an operation is pending. The boot path polls. RM0394 "FLASH program and erase
 * operations". */
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/memory.h"
#include "port/stm32l433/regs.h"

/* Besides the results: the hardware is at work and will raise EOP or an error; the result was told. */
enum { RUNNING = PORT_FLASH_ERROR + 1, TOLD };
struct job {
    uint32_t addr; /* next double word to program */
    const uint8_t *from;
    size_t left; /* bytes; 0: nothing more to start */
    unsigned state;
};
static struct job job; /* of the DFU world */

/* The last line of defence: whatever is asked for, the bootloader itself stays as it is. */
static bool allowed(uint32_t addr, size_t size)
{
    const uint32_t behind = FLASH_ADDR + FLASH_SIZE - SLOT_ADDR;
    uint32_t offset = addr - SLOT_ADDR;
    return offset < behind && size <= behind - offset;
}

/* Starts the next double word that is neither all ones nor there already. Programming all ones would write
 * nothing but ECC, and take the chance to write that double word later. */
static void program_next(struct job *j)
{
    while (j->left > 0) {
        volatile uint32_t *to = (volatile uint32_t *)j->addr;
        uint32_t low, high;
        __builtin_memcpy(&low, j->from, 4);
        __builtin_memcpy(&high, j->from + 4, 4);
        j->from += 8;
        j->addr += 8;
        j->left -= 8;
        if ((low & high) != 0xFFFFFFFF && (to[0] != low || to[1] != high)) {
            to[0] = low;
            __ISB(); /* the two words have to arrive one by one */
            to[1] = high;
            return;
        }
    }
    j->state = PORT_FLASH_OK;
}

/* Programs `size` bytes; from nowhere: erases the page at addr. */
static void start_job(struct job *j, uint32_t addr, const void *data, size_t size)
{
    j->addr = addr;
    j->from = data;
    j->left = size;
    j->state = PORT_FLASH_ERROR;
    if ((addr | size) % 8 || !allowed(addr, size))
        return;
    FLASH->SR = FLASH_SR_CLEAR;      /* an old error flag makes a new operation fail */
    if (FLASH->CR & FLASH_CR_LOCK) { /* keys written while unlocked would lock until the next reset */
        FLASH->KEYR = FLASH_KEY1;
        FLASH->KEYR = FLASH_KEY2;
    }
    j->state = RUNNING;
    uint32_t cr = FLASH_CR_EOPIE | FLASH_CR_ERRIE;
    if (data) {
        FLASH->CR = cr | FLASH_CR_PG;
        program_next(j);
        return;
    }
    cr |= FLASH_CR_PER | (addr - FLASH_ADDR) / FLASH_PAGE_SIZE << FLASH_CR_PNB_Pos;
    FLASH->CR = cr;
    FLASH->CR |= FLASH_CR_STRT;
}

/* Looks whether the hardware is done and starts what comes next. */
static void go_on(struct job *j)
{
    uint32_t flags = FLASH->SR & FLASH_SR_CLEAR & ~FLASH_SR_OPTVERR;
    if (j->state == RUNNING && flags) {
        FLASH->SR = flags;
        if (flags == FLASH_SR_EOP)
            program_next(j);
        else
            j->state = flags & FLASH_SR_WRPERR ? PORT_FLASH_PROTECTED : PORT_FLASH_ERROR;
    }
    if (j->state != RUNNING)
        FLASH->CR = FLASH_CR_LOCK;
}

void port_flash_program(uint32_t addr, const void *data, size_t size)
{
    start_job(&job, addr, data, size);
    NVIC_SetPriority(FLASH_IRQn, 1); /* of two that wait USB's comes first */
    NVIC_EnableIRQ(FLASH_IRQn);
    if (job.state != RUNNING) /* nothing to wait for: the end comes in an interrupt all the same */
        NVIC_SetPendingIRQ(FLASH_IRQn);
}

void port_flash_erase(uint32_t page)
{
    port_flash_program(page, NULL, 0);
}

void FLASH_IRQHandler(void);
void FLASH_IRQHandler(void)
{
    port_lock(); /* neither interrupts the other */
    go_on(&job);
    unsigned state = job.state;
    if (state <= PORT_FLASH_ERROR) { /* an interrupt may be seen twice */
        job.state = TOLD;
        port_flash_done((enum port_flash_result)state);
    }
    port_unlock();
}

/* In the boot path: a job on the stack, and no trace of it in the NVIC. 91 us for each double word at most,
 * and the code waits anyway where it is fetched from flash. */
enum port_flash_result port_flash_program_now(uint32_t addr, const void *data, size_t size)
{
    struct job now;
    start_job(&now, addr, data, size);
    unsigned i = 1u << 17;
    do
        go_on(&now);
    while (now.state == RUNNING && --i);
    NVIC_ClearPendingIRQ(FLASH_IRQn);
    return now.state == RUNNING ? PORT_FLASH_ERROR : (enum port_flash_result)now.state;
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
