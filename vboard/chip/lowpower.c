/* Low-power modes: RM0394 "Low-power modes". Sleep, Stop 0-2, Standby, Shutdown; how they are entered,
 * what ends them, what is lost. Wake-up times are typical figures of DS11449. DBGMCU_CR keeps clocks on in
 * them for a debugger (RM0394 "Debug support for low-power modes"). */
#include "chip/state.h"

#define SCR_SLEEPDEEP (1U << 2)

static uint32_t system_control(const struct chip *c)
{
    uint32_t scr = 0;
    cpu_ppb_peek(c->cpu, 0xE000ED10, &scr);
    return scr;
}

unsigned pwr_stop_level(const struct chip *c)
{
    return c->pwr.stop_level;
}

static void enter_stop(struct chip *c, unsigned level)
{
    /* From low-power run Stop 1 alone is to be had (RM0394 "PWR_CR1", LPMS; ST's HAL_PWREx_EnterSTOP2Mode).
     */
    c->pwr.stop_level = c->pwr.reg[PWR_CR1 / 4] & 1U << 14 ? 1 : (uint8_t)level;
    c->pwr.awake = PS_NEVER;
    c->pwr.debug_stop = dbgmcu_keeps(c, DBG_STOP);
    c->mode = MODE_STOP;
    exti_stop(c);
    rcc_stop(c, false);
    if (c->pwr.debug_stop) /* FCLK and HCLK go on, from the oscillator that the wake-up would start */
        rcc_stop(c, true);
    rcc_update(c);
}

bool pwr_stopped(const struct chip *c)
{
    return c->mode == MODE_STOP && !c->pwr.debug_stop;
}

bool pwr_core_clocked(const struct chip *c)
{
    return c->mode == MODE_RUN || c->mode == MODE_SLEEP || (c->mode == MODE_STOP && c->pwr.debug_stop);
}

/* Standby and Shutdown: the core domain loses its power. */
static void enter_off(struct chip *c, enum chip_mode mode)
{
    if (mode == MODE_STANDBY)
        c->pwr.reg[PWR_SR1 / 4] |= 1U << 8; /* SBF */
    c->pwr.debug_standby = mode == MODE_STANDBY && dbgmcu_keeps(c, DBG_STANDBY);
    c->mode = mode;
    rcc_stop(c, false);
    rcc_update(c);
    reset_core_domain(c);
    if (pwr_standby_wakes(c))
        pwr_wake_standby(c);
}

/* The three option bits make entry into the mode a reset. */
static bool forbidden(const struct chip *c, unsigned lpms)
{
    unsigned bit = lpms < 3 ? 12 : lpms == 3 ? 13 : 14;
    return !(flash_loaded_optr(c) >> bit & 1);
}

void pwr_sleep(struct chip *c)
{
    c->mode = MODE_SLEEP;
    c->pwr.deferred = false;
    if (!(system_control(c) & SCR_SLEEPDEEP)) {
        rcc_update(c);
        return;
    }
    if (flash_busy(c)) { /* deep sleep begins when the operation is over */
        c->pwr.deferred = true;
        rcc_update(c);
        return;
    }
    unsigned lpms = c->pwr.reg[PWR_CR1 / 4] & 7;
    if (lpms < 3 && exti_wakes(c)) { /* the entry is ignored, the program goes on */
        cpu_wake(c->cpu);
        c->mode = MODE_RUN;
    } else if (forbidden(c, lpms))
        chip_request_reset(c, RESET_LOWPOWER);
    else if (lpms < 3)
        enter_stop(c, lpms);
    else
        enter_off(c, lpms == 3 ? MODE_STANDBY : MODE_SHUTDOWN);
}

void pwr_flash_idle(struct chip *c)
{
    if (c->mode == MODE_SLEEP && c->pwr.deferred && !cpu_would_wake(c->cpu))
        pwr_sleep(c);
}

void pwr_stop_turn(struct chip *c)
{
    static const ps_t latency[3] = {2 * PS_PER_US, 4 * PS_PER_US, 5 * PS_PER_US};
    bool wakes = cpu_roused(c->cpu) || (exti_wakes(c) && cpu_would_wake(c->cpu));
    if (c->pwr.awake != PS_NEVER || !wakes)
        return;
    c->pwr.awake = chip_now(c) + latency[c->pwr.stop_level] + rcc_wake_time(c);
    chip_wake_at(c, B_PWR, c->pwr.awake);
}

void pwr_wake(struct chip *c)
{
    bool stop = c->mode == MODE_STOP;
    c->mode = MODE_RUN;
    c->pwr.deferred = false;
    if (stop)
        rcc_stop(c, true);
    rcc_update(c);
}

bool pwr_standby_wakes(const struct chip *c)
{
    bool internal = exti_internal_wake(c) && c->pwr.reg[PWR_CR3 / 4] & 1U << 15;
    return internal || c->pwr.reg[PWR_SR1 / 4] & 0x1F & c->pwr.reg[PWR_CR3 / 4];
}

void pwr_wake_standby(struct chip *c)
{
    if (c->mode != MODE_STANDBY && c->mode != MODE_SHUTDOWN)
        return;
    chip_request_reset(c, RESET_LOWPOWER);
}
