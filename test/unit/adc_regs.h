/* What the tests of ADC1 share: registers, bits, an ADC that is on, codes of voltages. */
#ifndef TEST_ADC_REGS_H
#define TEST_ADC_REGS_H

#include "rig.h"

#define ADC1 0x50040000u
#define DAC1 0x40007400u
enum {
    ISR = 0x00,
    IER = 0x04,
    CR = 0x08,
    CFGR = 0x0C,
    CFGR2 = 0x10,
    SMPR1 = 0x14,
    SMPR2 = 0x18,
    TR1 = 0x20,
    TR2 = 0x24,
    SQR1 = 0x30,
    SQR2 = 0x34,
    DR = 0x40,
    JSQR = 0x4C,
    OFR1 = 0x60,
    JDR1 = 0x80,
    AWD2CR = 0xA0,
    DIFSEL = 0xB0,
    CALFACT = 0xB4,
    CCR = 0x308
};
enum { ADRDY = 1, EOSMP = 2, EOC = 4, EOS = 8, OVR = 16, JEOC = 32, JEOS = 64, AWD1 = 128, AWD2 = 256 };
enum { ADEN = 1, ADDIS = 2, ADSTART = 4, JADSTART = 8, ADSTP = 16, VREG = 1 << 28 };
enum {
    DMAEN = 1,
    DMACFG = 2,
    ALIGN = 32,
    OVRMOD = 1 << 12,
    CONT = 1 << 13,
    AUTDLY = 1 << 14,
    DISCEN = 1 << 16
};

/* On, with 16 MHz from HCLK, so that a period is 62.5 ns. */
static inline int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x4C, 13);
    clock_on(0x58, 29);
    wr(ADC1 + CCR, 1 << 16 | 7 << 22);
    wr(ADC1 + CR, VREG);
    run_us(20);
    wr(ADC1 + CR, VREG | ADEN);
    assert_true(run_until(ADC1 + ISR, ADRDY, ADRDY, 10 * PS_PER_US) != PS_NEVER);
    wr(ADC1 + ISR, ADRDY);
    for (unsigned pin = 0; pin < 4; pin++)
        adc_voltage(rig, 2, pin, 500 * (pin + 1)); /* PC0-3, channels 1-4 */
    return 0;
}

static inline uint32_t code(unsigned millivolt)
{
    return (millivolt * 4095 + 1650) / 3300;
}

#endif
