/* System instructions and registers of the processor, from the ARMv7-M manual (DDI 0403E B1, B3, B5):
 * special registers, CPS, hints, SVC, values after reset. */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* NOP, YIELD and reserved hints only take time. */
static void hints(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++)
        set(i < 13 ? i : 0, 0x1000 + i);
    for (unsigned h = 0; h < 16; h++) {
        uint32_t pc = reg(CPU_PC), xpsr = reg(CPU_XPSR);
        if (h >= 2 && h <= 4)
            continue; /* WFE, WFI, SEV */
        execute(0xbf00 | h << 4);
        assert_int_equal(reg(CPU_PC), pc + 2);
        execute(0xf3af8000 | h);
        assert_int_equal(reg(CPU_PC), pc + 6);
        execute(0xf3af80e0 | h);
        assert_int_equal(reg(CPU_XPSR), xpsr);
        for (unsigned i = 1; i < 13; i++)
            assert_int_equal(reg(i), 0x1000 + i);
    }
    assert_int_equal(bare->faulted, 0);
}

static void change_processor_state(void **state)
{
    (void)state;
    execute(CPSID_I);
    assert_int_equal(reg(CPU_PRIMASK), 1);
    execute(CPSIE_I);
    assert_int_equal(reg(CPU_PRIMASK), 0);
    execute(CPSID_F);
    assert_int_equal(reg(CPU_FAULTMASK), 1);
    execute(CPSIE_F);
    assert_int_equal(reg(CPU_FAULTMASK), 0);
    execute(0xb673); /* cpsid if */
    assert_int_equal(reg(CPU_PRIMASK), 1);
    assert_int_equal(reg(CPU_FAULTMASK), 1);
    execute(0xb663);
    assert_int_equal(reg(CPU_PRIMASK), 0);
    assert_int_equal(reg(CPU_FAULTMASK), 0);
    set(CPU_CONTROL, 1); /* unprivileged: no effect, no fault */
    execute(0xb673);
    assert_int_equal(reg(CPU_PRIMASK), 0);
    assert_int_equal(reg(CPU_FAULTMASK), 0);
    assert_int_equal(bare->faulted, 0);
}

static void special_registers_flags(void)
{
    set(0, 0xffffffff);
    execute(0xf3808000 | 2 << 10); /* MSR APSR_nzcvq, r0 */
    assert_int_equal(reg(CPU_XPSR), 0xf9000000);
    execute(0xf3808000 | 1 << 10); /* APSR_g */
    assert_int_equal(reg(CPU_XPSR), 0xf90f0000);
    set(0, 0);
    execute(0xf3808000 | 1 << 10);
    assert_int_equal(reg(CPU_XPSR), 0xf9000000);
    execute(0xf3808000 | 3 << 10);
    assert_int_equal(reg(CPU_XPSR), 0x01000000);
    set(0, 0xffffffff);
    for (unsigned sysm = 5; sysm < 8; sysm++) { /* IPSR, EPSR, IEPSR are read-only */
        execute(MSR(sysm, 0) | 3 << 10);
        assert_int_equal(reg(CPU_XPSR), 0x01000000);
    }
    execute(MSR(3, 0) | 3 << 10); /* XPSR: the APSR part */
    assert_int_equal(reg(CPU_XPSR), 0xf90f0000);
    execute(MRS(1, 0));
    assert_int_equal(reg(1), 0xf80f0000);
    execute(MRS(1, 3)); /* EPSR reads as zero */
    assert_int_equal(reg(1), 0xf80f0000);
    execute(MRS(1, 6));
    assert_int_equal(reg(1), 0);
    set(CPU_XPSR, 0x0100000b); /* in the handler of SVC */
    execute(MRS(1, 5));
    assert_int_equal(reg(1), 11);
    execute(MRS(1, 1));
    assert_int_equal(reg(1), 11);
    set(CPU_XPSR, 0x01000000);
}

static void special_registers_masks(void)
{
    set(0, 0xffffffff);
    execute(MSR(SYSM_PRIMASK, 0));
    assert_int_equal(reg(CPU_PRIMASK), 1);
    execute(MRS(1, SYSM_PRIMASK));
    assert_int_equal(reg(1), 1);
    execute(MSR(SYSM_FAULTMASK, 0));
    assert_int_equal(reg(CPU_FAULTMASK), 1);
    execute(MRS(1, SYSM_FAULTMASK));
    assert_int_equal(reg(1), 1);
    execute(MSR(SYSM_BASEPRI, 0)); /* four bits are there */
    assert_int_equal(reg(CPU_BASEPRI), 0xf0);
    static const struct {
        uint8_t write, result;
    } max[] = {{0x80, 0x80}, {0x90, 0x80}, {0, 0x80}, {0x10, 0x10}, {0x0f, 0x10}};
    for (unsigned i = 0; i < sizeof max / sizeof *max; i++) { /* BASEPRI_MAX only raises the priority */
        set(0, max[i].write);
        execute(MSR(SYSM_BASEPRI_MAX, 0));
        assert_int_equal(reg(CPU_BASEPRI), max[i].result);
    }
    execute(MRS(1, SYSM_BASEPRI_MAX));
    assert_int_equal(reg(1), 0x10);
    set(0, 0);
    execute(MSR(SYSM_BASEPRI, 0));
    execute(MSR(SYSM_BASEPRI_MAX, 0));
    assert_int_equal(reg(CPU_BASEPRI), 0);
    set(0, 0x70);
    execute(MSR(SYSM_BASEPRI_MAX, 0)); /* from 0, which masks nothing, any is higher */
    assert_int_equal(reg(CPU_BASEPRI), 0x70);
    set(0, 0);
    execute(MSR(SYSM_PRIMASK, 0));
    execute(MSR(SYSM_FAULTMASK, 0));
    execute(MSR(SYSM_BASEPRI, 0));
    /* FAULTMASK cannot be set in HardFault and NMI handlers */
    set(0, 1);
    set(CPU_FAULTMASK, 1);
    execute(MSR(SYSM_FAULTMASK, 0));
    assert_int_equal(reg(CPU_FAULTMASK), 1);
    set(CPU_FAULTMASK, 0);
}

static void special_registers_stacks(void)
{
    uint32_t msp = reg(CPU_SP);
    set(0, 0x20001237);
    execute(MSR(SYSM_PSP, 0));
    execute(MRS(1, SYSM_PSP));
    assert_int_equal(reg(1), 0x20001234); /* bits 1:0 do not exist */
    execute(MRS(1, SYSM_MSP));
    assert_int_equal(reg(1), msp);
    set(0, 2);
    execute(MSR(SYSM_CONTROL, 0));
    assert_int_equal(reg(CPU_SP), 0x20001234);
    set(0, 0x20002003);
    execute(MSR(SYSM_MSP, 0)); /* not the one in use */
    assert_int_equal(reg(CPU_SP), 0x20001234);
    assert_int_equal(reg(CPU_MSP), 0x20002000);
    execute(0x4685); /* mov sp, r0 */
    assert_int_equal(reg(CPU_PSP), 0x20002000);
    set(0, 0xffffffff);
    execute(MSR(SYSM_CONTROL, 0));
    assert_int_equal(reg(CPU_CONTROL), 7);
    /* unprivileged now: reads give zero except of CONTROL, writes do nothing */
    execute(MRS(1, SYSM_PSP));
    assert_int_equal(reg(1), 0);
    execute(MRS(1, SYSM_CONTROL));
    assert_int_equal(reg(1), 7);
    set(0, 0);
    execute(MSR(SYSM_CONTROL, 0));
    assert_int_equal(reg(CPU_CONTROL), 7);
    execute(MSR(SYSM_PSP, 0));
    assert_int_equal(reg(CPU_PSP), 0x20002000);
    set(0, 1);
    execute(MSR(SYSM_PRIMASK, 0));
    execute(MSR(SYSM_BASEPRI, 0));
    assert_int_equal(reg(CPU_PRIMASK), 0);
    execute(MSR(0, 0) | 3 << 10); /* APSR may be written */
    assert_int_equal(reg(CPU_XPSR), 0x01000000);
    assert_int_equal(bare->faulted, 0);
}

static void special_registers(void **state)
{
    (void)state;
    special_registers_flags();
    special_registers_masks();
    special_registers_stacks();
}

/* In Handler mode CONTROL.SPSEL cannot be written. */
static void control_in_handler_mode(void **state)
{
    (void)state;
    bare->at = bare_handler(11);
    bare_code(bare, MOVS(0, 2), MSR(SYSM_CONTROL, 0), NOP);
    bare->at = reg(CPU_PC);
    bare_code(bare, SVC(0));
    bare_until(bare, bare_handler(11) + 6);
    assert_int_equal(reg(CPU_CONTROL), 0);
}

static void supervisor_call(void **state)
{
    (void)state;
    uint32_t pc = reg(CPU_PC), sp = reg(CPU_SP);
    bare->at = pc;
    bare_code(bare, SVC(0x42), NOP);
    bare->at = bare_handler(11);
    bare_code(bare, BX(14));
    set(3, 0x33);
    set(CPU_XPSR, 0xa1080000);
    bare_until(bare, bare_handler(11));
    assert_int_equal(reg(CPU_XPSR) & 0x1ff, 11);
    assert_int_equal(reg(CPU_LR), 0xfffffff9);
    assert_int_equal(reg(CPU_SP), sp - 32);
    assert_int_equal(bare_read(bare, sp - 32 + 12), 0x33);
    assert_int_equal(bare_read(bare, sp - 8), pc + 2); /* returns behind it */
    assert_int_equal(bare_read(bare, sp - 4), 0xa1080000);
    bare_until(bare, pc + 2);
    assert_int_equal(reg(CPU_XPSR), 0xa1080000);
    assert_int_equal(reg(CPU_SP), sp);
    /* where its priority does not suffice it is a HardFault */
    set(CPU_PRIMASK, 1);
    bare->at = pc + 2;
    bare_code(bare, SVC(1));
    bare_until(bare, bare_handler(3));
    assert_int_equal(bare_ppb(bare, HFSR), 1u << 30);
}

static void values_after_reset(void **state)
{
    static const struct {
        uint32_t addr, value;
    } row[] = {
        {0xe000e004, 2},
        {0xe000e008, 0},
        {0xe000e010, 0},
        {0xe000e014, 0},
        {0xe000e018, 0},
        {NVIC_ISER, 0},
        {NVIC_ICER + 4, 0},
        {NVIC_ISPR + 8, 0},
        {NVIC_ICPR, 0},
        {NVIC_IABR, 0},
        {NVIC_IPR, 0},
        {NVIC_IPR + 80, 0},
        {0xe000ed00, 0x410fc241},
        {ICSR, 0},
        {VTOR, 0},
        {AIRCR, 0xfa050000},
        {SCR, 0},
        {CCR, 0x200},
        {0xe000ed18, 0},
        {0xe000ed1c, 0},
        {0xe000ed20, 0},
        {SHCSR, 0},
        {CFSR, 0},
        {HFSR, 0},
        {DFSR, 0},
        {MMFAR, 0},
        {BFAR, 0},
        {0xe000ed3c, 0},
        {0xe000ed40, 0x30},
        {0xe000ed44, 0x200},
        {0xe000ed48, 0x00100000},
        {CPACR, 0},
        {0xe000ed90, 0x800},
        {0xe000ed94, 0},
        {0xe000ed98, 0},
        {0xe000ed9c, 0},
        {0xe000eda0, 0},
        {0xe000edf0, 0},
        {DEMCR, 0},
        {FPCCR, 0xc0000000},
        {FPCAR, 0},
        {FPDSCR, 0},
        {0xe000ef40, 0x10110021},
        {0xe000ef44, 0x11000011},
        {0xe0001000, 0x40000000},
        {0xe0001004, 0},
        {0xe0002000, 0x260},
        {0xe0000e80, 0},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++)
        if (bare_ppb(bare, row[i].addr) != row[i].value)
            fail_msg("%08x is %08x", (unsigned)row[i].addr, (unsigned)bare_ppb(bare, row[i].addr));
    for (unsigned i = 0; i < 13; i++)
        set(i, 0x55);
    set(CPU_CONTROL, 7);
    set(CPU_PRIMASK, 1);
    set(CPU_BASEPRI, 0x10);
    cpu_reset(bare->cpu);
    assert_int_equal(reg(CPU_SP), BARE_RAM + BARE_RAM_SIZE);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x200);
    assert_int_equal(reg(CPU_LR), 0xffffffff);
    assert_int_equal(reg(CPU_XPSR) & 0x010001ff, 0x01000000);
    for (unsigned n = CPU_PRIMASK; n <= CPU_CONTROL; n++)
        assert_int_equal(reg(n), 0);
}

/* What software that looks for a debugger, a tracer or a patch unit finds, and can write. */
static void debug_registers_are_harmless(void **state)
{
    (void)state;
    bare_store(bare, 0xe000edf0, 0xa05f0003); /* DHCSR: only a debugger can */
    assert_int_equal(bare_load(bare, 0xe000edf0), 0);
    bare_store(bare, DEMCR, 1 << 24);
    assert_int_equal(bare_load(bare, DEMCR), 1 << 24);
    bare_store(bare, 0xe0002000, 3);
    assert_int_equal(bare_load(bare, 0xe0002000), 0x261);
    bare_store(bare, 0xe0002000, 0); /* without the key */
    assert_int_equal(bare_load(bare, 0xe0002000), 0x261);
    bare_store(bare, 0xe0002008, 0x48001001);
    bare_store(bare, 0xe0000fb0, 0xc5acce55); /* ITM lock */
    bare_store(bare, 0xe0000e80, 1);
    bare_store(bare, 0xe0000e00, 1);
    assert_int_equal(bare_load(bare, 0xe0000000) & 1, 1); /* the port takes a word */
    bare_store(bare, 0xe0000000, 'x');
    assert_int_equal(bare_load(bare, 0xe0040304), 0x102);
    assert_int_equal(bare_load(bare, 0xe00ff000), 0xfff0f003); /* ROM table */
    assert_int_equal(bare->faulted, 0);
}

static void reset_requests(void **state)
{
    (void)state;
    bare->at = reg(CPU_PC);
    bare_code(bare, STR(1, 0), NOP, NOP);
    set(0, AIRCR);
    set(1, 4); /* without the key: nothing */
    bare_steps(bare, 1);
    set(CPU_PC, BARE_FLASH + 0x200);
    set(1, 0x05fa0004);
    assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_RESETREQ);
    assert_int_equal(reg(CPU_PC), BARE_FLASH + 0x202);
    set(CPU_PC, BARE_FLASH + 0x200);
    set(1, 0x05fa0001); /* VECTRESET: the processor alone */
    set(CPU_PRIMASK, 1);
    bare_steps(bare, 1);
    cpu_step(bare->cpu);
    assert_int_equal(reg(CPU_PRIMASK), 0);
    assert_int_equal(reg(CPU_SP), BARE_RAM + BARE_RAM_SIZE);
}

/* Reads of parts of registers, and what may not be read in parts of a word. */
static void narrow_access(void **state)
{
    (void)state;
    bare->at = reg(CPU_PC);
    bare_code(bare, 0x7001 /* strb r1, [r0] */, 0x7802 /* ldrb r2, [r0] */, LDR(3, 4));
    set(0, NVIC_IPR + 5);
    set(1, 0xab);
    set(4, NVIC_IPR + 4);
    bare_steps(bare, 3);
    assert_int_equal(reg(2), 0xa0); /* four bits of priority */
    assert_int_equal(reg(3), 0xa000);
    set(CPU_PC, BARE_FLASH + 0x200);
    set(0, 0xe000ed22); /* PendSV in SHPR3 */
    set(1, 0xff);
    set(4, 0xe000ed20);
    bare_steps(bare, 3);
    assert_int_equal(reg(2), 0xf0);
    assert_int_equal(reg(3), 0x00f00000);
    bare_store(bare, 0xe000ed18, 0xffffffff); /* exceptions 4, 5, 6; 7 is reserved */
    assert_int_equal(bare_load(bare, 0xe000ed18), 0x00f0f0f0);
    bare_store(bare, 0xe000ed1c, 0xffffffff); /* SVC only */
    assert_int_equal(bare_load(bare, 0xe000ed1c), 0xf0000000);
    bare_store(bare, NVIC_IPR + 80, 0xffffffff); /* interrupt 82 is the last one */
    assert_int_equal(bare_load(bare, NVIC_IPR + 80), 0x00f0f0f0);
    bare_store(bare, NVIC_ISER + 8, 0xffffffff);
    assert_int_equal(bare_load(bare, NVIC_ISER + 8), 0x0007ffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hints),
        TEST(change_processor_state),
        TEST(special_registers),
        TEST(control_in_handler_mode),
        TEST(supervisor_call),
        TEST(values_after_reset),
        TEST(debug_registers_are_harmless),
        TEST(reset_requests),
        TEST(narrow_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
