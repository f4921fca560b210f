/* What usbd.c and standard.c share: the state of the device. Nobody else includes this. */
#ifndef USB_USBD_INTERNAL_H
#define USB_USBD_INTERNAL_H

#include "usb/usbd.h"

/* Stages of a control transfer as the device sees them. DATA_IN ends with the status of the host, which may
 * come early. WAITING: a function will answer later. */
enum usbd_stage { STAGE_IDLE, STAGE_DATA_IN, STAGE_DATA_OUT, STAGE_STATUS_IN, STAGE_WAITING };

enum { EP_OPEN = 1, EP_BUSY = 2, EP_STALLED = 4 };

/* What is small comes first: short instructions reach no further. */
struct usbd {
    uint8_t stage;
    bool remote_wake;      /* the host has allowed it */
    uint8_t address;       /* not 0: address state */
    uint8_t configuration; /* not 0: configured state */
    uint16_t left;         /* of wLength: how many bytes may still come or go */
    struct usbd_control control;
    const struct usbd_device *device;
    uint8_t alternate[USBD_INTERFACES];
    uint8_t flags[2][USBD_ENDPOINTS]; /* OUT, IN */
    uint8_t scratch[USBD_SCRATCH] __attribute__((aligned(4)));
};
extern struct usbd usbd;

#ifdef USBD_DEVICE
#define USBD (&USBD_DEVICE)
#else
#define USBD usbd.device
#endif

/* Standard requests, USB 2.0 9.4. */
enum usbd_answer usbd_standard(struct usbd_control *c);
/* Closes all endpoints and opens those of the configuration (0: none). */
void usbd_configure(uint8_t configuration);

void usbd_tell(enum usbd_event event, uint8_t arg);
uint8_t *usbd_flags(uint8_t ep); /* of a valid endpoint address */
bool usbd_open_endpoint(uint8_t ep);

#endif
