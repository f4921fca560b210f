/* A host for the DFU state machine on the PC. */
#include "dfubench.h"
#include "boot/core/content.h"
#include "boot/core/verdict.h"
#include <assert.h>
#include <string.h>

struct dfu dfu;
bool killed;
static unsigned left_to_live;

const char *bench_report = "";

const char *dfu_report(void)
{
    return bench_report;
}

/* As in boot/device.c. */
static void flash_done(enum port_flash_result result)
{
    session_flash_done(&dfu.session, result);
}

void bench_boot(enum message verdict)
{
    struct ledger l;
    fake_power_on();
    ledger_find(&l);
    memset(&dfu, 0, sizeof dfu);
    dfu_init(&dfu, &l, verdict);
    fake.done = flash_done;
    killed = false;
    left_to_live = 0;
}

static int do_request(uint8_t type, uint8_t number, uint16_t value, void *data, uint16_t length, bool frozen)
{
    const struct usb_setup setup = {type, number, value, 0, length};
    enum dfu_answer a = dfu_setup(&dfu, &setup);
    for (unsigned i = 0; a == DFU_HOLD; i++) {
        if (frozen)
            return -2;
        assert(i < 10000);
        if (fake.busy)
            fake_step();
        else
            fake.ms++;
        if (fake.off)
            return -1;
        writer_work(&dfu.session.writer);
        a = dfu_again(&dfu, &setup);
    }
    if (a == DFU_STALL)
        return -1;
    const uint8_t *reply = dfu.data;
    uint32_t size = dfu.size;
    if (type & USB_DIR_IN) {
        size = size < length ? size : length;
        memcpy(data, reply, size);
    } else if (length > 0) {
        assert(number == DFU_REQ_DNLOAD && length <= size);
        memcpy((uint8_t *)(uintptr_t)reply, data, length);
        a = dfu_data(&dfu, &setup, length);
        size = length;
        if (a == DFU_STALL)
            return -1;
    } else {
        size = 0;
    }
    dfu_done(&dfu);
    return (int)size;
}

int request(uint8_t type, uint8_t number, uint16_t value, void *data, uint16_t length)
{
    return do_request(type, number, value, data, length, false);
}

int request_frozen(uint8_t type, uint8_t number, uint16_t value, void *data, uint16_t length)
{
    return do_request(type, number, value, data, length, true);
}

struct status get_status(void)
{
    uint8_t b[6] = {0};
    int n = request(0xA1, DFU_REQ_GETSTATUS, 0, b, 6);
    assert(n == 6 || fake.off);
    return (struct status){b[0], b[4], b[5], b[1] | (uint32_t)b[2] << 8 | (uint32_t)b[3] << 16};
}

unsigned get_state(void)
{
    uint8_t b = 0;
    int n = request(0xA1, DFU_REQ_GETSTATE, 0, &b, 1);
    assert(n == 1);
    return b;
}

bool dnload(uint16_t block, const void *data, uint16_t length)
{
    return request(0x21, DFU_REQ_DNLOAD, block, (void *)(uintptr_t)data, length) == length;
}

bool simple(uint8_t number)
{
    return request(0x21, number, 0, NULL, 0) == 0;
}

static void wait_ms(uint32_t ms)
{
    for (uint32_t until = fake.ms + ms; (int32_t)(until - fake.ms) > 0 && !fake.off;) {
        if (fake.busy)
            fake_step();
        else
            fake.ms = until;
        writer_work(&dfu.session.writer);
    }
}

static enum message why(struct status s)
{
    return s.state == DFU_ERROR ? (enum message)(s.string - DFU_STRING(0)) : MESSAGE_READY;
}

enum message send_block(uint16_t block, const void *data, uint16_t length)
{
    if (!dnload(block, data, length))
        return why(get_status());
    struct status s = get_status();
    for (unsigned i = 0; s.state == DFU_DNBUSY && !fake.off; i++) {
        assert(i < 100000);
        wait_ms(s.poll);
        s = get_status();
    }
    assert(fake.off || s.state == DFU_DNLOAD_IDLE || s.state == DFU_ERROR);
    return why(s);
}

bool dfuse_command(uint8_t what, uint32_t addr)
{
    uint8_t b[5] = {what, (uint8_t)addr, (uint8_t)(addr >> 8), (uint8_t)(addr >> 16), (uint8_t)(addr >> 24)};
    return send_block(0, b, 5) == MESSAGE_READY;
}

void drain(void)
{
    for (unsigned i = 0; writer_busy(&dfu.session.writer) || fake.busy; i++) {
        assert(i < 10000);
        if (fake.off)
            return;
        fake_step();
        writer_work(&dfu.session.writer);
    }
}

static bool dies(void)
{
    if (left_to_live > 0 && --left_to_live == 0)
        killed = true;
    return killed || fake.off;
}

enum message dfu_util(uint32_t addr, const void *data, uint32_t size, unsigned transfer, unsigned upto)
{
    left_to_live = upto;
    killed = false;
    dfu_event(&dfu, DFU_INTERFACE_SET);
    struct status s = get_status();
    if (s.state == DFU_ERROR)
        simple(DFU_REQ_CLRSTATUS);
    else if (s.state == DFU_DNLOAD_IDLE || s.state == DFU_UPLOAD_IDLE)
        simple(DFU_REQ_ABORT);
    s = get_status();
    if (s.state != DFU_IDLE)
        return why(s);
    for (uint32_t page = addr - addr % PAGE_SIZE; page < addr + size; page += PAGE_SIZE) {
        if (dies())
            return MESSAGE_READY;
        if (!dfuse_command(DFUSE_ERASE, page))
            return why(get_status());
    }
    for (uint32_t at = 0; at < size; at += transfer) {
        uint16_t n = (uint16_t)(size - at < transfer ? size - at : transfer);
        if (dies())
            return MESSAGE_READY;
        if (!dfuse_command(DFUSE_SET_ADDRESS, addr + at))
            return why(get_status());
        if (dies())
            return MESSAGE_READY;
        enum message m = send_block(2, (const uint8_t *)data + at, n);
        if (m != MESSAGE_READY)
            return m;
    }
    if (dies())
        return MESSAGE_READY;
    if (!simple(DFU_REQ_ABORT))
        return why(get_status());
    return why(get_status());
}

struct status leave(void)
{
    dnload(2, NULL, 0);
    return get_status();
}

struct status plain(const void *data, uint32_t size, unsigned transfer)
{
    uint16_t block = 0;
    for (uint32_t at = 0; at < size; at += transfer) {
        uint16_t n = (uint16_t)(size - at < transfer ? size - at : transfer);
        if (send_block(block++, (const uint8_t *)data + at, n) != MESSAGE_READY)
            return get_status();
    }
    dnload(block, NULL, 0);
    return get_status();
}

void make_image(uint8_t *to, uint32_t size, uint32_t seed)
{
    static const uint32_t head[2] = {0x20010000, 0x08004009};
    uint32_t before = fake.random;
    fake.random = seed * 2654435761u + 1;
    for (uint32_t i = 0; i < size; i++)
        to[i] = (uint8_t)fake_random();
    memset(to, 0, size < 64 ? size : 64);
    memcpy(to, head, size < sizeof head ? size : sizeof head);
    fake.random = before;
}

unsigned boot_verdict(void)
{
    struct facts f = {0};
    ledger_find(&f.ledger);
    content_look(&f.content);
    return verdict(&f);
}

bool slot_holds(const void *data, uint32_t size)
{
    return memcmp(fake.flash + (SLOT_ADDR - FLASH_ADDR), data, size) == 0;
}
