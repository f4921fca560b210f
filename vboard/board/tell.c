/* What the chip tells, made events of the board: pins get names, bytes their serial port, faults their line
 * of the source. */
#include "board/internal.h"

#include <stdio.h>
#include <string.h>

#include "chip/memory.h"
#include "cpu/cpu.h"

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

static void on_ignored(void *owner, const char *sentence, uint32_t pc)
{
    struct vboard *b = owner;
    struct symbol *at = &b->fault_at;
    char text[512];
    symbols_find(b->symbols, pc, at);
    int n = snprintf(text, sizeof text, "%s (0x%08x", sentence, (unsigned)pc);
    if (at->function[0] != '\0')
        n += snprintf(text + n, sizeof text - (size_t)n, " in %.99s", at->function);
    if (at->line[0] != '\0')
        n += snprintf(text + n, sizeof text - (size_t)n, ", %.199s", at->line);
    (void)snprintf(text + n, sizeof text - (size_t)n, ")");
    on_message(owner, text);
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

static void on_power_lost(void *owner)
{
    board_lost_power(owner);
}

void board_listen(struct vboard *b)
{
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
                                     .message = on_message,
                                     .ignored = on_ignored};
}
