/* Memory protection unit, from the ARMv7-M manual (DDI 0403E B3.5). */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MPU_CTRL 0xe000ed94u
#define MPU_RNR  0xe000ed98u
#define MPU_RBAR 0xe000ed9cu
#define MPU_RASR 0xe000eda0u
enum { ENABLE = 1, HFNMIENA = 2, PRIVDEFENA = 4, XN = 1 << 28 };
#define AP(n)   ((uint32_t)(n) << 24)
#define SIZE(n) (((uint32_t)(n)-1) << 1 | 1) /* 2^n bytes, enabled */

static void region(unsigned n, uint32_t base, uint32_t rasr)
{
    bare_store(bare, MPU_RNR, n);
    bare_store(bare, MPU_RBAR, base);
    bare_store(bare, MPU_RASR, rasr);
}

/* Flash for everybody to read and execute. */
static void flash_region(void)
{
    region(0, BARE_FLASH, AP(6) | SIZE(16));
}

static bool faults(uint32_t instruction)
{
    bare->at = reg(CPU_PC);
    bare_code(bare, instruction, NOP, NOP);
    bare->faulted = 0;
    uint32_t pc = reg(CPU_PC);
    for (unsigned i = 0; i < 3 && bare->faulted == 0; i++)
        cpu_step(bare->cpu);
    bool fault = bare->faulted > 0;
    if (fault) {
        assert_int_equal(reg(CPU_XPSR) & 0x1ff, 4);
        bare->at = reg(CPU_PC);
        bare_code(bare, BX(14)); /* the frame is on the privileged stack */
        bare_word(bare, reg(CPU_SP) + 24, pc);
        bare_steps(bare, 1);
    }
    set(CPU_PC, BARE_FLASH + 0x200);
    return fault;
}

static void permissions(void **state)
{
    /* AP: may a privileged, an unprivileged access read, write */
    static const struct {
        bool pr, pw, ur, uw;
    } ap[8] = {{0, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, 1, 0}, {1, 1, 1, 1},
               {0, 0, 0, 0}, {1, 0, 0, 0}, {1, 0, 1, 0}, {1, 0, 1, 0}};
    (void)state;
    bare_store(bare, SHCSR, SHCSR_MEM);
    flash_region();
    region(1, BARE_RAM + 0x2000, AP(3) | SIZE(13)); /* stack */
    bare_store(bare, MPU_CTRL, ENABLE);
    set(1, BARE_RAM + 0x100);
    for (unsigned i = 0; i < 8; i++) {
        region(2, BARE_RAM, AP(i) | SIZE(12));
        assert_int_equal(faults(LDR(0, 1)), !ap[i].pr);
        assert_int_equal(faults(STR(0, 1)), !ap[i].pw);
        assert_int_equal(faults(0xf8510e00 /* ldrt r0, [r1] */), !ap[i].ur);
        assert_int_equal(faults(0xf8410e00 /* strt r0, [r1] */), !ap[i].uw);
        if (!ap[i].uw)
            assert_int_equal(bare_ppb(bare, MMFAR), BARE_RAM + 0x100);
    }
    assert_int_equal(bare_ppb(bare, CFSR), 0x82);
    /* no region: nothing, unless PRIVDEFENA gives privileged code the default map */
    set(1, BARE_IO);
    assert_true(faults(LDR(0, 1)));
    bare_store(bare, MPU_CTRL, ENABLE | PRIVDEFENA);
    assert_false(faults(LDR(0, 1)));
    assert_true(faults(0xf8510e00));
    /* the private bus is never the MPU's business */
    bare_store(bare, MPU_CTRL, ENABLE);
    set(1, CCR);
    assert_false(faults(LDR(0, 1)));
}

static void sizes_subregions_and_overlap(void **state)
{
    (void)state;
    bare_store(bare, SHCSR, SHCSR_MEM);
    flash_region();
    region(1, BARE_RAM, AP(3) | SIZE(14));
    region(7, BARE_RAM + 0x100, AP(0) | SIZE(8) | 0x5a << 8); /* subregions of 32 bytes; 1, 3, 4, 6 are off */
    bare_store(bare, MPU_CTRL, ENABLE);
    for (unsigned i = 0; i < 256; i += 4) {
        set(1, BARE_RAM + 0x100 + i);
        assert_int_equal(faults(LDR(0, 1)), !(0x5a >> i / 32 & 1));
    }
    set(1, BARE_RAM + 0xfc);
    assert_false(faults(LDR(0, 1)));
    set(1, BARE_RAM + 0x200);
    assert_false(faults(LDR(0, 1)));
    /* the region with the higher number decides; regions of 32 bytes */
    region(3, BARE_RAM + 0x400, AP(0) | SIZE(5));
    set(1, BARE_RAM + 0x41c);
    assert_true(faults(LDR(0, 1)));
    set(1, BARE_RAM + 0x420);
    assert_false(faults(LDR(0, 1)));
    region(4, BARE_RAM + 0x400, AP(3) | SIZE(5));
    set(1, BARE_RAM + 0x41c);
    assert_false(faults(LDR(0, 1)));
    /* RBAR with VALID selects the region; RBAR ignores bits below the size */
    bare_store(bare, MPU_RBAR, (BARE_RAM + 0x400) | 0x10 | 4);
    assert_int_equal(bare_load(bare, MPU_RNR), 4);
    bare_store(bare, MPU_RASR, 0);
    assert_true(faults(LDR(0, 1)));
    /* aliases of RBAR and RASR */
    bare_store(bare, 0xe000edac, (BARE_RAM + 0x400) | 0x10 | 5);
    bare_store(bare, 0xe000edb0, AP(3) | SIZE(5));
    assert_int_equal(bare_load(bare, MPU_RASR), AP(3) | SIZE(5));
    assert_false(faults(LDR(0, 1)));
}

static void execution(void **state)
{
    (void)state;
    bare_store(bare, SHCSR, SHCSR_MEM);
    flash_region();
    region(1, BARE_RAM, AP(3) | SIZE(14) | XN);
    bare_store(bare, MPU_CTRL, ENABLE);
    bare->at = BARE_RAM + 0x100;
    bare_code(bare, MOVS(0, 0x77), BX(2));
    set(2, (BARE_FLASH + 0x300) | 1);
    set(1, (BARE_RAM + 0x100) | 1);
    assert_true(faults(BX(1)));
    assert_int_equal(bare_ppb(bare, CFSR), 1);
    region(1, BARE_RAM, AP(3) | SIZE(14));
    set(0, 0);
    execute(BX(1));
    bare_until(bare, BARE_FLASH + 0x300);
    assert_int_equal(reg(0), 0x77);
    /* running into a region that may not be executed, in the middle of a 32-bit instruction */
    region(2, BARE_RAM + 0x120, AP(3) | SIZE(5) | XN);
    bare->at = BARE_RAM + 0x11a;
    bare_code(bare, NOP, NOP, 0xf2401034);
    set(CPU_PC, BARE_RAM + 0x11a);
    bare->faulted = 0;
    bare_until(bare, bare_handler(4));
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), BARE_RAM + 0x11e);
    /* a loop is checked again when privilege is dropped */
    bare_start(bare);
    bare_store(bare, SHCSR, SHCSR_MEM);
    region(0, BARE_FLASH, AP(5) | SIZE(16)); /* privileged only */
    region(1, BARE_RAM, AP(3) | SIZE(14));
    bare_store(bare, MPU_CTRL, ENABLE);
    set(0, 1);
    bare->at = reg(CPU_PC);
    bare_code(bare, MSR(SYSM_CONTROL, 0), NOP, NOP);
    bare_until(bare, bare_handler(4));
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), BARE_FLASH + 0x204);
}

static void faults_and_stacking(void **state)
{
    (void)state;
    bare_store(bare, SHCSR, SHCSR_MEM);
    flash_region();
    region(1, BARE_RAM, AP(1) | SIZE(14)); /* privileged only */
    bare_store(bare, MPU_CTRL, ENABLE);
    set(CPU_CONTROL, 3);
    set(CPU_PSP, BARE_RAM + 0x1000);
    bare->at = reg(CPU_PC);
    bare_code(bare, SVC(0));
    bare_until(bare, bare_handler(4)); /* the frame is stored unprivileged */
    assert_int_equal(bare_ppb(bare, CFSR), 0x10);
    assert_int_equal(reg(CPU_PSP), BARE_RAM + 0x1000 - 32);
    /* without HFNMIENA HardFault and FAULTMASK do without MPU */
    bare_start(bare);
    flash_region();
    bare_store(bare, MPU_CTRL, ENABLE);
    set(CPU_FAULTMASK, 1);
    set(1, BARE_RAM);
    execute(LDR(0, 1));
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x202);
    bare_store(bare, MPU_CTRL, ENABLE | HFNMIENA);
    bare->at = reg(CPU_PC);
    bare_code(bare, LDR(0, 1));
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_LOCKUP);
}

static uint32_t below(uint32_t n)
{
    static uint32_t state = 12345;
    state = state * 1664525 + 1013904223;
    return (state >> 8) % n;
}

/* Loads and stores that the interpreter serves directly are allowed and refused as those that ask the
 * MPU each time (LDREX does), around every edge and hole. */
static void direct_access_agrees(void **state)
{
    (void)state;
    bare_store(bare, SHCSR, SHCSR_MEM);
    flash_region();
    unsigned allowed = 0, refused = 0;
    for (unsigned round = 0; round < 150; round++) {
        bare_store(bare, MPU_CTRL, 0);
        uint32_t edges[8] = {0};
        for (unsigned n = 1; n < 7; n++) {
            unsigned log2 = 5 + below(9);
            uint32_t holes = log2 >= 8 && below(2) ? below(256) : 0;
            edges[n] = BARE_RAM + (below(0x4000) & ~((1u << log2) - 1));
            region(n, edges[n], AP(below(2) ? 3 : 0) | SIZE(log2) | holes << 8);
        }
        region(7, BARE_RAM + 0x3c00, AP(3) | SIZE(10)); /* the stack */
        bare_store(bare, MPU_CTRL, below(2) ? ENABLE : ENABLE | PRIVDEFENA);
        for (unsigned i = 0; i < 24; i++) {
            uint32_t addr = edges[1 + i % 6] + (below(2) ? below(0x400) & ~3u : 0u - 4u);
            addr = BARE_RAM + (addr & 0x3fff);
            if (addr >= BARE_RAM + 0x3bfc)
                continue;
            set(1, addr);
            set(2, addr + 4);
            bool first = faults(0xe8510f00 /* ldrex r0, [r1] */), second = faults(0xe8520f00);
            assert_int_equal(faults(LDR(0, 1)), first);
            assert_int_equal(faults(STR(0, 1)), first);
            assert_int_equal(faults(0x7808 /* ldrb r0, [r1] */), first);
            assert_int_equal(faults(0x8008 /* strh r0, [r1] */), first);
            assert_int_equal(faults(0xe9d10300 /* ldrd r0, r3, [r1] */), first || second);
            set(0, 0);
            assert_int_equal(faults(0xe8810009 /* stm r1, {r0, r3} */), first || second);
            assert_int_equal(faults(0xe8910009 /* ldm r1, {r0, r3} */), first || second);
            (first ? &refused : &allowed)[0]++;
        }
    }
    assert_true(allowed > 300 && refused > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(permissions),         TEST(sizes_subregions_and_overlap), TEST(execution),
        TEST(faults_and_stacking), TEST(direct_access_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
