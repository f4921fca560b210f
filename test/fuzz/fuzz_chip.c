/* The chip under what no firmware does: accesses of every width to every register of every block, by the
 * processor, a debugger and DMA, configurations at random, pins, wires, resets, power, sleep, snapshots,
 * while time goes on. No crash, no undefined behaviour, no leak, time never runs back, and nothing takes
 * long: a block whose next event is always now, or an hour that is counted tick by tick, is a time-out. The
 * input is a list of actions. Built as fuzz_image is; run by test/fuzz/run. */
#include <stdlib.h>
#include <string.h>

#include "chip/state.h"
#include "reset_values.h"

#define LOOP 0x10000100u /* SRAM2 */

static struct chip *c;
static struct chip_snapshot *saved;
static const uint8_t *in;
static size_t left;

/* The next `n` bytes of the input, zeroes behind its end. */
static uint32_t take(unsigned n)
{
    uint32_t v = 0;
    for (; n && left; n--, left--)
        v = v << 8 | *in++;
    return v;
}

static void check(bool right)
{
    if (!right)
        abort();
}

/* ---- where and what ---------------------------------------------------------------------- */

static uint32_t memory(void)
{
    static const struct {
        uint32_t base, size;
    } places[] = {{0x20000000, 0x10000}, {0x10000000, 0x4000}, {0x08000000, 0x40000}, {0x1FFF0000, 0x8000},
                  {0x40006C00, 0x400},   {0x2000FFF0, 0x20},   {0, 0x40000},          {0xE000E000, 0x1000}};
    uint32_t at = take(3), which = at >> 20 & 7;
    return places[which].base + at % places[which].size;
}

/* Mostly a register that there is. */
static uint32_t reg(void)
{
    uint32_t n = take(2);
    const struct block *b = &chip_blocks[n % BLOCK_COUNT];
    if (n >> 13 == 0)
        return b->base + take(2) % b->size;
    if (n >> 13 == 1)
        return b->base + 4 * (take(1) & 31);
    return reset_values[n % reset_value_count].addr;
}

static uint32_t value(uint32_t now)
{
    static const uint32_t keys[] = {0x45670123, 0xCDEF89AB, 0x08192A3B, 0x4C5D6E7F, 0xCA,       0x53,
                                    0xCCCC,     0x5555,     0xAAAA,     0xFF,       UINT32_MAX, 0};
    uint32_t how = take(1);
    switch (how & 7) {
    case 0: return take(4);
    case 1: return keys[(how >> 3) % (sizeof keys / sizeof keys[0])];
    case 2: return memory();
    case 3: return take(1);
    case 4: return take(2);
    case 5: return now | 1;
    default: return now ^ 1u << (how >> 3);
    }
}

static uint32_t peek(uint32_t addr)
{
    uint32_t v = 0;
    (void)chip_peek(c, addr & ~3u, &v, sizeof v);
    return v;
}

static void put(uint32_t addr, uint32_t v)
{
    (void)chip_cpu_env.write(c, addr, 4, true, v);
}

static void run(ps_t time)
{
    ps_t begin = chip_now(c), end = begin + time;
    for (unsigned i = 0; i < 8 && chip_now(c) < end; i++)
        (void)chip_run(c, end);
    check(chip_now(c) >= begin);
}

static void execute(const uint16_t *code, size_t size)
{
    (void)chip_poke(c, LOOP, code, size);
    cpu_set_reg(c->cpu, 15, LOOP);
}

/* An hour in which nothing happens, if that is so: what is counted is then caught up with. */
static void sleep_long(void)
{
    ps_t hour = 3600 * PS_PER_S, next = c->time.next_wake, now = chip_now(c);
    bool asleep =
        (c->mode == MODE_SLEEP || c->mode == MODE_STOP) && !c->reset_pending && !cpu_would_wake(c->cpu);
    if (asleep && cpu_next_wake(c->cpu) == UINT64_MAX && next > now + PS_PER_S && now < 1000 * hour)
        run(next - now < hour ? next - now - 1 : hour);
    else
        run(PS_PER_MS);
}

/* ---- actions ----------------------------------------------------------------------------- */

static bool awake(void)
{
    return c->mode == MODE_RUN || c->mode == MODE_SLEEP;
}

static void by_instruction(void)
{
    static const uint16_t codes[][2] = {
        {0x6001, 0xBF00}, {0x8001, 0xBF00}, {0x7001, 0xBF00}, /* str, strh, strb r1, [r0] */
        {0x6801, 0xBF00}, {0x8801, 0xBF00}, {0x7801, 0xBF00}, /* loads */
        {0xE9C0, 0x1200}, {0xE9D0, 0x1200},                   /* strd, ldrd */
        {0xC006, 0xBF00}, {0xC806, 0xBF00},                   /* stm, ldm */
        {0xE850, 0x1F00}, {0xE840, 0x1200},                   /* ldrex, strex */
        {0xECA0, 0x0A20}, {0xED90, 0x0A00},                   /* vstm of all, vldr */
        {0xBF30, 0xBF00}, {0xBF20, 0xBF00},                   /* wfi, wfe */
    };
    const uint16_t *code = codes[take(1) & 15];
    execute((const uint16_t[]){code[0], code[1], 0xE7FE}, 6);
    uint32_t addr = reg();
    cpu_set_reg(c->cpu, 0, addr);
    cpu_set_reg(c->cpu, 1, value(peek(addr)));
    run(PS_PER_US);
}

static void by_bus(void)
{
    uint32_t how = take(1), addr = how & 128 ? memory() : reg(), v = value(peek(addr)), read;
    unsigned size = how & 8 ? 1u << (how >> 4 & 3) % 3 : 4;
    addr -= how & 64 ? 0 : addr % size;
    if (addr >= 0xE0000000)
        addr -= addr % size;
    switch (addr >= 0xE0000000 || !awake() ? 6 + (how & 1) : how & 7) {
    case 0: (void)chip_cpu_env.read(c, addr, size, true, &read); break;
    case 1: (void)chip_bus_read(c, addr, size, &read); break;
    case 2: (void)chip_bus_write(c, addr, size, v); break;
    case 6: (void)chip_peek(c, addr, &read, size); break;
    case 7: (void)chip_debug_write(c, addr - addr % size, size, v); break;
    default: (void)chip_cpu_env.write(c, addr, size, true, v); break;
    }
}

static void clocks(void)
{
    for (uint32_t enr = 0x48; enr <= 0x60; enr += 4)
        put(0x40021000 + enr, UINT32_MAX);
    put(0x40007000, peek(0x40007000) | 1u << 8);
    put(0x40021090, 0x8001u | take(1) << 8);
    put(0x40021000, peek(0x40021000) | 0x05010100);
    put(0x40021008, take(2));
}

static void channel_of_dma(void)
{
    uint32_t n = take(2), dma = 0x40020000 + (n & 1) * 0x400, ch = (n >> 1) % 7, at = dma + 8 + 20 * ch;
    put(at, 0);
    put(dma + 0xA8, (peek(dma + 0xA8) & ~(15u << 4 * ch)) | (n >> 4 & 7) << 4 * ch);
    put(at + 4, n & 0x100 ? take(2) : n >> 9 & 31);
    put(at + 8, n & 0x4000 ? memory() : reg());
    put(at + 12, n & 0x8000 ? reg() : memory());
    put(at, take(2) | 1);
}

static void timer(void)
{
    static const uint32_t timers[] = {0x40012C00, 0x40000000, 0x40001000, 0x40001400, 0x40014000, 0x40014400};
    uint32_t n = take(1), t = timers[n % 6];
    put(t + 0x28, n & 128 ? take(2) : n >> 5 & 3);
    put(t + 0x2C, n & 64 ? take(2) : n >> 5 & 3);
    for (uint32_t off = 0x04; off <= 0x1C; off += 4)
        put(t + off, take(3));
    for (uint32_t off = 0x30; off <= 0x44; off += 4)
        put(t + off, take(2));
    put(t, take(2) | 1);
}

static void pins(void)
{
    uint32_t n = take(2), port = 0x48000000 + 0x400 * (n & 3), pin = n >> 2 & 15,
             af = port + 0x20 + pin / 8 * 4;
    put(af, (peek(af) & ~(15u << 4 * (pin & 7))) | (n >> 6 & 15) << 4 * (pin & 7));
    put(port, (peek(port) & ~(3u << 2 * pin)) | (n >> 10 & 3) << 2 * pin);
}

static void flash(void)
{
    uint32_t n = take(1);
    put(0x40022008, 0x45670123);
    put(0x40022008, 0xCDEF89AB);
    put(0x4002200C, 0x08192A3B);
    put(0x4002200C, 0x4C5D6E7F);
    put(0x40022010, UINT32_MAX);
    put(0x40022014, n & 1 ? 1 : n & 2 ? 2 | 0x10000 | take(1) << 3 : n & 4 ? 1u << 27 : 0x20000);
    uint32_t at = memory() & ~7u;
    put(at, take(4));
    put(at + 4, take(4));
}

static int cut(void *owner, uint64_t n)
{
    (void)owner;
    return n % 61 == 60 ? (int)(n % 5) : CHIP_CUT_NONE;
}

static void outside(void)
{
    static const enum block_id uarts[] = {B_USART1, B_USART2, B_USART3, B_LPUART1};
    uint32_t n = take(2), port = n >> 4 & 3, pin = n >> 6 & 15;
    switch (n & 15) {
    case 0: (void)usart_receive(c, uarts[n >> 4 & 3], (uint8_t)(n >> 8)); break;
    case 1: (void)adc_voltage(c, port, pin, 100 * (n >> 10)); break;
    case 2: (void)chip_wire(c, port, pin, n >> 10 & 1, n >> 11 & 15); break;
    case 3:
        chip_nrst(c, true);
        run(PS_PER_US * (n >> 8));
        chip_nrst(c, false);
        break;
    case 4:
        chip_power_off(c, n & 16);
        run(PS_PER_US * (n >> 8));
        chip_power_on(c);
        break;
    case 5: chip_vdd12(c, n & 16); break;
    case 6:
        chip_snapshot_free(saved);
        saved = chip_save(c);
        break;
    case 7:
        if (saved)
            chip_restore(c, saved);
        break;
    case 8: (void)chip_ecc_damage(c, 0x08000000 + 8 * n, 1 + (n >> 15)); break;
    case 9: cpu_ppb_poke(c->cpu, 0xE000ED10, 4, n >> 4 & 31); break;
    case 10: put(0x40007000, (peek(0x40007000) & ~7u) | (n >> 4 & 7)); break;
    case 11: (void)cpu_ppb_poke(c->cpu, 0xE000E100 + 4 * (n >> 4 & 3), 4, take(4)); break;
    default: gpio_drive(c, port, pin, (int)(n >> 10 & 3) % 3 - 1); break;
    }
}

static void action(void)
{
    uint32_t n = take(1);
    if (n < 48)
        by_instruction();
    else if (n < 140)
        by_bus();
    else if (n < 144)
        sleep_long();
    else if (n < 180)
        run(n & 1 ? PS_PER_US * take(1) / 16 : PS_PER_US * (n & 3) * take(1) / 4);
    else if (n >= 224)
        outside();
    else if (awake())
        (n < 192 ? channel_of_dma : n < 204 ? timer : n < 212 ? pins : n < 220 ? clocks : flash)();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct chip_listener tell = {.cut = cut};
    static const uint16_t loop = 0xE7FE;
    struct chip_config config;
    chip_config_default(&config);
    in = data;
    left = size;
    config.hse_hz = 8000000;
    config.lse_startup = PS_PER_US;
    for (unsigned i = 0; i < 3; i++)
        config.spi[i] = (uint8_t)(take(1) & 3);
    c = chip_create(&config, &tell);
    check(c);
    uint32_t vectors[100] = {SRAM1_BASE + 0x8000};
    for (unsigned i = 1; i < 100; i++)
        vectors[i] = FLASH_BASE + 0x200 + 1;
    check(chip_poke(c, FLASH_BASE, vectors, sizeof vectors));
    check(chip_poke(c, FLASH_BASE + 0x200, &loop, sizeof loop));
    chip_power_on(c);
    run(PS_PER_MS);
    execute(&loop, sizeof loop);
    clocks();
    while (left) {
        action();
        if (c->mode == MODE_OFF)
            chip_power_on(c);
    }
    chip_snapshot_free(saved);
    saved = NULL;
    chip_destroy(c);
    return 0;
}
