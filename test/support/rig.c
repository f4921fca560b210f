/* A chip on the bench; see rig.h. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "chip/state.h" /* only for the mode, the interrupt lines, the processor's view of the bus */

#define RCC  0x40021000u
#define CODE 0x10000100u

struct chip *rig;
struct rig_told told;

static uint64_t cut_at;
static enum chip_cut cut_how;
static struct chip_snapshot *kept;

static struct rig_event *note(const char *what, uint32_t a, uint32_t b)
{
    assert_true(told.n < sizeof told.events / sizeof told.events[0]);
    struct rig_event *e = &told.events[told.n++];
    *e = (struct rig_event){.what = what, .a = a, .b = b, .at = rig ? chip_now(rig) : 0};
    return e;
}

static void on_reset(void *owner, enum chip_reset cause)
{
    (void)owner;
    note("reset", cause, 0);
}

static void on_uart(void *owner, const char *name, uint8_t byte)
{
    (void)owner;
    if (told.count == sizeof told.bytes)
        return;
    told.units[told.count] = name[strlen(name) - 1];
    told.times[told.count] = chip_now(rig);
    told.bytes[told.count++] = byte;
}

static void on_pwm(void *owner, unsigned port, unsigned pin, double hz, double duty)
{
    (void)owner;
    told.hz = hz;
    told.duty = duty;
    told.pwm_port = port;
    told.pwm_pin = pin;
    told.pwms++;
}

static void on_gpio(void *owner, unsigned port, unsigned pin, bool level)
{
    (void)owner;
    told.gpio_pin = port * 16 + pin;
    told.gpio_level = level;
    told.gpios++;
}

static void on_usb_pullup(void *owner, bool on)
{
    (void)owner;
    told.pullup = on;
    told.pullups++;
}

static void on_usb_wake(void *owner)
{
    (void)owner;
    told.usb_wakes++;
}

static void on_flash_op(void *owner, const char *op, uint32_t where, uint32_t n)
{
    (void)owner;
    note(op, where, n);
}

static void on_missing(void *owner, uint32_t addr, uint32_t pc)
{
    (void)owner;
    note("missing", addr, pc);
}

static void on_message(void *owner, const char *sentence)
{
    (void)owner;
    snprintf(note("message", 0, 0)->text, sizeof told.events->text, "%s", sentence);
}

static void on_ignored(void *owner, const char *sentence, uint32_t pc)
{
    (void)owner;
    snprintf(note("ignored", pc, 0)->text, sizeof told.events->text, "%s", sentence);
}

static void on_fault(void *owner, const struct cpu_fault *fault)
{
    (void)owner;
    note(fault->kind, fault->pc, 0);
}

static int on_cut(void *owner, uint64_t n)
{
    (void)owner;
    return n == cut_at ? (int)cut_how : CHIP_CUT_NONE;
}

static void on_power_lost(void *owner)
{
    (void)owner;
    note("power lost", 0, 0);
}

static const struct chip_listener listener = {
    .reset = on_reset,
    .gpio = on_gpio,
    .uart_tx = on_uart,
    .pwm = on_pwm,
    .usb_pullup = on_usb_pullup,
    .usb_wake = on_usb_wake,
    .flash_op = on_flash_op,
    .missing = on_missing,
    .message = on_message,
    .ignored = on_ignored,
    .fault = on_fault,
    .cut = on_cut,
    .power_lost = on_power_lost,
};

unsigned told_count(const char *what)
{
    unsigned n = 0;
    for (size_t i = 0; i < told.n; i++)
        n += strcmp(told.events[i].what, what) == 0;
    return n;
}

const struct rig_event *told_last(const char *what)
{
    for (size_t i = told.n; i-- > 0;)
        if (strcmp(told.events[i].what, what) == 0)
            return &told.events[i];
    fail_msg("no '%s' was told", what);
    return NULL;
}

/* What the processor does: wfi; b . - 2, or b . */
static const uint16_t sleeping[] = {0xBF30, 0xE7FD}, looping[] = {0xE7FE};
static bool awake;

static int start(void)
{
    struct chip_config config;
    memset(&told, 0, sizeof told);
    told.pullup = -1;
    rig_cut(0, CHIP_CUT_NONE);
    chip_config_default(&config);
    config.seed = 1;
    rig = chip_create(&config, &listener);
    assert_non_null(rig);
    /* Vectors that lead to a loop in flash, every exception included. */
    uint32_t vectors[64] = {SRAM1_BASE + SRAM1_SIZE};
    for (unsigned i = 1; i < 64; i++)
        vectors[i] = FLASH_BASE + 0x100 + 1;
    assert_true(chip_poke(rig, FLASH_BASE, vectors, sizeof vectors));
    assert_true(chip_poke(rig, FLASH_BASE + 0x100, looping, sizeof looping));
    rig_power();
    told.n = 0;
    return 0;
}

int rig_on(void **state)
{
    (void)state;
    awake = false;
    return start();
}

int rig_on_awake(void **state)
{
    (void)state;
    awake = true;
    return start();
}

void rig_power(void)
{
    chip_power_on(rig);
    rig_settle();
}

void rig_settle(void)
{
    while (rig->reset_pending || rig->mode == MODE_RESET)
        assert_int_equal(chip_run(rig, chip_now(rig) + PS_PER_US), CHIP_TIME);
    if (awake)
        rig_execute(looping, 1);
    else
        rig_execute(sleeping, 2);
}

void rig_execute(const uint16_t *code, size_t halfwords)
{
    assert_true(chip_poke(rig, CODE, code, 2 * halfwords));
    cpu_set_reg(chip_cpu(rig), CPU_PC, CODE);
}

void rig_cut(uint64_t operation, enum chip_cut how)
{
    cut_at = operation;
    cut_how = how;
}

void rig_keep(void)
{
    kept = chip_save(rig);
    assert_non_null(kept);
}

void rig_back(void)
{
    chip_restore(rig, kept);
}

int rig_off(void **state)
{
    (void)state;
    chip_snapshot_free(kept);
    kept = NULL;
    chip_destroy(rig);
    rig = NULL;
    return 0;
}

/* A program in SRAM2 enables the interrupt in the NVIC, sets SLEEPDEEP and sleeps, interrupts masked. */
void rig_stop(unsigned level, unsigned irq)
{
    static const uint16_t code[] = {
        0xB672, /* cpsid i */
        0x6025, /* str r5, [r4]: ICER, that of all others in its word */
        0x6001, /* str r1, [r0]: ISER */
        0x6013, /* str r3, [r2]: SCR */
        0xBF30, /* wfi */
        0xE7FD, /* b . - 2 */
    };
    struct cpu *cpu = chip_cpu(rig);

    clock_on(0x58, 28);
    wr(0x40007000, (rd(0x40007000) & ~7u) | level);
    cpu_set_reg(cpu, 0, 0xE000E100 + irq / 32 * 4);
    cpu_set_reg(cpu, 1, 1u << irq % 32);
    cpu_set_reg(cpu, 2, 0xE000ED10);
    cpu_set_reg(cpu, 3, 4);
    cpu_set_reg(cpu, 4, 0xE000E180 + irq / 32 * 4);
    cpu_set_reg(cpu, 5, UINT32_MAX);
    rig_execute(code, sizeof code / sizeof *code);
    run_us(10);
}

void rig_write(uint32_t addr, unsigned size, uint32_t value)
{
    if (!chip_cpu_env.write(rig, addr, size, true, value))
        fail_msg("bus error writing 0x%08X", addr);
}

uint32_t rig_read(uint32_t addr, unsigned size)
{
    uint32_t value = 0;

    if (!chip_cpu_env.read(rig, addr, size, true, &value))
        fail_msg("bus error reading 0x%08X", addr);
    return value;
}

void poke64(uint32_t addr, uint64_t data)
{
    assert_true(chip_poke(rig, addr, &data, sizeof data));
}

uint64_t peek64(uint32_t addr)
{
    uint64_t data;
    assert_true(chip_peek(rig, addr, &data, sizeof data));
    return data;
}

void set_bits(uint32_t addr, uint32_t mask)
{
    wr(addr, rd(addr) | mask);
}

void clear_bits(uint32_t addr, uint32_t mask)
{
    wr(addr, rd(addr) & ~mask);
}

void run_ps(ps_t time)
{
    chip_run(rig, chip_now(rig) + time);
}

ps_t run_until(uint32_t addr, uint32_t mask, uint32_t value, ps_t limit)
{
    ps_t begin = chip_now(rig), step = limit / 20000 + 1;

    while ((rd(addr) & mask) != value) {
        if (chip_now(rig) - begin > limit)
            return PS_NEVER;
        run_ps(step);
    }
    return chip_now(rig) - begin;
}

bool irq_line(unsigned irq)
{
    return rig->irq_sources[irq] != 0;
}

void clock_on(uint32_t enr, unsigned bit)
{
    set_bits(RCC + enr, 1u << bit);
}

void clock_hsi16(void)
{
    set_bits(RCC, 1u << 8);
    assert_true(run_until(RCC, 1u << 10, 1u << 10, PS_PER_MS) != PS_NEVER);
    wr(RCC + 8, 1);
    assert_true(run_until(RCC + 8, 0xC, 4, PS_PER_MS) != PS_NEVER);
}

void clock_lse(void)
{
    clock_on(0x58, 28);
    set_bits(0x40007000, 1u << 8);
    set_bits(RCC + 0x90, 1);
    assert_true(run_until(RCC + 0x90, 2, 2, 5 * PS_PER_S) != PS_NEVER);
}

void clock_rtc(void)
{
    clock_lse();
    set_bits(RCC + 0x90, 1 << 8); /* RTCSEL */
    set_bits(RCC + 0x90, 1 << 15);
    clock_on(0x58, 10);
    wr(0x40002824, 0xCA);
    wr(0x40002824, 0x53);
}

static unsigned number(char port)
{
    return (unsigned)(port - 'A');
}

void pin_mode(char port, unsigned pin, unsigned mode, unsigned af)
{
    uint32_t base = 0x48000000 + number(port) * 0x400, afr = base + 0x20 + pin / 8 * 4;

    clock_on(0x4C, number(port));
    wr(afr, (rd(afr) & ~(15u << pin % 8 * 4)) | af << pin % 8 * 4);
    wr(base, (rd(base) & ~(3u << 2 * pin)) | mode << 2 * pin);
}

void pin_drive(char port, unsigned pin, int level)
{
    gpio_drive(rig, number(port), pin, level);
}

bool pin_level(char port, unsigned pin)
{
    return gpio_level(rig, number(port), pin);
}
