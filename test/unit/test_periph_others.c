/* What is there with nothing connected: CAN (loop-back and an empty bus), SDMMC, QUADSPI, LCD, TSC,
 * OPAMP, VREFBUF. */
#include "rig.h"

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    return 0;
}

/* ---- CAN ---- */

#define CAN 0x40006400u
enum {
    MCR = 0,
    MSR = 4,
    TSR = 8,
    RF0R = 12,
    RF1R = 16,
    IER = 20,
    ESR = 24,
    BTR = 28,
    TI0R = 0x180,
    RI0R = 0x1B0
};
enum { FMR = 0x200, FM1R = 0x204, FS1R = 0x20C, FFA1R = 0x214, FA1R = 0x21C, F0R1 = 0x240 };

/* 500 kbit/s at 16 MHz: 32 clocks a bit. */
static void can_on(uint32_t mode)
{
    clock_on(0x58, 25);
    wr(CAN + MCR, rd(CAN + MCR) | 1);
    assert_int_equal(rd(CAN + MSR) & 1, 1);
    wr(CAN + MCR, rd(CAN + MCR) & ~2u);
    assert_int_equal(rd(CAN + MSR) & 3, 1);
    wr(CAN + BTR, mode | 1 | 12u << 16 | 1u << 20);
    wr(CAN + FA1R, 0);
    wr(CAN + FS1R, 1);
    wr(CAN + FM1R, 0);
    wr(CAN + F0R1, 0x123u << 21);
    wr(CAN + F0R1 + 4, 0x7FFu << 21 | 6); /* standard data frames 0x123 to FIFO 0 */
    wr(CAN + FFA1R, 2);
    wr(CAN + F0R1 + 8, 0); /* 16 bit masks of zero in bank 1: everything to FIFO 1 */
    wr(CAN + F0R1 + 12, 0);
    wr(CAN + FA1R, 3);
    wr(CAN + FMR, rd(CAN + FMR) & ~1u);
    wr(CAN + MCR, rd(CAN + MCR) & ~1u);
    assert_in_range(run_until(CAN + MSR, 1, 0, PS_PER_MS), 20 * PS_PER_US, 24 * PS_PER_US); /* 11 bits */
    wr(CAN + BTR, 0);
    assert_int_equal(rd(CAN + BTR) & 0x3FF, 1); /* locked */
}

static void put(unsigned box, uint32_t id, uint32_t low)
{
    wr(CAN + TI0R + 16 * box + 4, 8);
    wr(CAN + TI0R + 16 * box + 8, low);
    wr(CAN + TI0R + 16 * box + 12, ~low);
    wr(CAN + TI0R + 16 * box, id << 21 | 1);
}

static void can_loopback(void **state)
{
    (void)state;
    can_on(1u << 30);
    wr(CAN + IER, 1 | 2);
    put(0, 0x200, 10); /* goes at once */
    put(1, 0x124, 11);
    put(2, 0x123, 12); /* before the other: the lower identifier wins */
    assert_int_equal(rd(CAN + TSR) >> 26 & 7, 0);
    run_us(240);
    assert_int_equal(rd(CAN + TSR) & 0x00030303, 3);
    assert_true(irq_line(19));
    assert_int_equal(rd(CAN + RF1R) & 3, 1);
    run_us(222);
    assert_int_equal(rd(CAN + TSR) & 0x00030303, 0x030003);
    assert_int_equal(rd(CAN + RF0R), 1);
    assert_true(irq_line(20));
    assert_int_equal(rd(CAN + RI0R), 0x123u << 21);
    assert_int_equal(rd(CAN + RI0R + 4) & 0xFFFF, 8);
    assert_int_equal(rd(CAN + RI0R + 8), 12);
    wr(CAN + RF0R, 1 << 5);
    assert_int_equal(rd(CAN + RF0R), 0);
    assert_false(irq_line(20));
    run_us(222);
    assert_int_equal(rd(CAN + RF1R) & 3, 2);
    assert_int_equal(rd(CAN + RI0R + 16), 0x200u << 21); /* oldest first */
    for (unsigned i = 0; i < 2; i++) {
        wr(CAN + TSR, 1);
        put(0, 0x300 + i, 20 + i);
        run_us(250);
    }
    assert_int_equal(rd(CAN + RF1R) & 0x1B, 3 | 8 | 16); /* full, and overrun by the second */
}

/* TSR: CODE is a free mailbox, or the one that is sent last; LOW is that one, if several wait. */
static void can_next_mailbox(void **state)
{
    static const struct {
        uint32_t id[3], fifo, last;
    } t[] = {{{0x200, 0x100, 0x300}, 0, 2},
             {{0x200, 0x400, 0x300}, 0, 1},
             {{0x080, 0x100, 0x100}, 0, 2},
             {{0x200, 0x400, 0x300}, 1, 2}};

    (void)state;
    can_on(1u << 30);
    for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
        uint32_t last = t[i].last;
        wr(CAN + MCR, (rd(CAN + MCR) & ~4u) | t[i].fifo << 2);
        for (unsigned m = 0; m < 3; m++) {
            assert_int_equal(rd(CAN + TSR) >> 24 & 3, m);
            assert_int_equal(rd(CAN + TSR) >> 29 != 0, m > 1);
            put(m, t[i].id[m], 0);
        }
        assert_int_equal(rd(CAN + TSR) >> 24, 1u << (5 + last) | last);
        run_us(240);
        assert_int_equal(rd(CAN + TSR) >> 24, 1u << (5 + last) | 4);
        put(0, 0x050, 0);
        last = t[i].fifo ? 0 : last;
        assert_int_equal(rd(CAN + TSR) >> 24, 1u << (5 + last) | last);
        run_us(445);
        assert_int_equal(rd(CAN + TSR) >> 26 & 7, 7u & ~(1u << last));
        assert_int_equal(rd(CAN + TSR) >> 29, 0);
        run_us(222);
        assert_int_equal(rd(CAN + TSR) >> 24, 0x1C);
        wr(CAN + TSR, 0x010101);
    }
}

/* Time-triggered mode: a counter of bit times is taken at the start of each frame; TGT sends it. */
static void can_time_stamps(void **state)
{
    (void)state;
    can_on(1u << 30);
    uint32_t last = 0;
    for (unsigned i = 0; i < 4; i++) {
        bool on = i != 0;
        wr(CAN + MCR, (rd(CAN + MCR) & ~0x80u) | (on ? 0x80 : 0));
        wr(CAN + TSR, 1);
        run_us(1000); /* 500 bits */
        wr(CAN + TI0R + 4, 8 | 1 << 8);
        wr(CAN + TI0R + 8, 0x11111111);
        wr(CAN + TI0R + 12, 0x22222222);
        wr(CAN + TI0R, 0x123u << 21 | 1);
        run_us(1000);
        uint32_t stamp = rd(CAN + RI0R + 4) >> 16;
        assert_int_equal(rd(CAN + TI0R + 4) >> 16, stamp);
        if (i > 1)
            assert_int_equal(stamp - last, 1000);
        assert_int_equal(stamp != 0, on);
        assert_int_equal(rd(CAN + RI0R + 12),
                         on ? 0x2222 | (stamp >> 8) << 16 | (stamp & 0xFF) << 24 : 0x22222222);
        last = stamp;
        wr(CAN + RF0R, 1 << 5);
    }
    assert_int_equal(told.missings, 0);
}

/* A dominant level at the receive pin tells WKUI, and with AWUM ends Sleep mode. */
static void can_wake_up(void **state)
{
    (void)state;
    pin_mode('B', 8, 2, 9); /* CAN1_RX */
    pin_drive('B', 8, 1);
    can_on(1u << 30);
    for (uint32_t automatic = 0; automatic < 2; automatic++) {
        wr(CAN + IER, 1 << 16);
        wr(CAN + MCR, (rd(CAN + MCR) & ~0x20u) | 2 | automatic << 5);
        assert_int_equal(rd(CAN + MSR) & 0xA, 2); /* SLAK */
        assert_false(irq_line(22));
        pin_drive('B', 8, 0);
        assert_int_equal(rd(CAN + MSR) & 0xA, automatic ? 8 : 10);
        assert_int_equal(rd(CAN + MCR) & 2, automatic ? 0 : 2);
        assert_true(irq_line(22));
        pin_drive('B', 8, 1);
        wr(CAN + MSR, 8);
        assert_false(irq_line(22));
    }
    pin_drive('B', 8, 0); /* awake, nothing wakes */
    assert_int_equal(rd(CAN + MSR) & 8, 0);
}

/* Out of initialization: 11 recessive bits have to be seen, which a pin without transceiver may not show. */
static void can_joins(void **state)
{
    (void)state;
    can_on(0); /* no pin: nothing is dominant */
    pin_mode('B', 8, 2, 9);
    for (uint32_t loop = 0; loop < 2; loop++) {
        told.messages = 0;
        wr(CAN + MCR, rd(CAN + MCR) | 1);
        wr(CAN + BTR, loop << 30 | 1 | 12u << 16 | 1u << 20);
        wr(CAN + MCR, rd(CAN + MCR) & ~1u); /* the pin floats, which is low here */
        assert_int_equal(told.messages, 1);
        run_us(100);
        assert_int_equal(rd(CAN + MSR) & 1, !loop);
        pin_drive('B', 8, 1);
        run_us(15);
        pin_drive('B', 8, 0); /* too short */
        run_us(100);
        assert_int_equal(rd(CAN + MSR) & 1, !loop);
        pin_drive('B', 8, -1);
        wr(0x4800040C, rd(0x4800040C) | 1u << 16); /* a pull-up */
        assert_int_equal(rd(CAN + MSR) & 1, !loop);
        run_us(23);
        assert_int_equal(rd(CAN + MSR) & 1, 0);
        wr(0x4800040C, rd(0x4800040C) & ~(3u << 16));
    }
}

static void can_empty_bus(void **state)
{
    (void)state;
    can_on(0);
    wr(CAN + IER, 1 << 15 | 1 << 9);
    put(0, 0x10, 1);
    run_us(240);
    assert_int_equal(rd(CAN + ESR) >> 4 & 7, 3); /* no acknowledge */
    assert_int_equal(rd(CAN + ESR) >> 16 & 0xFF, 8);
    assert_int_equal(rd(CAN + TSR) & 1 << 26, 0); /* repeated */
    run_us(5000);
    assert_int_equal(rd(CAN + ESR) >> 16 & 0xFF, 128);
    assert_int_equal(rd(CAN + ESR) & 7, 3); /* passive, never off */
    assert_true(irq_line(22));
    wr(CAN + TSR, 1 << 7); /* abort */
    assert_int_equal(rd(CAN + TSR) & (3 | 1 << 26), 1 | 1 << 26);
    wr(CAN + MCR, rd(CAN + MCR) | 16); /* no repetition */
    put(0, 0x10, 1);
    run_us(240);
    assert_int_equal(rd(CAN + TSR) & 0xF, 1 | 8);
    wr(CAN + MCR, rd(CAN + MCR) | 2);
    assert_int_equal(rd(CAN + MSR) & 2, 2);
}

/* ---- SDMMC ---- */

static void sdmmc(void **state)
{
    (void)state;
    clock_on(0x60, 10);
    wr(0x40021098, 1); /* HSI48 */
    run_us(20);
    wr(0x40012800, 3);
    wr(0x40012804, 1 << 8 | 118); /* 400 kHz */
    wr(0x4001283C, 0xFFFFFFFF);
    assert_int_equal(rd(0x4001283C), 0x007FFDFF); /* MASK has no bit 9 */
    wr(0x4001283C, 1 << 2 | 1 << 7);
    wr(0x4001280C, 1 << 10); /* CMD0, no response */
    assert_int_equal(rd(0x40012834) & 1 << 11, 1 << 11);
    assert_in_range(run_until(0x40012834, 1 << 7, 1 << 7, PS_PER_MS), 130 * PS_PER_US, 150 * PS_PER_US);
    assert_true(irq_line(49));
    wr(0x40012838, 1 << 7);
    assert_false(irq_line(49));
    wr(0x4001280C, 1 << 10 | 1 << 6 | 8); /* CMD8 wants one */
    assert_in_range(run_until(0x40012834, 1 << 2, 1 << 2, PS_PER_MS), 290 * PS_PER_US, 310 * PS_PER_US);
    wr(0x40012824, 400);
    wr(0x4001282C, 1 | 2);
    assert_in_range(run_until(0x40012834, 1 << 3, 1 << 3, 2 * PS_PER_MS), 990 * PS_PER_US, 1010 * PS_PER_US);
}

/* ---- QUADSPI ---- */

#define QUADSPI 0xA0001000u

static void quadspi(void **state)
{
    (void)state;
    clock_on(0x50, 8);
    wr(QUADSPI, 1 | 3 << 8 | 1 << 24); /* threshold 4, 8 MHz */
    wr(QUADSPI + 0x14, 0x06 | 1 << 8); /* write enable: an instruction alone */
    assert_int_equal(rd(QUADSPI + 8) & 0x20, 0x20);
    assert_true(run_until(QUADSPI + 8, 2, 2, PS_PER_MS) < 2 * PS_PER_US);
    assert_int_equal(rd(QUADSPI + 8) & 0x20, 0);
    wr(QUADSPI + 12, 2);
    wr(QUADSPI + 0x10, 5); /* six bytes of identification: nobody drives the lines */
    wr(QUADSPI + 0x14, 0x9F | 1 << 8 | 1 << 24 | 1 << 26);
    run_us(20);
    assert_int_equal(rd(QUADSPI + 8) & 0x1F26, 6 << 8 | 0x26); /* BUSY until the FIFO is read */
    assert_int_equal(rd(QUADSPI + 0x20), 0xFFFFFFFF);
    assert_int_equal(rd8(QUADSPI + 0x20), 0xFF);
    assert_int_equal(rd8(QUADSPI + 0x20), 0xFF);
    assert_int_equal(rd(QUADSPI + 8) & 0x1F20, 0);
    wr(QUADSPI + 12, 2);
    wr(QUADSPI + 0x24, 1); /* wait for "not busy": the status reads as ones for ever */
    wr(QUADSPI + 0x28, 0);
    wr(QUADSPI + 0x10, 0);
    wr(QUADSPI + 0x14, 0x05 | 1 << 8 | 1 << 24 | 2 << 26);
    run_us(1000);
    assert_int_equal(rd(QUADSPI + 8) & 0x28, 0x20);
    wr(QUADSPI, rd(QUADSPI) | 2);
    assert_int_equal(rd(QUADSPI + 8) & 0x22, 2);
}

/* ---- LCD, TSC ---- */

#define LCD 0x40002400u

static void lcd(void **state)
{
    (void)state;
    clock_rtc();
    clock_on(0x58, 9);
    assert_int_equal(rd(LCD + 8), 0x20);
    wr(LCD + 4, 2 << 22 | 8); /* / 4 / 16: 512 Hz; update interrupt */
    assert_int_equal(rd(LCD + 8) & 0x20, 0);
    assert_true(run_until(LCD + 8, 0x20, 0x20, PS_PER_MS) != PS_NEVER);
    wr(LCD, 3 << 2 | 1); /* 1/4 duty: 128 frames a second */
    assert_int_equal(rd(LCD + 8) & 1, 1);
    assert_true(run_until(LCD + 8, 0x10, 0x10, 5 * PS_PER_MS) != PS_NEVER);
    wr(LCD + 0x14, 0x1234);
    wr(LCD + 8, 4);
    wr(LCD + 0x14, 0x5678); /* protected until the update is done */
    assert_int_equal(rd(LCD + 0x14), 0x1234);
    assert_true(run_until(LCD + 8, 8, 8, 9 * PS_PER_MS) != PS_NEVER);
    assert_int_equal(rd(LCD + 8) & 4, 0);
    assert_true(irq_line(78));
    wr(LCD + 12, 8);
    assert_false(irq_line(78));
    wr(LCD, 0);
    assert_int_equal(rd(LCD + 8) & 1, 1); /* the last frame is shown to its end */
    run_us(8000);
    assert_int_equal(rd(LCD + 8) & 0x11, 0);
}

static void tsc(void **state)
{
    (void)state;
    clock_on(0x48, 16);
    wr(0x40024030, 5);
    wr(0x40024004, 3);
    wr(0x40024000, 1 | 2 | 6 << 5);
    assert_in_range(run_until(0x4002400C, 1, 1, 10 * PS_PER_MS), 2040 * PS_PER_US, 2060 * PS_PER_US);
    assert_int_equal(rd(0x4002400C), 3); /* no capacitor: maximum count */
    assert_true(irq_line(77));
    assert_int_equal(rd(0x40024034), 16383);
    assert_int_equal(rd(0x40024038), 0);
    assert_int_equal(rd(0x40024000) & 2, 0);
    wr(0x40024008, 3);
    assert_false(irq_line(77));
    wr(0x40024030, 0xFF); /* seven groups */
    assert_int_equal(rd(0x40024030) & 0xFF, 0x7F);
    wr(0x40024018, 0xFFFFFFFF);
    assert_int_equal(rd(0x40024018), 0x0FFFFFFF);
}

/* ---- OPAMP, VREFBUF ---- */

static void amplifier(void **state)
{
    (void)state;
    clock_on(0x58, 30);
    clock_on(0x4C, 13);
    adc_voltage(rig, 0, 0, 300);
    wr(0x50040308, 1 << 16);
    wr(0x50040008, 1 << 28);
    run_us(20);
    wr(0x50040008, 1 << 28 | 1);
    run_us(10);
    wr(0x50040030, 8 << 6); /* PA3, where the output is */
    static const struct {
        uint32_t csr;
        unsigned mv;
    } rows[] = {{1 | 3 << 2, 300},
                {1 | 2 << 2, 600},
                {1 | 2 << 2 | 1 << 4, 1200},
                {1 | 2 << 2 | 3 << 4, 3300},
                {0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wr(0x40007800, rows[i].csr);
        wr(0x50040008, 1 << 28 | 4);
        run_us(100);
        assert_in_range(rd(0x50040040), rows[i].mv * 4095 / 3300, rows[i].mv * 4095 / 3300 + 1);
    }
    wr(0x40007800, 1 | 1 << 12 | 1 << 13 | 1 << 14); /* calibration: the flag turns once on the way */
    unsigned turns = 0;
    for (uint32_t trim = 0, last = 1; trim < 32; trim++) {
        wr(0x40007804, trim);
        uint32_t out = rd(0x40007800) >> 15 & 1;
        turns += out != last;
        last = out;
    }
    assert_int_equal(turns, 1);
    clock_on(0x60, 0);
    assert_int_equal(rd(0x40010030), 2);
    wr(0x40010030, 1);
    assert_int_equal(rd(0x40010030), 1);
    run_us(310);
    assert_int_equal(rd(0x40010030), 9);
}

/* ---- what is not modelled says so ---- */

static void missing_is_told(void **state)
{
    (void)state;
    clock_on(0x58, 25);
    wr(0x40006400, 1);
    wr(0xE0041FB0, 0xC5ACCE55);
    assert_int_equal(rd(0xE0041000), 0x411); /* ETM is powered down, and may stay so */
    wr(0xE0041000, 0x411);
    assert_int_equal(told.missings, 0);
    wr(0xE0041000, 0x400);
    assert_int_equal(told.missing, 0xE0041000);
    assert_int_equal(rd(0xE0041010), 0);
    assert_int_equal(told.missing, 0xE0041010);
    wr(0xE0041000, 0x400); /* once */
    assert_int_equal(told.missings, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(can_loopback, on, rig_off),
        cmocka_unit_test_setup_teardown(can_next_mailbox, on, rig_off),
        cmocka_unit_test_setup_teardown(can_time_stamps, on, rig_off),
        cmocka_unit_test_setup_teardown(can_joins, on, rig_off),
        cmocka_unit_test_setup_teardown(can_empty_bus, on, rig_off),
        cmocka_unit_test_setup_teardown(can_wake_up, on, rig_off),
        cmocka_unit_test_setup_teardown(sdmmc, on, rig_off),
        cmocka_unit_test_setup_teardown(quadspi, on, rig_off),
        cmocka_unit_test_setup_teardown(lcd, on, rig_off),
        cmocka_unit_test_setup_teardown(tsc, on, rig_off),
        cmocka_unit_test_setup_teardown(amplifier, on, rig_off),
        cmocka_unit_test_setup_teardown(missing_is_told, rig_on, rig_off),
    };

    return cmocka_run_group_tests_name("blocks with nothing connected", tests, NULL, NULL);
}
