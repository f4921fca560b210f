/* Hand-over: at the application's first instruction every readable register is compared with that of a chip
 * that came to the same application the same way with no bootloader between. What its tests share; included
 * once by each. */
#ifndef TEST_BOARD_HANDOVER_H
#define TEST_BOARD_HANDOVER_H

#include "bench.h"
#include "reset_values.h"

#define PROBE     "build/test/fw/probe.elf"
#define PROBE_BIN "build/test/fw/probe.bin"
#define PROBEBARE "build/test/fw/probebare.elf"

enum {
    NOTHING,
    RESET,
    HANG,
    HANG_WWDG,
    OPTIONS,
    DFU,
    ROM,
    STANDBY,
    SHUTDOWN,
    JUMP,
    JUMP_CLEAN,
    JUMP_WATCHED,
    LEAVE_TOKEN
};

/* ---- looking ----------------------------------------------------------------------------- */

/* The private peripheral bus, and blocks that reset_values has no rows for: by address ranges. */
static const struct {
    uint32_t from, to;
} ranges[] = {
    {0xE000E010, 0xE000E01C}, {0xE000E100, 0xE000E108}, {0xE000E200, 0xE000E208}, {0xE000E300, 0xE000E308},
    {0xE000E400, 0xE000E450}, {0xE000ED00, 0xE000ED3C}, {0xE000ED88, 0xE000ED88}, {0xE000ED94, 0xE000ED94},
    {0xE000EF34, 0xE000EF3C}, {0xE000EDFC, 0xE000EDFC}, {0x40002850, 0x400028CC},
};
enum { MAX_WORDS = 1400 };

struct dump {
    size_t n;
    uint32_t addr[MAX_WORDS], value[MAX_WORDS], core[8];
    uint8_t ram[0x10000];
    uint64_t t;
    char name[MAX_WORDS][20];
};

static inline void look(struct vboard *b, struct dump *d)
{
    d->n = 0;
    for (size_t i = 0; i < reset_value_count; i++) {
        if (!vboard_peek(b, reset_values[i].addr & ~3u, &d->value[d->n], 4))
            continue; /* a block that is not modelled yet: touching it would be an event, and fail */
        (void)snprintf(d->name[d->n], sizeof d->name[0], "%.19s", reset_values[i].name);
        d->addr[d->n++] = reset_values[i].addr & ~3u;
    }
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        for (uint32_t a = ranges[r].from; a <= ranges[r].to; a += 4) {
            d->value[d->n] = vboard_peek32(b, a);
            (void)snprintf(d->name[d->n], sizeof d->name[0], "0x%08x", a);
            d->addr[d->n++] = a;
        }
    }
    assert_in_range(d->n, 600, MAX_WORDS);
    for (unsigned i = 0; i < 8; i++)
        d->core[i] = vboard_reg(b, 16 + i); /* xPSR, MSP, PSP, PRIMASK, BASEPRI, FAULTMASK, CONTROL, FPSCR */
    assert_true(vboard_peek(b, 0x20000000, d->ram, sizeof d->ram));
    d->t = vboard_now(b);
}

/* Time: two boards do not come to their first instruction at the same instant. (PWR_SR2: the low-power
 * regulator reports itself ready some microseconds after the start.) */
static const char *const clocks[] = {"RTC_TR",   "RTC_DR",   "RTC_SSR",   "RTC_ISR", "USB_FNR",
                                     "RTC_TSTR", "RTC_TSDR", "RTC_TSSSR", "IWDG_SR", "PWR_SR2"};
/* VTOR, and what follows the first load from another address than the reference's. */
static inline bool may_differ(const struct dump *d, size_t i)
{
    if (d->addr[i] == 0xE000ED08)
        return true;
    for (size_t k = 0; k < sizeof clocks / sizeof *clocks; k++)
        if (strcmp(d->name[i], clocks[k]) == 0)
            return true;
    return false;
}

static inline unsigned compare(const char *path, const struct dump *with, const struct dump *without)
{
    unsigned differ = 0;
    assert_int_equal(with->n, without->n);
    for (size_t i = 0; i < with->n; i++) {
        if (with->value[i] != without->value[i] && !may_differ(with, i)) {
            print_message("# %s: %s is 0x%08x, not 0x%08x\n", path, with->name[i], with->value[i],
                          without->value[i]);
            differ++;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i != 1 && with->core[i] != without->core[i]) { /* MSP belongs to the image */
            print_message("# %s: core register %u is 0x%08x, not 0x%08x\n", path, 16 + i, with->core[i],
                          without->core[i]);
            differ++;
        }
    }
    return differ;
}

/* ---- getting there ----------------------------------------------------------------------- */

struct rig {
    struct vboard *board;
    struct usbhost *host;
    const char *elf;
    uint32_t slot;
    bool arrived;
};

static inline void on_event(void *arg, const struct vboard_event *e)
{
    struct rig *r = arg;
    if (e->kind == VE_HANDOFF)
        r->arrived = true;
    if (e->kind == VE_MISSING)
        fail_msg("0x%08x is not modelled, touched at 0x%08x", e->a, e->b);
    if (e->kind == VE_MESSAGE && strncmp(e->name, "ROM bootloader", 14) == 0)
        fail_msg("%s", e->name);
}

static inline bool arrived(void *arg)
{
    return ((struct rig *)arg)->arrived;
}

/* Runs to the first instruction of the application. */
static inline void arrive(struct rig *r, uint64_t within)
{
    uint32_t entry = vboard_peek32(r->board, r->slot + 4) & ~1u;
    r->arrived = false;
    (void)vboard_run(r->board, within, arrived, r);
    if (!r->arrived)
        fail_msg("no application within %u ms", (unsigned)(within / MS));
    assert_int_equal(vboard_reg(r->board, 15) & ~1u, entry);
}

/* A board without power. */
static inline void place(struct rig *r, const char *elf, uint32_t slot)
{
    const struct vboard_config config = {.seed = 5, .slot = slot};
    memset(r, 0, sizeof *r);
    r->elf = elf;
    r->slot = slot;
    r->board = vboard_create(&config);
    assert_non_null(r->board);
    vboard_on_event(r->board, on_event, r);
}

static inline void power(struct rig *r, const char *first, const char *elf, uint32_t slot)
{
    place(r, elf, slot);
    if ((first && !vboard_load_file(r->board, first, VBOARD_NO_ADDR)) ||
        !vboard_load_file(r->board, elf, VBOARD_NO_ADDR))
        fail_msg("%s", vboard_error(r->board));
    vboard_power(r->board, true, false);
    arrive(r, 50 * MS);
}

static inline void run_ms(struct rig *r, unsigned ms)
{
    (void)vboard_run(r->board, ms * MS, NULL, NULL);
}

static inline void tell(struct rig *r, uint32_t command, uint32_t argument)
{
    assert_true(vboard_poke(r->board, bench_address(r->elf, "argument"), &argument, 4));
    assert_true(vboard_poke(r->board, bench_address(r->elf, "command"), &command, 4));
}

/* The probe runs for a while, does what it is told, and starts again. */
static inline void go(struct rig *r, uint32_t command, uint32_t argument)
{
    run_ms(r, 5);
    tell(r, command, argument);
    arrive(r, 6000 * MS); /* LSE takes two seconds */
}

static inline void plug(struct rig *r)
{
    const struct usbhost_config usb = {.enumerate = true};
    r->host = usbhost_create(r->board, &usb);
    assert_non_null(r->host);
}

static inline void end(struct rig *r)
{
    if (r->host)
        usbhost_destroy(r->host);
    vboard_destroy(r->board);
}

static struct dump with, without;

static inline void download_bytes(struct rig *r, const uint8_t *bytes, uint32_t size, uint32_t addr)
{
    const struct dfu_element element = {addr, bytes, size};
    const struct dfu_job job = {.elements = &element, .element_count = 1, .limit_ns = 60000 * MS};
    struct dfu_result result;
    dfu_run(r->host, &job, &result);
    if (!result.ok)
        fail_msg("%s", result.error);
}

static inline void download(struct rig *r, const char *bin, uint32_t addr)
{
    uint32_t size;
    uint8_t *bytes = bench_file(bin, &size);
    download_bytes(r, bytes, size, addr);
    free(bytes);
}

/* A leave, up to the status that says so. */
static inline void ask_to_leave(struct rig *r)
{
    uint8_t status[6];
    assert_int_equal(usbhost_control(r->host, 0x21, 1, 2, 0, NULL, 0, NULL), UH_OK);
    assert_int_equal(usbhost_control(r->host, 0xA1, 3, 0, 0, status, 6, NULL), UH_OK);
    assert_int_equal(status[4], 7);
}

#endif
