/* Private peripheral bus: system control space and the debug and trace blocks as a program without a
 * debugger finds them (DDI 0403E B3.2, B3.3, B3.5, C1.6; DDI 0439 for what the Cortex-M4 implements).
 * Registers that only hold bits are rows of a table; the others have functions. */
#include "cpu/code.h"
#include "cpu/core.h"

#include <stddef.h>

/* Behind the stimulus ports, which are for programs without privilege, too. */
#define ITM_STIM_END 0xe0000080u
#define ITM_LAR      0xe0000fb0u
#define ITM_LSR      0xe0000fb4u
#define DWT          0xe0001000u /* dwt.c */
#define FPB          0xe0002000u /* fpb.c */
#define SYST_CSR     0xe000e010u
#define SYST_CALIB   0xe000e01cu
#define NVIC_ISER    0xe000e100u
#define NVIC_ICER    0xe000e180u
#define NVIC_ISPR    0xe000e200u
#define NVIC_ICPR    0xe000e280u
#define NVIC_IABR    0xe000e300u
#define NVIC_IPR     0xe000e400u
#define ICSR         0xe000ed04u
#define AIRCR        0xe000ed0cu
#define SHPR1        0xe000ed18u
#define SHPR3        0xe000ed20u
#define SHCSR        0xe000ed24u
#define CFSR         0xe000ed28u
#define HFSR         0xe000ed2cu
#define DFSR         0xe000ed30u
#define MPU_RBAR     0xe000ed9cu
#define MPU_RASR_A3  0xe000edb8u
#define DHCSR        0xe000edf0u
#define DEMCR        0xe000edfcu
#define STIR         0xe000ef00u

/* ---- registers that hold bits ------------------------------------------------------------ */

struct plain {
    uint32_t addr, mask; /* writable bits */
    size_t offset;       /* in struct cpu */
};
#define FIELD(name) offsetof(struct cpu, name)
static const struct plain plain[] = {
    {0xe0000e00, 0xffffffff, FIELD(itm_ter)},   {0xe0000e40, 0x0000000f, FIELD(itm_tpr)},
    {0xe0000e80, 0x007f0f1f, FIELD(itm_tcr)},   {0xe000e008, 0x00000307, FIELD(actlr)},
    {0xe000ed08, 0xffffff80, FIELD(vtor)},      {0xe000ed10, 0x00000016, FIELD(scr)},
    {0xe000ed14, 0x0000031b, FIELD(ccr)},       {0xe000ed34, 0xffffffff, FIELD(mmfar)},
    {0xe000ed38, 0xffffffff, FIELD(bfar)},      {0xe000ed88, 0x00f00000, FIELD(cpacr)},
    {0xe000ed94, 0x00000007, FIELD(mpu_ctrl)},  {0xe000ed98, 0x00000007, FIELD(mpu_rnr)},
    {0xe000ef34, 0xc000017b, FIELD(fpccr)},     {0xe000ef38, 0xfffffff8, FIELD(fpcar)},
    {0xe000ef3c, 0x07c00000, FIELD(fpdscr)},    {0xe0040004, 0x0000000f, FIELD(tpiu_cspsr)},
    {0xe0040010, 0x00001fff, FIELD(tpiu_acpr)}, {0xe00400f0, 0x00000003, FIELD(tpiu_sppr)},
    {0xe0040304, 0x00000102, FIELD(tpiu_ffcr)},
};

static uint32_t *plain_field(struct cpu *cpu, uint32_t addr, uint32_t *mask)
{
    size_t lo = 0, hi = sizeof plain / sizeof *plain;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (plain[mid].addr == addr) {
            *mask = plain[mid].mask;
            return (uint32_t *)(void *)((char *)cpu + plain[mid].offset);
        }
        if (plain[mid].addr < addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* ---- NVIC -------------------------------------------------------------------------------- */

/* 32 external interrupts, from bits that are kept by exception number. */
static uint32_t irq_word(const uint32_t *bits, unsigned n)
{
    uint32_t lo = bits[n] >> 16, hi = n + 1 < EXC_WORDS ? bits[n + 1] << 16 : 0;
    return lo | hi;
}

static uint32_t implemented(unsigned n)
{
    unsigned left = n * 32 < CPU_IRQS ? CPU_IRQS - n * 32 : 0;
    return left >= 32 ? 0xffffffff : (1u << left) - 1;
}

static uint32_t nvic_read(const struct cpu *cpu, uint32_t addr)
{
    unsigned n = (addr & 0x7f) >> 2;
    if (n >= EXC_WORDS - 1 && addr < NVIC_IPR)
        return 0;
    switch (addr >> 7) {
    case NVIC_ISER >> 7:
    case NVIC_ICER >> 7: return irq_word(cpu->enabled, n);
    case NVIC_ISPR >> 7:
    case NVIC_ICPR >> 7: return irq_word(cpu->pending, n);
    case NVIC_IABR >> 7: return irq_word(cpu->active, n);
    default: return 0;
    }
}

static void nvic_write(struct cpu *cpu, uint32_t addr, uint32_t value)
{
    unsigned n = (addr & 0x7f) >> 2;
    value &= implemented(n);
    for (; value != 0; value &= value - 1) {
        unsigned exc = EXC_IRQ + n * 32 + (unsigned)__builtin_ctz(value);
        switch (addr >> 7) {
        case NVIC_ISER >> 7: exc_put(cpu->enabled, exc, true); break;
        case NVIC_ICER >> 7: exc_put(cpu->enabled, exc, false); break;
        case NVIC_ISPR >> 7: cpu_pend(cpu, exc); break;
        case NVIC_ICPR >> 7: /* has no effect while the line asks, unless the handler runs */
            exc_put(cpu->pending, exc, exc_get(cpu->level, exc) && !exc_get(cpu->active, exc));
            break;
        default: break;
        }
    }
    cpu_attention(cpu);
}

/* Priorities, four exceptions a word, from exception `first`. */
static uint32_t prio_read(const struct cpu *cpu, unsigned first)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < 4 && first + i < EXC_COUNT; i++)
        v |= (uint32_t)cpu->prio[first + i] << 8 * i;
    return v;
}

static void prio_write(struct cpu *cpu, unsigned first, uint32_t value, uint32_t lanes)
{
    for (unsigned i = 0; i < 4 && first + i < EXC_COUNT; i++) {
        unsigned exc = first + i;
        bool reserved = exc < EXC_MEM || (exc > EXC_USAGE && exc < EXC_SVC) || exc == 13;
        if ((lanes >> 8 * i & 0xff) && !reserved)
            cpu->prio[exc] = value >> 8 * i & 0xf0;
    }
    cpu_attention(cpu);
}

/* ---- system control block ---------------------------------------------------------------- */

/* RETTOBASE in Thread mode: 0 as the value after a reset in PM0214 4.4.3, whose description of the bit would
 * have it 1; DDI 0403E leaves it UNKNOWN, as remembered. */
static uint32_t icsr_read(const struct cpu *cpu)
{
    uint32_t external = (cpu->pending[0] & 0xffff0000) | cpu->pending[1] | cpu->pending[2] | cpu->pending[3];
    return (uint32_t)exc_get(cpu->pending, EXC_NMI) << 31 |
           (uint32_t)exc_get(cpu->pending, EXC_PENDSV) << 28 |
           (uint32_t)exc_get(cpu->pending, EXC_SYSTICK) << 26 | (external != 0 ? 1u << 22 : 0) |
           cpu_vect_pending(cpu) << 12 | (cpu->ipsr != 0 && cpu_active_count(cpu) <= 1 ? 1u << 11 : 0) |
           cpu->ipsr;
}

static void icsr_write(struct cpu *cpu, uint32_t v)
{
    if (v >> 31)
        cpu_pend(cpu, EXC_NMI);
    if (v >> 28 & 1)
        cpu_pend(cpu, EXC_PENDSV);
    else if (v >> 27 & 1)
        exc_put(cpu->pending, EXC_PENDSV, false);
    if (v >> 26 & 1)
        cpu_pend(cpu, EXC_SYSTICK);
    else if (v >> 25 & 1)
        exc_put(cpu->pending, EXC_SYSTICK, false);
}

static void aircr_write(struct cpu *cpu, uint32_t v)
{
    if (v >> 16 != 0x05fa)
        return;
    cpu->prigroup = v >> 8 & 7;
    cpu->reset_request = cpu->reset_request || (v & 4);
    cpu->vect_reset = cpu->vect_reset || (v & 1);
    cpu_attention(cpu);
}

/* SHCSR: which state of which exception each bit is. */
static const struct {
    uint8_t bit, exc;
    size_t offset;
} shcsr[] = {
    {0, EXC_MEM, FIELD(active)},      {1, EXC_BUS, FIELD(active)},     {3, EXC_USAGE, FIELD(active)},
    {7, EXC_SVC, FIELD(active)},      {8, EXC_DEBUG, FIELD(active)},   {10, EXC_PENDSV, FIELD(active)},
    {11, EXC_SYSTICK, FIELD(active)}, {12, EXC_USAGE, FIELD(pending)}, {13, EXC_MEM, FIELD(pending)},
    {14, EXC_BUS, FIELD(pending)},    {15, EXC_SVC, FIELD(pending)},   {16, EXC_MEM, FIELD(enabled)},
    {17, EXC_BUS, FIELD(enabled)},    {18, EXC_USAGE, FIELD(enabled)},
};
enum { SHCSR_BITS = sizeof shcsr / sizeof *shcsr };

static uint32_t shcsr_read(const struct cpu *cpu)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < SHCSR_BITS; i++)
        v |= (uint32_t)exc_get((const uint32_t *)(const void *)((const char *)cpu + shcsr[i].offset),
                               shcsr[i].exc)
             << shcsr[i].bit;
    return v;
}

static void shcsr_write(struct cpu *cpu, uint32_t v)
{
    for (unsigned i = 0; i < SHCSR_BITS; i++)
        exc_put((uint32_t *)(void *)((char *)cpu + shcsr[i].offset), shcsr[i].exc, v >> shcsr[i].bit & 1);
    cpu_attention(cpu);
}

/* ---- MPU --------------------------------------------------------------------------------- */

/* RBAR and RASR and their three aliases; RBAR.VALID selects the region that is written. */
static uint32_t mpu_read(const struct cpu *cpu, uint32_t addr)
{
    return addr & 4 ? cpu->mpu_rbar[cpu->mpu_rnr] | cpu->mpu_rnr : cpu->mpu_rasr[cpu->mpu_rnr];
}

static void mpu_write(struct cpu *cpu, uint32_t addr, uint32_t v)
{
    if (!(addr & 4)) {
        cpu->mpu_rasr[cpu->mpu_rnr] = v & 0x173fff3f;
        return;
    }
    if (v & 0x10)
        cpu->mpu_rnr = v & 7;
    cpu->mpu_rbar[cpu->mpu_rnr] = v & 0xffffffe0;
}

/* ---- SysTick ----------------------------------------------------------------------------- */

static uint32_t systick_read(struct cpu *cpu, uint32_t addr, bool effects)
{
    uint32_t v;
    if (effects)
        cpu_systick_sync(cpu);
    switch (addr & 0xf) {
    case 0x0:
        v = cpu->st_ctrl;
        if (effects)
            cpu->st_ctrl &= ~0x10000u;
        return v;
    case 0x4: return cpu->st_load;
    default: return cpu->st_val;
    }
}

static void systick_write(struct cpu *cpu, uint32_t addr, uint32_t v)
{
    cpu_systick_sync(cpu);
    switch (addr & 0xf) {
    case 0x0: cpu->st_ctrl = (cpu->st_ctrl & 0x10000) | (v & 7); break;
    case 0x4: cpu->st_load = v & 0xffffff; break;
    default:
        cpu->st_val = 0;
        cpu->st_ctrl &= ~0x10000u;
        break;
    }
    cpu_attention(cpu); /* the next expiry is another one */
}

/* ---- the bus ----------------------------------------------------------------------------- */

static bool ours(uint32_t addr)
{
    uint32_t block = addr >> 12;
    return (block >= 0xe0000 && block <= 0xe0002) || block == 0xe000e || block == 0xe0040 || block == 0xe00ff;
}

/* A word; reserved ones read as zero. */
static uint32_t read_word(struct cpu *cpu, uint32_t addr, bool effects)
{
    uint32_t mask;
    uint32_t *field = plain_field(cpu, addr, &mask);
    if (field != NULL)
        return *field;
    uint32_t constant;
    if (cpu_ppb_constant(addr, &constant))
        return constant;
    if (addr < ITM_STIM_END)
        return cpu_itm_read(cpu, (addr & 0x7f) / 4, effects);
    if (addr == ITM_LSR)
        return cpu_itm_lsr(cpu);
    if (addr >> 12 == DWT >> 12)
        return cpu_dwt_read(cpu, addr, effects);
    if (addr >> 12 == FPB >> 12)
        return cpu_fpb_read(cpu, addr);
    if (addr >= SYST_CSR && addr < SYST_CALIB)
        return systick_read(cpu, addr, effects);
    if (addr >= NVIC_ISER && addr < NVIC_IPR)
        return nvic_read(cpu, addr);
    if (addr >= NVIC_IPR && addr < NVIC_IPR + CPU_IRQS)
        return prio_read(cpu, EXC_IRQ + (addr - NVIC_IPR));
    if (addr >= SHPR1 && addr <= SHPR3)
        return prio_read(cpu, 4 + (addr - SHPR1));
    if (addr >= MPU_RBAR && addr <= MPU_RASR_A3)
        return mpu_read(cpu, addr);
    switch (addr) {
    case ICSR: return icsr_read(cpu);
    case AIRCR: return 0xfa050000 | cpu->prigroup << 8;
    case SHCSR: return shcsr_read(cpu);
    case CFSR: return cpu->cfsr;
    case HFSR: return cpu->hfsr;
    case DFSR: return cpu->dfsr;
    case DHCSR: return cpu_dhcsr(cpu);
    case DEMCR: return cpu_demcr(cpu);
    default: return 0;
    }
}

/* lanes: 0xff for each byte written. */
static void write_word(struct cpu *cpu, uint32_t addr, uint32_t v, uint32_t lanes)
{
    uint32_t mask;
    uint32_t *field = plain_field(cpu, addr, &mask);
    if (addr >> 12 == 0xe0000 && field != NULL && !cpu->itm_unlocked)
        return;
    if (field != NULL) {
        *field = (*field & ~(mask & lanes)) | (v & mask & lanes);
        cpu_mode_changed(cpu);
        cpu_attention(cpu);
        return;
    }
    if (addr >= NVIC_IPR && addr < NVIC_IPR + CPU_IRQS) {
        prio_write(cpu, EXC_IRQ + (addr - NVIC_IPR), v, lanes);
        return;
    }
    if (addr >= SHPR1 && addr <= SHPR3) {
        prio_write(cpu, 4 + (addr - SHPR1), v, lanes);
        return;
    }
    if (addr >= MPU_RBAR && addr <= MPU_RASR_A3) {
        mpu_write(cpu, addr, v);
        cpu_mode_changed(cpu);
        return;
    }
    if (addr >= NVIC_ISER && addr < NVIC_IABR) {
        nvic_write(cpu, addr, v & lanes);
        return;
    }
    if (addr >= SYST_CSR && addr < SYST_CALIB) {
        systick_write(cpu, addr, v);
        return;
    }
    if (addr >> 12 == DWT >> 12) {
        cpu_dwt_write(cpu, addr, (cpu_dwt_read(cpu, addr, false) & ~lanes) | (v & lanes));
        return;
    }
    if (addr >> 12 == FPB >> 12) {
        cpu_fpb_write(cpu, addr, (cpu_fpb_read(cpu, addr) & ~lanes) | (v & lanes));
        return;
    }
    switch (addr) {
    case ITM_LAR: cpu_itm_lar(cpu, v); break;
    case ICSR: icsr_write(cpu, v & lanes); break;
    case AIRCR: aircr_write(cpu, v & lanes); break;
    case SHCSR: shcsr_write(cpu, (shcsr_read(cpu) & ~lanes) | (v & lanes)); break;
    case CFSR: cpu->cfsr &= ~(v & lanes); break;
    case HFSR: cpu->hfsr &= ~(v & lanes); break;
    case DFSR: cpu->dfsr &= ~(v & lanes); break;
    case DHCSR: cpu_dhcsr_write(cpu, v); break;
    case DEMCR: cpu_demcr_write(cpu, (cpu_demcr(cpu) & ~lanes) | (v & lanes)); break;
    case STIR:
        if ((v & 0x1ff) < CPU_IRQS)
            cpu_pend(cpu, EXC_IRQ + (v & 0x1ff));
        break;
    default: break;
    }
}

bool cpu_ppb_read(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t *value,
                  bool *known)
{
    *known = ours(addr) || !privileged;
    if (!*known)
        return false;
    if (!privileged && addr >= ITM_STIM_END) /* unprivileged accesses are bus errors (B3.1.1) */
        return false;
    *value = read_word(cpu, addr & ~3u, true) >> (addr & 3) * 8;
    if (size < 4)
        *value &= (1u << size * 8) - 1;
    return true;
}

bool cpu_ppb_write(struct cpu *cpu, uint32_t addr, unsigned size, bool privileged, uint32_t value,
                   bool *known)
{
    bool allowed = privileged || (addr == STIR && (cpu->ccr & CCR_USERSETMPEND)) || addr < ITM_STIM_END;
    *known = ours(addr) || !allowed;
    if (!*known || !allowed)
        return false;
    if (addr < ITM_STIM_END) {
        cpu_itm_write(cpu, (addr & 0x7f) / 4, value, size, privileged);
        return true;
    }
    uint32_t lanes = size == 4 ? 0xffffffff : ((1u << size * 8) - 1) << (addr & 3) * 8;
    write_word(cpu, addr & ~3u, value << (addr & 3) * 8, lanes);
    return true;
}

bool cpu_ppb_peek(const struct cpu *cpu, uint32_t addr, uint32_t *value)
{
    struct cpu now = *cpu; /* bringing SysTick up to date must not show */
    if (!ours(addr))
        return false;
    cpu_systick_sync(&now);
    *value = read_word(&now, addr & ~3u, false);
    return true;
}

bool cpu_ppb_poke(struct cpu *cpu, uint32_t addr, unsigned size, uint32_t value)
{
    bool known, locked = !cpu->itm_unlocked;
    cpu->itm_unlocked = true; /* for a debugger the ITM has no lock */
    bool done = addr >> 2 != DHCSR >> 2 && cpu_ppb_write(cpu, addr, size, true, value, &known) && known;
    cpu->itm_unlocked = addr == ITM_LAR ? cpu->itm_unlocked : !locked;
    return done;
}
