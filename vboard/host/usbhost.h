/* The in-process USB host: a full-speed host controller with one port, in the board's virtual time.
 * It sends SOF every millisecond while it is on, runs transactions inside frames, retries NAKed
 * ones, and keeps data toggles. Both front ends use it: tests and vdfu directly, USB/IP through
 * submitted transfers.
 *
 * Frames: isochronous packets come first, right behind the SOF, and each takes as long as its size may. Then
 * there are `per_frame` slots, evenly spread, less those that are over by then; each holds one transaction of
 * up to wMaxPacketSize bytes, also one that is NAKed or not answered. Interrupt endpoints come first, at
 * their bInterval; control and bulk endpoints take turns. A transfer starts in the next free slot, in the
 * frame in which the last one ended; an isochronous one in the next frame.
 *
 * The host learns packet sizes, types and intervals from descriptors that pass by, and restarts toggles at
 * SET_CONFIGURATION, SET_INTERFACE and CLEAR_FEATURE(ENDPOINT_HALT), whoever sends these. An endpoint that it
 * has no descriptor of counts as bulk with 64 bytes.
 *
 * Snapshots: the host is part of the board's (vboard_save), in the middle of a transfer too. A transfer that
 * is pending then belongs to its caller, who has to have it and its data in place, unchanged, when the
 * snapshot is restored; board_keep (board.h) does that. Synchronous calls need no care, but a restore inside
 * of `done` or of an event listener is not possible. */
#ifndef VBOARD_HOST_USBHOST_H
#define VBOARD_HOST_USBHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vboard;
struct usbhost;

struct usbhost_config {
    unsigned per_frame; /* transactions in a 1 ms frame, 1..19; 0: 10 */
    uint64_t settle_ns; /* from pull-up to the first bus reset; 0: 100 ms */
    uint64_t reset_ns;  /* length of a bus reset; 0: 10 ms */
    bool enumerate;     /* on attach: bus reset, read device descriptor, SET_ADDRESS */
};

/* Plugs a host into the board (the cable is in). */
struct usbhost *usbhost_create(struct vboard *b, const struct usbhost_config *config);
void usbhost_destroy(struct usbhost *h);
void usbhost_plug(struct usbhost *h, bool in); /* the cable; out: no SOF, the pull-up goes nowhere */

/* A device that does not answer its enumeration (four tries) stays UH_ATTACHED until it is plugged or reset
 * again. UH_RESET: being reset or enumerated; without `enumerate` also the state after it. */
enum usbhost_state { UH_DETACHED, UH_ATTACHED, UH_RESET, UH_ADDRESSED, UH_CONFIGURED, UH_SUSPENDED };
enum usbhost_state usbhost_state(const struct usbhost *h);
unsigned usbhost_attach_count(const struct usbhost *h); /* how often a pull-up appeared */
/* The 18 bytes of the device descriptor; NULL: not read yet, or no device. */
const uint8_t *usbhost_device_descriptor(const struct usbhost *h);
/* The current configuration's descriptor, else that of the first: wTotalLength bytes; NULL: not known. */
const uint8_t *usbhost_config_descriptor(const struct usbhost *h);

enum {
    UH_OK = 0,
    UH_PENDING = 1,
    UH_STALL = -32,
    UH_GONE = -108,
    UH_NO_ANSWER = -71,
    UH_TIMEOUT = -110,
    UH_OVERFLOW = -75, /* more data than wanted, or than the endpoint's packet size */
    UH_SHORT = -121,   /* with short_not_ok */
    UH_CANCELLED = -104,
    UH_LATE = -18,    /* isochronous: a packet that had no frame, or no room in it */
    UH_INVALID = -22, /* not a transfer for this endpoint */
    UH_NO_ROOM = -28  /* isochronous: more than 90 % of a frame would be periodic */
};

/* One packet of an isochronous transfer, one frame of its endpoint. OUT: nobody knows whether it has arrived.
 * IN: UH_NO_ANSWER if nothing came, UH_OVERFLOW if it was longer than `length`; `actual` is then 0. */
struct usbhost_packet {
    uint32_t offset, length; /* in the transfer's data; at most wMaxPacketSize */
    uint32_t actual;         /* results */
    int status;
};

/* One transfer (URB). Owned by the caller until `status` is no longer UH_PENDING. */
struct usbhost_transfer {
    uint8_t endpoint; /* 0x00 / 0x80 control, 0x01.. OUT, 0x81.. IN */
    uint8_t setup[8]; /* control only; direction is that of bmRequestType */
    uint8_t *data;
    uint32_t length;  /* wanted */
    bool zero_packet; /* bulk OUT: end a full-length transfer with a zero-length packet */
    bool short_not_ok;
    uint64_t timeout_ns; /* 0: none */
    /* Isochronous only. Transfers that are queued one behind the other are one stream without a gap; one that
     * finds the queue empty and its frame gone begins in the next. UH_OK does not look at the packets. */
    struct usbhost_packet *packets;
    uint32_t packet_count;
    /* results */
    int status; /* UH_… */
    uint32_t actual;
    uint32_t naks;
    uint16_t start_frame;   /* isochronous: of its first packet, as in that frame's SOF */
    uint32_t packet_errors; /* how many packets are not UH_OK */
    void (*done)(struct usbhost_transfer *t, void *arg); /* may submit again; may be NULL */
    void *arg;
    struct usbhost_transfer *next; /* the host's, like the rest */
    uint64_t deadline;
};
/* False: `status` says why, UH_GONE, UH_INVALID or UH_NO_ROOM. While the port is being reset or suspended,
 * transfers wait. */
bool usbhost_submit(struct usbhost *h, struct usbhost_transfer *t);
/* `done` is called with UH_CANCELLED before this returns; nothing happens if t is no longer pending. */
void usbhost_cancel(struct usbhost *h, struct usbhost_transfer *t);

/* Synchronous: run the board until done, not to be called from `done` or from an event listener. Return the
 * status; *actual may be NULL. */
int usbhost_control(struct usbhost *h, uint8_t type, uint8_t request, uint16_t value, uint16_t index,
                    void *data, uint16_t length, uint32_t *actual);
int usbhost_bulk(struct usbhost *h, uint8_t endpoint, void *data, uint32_t length, uint64_t timeout_ns,
                 uint32_t *actual);
/* Runs until a device is addressed (true) or ns have passed. */
bool usbhost_wait_attached(struct usbhost *h, uint64_t ns);
bool usbhost_wait_detached(struct usbhost *h, uint64_t ns);
int usbhost_configure(struct usbhost *h, uint8_t configuration); /* SET_CONFIGURATION; toggles restart */
void usbhost_bus_reset(struct usbhost *h); /* reset, then address again (same address 1..127) */
/* The same without running the board: the state is UH_RESET when this returns, and UH_ADDRESSED some time
 * later while the board runs. Pending transfers end with UH_GONE. For the USB/IP server. */
void usbhost_bus_reset_start(struct usbhost *h);
void usbhost_suspend(struct usbhost *h, bool suspend);

/* Raw packets for tests of the device block; h's own traffic is held meanwhile. */
struct usbhost_raw {
    int answer;
    uint8_t data[1023];
    size_t size;
};
struct usbhost_raw usbhost_token_setup(struct usbhost *h, unsigned addr, unsigned ep,
                                       const uint8_t packet[8]);
struct usbhost_raw usbhost_token_out(struct usbhost *h, unsigned addr, unsigned ep, unsigned toggle,
                                     const void *data, size_t size, bool bad);
struct usbhost_raw usbhost_token_in(struct usbhost *h, unsigned addr, unsigned ep, bool ack);

#endif
