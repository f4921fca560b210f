/* Data accesses off the fast path: alignment, MPU, bit-banding, private peripheral bus, regions that
 * are not direct, and everything that is the owner's (cpu_env). */
#include "cpu/code.h"
#include "cpu/core.h"

#include <string.h>

static uint32_t get(const uint8_t *p, unsigned size)
{
    uint32_t v = 0;
    memcpy(&v, p, size); /* little-endian host, as the target */
    return v;
}

/* Bit-band alias (DDI 0439 3.7): word n of the alias is bit n of the first megabyte of SRAM or
 * peripherals. The transfer below has the size of the access. */
static inline bool bit_band(uint32_t addr, unsigned size, uint32_t *target, unsigned *bit)
{
    if ((addr & 0xfe000000) != 0x22000000 && (addr & 0xfe000000) != 0x42000000)
        return false;
    uint32_t n = (addr & 0x01ffffff) >> 2, byte = (addr & 0xf0000000) + (n >> 3);
    *target = byte & ~(size - 1);
    *bit = (byte & (size - 1)) * 8 + (n & 7);
    return true;
}

bool cpu_bus_read(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t *value)
{
    uint32_t target;
    unsigned bit;
    if (bit_band(addr, size, &target, &bit)) {
        if (!cpu_bus_read(cpu, target, size, privileged, value))
            return false;
        *value = *value >> bit & 1;
        return true;
    }
    if (addr >> 20 == 0xe00) {
        bool known = true, ok = cpu_ppb_read(cpu, addr, size, privileged, value, &known);
        if (known)
            return ok;
    }
    const struct cpu_region *r = code_find(cpu, addr);
    if (r != NULL && r->data) {
        *value = get(r->bytes + (addr - r->base), size);
        return true;
    }
    if (!cpu->env.read(cpu->owner, addr, size, privileged, value))
        return false;
    if (size < 4)
        *value &= (1u << size * 8) - 1;
    return true;
}

bool cpu_bus_write(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t value)
{
    uint32_t target, old;
    unsigned bit;
    if (bit_band(addr, size, &target, &bit)) {
        if (!cpu_bus_read(cpu, target, size, privileged, &old))
            return false;
        return cpu_bus_write(cpu, target, size, privileged, (old & ~(1u << bit)) | (value & 1) << bit);
    }
    if (addr >> 20 == 0xe00) {
        bool known = true, ok = cpu_ppb_write(cpu, addr, size, privileged, value, &known);
        if (known)
            return ok;
    }
    if (size < 4)
        value &= (1u << size * 8) - 1;
    const struct cpu_region *r = code_find(cpu, addr);
    if (r != NULL && r->writable) {
        memcpy(r->bytes + (addr - r->base), &value, size);
        code_written(cpu, r->bytes + (addr - r->base), size);
        return true;
    }
    return cpu->env.write(cpu->owner, addr, size, privileged, value);
}

bool cpu_aligned(struct cpu *cpu, uint32_t addr, unsigned size)
{
    return (addr & (size - 1)) == 0 || cpu_raise(cpu, EXC_USAGE, CFSR_UNALIGNED);
}

static bool violation(struct cpu *cpu, uint32_t addr)
{
    cpu->mmfar = addr;
    return cpu_raise(cpu, EXC_MEM, CFSR_DACCVIOL | CFSR_MMARVALID);
}

static bool precise(struct cpu *cpu, uint32_t addr)
{
    cpu->bfar = addr;
    return cpu_raise(cpu, EXC_BUS, CFSR_PRECISERR | CFSR_BFARVALID);
}

/* With CCR.BFHFNMIGN handlers of NMI and HardFault, and code under FAULTMASK, ignore bus errors of
 * their data accesses (B3.2.8). */
static bool ignored(struct cpu *cpu)
{
    return (cpu->ccr & CCR_BFHFNMIGN) && cpu_exec_prio(cpu) < 0;
}

/* Splits an unaligned access into aligned ones, as the bus unit does; each costs a cycle more. */
static unsigned piece(uint32_t addr, unsigned left)
{
    return (addr & 1) || left < 2 ? 1 : (addr & 2) || left < 4 ? 2 : 4;
}

static bool may_be_unaligned(struct cpu *cpu, uint32_t addr)
{
    if ((cpu->ccr & CCR_UNALIGN_TRP) || addr >= 0xe0000000)
        return cpu_raise(cpu, EXC_USAGE, CFSR_UNALIGNED);
    return true;
}

static bool no_load(struct cpu *cpu, uint32_t addr, uint32_t *value)
{
    *value = 0;
    if (!ignored(cpu))
        return precise(cpu, addr);
    cpu->bfar = addr; /* the status tells: so firmware probes addresses, RIOT's cpu_check_address for one */
    cpu->cfsr |= CFSR_PRECISERR | CFSR_BFARVALID;
    return true;
}

/* With comparators. The FPB leaves unaligned loads alone (DDI 0439 8.3). */
static __attribute__((noinline)) bool load_compared(struct cpu *cpu, uint32_t addr, unsigned size,
                                                    bool privileged, uint32_t *value, const uint32_t *whole)
{
    if (!cpu_bus_read(cpu, whole != NULL ? addr : cpu_fpb_loaded_from(cpu, addr), size, privileged, value))
        return no_load(cpu, whole != NULL ? *whole : addr, value);
    cpu_watch_hit(cpu, addr, size, false, *value);
    return true;
}

/* One aligned piece; whole: the address of the unaligned access that it is of, or NULL. BFAR tells that one,
 * MMFAR the piece that was refused (PM0214 4.4.15, 4.4.14). */
static inline bool load_piece(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t *value,
                              const uint32_t *whole)
{
    if (!cpu_mpu_allows(cpu, addr, CPU_LOAD, privileged))
        return violation(cpu, addr);
    if (cpu->data_compared)
        return load_compared(cpu, addr, size, privileged, value, whole);
    return cpu_bus_read(cpu, addr, size, privileged, value) ||
           no_load(cpu, whole != NULL ? *whole : addr, value);
}

bool cpu_load(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t *value)
{
    if ((addr & (size - 1)) == 0)
        return load_piece(cpu, addr, size, privileged, value, NULL);
    if (!may_be_unaligned(cpu, addr))
        return false;
    *value = 0;
    for (unsigned done = 0, n; done < size; done += n) {
        uint32_t part = 0;
        n = piece(addr + done, size - done);
        if (!load_piece(cpu, addr + done, n, privileged, &part, &addr))
            return false;
        *value |= part << (done * 8 & 31);
        cpu->left -= done != 0;
    }
    return true;
}

/* Bus errors of stores arrive late, because the write buffer has let the processor go on, unless
 * ACTLR.DISDEFWBUF turns it off. The private bus is not buffered. */
static bool store_piece(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t value,
                        const uint32_t *whole)
{
    if (!cpu_mpu_allows(cpu, addr, CPU_STORE, privileged))
        return violation(cpu, addr);
    cpu_watch_check(cpu, addr, size, true, value);
    if (cpu_bus_write(cpu, addr, size, privileged, value) || ignored(cpu))
        return true;
    if ((cpu->actlr & ACTLR_DISDEFWBUF) || addr >= 0xe0000000)
        return precise(cpu, whole != NULL ? *whole : addr);
    cpu_pend_async_bus_fault(cpu);
    return true;
}

bool cpu_store(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t value)
{
    if ((addr & (size - 1)) == 0)
        return store_piece(cpu, addr, size, privileged, value, NULL);
    if (!may_be_unaligned(cpu, addr))
        return false;
    for (unsigned done = 0, n; done < size; done += n) {
        n = piece(addr + done, size - done);
        if (!store_piece(cpu, addr + done, n, privileged, value >> done * 8, &addr))
            return false;
        cpu->left -= done != 0;
    }
    return true;
}
