/* Carries out what a hostile host sends, against the bootloader on the virtual board, and judges the
 * answers: by the model of the class, by what happens to flash, and by what is started in the end. */
#include "boot/core/message.h"
#include "host/priv.h"
#include "hostile.h"
#include "vboard.h"
#include "words.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MS 1000000ull
enum { ANSWER_MS = 3500, ATTACH_MS = 2500, DATA_ROOM = 65536 + 128 };
enum { FIRST_PAGE = 8, LAST_PAGE = 127 }; /* slot and ledger */

static void wrong(struct hostile *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!h->wrong[0])
        (void)vsnprintf(h->wrong, sizeof h->wrong, format, args);
    va_end(args);
}

/* ---- events ------------------------------------------------------------------------------ */

static void on_flash(struct hostile *h, const struct vboard_event *e)
{
    bool erase = strcmp(e->name, "erase") == 0, program = strcmp(e->name, "program") == 0;
    uint32_t page = erase ? e->a : (e->a - 0x08000000) / MODEL_PAGE;
    if ((!erase && !program) || page < FIRST_PAGE || page > LAST_PAGE)
        wrong(h, "flash: %s of 0x%08x", e->name, e->a);
}

static void on_reset(struct hostile *h, const struct vboard_event *e)
{
    if (!h->reset_asked && !h->model.leaving)
        wrong(h, "a reset (%s) that nobody has asked for", e->name);
    h->reset_asked = false;
    h->configured = h->address_lost = false;
    model_bus_reset(&h->model);
    h->model.states = MODEL_BIT(MODEL_IDLE);
    h->model.pointer = MODEL_SLOT;
    h->model.leaving = h->model.plain = false;
}

static void on_handoff(struct hostile *h)
{
    static uint8_t flash[MODEL_SLOT_SIZE];
    h->app = true;
    h->app_right =
        vboard_peek(h->board, MODEL_SLOT, flash, sizeof flash) && model_may_start(&h->model, flash);
    h->unsure += h->model.unsure;
    h->started++;
    if (!h->app_right)
        wrong(h, "an application was started that was never sent completely");
}

void hostile_event(void *arg, const struct vboard_event *e)
{
    struct hostile *h = arg;
    if (h->app)
        return; /* what it does is its own */
    switch (e->kind) {
    case VE_FLASH: on_flash(h, e); break;
    case VE_RESET: on_reset(h, e); break;
    case VE_HANDOFF: on_handoff(h); break;
    case VE_FAULT:
        if (strcmp(e->name, "NMI") != 0 || !h->torn)
            wrong(h, "%s at 0x%08x, lr 0x%08x, cfsr 0x%08x", e->name, e->pc, e->lr, e->cfsr);
        break;
    case VE_MISSING: wrong(h, "0x%08x is not modelled, touched at 0x%08x", e->a, e->b); break;
    default: break;
    }
}

/* ---- the bus ----------------------------------------------------------------------------- */

static void spend(struct hostile *h, uint64_t ns)
{
    enum vboard_stop stop = vboard_run(h->board, ns, NULL, NULL);
    if (!h->app && stop != VB_TIME)
        wrong(h, "the board stopped: %d", (int)stop);
}

static bool there(void *arg)
{
    struct hostile *h = arg;
    enum usbhost_state s = usbhost_state(h->host);
    return h->app || h->wrong[0] || s == UH_ADDRESSED || s == UH_CONFIGURED;
}

/* Waits until the device is addressed, or the application runs. */
static bool comes_back(struct hostile *h)
{
    uint64_t until = vboard_now(h->board) + ATTACH_MS * MS;
    while (!there(h) && vboard_now(h->board) < until)
        (void)vboard_run(h->board, until - vboard_now(h->board), there, h);
    if (!there(h))
        wrong(h, "not on the bus, and no application either");
    h->wire.address = h->host->address;
    return !h->wrong[0] && !h->app;
}

static void bus_reset(struct hostile *h)
{
    usbhost_bus_reset(h->host);
    h->configured = h->address_lost = false;
    model_bus_reset(&h->model);
    (void)comes_back(h);
}

/* Before an operation: the device may have left, be asleep, or in the default state. */
static bool is_ready(struct hostile *h)
{
    enum usbhost_state s = usbhost_state(h->host);
    if (h->app || h->wrong[0])
        return false;
    if (s == UH_DETACHED || s == UH_ATTACHED)
        return comes_back(h);
    if (h->address_lost)
        bus_reset(h);
    h->wire.address = h->host->address;
    return !h->app && !h->wrong[0];
}

/* ---- requests ---------------------------------------------------------------------------- */

/* Standard requests that the model has to hear of. */
static void standard_done(struct hostile *h, const uint8_t s[8], bool known)
{
    if (s[0] == 0x00 && s[1] == 9) {
        h->configured = s[2] != 0;
        model_bus_reset(&h->model);
    } else if (s[0] == 0x01 && s[1] == 11) {
        model_set_interface(&h->model);
    } else if (s[0] == 0x00 && s[1] == 5) {
        h->address_lost = !known;
    }
}

/* A standard request was given up: it was carried out, or was not. */
static void standard_abandoned(struct hostile *h, const uint8_t s[8])
{
    uint32_t before = h->model.states;
    bool active = h->model.active;
    if ((s[0] & 0x60) != 0)
        return;
    standard_done(h, s, false);
    h->model.states |= before;
    if (active && (s[1] == 9 || s[1] == 11))
        h->model.unsure = true;
}

static void answered(struct hostile *h, const struct op *op, bool accepted, const uint8_t *data,
                     uint32_t size)
{
    const char *what = model_answer(&h->model, op->setup, accepted, data, size);
    h->accepted += accepted;
    if (what && !h->app)
        wrong(h, "%s", what);
    if (accepted && (op->setup[0] & 0x60) == 0)
        standard_done(h, op->setup, op->fault == WIRE_NONE);
}

static void by_host(struct hostile *h, const struct op *op, uint8_t *data, uint32_t length)
{
    const uint8_t *s = op->setup;
    uint32_t n = 0;
    int status = usbhost_control(h->host, s[0], s[1], (uint16_t)(s[2] | s[3] << 8),
                                 (uint16_t)(s[4] | s[5] << 8), data, (uint16_t)length, &n);
    if (h->app || h->wrong[0])
        return;
    if (status == UH_OK || status == UH_STALL) {
        answered(h, op, status == UH_OK, data, n);
    } else if (status == UH_GONE && usbhost_state(h->host) != UH_ADDRESSED) {
        model_abandoned(&h->model, s, data, 0); /* events tell whether it may have left */
    } else if (status == UH_NO_ANSWER && (h->model.leaving || h->address_lost)) {
        model_abandoned(&h->model, s, data, 0);
        h->address_lost = true;
    } else {
        wrong(h, "the request ended with %d", status);
    }
}

static void by_wire(struct hostile *h, const struct op *op, uint8_t *data)
{
    const uint8_t *s = op->setup;
    h->faults[op->fault]++;
    if (op->fault == WIRE_SETUP_AGAIN) {
        model_abandoned(&h->model, s, data, 0);
        standard_abandoned(h, s);
    }
    struct wire_result r = wire_control(&h->wire, s, data, (enum wire_fault)op->fault, op->at);
    if (h->app || h->wrong[0])
        return;
    bool in = s[0] & 0x80, has_data = s[6] || s[7];
    bool stall_is_the_hosts = has_data && op->fault == (in ? WIRE_STATUS_DATA : WIRE_LONG);
    if (r.end == WIRE_DONE && (r.whole || !has_data)) {
        answered(h, op, true, data, r.size);
    } else if (r.end == WIRE_STALLED && !stall_is_the_hosts) {
        answered(h, op, false, data, r.size);
    } else if (r.end == WIRE_TIMED_OUT) {
        wrong(h, "NAK for more than %d ms", WIRE_LIMIT_MS);
    } else if (r.end == WIRE_SILENT && !h->model.leaving && !h->address_lost) {
        wrong(h, "no answer on the wire");
    } else {
        model_abandoned(&h->model, s, data, r.whole && op->fault != WIRE_LONG ? r.size : 0);
        standard_abandoned(h, s);
    }
}

static void do_request(struct hostile *h, const struct op *op)
{
    static uint8_t data[DATA_ROOM];
    uint32_t length = op->setup[6] | (uint32_t)op->setup[7] << 8;
    for (unsigned s = 0; s < MODEL_STATES; s++)
        if (h->model.states == MODEL_BIT(s))
            h->matrix[s][hostile_kind(op->setup)]++;
    h->requests++;
    if (!(op->setup[0] & 0x80))
        op_fill(op, data, length + 64);
    if (op->fault == WIRE_NONE)
        by_host(h, op, data, length);
    else
        by_wire(h, op, data);
}

static void poll(struct hostile *h)
{
    static const struct op get_status = {.kind = OP_REQUEST, .setup = {0xA1, 3, 0, 0, 0, 0, 6}};
    for (unsigned i = 0; i < 60 && is_ready(h); i++) {
        uint64_t before = h->accepted;
        do_request(h, &get_status);
        if (h->accepted == before ||
            !(h->model.states & (MODEL_BIT(MODEL_DNBUSY) | MODEL_BIT(MODEL_DNLOAD_SYNC))))
            return;
        spend(h, (1 + i) * MS);
    }
}

/* ---- operations -------------------------------------------------------------------------- */

static void replug(struct hostile *h)
{
    usbhost_plug(h->host, false);
    spend(h, 20 * MS);
    usbhost_plug(h->host, true);
    h->configured = h->address_lost = false;
    model_bus_reset(&h->model);
    (void)comes_back(h);
}

static void reset(struct hostile *h)
{
    h->reset_asked = h->torn = true;
    vboard_nrst(h->board, MS / 2);
    spend(h, 2 * MS);
    if (h->reset_asked)
        wrong(h, "NRST was low and there was no reset");
    (void)comes_back(h);
}

bool hostile_do(struct hostile *h, const struct op *op)
{
    if (!is_ready(h))
        return false;
    h->kinds[op->kind]++;
    h->wire.gap_ns = 4000 + hostile_random(&h->seed, 60000);
    switch (op->kind) {
    case OP_REQUEST: do_request(h, op); break;
    case OP_POLL: poll(h); break;
    case OP_BUS_RESET: bus_reset(h); break;
    case OP_SUSPEND:
        usbhost_suspend(h->host, true);
        spend(h, op->ms * MS);
        usbhost_suspend(h->host, false);
        spend(h, 40 * MS);
        break;
    case OP_SILENCE: spend(h, op->ms * MS); break;
    case OP_REPLUG: replug(h); break;
    default: reset(h); break;
    }
    return !h->app && !h->wrong[0];
}

/* ---- in the end -------------------------------------------------------------------------- */

bool hostile_recovers(struct hostile *h)
{
    uint8_t data[6];
    uint32_t n = 0;
    for (unsigned tries = 0; tries < 3 && is_ready(h); tries++) {
        const struct op op = {.kind = OP_REQUEST, .setup = {0xA1, 3, 0, 0, 0, 0, 6}};
        uint64_t since = vboard_now(h->board);
        int status = usbhost_control(h->host, 0xA1, 3, 0, 0, data, 6, &n);
        if (h->app || h->wrong[0])
            break;
        if (status == UH_OK && n == 6) {
            answered(h, &op, true, data, n);
            if (vboard_now(h->board) - since > ANSWER_MS * MS)
                wrong(h, "GETSTATUS was answered after more than %d ms", ANSWER_MS);
            return !h->wrong[0];
        }
        if (status != UH_GONE && !h->model.leaving)
            bus_reset(h);
    }
    if (!h->app)
        wrong(h, "GETSTATUS is not answered any more");
    return h->app && !h->wrong[0];
}

static bool read_string(struct hostile *h, unsigned index, char text[128])
{
    uint8_t d[255];
    uint32_t n = 0;
    int status = usbhost_control(h->host, 0x80, 6, (uint16_t)(0x300 | index), 0x0409, d, sizeof d, &n);
    if (status != UH_OK || n < 2) {
        (void)snprintf(text, 128, "none: %d", status);
        return false;
    }
    for (uint32_t i = 0; i < (n - 2) / 2; i++)
        text[i] = (char)d[2 + 2 * i];
    text[(n - 2) / 2] = 0;
    return true;
}

static bool is_sentence(const char *text)
{
    for (unsigned m = 0; m < MESSAGE_COUNT; m++)
        if (strcmp(message_sentence((enum message)m), text) == 0)
            return true;
    return false;
}

static bool is_product(const char *text)
{
    const char *few = strstr(text, ": ");
    for (unsigned m = 0; few && m <= MESSAGE_HEX_FILE; m++)
        if (strcmp(few_words((enum message)m), few + 2) == 0)
            return strncmp(text, "sureboot ", 9) == 0;
    return false;
}

bool hostile_speaks(struct hostile *h)
{
    char text[128] = "";
    uint8_t status[6] = {0};
    uint32_t n;
    if (!is_ready(h))
        return false;
    bool ok = read_string(h, 2, text);
    if (h->app || (!ok && h->model.leaving))
        return !h->wrong[0];
    if (!ok || !is_product(text))
        wrong(h, "the product string is '%s'", text);
    const struct op op = {.kind = OP_REQUEST, .setup = {0xA1, 3, 0, 0, 0, 0, 6}};
    if (usbhost_control(h->host, 0xA1, 3, 0, 0, status, 6, &n) == UH_OK && !h->app) {
        answered(h, &op, true, status, n);
        if (!status[0] != !status[5])
            wrong(h, "status %u has the string %u", status[0], status[5]);
        else if (status[5] &&
                 ((!read_string(h, status[5], text) && !h->model.leaving) || (!h->app && !is_sentence(text))))
            wrong(h, "the status string %u is '%s'", status[5], text);
    }
    return !h->wrong[0];
}

bool hostile_settles(struct hostile *h)
{
    if (h->model.leaving)
        spend(h, 1500 * MS);
    return is_ready(h);
}

bool hostile_restarts(struct hostile *h)
{
    char text[128] = "";
    if (!is_ready(h))
        return h->app && !h->wrong[0];
    reset(h);
    if (h->app || h->wrong[0])
        return !h->wrong[0];
    h->refused_starts++;
    if (!read_string(h, 2, text) || !is_product(text) || strstr(text, ": ready"))
        wrong(h, "after a reset in DFU, but the product string is '%s'", text);
    return !h->wrong[0];
}
