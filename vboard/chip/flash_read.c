/* Reading flash: wait states, prefetch, instruction and data cache, the stall while an operation runs.
 * RM0394 "Read access latency", "Adaptive real-time memory accelerator". Hits of the caches wait for BSY
 * as well: whether the chip serves them is not documented, and firmware must not count on it. */
#include <string.h>

#include "chip/state.h"

#define ACR_PRFTEN (1U << 8)
#define ACR_ICEN   (1U << 9)
#define ACR_DCEN   (1U << 10)

static unsigned latency(const struct chip *c)
{
    return c->flash.acr & 7;
}

/* Each fetch has to be looked at while it can take time or fail. With the instruction cache on that is
 * needed only for lines which are not cached: those have no decoded instructions. */
void flash_update_gate(struct chip *c)
{
    const struct flash_state *f = &c->flash;
    bool cached = f->acr & ACR_ICEN;
    bool gate = flash_busy(c) || flash_blocked(c) ||
                (!cached && (latency(c) || f->suspects || flash_powered_down(c))) || c->firewall.watching;
    if (gate != f->gate) {
        c->flash.gate = gate;
        cpu_set_fetch_gate(c->cpu, gate);
    }
}

/* ---- instruction cache ----
 * The processor executes the bytes of mem.nvm.flash. A line that is cached when the flash changes below
 * it goes on being executed as it was: its old bytes stay there, and the cache slot holds the new ones
 * until it is flushed or evicted. A line that leaves the cache loses its decoded instructions, so that
 * the next one to be executed fetches it again; hits are not seen here, and the line filled first is
 * the one that goes. */

static void evict(struct chip *c, struct flash_line *l)
{
    if (!l->valid)
        return;
    c->flash.icache_slot[l->tag] = 0;
    l->valid = 0;
    if (l->stale) {
        l->stale = false;
        c->flash.stale_lines--;
        memcpy(&c->mem.nvm.flash[l->tag * 32], l->bytes, 32);
    }
    chip_flash_changed(c, l->tag * 32, 32);
}

void flash_icache_flush(struct chip *c)
{
    for (unsigned i = 0; i < ICACHE_LINES; i++)
        evict(c, &c->flash.icache[i]);
    c->flash.last_fetch = 0;
}

const uint8_t *flash_bytes(const struct chip *c, uint32_t off)
{
    if (c->flash.stale_lines) {
        unsigned slot = c->flash.icache_slot[off / 32];
        if (slot && c->flash.icache[slot - 1].stale)
            return &c->flash.icache[slot - 1].bytes[off % 32];
    }
    return &c->mem.nvm.flash[off];
}

void flash_forget(struct chip *c, uint32_t off)
{
    struct flash_state *f = &c->flash;
    unsigned slot = f->icache_slot[off / 32];
    if (slot)
        evict(c, &f->icache[slot - 1]);
    for (unsigned i = 0; i < DCACHE_LINES; i++)
        if (f->dcache[i].tag == off / 32)
            f->dcache[i].valid = 0;
}

/* A double word of flash has new content. */
void flash_line_changed(struct chip *c, uint32_t off, const uint8_t bytes[8], bool program)
{
    struct flash_state *f = &c->flash;
    unsigned slot = f->icache_slot[off / 32];
    if (slot && !f->icache[slot - 1].stale && memcmp(&c->mem.nvm.flash[off], bytes, 8) != 0) {
        struct flash_line *l = &f->icache[slot - 1];
        memcpy(l->bytes, &c->mem.nvm.flash[l->tag * 32], 32);
        l->stale = true;
        f->stale_lines++;
    }
    if (slot && f->icache[slot - 1].stale) {
        memcpy(&f->icache[slot - 1].bytes[off % 32], bytes, 8);
    } else {
        memcpy(&c->mem.nvm.flash[off], bytes, 8);
        chip_flash_changed(c, off, 8);
    }
    /* Programming updates a line of the data cache, erasing does not. */
    for (unsigned i = 0; program && i < DCACHE_LINES; i++)
        if (f->dcache[i].valid && f->dcache[i].tag == off / 32)
            memcpy(&f->dcache[i].bytes[off % 32], bytes, 8);
}

static struct flash_line *oldest(struct flash_line *lines, unsigned n)
{
    struct flash_line *best = lines;
    for (unsigned i = 0; i < n; i++) {
        if (!lines[i].valid)
            return &lines[i];
        if (lines[i].used < best->used)
            best = &lines[i];
    }
    return best;
}

/* What a fetch of 64 bits costs that is not in the cache: the wait states, less what prefetch has done
 * since the double word before. A read takes a cycle more than it has wait states (RM0394 table "Number of
 * wait states according to CPU clock"), and the next one cannot be faster. */
static uint64_t fetch_cost(const struct chip *c, uint32_t addr)
{
    uint64_t ws = latency(c), passed = cpu_cycles(c->cpu) - c->flash.fetch_cycle;
    if (c->flash.acr & ACR_PRFTEN && addr == c->flash.last_fetch + 8 && passed > 0)
        return ws + 1 > passed ? ws + 1 - passed : 0;
    return ws;
}

static void miss(struct chip *c, uint32_t addr)
{
    uint64_t cost = fetch_cost(c, addr);
    if (cost)
        cpu_add_cycles(c->cpu, cost);
    c->flash.last_fetch = addr;
    c->flash.fetch_cycle = cpu_cycles(c->cpu);
}

bool flash_fetch(struct chip *c, uint32_t addr)
{
    struct flash_state *f = &c->flash;
    addr &= ~7U;
    if (flash_busy(c))
        flash_wait(c);
    uint32_t off = addr - FLASH_BASE;
    if (off >= FLASH_SIZE) { /* system memory, OTP */
        miss(c, addr);
        return !flash_unpowered(c);
    }
    if (flash_blocked(c))
        return false;
    uint8_t part = (uint8_t)(1U << (off / 8 % 4));
    unsigned slot = f->icache_slot[off / 32];
    if (slot && f->icache[slot - 1].valid & part)
        return true;
    if (flash_unpowered(c))
        return false;
    miss(c, addr);
    if (f->suspects)
        flash_cells_read(c, off, false); /* for its ECC flags */
    if (!(f->acr & ACR_ICEN))
        return true;
    struct flash_line *l = slot ? &f->icache[slot - 1] : oldest(f->icache, ICACHE_LINES);
    if (!slot) {
        evict(c, l);
        l->tag = off / 32;
        l->used = ++f->use;
        f->icache_slot[l->tag] = (uint8_t)(l - f->icache + 1);
    } else if (l->stale) { /* only what was fetched before is */
        memcpy(&c->mem.nvm.flash[off], &l->bytes[off % 32], 8);
        chip_flash_changed(c, off, 8);
    }
    l->valid |= part;
    return true;
}

/* ---- data cache ---- */

void flash_dcache_flush(struct chip *c)
{
    for (unsigned i = 0; i < DCACHE_LINES; i++)
        c->flash.dcache[i].valid = 0;
}

static void wait_states(struct chip *c)
{
    if (latency(c))
        cpu_add_cycles(c->cpu, latency(c));
}

/* The double word at off through the cache; NULL: it is not there, and flash has no power. */
static const uint8_t *cached(struct chip *c, uint32_t off)
{
    struct flash_state *f = &c->flash;
    struct flash_line *l = NULL;
    uint8_t part = (uint8_t)(1U << (off / 8 % 4));
    for (unsigned i = 0; i < DCACHE_LINES && !l; i++)
        if (f->dcache[i].valid && f->dcache[i].tag == off / 32)
            l = &f->dcache[i];
    if (!(l && l->valid & part) && flash_unpowered(c))
        return NULL;
    if (!l) {
        l = oldest(f->dcache, DCACHE_LINES);
        l->tag = off / 32;
        l->valid = 0;
    }
    if (!(l->valid & part)) {
        wait_states(c);
        uint64_t data = flash_cells_read(c, off, false);
        memcpy(&l->bytes[off % 32], &data, 8);
        l->valid |= part;
    }
    l->used = ++f->use;
    return &l->bytes[off % 32];
}

static bool read_main(struct chip *c, uint32_t off, unsigned size, uint32_t *value, bool by_cpu)
{
    if (flash_blocked(c))
        return false;
    if (flash_pcrop(c, off)) {
        c->flash.sr |= SR_RDERR;
        flash_irq(c);
        return true;
    }
    if (by_cpu && c->flash.acr & ACR_DCEN) {
        const uint8_t *bytes = cached(c, off & ~7U);
        if (bytes)
            memcpy(value, bytes + off % 8, size);
        return bytes != NULL;
    }
    if (flash_unpowered(c))
        return false;
    if (by_cpu)
        wait_states(c);
    uint64_t data = flash_cells_read(c, off & ~7U, false);
    memcpy(value, (const uint8_t *)&data + off % 8, size);
    return true;
}

bool flash_read(struct chip *c, uint32_t addr, unsigned size, uint32_t *value, bool by_cpu)
{
    *value = 0;
    if (addr % size)
        return false;
    if (by_cpu && flash_busy(c))
        flash_wait(c);
    if (addr - FLASH_BASE < FLASH_SIZE)
        return read_main(c, addr - FLASH_BASE, size, value, by_cpu);
    if (flash_unpowered(c))
        return false;
    if (by_cpu)
        wait_states(c);
    if (addr - OTP_BASE < OTP_SIZE) {
        uint64_t data = flash_cells_read(c, (addr - OTP_BASE) & ~7U, true);
        memcpy(value, (const uint8_t *)&data + addr % 8, size);
        return true;
    }
    return chip_peek(c, addr, value, size);
}

void chip_flash_changed(struct chip *c, uint32_t off, uint32_t size)
{
    cpu_code_changed(c->cpu, FLASH_BASE + off, size);
}
