/* Independent watchdog (RM0394 "IWDG"): counts LSI / (4 << PR) down from RLR, resets the chip when it
 * would pass zero or is fed above WINR. PR, RLR and WINR cross into the LSI domain, which takes five
 * periods and only happens while the watchdog runs: a PR written before the start key leaves PVU set
 * (AN2606, limitations of the boot loader), also where LSI runs, and a read gives the old value, as the
 * project uliano/brio measured on an STM32G0. */
#include "chip/iwdg.h"
#include "chip/state.h"

enum { KR = 0x00, PR = 0x04, RLR = 0x08, SR = 0x0C, WINR = 0x10 };
enum { KEY_RELOAD = 0xAAAA, KEY_UNLOCK = 0x5555, KEY_START = 0xCCCC };
enum { SR_PVU = 1, SR_RVU = 2, SR_WVU = 4 };
enum { SYNC_PERIODS = 5 };
/* option bytes in FLASH_OPTR */
enum { OPTR_IWDG_SW = 1 << 16, OPTR_IWDG_STOP = 1 << 17, OPTR_IWDG_STDBY = 1 << 18 };

static uint32_t divider(const struct iwdg_state *s)
{
    return 4u << (s->active_pr > 6 ? 6 : s->active_pr);
}

/* Brings the counter up to date. The event at its end asks for the reset, so it never passes zero here. */
static void settle(struct chip *c)
{
    struct iwdg_state *s = &c->iwdg;
    uint64_t n = lazy_take(&s->lsi, chip_now(c));

    if (!s->running || s->frozen)
        return;
    if (s->sr && s->lsi.done >= s->synced) { /* the new prescaler counts from here on */
        uint64_t since = s->lsi.done - s->synced, until = n > since ? n - since : 0;
        n -= until;
        uint64_t all = s->prescaler + until;
        s->count -= (uint32_t)(all / divider(s));
        s->prescaler = (uint32_t)(all % divider(s));
        s->sr = 0;
        s->active_pr = s->pr;
    }
    uint64_t all = s->prescaler + n;
    s->count -= (uint32_t)(all / divider(s));
    s->prescaler = (uint32_t)(all % divider(s));
}

static void schedule(struct chip *c)
{
    struct iwdg_state *s = &c->iwdg;
    ps_t when = PS_NEVER;

    if (s->running && !s->frozen) {
        when = lazy_when(&s->lsi, (uint64_t)(s->count + 1) * divider(s) - s->prescaler);
        if (s->sr) {
            ps_t synced = lazy_when(&s->lsi, s->synced - s->lsi.done);
            when = synced < when ? synced : when;
        }
    }
    chip_wake_at(c, B_IWDG, when);
}

static void reload(struct iwdg_state *s)
{
    s->count = s->rlr;
    s->prescaler = 0;
}

static void start(struct chip *c)
{
    struct iwdg_state *s = &c->iwdg;

    if (s->running)
        return;
    rcc_force_lsi(c, true);
    s->running = true;
    lazy_start(&s->lsi, chip_now(c), chip_clock(c, CLK_LSI));
    s->synced = SYNC_PERIODS;
    reload(s);
}

/* A key that reloads: too early, with the window closed, is a reset. */
static void feed(struct chip *c)
{
    struct iwdg_state *s = &c->iwdg;

    if (s->running && s->count > s->winr)
        chip_request_reset(c, RESET_IWDG);
    else
        reload(s);
}

void iwdg_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->iwdg = (struct iwdg_state){.rlr = 0xFFF, .winr = 0xFFF, .count = 0xFFF};
    rcc_force_lsi(c, false);
    if (!(flash_loaded_optr(c) & OPTR_IWDG_SW)) {
        start(c);
        schedule(c);
    }
}

void iwdg_event(struct chip *c, unsigned index)
{
    struct iwdg_state *s = &c->iwdg;

    (void)index;
    settle(c);
    if (s->count > 0xFFF) /* passed zero */
        chip_request_reset(c, RESET_IWDG);
    else
        schedule(c);
}

void iwdg_clock(struct chip *c, unsigned index, bool after)
{
    struct iwdg_state *s = &c->iwdg;

    (void)index;
    if (!after) {
        settle(c);
        return;
    }
    uint64_t to_sync = s->synced > s->lsi.done ? s->synced - s->lsi.done : 0;
    if (lazy_retime(&s->lsi, chip_now(c), chip_clock(c, CLK_LSI)))
        s->synced = to_sync;
    s->frozen = (c->mode == MODE_STOP && !(flash_loaded_optr(c) & OPTR_IWDG_STOP)) ||
                (c->mode == MODE_STANDBY && !(flash_loaded_optr(c) & OPTR_IWDG_STDBY));
    schedule(c);
}

bool iwdg_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct iwdg_state *s = &c->iwdg;
    uint32_t word = 0;

    (void)index;
    switch (off & ~3u) {
    case PR: word = s->sr & SR_PVU ? s->seen[0] : s->pr; break;
    case RLR: word = s->sr & SR_RVU ? s->seen[1] : s->rlr; break;
    case SR: word = s->sr; break;
    case WINR: word = s->sr & SR_WVU ? s->seen[2] : s->winr; break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

static void update(struct chip *c, const char *name, uint32_t *reg, uint32_t value, uint32_t flag)
{
    struct iwdg_state *s = &c->iwdg;

    if (!s->unlocked) {
        chip_ignored(c, B_IWDG, name, "without 0x5555 in IWDG_KR");
        return;
    }
    if (!(s->sr & flag))
        s->seen[flag / 2] = *reg;
    *reg = value;
    s->sr |= flag;
    s->synced = s->lsi.done + SYNC_PERIODS;
}

static void key(struct chip *c, uint32_t value)
{
    struct iwdg_state *s = &c->iwdg;

    s->unlocked = value == KEY_UNLOCK;
    if (value == KEY_START)
        start(c);
    if (value == KEY_RELOAD)
        feed(c);
}

bool iwdg_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct iwdg_state *s = &c->iwdg;

    (void)index;
    value = lanes_apb(size, value);
    settle(c);
    switch (off & ~3u) {
    case KR: key(c, value & 0xFFFF); break;
    case PR: update(c, "PR", &s->pr, value & 7, SR_PVU); break;
    case RLR: update(c, "RLR", &s->rlr, value & 0xFFF, SR_RVU); break;
    case WINR: /* reloads too (ST's HAL refreshes with it) */
        if (s->unlocked)
            reload(s);
        update(c, "WINR", &s->winr, value & 0xFFF, SR_WVU);
        break;
    }
    schedule(c);
    return true;
}
