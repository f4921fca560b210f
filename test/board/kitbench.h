/* The bench for tests of the application kit: the firmware `kit` takes orders, and its faults are wanted.
 * Included once by each. */
#ifndef TEST_BOARD_KITBENCH_H
#define TEST_BOARD_KITBENCH_H

#include "bench.h"
#include "test/board/fw/kit/orders.h"

#define KIT      "build/test/fw/kit.elf"
#define KITALONE "build/test/fw/kitalone.elf"
#define BKP5R    (0x40002850u + 4 * 5)
#define MAILBOX  0x2000FF00u

static const char *const wheres[WHERES] = {"",
                                           "main",
                                           "interrupt",
                                           "nested interrupt",
                                           "PSP",
                                           "PSP, unprivileged",
                                           "PRIMASK",
                                           "BASEPRI",
                                           "FAULTMASK",
                                           "DMA",
                                           "FPU in interrupt",
                                           "IWDG",
                                           "80 MHz",
                                           "SysTick",
                                           "backup domain open"};

struct kit {
    struct bench bench; /* first */
    const char *elf;
    unsigned faults;
    uint32_t fault_pc;
    const char *cause; /* of the last reset */
};

static inline void kit_event(void *arg, const struct vboard_event *e)
{
    struct kit *k = arg;
    if (e->kind == VE_FAULT) {
        k->faults++;
        k->fault_pc = e->pc;
        return;
    }
    if (e->kind == VE_RESET)
        k->cause = e->name;
    bench_event(&k->bench, e);
}

/* Address of a symbol of an ELF file. Both names are constants: what was found is kept by their addresses. */
static inline uint32_t kit_symbol(const char *elf, const char *name)
{
    static struct {
        const char *elf, *name;
        uint32_t addr;
    } known[32];
    size_t n = 0;
    for (; n < 32 && known[n].elf; n++)
        if (known[n].elf == elf && strcmp(known[n].name, name) == 0)
            return known[n].addr;
    uint32_t found = bench_address(elf, name);
    if (n < 32) {
        known[n].elf = elf;
        known[n].name = name;
        known[n].addr = found;
    }
    return found;
}

static inline uint32_t kit_variable(struct kit *k, const char *name)
{
    return vboard_peek32(k->bench.board, kit_symbol(k->elf, name));
}

/* A powered board; the application has started if there is one. `elf` is loaded only if `load`. */
static inline struct kit *kit_start(const char *boot, const char *elf, bool load, bool host)
{
    struct kit *k = calloc(1, sizeof *k);
    const struct vboard_config config = {.seed = 3, .slot = boot ? 0 : 0x08000000};
    assert_non_null(k);
    k->elf = elf;
    struct vboard *b = k->bench.board = vboard_create(&config);
    assert_non_null(b);
    vboard_on_event(b, kit_event, k);
    if ((boot && !vboard_load_file(b, boot, VBOARD_NO_ADDR)) ||
        (load && !vboard_load_file(b, elf, VBOARD_NO_ADDR)))
        fail_msg("%s", vboard_error(b));
    if (host) {
        const struct usbhost_config usb = {.enumerate = true, .per_frame = 10};
        k->bench.host = usbhost_create(b, &usb);
        assert_non_null(k->bench.host);
    }
    vboard_power(b, true, false);
    bench_run(&k->bench, 20 * MS);
    return k;
}

static inline void kit_end(struct kit *k)
{
    if (k->bench.host)
        usbhost_destroy(k->bench.host);
    vboard_destroy(k->bench.board);
    free(k);
}

static inline void kit_order(struct kit *k, uint32_t what, uint32_t where)
{
    assert_true(vboard_poke(k->bench.board, kit_symbol(k->elf, "what"), &what, 4));
    assert_true(vboard_poke(k->bench.board, kit_symbol(k->elf, "where"), &where, 4));
}

static inline void kit_expect_dfu(struct kit *k, const char *when)
{
    if (!usbhost_wait_attached(k->bench.host, 1000 * MS))
        fail_msg("%s: nothing on the bus", when);
    const uint8_t *d = usbhost_device_descriptor(k->bench.host);
    if ((d[8] | d[9] << 8) != 0x0483 || (d[10] | d[11] << 8) != 0xDF11)
        fail_msg("%s: another device", when);
}

static inline void kit_download_by(struct kit *k, const char *bin, bool leave, enum dfu_dialect dialect)
{
    uint32_t size;
    struct dfu_result r;
    uint8_t *bytes = bench_file(bin, &size);
    const struct dfu_element element = {SLOT, bytes, size};
    const struct dfu_job job = {
        .elements = &element, .element_count = 1, .leave = leave, .dialect = dialect, .limit_ns = 60000 * MS};
    dfu_run(k->bench.host, &job, &r);
    free(bytes);
    if (!r.ok)
        fail_msg("download: %s", r.error);
}

static inline void kit_download(struct kit *k, const char *bin)
{
    kit_download_by(k, bin, true, DFU_AS_ANNOUNCED);
}

/* The bootloader's report, as text; in DFU. */
static inline const char *kit_dfu_report(struct kit *k)
{
    static char text[1025];
    struct dfu_result r;
    memset(text, 0, sizeof text);
    const struct dfu_job job = {.upload = (uint8_t *)text,
                                .upload_addr = 0xF0000000,
                                .upload_limit = 1024,
                                .upload_room = 1024,
                                .limit_ns = 10000 * MS};
    dfu_run(k->bench.host, &job, &r);
    if (!r.ok)
        fail_msg("report: %s", r.error);
    return text;
}

#endif
