/* Break inputs of TIM1, TIM15 and TIM16 that are not at a pin: RM0394 "Break circuitry", "SYSCFG_CFGR2". */
#include "chip/state.h"
#include "rig.h"

/* What is no pin: PVD, SRAM2 parity, flash ECC, lock-up, each if SYSCFG lets it, and a failed HSE. */
static void system_breaks(void **state)
{
    static const uint32_t tims[3] = {0x40012C00, 0x40014000, 0x40014400};
    enum { BKE = 1 << 12, MOE = 1 << 15, BIF = 1 << 7, SBIF = 1 << 13 };
    (void)state;
    clock_on(0x60, 0);
    clock_on(0x60, 11);
    clock_on(0x60, 16);
    clock_on(0x60, 17);
    clock_on(0x58, 28);
    wr(0x40007004, 7 << 1 | 1); /* PVD_IN, which PVDL locks */
    for (unsigned what = 0; what < 5; what++) {
        for (unsigned locked = what == 4; locked < 2; locked++) { /* CSS needs no lock */
            adc_voltage(rig, 1, 7, 2000);
            for (unsigned i = 0; i < 3; i++)
                wr(tims[i] + 0x44, BKE | MOE);
            if (locked && what < 4)
                wr(0x4001001C, 1u << what);
            switch (what) { /* in the order of CFGR2 */
            case 0:
                rig->locked_up = true;
                tim_system_break(rig);
                break;
            case 1: syscfg_parity_error(rig); break;
            case 2: adc_voltage(rig, 1, 7, 1000); break;
            case 3: chip_nmi(rig, NMI_FLASH_ECC, true); break;
            default: chip_nmi(rig, NMI_CSS, true); break;
            }
            for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(rd(tims[i] + 0x44) & MOE, locked ? 0 : MOE);
                assert_int_equal(rd(tims[i] + 0x10) & (BIF | SBIF), !locked ? 0 : i ? BIF : SBIF);
            }
            wr(tims[0] + 0x0C, BIF);
            assert_int_equal(irq_line(24), locked);
            wr(tims[0] + 0x0C, 0);
            rig->locked_up = false;
            wr(0x4001001C, 1 << 8);
            adc_voltage(rig, 1, 7, 2000);
            chip_nmi(rig, NMI_FLASH_ECC, false);
            chip_nmi(rig, NMI_CSS, false);
            for (unsigned i = 0; i < 3; i++) {
                wr(tims[i] + 0x10, 0);
                assert_int_equal(rd(tims[i] + 0x10) & (BIF | SBIF), 0);
            }
        }
    }
    wr(tims[0] + 0x44, MOE); /* without BKE nothing breaks */
    chip_nmi(rig, NMI_CSS, true);
    assert_int_equal(rd(tims[0] + 0x44) & MOE, MOE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(system_breaks, rig_on, rig_off),
    };
    return cmocka_run_group_tests_name("system breaks", tests, NULL, NULL);
}
