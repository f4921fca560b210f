/* The DFU tool: transfers, requests and the order of a whole job. */
#include "host/dfupriv.h"
#include "host/priv.h"
#include "vboard.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ATTR_WILL_DETACH = 8 };
static const uint64_t appear_ns = 10000000000; /* for a device to come up at all */
static const uint64_t return_ns = 3000000000;  /* for a device that is expected to leave and come back */

static void say(struct dfu *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct dfu *d, const char *format, ...)
{
    if (!d->job->log)
        return;
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    d->job->log(d->job->arg, line);
}

bool dfu_fail(struct dfu *d, const char *format, ...)
{
    if (d->result->error[0])
        return false; /* the first one counts */
    va_list args;
    va_start(args, format);
    vsnprintf(d->result->error, sizeof d->result->error, format, args);
    va_end(args);
    return false;
}

const char *dfu_state_name(unsigned state)
{
    static const char *const names[] = {"appIDLE",          "appDETACH",   "dfuIDLE",
                                        "dfuDNLOAD-SYNC",   "dfuDNBUSY",   "dfuDNLOAD-IDLE",
                                        "dfuMANIFEST-SYNC", "dfuMANIFEST", "dfuMANIFEST-WAIT-RESET",
                                        "dfuUPLOAD-IDLE",   "dfuERROR"};
    return state < sizeof names / sizeof names[0] ? names[state] : "an unknown state";
}

static bool time_is_up(struct dfu *d)
{
    if (vboard_now(d->board) < d->limit)
        return false;
    d->result->timed_out = true;
    dfu_fail(d, "the time limit was reached");
    return true;
}

void dfu_sleep(struct dfu *d, uint32_t ms)
{
    uint64_t now = vboard_now(d->board), ns = (uint64_t)ms * 1000000;
    if (now < d->limit)
        vboard_run(d->board, ns < d->limit - now ? ns : d->limit - now, NULL, NULL);
    time_is_up(d);
}

static const char *outcome(int status)
{
    switch (status) {
    case UH_STALL: return "STALL";
    case UH_GONE: return "device gone";
    case UH_NO_ANSWER: return "no answer";
    case UH_TIMEOUT: return "timeout";
    case UH_OVERFLOW: return "overflow";
    default: return status < 0 ? "failed" : "ok";
    }
}

int dfu_transfer(struct dfu *d, uint8_t type, uint8_t request, uint16_t value, uint16_t index, void *data,
                 uint16_t length)
{
    uint32_t actual = 0;
    if (time_is_up(d))
        return UH_TIMEOUT;
    int status = usbhost_control(d->h, type, request, value, index, data, length, &actual);
    d->result->transfers++;
    if (status != UH_OK)
        d->result->errors++;
    d->result->seconds = d->began ? (double)(vboard_now(d->board) - d->began) / 1e9 : 0;
    say(d, "%12.6f  %02x %02x value %04x index %04x length %4u: %s %u", (double)vboard_now(d->board) / 1e9,
        type, request, value, index, length, outcome(status), actual);
    return status == UH_OK ? (int)actual : status;
}

/* ---- requests ----------------------------------------------------------------------------- */

int dfu_dnload(struct dfu *d, unsigned block, const void *data, unsigned size)
{
    uint8_t copy[4096];
    if (size)
        memcpy(copy, data, size);
    return dfu_transfer(d, 0x21, 1, (uint16_t)block, d->at.number, copy, (uint16_t)size);
}

int dfu_upload(struct dfu *d, unsigned block, void *data, unsigned size)
{
    return dfu_transfer(d, 0xA1, 2, (uint16_t)block, d->at.number, data, (uint16_t)size);
}

int dfu_get_status(struct dfu *d, struct dfu_status *s)
{
    uint8_t raw[6];
    *s = (struct dfu_status){.status = 14, .state = DFU_ERROR}; /* errUNKNOWN until we know better */
    int n = dfu_transfer(d, 0xA1, 3, 0, d->at.number, raw, sizeof raw);
    if (n != sizeof raw)
        return n;
    *s = (struct dfu_status){.status = raw[0],
                             .poll_ms = raw[1] | (uint32_t)raw[2] << 8 | (uint32_t)raw[3] << 16,
                             .state = raw[4],
                             .string = raw[5]};
    say(d, "%14sstatus %u, poll %u ms, %s, string %u", "", s->status, s->poll_ms, dfu_state_name(s->state),
        s->string);
    d->result->status = s->status;
    if (s->status == 0)
        d->result->string[0] = '\0';
    else
        dfu_string(d, s->string, d->result->string, sizeof d->result->string);
    return n;
}

int dfu_simple(struct dfu *d, uint8_t request, uint16_t value)
{
    return dfu_transfer(d, 0x21, request, value, d->at.number, NULL, 0);
}

/* ---- the order of things ------------------------------------------------------------------ */

static bool is_there(void *arg)
{
    return usbhost_state(arg) >= UH_ADDRESSED;
}

struct departure {
    struct usbhost *h;
    unsigned count; /* of attachments before */
};

static bool has_left(void *arg)
{
    const struct departure *gone = arg;
    return usbhost_state(gone->h) == UH_DETACHED || usbhost_attach_count(gone->h) != gone->count;
}

static bool is_back(void *arg)
{
    const struct departure *gone = arg;
    return usbhost_attach_count(gone->h) != gone->count && is_there(gone->h);
}

static void run_until(struct dfu *d, uint64_t ns, bool (*until)(void *arg), void *arg)
{
    uint64_t now = vboard_now(d->board);
    if (now < d->limit && !until(arg))
        vboard_run(d->board, ns < d->limit - now ? ns : d->limit - now, until, arg);
}

/* Out of run-time mode: DETACH, then the device or the host resets the bus; dfu-util looks again after 5 s.
 */
static bool detach_runtime(struct dfu *d)
{
    struct dfu_status s;
    if (d->at.number > 0 || d->at.alts > 1)
        dfu_transfer(d, 0x01, 11, 0, d->at.number, NULL, 0);
    int n = dfu_get_status(d, &s);
    if (n == UH_STALL)
        s = (struct dfu_status){.state = APP_IDLE};
    else if (n < 0)
        return dfu_fail(d, "error %d in GETSTATUS of the run-time device", n);
    dfu_sleep(d, s.poll_ms);
    if (s.state != APP_IDLE && s.state != APP_DETACH)
        return true; /* in DFU mode already */
    dfu_simple(d, DFU_DETACH, 1000);
    if (!(d->at.attributes & ATTR_WILL_DETACH))
        usbhost_bus_reset(d->h);
    dfu_sleep(d, 5000);
    if (usbhost_state(d->h) < UH_ADDRESSED)
        return dfu_fail(d, "the device was lost after DETACH");
    if (!dfu_probe(d))
        return false;
    return d->at.dfu_mode || dfu_fail(d, "the device is not in DFU mode after DETACH");
}

/* SET_INTERFACE, then GETSTATUS until the device is idle without an error. */
static bool make_idle(struct dfu *d, unsigned setting)
{
    struct dfu_status s;
    if (dfu_transfer(d, 0x01, 11, (uint16_t)setting, d->at.number, NULL, 0) < 0)
        return dfu_fail(d, "the device refused alternate setting %u", setting);
    for (unsigned tries = 0;; tries++) {
        int n = dfu_get_status(d, &s);
        if (n < 0)
            return dfu_fail(d, "the first GETSTATUS failed: %s", outcome(n));
        dfu_sleep(d, s.poll_ms);
        if (s.state == APP_IDLE || s.state == APP_DETACH)
            return dfu_fail(d, "the device is still in run-time mode");
        bool error = s.state == DFU_ERROR;
        if (!error && s.state != DFU_DNLOAD_IDLE && s.state != DFU_UPLOAD_IDLE)
            break;
        if (tries == 100)
            return dfu_fail(d, "the device stays in %s", dfu_state_name(s.state));
        if (dfu_simple(d, error ? DFU_CLRSTATUS : DFU_ABORT, 0) < 0)
            return dfu_fail(d, "the device refused %s", error ? "CLRSTATUS" : "ABORT");
    }
    if (s.status == 0)
        return true;
    if (dfu_simple(d, DFU_CLRSTATUS, 0) < 0 || dfu_get_status(d, &s) < 0 || s.status != 0)
        return dfu_fail(d, "the status is not OK: %u", s.status);
    dfu_sleep(d, s.poll_ms);
    return true;
}

static uint32_t wanted_address(const struct dfu_job *job)
{
    return job->upload ? job->upload_addr : job->element_count ? job->elements[0].addr : DFU_NO_ADDR;
}

/* dfu-util asks its user for the alternate setting if there are several; here it is the one whose layout
 * has the address. */
static size_t choose_alt(struct dfu *d, bool dfuse)
{
    uint32_t addr = wanted_address(d->job);
    for (size_t i = 0; dfuse && addr != DFU_NO_ADDR && i < d->at.alts; i++) {
        if (layout_parse(&d->layout, d->at.alt[i].name) && layout_find(&d->layout, addr))
            return i;
    }
    return 0;
}

static bool work(struct dfu *d)
{
    const struct dfu_job *job = d->job;
    run_until(d, appear_ns, is_there, d->h);
    if (!is_there(d->h)) {
        time_is_up(d);
        return dfu_fail(d, "no USB device came up");
    }
    if (!dfu_probe(d))
        return false;
    if (!d->at.dfu_mode && !detach_runtime(d))
        return false;
    bool dfuse = job->dialect == DFU_AS_ANNOUNCED ? d->at.version == 0x011A : job->dialect == DFU_DFUSE;
    size_t alt = choose_alt(d, dfuse);
    d->began = vboard_now(d->board);
    if (!make_idle(d, d->at.alt[alt].setting))
        return false;
    d->transfer_size = job->transfer_size ? job->transfer_size : d->at.transfer_size;
    if (!d->transfer_size)
        return dfu_fail(d, "the device announces no transfer size");
    if (d->transfer_size > 4096)
        d->transfer_size = 4096;
    if (d->transfer_size < d->at.packet)
        d->transfer_size = d->at.packet;
    if (dfuse && !layout_parse(&d->layout, d->at.alt[alt].name))
        return dfu_fail(d, "the name of alternate setting %u is no memory layout", d->at.alt[alt].setting);

    unsigned count = usbhost_attach_count(d->h);
    bool done = job->upload ? dfuse ? dfu_upload_dfuse(d) : dfu_upload_dfu11(d)
                : dfuse ? dfu_download_dfuse(d)
                            : dfu_download_dfu11(d);
    if (!done)
        return false;
    if (dfuse ? job->leave : !job->upload) {
        struct departure gone = {d->h, count};
        run_until(d, return_ns, has_left, &gone);
        if (has_left(&gone))
            d->result->seconds = (double)(d->h->left_at - d->began * 1000) / 1e12;
        run_until(d, return_ns, is_back, &gone);
        d->result->reenumerated = is_back(&gone);
    }
    return !d->result->timed_out;
}

void dfu_run(struct usbhost *h, const struct dfu_job *job, struct dfu_result *result)
{
    struct dfu d = {.h = h, .board = h->board, .job = job, .result = result};
    uint64_t now = vboard_now(d.board);
    memset(result, 0, sizeof *result);
    result->status = -1;
    d.limit = job->limit_ns && job->limit_ns < UINT64_MAX - now ? now + job->limit_ns : UINT64_MAX;
    result->ok = work(&d) && !result->timed_out;
}
