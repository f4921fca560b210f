/* System configuration: RM0394 "SYSCFG": memory at address 0, EXTI multiplexers, SRAM2 erase and write
 * protection, locks. */
#include <string.h>

#include "chip/state.h"

#define CFGR1_WRITABLE 0xFC7F0100U
#define SCSR_ER        1U
#define SCSR_BSY       2U
#define CFGR2_LOCKS    0x0FU /* set-only: */
enum { CLL = 1 << 0, SPL = 1 << 1, PVDL = 1 << 2, ECCL = 1 << 3 };
#define CFGR2_SPF (1U << 8)

enum { FPU_IRQ = 81 };

bool syscfg_sram2_locked(const struct chip *c, uint32_t off)
{
    return c->syscfg.swpr >> (off / 1024) & 1;
}

bool syscfg_pvd_locked(const struct chip *c)
{
    return c->syscfg.cfgr2 & PVDL;
}

bool syscfg_system_break(const struct chip *c)
{
    uint32_t locks = c->syscfg.cfgr2, nmi = c->nmi_sources;

    return nmi >> NMI_CSS & 1 || (locks & SPL && nmi >> NMI_SRAM2_PARITY & 1) ||
           (locks & ECCL && nmi >> NMI_FLASH_ECC & 1) || (locks & PVDL && pwr_pvd_low(c)) ||
           (locks & CLL && c->locked_up);
}

void syscfg_parity_error(struct chip *c)
{
    c->syscfg.cfgr2 |= CFGR2_SPF;
    chip_nmi(c, NMI_SRAM2_PARITY, true);
}

static unsigned selected_port(const struct chip *c, unsigned pin)
{
    return c->syscfg.exticr[pin / 4] >> (4 * (pin % 4)) & 7;
}

void syscfg_pin(struct chip *c, unsigned port, unsigned pin, bool level)
{
    if (selected_port(c, pin) == port)
        exti_line(c, pin, level);
}

bool syscfg_pin_watched(const struct chip *c, unsigned port, unsigned pin)
{
    return selected_port(c, pin) == port && exti_edges(c, pin);
}

/* After the empty check system memory is at 0, and yet MEM_MODE reads 0, as users report. */
void syscfg_boot(struct chip *c)
{
    c->syscfg.alias = c->boot_mode;
    c->syscfg.memrmp = c->booted_empty ? 0 : c->boot_mode;
}

void syscfg_fpu(struct chip *c, uint32_t flags)
{
    /* FPU_IE0-5: invalid operation, division by zero, underflow, overflow, input denormal, inexact */
    static const uint8_t flag[6] = {0, 1, 3, 2, 7, 4};
    uint32_t enabled = 0;

    for (unsigned i = 0; i < 6; i++)
        enabled |= (c->syscfg.cfgr1 >> (26 + i) & 1) << flag[i];
    c->syscfg.fpu = flags;
    chip_irq(c, FPU_IRQ, 0, flags & enabled);
}

void syscfg_reset(struct chip *c, unsigned index)
{
    uint32_t fpu = c->syscfg.fpu; /* the processor's: this resets the enables only */

    (void)index;
    memset(&c->syscfg, 0, sizeof c->syscfg);
    chip_nmi(c, NMI_SRAM2_PARITY, false);
    syscfg_boot(c);
    c->syscfg.cfgr1 = 0x7C000001;
    syscfg_fpu(c, fpu);
    chip_map_memories(c);
}

void syscfg_event(struct chip *c, unsigned index)
{
    (void)index;
    c->syscfg.scsr &= ~(SCSR_BSY | SCSR_ER);
}

static uint32_t *find(struct chip *c, uint32_t off)
{
    struct syscfg_state *s = &c->syscfg;
    switch (off & ~3U) {
    case 0x00: return &s->memrmp;
    case 0x04: return &s->cfgr1;
    case 0x08:
    case 0x0C:
    case 0x10:
    case 0x14: return &s->exticr[off / 4 - 2];
    case 0x18: return &s->scsr;
    case 0x1C: return &s->cfgr2;
    case 0x20: return &s->swpr;
    default: return NULL; /* SKR reads 0 */
    }
}

bool syscfg_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    const uint32_t *reg = find(c, off);
    *value = reg ? lanes_get(*reg, off, size) : 0;
    return true;
}

static void write_memrmp(struct chip *c, uint32_t mode)
{
    c->syscfg.memrmp = mode;
    if (mode == c->syscfg.alias)
        return;
    c->syscfg.alias = mode;
    chip_map_memories(c);
}

/* The 16 KiB are cleared; one word a cycle is assumed for SRAM2BSY. */
static void erase_sram2(struct chip *c)
{
    memset(c->mem.sram + SRAM1_SIZE, 0, SRAM2_SIZE);
    chip_sram_changed(c, SRAM1_SIZE, SRAM2_SIZE);
    parity_written(c, 0, SRAM2_SIZE);
    c->syscfg.scsr |= SCSR_ER | SCSR_BSY;
    chip_wake_at(c, B_SYSCFG, chip_now(c) + chip_ticks_to_ps(SRAM2_SIZE / 4, chip_clock(c, CLK_HCLK)));
}

static void write_exticr(struct chip *c, unsigned i, uint32_t value)
{
    usart_lines_look(c);
    c->syscfg.exticr[i] = value & 0x7777;
    for (unsigned pin = 4 * i; pin < 4 * i + 4; pin++)
        exti_line(c, pin, gpio_level(c, selected_port(c, pin), pin));
}

static void write_skr(struct chip *c, uint32_t value)
{
    static const uint8_t keys[2] = {0xCA, 0x53};
    uint8_t *n = &c->syscfg.key;
    *n = *n < 2 && (value & 0xFF) == keys[*n] ? (uint8_t)(*n + 1) : 0;
}

/* FWDIS can only be cleared. */
static void write_cfgr1(struct chip *c, uint32_t value)
{
    struct syscfg_state *s = &c->syscfg;
    bool firewall = s->cfgr1 & ~value & 1;

    s->cfgr1 = (value & CFGR1_WRITABLE) | (s->cfgr1 & value & 1);
    if (firewall)
        firewall_enabled(c);
    syscfg_fpu(c, s->fpu);
}

bool syscfg_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    (void)index;
    struct syscfg_state *s = &c->syscfg;
    uint32_t word = lanes_apb(size, value);
    switch (off & ~3U) {
    case 0x00: write_memrmp(c, word & 7); break;
    case 0x04: write_cfgr1(c, word); break;
    case 0x08:
    case 0x0C:
    case 0x10:
    case 0x14: write_exticr(c, off / 4 - 2, word); break;
    case 0x18:
        if (s->key == 2 && word & SCSR_ER && !(s->scsr & SCSR_BSY))
            erase_sram2(c);
        else if (s->key != 2 && word & SCSR_ER)
            chip_ignored(c, B_SYSCFG, "SCSR", "without the keys in SYSCFG_SKR");
        break;
    case 0x1C:
        s->cfgr2 = (s->cfgr2 | (word & CFGR2_LOCKS)) & ~(word & CFGR2_SPF);
        chip_nmi(c, NMI_SRAM2_PARITY, s->cfgr2 & CFGR2_SPF);
        tim_system_break(c);
        break;
    case 0x20:
        s->swpr |= word & 0xFFFF;
        chip_map_memories(c);
        break;
    case 0x24: write_skr(c, word); break;
    default: break;
    }
    return true;
}
