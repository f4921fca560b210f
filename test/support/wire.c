/* Control transfers packet by packet. */
#include "wire.h"
#include "chip/usbfs.h"
#include "vboard.h"
#include <string.h>

enum { PACKET = 64, GAP_NAK = 50000 };

static void pass(const struct wire *w, uint64_t ns)
{
    (void)vboard_run(w->board, ns, NULL, NULL);
}

/* A transaction takes as long as its bits at 12 Mbit/s: 13 bytes of tokens, handshakes and gaps (USB 2.0,
 * table 5-4), and data. */
static void transaction(const struct wire *w, size_t size)
{
    pass(w, (13 + size) * 8 * 1000 / 12);
}

/* One packet, as often as it is NAKed. */
static int send(const struct wire *w, unsigned toggle, const uint8_t *data, uint32_t size)
{
    uint64_t until = vboard_now(w->board) + WIRE_LIMIT_MS * 1000000ull;
    for (;;) {
        transaction(w, size);
        int a = usbhost_token_out(w->host, w->address, 0, toggle, data, size, false).answer;
        if (a != USB_NAK || vboard_now(w->board) > until)
            return a;
        pass(w, GAP_NAK);
    }
}

static struct usbhost_raw fetch(const struct wire *w, bool ack)
{
    uint64_t until = vboard_now(w->board) + WIRE_LIMIT_MS * 1000000ull;
    for (;;) {
        transaction(w, PACKET);
        struct usbhost_raw r = usbhost_token_in(w->host, w->address, 0, ack);
        if (r.answer != USB_NAK || vboard_now(w->board) > until)
            return r;
        pass(w, GAP_NAK);
    }
}

static bool set_up(const struct wire *w, const uint8_t setup[8])
{
    for (unsigned tries = 0; tries < 20; tries++) {
        transaction(w, 8);
        if (usbhost_token_setup(w->host, w->address, 0, setup).answer == USB_ACK)
            return true;
        pass(w, GAP_NAK);
    }
    return false;
}

static enum wire_end ended(int answer)
{
    return answer == USB_STALL ? WIRE_STALLED : answer == USB_NAK ? WIRE_TIMED_OUT : WIRE_SILENT;
}

static void disturb(const struct wire *w, enum wire_fault fault, bool in, unsigned toggle,
                    const uint8_t *packet, uint32_t size)
{
    transaction(w, size);
    switch (fault) {
    case WIRE_TOGGLE:
        if (!in)
            (void)usbhost_token_out(w->host, w->address, 0, !toggle, packet, size, false);
        break;
    case WIRE_DAMAGED:
        if (!in)
            (void)usbhost_token_out(w->host, w->address, 0, toggle, packet, size, true);
        break;
    case WIRE_OTHER_WAY:
        if (in)
            (void)usbhost_token_out(w->host, w->address, 0, toggle, packet, 5, true);
        else
            (void)usbhost_token_in(w->host, w->address, 0, false);
        break;
    case WIRE_REPEAT:
        if (in)
            (void)fetch(w, false); /* our handshake was lost */
        break;
    default: return;
    }
    pass(w, w->gap_ns);
}

/* The data stage. WIRE_DONE: go on with the status stage. */
static enum wire_end out_data(const struct wire *w, struct wire_result *r, const uint8_t *data,
                              uint32_t length, enum wire_fault fault, unsigned at)
{
    unsigned toggle = 1;
    uint32_t all = fault == WIRE_LONG ? length + 1 + at % PACKET : length;
    if (fault == WIRE_SHORT && length > 0)
        all = length * (at % 8) / 8 / PACKET * PACKET + at % PACKET;
    if (all > length && fault != WIRE_LONG)
        all = length - 1;
    for (unsigned n = 0; !r->whole; n++) {
        uint32_t size = all - r->size < PACKET ? all - r->size : PACKET;
        if (fault == WIRE_STOP_DATA && n == at)
            return WIRE_GIVEN_UP;
        if (n == at)
            disturb(w, fault, false, toggle, data + r->size, size);
        int a = send(w, toggle, data + r->size, size);
        if (a != USB_ACK)
            return ended(a);
        pass(w, w->gap_ns);
        if (n == at && fault == WIRE_REPEAT && send(w, toggle, data + r->size, size) == USB_STALL)
            return WIRE_STALLED;
        toggle ^= 1;
        r->size += size;
        r->whole = r->size >= length || size < PACKET;
    }
    return WIRE_DONE;
}

static enum wire_end in_data(const struct wire *w, struct wire_result *r, uint8_t *data, uint32_t length,
                             enum wire_fault fault, unsigned at)
{
    for (unsigned n = 0; !r->whole; n++) {
        if (fault == WIRE_STOP_DATA && n == at)
            return WIRE_GIVEN_UP;
        if (fault == WIRE_STATUS_EARLY && n == at)
            return WIRE_DONE;
        if (n == at)
            disturb(w, fault, true, 1, data, 5);
        struct usbhost_raw got = fetch(w, true);
        if (got.answer != USB_DATA0 && got.answer != USB_DATA1)
            return ended(got.answer);
        uint32_t room = length - r->size, size = (uint32_t)got.size < room ? (uint32_t)got.size : room;
        memcpy(data + r->size, got.data, size);
        r->size += size;
        r->whole = r->size >= length || got.size < PACKET;
        pass(w, w->gap_ns);
    }
    return WIRE_DONE;
}

struct wire_result wire_control(const struct wire *w, const uint8_t setup[8], uint8_t *data,
                                enum wire_fault fault, unsigned at)
{
    struct wire_result r = {.end = WIRE_SILENT};
    bool in = setup[0] & 0x80;
    uint32_t length = setup[6] | (uint32_t)setup[7] << 8;
    bool again = fault == WIRE_SETUP_AGAIN;

    for (;;) {
        r.size = 0;
        r.whole = false;
        if (!set_up(w, setup))
            return r;
        pass(w, w->gap_ns);
        r.end = WIRE_GIVEN_UP;
        if (fault == WIRE_STOP_SETUP)
            return r;
        r.end = WIRE_DONE;
        if (length > 0 && !in)
            r.end = out_data(w, &r, data, length, again ? WIRE_STOP_DATA : fault, at);
        else if (length > 0)
            r.end = in_data(w, &r, data, length, again ? WIRE_STOP_DATA : fault, at);
        if (!again || r.end == WIRE_STALLED || r.whole)
            break;
        again = false;
        fault = WIRE_NONE;
    }
    if (r.end != WIRE_DONE)
        return r;
    if (fault == WIRE_NO_STATUS) {
        r.end = WIRE_GIVEN_UP;
        return r;
    }
    if (in && length > 0) {
        int a = send(w, 1, data, fault == WIRE_STATUS_DATA ? 7 : 0);
        r.end = a == USB_ACK ? WIRE_DONE : ended(a);
    } else {
        if (fault == WIRE_STATUS_REPEAT)
            (void)fetch(w, false);
        struct usbhost_raw got = fetch(w, true);
        r.end = got.answer == USB_DATA1 && got.size == 0 ? WIRE_DONE : ended(got.answer);
    }
    pass(w, w->gap_ns);
    return r;
}

const char *wire_fault_name(unsigned fault)
{
    static const char *const names[WIRE_FAULTS] = {
        "",
        "given up after SETUP",
        "given up in the data",
        "no status stage",
        "SETUP within the data",
        "too long",
        "too short",
        "wrong toggle",
        "repeated packet",
        "CRC error",
        "early status",
        "data in the status stage",
        "tokens the other way",
        "repeated status",
    };
    return fault < WIRE_FAULTS ? names[fault] : "?";
}
