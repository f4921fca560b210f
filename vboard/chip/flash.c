/* Flash memory and its interface: RM0394 "Embedded Flash memory (FLASH)". */
#include <string.h>

#include "chip/state.h"

bool flash_read(struct chip *c, uint32_t addr, unsigned size, uint32_t *value, bool by_cpu)
{
    (void)by_cpu;
    *value = 0;
    return chip_peek(c, addr, value, size);
}

bool flash_write(struct chip *c, uint32_t addr, unsigned size, uint32_t value)
{
    (void)c, (void)addr, (void)size, (void)value;
    return true;
}

bool flash_fetch(struct chip *c, uint32_t addr)
{
    (void)c, (void)addr;
    return true;
}

void flash_factory_options(struct chip *c)
{
    static const uint32_t factory[OPTION_SIZE / 8] = {0xFFEFF8AA, 0xFFFFFFFF, 0x00FF0000, 0xFF00FFFF,
                                                      0xFF00FFFF};
    for (unsigned i = 0; i < OPTION_SIZE / 8; i++) {
        c->mem.nvm.option[2 * i] = factory[i];
        c->mem.nvm.option[2 * i + 1] = ~factory[i];
    }
}

void flash_load_options(struct chip *c)
{
    c->flash.optr = c->mem.nvm.option[0];
}

bool flash_empty(const struct chip *c)
{
    uint32_t word;
    memcpy(&word, c->mem.nvm.flash, 4);
    return word == UINT32_MAX;
}

void flash_interrupted(struct chip *c)
{
    (void)c;
}

void flash_peek(const struct chip *c, uint32_t off, uint8_t *bytes, size_t size)
{
    memcpy(bytes, c->mem.nvm.flash + off, size);
}

void chip_flash_changed(struct chip *c, uint32_t off, uint32_t size)
{
    cpu_code_changed(c->cpu, FLASH_BASE + off, size);
    cpu_code_changed(c->cpu, off, size);
}

void flash_poke(struct chip *c, uint32_t off, const uint8_t *bytes, size_t size)
{
    memcpy(c->mem.nvm.flash + off, bytes, size);
    chip_flash_changed(c, off, (uint32_t)size);
}

bool flash_busy(const struct chip *c)
{
    (void)c;
    return false;
}
bool flash_needs_hsi16(const struct chip *c)
{
    (void)c;
    return false;
}
uint32_t flash_loaded_optr(const struct chip *c)
{
    return c->flash.optr;
}
void flash_clock_changed(struct chip *c)
{
    (void)c;
}
