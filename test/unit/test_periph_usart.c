/* USART1-3 and LPUART1: bit times, flags one by one, formats, DMA, flow control, special modes. */
#include <string.h>

#include "rig.h"
#include "usart_regs.h"

static const struct port {
    uint32_t base, div;
    enum block_id block;
    unsigned irq;
    char unit;
} ports[] = {{USART1, 139, B_USART1, 37, '1'},
             {USART2, 139, B_USART2, 38, '2'},
             {USART3, 139, B_USART3, 39, '3'},
             {LPUART1, 139 * 256, B_LPUART1, 70, '1'}};

static int on(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x60, 14);
    clock_on(0x58, 17);
    clock_on(0x58, 18);
    clock_on(0x5C, 0);
    pin_mode('A', 9, 2, 7);
    pin_mode('A', 10, 2, 7);
    pin_mode('A', 2, 2, 7);
    pin_mode('A', 3, 2, 7);
    pin_mode('B', 10, 2, 7);
    pin_mode('B', 11, 2, 7);
    pin_mode('C', 0, 2, 8);
    pin_mode('C', 1, 2, 8);
    return 0;
}

static void start(const struct port *p, uint32_t cr1)
{
    wr(p->base + BRR, p->div);
    wr(p->base + CR1, UE | cr1);
    run_ps(BIT * 12); /* the idle frame after TE */
}

/* One byte and its flags, on each of the four. */
static void transmit(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct port *p = &ports[i];
        assert_int_equal(rd(p->base + ISR), TXE | TC);
        start(p, TE | RE);
        assert_int_equal(rd(p->base + ISR), TXE | TC | TEACK | REACK);
        told.count = 0;
        ps_t begin = chip_now(rig);
        wr(p->base + TDR, 0x55);
        assert_int_equal(rd(p->base + ISR) & (TXE | TC), TXE); /* straight into the shift register */
        wr(p->base + TDR, 0xAA);
        assert_int_equal(rd(p->base + ISR) & (TXE | TC), 0);
        run_ps(BIT * 10 - PS_PER_US);
        assert_int_equal(told.count, 0);
        run_ps(2 * PS_PER_US);
        assert_int_equal(told.count, 1);
        assert_int_equal(told.times[0] - begin, BIT * 10);
        assert_int_equal(rd(p->base + ISR) & (TXE | TC), TXE);
        run_ps(BIT * 10);
        assert_int_equal(told.count, 2);
        assert_int_equal(told.times[1] - begin, BIT * 20);
        assert_int_equal(rd(p->base + ISR) & (TXE | TC), TXE | TC);
        assert_int_equal(told.bytes[0] << 8 | told.bytes[1], 0x55AA);
        assert_int_equal(told.units[0], p->unit);
        wr(p->base + CR1, UE | TE | TXEIE);
        assert_true(irq_line(p->irq));
        wr(p->base + CR1, UE | TE | TCIE);
        assert_true(irq_line(p->irq));
        wr(p->base + ICR, TC);
        assert_false(irq_line(p->irq));
        wr(p->base + CR1, 0);
        assert_int_equal(rd(p->base + ISR), TXE | TC);
    }
}

static void receive(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct port *p = &ports[i];
        assert_int_equal(usart_receive(rig, p->block, 1), 0); /* off: lost */
        start(p, RE | RXNEIE | IDLEIE);
        assert_int_equal(usart_receive(rig, p->block, 0xC3), BIT * 10);
        assert_int_equal(rd(p->base + ISR) & (BUSY | RXNE), BUSY);
        run_ps(BIT * 9);
        assert_false(irq_line(p->irq));
        run_ps(BIT);
        assert_true(irq_line(p->irq));
        assert_int_equal(rd(p->base + ISR) & (BUSY | RXNE | IDLE | ORE | FE), RXNE);
        assert_int_equal(rd(p->base + RDR), 0xC3);
        assert_int_equal(rd(p->base + ISR) & RXNE, 0);
        assert_false(irq_line(p->irq));
        run_ps(BIT * 9);
        assert_int_equal(rd(p->base + ISR) & IDLE, 0);
        run_ps(BIT * 2); /* a whole frame of silence */
        assert_int_equal(rd(p->base + ISR) & IDLE, IDLE);
        assert_true(irq_line(p->irq));
        wr(p->base + ICR, IDLE);
        assert_false(irq_line(p->irq));
        run_ps(BIT * 100); /* once */
        assert_int_equal(rd(p->base + ISR) & IDLE, 0);
    }
}

static void overrun(void **state)
{
    (void)state;
    start(&ports[0], RE | RXNEIE);
    for (uint8_t b = 1; b <= 2; b++) {
        usart_receive(rig, B_USART1, b);
        run_ps(BIT * 10);
    }
    assert_int_equal(rd(USART1 + ISR) & (RXNE | ORE), RXNE | ORE);
    assert_int_equal(rd(USART1 + RDR), 1); /* the second one is lost */
    assert_true(irq_line(37));             /* RXNEIE serves ORE too */
    wr(USART1 + ICR, ORE);
    assert_false(irq_line(37));
    wr(USART1 + CR1, 0);
    wr(USART1 + CR3, 1 << 12); /* OVRDIS: the newer wins */
    start(&ports[0], RE);
    for (uint8_t b = 1; b <= 2; b++) {
        usart_receive(rig, B_USART1, b);
        run_ps(BIT * 10);
    }
    assert_int_equal(rd(USART1 + ISR) & (RXNE | ORE), RXNE);
    assert_int_equal(rd(USART1 + RDR), 2);
    usart_receive(rig, B_USART1, 3);
    run_ps(BIT * 10);
    wr(USART1 + RQR, 8); /* RXFRQ */
    assert_int_equal(rd(USART1 + ISR) & RXNE, 0);
}

/* Two USARTs on a wire: PA9 (USART1 TX) to PA3 (USART2 RX), every format. */
static void formats(void **state)
{
    static const struct {
        uint32_t cr1, cr2, sent, received, halves;
    } rows[] = {
        {0, 0, 0xA5, 0xA5, 20},        {M0, 0, 0x1A5, 0x1A5, 22},
        {M1, 0, 0x25, 0x25, 18},       {M0, 2 << 12, 0x15A, 0x15A, 24},
        {0, 1 << 12, 0x3C, 0x3C, 19},  {0, 3 << 12, 0x3C, 0x3C, 21},
        {PCE, 0, 0x25, 0xA5, 20},      /* even: three ones */
        {PCE | PS, 0, 0x25, 0x25, 20}, /* odd */
        {PCE | M0, 0, 0xF0, 0xF0, 22}, {PCE | PS | M0, 0, 0xF0, 0x1F0, 22},
        {0, 1 << 19, 0x31, 0x31, 20}, /* MSBFIRST */
        {0, 1 << 18, 0x31, 0x31, 20}, /* DATAINV */
    };

    (void)state;
    assert_true(chip_wire(rig, 0, 9, 0, 3));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wr(USART1 + CR2, rows[i].cr2);
        wr(USART2 + CR2, rows[i].cr2);
        start(&ports[0], TE | rows[i].cr1);
        start(&ports[1], RE | rows[i].cr1);
        ps_t begin = chip_now(rig);
        wr(USART1 + TDR, rows[i].sent);
        assert_int_equal(run_until(USART1 + ISR, TC, TC, PS_PER_MS) / (BIT / 2 - 1000), rows[i].halves);
        run_ps(BIT);
        assert_int_equal(rd(USART2 + ISR) & (RXNE | PE | FE | ORE), RXNE);
        assert_int_equal(rd(USART2 + RDR), rows[i].received);
        assert_true(chip_now(rig) > begin);
        wr(USART1 + CR1, 0);
        wr(USART2 + CR1, 0);
    }
}

/* A receiver in another format or at another rate sees what is on the wire. */
static void mismatches(void **state)
{
    (void)state;
    chip_wire(rig, 0, 9, 0, 3);
    start(&ports[0], TE);
    start(&ports[1], RE | PCE); /* even parity expected, 0x01 is odd */
    wr(USART1 + TDR, 0x01);
    run_ps(BIT * 11);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | PE | FE), RXNE | PE);
    wr(USART2 + CR1, 0);
    wr(USART2 + BRR, 139 * 2); /* half the rate */
    wr(USART2 + CR1, UE | RE);
    wr(USART1 + TDR, 0x00);
    run_ps(BIT * 25);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | FE), RXNE);
    assert_int_equal(rd(USART2 + RDR), 0xF8); /* nine low bits are four and a half: start and three zeros */
    wr(USART2 + CR1, 0);
    wr(USART2 + BRR, 139 / 3);
    wr(USART2 + CR1, UE | RE);
    wr(USART1 + TDR, 0x00);
    run_ps(BIT * 11);
    assert_int_equal(rd(USART2 + ISR) & (RXNE | FE), RXNE | FE); /* still low at the stop bit */
    /* a break is all zeros with a low stop bit */
    wr(USART2 + CR1, 0);
    wr(USART2 + CR2, 1 << 14 | 1 << 6);
    start(&ports[1], RE);
    wr(USART1 + RQR, 2);
    assert_int_equal(rd(USART1 + ISR) & SBKF, SBKF);
    run_ps(BIT * 12);
    assert_int_equal(rd(USART1 + ISR) & SBKF, 0);
    assert_int_equal(rd(USART2 + ISR) & (FE | LBDF), FE | LBDF);
    assert_true(irq_line(38));
}

/* The four baud rate formulas at odd divisors. */
static void baud_rates(void **state)
{
    static const struct {
        uint32_t base, cr1, brr, bit_thousandths; /* of a kernel clock period */
    } rows[] = {{USART2, 0, 1667, 1667000},
                {USART2, 0, 16, 16000},
                {USART2, OVER8, 1 << 4 | 3, 11000}, /* USARTDIV 0x16 = 22: 11 periods */
                {USART2, OVER8, 0x1A0 | 1, 0x1A2 * 500},
                {LPUART1, 0, 0x300, 3000},
                {LPUART1, 0, 0x12345, 0x12345 * 1000 / 256}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wr(rows[i].base + BRR, rows[i].brr);
        wr(rows[i].base + CR1, UE | TE | rows[i].cr1);
        run_us(12000);
        told.count = 0;
        wr(rows[i].base + TDR, 0);
        ps_t begin = chip_now(rig);
        run_us(12000);
        if (rows[i].base == USART2)
            assert_int_equal(told.count, 1);
        ps_t expected = (ps_t)rows[i].bit_thousandths * 10 * 625 / 10;
        if (told.count)
            assert_in_range(told.times[0] - begin, expected - expected / 100000 - 1,
                            expected + expected / 100000 + 1);
        wr(rows[i].base + CR1, 0);
    }
    assert_true(told.count); /* LPUART1 too: PC1 */
}

static void dma_both_ways(void **state)
{
    static const char text[] = "DMA feeds USART2";
    uint32_t n = sizeof text - 1, buffer = 0x20000000;

    (void)state;
    chip_wire(rig, 0, 2, 0, 10); /* USART2 TX to USART1 RX */
    clock_on(0x48, 0);
    for (uint32_t i = 0; i < n; i++)
        wr8(buffer + i, (uint8_t)text[i]);
    wr(0x400200A8, 2u << 24 | 2u << 16); /* channel 7: USART2_TX, 5: USART1_RX */
    /* channel 7 at 0x80: CCR, CNDTR, CPAR, CMAR */
    wr(0x40020084, n);
    wr(0x40020088, USART2 + TDR);
    wr(0x4002008C, buffer);
    wr(0x40020080, 1 | 1 << 4 | 1 << 7);
    /* channel 5 at 0x58 */
    wr(0x4002005C, 8);
    wr(0x40020060, USART1 + RDR);
    wr(0x40020064, buffer + 0x100);
    wr(0x40020058, 1 | 1 << 7 | 1 << 5); /* circular: the tail overwrites the head */
    start(&ports[0], RE);
    wr(USART1 + CR3, 1 << 6);
    wr(USART2 + BRR, 139);
    wr(USART2 + CR3, 1 << 7);
    wr(USART2 + CR1, UE | TE);
    run_ps(BIT * (10 + 10 * n + 2));
    assert_int_equal(told.count, n);
    assert_memory_equal(told.bytes, text, n);
    for (unsigned i = 1; i < n; i++) /* back to back */
        assert_int_equal(told.times[i] - told.times[i - 1], BIT * 10);
    assert_int_equal(rd(0x40020084), 0);
    assert_int_equal(rd(USART2 + ISR) & (TC | TXE), TC | TXE);
    assert_int_equal(rd(0x40020000) >> 24 & 15, 7);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(rd8(buffer + 0x100 + i), (uint8_t)text[8 + i]);
    assert_int_equal(rd(USART1 + ISR) & ORE, 0);
}

/* The tap follows the pin: nothing is heard unless the pin is in the right alternate function. */
static void pins(void **state)
{
    (void)state;
    pin_mode('A', 2, 2, 8); /* LPUART1's now */
    start(&ports[1], TE | RE);
    start(&ports[3], TE | RE);
    told.count = 0;
    wr(USART2 + TDR, 'u');
    wr(LPUART1 + TDR, 'l');
    run_ps(BIT * 11);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.bytes[0], 'l');
    pin_mode('A', 3, 0, 0); /* no receive pin */
    assert_int_equal(usart_receive(rig, B_USART2, 'x'), 0);
    pin_mode('A', 15, 2, 3);
    assert_int_equal(usart_receive(rig, B_USART2, 'x'), BIT * 10);
}

/* Only UE=0 unlocks the format, but not the rate; ISR defaults come back with it. */
static void register_rules(void **state)
{
    (void)state;
    start(&ports[0], TE);
    wr(USART1 + BRR, 139 * 2);
    wr(USART1 + TDR, 0x55);
    run_ps(BIT * 19);
    assert_int_equal(told.count, 0);
    run_ps(BIT * 3);
    assert_int_equal(told.count, 1);
    wr(USART1 + CR1, UE | TE | M0 | PCE | OVER8 | TXEIE);
    assert_int_equal(rd(USART1 + CR1), UE | TE | TXEIE);
    wr(USART1 + CR2, 3 << 12 | 1 << 23);
    assert_int_equal(rd(USART1 + CR2), 1 << 23);
    wr(USART1 + CR3, 1 << 3 | 1 << 7 | 1);
    assert_int_equal(rd(USART1 + CR3), 1 << 7 | 1);
    wr(USART1 + CR1, 0);
    wr(USART1 + CR2, 3 << 12);
    assert_int_equal(rd(USART1 + CR2), 3 << 12);
    assert_int_equal(rd(USART1 + ISR), TXE | TC);
    wr(LPUART1 + CR1, 0xFFFFFFFE); /* no OVER8, RTOIE, EOBIE there */
    assert_int_equal(rd(LPUART1 + CR1), 0x13FF7FFE);
    wr(LPUART1 + RTOR, 5);
    assert_int_equal(rd(LPUART1 + RTOR), 0);
}

/* With UE clear the flags keep their reset values, and what is written to TDR is not sent later. */
static void flags_while_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct port *p = &ports[i];
        wr(p->base + TDR, 0x55);
        wr(p->base + ICR, ~0u);
        wr(p->base + RQR, ~0u);
        assert_int_equal(rd(p->base + ISR), TXE | TC);
        told.count = 0;
        start(p, TE);
        run_ps(BIT * 12);
        assert_int_equal(told.count, 0);
        assert_int_equal(rd(p->base + ISR), TXE | TC | TEACK);
    }
}

static void character_match_and_mute(void **state)
{
    (void)state;
    wr(USART1 + CR2, '\n' << 24);
    start(&ports[0], RE | CMIE);
    wr(USART1 + RQR, 4); /* no mute mode without MME */
    assert_int_equal(rd(USART1 + ISR) & RWU, 0);
    usart_receive(rig, B_USART1, 'a');
    run_ps(BIT * 10);
    assert_false(irq_line(37));
    rd(USART1 + RDR);
    usart_receive(rig, B_USART1, '\n');
    run_ps(BIT * 10);
    assert_true(irq_line(37));
    assert_int_equal(rd(USART1 + ISR) & CMF, CMF);
    wr(USART1 + CR1, 0);
    /* address mark mute mode: 7 bits of address behind the mark */
    wr(USART1 + CR2, 0x11 << 24 | 1 << 4);
    start(&ports[0], RE | 1 << 11 | 1 << 13);
    wr(USART1 + RQR, 4);
    assert_int_equal(rd(USART1 + ISR) & RWU, RWU);
    usart_receive(rig, B_USART1, 0x22);
    run_ps(BIT * 10);
    usart_receive(rig, B_USART1, 0x92);
    run_ps(BIT * 10);
    assert_int_equal(rd(USART1 + ISR) & (RXNE | RWU), RWU);
    usart_receive(rig, B_USART1, 0x91);
    run_ps(BIT * 10);
    assert_int_equal(rd(USART1 + ISR) & (RXNE | RWU | CMF), RXNE | CMF);
}

static void timeout_and_block(void **state)
{
    (void)state;
    wr(USART1 + CR2, 1 << 23);
    wr(USART1 + RTOR, 35 | 2u << 24);
    start(&ports[0], RE | RTOIE);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(rd(USART1 + ISR) & (1 << 12), 0);
        usart_receive(rig, B_USART1, 1);
        run_ps(BIT * 10);
        rd(USART1 + RDR);
    }
    assert_int_equal(rd(USART1 + ISR) & (1 << 12), 1 << 12); /* BLEN + 4 characters */
    run_ps(BIT * 34);
    assert_int_equal(rd(USART1 + ISR) & RTOF, 0);
    run_ps(BIT * 2);
    assert_int_equal(rd(USART1 + ISR) & RTOF, RTOF);
    assert_true(irq_line(37));
    wr(USART1 + ICR, RTOF);
    assert_false(irq_line(37));
    for (unsigned shorter = 0; shorter < 2; shorter++) { /* RTOR is written while it counts */
        wr(USART1 + RTOR, 100);
        usart_receive(rig, B_USART1, 1);
        run_ps(BIT * 60);
        assert_int_equal(rd(USART1 + ISR) & RTOF, 0);
        wr(USART1 + RTOR, shorter ? 40 : 60); /* 50 are over */
        run_ps(BIT);
        assert_int_equal(rd(USART1 + ISR) & RTOF, shorter ? RTOF : 0);
        run_ps(BIT * 10);
        assert_int_equal(rd(USART1 + ISR) & RTOF, RTOF);
        rd(USART1 + RDR);
        wr(USART1 + ICR, RTOF);
    }
}

static void auto_baud(void **state)
{
    (void)state;
    chip_wire(rig, 0, 9, 0, 3);
    start(&ports[0], TE);
    wr(USART2 + BRR, 16);
    wr(USART2 + CR2, 1 << 20 | 3 << 21); /* 0x55 */
    wr(USART2 + CR1, UE | RE);
    wr(USART1 + TDR, 0x55);
    run_ps(BIT * 11);
    assert_int_equal(rd(USART2 + ISR) & (ABRF | ABRE | RXNE), ABRF | RXNE);
    assert_int_equal(rd(USART2 + BRR), 139);
    assert_int_equal(rd(USART2 + RDR), 0x55);
    wr(USART2 + RQR, 1); /* again, with the wrong character */
    assert_int_equal(rd(USART2 + ISR) & ABRF, 0);
    wr(USART1 + TDR, 0x0F);
    run_ps(BIT * 11);
    assert_int_equal(rd(USART2 + ISR) & (ABRF | ABRE | RXNE | FE), ABRF | ABRE | RXNE | FE);
    wr(USART2 + CR2, 1 << 20 | 1 << 21); /* ABRMOD: not while ABREN is set, and else with UE set, too */
    assert_int_equal(rd(USART2 + CR2), 1 << 20 | 3 << 21);
    wr(USART2 + CR2, 3 << 21);
    wr(USART2 + CR2, 2 << 21);
    assert_int_equal(rd(USART2 + CR2), 2 << 21);
}

static void half_duplex(void **state)
{
    (void)state;
    wr(USART1 + CR3, 1 << 3);
    start(&ports[0], TE | RE);
    wr(USART1 + TDR, 0x42);
    run_ps(BIT * 11);
    assert_int_equal(rd(USART1 + ISR) & RXNE, RXNE); /* it hears itself */
    assert_int_equal(rd(USART1 + RDR), 0x42);
    wr(USART1 + CR1, UE | RE);
    assert_int_equal(usart_receive(rig, B_USART1, 0x24), BIT * 10);
    run_ps(BIT * 10);
    assert_int_equal(rd(USART1 + RDR), 0x24);
}

static void flow_control(void **state)
{
    (void)state;
    pin_mode('A', 11, 2, 7); /* nCTS */
    pin_mode('A', 12, 2, 7); /* nRTS */
    pin_drive('A', 11, 0);
    wr(USART1 + CR3, 1 << 8 | 1 << 9 | 1 << 10);
    assert_int_equal(rd(USART1 + ISR) & (CTSIF | 1 << 10), 1 << 10); /* CTS is the pin, which has not moved */
    pin_drive('A', 11, 1);
    wr(USART1 + ICR, CTSIF);
    start(&ports[0], TE | RE);
    assert_int_equal(rd(USART1 + ISR) & (CTSIF | 1 << 10), 0);
    assert_false(pin_level('A', 12)); /* ready */
    told.count = 0;
    wr(USART1 + TDR, 'c');
    run_ps(BIT * 20);
    assert_int_equal(told.count, 0);
    pin_drive('A', 11, 0);
    assert_int_equal(rd(USART1 + ISR) & (CTSIF | 1 << 10), CTSIF | 1 << 10);
    assert_true(irq_line(37));
    run_ps(BIT * 11);
    assert_int_equal(told.count, 1);
    usart_receive(rig, B_USART1, 1);
    run_ps(BIT * 10);
    assert_true(pin_level('A', 12)); /* full */
    rd(USART1 + RDR);
    assert_false(pin_level('A', 12));
}

/* TE going up sends an idle frame; a changed kernel clock stretches what is on its way. */
static void idle_frame_and_clock_change(void **state)
{
    (void)state;
    wr(USART1 + BRR, 139);
    ps_t begin = chip_now(rig);
    wr(USART1 + CR1, UE | TE);
    wr(USART1 + TDR, 'i');
    run_ps(BIT * 21);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.times[0] - begin, BIT * 20);
    begin = chip_now(rig);
    wr(USART1 + TDR, 'j');
    run_ps(BIT * 5);
    set_bits(0x40021008, 8u << 4); /* HPRE: half the clock for the second half */
    run_ps(BIT * 9);
    assert_int_equal(told.count, 1);
    run_ps(BIT * 2);
    assert_int_equal(told.count, 2);
    assert_in_range(told.times[1] - begin, BIT * 15, BIT * 15 + 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transmit, on, rig_off),
        cmocka_unit_test_setup_teardown(receive, on, rig_off),
        cmocka_unit_test_setup_teardown(overrun, on, rig_off),
        cmocka_unit_test_setup_teardown(formats, on, rig_off),
        cmocka_unit_test_setup_teardown(mismatches, on, rig_off),
        cmocka_unit_test_setup_teardown(baud_rates, on, rig_off),
        cmocka_unit_test_setup_teardown(dma_both_ways, on, rig_off),
        cmocka_unit_test_setup_teardown(pins, on, rig_off),
        cmocka_unit_test_setup_teardown(register_rules, on, rig_off),
        cmocka_unit_test_setup_teardown(flags_while_off, on, rig_off),
        cmocka_unit_test_setup_teardown(character_match_and_mute, on, rig_off),
        cmocka_unit_test_setup_teardown(timeout_and_block, on, rig_off),
        cmocka_unit_test_setup_teardown(auto_baud, on, rig_off),
        cmocka_unit_test_setup_teardown(half_duplex, on, rig_off),
        cmocka_unit_test_setup_teardown(flow_control, on, rig_off),
        cmocka_unit_test_setup_teardown(idle_frame_and_clock_change, on, rig_off),
    };

    return cmocka_run_group_tests_name("USART", tests, NULL, NULL);
}
