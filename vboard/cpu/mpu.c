/* Memory protection unit: 8 regions with subregions (DDI 0403E B3.5). */
#include "cpu/core.h"

/* RASR.AP: what is allowed, by level. Values 4 is reserved: nothing; 7 is as 6. */
enum { R = 1, W = 2 };
static const uint8_t ap_privileged[8] = {0, R | W, R | W, R | W, 0, R, R, R};
static const uint8_t ap_user[8] = {0, 0, R, R | W, 0, 0, R, R};

/* Region i of the MPU: false if it is off. */
static bool region_span(const struct cpu *cpu, int i, uint32_t *base, uint64_t *size, unsigned *bits)
{
    uint32_t rasr = cpu->mpu_rasr[i];
    *bits = (rasr >> 1 & 31) + 1;
    if (!(rasr & 1) || *bits < 5)
        return false;
    *size = 1ull << *bits;
    *base = cpu->mpu_rbar[i] & ~(uint32_t)(*size - 1) & ~31u;
    return true;
}

/* The region that decides about addr: the one with the highest number; -1: none. */
static int region_of(const struct cpu *cpu, uint32_t addr)
{
    for (int i = CPU_MPU_REGIONS - 1; i >= 0; i--) {
        uint32_t base;
        uint64_t size;
        unsigned bits;
        if (!region_span(cpu, i, &base, &size, &bits) || addr < base || (uint64_t)(addr - base) >= size)
            continue;
        if (bits >= 8 && (cpu->mpu_rasr[i] >> (8 + ((addr - base) >> (bits - 3))) & 1))
            continue; /* subregion disabled */
        return i;
    }
    return -1;
}

/* The default memory map: instruction fetches only from code, SRAM and external RAM (B3.1). */
static bool default_map(uint32_t addr, enum cpu_access access)
{
    return access != CPU_FETCH || addr < 0x40000000 || (addr >= 0x60000000 && addr < 0xa0000000);
}

bool cpu_mpu_allows(const struct cpu *cpu, uint32_t addr, enum cpu_access access, bool privileged)
{
    /* The private peripheral bus always uses the default map. */
    if (!(cpu->mpu_ctrl & MPU_CTRL_ENABLE) || addr >> 20 == 0xe00)
        return default_map(addr, access);
    if (!(cpu->mpu_ctrl & MPU_CTRL_HFNMIENA) && cpu_exec_prio(cpu) < 0)
        return default_map(addr, access);
    int i = region_of(cpu, addr);
    if (i < 0)
        return (cpu->mpu_ctrl & MPU_CTRL_PRIVDEFENA) && privileged && default_map(addr, access);
    uint32_t rasr = cpu->mpu_rasr[i], ap = rasr >> 24 & 7;
    uint8_t may = privileged ? ap_privileged[ap] : ap_user[ap];
    if (access == CPU_STORE)
        return may & W;
    if (!(may & R))
        return false;
    return access == CPU_LOAD || (!(rasr >> 28 & 1) && addr < 0xe0000000);
}

uint32_t cpu_mpu_same_until(const struct cpu *cpu, uint32_t addr)
{
    uint32_t next = UINT32_MAX;
    for (int i = 0; i < CPU_MPU_REGIONS; i++) {
        uint32_t base;
        uint64_t size;
        unsigned bits;
        if (!region_span(cpu, i, &base, &size, &bits))
            continue;
        uint64_t end = (uint64_t)base + (size - 1); /* the last one that is as addr, by this region */
        if (addr < base)
            end = base - 1;
        else if (addr > end)
            continue;
        else if (bits >= 8 && cpu->mpu_rasr[i] >> 8 & 0xff)
            end = addr | ((1u << (bits - 3)) - 1);
        next = end < next ? (uint32_t)end : next;
    }
    /* The default map changes at multiples of 512 MB only. */
    uint32_t map = addr | 0x1fffffff;
    return map < next ? map : next;
}
