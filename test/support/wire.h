/* Control transfers packet by packet, with what can go wrong on a wire or in a host: stages left out,
 * packets lost, repeated, damaged, too long, with the wrong toggle. */
#ifndef TEST_SUPPORT_WIRE_H
#define TEST_SUPPORT_WIRE_H

#include "host/usbhost.h"
#include <stdbool.h>
#include <stdint.h>

enum wire_fault {
    WIRE_NONE,
    WIRE_STOP_SETUP,    /* the host gives up after the SETUP */
    WIRE_STOP_DATA,     /* after `at` packets of data */
    WIRE_NO_STATUS,     /* before the status stage */
    WIRE_SETUP_AGAIN,   /* SETUP once more after `at` packets, and from the start */
    WIRE_LONG,          /* more data than wLength (OUT) */
    WIRE_SHORT,         /* less: the data ends with a short packet (OUT) */
    WIRE_TOGGLE,        /* packet `at` comes with the wrong toggle first */
    WIRE_REPEAT,        /* packet `at` comes twice: the handshake was lost */
    WIRE_DAMAGED,       /* packet `at` comes with a CRC error first */
    WIRE_STATUS_EARLY,  /* the host ends an IN transfer after `at` packets */
    WIRE_STATUS_DATA,   /* data in the status stage (IN) */
    WIRE_OTHER_WAY,     /* tokens of the other direction within the data */
    WIRE_STATUS_REPEAT, /* the handshake of the status stage was lost, and it is repeated (IN token) */
    WIRE_FAULTS
};

enum wire_end {
    WIRE_DONE, /* all stages were carried out */
    WIRE_STALLED,
    WIRE_GIVEN_UP, /* by the host, as it was told */
    WIRE_SILENT,   /* no answer to a SETUP */
    WIRE_TIMED_OUT /* NAK for longer than WIRE_LIMIT_MS */
};
enum { WIRE_LIMIT_MS = 4000 };

struct wire {
    struct vboard *board;
    struct usbhost *host;
    unsigned address;
    unsigned gap_ns; /* between packets */
};

struct wire_result {
    enum wire_end end;
    uint32_t size; /* bytes of data that were acknowledged (OUT) or received (IN) */
    bool whole;    /* the data stage is over for the device: all of wLength, or a short packet */
};

/* `data`: room for wLength + 64 bytes. */
struct wire_result wire_control(const struct wire *w, const uint8_t setup[8], uint8_t *data,
                                enum wire_fault fault, unsigned at);

const char *wire_fault_name(unsigned fault);

#endif
