/* The virtual Nucleo: creation, power, running. What its chip tells, looking at it, loading it and its
 * options have files of their own in vboard/board/. */
#include "board/internal.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"

#define PS_PER_NS  1000U
#define SLOT_START 0x08004000U

/* ---- events ------------------------------------------------------------------------------ */

void board_ask(struct vboard *b)
{
    if (b->watching)
        chip_stop(b->chip);
}

void board_emit(struct vboard *b, struct vboard_event *e)
{
    e->t = vboard_now(b);
    if (b->on_event != NULL)
        b->on_event(b->on_event_arg, e);
    if (b->awaiting && !b->arrived && e->kind == b->awaited.kind &&
        (b->awaited.name == NULL || (e->name != NULL && strcmp(b->awaited.name, e->name) == 0))) {
        b->awaited = *e;
        b->arrived = true;
    }
    board_ask(b);
}

void board_usb_event(struct vboard *b, const char *state)
{
    if (b->state.usb_state != NULL && strcmp(b->state.usb_state, state) == 0)
        return;
    b->state.usb_state = state;
    board_emit(b, &(struct vboard_event){.kind = VE_USB, .name = state});
}

/* ---- power ------------------------------------------------------------------------------- */

void board_lost_power(struct vboard *b)
{
    board_forget_uarts(b);
    if (b->state.usb_state != NULL)
        board_usb_event(b, "detached");
    b->state.usb_state = NULL;
    board_emit(b, &(struct vboard_event){.kind = VE_POWER, .name = "off"});
    if (b->usb.power != NULL)
        b->usb.power(b->usb.owner, false);
}

void vboard_power(struct vboard *b, bool on, bool vbat)
{
    if (on == chip_powered(b->chip)) {
        if (!on && !vbat)
            chip_power_off(b->chip, false);
        return;
    }
    if (!on) {
        chip_power_off(b->chip, vbat);
        board_lost_power(b);
        return;
    }
    b->state.cycles_at_power_on = cpu_cycles(chip_cpu(b->chip));
    board_emit(b, &(struct vboard_event){.kind = VE_POWER, .name = "on"});
    chip_power_on(b->chip);
    board_fill_sram(b);
    if (b->usb.power != NULL)
        b->usb.power(b->usb.owner, true);
}

bool vboard_powered(const struct vboard *b)
{
    return chip_powered(b->chip);
}

static void release_nrst(void *arg)
{
    struct vboard *b = arg;
    chip_nrst(b->chip, false);
}

void vboard_nrst(struct vboard *b, uint64_t ns)
{
    chip_nrst(b->chip, true);
    chip_outside_wake(b->chip, OUTSIDE_BOARD, chip_now(b->chip) + ns * PS_PER_NS, release_nrst, b);
}

void vboard_cut(struct vboard *b, uint64_t n, enum vboard_cut model)
{
    b->state.cut_at = model == CUT_NONE || n == 0 ? 0 : b->state.flash_ops + n;
    b->state.cut_model = model;
}

uint64_t vboard_flash_ops(const struct vboard *b)
{
    return b->state.flash_ops;
}

/* ---- creation ---------------------------------------------------------------------------- */

/* splitmix64, as good as any: the id only has to look like one and to differ by seed. */
static uint64_t mix(uint64_t z)
{
    z += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

/* Wafer X and Y, wafer number, seven characters of lot number (RM0394 "Unique device ID register"). */
static void derive_uid(uint64_t seed, uint8_t uid[12])
{
    uint64_t a = mix(seed), d = mix(seed ^ UINT64_MAX);
    for (unsigned i = 0; i < 4; i++)
        uid[i] = (uint8_t)((a >> (8 * i) & 0x0F) % 10 | ((a >> (8 * i + 4)) & 0x0F) % 5 << 4);
    uid[4] = (uint8_t)(a >> 32) % 25 + 1;
    for (unsigned i = 0; i < 7; i++)
        uid[5 + i] = (uint8_t)("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(d >> (8 * i) & 0xFF) % 36]);
}

struct vboard *vboard_create(const struct vboard_config *config)
{
    struct vboard *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->config = *config;
    if (b->config.slot == 0)
        b->config.slot = SLOT_START;
    board_listen(b);
    struct chip_config c;
    chip_config_default(&c);
    c.seed = config->seed;
    static const uint8_t none[sizeof c.uid];
    memcpy(c.uid, config->uid, sizeof c.uid);
    b->uid_given = memcmp(c.uid, none, sizeof none) != 0;
    if (!b->uid_given)
        derive_uid(config->seed, c.uid);
    b->chip = chip_create(&c, &b->tell);
    if (b->chip == NULL) {
        free(b);
        return NULL;
    }
    board_fit_rom(b);
    board_drive_defaults(b);
    return b;
}

void vboard_destroy(struct vboard *b)
{
    if (b == NULL)
        return;
    board_forget_loads(b);
    symbols_free(b->symbols);
    chip_destroy(b->chip);
    free(b);
}

void vboard_swo(struct vboard *b)
{
    b->swo = true;
}

const char *vboard_error(const struct vboard *b)
{
    return b->error.text;
}

struct chip *board_chip(struct vboard *b)
{
    return b->chip;
}

void vboard_on_event(struct vboard *b, void (*fn)(void *arg, const struct vboard_event *e), void *arg)
{
    b->on_event = fn;
    b->on_event_arg = arg;
}

void board_set_usb(struct vboard *b, const struct board_usb *usb)
{
    b->usb = usb != NULL ? *usb : (struct board_usb){0};
}

/* ---- running ----------------------------------------------------------------------------- */

uint64_t vboard_now(const struct vboard *b)
{
    return chip_now(b->chip) / PS_PER_NS;
}

/* What ended a call of the chip, unless it is to be called again. */
static bool ended(struct vboard *b, enum chip_exit exit, enum vboard_stop *stop)
{
    if (b->strict_hit) {
        b->strict_hit = false;
        *stop = VB_STRICT;
        return true;
    }
    switch (exit) {
    case CHIP_LOCKUP: *stop = VB_LOCKUP; return true;
    case CHIP_OFF: *stop = VB_OFF; return true;
    case CHIP_BREAK: *stop = VB_BREAK; return true;
    default: return false;
    }
}

enum vboard_stop vboard_run(struct vboard *b, uint64_t ns, bool (*until)(void *arg), void *arg)
{
    /* From vboard_now, not from the fraction behind it: an instant named in ns is then the same one
     * whatever calls lead there. */
    ps_t end;
    if (__builtin_add_overflow(ns, vboard_now(b), &end) || __builtin_mul_overflow(end, (ps_t)PS_PER_NS, &end))
        end = PS_NEVER - 1;
    enum vboard_stop stop = VB_TIME;
    b->watching = until != NULL;
    while (chip_now(b->chip) < end) {
        if (until != NULL && until(arg)) {
            stop = VB_CONDITION;
            break;
        }
        ps_t slice = until != NULL ? chip_now(b->chip) + PS_PER_MS : end;
        if (ended(b, chip_run(b->chip, slice < end ? slice : end), &stop))
            break;
    }
    if (stop == VB_TIME && until != NULL && until(arg))
        stop = VB_CONDITION;
    b->watching = false;
    return stop;
}

static bool has_arrived(void *arg)
{
    const struct vboard *b = arg;
    return b->arrived;
}

enum vboard_stop vboard_run_event(struct vboard *b, uint64_t ns, enum vboard_event_kind kind,
                                  const char *name, struct vboard_event *e)
{
    b->awaited = (struct vboard_event){.kind = kind, .name = name};
    b->awaiting = true;
    b->arrived = false;
    enum vboard_stop stop = vboard_run(b, ns, has_arrived, b);
    b->awaiting = false;
    if (stop == VB_CONDITION) {
        stop = VB_EVENT;
        if (e != NULL)
            *e = b->awaited;
    }
    return stop;
}

enum vboard_stop vboard_step(struct vboard *b)
{
    enum vboard_stop stop = VB_TIME;
    (void)ended(b, chip_step(b->chip), &stop);
    return stop;
}
