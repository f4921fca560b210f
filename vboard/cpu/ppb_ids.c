/* Private peripheral bus: what always reads the same, features and identification (DDI 0403E B3.2, B4, D;
 * DDI 0439 for the Cortex-M4). */
#include "cpu/core.h"

/* Peripheral and component identification at 0xFD0-0xFFC of each block: PID4, PID0-3, CID1. */
static const struct {
    uint32_t block;
    uint8_t pid4, pid[4], cid1;
} ids[] = {
    {0xe0000000, 4, {0x01, 0xb0, 0x3b, 0}, 0xe0}, /* ITM */
    {0xe0001000, 4, {0x02, 0xb0, 0x3b, 0}, 0xe0}, /* DWT */
    {0xe0002000, 4, {0x03, 0xb0, 0x2b, 0}, 0xe0}, /* FPB */
    {0xe000e000, 4, {0x0c, 0xb0, 0x0b, 0}, 0xe0}, /* SCS with FPU */
    {0xe0040000, 4, {0xa1, 0xb9, 0x0b, 0}, 0x90}, /* TPIU */
};

static const struct {
    uint32_t addr, value;
} constants[] = {
    {0xe000e004, 0x00000002}, /* ICTR: 65 to 96 interrupt lines */
    {0xe000e01c, 0x4000270f}, /* SYST_CALIB */
    {0xe000ed00, 0x410fc241}, /* CPUID: Cortex-M4 r0p1 */
    {0xe000ed40, 0x00000030}, /* ID_PFR0 */
    {0xe000ed44, 0x00000200}, /* ID_PFR1 */
    {0xe000ed48, 0x00100000}, /* ID_DFR0 */
    {0xe000ed50, 0x00100030}, /* ID_MMFR0 */
    {0xe000ed58, 0x01000000}, /* ID_MMFR2 */
    {0xe000ed60, 0x01101110}, /* ID_ISAR0 */
    {0xe000ed64, 0x02112000}, /* ID_ISAR1 */
    {0xe000ed68, 0x20232231}, /* ID_ISAR2 */
    {0xe000ed6c, 0x01111131}, /* ID_ISAR3 */
    {0xe000ed70, 0x01310132}, /* ID_ISAR4 */
    {0xe000ed90, 0x00000800}, /* MPU_TYPE: 8 regions */
    {0xe000ef40, 0x10110021}, /* MVFR0 */
    {0xe000ef44, 0x11000011}, /* MVFR1 */
    {0xe0040000, 0x0000000f}, /* TPIU_SSPSR */
    {0xe0040300, 0x00000008}, /* TPIU_FFSR */
    {0xe0040fc8, 0x00000ca1}, /* TPIU_DEVID */
    {0xe0040fcc, 0x00000011}, /* TPIU_DEVTYPE */
    {0xe00ff000, 0xfff0f003}, {0xe00ff004, 0xfff02003}, {0xe00ff008, 0xfff03003}, /* ROM table: SCS, DWT, FPB
                                                                                   */
    {0xe00ff00c, 0xfff01003}, {0xe00ff010, 0xfff41003}, {0xe00ff014, 0xfff42003}, /* ITM, TPIU, ETM */
    {0xe00fffcc, 0x00000001},                                                     /* MEMTYPE */
    {0xe00ffff0, 0x0000000d}, {0xe00ffff4, 0x00000010}, {0xe00ffff8, 0x00000005}, {0xe00ffffc, 0x000000b1},
};

static uint32_t identification(uint32_t addr)
{
    static const uint8_t cid[4] = {0x0d, 0, 0x05, 0xb1};
    unsigned i = 0, reg = (addr & 0xfff) >> 2;
    while (i < sizeof ids / sizeof *ids && ids[i].block != (addr & ~0xfffu))
        i++;
    if (i == sizeof ids / sizeof *ids)
        return 0;
    if (reg == 0xfd0 >> 2)
        return ids[i].pid4;
    if (reg >= 0xff0 >> 2)
        return reg == 0xff4 >> 2 ? ids[i].cid1 : cid[reg & 3];
    return reg >= 0xfe0 >> 2 ? ids[i].pid[reg & 3] : 0;
}

bool cpu_ppb_constant(uint32_t addr, uint32_t *value)
{
    for (unsigned i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (constants[i].addr == addr) {
            *value = constants[i].value;
            return true;
        }
    }
    *value = identification(addr);
    return (addr & 0xfff) >= 0xfd0;
}
