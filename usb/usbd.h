/* A USB device core: the default control pipe of USB 2.0 chapter 9, configuration and endpoints.
 *
 * It knows no register: below it is a driver (struct usb_driver), above it are functions (CDC, DFU:
 * struct usbd_function). It runs in the context in which the driver calls it, the USB interrupt;
 * functions are called there too. Calls from elsewhere have to keep that interrupt out.
 * There is one USB device in a firmware, so there is one instance. */
#ifndef USB_USBD_H
#define USB_USBD_H

#include "usb/usb.h"
#include <stdbool.h>
#include <stddef.h>

enum { USBD_EP0_SIZE = 64, USBD_SCRATCH = 256, USBD_ENDPOINTS = 8, USBD_INTERFACES = 4 };

/* 1: no endpoint but 0 is ever used, as in a bootloader; what is for others is left out. */
#ifndef USBD_CONTROL_ONLY
#define USBD_CONTROL_ONLY 0
#endif
/* 0: no interface has more than one setting, and they are numbered from 0 on. */
#ifndef USBD_ALTERNATES
#define USBD_ALTERNATES 1
#endif
/* 1: the block is on and connected before usbd_init, which only takes over. */
#ifndef USBD_CONNECTED
#define USBD_CONNECTED 0
#endif

/* ---- below: the driver ------------------------------------------------------------------- */

/* `ep` is an endpoint address: number, and USB_DIR_IN for IN. Endpoint 0 has both directions. */
struct usb_driver {
    void (*start)(void);           /* powers the block; not yet connected, no event before connect(true) */
    void (*connect)(bool on);      /* pull-up on DP */
    void (*address)(uint8_t addr); /* answer to this address from now on */
    void (*open)(uint8_t ep, uint8_t type, uint16_t size); /* NAK, data toggle 0; IN and OUT one by one */
    void (*close)(uint8_t ep);                             /* no answer from now on */
    /* Hands a packet to an idle IN endpoint; usbd_on_sent follows when the host has it. */
    void (*write)(uint8_t ep, const void *data, uint16_t size);
    /* Lets an OUT endpoint take one packet; usbd_on_received follows. Endpoint 0 before a status
     * stage: `status` asks the hardware to stall anything but a zero-length packet. */
    void (*accept)(uint8_t ep, bool status);
    /* Takes the packet that usbd_on_received or usbd_on_setup announced (endpoint 0: always, before that
     * returns), at most `room` bytes; returns its length, which is larger than room if bytes were dropped. */
    uint16_t (*read)(uint8_t ep, void *data, uint16_t room);
    /* STALL, or back to NAK with data toggle 0. Endpoint 0: both directions until the next SETUP. */
    void (*stall)(uint8_t ep, bool on);
    void (*wake)(bool on);   /* drives resume signalling (1 to 15 ms) */
    uint16_t (*frame)(void); /* number of the last frame, 0-2047 */
};

/* What the driver reports. After a bus reset endpoint 0 is open and the address is 0. */
void usbd_on_reset(void);
void usbd_on_setup(void);          /* it waits to be read, as the other packets of endpoint 0 */
void usbd_on_received(uint8_t ep); /* OUT: a packet waits to be read */
void usbd_on_sent(uint8_t ep);     /* IN: the packet was acknowledged */
void usbd_on_suspend(bool suspended);

/* ---- above: the functions ---------------------------------------------------------------- */

enum usbd_answer {
    USBD_FAIL, /* not mine or refused: STALL */
    USBD_ACK,  /* go on */
    USBD_LATER /* NAK until usbd_control_reply() */
};

/* One control request on its way. */
struct usbd_control {
    struct usb_setup setup;
    uint8_t *data;      /* what to send, or where to put what comes */
    uint16_t size;      /* preset 0. Device to host: bytes to send (the core clips to wLength).
                           Host to device: room in data; in data(), bytes received */
    void (*done)(void); /* Invoked after the status stage; may be left NULL */
};

enum usbd_event {
    USBD_RESET,      /* bus reset: not configured */
    USBD_CONFIGURED, /* arg: configuration, 0 = not configured. Endpoints are open, toggles 0 */
    USBD_INTERFACE,  /* arg: interface; its alternate setting (usbd_alternate) was selected anew */
    USBD_RECEIVED,   /* arg: OUT endpoint */
    USBD_SENT,       /* arg: IN endpoint */
    USBD_UNSTALLED,  /* arg: endpoint whose halt the host has cleared (toggle 0, NAK) */
};

struct usbd_function {
    /* Invoked for every request that the core does not answer, of whatever type. IN: fill data and size. OUT:
     * check, set data and size if wLength > 0; data() follows then. The first function that does not answer
     * USBD_FAIL has the request. */
    enum usbd_answer (*setup)(struct usbd_control *c);
    /* Invoked when the data stage of an OUT request is complete. May be NULL. */
    enum usbd_answer (*data)(struct usbd_control *c);
    /* Invoked for every event. May be NULL. */
    void (*event)(enum usbd_event event, uint8_t arg);
};

/* What makes up a device. Everything is constant; strings may be generated. */
struct usbd_device {
    const struct usb_driver *driver;
    const struct usb_device_descriptor *device;
    const struct usb_config_descriptor *configuration; /* followed by the rest of wTotalLength */
    const struct usb_bos_descriptor *bos;              /* NULL: none */
    const char *(*string)(uint8_t index);         /* index 1-255: ASCII, at most 126 characters; NULL: none */
    const struct usbd_function *const *functions; /* ends with NULL */
};

/* The names of the device and of its only function, in a firmware that has the bytes of a call through a
 * pointer to save. Without them it is what usbd_init is told. */
#ifdef USBD_DEVICE
extern const struct usbd_device USBD_DEVICE;
extern const struct usbd_function USBD_FUNCTION;
#endif

/* Takes over the device; does not connect. */
void usbd_init(const struct usbd_device *device);
void usbd_connect(bool on);

/* Answers a request that was put off with USBD_LATER; c as the function left it. Does nothing if the
 * host has given the request up meanwhile (a new SETUP, a reset). */
void usbd_control_reply(enum usbd_answer answer);
/* Such a request while it waits, else NULL. */
struct usbd_control *usbd_control_waiting(void);

bool usbd_addressed(void); /* a host has given it an address, since the last bus reset */
bool usbd_configured(void);
bool usbd_suspended(void);
uint8_t usbd_alternate(uint8_t interface);
bool usbd_stalled(uint8_t ep);
/* Endpoints other than 0. All return false and do nothing if the device is not configured or the
 * endpoint is not open; write also while a packet is on its way. */
bool usbd_write(uint8_t ep, const void *data, uint16_t size);
bool usbd_accept(uint8_t ep);
bool usbd_stall(uint8_t ep);
bool usbd_writable(uint8_t ep);
uint16_t usbd_read(uint8_t ep, void *data, uint16_t room); /* the packet of USBD_RECEIVED */
uint16_t usbd_frame(void);
/* Wakes a sleeping host, if it has allowed that: call with true, and 1 to 15 ms later with false. */
bool usbd_remote_wake(bool on);

#endif
