/* The DFU state machine: a table of what each request does in each state, and the actions. */
#include "boot/core/dfu.h"
#include <string.h>

enum { LEAVE_FALLBACK_MS = 1000, LEAVE_DFUSE_MS = 3, LEAVE_PLAIN_MS = 500 };

/* ---- the table --------------------------------------------------------------------------- */

/* What a request is: bRequest for the first seven. */
enum {
    ON_DNLOAD = DFU_REQ_DNLOAD,
    ON_UPLOAD = DFU_REQ_UPLOAD,
    ON_GETSTATUS = DFU_REQ_GETSTATUS,
    ON_CLRSTATUS = DFU_REQ_CLRSTATUS,
    ON_GETSTATE = DFU_REQ_GETSTATE,
    ON_ABORT = DFU_REQ_ABORT,
    ON_LEAVE, /* DNLOAD without data */
    ON_OTHER,
    ONS
};

/* In which states a request is carried out: USB DFU 1.1 annex A.2, DFU mode; a zero-length DNLOAD is a leave
 * in dfuIDLE too (AN3156), and GETSTATUS is answered in dfuDNBUSY. */
#define IN(state) (1u << (DFU_##state))
static const uint16_t table[ONS] = {
    [ON_DNLOAD] = IN(IDLE) | IN(DNLOAD_IDLE),
    [ON_LEAVE] = IN(IDLE) | IN(DNLOAD_IDLE),
    [ON_UPLOAD] = IN(IDLE) | IN(UPLOAD_IDLE),
    [ON_GETSTATUS] = 0xFFFF,
    [ON_CLRSTATUS] = IN(ERROR),
    [ON_GETSTATE] = 0xFFFF,
    [ON_ABORT] = IN(IDLE) | IN(DNLOAD_IDLE) | IN(UPLOAD_IDLE),
};
/* Elsewhere it is refused, and makes dfuERROR of the state unless that is it already, or the way out, on
 * which nothing can be changed any more. */
enum { STAYS = IN(ERROR) | IN(MANIFEST_SYNC) | IN(MANIFEST) };

static unsigned kind_of(const struct usb_setup *setup)
{
    const unsigned in = 1u << DFU_REQ_UPLOAD | 1u << DFU_REQ_GETSTATUS | 1u << DFU_REQ_GETSTATE;
    unsigned r = setup->bRequest;
    bool sends = in >> (r & 31) & 1;
    if (r > DFU_REQ_ABORT || setup->bmRequestType != (sends ? 0xA1 : 0x21))
        return ON_OTHER;
    if (r == ON_DNLOAD)
        return setup->wLength ? ON_DNLOAD : ON_LEAVE;
    return sends || !setup->wLength ? r : ON_OTHER;
}

/* A leave was accepted and its status given. */
static bool has_left(const struct dfu *d)
{
    return d->leaving && d->reply.state != DFU_MANIFEST_SYNC;
}

/* ---- actions ----------------------------------------------------------------------------- */

static enum dfu_answer refuse(struct dfu *d, enum message why)
{
    session_fail(&d->session);
    d->reply.state = DFU_ERROR;
    d->session.why = (int)(why == MESSAGE_EMPTY ? MESSAGE_BLANK_FILE : why);
    d->draining = d->leaving = false;
    return DFU_STALL;
}

/* An error that the writer has met since the last request. */
static bool writer_failed(struct dfu *d)
{
    enum message m = d->session.writer.error;
    if (m == MESSAGE_READY)
        return false;
    refuse(d, m);
    return true;
}

/* True if the request has to wait for the writer. Waiting too long is an error. Where this is asked, no block
 * waits for the writer itself: as long as one does the state is dfuDNLOAD-SYNC or dfuDNBUSY. */
static bool hold(struct dfu *d)
{
    if (!writer_busy(&d->session.writer))
        return false;
    if (port_ms() - d->since < DFU_HOLD_MS)
        return true;
    refuse(d, MESSAGE_TIMEOUT);
    return false;
}

/* For what begins only when the writer has nothing to do (`wait`), and when it has not failed. */
static enum dfu_answer ready(struct dfu *d, bool wait)
{
    if (wait && hold(d))
        return DFU_HOLD;
    return writer_failed(d) || d->reply.state == DFU_ERROR ? DFU_STALL : DFU_ACK;
}

static enum dfu_answer on_dnload(struct dfu *d, uint32_t length)
{
    struct session *s = &d->session;
    enum dfu_answer a = ready(d, d->draining);
    if (a != DFU_ACK)
        return a;
    if (length > DFU_TRANSFER_SIZE)
        return refuse(d, MESSAGE_BLOCK);
    d->draining = d->leaving = false;
    d->data = s->rx;
    d->size = sizeof s->rx;
    return DFU_ACK;
}

enum dfu_answer dfu_data(struct dfu *d, const struct usb_setup *setup, uint32_t size)
{
    enum message m = size ? session_block(&d->session, setup->wValue, size) : MESSAGE_BLOCK;
    if (m != MESSAGE_READY)
        refuse(d, m); /* told by the next GETSTATUS */
    else
        d->reply.state = DFU_DNLOAD_SYNC;
    return DFU_ACK;
}

static enum dfu_answer on_close(struct dfu *d, bool abort)
{
    if (writer_failed(d))
        return DFU_STALL;
    enum message m = session_close(&d->session, abort);
    if (m != MESSAGE_READY) {
        refuse(d, m);
        return abort ? DFU_ACK : DFU_STALL;
    }
    d->session.stride = 0;
    d->draining = true;
    d->leaving = !abort;
    d->reply.state = abort ? DFU_IDLE : DFU_MANIFEST_SYNC;
    d->leave_at = port_ms() + LEAVE_FALLBACK_MS; /* for hosts that never ask what came of it */
    return DFU_ACK;
}

static enum dfu_answer on_status(struct dfu *d)
{
    struct session *s = &d->session;
    uint32_t poll = 0;

    if (d->draining && hold(d))
        return DFU_HOLD;
    d->draining = false;
    if (d->reply.state != DFU_ERROR)
        writer_failed(d);
    switch (d->reply.state) {
    case DFU_DNLOAD_SYNC: /* hosts of DfuSe take anything but dfuDNBUSY here as a failure (AN3156) */
        d->reply.state = DFU_DNBUSY;
        poll = session_wait_ms(s);
        break;
    case DFU_DNBUSY: /* hosts made for ST's ROM ask just once more: it answers when it is done */
        if (!session_ready(s) && port_ms() - d->since < DFU_HOLD_MS)
            return DFU_HOLD;
        poll = session_wait_ms(s);
        if (session_ready(s))
            d->reply.state = DFU_DNLOAD_IDLE;
        break;
    case DFU_DNLOAD_IDLE: s->straight = false; break;
    case DFU_MANIFEST_SYNC: d->reply.state = s->plain ? DFU_IDLE : DFU_MANIFEST; break;
    default: break;
    }
    d->reply.status_and_poll = poll << 8;
    d->reply.string = 0;
    if (d->reply.state == DFU_ERROR) {
        d->reply.status_and_poll = message_status((enum message)s->why);
        d->reply.string = (uint8_t)DFU_STRING(s->why);
    }
    d->data = (const uint8_t *)&d->reply;
    d->size = DFU_STATUS_SIZE;
    return DFU_ACK;
}

/* Fills rx from the slot. */
static enum message read_slot(struct session *s, uint32_t addr, uint32_t size)
{
    if (!port_flash_read(addr, s->rx, size, NULL))
        return MESSAGE_UNREADABLE;
    for (uint32_t i = 0; i < size; i++)
        if (writer_is_marked(&s->writer, addr + i))
            s->rx[i] = 0xFF;
    return MESSAGE_READY;
}

static enum dfu_answer on_upload(struct dfu *d, const struct usb_setup *setup)
{
    static const uint8_t commands[] = {DFUSE_GET, DFUSE_SET_ADDRESS, DFUSE_ERASE};
    struct session *s = &d->session;
    uint32_t length = setup->wLength, number = setup->wValue;

    enum dfu_answer a = ready(d, true);
    if (a != DFU_ACK)
        return a;
    if (length == 0 || length > DFU_TRANSFER_SIZE)
        return refuse(d, MESSAGE_BLOCK);
    d->draining = false;
    if (d->reply.state != DFU_UPLOAD_IDLE) {
        d->upload_stride = length;
        d->upload_block = 0;
    }

    uint32_t addr, end = SLOT_END;
    if (BOOT_DFU11 && !s->pointer_set) {
        if (number != d->upload_block)
            return refuse(d, MESSAGE_BLOCK);
        const struct ledger_record *r = &s->writer.ledger.newest;
        if (ledger_is_seal(r))
            end = SLOT_ADDR + r->length;
        addr = SLOT_ADDR + (uint32_t)number * d->upload_stride;
        d->upload_block++;
    } else if (number == 0) {
        d->data = commands;
        d->size = sizeof commands;
        d->reply.state = DFU_IDLE;
        return DFU_ACK;
    } else if (number == 1) {
        return refuse(d, MESSAGE_BLOCK);
    } else {
        addr = session_address(s, number, d->upload_stride);
    }

    if (addr >= DFU_REPORT_ADDR && addr <= DFU_REPORT_ADDR + DFU_REPORT_SIZE) {
        const char *text = dfu_report();
        uint32_t all = (uint32_t)strlen(text), at = addr - DFU_REPORT_ADDR;
        at = at < all ? at : all;
        d->data = (const uint8_t *)text + at;
        d->size = all - at < length ? all - at : length;
    } else if (addr >= FLASH_ADDR && addr <= SLOT_END) {
        d->size = addr >= end ? 0 : end - addr < length ? end - addr : length;
        enum message m = read_slot(s, addr, d->size);
        if (m != MESSAGE_READY)
            return refuse(d, m);
        d->data = s->rx;
    } else {
        return refuse(d, MESSAGE_ADDRESS);
    }
    d->reply.state = d->size >= length ? DFU_UPLOAD_IDLE : DFU_IDLE;
    return DFU_ACK;
}

/* ---- what goes in ------------------------------------------------------------------------ */

void dfu_init(struct dfu *d, const struct ledger *l, enum message verdict)
{
    session_init(&d->session, l, verdict);
    d->reply.state = DFU_IDLE;
}

enum dfu_answer dfu_setup(struct dfu *d, const struct usb_setup *setup)
{
    d->since = port_ms();
    return dfu_again(d, setup);
}

enum dfu_answer dfu_again(struct dfu *d, const struct usb_setup *setup)
{
    unsigned on = kind_of(setup);
    if (has_left(d))
        d->leave_at = port_ms() + LEAVE_PLAIN_MS; /* plain DFU: the host is still there */
    if (d->session.suspended && on != ON_DNLOAD)
        session_end(&d->session);

    if (!(table[on] >> d->reply.state & 1))
        return STAYS >> d->reply.state & 1 ? DFU_STALL : refuse(d, MESSAGE_REQUEST);
    switch (on) {
    case ON_DNLOAD: return on_dnload(d, setup->wLength);
    case ON_UPLOAD: return on_upload(d, setup);
    case ON_GETSTATUS: return on_status(d);
    case ON_GETSTATE:
        if (d->reply.state == DFU_DNLOAD_IDLE)
            d->session.straight = false;
        d->data = &d->reply.state;
        d->size = 1;
        return DFU_ACK;
    case ON_CLRSTATUS: d->reply.state = DFU_IDLE; return DFU_ACK;
    default: return on_close(d, on == ON_ABORT);
    }
}

void dfu_done(struct dfu *d)
{
    if (has_left(d))
        d->leave_at = port_ms() + (d->reply.state == DFU_MANIFEST ? LEAVE_DFUSE_MS : LEAVE_PLAIN_MS);
}

void dfu_event(struct dfu *d, enum dfu_event event)
{
    struct session *s = &d->session;
    if (event == DFU_INTERFACE_SET) {
        if (BOOT_DFU11)
            s->pointer_set = false; /* of another host, or set again */
        /* Between the elements of one file the host sets the interface again and goes on with a
         * DNLOAD; a new host asks for the status first. */
        bool whole =
            s->active && !s->plain && (d->reply.state == DFU_DNLOAD_IDLE || d->reply.state == DFU_IDLE);
        if (!whole)
            session_end(s);
        s->suspended = whole;
        if (d->reply.state == DFU_ERROR)
            return; /* a new host shall see it */
    } else {
        session_end(s);
    }
    if (d->reply.state != DFU_MANIFEST_SYNC &&
        d->reply.state != DFU_MANIFEST) /* on the way out it stays there */
        d->reply.state = DFU_IDLE;
    s->stride = 0;
}

bool dfu_leave_due(const struct dfu *d)
{
    const struct writer *w = &d->session.writer;
    return d->leaving && !writer_busy(w) && w->error == MESSAGE_READY &&
           (int32_t)(port_ms() - d->leave_at) >= 0;
}
