/* The DFU state machine: a table of what each request does in each state, and the actions. */
#include "boot/core/dfu.h"
#include <string.h>

enum { LEAVE_FALLBACK_MS = 1000, LEAVE_DFUSE_MS = 3, LEAVE_PLAIN_MS = 500 };

/* ---- the table --------------------------------------------------------------------------- */

enum action {
    REFUSE, /* STALL, and DFU_ERROR */
    IGNORE, /* STALL, nothing changes */
    DNLOAD,
    LEAVE,
    UPLOAD,
    STATUS,
    CLEAR,
    STATE,
    ABORT
};

enum {
    ON_DETACH,
    ON_DNLOAD,
    ON_LEAVE,
    ON_UPLOAD,
    ON_GETSTATUS,
    ON_CLRSTATUS,
    ON_GETSTATE,
    ON_ABORT,
    ON_OTHER,
    ONS
};

/* USB DFU 1.1 annex A.2, DFU mode; a zero-length DNLOAD is a leave in dfuIDLE too (AN3156), and GETSTATUS
 * is answered in dfuDNBUSY. On the way out (MANIFEST) nothing can be changed any more. */
static const uint8_t table[DFU_ERROR + 1][ONS] = {
    /* clang-format off */
    /*                    DETACH  DNLOAD  LEAVE   UPLOAD  GETST.  CLRST.  STATE  ABORT   OTHER */
    [DFU_IDLE]          = {REFUSE, DNLOAD, LEAVE,  UPLOAD, STATUS, REFUSE, STATE, ABORT,  REFUSE},
    [DFU_DNLOAD_SYNC]   = {REFUSE, REFUSE, REFUSE, REFUSE, STATUS, REFUSE, STATE, REFUSE, REFUSE},
    [DFU_DNBUSY]        = {REFUSE, REFUSE, REFUSE, REFUSE, STATUS, REFUSE, STATE, REFUSE, REFUSE},
    [DFU_DNLOAD_IDLE]   = {REFUSE, DNLOAD, LEAVE,  REFUSE, STATUS, REFUSE, STATE, ABORT,  REFUSE},
    [DFU_MANIFEST_SYNC] = {IGNORE, IGNORE, IGNORE, IGNORE, STATUS, IGNORE, STATE, IGNORE, IGNORE},
    [DFU_MANIFEST]      = {IGNORE, IGNORE, IGNORE, IGNORE, STATUS, IGNORE, STATE, IGNORE, IGNORE},
    [DFU_UPLOAD_IDLE]   = {REFUSE, REFUSE, REFUSE, UPLOAD, STATUS, REFUSE, STATE, ABORT,  REFUSE},
    [DFU_ERROR]         = {IGNORE, IGNORE, IGNORE, IGNORE, STATUS, CLEAR,  STATE, IGNORE, IGNORE},
    /* clang-format on */
};

static unsigned kind_of(const struct usb_setup *setup)
{
    static const struct {
        uint8_t type, on;
    } kinds[] = {
        [DFU_REQ_DETACH] = {0x21, ON_DETACH},       [DFU_REQ_DNLOAD] = {0x21, ON_DNLOAD},
        [DFU_REQ_UPLOAD] = {0xA1, ON_UPLOAD},       [DFU_REQ_GETSTATUS] = {0xA1, ON_GETSTATUS},
        [DFU_REQ_CLRSTATUS] = {0x21, ON_CLRSTATUS}, [DFU_REQ_GETSTATE] = {0xA1, ON_GETSTATE},
        [DFU_REQ_ABORT] = {0x21, ON_ABORT},
    };
    unsigned r = setup->bRequest;
    if (r >= sizeof kinds / sizeof *kinds || kinds[r].type != setup->bmRequestType)
        return ON_OTHER;
    if (kinds[r].on == ON_DNLOAD)
        return setup->wLength ? ON_DNLOAD : ON_LEAVE;
    return kinds[r].type == 0x21 && setup->wLength ? ON_OTHER : kinds[r].on;
}

/* ---- actions ----------------------------------------------------------------------------- */

static enum dfu_answer refuse(struct dfu *d, enum message why)
{
    session_fail(&d->session);
    d->state = DFU_ERROR;
    d->message = d->last = (uint8_t)why;
    d->draining = d->leaving = d->left = false;
    return DFU_STALL;
}

/* An error that the writer has met since the last request. */
static bool writer_failed(struct dfu *d)
{
    enum message m = d->session.writer.error;
    if (m == MESSAGE_READY)
        return false;
    refuse(d, m == MESSAGE_EMPTY ? MESSAGE_BLANK_FILE : m);
    return true;
}

/* True if the request has to wait for the writer. Waiting too long is an error. */
static bool hold(struct dfu *d)
{
    if (!writer_busy(&d->session.writer) && d->session.rx_at == d->session.rx_size) {
        d->held = false;
        return false;
    }
    if (!d->held) {
        d->held = true;
        d->held_since = port_ms();
    }
    if (port_ms() - d->held_since < DFU_HOLD_MS)
        return true;
    d->held = false;
    refuse(d, MESSAGE_TIMEOUT);
    return false;
}

static enum dfu_answer on_dnload(struct dfu *d, uint16_t length)
{
    struct session *s = &d->session;
    if (writer_failed(d))
        return DFU_STALL;
    if (length > DFU_TRANSFER_SIZE)
        return refuse(d, MESSAGE_BLOCK);
    if ((d->draining || s->rx_at < s->rx_size) && hold(d))
        return DFU_HOLD;
    if (d->state == DFU_ERROR)
        return DFU_STALL;
    d->draining = d->leaving = d->left = false;
    d->data = s->rx;
    d->size = sizeof s->rx;
    return DFU_ACK;
}

enum dfu_answer dfu_data(struct dfu *d, const struct usb_setup *setup, uint16_t size)
{
    d->session.rx_size = size;
    d->session.rx_at = size;
    enum message m = size ? session_block(&d->session, setup->wValue) : MESSAGE_BLOCK;
    if (m != MESSAGE_READY)
        refuse(d, m); /* told by the next GETSTATUS */
    else
        d->state = DFU_DNLOAD_SYNC;
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
    d->state = abort ? DFU_IDLE : DFU_MANIFEST_SYNC;
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
    if (d->state != DFU_ERROR)
        writer_failed(d);
    switch (d->state) {
    case DFU_DNLOAD_SYNC: /* hosts of DfuSe take anything but dfuDNBUSY here as a failure (AN3156) */
        d->state = DFU_DNBUSY;
        poll = session_wait_ms(s);
        break;
    case DFU_DNBUSY:
        poll = session_wait_ms(s);
        if (session_ready(s))
            d->state = DFU_DNLOAD_IDLE;
        break;
    case DFU_DNLOAD_IDLE: s->straight = false; break;
    case DFU_MANIFEST_SYNC:
        d->state = s->plain ? DFU_IDLE : DFU_MANIFEST;
        d->left = true;
        break;
    default: break;
    }
    enum message m = d->state == DFU_ERROR ? d->message : session_verdict(&d->session);
    d->reply[0] = d->state == DFU_ERROR ? (uint8_t)message_status(m) : DFU_STATUS_OK;
    d->reply[1] = (uint8_t)poll;
    d->reply[2] = (uint8_t)(poll >> 8);
    d->reply[3] = 0;
    d->reply[4] = d->state;
    d->reply[5] = (uint8_t)DFU_STRING(m);
    d->data = d->reply;
    d->size = sizeof d->reply;
    return DFU_ACK;
}

/* Fills rx from the slot. */
static enum message read_slot(struct session *s, uint32_t addr, uint16_t size)
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
    uint16_t length = setup->wLength, number = setup->wValue;

    if (length == 0 || length > DFU_TRANSFER_SIZE)
        return refuse(d, MESSAGE_BLOCK);
    if (hold(d))
        return DFU_HOLD;
    if (writer_failed(d) || d->state == DFU_ERROR)
        return DFU_STALL;
    d->draining = false;
    if (d->state != DFU_UPLOAD_IDLE) {
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
        d->state = DFU_IDLE;
        return DFU_ACK;
    } else if (number == 1) {
        return refuse(d, MESSAGE_BLOCK);
    } else {
        addr = session_address(s, number, d->upload_stride);
    }

    if (addr >= DFU_REPORT_ADDR && addr <= DFU_REPORT_ADDR + DFU_REPORT_SIZE) {
        const char *text = d->report ? d->report() : "";
        size_t all = strlen(text), at = addr - DFU_REPORT_ADDR;
        at = at < all ? at : all;
        d->data = (const uint8_t *)text + at;
        d->size = (uint16_t)(all - at < length ? all - at : length);
    } else if (addr >= SLOT_ADDR && addr <= SLOT_END) {
        d->size = (uint16_t)(addr >= end ? 0 : end - addr < length ? end - addr : length);
        enum message m = read_slot(s, addr, d->size);
        if (m != MESSAGE_READY)
            return refuse(d, m);
        d->data = s->rx;
    } else {
        return refuse(d, MESSAGE_ADDRESS);
    }
    d->state = d->size >= length ? DFU_UPLOAD_IDLE : DFU_IDLE;
    return DFU_ACK;
}

/* ---- what goes in ------------------------------------------------------------------------ */

void dfu_init(struct dfu *d, const struct ledger *l, enum message verdict)
{
    memset(d, 0, sizeof *d);
    session_init(&d->session, l, verdict);
    d->state = DFU_IDLE;
}

enum dfu_answer dfu_setup(struct dfu *d, const struct usb_setup *setup)
{
    d->held = false;
    return dfu_again(d, setup);
}

enum dfu_answer dfu_again(struct dfu *d, const struct usb_setup *setup)
{
    unsigned on = kind_of(setup);
    d->size = 0;
    if (d->leaving && d->left)
        d->leave_at = port_ms() + LEAVE_PLAIN_MS; /* plain DFU: the host is still there */
    if (d->session.suspended && on != ON_DNLOAD)
        session_end(&d->session);

    switch (table[d->state][on]) {
    case DNLOAD: return on_dnload(d, setup->wLength);
    case LEAVE: return on_close(d, false);
    case ABORT: return on_close(d, true);
    case UPLOAD: return on_upload(d, setup);
    case STATUS: return on_status(d);
    case STATE:
        if (d->state == DFU_DNLOAD_IDLE)
            d->session.straight = false;
        d->data = &d->state;
        d->size = 1;
        return DFU_ACK;
    case CLEAR: d->state = DFU_IDLE; return DFU_ACK;
    case REFUSE: return refuse(d, MESSAGE_REQUEST);
    default: return DFU_STALL;
    }
}

void dfu_done(struct dfu *d)
{
    if (d->left)
        d->leave_at = port_ms() + (d->state == DFU_MANIFEST ? LEAVE_DFUSE_MS : LEAVE_PLAIN_MS);
}

void dfu_event(struct dfu *d, enum dfu_event event)
{
    struct session *s = &d->session;
    d->held = false;
    if (event == DFU_INTERFACE_SET) {
        /* Between the elements of one file the host sets the interface again and goes on with a
         * DNLOAD; a new host asks for the status first. */
        bool whole = s->active && !s->plain && s->rx_at == s->rx_size &&
                     (d->state == DFU_DNLOAD_IDLE || d->state == DFU_IDLE);
        if (!whole)
            session_end(s);
        s->suspended = whole;
        if (d->state == DFU_ERROR)
            return; /* a new host shall see it */
    } else {
        session_end(s);
    }
    if (d->state != DFU_MANIFEST_SYNC && d->state != DFU_MANIFEST) /* on the way out it stays there */
        d->state = DFU_IDLE;
    s->stride = 0;
}

bool dfu_leave_due(const struct dfu *d)
{
    const struct writer *w = &d->session.writer;
    return d->leaving && !writer_busy(w) && w->error == MESSAGE_READY &&
           (int32_t)(port_ms() - d->leave_at) >= 0;
}
