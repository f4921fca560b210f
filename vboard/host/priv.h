/* What the files of the in-process USB host share. struct usbhost is plain data and handed to the
 * board with board_keep, so a snapshot of the board includes it. Transfers belong to their callers:
 * one that is pending when a snapshot is taken has to be there, unchanged, when it is restored (keep
 * it and its data with board_keep too); the host's own ones are inside struct usbhost. */
#ifndef VBOARD_HOST_PRIV_H
#define VBOARD_HOST_PRIV_H

#include "board.h"
#include "chip/chip.h"
#include "chip/usbfs.h"
#include "host/usbhost.h"

enum { UH_CONFIGS = 4096, UH_SYNC = 65536, UH_TRIES = 3 };

enum pipe_type { PIPE_CONTROL, PIPE_ISOCHRONOUS, PIPE_BULK, PIPE_INTERRUPT };

/* One direction of one endpoint; control endpoints use the OUT one. */
struct pipe {
    uint8_t type;      /* enum pipe_type, as in bmAttributes */
    uint16_t packet;   /* wMaxPacketSize */
    uint16_t interval; /* frames between transactions of an interrupt or isochronous endpoint */
    bool toggle;
    uint8_t silent;      /* tries without an answer in a row */
    uint8_t stage;       /* of the control transfer at the head: enum stage */
    bool zero_due;       /* the zero-length packet at the end is still to be sent */
    uint32_t next_frame; /* first frame in which it is polled again */
    uint32_t packet_at;  /* isochronous: which of the head's */
    struct usbhost_transfer *head, *tail;
};

enum stage { STAGE_SETUP, STAGE_DATA, STAGE_STATUS };

/* The port. Each state but EMPTY, READY, FAILED and SUSPENDED ends by itself at port_at. */
enum port {
    PORT_EMPTY,     /* nothing attached */
    PORT_SETTLE,    /* pull-up seen, contact debounce */
    PORT_RESET,     /* SE0 */
    PORT_RECOVER,   /* TRSTRCY */
    PORT_ENUMERATE, /* the host's own transfers; others wait */
    PORT_ADDRESSED, /* TDSETADDR, behind a reset on request */
    PORT_READY,
    PORT_FAILED, /* did not answer the enumeration: left alone until it is plugged or reset again */
    PORT_SUSPENDED,
    PORT_RESUME, /* K */
    PORT_RESUMED /* TRSMRCY */
};

enum enum_step { ENUM_FIRST, ENUM_ADDRESS, ENUM_DEVICE, ENUM_CONFIG_HEAD, ENUM_CONFIG };

struct usbhost {
    struct vboard *board;
    struct chip *chip;
    struct usbhost_config config;
    bool plugged, pullup;
    enum port port;
    ps_t port_at;
    const char *told; /* the last usb event */
    unsigned attach_count;
    ps_t left_at; /* when the device was last detached */

    /* frames: SOF at sof_at, transaction slots evenly spread behind it */
    uint32_t frame;   /* number of SOFs sent, 11 bits of it on the wire */
    ps_t sof_at;      /* of the running frame; the next is 1 ms later */
    unsigned slot;    /* next free slot of the running frame */
    unsigned turn;    /* pipe that had the last transaction, for round robin */
    uint32_t iso_due; /* isochronous pipes that still have a packet in this frame: bit 2 * number + in */
    ps_t iso_end;     /* until then such packets have this frame */

    /* the device */
    uint8_t address, configuration;
    uint8_t device[18]; /* device descriptor, as far as seen; device[0] 0: not */
    uint8_t configs[UH_CONFIGS];
    uint32_t configs_size;
    struct pipe pipes[2][16]; /* [in][number] */

    /* enumeration */
    enum enum_step step;
    uint8_t tries, config_index;
    bool readdress; /* a bus reset on request: only the address is set again */
    ps_t own_at;    /* not before: TDSETADDR */
    struct pipe own_pipe;
    struct usbhost_transfer own;
    uint8_t own_data[UH_CONFIGS];

    /* synchronous calls */
    struct usbhost_transfer sync;
    uint8_t sync_data[UH_SYNC];
};

/* The pipes of the device in one row, that of round robin: i / 2 is the endpoint's number, i & 1 is IN. */
enum { PIPES = 32 };
static inline struct pipe *host_pipe(struct usbhost *h, unsigned i)
{
    return &h->pipes[i & 1][i / 2];
}

/* usbhost.c */
void host_plan(struct usbhost *h); /* sets the alarm */
/* The port's state, and after which time it ends by itself; PS_NEVER: not. */
void host_set_port(struct usbhost *h, enum port port, ps_t length);
void host_enumeration_failed(struct usbhost *h); /* tries again, or gives up */

/* queue.c */
void host_finish(struct usbhost *h, struct pipe *p, int status); /* the head of p is over */
void host_gone(struct usbhost *h, int status);                   /* all that is queued is */
/* Ends one that is out of time, or left over from another alternate setting. False: there is none. */
bool host_end_one(struct usbhost *h, ps_t now);
ps_t host_first_deadline(struct usbhost *h); /* PS_NEVER: none */

/* isochronous.c */
/* UH_OK, or why t, not yet in p's queue, cannot be done. */
int host_iso_check(struct usbhost *h, const struct pipe *p, const struct usbhost_transfer *t);
/* It is about to be queued. */
void host_iso_begin(struct usbhost *h, struct pipe *p, struct usbhost_transfer *t);
void host_iso_frame(struct usbhost *h);    /* after a SOF: what is due in this frame */
ps_t host_iso_end(struct usbhost *h);      /* when this frame's next such packet is over; PS_NEVER: none */
void host_iso_transact(struct usbhost *h); /* that packet */

/* transact.c: one transaction in one slot. False: nothing to do. */
bool host_transact(struct usbhost *h);
bool host_has_work(struct usbhost *h);

/* enumerate.c */
void host_enumerate(struct usbhost *h);     /* after a bus reset */
void host_forget_device(struct usbhost *h); /* it was unplugged */
void host_default_pipes(struct usbhost *h); /* after a bus reset */
/* A control transfer was successful: learn addresses, packet sizes, toggles from it. */
void host_learn(struct usbhost *h, const struct usbhost_transfer *t);

#endif
