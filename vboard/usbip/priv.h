/* What the files of the USB/IP server share: the server, its clients, the transfers under way. */
#ifndef VBOARD_USBIP_PRIV_H
#define VBOARD_USBIP_PRIV_H

#include "host/usbhost.h"
#include "net/listen.h"
#include "usbip/protocol.h"
#include "usbip/usbip.h"
#include <stdbool.h>

/* Bounds on what a client may make the server hold. Linux's usbfs allows 16 MB in flight by default. */
enum {
    TRANSFER_MAX = 16 << 20, /* bytes in one transfer */
    FLIGHT_MAX = 32 << 20,   /* bytes in all transfers under way, with descriptors of isochronous packets */
    URBS_MAX = 1024,         /* transfers under way */
    OUT_PAUSE = 1 << 20      /* unsent bytes from which on no more requests are read */
};
#define BUSY_NS  2000000U
#define GRACE_NS 50000000U /* of -108 answers before the connection of a device that left is closed */

/* A client: one TCP connection. It is read piece by piece: `want` bytes to `into`, then `complete`. */
struct client {
    int fd; /* -1: free */
    uint64_t since;
    char name[NET_NAME];

    uint8_t header[URB_SIZE];
    uint8_t *into; /* NULL: `want` bytes are read and dropped */
    size_t have, want;
    bool (*complete)(struct usbip *u, struct client *c); /* false: throw the client out */

    uint8_t *out; /* unsent answers: out[sent..queued) */
    size_t sent, queued, room;
    bool failed;        /* the connection is of no more use */
    const char *reason; /* why it is thrown out */
};

/* A transfer under way. */
struct urb {
    struct usbhost_transfer t;
    struct usbip *u;
    struct urb *next;
    uint32_t sequence;
    bool in, silent; /* silent: nobody waits for the answer any more */
    uint32_t room;
    uint8_t data[]; /* room bytes: the transfer's, then the descriptors of its isochronous packets */
};

struct usbip {
    struct usbhost *host;
    struct usbip_config config;
    int listener;
    uint16_t port;
    uint64_t wall;
    uint64_t asked; /* when a transfer was last submitted */
    struct client clients[USBIP_CLIENTS];

    bool present;          /* a device is enumerated and may be imported */
    unsigned attach_count; /* of that device */

    struct client *importer; /* NULL: nobody has imported the device */
    bool leaving;            /* the importer's device has left: answer -108 until leave_at, then close */
    uint64_t leave_at;
    struct urb *urbs;      /* submitted to the host */
    struct urb *receiving; /* its OUT data is being read */
    size_t urb_count, flight;
};

/* client.c */
void client_open(struct client *c, int fd, uint64_t wall, const char *name);
void client_close(struct client *c);
void client_expect(struct client *c, uint8_t *into, size_t want,
                   bool (*complete)(struct usbip *u, struct client *c));
void client_send(struct client *c, const void *bytes, size_t size); /* queues, sends what goes at once */
void client_flush(struct client *c);
void client_read(struct usbip *u, struct client *c);
bool client_paused(const struct client *c);

/* requests.c: before an import */
void requests_begin(struct client *c);

/* isochronous.c: descriptors of packets */
/* Reads those behind the data; they are freed with iso_free. False: out of memory. */
bool iso_read(struct urb *urb);
void iso_free(struct urb *urb);
/* Puts what became of them into the answer's header, the data of IN packets and the descriptors behind it. */
void iso_header(const struct urb *urb, uint8_t *header);
void iso_send(struct urb *urb, struct client *c);

/* urbs.c: after it */
void urbs_begin(struct usbip *u, struct client *c);
void urbs_device_left(struct usbip *u); /* answers all with -108 */
void urbs_client_left(struct usbip *u); /* cancels all without an answer */

#endif
