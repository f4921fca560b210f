/* A debugger's view of the board: memory, registers, breakpoints, ECC. */
#include "board/internal.h"
#include "chip/state.h"

#define PERIPH_START 0x40000000U

bool vboard_peek(struct vboard *b, uint32_t addr, void *bytes, size_t size)
{
    if (!chip_peek(b->chip, addr, bytes, size))
        return refuse(&b->error, "%zu bytes at 0x%08X are not all readable", size, addr);
    return true;
}

/* As a probe writes it: in one access. */
static bool poke_register(struct vboard *b, uint32_t addr, const uint8_t *bytes, size_t size)
{
    uint32_t value = 0;
    if ((size != 1 && size != 2 && size != 4) || addr % size != 0 || addr < PERIPH_START)
        return false;
    for (size_t i = 0; i < size; i++)
        value |= (uint32_t)bytes[i] << (8 * i);
    return chip_debug_write(b->chip, addr, (unsigned)size, value);
}

bool vboard_poke(struct vboard *b, uint32_t addr, const void *bytes, size_t size)
{
    return chip_poke(b->chip, addr, bytes, size) || poke_register(b, addr, bytes, size) ||
           refuse(&b->error, "%zu bytes at 0x%08X are not all memory, nor a register of a chip with power",
                  size, addr);
}

uint32_t vboard_peek32(struct vboard *b, uint32_t addr)
{
    uint32_t value;
    return chip_peek(b->chip, addr, &value, sizeof value) ? value : 0;
}

uint32_t vboard_reg(struct vboard *b, unsigned n)
{
    return cpu_reg(chip_cpu(b->chip), n);
}

void vboard_set_reg(struct vboard *b, unsigned n, uint32_t value)
{
    cpu_set_reg(chip_cpu(b->chip), n, value);
}

uint64_t vboard_cycles(const struct vboard *b)
{
    return cpu_cycles(chip_cpu(b->chip)) - b->state.cycles_at_power_on;
}

bool vboard_break(struct vboard *b, uint32_t addr, bool set)
{
    return cpu_break(chip_cpu(b->chip), addr, set) ||
           refuse(&b->error, set ? "no more than %d breakpoints" : "%d breakpoints, and none is there",
                  CPU_BREAKS);
}

void vboard_where(struct vboard *b, uint32_t pc, const char **function, const char **line)
{
    symbols_find(b->symbols, pc, &b->where);
    *function = b->where.function[0] != '\0' ? b->where.function : NULL;
    *line = b->where.line[0] != '\0' ? b->where.line : NULL;
}

bool vboard_watchdog(const struct vboard *b)
{
    const uint32_t wdga = 1U << 7; /* WWDG_CR */
    return b->chip->iwdg.running || (b->chip->wwdg.cr & wdga) != 0;
}

bool vboard_ecc_damage(struct vboard *b, uint32_t addr, unsigned bits)
{
    return chip_ecc_damage(b->chip, addr, bits) ||
           refuse(&b->error, "0x%08X is no double word of flash, or %u bits cannot be damaged", addr, bits);
}

uint64_t vboard_flash_stall(const struct vboard *b)
{
    return chip_flash_stall(b->chip);
}

void vboard_flash_stall_clear(struct vboard *b)
{
    chip_flash_stall_clear(b->chip);
}
