/* The bus matrix: which block or memory answers at an address. RM0394 "Memory map and register
 * boundary addresses". Addresses where nothing answers are a bus error; blocks that are there on the
 * chip but have no model read as zero and are reported as missing. */
#include <string.h>

#include "chip/flash.h"
#include "chip/state.h"

/* Looks up the block at addr; NULL if there is none. */
static const struct block *bus_block(struct chip *c, uint32_t addr, enum block_id *id)
{
    unsigned i = c->last_block; /* most accesses go where the last one went */
    if (addr - chip_blocks[i].base >= chip_blocks[i].size)
        for (i = 0; i < BLOCK_COUNT && addr - chip_blocks[i].base >= chip_blocks[i].size; i++)
            ;
    if (i == BLOCK_COUNT)
        return NULL;
    c->last_block = (uint8_t)i;
    *id = (enum block_id)i;
    return &chip_blocks[i];
}

/* Once for each register, or for each block that has no model. */
void chip_missing(struct chip *c, enum block_id id, uint32_t off)
{
    uint32_t base = chip_blocks[id].base, key = chip_blocks[id].read ? base + off : base;
    for (unsigned i = 0; i < c->missing_count; i++)
        if (c->missing_told[i] == key)
            return;
    if (c->missing_count < MISSING_MOST)
        c->missing_told[c->missing_count++] = key;
    if (c->tell->missing)
        c->tell->missing(c->tell->owner, base + off, cpu_reg(c->cpu, CPU_PC));
}

const char *chip_missing_in(uint32_t addr, bool *part)
{
    for (unsigned i = 0; i < BLOCK_COUNT; i++)
        if (addr - chip_blocks[i].base < chip_blocks[i].size) {
            *part = chip_blocks[i].read != NULL;
            return chip_blocks[i].name;
        }
    *part = false;
    return NULL;
}

static bool block_read(struct chip *c, uint32_t addr, unsigned size, uint32_t *value)
{
    enum block_id id;
    const struct block *b = bus_block(c, addr, &id);
    if (!b)
        return addr >> 28 == 9 && quadspi_mapped(c, addr - 0x90000000, size, value);
    *value = 0;
    if (addr % size)
        return false;
    if (!chip_enabled(c, id))
        return true;
    if (!b->read) {
        chip_missing(c, id, addr - b->base);
        return true;
    }
    return b->read(c, b->index, addr - b->base, size, value);
}

/* Zeros written to what is zero, as ST's HAL_xxx_DeInit and ChibiOS do with clocks off, are no mistake. */
static bool would_change(struct chip *c, const struct block *b, uint32_t off, unsigned size, uint32_t value)
{
    bool (*look)(struct chip *, unsigned, uint32_t, unsigned, uint32_t *) = b->peek ? b->peek : b->read;
    uint32_t now = 0;
    return !look || !look(c, b->index, off, size, &now) || now != value;
}

static bool block_write(struct chip *c, uint32_t addr, unsigned size, uint32_t value)
{
    enum block_id id;
    const struct block *b = bus_block(c, addr, &id);
    if (!b || addr % size)
        return false;
    if (!chip_enabled(c, id) || rcc_holds(c, id)) {
        if (would_change(c, b, addr - b->base, size, value))
            chip_unclocked(c, id);
        return true;
    }
    if (!b->write) {
        chip_missing(c, id, addr - b->base);
        return true;
    }
    return b->write(c, b->index, addr - b->base, size, value);
}

/* ---- memories ---- */

/* The address that an access to the boot alias at 0 really goes to; RM0394 "SYSCFG_MEMRMP". */
static uint32_t unalias(const struct chip *c, uint32_t addr)
{
    if (addr >= FLASH_BASE)
        return addr;
    switch (c->syscfg.alias) {
    case 0: return addr < FLASH_SIZE ? FLASH_BASE + addr : addr;
    case 1: return addr < SYSMEM_SIZE ? SYSMEM_BASE + addr : addr;
    case 3: return addr < SRAM1_SIZE ? SRAM1_BASE + addr : addr;
    case 6: return addr < 0x08000000 ? 0x90000000 + addr : addr;
    default: return addr;
    }
}

/* Offset into mem.sram, or SRAM_SIZE if addr is not SRAM. */
static uint32_t sram_offset(uint32_t addr)
{
    if (addr - SRAM1_BASE < SRAM_SIZE)
        return addr - SRAM1_BASE;
    if (addr - SRAM2_BASE < SRAM2_SIZE)
        return addr - SRAM2_BASE + SRAM1_SIZE;
    return SRAM_SIZE;
}

static bool is_flash(uint32_t addr)
{
    return addr - FLASH_BASE < FLASH_SIZE || addr - SYSMEM_BASE < OPTION_BASE + 0x400 - SYSMEM_BASE;
}

static bool bus_read(struct chip *c, uint32_t addr, unsigned size, uint32_t *value, bool by_cpu)
{
    if (addr >= 0x40000000)
        return block_read(c, addr, size, value);
    addr = unalias(c, addr);
    *value = 0;
    if (c->firewall.watching && !firewall_data(c, addr, false, by_cpu))
        return true;
    if (is_flash(addr))
        return flash_read(c, addr, size, value, by_cpu);
    uint32_t off = sram_offset(addr);
    if (off > SRAM_SIZE - size)
        return false;
    if (off >= SRAM1_SIZE)
        parity_read(c, off - SRAM1_SIZE, size);
    memcpy(value, &c->mem.sram[off], size);
    return true;
}

static bool bus_write(struct chip *c, uint32_t addr, unsigned size, uint32_t value, bool by_cpu)
{
    if (addr >= 0x40000000)
        return block_write(c, addr, size, value);
    uint32_t seen = addr;
    addr = unalias(c, addr);
    if (c->firewall.watching && !firewall_data(c, addr, true, by_cpu))
        return true;
    if (is_flash(addr))
        return flash_write(c, addr, seen, size, value);
    uint32_t off = sram_offset(addr);
    if (off > SRAM_SIZE - size)
        return false;
    if (off >= SRAM1_SIZE && syscfg_sram2_locked(c, off - SRAM1_SIZE))
        return false;
    memcpy(&c->mem.sram[off], &value, size);
    chip_sram_changed(c, off, size);
    if (off >= SRAM1_SIZE)
        parity_written(c, off - SRAM1_SIZE, size);
    return true;
}

ps_t chip_bus_ready(const struct chip *c, uint32_t addr)
{
    bool wait = addr < 0x40000000 && is_flash(unalias(c, addr)) && flash_busy(c);
    return wait ? c->flash.ends : chip_now(c);
}

/* The processor drops what it decoded from these bytes, at whatever address they are seen. */
void chip_sram_changed(struct chip *c, uint32_t off, uint32_t size)
{
    uint32_t end = off + size, low = end < SRAM1_SIZE ? end : SRAM1_SIZE;
    if (off < low)
        cpu_code_changed(c->cpu, SRAM1_BASE + off, low - off);
    if (end > SRAM1_SIZE)
        cpu_code_changed(c->cpu, SRAM1_BASE + (off > SRAM1_SIZE ? off : SRAM1_SIZE),
                         end - (off > SRAM1_SIZE ? off : SRAM1_SIZE));
}

bool chip_bus_read(struct chip *c, uint32_t addr, unsigned size, uint32_t *value)
{
    return bus_read(c, addr, size, value, false);
}

bool chip_bus_write(struct chip *c, uint32_t addr, unsigned size, uint32_t value)
{
    return bus_write(c, addr, size, value, false);
}

/* ---- what the processor is given ---- */

/* Events that are due come before the access: an instruction may have overrun them. */
static void catch_up(struct chip *c)
{
    if (cpu_cycles(c->cpu) >= c->time.due_cycle || !c->time.in_cpu)
        time_run_events(c);
}

static bool env_read(void *owner, uint32_t addr, unsigned size, bool privileged, uint32_t *value)
{
    struct chip *c = owner;
    (void)privileged;
    catch_up(c);
    return bus_read(c, addr, size, value, true);
}

static bool env_write(void *owner, uint32_t addr, unsigned size, bool privileged, uint32_t value)
{
    struct chip *c = owner;
    (void)privileged;
    catch_up(c);
    return bus_write(c, addr, size, value, true);
}

static bool env_fetch(void *owner, uint32_t addr)
{
    struct chip *c = owner;
    addr = unalias(c, addr);
    if (c->firewall.watching && !firewall_fetch(c, addr))
        return true; /* the reset comes behind this one instruction */
    return !is_flash(addr) || flash_fetch(c, addr);
}

static void env_fault(void *owner, const struct cpu_fault *fault)
{
    struct chip *c = owner;
    if (c->tell->fault)
        c->tell->fault(c->tell->owner, fault);
}

static void env_fp_flags(void *owner, uint32_t flags)
{
    syscfg_fpu(owner, flags);
}

static void env_watch(void *owner, unsigned n, uint32_t pc)
{
    struct chip *c = owner;
    if (n == CHIP_WATCH_ROM)
        rom_watch(c, pc);
    else if (c->tell->watch)
        c->tell->watch(c->tell->owner, pc);
}

/* SWO is PB3 in alternate function 0 (DS11449), with TRACE_IOEN and an asynchronous mode (RM0394
 * "DBGMCU_CR"). Port 0 is what is printed by; the others go nowhere here. */
static void env_itm(void *owner, unsigned port, uint32_t value, unsigned size)
{
    struct chip *c = owner;
    if (size == 0)
        chip_say(c, "A program waits for a stimulus port of the ITM that is not enabled, which is for a "
                    "debugger to do: --uart SWO=FILE does it here");
    if (port != 0 || !dbgmcu_swo(c) || gpio_af(c, 1, 3) != 0 || !c->tell->uart_tx)
        return;
    for (unsigned i = 0; i < size; i++)
        c->tell->uart_tx(c->tell->owner, "SWO", (uint8_t)(value >> 8 * i));
}

const struct cpu_env chip_cpu_env = {
    .read = env_read,
    .write = env_write,
    .fetch = env_fetch,
    .fault = env_fault,
    .fp_flags = env_fp_flags,
    .itm = env_itm,
    .watch = env_watch,
};

/* Rows of the processor's region table. */
enum { SLOT_ALIAS, SLOT_FLASH, SLOT_SRAM, SLOT_SRAM2_ALIAS, SLOT_SRAM2, SLOT_SYSMEM };

void chip_map_memories(struct chip *c)
{
    struct chip_memory *m = &c->mem;
    bool parity = parity_watches(c), locked = c->syscfg.swpr != 0 || parity; /* SRAM2 is looked at closely */
    struct cpu_region flash = {FLASH_BASE, FLASH_SIZE, m->nvm.flash, false, false, true};
    struct cpu_region sysmem = {SYSMEM_BASE, SYSMEM_SIZE, m->nvm.sysmem, false, false, true};
    bool watched = c->firewall.watching, direct = !firewall_watches_sram(c);
    struct cpu_region sram = {SRAM1_BASE, locked ? SRAM1_SIZE : SRAM_SIZE, m->sram, direct, direct, watched};
    struct cpu_region sram2 = {SRAM2_BASE, SRAM2_SIZE, m->sram + SRAM1_SIZE, !parity, !locked, watched};
    struct cpu_region sram2_alias = sram2;
    sram2_alias.base = SRAM2_ALIAS;
    if (!locked)
        sram2_alias.size = 0;
    struct cpu_region alias = {0};
    switch (c->syscfg.alias) {
    case 0: alias = flash; break;
    case 1: alias = sysmem; break;
    case 3:
        alias = sram;
        alias.size = SRAM1_SIZE;
        break;
    default: break;
    }
    alias.base = 0;
    cpu_map(c->cpu, SLOT_ALIAS, alias);
    cpu_map(c->cpu, SLOT_FLASH, flash);
    cpu_map(c->cpu, SLOT_SRAM, sram);
    cpu_map(c->cpu, SLOT_SRAM2_ALIAS, sram2_alias);
    cpu_map(c->cpu, SLOT_SRAM2, sram2);
    cpu_map(c->cpu, SLOT_SYSMEM, sysmem);
}

/* ---- a debugger's view ---- */

/* Memory at addr as bytes and how many from there on; NULL: not memory. */
static const uint8_t *memory_at(const struct chip *c, uint32_t addr, size_t *run)
{
    const struct chip_nvm *n = &c->mem.nvm;
    const struct {
        uint32_t base, size;
        const uint8_t *bytes;
    } rows[] = {
        {SRAM1_BASE, SRAM_SIZE, c->mem.sram},   {SRAM2_BASE, SRAM2_SIZE, c->mem.sram + SRAM1_SIZE},
        {SYSMEM_BASE, SYSMEM_SIZE, n->sysmem},  {OTP_BASE, OTP_SIZE, n->otp},
        {ENGI_BASE, ENGI_SIZE, n->engineering}, {OPTION_BASE, OPTION_SIZE, (const uint8_t *)n->option},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (addr - rows[i].base < rows[i].size) {
            *run = rows[i].size - (addr - rows[i].base);
            return rows[i].bytes + (addr - rows[i].base);
        }
    return NULL;
}

static bool peek_block(const struct chip *c, uint32_t addr, uint8_t *value)
{
    /* `read` has no side effects where `peek` is NULL, so nothing that matters changes. */
    struct chip *own = (struct chip *)(uintptr_t)c;
    enum block_id id;
    const struct block *b = bus_block(own, addr, &id);
    if (!b || !(b->peek ? b->peek : b->read))
        return false;
    uint32_t word = 0;
    if (!(b->peek ? b->peek : b->read)(own, b->index, (addr - b->base) & ~3U, 4, &word))
        return false;
    *value = (uint8_t)(word >> (8 * (addr & 3)));
    return true;
}

bool chip_peek(const struct chip *c, uint32_t addr, void *bytes, size_t size)
{
    uint8_t *out = bytes;
    while (size) {
        uint32_t real = unalias(c, addr);
        size_t run = 1;
        const uint8_t *from = memory_at(c, real, &run);
        uint32_t word;
        run = run < size ? run : size;
        if (real - FLASH_BASE < FLASH_SIZE) {
            run = FLASH_SIZE - (real - FLASH_BASE);
            run = run < size ? run : size;
            flash_peek(c, real - FLASH_BASE, out, run);
        } else if (from) {
            memcpy(out, from, run);
        } else if (real >= 0xE0000000 && cpu_ppb_peek(c->cpu, real & ~3U, &word)) {
            *out = (uint8_t)(word >> (8 * (real & 3)));
        } else if (!peek_block(c, real, out)) {
            return false;
        }
        addr += (uint32_t)run;
        out += run;
        size -= run;
    }
    return true;
}

bool chip_poke(struct chip *c, uint32_t addr, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    while (size) {
        uint32_t real = unalias(c, addr);
        size_t run = 0;
        uint8_t *to = (uint8_t *)(uintptr_t)memory_at(c, real, &run);
        if (real - FLASH_BASE < FLASH_SIZE) {
            run = FLASH_SIZE - (real - FLASH_BASE);
            run = run < size ? run : size;
            flash_poke(c, real - FLASH_BASE, in, run);
        } else if (to) {
            run = run < size ? run : size;
            memcpy(to, in, run);
            uint32_t sram = sram_offset(real);
            if (sram < SRAM_SIZE)
                chip_sram_changed(c, sram, (uint32_t)run);
            for (uint32_t i = 0; sram < SRAM_SIZE && i < run; i++)
                if (sram + i >= SRAM1_SIZE)
                    parity_written(c, sram + i - SRAM1_SIZE, 1);
        } else {
            return false;
        }
        addr += (uint32_t)run;
        in += run;
        size -= run;
    }
    return true;
}

bool chip_debug_write(struct chip *c, uint32_t addr, unsigned size, uint32_t value)
{
    if (addr >= 0x40000000 && c->mode == MODE_OFF)
        return false;
    if (addr >> 20 == 0xE00 && cpu_ppb_poke(c->cpu, addr, size, value))
        return true;
    if (addr >= 0x40000000) {
        uint64_t told = c->ignored_told;
        c->ignored_told = UINT64_MAX; /* no instruction writes this, and who debugs can read it back */
        bool done = block_write(c, addr, size, value);
        c->ignored_told = told;
        return done;
    }
    return sram_offset(unalias(c, addr)) < SRAM_SIZE && chip_poke(c, addr, &value, size);
}
