/* A USB device in place of firmware, for tests of the host: it is polled in virtual time and drives the
 * chip's USB block over the bus as a program would. Endpoint 0, a bulk loop (1 OUT to 2 IN), an interrupt
 * endpoint (3 IN, every 5 ms), and vendor requests that misbehave on demand. */
#ifndef TEST_SOFT_DEVICE_H
#define TEST_SOFT_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct vboard;
struct soft_device;

enum {
    SOFT_STORE = 0x51, /* OUT: data is kept */
    SOFT_FETCH = 0x52, /* IN: gives back at most wValue bytes of it */
    SOFT_STALL = 0x53, /* STALL */
    SOFT_NEVER = 0x54, /* NAK for ever */
    SOFT_MUTE = 0x55,  /* from now on no answer at all */
    SOFT_FLOOD = 0x56, /* IN: a packet larger than asked for */
    SOFT_HALT = 0x57,  /* endpoint 2 IN stalls */
    SOFT_FLIP =
        0x59, /* the toggle of endpoint 2 IN is turned: the host takes its next packet for an old one */
    SOFT_NAKS = 0x58 /* the answer to this request is NAKed for wValue ms */
};

/* Takes the place of the descriptors and requests above. */
struct soft_class {
    const uint8_t *config; /* configuration descriptor, one configuration */
    unsigned config_size;
    const char *const *strings; /* string 1 and on, ASCII; NULL at the end */
    /* A request that is not a standard one, with its data: the number of bytes for `in` (at most 4096; 0 for
     * an OUT request), or -1 for STALL. SET_INTERFACE is passed on as well. */
    int (*request)(void *arg, const uint8_t setup[8], const uint8_t *out, unsigned size, uint8_t *in);
    void (*reset)(void *arg); /* bus reset; may be NULL */
    void *arg;
};

struct soft_seen {
    unsigned resets, setups, interrupts, suspends, wakes, configured, address;
    uint8_t last_setup[8];
};

/* Powers a board without firmware up and puts the device on it; it attaches at once. `packet0` is the
 * size of endpoint 0: 8, 16, 32 or 64. The board keeps it until soft_device_destroy. */
struct soft_device *soft_device_create(struct vboard *b, unsigned packet0);
void soft_device_class(struct soft_device *d, const struct soft_class *k);
void soft_device_destroy(struct soft_device *d);
const struct soft_seen *soft_seen(const struct soft_device *d);
/* It listens to a new address so long after the status stage of SET_ADDRESS. */
void soft_slow_address(struct soft_device *d, unsigned us);
void soft_detach(struct soft_device *d);
void soft_attach(struct soft_device *d);
void soft_remote_wake(struct soft_device *d);

#endif
