/* For tests that download to a board whose flash is worn, protected or used: raw DFU requests, and an image
 * that passes the lint. Included once by each, after bench.h. */
#ifndef TEST_BOARD_FWFLASH_H
#define TEST_BOARD_FWFLASH_H

#include "boot/core/dfu.h"
#include "boot/core/message.h"
#include "words.h"

#define PAGE      2048u
#define SLOT_LAST 0x0803EFFFu
#define SLOT_ROOM 0x3B000u

/* An image that loops, with bytes by seed after its vectors. */
static inline void fill_image(uint8_t *to, uint32_t size, unsigned seed)
{
    static const uint32_t head[16] = {0x20010000, 0x08004041};
    static const uint8_t loop[2] = {0xFE, 0xE7}; /* b . */
    for (uint32_t i = 0; i < size; i++)
        to[i] = (uint8_t)((i * 31 + i / 256 + seed * 57) | 1);
    memcpy(to, head, size < sizeof head ? size : sizeof head);
    if (size > 66)
        memcpy(to + 64, loop, 2);
}

/* The NMI of an unreadable word is the bootloader's own business, and what is started may be anything. */
static inline void flash_event(void *arg, const struct vboard_event *e)
{
    const struct bench *t = arg;
    if (e->kind != VE_FAULT || (strcmp(e->name, "NMI") != 0 && t->handoffs == 0))
        bench_event(arg, e);
}

struct board_setup {
    const char *option[2]; /* name, value; NULL: none */
    const void *old;       /* in the slot */
    uint32_t old_size;
    const uint8_t *options; /* option bytes, 40 */
};

/* A board with the bootloader, in DFU with nothing to start (so the old image gets a spoiled first word). */
static inline struct bench *board_with(const struct board_setup *s)
{
    struct bench *t = calloc(1, sizeof *t);
    const struct vboard_config config = {.seed = 9};
    const struct usbhost_config usb = {.enumerate = true, .settle_ns = 2 * MS, .reset_ns = 3 * MS};
    assert_non_null(t);
    t->board = vboard_create(&config);
    assert_non_null(t->board);
    vboard_on_event(t->board, flash_event, t);
    bool ok = vboard_load_file(t->board, BOOT, VBOARD_NO_ADDR);
    if (ok && s->option[0])
        ok = vboard_option(t->board, s->option[0], s->option[1]);
    if (ok && s->old)
        ok = vboard_load_bytes(t->board, SLOT, s->old, s->old_size);
    if (ok && s->options)
        ok = vboard_load_bytes(t->board, 0x1FFF7800, s->options, 40);
    if (!ok)
        fail_msg("%s", vboard_error(t->board));
    t->host = usbhost_create(t->board, &usb);
    assert_non_null(t->host);
    vboard_power(t->board, true, false);
    return t;
}

static inline void in_dfu(struct bench *t)
{
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
}

static inline struct dfu_result dfu_job_of(struct bench *t, struct dfu_job job)
{
    struct dfu_result r;
    job.limit_ns = 60000 * MS;
    dfu_run(t->host, &job, &r);
    return r;
}

static inline struct dfu_result dfu_send(struct bench *t, uint32_t addr, const void *bytes, uint32_t size,
                                         bool leave)
{
    const struct dfu_element element = {addr, bytes, size};
    return dfu_job_of(t, (struct dfu_job){.elements = &element, .element_count = 1, .leave = leave});
}

/* ---- request by request ------------------------------------------------------------------ */

struct dfu_is {
    unsigned status, state, message;
    uint32_t poll;
};

static inline struct dfu_is dfu_get(struct bench *t)
{
    uint8_t b[6];
    uint32_t n = 0;
    assert_int_equal(usbhost_control(t->host, 0xA1, DFU_REQ_GETSTATUS, 0, 0, b, 6, &n), UH_OK);
    assert_int_equal(n, 6);
    return (struct dfu_is){b[0], b[4], b[5] ? b[5] - DFU_STRING(0) : MESSAGE_READY,
                           b[1] | (uint32_t)b[2] << 8};
}

static inline int dfu_out(struct bench *t, uint8_t request, uint16_t value, const void *data, uint16_t length)
{
    return usbhost_control(t->host, 0x21, request, value, 0, (void *)(uintptr_t)data, length, NULL);
}

/* DNLOAD, and GETSTATUS until the device is ready for the next one. The message; MESSAGE_READY: accepted. */
static inline enum message dfu_block(struct bench *t, uint16_t block, const void *data, uint16_t length)
{
    if (dfu_out(t, DFU_REQ_DNLOAD, block, data, length) != UH_OK)
        return (enum message)dfu_get(t).message;
    struct dfu_is s = dfu_get(t);
    for (unsigned i = 0; s.state == DFU_DNBUSY; i++) {
        assert_in_range(i, 0, 1000);
        bench_run(t, (s.poll ? s.poll : 1) * MS);
        s = dfu_get(t);
    }
    if (s.state == DFU_ERROR)
        return (enum message)s.message;
    assert_int_equal(s.state, DFU_DNLOAD_IDLE);
    return MESSAGE_READY;
}

static inline enum message dfu_command(struct bench *t, uint8_t code, uint32_t addr)
{
    const uint8_t b[5] = {code, (uint8_t)addr, (uint8_t)(addr >> 8), (uint8_t)(addr >> 16),
                          (uint8_t)(addr >> 24)};
    return dfu_block(t, 0, b, 5);
}

/* ABORT and what comes of it: MESSAGE_READY unless what was sent could not be sealed. */
static inline enum message dfu_end(struct bench *t)
{
    assert_int_equal(dfu_out(t, DFU_REQ_ABORT, 0, NULL, 0), UH_OK);
    return (enum message)dfu_get(t).message;
}

static inline void dfu_product(struct bench *t, char text[128])
{
    uint8_t d[255];
    uint32_t n = 0;
    assert_int_equal(usbhost_control(t->host, 0x80, 6, 0x0302, 0x0409, d, sizeof d, &n), UH_OK);
    for (uint32_t i = 0; i < (n - 2) / 2; i++)
        text[i] = (char)d[2 + 2 * i];
    text[(n - 2) / 2] = 0;
}

/* After a reset: the message why it is in DFU, by the product string; MESSAGE_READY: the application runs. */
static inline enum message verdict_after_reset(struct bench *t)
{
    char text[128];
    vboard_nrst(t->board, MS / 2);
    if (vboard_run_event(t->board, 30 * MS, VE_HANDOFF, NULL, NULL) == VB_EVENT)
        return MESSAGE_READY;
    in_dfu(t);
    dfu_product(t, text);
    for (unsigned m = 1; m < MESSAGE_COUNT; m++)
        if (strstr(text, few_words((enum message)m)))
            return (enum message)m;
    fail_msg("'%s' tells no reason", text);
    return MESSAGE_COUNT;
}

/* The slot from addr on holds this. */
static inline void expect_flash(struct bench *t, uint32_t addr, const void *bytes, uint32_t size)
{
    static uint8_t there[0x3B000];
    assert_true(size <= sizeof there && vboard_peek(t->board, addr, there, size));
    for (uint32_t i = 0; i < size; i++)
        if (there[i] != ((const uint8_t *)bytes)[i])
            fail_msg("0x%08x holds %02x, not %02x", addr + i, there[i], ((const uint8_t *)bytes)[i]);
}

#endif
