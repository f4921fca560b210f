/* ADC1 and DAC1: power-up, calibration, conversion times and values, sequences, triggers, DMA, overrun,
 * injected group, oversampling, watchdogs, internal channels; DAC formats, triggers, waves. */
#include <string.h>

#include "adc_regs.h"

static void power_up_and_calibration(void **state)
{
    rig_off(state);
    rig_on(state);
    clock_hsi16();
    clock_on(0x4C, 13);
    assert_int_equal(rd(ADC1 + CR), 0x20000000); /* deep power-down */
    wr(ADC1 + CR, 0x20000000 | VREG);
    assert_int_equal(rd(ADC1 + CR), 0x20000000); /* no regulator in it */
    wr(ADC1 + CR, 0);
    wr(ADC1 + CR, 0x80000000);
    assert_int_equal(rd(ADC1 + CR), 0); /* no calibration without regulator */
    wr(ADC1 + CR, VREG);
    run_us(20);
    wr(ADC1 + CR, VREG | 0x80000000);
    run_us(1000);
    assert_int_equal(rd(ADC1 + CR), VREG | 0x80000000); /* no clock: never done */
    wr(ADC1 + CCR, 1 << 16);
    wr(ADC1 + CR, VREG);
    rig_off(state);
    on(state);
    wr(ADC1 + CR, VREG | ADDIS);
    assert_true(run_until(ADC1 + CR, ADEN | ADDIS, 0, 10 * PS_PER_US) != PS_NEVER);
    assert_int_equal(rd(ADC1 + ISR) & ADRDY, 0);
    wr(ADC1 + CR, VREG | 0x80000000);
    wr(ADC1 + CR, VREG | 0x80000000 | ADEN); /* not while calibrating */
    assert_int_equal(rd(ADC1 + CR) & ADEN, 0);
    ps_t took = run_until(ADC1 + CR, 0x80000000, 0, PS_PER_MS);
    assert_in_range(took, 115 * 62500, 118 * 62500);
    uint32_t single = rd(ADC1 + CALFACT);
    assert_in_range(single, 1, 0x7F);
    wr(ADC1 + CR, VREG | 0xC0000000); /* ADCALDIF: the factor of differential inputs, beside the other */
    assert_true(run_until(ADC1 + CR, 0x80000000, 0, PS_PER_MS) != PS_NEVER);
    assert_int_equal(rd(ADC1 + CALFACT) & 0xFFFF, single);
    assert_in_range(rd(ADC1 + CALFACT) >> 16, 1, 0x7F);
    wr(ADC1 + CR, VREG | ADEN); /* nor in the next four periods */
    assert_int_equal(rd(ADC1 + CR), VREG);
    assert_non_null(strstr(told_last("ignored")->text, "ADC1_CR.ADEN is written within 4"));
    run_ps(4 * 62500);
    wr(ADC1 + CR, VREG | ADEN);
    assert_in_range(run_until(ADC1 + ISR, ADRDY, ADRDY, PS_PER_MS), 900000, 1200000);
}

/* A voltage goes along wires, by pins that have none of their own. */
static void voltage_by_wires(void **state)
{
    (void)state;
    chip_wire(rig, 0, 0, 1, 5); /* PA0, channel 5 - PB5 - PC2 */
    wr(ADC1 + SQR1, 5 << 6);
    for (unsigned n = 0; n < 2; n++) {
        wr(ADC1 + CR, VREG | ADSTART);
        run_us(100);
        assert_int_equal(rd(ADC1 + DR), n ? code(1500) : 0);
        chip_wire(rig, 1, 5, 2, 2);
    }
}

/* Sampling plus 12.5, 10.5, 8.5, 6.5 periods; single conversion; flags; ADSTART falls. */
static void conversion_times(void **state)
{
    static const unsigned halves[8] = {5, 13, 25, 49, 95, 185, 495, 1281};

    (void)state;
    wr(ADC1 + IER, EOC);
    for (uint32_t smp = 0; smp < 8; smp++) {
        for (uint32_t res = 0; res < 4; res++) {
            wr(ADC1 + SMPR1, smp << 9); /* channel 3 */
            wr(ADC1 + CFGR, res << 3);
            wr(ADC1 + SQR1, 3 << 6);
            wr(ADC1 + CR, VREG | ADSTART);
            ps_t time = (halves[smp] + 25 - 4 * res) * 31250ull;
            run_ps(time - 62500);
            assert_int_equal(rd(ADC1 + ISR) & (EOC | EOS), 0);
            assert_int_equal(rd(ADC1 + CR) & ADSTART, ADSTART);
            run_ps(125000);
            assert_int_equal(rd(ADC1 + ISR), EOC | EOS | EOSMP);
            assert_true(irq_line(18));
            assert_int_equal(rd(ADC1 + CR) & ADSTART, 0);
            assert_int_equal(rd(ADC1 + DR), code(1500) >> 2 * res);
            assert_int_equal(rd(ADC1 + ISR) & EOC, 0); /* read */
            assert_false(irq_line(18));
            wr(ADC1 + ISR, 0x7FF);
        }
    }
    wr(ADC1 + CFGR, ALIGN);
    wr(ADC1 + CR, VREG | ADSTART);
    run_us(100);
    assert_int_equal(rd(ADC1 + DR), code(1500) << 4);
    /* asynchronous clock: PLLSAI1 is off, SYSCLK / 4 */
    wr(ADC1 + CCR, 2 << 18);
    wr(ADC1 + ISR, 0x7FF);
    wr(ADC1 + CR, VREG | ADSTART);
    run_us(1000);
    assert_int_equal(rd(ADC1 + ISR) & EOC, 0);
    set_bits(0x40021088, 3 << 28);
    assert_in_range(run_until(ADC1 + ISR, EOC, EOC, PS_PER_MS), 1, (1281 + 25) * 125000ull + PS_PER_US);
}

static void sequence_and_overrun(void **state)
{
    (void)state;
    wr(ADC1 + SQR1, 3 | 1 << 6 | 4 << 12 | 2 << 18 | 3 << 24);
    wr(ADC1 + CFGR, AUTDLY); /* each datum is waited for */
    wr(ADC1 + CR, VREG | ADSTART);
    static const unsigned mv[4] = {500, 2000, 1000, 1500};
    for (unsigned i = 0; i < 4; i++) {
        run_us(20);
        assert_int_equal(rd(ADC1 + ISR) & (EOC | EOS | OVR), i == 3 ? EOC | EOS : EOC);
        assert_int_equal(rd(ADC1 + DR), code(mv[i]));
    }
    wr(ADC1 + ISR, 0x7FF);
    wr(ADC1 + CFGR, 0);
    wr(ADC1 + CR, VREG | ADSTART);
    run_us(20);
    assert_int_equal(rd(ADC1 + ISR) & (EOC | EOS | OVR), EOC | EOS | OVR);
    assert_int_equal(rd(ADC1 + DR), code(500)); /* the first one stays */
    wr(ADC1 + ISR, 0x7FF);
    wr(ADC1 + CFGR, OVRMOD);
    wr(ADC1 + CR, VREG | ADSTART);
    run_us(20);
    assert_int_equal(rd(ADC1 + DR), code(1500)); /* the last one does */
    wr(ADC1 + ISR, 0x7FF);
    wr(ADC1 + CFGR, DISCEN | 1 << 17); /* two at a time */
    for (unsigned i = 0; i < 3; i++) {
        wr(ADC1 + CR, VREG | ADSTART);
        run_us(20);
        assert_int_equal(rd(ADC1 + CR) & ADSTART, 0);
        assert_int_equal(rd(ADC1 + ISR) & EOS, i == 1 ? EOS : 0);
        rd(ADC1 + DR);
        wr(ADC1 + ISR, 0x7FF);
    }
}

/* TIM6 TRGO at 10 kHz, two channels, circular DMA; the application that everybody writes. */
static void timer_dma(void **state)
{
    (void)state;
    clock_on(0x48, 0);
    clock_on(0x58, 4);
    wr(0x40001000 + 0x2C, 1599);
    wr(0x40001000 + 0x04, 2 << 4);
    wr(0x40020008, 0);
    wr(0x4002000C, 6);
    wr(0x40020010, ADC1 + DR);
    wr(0x40020014, 0x20000000);
    wr(0x40020008, 1 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 10); /* circular, half-words */
    wr(ADC1 + SQR1, 1 | 1 << 6 | 2 << 12);
    wr(ADC1 + CFGR, DMAEN | DMACFG | 13 << 6 | 1 << 10);
    wr(ADC1 + CR, VREG | ADSTART);
    run_us(1000);
    assert_int_equal(rd(0x4002000C), 6); /* waits for the trigger */
    wr(0x40001000, 1);
    run_us(310);
    assert_int_equal(rd(0x4002000C), 6); /* three triggers, six data: round */
    assert_int_equal(rd(0x40020000) & 15, 7);
    assert_int_equal(rd16(0x20000000), code(500));
    assert_int_equal(rd16(0x2000000A), code(1000));
    adc_voltage(rig, 2, 0, 3300);
    run_us(100);
    assert_int_equal(rd(0x4002000C), 4);
    assert_int_equal(rd16(0x20000000), 4095);
    assert_int_equal(rd(ADC1 + ISR) & OVR, 0);
    wr(ADC1 + CR, VREG | ADSTP);
    assert_true(run_until(ADC1 + CR, ADSTP | ADSTART, 0, 10 * PS_PER_US) != PS_NEVER);
    run_us(500);
    assert_int_equal(rd(0x4002000C), 4);
    /* one shot: after the last transfer the ADC stops asking, and makes no overrun */
    wr(0x40020008, 0);
    wr(0x4002000C, 3);
    wr(0x40020008, 1 | 1 << 7 | 1 << 8 | 1 << 10);
    wr(ADC1 + CFGR, DMAEN | CONT);
    wr(ADC1 + CR, VREG | ADSTART);
    run_us(1000);
    assert_int_equal(rd(0x4002000C), 0);
    assert_int_equal(rd(ADC1 + ISR) & OVR, 0);
}

static void continuous(void **state)
{
    (void)state;
    wr(ADC1 + SQR1, 1 << 6);
    wr(ADC1 + CFGR, CONT | OVRMOD);
    wr(ADC1 + CR, VREG | ADSTART);
    for (unsigned i = 0; i < 10; i++) {
        run_us(2);
        assert_int_equal(rd(ADC1 + ISR) & EOC, EOC);
        assert_int_equal(rd(ADC1 + DR), code(500));
        wr(ADC1 + ISR, EOS);
    }
    wr(ADC1 + CR, VREG | ADDIS); /* not while converting */
    assert_int_equal(rd(ADC1 + CR) & ADDIS, 0);
    wr(ADC1 + CR, VREG | ADSTP);
    run_us(1);
    assert_int_equal(rd(ADC1 + CR), VREG | ADEN);
}

static void injected(void **state)
{
    (void)state;
    wr(ADC1 + SQR1, 1 << 6);
    wr(ADC1 + SMPR1, 7 << 3);
    wr(ADC1 + JSQR, 1 | 2 << 8 | 3 << 14);
    wr(ADC1 + CFGR, OVRMOD);
    wr(ADC1 + CR, VREG | ADSTART); /* 40 us */
    run_us(20);
    wr(ADC1 + CR, VREG | JADSTART); /* goes first, then the regular one begins again */
    run_us(5);
    assert_int_equal(rd(ADC1 + ISR) & (JEOC | JEOS | EOC), JEOC | JEOS);
    assert_int_equal(rd(ADC1 + JDR1), code(1000));
    assert_int_equal(rd(ADC1 + JDR1 + 4), code(1500));
    assert_int_equal(rd(ADC1 + CR) & JADSTART, 0);
    run_us(30);
    assert_int_equal(rd(ADC1 + ISR) & EOC, 0);
    run_us(20);
    assert_int_equal(rd(ADC1 + ISR) & EOC, EOC);
    wr(ADC1 + ISR, 0x7FF);
    wr(ADC1 + CFGR, 1 << 25); /* JAUTO */
    wr(ADC1 + SMPR1, 0);
    wr(ADC1 + CR, VREG | ADSTART);
    run_us(10);
    assert_int_equal(rd(ADC1 + ISR) & (EOC | EOS | JEOC | JEOS), EOC | EOS | JEOC | JEOS);
    /* TIM2 TRGO */
    wr(ADC1 + ISR, 0x7FF);
    clock_on(0x58, 0);
    wr(0x40000004, 0);
    wr(ADC1 + CFGR, 0);
    wr(ADC1 + JSQR, 2 << 2 | 1 << 6 | 4 << 8);
    wr(ADC1 + CR, VREG | JADSTART);
    run_us(10);
    assert_int_equal(rd(ADC1 + ISR) & JEOC, 0);
    wr(0x40000014, 1); /* UG is the trigger */
    run_us(2);
    assert_int_equal(rd(ADC1 + ISR) & JEOC, JEOC);
    assert_int_equal(rd(ADC1 + JDR1), code(2000));
    assert_int_equal(rd(ADC1 + CR) & JADSTART, JADSTART);
}

static void convert(void)
{
    wr(ADC1 + ISR, 0x7FF);
    wr(ADC1 + CR, VREG | ADSTART);
    run_us(500);
}

static void data_forms(void **state)
{
    (void)state;
    wr(ADC1 + SQR1, 1 << 6);
    wr(ADC1 + CFGR2, 1 | 3 << 2 | 2 << 5); /* 16 times, 2 bits right */
    wr(ADC1 + SMPR1, 0);
    wr(ADC1 + ISR, 0x7FF);
    wr(ADC1 + CR, VREG | ADSTART);
    assert_in_range(run_until(ADC1 + ISR, EOC, EOC, PS_PER_MS), 16 * 30 * 31250ull - 62500,
                    16 * 30 * 31250ull + 125000);
    assert_int_equal(rd(ADC1 + DR), code(500) * 16 >> 2);
    wr(ADC1 + CFGR2, 0);
    wr(ADC1 + OFR1, 1u << 31 | 1 << 26 | 1000);
    convert();
    assert_int_equal(rd(ADC1 + DR), (code(500) - 1000) & 0xFFFF); /* signed */
    wr(ADC1 + OFR1, 0);
    wr(ADC1 + CR, VREG | ADDIS);
    run_us(10);
    wr(ADC1 + DIFSEL, 2);
    wr(ADC1 + CR, VREG | ADEN);
    run_us(10);
    convert();
    assert_in_range(rd(ADC1 + DR), 2048 - 311, 2048 - 309); /* 500 mV - 1000 mV */
}

static void watchdogs(void **state)
{
    (void)state;
    wr(ADC1 + SQR1, 1 << 6);
    wr(ADC1 + TR1, 700u << 16 | 600);
    wr(ADC1 + CFGR, 1 << 23 | 1 << 22 | 1 << 26); /* channel 1 only */
    wr(ADC1 + IER, AWD1);
    convert();
    assert_int_equal(rd(ADC1 + ISR) & AWD1, 0); /* 620 */
    adc_voltage(rig, 2, 0, 600);
    convert();
    assert_int_equal(rd(ADC1 + ISR) & AWD1, AWD1);
    assert_true(irq_line(18));
    wr(ADC1 + TR1, 0xFFF0000);
    wr(ADC1 + AWD2CR, 1 << 1);
    wr(ADC1 + TR2, 0x40u << 16);
    convert();
    assert_int_equal(rd(ADC1 + ISR) & (AWD1 | AWD2), 0);
    adc_voltage(rig, 2, 0, 1000);
    convert();
    assert_int_equal(rd(ADC1 + ISR) & (AWD1 | AWD2), AWD2);
}

/* What ST's macros compute from the internal channels and the calibration values. */
static void internal_channels(void **state)
{
    uint32_t cal30, cal130, vref;

    (void)state;
    vref = rd16(0x1FFF75AA);
    cal30 = rd16(0x1FFF75A8);
    cal130 = rd16(0x1FFF75CA);
    wr(ADC1 + SQR1, 0 << 6);
    convert();
    uint32_t vdda = vref * 3000 / rd(ADC1 + DR);
    assert_in_range(vdda, 3295, 3305);
    wr(ADC1 + SQR1, 17 << 6);
    convert();
    int32_t t =
        ((int32_t)(rd(ADC1 + DR) * vdda / 3000) - (int32_t)cal30) * 100 / ((int32_t)cal130 - (int32_t)cal30) +
        30;
    assert_in_range(t, 24, 26);
    wr(ADC1 + SQR1, 18 << 6);
    convert();
    assert_in_range(rd(ADC1 + DR) * 3 * vdda / 4095, 3290, 3310);
    wr(ADC1 + CCR, 1 << 16); /* switched off: the DAC is on those channels */
    wr(DAC1 + 8, 1234);
    wr(DAC1 + 0x14, 2345);
    for (uint32_t mode = 0; mode < 8; mode++) { /* MODE connects it inside, with its pin PA4, or both */
        static const bool inside[8] = {0, 1, 0, 1, 0, 1, 1, 1}, outside[8] = {1, 1, 1, 0, 1, 1, 1, 0};
        wr(DAC1, 0);
        wr(DAC1 + 0x3C, mode | mode << 16);
        wr(DAC1, 1 | 1 << 16);
        wr(ADC1 + SQR1, 17 << 6);
        convert();
        assert_in_range(rd(ADC1 + DR), inside[mode] ? 1233 : 0, inside[mode] ? 1235 : 0);
        wr(ADC1 + SQR1, 18 << 6);
        convert();
        assert_in_range(rd(ADC1 + DR), inside[mode] ? 2344 : 0, inside[mode] ? 2346 : 0);
        wr(ADC1 + SQR1, 9 << 6);
        convert();
        assert_in_range(rd(ADC1 + DR), outside[mode] ? 1233 : 0, outside[mode] ? 1235 : 0);
    }
}

static void dac(void **state)
{
    (void)state;
    wr(DAC1, 1);
    wr(DAC1 + 0x0C, 0xABC0);
    assert_int_equal(rd(DAC1 + 0x2C), 0xABC);
    wr(DAC1 + 0x10, 0x12);
    assert_int_equal(rd(DAC1 + 0x2C), 0x120);
    wr(DAC1 + 0x20, 0x05550123);
    assert_int_equal(rd(DAC1 + 0x2C), 0x123);
    assert_int_equal(rd(DAC1 + 0x14), 0x555);
    assert_int_equal(rd(DAC1 + 0x24), 0x55501230);
    wr(DAC1, 1 | 2 << 6 | 11 << 8); /* a wave needs TEN */
    for (unsigned i = 0; i < 3; i++)
        wr(DAC1 + 8, 0x123);
    assert_int_equal(rd(DAC1 + 0x2C), 0x123);
    wr(DAC1, 1 | 4 | 7 << 3); /* software trigger */
    wr(DAC1 + 8, 0x777);
    assert_int_equal(rd(DAC1 + 0x2C), 0x123);
    wr(DAC1 + 4, 1);
    assert_int_equal(rd(DAC1 + 0x2C), 0x777);
    /* noise begins with the same bits each time that its generator is selected */
    for (unsigned i = 0; i < 2; i++) {
        wr(DAC1, 1 | 4 | 7 << 3);
        wr(DAC1 + 8, 0);
        wr(DAC1, 1 | 4 | 7 << 3 | 1 << 6 | 11 << 8);
        wr(DAC1 + 4, 1);
        assert_int_equal(rd(DAC1 + 0x2C), 0xAAA);
        wr(DAC1 + 4, 1);
        assert_int_equal(rd(DAC1 + 0x2C), 0xD55);
    }
    /* triangle of amplitude 3 on top of 100 */
    wr(DAC1, 1 | 4 | 7 << 3 | 2 << 6 | 1 << 8);
    wr(DAC1 + 8, 100);
    static const uint32_t expected[8] = {100, 101, 102, 103, 102, 101, 100, 101};
    for (unsigned i = 0; i < 8; i++) {
        wr(DAC1 + 4, 1);
        assert_int_equal(rd(DAC1 + 0x2C), expected[i]);
    }
    /* amplitudes beyond the 12 bits are 4095 */
    wr(DAC1, 0);
    wr(DAC1, 1 | 4 | 7 << 3 | 2 << 6 | 12 << 8);
    wr(DAC1 + 8, 0);
    for (unsigned i = 0; i <= 4096; i++)
        wr(DAC1 + 4, 1);
    assert_int_equal(rd(DAC1 + 0x2C), 4094);
    /* TIM6 and DMA: each trigger puts out what the last transfer brought; too slow is an underrun */
    clock_on(0x48, 0);
    clock_on(0x58, 4);
    wr(0x40001000 + 0x2C, 159);
    wr(0x40001000 + 0x04, 2 << 4);
    for (uint32_t i = 0; i < 8; i++)
        wr16(0x20000000 + 2 * i, 1000 + i);
    wr(0x400200A8, 6u << 8);
    wr(0x40020034, 8);
    wr(0x40020038, DAC1 + 8);
    wr(0x4002003C, 0x20000000);
    wr(0x40020030, 1 | 1 << 4 | 1 << 7 | 1 << 8 | 1 << 10);
    wr(DAC1, 1 | 4 | 1 << 12 | 1 << 13);
    wr(0x40001000, 1);
    run_us(35);
    assert_int_equal(rd(DAC1 + 0x2C), 1001);
    assert_int_equal(rd(0x40020034), 5);
    assert_false(irq_line(54));
    run_us(100); /* the DMA has run out */
    assert_int_equal(rd(DAC1 + 0x34) & 1 << 13, 1 << 13);
    assert_true(irq_line(54));
    wr(DAC1 + 0x34, 1 << 13);
    assert_false(irq_line(54));
}

/* What a channel that is on refuses: another mode, calibration, and in sample and hold a sample time while
 * the last one is on its way into LSI's domain. */
static void dac_refuses(void **state)
{
    (void)state;
    enum { MCR = 0x3C, SHSR2 = 0x44, CEN = 1 << 14 };
    wr(DAC1, 1);
    wr(DAC1 + MCR, 4 << 16 | 2);
    assert_int_equal(rd(DAC1 + MCR), 4 << 16);
    wr(DAC1, 1 | CEN);
    assert_int_equal(rd(DAC1), 1);
    wr(DAC1, 0);
    wr(DAC1, CEN);
    assert_int_equal(rd(DAC1), CEN);
    wr(DAC1 + MCR, 4 << 16 | 2);
    assert_int_equal(rd(DAC1 + MCR), 4 << 16);
    wr(DAC1 + SHSR2, 5); /* off: at any time */
    wr(DAC1 + SHSR2, 6);
    assert_int_equal(rd(DAC1 + SHSR2), 6);
    assert_int_equal(rd(DAC1 + 0x34) & 1u << 31, 0);
    wr(DAC1, 1 << 16);
    run_us(1000);
    assert_int_equal(rd(DAC1 + 0x34) & 1u << 31, 1u << 31); /* LSI is off */
    set_bits(0x40021094, 1);
    assert_in_range(run_until(DAC1 + 0x34, 1u << 31, 0, PS_PER_MS), 90 * PS_PER_US, 250 * PS_PER_US);
    wr(DAC1 + SHSR2, 7);
    wr(DAC1 + SHSR2, 8);
    assert_int_equal(rd(DAC1 + SHSR2), 7);
    assert_in_range(run_until(DAC1 + 0x34, 1u << 31, 0, PS_PER_MS), 80 * PS_PER_US, 100 * PS_PER_US);
    assert_int_equal(rd(DAC1 + 0x34) & 1 << 15, 0);
}

/* The output of a watchdog is TIM1's ETR, for as long as what it guards is outside. */
static void watchdog_as_trigger(void **state)
{
    const uint32_t tim1 = 0x40012C00;

    (void)state;
    clock_on(0x60, 11);
    wr(tim1 + 0x08, 1 << 14); /* external clock mode 2 */
    wr(tim1 + 0x00, 1);
    wr(ADC1 + SQR1, 1 << 6);
    wr(ADC1 + TR2, 0x80 << 16);
    wr(ADC1 + AWD2CR, 1 << 1);
    for (unsigned source = 1; source < 4; source++) {
        wr(tim1 + 0x50, source); /* ETR_ADC1_RMP */
        wr(tim1 + 0x24, 0);
        for (unsigned n = 0; n < 10; n++) {
            adc_voltage(rig, 2, 0, n % 5 < 3 ? 2500 : 500); /* outside three times, inside twice */
            wr(ADC1 + CR, VREG | ADSTART);
            run_us(20);
        }
        assert_int_equal(rd(tim1 + 0x24), source == 2 ? 2 : 0);
    }
    wr(tim1 + 0x50, 2);
    wr(tim1 + 0x24, 0);
    for (unsigned n = 0; n < 2; n++) { /* switching the converter off takes the output back */
        adc_voltage(rig, 2, 0, 2500);
        wr(ADC1 + CR, VREG | ADSTART);
        run_us(20);
        wr(ADC1 + CR, VREG | ADDIS);
        run_us(5);
        wr(ADC1 + CR, VREG | ADEN);
        run_us(30);
    }
    assert_int_equal(rd(tim1 + 0x24), 2);
}

/* The timer runs already when the DAC or the ADC begins to listen: nothing of before counts, all after it. */
static void timer_goes_first(void **state)
{
    const uint32_t tim6 = 0x40001000, dac = DAC1;

    (void)state;
    clock_on(0x48, 0);
    clock_on(0x58, 4);
    wr(tim6 + 0x2C, 1599); /* 100 us */
    wr(tim6 + 0x04, 2 << 4);
    wr(tim6, 1);
    run_us(250);
    wr(dac, 1 | 4 | 2 << 6); /* a triangle of amplitude 1: a trigger shows as 1 */
    wr(dac + 8, 100);
    assert_int_equal(rd(dac + 0x2C), 0);
    run_us(60);
    assert_int_equal(rd(dac + 0x2C), 100);
    run_us(100);
    assert_int_equal(rd(dac + 0x2C), 101);
    wr(dac, 0);
    wr(ADC1 + SQR1, 1 << 6);
    wr(ADC1 + CFGR, 13 << 6 | 1 << 10);
    wr(ADC1 + CR, VREG | ADSTART);
    run_us(30);
    assert_int_equal(rd(ADC1 + ISR) & EOC, 0);
    run_us(80);
    assert_int_equal(rd(ADC1 + ISR) & EOC, EOC);
}

/* The amplifier alone: PA0 against PA1, to PA3; a wire from there to PA1 makes it a follower. */
static void amplifier_alone(void **state)
{
    (void)state;
    clock_on(0x58, 30);
    wr(0x40007800, 1 | 1 << 12); /* calibration */
    wr(0x40007800, 1);
    wr(ADC1 + SQR1, 8 << 6); /* PA3 */
    adc_voltage(rig, 0, 0, 1000);
    for (unsigned minus = 900; minus <= 1100; minus += 200) {
        adc_voltage(rig, 0, 1, minus);
        convert();
        assert_int_equal(rd(ADC1 + DR), minus < 1000 ? 4095 : 0);
    }
    assert_true(chip_wire(rig, 0, 3, 0, 1));
    convert();
    assert_int_equal(rd(ADC1 + DR), code(1000));
    assert_int_equal(told_count("missing"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(power_up_and_calibration, on, rig_off),
        cmocka_unit_test_setup_teardown(conversion_times, on, rig_off),
        cmocka_unit_test_setup_teardown(voltage_by_wires, on, rig_off),
        cmocka_unit_test_setup_teardown(sequence_and_overrun, on, rig_off),
        cmocka_unit_test_setup_teardown(timer_dma, on, rig_off),
        cmocka_unit_test_setup_teardown(continuous, on, rig_off),
        cmocka_unit_test_setup_teardown(injected, on, rig_off),
        cmocka_unit_test_setup_teardown(data_forms, on, rig_off),
        cmocka_unit_test_setup_teardown(watchdogs, on, rig_off),
        cmocka_unit_test_setup_teardown(internal_channels, on, rig_off),
        cmocka_unit_test_setup_teardown(dac, on, rig_off),
        cmocka_unit_test_setup_teardown(dac_refuses, on, rig_off),
        cmocka_unit_test_setup_teardown(watchdog_as_trigger, on, rig_off),
        cmocka_unit_test_setup_teardown(timer_goes_first, on, rig_off),
        cmocka_unit_test_setup_teardown(amplifier_alone, on, rig_off),
    };

    return cmocka_run_group_tests_name("ADC, DAC", tests, NULL, NULL);
}
