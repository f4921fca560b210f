/* The DFU tool: downloads and uploads, request by request as dfu-util 0.11 does them. DfuSe: AN3156;
 * plain DFU: DFU 1.1 chapter 7. */
#include "host/dfupriv.h"
#include <string.h>

enum { CMD_SET_ADDRESS = 0x21, CMD_ERASE = 0x41 };

/* ---- DfuSe -------------------------------------------------------------------------------- */

/* A command on block 0. The first GETSTATUS has to show dfuDNBUSY, since it is the one that executes. */
static bool command(struct dfu *d, uint8_t code, uint32_t addr)
{
    const char *name = code == CMD_ERASE ? "erase" : "set address";
    uint8_t data[5] = {code, (uint8_t)addr, (uint8_t)(addr >> 8), (uint8_t)(addr >> 16),
                       (uint8_t)(addr >> 24)};
    struct dfu_status s;
    unsigned zero_polls = 0, stalls = 0;
    uint32_t poll = 0;
    if (dfu_dnload(d, 0, data, sizeof data) < 0)
        return dfu_fail(d, "the command to %s 0x%08x was refused", name, addr);
    for (bool first = true;; first = false) {
        int n = dfu_get_status(d, &s);
        if (n == -32 && poll != 0 && stalls < 3) {
            s.state = DFU_DNBUSY;
            stalls++;
        } else if (n < 0) {
            return dfu_fail(d, "GETSTATUS failed during the command to %s 0x%08x", name, addr);
        } else {
            poll = s.poll_ms;
        }
        if (first && s.state != DFU_DNBUSY)
            return dfu_fail(d, "the command to %s 0x%08x led to %s, status %u", name, addr,
                            dfu_state_name(s.state), s.status);
        dfu_sleep(d, poll);
        if (s.poll_ms != 0)
            zero_polls = 0;
        else if (++zero_polls == 100)
            return dfu_fail(d, "the device is stuck after the command to %s 0x%08x", name, addr);
        if (d->result->timed_out)
            return false;
        if (s.state != DFU_DNBUSY)
            break;
    }
    return s.status == 0 || dfu_fail(d, "the command to %s 0x%08x failed, status %u", name, addr, s.status);
}

/* A block, and GETSTATUS until it is done. */
static bool send_chunk(struct dfu *d, const uint8_t *data, uint32_t size, unsigned block)
{
    struct dfu_status s;
    if (dfu_dnload(d, block, data, size) < 0)
        return dfu_fail(d, "a block of %u bytes was refused", size);
    do {
        if (dfu_get_status(d, &s) < 0)
            return dfu_fail(d, "GETSTATUS failed after a block of %u bytes", size);
        dfu_sleep(d, s.poll_ms);
        if (d->result->timed_out)
            return false;
    } while (s.state != DFU_DNLOAD_IDLE && s.state != DFU_ERROR && s.state != DFU_MANIFEST);
    return s.status == 0 ||
           dfu_fail(d, "a block of %u bytes failed, %s, status %u", size, dfu_state_name(s.state), s.status);
}

static bool abort_to_idle(struct dfu *d)
{
    struct dfu_status s;
    if (dfu_simple(d, DFU_ABORT, 0) < 0)
        return dfu_fail(d, "ABORT was refused");
    if (dfu_get_status(d, &s) < 0)
        return dfu_fail(d, "GETSTATUS failed after ABORT");
    if (s.state != DFU_IDLE)
        return dfu_fail(d, "ABORT led to %s, status %u", dfu_state_name(s.state), s.status);
    dfu_sleep(d, s.poll_ms);
    return true;
}

static bool writable(struct dfu *d, uint32_t addr)
{
    const struct layout_segment *s = layout_find(&d->layout, addr);
    return (s && s->kind & LAYOUT_WRITABLE) || dfu_fail(d, "0x%08x is not writable by the layout", addr);
}

/* Erases the page of addr unless it was erased last; `last` is UINT32_MAX at first. */
static bool erase_page(struct dfu *d, uint32_t addr, uint32_t page, uint32_t *last)
{
    uint32_t start = addr & ~(page - 1);
    if (start == *last)
        return true;
    *last = start;
    const struct layout_segment *s = layout_find(&d->layout, addr);
    if (!s || !(s->kind & LAYOUT_ERASABLE))
        return dfu_fail(d, "the page at 0x%08x cannot be erased by the layout", addr);
    return command(d, CMD_ERASE, addr);
}

static bool erase_chunk(struct dfu *d, uint32_t addr, uint32_t size, uint32_t *last)
{
    if (!writable(d, addr))
        return false;
    const struct layout_segment *s = layout_find(&d->layout, addr);
    if (!(s->kind & LAYOUT_ERASABLE))
        return true;
    for (uint64_t at = addr; at < (uint64_t)addr + size; at += s->page) {
        if (!erase_page(d, (uint32_t)at, s->page, last))
            return false;
    }
    return erase_page(d, addr + size - 1, s->page, last);
}

static bool send_element(struct dfu *d, uint32_t addr, const uint8_t *bytes, uint32_t size, uint32_t *last)
{
    uint32_t step = d->transfer_size;
    if (!writable(d, addr + size - 1))
        return false;
    for (uint32_t p = 0; p < size; p += step) {
        if (!erase_chunk(d, addr + p, size - p < step ? size - p : step, last))
            return false;
    }
    for (uint32_t p = 0; p < size; p += step) {
        if (!command(d, CMD_SET_ADDRESS, addr + p) ||
            !send_chunk(d, bytes + p, size - p < step ? size - p : step, 2))
            return false;
    }
    return true;
}

static uint32_t first_writable(const struct layout *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->segments[i].kind & LAYOUT_WRITABLE)
            return l->segments[i].start;
    }
    return DFU_NO_ADDR;
}

static bool leave(struct dfu *d, uint32_t addr)
{
    return (d->job->dfuse_file || command(d, CMD_SET_ADDRESS, addr)) && send_chunk(d, NULL, 0, 2);
}

bool dfu_download_dfuse(struct dfu *d)
{
    const struct dfu_job *job = d->job;
    uint32_t last = UINT32_MAX, first = DFU_NO_ADDR;
    for (size_t i = 0; i < job->element_count; i++) {
        const struct dfu_element *e = &job->elements[i];
        uint32_t addr = e->addr == DFU_NO_ADDR ? first_writable(&d->layout) : e->addr;
        if (addr == DFU_NO_ADDR)
            return dfu_fail(d, "no address was given and the layout has no writable one");
        if (i == 0)
            first = addr;
        if (e->size && !send_element(d, addr, e->bytes, e->size, &last))
            return false;
    }
    if (!abort_to_idle(d))
        return false;
    return !job->leave || leave(d, first);
}

bool dfu_upload_dfuse(struct dfu *d)
{
    const struct dfu_job *job = d->job;
    uint32_t addr = job->upload_addr, limit = job->upload_limit;
    if (addr == DFU_NO_ADDR && d->layout.count)
        addr = d->layout.segments[0].start;
    const struct layout_segment *s = layout_find(&d->layout, addr);
    if (!s || !(s->kind & LAYOUT_READABLE))
        return dfu_fail(d, "0x%08x is not readable by the layout", addr);
    if (limit == 0)
        limit = s->end - addr + 1;
    if (limit > job->upload_room)
        return dfu_fail(d, "%u bytes are more than can be kept", limit);
    if (!command(d, CMD_SET_ADDRESS, addr) || !abort_to_idle(d))
        return false;
    for (unsigned block = 2; d->result->uploaded < limit; block++) {
        uint32_t left = limit - d->result->uploaded, want = left < d->transfer_size ? left : d->transfer_size;
        int n = dfu_upload(d, block, job->upload + d->result->uploaded, want);
        if (n < 0)
            return dfu_fail(d, "UPLOAD of block %u failed", block);
        d->result->uploaded += (uint32_t)n;
        if ((uint32_t)n < want)
            break;
    }
    if (!abort_to_idle(d))
        return false;
    return !job->leave || leave(d, addr);
}

/* ---- DFU 1.1 ------------------------------------------------------------------------------ */

bool dfu_download_dfu11(struct dfu *d)
{
    const struct dfu_job *job = d->job;
    struct dfu_status s;
    unsigned block = 0;
    if (job->element_count != 1)
        return dfu_fail(d, "plain DFU 1.1 takes one piece, not %zu", job->element_count);
    const struct dfu_element *e = &job->elements[0];
    for (uint32_t p = 0; p < e->size; p += d->transfer_size, block++) {
        uint32_t size = e->size - p < d->transfer_size ? e->size - p : d->transfer_size;
        if (dfu_dnload(d, block, e->bytes + p, size) < 0)
            return dfu_fail(d, "block %u was refused", block);
        for (;;) {
            if (dfu_get_status(d, &s) < 0)
                return dfu_fail(d, "GETSTATUS failed after block %u", block);
            if (s.state == DFU_DNLOAD_IDLE || s.state == DFU_ERROR)
                break;
            dfu_sleep(d, s.poll_ms);
            if (d->result->timed_out)
                return false;
        }
        if (s.status != 0)
            return dfu_fail(d, "block %u failed, %s, status %u", block, dfu_state_name(s.state), s.status);
    }
    if (dfu_dnload(d, block, NULL, 0) < 0)
        return dfu_fail(d, "the empty block at the end was refused");
    for (;;) {
        if (dfu_get_status(d, &s) < 0)
            return dfu_fail(d, "GETSTATUS failed after the end of the download");
        dfu_sleep(d, s.poll_ms);
        if (d->result->timed_out)
            return false;
        if (s.state != DFU_MANIFEST_SYNC && s.state != DFU_MANIFEST)
            break;
        dfu_sleep(d, 1000);
    }
    if (s.state == DFU_MANIFEST_WAIT_RESET)
        usbhost_bus_reset(d->h);
    return s.status == 0 ||
           dfu_fail(d, "the download ended in %s, status %u", dfu_state_name(s.state), s.status);
}

bool dfu_upload_dfu11(struct dfu *d)
{
    const struct dfu_job *job = d->job;
    uint8_t data[4096];
    uint32_t limit = job->upload_limit != 0 ? job->upload_limit : UINT32_MAX;
    for (unsigned block = 0;; block++) {
        uint32_t left = limit - d->result->uploaded, want = left < d->transfer_size ? left : d->transfer_size;
        int n = dfu_upload(d, block, data, want);
        if (n < 0)
            return dfu_fail(d, "UPLOAD of block %u failed", block);
        if ((uint32_t)n > job->upload_room - d->result->uploaded)
            return dfu_fail(d, "the upload is larger than %u bytes", job->upload_room);
        memcpy(job->upload + d->result->uploaded, data, (size_t)n);
        d->result->uploaded += (uint32_t)n;
        if ((uint32_t)n < want)
            return true;
        if (d->result->uploaded == limit)
            return abort_to_idle(d);
    }
}
