/* Memory protection unit: 8 regions with subregions (DDI 0403E B3.5). */
#include "cpu/core.h"

/* RASR.AP: what is allowed, by level. Values 4 is reserved: nothing; 7 is as 6. */
enum { R = 1, W = 2 };
static const uint8_t ap_privileged[8] = {0, R | W, R | W, R | W, 0, R, R, R};
static const uint8_t ap_user[8] = {0, 0, R, R | W, 0, 0, R, R};

/* The region that decides about addr: the one with the highest number; -1: none. */
static int region_of(const struct cpu *cpu, uint32_t addr)
{
    for (int i = CPU_MPU_REGIONS - 1; i >= 0; i--) {
        uint32_t rasr = cpu->mpu_rasr[i], bits = (rasr >> 1 & 31) + 1;
        if (!(rasr & 1) || bits < 5)
            continue;
        uint64_t size = 1ull << bits;
        uint32_t base = cpu->mpu_rbar[i] & ~(uint32_t)(size - 1) & ~31u;
        if ((uint64_t)(addr - base) >= size || addr < base)
            continue;
        if (bits >= 8 && (rasr >> (8 + ((addr - base) >> (bits - 3))) & 1))
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
