/* Memory accesses of the processor, from the ARMv7-M manual (DDI 0403E A3, B3.1) and the Cortex-M4
 * TRM (3.7 bit-banding): alignment, exclusives, bit-bands, unprivileged accesses, faulting transfers,
 * code that changes. */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LDREX(rt, rn)      (0xe8500f00u | (rn) << 16 | (rt) << 12)
#define STREX(rd, rt, rn)  (0xe8400000u | (rn) << 16 | (rt) << 12 | (rd) << 8)
#define LDREXB(rt, rn)     (0xe8d00f4fu | (rn) << 16 | (rt) << 12)
#define STREXB(rd, rt, rn) (0xe8c00f40u | (rn) << 16 | (rt) << 12 | (rd))
#define LDREXH(rt, rn)     (0xe8d00f5fu | (rn) << 16 | (rt) << 12)
#define STREXH(rd, rt, rn) (0xe8c00f50u | (rn) << 16 | (rt) << 12 | (rd))

static void exclusive_access(void **state)
{
    static const struct {
        uint32_t load, store, mask;
    } form[] = {{LDREX(0, 1), STREX(2, 3, 1), 0xffffffff},
                {LDREXB(0, 1), STREXB(2, 3, 1), 0xff},
                {LDREXH(0, 1), STREXH(2, 3, 1), 0xffff}};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t mask = form[i].mask, addr = BARE_RAM + 0x100;
        bare_word(bare, addr, 0xfedcba98);
        set(1, addr);
        set(3, 0x12345678);
        set(2, 99);
        execute(form[i].store); /* nothing was loaded */
        assert_int_equal(reg(2), 1);
        assert_int_equal(bare_read(bare, addr), 0xfedcba98);
        execute(form[i].load);
        assert_int_equal(reg(0), 0xfedcba98 & mask);
        execute(form[i].store);
        assert_int_equal(reg(2), 0);
        assert_int_equal(bare_read(bare, addr), (0xfedcba98 & ~mask) | (0x12345678 & mask));
        execute(form[i].store); /* only once */
        assert_int_equal(reg(2), 1);
        execute(form[i].load);
        execute(CLREX);
        set(3, 0);
        execute(form[i].store);
        assert_int_equal(reg(2), 1);
        assert_int_equal(bare_read(bare, addr), (0xfedcba98 & ~mask) | (0x12345678 & mask));
        execute(form[i].load); /* an exception in between: the reservation is gone */
        bare->at = bare_handler(11);
        bare_code(bare, BX(14));
        bare->at = reg(CPU_PC);
        bare_code(bare, SVC(0), form[i].store, NOP);
        uint32_t next = reg(CPU_PC) + 6;
        set(2, 99);
        bare_until(bare, next);
        assert_int_equal(reg(2), 1);
    }
    /* STREX has an offset of words; misaligned ones fault */
    set(1, BARE_RAM);
    execute(LDREX(0, 1) | 5);
    execute(STREX(2, 1, 1) | 5);
    assert_int_equal(reg(2), 0);
    assert_int_equal(bare_read(bare, BARE_RAM + 20), BARE_RAM);
    bare_store(bare, SHCSR, SHCSR_USAGE);
    set(1, BARE_RAM + 2);
    bare->at = reg(CPU_PC);
    bare_code(bare, LDREX(0, 1));
    bare_until(bare, bare_handler(6));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 24);
}

/* Faulting with UNALIGNED, without any trap enabled. */
static void always_aligned(void **state)
{
    static const uint32_t instruction[] = {0xc90c /* ldm r1!, {r2, r3} */,
                                           0xc10c /* stm r1!, {r2, r3} */,
                                           0xe9d12300 /* ldrd r2, r3, [r1] */,
                                           0xe9c12300 /* strd r2, r3, [r1] */,
                                           0xe891000c /* ldm.w r1, {r2, r3} */,
                                           0xe911000c /* ldmdb r1, {r2, r3} */,
                                           0xe881000c /* stm.w */,
                                           LDREXH(0, 1),
                                           0xed910a00 /* vldr s0, [r1] */,
                                           0xed810a00 /* vstr s0, [r1] */,
                                           0xec910a02 /* vldm r1, {s0, s1} */,
                                           0xec810a02 /* vstm r1, {s0, s1} */,
                                           0xf8d1f000 /* ldr pc, [r1] */};
    (void)state;
    for (unsigned i = 0; i < sizeof instruction / sizeof *instruction; i++) {
        bare_start(bare);
        bare_store(bare, SHCSR, SHCSR_USAGE);
        bare_store(bare, CPACR, 0xf << 20);
        set(1, BARE_RAM + 0x101);
        uint32_t pc = reg(CPU_PC);
        bare->at = pc;
        bare_code(bare, instruction[i]);
        bare_until(bare, bare_handler(6));
        assert_int_equal(bare_ppb(bare, CFSR), 1 << 24);
        assert_int_equal(reg(1), BARE_RAM + 0x101);
        assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), pc);
    }
}

static void unaligned_access_is_split(void **state)
{
    (void)state;
    bare_word(bare, BARE_RAM + 0x10, 0x33221100);
    bare_word(bare, BARE_RAM + 0x14, 0x77665544);
    for (unsigned k = 0; k < 4; k++) {
        set(1, BARE_RAM + 0x10 + k);
        execute(LDR(0, 1));
        assert_int_equal(reg(0), 0x33221100 + k * 0x11111111);
    }
    /* in a peripheral: as a byte, a halfword and a byte */
    set(1, BARE_IO + 0x101);
    set(0, 0xddccbbaa);
    execute(STR(0, 1));
    assert_int_equal(bare->logged, 3);
    static const struct {
        uint32_t addr, value;
        unsigned size;
    } want[] = {{BARE_IO + 0x101, 0xaa, 1}, {BARE_IO + 0x102, 0xccbb, 2}, {BARE_IO + 0x104, 0xdd, 1}};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(bare->log[i].addr, want[i].addr);
        assert_int_equal(bare->log[i].value, want[i].value);
        assert_int_equal(bare->log[i].size, want[i].size);
    }
    bare->logged = 0;
    set(1, BARE_IO + 0x102);
    execute(LDR(2, 1)); /* two halfwords */
    assert_int_equal(bare->logged, 2);
    assert_int_equal(reg(2), 0x00ddccbb);
    /* with UNALIGN_TRP they fault, aligned ones go on */
    bare_store(bare, CCR, 0x208);
    bare_store(bare, SHCSR, SHCSR_USAGE);
    set(1, BARE_RAM + 0x10);
    execute(LDR(0, 1));
    assert_int_equal(reg(0), 0x33221100);
    set(1, BARE_RAM + 0x12);
    bare->at = reg(CPU_PC);
    bare_code(bare, LDR(0, 1));
    bare_until(bare, bare_handler(6));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 24);
}

/* BFAR has the address that the instruction asks for, MMFAR that of the part which the MPU refuses. */
static void unaligned_access_that_faults(void **state)
{
    static const uint32_t instruction[] = {LDR(0, 1), STR(0, 1), 0x8808 /* ldrh r0, [r1] */,
                                           0x8008 /* strh r0, [r1] */};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t end = BARE_RAM + BARE_RAM_SIZE, at = end - (i < 2 ? 2 : 1);
        bare_start(bare);
        bare_store(bare, SHCSR, SHCSR_BUS);
        bare_store(bare, 0xe000e008, 2); /* ACTLR.DISDEFWBUF: stores are precise */
        set(1, at);
        bare_code(bare, instruction[i]);
        bare_until(bare, bare_handler(5));
        assert_int_equal(bare_ppb(bare, CFSR), 0x8200);
        assert_int_equal(bare_ppb(bare, BFAR), at);
        bare_start(bare);
        bare_store(bare, CCR, 0x300); /* BFHFNMIGN: ignored, but the status tells */
        set(CPU_FAULTMASK, 1);
        set(1, at);
        execute(instruction[i]);
        if (i % 2 == 0)
            assert_int_equal(bare_ppb(bare, BFAR), at);
        bare_start(bare);
        bare_store(bare, SHCSR, SHCSR_MEM);
        bare_mpu_ram(bare);
        bare_store(bare, 0xe000ed9c, (end - 0x1000) | 0x11); /* region 1: no access to the last 4 KB */
        bare_store(bare, 0xe000eda0, 11 << 1 | 1);
        bare_store(bare, 0xe000ed94, 5);
        set(CPU_MSP, end - 0x1000);
        set(1, at - 0x1000);
        bare_code(bare, instruction[i]);
        bare_until(bare, bare_handler(4));
        assert_int_equal(bare_ppb(bare, CFSR), 0x82);
        assert_int_equal(bare_ppb(bare, MMFAR), end - 0x1000);
    }
}

static void unaligned_private_bus(void **state)
{
    (void)state;
    bare_store(bare, SHCSR, SHCSR_USAGE);
    set(1, 0xe000ed01);
    bare->at = reg(CPU_PC);
    bare_code(bare, LDR(0, 1));
    bare_until(bare, bare_handler(6));
    assert_int_equal(bare_ppb(bare, CFSR), 1 << 24);
}

static void bit_band(void **state)
{
    (void)state;
    bare_word(bare, BARE_RAM + 0x40, 0x80000004);
    /* SRAM: bit n of the word at 0x40 */
    static const uint8_t ones[] = {2, 31};
    for (unsigned n = 0; n < 32; n++) {
        set(1, 0x22000000 + 0x40 * 32 + n * 4);
        execute(LDR(0, 1));
        assert_int_equal(reg(0), n == ones[0] || n == ones[1]);
    }
    set(1, 0x22000000 + 0x40 * 32 + 7 * 4);
    set(0, 0xffffffff); /* only bit 0 of what is written counts */
    execute(STR(0, 1));
    assert_int_equal(bare_read(bare, BARE_RAM + 0x40), 0x80000084);
    set(0, 0xfffffffe);
    set(1, 0x22000000 + 0x40 * 32 + 31 * 4);
    execute(STR(0, 1));
    assert_int_equal(bare_read(bare, BARE_RAM + 0x40), 0x00000084);
    set(1, 0x22000000 + 0x40 * 32 + 2 * 4); /* bytes and halfwords work too */
    execute(0x780a /* ldrb r2, [r1] */);
    assert_int_equal(reg(2), 1);
    set(0, 0);
    execute(0x7008 /* strb r0, [r1] */);
    assert_int_equal(bare_read(bare, BARE_RAM + 0x40), 0x00000080);
    /* peripherals: one read and one write of the whole word */
    bare_word(bare, BARE_IO + 0x20, 0x00010000);
    set(1, 0x42000000 + 0x20 * 32 + 16 * 4);
    execute(LDR(0, 1));
    assert_int_equal(reg(0), 1);
    assert_int_equal(bare->logged, 1);
    assert_int_equal(bare->log[0].addr, BARE_IO + 0x20);
    assert_int_equal(bare->log[0].size, 4);
    set(1, 0x42000000 + 0x20 * 32 + 3 * 4);
    set(0, 1);
    execute(STR(0, 1));
    assert_int_equal(bare_read(bare, BARE_IO + 0x20), 0x00010008);
    assert_int_equal(bare->logged, 3);
    assert_false(bare->log[1].write);
    assert_true(bare->log[2].write);
    assert_int_equal(bare->log[2].value, 0x00010008);
    /* code in RAM that is changed bit by bit is executed as changed */
    bare->at = BARE_RAM + 0x200;
    bare_code(bare, MOVS(4, 0), BX(5));
    set(5, reg(CPU_PC) | 1);
    uint32_t back = reg(CPU_PC);
    set(CPU_PC, BARE_RAM + 0x200);
    bare_until(bare, back);
    assert_int_equal(reg(4), 0);
    set(1, 0x22000000 + 0x200 * 32 + 3 * 4);
    set(0, 1);
    execute(STR(0, 1));
    set(5, reg(CPU_PC) | 1);
    back = reg(CPU_PC);
    set(CPU_PC, BARE_RAM + 0x200);
    bare_until(bare, back);
    assert_int_equal(reg(4), 8);
}

/* LDRT and its like access as unprivileged code does; so does everything when CONTROL.nPRIV is set. */
static void unprivileged_access(void **state)
{
    static const uint32_t load[] = {0xf8510e00, 0xf8110e00, 0xf8310e00, 0xf9110e00, 0xf9310e00};
    static const uint32_t store[] = {0xf8410e00, 0xf8010e00, 0xf8210e00};
    (void)state;
    set(1, BARE_IO);
    for (unsigned i = 0; i < 5; i++)
        execute(load[i]);
    for (unsigned i = 0; i < 3; i++)
        execute(store[i]);
    execute(LDR(0, 1));
    assert_int_equal(bare->logged, 9);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(bare->log[i].privileged, i == 8);
    /* the private bus is a bus error to it */
    bare_store(bare, SHCSR, SHCSR_BUS);
    set(1, CCR);
    bare->at = reg(CPU_PC);
    bare_code(bare, load[0]);
    bare_until(bare, bare_handler(5));
    assert_int_equal(bare_ppb(bare, CFSR), 0x8200);
    assert_int_equal(bare_ppb(bare, BFAR), CCR);
}

/* A transfer that faults in the middle leaves its base as it was, also with write-back. */
static void faulting_transfers_keep_the_base(void **state)
{
    static const uint32_t instruction[] = {0xc91c /* ldm r1!, {r2, r3, r4} */,
                                           0xe931001c /* ldmdb r1!, {r2, r3, r4} */,
                                           0xf8510b04 /* ldr r0, [r1], #4 */,
                                           0xf8510f04 /* ldr r0, [r1, #4]! */,
                                           0xe8f12301 /* ldrd r2, r3, [r1], #4 */,
                                           0xf8110b01 /* ldrb r0, [r1], #1 */,
                                           0xecb10a03 /* vldm r1!, {s0-s2} */};
    (void)state;
    for (unsigned i = 0; i < sizeof instruction / sizeof *instruction; i++) {
        bare_start(bare);
        bare_store(bare, SHCSR, SHCSR_BUS);
        bare_store(bare, CPACR, 0xf << 20);
        bool down = i == 1;
        uint32_t base = down ? BARE_RAM + 8 : BARE_RAM + BARE_RAM_SIZE - 4;
        if (i == 2 || i == 3 || i == 5)
            base += 4;
        uint32_t pc = reg(CPU_PC);
        set(CPU_SP, BARE_RAM + 0x1000);
        set(0, 0xabc);
        set(1, base);
        bare->at = pc;
        bare_code(bare, instruction[i]);
        bare_until(bare, bare_handler(5));
        assert_int_equal(reg(1), base);
        assert_int_equal(reg(0), 0xabc);
        assert_int_equal(bare_ppb(bare, CFSR), 0x8200);
        assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), pc);
    }
}

/* Stores that change the program are seen at once, from every address that shows the memory. */
static void code_that_changes_itself(void **state)
{
    (void)state;
    cpu_map(bare->cpu, 3, (struct cpu_region){0x10000000, 0x1000, bare->ram + 0x1000, true, true, false});
    bare->at = BARE_RAM + 0x1000;
    bare_code(bare, MOVS(0, 1), BX(7));
    set(7, (BARE_FLASH + 0x300) | 1);
    for (unsigned i = 0; i < 3; i++) {
        /* executed at one address, changed at the other */
        uint32_t run = i & 1 ? BARE_RAM + 0x1000 : 0x10000000, poke = i & 1 ? 0x10000000 : BARE_RAM + 0x1000;
        set(CPU_PC, run);
        bare_until(bare, BARE_FLASH + 0x300);
        assert_int_equal(reg(0), 1 + i);
        set(1, poke);
        set(2, MOVS(0, 2 + i));
        set(CPU_PC, BARE_FLASH + 0x200);
        bare->at = BARE_FLASH + 0x200;
        bare_code(bare, 0x800a /* strh r2, [r1] */, NOP);
        bare_steps(bare, 1);
    }
    /* an instruction that overwrites the next one, and one that overwrites itself */
    bare->at = BARE_RAM + 0x800;
    bare_code(bare, 0x800a /* strh r2, [r1] */, MOVS(0, 0), BX(7));
    set(1, BARE_RAM + 0x802);
    set(2, MOVS(0, 0x77));
    set(CPU_PC, BARE_RAM + 0x800);
    bare_until(bare, BARE_FLASH + 0x300);
    assert_int_equal(reg(0), 0x77);
    set(1, BARE_RAM + 0x800);
    set(2, MOVS(3, 0x55));
    set(CPU_PC, BARE_RAM + 0x800);
    bare_until(bare, BARE_FLASH + 0x300);
    set(CPU_PC, BARE_RAM + 0x800);
    bare_until(bare, BARE_FLASH + 0x300);
    assert_int_equal(reg(3), 0x55);
    /* both halves of a 32-bit instruction, the second one by STM */
    bare->at = BARE_RAM + 0x900;
    bare_code(bare, 0xf2410034 /* movw r0, #0x1034 */, BX(7));
    set(CPU_PC, BARE_RAM + 0x900);
    bare_until(bare, BARE_FLASH + 0x300);
    assert_int_equal(reg(0), 0x1034);
    set(1, BARE_RAM + 0x900);
    set(2, 0x0078f241);
    set(3, BX(7));
    set(CPU_PC, BARE_FLASH + 0x200);
    bare->at = BARE_FLASH + 0x200;
    bare_code(bare, 0xc10c /* stm r1!, {r2, r3} */, NOP);
    bare_steps(bare, 1);
    set(CPU_PC, BARE_RAM + 0x900);
    bare_until(bare, BARE_FLASH + 0x300);
    assert_int_equal(reg(0), 0x1078);
}

/* Execution where no region is: every fetch goes to the owner; and across the end of a region. */
static void execution_outside_regions(void **state)
{
    (void)state;
    cpu_map(bare->cpu, 3, (struct cpu_region){0x10000000, 0x400, bare->ram + 0x1000, true, true, false});
    cpu_map(bare->cpu, 4, (struct cpu_region){0x10000400, 0x400, bare->ram + 0x1800, true, true, false});
    /* a 32-bit instruction with one half in each region */
    bare->ram[0x13fe] = 0x41;
    bare->ram[0x13ff] = 0xf2;
    bare->ram[0x1800] = 0x34;
    bare->ram[0x1801] = 0x00;
    bare->ram[0x1802] = 0x02; /* ands r2, r0 */
    bare->ram[0x1803] = 0x40;
    set(2, 0xff);
    set(CPU_PC, 0x100003fe);
    bare_steps(bare, 1);
    assert_int_equal(reg(0), 0x1034);
    assert_int_equal(reg(CPU_PC), 0x10000402);
    bare_steps(bare, 1);
    assert_int_equal(reg(2), 0xff & reg(0));
    /* nothing there: a bus error on the fetch, at the instruction */
    bare_store(bare, SHCSR, SHCSR_BUS);
    set(CPU_PC, 0x10000800);
    bare_until(bare, bare_handler(5));
    assert_int_equal(bare_ppb(bare, CFSR), 0x100);
    assert_int_equal(bare_read(bare, reg(CPU_SP) + 24), 0x10000800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exclusive_access),          TEST(always_aligned),
        TEST(unaligned_access_is_split), TEST(unaligned_access_that_faults),
        TEST(unaligned_private_bus),     TEST(bit_band),
        TEST(unprivileged_access),       TEST(faulting_transfers_keep_the_base),
        TEST(code_that_changes_itself),  TEST(execution_outside_regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
