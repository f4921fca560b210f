/* Registers of power control: RM0394 "PWR registers". The regulator's settling times are those for
 * which ST's own software waits at most twice as long. */
#include "chip/state.h"

#define SETTLE_VOS (20 * PS_PER_US)
#define SETTLE_LPR (20 * PS_PER_US)
#define START_LPS  (150 * PS_PER_US)

enum {
    CR1_LPR = 1 << 14,
    CR1_VOS = 3 << 9,
    CR1_DBP = 1 << 8,
    SR2_VOSF = 1 << 10,
    SR2_REGLPF = 1 << 9,
    SR2_REGLPS = 1 << 8,
    SR2_PVDO = 1 << 11,
    SR1_WUFI = 1 << 15,
    SR1_SBF = 1 << 8,
    CR3_APC = 1 << 10
};

/* Reset value and writable bits; kept: survives Standby and the reset bit in RCC. */
static const struct {
    uint32_t reset, writable;
    bool kept;
} regs[PWR_END / 4] = {
    [PWR_CR1 / 4] = {0x0200, 0x4707, false},
    [PWR_CR2 / 4] = {0, 0x04DF, false},
    [PWR_CR3 / 4] = {0x8000, 0x851F, true},
    [PWR_CR4 / 4] = {0, 0x031F, true},
    [PWR_SR1 / 4] = {0, 0, true},
    [PWR_SR2 / 4] = {0, 0, false},
    [0x20 / 4] = {0, 0xBFFF, true} /* A */,
    [0x24 / 4] = {0, 0x5FFF, true},
    [0x28 / 4] = {0, 0xFFFF, true} /* B */,
    [0x2C / 4] = {0, 0xFFEF, true},
    [0x30 / 4] = {0, 0xFFFF, true} /* C */,
    [0x34 / 4] = {0, 0xFFFF, true},
    [0x38 / 4] = {0, 0xFFFF, true} /* D */,
    [0x3C / 4] = {0, 0xFFFF, true},
    [0x40 / 4] = {0, 0xFFFF, true} /* E */,
    [0x44 / 4] = {0, 0xFFFF, true},
    [0x58 / 4] = {0, 0x000B, true} /* H */,
    [0x5C / 4] = {0, 0x000B, true},
};

/* WKUP1-5. */
static const struct {
    uint8_t port, pin;
} wake_pins[5] = {{0, 0}, {2, 13}, {4, 6}, {0, 2}, {2, 5}};

bool pwr_backup_writable(const struct chip *c)
{
    return c->pwr.reg[PWR_CR1 / 4] & CR1_DBP;
}

unsigned pwr_vos(const struct chip *c)
{
    return c->pwr.reg[PWR_CR1 / 4] >> 9 & 3;
}

unsigned pwr_limits(const struct chip *c)
{
    return c->vdd12 ? 1 : pwr_vos(c);
}

int pwr_pull(const struct chip *c, unsigned port, unsigned pin)
{
    if (!(c->pwr.reg[PWR_CR3 / 4] & CR3_APC))
        return -1;
    unsigned pucr = (PWR_PUCRA + 8 * port) / 4;
    return c->pwr.reg[pucr + 1] >> pin & 1 ? 0 : c->pwr.reg[pucr] >> pin & 1 ? 1 : -1;
}

/* The programmable voltage detector: VDD against the threshold of PLS, or PVD_IN (PB7) against VREFINT. */
enum { PVD_IN_PORT = 1, PVD_IN_PIN = 7 };

bool pwr_pvd_low(const struct chip *c)
{
    static const uint16_t mv[7] = {2000, 2200, 2400, 2500, 2600, 2800, 2900};
    uint32_t cr2 = c->pwr.reg[PWR_CR2 / 4], pls = cr2 >> 1 & 7;

    if (!(cr2 & 1))
        return false;
    if (pls == 7)
        return analog_pin(c, PVD_IN_PORT, PVD_IN_PIN) < ANALOG_VREFINT_MV;
    return c->config.vdd_mv < mv[pls];
}

/* Peripheral voltage monitors: VDDUSB (PVM1) and VDDA (3 and 4), which are wired to VDD, against the typical
 * thresholds of DS11449. There is no VDDIO2 for PVM2. */
static const struct {
    uint8_t enable, output, exti; /* bits of CR2 and SR2, line */
    uint16_t mv;
} monitors[] = {{4, 12, 35, 1220}, {6, 14, 37, 1650}, {7, 15, 38, 1820}};
enum { MONITORS = sizeof monitors / sizeof monitors[0] };

static uint32_t monitor_outputs(const struct chip *c)
{
    uint32_t outputs = 0;

    for (unsigned i = 0; i < MONITORS; i++)
        if (c->pwr.reg[PWR_CR2 / 4] >> monitors[i].enable & 1 && c->config.vdd_mv < monitors[i].mv)
            outputs |= 1U << monitors[i].output;
    return outputs;
}

void pwr_inputs(struct chip *c)
{
    bool low = pwr_pvd_low(c);

    exti_line(c, 16, low);
    if (low != c->pwr.pvd_was_low)
        tim_system_break(c);
    c->pwr.pvd_was_low = low;
}

static void monitor_lines(struct chip *c)
{
    uint32_t outputs = monitor_outputs(c);

    pwr_inputs(c);
    for (unsigned i = 0; i < MONITORS; i++)
        exti_line(c, monitors[i].exti, outputs >> monitors[i].output & 1);
}

bool pwr_brown_out(const struct chip *c, bool rising)
{
    static const uint16_t mv[8][2] = {{1600, 1660}, {2000, 2100}, {2200, 2310}, {2520, 2610},
                                      {2810, 2900}, {2810, 2900}, {2810, 2900}, {2810, 2900}};

    return c->config.vdd_mv < mv[flash_loaded_optr(c) >> 8 & 7][rising];
}

static void schedule(struct chip *c)
{
    struct pwr_state *p = &c->pwr;
    ps_t next = p->vos_ready;
    if (p->lpr_left < next)
        next = p->lpr_left;
    if (p->lps_ready < next)
        next = p->lps_ready;
    if (p->awake < next)
        next = p->awake;
    chip_wake_at(c, B_PWR, next);
}

void pwr_event(struct chip *c, unsigned index)
{
    (void)index;
    struct pwr_state *p = &c->pwr;
    ps_t now = chip_now(c);
    if (p->vos_ready <= now) {
        p->vos_ready = PS_NEVER;
        p->reg[PWR_SR2 / 4] &= ~(uint32_t)SR2_VOSF;
    }
    if (p->lpr_left <= now) {
        p->lpr_left = PS_NEVER;
        p->reg[PWR_SR2 / 4] &= ~(uint32_t)SR2_REGLPF;
    }
    if (p->lps_ready <= now) {
        p->lps_ready = PS_NEVER;
        p->reg[PWR_SR2 / 4] |= SR2_REGLPS;
    }
    if (p->awake <= now) {
        p->awake = PS_NEVER;
        pwr_wake(c);
    }
    schedule(c);
}

void pwr_reset(struct chip *c, unsigned index)
{
    (void)index;
    struct pwr_state *p = &c->pwr;
    /* The reset bit of RCC (the chip runs) and Standby leave the registers of the VDD domain alone;
     * status flags are lost with power only. */
    bool power = c->mode == MODE_RESET && c->reset_cause == RESET_POWER;
    bool system = c->mode == MODE_RESET && c->wake_from != MODE_STANDBY;
    for (unsigned i = 0; i < PWR_END / 4; i++)
        if (power || !regs[i].kept || (system && i != PWR_SR1 / 4))
            p->reg[i] = regs[i].reset;
    p->vos_ready = p->lpr_left = p->awake = PS_NEVER;
    p->lps_ready = chip_now(c) + START_LPS;
    p->deferred = false;
    schedule(c);
    monitor_lines(c);
}

static bool wake_pin_active(const struct chip *c, unsigned i)
{
    bool falling = c->pwr.reg[PWR_CR4 / 4] >> i & 1;
    return gpio_pin_level(c, wake_pins[i].port, wake_pins[i].pin) != falling;
}

void pwr_pin(struct chip *c, unsigned port, unsigned pin, bool level)
{
    for (unsigned i = 0; i < 5; i++) {
        bool falling = c->pwr.reg[PWR_CR4 / 4] >> i & 1;
        if (wake_pins[i].port != port || wake_pins[i].pin != pin || !(c->pwr.reg[PWR_CR3 / 4] >> i & 1) ||
            level == falling)
            continue;
        c->pwr.reg[PWR_SR1 / 4] |= 1U << i;
        pwr_wake_standby(c);
    }
}

bool pwr_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    if (off >= PWR_END)
        return true;
    uint32_t v = c->pwr.reg[off / 4];
    if ((off & ~3U) == PWR_SR1 && exti_internal_wake(c) && c->pwr.reg[PWR_CR3 / 4] & 1U << 15)
        v |= SR1_WUFI;
    if ((off & ~3U) == PWR_SR2 && pwr_pvd_low(c))
        v |= SR2_PVDO;
    if ((off & ~3U) == PWR_SR2)
        v |= monitor_outputs(c);
    *value = lanes_get(v, off, size);
    return true;
}

static void write_cr1(struct chip *c, uint32_t old, uint32_t next)
{
    struct pwr_state *p = &c->pwr;
    uint32_t vos = next & CR1_VOS;
    if (vos == 0 || vos == CR1_VOS) /* forbidden by hardware */
        next = (next & ~(uint32_t)CR1_VOS) | (old & CR1_VOS);
    if ((old & CR1_VOS) == 2U << 9 && (next & CR1_VOS) == 1U << 9) {
        p->reg[PWR_SR2 / 4] |= SR2_VOSF;
        p->vos_ready = chip_now(c) + SETTLE_VOS;
    }
    if (next & CR1_LPR) {
        p->reg[PWR_SR2 / 4] |= SR2_REGLPF;
        p->lpr_left = PS_NEVER;
    } else if (old & CR1_LPR) {
        p->lpr_left = chip_now(c) + SETTLE_LPR;
    }
    p->reg[PWR_CR1 / 4] = next;
    flash_clock_changed(c); /* the limits of HCLK depend on VOS */
}

static void write_cr3(struct chip *c, uint32_t old, uint32_t next)
{
    c->pwr.reg[PWR_CR3 / 4] = next;
    for (unsigned i = 0; i < 5; i++) /* enabled while the pin is at its level already */
        if ((next & ~old) >> i & 1 && wake_pin_active(c, i))
            c->pwr.reg[PWR_SR1 / 4] |= 1U << i;
}

bool pwr_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    (void)index;
    if (off >= PWR_END)
        return true;
    struct pwr_state *p = &c->pwr;
    uint32_t word = lanes_apb(size, value), old = p->reg[off / 4], w = regs[off / 4].writable;
    uint32_t next = (old & ~w) | (word & w);
    switch (off & ~3U) {
    case PWR_CR1: write_cr1(c, old, next); break;
    case PWR_CR2:
        if (syscfg_pvd_locked(c)) /* PVDE and PLS */
            next = (next & ~15U) | (old & 15);
        rcc_tell_blocks(c, false); /* USV switches the USB transceiver */
        p->reg[PWR_CR2 / 4] = next;
        rcc_tell_blocks(c, true);
        monitor_lines(c);
        break;
    case PWR_CR3: write_cr3(c, old, next); break;
    case PWR_SCR: p->reg[PWR_SR1 / 4] &= ~(word & (SR1_SBF | 0x1F)); break;
    default: p->reg[off / 4] = next; break;
    }
    if (off >= PWR_CR3)
        gpio_pulls_changed(c);
    schedule(c);
    return true;
}
