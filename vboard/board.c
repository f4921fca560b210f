/* The virtual Nucleo: power, running, and what is told about it. Looking at it, loading it and its
 * options have files of their own in vboard/board/. */
#include "board/internal.h"

#include <stdlib.h>
#include <string.h>

#include "chip/memory.h"
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

static const char *const reset_names[] = {
    [RESET_POWER] = "power",       [RESET_PIN] = "pin",           [RESET_SOFT] = "soft",
    [RESET_IWDG] = "iwdg",         [RESET_WWDG] = "wwdg",         [RESET_OBL] = "obl",
    [RESET_LOWPOWER] = "lowpower", [RESET_FIREWALL] = "firewall",
};

/* What a debugger writes that shows what firmware prints by SWO. */
static void enable_swo(struct vboard *b)
{
    static const struct {
        uint32_t addr, kept, value;
    } writes[] = {
        {0xE000EDFC, 0x010F07F1, 1u << 24},       /* DEMCR.TRCENA */
        {0xE0042004, 0x00000007, 1u << 5},        /* DBGMCU_CR.TRACE_IOEN, TRACE_MODE 0 */
        {0xE0040010, 0, 0},                       /* TPIU_ACPR: a bit is a period of HCLK */
        {0xE00400F0, 0, 2},                       /* TPIU_SPPR: NRZ */
        {0xE0040304, 0, 1u << 8},                 /* TPIU_FFCR: no formatter */
        {0xE0000E80, 0, 1u << 16 | 1u << 3 | 1u}, /* ITM_TCR: TXENA, ITMENA */
        {0xE0000E00, 0, 1},                       /* ITM_TER: port 0 */
    };
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        uint32_t before = 0;
        (void)chip_peek(b->chip, writes[i].addr, &before, sizeof before);
        (void)chip_debug_write(b->chip, writes[i].addr, 4, (before & writes[i].kept) | writes[i].value);
    }
}

static void on_reset(void *owner, enum chip_reset cause)
{
    struct vboard *b = owner;
    if (b->swo)
        enable_swo(b);
    board_emit(b, &(struct vboard_event){.kind = VE_RESET, .name = reset_names[cause]});
    cpu_arm_watch(chip_cpu(b->chip), CHIP_WATCH_OUTSIDE, b->config.slot, FLASH_BASE + FLASH_SIZE - 1);
}

static void on_watch(void *owner, uint32_t pc)
{
    board_emit(owner, &(struct vboard_event){.kind = VE_HANDOFF, .a = pc});
}

void vboard_swo(struct vboard *b)
{
    b->swo = true;
}

static void on_gpio(void *owner, unsigned port, unsigned pin, bool level)
{
    board_emit(owner, &(struct vboard_event){.kind = VE_GPIO, .name = board_pin_name(port, pin), .a = level});
}

static void on_pin(void *owner, unsigned port, unsigned pin, bool level)
{
    board_smps_pin(owner, port, pin, level);
}

static void on_pwm(void *owner, unsigned port, unsigned pin, double hz, double duty)
{
    board_emit(owner, &(struct vboard_event){
                          .kind = VE_PWM, .name = board_pin_name(port, pin), .hz = hz, .duty = duty});
}

/* PA2 is wired to the ST-LINK: whichever of USART2 and LPUART1 drives it is the virtual COM port
 * (UM2206). */
static void on_uart(void *owner, const char *name, uint8_t byte)
{
    struct vboard *b = owner;
    int af = gpio_af(b->chip, 0, 2);
    bool vcp = (af == 7 && strcmp(name, "USART2") == 0) || (af == 8 && strcmp(name, "LPUART1") == 0);
    b->uart_byte = byte;
    board_emit(
        b, &(struct vboard_event){
               .kind = VE_UART, .name = vcp ? "VCP" : name, .unit = name, .bytes = &b->uart_byte, .size = 1});
}

static void on_flash_op(void *owner, const char *op, uint32_t page_or_addr, uint32_t n)
{
    struct vboard *b = owner;
    (void)n; /* counts from power-on; cuts are counted over power cycles, and on_cut comes next */
    board_emit(b,
               &(struct vboard_event){
                   .kind = VE_FLASH, .name = op, .a = page_or_addr, .b = (uint32_t)b->state.flash_ops + 1});
}

/* A HardFault at a BKPT 0xAB, for which no debugger is there. */
static bool semihosting(struct vboard *b, const struct cpu_fault *fault)
{
    static const uint8_t bkpt[2] = {0xAB, 0xBE};
    uint8_t at[2];
    return fault->hfsr >> 31 && chip_peek(b->chip, fault->pc, at, sizeof at) &&
           memcmp(at, bkpt, sizeof at) == 0;
}

static void on_fault(void *owner, const struct cpu_fault *fault)
{
    struct vboard *b = owner;
    struct symbol *at = &b->fault_at;
    symbols_find(b->symbols, fault->pc, at);
    board_emit(b, &(struct vboard_event){.kind = VE_FAULT,
                                         .name = fault->kind,
                                         .pc = fault->pc,
                                         .lr = fault->lr,
                                         .cfsr = fault->cfsr,
                                         .hfsr = fault->hfsr,
                                         .bfar = fault->bfar,
                                         .function = at->function[0] != '\0' ? at->function : NULL,
                                         .line = at->line[0] != '\0' ? at->line : NULL});
    if (semihosting(b, fault))
        board_emit(
            b, &(struct vboard_event){
                   .kind = VE_MESSAGE,
                   .name = "That was semihosting (BKPT 0xAB), as of firmware linked with rdimon.specs, and "
                           "no debugger is there to serve it"});
}

static void on_missing(void *owner, uint32_t addr, uint32_t pc)
{
    struct vboard *b = owner;
    if (b->config.strict) {
        b->strict_hit = true;
        chip_stop(b->chip);
    }
    struct symbol *at = &b->fault_at;
    bool part;
    symbols_find(b->symbols, pc, at);
    board_emit(b, &(struct vboard_event){.kind = VE_MISSING,
                                         .name = chip_missing_in(addr, &part),
                                         .part = part,
                                         .a = addr,
                                         .b = pc,
                                         .function = at->function[0] != '\0' ? at->function : NULL,
                                         .line = at->line[0] != '\0' ? at->line : NULL});
}

static void on_message(void *owner, const char *sentence)
{
    board_emit(owner, &(struct vboard_event){.kind = VE_MESSAGE, .name = sentence});
}

void board_usb_event(struct vboard *b, const char *state)
{
    if (b->state.usb_state != NULL && strcmp(b->state.usb_state, state) == 0)
        return;
    b->state.usb_state = state;
    board_emit(b, &(struct vboard_event){.kind = VE_USB, .name = state});
}

static void on_usb_pullup(void *owner, bool on)
{
    struct vboard *b = owner;
    if (on || b->state.usb_state != NULL)
        board_usb_event(b, on ? "attached" : "detached");
    if (b->usb.pullup != NULL)
        b->usb.pullup(b->usb.owner, on);
}

static void on_usb_wake(void *owner)
{
    struct vboard *b = owner;
    if (b->usb.wake != NULL)
        b->usb.wake(b->usb.owner);
}

/* ---- power ------------------------------------------------------------------------------- */

_Static_assert((int)CUT_BEFORE == (int)CHIP_CUT_BEFORE && (int)CUT_AFTER == (int)CHIP_CUT_AFTER &&
                   (int)CUT_TORN == (int)CHIP_CUT_TORN && (int)CUT_HALF == (int)CHIP_CUT_HALF,
               "one list of models");

static int on_cut(void *owner, uint64_t n)
{
    struct vboard *b = owner;
    (void)n;
    b->state.flash_ops++;
    return b->state.flash_ops == b->state.cut_at ? (int)b->state.cut_model : (int)CHIP_CUT_NONE;
}

/* Told once, however power was lost. */
static void lost_power(struct vboard *b)
{
    board_forget_uarts(b);
    if (b->state.usb_state != NULL)
        board_usb_event(b, "detached");
    b->state.usb_state = NULL;
    board_emit(b, &(struct vboard_event){.kind = VE_POWER, .name = "off"});
    if (b->usb.power != NULL)
        b->usb.power(b->usb.owner, false);
}

static void on_power_lost(void *owner)
{
    lost_power(owner);
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
        lost_power(b);
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
    b->tell = (struct chip_listener){.owner = b,
                                     .reset = on_reset,
                                     .gpio = on_gpio,
                                     .pin = on_pin,
                                     .pwm = on_pwm,
                                     .uart_tx = on_uart,
                                     .flash_op = on_flash_op,
                                     .fault = on_fault,
                                     .missing = on_missing,
                                     .usb_pullup = on_usb_pullup,
                                     .usb_wake = on_usb_wake,
                                     .watch = on_watch,
                                     .cut = on_cut,
                                     .power_lost = on_power_lost,
                                     .message = on_message};
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
