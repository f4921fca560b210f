/* What the interpreter loop may reach without asking: for each memory region the longest run that the
 * MPU lets the present mode load from and store to, and whether all of it may be executed. Worked out
 * once for each setting of MPU and regions, and kept for both levels of privilege. */
#include "cpu/code.h"
#include "cpu/core.h"

#include <string.h>

enum { VIEW_FREE, VIEW_USER, VIEW_PRIVILEGED };

/* As cpu_mpu_allows decides: disabled, or ignored by handlers of NMI and HardFault and by FAULTMASK. */
static unsigned view_now(const struct cpu *cpu)
{
    if (!(cpu->mpu_ctrl & MPU_CTRL_ENABLE))
        return VIEW_FREE;
    if (!(cpu->mpu_ctrl & MPU_CTRL_HFNMIENA) && cpu_exec_prio(cpu) < 0)
        return VIEW_FREE;
    return cpu_privileged(cpu) ? VIEW_PRIVILEGED : VIEW_USER;
}

struct run {
    uint32_t base, size;
};

/* The two longest runs of `region` in which `access` is allowed and not watched. The free view takes all
 * of it: the default map lets every memory region be read and written. */
static void longest(const struct cpu *cpu, const struct cpu_region *region, enum cpu_access access,
                    unsigned view, struct run best[2])
{
    uint32_t addr = region->base, last = region->base + (region->size - 1);
    best[0] = (struct run){region->base, region->size};
    best[1] = (struct run){0};
    if (view == VIEW_FREE && !cpu->data_compared)
        return;
    best[0].size = 0;
    for (struct run now = {addr, 0};;) {
        uint32_t end = view == VIEW_FREE ? last : cpu_mpu_same_until(cpu, addr);
        end = end < last ? end : last;
        bool allowed = !cpu_watch_edge(cpu, addr, access, &end) &&
                       (view == VIEW_FREE || cpu_mpu_allows(cpu, addr, access, view == VIEW_PRIVILEGED));
        if (allowed)
            now.size += end - addr + 1;
        if (!allowed || end == last) { /* the end of a run */
            if (now.size > best[0].size) {
                best[1] = best[0];
                best[0] = now;
            } else if (now.size > best[1].size) {
                best[1] = now;
            }
            now = (struct run){end + 1, 0};
        }
        if (end == last)
            return;
        addr = end + 1;
    }
}

/* Windows begin at a mark; what that leaves out goes the long way. */
static struct window window(const struct code_region *r, struct run run)
{
    uint32_t off = run.base - r->region.base, cut = -off & ((1u << MARK_SHIFT) - 1);
    if (run.size <= cut)
        return (struct window){0};
    off += cut;
    return (struct window){run.base + cut, run.size - cut, r->region.bytes + off,
                           r->marks + (off >> MARK_SHIFT)};
}

static void open_windows(struct window *windows, uint8_t *slots, unsigned i, const struct code_region *r,
                         const struct run best[2])
{
    windows[i] = window(r, best[0]);
    windows[i + VIEW_BESIDE] = window(r, best[1]);
    if (windows[i].size == 0)
        return;
    uint32_t first = r->region.base >> 24, last = (r->region.base + r->region.size - 1) >> 24;
    for (uint32_t s = first; s <= last; s++)
        if (slots[s] == CPU_REGIONS || windows[slots[s]].size < windows[i].size)
            slots[s] = (uint8_t)i;
}

static void build(struct cpu *cpu, struct code_view *v, unsigned view)
{
    memset(v, 0, sizeof *v);
    memset(v->load_slot, CPU_REGIONS, sizeof v->load_slot);
    memset(v->store_slot, CPU_REGIONS, sizeof v->store_slot);
    for (unsigned i = 0; i < CPU_REGIONS; i++) {
        const struct code_region *r = &cpu->code->regions[i];
        if (r->region.size == 0)
            continue;
        struct run best[2];
        longest(cpu, &r->region, CPU_LOAD, view, best);
        if (r->region.data)
            open_windows(v->load, v->load_slot, i, r, best);
        longest(cpu, &r->region, CPU_STORE, view, best);
        if (r->region.writable)
            open_windows(v->store, v->store_slot, i, r, best);
        longest(cpu, &r->region, CPU_FETCH, view, best);
        v->guarded[i] = best[0].size != r->region.size;
    }
}

void code_view(struct cpu *cpu, bool regions_changed)
{
    struct cpu_code *code = cpu->code;
    unsigned view = view_now(cpu);
    if (regions_changed)
        memset(code->view_built, 0, sizeof code->view_built);
    if (view != VIEW_FREE && (cpu->mpu_ctrl != code->mpu.ctrl ||
                              memcmp(cpu->mpu_rbar, code->mpu.rbar, sizeof code->mpu.rbar) != 0 ||
                              memcmp(cpu->mpu_rasr, code->mpu.rasr, sizeof code->mpu.rasr) != 0)) {
        code->mpu.ctrl = cpu->mpu_ctrl;
        memcpy(code->mpu.rbar, cpu->mpu_rbar, sizeof code->mpu.rbar);
        memcpy(code->mpu.rasr, cpu->mpu_rasr, sizeof code->mpu.rasr);
        code->view_built[VIEW_USER] = code->view_built[VIEW_PRIVILEGED] = false;
    }
    if (view == code->view_now && code->view_built[view])
        return;
    if (!code->view_built[view])
        build(cpu, &code->views[view], view);
    code->view_built[view] = true;
    code->view_now = view;
    code->view = code->views[view];
    cpu_attention(cpu); /* the loop looks again at what it has to check */
}

void code_watched(struct cpu *cpu)
{
    code_view(cpu, true);
}
