/* CAN1 in loop-back and on an empty bus: modes, mailboxes, filters, time stamps, wake-up. */
#include <string.h>

#include "rig.h"

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    return 0;
}

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

/* A bit: one quantum, TS1 + 1, TS2 + 1; a quantum: BRP + 1 periods. The bus is joined after eleven of them.
 */
static void can_bit_times(void **state)
{
    static const struct {
        uint32_t ts1, ts2, brp, clocks;
    } rows[] = {{0, 0, 15, 3 * 16}, {15, 0, 1, 18 * 2}, {0, 7, 1, 10 * 2}, {12, 2, 0x3FF, 17 * 1024}};

    (void)state;
    can_on(1u << 30);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ps_t time = 11 * rows[i].clocks * 62500ull;
        wr(CAN + MCR, rd(CAN + MCR) | 1);
        assert_true(run_until(CAN + MSR, 1, 1, PS_PER_MS) != PS_NEVER);
        wr(CAN + BTR, 1u << 30 | rows[i].brp | rows[i].ts1 << 16 | rows[i].ts2 << 20);
        wr(CAN + MCR, rd(CAN + MCR) & ~1u);
        assert_in_range(run_until(CAN + MSR, 1, 0, 20 * PS_PER_MS), time - PS_PER_US, time + 2 * PS_PER_US);
    }
}

/* Three frames are kept and come out in their order. A fourth replaces the last, or with RFLM is lost. */
static void can_fifo(void **state)
{
    (void)state;
    can_on(1u << 30);
    for (uint32_t locked = 0; locked < 2; locked++) {
        wr(CAN + MCR, (rd(CAN + MCR) & ~8u) | locked << 3);
        for (uint32_t i = 0; i < 4; i++) {
            put(0, 0x200 + i, 0);
            run_us(240);
        }
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(rd(CAN + RF1R) & 3, 3 - i);
            assert_int_equal(rd(CAN + RI0R + 16), (i == 2 && !locked ? 0x203u : 0x200u + i) << 21);
            wr(CAN + RF1R, 1 << 5);
            run_us(1);
        }
        assert_int_equal(rd(CAN + RF1R) & 0x13, 0x10); /* FOVR stays */
        wr(CAN + RF1R, 0x18);
    }
}

/* Four identifiers in a bank: which of them it was is told. */
static void can_short_list(void **state)
{
    (void)state;
    can_on(1u << 30);
    wr(CAN + FMR, rd(CAN + FMR) | 1);
    wr(CAN + FA1R, 0);
    wr(CAN + FM1R, 2);
    wr(CAN + F0R1 + 8, 0x200u << 5 | 0x201u << 21);
    wr(CAN + F0R1 + 12, 0x202u << 5 | 0x203u << 21);
    wr(CAN + FA1R, 2);
    wr(CAN + FMR, rd(CAN + FMR) & ~1u);
    for (uint32_t i = 0; i < 4; i++) {
        put(0, 0x200 + i, i);
        run_us(240);
        assert_int_equal(rd(CAN + RF1R) & 3, 1);
        assert_int_equal(rd(CAN + RI0R + 16 + 4) >> 8 & 0xFF, i);
        wr(CAN + RF1R, 1 << 5);
        run_us(1);
        put(0, 0x204 + i, i);
        run_us(240);
        assert_int_equal(rd(CAN + RF1R) & 3, 0);
    }
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
    assert_int_equal(told_count("missing"), 0);
}

/* A dominant level at the receive pin tells WKUI, and with AWUM ends Sleep mode. */
static void can_wake_up(void **state)
{
    (void)state;
    pin_mode('B', 8, 2, 9); /* CAN1_RX */
    pin_drive('B', 8, 1);
    can_on(0);
    run_us(23);
    told.n = 0;
    for (uint32_t automatic = 0; automatic < 2; automatic++) {
        wr(CAN + IER, 1 << 16);
        wr(CAN + MCR, (rd(CAN + MCR) & ~0x20u) | 2 | automatic << 5);
        assert_int_equal(rd(CAN + MSR) & 0xA, 2); /* SLAK */
        assert_false(irq_line(22));
        pin_drive('B', 8, 0);
        assert_int_equal(rd(CAN + MSR) & 0xA, 10);
        assert_int_equal(rd(CAN + MCR) & 2, automatic ? 0 : 2);
        assert_true(irq_line(22));
        wr(CAN + MSR, 8);
        pin_drive('B', 8, 1);
        assert_false(irq_line(22));
    }
    assert_int_equal(told_count("message"), 0);
    run_us(15);
    assert_int_equal(rd(CAN + MSR) & 2, 2);
    pin_drive('B', 8, 0); /* 11 recessive bits, anew from here, and not a second time WKUI */
    pin_drive('B', 8, 1);
    run_us(21);
    assert_int_equal(rd(CAN + MSR) & 0xA, 2);
    run_us(2);
    assert_int_equal(rd(CAN + MSR) & 0xA, 0);
    pin_drive('B', 8, 0); /* awake, nothing wakes */
    assert_int_equal(rd(CAN + MSR) & 8, 0);
    /* asleep without a pin, until there is one and it is dominant */
    pin_mode('B', 8, 0, 0);
    wr(CAN + MCR, 2);
    pin_mode('B', 8, 2, 9);
    assert_int_equal(rd(CAN + MSR) & 0xA, 10);
    wr(CAN + MSR, 8);
    pin_mode('B', 7, 0, 0);
    assert_int_equal(rd(CAN + MSR) & 8, 0);
}

/* From initialization to Sleep and back no bits are waited for; SLAK and INAK show the mode. */
static void can_init_and_sleep(void **state)
{
    (void)state;
    pin_mode('B', 8, 2, 9);
    pin_drive('B', 8, 1);
    can_on(0);
    pin_drive('B', 8, 0);
    wr(CAN + MCR, 1);
    assert_int_equal(rd(CAN + MSR) & 3, 1);
    wr(CAN + MCR, 2);
    assert_int_equal(rd(CAN + MSR) & 3, 2);
    run_us(100);
    wr(CAN + MCR, 1);
    assert_int_equal(rd(CAN + MSR) & 3, 1);
}

/* With SLKIE Sleep is told by SLAKI, which goes with SLAK where software has not cleared it: 11 bits behind
 * SLEEP, at once on the way to initialization (RM0091 "CAN_MSR"). */
static void can_tells_sleep(void **state)
{
    (void)state;
    pin_mode('B', 8, 2, 9);
    pin_drive('B', 8, 1);
    can_on(0);
    wr(CAN + IER, 1 << 17);
    for (uint32_t to = 0; to < 2; to++) {
        wr(CAN + MCR, 2);
        assert_int_equal(rd(CAN + MSR) & 0x13, 0x12);
        assert_true(irq_line(22));
        wr(CAN + MCR, to);
        if (!to) {
            run_us(20);
            assert_int_equal(rd(CAN + MSR) & 0x13, 0x12);
            run_us(3);
        }
        assert_int_equal(rd(CAN + MSR) & 0x13, to);
        assert_false(irq_line(22));
    }
}

/* Out of Sleep and initialization: 11 recessive bits have to be seen, which a pin without transceiver may not
 * show. */
static void can_joins(void **state)
{
    (void)state;
    can_on(0); /* no pin: nothing is dominant */
    pin_mode('B', 8, 2, 9);
    wr(CAN + MCR, 2);
    told.n = 0;
    wr(CAN + MCR, 0); /* HAL_CAN_Init of older libraries, which goes on to initialization from here */
    assert_int_equal(told_count("message"), 1);
    assert_non_null(strstr(told_last("message")->text, "not leave Sleep"));
    run_us(10000);
    assert_int_equal(rd(CAN + MSR) & 3, 2);
    wr(CAN + MCR, 1 << 15);
    wr(CAN + MCR, 1);
    assert_int_equal(told_count("message"), 1);
    for (uint32_t loop = 0; loop < 2; loop++) {
        told.n = 0;
        pin_drive('B', 8, -1);
        wr(CAN + MCR, rd(CAN + MCR) | 1);
        wr(CAN + BTR, loop << 30 | 1 | 12u << 16 | 1u << 20);
        wr(CAN + MCR, rd(CAN + MCR) & ~1u); /* the pin floats, which is low here */
        assert_int_equal(told_count("message"), 1);
        assert_int_equal(strstr(told_last("message")->text, "RX pin floats") != NULL, loop);
        assert_int_equal(rd(CAN + MSR) >> 8, 0); /* RX, the last sample */
        run_us(100);
        assert_int_equal(rd(CAN + MSR) & 1, !loop);
        pin_drive('B', 8, 0); /* held low: not in loop-back mode either, as an F446 has it */
        wr(CAN + MCR, rd(CAN + MCR) | 1);
        wr(CAN + MCR, rd(CAN + MCR) & ~1u);
        assert_non_null(strstr(told_last("message")->text, "not leave initialization"));
        run_us(100);
        assert_int_equal(rd(CAN + MSR) & 1, 1);
        pin_drive('B', 8, 1);
        run_us(15);
        pin_drive('B', 8, 0); /* too short */
        run_us(100);
        assert_int_equal(rd(CAN + MSR) & 1, 1);
        pin_drive('B', 8, -1);
        wr(0x4800040C, rd(0x4800040C) | 1u << 16); /* a pull-up */
        assert_int_equal(rd(CAN + MSR) & 1, 1);
        run_us(23);
        assert_int_equal(rd(CAN + MSR), 0xC00);
        wr(0x4800040C, rd(0x4800040C) & ~(3u << 16));
        told.n = 0;
        wr(CAN + MCR, rd(CAN + MCR) | 1 << 6); /* ABOM: it is in normal mode, and wants nowhere else */
        assert_int_equal(told_count("message"), 0);
    }
    /* TX, which is recessive, wired to RX in the place of two transceivers */
    wr(CAN + MCR, rd(CAN + MCR) | 1);
    wr(CAN + BTR, 1 | 12u << 16 | 1u << 20);
    pin_mode('B', 9, 2, 9);
    assert_true(chip_wire(rig, 1, 8, 1, 9));
    wr(CAN + MCR, rd(CAN + MCR) & ~1u);
    run_us(23);
    assert_int_equal(rd(CAN + MSR), 0xC00);
}

/* Sleep and initialization begin when the frame under way is over; what waits is sent afterwards. */
static void can_modes_between_frames(void **state)
{
    (void)state;
    can_on(1u << 30);
    for (uint32_t mode = 1; mode <= 2; mode++) { /* INRQ, SLEEP; acknowledged by the same bits of MSR */
        put(0, 0x10, 1);
        put(1, 0x20, 1);
        wr(CAN + MCR, rd(CAN + MCR) | mode);
        run_us(200);
        assert_int_equal(rd(CAN + MSR), 0xD00); /* TXM */
        run_us(40);
        assert_int_equal(rd(CAN + MSR), 0xC00 | mode);
        run_us(1000);
        assert_int_equal(rd(CAN + TSR) & 0x303, 3);
        wr(CAN + MCR, rd(CAN + MCR) & ~3u);
        run_us(270);
        assert_int_equal(rd(CAN + TSR) & 0x303, 0x303);
        wr(CAN + TSR, 0x101);
    }
    put(0, 0x10, 1); /* aborted, and sent all the same */
    wr(CAN + TSR, 1 << 7);
    run_us(240);
    assert_int_equal(rd(CAN + TSR) & 3, 3);
    wr(CAN + TSR, 2); /* TXOK is rc_w1 by itself (RM0091) */
    assert_int_equal(rd(CAN + TSR) & 3, 1);
    wr(CAN + MCR, rd(CAN + MCR) | 1); /* silent: nothing is sent, nothing fails */
    wr(CAN + BTR, 1u << 31 | 1 | 12u << 16 | 1u << 20);
    wr(CAN + MCR, rd(CAN + MCR) & ~1u);
    run_us(30);
    put(0, 0x10, 1);
    run_us(1000);
    assert_int_equal(rd(CAN + TSR) >> 26 & 7, 6);
    assert_int_equal(rd(CAN + ESR), 0);
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
    put(1, 0x20, 1);
    wr(CAN + TSR, 1 << 15 | 1 << 7); /* abort: what waits at once, what is under way at its end */
    assert_int_equal(rd(CAN + TSR) & (0x303 | 7 << 26), 0x100 | 6 << 26);
    run_us(240);
    assert_int_equal(rd(CAN + TSR) & (0x303 | 7 << 26), 0x101 | 7 << 26);
    wr(CAN + MCR, rd(CAN + MCR) | 16); /* no repetition */
    put(0, 0x10, 1);
    run_us(240);
    assert_int_equal(rd(CAN + TSR) & 0xF, 1 | 8);
    wr(CAN + MCR, rd(CAN + MCR) | 2);
    assert_int_equal(rd(CAN + MSR) & 2, 2);

    /* what is transferred without error takes the last error code away, and one from the counter */
    wr(CAN + MCR, 1);
    wr(CAN + BTR, 1u << 30 | 1 | 12u << 16 | 1u << 20);
    wr(CAN + MCR, 0);
    run_us(23);
    assert_int_equal(rd(CAN + ESR), 128 << 16 | 3 << 4 | 3);
    put(0, 0x10, 1);
    run_us(240);
    assert_int_equal(rd(CAN + ESR), 127 << 16 | 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(can_loopback, on, rig_off),
        cmocka_unit_test_setup_teardown(can_bit_times, on, rig_off),
        cmocka_unit_test_setup_teardown(can_fifo, on, rig_off),
        cmocka_unit_test_setup_teardown(can_short_list, on, rig_off),
        cmocka_unit_test_setup_teardown(can_next_mailbox, on, rig_off),
        cmocka_unit_test_setup_teardown(can_time_stamps, on, rig_off),
        cmocka_unit_test_setup_teardown(can_init_and_sleep, on, rig_off),
        cmocka_unit_test_setup_teardown(can_tells_sleep, on, rig_off),
        cmocka_unit_test_setup_teardown(can_joins, on, rig_off),
        cmocka_unit_test_setup_teardown(can_modes_between_frames, on, rig_off),
        cmocka_unit_test_setup_teardown(can_empty_bus, on, rig_off),
        cmocka_unit_test_setup_teardown(can_wake_up, on, rig_off),
    };

    return cmocka_run_group_tests_name("CAN", tests, NULL, NULL);
}
