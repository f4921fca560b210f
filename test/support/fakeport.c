/* Flash on the PC. */
#include "fakeport.h"
#include <assert.h>
#include <string.h>

struct fake fake;

void fake_init(void)
{
    memset(&fake, 0, sizeof fake);
    memset(fake.flash, 0xFF, sizeof fake.flash);
    fake.random = 1;
}

void fake_power_on(void)
{
    fake.off = fake.busy = false;
    fake.cut_at = 0;
    fake.left = 0;
}

uint32_t fake_random(void)
{
    fake.random ^= fake.random << 13;
    fake.random ^= fake.random >> 17;
    fake.random ^= fake.random << 5;
    return fake.random;
}

uint32_t fake_crc(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *at = data;
    crc = ~crc;
    while (size-- > 0) {
        crc ^= *at++;
        for (unsigned i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

/* ---- reading ----------------------------------------------------------------------------- */

bool port_flash_read(uint32_t addr, void *to, size_t size, uint32_t *bad)
{
    assert(!fake.busy); /* on the chip this would stall */
    assert(addr >= FLASH_ADDR && addr - FLASH_ADDR + size <= FLASH_SIZE);
    uint32_t at = addr - FLASH_ADDR;
    fake.reads++;
    memcpy(to, fake.flash + at, size);
    for (uint32_t i = at / 8; i < (at + size + 7) / 8; i++) {
        if (fake.unreadable[i]) {
            if (bad)
                *bad = FLASH_ADDR + 8 * i;
            return false;
        }
    }
    return true;
}

uint32_t port_crc(uint32_t crc, const void *data, size_t size)
{
    return fake_crc(crc, data, size);
}

bool port_flash_crc(uint32_t addr, size_t size, uint32_t *crc, uint32_t *bad)
{
    static uint8_t copy[FLASH_SIZE];
    bool ok = port_flash_read(addr, copy, size, bad);
    *crc = fake_crc(*crc, copy, size);
    return ok;
}

bool port_flash_protected(uint32_t page)
{
    return !fake.hide_protection && fake.protected_page[(page - FLASH_ADDR) / FLASH_PAGE_SIZE];
}

void port_forget_image(void)
{
    fake.forgotten++;
}

/* ---- writing ----------------------------------------------------------------------------- */

static uint64_t torn(uint64_t before, uint64_t after)
{
    uint64_t mask = (uint64_t)fake_random() << 32 | fake_random();
    return (before & mask) | (after & ~mask);
}

/* Sets a double word, as far as power lets it. */
static void set(uint32_t i, uint64_t value, bool cut)
{
    uint64_t before;
    memcpy(&before, fake.flash + 8 * i, 8);
    if (cut && fake.cut == FAKE_BEFORE)
        return;
    if (cut && fake.cut == FAKE_TORN) {
        value = torn(before, value);
        fake.unreadable[i] = fake_random() % 4 != 0;
        fake.weak[i] = true;
    } else {
        fake.unreadable[i] = false;
        fake.weak[i] = false;
    }
    memcpy(fake.flash + 8 * i, &value, 8);
}

static bool counts_as_cut(void)
{
    fake.operations++;
    if (fake.operations != fake.cut_at)
        return false;
    fake.off = true;
    return true;
}

static enum port_flash_result erase(uint32_t page)
{
    uint32_t number = (page - FLASH_ADDR) / FLASH_PAGE_SIZE, first = (page - FLASH_ADDR) / 8;
    if (fake.protected_page[number])
        return PORT_FLASH_PROTECTED;
    if (fake.dead_page[number])
        return PORT_FLASH_ERROR;
    bool cut = counts_as_cut();
    fake.erases++;
    for (uint32_t i = 0; i < FLASH_PAGE_SIZE / 8; i++)
        set(first + i, UINT64_MAX, cut);
    return PORT_FLASH_OK;
}

static enum port_flash_result program(uint32_t addr, const uint8_t *from)
{
    uint32_t i = (addr - FLASH_ADDR) / 8;
    uint64_t is, value;
    memcpy(&is, fake.flash + 8 * i, 8);
    memcpy(&value, from, 8);
    if (value == UINT64_MAX || value == is)
        return PORT_FLASH_OK;
    if (fake.protected_page[(addr - FLASH_ADDR) / FLASH_PAGE_SIZE])
        return PORT_FLASH_PROTECTED;
    if (fake.worn[i] || ((is != UINT64_MAX || fake.weak[i] || fake.unreadable[i]) && value != 0))
        return PORT_FLASH_ERROR; /* PROGERR */
    bool cut = counts_as_cut();
    fake.programs++;
    if (!fake.stuck[i] || cut)
        set(i, value, cut);
    return PORT_FLASH_OK;
}

void fake_step(void)
{
    enum port_flash_result r = PORT_FLASH_OK;
    if (!fake.busy || fake.off)
        return;
    fake.steps++;
    if (fake.steps == fake.error_at_step) {
        r = PORT_FLASH_ERROR;
    } else if (fake.erasing) {
        fake.ms += 22;
        r = erase(fake.addr);
    } else {
        uint32_t began = fake.programs;
        for (; fake.left > 0 && r == PORT_FLASH_OK && !fake.off;
             fake.left -= 8, fake.addr += 8, fake.from += 8)
            r = program(fake.addr, fake.from);
        fake.ms += (fake.programs - began) * 82 / 1000;
    }
    if (fake.off)
        return;
    fake.busy = false;
    if (fake.done)
        fake.done(r);
}

void port_flash_erase(uint32_t page)
{
    assert(!fake.busy && page % FLASH_PAGE_SIZE == 0 && page >= SLOT_ADDR && page < FLASH_ADDR + FLASH_SIZE);
    fake.busy = fake.erasing = true;
    fake.addr = page;
}

void port_flash_program(uint32_t addr, const void *data, size_t size)
{
    assert(!fake.busy && addr % 8 == 0 && size % 8 == 0 && addr >= SLOT_ADDR &&
           addr - FLASH_ADDR + size <= FLASH_SIZE);
    assert(size == 0 || addr / FLASH_PAGE_SIZE == (addr + size - 1) / FLASH_PAGE_SIZE);
    fake.busy = true;
    fake.erasing = false;
    fake.addr = addr;
    fake.from = data;
    fake.left = size;
}

enum port_flash_result port_flash_program_now(uint32_t addr, const void *data, size_t size)
{
    enum port_flash_result r = PORT_FLASH_OK;
    const uint8_t *from = data;
    assert(!fake.busy);
    for (; size > 0 && r == PORT_FLASH_OK && !fake.off; size -= 8, addr += 8, from += 8)
        r = program(addr, from);
    return r;
}

/* ---- the rest ---------------------------------------------------------------------------- */

uint32_t port_ms(void)
{
    return fake.ms;
}

void port_watchdog(void)
{
    fake.fed++;
}

void port_lock(void) {}

void port_unlock(void) {}
