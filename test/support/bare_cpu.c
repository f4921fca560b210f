/* See bare_cpu.h. */
#include "bare_cpu.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>
#include <string.h>

static uint8_t *host(struct bare *r, uint32_t addr)
{
    if (addr - BARE_FLASH < BARE_FLASH_SIZE)
        return r->flash + (addr - BARE_FLASH);
    if (addr - BARE_RAM < BARE_RAM_SIZE)
        return r->ram + (addr - BARE_RAM);
    if (addr - BARE_IO < BARE_IO_SIZE)
        return r->io + (addr - BARE_IO);
    return NULL;
}

static void note(struct bare *r, struct bare_access a)
{
    a.cycle = cpu_cycles(r->cpu);
    if (r->logged < BARE_LOG)
        r->log[r->logged++] = a;
    if (r->on_io != NULL)
        r->on_io(r, &a);
}

static bool io_read(void *owner, uint32_t addr, unsigned size, bool privileged, uint32_t *value)
{
    struct bare *r = owner;
    if (addr - BARE_IO >= BARE_IO_SIZE)
        return false;
    *value = 0;
    memcpy(value, r->io + (addr - BARE_IO), size);
    note(r, (struct bare_access){addr, *value, size, false, privileged, 0});
    return true;
}

static bool io_write(void *owner, uint32_t addr, unsigned size, bool privileged, uint32_t value)
{
    struct bare *r = owner;
    if (addr - BARE_IO >= BARE_IO_SIZE)
        return false;
    memcpy(r->io + (addr - BARE_IO), &value, size);
    note(r, (struct bare_access){addr, value, size, true, privileged, 0});
    return true;
}

static bool on_fetch(void *owner, uint32_t addr)
{
    struct bare *r = owner;
    (void)addr;
    r->fetched++;
    cpu_add_cycles(r->cpu, 4);
    return true;
}

static void on_fault(void *owner, const struct cpu_fault *fault)
{
    struct bare *r = owner;
    if (r->faulted < BARE_LOG)
        r->faults[r->faulted++] = *fault;
}

static void on_itm(void *owner, unsigned port, uint32_t value, unsigned size)
{
    struct bare *r = owner;
    r->itm_port = port;
    r->itm_value = value;
    r->itm_size = size;
    r->itm_count++;
}

static void on_watch(void *owner, unsigned n, uint32_t pc)
{
    struct bare *r = owner;
    r->watched++;
    r->watch_n = n;
    r->watch_pc = pc;
}

struct bare *bare_new(void)
{
    static const struct cpu_env env = {io_read, io_write, on_fetch, on_fault, on_watch, NULL, on_itm};
    struct bare *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->cpu = calloc(1, cpu_sizeof());
    assert_non_null(r->cpu);
    cpu_init(r->cpu, &env, r);
    cpu_map(r->cpu, 0, (struct cpu_region){0, BARE_FLASH_SIZE, r->flash, true, false, false});
    cpu_map(r->cpu, 1, (struct cpu_region){BARE_FLASH, BARE_FLASH_SIZE, r->flash, true, false, false});
    cpu_map(r->cpu, 2, (struct cpu_region){BARE_RAM, BARE_RAM_SIZE, r->ram, true, true, false});
    return r;
}

void bare_free(struct bare *r)
{
    cpu_destroy(r->cpu);
    free(r->cpu);
    free(r);
}

void bare_word(struct bare *r, uint32_t addr, uint32_t value)
{
    uint8_t *p = host(r, addr);
    assert_non_null(p);
    memcpy(p, &value, 4);
    cpu_code_changed(r->cpu, addr, 4);
}

uint32_t bare_read(const struct bare *r, uint32_t addr)
{
    uint32_t value;
    struct bare *w;
    memcpy(&w, &r, sizeof w);
    const uint8_t *p = host(w, addr);
    assert_non_null(p);
    memcpy(&value, p, 4);
    return value;
}

void bare_put(struct bare *r, const uint32_t *code, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half[2] = {(uint16_t)(code[i] >> 16), (uint16_t)code[i]};
        bool wide = code[i] >> 16 != 0;
        uint8_t *p = host(r, r->at);
        assert_non_null(p);
        memcpy(p, wide ? &half[0] : &half[1], wide ? 4 : 2);
        cpu_code_changed(r->cpu, r->at, 4);
        r->at += wide ? 4 : 2;
    }
}

uint32_t bare_handler(unsigned exc)
{
    return BARE_FLASH + 0x1000 + 0x40 * exc;
}

void bare_start(struct bare *r)
{
    bare_word(r, BARE_FLASH, BARE_RAM + BARE_RAM_SIZE);
    bare_word(r, BARE_FLASH + 4, BARE_FLASH + 0x200 + 1);
    for (unsigned exc = 2; exc < 16 + CPU_IRQS; exc++)
        bare_word(r, BARE_FLASH + 4 * exc, bare_handler(exc) | 1);
    cpu_reset(r->cpu);
    r->at = BARE_FLASH + 0x200;
}

void bare_steps(struct bare *r, unsigned n)
{
    while (n-- > 0)
        assert_int_equal(cpu_step(r->cpu), CPU_RAN);
}

void bare_until(struct bare *r, uint32_t pc)
{
    for (unsigned n = 0; cpu_reg(r->cpu, 15) != pc; n++) {
        if (n == 10000)
            fail_msg("never at %08x, now at %08x", (unsigned)pc, (unsigned)cpu_reg(r->cpu, 15));
        enum cpu_exit why = cpu_step(r->cpu);
        if (why != CPU_RAN)
            fail_msg("exit %d at %08x", (int)why, (unsigned)cpu_reg(r->cpu, 15));
    }
}

uint32_t bare_ppb(struct bare *r, uint32_t addr)
{
    uint32_t value = 0;
    assert_true(cpu_ppb_peek(r->cpu, addr, &value));
    return value;
}

/* STR r1, [r0] or LDR r1, [r0] at the end of flash, with all that is touched put back. */
static uint32_t access(struct bare *r, uint32_t addr, uint32_t value, uint32_t instruction)
{
    uint32_t r0 = cpu_reg(r->cpu, 0), r1 = cpu_reg(r->cpu, 1), pc = cpu_reg(r->cpu, 15), at = r->at;
    r->at = BARE_FLASH + BARE_FLASH_SIZE - 16;
    bare_code(r, instruction, 0xbf00);
    cpu_set_reg(r->cpu, 0, addr);
    cpu_set_reg(r->cpu, 1, value);
    cpu_set_reg(r->cpu, 15, BARE_FLASH + BARE_FLASH_SIZE - 16);
    assert_int_equal(cpu_step(r->cpu), CPU_RAN);
    value = cpu_reg(r->cpu, 1);
    cpu_set_reg(r->cpu, 0, r0);
    cpu_set_reg(r->cpu, 1, r1);
    cpu_set_reg(r->cpu, 15, pc);
    r->at = at;
    return value;
}

void bare_store(struct bare *r, uint32_t addr, uint32_t value)
{
    access(r, addr, value, 0x6001);
}

uint32_t bare_load(struct bare *r, uint32_t addr)
{
    return access(r, addr, 0, 0x6801);
}

struct bare *bare;

int bare_setup(void **state)
{
    (void)state;
    bare = bare_new();
    bare_start(bare);
    return 0;
}

int bare_teardown(void **state)
{
    (void)state;
    bare_free(bare);
    return 0;
}

void execute(uint32_t instruction)
{
    bare->at = reg(CPU_PC);
    bare_code(bare, instruction, NOP);
    bare_steps(bare, 1);
}

const struct bare_memory_op bare_memory_ops[BARE_MEMORY_OPS] = {
    {LDR(0, 1), 4, false},
    {STR(0, 1), 4, true},
    {0x7808 /* ldrb */, 1, false},
    {0x7008 /* strb */, 1, true},
    {0x8808 /* ldrh */, 2, false},
    {0x8008 /* strh */, 2, true},
    {0xe9d10200 /* ldrd */, 8, false},
    {0xe9c10200 /* strd */, 8, true},
    {0xe891000d /* ldm r0,r2,r3 */, 12, false},
    {0xe881000d /* stm */, 12, true},
    {0xed910a00 /* vldr s0 */, 4, false},
    {0xed810a00 /* vstr s0 */, 4, true},
    {0xec910a03 /* vldm s0-s2 */, 12, false},
    {0xec810a03 /* vstm */, 12, true},
    {0xe8510f00 /* ldrex */, 4, false},
    {0xf8410e00 /* strt */, 4, true},
};

void bare_mpu_ram(struct bare *b)
{
    bare_store(b, 0xe000ed9c, BARE_RAM | 0x10);              /* MPU_RBAR: region 0 */
    bare_store(b, 0xe000eda0, 3u << 24 | (14 - 1) << 1 | 1); /* MPU_RASR */
}
