/* The USB FS device block and the bus: reset, frames, suspend and resume, remote wake-up, LPM, and the
 * conditions for being attached. */
#include "usbfs_rig.h"

#include "cpu/cpu.h"

/* ---- reset, frames, suspend --------------------------------------------------------------- */

static void test_bus_reset(void **state)
{
    (void)state;
    static const uint8_t d[4];
    set_epr(1, BULK | RX_VALID | 1);
    set_epr(2, BULK | RX_VALID | TX_STALL | 2);
    usbfs_out(rig, 5, 1, 0, d, 4, false);
    wr(CNTR, RESET | SUSP);
    wr(ISTR, 0);
    wr(BTABLE, 0x40);
    wr(PMA + 0x200, 0x1234);
    assert_false(irq_pending());
    usbfs_bus_reset(rig, true);
    run_us(2);
    assert_int_equal(rd(ISTR) & RESET, 0);
    assert_int_equal(rd(DADDR), 0x85);
    run_us(1);
    assert_int_equal(rd(ISTR) & RESET, RESET);
    assert_true(irq_pending());
    assert_int_equal(rd(DADDR), 0);
    assert_int_equal(epr(1), RX_CTR); /* only CTR stays */
    assert_int_equal(epr(2), 0);
    assert_int_equal(rd(CNTR), RESET | SUSP);
    assert_int_equal(rd(BTABLE), 0x40);
    assert_int_equal(rd(PMA + 0x200), 0x1234);
    assert_int_equal(rd(BCDR), 0x8000);
    assert_int_equal(rd(FNR) >> 14, 0); /* SE0 */
    wr(ISTR, 0);
    assert_int_equal(rd(ISTR) & RESET, 0); /* although SE0 lasts: 10 ms, software works meanwhile */
    usbfs_bus_reset(rig, false);
    assert_int_equal(rd(FNR) >> 14, 2); /* J */
    assert_int_equal(told.pullups, 1);
}

static void test_forced_reset(void **state)
{
    (void)state;
    static const uint8_t eight[8];
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    wr(CNTR, 1);
    assert_int_equal(rd(ISTR) & RESET, RESET);
    assert_int_equal(epr(0), 0);
    assert_int_equal(rd(DADDR), 0x85); /* ST's HAL for the F1 goes on with it behind each suspend */
    wr(ISTR, 0);
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_SILENT); /* held in reset */
    wr(CNTR, 0);
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_ACK);
}

/* SE0 that is over within 2.5 us is none. */
static void test_short_se0(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        usbfs_bus_reset(rig, true);
        run_us(2);
        usbfs_bus_reset(rig, false);
        run_us(2);
    }
    assert_int_equal(rd(ISTR) & RESET, 0);
    assert_int_equal(rd(DADDR), 0x85);
}

static void bus_reset(void)
{
    usbfs_bus_reset(rig, true);
    run_us(3);
    usbfs_bus_reset(rig, false);
    wr(ISTR, 0);
    wr(DADDR, 0x85);
}

static void test_frames(void **state)
{
    (void)state;
    bus_reset();
    usbfs_sof(rig, 0x3FF);
    assert_int_equal(rd(FNR) & 0x3FFF, 0x3FF);
    assert_int_equal(rd(ISTR) & SOF, SOF);
    usbfs_sof(rig, 0x400);
    assert_int_equal(rd(FNR) & 0x3FFF, 0x2400); /* LCK after two */
    wr(ISTR, 0);
    run_us(1000);
    assert_int_equal(rd(ISTR) & ESOF, 0);
    run_us(100);
    assert_int_equal(rd(ISTR) & ESOF, ESOF);
    assert_int_equal(rd(FNR) & 0x3FFF, 0x2C00); /* LSOF 1 */
    wr(ISTR, 0);
    run_us(1000);
    assert_int_equal(rd(ISTR) & (ESOF | SUSP), ESOF);
    assert_int_equal(rd(FNR) & 0x1800, 0x1000);
    usbfs_sof(rig, 0x403);
    assert_int_equal(rd(FNR) & 0x3FFF, 0x2403); /* LSOF cleared */
    wr(ISTR, 0);
    run_us(2900);
    assert_int_equal(rd(ISTR) & SUSP, 0);
    run_us(300);
    assert_int_equal(rd(ISTR) & (ESOF | SUSP), ESOF | SUSP); /* the third missing one */
    assert_int_equal(rd(FNR) & 0x3800, 0x1800);              /* unlocked */
    run_us(5000);
    assert_int_equal(rd(FNR) & 0x3800, 0x1800); /* LSOF stays at 3 */
    usbfs_bus_reset(rig, true);
    run_us(3);
    usbfs_bus_reset(rig, false);
    wr(ISTR, 0);
    usbfs_sof(rig, 1);
    assert_int_equal(rd(FNR) & 0x2000, 0); /* locks anew after a reset */
    usbfs_sof(rig, 2);
    assert_int_equal(rd(FNR) & 0x2000, 0x2000);
}

/* Traffic without SOF is no reason to suspend. */
static void test_traffic_keeps_awake(void **state)
{
    (void)state;
    uint8_t data[1023];
    size_t size;
    bus_reset();
    usbfs_sof(rig, 1);
    for (int ms = 0; ms < 10; ms++) {
        run_us(1000);
        usbfs_in(rig, 9, 0, data, &size); /* somebody else's */
    }
    assert_int_equal(rd(ISTR) & (ESOF | SUSP), ESOF);
}

static void test_suspend_resume(void **state)
{
    (void)state;
    static const uint8_t eight[8];
    run_us(2000);
    assert_int_equal(rd(ISTR) & SUSP, 0);
    run_us(3000);
    assert_int_equal(rd(ISTR) & SUSP,
                     SUSP); /* FRES was a reset as well, and so far nobody has sent anything */
    wr(CNTR, 1);
    wr(ISTR, 0);
    run_us(20000);
    assert_int_equal(rd(ISTR) & SUSP, 0); /* not while it lasts */
    wr(CNTR, 0);
    bus_reset();
    set_epr(0, CONTROL | RX_VALID | TX_NAK);
    usbfs_sof(rig, 1);
    run_us(4000);
    assert_int_equal(rd(ISTR) & SUSP, SUSP);
    wr(CNTR, 0x8);
    wr(CNTR, 0xC); /* FSUSP, LPMODE */
    wr(ISTR, 0);
    run_us(20000);
    assert_int_equal(rd(ISTR) & SUSP, 0); /* no checking while FSUSP is set */
    assert_int_equal(rd(ISTR) & WKUP, 0);
    usbfs_resume(rig);
    assert_int_equal(rd(ISTR) & WKUP, WKUP);
    assert_int_equal(rd(CNTR), 0x8);    /* LPMODE cleared by hardware, FSUSP not */
    assert_int_equal(rd(FNR) >> 14, 1); /* K */
    wr(CNTR, 0);
    wr(ISTR, 0);
    run_us(20000);
    assert_int_equal(rd(ISTR) & SUSP, 0); /* K is not idle */
    usbfs_sof(rig, 2);
    assert_int_equal(rd(FNR) & 0x2000, 0); /* locks anew */
    usbfs_sof(rig, 3);
    assert_int_equal(rd(FNR) & 0x2000, 0x2000);
    assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_ACK); /* address and endpoints have stayed */
}

/* A bus reset wakes as well, before it counts as one; software tells it from resume by the lines. */
static void test_reset_wakes(void **state)
{
    (void)state;
    wr(CNTR, 0xC);
    wr(ISTR, 0);
    usbfs_bus_reset(rig, true);
    assert_int_equal(rd(ISTR) & (WKUP | RESET), WKUP);
    assert_int_equal(rd(FNR) >> 14, 0);
    run_us(3);
    assert_int_equal(rd(ISTR) & (WKUP | RESET), WKUP | RESET);
}

/* WKUP ends Stop 0 and 1 through EXTI line 17, if that is not masked; Stop 2 it does not end. */
static void test_wakes_from_stop(void **state)
{
    static const struct {
        unsigned line, event, stop, wakes;
    } cases[] = {{0, 0, 0, 0}, {1, 0, 0, 1}, {1, 0, 1, 1}, {1, 0, 2, 0}, {0, 1, 0, 1}, {0, 1, 2, 0}};

    for (unsigned n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        rig_off(state);
        power_up(state);
        attach_now();
        told.n = 0;
        wr(EXTI_IMR1, cases[n].line << 17);
        wr(EXTI_EMR1, cases[n].event << 17);
        wr(CNTR, WKUP | 0xC);
        wr(ISTR, 0);
        rig_stop(cases[n].stop, 67);
        assert_int_equal(chip_clock(rig, CLK_48), 0); /* stopped, and still attached */
        assert_int_equal(told.pullup, 1);
        uint64_t cycles = cpu_cycles(chip_cpu(rig));
        usbfs_resume(rig);
        run_us(1000);
        usbfs_resume(rig); /* is said once */
        assert_int_equal(told_count("message"), cases[n].stop == 2);
        assert_int_equal(cpu_cycles(chip_cpu(rig)) != cycles, cases[n].wakes);
        assert_int_equal(strstr(remark(), "does not end Stop 2") != NULL, cases[n].stop == 2);
    }
}

/* Standby takes the supply away: the device is gone. */
static void test_standby(void **state)
{
    (void)state;
    wr(CNTR, 0x8);
    assert_int_equal(told.pullup, 1);
    rig_stop(3, 67); /* LPMS of Standby */
    assert_int_equal(told.pullup, 0);
}

static void test_remote_wake(void **state)
{
    (void)state;
    wr(CNTR, 0x8);
    assert_int_equal(told.usb_wakes, 0);
    wr(CNTR, 0x18);
    assert_int_equal(told.usb_wakes, 1);
    wr(CNTR, 0x8);
    assert_int_equal(told.usb_wakes, 1);
    wr(CNTR, 0x28); /* L1RESUME ends by itself */
    assert_int_equal(told.usb_wakes, 2);
    run_us(100);
    assert_int_equal(rd(CNTR), 0x8);
}

static void test_lpm(void **state)
{
    (void)state;
    assert_int_equal(usbfs_lpm(rig, 5, 9, true), USB_SILENT);
    wr(LPMCSR, 1);
    assert_int_equal(usbfs_lpm(rig, 5, 9, true), USB_NYET);
    assert_int_equal(rd(ISTR) & L1REQ, 0);
    wr(LPMCSR, 3);
    assert_int_equal(usbfs_lpm(rig, 6, 9, true), USB_SILENT);
    assert_int_equal(usbfs_lpm(rig, 5, 9, true), USB_ACK);
    assert_int_equal(rd(ISTR) & L1REQ, L1REQ);
    assert_int_equal(rd(LPMCSR), 0x9B);
    wr(LPMCSR, 3);
    assert_int_equal(rd(LPMCSR), 0x9B); /* BESL and REMWAKE are read-only */
    wr(ISTR, (uint16_t)~L1REQ);
    assert_int_equal(rd(ISTR) & L1REQ, 0);
}

/* ---- conditions --------------------------------------------------------------------------- */

static void test_attach_conditions(void **state)
{
    (void)state;
    wr(PWR_CR2, 0); /* USV */
    assert_int_equal(told.pullup, 0);
    assert_false(usbfs_attached(rig));
    wr(PWR_CR2, 1U << 10);
    assert_int_equal(told.pullup, 1);
    wr(BCDR, 0);
    assert_int_equal(told.pullup, 0);
    assert_int_equal(rd(FNR) >> 14, 0);
    wr(BCDR, 0x8000);
    assert_int_equal(told.pullup, 1);
    wr(BCDR, 0x8001); /* the charger detector has the lines */
    assert_int_equal(told.pullup, 0);
    wr(BCDR, 0x8000);
    wr(CNTR, 2);
    assert_int_equal(told.pullup, 0);
    wr(CNTR, 0);
    assert_int_equal(told.pullup, 1);
    unsigned before = told.pullups;
    wr(BCDR, 0); /* however short */
    wr(BCDR, 0x8000);
    assert_int_equal(told.pullups, before + 2);
    wr(BCDR, 0);
    wr(CCIPR, 3U << 26); /* MSI, which is at 24 MHz: not 48 */
    wr(BCDR, 0x8000);
    assert_int_equal(told.pullup, 0);
    wr(CCIPR, 0);
    assert_int_equal(told.pullup, 1);
    wr(APB1RSTR1, 1U << 26);
    wr(APB1RSTR1, 0);
    assert_int_equal(told.pullup, 0);
    assert_int_equal(rd(CNTR), 3);
}

/* A device that has no supply or clock is not seen, and why is said once after a reset. */
static void test_what_was_forgotten(void **state)
{
    (void)state;
    assert_string_equal(remark(), ""); /* an attached device has forgotten nothing */
    wr(CCIPR, 3U << 26);               /* MSI, at 24 MHz */
    wr(BCDR, 0);
    assert_string_equal(remark(), ""); /* nor one that does not want to be on the bus */
    wr(BCDR, 0x8000);
    assert_non_null(strstr(remark(), "without 48 MHz: RCC_CCIPR.CLK48SEL takes MSI, which is at 24"));
    told.n = 0;
    wr(BCDR, 0);
    wr(BCDR, 0x8000);
    assert_string_equal(remark(), "");
    wr(APB1RSTR1, 1U << 26);
    wr(APB1RSTR1, 0);
    wr(CCIPR, 1U << 26); /* PLLSAI1 Q */
    wr(BCDR, 0x8000);
    assert_string_equal(remark(), ""); /* still in power-down */
    wr(CNTR, 0);
    assert_non_null(strstr(remark(), "takes PLLSAI1 Q, which is off"));
    wr(APB1RSTR1, 1U << 26);
    wr(APB1RSTR1, 0);
    wr(CCIPR, 0);
    wr(PWR_CR2, 0);
    wr(CNTR, 0);
    wr(BCDR, 0x8000);
    assert_non_null(strstr(remark(), "PWR_CR2.USV"));
}

/* PA11 and PA12 have to be USB's own: said once after a reset, when the device is first spoken to. */
static void test_pins_forgotten(void **state)
{
    (void)state;
    enum { AHB2ENR = 0x4002104C, GPIOA_MODER = 0x48000000, GPIOA_AFRH = 0x48000024 };
    static const uint8_t eight[8];
    /* PA12 as an output; as USART1_RTS; both as they should be; as inputs; in analog mode, as after reset */
    static const uint32_t moder[] = {0xA9BFFFFF, 0xAABFFFFF, 0xAABFFFFF, 0xA83FFFFF, 0xABFFFFFF};
    wr(AHB2ENR, 1);
    for (unsigned n = 0; n < 5; n++) {
        bool right = n >= 2;
        wr(GPIOA_MODER, moder[n]);
        wr(GPIOA_AFRH, n == 1 ? 0x0007A000 : 0x000AA000);
        wr(APB1RSTR1, 1U << 26);
        wr(APB1RSTR1, 0);
        attach_now();
        set_epr(0, CONTROL | RX_VALID | TX_NAK);
        assert_string_equal(remark(), "");
        assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_ACK);
        assert_int_equal(strstr(remark(), "function other than 10") != NULL, !right);
        told.n = 0;
        clear_ctr(0);
        assert_int_equal(usbfs_setup(rig, 5, 0, eight), USB_ACK);
        assert_string_equal(remark(), "");
    }
}

/* Each start of frame is a synchronisation event of CRS (CFGR's reset value chooses it). */
static void test_clock_recovery(void **state)
{
    (void)state;
    wr(APB1ENR1, 1U << 24 | 1U << 26 | 1U << 28);
    wr(CRS_CR, 0x2020); /* CEN */
    run_us(5000);
    assert_int_equal(rd(CRS_ISR) & 1, 0);
    for (unsigned i = 0; i < 5; i++) {
        usbfs_sof(rig, i);
        run_us(1000);
    }
    assert_int_equal(rd(CRS_ISR) & 1, 1); /* SYNCOK */
}

static void test_handshake_lost(void **state)
{
    (void)state;
    uint8_t data[1023];
    size_t size;
    set_epr(1, BULK | TX_VALID | 1);
    wr(ISTR, 0);
    assert_int_equal(usbfs_in(rig, 5, 1, data, &size), USB_DATA0);
    assert_int_equal(usbfs_in(rig, 5, 1, data, &size), USB_DATA0); /* sent again, same toggle */
    assert_int_equal(rd(ISTR) & ERR, ERR);
    usbfs_in_ack(rig, 5, 1);
    assert_int_equal(epr(1), TX_CTR | TX_DTOG | TX_NAK | 1);
    usbfs_in_ack(rig, 5, 1); /* a stray handshake does nothing */
    assert_int_equal(epr(1), TX_CTR | TX_DTOG | TX_NAK | 1);
}

/* A standard downstream port: data contact, no charging port. */
static void test_charger_detector(void **state)
{
    (void)state;
    wr(BCDR, 0x0003); /* BCDEN, DCDEN */
    assert_int_equal(rd(BCDR), 0x0013);
    usbfs_cable(rig, false);
    assert_int_equal(rd(BCDR), 0x0003);
    usbfs_cable(rig, true);
    wr(BCDR, 0x0005); /* PDEN */
    assert_int_equal(rd(BCDR), 0x0005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with(attach, test_bus_reset),
        with(attach, test_short_se0),
        with(attach, test_forced_reset),
        with(attach, test_frames),
        with(attach, test_traffic_keeps_awake),
        with(attach, test_suspend_resume),
        with(attach, test_reset_wakes),
        with(attach, test_wakes_from_stop),
        with(attach, test_standby),
        with(attach, test_clock_recovery),
        with(attach, test_remote_wake),
        with(attach, test_lpm),
        with(attach, test_attach_conditions),
        with(attach, test_what_was_forgotten),
        with(power_up, test_pins_forgotten),
        with(attach, test_handshake_lost),
        with(attach, test_charger_detector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
