/* libusb with devices that a test makes up: what tools/usb.c and tools/dfu.c call of it. */
#ifndef TEST_SUPPORT_FAKEUSB_H
#define TEST_SUPPORT_FAKEUSB_H

#include <stdbool.h>
#include <stdint.h>

enum { FAKE_DEVICES = 4 };

struct fake_device {
    bool there;                   /* on the bus */
    const char *product, *serial; /* NULL: it has none */
    bool run_time, dfu_mode;      /* has RUN_TIME_INTERFACE, DFU_INTERFACE, of class DFU */
    uint8_t bus, address;
    uint8_t port; /* of the root hub; 23: port 3 of a hub at its port 2; 0: nobody knows */
    /* Errors of opening it, of claiming its interface, of asking for its strings. */
    int denied, in_use, mute;
};
enum { RUN_TIME_INTERFACE = 3, DFU_INTERFACE = 5 };

extern struct fake_device fake_device[FAKE_DEVICES];
/* What is open: handles, contexts, lists, descriptors; far from 0 if what libusb does not allow was done.
 * What was claimed and set last, -1: nothing. */
extern int fake_open, fake_claimed, fake_set;
extern int fake_init_error, fake_list_error;
/* No devices, and nothing is open. */
void fake_usb_clear(void);

/* To be defined by a test that needs them: invoked before each look at the bus; requests to the interface
 * that is claimed, as libusb's, from hosts that wait long enough; string descriptors other than product and
 * serial number. */
void fake_look(void);
int fake_request(struct fake_device *d, uint8_t type, uint8_t request, uint16_t value, uint8_t *data,
                 uint16_t size);
const char *fake_string(uint8_t index);

/* What the tools say where no board is. */
#define NOBODY                                                                                               \
    "there is no sureboot in DFU mode on USB: sureboot flash leads an application there by its serial "      \
    "--port, docs/how-it-boots.md has all ways"

#endif
