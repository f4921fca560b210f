/* Decoded entries per region: built on demand, dropped where memory changes. Regions may show the
 * same bytes at several addresses (SRAM2, the alias at 0), so what was written is told by host
 * address and every region that shows it drops its entries. */
#include "cpu/code.h"
#include "cpu/core.h"

#include <stdlib.h>
#include <string.h>

enum { BKPT = 0xbe00 };
/* Bytes before a change whose entries may depend on it: a 32-bit instruction and the one after it, which
 * decides about its cycles. */
enum { NEIGHBOURS = 8 };

static bool same_region(const struct cpu_region *a, const struct cpu_region *b)
{
    return a->base == b->base && a->size == b->size && a->bytes == b->bytes && a->data == b->data &&
           a->writable == b->writable && a->gated == b->gated;
}

static void close_region(struct cpu_code *code, struct code_region *r)
{
    if (r->block != NULL && code->dead < sizeof code->graveyard / sizeof *code->graveyard)
        code->graveyard[code->dead++] = r->block;
    else
        free(r->block);
    *r = (struct code_region){0};
}

/* One block: entries aligned to 64 bytes, so that an 8-byte line of code is 64 bytes of them, then
 * the marks. calloc gives fresh pages lazily. */
static void open_region(struct code_region *r, const struct cpu_region *region)
{
    r->region = *region;
    if (region->size == 0)
        return;
    size_t n = region->size / 2, marks = (region->size >> MARK_SHIFT) + 1;
    r->block = calloc(1, 64 + (n + 2) * sizeof *r->ops + marks);
    if (r->block == NULL)
        abort();
    r->ops = (struct op *)(((uintptr_t)r->block + 63) & ~(uintptr_t)63);
    r->marks = (uint8_t *)(r->ops + n + 2);
    r->ops[n].code = r->ops[n].code_it = OP_CROSS;
    r->ops[n + 1].code = r->ops[n + 1].code_it = OP_CROSS;
}

void code_sync(struct cpu *cpu)
{
    struct cpu_code *code = cpu->code;
    bool changed = false;
    for (unsigned i = 0; i < CPU_REGIONS; i++) {
        if (same_region(&cpu->regions[i], &code->regions[i].region))
            continue;
        close_region(code, &code->regions[i]);
        open_region(&code->regions[i], &cpu->regions[i]);
        changed = true;
    }
    if (changed)
        code->line = code->top = 0;
    for (unsigned i = 0; i < CPU_REGIONS && changed; i++) {
        uint32_t end = cpu->regions[i].base + cpu->regions[i].size;
        if (cpu->regions[i].size != 0 && end - 1 > code->top)
            code->top = end - 1;
    }
    code_view(cpu, changed);
}

void code_bury(struct cpu *cpu)
{
    while (cpu->code->dead > 0)
        free(cpu->code->graveyard[--cpu->code->dead]);
}

static struct code_region *find(const struct cpu *cpu, uint32_t addr)
{
    if (addr > cpu->code->top)
        return NULL;
    for (unsigned i = 0; i < CPU_REGIONS; i++)
        if (addr - cpu->code->regions[i].region.base < cpu->code->regions[i].region.size)
            return &cpu->code->regions[i];
    return NULL;
}

const struct cpu_region *code_find(const struct cpu *cpu, uint32_t addr)
{
    const struct code_region *r = find(cpu, addr);
    return r != NULL ? &r->region : NULL;
}

/* ---- dropping ---------------------------------------------------------------------------- */

/* len and cost stay: the instruction in progress may be among those dropped. */
static void drop_entries(struct code_region *r, uint32_t from, uint32_t to)
{
    for (uint32_t i = from / 2; i <= to / 2; i++)
        r->ops[i].code = r->ops[i].code_it = OP_NEW, r->ops[i].entry = 0;
}

/* Offsets from…to (inclusive) of a region. Whole marked blocks are dropped and unmarked. */
static void drop(struct code_region *r, uint32_t from, uint32_t to)
{
    from = from < NEIGHBOURS ? 0 : from - NEIGHBOURS;
    for (uint32_t block = from >> MARK_SHIFT; block <= to >> MARK_SHIFT; block++) {
        if (!r->marks[block])
            continue;
        uint32_t lo = block << MARK_SHIFT, hi = lo + (1u << MARK_SHIFT) - 1;
        drop_entries(r, lo > from ? lo : from, hi < to ? hi : to);
        if (lo >= from && hi <= to)
            r->marks[block] = 0;
    }
}

void code_written(struct cpu *cpu, const uint8_t *bytes, uint32_t size)
{
    uintptr_t lo = (uintptr_t)bytes, hi = lo + size - 1;
    for (unsigned i = 0; i < CPU_REGIONS; i++) {
        struct code_region *r = &cpu->code->regions[i];
        uintptr_t start = (uintptr_t)r->region.bytes, end = start + r->region.size - 1;
        if (r->region.size == 0 || hi < start || lo > end)
            continue;
        drop(r, (uint32_t)(lo < start ? 0 : lo - start), (uint32_t)((hi > end ? end : hi) - start));
    }
}

/* Addresses, inclusive. */
static void code_drop_range(struct cpu *cpu, uint32_t lo, uint32_t hi)
{
    for (unsigned i = 0; i < CPU_REGIONS; i++) {
        struct code_region *r = &cpu->code->regions[i];
        uint32_t start = r->region.base, end = start + r->region.size - 1;
        if (r->region.size == 0 || hi < start || lo > end)
            continue;
        drop(r, lo < start ? 0 : lo - start, (hi > end ? end : hi) - start);
    }
}

static void drop_compared(struct cpu *cpu, const struct cpu_compared *compared, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (compared[i].fetch)
            code_drop_range(cpu, compared[i].first, compared[i].last);
}

void code_stops(struct cpu *cpu)
{
    struct cpu_code *code = cpu->code;
    drop_compared(cpu, code->stops.compared, code->stops.compared_count);
    for (unsigned i = 0; i < CPU_WATCHES; i++)
        if (code->stops.watches[i].armed)
            code_drop_range(cpu, code->stops.watches[i].lo, code->stops.watches[i].hi);
    for (unsigned i = 0; i < code->stops.count; i++)
        code_drop_range(cpu, code->stops.breaks[i], code->stops.breaks[i]);
    memcpy(code->stops.watches, cpu->watches, sizeof cpu->watches);
    code->stops.count = cpu->break_count;
    memcpy(code->stops.breaks, cpu->breaks, sizeof cpu->breaks);
    for (unsigned i = 0; i < CPU_WATCHES; i++)
        if (cpu->watches[i].armed)
            code_drop_range(cpu, cpu->watches[i].lo, cpu->watches[i].hi);
    for (unsigned i = 0; i < cpu->break_count; i++)
        code_drop_range(cpu, cpu->breaks[i], cpu->breaks[i]);
    code->stops.compared_count = cpu->compared_count;
    memcpy(code->stops.compared, cpu->compared, sizeof cpu->compared);
    drop_compared(cpu, cpu->compared, cpu->compared_count);
}

void cpu_code_changed(struct cpu *cpu, uint32_t addr, uint32_t size)
{
    const struct cpu_region *r = code_find(cpu, addr);
    if (r == NULL || size == 0)
        return;
    uint32_t rest = r->size - (addr - r->base);
    code_written(cpu, r->bytes + (addr - r->base), size < rest ? size : rest);
}

/* ---- decoding ---------------------------------------------------------------------------- */

static uint16_t half(const uint8_t *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return h;
}

static void stop_marks(const struct cpu *cpu, struct op *op, uint32_t pc)
{
    for (unsigned i = 0; i < cpu->compared_count; i++)
        if (cpu->compared[i].fetch && pc >= cpu->compared[i].first && pc <= cpu->compared[i].last)
            op->code = op->code_it = OP_OUTSIDE;
    for (unsigned i = 0; i < CPU_WATCHES; i++)
        if (cpu->watches[i].armed && pc >= cpu->watches[i].lo && pc <= cpu->watches[i].hi)
            op->code = op->code_it = OP_WATCH;
    for (unsigned i = 0; i < cpu->break_count; i++)
        if (cpu->breaks[i] == pc)
            op->code = op->code_it = OP_BREAK;
}

static void decode(struct cpu *cpu, uint32_t pc)
{
    struct code_region *r = find(cpu, pc);
    struct op *op = r->ops + (pc - r->region.base) / 2;
    uint32_t off = pc - r->region.base, left = r->region.size - off;
    const uint8_t *p = r->region.bytes + off;
    uint16_t hw1 = half(p);
    r->marks[off >> MARK_SHIFT] = 1;
    if (cpu_is_wide(hw1) && left < 4) {
        op->code = op->code_it = OP_OUTSIDE;
        op->len = 2;
    } else {
        uint32_t len = cpu_is_wide(hw1) ? 4 : 2, behind, last = left < NEIGHBOURS ? left - 1 : NEIGHBOURS - 1;
        r->marks[(off + last) >> MARK_SHIFT] = 1;
        cpu_decode(op, pc, hw1, left >= 4 ? half(p + 2) : 0, r->region.base, r->region.base + r->region.size);
        behind = left - len;
        cpu_pair(op, pc, behind >= 2 ? half(p + len) : 0, behind >= 4 ? half(p + len + 2) : 0);
    }
    stop_marks(cpu, op, pc);
    /* The bytes may be shown by other regions, whose stores look at their own marks. */
    for (unsigned i = 0; i < CPU_REGIONS; i++) {
        struct code_region *o = &cpu->code->regions[i];
        if (o == r || o->region.size == 0)
            continue;
        for (uint32_t k = 0; k < NEIGHBOURS; k += NEIGHBOURS - 1) {
            uintptr_t at = (uintptr_t)p + k - (uintptr_t)o->region.bytes;
            if (at < o->region.size)
                o->marks[at >> MARK_SHIFT] = 1;
        }
    }
}

unsigned code_entry(const struct cpu *cpu, uint32_t pc)
{
    const struct code_region *r = find(cpu, pc);
    return r != NULL ? cpu_entry(pc, half(r->region.bytes + ((pc & ~1u) - r->region.base))) : ENTRY_LEAST;
}

static bool fetch_line(struct cpu *cpu, uint32_t addr)
{
    return cpu->env.fetch(cpu->owner, addr & ~7u) || cpu_raise(cpu, EXC_BUS, CFSR_IBUSERR);
}

bool code_fill(struct cpu *cpu, const struct op *op, uint32_t pc)
{
    bool fetch = cpu->code->gated && !cpu->fetch_gate; /* else code_fetch does it */
    if (fetch && !fetch_line(cpu, pc))
        return false;
    decode(cpu, pc);
    return !fetch || (pc & 7) != 6 || op->len == 1 || fetch_line(cpu, pc + 2);
}

/* The MPU is asked for the address before the FPB's (DDI 0439 8.3). */
static bool fetch_half(struct cpu *cpu, uint32_t addr, uint16_t *hw)
{
    uint32_t value;
    if (!cpu_mpu_allows(cpu, addr, CPU_FETCH, cpu_privileged(cpu)))
        return cpu_raise(cpu, EXC_MEM, CFSR_IACCVIOL);
    addr = cpu_fpb_fetched_from(cpu, addr);
    const struct cpu_region *r = code_find(cpu, addr);
    if (r != NULL) {
        *hw = half(r->bytes + (addr - r->base));
        return true;
    }
    if (!cpu->env.read(cpu->owner, addr, 2, cpu_privileged(cpu), &value))
        return cpu_raise(cpu, EXC_BUS, CFSR_IBUSERR);
    *hw = (uint16_t)value;
    return true;
}

const struct op *code_outside(struct cpu *cpu, uint32_t pc, bool breaks)
{
    struct cpu_code *code = cpu->code;
    uint16_t hw1 = 0, hw2 = 0;
    if (!fetch_half(cpu, pc, &hw1))
        return NULL;
    if (cpu_fpb_breaks(cpu, pc))
        hw1 = BKPT;
    if (cpu_is_wide(hw1) && !fetch_half(cpu, pc + 2, &hw2))
        return NULL;
    code->ops = code->scratch;
    code->base = pc;
    code->size = 0;
    code->gated = code->guarded = false; /* fetch_half has asked */
    code->line = 0;
    cpu_decode(&code->scratch[0], pc, hw1, hw2, 0, 0);
    for (unsigned i = 1; i < 3; i++)
        code->scratch[i] = (struct op){.code = OP_CROSS, .code_it = OP_CROSS};
    if (breaks)
        stop_marks(cpu, &code->scratch[0], pc);
    return &code->scratch[0];
}

/* T is 0. The fetch comes first: CFSR of an nRF52840, a Cortex-M4F, is IACCVIOL alone behind a call of
 * (void *)0xE0000000, with T 0 in the frame (Memfault, "How to debug a HardFault on an ARM Cortex-M MCU",
 * "eXecute Never Fault"). */
static void no_thumb(struct cpu *cpu, uint32_t pc)
{
    uint16_t unused;
    if (fetch_half(cpu, pc, &unused))
        cpu_raise(cpu, EXC_USAGE, CFSR_INVSTATE);
}

const struct op *code_lookup(struct cpu *cpu, uint32_t pc)
{
    struct cpu_code *code = cpu->code;
    /* Execute-never by the architecture, whatever the MPU says (B3.1): peripherals and above
     * 0xA0000000 everything. */
    if ((pc >= 0x40000000 && pc < 0x60000000) || pc >= 0xa0000000) {
        cpu_raise(cpu, EXC_MEM, CFSR_IACCVIOL);
        return NULL;
    }
    if (!cpu->thumb) {
        no_thumb(cpu, pc);
        return NULL;
    }
    struct code_region *r = find(cpu, pc);
    if (r == NULL)
        return code_outside(cpu, pc, true);
    if (code->ops != r->ops)
        code->line = 0;
    code->ops = r->ops;
    code->base = r->region.base;
    code->size = r->region.size;
    code->gated = r->region.gated;
    code->guarded = code->view.guarded[r - code->regions];
    return r->ops + (pc - r->region.base) / 2;
}

bool code_fetch(struct cpu *cpu, const struct op *op, uint32_t pc)
{
    struct cpu_code *code = cpu->code;
    uintptr_t first = (uintptr_t)op >> 6, last = ((uintptr_t)op + (op->len - 1u) * sizeof *op) >> 6;
    for (uintptr_t line = first == code->line ? last : first; line <= last; line++) {
        uint32_t addr = line == first ? pc : pc + 2;
        if (!cpu_mpu_allows(cpu, addr, CPU_FETCH, cpu_privileged(cpu)))
            return cpu_raise(cpu, EXC_MEM, CFSR_IACCVIOL);
        if (cpu->fetch_gate && code->gated && !fetch_line(cpu, addr))
            return false;
        code->line = line;
    }
    return true;
}
