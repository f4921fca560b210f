/* The DFU tool against a DFU device without firmware: the order of its requests is that of dfu-util 0.11,
 * and its result tells what happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host/dfuhost.h"
#include "host/dfulayout.h"
#include "soft_device.h"
#include "vboard.h"

enum { BASE = 0x08004000, SIZE = 16384, PAGE = 2048, MS = 1000000 };
enum {
    IDLE = 2,
    SYNC = 3,
    BUSY = 4,
    DNLOAD_IDLE = 5,
    MANIFEST_SYNC = 6,
    MANIFEST = 7,
    WAIT_RESET = 8,
    UPLOAD_IDLE = 9,
    ERROR = 10
};

/* A DFU target of both dialects, with knobs for what it does wrong. */
static struct target {
    uint8_t memory[SIZE];
    char log[4000];
    unsigned state, status, string, poll;
    uint32_t pointer;
    uint8_t pending[4096];
    unsigned pending_size, pending_block, next;
    bool dfuse, runtime, will_leave;
    /* knobs */
    unsigned fail_at;  /* the n-th data block fails; 0: none */
    unsigned stall_at; /* the n-th DNLOAD is stalled */
    unsigned dnloads, blocks;
    unsigned busy_ms, manifest_polls;
    bool hasty; /* a command never shows dfuDNBUSY */
} target;

static struct vboard *b;
static struct usbhost *h;
static struct soft_device *d;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    size_t n = strlen(target.log);
    va_list args;
    va_start(args, format);
    vsnprintf(target.log + n, sizeof target.log - n, format, args);
    va_end(args);
}

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* What a GETSTATUS sets in motion. */
static void execute(void)
{
    struct target *t = &target;
    if (t->state == SYNC) {
        uint32_t addr = t->dfuse ? t->pointer + (t->pending_block - 2) * t->pending_size : BASE + t->next;
        t->state = t->pending_size && t->busy_ms ? BUSY : DNLOAD_IDLE;
        t->poll = t->state == BUSY ? t->busy_ms : 0;
        if (t->dfuse && t->pending_block == 0) {
            t->state = t->hasty ? DNLOAD_IDLE : BUSY;
            t->pointer = le32(t->pending + 1);
            if (t->pending[0] == 0x41)
                memset(t->memory + (t->pointer - BASE) / PAGE * PAGE, 0xFF, PAGE);
        } else {
            if (++t->blocks == t->fail_at) {
                t->state = ERROR;
                t->status = 8;
                t->string = 2;
            } else {
                assert_in_range(addr, BASE, BASE + SIZE - t->pending_size);
                memcpy(t->memory + addr - BASE, t->pending, t->pending_size);
                t->next += t->pending_size;
            }
        }
        t->pending_size = 0;
    } else if (t->state == BUSY) {
        t->state = DNLOAD_IDLE;
        t->poll = 0;
    } else if (t->state == MANIFEST_SYNC) {
        t->state = t->dfuse ? MANIFEST : t->manifest_polls ? MANIFEST_SYNC : IDLE;
        t->manifest_polls -= t->manifest_polls > 0;
        t->will_leave = t->dfuse;
    }
}

static int dnload(const uint8_t setup[8], const uint8_t *out, unsigned size)
{
    struct target *t = &target;
    unsigned block = setup[2] | (unsigned)setup[3] << 8;
    if (t->dfuse && block == 0 && size == 5)
        note("D0:%02x%08x ", out[0], le32(out + 1));
    else
        note("D%u:%u ", block, size);
    if (++t->dnloads == t->stall_at) {
        t->state = ERROR;
        t->status = 15;
        return -1;
    }
    if (t->state != IDLE && t->state != DNLOAD_IDLE)
        return -1;
    memcpy(t->pending, out, size);
    t->pending_size = size;
    t->pending_block = block;
    t->state = size ? SYNC : MANIFEST_SYNC;
    return 0;
}

static int upload(const uint8_t setup[8], uint8_t *in)
{
    struct target *t = &target;
    unsigned block = setup[2] | (unsigned)setup[3] << 8, size = setup[6] | (unsigned)setup[7] << 8;
    uint32_t at = t->dfuse ? t->pointer - BASE + (block - 2) * size : block * size;
    note("U%u:%u ", block, size);
    if (t->state != IDLE && t->state != UPLOAD_IDLE)
        return -1;
    unsigned left = at < SIZE - 100 ? SIZE - 100 - at : 0;
    if (size > left)
        size = left;
    memcpy(in, t->memory + at, size);
    t->state = UPLOAD_IDLE;
    return (int)size;
}

static int request(void *arg, const uint8_t setup[8], const uint8_t *out, unsigned size, uint8_t *in)
{
    struct target *t = arg;
    switch (setup[0] << 8 | setup[1]) {
    case 0x010B: note("I%u ", setup[2]); return 0;
    case 0x2100:
        note("DETACH ");
        t->runtime = false;
        t->state = IDLE;
        return 0;
    case 0x2101: return dnload(setup, out, size);
    case 0xA102: return upload(setup, in);
    case 0xA103:
        if (t->runtime) {
            note("S ");
            memset(in, 0, 6);
            return 6;
        }
        execute();
        note("S%u ", t->state);
        memcpy(in,
               (uint8_t[]){(uint8_t)t->status, (uint8_t)t->poll, (uint8_t)(t->poll >> 8), 0,
                           (uint8_t)t->state, (uint8_t)t->string},
               6);
        return 6;
    case 0x2104:
        note("C ");
        t->state = IDLE;
        t->status = t->string = 0;
        return 0;
    case 0x2106:
        note("A ");
        t->state = IDLE;
        return 0;
    default: return -1;
    }
}

/* clang-format off */
#define CONFIG(protocol, version) {\
    9, 2, 27, 0, 1, 1, 0, 0xC0, 50, \
    9, 4, 0, 0, 0, 0xFE, 1, protocol, 1, \
    9, 0x21, 0x0B, 0xFF, 0, 0, 4, version, 1}
/* clang-format on */
static const uint8_t dfuse_config[] = CONFIG(2, 0x1A), dfu11_config[] = CONFIG(2, 0x10);
static const uint8_t runtime_config[] = CONFIG(1, 0x10);
static const char *const strings[] = {"@Internal Flash   /0x08004000/08*002Kg",
                                      "address \"outside\" the slot", NULL};
static struct soft_class class = {.strings = strings, .request = request, .arg = &target};

static void begin(const uint8_t *config)
{
    struct vboard_config board = {.seed = 1};
    const struct usbhost_config host = {.enumerate = true};
    memset(&target, 0, sizeof target);
    memset(target.memory, 0x55, SIZE);
    target.state = IDLE;
    target.dfuse = config == dfuse_config;
    target.runtime = config == runtime_config;
    class.config = config;
    class.config_size = sizeof dfuse_config;
    b = vboard_create(&board);
    assert_non_null(b);
    h = usbhost_create(b, &host);
    assert_non_null(h);
    d = soft_device_create(b, 64);
    soft_device_class(d, &class);
}

static int dfuse(void **state)
{
    (void)state;
    begin(dfuse_config);
    return 0;
}

static int dfu11(void **state)
{
    (void)state;
    begin(dfu11_config);
    return 0;
}

static int runtime(void **state)
{
    (void)state;
    begin(runtime_config);
    return 0;
}

static int end(void **state)
{
    (void)state;
    soft_device_destroy(d);
    usbhost_destroy(h);
    vboard_destroy(b);
    return 0;
}

static uint8_t image[SIZE], back[SIZE];

static struct dfu_result download(uint32_t addr, unsigned size, bool leave)
{
    for (unsigned i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 13 + i / 256);
    struct dfu_element e = {addr, image, size};
    struct dfu_job job = {.elements = &e, .element_count = 1, .leave = leave};
    struct dfu_result r;
    dfu_run(h, &job, &r);
    return r;
}

/* Erase commands for all pages first, then for each block the address and the data, every command with
 * dfuDNBUSY in between; ABORT; with leave the address once more. */
static void test_dfuse_download(void **state)
{
    (void)state;
    target.state = ERROR; /* left behind by somebody else */
    target.status = 3;
    struct dfu_result r = download(BASE + 0x800, 3000, false);
    assert_true(r.ok);
    assert_string_equal(target.log, "I0 S10 C S2 "
                                    "D0:4108004800 S4 S5 D0:4108005000 S4 S5 "
                                    "D0:2108004800 S4 S5 D2:1024 S5 "
                                    "D0:2108004c00 S4 S5 D2:1024 S5 "
                                    "D0:2108005000 S4 S5 D2:952 S5 "
                                    "A S2 ");
    assert_memory_equal(target.memory + 0x800, image, 3000);
    assert_int_equal(target.memory[0x800 + 3000], 0xFF); /* erased with its page */
    assert_int_equal(target.memory[0x7FF], 0x55);
    assert_int_equal(r.status, 0);
    assert_int_equal(r.errors, 0);
    assert_false(r.reenumerated);
    assert_true(r.seconds > 0.005 && r.seconds < 0.05);
}

static void test_dfuse_leave(void **state)
{
    (void)state;
    struct dfu_result r = download(BASE, 10, true);
    assert_true(r.ok);
    assert_string_equal(
        target.log,
        "I0 S2 D0:4108004000 S4 S5 D0:2108004000 S4 S5 D2:10 S5 A S2 D0:2108004000 S4 S5 D2:0 S7 ");
    assert_true(target.will_leave);
    assert_false(r.reenumerated); /* it did not */
}

/* Pages that a block only touches at its end are erased as well, none twice. */
static void test_dfuse_unaligned(void **state)
{
    (void)state;
    struct dfu_result r = download(BASE + 0x7FC, 1024, false);
    assert_true(r.ok);
    assert_non_null(
        strstr(target.log, "S2 D0:41080047fc S4 S5 D0:4108004bfb S4 S5 D0:21080047fc S4 S5 D2:1024 "));
}

static void test_poll_times(void **state)
{
    (void)state;
    target.busy_ms = 40;
    struct dfu_result r = download(BASE, 2048, false);
    assert_true(r.ok);
    assert_non_null(strstr(target.log, "D2:1024 S4 S5 "));
    assert_true(r.seconds > 0.2 && r.seconds < 0.22); /* one erase, two addresses, two blocks */
}

static void test_refusal(void **state)
{
    (void)state;
    target.fail_at = 2;
    struct dfu_result r = download(BASE, 3000, true);
    assert_false(r.ok);
    assert_false(r.timed_out);
    assert_int_equal(r.status, 8);
    assert_string_equal(r.string, "address \"outside\" the slot");
    assert_int_equal(r.errors, 0);
    assert_non_null(strstr(target.log, "D2:1024 S10 "));
    assert_null(strstr(target.log, "D2:952")); /* nothing after it */
    assert_null(strstr(target.log, "A "));
}

static void test_stalled_block(void **state)
{
    (void)state;
    target.stall_at = 3;
    struct dfu_result r = download(BASE, 3000, true);
    assert_false(r.ok);
    assert_int_equal(r.errors, 1);
    assert_true(r.error[0]);
}

static void test_command_without_busy(void **state)
{
    (void)state;
    target.hasty = true;
    struct dfu_result r = download(BASE, 100, true);
    assert_false(r.ok);
    assert_string_equal(target.log, "I0 S2 D0:4108004000 S5 ");
}

static void test_time_limit(void **state)
{
    (void)state;
    target.busy_ms = 1000;
    struct dfu_element e = {BASE, image, 10000};
    struct dfu_job job = {.elements = &e, .element_count = 1, .limit_ns = 2500 * (uint64_t)MS};
    struct dfu_result r;
    uint64_t before = vboard_now(b);
    dfu_run(h, &job, &r);
    assert_false(r.ok);
    assert_true(r.timed_out);
    assert_in_range(vboard_now(b) - before, 2500 * (uint64_t)MS, 2510 * (uint64_t)MS);
}

static void test_layout_is_obeyed(void **state)
{
    (void)state;
    struct dfu_result r = download(BASE + SIZE - 1000, 1001, false);
    assert_false(r.ok);
    assert_string_equal(target.log, "I0 S2 "); /* nothing was sent */
    r = download(DFU_NO_ADDR, 100, false);
    assert_true(r.ok);
    assert_memory_equal(target.memory, image, 100);
}

static void test_dfuse_upload(void **state)
{
    (void)state;
    struct dfu_job job = {
        .upload = back, .upload_addr = BASE + 512, .upload_limit = 3000, .upload_room = SIZE};
    struct dfu_result r;
    for (unsigned i = 0; i < SIZE; i++)
        target.memory[i] = (uint8_t)(i * 5 + i / 256);
    dfu_run(h, &job, &r);
    assert_true(r.ok);
    assert_int_equal(r.uploaded, 3000);
    /* The last block is asked for with the length that is left: its address follows from that. */
    assert_string_equal(target.log, "I0 S2 D0:2108004200 S4 S5 A S2 U2:1024 U3:1024 U4:952 A S2 ");
    assert_memory_equal(back, target.memory + 512, 2048);
    job.upload_limit = 0; /* up to the end of its segment */
    dfu_run(h, &job, &r);
    assert_true(r.ok);
    assert_int_equal(r.uploaded, SIZE - 512);
}

static void test_dfu11_download(void **state)
{
    (void)state;
    target.manifest_polls = 2;
    uint64_t before = vboard_now(b);
    struct dfu_result r = download(DFU_NO_ADDR, 2500, true);
    assert_true(r.ok);
    assert_string_equal(target.log, "I0 S2 D0:1024 S5 D1:1024 S5 D2:452 S5 D3:0 S6 S6 S2 ");
    assert_memory_equal(target.memory, image, 2500);
    assert_true(vboard_now(b) - before > 2000 * (uint64_t)MS); /* a second for each MANIFEST-SYNC */
}

static void test_dfu11_upload(void **state)
{
    (void)state;
    struct dfu_job job = {.upload = back, .upload_room = SIZE, .transfer_size = 4096};
    struct dfu_result r;
    dfu_run(h, &job, &r);
    assert_true(r.ok);
    assert_int_equal(r.uploaded, SIZE - 100);
    assert_string_equal(target.log, "I0 S2 U0:4096 U1:4096 U2:4096 U3:4096 ");
    assert_memory_equal(back, target.memory, SIZE - 100);
}

static void test_forced_dialect(void **state)
{
    (void)state;
    target.dfuse = false; /* announces DfuSe, and takes plain DFU too */
    struct dfu_element e = {DFU_NO_ADDR, image, 100};
    struct dfu_job job = {.elements = &e, .element_count = 1, .dialect = DFU_DFU11, .transfer_size = 64};
    struct dfu_result r;
    dfu_run(h, &job, &r);
    assert_true(r.ok);
    assert_string_equal(target.log, "I0 S2 D0:64 S5 D1:36 S5 D2:0 S2 ");
}

/* A run-time interface is told to detach and looked for again after 5 s. */
static void test_runtime(void **state)
{
    (void)state;
    uint64_t before = vboard_now(b);
    struct dfu_result r = download(DFU_NO_ADDR, 10, true);
    assert_false(r.ok); /* this one stays what it was */
    assert_string_equal(r.error, "the device is not in DFU mode after DETACH");
    assert_string_equal(target.log, "S DETACH ");
    assert_true(vboard_now(b) - before > 5000 * (uint64_t)MS);
}

static void test_layouts(void **state)
{
    (void)state;
    static struct layout l;
    assert_true(layout_parse(&l, "@Internal Flash   /0x08004000/118*002Kg/0xF0000000/01*001Ka"));
    assert_int_equal(l.count, 2);
    assert_int_equal(l.segments[0].start, 0x08004000);
    assert_int_equal(l.segments[0].end, 0x0803EFFF);
    assert_int_equal(l.segments[0].page, 2048);
    assert_int_equal(l.segments[0].kind, 7);
    assert_int_equal(l.segments[1].start, 0xF0000000);
    assert_int_equal(l.segments[1].kind, 1);
    assert_ptr_equal(layout_find(&l, 0x0803EFFF), &l.segments[0]);
    assert_null(layout_find(&l, 0x0803F000));
    assert_true(layout_parse(&l, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"));
    assert_int_equal(l.count, 3);
    assert_int_equal(l.segments[2].start, 0x08020000);
    assert_true(layout_parse(&l, "@Option Bytes  /0x1FFF7800/01*040 e"));
    assert_int_equal(l.segments[0].end, 0x1FFF7827);
    assert_int_equal(l.segments[0].kind, 5);
    assert_true(layout_parse(&l, "@OTP Memory /0x1FFF7000/01*0001Ke"));
    assert_int_equal(l.segments[0].page, 1024);
    assert_true(layout_parse(&l, "@Device Feature/0xFFFF0000/01*004 e"));
    assert_int_equal(l.segments[0].end, 0xFFFF0003);
    assert_true(layout_parse(&l, "@Top/0xFFFFF000/01*004Kg"));
    assert_int_equal(l.segments[0].end, 0xFFFFFFFF);
    assert_true(layout_parse(&l, "@Beyond/0xFFFFF000/02*004Kg"));
    assert_int_equal(l.count, 0);
    assert_false(layout_parse(&l, "Internal Flash"));
    assert_false(layout_parse(&l, ""));
    assert_false(layout_parse(&l, "@"));
    assert_true(layout_parse(&l, "@x/0x1000/99999999999999999999*1Kg,-1*2Kg"));
    assert_int_equal(l.count, 0);
}

#define with(setup, test) cmocka_unit_test_setup_teardown(test, setup, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with(dfuse, test_dfuse_download),
        with(dfuse, test_dfuse_leave),
        with(dfuse, test_dfuse_unaligned),
        with(dfuse, test_poll_times),
        with(dfuse, test_refusal),
        with(dfuse, test_stalled_block),
        with(dfuse, test_command_without_busy),
        with(dfuse, test_time_limit),
        with(dfuse, test_layout_is_obeyed),
        with(dfuse, test_dfuse_upload),
        with(dfu11, test_dfu11_download),
        with(dfu11, test_dfu11_upload),
        with(dfuse, test_forced_dialect),
        with(runtime, test_runtime),
        cmocka_unit_test(test_layouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
